//! Changes the schema as was said: columns left out, expressions and filters, NOT NULL.
//! Owns the meeting of what was said with what the source has; never reads a value, never asks SQLite whether an
//! expression is one (the engine does).

use super::{ColumnOverride, Literal, Origin, Overrides, Problem, TableOverride, skip};
use crate::finding::{Finding, codes};
use crate::ident;
use crate::mapping::PgType;
use crate::plan::file::near;
use crate::schema::{Affinity, Column, Schema, Table, TableKind};
use std::collections::BTreeMap;

/// A text in SQLite's SQL that a person wrote, to be tried before it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The table it is about.
    pub table: String,
    /// The column that it is read for; `None` for a filter of rows.
    pub column: Option<String>,
    /// The text.
    pub sql: String,
    /// Where it stands.
    pub at: Origin,
}

impl Overrides {
    /// Changes the schema. Everything that cannot be is a problem, all at once.
    pub fn change(&self, schema: &mut Schema, findings: &mut Vec<Finding>) -> Vec<Problem> {
        let mut problems = Vec::new();
        for said in self.tables.values().filter(|t| self.carries(&t.name.value)) {
            let Some(table) = schema.tables.iter_mut().find(|t| t.name.eq_ignore_ascii_case(&said.name.value)) else {
                continue;
            };
            if table.kind != TableKind::Ordinary {
                if said.to.is_some() || said.filter.is_some() || !said.columns.is_empty() || !said.extra.is_empty() {
                    let message = format!("{} holds no rows of its own: it is not carried over", table.name);
                    problems.push(Problem::new(&said.name.at, message, "only skip can be said of it"));
                }
                continue;
            }
            self.change_table(table, said, findings, &mut problems);
        }
        for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
            self.names_of_columns(table, &mut problems);
        }
        self.names_of_tables(schema, &mut problems);
        problems
    }

    fn change_table(
        &self,
        table: &mut Table,
        said: &TableOverride,
        findings: &mut Vec<Finding>,
        problems: &mut Vec<Problem>,
    ) {
        unknown_columns(table, said, problems);
        let gone = skip::places(self, table);
        if !gone.is_empty() && gone.len() == table.columns.len() {
            let message = format!("no column of {} is left", table.name);
            problems.push(Problem::new(&said.name.at, message, "skip the table instead"));
            return;
        }
        for place in &gone {
            let object = format!("{}.{}", table.name, table.columns[*place].name);
            findings.retain(|f| !(f.object == object && [codes::GENERATED, codes::COLLATION].contains(&&*f.code)));
        }
        skip::take_out(table, &gone, findings);
        table.filter = said.filter.as_ref().map(|f| f.value.clone());
        for i in 0..table.columns.len() {
            let Some(column) = said.columns.get(&super::folded(&table.columns[i].name)) else { continue };
            change_column(table, i, column, findings, problems);
        }
    }

    /// Columns that were said of tables that are left out, and which those do not have.
    pub fn unknown_in_left_out(&self, whole: &Schema) -> Vec<Problem> {
        let mut problems = Vec::new();
        for table in whole.tables.iter().filter(|t| t.kind == TableKind::Ordinary && !self.carries(&t.name)) {
            if let Some(said) = self.table(&table.name) {
                unknown_columns(table, said, &mut problems);
            }
        }
        problems
    }

    /// Names that were given must be such as PostgreSQL keeps, and each only once.
    fn names_of_tables(&self, schema: &Schema, problems: &mut Vec<Problem>) {
        let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
        let ordinary = || schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary);
        let to = |table: &str| self.table(table).and_then(|t| t.to.as_ref());
        for table in ordinary() {
            let said = to(&table.name);
            let name = said.map_or(table.name.as_str(), |to| to.value.as_str());
            if let Some(said) = said {
                bad_name(name, &said.at, problems);
            }
            let Some(other) = taken.insert(name, &table.name) else { continue };
            if let Some(said) = said.or_else(|| to(other)) {
                let message = format!("two tables would be called {name:?}: {other} and {}", table.name);
                problems.push(Problem::new(&said.at, message, "give one of them another name"));
            }
        }
    }

    fn names_of_columns(&self, table: &Table, problems: &mut Vec<Problem>) {
        let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
        let Some(said) = self.table(&table.name) else { return };
        let to = |c: &Column| said.columns.get(&super::folded(&c.name)).and_then(|c| c.to.as_ref());
        for column in &table.columns {
            let name = to(column).map_or(column.name.as_str(), |to| to.value.as_str());
            let other = taken.insert(name, &column.name);
            if let Some(at) = to(column).map(|to| &to.at) {
                bad_name(name, at, problems);
                if ident::is_system_column(name) {
                    problems.push(Problem::new(at, format!("{name:?} is PostgreSQL's own"), "give another name"));
                }
            }
            if let Some(other) = other {
                let at = to(column).map_or(&said.name.at, |to| &to.at);
                let message =
                    format!("two columns of {} would be called {name:?}: {other} and {}", table.name, column.name);
                problems.push(Problem::new(at, message, "give one of them another name"));
            }
        }
        // What the rules make of a name that PostgreSQL cannot hold.
        let style = self.names.as_ref().map(|n| n.value).unwrap_or_default();
        let by_rule = |c: &Column| match style.apply(&c.name) {
            name if ident::is_system_column(&name) => format!("{name}_"),
            name => ident::shorten(&name),
        };
        for extra in &said.extra {
            bad_name(&extra.value.name, &extra.at, problems);
            if ident::is_system_column(&extra.value.name) {
                let message = format!("{:?} is PostgreSQL's own", extra.value.name);
                problems.push(Problem::new(&extra.at, message, "give another name"));
            }
            let other = table.columns.iter().filter(|c| to(c).is_none()).find(|c| by_rule(c) == extra.value.name);
            if let Some(column) = other.filter(|c| c.name != extra.value.name) {
                let message = format!("{} has a column {:?} already: {}", table.name, extra.value.name, column.name);
                problems.push(Problem::new(&extra.at, message, "give the extra column another name"));
            }
            if let Some(other) = taken.insert(&extra.value.name, "an extra column") {
                let message = format!("{} has a column {:?} already: {other}", table.name, extra.value.name);
                problems.push(Problem::new(&extra.at, message, "give the extra column another name"));
            }
        }
    }

    /// Every text in SQLite's SQL that is to be read with, as far as its table is carried.
    pub fn written(&self, schema: &Schema) -> Vec<Written> {
        let mut all = Vec::new();
        for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
            let Some(said) = self.table(&table.name) else { continue };
            let written = |column: Option<&Column>, sql: &str, at: &Origin| Written {
                table: table.name.clone(),
                column: column.map(|c| c.name.clone()),
                sql: sql.to_owned(),
                at: at.clone(),
            };
            all.extend(said.filter.iter().map(|f| written(None, &f.value, &f.at)));
            for column in &table.columns {
                let read = said.columns.get(&super::folded(&column.name)).and_then(|c| c.read.as_ref());
                all.extend(read.map(|r| written(Some(column), &r.value, &r.at)));
            }
        }
        all
    }

    /// What the source has that the file does not name, so that the rules alone decided about it: one note for tables,
    /// one for columns. Nothing was said at all: no notes.
    pub fn beside(&self, schema: &Schema, findings: &mut Vec<Finding>) {
        let from_file = |t: &TableOverride| matches!(t.name.at, Origin::File(..));
        if !self.tables.values().any(from_file) {
            return;
        }
        let (mut tables, mut columns) = (Vec::new(), Vec::new());
        for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
            match self.table(&table.name).filter(|t| from_file(t)) {
                None => tables.push(table.name.clone()),
                Some(said) => {
                    let new = table.columns.iter().filter(|c| !said.columns.contains_key(&super::folded(&c.name)));
                    columns.extend(new.map(|c| format!("{}.{}", table.name, c.name)));
                }
            }
        }
        for (what, names) in [("tables", tables), ("columns", columns)] {
            if !names.is_empty() {
                let message =
                    format!("the plan's file does not name {} {what} of the source: {}", names.len(), few(&names));
                let hint = "the rules decided about them; lite2pg plan --plan FILE -o FILE writes them into the file";
                findings.push(Finding::note(codes::BESIDE_PLAN, what, message, hint));
            }
        }
    }
}

fn few(names: &[String]) -> String {
    const MOST: usize = 10;
    let more = names.len().saturating_sub(MOST);
    let mut list = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    list
}

fn unknown_columns(table: &Table, said: &TableOverride, problems: &mut Vec<Problem>) {
    let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
    for column in said.columns.values() {
        let name = &column.name.value;
        if !names.iter().any(|n| n.eq_ignore_ascii_case(name)) {
            let message = format!("{} has no column {name:?}", table.name);
            problems.push(Problem::new(&column.name.at, message, near::suggestion(name, &names)));
        }
    }
}

fn bad_name(name: &str, at: &Origin, problems: &mut Vec<Problem>) {
    let why = if name.is_empty() {
        "a name has at least one character"
    } else if name.contains('\0') {
        "a name holds no NUL character"
    } else if name.len() > ident::MAX_BYTES {
        "PostgreSQL cuts names at 63 bytes"
    } else {
        return;
    };
    problems.push(Problem::new(at, format!("{name:?} cannot be a name: {why}"), "give another name"));
}

fn change_column(
    table: &mut Table,
    i: usize,
    said: &ColumnOverride,
    findings: &mut Vec<Finding>,
    problems: &mut Vec<Problem>,
) {
    let rowid = table.rowid_alias == Some(i);
    let object = format!("{}.{}", table.name, table.columns[i].name);
    if let Some(null) = said.null.as_ref().filter(|_| rowid && said.read.is_none()) {
        let message = format!("{object} is the rowid (INTEGER PRIMARY KEY), which is never NULL");
        problems.push(Problem::new(&null.at, message, "leave null out"));
    } else if let Some(read) = read_instead(&table.columns[i], said) {
        // What is read is no longer the rowid.
        if rowid {
            table.rowid_alias = None;
        }
        let name = ident::sqlite(&table.columns[i].name);
        let message = format!("{} is read in the place of {name}, as chosen", read.replace('\n', " "));
        findings.push(match rowid {
            false => Finding::note(
                codes::COMPUTED,
                &object,
                message,
                "what stands in SQLite cannot be had back from it; verify compares what is read",
            ),
            true => Finding::warning(
                codes::COMPUTED,
                &object,
                format!("{message}; it was the rowid (INTEGER PRIMARY KEY) and hands out no keys any more"),
                "rows that are added later must bring their own value; leave the expression out to keep the keys coming",
            ),
        });
        table.columns[i].read = Some(read);
    } else if rowid {
        not_of_a_rowid(&object, said, problems);
    }
    if let Some(not_null) = &said.not_null {
        let in_key = table.primary_key.iter().flat_map(|k| &k.columns).any(|k| k.column == i);
        if !not_null.value && in_key {
            let message = format!("{object} is part of the primary key, which is never NULL in PostgreSQL");
            problems.push(Problem::new(&not_null.at, message, "leave not-null out"));
        }
        table.columns[i].not_null = not_null.value;
    }
}

/// What is read in place of a column, if something else is.
fn read_instead(column: &Column, said: &ColumnOverride) -> Option<String> {
    let written = said.read.as_ref().map(|r| r.value.clone());
    let Some(null) = &said.null else { return written };
    // An expression has no affinity: what is read for its NULL is taken as it was written.
    let literal = if written.is_some() { null.value.sqlite() } else { as_stored(&null.value, column.affinity) };
    let inner = written.map_or_else(|| ident::sqlite(&column.name), |sql| format!("(\n{sql}\n)"));
    Some(format!("coalesce({inner}, {literal})"))
}

/// A value as SQLite would store it in a column of this affinity.
fn as_stored(value: &Literal, affinity: Affinity) -> String {
    let sql = value.sqlite();
    let number = match value {
        Literal::Text(t) => t.trim().parse::<f64>().is_ok_and(|r| r.is_finite()),
        Literal::Integer(_) | Literal::Real(_) => true,
    };
    match (affinity, value) {
        (Affinity::Text, Literal::Integer(i)) => format!("'{i}'"),
        (Affinity::Text, Literal::Real(_)) => format!("CAST({sql} AS TEXT)"),
        (Affinity::Real, Literal::Integer(_) | Literal::Text(_)) if number => format!("CAST({sql} AS REAL)"),
        (Affinity::Integer | Affinity::Numeric, Literal::Text(_)) if number => format!("CAST({sql} AS NUMERIC)"),
        _ => sql,
    }
}

/// The rowid is an integer of 64 bits that hands out its own values.
fn not_of_a_rowid(object: &str, said: &ColumnOverride, problems: &mut Vec<Problem>) {
    let integers = [PgType::BigInt, PgType::Integer, PgType::SmallInt];
    if let Some(ty) = said.ty.as_ref().filter(|t| !integers.contains(&t.value)) {
        let message =
            format!("{object} is the rowid (INTEGER PRIMARY KEY), an integer that cannot become {}", ty.value.sql());
        problems.push(Problem::new(
            &ty.at,
            message,
            "leave its type; or read an expression of it, such as CAST(… AS TEXT)",
        ));
    }
    if let Some(default) = &said.default {
        let message = format!("{object} hands out its own values and cannot have a default");
        problems.push(Problem::new(&default.at, message, "leave default out"));
    }
    if let Some(not_null) = said.not_null.as_ref().filter(|n| !n.value) {
        let message = format!("{object} is the rowid, which is never NULL");
        problems.push(Problem::new(&not_null.at, message, "leave not-null out"));
    }
}
