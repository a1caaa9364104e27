//! Reading some columns of a table again, each row with its number: the same rows in the same order as the copy.
//! Owns the statement, the numbers and how a row is named for a person; never decides what becomes of a row.

use crate::error::Result;
use crate::source::select::Reading;
use crate::source::{Reader, Row};
use crate::target::ledger::Range;
use lite2pg_model::ident::sqlite;
use lite2pg_model::plan::TablePlan;
use lite2pg_model::value::Value;

/// Longest value that names a row: what is longer is named by its place.
const LONGEST_KEY: usize = 200;

/// How rows of a table are read again.
pub struct Scan<'a> {
    table: &'a TablePlan,
    columns: Vec<usize>,
    rowid: Option<&'static str>,
    /// Something of SQLite's to compute for each row, after the columns.
    extra: Option<&'a str>,
}

impl<'a> Scan<'a> {
    /// Of these columns, by their places in the plan.
    pub fn new(table: &'a TablePlan, columns: Vec<usize>) -> Scan<'a> {
        Scan { rowid: rowid(table), table, columns, extra: None }
    }

    /// Of every column.
    pub fn whole(table: &'a TablePlan) -> Scan<'a> {
        Scan::new(table, (0..table.columns.len()).collect())
    }

    /// With an expression of SQLite's after the columns.
    pub fn and(mut self, extra: Option<&'a str>) -> Scan<'a> {
        self.extra = extra;
        self
    }

    fn sql(&self, condition: Option<&str>, by_index: bool) -> String {
        Reading::of_plan(self.table).columns_and(self.columns.iter().copied(), self.extra, condition, by_index)
    }

    /// Every row of a range, in reading order, with its number: its rowid, or its place from 1 where it has none.
    ///
    /// # Errors
    /// The source cannot be read, and those of `each`.
    pub fn run(
        &self,
        reader: &mut Reader,
        range: Range,
        mut each: impl FnMut(&Row<'_>, i64) -> Result<()>,
    ) -> Result<()> {
        let bound = |sign: &str, key: i64| self.rowid.map(|rowid| format!("{rowid} {sign} {key}"));
        let bounds = [range.after.and_then(|k| bound(">", k)), range.last.and_then(|k| bound("<=", k))];
        let bounds: Vec<String> = bounds.into_iter().flatten().collect();
        let condition = (!bounds.is_empty()).then(|| bounds.join(" AND "));
        let mut place = 0;
        let at = self.columns.len() + usize::from(self.extra.is_some());
        reader
            .for_each(&self.sql(condition.as_deref(), false), &[], |row| {
                place += 1;
                each(row, number(self.rowid, row, at, place))
            })
            .map_err(|e| if e.object.is_some() { e } else { e.about(&self.table.name) })
    }

    /// The rows for which a condition with parameters holds, each with its number if it has a rowid, else -1.
    ///
    /// # Errors
    /// As [`Scan::run`].
    pub fn find(
        &self,
        reader: &mut Reader,
        condition: &str,
        parameters: &[Value<'_>],
        mut each: impl FnMut(&Row<'_>, i64) -> Result<()>,
    ) -> Result<()> {
        let at = self.columns.len() + usize::from(self.extra.is_some());
        reader
            .for_each(&self.sql(Some(condition), true), parameters, |row| each(row, number(self.rowid, row, at, -1)))
            .map_err(|e| if e.object.is_some() { e } else { e.about(&self.table.name) })
    }
}

/// The name of a table's rowid, where it has one that can be read.
pub fn rowid(table: &TablePlan) -> Option<&'static str> {
    Reading::of_plan(table).rowid()
}

/// The number of a row whose rowid, if it has one, stands at `at`.
#[inline]
pub fn number(rowid: Option<&str>, row: &Row<'_>, at: usize, place: i64) -> i64 {
    match rowid.map(|_| row.get(at)) {
        Some(Value::Integer(rowid)) => rowid,
        _ => place,
    }
}

/// What stands after WHERE in SQLite to see a row whose values are not at hand.
pub fn place(table: &TablePlan, number: i64) -> String {
    match rowid(table) {
        Some(rowid) => format!("{rowid} = {number}"),
        None => format!("true{} LIMIT 1 OFFSET {}", Reading::of_plan(table).order(), number.saturating_sub(1)),
    }
}

/// What stands after WHERE in SQLite to see a row.
pub fn key<'v>(table: &TablePlan, number: i64, value: impl Fn(usize) -> Value<'v>) -> String {
    if rowid(table).is_some() {
        return place(table, number);
    }
    let at = |name: &String| table.columns.iter().position(|c| c.name == *name);
    let terms: Option<Vec<String>> = table
        .source_key
        .iter()
        .map(|name| Some(format!("{} IS {}", sqlite(name), literal(value(at(name)?))?)))
        .collect();
    match terms.filter(|t| !t.is_empty()) {
        Some(terms) => terms.join(" AND "),
        None => place(table, number),
    }
}

/// A value as SQLite's SQL writes it; `None` if that is long.
fn literal(value: Value<'_>) -> Option<String> {
    let long = matches!(value, Value::Text(b) | Value::Blob(b) if b.len() > LONGEST_KEY);
    (!long).then(|| value.sqlite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_what_sqlite_reads_back() {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        let values = [
            Value::Integer(i64::MIN),
            Value::Real(-0.5),
            Value::Real(f64::INFINITY),
            Value::Real(f64::NEG_INFINITY),
            Value::Real(1e300),
            Value::Text(b"it's"),
            Value::Blob(b"\0"),
        ];
        for value in values.into_iter().chain([Value::Text(b"a\0b"), Value::Text(b"\xff"), Value::Null]) {
            let sql = format!("SELECT typeof(v), v FROM (SELECT {} AS v)", literal(value).unwrap());
            db.query_row(&sql, [], |row| {
                assert_eq!(row.get::<_, String>(0)?, value.class().word());
                let back = row.get_ref(1)?;
                match value {
                    Value::Null => {}
                    Value::Integer(i) => assert_eq!(back.as_i64()?, i),
                    Value::Real(r) => assert_eq!(back.as_f64()?, r),
                    Value::Text(b) | Value::Blob(b) => assert_eq!(back.as_bytes()?, b),
                }
                Ok(())
            })
            .unwrap();
        }
    }
}
