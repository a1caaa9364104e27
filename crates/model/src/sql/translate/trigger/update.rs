//! UPDATE and DELETE of a trigger, with FROM and with OR.
//! Owns these statements; never translates a value (see `speak`).
//!
//! Source: <https://sqlite.org/lang_update.html>, <https://sqlite.org/lang_conflict.html>.

use super::body::Body;
use super::facts::KeyFacts;
use super::speak;
use super::write;
use crate::ident;
use crate::sql::ast::{Assignment, Conflict, Event, Expr, Query, Statement, Update};
use crate::sql::translate::query::Item;
use crate::sql::translate::relations::{Field, Relation};
use crate::sql::translate::{Translated, refuse};

impl Body<'_> {
    /// UPDATE.
    pub fn update(&mut self, update: &Update) -> Translated<()> {
        let relation = self.written(&update.table, |t| matches!(t.event, Event::Update(_)))?;
        let keys = self.touched(update);
        let resolution = self.resolution(update.conflict, &keys)?;
        let breakable = !keys.is_empty() || (!resolution.by_keys && self.breakable(update, relation));
        let how = match resolution.how {
            Conflict::Replace if breakable => {
                return refuse(format!("UPDATE OR REPLACE changes a key or a NOT NULL column of {}", relation.name));
            }
            Conflict::Ignore if breakable => Conflict::Ignore,
            Conflict::Ignore | Conflict::Replace => Conflict::Abort,
            other => other,
        };
        self.tell_inherited(resolution.how, &Statement::Update(Box::new(update.clone())));
        self.tell_resolution(how);
        if !update.from.is_empty() {
            if how == Conflict::Ignore {
                return refuse("UPDATE OR IGNORE has FROM");
            }
            return self.update_from(update, relation);
        }
        let own = [speak::target(relation)];
        let sets = self.assignments(&update.sets, relation, &own)?.join(", ");
        let filter = match &update.filter {
            Some(filter) => Some(self.speak.condition(filter, &own)?),
            None => None,
        };
        let table = ident::pg(&relation.target);
        if how == Conflict::Ignore {
            return self.row_by_row(relation, &sets, filter.as_deref(), resolution.by_keys);
        }
        self.filtered(&format!("UPDATE {table} SET {sets}"), filter.as_deref());
        Ok(())
    }

    /// A statement and its WHERE, if it has one.
    fn filtered(&mut self, statement: &str, filter: Option<&str>) {
        match filter {
            Some(filter) => self.text.line(format!("{statement}\nWHERE {filter};")),
            None => self.text.line(format!("{statement};")),
        }
    }

    /// DELETE.
    pub fn delete(&mut self, table: &str, filter: Option<&Expr>) -> Translated<()> {
        let relation = self.written(table, |t| t.event == Event::Delete)?;
        let own = [speak::target(relation)];
        let table = ident::pg(&relation.target);
        let filter = match filter {
            Some(filter) => Some(self.speak.condition(filter, &own)?),
            None => None,
        };
        self.filtered(&format!("DELETE FROM {table}"), filter.as_deref());
        Ok(())
    }

    /// `column = value` for each; of a column that is set twice the last counts.
    pub fn assignments(&self, sets: &[Assignment], relation: &Relation, own: &[Item]) -> Translated<Vec<String>> {
        let mut list: Vec<(Vec<String>, String)> = Vec::new();
        for set in sets {
            let fields = set.columns.iter().map(|c| write::field(relation, c)).collect::<Translated<Vec<_>>>()?;
            match (fields.as_slice(), &set.value) {
                ([field], value) => {
                    let value = self.stored(value, field, own)?.sql;
                    list.push((vec![field.target.clone()], format!("{} = {value}", ident::pg(&field.target))));
                }
                (fields, Expr::Row(values)) if fields.len() == values.len() => {
                    for (field, value) in fields.iter().zip(values) {
                        let value = self.stored(value, field, own)?.sql;
                        list.push((vec![field.target.clone()], format!("{} = {value}", ident::pg(&field.target))));
                    }
                }
                (fields, Expr::Scalar(query)) => {
                    let names = fields.iter().map(|f| f.target.clone()).collect();
                    list.push((names, self.row_of_query(fields, query, own)?));
                }
                _ => return refuse("SET gives several columns something else than as many values"),
            }
        }
        let mut kept: Vec<String> = Vec::new();
        for (i, (names, text)) in list.iter().enumerate() {
            let later = list.iter().skip(i + 1).any(|(l, _)| l.iter().any(|n| names.contains(n)));
            match (later, names.len()) {
                (false, _) => kept.push(text.clone()),
                (true, 1) => {}
                _ => return refuse("SET gives a column two values"),
            }
        }
        Ok(kept)
    }

    /// `(a, b) = (SELECT …)`: the first row, or NULLs.
    fn row_of_query(&self, fields: &[&Field], query: &Query, own: &[Item]) -> Translated<String> {
        let made = self.speak.select(query, own)?;
        let (sql, given) = self.given(&made, fields)?;
        let names: Vec<String> = fields.iter().map(|f| ident::pg(&f.target)).collect();
        Ok(format!("({}) = (SELECT {} FROM {sql} LIMIT 1)", names.join(", "), given.join(", ")))
    }

    /// The keys that it may change.
    fn touched(&self, update: &Update) -> Vec<&KeyFacts> {
        let columns = || update.sets.iter().flat_map(|s| &s.columns);
        let of = |k: &KeyFacts| {
            k.partial || k.columns.iter().any(|(name, _)| columns().any(|c| c.eq_ignore_ascii_case(name)))
        };
        let keys = self.facts.table(&update.table).map(|t| t.keys.as_slice()).unwrap_or_default();
        keys.iter().filter(|k| of(k)).collect()
    }

    /// Whether it may break NOT NULL or a CHECK.
    fn breakable(&self, update: &Update, relation: &Relation) -> bool {
        let Some(table) = self.facts.table(&update.table) else { return false };
        let not_null = |c: &String| write::field(relation, c).is_ok_and(|f| f.not_null);
        table.checks || update.sets.iter().flat_map(|s| &s.columns).any(not_null)
    }

    /// UPDATE OR IGNORE: each row by itself, and one that breaks something stays as it was.
    fn row_by_row(&mut self, relation: &Relation, sets: &str, filter: Option<&str>, by_keys: bool) -> Translated<()> {
        if relation.view {
            return refuse("UPDATE OR IGNORE stands on a view");
        }
        let table = ident::pg(&relation.target);
        let record = self.record("old_row");
        self.text.comment(&format!("UPDATE OR IGNORE {}", relation.name));
        let filter = filter.map(|f| format!(" WHERE {f}")).unwrap_or_default();
        self.text.open(format!("FOR {record} IN SELECT {table}.ctid AS place FROM {table}{filter} LOOP"));
        self.text.open("BEGIN");
        self.text.line(format!("UPDATE {table} SET {sets} WHERE {table}.ctid = {record}.place;"));
        let others = if by_keys { "" } else { " OR not_null_violation OR check_violation" };
        self.text.between(format!("EXCEPTION WHEN unique_violation{others} THEN"));
        self.only_of(relation);
        self.text.close("END;");
        self.text.close("END LOOP;");
        Ok(())
    }

    /// UPDATE … FROM: both databases take any one where several rows of FROM fit.
    fn update_from(&mut self, update: &Update, relation: &Relation) -> Translated<()> {
        let (from, items, mut conditions) = self.speak.from(&update.from, &speak::target(relation))?;
        let sets = self.assignments(&update.sets, relation, &items)?.join(", ");
        if let Some(filter) = &update.filter {
            conditions.push(self.speak.condition(filter, &items)?);
        }
        let filter = conditions.join(" AND ");
        let statement = format!("UPDATE {} SET {sets}\nFROM {from}", ident::pg(&relation.target));
        self.filtered(&statement, (!filter.is_empty()).then_some(&filter));
        Ok(())
    }
}
