//! Literals and quoted names of SQLite's SQL as values.
//! Owns quoting and the reading of numbers; never resolves a name.

use crate::sql::ast::Expr;

/// Removes SQLite's quotes (`"`, `'`, backtick, brackets) from a name or a string; other text comes back as it is.
/// Source: <https://sqlite.org/lang_keywords.html>.
pub fn dequote(raw: &str) -> String {
    let mut chars = raw.chars();
    let close = match chars.next() {
        Some('[') => ']',
        Some(q @ ('"' | '\'' | '`')) => q,
        _ => return raw.to_owned(),
    };
    let mut out = String::with_capacity(raw.len());
    while let Some(c) = chars.next() {
        if c == close {
            match chars.next() {
                Some(next) if next == close => out.push(close),
                _ => break,
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A numeric literal as SQLite reads it: hexadecimal wraps to 64 bits, an integer beyond them is a real, `_` may stand
/// between digits. `None` if it is no number.
/// Source: <https://sqlite.org/lang_expr.html#literal_values_constants_>.
pub fn numeric(raw: &str) -> Option<Expr> {
    let digits: String = raw.chars().filter(|c| *c != '_').collect();
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        return u64::from_str_radix(hex, 16).ok().map(|n| Expr::Integer(n as i64));
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if digits.bytes().all(|b| b.is_ascii_digit())
        && let Ok(n) = digits.parse::<i64>()
    {
        return Some(Expr::Integer(n));
    }
    digits.parse::<f64>().ok().map(Expr::Real)
}

/// A blob literal, with or without its `x'…'`.
pub(super) fn blob(raw: &str) -> Option<Vec<u8>> {
    let hex = raw.strip_prefix(['x', 'X']).unwrap_or(raw).trim_matches('\'').as_bytes();
    if !hex.len().is_multiple_of(2) {
        return None;
    }
    let nibble = |b: u8| char::from(b).to_digit(16);
    hex.chunks_exact(2).map(|pair| u8::try_from(nibble(pair[0])? * 16 + nibble(pair[1])?).ok()).collect()
}
