//! The ledger of one run: which steps and chunks are done. Every mark commits in the same transaction as its effect.
//! Owns `migration_step` and `migration_chunk`; never decides what is done next.

use crate::error::{Error, Result};
use crate::target::error_from_pg;
use lite2pg_model::normal::Sum;
use lite2pg_model::plan::{Stage, Step};
use postgres::GenericClient;
use std::collections::BTreeSet;

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
pub fn fix_chunks(tx: &mut impl GenericClient, run: &str, table: &str, ranges: &[Range]) -> Result<()> {
    for (range, number) in ranges.iter().zip(1_i32..) {
        tx.execute(
            "INSERT INTO lite2pg.migration_chunk (run, table_name, chunk, after_key, last_key) VALUES ($1, $2, $3, $4, $5)",
            &[&run, &table, &number, &range.after, &range.last],
        )
        .map_err(|e| error_from_pg(e, "fixing the chunks"))?;
    }
    Ok(())
}

/// The chunks of a table, in order.
///
/// # Errors
/// The target cannot be asked, or a digest in the ledger is not one.
pub fn chunks(client: &mut impl GenericClient, run: &str, table: &str) -> Result<Vec<Chunk>> {
    let rows = client
        .query(
            "SELECT chunk, after_key, last_key, done, rows, bytes, sha256 FROM lite2pg.migration_chunk \
             WHERE run = $1 AND table_name = $2 ORDER BY chunk",
            &[&run, &table],
        )
        .map_err(|e| error_from_pg(e, "reading the ledger"))?;
    rows.iter()
        .map(|row| {
            let done = if row.get::<_, bool>(3) {
                let (count, bytes): (i64, i64) = (row.get(4), row.get(5));
                let sum = Sum::from_hex(row.get(6), count.cast_unsigned())
                    .ok_or_else(|| Error::target("a digest in the ledger is damaged").about(table))?;
                Some((sum, bytes.cast_unsigned()))
            } else {
                None
            };
            let range = Range { after: row.get(1), last: row.get(2) };
            Ok(Chunk { number: row.get(0), range, done })
        })
        .collect()
}

/// Marks a chunk as done, in the transaction that copied it.
///
/// # Errors
/// Another process has marked it: the transaction must be given up, or the rows would be there twice.
pub fn chunk_done(
    tx: &mut impl GenericClient,
    run: &str,
    table: &str,
    number: i32,
    sum: &Sum,
    bytes: u64,
) -> Result<()> {
    let (rows, bytes) = (sum.rows.cast_signed(), bytes.cast_signed());
    let marked = tx
        .execute(
            "UPDATE lite2pg.migration_chunk SET done = true, rows = $4, bytes = $5, sha256 = $6, \
             done_at = clock_timestamp() WHERE run = $1 AND table_name = $2 AND chunk = $3 AND NOT done",
            &[&run, &table, &number, &rows, &bytes, &sum.hex()],
        )
        .map_err(|e| error_from_pg(e, "marking a chunk as done"))?;
    if marked == 1 {
        return Ok(());
    }
    Err(Error::target(format!("chunk {number} was copied by another process at the same time"))
        .about(table)
        .hint("run `lite2pg status` to see who is running"))
}

/// Marks a step as done, in the transaction that did it.
///
/// # Errors
/// It is marked already, or the target refuses.
pub fn step_done(tx: &mut impl GenericClient, run: &str, step: &Step) -> Result<()> {
    let id = i32::try_from(step.id).map_err(|e| Error::internal("too many steps").because(e))?;
    tx.execute(
        "INSERT INTO lite2pg.migration_step (run, step, stage, object) VALUES ($1, $2, $3, $4)",
        &[&run, &id, &step.stage.word(), &step.object],
    )
    .map_err(|e| error_from_pg(e, "marking a step as done"))?;
    Ok(())
}

/// Which of the steps are done. A mark counts only for the step it was made for: same number, stage and object.
///
/// # Errors
/// The target cannot be asked, or a mark is of none of these steps: the run was begun by a lite2pg with others.
pub fn steps_done(client: &mut impl GenericClient, run: &str, steps: &[Step]) -> Result<BTreeSet<u32>> {
    let rows = client
        .query("SELECT step, stage, object FROM lite2pg.migration_step WHERE run = $1", &[&run])
        .map_err(|e| error_from_pg(e, "reading the ledger"))?;
    rows.iter()
        .map(|row| {
            let (id, stage, object): (i32, &str, &str) = (row.get(0), row.get(1), row.get(2));
            let id = id.cast_unsigned();
            let found = steps.iter().any(|s| s.id == id && s.stage.word() == stage && s.object == object);
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
