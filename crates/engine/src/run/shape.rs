//! The source as a person wants it carried: tables and columns left out, expressions and filters in place.
//! Owns the order of these; what cannot be is told all at once, before anything is counted.

use crate::error::{Error, Kind, Result};
use crate::pool::Cancel;
use crate::source::select::Reading;
use crate::source::{Reader, written};
use lite2pg_model::finding::{Finding, codes};
use lite2pg_model::mapping::profile::TableProfile;
use lite2pg_model::plan::overrides::{Overrides, Problem};
use lite2pg_model::schema::{RawSchema, Schema};
use lite2pg_model::sql::resolve::resolve;
use std::collections::BTreeMap;

/// The source's schema as it is carried.
pub struct Shaped {
    /// What is carried.
    pub schema: Schema,
    /// All there is, where that is more.
    pub whole: Option<Schema>,
    /// Tables that are left out.
    pub left_out: Vec<String>,
    /// What a person must know of it.
    pub findings: Vec<Finding>,
}

/// Resolves the schema and changes it as was said.
///
/// # Errors
/// What was said cannot be: each place is named.
pub fn shape(overrides: &Overrides, raw: &RawSchema, reader: &Reader) -> Result<Shaped> {
    let selected = overrides.select(raw).map_err(|problems| refused(&problems))?;
    let (mut schema, mut findings) = resolve(&selected.raw);
    let untouched = *overrides == Overrides::default();
    let whole = (!untouched).then(|| if selected.left_out.is_empty() { schema.clone() } else { resolve(raw).0 });
    for name in &selected.left_out {
        let message = "the table is left out, as chosen: none of its rows are carried";
        let hint = "take its skip out of the plan, or change --tables and --exclude, to carry it";
        findings.push(Finding::note(codes::LEFT_OUT, name.clone(), message, hint));
    }
    let mut problems = overrides.change(&mut schema, &mut findings);
    problems.extend(whole.iter().flat_map(|whole| overrides.unknown_in_left_out(whole)));
    problems.extend(written::problems(reader, &overrides.written(&schema)));
    if !problems.is_empty() {
        return Err(refused(&problems));
    }
    overrides.beside(&schema, &mut findings);
    Ok(Shaped { schema, whole, left_out: selected.left_out, findings })
}

/// An error that an expression or a condition of a person's met on a row, with the place where that was written. Others
/// stay as they are.
pub fn blame(error: Error, overrides: &Overrides, schema: &Schema, readers: &[Reader]) -> Error {
    let Some(reader) = readers.first().filter(|_| error.kind == Kind::Source) else { return error };
    let failing = overrides.written(schema).into_iter().find_map(|w| written::fails(reader, &w).map(|why| (w, why)));
    let Some((one, why)) = failing else { return error };
    let (what, object) = match &one.column {
        Some(column) => ("the expression", format!("{}.{column}", one.table)),
        None => ("the condition", one.table.clone()),
    };
    let hint = "change it so that it holds for every row: CASE WHEN … THEN … END leaves out what it cannot take";
    Error::usage(format!("{what} for {object} fails on a row: {why}")).about(one.at.to_string()).hint(hint)
}

/// All problems as one error.
pub fn refused(problems: &[Problem]) -> Error {
    const MOST: usize = lite2pg_model::plan::file::MOST_PROBLEMS;
    let mut sorted: Vec<&Problem> = problems.iter().collect();
    sorted.sort();
    sorted.dedup();
    if let [one] = sorted.as_slice() {
        let error = Error::usage(one.message.clone()).about(one.at.to_string());
        return if one.hint.is_empty() { error } else { error.hint(one.hint.clone()) };
    }
    let lines: Vec<String> = sorted.iter().take(MOST).map(ToString::to_string).collect();
    let more = sorted.len().saturating_sub(MOST);
    let tail = if more > 0 { format!("\nand {more} more") } else { String::new() };
    Error::usage(format!("{} things cannot be as they were written:\n{}{tail}", sorted.len(), lines.join("\n")))
        .hint("docs/plan.md lists every key and what it takes")
}

/// Counts the rows that a filter leaves behind, so that they are told.
///
/// # Errors
/// The source cannot be read, or `Interrupted`.
pub fn filtered(
    reader: &mut Reader,
    schema: &Schema,
    profiles: &BTreeMap<String, TableProfile>,
    findings: &mut Vec<Finding>,
    cancel: &Cancel,
) -> Result<()> {
    for table in &schema.tables {
        let (Some(filter), Some(profile)) = (&table.filter, profiles.get(&table.name)) else { continue };
        let sql = format!("SELECT count(*) FROM {}", Reading::of_table(table).whole());
        let all = reader.interruptible(cancel, |r| r.query_i64(&sql, &[])).map_err(|e| e.about(&table.name))?;
        let all = all.unwrap_or(0).cast_unsigned();
        findings.push(Finding::note(
            codes::FILTERED,
            &table.name,
            format!(
                "{} of {all} rows are carried, as chosen: those where {}; {} stay behind",
                profile.rows,
                filter.replace('\n', " "),
                all.saturating_sub(profile.rows)
            ),
            "take its where out of the plan to carry all",
        ));
    }
    Ok(())
}
