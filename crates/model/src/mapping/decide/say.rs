//! The words in which the rules explain themselves.
//! Owns these words; never decides.

use super::super::forms::Group;
use super::super::profile::Example;
use super::{Rules, thousands};
use crate::schema::Affinity;
use crate::value::Class;

impl Rules<'_> {
    pub fn declaration(&self) -> String {
        if self.rowid() {
            "the rowid (INTEGER PRIMARY KEY)".into()
        } else if self.column.declared.is_empty() {
            "no declared type".into()
        } else {
            format!("declared {}", self.column.declared)
        }
    }

    pub fn only(&self, class: Class) -> bool {
        self.p.of_class(class) == self.p.values()
    }

    /// `3 of 5,000,000 values are no dates, 2 of them empty texts (row 7: 'now'; …)`.
    pub fn strangers(&self, count: u64, group: Group, are: &str) -> String {
        let empty = match self.p.empty_texts {
            0 => String::new(),
            n => format!(", {} of them empty texts", thousands(n)),
        };
        let examples = show(self.p.misses(group));
        format!("{} of {} values are {are}{empty}{examples}", thousands(count), thousands(self.p.values()))
    }

    /// `18,661 of 18,661 values are UUIDs`.
    pub fn all(&self, what: &str) -> String {
        let n = thousands(self.p.values());
        format!("{n} of {n} values are {what}")
    }

    /// `holds 3 integers, 2 texts (1 of them empty) (row 4: 'abc')`: what a column holds that its declaration does not say.
    pub fn not_as_declared(&self) -> String {
        let odd = match self.column.affinity {
            Affinity::Text => &self.p.examples[3],
            _ if self.p.texts > 0 => &self.p.examples[2],
            _ if self.p.blobs > 0 => &self.p.examples[3],
            _ => &self.p.examples[1],
        };
        format!("holds {}{}", self.classes(), show(odd))
    }

    /// `12 integers, 3 texts (1 of them empty)`; `1 text, empty`.
    pub fn classes(&self) -> String {
        let p = self.p;
        let part =
            |n: u64, word: &str| (n > 0).then(|| format!("{} {word}{}", thousands(n), if n == 1 { "" } else { "s" }));
        let mut parts: Vec<String> =
            [part(p.integers, "integer"), part(p.reals, "real")].into_iter().flatten().collect();
        if let Some(mut texts) = part(p.texts, "text") {
            match p.empty_texts {
                0 => {}
                n if n == p.texts => texts.push_str(match (self.only(Class::Text), n) {
                    (true, 1) => ", empty",
                    (true, _) => ", all empty",
                    (false, 1) => " (empty)",
                    (false, _) => " (all empty)",
                }),
                n => texts.push_str(&format!(" ({} of them empty)", thousands(n))),
            }
            parts.push(texts);
        }
        parts.extend(part(p.blobs, "blob"));
        parts.join(", ")
    }
}

/// Examples in parentheses, or nothing.
pub(super) fn show(examples: &[Example]) -> String {
    if examples.is_empty() {
        return String::new();
    }
    let list: Vec<String> = examples.iter().map(|e| format!("row {}: {}", thousands(e.row), e.text)).collect();
    format!(" ({})", list.join("; "))
}
