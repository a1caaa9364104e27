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
        if way.schema != "public" {
            line = line.flag("--schema", &way.schema);
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

    /// Adds a flag and its value.
    pub fn flag(mut self, flag: &str, value: &str) -> Line {
        self.0.extend([flag.to_owned(), value.to_owned()]);
        self
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
            Types::Native => {}
            Types::Inferred => self = self.flag("--types", "inferred"),
            Types::Plain => self = self.flag("--types", "plain"),
        }
        if let Some(zone) = &answers.assume_tz {
            self = self.flag("--assume-tz", zone);
        }
        if answers.collation == Some(Collation::Database) {
            self = self.flag("--collation", "database");
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
