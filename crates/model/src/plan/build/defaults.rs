//! DEFAULTs that are expressions, and what a person must know of them.
//! Owns their findings but for those that are not carried; never translates (see `sql::translate`).

use super::Builder;
use crate::finding::{Finding, codes};
use crate::mapping::shape::Crossing;
use crate::schema::{Column, Table};
use crate::sql::ast::Expr;
use crate::sql::helpers::Used;
use crate::sql::translate;

impl Builder<'_> {
    /// The text of a column's DEFAULT; the functions that it calls are noted.
    pub(super) fn translated_default(
        &mut self,
        ast: &Expr,
        table: &Table,
        column: &Column,
        crossing: &Crossing,
    ) -> Result<Option<String>, String> {
        let used = Used::default();
        let translated = translate::default_with(ast, column, crossing, &used).map_err(|e| e.reason)?;
        self.helpers.extend(&used.names());
        if used.zoned() {
            let sql = column.default.as_ref().map_or("", |d| d.sql.as_str());
            self.findings.push(Finding::note(
                codes::TIME_ZONE,
                format!("{}.{}", table.name, column.name),
                format!("DEFAULT {sql} depends on the time zone of the session, in SQLite on that of the machine"),
                "set TimeZone for the role or the database that the application uses",
            ));
        }
        Ok(translated)
    }
}
