//! Which tables are carried: `--tables`, `--exclude` and `skip`.
//! Owns these patterns and their meeting with the names of the source; never looks at columns.

use super::{Origin, Overrides, Problem, Said, folded};
use crate::plan::file::near;
use crate::schema::{RawObject, RawSchema};

/// The schema without what was left out.
#[derive(Clone, Debug)]
pub struct Selected {
    /// What is left.
    pub raw: RawSchema,
    /// The tables that were left out, by their own spelling.
    pub left_out: Vec<String>,
}

/// Whether a name fits a pattern: `*` is any text, `?` one character, letters of ASCII without regard to case.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = folded(pattern).chars().collect();
    let name: Vec<char> = folded(name).chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where the last `*` stood, and the first character that it has not taken in yet.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

impl Overrides {
    /// Takes the tables out that were left out, with their indexes and triggers. Names that are not there are problems.
    ///
    /// # Errors
    /// Every name and pattern that fits nothing.
    pub fn select(&self, raw: &RawSchema) -> Result<Selected, Vec<Problem>> {
        let tables: Vec<&RawObject> = raw.objects.iter().filter(|o| is_table(o)).collect();
        let names: Vec<&str> = tables.iter().map(|o| o.name.as_str()).collect();
        let mut problems = Vec::new();
        let patterns = [("--tables", &self.only), ("--exclude", &self.exclude)];
        for (_, given) in patterns.iter().flat_map(|(flag, list)| list.iter().map(move |g| (flag, g))) {
            if !names.iter().any(|n| fits(&given.value, n)) {
                problems.push(unknown(&given.at, &given.value, &names, raw));
            }
        }
        for table in self.tables.values() {
            if !names.iter().any(|n| n.eq_ignore_ascii_case(&table.name.value)) {
                problems.push(unknown(&table.name.at, &table.name.value, &names, raw));
            }
        }
        let left_out: Vec<String> = names.iter().filter(|n| !self.carries(n)).map(|name| (*name).to_owned()).collect();
        if problems.is_empty() && !names.is_empty() && left_out.len() == names.len() {
            let at = self.only.first().or(self.exclude.first()).map(|s| s.at.clone());
            let at = at.or_else(|| self.tables.values().find_map(|t| t.skip.as_ref()).map(|s| s.at.clone()));
            let at = at.unwrap_or_else(|| Origin::Flag("--tables".to_owned()));
            problems.push(Problem::new(&at, "no table is left", "leave at least one in"));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut raw = raw.clone();
        raw.objects.retain(|o| !left_out.iter().any(|name| *name == o.table || (is_table(o) && *name == o.name)));
        Ok(Selected { raw, left_out })
    }

    /// Whether a table is carried: a list of tables says it alone; else all are but those that are excluded or skipped.
    pub fn carries(&self, table: &str) -> bool {
        let any = |list: &[Said<String>]| list.iter().any(|p| fits(&p.value, table));
        let skip = self.table(table).and_then(|t| t.skip.as_ref()).filter(|s| s.value);
        let skipped = match skip.map(|s| &s.at) {
            // A file's `skip` gives way to tables that are named with a flag.
            Some(Origin::File(..)) => self.only.is_empty(),
            Some(Origin::Flag(_)) => true,
            None => false,
        };
        (self.only.is_empty() || any(&self.only)) && !any(&self.exclude) && !skipped
    }
}

fn is_table(object: &RawObject) -> bool {
    object.kind == "table" && !object.name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"))
}

fn unknown(at: &Origin, name: &str, names: &[&str], raw: &RawSchema) -> Problem {
    let other = raw.objects.iter().find(|o| o.kind != "table" && o.name.eq_ignore_ascii_case(name));
    match other {
        Some(o) => Problem::new(at, format!("{name:?} is no table: it is a {}", o.kind), near::existing(names)),
        None if name.contains(['*', '?']) => Problem::new(at, format!("no table fits {name:?}"), near::existing(names)),
        None => Problem::new(at, format!("there is no table {name:?}"), near::suggestion(name, names)),
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_are_those_of_a_shell() {
        for (pattern, name) in
            [("a", "A"), ("b*", "bills"), ("*s", "bills"), ("?ills", "bills"), ("*", ""), ("a*b*c", "aXbbYc")]
        {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("a", "ab"), ("b?", "b"), ("*x", "bills"), ("", "a"), ("[ab]", "a"), ("a*b", "aXc")] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }
}
