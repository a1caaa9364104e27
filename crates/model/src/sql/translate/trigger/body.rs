//! The body of a trigger's function: what is declared, the guard against recursion, WHEN, the statements, what returns.
//! Owns that frame; never translates a statement (see `insert`, `update`, `raise`).

use super::facts::Facts;
use super::reach;
use super::speak::Speaker;
use super::text::Text;
use crate::ident;
use crate::sql::ast::{Event, Statement, Time, Trigger};
use crate::sql::translate::Translated;
use crate::sql::translate::relations::Relation;

/// A body that is being written.
pub(super) struct Body<'a> {
    pub speak: Speaker<'a>,
    pub facts: &'a Facts<'a>,
    pub trigger: &'a Trigger,
    /// What the trigger stands on.
    pub on: &'a Relation,
    pub text: Text,
    pub differences: Vec<String>,
    /// Names of the record variables.
    records: Vec<String>,
    /// It notes in a setting that it is running.
    guarded: bool,
    /// It asks of an error which table it is about.
    of_table: bool,
    /// Columns of a view, quoted, of which one must be another in NEW than in OLD.
    pub changed: Vec<String>,
}

/// The setting in which the triggers that are running note it, until the transaction ends.
const ACTIVE: &str = "lite2pg.active";

/// The setting that names the table from which REPLACE is deleting.
pub(super) const REPLACING: &str = "lite2pg.replacing";

impl<'a> Body<'a> {
    pub fn new(speak: Speaker<'a>, facts: &'a Facts<'a>, trigger: &'a Trigger, on: &'a Relation) -> Body<'a> {
        Body {
            speak,
            facts,
            trigger,
            on,
            text: Text::default(),
            differences: Vec::new(),
            records: Vec::new(),
            guarded: false,
            of_table: false,
            changed: Vec::new(),
        }
    }

    /// The whole body, from its first line to END, and what differs.
    pub fn write(mut self, name: &str) -> Translated<(String, Vec<String>)> {
        self.guarded = reach::reaches_itself(name, self.trigger, self.facts);
        self.text.open("BEGIN");
        self.silence();
        if self.guarded {
            self.text.comment("SQLite does not fire a trigger again while it is running (recursive_triggers is off)");
            self.text.open("IF position(this IN active) > 0 THEN");
            self.text.line(format!("RETURN {};", self.row()));
            self.text.close("END IF;");
            self.text.line(format!("PERFORM set_config('{ACTIVE}', active || this, true);"));
        }
        let changed = self.changed.iter().map(|c| format!("NEW.{c} IS DISTINCT FROM OLD.{c}"));
        let changed = changed.collect::<Vec<_>>().join(" OR ");
        if !changed.is_empty() {
            self.tell("it fires where one of its columns gets another value, in SQLite where the UPDATE names one");
        }
        let when = match &self.trigger.when {
            Some(when) if changed.is_empty() => Some(self.speak.condition(when, &[])?),
            Some(when) => Some(format!("({changed}) AND {}", self.speak.condition(when, &[])?)),
            None if changed.is_empty() => None,
            None => Some(changed),
        };
        if let Some(when) = &when {
            self.text.open(format!("IF {when} THEN"));
        }
        let trigger = self.trigger;
        for statement in &trigger.body {
            self.statement(statement)?;
        }
        if when.is_some() {
            self.text.close("END IF;");
        }
        self.leave(self.row());
        self.text.close("END;");
        let declared = self.declared();
        let body = std::mem::take(&mut self.text).finish();
        // A column is meant where a variable has the same name.
        Ok((format!("#variable_conflict use_column\n{declared}{body}"), self.differences))
    }

    fn declared(&self) -> String {
        let mut lines = Vec::new();
        if self.guarded {
            lines.push(format!("  active text := coalesce(current_setting('{ACTIVE}', true), '');"));
            lines.push("  this text := format('|%I.%I.%I|', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_NAME);".to_owned());
        }
        if self.of_table {
            lines.push("  of_table text;".to_owned());
        }
        lines.extend(self.records.iter().map(|name| format!("  {name} record;")));
        if lines.is_empty() { String::new() } else { format!("DECLARE\n{}\n", lines.join("\n")) }
    }

    /// A trigger on DELETE is not fired by the deletes of REPLACE.
    fn silence(&mut self) {
        if reach::silenced(self.trigger, self.facts) {
            self.text.comment("SQLite fires no delete triggers where REPLACE deletes");
            let table = ident::literal(&self.on.target);
            self.text.open(format!("IF current_setting('{REPLACING}', true) = {table} THEN"));
            self.text.line(format!("RETURN {};", self.row()));
            self.text.close("END IF;");
        }
    }

    /// What its function returns where nothing happened otherwise: the row goes its way.
    fn row(&self) -> &'static str {
        match (self.trigger.time, &self.trigger.event) {
            (Time::After, _) => "NULL",
            (_, Event::Delete) => "OLD",
            _ => "NEW",
        }
    }

    /// Ends the function.
    pub fn leave(&mut self, row: &str) {
        if self.guarded {
            self.text.line(format!("PERFORM set_config('{ACTIVE}', active, true);"));
        }
        self.text.line(format!("RETURN {row};"));
    }

    /// A record variable of its own name.
    pub fn record(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut n = 1;
        while self.records.contains(&name) {
            n += 1;
            name = format!("{wanted}_{n}");
        }
        self.records.push(name.clone());
        name
    }

    /// In an EXCEPTION block: what a trigger broke in another table is no conflict of the statement, and stays an error.
    pub fn only_of(&mut self, relation: &Relation) {
        self.of_table = true;
        self.text.line("GET STACKED DIAGNOSTICS of_table = TABLE_NAME;");
        let table = ident::literal(&relation.target);
        self.text.line(format!("IF of_table IS DISTINCT FROM {table} THEN RAISE; END IF;"));
    }

    pub fn tell(&mut self, difference: impl Into<String>) {
        let difference = difference.into();
        if !self.differences.contains(&difference) {
            self.differences.push(difference);
        }
    }

    fn statement(&mut self, statement: &Statement) -> Translated<()> {
        let (word, target) = match statement {
            Statement::Insert(insert) => ("INSERT INTO", insert.table.as_str()),
            Statement::Update(update) => ("UPDATE", update.table.as_str()),
            Statement::Delete(table, _) => ("DELETE FROM", table.as_str()),
            Statement::Select(_) => ("", ""),
        };
        if !target.is_empty()
            && let Ok(relation) = self.speak.relation(target)
            && let Some(upkeep) = &relation.upkeep
        {
            self.text.comment(&format!("{word} {}: {upkeep}", relation.name));
            self.tell(format!("its {word} {} is left out: {upkeep}", relation.name));
            return Ok(());
        }
        match statement {
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(table, filter) => self.delete(table, filter.as_ref()),
            Statement::Select(query) => self.query(query),
        }
    }
}
