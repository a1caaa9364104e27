//! What the census saw, as words for people and as the `profiles` of `--json`.
//! Owns these words; never counts and never decides.

use super::text::{clean, count, counted};
use lite2pg_model::mapping::codec::Normal;
use lite2pg_model::mapping::forms::Form;
use lite2pg_model::mapping::profile::{ColumnProfile, DISTINCT, Example, TableProfile};
use lite2pg_model::plan::{Plan, TablePlan};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The classes, in the order in which a profile keeps examples.
const CLASSES: [&str; 4] = ["integer", "real", "text", "blob"];

/// Every profile: tables by name, their columns in order.
pub fn document(profiles: &BTreeMap<String, TableProfile>, plan: &Plan) -> Value {
    let tables = plan.tables.iter().filter_map(|t| Some((t.name.clone(), table(profiles.get(&t.name)?, t))));
    Value::Object(tables.collect())
}

fn table(profile: &TableProfile, plan: &TablePlan) -> Value {
    let columns = plan.columns.iter().zip(&profile.columns).map(|(c, p)| {
        let mut out = Map::new();
        out.insert("name".into(), c.name.clone().into());
        out.insert("declared".into(), c.declared.clone().into());
        out.insert("type".into(), c.ty.sql().into());
        out.extend(column(profile, p));
        Value::Object(out)
    });
    json!({
        "rows": profile.rows,
        "bytes": profile.bytes,
        "max_row_bytes": profile.max_row_bytes,
        "largest_key_bytes": {
            "primary_key": profile.primary_bytes, "unique": profile.unique_bytes, "indexes": profile.index_bytes,
        },
        "duplicates": {
            "primary_key": profile.primary_duplicates, "unique": profile.unique_duplicates,
            "indexes": profile.index_duplicates,
        },
        "orphans": profile.orphans,
        "broken_checks": profile.check_broken,
        "columns": columns.collect::<Vec<_>>(),
    })
}

fn column(table: &TableProfile, p: &ColumnProfile) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("nulls".into(), p.nulls.into());
    if p.integers > 0 {
        let epoch = p.epoch().map(|unit| match unit {
            Normal::EpochSeconds => "seconds",
            Normal::EpochMillis => "milliseconds",
            Normal::EpochMicros => "microseconds",
            _ => "nanoseconds",
        });
        let integers = json!({
            "count": p.integers, "min": p.integer_min, "max": p.integer_max, "bits": p.integer_bits(),
            "since_1970": epoch,
        });
        out.insert("integers".into(), integers);
    }
    if p.reals > 0 {
        let digits = |n: u32| (!p.decimals_skipped).then_some(n);
        let finite = p.reals > p.non_finite + p.negative_zeros;
        let reals = json!({
            "count": p.reals, "min": finite.then_some(p.real_min), "max": finite.then_some(p.real_max),
            "integral": p.integral_reals, "from_2_53": p.large_reals, "infinite": p.non_finite,
            "negative_zero": p.negative_zeros, "digits_before": digits(p.real_before), "digits_after": digits(p.real_after),
        });
        out.insert("reals".into(), reals);
    }
    if p.integers + p.reals > 0 && p.julian_days() {
        out.insert("julian_days".into(), true.into());
    }
    if p.texts > 0 {
        out.insert("texts".into(), texts(p));
    }
    if p.blobs > 0 {
        let blobs = json!({
            "count": p.blobs, "min_bytes": p.blob_min_bytes, "max_bytes": p.blob_max_bytes, "of_16_bytes": p.blobs_of_16,
        });
        out.insert("blobs".into(), blobs);
    }
    // Null where there are more than can be counted.
    out.insert("distinct".into(), p.distinct().into());
    if let Some(labels) = p.labels().filter(|l| !l.is_empty()) {
        out.insert("labels".into(), labels.into());
    }
    out.insert("examples".into(), examples(table, p));
    let places = [
        ("null", &p.null_places),
        ("nul", &p.nul_places),
        ("invalid_utf8", &p.invalid_places),
        ("long", &p.long_places),
    ];
    let places = places.into_iter().filter(|(_, rows)| !rows.is_empty()).map(|(word, rows)| {
        let rows: Vec<Value> = rows.iter().map(|row| place(table, *row)).collect();
        (word.to_owned(), rows.into())
    });
    let places: Map<String, Value> = places.collect();
    if !places.is_empty() {
        out.insert("places".into(), places.into());
    }
    out
}

fn texts(p: &ColumnProfile) -> Value {
    let word = |form: &Form| serde_json::to_value(form).ok().and_then(|v| v.as_str().map(str::to_owned));
    let forms = Form::ALL.iter().filter_map(|form| {
        let n = p.count(*form).filter(|n| *n > 0)?;
        Some((word(form)?, n.into()))
    });
    let forms: Map<String, Value> = forms.collect();
    let mask = p.boolean_words();
    let spellings = Normal::WORDS.iter().enumerate().filter(|(i, _)| mask & 1 << i != 0);
    json!({
        "count": p.texts, "empty": p.empty_texts, "min_bytes": p.text_min_bytes, "max_bytes": p.text_max_bytes,
        "min_characters": p.text_min_chars, "max_characters": p.text_max_chars,
        "declared_characters": p.limit_chars, "longer_than_declared": p.long_texts,
        "nul": p.nul_texts, "invalid_utf8": p.invalid_texts, "forms": forms,
        "boolean_words": spellings.map(|(_, (yes, no))| format!("{yes}/{no}")).collect::<Vec<_>>(),
    })
}

fn place(table: &TableProfile, row: u64) -> Value {
    match table.place_keys.get(&row) {
        Some(key) => json!({ "row": row, "key": key }),
        None => json!({ "row": row }),
    }
}

fn examples(table: &TableProfile, p: &ColumnProfile) -> Value {
    let value = |class: &str, e: &Example| {
        let mut out = place(table, e.row);
        if let Some(map) = out.as_object_mut() {
            map.insert("class".into(), class.into());
            map.insert("value".into(), e.text.clone().into());
        }
        out
    };
    let all = CLASSES.iter().zip(&p.examples).flat_map(|(class, list)| list.iter().map(move |e| value(class, e)));
    all.collect::<Vec<_>>().into()
}

/// At most three values, of every class that is there; as they may reach a terminal.
pub fn values(p: &ColumnProfile) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for round in 0..3 {
        for class in &p.examples {
            if let Some(example) = class.get(round)
                && out.len() < 3
            {
                out.push(clean(&example.text).into_owned());
            }
        }
    }
    out
}

/// How many values differ, where these are few: `5 different`.
pub fn different(p: &ColumnProfile, most: u64) -> Option<String> {
    let n = p.distinct().filter(|n| *n <= most && *n < p.values())?;
    Some(if n == 1 { "all equal".to_owned() } else { format!("{} different", count(n)) })
}

/// What a column holds, in parts: `5,000 texts of 4 to 8 characters`, `12 NULL`, `5 different`.
pub fn holds(p: &ColumnProfile) -> Vec<String> {
    let mut out = Vec::new();
    if p.values() == 0 {
        out.push(if p.nulls > 0 { "only NULL".to_owned() } else { "nothing".to_owned() });
        return out;
    }
    if p.integers > 0 {
        let what = counted(p.integers, "integer", "integers");
        out.push(format!("{what}, {}", range(p.integer_min, p.integer_max)));
    }
    if p.reals > 0 {
        out.push(reals(p));
    }
    if p.texts > 0 {
        let what = counted(p.texts, "text", "texts");
        out.push(format!("{what} of {} characters", range(count(p.text_min_chars), count(p.text_max_chars))));
        out.extend(forms(p));
    }
    if p.blobs > 0 {
        let what = counted(p.blobs, "blob", "blobs");
        out.push(format!("{what} of {} bytes", range(count(p.blob_min_bytes), count(p.blob_max_bytes))));
    }
    let odd = [
        (p.empty_texts, "empty"),
        (p.nul_texts, "with a NUL byte"),
        (p.invalid_texts, "not valid UTF-8"),
        (p.long_texts, "longer than declared"),
        (p.non_finite, "infinite"),
        (p.negative_zeros, "-0.0"),
        (p.nulls, "NULL"),
    ];
    out.extend(odd.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", count(*n))));
    match p.distinct() {
        Some(_) => out.extend(different(p, DISTINCT as u64)),
        None => out.push(format!("more than {} different", count(DISTINCT as u64))),
    }
    out
}

fn range<T: PartialEq + std::fmt::Display>(least: T, greatest: T) -> String {
    if least == greatest { format!("{least}") } else { format!("{least} to {greatest}") }
}

fn reals(p: &ColumnProfile) -> String {
    let what = counted(p.reals, "real", "reals");
    if p.reals == p.non_finite + p.negative_zeros {
        return what;
    }
    let (low, high) = (format!("{:?}", p.real_min), format!("{:?}", p.real_max));
    let decimals = if p.decimals_skipped {
        String::new()
    } else {
        format!(", at most {}", counted(p.real_after.into(), "decimal", "decimals"))
    };
    format!("{what}, {}{decimals}", range(low, high))
}

/// The form that most of the texts have, if it is more than half of them.
fn forms(p: &ColumnProfile) -> Option<String> {
    const WORDS: [(Form, &str); 16] = [
        (Form::Date, "dates"),
        (Form::Local, "date-times without zone"),
        (Form::Zoned, "date-times with a zone"),
        (Form::Clock, "times"),
        (Form::UuidLower, "UUIDs"),
        (Form::UuidUpper, "UUIDs in upper case"),
        (Form::UuidHexLower, "UUIDs without dashes"),
        (Form::UuidHexUpper, "UUIDs without dashes, in upper case"),
        (Form::BooleanWord, "words for true and false"),
        (Form::Integer, "written integers"),
        (Form::Number, "written numbers"),
        (Form::JsonValid, "JSON"),
        (Form::Ipv4, "IPv4 addresses"),
        (Form::Ipv6, "IPv6 addresses"),
        (Form::Cidr, "networks"),
        (Form::Mac, "MAC addresses"),
    ];
    let known = WORDS.iter().find_map(|(form, word)| Some((p.count(*form).filter(|n| *n * 2 > p.texts)?, *word)));
    let durations = p.count(Form::Interval).filter(|n| *n * 2 > p.texts).map(|n| (n, "durations"));
    let (n, word) = known.or(durations)?;
    let strangers = if n == p.texts { String::new() } else { format!("{} of {} ", count(n), count(p.texts)) };
    Some(format!("{strangers}{word}"))
}
