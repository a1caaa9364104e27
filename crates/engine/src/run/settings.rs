//! What a person asked for, resolved: the command line fills it, the engine only reads it.
//! Owns the shape of settings; never reads the environment or a file.

use crate::error::{Error, Result};
use crate::local;
use crate::source::SnapshotMode;
use crate::target::Conninfo;
use crate::target::control::Operator;
use lite2pg_model::finding::{Finding, Remedy};
use lite2pg_model::ident;
use lite2pg_model::mapping::choices::Choices;
use lite2pg_model::plan::overrides::Overrides;
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;
use std::time::Duration;

/// Where a migration goes.
#[derive(Clone, Debug)]
pub enum TargetSpec {
    /// A server of the user's own.
    Server(Conninfo),
    /// A PostgreSQL that the tool manages.
    Managed(local::Options),
}

/// An answer to findings: `CODE`, `CODE:OBJECT`, or `all`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accept {
    /// Every object that is not carried over.
    All,
    /// Every finding of a code.
    Code(String),
    /// One finding.
    Object(String, String),
}

impl Accept {
    /// Reads what stands after `--accept`.
    pub fn parse(text: &str) -> Accept {
        match text.split_once(':') {
            _ if text == "all" => Accept::All,
            Some((code, object)) => Accept::Object(code.to_owned(), object.to_owned()),
            None => Accept::Code(text.to_owned()),
        }
    }

    /// Whether it answers a finding. Data that PostgreSQL cannot hold is never accepted away: it needs a policy.
    pub fn answers(&self, finding: &Finding) -> bool {
        finding.remedy == Remedy::Accept
            && match self {
                Accept::All => true,
                Accept::Code(code) => *code == finding.code,
                Accept::Object(code, object) => *code == finding.code && *object == finding.object,
            }
    }

    /// As it stands after `--accept`.
    pub fn word(&self) -> String {
        match self {
            Accept::All => "all".to_owned(),
            Accept::Code(code) => code.clone(),
            Accept::Object(code, object) => format!("{code}:{object}"),
        }
    }
}

/// How many rows may be rejected, over all tables: `--max-rejects N` or `P%`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxRejects {
    /// So many.
    Rows(u64),
    /// So many of a hundred, of the rows of all tables together.
    Percent(f64),
}

impl std::fmt::Display for MaxRejects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            MaxRejects::Rows(n) => write!(f, "{n}"),
            MaxRejects::Percent(share) => write!(f, "{share}%"),
        }
    }
}

impl MaxRejects {
    /// Reads `100` or `0.5%`.
    ///
    /// # Errors
    /// It is neither; the message says what is meant.
    pub fn parse(text: &str) -> std::result::Result<MaxRejects, String> {
        let wrong = || format!("{text:?} is neither a number of rows nor a share from 0% to 100%, such as 100 or 0.5%");
        match text.trim().strip_suffix('%') {
            None => text.trim().parse().map(MaxRejects::Rows).map_err(|_| wrong()),
            Some(share) => {
                let share: f64 = share.trim().parse().map_err(|_| wrong())?;
                if (0.0..=100.0).contains(&share) { Ok(MaxRejects::Percent(share)) } else { Err(wrong()) }
            }
        }
    }

    /// How many rows that are, of so many.
    pub fn of(self, rows: u64) -> u64 {
        match self {
            MaxRejects::Rows(n) => n,
            // Whole rows; beyond 2^53 of them nobody counts by shares.
            MaxRejects::Percent(share) => (rows as f64 * share / 100.0).floor() as u64,
        }
    }
}

/// Everything a command needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The SQLite file.
    pub source: PathBuf,
    /// Where it goes.
    pub target: TargetSpec,
    /// The schema that is published to.
    pub schema: String,
    /// Answers about values: types, policies, single columns.
    pub choices: Choices,
    /// What was said of single tables and columns, and which of them are carried.
    pub overrides: Overrides,
    /// Answers about objects.
    pub accept: Vec<Accept>,
    /// How the snapshot is taken.
    pub snapshot: SnapshotMode,
    /// Where private copies of the source live.
    pub work_dir: PathBuf,
    /// Where the lock of the source lives; the same for every user of the machine.
    pub lock_dir: PathBuf,
    /// Workers; each has a connection to either side.
    pub jobs: usize,
    /// About how many bytes of values a chunk has.
    pub chunk_bytes: u64,
    /// About how much memory this process may take.
    pub memory: u64,
    /// Compare both sides before publishing.
    pub verify: bool,
    /// How long a view may take on each side while its rows are compared.
    pub view_timeout: Duration,
    /// Keep the target database's own collation for text.
    pub collation_database: bool,
    /// How many rows may be rejected although no policy says so; `None`: the first one ends the run.
    pub max_rejects: Option<MaxRejects>,
    /// How long a transient error of the target is tried again without getting on; zero: not at all.
    pub retry_for: Duration,
    /// Undo everything when the run fails, rather than keep it for resume.
    pub rollback_on_failure: bool,
    /// Who runs it.
    pub operator: Operator,
}

impl Settings {
    /// Refuses what cannot work before anything is opened.
    ///
    /// # Errors
    /// A schema that PostgreSQL or lite2pg keeps for itself.
    pub fn check(&self) -> Result<()> {
        let schema = self.schema.as_str();
        let why = if schema.is_empty() || schema.contains('\0') {
            "a schema needs a name"
        } else if schema.len() > ident::MAX_BYTES {
            "PostgreSQL cuts names at 63 bytes"
        } else if schema.starts_with("pg_") || schema == "information_schema" {
            "PostgreSQL keeps that name for itself"
        } else if schema == "lite2pg" || schema.starts_with("lite2pg_staging_") {
            "lite2pg keeps that name for its own tables"
        } else {
            return Ok(());
        };
        Err(Error::usage(format!("cannot publish to schema {schema:?}: {why}"))
            .hint("choose another with --schema NAME"))
    }

    /// SHA-256 over what shapes the result: schema, answers, collation. Whether rows may be rejected counts, not how
    /// many: a run that came to its limit can go on with a higher one. What was said of single tables and columns has a
    /// hash of its own behind a dot, since it may come to nothing.
    pub fn options_hash(&self) -> String {
        let mut accept: Vec<String> = self.accept.iter().map(Accept::word).collect();
        accept.sort();
        let mut text =
            format!("{}\n{:?}\n{accept:?}\n{}\n{}", self.schema, self.choices, self.collation_database, self.verify,);
        if self.max_rejects.is_some() {
            text.push_str("\nmax-rejects");
        }
        let hash: String = Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
        format!("{hash}.{}", self.overrides.fingerprint())
    }

    /// Whether these options differ from those of a hash in nothing but what was said of single tables and columns.
    pub fn differs_in_overrides_alone(&self, other: &str) -> bool {
        let own = self.options_hash();
        own != other && own.split_once('.').map(|(h, _)| h) == other.split_once('.').map(|(h, _)| h)
    }

    /// Marks the findings that these answers accept.
    pub fn accept_findings(&self, findings: &mut [Finding]) {
        for finding in findings {
            if self.accept.iter().any(|a| a.answers(finding)) {
                finding.accepted = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MaxRejects;

    #[test]
    fn a_limit_is_a_number_or_a_share() {
        assert_eq!(MaxRejects::parse("100"), Ok(MaxRejects::Rows(100)));
        for (text, of_a_million) in [("0%", 0), ("0.5%", 5_000), ("100%", 1_000_000), ("0.00019 %", 1)] {
            assert_eq!(MaxRejects::parse(text).map(|m| m.of(1_000_000)), Ok(of_a_million), "{text}");
        }
        for bad in ["", "%", "-1", "1.5", "101%", "-0.1%", "NaN%", "all"] {
            assert!(MaxRejects::parse(bad).is_err(), "{bad}");
        }
    }
}
