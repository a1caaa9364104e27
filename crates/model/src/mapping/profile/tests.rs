//! A profile of a whole is the sum of the profiles of its parts, and what it says is what its values are.

use super::*;
use crate::mapping::codec::{Normal, OwnedValue};
use crate::schema::{Affinity, Column};
use proptest::prelude::*;

fn column(declared: &str) -> Column {
    Column {
        name: "c".into(),
        declared: declared.into(),
        affinity: Affinity::of(declared),
        not_null: false,
        default: None,
        collation: None,
        generated: None,
        read: None,
    }
}

fn seen(declared: &str, values: &[Value<'_>]) -> ColumnProfile {
    let mut p = ColumnProfile::for_column(&column(declared));
    values.iter().for_each(|v| p.observe(*v));
    p
}

fn texts(declared: &str, values: &[&str]) -> ColumnProfile {
    let values: Vec<Value<'_>> = values.iter().map(|t| Value::Text(t.as_bytes())).collect();
    seen(declared, &values)
}

fn any_value() -> impl Strategy<Value = OwnedValue> {
    let some = |all: &'static [&'static str]| {
        proptest::sample::select(all).prop_map(|t| OwnedValue::Text(t.as_bytes().to_vec()))
    };
    prop_oneof![
        1 => Just(OwnedValue::Null),
        2 => any::<i64>().prop_map(OwnedValue::Integer),
        2 => (0i64..3).prop_map(OwnedValue::Integer),
        2 => any::<f64>().prop_filter("SQLite has no NaN", |r| !r.is_nan()).prop_map(OwnedValue::Real),
        2 => (-300i64..300).prop_map(|m| OwnedValue::Real(m as f64 / 100.0)),
        2 => proptest::collection::vec(any::<u8>(), 0..9).prop_map(OwnedValue::Text),
        2 => proptest::collection::vec(any::<u8>(), 0..20).prop_map(OwnedValue::Blob),
        3 => some(&["true", "false", "TRUE", "Yes", "no", "1", "0", "", "", "é", "ééééééé", "a much longer text"]),
        3 => some(&["2024-01-31", "2024-01-31T10:00:00.5", "2024-01-31 00:00", "10:00", "10:00:00.50", "12:00:00Z"]),
        3 => some(&["{}", "[1]", "{\"a\":1,\"a\":2}", "[\"\\u0000\"]", "10.0.0.0/8", "::1", "P1Y", "1.50", "12"]),
        1 => some(&["0b2a9d4e-0000-4000-8000-00000000000a", "0b2a9d4e00004000800000000000000a"]),
    ]
}

const DECLARED: [&str; 12] =
    ["", "INTEGER", "REAL", "DECIMAL(5,2)", "TEXT", "VARCHAR(5)", "DATE", "JSON", "BOOLEAN", "UUID", "TIME", "INET"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn parts_merged_are_one_pass_over_all(
        declared in proptest::sample::select(&DECLARED[..]),
        parts in proptest::collection::vec(proptest::collection::vec(any_value(), 0..12), 1..4),
    ) {
        let mut all = ColumnProfile::for_column(&column(declared));
        let mut merged = all.clone();
        for part in &parts {
            let mut one = ColumnProfile::for_column(&column(declared));
            for v in part {
                all.observe(v.as_value());
                one.observe(v.as_value());
            }
            // Written and read, as it is between processes.
            let json = serde_json::to_string(&one).unwrap();
            let back: Result<ColumnProfile, _> = serde_json::from_str(&json);
            // JSON has no infinities; they stand in no field of a profile.
            merged.merge(&back.unwrap());
        }
        prop_assert_eq!(&merged, &all);
    }

    #[test]
    fn decimals_are_measured_as_their_shortest_form_shows(
        reals in proptest::collection::vec(
            prop_oneof![
                (-1_000_000_000i64..1_000_000_000, 0i32..9).prop_map(|(m, k)| m as f64 / 10f64.powi(k)),
                any::<i32>().prop_map(|m| f64::from(m) * 1e12),
                -1e3..1e3,
            ],
            1..8,
        ),
    ) {
        let reals: Vec<f64> = reals.into_iter().filter(|r| r.to_bits() != (-0.0f64).to_bits()).collect();
        let p = seen("NUMERIC", &reals.iter().map(|r| Value::Real(*r)).collect::<Vec<_>>());
        let places = reals.iter().filter_map(|r| Decimal::shortest(*r)).map(|d| d.places());
        let most = places.fold((0, 0), |(a, b), (c, d)| (a.max(c), b.max(d)));
        prop_assert_eq!((p.real_before, p.real_after), most, "{:?}", reals);
    }

    #[test]
    fn different_values_are_counted_exactly(values in proptest::collection::vec(any_value(), 0..60)) {
        let mut p = ColumnProfile::for_column(&column(""));
        let mut different: Vec<&OwnedValue> = Vec::new();
        for v in &values {
            p.observe(v.as_value());
            let same = |w: &&OwnedValue| match (v, *w) {
                (OwnedValue::Integer(i), OwnedValue::Real(r)) | (OwnedValue::Real(r), OwnedValue::Integer(i)) => {
                    *i as f64 == *r && *r as i64 == *i
                }
                (a, b) => a == b,
            };
            if *v != OwnedValue::Null && !different.iter().any(same) {
                different.push(v);
            }
        }
        prop_assert_eq!(p.distinct(), Some(different.len() as u64));
    }
}

#[test]
fn many_different_values_merge_alike_too() {
    let profile = |range: std::ops::Range<i64>| {
        let mut p = ColumnProfile::for_column(&column(""));
        for i in range.clone() {
            p.observe(Value::Text(format!("text {}", i % 700).as_bytes()));
            p.observe(Value::Integer(i));
        }
        p
    };
    for cut in [0, 10, 300, 490, 500, 900] {
        let mut merged = profile(0..cut);
        merged.merge(&profile(cut..1000));
        assert_eq!(merged, profile(0..1000), "cut at {cut}");
        assert_eq!((merged.distinct(), merged.labels()), (None, None));
    }
    assert_eq!(profile(0..500).distinct(), Some(1000));
    assert_eq!(profile(0..501).distinct(), None);
    assert_eq!(profile(0..64).labels().map(<[String]>::len), Some(64));
    assert_eq!(profile(0..65).labels(), None);
}

#[test]
fn spellings_of_true_and_false() {
    let bit = |yes: &str| 1u16 << Normal::WORDS.iter().position(|(y, _)| *y == yes).unwrap();
    assert_eq!(texts("", &["Y", "N", "Y"]).boolean_words(), bit("Y"));
    assert_eq!(texts("", &["true", "", "false"]).boolean_words(), bit("true"));
    assert_eq!(texts("", &["t", "F"]).boolean_words(), 0, "two spellings");
    assert_eq!(texts("", &["tRUE"]).boolean_words(), 0, "no spelling of ours");
    assert_eq!(texts("", &["Y", "maybe"]).boolean_words(), 0);
    assert_eq!(texts("", &[""]).boolean_words(), 0);
    assert_eq!(texts("BOOLEAN", &["on"]).boolean_words(), bit("on"));
    assert_eq!(texts("", &["Y", "N"]).labels(), Some(&["Y".to_owned(), "N".to_owned()][..]));
}

#[test]
fn forms_of_times_addresses_and_durations() {
    let all = |form: Form, values: &[&str]| texts("", values).all_texts_are(form);
    assert!(all(Form::Clock, &["10:00", "23:59:59", "00:00:00.123"]));
    assert!(all(Form::ClockCanonical, &["23:59:59", "00:00:00.123"]) && !all(Form::ClockCanonical, &["10:00"]));
    for no in ["24:00", "10:0", "10:00:60", "10:00Z", "10:00:00.1234567", "2024-01-31 10:00"] {
        assert!(!all(Form::Clock, &[no]), "{no}");
    }
    assert!(all(Form::LetterT, &["2024-01-31T10:00:00Z"]) && !all(Form::LetterT, &["2024-01-31 10:00"]));
    assert!(all(Form::Fraction, &["2024-01-31T10:00:00.5Z"]) && !all(Form::Fraction, &["2024-01-31 10:00:00"]));
    assert!(all(Form::Ipv4, &["127.0.0.1", "255.255.255.255"]) && all(Form::Ipv6, &["::1", "2001:db8::ff00:42:8329"]));
    assert!(all(Form::Cidr, &["10.0.0.0/8", "0.0.0.0/0", "1.2.3.4/32", "2001:db8::/32", "::1/128", "::/0"]));
    for no in ["10.0.0.1/8", "1.2.3.4/33", "::1/0", "::1/129", "1.2.3.4/", "1.2.3.4/08", "1.2.3", "01.2.3.4", "a", ""] {
        assert!(![Form::Ipv4, Form::Ipv6, Form::Cidr].iter().any(|f| all(*f, &[no])), "{no}");
    }
    assert!(all(Form::Mac, &["08:00:2b:01:02:03", "08-00-2B-01-02-03"]));
    for no in ["08:00-2b:01:02:03", "08:00:2b:01:02", "08:00:2g:01:02:03", "08002b:010203"] {
        assert!(!all(Form::Mac, &[no]), "{no}");
    }
    assert!(all(Form::Interval, &["P1Y2M3DT4H5M6.5S", "PT0S", "P3W", "P1Y"]));
    for no in ["P", "PT", "P1S", "P1YT", "P1M1Y", "PT1.5H", "1Y", "P1.5Y", "-P1Y", "P99999999Y", "PT1.1234567S"] {
        assert!(!all(Form::Interval, &[no]), "{no}");
    }
    assert!(all(Form::UuidHexLower, &["0b2a9d4e00004000800000000000000a"]));
    assert!(all(Form::UuidHexUpper, &["0B2A9D4E00004000800000000000000A"]));
}

#[test]
fn json_is_told_apart_by_kind_and_by_flaw() {
    let p = texts("JSON", &["{}", "[1]", "2", "{\"a\":1,\"a\":2}", "[\"\\u0000\"]", "\"\\ud834\"", "[-0]", "no", ""]);
    let counts = [
        (Form::JsonValid, 7),
        (Form::Json, 3),
        (Form::JsonObject, 2),
        (Form::JsonArray, 3),
        (Form::JsonScalar, 2),
        (Form::JsonDuplicateKey, 1),
        (Form::JsonNul, 1),
        (Form::JsonSurrogate, 1),
        (Form::JsonNumber, 1),
    ];
    for (form, n) in counts {
        assert_eq!(p.count(form), Some(n), "{form:?}");
    }
    assert!(texts("TEXT", &["{}", "[1]"]).all_texts_are(Form::Json));
    assert_eq!(texts("TEXT", &["{}", "1"]).count(Form::Json), None, "a scalar is as often something else");
}

#[test]
fn lengths_limits_and_flaws() {
    let p = texts("VARCHAR(3)", &["abcd", "ééé", "", "a"]);
    assert_eq!((p.limit_chars, p.long_texts, &p.long_places), (Some(3), 1, &vec![1]));
    assert_eq!((p.text_min_bytes, p.text_max_bytes, p.text_min_chars, p.text_max_chars), (0, 6, 0, 4));
    assert!(
        texts("DATE", &["2024-01-31", ""]).all_filled_texts_are(Form::Date),
        "an empty text speaks against no form"
    );
    assert_eq!(texts("TEXT", &["2024-01-31", ""]).count(Form::Date), Some(1));
    let both = seen("TEXT", &[Value::Text(b"a\0\xff"), Value::Text(b"\xff"), Value::Text(b"\0")]);
    assert_eq!((both.nul_texts, both.invalid_texts), (2, 2));
    assert_eq!((both.nul_places, both.invalid_places), (vec![1, 3], vec![1, 2]));
    let blobs = seen("", &[Value::Blob(b""), Value::Blob(&[0; 16])]);
    assert_eq!((blobs.blob_min_bytes, blobs.blob_max_bytes, blobs.blobs_of_16), (0, 16, 1));
}

#[test]
fn numbers_and_what_they_may_count() {
    let integers = |all: &[i64]| seen("", &all.iter().map(|i| Value::Integer(*i)).collect::<Vec<_>>());
    assert_eq!(integers(&[1_700_000_000]).epoch(), Some(Normal::EpochSeconds));
    assert_eq!(integers(&[1_700_000_000_000_001_000]).epoch(), Some(Normal::EpochNanos));
    assert_eq!(integers(&[1_700_000_000_000_001_001]).epoch(), None, "finer than microseconds");
    assert_eq!(integers(&[1_700_000_000, 5]).epoch(), None);
    assert_eq!((integers(&[1]).integer_bits(), integers(&[40_000]).integer_bits()), (16, 32));
    assert_eq!(integers(&[1 << 40]).integer_bits(), 64);
    let reals = seen("REAL", &[Value::Real(1.25), Value::Real(9_007_199_254_740_992.0), Value::Real(-3.0)]);
    assert_eq!((reals.integral_reals, reals.large_reals, reals.real_after), (2, 1, 2));
    let long = seen("REAL", &[Value::Real(1.25), Value::Real(0.1 + 0.2)]);
    assert!(long.decimals_skipped && !seen("NUMERIC", &[Value::Real(0.1 + 0.2)]).decimals_skipped);
    assert!(seen("", &[Value::Real(2_460_340.5)]).julian_days() && !seen("", &[Value::Real(1.5)]).julian_days());
}

#[test]
fn examples_are_different_values() {
    let p = seen("", &[Value::Integer(1), Value::Integer(1), Value::Null, Value::Integer(2), Value::Text(b"x")]);
    let integers: Vec<(u64, &str)> = p.examples[0].iter().map(|e| (e.row, e.text.as_str())).collect();
    assert_eq!(integers, [(1, "1"), (4, "2")]);
    assert_eq!(p.distinct(), Some(3));
}
