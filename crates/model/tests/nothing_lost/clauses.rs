//! A clause, and whether a plan or its findings have it.
//! Owns how each kind is recognised: by its structure in the plan, or by a finding of its own code that names its object.

use crate::support::planned::Planned;
use lite2pg_model::finding::{Finding, Severity, codes};
use lite2pg_model::ident::pg;
use lite2pg_model::plan::{ColumnPlan, IndexPlan, Plan, TablePlan};
use lite2pg_model::schema::{Action, Deferrable};

/// One clause of a statement.
#[derive(Clone, Debug)]
pub struct Clause {
    /// The table, index, view, trigger or virtual table.
    pub object: String,
    /// What it says.
    pub what: What,
}

/// What a clause says. A marker is a literal that nothing else has.
#[derive(Clone, Debug)]
pub enum What {
    Table,
    Column(String),
    NotNull(String),
    Default { column: String, marker: Option<String> },
    Collate(String),
    Check { name: Option<String>, marker: String },
    Generated { column: String, marker: String },
    PrimaryKey(Vec<String>),
    Unique(Vec<String>),
    Conflict { column: Option<String>, word: &'static str },
    Autoincrement(String),
    Strict { column: String, declared: &'static str },
    ForeignKey { columns: Vec<String>, parent: String, actions: (Action, Action), deferrable: Deferrable },
    Match { word: &'static str },
    Index { table: String, unique: bool },
    Term { table: String, column: String, descending: bool },
    IndexMarker { table: String, marker: String, predicate: bool },
    IndexCollate { table: String, column: String },
    View { columns: usize },
    ViewMarker(String),
    Trigger { table: String, timing: String },
    TriggerMarker(String),
    Virtual,
}

impl What {
    /// Every kind, so that none is forgotten by the generator.
    pub const WORDS: [&'static str; 23] = [
        "table",
        "column",
        "not-null",
        "default",
        "collate",
        "check",
        "generated",
        "primary-key",
        "unique",
        "on-conflict",
        "autoincrement",
        "strict",
        "foreign-key",
        "match",
        "index",
        "term",
        "index-expression",
        "index-collate",
        "view",
        "view-clause",
        "trigger",
        "trigger-clause",
        "virtual-table",
    ];

    /// One word for the kind.
    pub fn word(&self) -> &'static str {
        let place = match self {
            What::Table => 0,
            What::Column(_) => 1,
            What::NotNull(_) => 2,
            What::Default { .. } => 3,
            What::Collate(_) => 4,
            What::Check { .. } => 5,
            What::Generated { .. } => 6,
            What::PrimaryKey(_) => 7,
            What::Unique(_) => 8,
            What::Conflict { .. } => 9,
            What::Autoincrement(_) => 10,
            What::Strict { .. } => 11,
            What::ForeignKey { .. } => 12,
            What::Match { .. } => 13,
            What::Index { .. } => 14,
            What::Term { .. } => 15,
            What::IndexMarker { .. } => 16,
            What::IndexCollate { .. } => 17,
            What::View { .. } => 18,
            What::ViewMarker(_) => 19,
            What::Trigger { .. } => 20,
            What::TriggerMarker(_) => 21,
            What::Virtual => 22,
        };
        What::WORDS[place]
    }
}

/// Why a clause counts as lost; `None` if it is in the plan or in a finding.
/// `all` are the clauses of the whole schema.
pub fn missing(clause: &Clause, planned: &Planned, all: &[Clause]) -> Option<String> {
    let here = Here { plan: &planned.plan, object: &clause.object };
    let found = match &clause.what {
        What::Table => here.table().is_some(),
        What::Column(name) => here.column(name).is_some(),
        What::NotNull(name) => {
            here.column(name).is_some_and(|c| c.not_null) || here.told_of(&[codes::NULL_KEY], name, "")
        }
        What::Default { column, marker } => {
            let has = |default: &String| marker.as_ref().is_none_or(|m| default.contains(m.as_str()));
            let code = [codes::DEFAULT, codes::UNPARSED];
            // SQLite never uses the default of a rowid.
            let is = |c: &ColumnPlan| c.identity.is_some() || c.default.as_ref().is_some_and(has);
            here.column(column).is_some_and(is) || here.told_of(&code, column, "")
        }
        What::Collate(column) => here.told_of(&[codes::COLLATION], column, "") || here.folds(column),
        What::Check { name, marker } => {
            let is = |condition: &str, called: &str| match name {
                Some(name) => name == called,
                None => condition.contains(marker.as_str()),
            };
            here.table().is_some_and(|t| t.checks.iter().any(|c| is(&c.condition, &c.name)))
                || here.told(&[codes::CHECK, codes::UNPARSED], marker)
                || (name.is_none() && here.all_checks(all))
        }
        What::Generated { column, marker } => {
            here.column(column).is_some_and(|c| c.generated.is_some())
                || here.told_of(&[codes::GENERATED], column, marker)
        }
        What::PrimaryKey(columns) => {
            let is = |t: &TablePlan| t.primary_key.as_ref().is_some_and(|k| same(&k.columns, &targets(t, columns)));
            here.table().is_some_and(|t| is(t) || unique_index(t, columns)) || here.told_key(columns)
        }
        What::Unique(columns) => {
            let keys = |t: &TablePlan| {
                let wanted = targets(t, columns);
                t.primary_key.iter().chain(&t.uniques).any(|k| same(&k.columns, &wanted)) || unique_index(t, columns)
            };
            here.table().is_some_and(keys) || here.told_key(columns)
        }
        What::Conflict { column, word } => here.conflict(column.as_deref(), word),
        What::Autoincrement(column) => here.column(column).is_some_and(|c| c.identity.is_some()),
        What::Strict { column, declared } => {
            // A foreign key may have given it the type of another column.
            here.column(column).is_some_and(|c| strict(declared, &c.shown()) || c.reason.contains("foreign key"))
        }
        What::ForeignKey { columns, parent, actions, deferrable } => {
            here.foreign_key(columns, parent, *actions, *deferrable)
                || here.told_of(&[codes::FOREIGN_KEY], &columns.join(","), "")
                || columns.iter().any(|c| here.told_of(&[codes::FOREIGN_KEY], c, ""))
        }
        What::Match { word } => here.told(&[codes::FOREIGN_KEY], word),
        What::Index { table, unique } => here.index(table).is_some_and(|i| i.unique == *unique) || here.told_index(),
        What::Term { table, column, descending } => here.term(table, column, *descending) || here.told_index(),
        What::IndexMarker { table, marker, predicate } => {
            // What compares values of different classes is known without them: then the place must be there.
            let terms_of = |c: &&Clause| {
                let term = matches!(c.what, What::Term { .. } | What::IndexMarker { predicate: false, .. });
                c.object == clause.object && term
            };
            let places = |i: &IndexPlan| terms(&i.terms).len() == all.iter().filter(terms_of).count();
            let has = |i: &IndexPlan| match (&i.predicate, predicate) {
                (Some(_), true) => true,
                (None, true) => false,
                (_, false) => i.terms.contains(marker.as_str()) || places(i),
            };
            here.index(table).is_some_and(has) || here.told_index()
        }
        What::IndexCollate { table, column } => {
            let folds = |i: &IndexPlan| i.terms.contains("lower(") || i.terms.contains("rtrim(");
            // What is the column's own collation is said at the column.
            let at_column = Here { object: table, ..here };
            here.index(table).is_some_and(folds)
                || here.told(&[codes::COLLATION, codes::INDEX], "")
                || at_column.told_of(&[codes::COLLATION], column, "")
        }
        What::View { columns } => {
            here.plan.views.iter().any(|v| v.name == clause.object && v.columns.len() == *columns)
                || here.told(&[codes::VIEW, codes::UNPARSED], "")
        }
        What::ViewMarker(marker) => {
            here.plan.views.iter().any(|v| v.name == clause.object && v.query.contains(marker.as_str()))
                || here.told(&[codes::VIEW, codes::UNPARSED], "")
        }
        What::Trigger { table, timing } => here.trigger(table, timing) || here.told(&[codes::TRIGGER], ""),
        What::TriggerMarker(marker) => {
            // In a column of bytes a text is its bytes.
            let bytes: String = marker.bytes().map(|b| format!("{b:02x}")).collect();
            let has = |text: &str| text.contains(marker.as_str()) || text.contains(&bytes);
            here.plan.triggers.iter().any(|t| t.name == clause.object && (has(&t.body) || has(&t.timing)))
                || here.told(&[codes::TRIGGER], "")
        }
        What::Virtual => here.table().is_some() || here.told(&[codes::VIRTUAL_TABLE], ""),
    };
    (!found).then(|| format!("{} is neither in the plan nor in a finding", clause.what.word()))
}

#[derive(Clone, Copy)]
struct Here<'a> {
    plan: &'a Plan,
    object: &'a str,
}

impl Here<'_> {
    fn table(&self) -> Option<&TablePlan> {
        self.plan.tables.iter().find(|t| t.name == self.object)
    }

    fn column(&self, name: &str) -> Option<&ColumnPlan> {
        self.table()?.columns.iter().find(|c| c.name == name)
    }

    /// A finding of one of these codes about the object (or something of it) that says the marker.
    fn told(&self, codes: &[&str], marker: &str) -> bool {
        let about = |object: &str| {
            let rest = object.strip_prefix(self.object);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '(']))
        };
        let findings = &mut self.plan.findings.iter();
        findings.any(|f| codes.contains(&f.code.as_str()) && about(&f.object) && f.message.contains(marker))
    }

    /// The same about a column (or columns) of the table.
    fn told_of(&self, codes: &[&str], column: &str, marker: &str) -> bool {
        let object = format!("{}.{column}", self.object);
        let findings = &mut self.plan.findings.iter();
        findings.any(|f| codes.contains(&f.code.as_str()) && f.object == object && f.message.contains(marker))
    }

    /// As many checks of the table as it was given are made or told of.
    fn all_checks(&self, all: &[Clause]) -> bool {
        let is = |c: &&Clause| c.object == self.object && matches!(c.what, What::Check { .. });
        let told = self.plan.findings.iter().filter(|f| f.code == codes::CHECK && f.object == self.object).count();
        self.table().is_some_and(|t| t.checks.len() + told == all.iter().filter(is).count())
    }

    fn told_index(&self) -> bool {
        self.told(&[codes::INDEX, codes::UNPARSED], "")
    }

    /// A key that is lost is told with its columns.
    fn told_key(&self, columns: &[String]) -> bool {
        let all = |f: &Finding| columns.iter().all(|c| f.object.contains(c.as_str()) || f.message.contains(c.as_str()));
        let null = |f: &Finding| columns.iter().any(|c| f.object == format!("{}.{c}", self.object));
        let mut findings = self.plan.findings.iter().filter(|f| f.object.starts_with(self.object));
        findings.any(|f| match f.code.as_str() {
            codes::INDEX | codes::DUPLICATE_KEY => all(f),
            codes::NULL_KEY => f.severity != Severity::Note && null(f),
            _ => false,
        })
    }

    /// Something of the table compares by the folded column.
    fn folds(&self, column: &str) -> bool {
        let Some((table, column)) = self.table().zip(self.column(column)) else { return false };
        let folded =
            |text: &str| (text.contains("lower(") || text.contains("rtrim(")) && text.contains(column.target.as_str());
        table.indexes.iter().any(|i| folded(&i.terms))
    }

    /// Told as something that differs, or told as kept and kept by a trigger.
    fn conflict(&self, column: Option<&str>, word: &str) -> bool {
        let object = column.map_or_else(|| self.object.to_owned(), |c| format!("{}.{c}", self.object));
        let of = |f: &&Finding| f.code == codes::ON_CONFLICT && f.object == object && f.message.contains(word);
        let mut findings = self.plan.findings.iter().filter(of);
        let table = self.table().map(|t| t.target.as_str());
        let kept = || self.plan.triggers.iter().any(|t| Some(t.table.as_str()) == table && t.sql.contains(word));
        findings.any(|f| !f.message.ends_with("keeps it") || kept())
    }

    fn foreign_key(&self, columns: &[String], parent: &str, actions: (Action, Action), at: Deferrable) -> bool {
        let Some(table) = self.table() else { return false };
        let columns = targets(table, columns);
        let parent = self.plan.tables.iter().find(|t| t.name.eq_ignore_ascii_case(parent)).map(|t| &t.target);
        table.foreign_keys.iter().any(|k| {
            k.columns == columns
                && Some(&k.parent) == parent
                && (k.on_delete, k.on_update) == actions
                && k.deferrable == at
        })
    }

    fn index(&self, table: &str) -> Option<&IndexPlan> {
        let table = self.plan.tables.iter().find(|t| t.name == table)?;
        table.indexes.iter().find(|i| i.name == self.object)
    }

    fn term(&self, table: &str, column: &str, descending: bool) -> bool {
        let of = self.plan.tables.iter().find(|t| t.name == table);
        let target = of.and_then(|t| t.columns.iter().find(|c| c.name == column)).map(|c| pg(&c.target));
        let Some((index, target)) = self.index(table).zip(target) else { return false };
        terms(&index.terms).iter().any(|t| t.contains(target.as_str()) && t.contains(" DESC") == descending)
    }

    fn trigger(&self, table: &str, timing: &str) -> bool {
        let on = |t: &&str| *t == table;
        let tables = self.plan.tables.iter().map(|t| (t.name.as_str(), t.target.as_str()));
        let views = self.plan.views.iter().map(|v| (v.name.as_str(), v.target.as_str()));
        let target = tables.chain(views).find(|(name, _)| on(name)).map(|(_, target)| target);
        let mut triggers = self.plan.triggers.iter().filter(|t| t.name == self.object);
        triggers.any(|t| Some(t.table.as_str()) == target && t.timing.starts_with(timing))
    }
}

fn targets(table: &TablePlan, names: &[String]) -> Vec<String> {
    let target = |name: &String| table.columns.iter().find(|c| c.name == *name).map(|c| c.target.clone());
    names.iter().filter_map(target).collect()
}

fn same(a: &[String], b: &[String]) -> bool {
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort();
        names.dedup();
        names
    };
    sorted(a) == sorted(b)
}

/// The terms of an index, cut at the commas that stand in no parentheses and no quotes.
fn terms(text: &str) -> Vec<String> {
    let (mut out, mut depth, mut quote) = (vec![String::new()], 0_usize, None);
    for c in text.chars() {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                out.push(String::new());
                continue;
            }
            _ => {}
        }
        out.last_mut().unwrap().push(c);
    }
    out
}

fn unique_index(table: &TablePlan, columns: &[String]) -> bool {
    let wanted: Vec<String> = targets(table, columns).iter().map(|c| pg(c)).collect();
    let all = |i: &IndexPlan| wanted.iter().all(|c| i.terms.contains(c.as_str()));
    table.indexes.iter().any(|i| i.unique && i.predicate.is_none() && all(i))
}

/// Whether a type takes nothing that a STRICT column would refuse, but for what PostgreSQL makes of it.
/// Source: <https://sqlite.org/stricttables.html>.
fn strict(declared: &str, shown: &str) -> bool {
    match declared {
        "INT" | "INTEGER" => {
            ["bigint", "integer", "boolean", "timestamp", "timestamptz"].iter().any(|t| shown.starts_with(t))
        }
        "REAL" => shown.starts_with("double") || shown.starts_with("numeric"),
        "BLOB" => shown == "bytea" || shown == "uuid",
        _ => true,
    }
}
