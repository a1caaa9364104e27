//! What a person must know about a database before it moves.
//! Owns the shape and the list of codes; never decides whether a run may go on by itself.

use serde::{Deserialize, Serialize};

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know; nothing is lost.
    Note,
    /// Something differs from SQLite in a way the application may notice; nothing of the data is lost.
    Warning,
    /// Something would be lost: the run stops with exit 5 until a person decides.
    Blocking,
}

/// How a person answers a blocking finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// Nothing to answer.
    #[default]
    None,
    /// An object that is not carried over: `--accept CODE[:OBJECT]`.
    Accept,
    /// Data that PostgreSQL cannot hold as it is: `--policy KIND=CHOICE`.
    Policy,
}

/// One thing a person must know. A value, never an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// A stable word from [`codes`], in kebab-case.
    pub code: String,
    /// Its weight.
    pub severity: Severity,
    /// What it is about: `table`, `table.column`, an index, a view.
    pub object: String,
    /// One sentence, with counts and places.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// How it is answered.
    #[serde(default = "Remedy::default")]
    pub remedy: Remedy,
    /// A person (or a policy) has answered it; an accepted blocking finding no longer stops the run.
    #[serde(default)]
    pub accepted: bool,
}

impl Finding {
    /// A finding that nothing needs to answer.
    pub fn note(code: &str, object: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(code, Severity::Note, Remedy::None, object, message, hint)
    }

    /// A difference the application may notice.
    pub fn warning(code: &str, object: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, Remedy::None, object, message, hint)
    }

    /// An object that is not carried over: blocks until accepted.
    pub fn not_carried(
        code: &str,
        object: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::new(code, Severity::Blocking, Remedy::Accept, object, message, hint)
    }

    /// Data that PostgreSQL cannot hold: blocks until a policy is chosen.
    pub fn data(code: &str, object: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(code, Severity::Blocking, Remedy::Policy, object, message, hint)
    }

    fn new(
        code: &str,
        severity: Severity,
        remedy: Remedy,
        object: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Finding {
            code: code.to_owned(),
            severity,
            object: object.into(),
            message: message.into(),
            hint: hint.into(),
            remedy,
            accepted: false,
        }
    }

    /// Whether this finding stops a run.
    pub fn blocks(&self) -> bool {
        self.severity == Severity::Blocking && !self.accepted
    }
}

/// The codes, so that messages, flags, tests and docs use one word for one thing.
pub mod codes {
    /// Every code.
    pub const ALL: [&str; 40] = [
        CONTRADICTION,
        VIEW,
        TRIGGER,
        CHECK,
        DEFAULT,
        GENERATED,
        INDEX,
        VIRTUAL_TABLE,
        COLLATION,
        ON_CONFLICT,
        FOREIGN_KEY,
        UNPARSED,
        MIXED,
        WIDER,
        UNFIT,
        DATES,
        JSON,
        TOO_LONG,
        LABEL,
        NUL,
        INVALID_UTF8,
        NULL_KEY,
        DUPLICATE_KEY,
        ORPHANS,
        RENAMED,
        TOO_MANY_COLUMNS,
        TOO_LARGE,
        APPLICATION_DEFINED,
        DAMAGED,
        INTEGRITY,
        CHECK_BROKEN,
        NORMAL_FORM,
        SURROGATE,
        LEFT_OUT,
        FILTERED,
        COMPUTED,
        BESIDE_PLAN,
        NO_NEXT_KEY,
        TRIGGER_DIFFERS,
        TIME_ZONE,
    ];
    /// A view has no counterpart in the target.
    pub const VIEW: &str = "view-not-carried";
    /// A trigger has no counterpart in the target.
    pub const TRIGGER: &str = "trigger-not-carried";
    /// A trigger that is carried over, and does not do quite the same.
    pub const TRIGGER_DIFFERS: &str = "trigger-differs";
    /// A CHECK constraint whose expression is not translated.
    pub const CHECK: &str = "check-not-carried";
    /// A DEFAULT that depends on the time zone: that of the session in PostgreSQL, that of the machine in SQLite.
    pub const TIME_ZONE: &str = "time-zone-of-session";
    /// A DEFAULT that is not translated.
    pub const DEFAULT: &str = "default-not-carried";
    /// A generated column becomes a plain column with its values.
    pub const GENERATED: &str = "generated-not-carried";
    /// An index whose expression or predicate is not translated.
    pub const INDEX: &str = "index-not-carried";
    /// A virtual table (full-text, R*Tree, …): it and its shadow tables stay behind.
    pub const VIRTUAL_TABLE: &str = "virtual-table-not-carried";
    /// NOCASE, RTRIM or an application's collation: PostgreSQL compares by bytes instead.
    pub const COLLATION: &str = "collation-not-carried";
    /// An ON CONFLICT clause of a constraint.
    pub const ON_CONFLICT: &str = "on-conflict-not-carried";
    /// A foreign key that cannot be made.
    pub const FOREIGN_KEY: &str = "foreign-key-not-carried";
    /// A statement of the schema that could not be parsed; what the pragmas tell is carried.
    pub const UNPARSED: &str = "sql-not-understood";
    /// A column holds several storage classes and becomes a wider type.
    pub const MIXED: &str = "mixed-classes";
    /// Values that do not fit the declared type: a wider type is used.
    pub const WIDER: &str = "wider-type";
    /// Values of a column that its type does not hold.
    pub const UNFIT: &str = "does-not-fit";
    /// Columns that foreign keys link were given different policies.
    pub const CONTRADICTION: &str = "different-policies";
    /// Values of a date column that are no dates.
    pub const DATES: &str = "not-a-date";
    /// Values of a JSON column that are no JSON.
    pub const JSON: &str = "not-json";
    /// Texts longer than their column was declared.
    pub const TOO_LONG: &str = "too-long";
    /// Labels that PostgreSQL's enums cannot have.
    pub const LABEL: &str = "enum-label";
    /// NUL bytes in text.
    pub const NUL: &str = "nul-in-text";
    /// Text that is not valid UTF-8.
    pub const INVALID_UTF8: &str = "invalid-utf8";
    /// NULL in a key or in a NOT NULL column.
    pub const NULL_KEY: &str = "null-in-key";
    /// A key that is no longer unique under the chosen types.
    pub const DUPLICATE_KEY: &str = "duplicate-key";
    /// Rows whose foreign key points nowhere.
    pub const ORPHANS: &str = "orphan-rows";
    /// A name PostgreSQL cannot hold as it is.
    pub const RENAMED: &str = "renamed";
    /// More columns than PostgreSQL allows.
    pub const TOO_MANY_COLUMNS: &str = "too-many-columns";
    /// A value too large for PostgreSQL.
    pub const TOO_LARGE: &str = "value-too-large";
    /// A collation or function that only the application has; a stand-in was used for reading.
    pub const APPLICATION_DEFINED: &str = "application-defined";
    /// An object whose statement in `sqlite_schema` is no SQL that SQLite reads any more.
    pub const DAMAGED: &str = "object-damaged";
    /// Rows that break a constraint or a type the schema declares, as SQLite's own check says.
    pub const INTEGRITY: &str = "constraint-broken";
    /// Rows that break a CHECK of their own table.
    pub const CHECK_BROKEN: &str = "check-broken";
    /// The meaning of values is kept, the way each was written is not.
    pub const NORMAL_FORM: &str = "normal-form";
    /// A new identity column becomes the primary key.
    pub const SURROGATE: &str = "surrogate-key";
    /// A table or column that a person left out.
    pub const LEFT_OUT: &str = "left-out";
    /// Only some rows of a table are carried, as a person chose.
    pub const FILTERED: &str = "filtered";
    /// An expression is read in a column's place, as a person chose.
    pub const COMPUTED: &str = "computed";
    /// The source has what the plan's file does not name.
    pub const BESIDE_PLAN: &str = "beside-plan";
    /// The next value of an identity column does not exist.
    pub const NO_NEXT_KEY: &str = "no-next-key";
}
