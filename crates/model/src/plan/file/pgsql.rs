//! Looks whether a text can be one expression of PostgreSQL's SQL.
//! Owns that look, which is no parser: it keeps a forgotten quote or parenthesis from swallowing what follows.

/// Why a text cannot be an expression.
pub(super) fn flaw(sql: &str) -> Option<&'static str> {
    if sql.trim().is_empty() {
        return Some("it is empty");
    }
    let mut open = 0_usize;
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\0' => return Some("it holds a NUL character"),
            '\'' | '"' => {
                // A doubled quote ends and begins again, which comes to the same.
                let closed = chars.by_ref().any(|n| n == c);
                if !closed {
                    return Some("a quote is not closed");
                }
            }
            '(' => open += 1,
            ')' if open == 0 => return Some("a parenthesis is closed that was not opened"),
            ')' => open -= 1,
            ',' if open == 0 => return Some("a comma stands outside of parentheses"),
            ';' => return Some("it holds a semicolon"),
            '-' if chars.peek() == Some(&'-') => return Some("it holds a comment"),
            '/' if chars.peek() == Some(&'*') => return Some("it holds a comment"),
            '$' if chars.peek() == Some(&'$') => return Some("it holds a dollar quote"),
            _ => {}
        }
    }
    (open > 0).then_some("a parenthesis is not closed")
}

#[cfg(test)]
mod tests {
    use super::flaw;

    #[test]
    fn what_would_swallow_the_rest_is_seen() {
        for good in ["now()", "'it''s'", "0", "coalesce('a,b', ')')", "ARRAY[]::text[]", "'{}'::jsonb"] {
            assert_eq!(flaw(good), None, "{good}");
        }
        for bad in ["", " ", "'a", "(1", "1)", "1, x int", "1; DROP TABLE t", "1 -- x", "/* x", "$$x"] {
            assert!(flaw(bad).is_some(), "{bad}");
        }
    }
}
