//! How long a run may take and how much room it needs, from what was measured on a sample of every table.
//! Owns that arithmetic and the measuring of indexes on the sample; never more than a guess, and says so.

use super::tryout;
use crate::error::Result;
use crate::observe::report::StageTime;
use crate::target::error_from_pg;
use lite2pg_model::ident::pg_in;
use lite2pg_model::plan::{Effect, Plan, Step, TablePlan, Work};
use postgres::Transaction;
use std::time::Instant;

/// Rows that ANALYZE reads of a table of any size, with the server's default target.
/// Source: <https://www.postgresql.org/docs/current/sql-analyze.html>.
const ANALYZED: u64 = 30_000;
/// What PostgreSQL adds to the values of a row: its header, its place in the page, and a little for alignment.
const ROW: f64 = 32.0;
/// A page; of an index the first holds no entries.
const PAGE: f64 = 8192.0;
/// What a second worker adds to the first, and a third to both: they share the processor with the server.
const MORE_WORKERS: f64 = 0.5;

/// What a run may take.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Estimate {
    /// Wall time, as if no stage from the copy on overlapped another.
    pub seconds: f64,
    /// Of each stage; those before the copy were measured just now on the whole source.
    pub stages: Vec<StageTime>,
    /// Of each table.
    pub tables: Vec<TableEstimate>,
    /// Room for the tables in the target.
    pub table_bytes: u64,
    /// Room for their keys and indexes.
    pub index_bytes: u64,
    /// What is written to the target's log meanwhile; the server takes that room back.
    pub wal_bytes: u64,
    /// Room for a private copy of the source; 0: it is read in place.
    pub source_copy_bytes: u64,
    /// Workers it was reckoned with.
    pub workers: usize,
}

/// What one table may take.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct TableEstimate {
    /// Its name in the source.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Rows of the sample.
    pub sample_rows: u64,
    /// Copy, keys and indexes, comparison.
    pub seconds: f64,
    /// Rows a second while they are copied by one worker; 0: there were none.
    pub rows_a_second: f64,
    /// Room for it.
    pub table_bytes: u64,
    /// Room for its keys and indexes.
    pub index_bytes: u64,
}

/// What was measured on the sample of one table.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measured {
    pub rows: u64,
    /// Of the values.
    pub bytes: u64,
    pub create: f64,
    pub copy: f64,
    /// Reading back and digesting.
    pub back: f64,
    pub build: f64,
    pub analyze: f64,
    /// The table alone, without what long values take beside it.
    pub heap: f64,
    pub long: f64,
    pub indexes: f64,
    pub how_many: f64,
}

/// What was measured over all tables.
pub(super) struct Sampled {
    /// By the places of the plan's tables; `None`: it could not be tried.
    pub tables: Vec<Option<Measured>>,
    /// Written to the log over all of it.
    pub wal: u64,
}

/// Where the target's log stands.
///
/// # Errors
/// The target cannot be asked.
pub(super) fn log_position(tx: &mut Transaction<'_>) -> Result<u64> {
    let sql = "SELECT (pg_current_wal_insert_lsn() - '0/0')::int8";
    let row = tx.query_one(sql, &[]).map_err(|e| error_from_pg(e, "asking for the position of the log"))?;
    Ok(row.get::<_, i64>(0).unsigned_abs())
}

/// Builds the keys and indexes on the sample, makes its statistics, and measures time and room. What the server refuses
/// here has been told before.
///
/// # Errors
/// The connection is lost.
pub(super) fn measure(
    tx: &mut Transaction<'_>,
    plan: &Plan,
    steps: &[Step],
    staging: &str,
    measured: &mut [Option<Measured>],
) -> Result<()> {
    for step in steps {
        let Effect::Sql(sql) = &step.effect else { continue };
        let table = match step.work {
            Work::KeyIndex(i) | Work::Key(i) | Work::Index { table: i, .. } | Work::Analyze(i) => i,
            _ => continue,
        };
        let Some(Some(m)) = measured.get_mut(table) else { continue };
        let begin = Instant::now();
        if tryout::attempt(tx, sql)?.is_some() {
            continue;
        }
        let seconds = begin.elapsed().as_secs_f64();
        match step.work {
            Work::Analyze(_) => m.analyze += seconds,
            _ => m.build += seconds,
        }
    }
    for (table, m) in plan.tables.iter().zip(measured) {
        let Some(m) = m else { continue };
        let row = tx
            .query_one(
                "SELECT pg_relation_size(c.oid), pg_table_size(c.oid), pg_indexes_size(c.oid), \
                 (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid) FROM pg_class c WHERE c.oid = to_regclass($1)",
                &[&pg_in(staging, &table.target)],
            )
            .map_err(|e| error_from_pg(e, "asking how large the sample is").about(&table.name))?;
        let bytes = |i| row.get::<_, i64>(i) as f64;
        (m.heap, m.long, m.indexes, m.how_many) = (bytes(0), bytes(1) - bytes(0), bytes(2), bytes(3));
    }
    Ok(())
}

/// Adds it all up. `before` are the stages that were just done on the whole source.
pub(super) fn add_up(
    plan: &Plan,
    sampled: &Sampled,
    before: &[StageTime],
    workers: usize,
    source_copy_bytes: u64,
) -> Estimate {
    let mut out = Estimate { stages: before.to_vec(), workers, source_copy_bytes, ..Estimate::default() };
    let side_by_side = 1.0 + MORE_WORKERS * workers.saturating_sub(1) as f64;
    let (mut create, mut copy, mut build, mut analyze, mut verify) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let mut sample_bytes = 0.0;
    for (table, m) in plan.tables.iter().zip(&sampled.tables) {
        let Some(m) = m else { continue };
        let of_table = Scaled::of(table, m);
        create += m.create;
        copy += of_table.copy;
        build += of_table.build;
        analyze += of_table.analyze;
        verify += of_table.verify;
        sample_bytes += m.heap + m.long + m.indexes;
        out.table_bytes += of_table.table as u64;
        out.index_bytes += of_table.indexes as u64;
        out.tables.push(TableEstimate {
            name: table.name.clone(),
            rows: table.rows,
            sample_rows: m.rows,
            seconds: m.create + of_table.copy + of_table.build + of_table.verify,
            rows_a_second: if of_table.copy > 0.0 { table.rows as f64 / of_table.copy } else { 0.0 },
            table_bytes: of_table.table as u64,
            index_bytes: of_table.indexes as u64,
        });
    }
    // A foreign key's rows are read once more, and found in an index.
    let keys = |t: &TablePlan| t.foreign_keys.len() as f64;
    let children: f64 = plan.tables.iter().map(|t| keys(t) * t.rows as f64).sum();
    let constraints = verify * children / (plan.rows().max(1) as f64);
    let stages = [
        ("create", create),
        ("copy", copy),
        ("keys and indexes", build),
        ("constraints", constraints),
        ("analyze", analyze),
        ("verify", verify),
    ];
    for (name, seconds) in stages {
        let seconds = if name == "create" { seconds } else { seconds / side_by_side };
        out.stages.push(StageTime { name: name.to_owned(), seconds });
    }
    // The file is checked while it is counted.
    let of = |name: &str| before.iter().find(|s| s.name == name).map_or(0.0, |s| s.seconds);
    out.seconds = out.stages.iter().map(|s| s.seconds).sum::<f64>() - of("check").min(of("census"));
    let of_sample = if sample_bytes > 0.0 { sampled.wal as f64 / sample_bytes } else { 0.0 };
    out.wal_bytes = (of_sample * (out.table_bytes + out.index_bytes) as f64) as u64;
    out
}

/// What was measured on a sample, for the whole table.
struct Scaled {
    copy: f64,
    build: f64,
    analyze: f64,
    verify: f64,
    table: f64,
    indexes: f64,
}

impl Scaled {
    fn of(table: &TablePlan, m: &Measured) -> Scaled {
        let (rows, of) = (table.rows as f64, m.rows as f64);
        if m.rows == 0 || m.rows >= table.rows {
            let (table, indexes) = (m.heap + m.long, m.indexes);
            return Scaled { copy: m.copy, build: m.build, analyze: m.analyze, verify: m.back, table, indexes };
        }
        let times = rows / of;
        // The first rows may be shorter or longer than the rest: the census knows all of them.
        let width = if m.bytes > 0 { (table.bytes as f64 / rows) / (m.bytes as f64 / of) } else { 1.0 };
        let values = (m.heap / of - ROW).max(0.0);
        let heap = rows * (ROW.min(m.heap / of) + values * width);
        let long = if m.long > PAGE { m.long * times * width } else { m.long };
        let entries = (m.indexes - m.how_many * PAGE).max(0.0);
        // Sorting takes a little more of each row the more there are.
        let sorting = rows.log2() / of.log2().max(1.0);
        Scaled {
            copy: m.copy * times * width,
            build: m.build * times * sorting,
            analyze: m.analyze * (table.rows.min(ANALYZED) as f64 / of).max(1.0),
            verify: m.back * times * width,
            table: heap + long,
            indexes: entries * times + m.how_many * PAGE,
        }
    }
}
