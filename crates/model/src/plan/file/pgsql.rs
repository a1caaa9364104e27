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
            '(' => {
                open += 1;
                if is_query(chars.clone()) {
                    return Some("a DEFAULT cannot ask a query");
                }
            }
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

/// Whether what follows a parenthesis begins a query.
fn is_query(after: impl Iterator<Item = char>) -> bool {
    let word: String = after
        .skip_while(|c| c.is_whitespace() || *c == '(')
        .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
        .collect();
    ["select", "with", "values", "table"].iter().any(|w| w.eq_ignore_ascii_case(&word))
}

#[cfg(test)]
mod tests {
    use super::flaw;

    #[test]
    fn what_would_swallow_the_rest_is_seen() {
        for good in [
            "now()",
            "'it''s'",
            "0",
            "coalesce('a,b', ')')",
            "ARRAY[]::text[]",
            "('select')",
            "f(selected)",
            "'{}'::jsonb",
        ] {
            assert_eq!(flaw(good), None, "{good}");
        }
        for bad in [
            "",
            " ",
            "'a",
            "(1",
            "1)",
            "1, x int",
            "1; DROP TABLE t",
            "1 -- x",
            "/* x",
            "(select 1)",
            "coalesce( ( SELECT 1), 2)",
            "ARRAY(VALUES (1))",
            "$$x",
        ] {
            assert!(flaw(bad).is_some(), "{bad}");
        }
    }
}
