//! The plan as one script for people and for `psql`: the whole DDL in order, with the text of SQLite beside what was
//! translated.
//! Owns that page; never decides what a statement says (see `ddl`, `programs`).

use super::detail::Detail;
use super::{Effect, Plan, Stage, Step};
use crate::ident::{pg, pg_in};

impl Plan {
    /// The whole DDL as one script that a person can review, in the schema it is published to. On an empty database it
    /// makes everything but the rows. `details` says what was translated from what.
    pub fn script(&self, details: &[Detail]) -> String {
        let mut out = format!("CREATE SCHEMA IF NOT EXISTS {};\n", pg(&self.schema));
        let mut stage = None;
        for step in self.steps(&self.schema) {
            let begins = stage.replace(step.stage) != Some(step.stage);
            let Effect::Sql(sql) = &step.effect else {
                if begins && step.stage == Stage::Copy {
                    out.push_str("\n-- copy: the rows of every table come here\n");
                }
                continue;
            };
            if begins {
                out.push_str(&format!("\n-- {}\n", step.stage.word()));
            }
            if begins && step.stage == Stage::Create && !self.helpers.is_empty() {
                // Expressions of tables call helper functions by their bare names.
                out.push_str(&format!("SET search_path TO {};\n", self.search_path(&self.schema)));
            }
            if begins && step.stage == Stage::Views {
                out.push_str(&format!("SET search_path TO {};\n", self.search_path(&self.schema)));
            }
            match step.stage {
                Stage::Helpers => out.push_str(&session(sql)),
                Stage::Views | Stage::Triggers => {
                    out.push_str(&format!("\n{}{sql}", self.origin(&step)));
                }
                _ => {
                    out.push_str(&translated(&step, details));
                    out.push_str(sql);
                }
            }
            out.push_str(";\n");
        }
        self.enabled(&mut out);
        out
    }

    /// The triggers fire once everything is there.
    fn enabled(&self, out: &mut String) {
        let enable = self.enable_triggers(&self.schema);
        if !enable.is_empty() {
            out.push_str(&format!("\n-- {}: from now on the triggers fire\n", Stage::Publish.word()));
            enable.iter().for_each(|sql| out.push_str(&format!("{sql};\n")));
        }
        if !self.helpers.is_empty() || !self.views.is_empty() {
            out.push_str("\nRESET search_path;\n");
        }
    }

    /// The statement of SQLite that a view or a trigger comes from, as comment lines.
    fn origin(&self, step: &Step) -> String {
        let of_view = self.views.iter().find(|v| step.stage == Stage::Views && v.name == step.object);
        let of_trigger = self.triggers.iter().find(|t| step.stage == Stage::Triggers && t.name == step.object);
        let sql = of_view.map(|v| &v.sql).or(of_trigger.map(|t| &t.sql));
        let mut out = sql.map_or_else(String::new, |sql| commented("in SQLite", sql));
        if let Some(why) = of_view.and_then(|v| v.incomparable.as_ref()) {
            out.push_str(&commented("its rows are not compared", why));
        }
        if let Some(trigger) = of_trigger {
            let on = pg_in(&self.schema, &trigger.table);
            let told = self.findings.iter().filter(|f| f.object == trigger.name);
            for finding in told.filter(|f| f.code == crate::finding::codes::TRIGGER_DIFFERS) {
                out.push_str(&commented(&format!("differs, on {on}"), &finding.message));
            }
        }
        out
    }
}

/// What stands in a step in other words than in SQLite, as comment lines.
fn translated(step: &Step, details: &[Detail]) -> String {
    let concerns = |d: &&Detail| match (step.stage, d.kind) {
        (Stage::Create | Stage::Constraints, "check" | "default" | "generated") => {
            let rest = d.object.strip_prefix(&step.object);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        }
        (Stage::Indexes, "index") => d.object == step.object,
        _ => false,
    };
    let told = details.iter().filter(concerns).filter(|d| d.target.is_some() && !d.one_to_one());
    told.map(|d| match d.kind {
        "index" => commented("in SQLite", &d.source),
        kind => commented(&format!("{kind} of {}, in SQLite", d.object), &d.source),
    })
    .collect()
}

/// A text as comment lines, after a heading.
fn commented(heading: &str, text: &str) -> String {
    // What ends a line for a person, a terminal or psql must not end the comment; names may hold that too.
    let mut out = format!("-- {}:\n", heading.replace(['\n', '\r'], " "));
    for line in text.split(['\n', '\r']) {
        out.push_str(&format!("--   {}\n", line.trim_end()));
    }
    out
}

/// A script is no transaction: what holds for the transaction in a run holds for the session here.
fn session(sql: &str) -> String {
    sql.replace("SET LOCAL search_path", "SET search_path")
}
