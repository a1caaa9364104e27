//! What became of each object of the source that had to be translated: carried, carried with a difference, or not carried.
//! Owns that list, made from the schema, the plan and its findings; never decides anything.

use super::{Plan, TablePlan};
use crate::finding::{Finding, Remedy, codes};
use crate::schema::{Expression, Schema, Table, TableKind};
use serde::Serialize;
use std::collections::BTreeMap;

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It means the same.
    Carried,
    /// It is there, and something of it is otherwise.
    Differs,
    /// It is not there.
    NotCarried,
}

impl Fate {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Fate::Carried => "carried",
            Fate::Differs => "carried with a difference",
            Fate::NotCarried => "not carried",
        }
    }
}

/// An object and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// `check`, `default`, `generated`, `index`, `view`, `trigger` or `virtual table`.
    pub kind: &'static str,
    /// Its name; of what has none its table or column.
    pub object: String,
    /// What became of it.
    pub fate: Fate,
    /// Its text in SQLite.
    pub source: String,
    /// Its text in PostgreSQL, where there is one text for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What differs, or why it is not carried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Detail {
    /// Whether its text in PostgreSQL says the same in the same words, but for quotes, parentheses, blanks and casts of
    /// constants; of an index: whether it names nothing but columns.
    pub fn one_to_one(&self) -> bool {
        if self.kind == "index" {
            let computed = |target: &String| target.get(1..).is_some_and(|t| t.contains('(') || t.contains(") WHERE "));
            return self.target.as_ref().is_some_and(|t| !computed(t));
        }
        let plain = |text: &str| -> String {
            let text =
                text.to_ascii_lowercase().replace("::text", "").replace("::bigint", "").replace("collate \"c\"", "");
            text.chars().filter(|c| !c.is_whitespace() && !"\"`[]()".contains(*c)).collect()
        };
        self.target.as_ref().is_some_and(|target| plain(target) == plain(&self.source))
    }
}

/// Every such object, by kind and then in the order of the source's schema.
pub fn details(schema: &Schema, plan: &Plan) -> Vec<Detail> {
    let mut all = Vec::new();
    let by_name: BTreeMap<&str, &TablePlan> = plan.tables.iter().map(|p| (p.name.as_str(), p)).collect();
    let tables = || schema.tables.iter().filter_map(|t| Some((t, *by_name.get(t.name.as_str())?)));
    let list = List::of(&plan.findings);
    for (table, made) in tables() {
        list.checks(table, made, &mut all);
    }
    for (table, made) in tables() {
        list.columns(table, made, &mut all);
    }
    for (table, made) in tables() {
        list.indexes(table, made, &mut all);
    }
    for view in &schema.views {
        let made = plan.views.iter().find(|v| v.name == view.name);
        let target = made.map(|v| v.query.clone());
        all.push(list.named("view", &view.name, view.sql.clone(), target));
    }
    for trigger in &schema.triggers {
        let made = plan.triggers.iter().find(|t| t.name == trigger.name);
        let target = made.map(|t| format!("{}\n{}", t.timing, t.body));
        all.push(list.named("trigger", &trigger.name, trigger.sql.clone(), target));
    }
    for table in &schema.tables {
        if matches!(table.kind, TableKind::Virtual(_)) {
            let lost = list.about(&table.name).any(|f| f.code == codes::VIRTUAL_TABLE && f.remedy == Remedy::Accept);
            let made = (!lost).then(String::new);
            let mut detail = list.named("virtual table", &table.name, table.sql.clone(), made);
            detail.target = None;
            all.push(detail);
        }
    }
    all.sort_by_key(|d| order(d.kind));
    all
}

fn order(kind: &str) -> usize {
    ["check", "default", "generated", "index", "view", "trigger", "virtual table"]
        .iter()
        .position(|k| *k == kind)
        .unwrap_or(usize::MAX)
}

struct List<'a> {
    /// By what they are about, in order.
    findings: BTreeMap<&'a str, Vec<&'a Finding>>,
}

impl<'a> List<'a> {
    fn of(findings: &'a [Finding]) -> Self {
        let mut list = List { findings: BTreeMap::new() };
        for finding in findings {
            list.findings.entry(finding.object.as_str()).or_default().push(finding);
        }
        list
    }

    fn about(&self, object: &str) -> impl Iterator<Item = &'a Finding> {
        self.findings.get(object).into_iter().flatten().copied()
    }

    /// An object that has a name of its own: findings about it are known by that.
    fn named(&self, kind: &'static str, name: &str, source: String, target: Option<String>) -> Detail {
        let lost = target.is_none();
        let finding = self.about(name).find(|f| (f.remedy == Remedy::Accept) == lost);
        let fate = match (lost, finding) {
            (true, _) => Fate::NotCarried,
            (false, None) => Fate::Carried,
            (false, Some(_)) => Fate::Differs,
        };
        detail(kind, name, fate, source, target, finding)
    }

    /// The plan's checks follow those of the source, but for those that were lost: these have a finding with their text.
    fn checks(&self, table: &Table, made: &TablePlan, all: &mut Vec<Detail>) {
        let lost = |sql: &str| {
            self.about(&table.name).find(|f| {
                f.code == codes::CHECK && f.remedy == Remedy::Accept && f.message.contains(&format!("({sql})"))
            })
        };
        let kept: Vec<_> = table.checks.iter().filter(|c| lost(&c.expr.sql).is_none()).collect();
        // Only where they can be told apart is one set beside the other.
        let paired = kept.len() == made.checks.len();
        let mut targets = made.checks.iter();
        for check in &table.checks {
            let object = check.name.as_ref().map_or_else(|| table.name.clone(), |n| format!("{}.{n}", table.name));
            let source = check.expr.sql.clone();
            if let Some(finding) = lost(&check.expr.sql) {
                all.push(detail("check", &object, Fate::NotCarried, source, None, Some(finding)));
                continue;
            }
            let target = targets.next();
            let broken = target.filter(|t| t.not_valid).and_then(|_| {
                self.about(&table.name).find(|f| f.code == codes::CHECK_BROKEN && f.message.contains(&check.expr.sql))
            });
            let fate = match target {
                None if !paired => Fate::NotCarried,
                Some(t) if t.not_valid => Fate::Differs,
                _ => Fate::Carried,
            };
            let refused = || self.about(&table.name).find(|f| f.code == codes::CHECK);
            let finding = broken.or_else(|| if fate == Fate::NotCarried { refused() } else { None });
            let condition = target.filter(|_| paired).map(|t| t.condition.clone());
            all.push(detail("check", &object, fate, source, condition, finding));
        }
    }

    fn columns(&self, table: &Table, made: &TablePlan, all: &mut Vec<Detail>) {
        for column in &table.columns {
            let object = format!("{}.{}", table.name, column.name);
            let planned = made.columns.iter().find(|c| c.name == column.name);
            let default = column.default.as_ref().filter(|_| planned.is_some_and(|c| c.identity.is_none()));
            let generated = column.generated.as_ref().map(|g| &g.expr);
            let target = planned.and_then(|c| c.default.clone());
            all.extend(default.map(|d| self.part("default", codes::DEFAULT, &object, d, target)));
            let target = planned.and_then(|c| c.generated.as_ref()).map(|g| g.expression.clone());
            all.extend(generated.map(|g| self.part("generated", codes::GENERATED, &object, g, target)));
        }
    }

    /// A part of a column: only findings of its own code are about it.
    fn part(&self, kind: &'static str, code: &str, object: &str, of: &Expression, target: Option<String>) -> Detail {
        let finding = self.about(object).find(|f| f.code == code);
        let fate = match finding {
            None => Fate::Carried,
            Some(f) if f.remedy == Remedy::Accept || target.is_none() => Fate::NotCarried,
            Some(_) => Fate::Differs,
        };
        let target = target.filter(|_| fate != Fate::NotCarried);
        detail(kind, object, fate, of.sql.clone(), target, finding)
    }

    fn indexes(&self, table: &Table, made: &TablePlan, all: &mut Vec<Detail>) {
        let gone = |name: &str| {
            self.about(name)
                .any(|f| f.remedy == Remedy::Accept && (f.code == codes::INDEX || f.code == codes::COLLATION))
        };
        let kept = table.indexes.iter().filter(|i| !gone(&i.name)).count();
        let mut targets = made.indexes.iter();
        for index in &table.indexes {
            let there = !gone(&index.name);
            let target = if there { targets.next() } else { None };
            let paired = kept == made.indexes.len();
            let text = |terms: &str, predicate: Option<&String>| match predicate {
                Some(p) => format!("({terms}) WHERE {p}"),
                None => format!("({terms})"),
            };
            let shown = target.filter(|_| paired).map(|t| text(&t.terms, t.predicate.as_ref()));
            let mut detail = self.named("index", &index.name, index.sql.clone(), there.then(String::new));
            // One that is lost without a word of its own is told of at its table or key.
            if there && target.is_none() {
                detail.fate = Fate::NotCarried;
            }
            detail.target = shown;
            all.push(detail);
        }
    }
}

fn detail(
    kind: &'static str,
    object: &str,
    fate: Fate,
    source: String,
    target: Option<String>,
    finding: Option<&Finding>,
) -> Detail {
    let finding = finding.filter(|_| fate != Fate::Carried);
    Detail {
        kind,
        object: object.to_owned(),
        fate,
        source,
        target,
        why: finding.map(|f| f.message.clone()),
        hint: finding.map(|f| f.hint.clone()).filter(|h| !h.is_empty()),
    }
}
