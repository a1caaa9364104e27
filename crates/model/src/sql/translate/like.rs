//! LIKE and GLOB. Owns their patterns; never runs one.

use super::typed::{Kind, Literal, Typed};
use super::{Translated, Translator, refuse};
use crate::ident;
use crate::sql::ast::{Expr, Like};

impl Translator<'_> {
    /// `x LIKE pattern`. Source: <https://sqlite.org/lang_expr.html#like>.
    pub(super) fn like(
        &self,
        op: Like,
        x: &Expr,
        pattern: &Expr,
        escape: Option<&Expr>,
        negated: bool,
    ) -> Translated<Typed> {
        match op {
            Like::Regexp => return refuse("REGEXP calls a function that the application brings"),
            Like::Match => return refuse("MATCH is for virtual tables"),
            Like::Like | Like::Glob => {}
        }
        let (x, pattern) = (self.typed(x)?, self.typed(pattern)?);
        let escape = escape.map(|e| self.typed(e)).transpose()?;
        let not = if negated { "NOT " } else { "" };
        if [Some(&x), Some(&pattern), escape.as_ref()].into_iter().flatten().any(|v| v.kind == Kind::Null) {
            return Ok(Typed::condition("NULL::boolean".into()));
        }
        let subject = self.text_of(&x)?;
        let sql = if op == Like::Glob {
            match &pattern.literal {
                Some(Literal::Text(p)) => match glob(p) {
                    Glob::Like(p) => format!("({subject} {not}LIKE {})", ident::literal(&p)),
                    Glob::Regex(p) => {
                        let op = if negated { "!~" } else { "~" };
                        format!("({subject} COLLATE \"C\" {op} {})", ident::literal(&p))
                    }
                    Glob::Never => {
                        let answer = if negated { "TRUE" } else { "FALSE" };
                        format!("(CASE WHEN {subject} IS NOT NULL THEN {answer} END)")
                    }
                },
                _ => format!("({not}{})", self.help("sqlite_glob", &[&self.text_of(&pattern)?, &subject])?),
            }
        } else {
            match (&pattern.literal, escape.as_ref().map(|e| e.literal.as_ref())) {
                (Some(Literal::Text(p)), None) => self.like_literal(&subject, not, &like(p, None).unwrap_or_default()),
                (Some(Literal::Text(p)), Some(Some(Literal::Text(e)))) if e.chars().count() == 1 => {
                    match like(p, e.chars().next()) {
                        Some(p) => self.like_literal(&subject, not, &p),
                        None if negated => format!("(CASE WHEN {subject} IS NOT NULL THEN TRUE END)"),
                        None => format!("(CASE WHEN {subject} IS NOT NULL THEN FALSE END)"),
                    }
                }
                (_, None) => {
                    let p = self.text_of(&pattern)?;
                    format!("(lower({subject} COLLATE \"C\") {not}LIKE lower({p} COLLATE \"C\") ESCAPE '')")
                }
                (_, Some(_)) => {
                    let escape = escape.as_ref().map(|e| self.text_of(e)).transpose()?.unwrap_or_default();
                    let like = self.help("sqlite_like", &[&self.text_of(&pattern)?, &subject, &escape])?;
                    format!("({not}{like})")
                }
            }
        };
        Ok(Typed::condition(sql))
    }

    /// A pattern without letters needs no lower().
    fn like_literal(&self, subject: &str, not: &str, pattern: &str) -> String {
        let lower = pattern.to_ascii_lowercase();
        if pattern.chars().any(|c| c.is_ascii_alphabetic()) {
            return format!("(lower({subject} COLLATE \"C\") {not}LIKE {})", ident::literal(&lower));
        }
        format!("({subject} {not}LIKE {})", ident::literal(&lower))
    }
}

/// A pattern of LIKE with its escapes written as PostgreSQL's; `None` where it matches nothing.
fn like(pattern: &str, escape: Option<char>) -> Option<String> {
    let mut out = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            let next = chars.next()?;
            if matches!(next, '%' | '_' | '\\') {
                out.push('\\');
            }
            out.push(next);
        } else {
            if c == '\\' {
                out.push('\\');
            }
            out.push(c);
        }
    }
    Some(out)
}

enum Glob {
    /// A pattern of LIKE.
    Like(String),
    /// A regular expression.
    Regex(String),
    /// It matches nothing.
    Never,
}

/// A pattern of GLOB. Sets need a regular expression.
fn glob(pattern: &str) -> Glob {
    if pattern.contains('[') {
        return regex(pattern).map_or(Glob::Never, Glob::Regex);
    }
    let mut out = String::new();
    for c in pattern.chars() {
        match c {
            '*' => out.push('%'),
            '?' => out.push('_'),
            '%' | '_' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    Glob::Like(out)
}

fn regex(pattern: &str) -> Option<String> {
    let mut out = String::from("^");
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => {
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                let mut first = true;
                loop {
                    let c = chars.next()?;
                    if c == ']' && !first {
                        break;
                    }
                    let range = c == '-' && !first && chars.peek().is_some_and(|n| *n != ']');
                    if range {
                        out.push('-')
                    } else {
                        literally(c, &mut out)
                    }
                    first = false;
                }
                out.push(']');
            }
            c => literally(c, &mut out),
        }
    }
    out.push('$');
    Some(out)
}

/// A character that stands for itself in a regular expression.
fn literally(c: char, out: &mut String) {
    if !c.is_alphanumeric() && c.is_ascii() && c != '_' {
        out.push('\\');
    }
    out.push(c);
}
