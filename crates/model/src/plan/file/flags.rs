//! `--set TABLE.COLUMN.KEY=VALUE`: one choice as a flag, with the keys and words of the plan's file.
//! Owns that grammar; never knows the source.

use super::keys::{self, Takes};
use super::near;
use super::read::{fitting, set_column};
use super::take::{Flaw, Given, accept, policy};
use crate::plan::overrides::{Origin, Overrides, Problem, Said};

/// Reads what stands after `--set`, each once.
///
/// # Errors
/// Everything that is wrong with them.
pub fn read<S: AsRef<str>>(given: impl IntoIterator<Item = S>) -> Result<Overrides, Vec<Problem>> {
    let mut overrides = Overrides::default();
    let mut problems = Vec::new();
    for text in given {
        let text = text.as_ref();
        let at = Origin::Flag(format!("--set {text}"));
        if let Err((message, hint)) = one(text, &at, &mut overrides) {
            problems.push(Problem::new(&at, message, hint));
        }
    }
    for column in overrides.tables.values_mut().flat_map(|t| t.columns.values_mut()) {
        let at = column.name.at.clone();
        problems.extend(fitting(column, &at));
    }
    if problems.is_empty() { Ok(overrides) } else { Err(problems) }
}

/// Names of tables to carry, or to leave out: `a,b*`.
pub fn patterns(flag: &str, given: &str) -> Vec<Said<String>> {
    let names = given.split(',').map(str::trim).filter(|n| !n.is_empty());
    names.map(|n| Said { value: n.to_owned(), at: Origin::Flag(format!("{flag} {given}")) }).collect()
}

/// What is wrong with names of tables that name none.
pub fn no_patterns(flag: &str, given: &str) -> Option<Problem> {
    let at = Origin::Flag(format!("{flag} {given:?}"));
    patterns(flag, given).is_empty().then(|| Problem::new(&at, "names no table", "write names of tables, such as a,b*"))
}

/// What is wrong with a finding that is to be accepted.
pub fn no_accept(given: &str) -> Option<Problem> {
    let at = Origin::Flag(format!("--accept {given}"));
    accept(given).err().map(|(message, hint)| Problem::new(&at, message, hint))
}

const HOW: &str = "write --set TABLE.COLUMN.KEY=VALUE or --set TABLE.KEY=VALUE; a name with dots stands in \"quotes\"";

fn one(text: &str, at: &Origin, out: &mut Overrides) -> Result<(), Flaw> {
    let (path, value) = path(text).ok_or_else(|| ("is no choice".to_owned(), HOW.to_owned()))?;
    let given = Given::Word(value);
    match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [table, key] => {
            let said = out.table_mut(table, at);
            match *key {
                "to" => said.to = Some(Said { value: given.text(key)?.to_owned(), at: at.clone() }),
                "skip" => said.skip = Some(Said { value: given.flag(key)?, at: at.clone() }),
                "where" => said.filter = Some(Said { value: given.source_sql(key)?, at: at.clone() }),
                _ => return Err(no_key("a table", key, keys::TABLE)),
            }
        }
        [table, column, key] => {
            let said = out.table_mut(table, at).column_mut(column, at);
            if keys::find(keys::COLUMN, key).is_none_or(|k| k.takes == Takes::Policies) {
                return Err(no_key("a column", key, keys::COLUMN));
            }
            set_column(said, key, given, at)?;
        }
        [table, column, "policy", kind] => {
            policy(&mut out.table_mut(table, at).column_mut(column, at).policies, kind, given)?;
        }
        _ => return Err(("names no key of a table or column".to_owned(), HOW.to_owned())),
    }
    Ok(())
}

fn no_key(what: &str, word: &str, known: &[keys::Key]) -> Flaw {
    let said_so: Vec<&str> = known
        .iter()
        .filter(|k| !matches!(k.takes, Takes::Columns | Takes::Extras | Takes::Policies))
        .map(|k| k.word)
        .collect();
    (format!("{what} has no key {word:?} that --set takes"), near::suggestion(word, &said_so))
}

/// Splits `a."b.c".type=text` into its path and the text after `=`.
fn path(text: &str) -> Option<(Vec<String>, &str)> {
    let mut path = Vec::new();
    let mut rest = text;
    loop {
        let (name, after) = segment(rest)?;
        path.push(name);
        match after.chars().next()? {
            '.' => rest = &after[1..],
            '=' => return Some((path, &after[1..])),
            _ => return None,
        }
    }
}

/// One name, and what follows it. A quote inside quotes is doubled.
fn segment(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(['.', '='])?;
        return (end > 0).then(|| (text[..end].trim().to_owned(), &text[end..]));
    };
    let mut name = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        if c != '"' {
            name.push(c);
        } else if chars.next_if(|(_, next)| *next == '"').is_some() {
            name.push('"');
        } else {
            return Some((name, &quoted[i + 1..]));
        }
    }
    None
}
