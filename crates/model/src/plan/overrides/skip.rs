//! Takes columns out of a table of the schema, and with them every key, index and check that needs one.
//! Owns the renumbering; what cannot be carried without the column is told, never dropped in silence.

use super::Overrides;
use crate::finding::{Finding, codes};
use crate::schema::{Expression, IndexOn, Key, Table};
use std::collections::BTreeSet;

/// The columns that are to be left out, by their places.
pub(super) fn places(overrides: &Overrides, table: &Table) -> BTreeSet<usize> {
    let skipped = |name: &str| overrides.column(&table.name, name).is_some_and(super::ColumnOverride::is_skipped);
    table.columns.iter().enumerate().filter(|(_, c)| skipped(&c.name)).map(|(i, _)| i).collect()
}

/// Takes the columns out.
pub(super) fn take_out(table: &mut Table, gone: &BTreeSet<usize>, findings: &mut Vec<Finding>) {
    if gone.is_empty() {
        return;
    }
    let mut tell = Teller { table: table.name.clone(), names: names(table, gone), findings };
    keys(table, gone, &mut tell);
    checks(table, gone, &mut tell);
    indexes(table, gone, &mut tell);
    let numbers: Vec<Option<usize>> = renumbered(table.columns.len(), gone);
    let to = |i: usize| numbers.get(i).copied().flatten();
    table.rowid_alias = table.rowid_alias.and_then(to);
    for key in table.primary_key.iter_mut().chain(&mut table.uniques) {
        key.columns.iter_mut().for_each(|k| k.column = to(k.column).unwrap_or(0));
    }
    for key in &mut table.foreign_keys {
        key.columns.iter_mut().for_each(|c| *c = to(*c).unwrap_or(0));
    }
    let renumber = |e: &mut Expression| {
        if let Some(ast) = &mut e.ast {
            ast.renumber(&|i| to(i).unwrap_or(0));
        }
    };
    table.checks.iter_mut().for_each(|c| renumber(&mut c.expr));
    for index in &mut table.indexes {
        index.predicate.iter_mut().for_each(renumber);
        for term in &mut index.terms {
            match &mut term.on {
                IndexOn::Column(i) => *i = to(*i).unwrap_or(0),
                IndexOn::Expression(e) => renumber(e),
            }
        }
    }
    for generated in table.columns.iter_mut().filter_map(|c| c.generated.as_mut()) {
        if needs(&generated.expr, gone) {
            generated.expr.ast = None;
        }
        renumber(&mut generated.expr);
    }
    let mut place = 0;
    let mut left_out = Vec::new();
    table.columns.retain(|c| {
        place += 1;
        let stays = !gone.contains(&(place - 1));
        if !stays {
            left_out.push(c.name.clone());
        }
        stays
    });
    for name in &left_out {
        tell.findings.push(Finding::note(
            codes::LEFT_OUT,
            format!("{}.{name}", table.name),
            "the column is left out, as chosen: none of its values are carried",
            "take skip out of the plan to carry it",
        ));
    }
    table.left_out = left_out;
}

fn names(table: &Table, gone: &BTreeSet<usize>) -> Vec<String> {
    (0..table.columns.len())
        .map(|i| if gone.contains(&i) { table.columns[i].name.clone() } else { String::new() })
        .collect()
}

fn renumbered(columns: usize, gone: &BTreeSet<usize>) -> Vec<Option<usize>> {
    let mut next = 0;
    (0..columns)
        .map(|i| {
            let stays = !gone.contains(&i);
            next += usize::from(stays);
            stays.then(|| next - 1)
        })
        .collect()
}

fn needs(expression: &Expression, gone: &BTreeSet<usize>) -> bool {
    expression.ast.as_ref().is_some_and(|ast| ast.any_column(&|i| gone.contains(&i)))
}

/// Tells what is not carried for the lack of a column.
struct Teller<'a> {
    table: String,
    /// Names of the columns that are left out, by place; the others are empty.
    names: Vec<String>,
    findings: &'a mut Vec<Finding>,
}

impl Teller<'_> {
    fn lost(&mut self, code: &str, object: String, what: &str, columns: impl IntoIterator<Item = usize>) {
        let mut needed: Vec<&str> = Vec::new();
        for name in columns.into_iter().filter_map(|c| self.names.get(c)).filter(|n| !n.is_empty()) {
            if !needed.contains(&name.as_str()) {
                needed.push(name);
            }
        }
        let message = format!("{what} is not carried over: it needs {}, which is left out", needed.join(", "));
        let hint = format!("carry the column (take its skip out of the plan), or --accept {code}:{object}");
        self.findings.push(Finding::not_carried(code, object, message, hint));
    }
}

fn keys(table: &mut Table, gone: &BTreeSet<usize>, tell: &mut Teller<'_>) {
    let hit = |key: &Key| key.columns.iter().any(|k| gone.contains(&k.column));
    let places = |key: &Key| key.columns.iter().map(|k| k.column).collect::<Vec<_>>();
    if let Some(key) = table.primary_key.take_if(|k| hit(k)) {
        tell.lost(codes::INDEX, tell.table.clone(), "the primary key", places(&key));
    }
    table.uniques.retain(|key| {
        let lost = hit(key);
        if lost {
            tell.lost(codes::INDEX, tell.table.clone(), "a unique key", places(key));
        }
        !lost
    });
    let columns: Vec<String> = table.columns.iter().map(|c| c.name.clone()).collect();
    table.foreign_keys.retain(|key| {
        let lost = key.columns.iter().any(|c| gone.contains(c));
        if lost {
            let child: Vec<&str> = key.columns.iter().filter_map(|c| columns.get(*c)).map(String::as_str).collect();
            let object = format!("{}.{}", tell.table, child.join(","));
            let what = format!("the foreign key to {}", key.parent);
            tell.lost(codes::FOREIGN_KEY, object, &what, key.columns.iter().copied());
        }
        !lost
    });
}

fn checks(table: &mut Table, gone: &BTreeSet<usize>, tell: &mut Teller<'_>) {
    table.checks.retain(|check| {
        let lost = needs(&check.expr, gone);
        if lost {
            let what = format!("CHECK ({})", check.expr.sql);
            tell.lost(codes::CHECK, tell.table.clone(), &what, used(&check.expr, gone));
        }
        !lost
    });
}

fn indexes(table: &mut Table, gone: &BTreeSet<usize>, tell: &mut Teller<'_>) {
    table.indexes.retain(|index| {
        let mut columns: Vec<usize> = index.predicate.iter().flat_map(|p| used(p, gone)).collect();
        for term in &index.terms {
            match &term.on {
                IndexOn::Column(i) => columns.push(*i),
                IndexOn::Expression(e) => columns.extend(used(e, gone)),
            }
        }
        let lost = columns.iter().any(|c| gone.contains(c));
        if lost {
            // Its collation does not matter any more.
            tell.findings.retain(|f| !(f.code == codes::COLLATION && f.object == index.name));
            let what = format!("the index on {}", tell.table);
            tell.lost(codes::INDEX, index.name.clone(), &what, columns);
        }
        !lost
    });
}

fn used(expression: &Expression, gone: &BTreeSet<usize>) -> Vec<usize> {
    let named = |i: usize| expression.ast.as_ref().is_some_and(|ast| ast.any_column(&|c| c == i));
    gone.iter().copied().filter(|i| named(*i)).collect()
}
