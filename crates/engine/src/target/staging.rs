//! Whether the staging schema still holds what the ledger's done steps made: the same steps are done once more beside it,
//! without rows, both catalogs are compared, and all of that is taken back.
//! Owns this comparison; never changes the staging schema and never mends it.

use crate::error::Result;
use crate::target::ledger::Chunk;
use crate::target::{catalog, error_from_pg};
use lite2pg_model::ident::{pg, pg_in};
use lite2pg_model::plan::{Effect, Plan, Stage};
use postgres::{Client, GenericClient};
use std::collections::{BTreeMap, BTreeSet};

const DOING: &str = "looking at what an interrupted run has built";

/// An object in words, and its definition.
type Objects = BTreeMap<String, String>;

/// Every object of a schema, with the definition that PostgreSQL gives of it. The schema's own name is left out, so that
/// those of two schemas can be compared.
const OBJECTS: &str = "
    WITH s AS (SELECT oid, nspname::text AS name FROM pg_namespace WHERE nspname = $1),
    t AS (SELECT c.oid, c.relname::text AS name, c.relkind FROM pg_class c JOIN s ON s.oid = c.relnamespace
          WHERE c.relkind IN ('r', 'p', 'v')),
    o(what, definition) AS (
        SELECT CASE relkind WHEN 'v' THEN 'view ' ELSE 'table ' END || name,
               CASE relkind WHEN 'v' THEN pg_get_viewdef(oid) ELSE '' END FROM t
        UNION ALL SELECT 'column ' || t.name || '.' || a.attname,
            concat_ws(' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END,
                pg_get_expr(d.adbin, d.adrelid), nullif(a.attidentity, ''), nullif(a.attgenerated, ''),
                (SELECT 'COLLATE ' || l.collname FROM pg_collation l JOIN pg_type y ON y.oid = a.atttypid
                 WHERE l.oid = a.attcollation AND a.attcollation <> y.typcollation))
            FROM pg_attribute a JOIN t ON t.oid = a.attrelid
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attnum > 0 AND NOT a.attisdropped AND t.relkind <> 'v'
        UNION ALL SELECT 'constraint ' || k.conname || ' of ' || t.name, pg_get_constraintdef(k.oid)
            FROM pg_constraint k JOIN t ON t.oid = k.conrelid
        UNION ALL SELECT 'index ' || c.relname || ' of ' || t.name,
            pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN '' ELSE ' (not valid)' END
            FROM pg_index i JOIN t ON t.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
        UNION ALL SELECT 'trigger ' || g.tgname || ' of ' || t.name, pg_get_triggerdef(g.oid) || g.tgenabled::text
            FROM pg_trigger g JOIN t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal
        UNION ALL SELECT 'rule ' || r.rulename || ' of ' || t.name, pg_get_ruledef(r.oid)
            FROM pg_rewrite r JOIN t ON t.oid = r.ev_class WHERE r.rulename <> '_RETURN'
        UNION ALL SELECT 'policy ' || p.polname || ' of ' || t.name, '' FROM pg_policy p JOIN t ON t.oid = p.polrelid
        UNION ALL SELECT 'function ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
            CASE WHEN p.prokind IN ('f', 'p') THEN pg_get_functiondef(p.oid) ELSE '' END
            FROM pg_proc p JOIN s ON s.oid = p.pronamespace
        UNION ALL SELECT 'sequence ' || c.relname, concat_ws(' ', format_type(q.seqtypid, NULL), q.seqincrement, q.seqmax)
            FROM pg_sequence q JOIN pg_class c ON c.oid = q.seqrelid JOIN s ON s.oid = c.relnamespace
        UNION ALL SELECT 'type ' || y.typname, coalesce((SELECT string_agg(quote_literal(e.enumlabel), ', '
                ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = y.oid), '')
            FROM pg_type y JOIN s ON s.oid = y.typnamespace WHERE y.typrelid = 0 AND y.typelem = 0
    )
    SELECT what, replace(replace(coalesce(definition, ''), quote_ident($1) || '.', ''), $1, '') FROM o";

/// What of the staging schema is not, or no longer, as the done steps made it: objects that are gone, that are others,
/// and that somebody else put there.
///
/// # Errors
/// The target cannot be asked, or one of the steps cannot be done any more.
pub fn altered(
    client: &mut Client,
    plan: &Plan,
    staging: &str,
    done: &BTreeSet<u32>,
    lock_slots: i64,
) -> Result<Vec<String>> {
    if !catalog::schema_exists(client, staging)? {
        return Ok(vec![format!("schema {staging}, where it was built, is gone")]);
    }
    let there = objects(client, staging)?;
    // Everything is made in one transaction, and the server has only so many locks.
    let tables = i64::try_from(plan.tables.len()).unwrap_or(i64::MAX);
    if tables.saturating_mul(8) > lock_slots {
        return Ok(by_name(plan, staging, done, &there));
    }
    let beside = format!("{staging}_again");
    let steps = plan.steps(&beside);
    let mut tx = client.transaction().map_err(|e| error_from_pg(e, DOING))?;
    tx.batch_execute(&format!("CREATE SCHEMA {}; SET LOCAL search_path TO {}", pg(&beside), plan.search_path(&beside)))
        .map_err(|e| error_from_pg(e, DOING))?;
    for step in steps.iter().filter(|s| done.contains(&s.id)) {
        let Effect::Sql(sql) = &step.effect else { continue };
        // These leave nothing in the schema but numbers; the helper functions have a schema of their own.
        if !matches!(step.stage, Stage::Helpers | Stage::Sequences | Stage::Analyze) {
            tx.batch_execute(sql).map_err(|e| error_from_pg(e, DOING).about(&step.object))?;
        }
    }
    tx.batch_execute("SET LOCAL search_path TO pg_catalog").map_err(|e| error_from_pg(e, DOING))?;
    let wanted = objects(&mut tx, &beside)?;
    tx.rollback().map_err(|e| error_from_pg(e, DOING))?;
    Ok(differences(&wanted, &there))
}

fn objects(client: &mut impl GenericClient, schema: &str) -> Result<Objects> {
    let rows = client.query(OBJECTS, &[&schema]).map_err(|e| error_from_pg(e, DOING))?;
    Ok(rows.iter().map(|r| (r.get(0), r.get(1))).collect())
}

/// For a plan of more tables than can be made in one transaction: are its tables and columns there?
fn by_name(plan: &Plan, staging: &str, done: &BTreeSet<u32>, there: &Objects) -> Vec<String> {
    let steps = plan.steps(staging);
    let made = steps.iter().filter(|s| s.stage == Stage::Create && done.contains(&s.id));
    let tables = made.filter_map(|s| plan.tables.iter().find(|t| t.name == s.object));
    let names = tables.flat_map(|t| {
        let columns = t.columns.iter().map(|c| format!("column {}.{}", t.target, c.target));
        std::iter::once(format!("table {}", t.target)).chain(columns)
    });
    names.filter(|name| !there.contains_key(name)).map(|name| format!("{name} is gone")).collect()
}

/// In words. Of a table that is gone its parts are not told, too.
fn differences(wanted: &Objects, there: &Objects) -> Vec<String> {
    let of_lost_table = |what: &str| {
        let lost = |table: &str| !there.contains_key(&format!("table {table}"));
        match what.split_once(' ') {
            Some(("column", rest)) => rest.rsplit_once('.').is_some_and(|(table, _)| lost(table)),
            Some(("table", _)) | None => false,
            Some((_, rest)) => {
                rest.rsplit_once(" of ").is_some_and(|(_, t)| lost(t) && wanted.contains_key(&format!("table {t}")))
            }
        }
    };
    let mut said = Vec::new();
    for (what, definition) in wanted {
        match there.get(what) {
            None if of_lost_table(what) => {}
            None => said.push(format!("{what} is gone")),
            Some(now) if now != definition => {
                said.push(match what.starts_with("column ") || what.starts_with("constraint ") {
                    true => format!("{what} is {now}, and was {definition}"),
                    false => format!("{what} is another"),
                });
            }
            Some(_) => {}
        }
    }
    said.extend(
        there.keys().filter(|what| !wanted.contains_key(*what)).map(|what| format!("{what} is not of the run")),
    );
    said
}

/// Tables whose rows are not as many as their done chunks have copied.
///
/// # Errors
/// The target cannot be asked.
pub fn rows_changed(
    client: &mut Client,
    plan: &Plan,
    staging: &str,
    chunks: &BTreeMap<String, Vec<Chunk>>,
) -> Result<Vec<String>> {
    let mut said = Vec::new();
    for table in &plan.tables {
        let done: Vec<u64> =
            chunks.get(&table.name).into_iter().flatten().filter_map(|c| Some(c.done?.0.rows)).collect();
        if done.is_empty() {
            continue;
        }
        let copied: u64 = done.iter().sum();
        let now: i64 = client
            .query_one(&format!("SELECT count(*) FROM ONLY {}", pg_in(staging, &table.target)), &[])
            .map_err(|e| error_from_pg(e, "counting what an interrupted run has copied").about(&table.target))?
            .get(0);
        if now.cast_unsigned() != copied {
            said.push(format!("table {} has {now} rows, and {copied} were copied", table.target));
        }
    }
    Ok(said)
}
