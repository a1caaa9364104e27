//! Views, triggers and functions as the catalog has them: which are there, and a mark of each one's definition.
//! Owns these questions, and the pause of our own triggers while rows come that the source has already; never changes
//! anything else.

use crate::error::{Error, Result};
use crate::target::error_from_pg;
use lite2pg_model::ident::{pg, pg_in};
use lite2pg_model::plan::Plan;
use postgres::GenericClient;
use std::collections::BTreeMap;

/// An object in words (`view v`, `trigger t of a table`, `function f()`) and a mark of its definition, which changes when
/// somebody replaces it.
pub type Definitions = BTreeMap<String, String>;

/// The plan's views, triggers and functions in the schema it is published to, and all that its schema of helper functions
/// holds. What is missing is not there.
///
/// # Errors
/// The target cannot be asked.
pub fn definitions(client: &mut impl GenericClient, plan: &Plan) -> Result<Definitions> {
    let doing = "looking at views, triggers and functions";
    let mut all = Definitions::new();
    if plan.views.is_empty() && plan.triggers.is_empty() && plan.helpers.is_empty() {
        return Ok(all);
    }
    let views: Vec<&str> = plan.views.iter().map(|v| v.target.as_str()).collect();
    let functions: Vec<&str> = plan.triggers.iter().map(|t| t.function.as_str()).collect();
    let helpers = if plan.helpers.is_empty() { String::new() } else { plan.helper_schema() };
    // An aggregate has no text of its own: its signature stands for it.
    let rows = client
        .query(
            "SELECT 'view ' || c.relname, md5(pg_get_viewdef(c.oid) || coalesce(c.reloptions::text, '')) \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = $1 AND c.relkind = 'v' AND c.relname = ANY ($2::text[]) \
             UNION ALL SELECT 'function ' || p.proname || '()', md5(pg_get_functiondef(p.oid)) \
             FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
             WHERE n.nspname = $1 AND p.pronargs = 0 AND p.prokind = 'f' AND p.proname = ANY ($3::text[]) \
             UNION ALL SELECT 'function ' || p.oid::regprocedure::text, \
             CASE p.prokind WHEN 'a' THEN 'aggregate' ELSE md5(pg_get_functiondef(p.oid)) END \
             FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $4",
            &[&plan.schema, &views, &functions, &helpers],
        )
        .map_err(|e| error_from_pg(e, doing))?;
    all.extend(rows.iter().map(|r| (r.get::<_, String>(0), r.get::<_, String>(1))));
    let triggers = client
        .query(
            "SELECT c.relname::text, t.tgname::text, md5(pg_get_triggerdef(t.oid) || t.tgenabled::text) FROM pg_trigger t \
             JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = $1 AND NOT t.tgisinternal",
            &[&plan.schema],
        )
        .map_err(|e| error_from_pg(e, doing))?;
    for row in triggers {
        let (table, name): (&str, &str) = (row.get(0), row.get(1));
        if plan.triggers.iter().any(|t| t.table == table && t.target == name) {
            all.insert(format!("trigger {name} of {table}"), row.get(2));
        }
    }
    Ok(all)
}

/// The definitions that a run's publication wrote down, from its audit; nothing if it wrote none.
///
/// # Errors
/// The target cannot be asked.
fn published(client: &mut impl GenericClient, run: &str) -> Result<Option<Definitions>> {
    let rows = client
        .query(
            "SELECT detail->'definitions' FROM lite2pg.audit_event WHERE run = $1 AND event = 'published' \
             ORDER BY id DESC LIMIT 1",
            &[&run],
        )
        .map_err(|e| error_from_pg(e, "reading the audit"))?;
    let detail: Option<serde_json::Value> = rows.first().and_then(|r| r.get(0));
    let read = detail.filter(|d| !d.is_null()).map(serde_json::from_value).transpose();
    read.map_err(|e| Error::target(format!("what run {run} wrote of its publication cannot be read")).because(e))
}

/// Views, triggers and functions (as [`definitions`] found them now) that are no longer those that the run published, in
/// words.
///
/// # Errors
/// The target cannot be asked.
pub fn redefined(client: &mut impl GenericClient, run: &str, there: &Definitions) -> Result<Vec<String>> {
    let Some(then) = published(client, run)? else { return Ok(Vec::new()) };
    let mut changed = Vec::new();
    for (object, mark) in &then {
        match there.get(object) {
            None => changed.push(format!("{object} (gone)")),
            Some(now) if now != mark => changed.push(format!("{object} (its definition)")),
            Some(_) => {}
        }
    }
    changed.extend(there.keys().filter(|object| !then.contains_key(*object)).map(|o| format!("{o} (made since)")));
    Ok(changed)
}

/// The functions and aggregates of a schema that have one of these names, each with its arguments' types, as DROP ROUTINE
/// takes them.
///
/// # Errors
/// The target cannot be asked.
pub fn routines(client: &mut impl GenericClient, schema: &str, names: &[String]) -> Result<Vec<String>> {
    let rows = client
        .query(
            "SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) FROM pg_proc p \
             JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1 AND p.proname = ANY ($2::text[]) ORDER BY 1",
            &[&schema, &names],
        )
        .map_err(|e| error_from_pg(e, "looking at the helper functions"))?;
    Ok(rows.iter().map(|r| r.get(0)).collect())
}

/// As [`routines`], where the plan that tells their names cannot be read: those with a helper's name and a comment.
///
/// # Errors
/// The target cannot be asked.
pub fn helpers_by_comment(client: &mut impl GenericClient, schema: &str) -> Result<Vec<String>> {
    let rows = client
        .query(
            "SELECT DISTINCT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
             WHERE n.nspname = $1 AND p.proname LIKE 'sqlite\\_%' AND obj_description(p.oid, 'pg_proc') IS NOT NULL",
            &[&schema],
        )
        .map_err(|e| error_from_pg(e, "looking at the helper functions"))?;
    let names: Vec<String> = rows.iter().map(|r| r.get(0)).collect();
    routines(client, schema, &names)
}

/// Switches the plan's triggers off, in a transaction: rows that the source holds already are no news to them. Returns the
/// statements that switch on again what was on.
///
/// # Errors
/// The target refuses, or another session holds one of the tables.
pub fn pause(tx: &mut impl GenericClient, plan: &Plan) -> Result<Vec<String>> {
    let doing = "switching triggers off while rows arrive";
    let mut resume = Vec::new();
    for trigger in plan.triggers.iter().filter(|t| !t.on_view) {
        let (table, name) = (pg_in(&plan.schema, &trigger.table), pg(&trigger.target));
        let on = tx
            .query_opt(
                "SELECT 1 FROM pg_trigger WHERE tgrelid = to_regclass($1) AND tgname = $2 AND tgenabled = 'O'",
                &[&table, &trigger.target],
            )
            .map_err(|e| error_from_pg(e, doing))?;
        if on.is_some() {
            tx.batch_execute(&format!("ALTER TABLE {table} DISABLE TRIGGER {name}"))
                .map_err(|e| error_from_pg(e, doing).about(&table))?;
            resume.push(format!("ALTER TABLE {table} ENABLE TRIGGER {name}"));
        }
    }
    Ok(resume)
}
