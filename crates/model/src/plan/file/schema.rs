//! The JSON Schema of the plan's file, made from the same table of keys as the reader.
//! Owns its text; docs/plan.schema.json is what it gives.

use super::keys::{self, Key, Takes};
use super::{VERSION, values};
use crate::mapping::policy::{Choice, Kind};
use crate::plan::style::NameStyle;
use serde_json::{Map, Value, json};

/// The whole schema, as JSON.
pub fn document() -> Value {
    let mut schema = object(keys::TOP, &["version"]);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("The plan of a migration by lite2pg");
    schema["description"] = json!("How a SQLite database goes to PostgreSQL: lite2pg migrate SOURCE --plan FILE");
    schema
}

/// The same as text, as it stands in docs.
pub fn text() -> String {
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
}

fn object(keys: &[Key], required: &[&str]) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|k| (k.word.to_owned(), property(k))).collect();
    let mut object = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn property(key: &Key) -> Value {
    let mut value = taken(key.takes);
    value["description"] = json!(key.about);
    value
}

fn taken(takes: Takes) -> Value {
    match takes {
        Takes::Version => json!({ "const": VERSION }),
        Takes::Name => json!({ "type": "string", "minLength": 1, "maxLength": 63 }),
        Takes::Types => {
            json!({ "enum": values::TYPES.iter().map(|(w, _)| *w).collect::<Vec<_>>(), "default": "native" })
        }
        Takes::Names => {
            json!({ "enum": NameStyle::ALL.map(|(w, _)| w), "default": "keep" })
        }
        Takes::Zone => json!({ "type": "string", "examples": ["Europe/Berlin", "UTC", "+02:00"] }),
        Takes::Collation => {
            json!({ "enum": values::COLLATION.iter().map(|(w, _)| *w).collect::<Vec<_>>(), "default": "source" })
        }
        Takes::Accepts => {
            json!({ "type": "array", "items": { "type": "string" }, "examples": [["view-not-carried:v"], ["all"]] })
        }
        Takes::Policies => policies(),
        Takes::DecidedWith => object(keys::DECIDED_WITH, &[]),
        Takes::Tables => json!({ "type": "object", "additionalProperties": object(keys::TABLE, &[]) }),
        Takes::Columns => json!({
            "type": "object",
            "additionalProperties": { "anyOf": [
                { "type": "string", "minLength": 1, "description": "An expression of SQLite's that is read in the column's place." },
                object(keys::COLUMN, &[]),
            ] },
        }),
        Takes::Extras => json!({ "type": "array", "items": object(keys::EXTRA, &["name", "type"]) }),
        Takes::Flag => json!({ "type": "boolean" }),
        Takes::Type => json!({
            "type": "string",
            "examples": ["bigint", "numeric(10,2)", "double precision", "boolean", "text", "varchar(40)", "bytea", "date",
                "timestamp", "timestamptz", "time", "interval", "uuid", "json", "jsonb", "inet", "cidr", "macaddr", "enum",
                "smallint", "integer", "char(2)", "numeric"],
        }),
        Takes::Writing => json!({ "enum": values::writings() }),
        Takes::Labels => {
            json!({ "type": "array", "minItems": 1, "items": { "type": "string", "minLength": 1, "maxLength": 63 } })
        }
        Takes::SourceSql => json!({ "type": "string", "minLength": 1 }),
        Takes::TargetSql => json!({ "type": "string", "minLength": 1, "examples": ["now()", "'x'", "0"] }),
        Takes::Literal => json!({ "type": ["string", "number", "boolean"] }),
    }
}

fn policies() -> Value {
    let one = |kind: Kind| {
        let words: Vec<&str> = kind.choices().iter().map(|c| c.word()).collect();
        json!({ "enum": words, "description": about(kind) })
    };
    let properties: Map<String, Value> = Kind::all().map(|k| (k.word().to_owned(), one(k))).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn about(kind: Kind) -> String {
    let what = match kind {
        Kind::Nul => "NUL bytes in text",
        Kind::InvalidUtf8 => "text that is not valid UTF-8",
        Kind::Empty => "empty text",
        Kind::Mixed => "several storage classes in one column",
        Kind::TooLong => "text that is longer than the type that was asked for",
        Kind::Dates => "values of a date column that are no dates",
        Kind::Json => "values of a JSON column that are no JSON",
        Kind::NullKey => "NULL in a primary key or a NOT NULL column",
        Kind::DuplicateKey => "keys that are not unique under the chosen types",
        Kind::Orphans => "rows whose foreign key points nowhere",
        Kind::Checks => "rows that break a CHECK of their table",
        Kind::TooLarge => "values beyond the limits of an index",
    };
    let stops = if kind.choices().contains(&Choice::Fail) { "; fail stops the run before the first row" } else { "" };
    format!("What becomes of {what}{stops}.")
}
