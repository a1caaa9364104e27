//! The JSON functions of SQLite, said in PostgreSQL.
//! Owns which calls these are; never translates any other.

use super::typed::Typed;
use super::{Translated, Translator};
use crate::sql::ast::Expr;

impl Translator<'_> {
    /// A call of one of these functions; `None` if it is another's. Source: <https://sqlite.org/json1.html>.
    pub(super) fn json_call(&self, _name: &str, _args: &[Expr]) -> Translated<Option<Typed>> {
        Ok(None)
    }
}
