//! `rehearse`: the whole migration, verified, into a place that is thrown away.
//! Owns the order of it and what is told of it; the places are its modules', the migration is `migrate`'s.

mod place;
mod scratch;

use super::migrate::migrate;
use super::pool::Cancel;
use super::settings::{Settings, TargetSpec};
use crate::error::{Error, Result};
use crate::local;
use crate::observe::Observer;
use crate::observe::report::Report;
use place::Place;
use scratch::Scratch;
use std::path::PathBuf;

/// What a rehearsal came to.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// The report of the migration, as the real one would have it.
    pub report: Report,
    /// Where it went.
    pub place: Where,
    /// The place is still there.
    pub kept: bool,
    /// Places of killed rehearsals that were removed before, in words.
    pub swept: Vec<String>,
}

/// Where a rehearsal goes.
#[derive(Clone, Debug)]
pub enum Where {
    /// A managed PostgreSQL of its own.
    Local {
        /// What it can be started with.
        options: Box<local::Options>,
        /// What must be removed to remove it.
        dirs: Vec<PathBuf>,
    },
    /// A database of its own on the target's server.
    Database {
        /// How to reach it.
        target: Box<TargetSpec>,
        /// Its name.
        name: String,
        /// The server, without a secret.
        server: String,
    },
}

impl Where {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Where::Local { options, .. } => format!("a PostgreSQL of its own in {}", options.dir.display()),
            Where::Database { name, server, .. } => format!("database {name} on the server of {server}"),
        }
    }
}

/// Migrates a source into a place of its own: a scratch database on the server of a target, or a managed PostgreSQL in the
/// work directory where the target is a managed one. The source is only read, and the target's own database is not touched.
/// The place is removed at the end, also after an error and an interruption; what a killed rehearsal left is removed by the
/// next one. With `keep` it stays.
///
/// # Errors
/// Those of `migrate`; or the role may not create databases.
pub fn rehearse(settings: &Settings, keep: bool, observer: &dyn Observer, cancel: &Cancel) -> Result<Rehearsal> {
    settings.check()?;
    let (mut place, mut swept) = Place::make(settings)?;
    let mut own = settings.clone();
    own.work_dir = place.work_dir();
    // It only reads: a run of the same source need not wait for it, nor it for that.
    own.lock_dir = place.work_dir();
    own.rollback_on_failure = false;
    own.verify = true;
    let (outcome, at, removed) = match &settings.target {
        TargetSpec::Managed(options) => {
            let options = place.managed(options);
            own.target = TargetSpec::Managed(options.clone());
            let at = Where::Local { options: Box::new(options), dirs: place.dirs() };
            (migrate(&own, observer, cancel), at, Ok(()))
        }
        TargetSpec::Server(conninfo) => {
            let scratch = Scratch::make(conninfo, settings, place.id(), cancel)?;
            swept.extend(scratch.swept().iter().cloned());
            own.target = TargetSpec::Server(conninfo.clone().with_dbname(scratch.name()));
            let target = Box::new(own.target.clone());
            let at = Where::Database { target, name: scratch.name().to_owned(), server: conninfo.display() };
            let outcome = migrate(&own, observer, cancel);
            let removed = if keep { scratch.keep() } else { scratch.remove() };
            (outcome, at, removed)
        }
    };
    let local = matches!(at, Where::Local { .. });
    let closed = if keep && local { place.keep() } else { place.remove() };
    let kept = format!("the place of the rehearsal stays: {}", at.words());
    let with_place = |mut error: Error| {
        if keep {
            error.hint = Some(error.hint.map_or_else(|| kept.clone(), |hint| format!("{hint}\n{kept}")));
        } else if error.kind == crate::Kind::Interrupted {
            error.hint = Some("the place of the rehearsal is removed; the same command begins again".to_owned());
        }
        error
    };
    let report = outcome.map_err(with_place)?;
    removed?;
    closed?;
    Ok(Rehearsal { report, place: at, kept: keep, swept })
}
