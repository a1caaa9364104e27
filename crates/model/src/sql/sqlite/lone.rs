//! Whether a text that a person wrote is one expression of SQLite's, and one that gives the same each time.
//! Owns these two questions; never resolves a name.

use super::first;
use super::text::{Word, words};
use sqlite3_parser::ast;

/// Functions that give something else each time, or with another connection or version of SQLite.
const CHANGING: [&str; 12] = [
    "random",
    "randomblob",
    "changes",
    "total_changes",
    "last_insert_rowid",
    "sqlite_version",
    "sqlite_source_id",
    "sqlite_compileoption_get",
    "sqlite_compileoption_used",
    "sqlite_offset",
    "sqlite_log",
    "load_extension",
];
/// Functions that give the present when their time is `'now'`, or not given.
const DATES: [&str; 7] = ["date", "time", "datetime", "julianday", "unixepoch", "strftime", "timediff"];
/// Words that mean the present.
const PRESENT: [&str; 3] = ["current_timestamp", "current_date", "current_time"];
/// Texts that mean the present where a time is wanted.
const NOW: [&str; 3] = ["now", "subsec", "subsecond"];
/// Modifiers that depend on the zone of the machine.
const OF_THE_MACHINE: [&str; 2] = ["localtime", "utc"];
/// Functions that make no word of what has none: a time that is computed with them from columns and numbers cannot be the
/// present unless a column says so, and what a column holds is data.
const HARMLESS: [&str; 14] = [
    "cast",
    "abs",
    "round",
    "substr",
    "substring",
    "trim",
    "ltrim",
    "rtrim",
    "coalesce",
    "ifnull",
    "nullif",
    "iif",
    "min",
    "max",
];
/// Keywords that a parenthesis may follow.
const BEFORE_PARENTHESES: [&str; 9] = ["in", "and", "or", "not", "case", "when", "then", "else", "as"];
/// Words of a modifier that may be put together with others.
const UNITS: [&str; 13] =
    ["", "day", "days", "hour", "hours", "minute", "minutes", "second", "seconds", "month", "months", "year", "years"];

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
        Some(why) => Err(why),
        None => Ok(()),
    }
}

fn is(list: &[&str], text: &str) -> bool {
    list.iter().any(|w| w.eq_ignore_ascii_case(text.trim()))
}

/// What in the text does not always give the same.
fn changing(sql: &str) -> Option<String> {
    let words = words(sql);
    let always = |word: &str| Some(format!("{word} gives something else each time it is read"));
    let dates = words.iter().any(|w| matches!(w, Word::Name(n, _) if is(&DATES, n)));
    for (i, word) in words.iter().enumerate() {
        match word {
            Word::Name(name, true) if is(&CHANGING, name) => return always(&format!("{name}()")),
            Word::Name(name, true) if is(&DATES, name) => {
                let flaw = time(name, &arguments(words.get(i + 2..).unwrap_or_default()));
                if flaw.is_some() {
                    return flaw;
                }
            }
            Word::Name(name, _) if is(&PRESENT, name) => return always(name),
            Word::Text(text) if dates && is(&["now"], text) => return always(&format!("'{text}'")),
            Word::Parameter => return always("a parameter"),
            _ => {}
        }
    }
    None
}

/// The words of each argument, up to the parenthesis that closes them.
fn arguments(words: &[Word]) -> Vec<&[Word]> {
    let (mut depth, mut start, mut all) = (0_usize, 0, Vec::new());
    for (i, word) in words.iter().enumerate() {
        match word {
            Word::Open => depth += 1,
            Word::Close if depth > 0 => depth -= 1,
            Word::Comma if depth == 0 => {
                all.push(&words[start..i]);
                start = i + 1;
            }
            Word::Close => {
                if i > 0 {
                    all.push(&words[start..i]);
                }
                break;
            }
            _ => {}
        }
    }
    all
}

/// Why a function of time may give something else each time, by its arguments.
fn time(name: &str, arguments: &[&[Word]]) -> Option<String> {
    let given = arguments.get(usize::from(is(&["strftime"], name))..).unwrap_or_default();
    let times = if is(&["timediff"], name) { given.len() } else { 1 };
    let (times, modifiers) = given.split_at(times.min(given.len()));
    if times.is_empty() {
        return Some(format!("{name}() without a time is the present, which is another each time it is read"));
    }
    if !times.iter().all(|t| is_steady(t, &|text| !is(&NOW, text), &|text| !text.contains(is_of_a_word))) {
        return Some(format!(
            "the time of {name}() may be the present: give it a column or a time that is written out"
        ));
    }
    let computed = |text: &str| is(&UNITS, &text.replace(|c: char| !c.is_alphabetic(), ""));
    if !modifiers.iter().all(|m| is_steady(m, &|text| !is(&OF_THE_MACHINE, text), &computed)) {
        return Some(format!("a modifier of {name}() may depend on the time zone of the machine"));
    }
    None
}

/// Letters of a time that is written out are `T` and `Z` alone.
fn is_of_a_word(c: char) -> bool {
    c.is_alphabetic() && !matches!(c, 't' | 'T' | 'z' | 'Z')
}

/// Whether an argument always gives the same: a text that is fine alone, or what is computed of columns, numbers and
/// texts that are fine in parts, by harmless functions.
fn is_steady(argument: &[Word], alone: &dyn Fn(&str) -> bool, in_part: &dyn Fn(&str) -> bool) -> bool {
    if let [Word::Text(text)] = argument {
        return alone(text);
    }
    let mut depth = 0_usize;
    // Where a function of time stands within: it is asked about by itself, and gives a time.
    let mut within: Option<usize> = None;
    argument.iter().all(|word| {
        match word {
            Word::Open => depth += 1,
            Word::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        if let Some(outer) = within {
            if matches!(word, Word::Close) && depth == outer {
                within = None;
            }
            return true;
        }
        match word {
            Word::Text(text) => in_part(text),
            Word::Name(name, true) if is(&DATES, name) => {
                // What strftime gives may be any text of its format.
                if !is(&["strftime"], name) {
                    within = Some(depth);
                }
                true
            }
            Word::Name(name, true) => is(&HARMLESS, name) || is(&BEFORE_PARENTHESES, name),
            // A literal of bytes reads like a name; and a name in double quotes that is no column is a text to SQLite.
            Word::Name(name, false) => !name.contains('\'') && alone(name) && !is(&NOW, name),
            Word::Parameter => false,
            _ => true,
        }
    })
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
            "datetime(seconds / 1000, 'unixepoch')",
            "strftime('%Y now', day, 'start of month', '+1 day')",
            "date('2024-01-01T00:00:00Z', '+' || days || ' days')",
            "unixepoch(coalesce(created, '2020-01-01'), 'subsec')",
            "timediff(a, t.b)",
            "date(substr(d, 1, 10) || ' 00:00')",
            "date(datetime(CAST(x AS INTEGER), 'unixepoch'))",
            "julianday(CASE WHEN (a > 1) THEN (b) ELSE c END)",
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
            "strftime('%Y')",
            "date(strftime('now', a))",
            "date(date(a), 'localtime')",
            "date(date(a, 'localtime'))",
            "strftime('%s', 'now')",
            "date('no' || 'w')",
            "date(' NOW ')",
            "date(\"now\")",
            "datetime(char(110, 111, 119))",
            "datetime(printf('%s', x))",
            "datetime(x'6e6f77')",
            "date(lower('NOW'))",
            "time(a, 'localtime')",
            "time(a, 'UTC ')",
            "time(a, 'local' || 'time')",
            "unixepoch('subsec')",
            "julianday(CASE a WHEN 1 THEN 'now' END)",
            "timediff(a, 'now')",
            "date ( )",
            "changes()",
            "last_insert_rowid()",
            "sqlite_version()",
        ] {
            assert!(lone_expression(bad).is_err(), "{bad}");
        }
    }
}
