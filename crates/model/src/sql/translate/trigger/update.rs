//! UPDATE and DELETE of a trigger, with FROM and with OR.
//! Owns these statements; never translates a value (see `speak`).
//!
//! Source: <https://sqlite.org/lang_update.html>, <https://sqlite.org/lang_conflict.html>.

use super::body::Body;
use super::speak::Item;
use super::write;
use crate::ident;
use crate::sql::ast::{
    Assignment, Block, Conflict, Event, Expr, Join, JoinKind, Name, Output, Query, Select, Source, Statement, Update,
};
use crate::sql::translate::relations::{Field, Relation};
use crate::sql::translate::{Translated, refuse};

impl Body<'_> {
    /// UPDATE.
    pub fn update(&mut self, update: &Update) -> Translated<()> {
        let relation = self.written(&update.table, |t| matches!(t.event, Event::Update(_)))?;
        let how = self.resolution(update.conflict, &update.table)?;
        self.tell_inherited(how, &Statement::Update(Box::new(update.clone())));
        let breakable = self.breakable(update, relation);
        let how = match how {
            Conflict::Replace if breakable => {
                return refuse(format!("UPDATE OR REPLACE changes a key or a NOT NULL column of {}", relation.name));
            }
            Conflict::Ignore if breakable => Conflict::Ignore,
            Conflict::Ignore | Conflict::Replace => Conflict::Abort,
            other => other,
        };
        self.tell_resolution(how);
        if !update.from.is_empty() {
            if how == Conflict::Ignore {
                return refuse("UPDATE OR IGNORE has FROM");
            }
            return self.update_from(update, relation);
        }
        let own = [Item { name: &relation.name, qualifier: &relation.target, relation }];
        let sets = self.assignments(&update.sets, relation, &own)?.join(", ");
        let filter = match &update.filter {
            Some(filter) => Some(self.speak.condition(filter, &own)?),
            None => None,
        };
        let table = ident::pg(&relation.target);
        if how == Conflict::Ignore {
            return self.row_by_row(relation, &sets, filter.as_deref());
        }
        self.text.line(format!("UPDATE {table} SET {sets}"));
        self.finish(filter.as_deref());
        Ok(())
    }

    /// The WHERE of the line before, in which the statement ends.
    fn finish(&mut self, filter: Option<&str>) {
        match filter {
            Some(filter) => self.text.line(format!("WHERE {filter};")),
            None => self.text.line(";"),
        }
    }

    /// DELETE.
    pub fn delete(&mut self, table: &str, filter: Option<&Expr>) -> Translated<()> {
        let relation = self.written(table, |t| t.event == Event::Delete)?;
        let own = [Item { name: &relation.name, qualifier: &relation.target, relation }];
        let table = ident::pg(&relation.target);
        match filter {
            Some(filter) => {
                let filter = self.speak.condition(filter, &own)?;
                self.text.line(format!("DELETE FROM {table}"));
                self.text.line(format!("WHERE {filter};"));
            }
            None => self.text.line(format!("DELETE FROM {table};")),
        }
        Ok(())
    }

    /// `column = value` for each; of a column that is set twice the last counts.
    pub fn assignments(&self, sets: &[Assignment], relation: &Relation, own: &[Item<'_>]) -> Translated<Vec<String>> {
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
    fn row_of_query(&self, fields: &[&Field], query: &Query, own: &[Item<'_>]) -> Translated<String> {
        let made = self.speak.select(query, own)?;
        let (sql, given) = self.given(&made, fields)?;
        let names: Vec<String> = fields.iter().map(|f| ident::pg(&f.target)).collect();
        Ok(format!("({}) = (SELECT {} FROM {sql} LIMIT 1)", names.join(", "), given.join(", ")))
    }

    /// Whether a conflict is possible at all: it sets a column of a key, of NOT NULL or of a CHECK.
    fn breakable(&self, update: &Update, relation: &Relation) -> bool {
        let Some(table) = self.facts.table(&update.table) else { return false };
        let columns = || update.sets.iter().flat_map(|s| &s.columns);
        let not_null = |c: &String| write::field(relation, c).is_ok_and(|f| f.not_null);
        table.checks
            || columns().any(not_null)
            || table
                .keys
                .iter()
                .any(|k| k.partial || k.columns.iter().any(|(name, _)| columns().any(|c| c.eq_ignore_ascii_case(name))))
    }

    /// UPDATE OR IGNORE: each row by itself, and one that breaks something stays as it was.
    fn row_by_row(&mut self, relation: &Relation, sets: &str, filter: Option<&str>) -> Translated<()> {
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
        self.text.between("EXCEPTION WHEN unique_violation OR not_null_violation OR check_violation THEN");
        self.text.line("NULL;");
        self.text.close("END;");
        self.text.close("END LOOP;");
        Ok(())
    }

    /// UPDATE … FROM: the values are taken from a query that joins the table with the others, by a key of the table.
    fn update_from(&mut self, update: &Update, relation: &Relation) -> Translated<()> {
        let key = self.row_key(update, relation)?;
        let name = |column: &str| {
            Expr::Name(Name { table: Some(relation.name.clone()), column: column.to_owned(), quoted: false })
        };
        let mut columns: Vec<Output> =
            key.iter().enumerate().map(|(i, k)| Output::Expr(name(&k.name), Some(format!("key_{}", i + 1)))).collect();
        let mut fields = Vec::new();
        for set in &update.sets {
            match (set.columns.as_slice(), &set.value) {
                ([column], value) => {
                    columns.push(Output::Expr(value.clone(), None));
                    fields.push(write::field(relation, column)?);
                }
                (names, Expr::Row(values)) if names.len() == values.len() => {
                    for (column, value) in names.iter().zip(values) {
                        columns.push(Output::Expr(value.clone(), None));
                        fields.push(write::field(relation, column)?);
                    }
                }
                _ => return refuse("SET of several columns stands beside FROM"),
            }
        }
        let source = Source::Table(relation.name.clone(), None);
        let mut from = vec![Join { kind: JoinKind::Comma, natural: false, source, on: None, using: Vec::new() }];
        from.extend(update.from.iter().cloned());
        let block = Block {
            distinct: false,
            columns,
            from,
            filter: update.filter.clone(),
            group: Vec::new(),
            having: None,
            windows: Vec::new(),
        };
        let query = Query {
            with: Vec::new(),
            recursive: false,
            first: Select::Select(Box::new(block)),
            others: Vec::new(),
            order: Vec::new(),
            limit: None,
            offset: None,
        };
        let made = self.speak.select(&query, &[])?;
        let mut all = key.clone();
        all.extend(fields.iter().copied());
        let (sql, given) = self.given(&made, &all)?;
        let (keys, values) = given.split_at_checked(key.len()).unwrap_or((&[], &[]));
        let table = ident::pg(&relation.target);
        let sets: Vec<String> =
            fields.iter().zip(values).map(|(f, v)| format!("{} = {v}", ident::pg(&f.target))).collect();
        let same: Vec<String> =
            key.iter().zip(keys).map(|(f, v)| format!("{table}.{} = {v}", ident::pg(&f.target))).collect();
        self.text.line(format!("UPDATE {table} SET {}", sets.join(", ")));
        self.text.line(format!("FROM {sql}"));
        self.text.line(format!("WHERE {};", same.join(" AND ")));
        Ok(())
    }

    /// Columns that tell the rows of a table apart and are never NULL.
    fn row_key<'r>(&self, update: &Update, relation: &'r Relation) -> Translated<Vec<&'r Field>> {
        if let Some(rowid) = relation.rowid.and_then(|r| relation.fields.get(r)) {
            return Ok(vec![rowid]);
        }
        let keys = self.facts.table(&update.table).map(|t| t.keys.as_slice()).unwrap_or_default();
        for key in keys.iter().filter(|k| !k.partial) {
            let fields = key.columns.iter().map(|(c, _)| write::field(relation, c)).collect::<Translated<Vec<_>>>()?;
            if fields.iter().all(|f| f.not_null) {
                return Ok(fields);
            }
        }
        refuse(format!("UPDATE has FROM, and {} has no key that tells its rows apart", relation.name))
    }
}
