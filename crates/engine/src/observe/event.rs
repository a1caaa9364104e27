//! Events: everything a run tells while it goes on.
//! Owns the list; never the way it is shown.

use lite2pg_model::finding::Finding;
use serde::Serialize;

/// One thing that happened. Serialised, it is a line of `--log-format json`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The source is open.
    Source {
        /// As given.
        path: String,
        /// Size of the database, its WAL included.
        bytes: u64,
        /// `WAL` or `rollback journal`.
        journal: String,
        /// `UTF-8` …
        encoding: String,
        /// How it is read: in place, or a private copy and why.
        read: String,
    },
    /// The target is connected.
    Target {
        /// Where, without a secret.
        target: String,
        /// Server version.
        version: String,
        /// Database.
        database: String,
        /// Schema that is published to.
        schema: String,
        /// `native`, `embedded`, or nothing for a server of the user's own.
        managed: Option<String>,
    },
    /// Something worth a line.
    Note {
        /// The line.
        text: String,
    },
    /// A detail for `-v` and the log file.
    Detail {
        /// The line.
        text: String,
    },
    /// A stage begins; `bytes` and `rows` are what lies before it, 0 if that is not known.
    StageStarted {
        /// Its name, as in the report.
        stage: &'static str,
        /// Bytes before it.
        bytes: u64,
        /// Rows before it.
        rows: u64,
        /// Steps or tables before it.
        steps: u64,
    },
    /// A stage has ended.
    StageDone {
        /// Its name.
        stage: &'static str,
        /// How long it took.
        seconds: f64,
    },
    /// Rows of a table went by in this stage (census, copy, verify): how many more since the last such event.
    Progress {
        /// The stage.
        stage: &'static str,
        /// The table.
        table: String,
        /// Rows since the last event.
        rows: u64,
        /// Bytes since the last event.
        bytes: u64,
    },
    /// A task of a stage begins: a chunk of a table, an index, a constraint. Stages may overlap; `Done` ends it.
    Started {
        /// The stage.
        stage: &'static str,
        /// Table, index or constraint.
        object: String,
        /// Bytes before it, 0 if that is not known.
        bytes: u64,
    },
    /// A table (or a step) of a stage is done.
    Done {
        /// The stage.
        stage: &'static str,
        /// Table, index or constraint.
        object: String,
        /// Its rows, where it has rows.
        rows: u64,
        /// Their bytes.
        bytes: u64,
        /// How long it took.
        seconds: f64,
    },
    /// The plan stands.
    Planned {
        /// Tables.
        tables: u64,
        /// Rows.
        rows: u64,
        /// Keys and indexes.
        keys_and_indexes: u64,
        /// Foreign keys.
        foreign_keys: u64,
        /// Views.
        views: u64,
        /// Triggers.
        triggers: u64,
        /// What a person must know.
        findings: Vec<Finding>,
    },
    /// A run was begun.
    RunStarted {
        /// Its identifier.
        run: String,
    },
    /// An interrupted run goes on.
    Resumed {
        /// Its identifier.
        run: String,
        /// Steps done before.
        done: u64,
        /// Steps in all.
        steps: u64,
        /// Rows copied before.
        rows: u64,
    },
    /// What lies before a run, once, before its first task; tables that an earlier process copied are in it.
    Ahead {
        /// Stage by stage.
        stages: Vec<Ahead>,
    },
    /// Rows of a chunk were set aside: they lie in `lite2pg.rejected_row`.
    Rejected {
        /// The table.
        table: String,
        /// How many.
        rows: u64,
    },
    /// Somebody asked the run for something from another process, and it does it now.
    Request {
        /// `pause`, `continue`, `throttle` or `abort`; `unknown`: nothing this version knows.
        request: String,
        /// Of `throttle`: bytes a second over all workers; 0: no limit.
        bytes_a_second: u64,
        /// Who asked: `name@host`.
        by: String,
    },
    /// Both sides of a table were compared.
    Compared {
        /// The table.
        table: String,
        /// Whether they are equal.
        equal: bool,
        /// Digest of the source.
        source_sha256: String,
        /// Digest of the target.
        target_sha256: String,
    },
    /// Everything is visible.
    Published {
        /// The schema.
        schema: String,
    },
}

/// How much work of a stage there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ahead {
    /// The stage.
    pub stage: &'static str,
    /// Its tasks: chunks of `copy`, else steps.
    pub tasks: u64,
    /// What they weigh in bytes, about.
    pub bytes: u64,
    /// Rows of its tables, where it goes over rows.
    pub rows: u64,
    /// Of `tasks`: those that an earlier process did.
    pub tasks_done: u64,
    /// Of `bytes`.
    pub bytes_done: u64,
    /// Of `rows`.
    pub rows_done: u64,
}

/// Who is told. Called from several threads.
pub trait Observer: Sync {
    /// An event happened.
    fn see(&self, event: &Event);
}

/// Nobody is told.
pub struct Silent;

impl Observer for Silent {
    fn see(&self, _: &Event) {}
}
