//! How names are written in the target: as in the source, in lower case, or in snake case.
//! Owns that rewriting; never makes a name unique and never quotes one.

use serde::{Deserialize, Serialize};

/// `--names`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameStyle {
    /// Every name as it is.
    #[default]
    Keep,
    /// ASCII letters in lower case: what PostgreSQL makes of a name that is not quoted.
    /// Source: <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS>.
    Lower,
    /// `OrderItem`, `order item` and `ORDER-ITEM` become `order_item`.
    Snake,
}

impl NameStyle {
    /// Every style by its word.
    pub const ALL: [(&'static str, NameStyle); 3] =
        [("keep", NameStyle::Keep), ("lower", NameStyle::Lower), ("snake", NameStyle::Snake)];

    /// Its word.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, s)| *s == self).map_or("keep", |(word, _)| word)
    }

    /// A name in this style.
    pub fn apply(self, name: &str) -> String {
        match self {
            NameStyle::Keep => name.to_owned(),
            NameStyle::Lower => name.to_ascii_lowercase(),
            NameStyle::Snake => snake(name),
        }
    }
}

fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (i, c) in letters.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| letters.get(i));
        let after = letters.get(i + 1);
        if !c.is_alphanumeric() {
            // One for a row of signs; those at the beginning and in the name itself stay.
            if *c == '_' || !out.ends_with('_') && !out.is_empty() && after.is_some() {
                out.push('_');
            }
            continue;
        }
        let begins = c.is_uppercase()
            && (before.is_some_and(|b| b.is_lowercase() || b.is_numeric())
                || before.is_some_and(|b| b.is_uppercase()) && after.is_some_and(|a| a.is_lowercase()));
        if begins && !out.ends_with('_') {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    // A name of signs alone has no such form.
    if out.is_empty() { name.to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found() {
        for (name, want) in [
            ("OrderItem", "order_item"),
            ("orderItemID", "order_item_id"),
            ("HTTPServer", "http_server"),
            ("order item", "order_item"),
            ("ORDER-ITEM", "order_item"),
            ("already_so", "already_so"),
            ("__private", "__private"),
            ("Z_PK", "z_pk"),
            ("a. b", "a_b"),
            ("ÄrgerListe", "ärger_liste"),
            ("v2Name", "v2_name"),
            ("  ", "  "),
            ("", ""),
        ] {
            assert_eq!(NameStyle::Snake.apply(name), want, "{name}");
        }
        assert_eq!(NameStyle::Lower.apply("ÄB c"), "Äb c");
        assert_eq!(NameStyle::Keep.apply("ÄB c"), "ÄB c");
    }
}
