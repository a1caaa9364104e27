//! Where in a statement stands what a reason names, for a person who looks for it there.
//! Owns that search; never guesses: what stands in the text several times has no place.

/// `reason`, and behind it the line and the column of what it names in `sql`, where that stands there once. A function is
/// named as `f()`, a column in double quotes.
pub(super) fn placed(reason: &str, sql: &str) -> String {
    let named = functions(reason).map(|name| (name, true)).chain(columns(reason).map(|name| (name, false)));
    let mut places = named.filter_map(|(name, call)| only(name, call, sql));
    match places.next() {
        Some(at) => {
            let before = sql.get(..at).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            format!("{reason} (line {line}, column {column})")
        }
        None => reason.to_owned(),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The names before `()`.
fn functions(reason: &str) -> impl Iterator<Item = &str> {
    reason.match_indices("()").filter_map(|(at, _)| {
        let before = reason.get(..at)?;
        let name = before.get(before.trim_end_matches(is_word).len()..)?;
        (!name.is_empty()).then_some(name)
    })
}

/// The last of each chain of names in double quotes.
fn columns(reason: &str) -> impl Iterator<Item = &str> {
    let parts: Vec<&str> = reason.split('"').collect();
    let last = move |i: &usize| parts.get(i + 1) != Some(&".");
    let names = reason.split('"').enumerate().skip(1).step_by(2).filter(move |(i, _)| last(i)).map(|(_, name)| name);
    names.filter(|name| !name.is_empty() && name.chars().all(is_word))
}

/// Where the only occurrence of a word begins, whatever the case of its letters; of a call, one before a parenthesis.
fn only(name: &str, call: bool, sql: &str) -> Option<usize> {
    // Of letters beyond ASCII the case may change the length.
    let (text, name) = (sql.to_ascii_lowercase(), name.to_ascii_lowercase());
    let stands = |at: &usize| {
        let before = text.get(..*at).and_then(|t| t.chars().next_back());
        let after = text.get(at + name.len()..).unwrap_or_default();
        let called = !call || after.trim_start().starts_with('(');
        !before.is_some_and(is_word) && !after.starts_with(is_word) && called
    };
    let mut found = text.match_indices(&name).map(|(at, _)| at).filter(stands);
    found.next().filter(|_| found.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::placed;

    #[test]
    fn what_stands_once_has_a_place() {
        let sql = "CREATE VIEW v AS\nSELECT a,\n  Own (b) FROM t";
        assert_eq!(placed("it calls own()", sql), "it calls own() (line 3, column 3)");
        assert_eq!(placed("\"t\".\"b\" may hold numbers", sql), "\"t\".\"b\" may hold numbers (line 3, column 8)");
        assert_eq!(placed("é() is not there", sql), "é() is not there");
    }

    #[test]
    fn what_stands_twice_or_not_at_all_has_none() {
        let sql = "CREATE VIEW v AS SELECT own(a), own(b), downown(c) FROM t";
        assert_eq!(placed("it calls own()", sql), "it calls own()");
        assert_eq!(placed("it calls down()", sql), "it calls down()");
        assert_eq!(placed("() and \"\" say nothing", sql), "() and \"\" say nothing");
    }
}
