//! A run that has ended already: is what it published still what the source holds?
//! Owns that quick look; never compares rows and never changes anything.

use super::changed;
use super::finish;
use super::session::Session;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::observe::memory;
use crate::observe::report::Report;
use crate::source::Source;
use crate::target::control::Run;
use crate::target::{catalog, programs};
use postgres::Client;

/// The report of a finished run of this very source, if its tables still stand; its time is for the caller to say.
/// `same_plan` is asked where the options are worded otherwise: a file that says what the rules come to is none.
///
/// # Errors
/// The schema holds something else, an earlier state, or what was changed since.
pub fn done(
    settings: &Settings,
    source: &Source,
    session: &Session,
    main: &mut Client,
    last: &Run,
    same_plan: &dyn Fn(&mut Client) -> Result<bool>,
) -> Result<Option<Report>> {
    let plan = last.plan()?;
    let there = finish::tables_there(main, &plan, &last.schema)?;
    // A source without tables has nothing that could be gone but its schema.
    if if plan.tables.is_empty() { !catalog::schema_exists(main, &last.schema)? } else { there == 0 } {
        return Ok(None);
    }
    let rollback = "lite2pg rollback undoes it first; --schema NAME puts this one beside it";
    if there < plan.tables.len() {
        return Err(Error::target(format!(
            "run {} published {} tables here, of which {} are gone",
            last.id,
            plan.tables.len(),
            plan.tables.len() - there
        ))
        .about(format!("schema {}", last.schema))
        .hint(rollback));
    }
    let now = serde_json::to_value(source.fingerprint())
        .map_err(|e| Error::internal("the fingerprint cannot be written").because(e))?;
    let path = source.facts().canonical.display().to_string();
    if last.source_path != path {
        return Err(Error::target(format!("schema {} holds {} already", last.schema, last.source_path))
            .about(session.display())
            .hint(rollback));
    }
    if last.fingerprint != now {
        return Err(Error::target(format!(
            "schema {} holds an earlier state of this source (run {}); it has changed since",
            last.schema, last.id
        ))
        .about(session.display())
        .hint("lite2pg rollback removes that state, then migrate again; or --schema NAME to keep both"));
    }
    if last.options_hash != settings.options_hash() && !same_plan(main)? {
        let said = changed::list(changed::other_options(main, &last.id, settings)?);
        let said = said.map_or_else(String::new, |said| format!(": {said}"));
        return Err(Error::target(format!(
            "schema {} holds this source already, migrated with other options (run {}){said}",
            last.schema, last.id
        ))
        .about(session.display())
        .hint(rollback));
    }
    let Some(report) = last.report.clone().and_then(|r| serde_json::from_value::<Report>(r).ok()) else {
        return Ok(None);
    };
    let mut changed = finish::changed_counts(main, &plan, &report)?;
    let there = programs::definitions(main, &plan)?;
    changed.extend(programs::redefined(main, &last.id, &there)?);
    if !changed.is_empty() {
        return Err(Error::target(format!("what run {} published was changed since: {}", last.id, changed.join(", ")))
            .about(format!("schema {}", last.schema))
            .hint(
                "lite2pg verify compares every row; lite2pg rollback removes what was published, then migrate again",
            ));
    }
    Ok(Some(Report {
        already_done: true,
        compared_now: "counts".to_owned(),
        stages: Vec::new(),
        peak_rss_bytes: memory::peak_rss(),
        ..report
    }))
}
