//! What must hold beside the rows: foreign keys are validated, sequences lie beyond every key, every object is there.
//! Owns these questions; never mends anything.

use crate::error::Result;
use crate::target::error_from_pg;
use lite2pg_model::ident::{pg, pg_in};
use lite2pg_model::plan::{ColumnPlan, Plan, TablePlan};
use postgres::GenericClient;
use std::collections::{HashMap, HashSet};

/// Answers about one schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// Foreign keys that are validated.
    pub foreign_keys_valid: u64,
    /// Foreign keys that the plan keeps NOT VALID.
    pub foreign_keys_not_valid: u64,
    /// Identity columns whose next value lies beyond every key.
    pub sequences_beyond_keys: u64,
    /// What does not hold, in words.
    pub differences: Vec<String>,
}

/// Checks the plan's foreign keys, keys, indexes and identity columns in `schema` (the staging schema or the final one).
///
/// # Errors
/// The target cannot be asked.
pub fn check(client: &mut impl GenericClient, plan: &Plan, schema: &str) -> Result<Checks> {
    let mut checks = Checks::default();
    foreign_keys(client, plan, schema, &mut checks)?;
    constraints_and_indexes(client, plan, schema, &mut checks)?;
    sequences(client, plan, schema, &mut checks)?;
    Ok(checks)
}

fn foreign_keys(client: &mut impl GenericClient, plan: &Plan, schema: &str, checks: &mut Checks) -> Result<()> {
    let rows = client
        .query(
            "SELECT t.relname::text, c.conname::text, c.convalidated FROM pg_constraint c \
             JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace \
             WHERE n.nspname = $1 AND c.contype = 'f'",
            &[&schema],
        )
        .map_err(|e| error_from_pg(e, "checking foreign keys"))?;
    let there: HashMap<(&str, &str), bool> = rows.iter().map(|r| ((r.get(0), r.get(1)), r.get(2))).collect();
    for table in &plan.tables {
        for key in &table.foreign_keys {
            match there.get(&(table.target.as_str(), key.name.as_str())) {
                None => checks.differences.push(format!("foreign key {} of {} is not there", key.name, table.name)),
                Some(true) => checks.foreign_keys_valid += 1,
                Some(false) if key.not_valid => checks.foreign_keys_not_valid += 1,
                Some(false) => {
                    checks.differences.push(format!("foreign key {} of {} is not validated", key.name, table.name));
                }
            }
        }
    }
    Ok(())
}

fn constraints_and_indexes(
    client: &mut impl GenericClient,
    plan: &Plan,
    schema: &str,
    checks: &mut Checks,
) -> Result<()> {
    let rows = client
        .query(
            "SELECT c.relname::text, i.indisunique, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1",
            &[&schema],
        )
        .map_err(|e| error_from_pg(e, "checking indexes"))?;
    let there: HashMap<&str, (bool, bool)> = rows.iter().map(|r| (r.get(0), (r.get(1), r.get(2)))).collect();
    for table in &plan.tables {
        let keys = table.primary_key.iter().chain(&table.uniques).map(|k| (&k.name, true));
        for (name, unique) in keys.chain(table.indexes.iter().map(|i| (&i.name, i.unique))) {
            let good = there.get(name.as_str()) == Some(&(unique, true));
            if !good {
                checks.differences.push(format!("key or index {name} of {} is not there or not valid", table.name));
            }
        }
    }
    Ok(())
}

/// The plan's views and triggers that are not in `schema`, in words; in staging triggers are switched off. Once published,
/// the marks of their definitions tell it ([`crate::target::programs::redefined`]).
///
/// # Errors
/// The target cannot be asked.
pub fn absent(client: &mut impl GenericClient, plan: &Plan, schema: &str) -> Result<Vec<String>> {
    let rows = client
        .query(
            "SELECT c.relname::text, NULL::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = $1 AND c.relkind = 'v' \
             UNION ALL SELECT c.relname::text, t.tgname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND NOT t.tgisinternal",
            &[&schema],
        )
        .map_err(|e| error_from_pg(e, "looking at views and triggers"))?;
    let there: HashSet<(&str, Option<&str>)> = rows.iter().map(|r| (r.get(0), r.get(1))).collect();
    let has = |of: &str, trigger: Option<&str>| there.contains(&(of, trigger));
    let views = plan.views.iter().filter(|v| !has(&v.target, None));
    let triggers = plan.triggers.iter().filter(|t| !has(&t.table, Some(&t.target)));
    let absent = views.map(|v| format!("view {} is not there", v.name));
    Ok(absent.chain(triggers.map(|t| format!("trigger {} of {} is not there", t.name, t.table))).collect())
}

/// How many sequences are asked for in one statement.
const AT_ONCE: usize = 200;

fn sequences(client: &mut impl GenericClient, plan: &Plan, schema: &str, checks: &mut Checks) -> Result<()> {
    let of_table = |t| identities(t).map(move |(column, sequence)| (t, column, sequence));
    let all: Vec<(&TablePlan, &ColumnPlan, &str)> = plan.tables.iter().flat_map(of_table).collect();
    for some in all.chunks(AT_ONCE) {
        let one = |(place, (table, column, sequence)): (usize, &(&TablePlan, &ColumnPlan, &str))| {
            format!(
                "SELECT {place}, coalesce((SELECT max({}) FROM {}), 0)::int8, last_value::int8, is_called FROM {}",
                pg(&column.target),
                pg_in(schema, &table.target),
                pg_in(schema, sequence)
            )
        };
        let sql: Vec<String> = some.iter().enumerate().map(one).collect();
        let sql = format!("{} ORDER BY 1", sql.join(" UNION ALL "));
        let rows = client.query(&sql, &[]).map_err(|e| error_from_pg(e, "checking sequences"))?;
        for (row, (table, column, _)) in rows.iter().zip(some) {
            let (max, last, called): (i64, i64, bool) = (row.get(1), row.get(2), row.get(3));
            let beyond = if called { last >= max } else { last > max };
            if beyond {
                checks.sequences_beyond_keys += 1;
            } else {
                checks.differences.push(format!("the next {}.{} would be a key that exists", table.name, column.name));
            }
        }
    }
    Ok(())
}

/// The identity columns of a table, with their sequences.
fn identities(table: &TablePlan) -> impl Iterator<Item = (&ColumnPlan, &str)> {
    table.columns.iter().filter_map(|c| Some((c, c.identity.as_ref()?.sequence.as_str())))
}
