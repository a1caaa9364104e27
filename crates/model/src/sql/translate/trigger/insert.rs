//! INSERT of a trigger: VALUES and SELECT, OR IGNORE, OR REPLACE, upserts.
//! Owns these statements; never translates a value (see `speak`).
//!
//! Source: <https://sqlite.org/lang_insert.html>, <https://sqlite.org/lang_conflict.html>,
//! <https://sqlite.org/lang_upsert.html>. OR IGNORE skips a row that breaks a key, NOT NULL or CHECK; OR REPLACE deletes
//! the rows that are in conflict by any key, and gives NOT NULL columns their default for NULL. A foreign key is an error
//! under both.

use super::body::{Body, REPLACING};
use super::facts::{KeyFacts, TableFacts};
use super::reach::{self, Kind, Write};
use super::speak;
use super::write::{self, Resolution, Stored, in_conflict};
use crate::ident;
use crate::sql::ast::{Conflict, Event, Expr, Insert, Query, Select, Statement, Time, Trigger, Upsert};
use crate::sql::translate::relations::{Field, Relation};
use crate::sql::translate::{Translated, refuse};

/// Where the rows of an INSERT come from.
enum Rows<'r> {
    /// VALUES of one row.
    One(Vec<Stored<'r>>),
    /// A query that gives the values as they are stored, under the names of the columns.
    Many(String, Vec<&'r Field>),
}

impl<'a> Body<'a> {
    /// INSERT.
    pub fn insert(&mut self, insert: &Insert) -> Translated<()> {
        let relation = self.written(&insert.table, |t| t.event == Event::Insert)?;
        let nothing = TableFacts::default();
        let table = self.facts.table(&insert.table).unwrap_or(&nothing);
        let fields = self.targets(insert, relation, table)?;
        let rows = self.rows(&insert.query, fields)?;
        let resolution = self.resolution(insert.conflict, &table.keys.iter().collect::<Vec<_>>())?;
        let how = resolution.how;
        self.tell_inherited(how, &Statement::Insert(Box::new(insert.clone())));
        if !insert.upserts.is_empty() {
            return self.upsert(insert, relation, table, rows);
        }
        match how {
            Conflict::Ignore => self.ignoring(relation, table, rows, &resolution),
            Conflict::Replace => self.replacing(relation, table, rows, &resolution),
            Conflict::Abort | Conflict::Fail | Conflict::Rollback => {
                self.tell_resolution(how);
                self.plain(relation, table, &rows, "");
                Ok(())
            }
        }
    }

    /// The columns that are written, as named, else all that take values.
    fn targets(&self, insert: &Insert, relation: &'a Relation, table: &TableFacts) -> Translated<Vec<&'a Field>> {
        if insert.columns.is_empty() {
            let generated = |f: &&Field| table.generated.iter().any(|g| g.eq_ignore_ascii_case(&f.name));
            return Ok(relation.fields.iter().filter(|f| !f.secret && !generated(f)).collect());
        }
        insert.columns.iter().map(|name| write::field(relation, name)).collect()
    }

    fn rows<'f>(&self, query: &Query, fields: Vec<&'f Field>) -> Translated<Rows<'f>> {
        if let Select::Values(rows) = &query.first
            && let [row] = rows.as_slice()
            && query.others.is_empty()
        {
            counted(fields.len(), row.len())?;
            let values = fields.into_iter().zip(row).map(|(field, e)| self.stored(e, field, &[]));
            return Ok(Rows::One(values.collect::<Translated<_>>()?));
        }
        let made = self.speak.select(query, &[])?;
        counted(fields.len(), made.fields.len())?;
        let (given, stored) = self.given(&made, &fields)?;
        let values = stored.iter().zip(&fields).map(|(v, f)| format!("{v} AS {}", ident::pg(&f.target)));
        let sql = format!("SELECT {}\nFROM {given}", values.collect::<Vec<_>>().join(", "));
        Ok(Rows::Many(sql, fields))
    }

    /// INSERT INTO … VALUES or SELECT, and what follows it.
    fn plain(&mut self, relation: &Relation, table: &TableFacts, rows: &Rows<'_>, tail: &str) {
        let into = ident::pg(&relation.target);
        match rows {
            Rows::One(values) => {
                let names: Vec<&Field> = values.iter().map(|v| v.field).collect();
                self.text.line(format!("INSERT INTO {into} ({})", list(&names)));
                let values: Vec<String> = values.iter().map(|v| numbered(v, relation, table)).collect();
                self.text.line(format!("VALUES ({}){tail};", values.join(", ")));
            }
            Rows::Many(sql, fields) => {
                self.text.line(format!("INSERT INTO {into} ({})", list(fields)));
                let identity = fields.iter().any(|f| is_identity(f, table));
                let sql = if identity {
                    let values: Vec<String> = fields
                        .iter()
                        .map(|f| {
                            let sql = format!("stored.{}", ident::pg(&f.target));
                            numbered(&Stored { field: f, sql, null: true }, relation, table)
                        })
                        .collect();
                    let inner = super::text::indented(sql, 1);
                    format!("SELECT {}\nFROM (\n{inner}\n) AS stored", values.join(", "))
                } else {
                    sql.clone()
                };
                self.text.line(format!("{sql}{tail};"));
            }
        }
    }

    /// For each row, under a record whose name is given; for one row without a loop the values themselves.
    fn each(
        &mut self,
        rows: Rows<'_>,
        wanted: &str,
        mut write: impl FnMut(&mut Self, Vec<Stored<'_>>) -> Translated<()>,
    ) -> Translated<()> {
        match rows {
            Rows::One(values) => {
                // A value that is used twice is computed once.
                let record = self.record(wanted);
                let list: Vec<String> =
                    values.iter().map(|v| format!("{} AS {}", cast(v), ident::pg(&v.field.target))).collect();
                self.text.line(format!("SELECT {} INTO {record};", list.join(", ")));
                let values = values.into_iter().map(|v| Stored { sql: of_record(&record, v.field), ..v }).collect();
                write(self, values)
            }
            Rows::Many(sql, fields) => {
                let record = self.record(wanted);
                self.text.open(format!("FOR {record} IN"));
                self.text.line(sql);
                self.text.between("LOOP");
                let values = fields.iter().map(|f| Stored { field: f, sql: of_record(&record, f), null: true });
                write(self, values.collect())?;
                self.text.close("END LOOP;");
                Ok(())
            }
        }
    }

    fn ignoring(
        &mut self,
        relation: &Relation,
        table: &TableFacts,
        rows: Rows<'_>,
        resolution: &Resolution,
    ) -> Translated<()> {
        self.text.comment(&format!("INSERT OR IGNORE INTO {}", relation.name));
        let may_miss = |f: &&Field, null: bool| f.not_null && null && !is_identity(f, table);
        let missing = match &rows {
            Rows::One(values) => values.iter().any(|v| may_miss(&v.field, v.null)),
            Rows::Many(_, fields) => fields.iter().any(|f| may_miss(f, true)),
        };
        let given = |f: &Field| match &rows {
            Rows::One(values) => values.iter().any(|v| v.field.name == f.name),
            Rows::Many(_, fields) => fields.iter().any(|g| g.name == f.name),
        };
        let left_out =
            |f: &Field| f.not_null && !given(f) && !table.defaults.contains_key(&f.name) && !is_identity(f, table);
        if resolution.by_keys && !relation.view {
            let [key] = resolution.keys.as_slice() else {
                return refuse(format!("several keys of {} say ON CONFLICT IGNORE", relation.name));
            };
            let terms = write::key_terms(relation, key)?;
            self.plain(relation, table, &rows, &format!("\nON CONFLICT ({terms}) DO NOTHING"));
            return Ok(());
        }
        if relation.view || !(missing || table.checks || relation.fields.iter().any(left_out)) {
            let tail = if relation.view { "" } else { "\nON CONFLICT DO NOTHING" };
            self.plain(relation, table, &rows, tail);
            return Ok(());
        }
        let write = |body: &mut Self, rows: Rows<'_>| {
            body.text.open("BEGIN");
            body.plain(relation, table, &rows, "\nON CONFLICT DO NOTHING");
            body.text.between("EXCEPTION WHEN not_null_violation OR check_violation THEN");
            body.only_of(relation);
            body.text.close("END;");
            Ok(())
        };
        match rows {
            Rows::One(_) => write(self, rows),
            Rows::Many(..) => self.each(rows, "new_row", |body, values| write(body, Rows::One(values))),
        }
    }

    fn replacing(
        &mut self,
        relation: &Relation,
        table: &TableFacts,
        rows: Rows<'_>,
        resolution: &Resolution,
    ) -> Translated<()> {
        if relation.view {
            self.plain(relation, table, &rows, "");
            return Ok(());
        }
        self.text.comment(&format!("INSERT OR REPLACE INTO {}", relation.name));
        let delete = Write { table: relation.name.to_ascii_lowercase(), kind: Kind::Delete };
        let silenced = self.facts.triggers.iter().any(|(_, t)| reach::fires(t, &delete));
        self.each(rows, "new_row", |body, values| {
            let kept = |v| if resolution.by_keys { v } else { defaulted(v, table) };
            let values: Vec<Stored<'_>> = values.into_iter().map(kept).collect();
            let value = |f: &Field| match values.iter().find(|v| v.field.name == f.name) {
                Some(value) => Some(value.sql.clone()),
                None if is_identity(f, table) => None,
                None => table.defaults.get(&f.name).map(|d| format!("({d})")),
            };
            if let Some(conflict) = in_conflict(relation, &resolution.keys, &value)? {
                let before = |t: &Trigger| {
                    t.time == Time::Before && t.event == Event::Insert && t.table.eq_ignore_ascii_case(&relation.name)
                };
                if body.facts.triggers.iter().any(|(_, t)| before(t)) {
                    return refuse(format!(
                        "the BEFORE INSERT triggers of {} run before REPLACE deletes in SQLite, here after it",
                        relation.name
                    ));
                }
                if silenced {
                    let name = ident::literal(&relation.target);
                    body.text.line(format!("PERFORM set_config('{REPLACING}', {name}, true);"));
                }
                body.text.line(format!("DELETE FROM {} WHERE {conflict};", ident::pg(&relation.target)));
                if silenced {
                    body.text.line(format!("PERFORM set_config('{REPLACING}', '', true);"));
                }
            }
            body.plain(relation, table, &Rows::One(values), "");
            Ok(())
        })
    }

    fn upsert(&mut self, insert: &Insert, relation: &Relation, table: &TableFacts, rows: Rows<'_>) -> Translated<()> {
        let [upsert] = insert.upserts.as_slice() else {
            return refuse("an INSERT has several ON CONFLICT clauses");
        };
        if relation.view {
            return refuse("ON CONFLICT stands on an INSERT into a view");
        }
        let Some((sets, filter)) = &upsert.update else {
            let target = match &upsert.target {
                None => String::new(),
                Some(_) => format!(" ({})", self.conflict_target(upsert, relation, table)?),
            };
            self.plain(relation, table, &rows, &format!("\nON CONFLICT{target} DO NOTHING"));
            return Ok(());
        };
        let target = self.conflict_target(upsert, relation, table)?;
        let own = [speak::target(relation), speak::row(relation, "excluded", "excluded")];
        let sets = self.assignments(sets, relation, &own)?.join(", ");
        let mut tail = format!("\nON CONFLICT ({target}) DO UPDATE SET {sets}");
        if let Some(filter) = filter {
            tail.push_str(&format!("\nWHERE {}", self.speak.condition(filter, &own)?));
        }
        match rows {
            Rows::One(_) => self.plain(relation, table, &rows, &tail),
            Rows::Many(..) => {
                // One statement of PostgreSQL does not change a row twice, SQLite goes row by row.
                self.each(rows, "new_row", |body, values| {
                    body.plain(relation, table, &Rows::One(values), &tail);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    /// The key that an upsert is about.
    fn conflict_target(&self, upsert: &Upsert, relation: &Relation, table: &TableFacts) -> Translated<String> {
        let Some((terms, filter)) = &upsert.target else {
            return match table.keys.as_slice() {
                [key] if !key.partial => write::key_terms(relation, key),
                _ => refuse("ON CONFLICT DO UPDATE does not say of which key"),
            };
        };
        let name = |e: &Expr| match e {
            Expr::Name(name) => write::field(relation, &name.column).map(|f| f.name.clone()),
            Expr::Collate(..) => refuse("ON CONFLICT names a collation"),
            _ => refuse("ON CONFLICT names an expression"),
        };
        let named = terms.iter().map(name).collect::<Translated<Vec<String>>>()?;
        let same = |key: &&KeyFacts| {
            key.columns.len() == named.len()
                && key.columns.iter().all(|(c, _)| named.iter().any(|n| n.eq_ignore_ascii_case(c)))
        };
        let whole = table.keys.iter().filter(|k| !k.partial).find(same);
        match (whole, filter) {
            (Some(key), _) => write::key_terms(relation, key),
            (None, Some(_)) => refuse("ON CONFLICT names an index over a part of the rows"),
            (None, None) => refuse(format!("{} has no key over {}", relation.name, named.join(", "))),
        }
    }
}

fn counted(columns: usize, values: usize) -> Translated<()> {
    if columns == values { Ok(()) } else { refuse(format!("it inserts {values} values into {columns} columns")) }
}

fn list(fields: &[&Field]) -> String {
    fields.iter().map(|f| ident::pg(&f.target)).collect::<Vec<_>>().join(", ")
}

fn of_record(record: &str, field: &Field) -> String {
    format!("{record}.{}", ident::pg(&field.target))
}

/// NULL has no type of its own in a record.
fn cast(value: &Stored<'_>) -> String {
    let ty = value.field.crossing.ty;
    if value.sql == "NULL" && ty != crate::mapping::PgType::Enum {
        format!("NULL::{}", ty.sql())
    } else {
        value.sql.clone()
    }
}

fn is_identity(field: &Field, table: &TableFacts) -> bool {
    table.identity.as_ref().is_some_and(|i| i.eq_ignore_ascii_case(&field.name))
}

/// NULL in the column of the rowid is the next number.
fn numbered(value: &Stored<'_>, relation: &Relation, table: &TableFacts) -> String {
    if !is_identity(value.field, table) || !value.null {
        return value.sql.clone();
    }
    // What only begins so is a value: NULLIF(…).
    if value.sql == "NULL" {
        return "DEFAULT".to_owned();
    }
    let (of, column) = (ident::literal(&ident::pg(&relation.target)), ident::literal(&value.field.target));
    format!("coalesce({}, nextval(pg_get_serial_sequence({of}, {column})))", value.sql)
}

/// Under REPLACE a NOT NULL column takes its default for NULL.
fn defaulted<'f>(value: Stored<'f>, table: &TableFacts) -> Stored<'f> {
    match table.defaults.get(&value.field.name) {
        Some(default) if value.field.not_null && value.null => {
            Stored { sql: format!("coalesce({}, {default})", value.sql), null: false, ..value }
        }
        _ => value,
    }
}
