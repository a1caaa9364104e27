//! Calls of functions: which part of the translator takes one.
//! Owns that dispatch and what is common to all calls; never translates an aggregate or a function of the application.

use super::trigger::is_sqlites;
use super::typed::{Kind, Typed};
use super::{Translated, Translator, refuse};
use crate::sql::ast::{Expr, Like};

impl Translator<'_> {
    /// A call. Source: <https://sqlite.org/lang_corefunc.html>.
    pub(super) fn call(&self, name: &str, args: &[Expr]) -> Translated<Typed> {
        if let ("iif" | "if", [_, _, ..]) = (name, args) {
            return self.iif(args);
        }
        if let Some(made) = self.by_others(name, args)? {
            return Ok(made);
        }
        let typed = self.all(args)?;
        self.applied(name, &typed)
    }

    /// Functions that look at their arguments before these are translated. It stands apart, as what follows does, so
    /// that nested calls need little stack.
    fn by_others(&self, name: &str, args: &[Expr]) -> Translated<Option<Typed>> {
        if let Some(made) = self.deeper(|| self.of_dates_and_json(name, args))? {
            return Ok(Some(made));
        }
        match (name, args) {
            ("like", [pattern, x]) => self.like(Like::Like, x, pattern, None, false).map(Some),
            ("like", [pattern, x, escape]) => self.like(Like::Like, x, pattern, Some(escape), false).map(Some),
            ("glob", [pattern, x]) => self.like(Like::Glob, x, pattern, None, false).map(Some),
            _ => Ok(None),
        }
    }

    fn of_dates_and_json(&self, name: &str, args: &[Expr]) -> Translated<Option<Typed>> {
        if let Some(made) = self.date_call(name, args)? {
            return Ok(Some(made));
        }
        if let Some(made) = self.json_call(name, args)? {
            return Ok(Some(made));
        }
        self.printf_call(name, args)
    }

    /// What needs more stack for each level than others do counts as several levels.
    pub(super) fn deeper<T>(&self, work: impl FnOnce() -> T) -> T {
        let depth = self.depth.get();
        self.depth.set(depth + 5);
        let done = work();
        self.depth.set(depth);
        done
    }

    /// Several expressions.
    pub(super) fn all(&self, args: &[Expr]) -> Translated<Vec<Typed>> {
        let mut typed = Vec::with_capacity(args.len());
        for arg in args {
            typed.push(self.typed(arg)?);
        }
        Ok(typed)
    }

    fn applied(&self, name: &str, typed: &[Typed]) -> Translated<Typed> {
        if let Some(made) = self.math(name, typed)? {
            return Ok(made);
        }
        match self.scalar(name, typed)? {
            Some(made) => Ok(made),
            None => refuse(unknown(name)),
        }
    }

    /// `iif(when, then, when, then, …, other)`.
    fn iif(&self, args: &[Expr]) -> Translated<Typed> {
        let pairs: Vec<(Expr, Expr)> = args.chunks_exact(2).filter_map(pair).collect();
        let other = if args.len().is_multiple_of(2) { None } else { args.last() };
        self.case(None, &pairs, other)
    }
}

fn pair(two: &[Expr]) -> Option<(Expr, Expr)> {
    match two {
        [when, then] => Some((when.clone(), then.clone())),
        _ => None,
    }
}

/// Why a function is not translated.
fn unknown(name: &str) -> String {
    match name {
        "changes" | "total_changes" | "last_insert_rowid" => {
            format!("{name}() tells of the connection's last statement, which PostgreSQL does not keep")
        }
        "sqlite_version"
        | "sqlite_source_id"
        | "sqlite_compileoption_get"
        | "sqlite_compileoption_used"
        | "sqlite_offset" => {
            format!("{name}() tells of SQLite itself")
        }
        "load_extension" => "load_extension() loads a library into SQLite".into(),
        "regexp" => "regexp() is a function that the application brings".into(),
        _ if !is_sqlites(name) => format!("it calls the application's own function {name}()"),
        _ => format!("the function {name} with these arguments has no sure counterpart"),
    }
}

/// Whether an argument is a literal NULL, which makes most functions NULL.
pub(super) fn any_null(args: &[&Typed]) -> bool {
    args.iter().any(|x| x.kind == Kind::Null)
}
