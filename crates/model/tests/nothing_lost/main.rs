//! No clause of the source is ever absent both from the plan and from the findings: schemas are generated with every
//! clause SQLite knows, made in a real SQLite, and planned; then each clause is looked for.
//! Owns the property; `LITE2PG_SEED` repeats a run, `LITE2PG_CASES` makes it longer.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests are tests")]

mod clauses;
mod generate;
mod programs;
#[path = "../support/mod.rs"]
mod support;

use clauses::{Clause, What, missing};
use generate::Generator;
use lite2pg_model::plan::Plan;
use rusqlite::Connection;
use std::collections::BTreeMap;
use support::planned::{self, Planned};
use support::{Dice, from_environment};

/// A schema that was made, with its clauses.
struct Made {
    sql: String,
    clauses: Vec<Clause>,
    planned: Planned,
    refused: usize,
}

/// Makes what was generated in a real SQLite: what it refuses is no schema, and has no clauses.
fn make(generator: &mut Generator) -> Made {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA recursive_triggers = OFF").unwrap();
    let (mut sql, mut clauses, mut refused) = (String::new(), Vec::new(), 0);
    for statement in generator.schema() {
        if db.execute_batch(&statement.sql).is_err() {
            refused += 1;
            continue;
        }
        sql.push_str(&statement.sql);
        sql.push_str(";\n");
        clauses.extend(statement.clauses);
        for row in statement.rows {
            // Rows that a constraint refuses are no rows.
            let _ = db.execute_batch(&row);
        }
    }
    let planned = planned::of(&db).unwrap_or_else(|e| panic!("{e}\n{sql}"));
    Made { sql, clauses, planned, refused }
}

#[test]
fn every_clause_is_in_the_plan_or_in_a_finding() {
    let cases = from_environment("LITE2PG_CASES").unwrap_or(300);
    let mut generator = Generator::new(Dice::seeded());
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut refused, mut lost) = (0, BTreeMap::<&str, Vec<String>>::new());
    for _ in 0..cases {
        let made = make(&mut generator);
        refused += made.refused;
        for clause in &made.clauses {
            *seen.entry(clause.what.word()).or_default() += 1;
            if let Some(why) = missing(clause, &made.planned, &made.clauses) {
                let text = format!("{clause:?}: {why}\n{}{}", made.sql, told(&made.planned.plan));
                lost.entry(clause.what.word()).or_default().push(text);
            }
        }
    }
    println!("{seen:?}, {refused} statements refused by SQLite");
    for (word, all) in &lost {
        println!("{word}: {} lost, such as {}", all.len(), all.iter().min_by_key(|text| text.len()).unwrap());
    }
    assert!(lost.is_empty(), "clauses are lost: {:?}", lost.keys());
    for word in What::WORDS {
        assert!(seen.get(word).is_some_and(|n| *n * 20 >= cases as usize), "too few of {word}: {seen:?}");
    }
}

fn told(plan: &Plan) -> String {
    let findings = plan.findings.iter().map(|f| format!("  {} {}: {}\n", f.code, f.object, f.message));
    findings.collect::<String>() + &plan.script(&[])
}

/// Takes one thing after the other out of the plans, and sees that the property notices.
#[test]
fn what_is_taken_out_is_missed() {
    type Take = fn(&mut Plan) -> bool;
    let takes: [(&str, Take); 12] = [
        ("check", |p| p.tables.iter_mut().any(|t| t.checks.pop().is_some())),
        ("default", |p| columns(p).any(|c| c.default.take().is_some())),
        ("generated", |p| columns(p).any(|c| c.generated.take().is_some())),
        ("not-null", |p| columns(p).any(|c| c.identity.is_none() && std::mem::take(&mut c.not_null))),
        ("unique", |p| p.tables.iter_mut().any(|t| t.uniques.pop().is_some())),
        ("primary-key", |p| p.tables.iter_mut().any(|t| t.primary_key.take().is_some())),
        ("foreign-key", |p| p.tables.iter_mut().any(|t| t.foreign_keys.pop().is_some())),
        ("index", |p| p.tables.iter_mut().any(|t| t.indexes.pop().is_some())),
        ("autoincrement", |p| columns(p).any(|c| c.identity.take().is_some())),
        ("view", |p| p.views.pop().is_some()),
        ("trigger", |p| p.triggers.pop().is_some()),
        ("finding", |p| !std::mem::take(&mut p.findings).is_empty()),
    ];
    let mut generator = Generator::new(Dice::seeded());
    let mut noticed: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for _ in 0..100 {
        let mut made = make(&mut generator);
        let whole = made.planned.plan.clone();
        for (word, take) in &takes {
            made.planned.plan = whole.clone();
            if take(&mut made.planned.plan) {
                let entry = noticed.entry(word).or_default();
                entry.0 += 1;
                entry.1 += usize::from(made.clauses.iter().any(|c| missing(c, &made.planned, &made.clauses).is_some()));
            }
        }
    }
    println!("{noticed:?}");
    for (word, (taken, missed)) in noticed {
        assert!(missed * 2 > taken, "{word}: {taken} taken out, only {missed} missed");
    }
}

fn columns(plan: &mut Plan) -> impl Iterator<Item = &mut lite2pg_model::plan::ColumnPlan> {
    plan.tables.iter_mut().flat_map(|t| &mut t.columns)
}
