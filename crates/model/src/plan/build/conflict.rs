//! ON CONFLICT clauses of constraints: a BEFORE trigger that skips the row, deletes the one in its way, or puts the
//! default in the place of NULL.
//! Owns where that is the same as in SQLite; everything else keeps its finding, with the reason.

use super::Builder;
use super::collations;
use crate::finding::{Finding, Remedy, Severity, codes};
use crate::ident;
use crate::mapping::decide::{KeyFate, TableMapping};
use crate::plan::{ColumnPlan, TablePlan, TriggerPlan};
use crate::schema::{Action, Deferrable, IndexOn, Key, Schema, Table};
use crate::sql::ast::Event;
use crate::sql::sqlite::{self, Names};
use std::collections::BTreeMap;

/// What a clause does, of those that can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Ignore,
    Replace,
}

impl Does {
    fn of(clause: Option<&str>) -> Option<Does> {
        match clause? {
            "IGNORE" => Some(Does::Ignore),
            "REPLACE" => Some(Does::Replace),
            _ => None,
        }
    }
}

/// A key as conditions: rows that have the key of NEW, and that NEW has another key than OLD.
struct Condition {
    same: String,
    changed: String,
}

impl Builder<'_> {
    /// A trigger for each table whose clauses can be kept.
    /// Source: <https://sqlite.org/lang_conflict.html>.
    pub(super) fn conflicts(
        &mut self,
        schema: &Schema,
        tables: &[&Table],
        mappings: &BTreeMap<String, TableMapping>,
        plans: &[TablePlan],
        triggers: &[TriggerPlan],
    ) -> Vec<TriggerPlan> {
        let mut made = Vec::new();
        for (table, plan) in tables.iter().zip(plans) {
            let Some(mapping) = mappings.get(&table.name) else { continue };
            match self.conflict(schema, table, mapping, (plan, triggers)) {
                Ok(None) => {}
                Ok(Some(trigger)) => {
                    self.kept_by(table, &trigger.target);
                    made.push(trigger);
                }
                Err(reason) => self.told_why(table, &reason),
            }
        }
        made
    }

    fn conflict(
        &mut self,
        schema: &Schema,
        table: &Table,
        mapping: &TableMapping,
        (plan, triggers): (&TablePlan, &[TriggerPlan]),
    ) -> Result<Option<TriggerPlan>, String> {
        let not_null = not_null(table);
        let keys = keys(table, mapping);
        let of_keys = |does: Does| keys.iter().any(|(k, _)| Does::of(k.on_conflict.as_deref()) == Some(does));
        let replaces = of_keys(Does::Replace);
        let ignores = of_keys(Does::Ignore) || not_null.iter().any(|(_, d)| *d == Some(Does::Ignore));
        if !replaces && !ignores && not_null.iter().all(|(_, does)| does.is_none()) {
            return Ok(None);
        }
        self.same_as_there(schema, table, &keys, replaces, ignores)?;
        let said = "    -- what the ON CONFLICT clauses of the table's constraints do in SQLite";
        let mut body = vec!["BEGIN".to_owned(), said.to_owned()];
        nulls(table, plan, &not_null, ignores, &mut body)?;
        if ignores {
            for check in plan.checks.iter().filter(|_| of_keys(Does::Ignore)) {
                let broken = format!("EXISTS (SELECT FROM (SELECT NEW.*) AS r WHERE NOT ({}))", check.condition);
                body.push(format!("    IF {broken} THEN RETURN NEW; END IF; -- the CHECK refuses it"));
            }
        }
        let target = ident::pg(&plan.target);
        let mut steps: [Vec<String>; 3] = Default::default();
        for (key, fate) in &keys {
            if !matches!(fate, KeyFate::Keep | KeyFate::Unique) {
                return Err("one of its keys is not unique in PostgreSQL".to_owned());
            }
            let condition = condition(key, plan)?;
            let meets =
                format!("({}) AND EXISTS (SELECT FROM {target} AS t WHERE {})", condition.changed, condition.same);
            match Does::of(key.on_conflict.as_deref()) {
                None if replaces || ignores => {
                    steps[0].push(format!("    IF {meets} THEN RETURN NEW; END IF; -- that key refuses it"));
                }
                None => {}
                Some(Does::Ignore) => steps[1].push(format!("    IF {meets} THEN RETURN NULL; END IF;")),
                Some(Does::Replace) => steps[2].push(format!(
                    "    IF {} THEN DELETE FROM {target} AS t WHERE {}; END IF;",
                    condition.changed, condition.same
                )),
            }
        }
        // SQLite looks at the constraints that replace after all others.
        body.extend(steps.into_iter().flatten());
        body.extend(["    RETURN NEW;".to_owned(), "END".to_owned()]);
        // Constraints are looked at after every BEFORE trigger; PostgreSQL fires triggers in the order of their names.
        let before = triggers.iter().filter(|t| t.table == plan.target && t.timing.starts_with("BEFORE"));
        let last = before.map(|t| t.target.as_str()).max().unwrap_or_default();
        let mut wanted = format!("{}_on_conflict", plan.target);
        if wanted.as_str() <= last {
            wanted.insert(0, '~');
        }
        let name = self.names.own_trigger(&plan.target, &wanted);
        if name.as_str() <= last {
            return Err(format!("the trigger {last} would come after it"));
        }
        let function = self.names.function(&name);
        Ok(Some(TriggerPlan {
            name: format!("{} (ON CONFLICT)", table.name),
            target: name.clone(),
            table: plan.target.clone(),
            on_view: false,
            function,
            timing: "BEFORE INSERT OR UPDATE".to_owned(),
            body: body.join("\n"),
            sql: table.sql.clone(),
        }))
    }

    /// Whether a trigger can do the same: SQLite's order of constraints, and what it does not fire.
    fn same_as_there(
        &self,
        schema: &Schema,
        table: &Table,
        keys: &[(&Key, KeyFate)],
        replaces: bool,
        ignores: bool,
    ) -> Result<(), String> {
        let generated = |i: usize| table.columns.get(i).is_some_and(|c| c.generated.is_some());
        if keys.iter().flat_map(|(k, _)| &k.columns).any(|k| generated(k.column)) {
            return Err("a key holds a generated column".to_owned());
        }
        if ignores && table.columns.iter().any(|c| c.generated.is_some()) {
            return Err("the table has generated columns".to_owned());
        }
        let rowid = |k: &Key| k.columns.iter().all(|c| Some(c.column) == table.rowid_alias);
        let others = keys.iter().any(|(k, _)| Does::of(k.on_conflict.as_deref()).is_none() && !rowid(k));
        if ignores && (others || table.indexes.iter().any(|i| i.unique)) {
            return Err("another unique key may come first in SQLite, and be an error".to_owned());
        }
        let plain = |t: &crate::schema::IndexTerm| matches!(t.on, IndexOn::Column(_));
        let partial = |i: &&crate::schema::Index| i.predicate.is_some() || !i.terms.iter().all(plain);
        if let Some(index) = table.indexes.iter().filter(|i| i.unique).find(partial) {
            return Err(format!("the unique index {} may refuse the row that replaces another", index.name));
        }
        for object in schema.triggers.iter() {
            let tree = sqlite::trigger(&object.sql);
            let own = object.table.eq_ignore_ascii_case(&table.name);
            let deletes = tree.as_ref().map_or(true, |t| t.event == Event::Delete);
            if own && deletes && replaces {
                return Err(format!("the trigger {} would fire for rows that are replaced", object.name));
            }
            if says_otherwise(&object.sql, &table.name) {
                return Err(format!("the trigger {} says otherwise in its own statements", object.name));
            }
        }
        let refers = |other: &&Table| {
            let at_once = |k: &&crate::schema::ForeignKey| {
                k.parent == table.name && k.on_delete == Action::NoAction && k.deferrable != Deferrable::Deferred
            };
            other.foreign_keys.iter().any(|k| at_once(&k))
        };
        if replaces && let Some(other) = schema.tables.iter().find(refers) {
            return Err(format!("a foreign key of {} refers to the rows that are replaced", other.name));
        }
        Ok(())
    }

    fn kept_by(&mut self, table: &Table, trigger: &str) {
        for finding in self.findings.iter_mut().filter(|f| of_clause(f, table)) {
            finding.severity = Severity::Warning;
            finding.remedy = Remedy::None;
            let clause = finding.message.split(';').next().unwrap_or_default().to_owned();
            finding.message = format!("{clause}; the trigger {trigger} keeps it");
            "where a statement says ON CONFLICT itself, that trigger still acts first, which in SQLite it would not"
                .clone_into(&mut finding.hint);
        }
    }

    fn told_why(&mut self, table: &Table, reason: &str) {
        for finding in self.findings.iter_mut().filter(|f| of_clause(f, table)) {
            finding.message.push_str(&format!("; no trigger can keep it, because {reason}"));
        }
    }
}

/// Whether a finding is about a clause of a table that a trigger could keep.
fn of_clause(finding: &Finding, table: &Table) -> bool {
    let own =
        finding.object == table.name || finding.object.strip_prefix(&table.name).is_some_and(|r| r.starts_with('.'));
    let clause = finding.message.contains("ON CONFLICT REPLACE") || finding.message.contains("ON CONFLICT IGNORE");
    finding.code == codes::ON_CONFLICT && own && clause && finding.severity == Severity::Blocking
}

/// A statement of a trigger that says itself what becomes of a conflict in the table.
fn says_otherwise(sql: &str, table: &str) -> bool {
    let words: Vec<String> = sql
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|w| !w.is_empty())
        .map(str::to_ascii_uppercase)
        .collect();
    let pair = |a: &str, b: &str| words.windows(2).any(|w| w[0] == a && w[1] == b);
    let says = pair("INSERT", "OR") || pair("UPDATE", "OR") || pair("REPLACE", "INTO") || pair("ON", "CONFLICT");
    says && sql.to_ascii_lowercase().contains(&table.to_ascii_lowercase())
}

/// Primary key and UNIQUE constraints with what became of them.
fn keys<'a>(table: &'a Table, mapping: &TableMapping) -> Vec<(&'a Key, KeyFate)> {
    let primary = table.primary_key.iter().map(|k| (k, mapping.primary_key));
    primary.chain(table.uniques.iter().zip(super::fates(&mapping.uniques))).collect()
}

/// What becomes of NULL in each NOT NULL column, in their order; `None`: it is refused.
fn not_null(table: &Table) -> Vec<(usize, Option<Does>)> {
    let names = Names { table: table.name.clone(), ..Names::default() };
    let text = sqlite::table(&table.sql, &names).ok();
    let clause = |name: &str| {
        let column = text.as_ref()?.columns.iter().find(|c| c.name.eq_ignore_ascii_case(name))?;
        Does::of(column.not_null_conflict.as_deref())
    };
    let columns = table.columns.iter().enumerate();
    columns.filter(|(i, c)| c.not_null && table.rowid_alias != Some(*i)).map(|(i, c)| (i, clause(&c.name))).collect()
}

fn nulls(
    table: &Table,
    plan: &TablePlan,
    not_null: &[(usize, Option<Does>)],
    ignores: bool,
    body: &mut Vec<String>,
) -> Result<(), String> {
    let mut defaults = Vec::new();
    for (i, does) in not_null {
        let Some(column) = plan.columns.get(*i).filter(|c| c.generated.is_none()) else { continue };
        let name = ident::pg(&column.target);
        match does {
            Some(Does::Ignore) => body.push(format!("    IF NEW.{name} IS NULL THEN RETURN NULL; END IF;")),
            Some(Does::Replace) => match (&column.default, &table.columns[*i].default) {
                (Some(default), _) => {
                    defaults.push(format!("    IF NEW.{name} IS NULL THEN NEW.{name} := {default}; END IF;"));
                }
                // Without a default it is an error in SQLite too.
                (None, None) => {}
                (None, Some(_)) => return Err(format!("the default of {} is not carried over", column.name)),
            },
            None if ignores => {
                body.push(format!("    IF NEW.{name} IS NULL THEN RETURN NEW; END IF; -- NOT NULL refuses it"));
            }
            None => {}
        }
    }
    body.extend(defaults);
    Ok(())
}

fn condition(key: &Key, plan: &TablePlan) -> Result<Condition, String> {
    let mut same = Vec::new();
    let mut changed = vec!["TG_OP = 'INSERT'".to_owned()];
    for part in &key.columns {
        let column: &ColumnPlan = plan.columns.get(part.column).ok_or("a column of a key is not there")?;
        let name = ident::pg(&column.target);
        let of = |row: &str| collations::key_term(column, part.collation.as_deref(), &format!("{row}.{name}"));
        same.push(format!("{} = {}", of("t")?, of("NEW")?));
        changed.push(format!("{} IS DISTINCT FROM {}", of("OLD")?, of("NEW")?));
    }
    Ok(Condition { same: same.join(" AND "), changed: changed.join(" OR ") })
}
