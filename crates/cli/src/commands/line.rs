//! The command a person may type next, quoted for a shell.
//! Owns that text; never puts a password or a control character into it.

use crate::args::{Answers, Collation, Place, Reading, Snapshot, Types, Way};
use crate::show::text::shell;
use lite2pg_engine::run::TargetSpec;
use std::path::Path;

/// A command line in the making.
pub struct Line(Vec<String>);

impl Line {
    /// `lite2pg COMMAND SOURCE [TARGET]` with the flags that say where.
    pub fn new(command: &str, way: &Way, target: &TargetSpec) -> Line {
        let mut line = Line(vec![command.to_owned(), path(&way.source)]);
        match (target, &way.target) {
            (TargetSpec::Server(conninfo), _) => line.0.push(conninfo.display()),
            (TargetSpec::Managed(options), Some(_)) => line.0.push(path(&options.dir)),
            (TargetSpec::Managed(_), None) => {}
        }
        if let Some(schema) = &way.schema {
            line = line.flag("--schema", schema);
        }
        line.place(&way.place)
    }

    /// `lite2pg COMMAND DIR`.
    pub fn of_dir(command: &str, dir: &Path, place: &Place) -> Line {
        let mut line = Line(vec![command.to_owned(), path(dir)]);
        if let Some(bin) = &place.pg_bin {
            line = line.flag("--pg-bin", &path(bin));
        }
        line
    }

    fn place(mut self, place: &Place) -> Line {
        if let Some(dir) = &place.work_dir {
            self = self.flag("--work-dir", &path(dir));
        }
        if let Some(bin) = &place.pg_bin {
            self = self.flag("--pg-bin", &path(bin));
        }
        self
    }

    /// Adds a flag and its value. A policy takes the place of an earlier one of its kind.
    pub fn flag(mut self, flag: &str, value: &str) -> Line {
        if let Some((kind, _)) = value.split_once('=').filter(|_| flag == "--policy") {
            let same =
                |pair: &[String]| pair[0] == "--policy" && pair[1].split_once('=').is_some_and(|(k, _)| k == kind);
            while let Some(at) = self.0.windows(2).position(same) {
                self.0.drain(at..at + 2);
            }
        }
        self.0.extend([flag.to_owned(), value.to_owned()]);
        self
    }

    /// Adds flags and their values, in pairs.
    pub fn flags(self, pairs: &[String]) -> Line {
        pairs.chunks_exact(2).fold(self, |line, pair| line.flag(&pair[0], &pair[1]))
    }

    /// Adds a word.
    pub fn word(mut self, word: &str) -> Line {
        self.0.push(word.to_owned());
        self
    }

    /// Adds what was answered already; the result depends on it.
    pub fn answers(mut self, answers: &Answers) -> Line {
        for accept in &answers.accept {
            self = self.flag("--accept", accept);
        }
        for policy in &answers.policy {
            self = self.flag("--policy", policy);
        }
        match answers.types {
            None => {}
            Some(Types::Native) => self = self.flag("--types", "native"),
            Some(Types::Inferred) => self = self.flag("--types", "inferred"),
            Some(Types::Plain) => self = self.flag("--types", "plain"),
        }
        if let Some(zone) = &answers.assume_tz {
            self = self.flag("--assume-tz", zone);
        }
        match answers.collation {
            Some(Collation::Database) => self = self.flag("--collation", "database"),
            Some(Collation::Source) => self = self.flag("--collation", "source"),
            None => {}
        }
        if let Some(plan) = &answers.plan {
            self = self.flag("--plan", &path(plan));
        }
        let lists = [("--set", &answers.set), ("--tables", &answers.tables), ("--exclude", &answers.exclude)];
        for (flag, text) in lists.iter().flat_map(|(flag, list)| list.iter().map(move |text| (flag, text))) {
            self = self.flag(flag, text);
        }
        self
    }

    /// Adds how the source is read.
    pub fn reading(mut self, reading: &Reading) -> Line {
        match reading.snapshot {
            Snapshot::Auto => {}
            Snapshot::Pin => self = self.flag("--snapshot", "pin"),
            Snapshot::Copy => self = self.flag("--snapshot", "copy"),
        }
        if let Some(jobs) = reading.jobs {
            self = self.flag("--jobs", &jobs.to_string());
        }
        self
    }

    /// As it is typed.
    pub fn text(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|w| shell(w)).collect();
        format!("lite2pg {}", words.join(" "))
    }
}

/// A path as an argument: one that begins with `-` would be a flag.
fn path(path: &Path) -> String {
    let text = path.display().to_string();
    if text.starts_with('-') { format!("./{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_takes_the_place_of_one_of_its_kind() {
        let line = Line(vec!["migrate".to_owned()]).flag("--policy", "dates=fail").flag("--policy", "nul=strip");
        let line = line.flag("--accept", "a:b").flags(&["--policy", "dates=text", "--accept", "c"].map(str::to_owned));
        assert_eq!(line.text(), "lite2pg migrate --policy nul=strip --accept a:b --policy dates=text --accept c");
        // `lossless` is for all kinds, and what comes after it still counts.
        let line = Line(vec![]).flag("--policy", "lossless").flag("--policy", "nul=strip");
        assert_eq!(line.text(), "lite2pg --policy lossless --policy nul=strip");
    }
}
