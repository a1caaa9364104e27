//! What is no longer as it was when a run was interrupted: options, statements, the staging schema, its rows.
//! Owns how that is found out and said; never goes on with a run and never mends anything.

use super::settings::Settings;
use crate::error::Result;
use crate::target::control::Run;
use crate::target::{control, ledger, staging};
use lite2pg_model::plan::{Plan, Step};
use postgres::Client;
use serde_json::{Map, Value, json};

/// How many differences are named.
const SHOWN: usize = 5;

/// The options that shape the result, under the words by which they are given: the run's audit keeps them, so that a
/// later call can say which of them is another. None of them is a secret.
pub fn options(settings: &Settings) -> Value {
    let (choices, overrides) = (&settings.choices, &settings.overrides);
    let mut accept: Vec<String> = settings.accept.iter().map(|a| a.word()).collect();
    accept.sort();
    let columns: Map<String, Value> =
        choices.columns.iter().map(|((table, column), choice)| (format!("{table}.{column}"), json!(choice))).collect();
    json!({
        "--schema": settings.schema,
        "--types": choices.types,
        "--assume-tz": choices.zone,
        "--policy": choices.policies,
        "--accept": accept,
        "--collation": if settings.collation_database { "database" } else { "source" },
        "--no-verify": !settings.verify,
        "--max-rejects": settings.max_rejects.is_some(),
        "--names": overrides.names,
        "--tables": overrides.only,
        "--exclude": overrides.exclude,
        "columns": columns,
        "--plan or --set": overrides.tables,
    })
}

/// Which options are others than those a run was begun with, each with both values; nothing if the run did not write
/// them down or they are worded otherwise only.
///
/// # Errors
/// The target cannot be asked.
pub fn other_options(main: &mut Client, run: &str, settings: &Settings) -> Result<Vec<String>> {
    let then = control::detail(main, run, "run started")?.and_then(|d| d.get("options").cloned());
    let mut said = Vec::new();
    if let Some(then) = then {
        compare("", &then, &options(settings), &mut said);
    }
    Ok(said)
}

/// Two values, down to the leaves.
fn compare(name: &str, then: &Value, now: &Value, said: &mut Vec<String>) {
    if then == now {
        return;
    }
    let empty = Map::new();
    let (a, b) = match (then, now) {
        (Value::Object(a), Value::Object(b)) => (a, b),
        // A table or a column that only one of them names.
        (Value::Object(a), Value::Null) if !name.is_empty() => (a, &empty),
        (Value::Null, Value::Object(b)) if !name.is_empty() => (&empty, b),
        _ => return said.push(format!("{name} was {}, is {}", shown(then), shown(now))),
    };
    let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    for key in keys {
        let of = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
        let name = match (name, key.as_str()) {
            ("", key) => key.to_owned(),
            // The words of the plan's file.
            (name, "columns") => name.to_owned(),
            (name, "ty") => format!("{name}.type"),
            (name, "filter") => format!("{name}.where"),
            (name, key) if name.starts_with("--plan") && !name.contains(' ') => format!("{name}.{key}"),
            ("--plan or --set" | "--policy" | "columns", key) => format!("{name} {key}"),
            (name, key) => format!("{name}.{key}"),
        };
        compare(&name, &of(a), &of(b), said);
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "not given".to_owned(),
        Value::Array(a) if a.is_empty() => "not given".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "given".to_owned(),
        Value::Bool(false) => "not given".to_owned(),
        other => other.to_string(),
    }
}

/// What of the target's side is not as the ledger says it was left; `None`: nothing. `count`: the rows, too.
///
/// # Errors
/// The target cannot be asked.
pub fn of_target(
    main: &mut Client,
    run: &Run,
    (plan, steps): (&Plan, &[Step]),
    lock_slots: i64,
    count: bool,
) -> Result<Option<String>> {
    let done = ledger::steps_done(main, &run.id, steps)?;
    let mut said = staging::altered(main, plan, &run.staging, &done, lock_slots)?;
    if said.is_empty() && count {
        let chunks = ledger::chunks(main, &run.id)?;
        said = staging::rows_changed(main, plan, &run.staging, &chunks)?;
    }
    Ok(list(said))
}

/// The first few of them in one line.
pub fn list(mut said: Vec<String>) -> Option<String> {
    let more = said.len().saturating_sub(SHOWN);
    said.truncate(SHOWN);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    (!said.is_empty()).then(|| said.join("; ") + &more)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(then: Value, now: Value) -> Vec<String> {
        let mut said = Vec::new();
        compare("", &then, &now, &mut said);
        said
    }

    #[test]
    fn what_is_another_is_named_with_both_values() {
        assert_eq!(between(json!({"--types": "native"}), json!({"--types": "native"})), Vec::<String>::new());
        assert_eq!(
            between(json!({"--types": "native"}), json!({"--types": "plain"})),
            ["--types was native, is plain"]
        );
        assert_eq!(
            between(json!({"--policy": {"nul": "bytea"}}), json!({"--policy": {}})),
            ["--policy nul was bytea, is not given"]
        );
        let tables = |v| json!({"--plan or --set": {"users": {"to": null, "columns": {"id": {"ty": v}}}}});
        assert_eq!(
            between(tables(json!("uuid")), tables(json!(null))),
            ["--plan or --set users.id.type was uuid, is not given"]
        );
        assert_eq!(
            between(json!({"--plan or --set": {}}), tables(json!("uuid"))),
            ["--plan or --set users.id.type was not given, is uuid"]
        );
        assert_eq!(
            between(json!({"--no-verify": false, "--accept": []}), json!({"--no-verify": true, "--accept": ["all"]})),
            ["--accept was not given, is [\"all\"]", "--no-verify was not given, is given"]
        );
    }
}
