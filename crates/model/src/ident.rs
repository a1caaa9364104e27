//! Names: quoting for both sides, the 63-byte limit, and unique names within one namespace.
//! Owns how a name is written; never changes one without telling.

use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;

/// Longest identifier PostgreSQL keeps, in bytes (NAMEDATALEN - 1).
/// Source: <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS>.
pub const MAX_BYTES: usize = 63;

/// Quotes a name for PostgreSQL. Always quoted: that keeps every name exactly and needs no list of reserved words.
pub fn pg(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes a schema-qualified name for PostgreSQL.
pub fn pg_in(schema: &str, name: &str) -> String {
    format!("{}.{}", pg(schema), pg(name))
}

/// Quotes a name for SQLite.
pub fn sqlite(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A PostgreSQL string literal, right under any `standard_conforming_strings`.
pub fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') { format!("E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}

/// Cuts a name to 63 bytes at a character border, ending in eight hex digits of its SHA-256, so that two long names
/// that begin alike stay two. Names that fit come back as they are; NUL bytes (which PostgreSQL refuses) are dropped.
pub fn shorten(name: &str) -> String {
    let name: String = name.chars().filter(|c| *c != '\0').collect();
    if name.len() <= MAX_BYTES {
        return name;
    }
    let hash = Sha256::digest(name.as_bytes());
    let tail = format!("_{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]);
    let mut end = MAX_BYTES - tail.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{tail}", &name[..end])
}

/// Hands out names that are unique in one namespace (the relations of a schema, the columns of a table).
#[derive(Debug, Default)]
pub struct Namer {
    taken: BTreeSet<String>,
}

impl Namer {
    /// A namespace in which nothing is taken yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes `wanted`, shortened if it is too long, numbered if it is taken; returns what it became.
    pub fn take(&mut self, wanted: &str) -> String {
        let wanted = if wanted.is_empty() { "unnamed" } else { wanted };
        let base = shorten(wanted);
        if self.taken.insert(base.clone()) {
            return base;
        }
        let mut n: u64 = 1;
        loop {
            let next = shorten(&format!("{wanted}_{n}"));
            if self.taken.insert(next.clone()) {
                return next;
            }
            n += 1;
        }
    }

    /// Whether a name is taken.
    pub fn is_taken(&self, name: &str) -> bool {
        self.taken.contains(name)
    }
}

/// Column names every PostgreSQL table has already.
/// Source: <https://www.postgresql.org/docs/current/ddl-system-columns.html>.
pub fn is_system_column(name: &str) -> bool {
    matches!(name, "tableoid" | "xmin" | "cmin" | "xmax" | "cmax" | "ctid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_that_begin_alike_stay_two() {
        let a = format!("{}a", "é".repeat(40));
        let b = format!("{}b", "é".repeat(40));
        assert!(shorten(&a).len() <= MAX_BYTES && shorten(&a) != shorten(&b));
        assert_eq!(shorten("short"), "short");
    }

    #[test]
    fn quotes_double() {
        assert_eq!(pg("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("it's \\ ok"), "E'it''s \\\\ ok'");
    }

    #[test]
    fn namer_numbers_what_is_taken() {
        let mut n = Namer::new();
        assert_eq!(n.take("t"), "t");
        assert_eq!(n.take("t"), "t_1");
        assert_eq!(n.take("T"), "T");
    }
}
