//! Schema + mapping + facts → plan: names, defaults, keys, indexes and foreign keys as the target will have them.
//! Owns what is made of each object; never prints DDL (see `ddl`), never judges data (see `mapping`).

mod collations;
mod conflict;
mod defaults;
mod foreign;
mod generated;
mod keys;
mod named;
mod place;
mod triggers;
mod views;
mod virtuals;

use super::limits::{self, MAX_KEY_COLUMNS, Memory};
use super::long;
use super::names::Names;
use super::overrides::{Extra, Overrides};
use super::scope::Scopes;
use super::{CheckPlan, ColumnPlan, Count, ExtraColumn, Identity, IndexPlan, Objects, Plan, TablePlan, VERSION};
use crate::finding::{Finding, codes};
use crate::ident;
use crate::mapping::PgType;
use crate::mapping::choices::Choices;
use crate::mapping::decide::{KeyFate, TableMapping};
use crate::mapping::profile::TableProfile;
use crate::mapping::shape::Crossing;
use crate::schema::{Column, Index, IndexOn, Schema, Table, TableKind};
use crate::sql::ast::Expr;
use crate::sql::helpers::Used;
use crate::sql::translate::{self, Scope};
use std::collections::BTreeMap;

/// What the plan must know beside the schema and the mapping.
#[derive(Clone, Debug, Default)]
pub struct Input<'a> {
    /// The schema that is published to.
    pub schema: &'a str,
    /// Text columns must say `COLLATE "C"`.
    pub collate: bool,
    /// The database orders text otherwise than by bytes, so that expressions must say `COLLATE "C"`, whatever the columns
    /// say.
    pub other_order: bool,
    /// Rows whose values do not fit are quarantined in every column, up to a limit.
    pub quarantine_all: bool,
    /// What a person said of tables and columns.
    pub overrides: Option<&'a Overrides>,
    /// Tables of the source that are left out by choice.
    pub left_out: &'a [String],
    /// The schema before anything was left out, so that what was is counted.
    pub whole: Option<&'a Schema>,
    /// Largest rowid of each table.
    pub max_rowid: BTreeMap<String, i64>,
    /// What may be held in memory.
    pub memory: Memory,
    /// The server's version as a number, such as 160003; 0 if it is not known.
    pub server: u32,
    /// What a person chose about values.
    pub choices: Option<&'a Choices>,
    /// Bytes that the widest row takes of a page, of tables that may be too wide.
    pub widest: BTreeMap<String, u64>,
}

/// What stands in a statement's text where its bytes were no UTF-8: what was written there is not known.
const DAMAGED: char = char::REPLACEMENT_CHARACTER;
const DAMAGED_REASON: &str = "its text holds bytes that are not UTF-8";

/// Builds the plan. `findings` are those of the schema and the mapping; what cannot be carried adds to them.
pub fn build(
    schema: &Schema,
    profiles: &BTreeMap<String, TableProfile>,
    mappings: &BTreeMap<String, TableMapping>,
    findings: Vec<Finding>,
    input: &Input<'_>,
) -> Plan {
    let ordinary: Vec<&Table> = schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary).collect();
    let nothing_said = Overrides::default();
    let overrides = input.overrides.unwrap_or(&nothing_said);
    let mut names = Names::of(&ordinary, overrides);
    let indexes = schema.tables.iter().filter(|t| t.index_of.is_some()).map(|t| t.name.as_str());
    names.take_views(schema.views.iter().map(|v| v.name.as_str()).chain(indexes));
    let mut builder = Builder {
        input,
        overrides,
        findings,
        objects: virtuals::counted(input.whole.unwrap_or(schema), objects),
        names,
        helpers: Used::default(),
        searched: BTreeMap::new(),
    };
    builder.tell_renamed();
    builder.tell_collisions();
    let nothing = (TableProfile::default(), TableMapping::default());
    let mut tables: Vec<TablePlan> = Vec::new();
    // What is computed by the target has the type that its expression gives.
    let mut settled: BTreeMap<String, TableMapping> = BTreeMap::new();
    for table in &ordinary {
        let profile = profiles.get(&table.name).unwrap_or(&nothing.0);
        let mapping = mappings.get(&table.name).unwrap_or(&nothing.1);
        let mut mapping = mapping.clone();
        let generated = builder.generated(schema, table, profile, &mut mapping);
        tables.push(builder.table(table, profile, &mapping, generated));
        settled.insert(table.name.clone(), mapping);
    }
    let mappings = &settled;
    let by_name: BTreeMap<&str, (usize, &Table)> =
        ordinary.iter().enumerate().map(|(i, t)| (t.name.as_str(), (i, *t))).collect();
    for (i, table) in ordinary.iter().enumerate() {
        let mapping = mappings.get(&table.name).unwrap_or(&nothing.1);
        for (key, fate) in table.foreign_keys.iter().zip(fates(&mapping.foreign_keys)) {
            if let Some(made) = builder.foreign_key(table, key, fate, &by_name, &mut tables) {
                builder.objects.foreign_keys.carried += 1;
                tables[i].foreign_keys.push(made);
            }
        }
    }
    builder.objects.tables.carried = ordinary.iter().filter(|t| t.module.is_none()).count() as u64;
    let mut relations = builder.relations(schema, profiles, mappings, &tables);
    let mut views = builder.search_views(schema, &tables, &mut relations);
    views.extend(builder.views(schema, &mut relations));
    let mut triggers = builder.triggers(schema, &relations, &tables);
    let kept = builder.conflicts(schema, &ordinary, mappings, &tables, &triggers);
    triggers.extend(kept);
    // NOT NULL may have been asked for where the source has none.
    builder.objects.not_null.source = builder.objects.not_null.source.max(builder.objects.not_null.carried);
    builder.tell_renamed();
    let helpers = builder.helpers.names();
    let Builder { findings, objects, .. } = builder;
    let left_out = input.left_out.to_vec();
    Plan {
        version: VERSION,
        schema: input.schema.to_owned(),
        collate: input.collate,
        quarantine_all: input.quarantine_all,
        objects,
        findings,
        left_out,
        tables,
        views,
        triggers,
        helpers,
    }
}

/// A fate for each object; those the mapping is silent about are kept.
fn fates<T: Copy + Default>(given: &[T]) -> impl Iterator<Item = T> {
    given.iter().copied().chain(std::iter::repeat(T::default()))
}

/// The columns by which SQLite tells a table's rows apart, if it has such.
fn source_key(table: &Table) -> Vec<String> {
    let columns = table.primary_key.iter().flat_map(|k| &k.columns).map(|k| k.column).chain(table.rowid_alias);
    let mut names: Vec<String> = Vec::new();
    for column in columns.filter_map(|c| table.columns.get(c)) {
        if !names.contains(&column.name) {
            names.push(column.name.clone());
        }
    }
    names
}

fn columns_of(table: &Table, places: &[usize]) -> Vec<String> {
    places.iter().filter_map(|c| table.columns.get(*c)).map(|c| c.name.clone()).collect()
}

/// The columns whose NULLs a policy keeps.
fn null_keys(table: &Table, mapping: &TableMapping) -> Vec<String> {
    let in_key = |i: usize| {
        let mut key = table.primary_key.iter().flat_map(|k| &k.columns);
        mapping.primary_key != KeyFate::Keep && key.any(|k| k.column == i)
    };
    let kept = |i: &usize| mapping.drop_not_null.contains(i) || in_key(*i);
    let columns = (0..table.columns.len()).filter(kept).filter_map(|i| table.columns.get(i));
    columns.map(|c| c.name.clone()).collect()
}

fn objects(schema: &Schema) -> Objects {
    let ordinary = || schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary);
    let sum = |count: fn(&Table) -> usize| Count::of(ordinary().map(|t| count(t) as u64).sum());
    let virtuals = schema.tables.iter().filter(|t| matches!(t.kind, TableKind::Virtual(_)));
    Objects {
        tables: sum(|_| 1),
        primary_keys: sum(|t| usize::from(t.primary_key.is_some())),
        unique: sum(|t| t.uniques.len()),
        not_null: sum(|t| t.columns.iter().filter(|c| c.not_null).count()),
        checks: sum(|t| t.checks.len()),
        // SQLite never uses the default of a rowid.
        defaults: sum(|t| {
            let of = |(i, c): &(usize, &Column)| c.default.is_some() && t.rowid_alias != Some(*i);
            t.columns.iter().enumerate().filter(of).count()
        }),
        generated: sum(|t| t.columns.iter().filter(|c| c.generated.is_some()).count()),
        indexes: sum(|t| t.indexes.len()),
        foreign_keys: sum(|t| t.foreign_keys.len()),
        sequences: sum(|t| usize::from(t.rowid_alias.is_some())),
        views: Count::of(schema.views.len() as u64),
        triggers: Count::of(schema.triggers.len() as u64),
        virtual_tables: Count::of(virtuals.count() as u64),
    }
}

struct Builder<'a> {
    input: &'a Input<'a>,
    overrides: &'a Overrides,
    findings: Vec<Finding>,
    objects: Objects,
    names: Names,
    helpers: Used,
    /// The search vector that was made for each full-text table.
    searched: BTreeMap<String, String>,
}

impl Builder<'_> {
    fn table(
        &mut self,
        table: &Table,
        profile: &TableProfile,
        mapping: &TableMapping,
        mut generated: generated::Made,
    ) -> TablePlan {
        self.findings.extend(limits::width(table, self.input.widest.get(&table.name).copied()));
        let (long, too_large) = long::decide(table, profile, mapping, &self.input.memory);
        self.findings.extend(too_large);
        let targets: Vec<String> = (0..table.columns.len()).map(|i| self.names.column(&table.name, i)).collect();
        let scope = Scopes::of(table, profile, mapping, &targets);
        let mut plan = TablePlan {
            name: table.name.clone(),
            target: self.names.table(&table.name),
            rows: profile.rows,
            bytes: profile.bytes,
            without_rowid: table.without_rowid,
            filter: table.filter.clone(),
            source_key: source_key(table),
            order: table.order.clone(),
            exclusions: mapping.exclusions.clone(),
            null_keys: null_keys(table, mapping),
            surrogate_for: columns_of(table, &mapping.surrogate_for),
            stored: table.stored.clone(),
            long,
            left_out: table.left_out.clone(),
            primary_key: None,
            columns: Vec::new(),
            extra: self.extra(table),
            uniques: Vec::new(),
            checks: Vec::new(),
            indexes: Vec::new(),
            foreign_keys: Vec::new(),
        };
        for i in 0..table.columns.len() {
            let column = self.column(table, i, profile, mapping);
            plan.columns.extend(column.map(|c| generated::with(c, table, generated.remove(&i))));
        }
        self.keys(table, mapping, &mut plan);
        self.checks(table, mapping, &scope, &mut plan);
        for (index, fate) in table.indexes.iter().zip(fates(&mapping.indexes)) {
            self.index(table, index, fate, &scope, &mut plan);
        }
        self.virtuals(table, profile, &mut plan);
        plan
    }

    /// Columns that the source does not have.
    fn extra(&self, table: &Table) -> Vec<ExtraColumn> {
        let said = self.overrides.table(&table.name).map_or(&[][..], |t| t.extra.as_slice());
        let definition = |e: &Extra| {
            let not_null = if e.not_null { " NOT NULL" } else { "" };
            let default = e.default.as_ref().map_or_else(String::new, |d| format!(" DEFAULT ({d})"));
            format!("{}{not_null}{default}", e.ty.sql())
        };
        let column = |e: &Extra| ExtraColumn { target: e.name.clone(), definition: definition(e), sequence: None };
        said.iter().map(|e| column(&e.value)).collect()
    }

    fn column(
        &mut self,
        table: &Table,
        i: usize,
        profile: &TableProfile,
        mapping: &TableMapping,
    ) -> Option<ColumnPlan> {
        let (column, mapped) = (table.columns.get(i)?, mapping.columns.get(i)?);
        let alias = table.rowid_alias == Some(i);
        let identity = alias.then(|| self.identity(table, i, profile));
        let default = if alias { None } else { self.default(table, column, &mapped.crossing) };
        let not_null = (column.not_null || alias) && !mapping.drop_not_null.contains(&i);
        self.objects.not_null.carried += u64::from(column.not_null && not_null);
        Some(ColumnPlan {
            name: column.name.clone(),
            target: self.names.column(&table.name, i),
            declared: column.declared.clone(),
            read: column.read.clone(),
            crossing: mapped.crossing.clone(),
            enum_name: self.enum_name(table, i, mapped.ty),
            quarantine: mapped.quarantine,
            widest: mapped.widest,
            quarantined_by: mapped.quarantined_by(),
            reason: match &column.read {
                Some(read) => format!("{}; read as {}", mapped.reason, read.replace('\n', " ")),
                None => mapped.reason.clone(),
            },
            not_null,
            default,
            generated: None,
            identity,
        })
    }

    /// Types share the names of relations: each table has a type of its own.
    fn enum_name(&mut self, table: &Table, i: usize, ty: PgType) -> Option<String> {
        let wanted = || format!("{}_{}", self.names.table(&table.name), self.names.column(&table.name, i));
        let wanted = (ty == PgType::Enum).then(wanted)?;
        Some(self.names.relation(&wanted))
    }

    /// The next value is beyond every key that is there and every key AUTOINCREMENT ever gave.
    fn identity(&mut self, table: &Table, column: usize, profile: &TableProfile) -> Identity {
        self.objects.sequences.carried += 1;
        let largest_seen = profile.columns.get(column).filter(|c| c.integers > 0).map(|c| c.integer_max);
        let largest = self.input.max_rowid.get(&table.name).copied().max(largest_seen).max(table.sequence).unwrap_or(0);
        let next = largest.max(0).checked_add(1);
        if next.is_none() {
            self.findings.push(Finding::warning(
                codes::NO_NEXT_KEY,
                format!("{}.{}", table.name, table.columns[column].name),
                format!("the largest key is {}, the last of bigint: the next insert without a key fails", i64::MAX),
                "SQLite would look for an unused key at random (or fail, under AUTOINCREMENT); give keys in the application",
            ));
        }
        Identity { sequence: self.names.sequence(&table.name, column), next }
    }

    fn default(&mut self, table: &Table, column: &Column, crossing: &Crossing) -> Option<String> {
        let said = self.overrides.column(&table.name, &column.name);
        let computed = said.is_some_and(|c| c.read.is_some());
        if let Some(said) = said.and_then(|c| c.default.as_ref()) {
            self.objects.defaults.carried += u64::from(column.default.is_some());
            return (!said.value.eq_ignore_ascii_case("null")).then(|| format!("({})", said.value));
        }
        let default = column.default.as_ref()?;
        let translated = match &default.ast {
            _ if default.sql.contains(DAMAGED) => Err(DAMAGED_REASON.to_owned()),
            // New rows would get what the expression has never been asked about.
            Some(ast) if computed && *ast != Expr::Null => {
                Err("an expression is read in the column's place".to_owned())
            }
            Some(ast) => self.translated_default(ast, table, column, crossing),
            None => Err("it is beyond what is translated".to_owned()),
        };
        match translated {
            Ok(sql) => {
                self.objects.defaults.carried += 1;
                sql
            }
            Err(reason) => {
                let object = format!("{}.{}", table.name, column.name);
                self.findings.push(Finding::not_carried(
                    codes::DEFAULT,
                    &object,
                    format!("DEFAULT {} is not carried over: {reason}", default.sql),
                    format!(
                        "--accept {}:{object}, then give the column a default of your own (default in the plan)",
                        codes::DEFAULT
                    ),
                ));
                None
            }
        }
    }

    fn checks(&mut self, table: &Table, mapping: &TableMapping, scopes: &Scopes<'_>, plan: &mut TablePlan) {
        let collate_c = self.input.other_order;
        for (i, check) in table.checks.iter().enumerate() {
            let translated = match &check.expr.ast {
                _ if check.expr.sql.contains(DAMAGED) => Err(DAMAGED_REASON.to_owned()),
                Some(ast) => scopes
                    .sure(collate_c, &self.helpers, &|scope| translate::condition(ast, scope).map_err(|e| e.reason)),
                None => Err("it is beyond what is translated".to_owned()),
            };
            match translated {
                Ok(condition) => {
                    self.objects.checks.carried += 1;
                    let given = check.name.as_deref().map(|n| self.names.styled(n));
                    let wanted = given.unwrap_or_else(|| format!("{}_check", plan.target));
                    let name = self.names.constraint(&table.name, &wanted);
                    self.tell_constraint_renamed(table, check.name.as_deref(), &name);
                    let not_valid = mapping.checks_not_valid.contains(&i);
                    plan.checks.push(CheckPlan { name, condition, not_valid });
                }
                Err(reason) => self.findings.push(Finding::not_carried(
                    codes::CHECK,
                    &table.name,
                    format!("CHECK ({}) is not carried over: {reason}", check.expr.sql),
                    format!("--accept {}:{}, then add a check of your own", codes::CHECK, table.name),
                )),
            }
        }
    }

    fn index(&mut self, table: &Table, index: &Index, fate: KeyFate, scopes: &Scopes<'_>, plan: &mut TablePlan) {
        let translated = scopes.sure(self.input.other_order, &self.helpers, &|scope| {
            let terms = self.index_terms(table, index, plan, scope)?;
            let predicate = match &index.predicate {
                None => None,
                Some(p) => {
                    let ast = p.ast.as_ref().ok_or("its predicate is beyond what is translated")?;
                    Some(translate::condition(ast, scope).map_err(|e| e.reason)?)
                }
            };
            Ok((terms, predicate))
        });
        match translated {
            // The schema's findings say already that its statement was not understood.
            _ if index.terms.is_empty() || fate == KeyFate::Drop => {}
            Ok((terms, predicate)) => {
                self.objects.indexes.carried += 1;
                if index.terms.iter().any(|t| t.collation.is_some()) && collations::is_kept(index, plan) {
                    self.keeps_collation(index);
                }
                let unique = index.unique && fate != KeyFate::Plain;
                let plain = IndexPlan::plain(self.names.index(&index.name), terms);
                plan.indexes.push(IndexPlan { unique, predicate, ..plain });
            }
            Err(reason) => {
                // Its collation is why: then one finding says so, not two.
                self.findings.retain(|f| !(f.code == codes::COLLATION && f.object == index.name));
                self.lost_index(table, index, &reason);
            }
        }
    }

    fn lost_index(&mut self, table: &Table, index: &Index, reason: &str) {
        self.findings.push(Finding::not_carried(
            codes::INDEX,
            &index.name,
            format!("the index on {} is not carried over: {reason}", table.name),
            format!("--accept {}:{}, then make an index of your own; it was: {}", codes::INDEX, index.name, index.sql),
        ));
    }

    /// Terms in SQLite's order: NULLs come first. Where a column holds none, nothing is said, so that PostgreSQL can use
    /// the index for its own order too.
    fn index_terms(&self, table: &Table, index: &Index, plan: &TablePlan, scope: &Scope<'_>) -> Result<String, String> {
        if index.terms.len() > MAX_KEY_COLUMNS {
            return Err(format!("it has {} columns, PostgreSQL allows {MAX_KEY_COLUMNS}", index.terms.len()));
        }
        let mut terms = Vec::new();
        for term in &index.terms {
            let (sql, not_null, collated) = match &term.on {
                IndexOn::Column(i) => {
                    let column = plan.columns.get(*i).ok_or("a column that is not there")?;
                    let name = ident::pg(&self.names.column(&table.name, *i));
                    let term = collations::term(column, term.collation.as_deref());
                    (name, column.not_null, term)
                }
                IndexOn::Expression(e) => {
                    let ast = e.ast.as_ref().ok_or("its expression is beyond what is translated")?;
                    let (sql, ty) = translate::expression(ast, scope).map_err(|e| e.reason)?;
                    // A collation concerns text alone.
                    let collation = term.collation.as_deref().filter(|_| ty.collatable());
                    let sql = format!("({sql})");
                    let collated = translate::collated(&sql, collation).map_err(|e| e.reason)?;
                    let collated = if collated == sql { None } else { Some(format!("({collated})")) };
                    (sql, false, collated)
                }
            };
            let sql = collated.unwrap_or(sql);
            terms.push(
                sql + match (term.descending, not_null) {
                    (false, true) => "",
                    (true, true) => " DESC",
                    (false, false) => " NULLS FIRST",
                    (true, false) => " DESC NULLS LAST",
                },
            );
        }
        Ok(terms.join(", "))
    }
}
