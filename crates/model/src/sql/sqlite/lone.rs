//! Whether a text that a person wrote is one expression of SQLite's, and one that gives the same each time.
//! Owns these two questions; never resolves a name.

use super::first;
use super::text::{Word, words};
use sqlite3_parser::ast;

/// Functions that give something else each time.
const CHANGING: [&str; 5] = ["random", "randomblob", "changes", "total_changes", "last_insert_rowid"];
/// Functions that give the present when they are asked with `'now'` or with nothing.
const DATES: [&str; 7] = ["date", "time", "datetime", "julianday", "unixepoch", "strftime", "timediff"];
/// Words that mean the present.
const PRESENT: [&str; 3] = ["current_timestamp", "current_date", "current_time"];

/// Why a text is no expression that can be read in a column's place, or stand as a condition.
///
/// # Errors
/// In words for a person.
pub fn lone_expression(sql: &str) -> Result<(), String> {
    // Parentheses that close what they did not open would make of it more than one expression.
    first(&format!("SELECT (\n{sql}\n)"), |stmt| match stmt {
        ast::Stmt::Select(ast::Select {
            with: None,
            body:
                ast::SelectBody {
                    select:
                        ast::OneSelect::Select {
                            distinctness: None,
                            columns: [ast::ResultColumn::Expr(ast::Expr::Parenthesized(one), None)],
                            from: None,
                            where_clause: None,
                            group_by: None,
                            having: None,
                            window_clause: None,
                        },
                    compounds: None,
                },
            order_by: None,
            limit: None,
        }) if one.len() == 1 => Ok(()),
        _ => Err("it is not one expression".into()),
    })?;
    match changing(sql) {
        Some(word) => Err(format!("{word} gives something else each time it is read")),
        None => Ok(()),
    }
}

/// What in the text does not always give the same.
fn changing(sql: &str) -> Option<String> {
    let words = words(sql);
    let is = |list: &[&str], text: &str| list.iter().any(|w| w.eq_ignore_ascii_case(text));
    let dates = words.iter().any(|w| matches!(w, Word::Name(n, _) if is(&DATES, n)));
    for (i, word) in words.iter().enumerate() {
        match word {
            Word::Name(name, call) if *call && is(&CHANGING, name) => return Some(format!("{name}()")),
            Word::Name(name, call) if *call && is(&DATES, name) => {
                // Without arguments it is the present.
                if matches!(words.get(i + 2), Some(Word::Close)) {
                    return Some(format!("{name}()"));
                }
            }
            Word::Name(name, _) if is(&PRESENT, name) => return Some(name.clone()),
            Word::Text(text) if dates && is(&["now", "subsec", "subsecond"], text) => return Some(format!("'{text}'")),
            Word::Parameter => return Some("a parameter".to_owned()),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::lone_expression;

    #[test]
    fn one_expression_is_one() {
        for good in [
            "round(amount, 2)",
            "a -- the first",
            "(SELECT name FROM u WHERE u.id = t.u LIMIT 1)",
            "datetime(seconds, 'unixepoch')",
            "CASE WHEN a > 1 THEN 'now' ELSE b END",
            "\"date\"",
            "max(a, b)",
        ] {
            assert_eq!(lone_expression(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "1), (2",
            "1) + (2",
            "1) FROM t WHERE (1",
            "1; DROP TABLE t",
            "1) ORDER BY (1",
            "1, 2",
            "1 AS x",
            "1) UNION SELECT (2",
            "DELETE FROM t",
            "SELECT 1",
            "random()",
            "abs(random() % 2)",
            "datetime('now')",
            "datetime()",
            "CURRENT_TIMESTAMP",
            "?1",
            ":x",
            "unixepoch('subsec')",
            "1)); DELETE FROM t; --",
            "/* x",
        ] {
            assert!(lone_expression(bad).is_err(), "{bad}");
        }
    }
}
