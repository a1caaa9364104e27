//! The ledger of one run: which steps and chunks are done. Every mark commits in the same transaction as its effect.
//! Owns `migration_step` and `migration_chunk`; never decides what is done next.

use crate::error::{Error, Result};
use crate::target::error_from_pg;
use lite2pg_model::ident::literal;
use lite2pg_model::normal::Sum;
use lite2pg_model::plan::{Stage, Step};
use postgres::{GenericClient, SimpleQueryMessage, Transaction};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A range of a table's rowids: after `after`, up to and including `last`. Both `None`: the whole table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// Rows have a larger key; `None`: from the first.
    pub after: Option<i64>,
    /// Rows have at most this key; `None`: to the last.
    pub last: Option<i64>,
}

/// A chunk as the ledger holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its number within the table, from 1.
    pub number: i32,
    /// Its rows.
    pub range: Range,
    /// What was copied, if it is done: digest and rows, and bytes.
    pub done: Option<(Sum, u64)>,
}

/// Fixes the chunks of every table before the first row moves, so that a resumed run cuts where this one did.
///
/// # Errors
/// The target refuses.
pub fn fix_chunks<'a>(
    tx: &mut impl GenericClient,
    run: &str,
    tables: impl Iterator<Item = (&'a str, &'a [Range])>,
) -> Result<()> {
    let (mut names, mut numbers, mut after, mut last) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (table, ranges) in tables {
        for (range, number) in ranges.iter().zip(1_i32..) {
            names.push(table);
            numbers.push(number);
            after.push(range.after);
            last.push(range.last);
        }
    }
    // One statement, however many there are.
    tx.execute(
        "INSERT INTO lite2pg.migration_chunk (run, table_name, chunk, after_key, last_key) \
         SELECT $1, * FROM unnest($2::text[], $3::int4[], $4::int8[], $5::int8[])",
        &[&run, &names, &numbers, &after, &last],
    )
    .map_err(|e| error_from_pg(e, "fixing the chunks"))?;
    Ok(())
}

/// The chunks of every table of a run, in order, by the table's name in the source.
///
/// # Errors
/// The target cannot be asked, or a digest in the ledger is not one.
pub fn chunks(client: &mut impl GenericClient, run: &str) -> Result<BTreeMap<String, Vec<Chunk>>> {
    let rows = client
        .query(
            "SELECT chunk, after_key, last_key, done, rows, bytes, sha256, table_name FROM lite2pg.migration_chunk \
             WHERE run = $1 ORDER BY table_name, chunk",
            &[&run],
        )
        .map_err(|e| error_from_pg(e, "reading the ledger"))?;
    let mut chunks: BTreeMap<String, Vec<Chunk>> = BTreeMap::new();
    for row in &rows {
        let table: &str = row.get(7);
        let done = if row.get::<_, bool>(3) {
            let (count, bytes): (i64, i64) = (row.get(4), row.get(5));
            let sum = Sum::from_hex(row.get(6), count.cast_unsigned())
                .ok_or_else(|| Error::target("a digest in the ledger is damaged").about(table))?;
            Some((sum, bytes.cast_unsigned()))
        } else {
            None
        };
        let range = Range { after: row.get(1), last: row.get(2) };
        chunks.entry(table.to_owned()).or_default().push(Chunk { number: row.get(0), range, done });
    }
    Ok(chunks)
}

/// Marks a chunk as done, and the step that is done with it (the copy of a table's only chunk), in the transaction that
/// copied it.
///
/// # Errors
/// Another process has marked it: the transaction must be given up, or the rows would be there twice.
pub fn chunk_done(
    tx: &mut Transaction<'_>,
    run: &str,
    table: &str,
    number: i32,
    (sum, bytes): (&Sum, u64),
    step: Option<&Step>,
) -> Result<()> {
    // Without parameters it is one round trip, both marks in it.
    let sql = format!(
        "UPDATE lite2pg.migration_chunk SET done = true, rows = {}, bytes = {bytes}, sha256 = {}, \
         done_at = clock_timestamp() WHERE run = {} AND table_name = {} AND chunk = {number} AND NOT done{}",
        sum.rows,
        literal(&sum.hex()),
        literal(run),
        literal(table),
        step.map(|step| format!("; {}", mark(run, step))).unwrap_or_default()
    );
    let answers = tx.simple_query(&sql).map_err(|e| error_from_pg(e, "marking a chunk as done"))?;
    let marked = answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
        _ => None,
    });
    if marked == Some(1) {
        return Ok(());
    }
    Err(Error::target(format!("chunk {number} was copied by another process at the same time"))
        .about(table)
        .hint("run `lite2pg status` to see who is running"))
}

/// The statement that marks a step as done; it belongs into the transaction that does it, and fails if there is a mark.
pub fn mark(run: &str, step: &Step) -> String {
    format!(
        "INSERT INTO lite2pg.migration_step (run, step, stage, object) VALUES ({}, {}, {}, {})",
        literal(run),
        step.id,
        literal(step.stage.word()),
        literal(&step.object)
    )
}

/// Which of the steps are done. A mark counts only for the step it was made for: same number, stage and object.
///
/// # Errors
/// The target cannot be asked, or a mark is of none of these steps: the run was begun by a lite2pg with others.
pub fn steps_done(client: &mut impl GenericClient, run: &str, steps: &[Step]) -> Result<BTreeSet<u32>> {
    let rows = client
        .query("SELECT step, stage, object FROM lite2pg.migration_step WHERE run = $1", &[&run])
        .map_err(|e| error_from_pg(e, "reading the ledger"))?;
    let by_id: HashMap<u32, &Step> = steps.iter().map(|s| (s.id, s)).collect();
    rows.iter()
        .map(|row| {
            let (id, stage, object): (i32, &str, &str) = (row.get(0), row.get(1), row.get(2));
            let id = id.cast_unsigned();
            let found = by_id.get(&id).is_some_and(|s| s.stage.word() == stage && s.object == object);
            found.then_some(id).ok_or_else(|| {
                Error::target(format!("step {id} ({stage}) of run {run} in the ledger is none of this lite2pg"))
                    .about(object)
                    .hint("use the lite2pg that began the run, or lite2pg rollback undoes it; then migrate begins anew")
            })
        })
        .collect()
}

/// Forgets the verification of an interrupted run, so that it is made anew.
///
/// # Errors
/// The target refuses.
pub fn forget(client: &mut impl GenericClient, run: &str, stage: Stage) -> Result<()> {
    client
        .execute("DELETE FROM lite2pg.migration_step WHERE run = $1 AND stage = $2", &[&run, &stage.word()])
        .map_err(|e| error_from_pg(e, "reading the ledger"))?;
    Ok(())
}
