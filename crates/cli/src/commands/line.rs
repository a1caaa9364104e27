//! The command a person may type next, quoted for a shell.
//! Owns that text; never puts a password or a control character into it.

use crate::args::{
    Answers, CHUNK_BYTES, Collation, Copying, MEMORY, Names, Place, Reading, Snapshot, Types, VIEW_TIMEOUT, Way, size,
};
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
        line = line.place(&way.place);
        match way.place.managed {
            // A directory that was made remembers its own.
            Some(kind) if ["migrate", "rehearse"].contains(&command) => line.flag("--managed", kind.word()),
            _ => line,
        }
    }

    /// `lite2pg COMMAND DIR`.
    pub fn of_dir(command: &str, dir: &Path, place: &Place) -> Line {
        Line(vec![command.to_owned(), path(dir)]).place(place)
    }

    /// `lite2pg COMMAND TARGET`.
    pub fn to(command: &str, target: &TargetSpec, place: &Place) -> Line {
        Line(vec![command.to_owned(), target_word(target)]).place(place)
    }

    /// `lite2pg COMMAND SOURCE TARGET`, for a run that the target remembers.
    pub fn between(command: &str, source: &str, target: &TargetSpec, place: &Place, schema: Option<&str>) -> Line {
        let line = Line(vec![command.to_owned(), path(Path::new(source)), target_word(target)]).place(place);
        match schema {
            Some(schema) => line.flag("--schema", schema),
            None => line,
        }
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
        match answers.names {
            None => {}
            Some(Names::Keep) => self = self.flag("--names", "keep"),
            Some(Names::Lower) => self = self.flag("--names", "lower"),
            Some(Names::Snake) => self = self.flag("--names", "snake"),
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
            self = self.plan(plan);
        }
        let lists = [("--set", &answers.set), ("--tables", &answers.tables), ("--exclude", &answers.exclude)];
        for (flag, text) in lists.iter().flat_map(|(flag, list)| list.iter().map(move |text| (flag, text))) {
            self = self.flag(flag, text);
        }
        self
    }

    /// Adds the file with the choices.
    pub fn plan(self, file: &Path) -> Line {
        self.flag("--plan", &path(file))
    }

    /// Adds the flags that say how the source is read.
    pub fn readers(mut self, reading: &Reading) -> Line {
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

    /// Adds those, and how much of it is held at once and how long a view may take.
    pub fn reading(mut self, reading: &Reading) -> Line {
        self = self.readers(reading);
        self = self.bytes("--memory", reading.memory, MEMORY);
        if reading.view_timeout.to_string() != VIEW_TIMEOUT {
            self = self.flag("--view-timeout", &reading.view_timeout.to_string());
        }
        self
    }

    /// Adds the flags that say how rows are copied.
    pub fn copying(self, copying: &Copying) -> Line {
        self.bytes("--chunk-bytes", copying.chunk_bytes, CHUNK_BYTES)
    }

    fn bytes(self, flag: &str, bytes: u64, default: &str) -> Line {
        if Ok(bytes) == size(default) { self } else { self.flag(flag, &size_text(bytes)) }
    }

    /// Adds flags that answer findings, in pairs. What may stand only once takes the place of what was said before.
    pub fn decided(mut self, flags: &[String]) -> Line {
        for pair in flags.chunks(2) {
            let at = self.0.iter().position(|w| w == "--memory" && pair.first() == Some(w));
            if let Some(at) = at {
                self.0.drain(at..self.0.len().min(at + 2));
            }
            if let [flag, value] = pair {
                self = self.flag(flag, value);
            }
        }
        self
    }

    /// As it is typed.
    pub fn text(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|w| shell(w)).collect();
        format!("lite2pg {}", words.join(" "))
    }
}

/// Bytes as they may be typed: `64MiB`.
pub fn size_text(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units.into_iter().find(|(bits, _)| bytes.is_multiple_of(1 << bits));
    unit.map_or_else(|| bytes.to_string(), |(bits, unit)| format!("{}{unit}", bytes >> bits))
}

fn target_word(target: &TargetSpec) -> String {
    match target {
        TargetSpec::Server(conninfo) => conninfo.display(),
        TargetSpec::Managed(options) => path(&options.dir),
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
    use crate::args::{self, Command};
    use crate::commands::{inspect, migrate, plan, rehearse, rollback, verify};
    use crate::settings::World;

    /// A value of each flag that takes one, never the default one.
    const VALUES: [(&str, &str); 26] = [
        ("schema", "s"),
        ("work-dir", "w"),
        ("pg-bin", "b"),
        ("managed", "native"),
        ("snapshot", "pin"),
        ("jobs", "3"),
        ("chunk-bytes", "3KiB"),
        ("memory", "1GiB"),
        ("view-timeout", "7"),
        ("accept", "view-not-carried"),
        ("policy", "nul=bytea"),
        ("types", "plain"),
        ("names", "snake"),
        ("assume-tz", "UTC"),
        ("collation", "database"),
        ("plan", "p.toml"),
        ("set", "t.to=x"),
        ("tables", "t"),
        ("exclude", "t"),
        ("max-rejects", "5%"),
        ("throttle", "20MiB"),
        ("retry-for", "7"),
        ("on-failure", "rollback"),
        ("no-verify", ""),
        ("discard-changes", ""),
        ("purge", ""),
    ];
    /// Flags that shape what is shown or what this one command does, not how a database is moved.
    const OWN: [&str; 15] = [
        "json",
        "log-format",
        "verbose",
        "quiet",
        "log-file",
        "color",
        "help",
        "version",
        "report",
        "output",
        "sql",
        "dry-run",
        "level",
        "keep",
        // Nothing without --discard-changes.
        "save-to",
    ];

    /// What the command prints as the next one.
    fn next(words: &[&str]) -> String {
        let cli = args::read(words.iter().map(Into::into)).unwrap_or_else(|e| panic!("{words:?}: {e}"));
        let target = |way: &Way| World::read(None).target(&way.source, None, &way.place).unwrap();
        match &cli.command {
            Command::Inspect(a) => inspect::next(a, &target(&a.way)),
            Command::Plan(a) => plan::next(a, &target(&a.way)),
            Command::Migrate(a) if a.retry_rejected => migrate::retry(a, &target(&a.way)),
            Command::Migrate(a) => migrate::again(a, &target(&a.way)),
            Command::Rehearse(a) => rehearse::again(a, &target(&a.way)),
            Command::Verify(a) => verify::again(a, &target(&a.way)),
            Command::Rollback(a) => rollback::again(a, &target(&a.way), false),
            other => panic!("{other:?}"),
        }
        .text()
    }

    #[test]
    fn the_next_command_has_every_flag_that_shapes_it() {
        let mut seen = 0;
        for name in ["inspect", "plan", "migrate", "rehearse", "verify", "rollback"] {
            let mut grammar = args::grammar();
            grammar.build();
            let command = grammar.find_subcommand(name).unwrap();
            for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
                let remembered = flag == "managed" && ["verify", "rollback"].contains(&name);
                if OWN.contains(&flag) || flag == "retry-rejected" || remembered {
                    continue;
                }
                let (_, value) = VALUES.iter().find(|(f, _)| *f == flag).unwrap_or_else(|| panic!("{flag} is new"));
                let long = format!("--{flag}");
                let words: Vec<&str> =
                    ["lite2pg", name, "s.db", &long, value].into_iter().filter(|w| !w.is_empty()).collect();
                let (given, text) = (words[3..].join(" "), next(&words));
                assert!(text.contains(&format!(" {given}")), "{name} {given}: {text}");
                seen += 1;
            }
        }
        assert!(seen > 50, "{seen}");
        assert_eq!(next(&["lite2pg", "migrate", "s.db"]), "lite2pg migrate s.db");
        let flags = ["lite2pg", "migrate", "s.db", "--retry-rejected", "--jobs", "3", "--managed", "native"];
        assert_eq!(next(&flags), "lite2pg migrate s.db --managed native --jobs 3 --retry-rejected");
    }

    #[test]
    fn a_plan_that_was_written_is_what_goes_on() {
        let flags = ["--policy", "nul=bytea", "--memory", "1GiB", "--plan", "old.toml"];
        let line = |more: &[&str]| next(&[&["lite2pg", "plan", "s.db"][..], &flags, more].concat());
        assert_eq!(line(&["-o", "new.toml"]), "lite2pg migrate s.db --memory 1GiB --plan new.toml");
        // SQL is no plan that can be handed back, and what went to standard output lies nowhere.
        for more in [&["-o", "new.sql", "--sql"][..], &[]] {
            assert_eq!(line(more), "lite2pg migrate s.db --memory 1GiB --policy nul=bytea --plan old.toml");
        }
    }

    #[test]
    fn memory_is_said_once() {
        let line = Line(["migrate", "s.db", "--memory", "64MiB", "--jobs", "2"].map(str::to_owned).to_vec());
        let flags = ["--policy", "nul=bytea", "--memory", "864MiB"].map(str::to_owned);
        assert_eq!(line.decided(&flags).text(), "lite2pg migrate s.db --jobs 2 --policy nul=bytea --memory 864MiB");
    }

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for bytes in [1, 1023, 3 << 10, 64 << 20, 1 << 30, (1 << 30) + 1] {
            assert_eq!(size(&size_text(bytes)), Ok(bytes));
        }
    }

    #[test]
    fn a_policy_takes_the_place_of_one_of_its_kind() {
        let line = Line(vec!["migrate".to_owned()]).flag("--policy", "dates=fail").flag("--policy", "nul=strip");
        let line =
            line.flag("--accept", "a:b").decided(&["--policy", "dates=text", "--accept", "c"].map(str::to_owned));
        assert_eq!(line.text(), "lite2pg migrate --policy nul=strip --accept a:b --policy dates=text --accept c");
        // `lossless` is for all kinds, and what comes after it still counts.
        let line = Line(vec![]).flag("--policy", "lossless").flag("--policy", "nul=strip");
        assert_eq!(line.text(), "lite2pg --policy lossless --policy nul=strip");
    }
}
