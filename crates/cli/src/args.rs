//! The command line: commands, flags, their help texts.
//! Owns the grammar; never reads the environment's meaning (see `settings`) and never runs anything.

use clap::{ArgAction, Args, CommandFactory as _, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use lite2pg_engine::run::MaxRejects;
use std::ffi::OsString;
use std::path::PathBuf;

/// What stands below every help text about targets.
const TARGETS: &str = "\
TARGET is one of
  postgresql://user@host/db    a URI, or \"host=… dbname=…\", as libpq reads them
  \"\"                           what PGHOST, PGDATABASE, … say, alone
  shop.db.pg                   the directory of a PostgreSQL that lite2pg manages
  (nothing)                    the managed one beside the source: SOURCE.pg

PG* variables, .pgpass, the service file and sslmode (up to verify-full) are honoured when a
TARGET is given; without one the managed PostgreSQL is used, even if PGHOST is set.
Put no password in TARGET: every user of this machine could read it. Use PGPASSWORD or .pgpass.";

const EXITS: &str = "\
Exit status
  0  done and verified            3  source: unreadable, corrupt, locked, changed
  1  internal error               4  target: unreachable, refused, not empty, lacks a privilege
  2  usage or configuration       5  a decision is needed (findings that block)
  6  rows were rejected           7  verification found differences
  8  interrupted; migrate goes on with the same command, others begin again";

/// Moves a SQLite database to PostgreSQL: schema and data, proven equal.
#[derive(Debug, Parser)]
#[command(name = "lite2pg", version, propagate_version = true, max_term_width = 100, after_long_help = EXITS)]
#[command(after_help = "The first try needs no server: lite2pg migrate shop.db\n\nlite2pg help COMMAND says more.")]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct Global {
    /// Print one JSON document on standard output, whatever happens
    #[arg(long, global = true)]
    pub json: bool,
    /// How events are told on standard error: `text` for people, `json` as JSON lines
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// Say more: every finding, every step
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Only errors, and what needs a decision
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Write every event to this file, as JSON lines [default: a file per run in WORK_DIR/logs, the newest 20 are kept]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub log_file: Option<PathBuf>,
    /// Colours; `auto` means on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look: what the source holds, which types it gets, what stands in the way; writes nothing
    Inspect(Inspect),
    /// The same as a TOML file, every decision with its reason, or as SQL
    Plan(Plan),
    /// Move everything, verify it, publish it; goes on with an interrupted run
    Migrate(Migrate),
    /// The whole migration, verified, into a place that is thrown away, with its report
    Rehearse(Rehearse),
    /// Compare source and target again, after a migration
    Verify(Verify),
    /// Undo the last run, finished or not: the target is as it was before
    Rollback(Rollback),
    /// Copy a database while others use it: one file, checked, with its SHA-256 beside it
    Backup(Backup),
    /// Make a database of a backup again, once everything about it has proven right
    Restore(Restore),
    /// What is running and what ran last
    Status(Status),
    /// Every run a target has seen
    History(History),
    /// Ask a running migration to pause, to go on, to go slower, or to end
    Request(Request),
    /// Run the managed PostgreSQL of an earlier run until Ctrl-C, and print how to connect
    Serve(Serve),
    /// A managed PostgreSQL as SQL for psql
    Dump(Dump),
    /// Print the completions for a shell
    Completions {
        /// Which one
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page
    Man {
        /// Write one page per command into this directory instead
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        dir: Option<PathBuf>,
    },
    /// Holds a managed PostgreSQL for another process of ours.
    #[command(name = KEEPER, hide = true)]
    Keeper,
}

/// The hidden command that the engine starts.
pub const KEEPER: &str = "managed-keeper";

/// The default of `--chunk-bytes`.
pub const CHUNK_BYTES: &str = "64MiB";
/// The default of `--memory`.
pub const MEMORY: &str = "128MiB";
/// The default of `--view-timeout`.
pub const VIEW_TIMEOUT: &str = "60";
/// The default of `--retry-for`.
pub const RETRY_FOR: &str = "60";

/// From where to where.
#[derive(Clone, Debug, Args)]
pub struct Way {
    /// The SQLite database
    #[arg(value_hint = ValueHint::FilePath)]
    pub source: PathBuf,
    /// Where it goes; nothing: a managed PostgreSQL in SOURCE.pg (see below)
    pub target: Option<OsString>,
    /// The schema in the target [default: the plan's, or public]
    #[arg(long, value_name = "NAME")]
    pub schema: Option<String>,
    #[command(flatten)]
    pub place: Place,
}

/// Where our own files lie, and which PostgreSQL is managed.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// For private copies of the source, logs and state [default: $XDG_STATE_HOME/lite2pg, ~/.local/state/lite2pg]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub work_dir: Option<PathBuf>,
    /// The bin directory of the PostgreSQL to manage [default: the newest one found]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub pg_bin: Option<PathBuf>,
    /// Which PostgreSQL to manage: one installed here, or the one inside lite2pg [default: native if there is one]
    #[arg(long, value_enum, value_name = "KIND")]
    pub managed: Option<Managed>,
}

/// How the source is read.
#[derive(Clone, Debug, Args)]
pub struct Reading {
    /// `pin` reads the file in place, `copy` copies it first; `auto` copies when others have it open
    #[arg(long, value_enum, value_name = "HOW", default_value = "auto")]
    pub snapshot: Snapshot,
    /// Workers, each with a connection to either side [default: the processor's cores, at most 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: Option<u16>,
    /// About how much memory lite2pg may take; longer values are read piece by piece
    #[arg(long, value_name = "SIZE", default_value = MEMORY, value_parser = memory)]
    pub memory: u64,
    /// How long a view may take on each side when its rows are compared; one that takes longer is listed
    #[arg(long, value_name = "SECONDS", default_value = VIEW_TIMEOUT, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub view_timeout: u64,
}

/// How rows are copied.
#[derive(Clone, Debug, Args)]
pub struct Copying {
    /// About how many bytes of values are copied in one transaction
    #[arg(long, value_name = "SIZE", default_value = CHUNK_BYTES, value_parser = size)]
    pub chunk_bytes: u64,
}

/// Answers to findings.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Decisions")]
pub struct Answers {
    /// Go on without an object that is not carried over: a finding's code, or `all`; can be repeated
    #[arg(long, value_name = "CODE[:OBJECT]")]
    pub accept: Vec<String>,
    /// What becomes of data PostgreSQL cannot hold; `lossless` keeps all of it; can be repeated
    #[arg(long, value_name = "KIND=CHOICE")]
    pub policy: Vec<String>,
    /// How rich types may be: `native` goes by declarations, `inferred` by what the values are too, `plain` keeps to
    /// bigint, double precision, numeric, text and bytea [default: native]
    #[arg(long, value_enum, value_name = "HOW")]
    pub types: Option<Types>,
    /// How names are written: `keep` as they are, `lower` in lower case, so that they need no quotes, `snake` as
    /// words_with_lines [default: keep]
    #[arg(long, value_enum, value_name = "HOW")]
    pub names: Option<Names>,
    /// The zone of date-times without one, such as Europe/Berlin or +02:00: they become timestamptz
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    pub assume_tz: Option<String>,
    /// `database`: text is ordered as the target's database does; `source`: by bytes, as SQLite does
    #[arg(long, value_enum, value_name = "WHICH")]
    pub collation: Option<Collation>,
    /// What a file says that `lite2pg plan -o FILE` wrote and you edited; flags win over it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub plan: Option<PathBuf>,
    /// One choice with the words of the plan's file, such as users.id.type=uuid or users.where='id > 7'; can be repeated
    #[arg(long, value_name = "TABLE.COLUMN.KEY=VALUE")]
    pub set: Vec<String>,
    /// Only these tables; `*` is any text, `?` one character; can be repeated
    #[arg(long, value_name = "NAMES")]
    pub tables: Vec<String>,
    /// Not these tables; as --tables
    #[arg(long, value_name = "NAMES")]
    pub exclude: Vec<String>,
}

/// `inspect`.
#[derive(Debug, Args)]
#[command(after_help = TARGETS)]
pub struct Inspect {
    #[command(flatten)]
    pub way: Way,
    /// Write everything as a page of HTML, too: one file to hand to somebody
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub copying: Copying,
    #[command(flatten)]
    pub answers: Answers,
}

/// `plan`.
#[derive(Debug, Args)]
#[command(after_help = TARGETS)]
pub struct Plan {
    #[command(flatten)]
    pub way: Way,
    /// Where to write it; `-`: standard output
    #[arg(short, long, value_name = "FILE", default_value = "-", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    /// The statements as SQL instead
    #[arg(long)]
    pub sql: bool,
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub copying: Copying,
    #[command(flatten)]
    pub answers: Answers,
}

/// `migrate`.
#[derive(Debug, Args)]
#[command(after_help = TARGETS)]
pub struct Migrate {
    #[command(flatten)]
    pub way: Way,
    /// Try everything on the target and take it back: the statements, and sample rows of every table
    #[arg(long)]
    pub dry_run: bool,
    /// Do not compare the two sides before publishing
    #[arg(long)]
    pub no_verify: bool,
    /// How many rows may be set aside in lite2pg.rejected_row although no policy says so: a number, or a share
    #[arg(long, value_name = "N|P%", value_parser = MaxRejects::parse)]
    pub max_rejects: Option<MaxRejects>,
    /// Try the rows that the last run rejected again, after the cause was mended; they cross as that run decided
    #[arg(long, conflicts_with_all = [
        "dry_run", "no_verify", "max_rejects", "types", "names", "assume_tz", "plan", "set", "tables", "exclude",
        "accept", "collation", "on_failure", "retry_for", "chunk_bytes", "memory", "view_timeout",
    ])]
    pub retry_rejected: bool,
    /// Copy at most so many bytes a second, over all workers, such as 20MiB; `lite2pg request` changes it later
    #[arg(long, value_name = "RATE", value_parser = size, conflicts_with_all = ["dry_run", "retry_rejected"])]
    pub throttle: Option<u64>,
    /// How long to try again without getting on when the target is gone or busy; 0: not at all
    #[arg(long, value_name = "SECONDS", default_value = RETRY_FOR, value_parser = clap::value_parser!(u64).range(0..=604_800))]
    pub retry_for: u64,
    /// `keep` what is done for the next try, or `rollback`
    #[arg(long, value_enum, value_name = "WHAT", default_value = "keep")]
    pub on_failure: OnFailure,
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub copying: Copying,
    #[command(flatten)]
    pub answers: Answers,
}

/// `rehearse`.
#[derive(Debug, Args)]
#[command(after_help = TARGETS)]
pub struct Rehearse {
    #[command(flatten)]
    pub way: Way,
    /// Leave the place where it was rehearsed, and say how to connect to it and how to remove it
    #[arg(long)]
    pub keep: bool,
    /// How many rows may be set aside in lite2pg.rejected_row although no policy says so: a number, or a share
    #[arg(long, value_name = "N|P%", value_parser = MaxRejects::parse)]
    pub max_rejects: Option<MaxRejects>,
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub copying: Copying,
    #[command(flatten)]
    pub answers: Answers,
}

/// `verify`.
#[derive(Debug, Args)]
#[command(after_help = TARGETS)]
pub struct Verify {
    #[command(flatten)]
    pub way: Way,
    /// How closely: rows counted, checksums of every table, or every row by itself (differences are named)
    #[arg(long, value_enum, value_name = "LEVEL", default_value = "checksums")]
    pub level: Level,
    #[command(flatten)]
    pub reading: Reading,
}

/// `rollback`.
#[derive(Debug, Args)]
#[command(after_help = TARGETS)]
pub struct Rollback {
    #[command(flatten)]
    pub way: Way,
    /// Only say what would be undone, what was changed since, and what stands in the way
    #[arg(long)]
    pub dry_run: bool,
    /// Undo even if rows were changed in the target since; they are saved to a file first
    #[arg(long)]
    pub discard_changes: bool,
    /// That file, SQL for psql [default: SOURCE.discarded-RUN.sql]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "discard_changes", conflicts_with = "dry_run")]
    pub save_to: Option<PathBuf>,
    /// Remove the control tables (schema lite2pg) too, if no other run needs them
    #[arg(long)]
    pub purge: bool,
}

/// `backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// The SQLite database
    #[arg(value_hint = ValueHint::FilePath)]
    pub source: PathBuf,
    /// The backup's file, or the directory it is to lie in [default: SOURCE.backup-TIME beside the source]
    #[arg(short, long, value_name = "FILE|DIR", value_hint = ValueHint::AnyPath)]
    pub output: Option<PathBuf>,
    /// Encrypt to this recipient of age (age1…), or to those in this file; can be repeated
    #[arg(long, value_name = "RECIPIENT|FILE", conflicts_with = "passphrase_file")]
    pub encrypt_to: Vec<String>,
    /// Encrypt with the passphrase that is the only line of this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub passphrase_file: Option<PathBuf>,
    /// For the plain copy while an encrypted backup is made [default: as for migrate]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub work_dir: Option<PathBuf>,
}

/// `restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup's file
    #[arg(value_hint = ValueHint::FilePath)]
    pub backup: PathBuf,
    /// The database it is to become
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Decrypt with the identities (secret keys) in this file; can be repeated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "passphrase_file")]
    pub identity: Vec<PathBuf>,
    /// Decrypt with the passphrase that is the only line of this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub passphrase_file: Option<PathBuf>,
    /// Restore although FILE is there: the old one is kept under another name
    #[arg(long)]
    pub force: bool,
    /// Restore without the SHA-256 beside the backup; SQLite's own check is then all that vouches for it
    #[arg(long)]
    pub no_checksum: bool,
}

/// `history`.
#[derive(Debug, Args)]
pub struct History {
    /// A target, the directory of a managed PostgreSQL, or the source whose SOURCE.pg is meant
    #[arg(value_name = "TARGET|SOURCE|DIR")]
    pub place: OsString,
    #[command(flatten)]
    pub managed: Place,
}

/// `status`.
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    pub history: History,
    /// Show it again every so many seconds until no run is running
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", require_equals = true,
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub watch: Option<u64>,
}

/// `request`.
#[derive(Debug, Args)]
pub struct Request {
    /// A target, the directory of a managed PostgreSQL, or the source whose SOURCE.pg is meant
    #[arg(value_name = "TARGET|SOURCE|DIR")]
    pub place: OsString,
    /// What the running migration shall do; `abort` is like Ctrl-C where it runs
    #[arg(value_enum, value_name = "WHAT")]
    pub what: What,
    /// Of `throttle`: at most so many bytes a second over all workers, such as 20MiB; 0 lifts it
    #[arg(value_name = "RATE", required_if_eq("what", "throttle"), value_parser = rate)]
    pub rate: Option<u64>,
    /// Which run, where several are running
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    #[command(flatten)]
    pub managed: Place,
}

/// `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// The directory, such as shop.db.pg (or the source it belongs to)
    #[arg(value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
    /// The port on 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    #[command(flatten)]
    pub place: Place,
}

/// `dump`.
#[derive(Debug, Args)]
pub struct Dump {
    /// The directory, such as shop.db.pg, or the source it belongs to
    #[arg(value_name = "DIR|SOURCE", value_hint = ValueHint::AnyPath)]
    pub dir: PathBuf,
    /// Where to write the SQL; `-`: standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    #[command(flatten)]
    pub place: Place,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $value:ident),* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
        #[allow(missing_docs, reason = "the words of the flag")]
        pub enum $name { $($(#[$vdoc])* $value),* }
    };
}
words!(/// `--log-format`.
    LogFormat { Text, Json });
words!(/// `--color`.
    Color { Auto, Always, Never });
words!(/// `--managed`.
    Managed { Native, Embedded });
impl Managed {
    /// As it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Managed::Native => "native",
            Managed::Embedded => "embedded",
        }
    }
}
words!(/// `--snapshot`.
    Snapshot { Auto, Pin, Copy });
words!(/// `--collation`.
    Collation { Source, Database });
words!(/// `--level`.
    Level { Counts, Checksums, Rows });
words!(/// `--types`.
    Types { Native, Inferred, Plain });
words!(/// `--names`.
    Names { Keep, Lower, Snake });
words!(/// What `request` asks.
    What { Pause, Continue, Throttle, Abort });
words!(/// `--on-failure`.
    OnFailure { Keep, Rollback });

/// Reads `64MiB`, `1GiB`, `512KiB` or bytes.
pub fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "k" | "kb" => 1 << 10,
        "mib" | "m" | "mb" => 1 << 20,
        "gib" | "g" | "gb" => 1 << 30,
        _ => return Err("a size is a number with KiB, MiB or GiB, such as 64MiB".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "a size begins with a number, such as 64MiB".to_owned())?;
    number.checked_mul(factor).filter(|n| *n > 0).ok_or_else(|| "a size is at least 1 and at most 2^63".to_owned())
}

/// Reads a rate in bytes a second, or 0.
pub fn rate(text: &str) -> Result<u64, String> {
    if text.trim() == "0" { Ok(0) } else { size(text.trim().trim_end_matches("/s")) }
}

/// Reads a size of at least 32 MiB, which the program alone takes.
pub fn memory(text: &str) -> Result<u64, String> {
    size(text).and_then(|n| if n < 32 << 20 { Err("at least 32MiB is needed".to_owned()) } else { Ok(n) })
}

/// Reads the arguments.
pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(arguments)
}

/// The grammar itself, for completions and the manual page.
pub fn grammar() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_holds() {
        grammar().debug_assert();
    }

    #[test]
    fn sizes_are_read() {
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("1 gib"), Ok(1 << 30));
        assert_eq!(size("10"), Ok(10));
        for bad in ["", "MiB", "-1", "0", "1TiB", "99999999999GiB", "1.5MiB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        assert_eq!((rate("0"), rate("20MiB/s"), rate("").is_err()), (Ok(0), Ok(20 << 20), true));
        assert_eq!((memory("32MiB"), memory("31MiB").is_err()), (Ok(32 << 20), true));
    }
}
