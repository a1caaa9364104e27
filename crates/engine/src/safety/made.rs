//! The SQL of what people made or replaced on a run's tables, views and functions, so that an undo can write it down.
//! Owns that look; never changes anything.

use crate::error::Result;
use crate::target::error_from_pg;
use lite2pg_model::plan::Plan;
use postgres::Transaction;
use std::collections::BTreeMap;

/// An object in the words in which it is told as changed, and the SQL that would make it.
pub type Texts = BTreeMap<String, String>;

/// What stands in the schema a plan is published to, and in that of its helper functions.
///
/// # Errors
/// The target cannot be asked.
pub fn texts(tx: &mut Transaction<'_>, plan: &Plan) -> Result<Texts> {
    let helpers = if plan.helpers.is_empty() { String::new() } else { plan.helper_schema() };
    let rows = tx
        .query(
            "WITH t AS (SELECT c.oid, c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS full_name, c.relkind \
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v')), \
             a AS ( \
                 SELECT 'trigger ' || g.tgname AS what, t.name, pg_get_triggerdef(g.oid) AS text \
                 FROM pg_trigger g JOIN t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal \
                 UNION ALL SELECT 'rule ' || r.rulename, t.name, pg_get_ruledef(r.oid) \
                 FROM pg_rewrite r JOIN t ON t.oid = r.ev_class WHERE r.rulename <> '_RETURN' \
                 UNION ALL SELECT 'policy ' || p.policyname, t.name, \
                 format('CREATE POLICY %I ON %s AS %s FOR %s', p.policyname, t.full_name, p.permissive, p.cmd) \
                 || format(' TO %s', array_to_string(p.roles, ', ')) \
                 || coalesce(format(' USING (%s)', p.qual), '') || coalesce(format(' WITH CHECK (%s)', p.with_check), '') \
                 FROM pg_policies p JOIN t ON t.name = p.tablename WHERE p.schemaname = $1 \
                 UNION ALL SELECT 'index ' || c.relname, t.name, pg_get_indexdef(c.oid) \
                 FROM pg_index i JOIN t ON t.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid \
                 UNION ALL SELECT 'constraint ' || k.conname, t.name, \
                 format('ALTER TABLE %s ADD CONSTRAINT %I %s', t.full_name, k.conname, pg_get_constraintdef(k.oid)) \
                 FROM pg_constraint k JOIN t ON t.oid = k.conrelid WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') \
                 UNION ALL SELECT 'statistics ' || s.stxname, t.name, pg_get_statisticsobjdef(s.oid) \
                 FROM pg_statistic_ext s JOIN t ON t.oid = s.stxrelid) \
             SELECT format('%s of %s.%s', what, $1, name), text FROM a \
             UNION ALL SELECT format('%s of %s', what, name), text FROM a \
             UNION ALL SELECT 'view ' || name, format('CREATE OR REPLACE VIEW %s AS %s', full_name, pg_get_viewdef(oid)) \
             FROM t WHERE relkind = 'v' \
             UNION ALL SELECT 'function ' || p.proname || '()', pg_get_functiondef(p.oid) \
             FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
             WHERE n.nspname = $1 AND p.pronargs = 0 AND p.prokind = 'f' \
             UNION ALL SELECT 'function ' || p.oid::regprocedure::text, pg_get_functiondef(p.oid) \
             FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $2 AND p.prokind <> 'a'",
            &[&plan.schema, &helpers],
        )
        .map_err(|e| error_from_pg(e, "looking at what was made since"))?;
    Ok(rows.iter().filter_map(|r| Some((r.get(0), r.get::<_, Option<String>>(1)?))).collect())
}

/// The SQL of one that is told in these words.
pub fn of<'a>(texts: &'a Texts, words: &str) -> Option<&'a str> {
    let plain = [" (its definition)", " (made since)"].into_iter().find_map(|end| words.strip_suffix(end));
    texts.get(words).or_else(|| texts.get(plain?)).map(String::as_str)
}
