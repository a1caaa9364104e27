//! A scenario as it stands in its file: source, steps, faults, expected ends. `corpus/README.md` explains every key.
//! Owns the grammar; never does anything.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One scenario.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// One sentence: what is shown.
    pub says: String,
    pub source: Source,
    /// Further sources, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<String, Source>,
    /// Flags of every `migrate`.
    #[serde(default)]
    pub options: String,
    /// The schema in the target, for every command that names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Lines of the server's postgresql.conf.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub server: Vec<String>,
    /// The target is reached through a proxy, which passes every byte so many milliseconds later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<u64>,
    /// How each playing goes on after the steps: every one of these has a target of its own.
    #[serde(default = "both")]
    pub then: Vec<Then>,
    #[serde(default, rename = "step")]
    pub steps: Vec<Step>,
}

fn both() -> Vec<Then> {
    vec![Then::Resume, Then::Rollback]
}

/// What is done after the steps, and what must be so at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// `migrate` once more: exit 0, every row equal, the target as after an uninterrupted run. Then `rollback`, as below.
    Resume,
    /// `rollback`: the target is as it was before.
    Rollback,
    /// Nothing: the target is as it was before already.
    Undone,
}

/// Where a source comes from.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Source {
    /// `everything`: a few rows of every feature.
    Named(String),
    /// A few tables with so many rows together.
    Rows { rows: u64 },
    /// These statements.
    Sql { sql: String },
}

impl Default for Source {
    fn default() -> Self {
        Source::Named("everything".to_owned())
    }
}

/// One step: exactly one of `run`, `printed`, `sql`, `change`, `server`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Step {
    /// A command of lite2pg with its flags; source and target are added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Of which source, if not the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The command that the last one printed after these words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<String>,
    /// Statements that somebody runs in the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// Statements that the application runs in the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// The server is stopped so and started again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<How>,
    #[serde(default, rename = "fault", skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    #[serde(default)]
    pub ends: Ends,
    /// Exit 0 is right as well: what broke was mended within the command.
    #[serde(default)]
    pub may_recover: bool,
    /// Words that the command must say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tells: Vec<String>,
}

/// How a command ends.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Ends {
    /// With this exit status.
    Exit(i32),
    /// `killed`, or `anyhow`.
    Word(EndWord),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndWord {
    /// By SIGKILL.
    Killed,
    /// Killed, or with one of the exit statuses that say the truth about a fault (0, 4, 8): for random instants.
    Anyhow,
}

impl Default for Ends {
    fn default() -> Self {
        Ends::Exit(0)
    }
}

/// What goes wrong while a command runs: when, and exactly one thing.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fault {
    #[serde(default)]
    pub at: At,
    /// SIGKILL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kill: Option<Victim>,
    /// `pg_terminate_backend`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Victim>,
    /// The server is stopped so, and started again after `for` seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<How>,
    /// The connections through the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<Break>,
    /// A signal to lite2pg: `INT`, `TERM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// Statements that somebody runs in the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// Statements that the application runs in the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// Another command meanwhile, as a step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meanwhile: Option<Box<Step>>,
    /// Seconds until the server is started, or the connection serves again.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasts: Option<f64>,
    /// The command may have ended before: for random instants.
    #[serde(default)]
    pub may_miss: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Victim {
    Lite2pg,
    /// The backend of the coordinator's connection.
    Coordinator,
    /// That of one worker's.
    Worker,
    /// All of ours.
    Backends,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    Fast,
    Immediate,
    Kill,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Break {
    /// Every connection is closed.
    Cut,
    /// One direction of one connection ends there.
    Truncate,
    /// Nothing passes any more.
    Stall,
    /// Every connection is closed, and new ones too.
    Down,
}

/// When: the first of the keys that is given; none: at once.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct At {
    /// At an event of this name (`done`, `stage-started`, `run-started` …) …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// … of this stage …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// … and this object or table; the `nth` of those, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<usize>,
    /// At the event with this number, progress not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<usize>,
    /// When so many bytes have passed the proxy `way`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The same as a share of all that an uninterrupted run sends that way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_share: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
    /// So many seconds after the command's begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// After this share of the time that an uninterrupted run takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_share: Option<f64>,
    /// As soon as this question to the target says true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    Up,
    Down,
}

impl Scenario {
    /// Reads a file's text.
    ///
    /// # Errors
    /// It is no scenario; the message says where.
    pub fn read(text: &str) -> Result<Scenario, String> {
        let scenario: Scenario = toml::from_str(text).map_err(|e| e.to_string())?;
        for (n, step) in scenario.steps.iter().enumerate() {
            step.check().map_err(|e| format!("step {}: {e}", n + 1))?;
        }
        Ok(scenario)
    }

    /// As a file.
    pub fn text(&self) -> String {
        toml::to_string(self).expect("a scenario can be written")
    }

    /// Whether nothing in it is done to the server itself, or needs one of its own.
    pub fn spares_the_server(&self) -> bool {
        let harms = |f: &Fault| f.server.is_some() || f.kill.is_some_and(|v| v != Victim::Lite2pg);
        let harmed = |s: &Step| s.server.is_some() || s.faults.iter().any(harms);
        self.server.is_empty() && !self.steps.iter().any(harmed)
    }

    /// Whether anything needs the proxy.
    pub fn by_proxy(&self) -> bool {
        let needs = |f: &Fault| f.connection.is_some() || f.at.bytes.is_some() || f.at.bytes_share.is_some();
        self.latency.is_some() || self.steps.iter().any(|s| s.faults.iter().any(needs))
    }
}

impl Step {
    fn check(&self) -> Result<(), String> {
        let acts = [&self.run, &self.printed, &self.sql, &self.change].iter().filter(|a| a.is_some()).count();
        if acts + usize::from(self.server.is_some()) != 1 {
            return Err("exactly one of run, printed, sql, change and server".to_owned());
        }
        self.faults.iter().try_for_each(Fault::check)
    }
}

impl Fault {
    fn check(&self) -> Result<(), String> {
        let acts = [
            self.kill.is_some(),
            self.end.is_some(),
            self.server.is_some(),
            self.connection.is_some(),
            self.signal.is_some(),
            self.sql.is_some(),
            self.change.is_some(),
            self.meanwhile.is_some(),
        ];
        if acts.iter().filter(|a| **a).count() != 1 {
            return Err("a fault does exactly one thing".to_owned());
        }
        if self.at.by_bytes() && !(self.kill == Some(Victim::Lite2pg) || self.connection.is_some()) {
            return Err("at a byte only lite2pg can be killed, or the connection broken".to_owned());
        }
        self.meanwhile.as_ref().map_or(Ok(()), |s| s.check())
    }
}

impl At {
    /// Whether it is the proxy that knows when.
    pub fn by_bytes(&self) -> bool {
        self.bytes.is_some() || self.bytes_share.is_some()
    }
}
