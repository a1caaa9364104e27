//! The plan's statements tried in the target before the first row moves, in one transaction that is taken back: what
//! PostgreSQL refuses of a view, a trigger, a check or another translated expression is a finding, and leaves the plan.
//! Owns that trial; never changes anything that lasts, and never decides what a translation should be.

use crate::error::{Error, Result};
use crate::target::catalog::Facts;
use crate::target::{error_from_pg, publish, refusal};
use lite2pg_model::finding::{Finding, codes};
use lite2pg_model::ident::{pg, pg_in};
use lite2pg_model::plan::{Effect, Plan, Stage, TablePlan};
use lite2pg_model::sql::helpers;
use postgres::{Client, Transaction};

/// Tries a plan. What the server refuses is taken out of it and becomes a finding that blocks until a person accepts it.
/// `false`: nothing was tried, for it would take too many of the server's locks.
///
/// # Errors
/// The server fails in another way, or refuses a table itself.
pub fn settle(client: &mut Client, facts: &Facts, plan: &mut Plan) -> Result<bool> {
    let doing = "trying the statements";
    // All of it is one transaction, which keeps its locks to the end; half of what the server has is left to others.
    if !worth_it(plan) {
        return Ok(true);
    }
    if facts.locks(plan) > facts.lock_slots / 2 {
        return Ok(false);
    }
    let mut tx = client.transaction().map_err(|e| error_from_pg(e, doing))?;
    let mut trial = Trial { plan: plan.clone(), found: Vec::new() };
    // Its helper functions get a schema beside it: that of the run may be there already.
    trial.plan.schema = format!("lite2pg_tryout_{}", std::process::id());
    trial.all(&mut tx)?;
    tx.rollback().map_err(|e| error_from_pg(e, "taking the trial back"))?;
    let Trial { plan: mut tried, found } = trial;
    tried.schema = std::mem::take(&mut plan.schema);
    if !found.is_empty() {
        tried.findings.extend(found);
        tried.forget_unused_helpers();
    }
    *plan = tried;
    Ok(true)
}

/// Whether the plan has anything whose translation PostgreSQL might refuse; constants and plain keys it never does.
fn worth_it(plan: &Plan) -> bool {
    let translated = |t: &TablePlan| {
        !t.checks.is_empty()
            || t.columns.iter().any(|c| c.generated.is_some() || c.default.as_ref().is_some_and(|d| d.contains('(')))
            || t.indexes.iter().any(|i| i.predicate.is_some() || i.terms.contains('('))
    };
    !plan.views.is_empty()
        || !plan.triggers.is_empty()
        || !plan.helpers.is_empty()
        || plan.tables.iter().any(translated)
}

/// The plan as it is tried: in a schema of its own.
struct Trial {
    plan: Plan,
    found: Vec<Finding>,
}

impl Trial {
    fn all(&mut self, tx: &mut Transaction<'_>) -> Result<()> {
        let schema = self.plan.schema.clone();
        publish::make_staging(tx, &schema, "a trial")?;
        self.helpers(tx)?;
        must(tx, &format!("SET LOCAL search_path TO {}", self.plan.search_path(&schema)))?;
        for i in 0..self.plan.tables.len() {
            self.table(tx, i)?;
        }
        // A view may group by a key, and an upsert names one.
        for step in self.plan.steps(&schema).iter().filter(|s| s.stage == Stage::Keys) {
            if let Effect::Sql(sql) = &step.effect {
                attempt(tx, sql)?;
            }
        }
        self.indexes(tx)?;
        self.views(tx)?;
        self.triggers(tx)
    }

    /// A helper that is refused is missing for whatever calls it: that is then refused by itself.
    fn helpers(&mut self, tx: &mut Transaction<'_>) -> Result<()> {
        if self.plan.helpers.is_empty() {
            return Ok(());
        }
        let schema = pg(&self.plan.helper_schema());
        must(tx, &format!("CREATE SCHEMA {schema}; SET LOCAL search_path TO {schema}"))?;
        for helper in self.plan.helpers.iter().filter_map(|name| helpers::find(name)) {
            attempt(tx, helper.sql)?;
        }
        Ok(())
    }

    fn table(&mut self, tx: &mut Transaction<'_>, i: usize) -> Result<()> {
        let Some(table) = self.plan.tables.get(i) else { return Ok(()) };
        let sql = self.plan.create_table(&self.plan.schema, table);
        if attempt(tx, &sql)?.is_none() {
            return Ok(());
        }
        // Something in it is refused: the bare table first, then each part by itself.
        let mut table = table.clone();
        let (checks, mut bare) = (std::mem::take(&mut table.checks), table.clone());
        for column in &mut bare.columns {
            (column.default, column.generated) = (None, None);
        }
        must(tx, &self.plan.create_table(&self.plan.schema, &bare)).map_err(|e| e.about(&table.name))?;
        let name = pg_in(&self.plan.schema, &table.target);
        for check in checks {
            let sql = format!("ALTER TABLE {name} ADD CONSTRAINT {} CHECK ({})", pg(&check.name), check.condition);
            match attempt(tx, &sql)? {
                None => table.checks.push(check),
                Some(why) => {
                    self.plan.objects.checks.carried = self.plan.objects.checks.carried.saturating_sub(1);
                    let what = format!("CHECK {} of {} ({})", check.name, table.name, check.condition);
                    self.refused(codes::CHECK, &table.name, &what, &why, "add a check of your own");
                }
            }
        }
        for column in &mut table.columns {
            let object = format!("{}.{}", table.name, column.name);
            let target = pg(&column.target);
            if let Some(default) = &column.default
                && let Some(why) =
                    attempt(tx, &format!("ALTER TABLE {name} ALTER COLUMN {target} SET DEFAULT {default}"))?
            {
                self.plan.objects.defaults.carried = self.plan.objects.defaults.carried.saturating_sub(1);
                let what = format!("DEFAULT {default}");
                self.refused(codes::DEFAULT, &object, &what, &why, "give the column a default of your own");
                column.default = None;
            }
        }
        for k in 0..table.columns.len() {
            self.generated(tx, &mut table, k)?;
        }
        must(tx, &format!("DROP TABLE {name}"))?;
        must(tx, &types_gone(&self.plan.schema, &table))?;
        must(tx, &self.plan.create_table(&self.plan.schema, &table)).map_err(|e| e.about(&table.name))?;
        if let Some(place) = self.plan.tables.get_mut(i) {
            *place = table;
        }
        Ok(())
    }

    /// A generated column that is refused becomes a plain one with the values that SQLite computed.
    fn generated(&mut self, tx: &mut Transaction<'_>, table: &mut TablePlan, k: usize) -> Result<()> {
        let name = pg_in(&self.plan.schema, &table.target);
        let Some(column) = table.columns.get_mut(k) else { return Ok(()) };
        let Some(generated) = &column.generated else { return Ok(()) };
        let kind = if generated.stored { "STORED" } else { "VIRTUAL" };
        let ty = column.enum_name.as_ref().map_or_else(|| column.ty.sql(), |e| pg_in(&self.plan.schema, e));
        let sql = format!(
            "ALTER TABLE {name} DROP COLUMN {target}, ADD COLUMN {target} {ty} GENERATED ALWAYS AS ({}) {kind}",
            generated.expression,
            target = pg(&column.target),
        );
        if let Some(why) = attempt(tx, &sql)? {
            let object = format!("{}.{}", table.name, column.name);
            let what = format!("GENERATED ALWAYS AS ({})", generated.expression);
            self.plan.objects.generated.carried = self.plan.objects.generated.carried.saturating_sub(1);
            self.refused(
                codes::GENERATED,
                &object,
                &what,
                &why,
                "the column keeps its values and computes no new ones",
            );
            column.generated = None;
        }
        Ok(())
    }

    /// Only those with an expression or a predicate: the others hold nothing that was translated.
    fn indexes(&mut self, tx: &mut Transaction<'_>) -> Result<()> {
        let translated: Vec<String> = self
            .plan
            .tables
            .iter()
            .flat_map(|t| &t.indexes)
            .filter(|i| i.predicate.is_some() || i.terms.contains('('))
            .map(|i| i.name.clone())
            .collect();
        let steps = self.plan.steps(&self.plan.schema);
        for step in steps.iter().filter(|s| s.stage == Stage::Indexes && translated.contains(&s.object)) {
            let Effect::Sql(sql) = &step.effect else { continue };
            let Some(why) = attempt(tx, sql)? else { continue };
            self.plan.objects.indexes.carried = self.plan.objects.indexes.carried.saturating_sub(1);
            self.refused(
                codes::INDEX,
                &step.object,
                &format!("the index {}", step.object),
                &why,
                "make an index of your own",
            );
            self.plan.tables.iter_mut().for_each(|t| t.indexes.retain(|i| i.name != step.object));
        }
        Ok(())
    }

    fn views(&mut self, tx: &mut Transaction<'_>) -> Result<()> {
        for view in std::mem::take(&mut self.plan.views) {
            let made = self.plan.create_view(&self.plan.schema, &view);
            // Some of what a query asks is refused only when it is planned.
            let sql = format!("{made};\nEXPLAIN SELECT * FROM {}", pg_in(&self.plan.schema, &view.target));
            match attempt(tx, &sql)? {
                None => self.plan.views.push(view),
                Some(why) => {
                    self.plan.objects.views.carried = self.plan.objects.views.carried.saturating_sub(1);
                    let what = format!("view {} ({})", view.name, one_line(&view.sql));
                    self.refused(codes::VIEW, &view.name, &what, &why, "create it by hand in the target afterwards");
                }
            }
        }
        Ok(())
    }

    fn triggers(&mut self, tx: &mut Transaction<'_>) -> Result<()> {
        for trigger in std::mem::take(&mut self.plan.triggers) {
            match attempt(tx, &self.plan.create_trigger(&self.plan.schema, &trigger))? {
                None => self.plan.triggers.push(trigger),
                Some(why) => {
                    self.plan.objects.triggers.carried = self.plan.objects.triggers.carried.saturating_sub(1);
                    self.plan.findings.retain(|f| f.code != codes::TRIGGER_DIFFERS || f.object != trigger.name);
                    let what = format!("trigger {} on {} ({})", trigger.name, trigger.table, one_line(&trigger.sql));
                    let then = "write it by hand as a trigger function in the target afterwards";
                    self.refused(codes::TRIGGER, &trigger.name, &what, &why, then);
                }
            }
        }
        Ok(())
    }

    fn refused(&mut self, code: &str, object: &str, what: &str, why: &str, then: &str) {
        self.found.push(Finding::not_carried(
            code,
            object,
            format!("{what} is not carried over: PostgreSQL refuses what it was translated to: {why}"),
            format!("go on without it with --accept {code}:{object}, and {then}"),
        ));
    }
}

/// The enums of a table that was dropped.
fn types_gone(schema: &str, table: &TablePlan) -> String {
    let names = lite2pg_model::plan::ddl::enums(table).map(|(name, _)| format!("DROP TYPE {};", pg_in(schema, name)));
    names.collect()
}

/// A statement on one line, and no more of it than fits a message.
pub(super) fn one_line(sql: &str) -> String {
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= 300 { line } else { line.chars().take(299).chain(['…']).collect() }
}

fn must(tx: &mut Transaction<'_>, sql: &str) -> Result<()> {
    tx.batch_execute(sql).map_err(|e| error_from_pg(e, "trying the statements"))
}

/// Runs statements within a savepoint; the server's words if it refuses them for what they say.
pub(super) fn attempt(tx: &mut Transaction<'_>, sql: &str) -> Result<Option<String>> {
    let doing = "trying the statements";
    let mut inner = tx.transaction().map_err(|e| error_from_pg(e, doing))?;
    let error: Error = match inner.batch_execute(sql) {
        Ok(()) => return inner.commit().map(|()| None).map_err(|e| error_from_pg(e, doing)),
        Err(e) => error_from_pg(e, doing),
    };
    match refusal(&error) {
        Some((code, words)) => {
            inner.rollback().map_err(|e| error_from_pg(e, doing))?;
            Ok(Some(format!("{words} (SQLSTATE {code})")))
        }
        None => Err(error),
    }
}
