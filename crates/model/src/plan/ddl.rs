//! The plan as statements: tables, keys, indexes, foreign keys, and the list of steps with their undo.
//! Owns how DDL is written; never decides what is written.

use super::{CheckPlan, ColumnPlan, Effect, ForeignKeyPlan, IndexPlan, Plan, Stage, Step, TablePlan, Work};
use crate::ident::{literal, pg, pg_in};
use crate::schema::{Action, Deferrable};
use std::collections::HashMap;

impl Plan {
    /// Every step, in an order that works, with names in `schema` (the staging schema of a run, or the final one where a
    /// person reads it).
    pub fn steps(&self, schema: &str) -> Vec<Step> {
        let mut steps = Steps::default();
        let largest_first = {
            let mut order: Vec<usize> = (0..self.tables.len()).collect();
            order.sort_by_key(|i| std::cmp::Reverse(self.tables[*i].bytes));
            order
        };
        let places: HashMap<&str, usize> =
            self.tables.iter().enumerate().map(|(i, t)| (t.target.as_str(), i)).collect();
        if let Some(sql) = self.create_helpers() {
            let undo = format!("DROP SCHEMA {} CASCADE", pg(&self.helper_schema()));
            steps.sql(Stage::Helpers, Work::Helpers, &self.helper_schema(), sql, undo);
        }
        for (i, table) in self.tables.iter().enumerate() {
            let (sql, undo) = (self.create_table(schema, table), drop(schema, table));
            steps.sql(Stage::Create, Work::Create(i), &table.name, sql, undo);
        }
        for i in &largest_first {
            steps.push(Stage::Copy, Work::Copy(*i), &self.tables[*i].name, Effect::Copy(*i), None);
        }
        for i in &largest_first {
            keys(schema, (*i, &self.tables[*i]), &mut steps);
        }
        for i in &largest_first {
            for index in &self.tables[*i].indexes {
                let sql = create_index(schema, &self.tables[*i], index);
                let work = Work::Index { table: *i, unique: index.unique };
                steps.sql(Stage::Indexes, work, &index.name, sql, None);
            }
        }
        for (i, table) in self.tables.iter().enumerate() {
            for check in table.checks.iter().filter(|c| c.not_valid) {
                let object = format!("{}.{}", table.name, check.name);
                steps.sql(Stage::Constraints, Work::Check(i), &object, add_check(schema, table, check), None);
            }
            for key in &table.foreign_keys {
                foreign_key(schema, (i, table), (key, places.get(key.parent.as_str()).copied()), &mut steps);
            }
        }
        for (i, table) in self.tables.iter().enumerate() {
            for column in &table.columns {
                if let Some(sql) = set_position(schema, column) {
                    let object = format!("{}.{}", table.name, column.name);
                    steps.sql(Stage::Sequences, Work::Position(i), &object, sql, None);
                }
            }
        }
        for (i, table) in self.tables.iter().enumerate() {
            let sql = format!("ANALYZE {}", pg_in(schema, &table.target));
            steps.sql(Stage::Analyze, Work::Analyze(i), &table.name, sql, None);
        }
        for view in &self.views {
            steps.sql(Stage::Views, Work::View, &view.name, self.create_view(schema, view), None);
        }
        for trigger in &self.triggers {
            let on = places.get(trigger.table.as_str()).copied().filter(|_| !trigger.on_view);
            let sql = self.create_trigger(schema, trigger);
            steps.sql(Stage::Triggers, Work::Trigger(on), &trigger.name, sql, None);
        }
        for (i, table) in self.tables.iter().enumerate() {
            steps.push(Stage::Verify, Work::Verify(i), &table.name, Effect::Verify(i), None);
        }
        steps.push(Stage::Publish, Work::Publish, &self.schema, Effect::Publish, None);
        steps.list
    }

    /// The enums of a table and the table itself, in one step: none of them is of use without the other.
    pub fn create_table(&self, schema: &str, table: &TablePlan) -> String {
        let enums: String = enums(table).map(|(name, labels)| create_enum(schema, name, labels)).collect();
        enums + &self.create_table_alone(schema, table)
    }

    fn create_table_alone(&self, schema: &str, table: &TablePlan) -> String {
        let columns = table.columns.iter().map(|c| self.column(schema, c));
        let columns = columns.chain(table.extra.iter().map(|e| {
            let sequence = e.sequence.as_ref().map(|s| format!(" (SEQUENCE NAME {})", pg_in(schema, s)));
            format!("{} {}{}", pg(&e.target), e.definition, sequence.unwrap_or_default())
        }));
        let checks = table
            .checks
            .iter()
            .filter(|c| !c.not_valid)
            .map(|c| format!("CONSTRAINT {} CHECK ({})", pg(&c.name), c.condition));
        let lines: Vec<String> = columns.chain(checks).map(|l| format!("    {l}")).collect();
        if lines.is_empty() {
            return format!("CREATE TABLE {} ()", pg_in(schema, &table.target));
        }
        format!("CREATE TABLE {} (\n{}\n)", pg_in(schema, &table.target), lines.join(",\n"))
    }

    fn column(&self, schema: &str, c: &ColumnPlan) -> String {
        let ty = c.enum_name.as_ref().map_or_else(|| c.ty.sql(), |name| pg_in(schema, name));
        let mut sql = format!("{} {ty}", pg(&c.target));
        if self.collate && c.ty.collatable() {
            sql.push_str(" COLLATE \"C\"");
        }
        if let Some(generated) = &c.generated {
            let kind = if generated.stored { "STORED" } else { "VIRTUAL" };
            sql.push_str(&format!(" GENERATED ALWAYS AS ({}) {kind}", generated.expression));
        }
        if c.not_null {
            sql.push_str(" NOT NULL");
        }
        if let Some(default) = &c.default {
            sql.push_str(&format!(" DEFAULT {default}"));
        }
        if let Some(identity) = &c.identity {
            let sequence = pg_in(schema, &identity.sequence);
            sql.push_str(&format!(" GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME {sequence})"));
        }
        sql
    }
}

/// Keys in two steps: the index is built while others of the table are, which lets reading go on; the constraint then
/// takes it over in an instant.
/// Source: <https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX>.
fn keys(schema: &str, (i, table): (usize, &TablePlan), steps: &mut Steps) {
    let on = pg_in(schema, &table.target);
    let primary = table.primary_key.iter().map(|k| (k, "PRIMARY KEY"));
    let kinds: Vec<_> = primary.chain(table.uniques.iter().map(|k| (k, "UNIQUE"))).collect();
    for (key, _) in &kinds {
        let sql = format!("CREATE UNIQUE INDEX {} ON {on} ({})", pg(&key.name), list(&key.columns));
        steps.sql(Stage::Keys, Work::KeyIndex(i), &format!("{}.{}", table.name, key.name), sql, None);
    }
    for (key, kind) in &kinds {
        let name = pg(&key.name);
        let sql = format!("ALTER TABLE {on} ADD CONSTRAINT {name} {kind} USING INDEX {name}");
        steps.sql(Stage::Keys, Work::Key(i), &format!("{}.{}", table.name, key.name), sql, None);
    }
}

/// A foreign key in two steps: adding it locks both tables for an instant; its rows are looked at while others read and
/// write.
/// Source: <https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES>.
fn foreign_key(
    schema: &str,
    (child, table): (usize, &TablePlan),
    (key, parent): (&ForeignKeyPlan, Option<usize>),
    steps: &mut Steps,
) {
    let object = format!("{}.{}", table.name, key.name);
    let sql = add_foreign_key(schema, table, key);
    steps.sql(Stage::Constraints, Work::ForeignKey { child, parent }, &object, sql, None);
    if !key.not_valid {
        let sql = format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", pg_in(schema, &table.target), pg(&key.name));
        steps.sql(Stage::Constraints, Work::Validate { child, parent }, &object, sql, None);
    }
}

#[derive(Default)]
struct Steps {
    list: Vec<Step>,
}

impl Steps {
    fn push(&mut self, stage: Stage, work: Work, object: &str, effect: Effect, undo: Option<String>) {
        let id = u32::try_from(self.list.len() + 1).unwrap_or(u32::MAX);
        self.list.push(Step { id, stage, work, object: object.to_owned(), effect, undo });
    }

    fn sql(&mut self, stage: Stage, work: Work, object: &str, sql: String, undo: impl Into<Option<String>>) {
        self.push(stage, work, object, Effect::Sql(sql), undo.into());
    }
}

/// A comma-separated list of quoted names.
pub fn list(names: &[String]) -> String {
    names.iter().map(|n| pg(n)).collect::<Vec<_>>().join(", ")
}

fn drop(schema: &str, table: &TablePlan) -> String {
    let types: String = enums(table).map(|(name, _)| format!(";\nDROP TYPE {}", pg_in(schema, name))).collect();
    format!("DROP TABLE {}{types}", pg_in(schema, &table.target))
}

/// The enums of a table: name and labels.
pub fn enums(table: &TablePlan) -> impl Iterator<Item = (&str, &[String])> {
    table.columns.iter().filter_map(|c| Some((c.enum_name.as_deref()?, c.labels.as_slice())))
}

fn create_enum(schema: &str, name: &str, labels: &[String]) -> String {
    let labels: Vec<String> = labels.iter().map(|l| literal(l)).collect();
    format!("CREATE TYPE {} AS ENUM ({});\n", pg_in(schema, name), labels.join(", "))
}

fn create_index(schema: &str, table: &TablePlan, index: &IndexPlan) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let predicate = index.predicate.as_ref().map(|p| format!(" WHERE {p}")).unwrap_or_default();
    let on = pg_in(schema, &table.target);
    let method = index.method.as_ref().map(|m| format!(" USING {m}")).unwrap_or_default();
    format!("CREATE {unique}INDEX {} ON {on}{method} ({}){predicate}", pg(&index.name), index.terms)
}

fn add_check(schema: &str, table: &TablePlan, check: &CheckPlan) -> String {
    let (table, name) = (pg_in(schema, &table.target), pg(&check.name));
    format!("ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({}) NOT VALID", check.condition)
}

fn add_foreign_key(schema: &str, table: &TablePlan, key: &ForeignKeyPlan) -> String {
    let mut sql = format!(
        "ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({})",
        pg_in(schema, &table.target),
        pg(&key.name),
        list(&key.columns),
        pg_in(schema, &key.parent),
        list(&key.parent_columns)
    );
    for (on, action) in [("DELETE", key.on_delete), ("UPDATE", key.on_update)] {
        if action != Action::NoAction {
            sql.push_str(&format!(" ON {on} {}", action.sql()));
        }
    }
    sql.push_str(match key.deferrable {
        Deferrable::Not => "",
        Deferrable::Immediate => " DEFERRABLE",
        Deferrable::Deferred => " DEFERRABLE INITIALLY DEFERRED",
    });
    sql.push_str(" NOT VALID");
    sql
}

fn set_position(schema: &str, column: &ColumnPlan) -> Option<String> {
    let identity = column.identity.as_ref()?;
    let sequence = crate::ident::literal(&pg_in(schema, &identity.sequence));
    Some(match identity.next {
        Some(next) => format!("SELECT pg_catalog.setval({sequence}::regclass, {next}, false)"),
        // Nothing comes after the last key: the next call fails, as it does in SQLite under AUTOINCREMENT.
        None => format!("SELECT pg_catalog.setval({sequence}::regclass, {}, true)", i64::MAX),
    })
}

impl Action {
    /// As SQL writes it.
    pub fn sql(self) -> &'static str {
        match self {
            Action::NoAction => "NO ACTION",
            Action::Restrict => "RESTRICT",
            Action::SetNull => "SET NULL",
            Action::SetDefault => "SET DEFAULT",
            Action::Cascade => "CASCADE",
        }
    }
}
