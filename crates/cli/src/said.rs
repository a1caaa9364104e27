//! What a person chose, in the plan's file and with flags, as one: flags win.
//! Owns the reading of that file; never decides what a choice does.

use crate::args::{self, Answers, Collation};
use crate::settings::may_hold_secret;
use lite2pg_engine::run::shape::refused;
use lite2pg_engine::{Error, Result};
use lite2pg_model::mapping::choices::{Choices, Types};
use lite2pg_model::mapping::policy::Policies;
use lite2pg_model::mapping::zone::Zone;
use lite2pg_model::plan::file;
use lite2pg_model::plan::overrides::{self, Origin, Overrides};
use lite2pg_model::plan::style::NameStyle;
use std::path::Path;

/// The largest file that is read as a plan.
const LARGEST: u64 = 64 << 20;

/// What was said.
#[derive(Default)]
pub struct Said {
    /// The schema that the file names.
    pub schema: Option<String>,
    /// Choices for all columns.
    pub choices: Choices,
    /// Findings that are answered.
    pub accept: Vec<String>,
    /// Text is ordered as the target's database does.
    pub collation_database: bool,
    /// What was said of tables and columns.
    pub overrides: Overrides,
}

/// Reads the file, if one is named, and lays the flags over it.
///
/// # Errors
/// The file cannot be read, or something in it or in a flag cannot be: each place is named.
pub fn read(answers: &Answers) -> Result<Said> {
    let file = answers.plan.as_deref().map_or_else(|| Ok(Overrides::default()), of_file)?;
    let mut flags = file::flags::read(&answers.set).map_err(|problems| refused(&problems))?;
    let lists = [("--tables", &answers.tables), ("--exclude", &answers.exclude)];
    let empty = lists.iter().flat_map(|(flag, list)| list.iter().filter_map(|l| file::flags::no_patterns(flag, l)));
    let wrong: Vec<_> = empty.chain(answers.accept.iter().filter_map(|a| file::flags::no_accept(a))).collect();
    if !wrong.is_empty() {
        return Err(refused(&wrong));
    }
    flags.names = answers.names.map(|names| overrides::Said {
        value: match names {
            args::Names::Keep => NameStyle::Keep,
            args::Names::Lower => NameStyle::Lower,
            args::Names::Snake => NameStyle::Snake,
        },
        at: Origin::Flag("--names".to_owned()),
    });
    flags.policies = Policies::parse(&answers.policy).map_err(|e| Error::usage(e.to_string()).about("--policy"))?;
    flags.accept.clone_from(&answers.accept);
    flags.only = answers.tables.iter().flat_map(|t| file::flags::patterns("--tables", t)).collect();
    flags.exclude = answers.exclude.iter().flat_map(|t| file::flags::patterns("--exclude", t)).collect();
    let mut said = file.with(flags);
    // What concerns all columns is handed on as such.
    let choices = Choices {
        types: types(answers).or(said.types.take().map(|t| t.value)).unwrap_or_default(),
        zone: zone(answers)?.or(said.zone.take().map(|z| z.value)),
        policies: std::mem::take(&mut said.policies),
        ..Choices::default()
    };
    let collation = said.collation_database.take().is_some_and(|c| c.value);
    Ok(Said {
        schema: said.schema.take().map(|s| s.value),
        choices,
        accept: std::mem::take(&mut said.accept),
        collation_database: answers.collation.map_or(collation, |c| c == Collation::Database),
        overrides: said,
    })
}

fn types(answers: &Answers) -> Option<Types> {
    answers.types.map(|types| match types {
        args::Types::Native => Types::Native,
        args::Types::Inferred => Types::Inferred,
        args::Types::Plain => Types::Plain,
    })
}

fn zone(answers: &Answers) -> Result<Option<Zone>> {
    let named = answers.assume_tz.as_deref().map(Zone::parse).transpose();
    named.map_err(|e| no_zone(answers.assume_tz.as_deref().unwrap_or_default(), e).about("--assume-tz"))
}

/// What was given may be a target in the wrong place, with a password in it.
fn no_zone(name: &str, message: String) -> Error {
    match may_hold_secret(name) {
        true => Error::usage("a target is no time zone; give one like Europe/Berlin, UTC or +02:00"),
        false => Error::usage(message),
    }
}

fn of_file(path: &Path) -> Result<Overrides> {
    let name = path.display().to_string();
    let unreadable = |what: String| {
        Error::usage(format!("cannot be read: {what}"))
            .about(name.clone())
            .hint("a plan is the file that lite2pg plan SOURCE -o FILE writes")
    };
    let size = std::fs::metadata(path).map_err(|e| unreadable(e.to_string()))?.len();
    if size > LARGEST {
        return Err(unreadable(format!("{size} bytes are no plan")));
    }
    let bytes = std::fs::read(path).map_err(|e| unreadable(e.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not valid UTF-8".to_owned()))?;
    file::read(&text, &name).map_err(|problems| refused(&problems))
}
