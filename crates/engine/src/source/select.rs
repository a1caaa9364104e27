//! The SELECT statements that read a table whole or by key ranges.
//! Owns their text; never runs one.

use super::huge::Long;
use lite2pg_model::ident::sqlite;

/// The name under which a table's rowid can be read: `rowid`, or one of its other names where a column hides it. `None`
/// for tables without one, and where all three names are columns.
pub fn rowid_name<'a>(columns: impl Iterator<Item = &'a str> + Clone, without_rowid: bool) -> Option<&'static str> {
    if without_rowid {
        return None;
    }
    ["rowid", "_rowid_", "oid"].into_iter().find(|name| !columns.clone().any(|c| c.eq_ignore_ascii_case(name)))
}

/// Reads the columns of a table, then its rowid if it has one, never by an index: an index ordered by a collation that
/// only the application has cannot be trusted. With `ranged`, two parameters bound the rowid: after the first, up to
/// the second.
pub fn rows<'a>(
    table: &str,
    columns: impl Iterator<Item = &'a str> + Clone,
    rowid: Option<&str>,
    after: bool,
    last: bool,
) -> String {
    rows_without(table, columns, rowid, after, last, None)
}

/// The columns of a table as a list of what is read.
pub fn columns<'a>(table: &str, columns: impl Iterator<Item = &'a str>) -> Vec<String> {
    // Qualified: such a name is a column or an error, never a string literal.
    let table = sqlite(table);
    columns.map(|c| format!("{table}.{}", sqlite(c))).collect()
}

/// As [`rows`], without long values: what was left out stands at the end.
pub fn rows_without<'a>(
    table: &str,
    columns: impl Iterator<Item = &'a str> + Clone,
    rowid: Option<&str>,
    after: bool,
    last: bool,
    long: Option<&Long>,
) -> String {
    let table_name = sqlite(table);
    let mut list = self::columns(table, columns);
    list.extend(rowid.map(str::to_owned));
    if let Some(long) = long {
        long.leave_out(&mut list);
    }
    if list.is_empty() {
        list.push("1".to_owned());
    }
    let mut sql = format!("SELECT {} FROM {table_name} NOT INDEXED", list.join(", "));
    if let Some(rowid) = rowid {
        let mut bounds = Vec::new();
        if after {
            bounds.push(format!("{rowid} > ?{}", bounds.len() + 1));
        }
        if last {
            bounds.push(format!("{rowid} <= ?{}", bounds.len() + 1));
        }
        if !bounds.is_empty() {
            sql.push_str(&format!(" WHERE {}", bounds.join(" AND ")));
        }
    }
    sql
}
