//! What becomes of the columns that go wrong for people today: one case a known trap, judged by what a person who knows
//! both databases would choose, and by the codec taking every value that was profiled.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on must fail")]

use lite2pg_model::finding::{Finding, Severity, codes};
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::choices::Choices;
use lite2pg_model::mapping::codec::{Normal, OwnedValue};
use lite2pg_model::mapping::decide::{ColumnMapping, ForeignKeyFate, KeyFate, TableMapping, decide};
use lite2pg_model::mapping::policy::Policies;
use lite2pg_model::mapping::profile::{ColumnProfile, TableProfile};
use lite2pg_model::normal::{Form, source, target};
use lite2pg_model::schema::{
    Action, Affinity, Column, Deferrable, ForeignKey, Key, KeyColumn, Schema, Table, TableKind,
};
use lite2pg_model::value::Value::{self, Blob, Integer, Null, Real, Text};
use proptest::prelude::{
    Just, ProptestConfig, Strategy, TestCaseError, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use std::collections::BTreeMap;

fn column(name: &str, declared: &str) -> Column {
    Column {
        read: None,
        name: name.into(),
        declared: declared.into(),
        affinity: Affinity::of(declared),
        not_null: false,
        default: None,
        collation: None,
        generated: None,
    }
}

fn table(name: &str, columns: &[(&str, &str)]) -> Table {
    Table {
        filter: None,
        left_out: Vec::new(),
        name: name.into(),
        sql: String::new(),
        kind: TableKind::Ordinary,
        without_rowid: false,
        strict: false,
        columns: columns.iter().map(|(n, d)| column(n, d)).collect(),
        rowid_alias: None,
        autoincrement: false,
        sequence: None,
        primary_key: None,
        uniques: vec![],
        foreign_keys: vec![],
        checks: vec![],
        indexes: vec![],
    }
}

fn key(columns: &[usize]) -> Key {
    let columns = columns.iter().map(|c| KeyColumn { column: *c, collation: None, descending: false }).collect();
    Key { name: None, columns, on_conflict: None }
}

fn refers(column: usize, parent: &str, to: &str) -> ForeignKey {
    ForeignKey {
        name: None,
        columns: vec![column],
        parent: parent.into(),
        parent_columns: vec![to.into()],
        on_delete: Action::NoAction,
        on_update: Action::NoAction,
        deferrable: Deferrable::Not,
    }
}

/// Profiles rows given column by column.
fn profile(table: &Table, columns: &[&[Value<'_>]]) -> TableProfile {
    let mut profile = TableProfile::for_table(table);
    profile.rows = columns.iter().map(|c| c.len() as u64).max().unwrap_or(0);
    for (p, values) in profile.columns.iter_mut().zip(columns) {
        values.iter().for_each(|v| p.observe(*v));
    }
    profile
}

/// Decides one column of a table of its own; the codec must take every value unless a finding blocks.
fn one(declared: &str, values: &[Value<'_>], policies: &[&str]) -> (PgType, Normal, String, Vec<Finding>) {
    let t = table("t", &[("c", declared)]);
    let profiles = BTreeMap::from([("t".to_owned(), profile(&t, &[values]))]);
    let schema = Schema { tables: vec![t], ..Schema::default() };
    let (tables, findings) = decide(&schema, &profiles, &Choices::of(Policies::parse(policies).unwrap()));
    let mapping = &tables["t"].columns[0];
    if !findings.iter().any(Finding::blocks) {
        for v in values {
            let mut out = Vec::new();
            mapping.codec().encode(*v, &mut out).unwrap_or_else(|e| panic!("{declared} {mapping:?} {v:?}: {e}"));
            mapping.codec().decode(out.get(4..).filter(|_| *v != Null)).unwrap();
        }
    }
    (mapping.ty, mapping.normal, mapping.reason.clone(), findings)
}

/// A case: declared type, values, type, code of the finding and its severity, a word that must stand in it.
type Case<'a> = (&'a str, &'a [Value<'a>], PgType, Option<(&'a str, Severity, &'a str)>);

const UUID: Value<'_> = Text(b"0b2a9d4e-0000-4000-8000-00000000000a");
const UPPER: Value<'_> = Text(b"0B2A9D4E-0000-4000-8000-00000000000A");

fn check(cases: &[Case<'_>]) {
    for (declared, values, ty, finding) in cases {
        let (got, _, reason, mut findings) = one(declared, values, &[]);
        // How values are written is another test's.
        findings.retain(|f| f.code != codes::NORMAL_FORM);
        assert_eq!(got, *ty, "{declared} {values:?}: {reason}");
        match finding {
            None => assert_eq!(findings, vec![], "{declared} {values:?}"),
            Some((code, severity, word)) => {
                assert_eq!(findings.len(), 1, "{declared}: {findings:?}");
                let f = &findings[0];
                assert_eq!((f.code.as_str(), f.severity), (*code, *severity), "{declared}: {f:?}");
                assert!(f.message.contains(word), "{declared}: {}", f.message);
                assert_eq!(f.object, "t.c");
            }
        }
    }
}

const WARN: Severity = Severity::Warning;
const NOTE: Severity = Severity::Note;
const BLOCK: Severity = Severity::Blocking;

#[test]
fn integers_and_booleans() {
    check(&[
        // Integer booleans become booleans only by name and content together.
        ("BOOLEAN", &[Integer(0), Integer(1), Null], PgType::Boolean, None),
        ("INTEGER", &[Integer(0), Integer(1)], PgType::BigInt, None),
        ("BOOL", &[Integer(0), Integer(2)], PgType::BigInt, Some((codes::WIDER, WARN, "from 0 to 2"))),
        (
            "BOOLEAN",
            &[Text(b"t"), Text(b"false")],
            PgType::Text,
            Some((codes::WIDER, WARN, "2 of the texts are words")),
        ),
        ("BOOLEAN", &[Integer(1), Text(b"t")], PgType::Text, Some((codes::MIXED, WARN, "1 integer, 1 text"))),
        // Width by declaration and values; when in doubt bigint.
        ("INT", &[Integer(1_627_303_906_122)], PgType::BigInt, None),
        ("INT4", &[Integer(5)], PgType::Integer, None),
        ("INT4", &[Integer(1 << 40)], PgType::BigInt, Some((codes::WIDER, WARN, "1099511627776"))),
        ("TINYINT(1)", &[Integer(1)], PgType::SmallInt, None),
        ("SMALLINT", &[Integer(-40_000)], PgType::BigInt, Some((codes::WIDER, WARN, "-40000"))),
        ("INTEGER(3)", &[Integer(5)], PgType::BigInt, None),
        ("SMALLINT", &[], PgType::SmallInt, None),
        // Mixed classes, and empty texts where a number belongs.
        (
            "INTEGER",
            &[Integer(1), Text(b"abc"), Real(2.5), Blob(b"\0")],
            PgType::Text,
            Some((codes::MIXED, WARN, "1 integer, 1 real, 1 text, 1 blob (row 2: 'abc')")),
        ),
        ("INTEGER", &[Integer(1), Text(b"")], PgType::Text, Some((codes::MIXED, WARN, "(1 of them empty)"))),
        ("INTEGER", &[Text(b"")], PgType::Text, Some((codes::WIDER, WARN, "1 text (1 of them empty)"))),
        ("INTEGER", &[Integer(1), Real(2.5)], PgType::Double, Some((codes::WIDER, WARN, "row 2: 2.5"))),
        ("INTEGER", &[Integer((1 << 53) + 1), Real(2.5)], PgType::Numeric(None), Some((codes::WIDER, WARN, "1 real"))),
        ("INTEGER", &[Integer((1 << 53) + 1), Real(-0.0)], PgType::Text, Some((codes::MIXED, WARN, "1 real"))),
    ]);
}

#[test]
fn reals_and_decimals() {
    check(&[
        ("REAL", &[Real(0.1 + 0.2), Real(std::f64::consts::PI)], PgType::Double, None),
        ("FLOAT", &[Real(f64::INFINITY), Real(-0.0)], PgType::Double, None),
        ("DOUBLE PRECISION", &[Integer(3), Real(0.5)], PgType::Double, None),
        ("REAL", &[Integer((1 << 53) + 1)], PgType::BigInt, Some((codes::WIDER, WARN, "2^53"))),
        ("DECIMAL(10,2)", &[Real(1.1), Integer(5)], PgType::Numeric(Some((10, 2))), None),
        (
            "DECIMAL(10,2)",
            &[Real(1.125)],
            PgType::Numeric(None),
            Some((codes::WIDER, WARN, "more than 10 digits or 2")),
        ),
        ("DECIMAL(3)", &[Integer(1000)], PgType::Numeric(None), Some((codes::WIDER, WARN, "3 digits"))),
        ("MONEY", &[Real(1.5)], PgType::Numeric(None), None),
        ("NUMERIC", &[Real(f64::NEG_INFINITY)], PgType::Double, Some((codes::WIDER, WARN, "1 infinities"))),
        ("DECIMAL(10,2)", &[Real(-0.0)], PgType::Double, Some((codes::WIDER, WARN, "-0.0"))),
        ("NUMERIC", &[Real(9_223_372_036_854_775_808.0)], PgType::Numeric(None), Some((codes::WIDER, NOTE, "2^53"))),
        ("NUMERIC(10,2)", &[], PgType::Numeric(Some((10, 2))), None),
        // The name says text, the affinity says number.
        ("STRING", &[Integer(123)], PgType::BigInt, Some((codes::WIDER, NOTE, "leading zeros"))),
        ("STRING", &[Text(b"abc")], PgType::Text, None),
        ("FLOATING POINT", &[Integer(1)], PgType::BigInt, None),
        ("FLOATING POINT", &[Real(1.5)], PgType::Double, Some((codes::WIDER, WARN, "1 real"))),
        ("signed thing", &[Integer(1), Real(1.5)], PgType::Double, None),
    ]);
}

#[test]
fn dates() {
    let seconds = [Integer(1_647_950_409), Integer(1_700_000_000)];
    let millis = [Integer(1_647_950_409_737)];
    let garbage = [Text(b"2024-01-31"), Real(2_460_340.5), Text(b"31/01/2024"), Text(b"now"), Text(b""), Integer(0)];
    check(&[
        ("DATE", &[Text(b"2024-01-31"), Null], PgType::Date, None),
        ("DATE", &[Text(b"2024-01-31 00:00:00")], PgType::Timestamp, None),
        ("DATE", &[Text(b"2024-01-31"), Text(b"2024-01-31T10:00")], PgType::Timestamp, None),
        ("DATETIME", &[Text(b"2024-03-31 02:30:00"), Text(b"2024-01-01")], PgType::Timestamp, None),
        ("TIMESTAMP WITH TIME ZONE", &[Text(b"2024-03-31 02:30:00")], PgType::Timestamp, None),
        ("DATETIME", &[Text(b"2024-03-31T02:30:00Z"), Text(b"2024-03-31T02:30:00+02:00")], PgType::TimestampTz, None),
        (
            "DATETIME",
            &[Text(b"2024-03-31T02:30:00Z"), Text(b"2024-03-31T02:30:00")],
            PgType::Text,
            Some((codes::WIDER, WARN, "1 date-times have a zone and 1 have none")),
        ),
        (
            "DATETIME",
            &seconds,
            PgType::BigInt,
            Some((codes::WIDER, NOTE, "as seconds since 1970 they are 2022-03-22 to 2023-11-14")),
        ),
        (
            "DATETIME",
            &millis,
            PgType::BigInt,
            Some((codes::WIDER, NOTE, "as milliseconds since 1970 they are 2022-03-22")),
        ),
        (
            "DATE",
            &[Real(2_460_340.5)],
            PgType::Double,
            Some((codes::WIDER, NOTE, "as Julian days they are 2024-01-31")),
        ),
        (
            "DATE",
            &garbage,
            PgType::Text,
            Some((
                codes::MIXED,
                WARN,
                "5 of 6 values are no dates, 1 of them empty texts (row 3: '31/01/2024'; row 4: 'now'; row 5: '')",
            )),
        ),
        (
            "DATE",
            &[Text(b"2024-01-31"), Text(b"2023-02-29")],
            PgType::Text,
            Some((codes::WIDER, WARN, "1 of 2 values are no dates (row 2: '2023-02-29')")),
        ),
        ("DATETIME", &[Text(b"2024-01-31 10:00:00.1234567")], PgType::Text, Some((codes::WIDER, WARN, "1 of 1"))),
        ("DATETIME", &[Text(b"0000-01-01 10:00:00")], PgType::Text, Some((codes::WIDER, WARN, "1 of 1"))),
        ("TIME", &[Text(b"10:00:00")], PgType::Text, None),
        ("TEXT", &[Text(b"2024-01-31")], PgType::Text, None),
        ("DATE", &[], PgType::Date, None),
        ("DATETIME", &[Null], PgType::Timestamp, None),
    ]);
}

#[test]
fn texts_uuids_json_blobs() {
    let long = "x".repeat(300);
    let safe = Text(br#"{"a": [1, 2.50, null]}"#);
    let mixed_case = [UUID, UPPER];
    let sixteen = Blob(b"0123456789abcdef");
    check(&[
        ("VARCHAR(128)", &[Text(long.as_bytes())], PgType::Text, None),
        ("CHAR(36)", &[UUID, UUID, Null], PgType::Uuid, None),
        ("CHAR(36)", &[UUID, Text(b"none")], PgType::Text, None),
        ("CHAR(36)", &[UPPER], PgType::Text, None),
        ("UUID", &[UPPER], PgType::Uuid, None),
        ("GUID", &[sixteen], PgType::Uuid, None),
        ("UUID", &mixed_case, PgType::Text, Some((codes::WIDER, WARN, "both letter cases"))),
        ("UUID", &[UUID, Text(b"x")], PgType::Text, Some((codes::WIDER, WARN, "row 2: 'x'"))),
        ("UUID", &[UUID, sixteen], PgType::Text, Some((codes::MIXED, WARN, "1 text, 1 blob"))),
        ("BLOB(16)", &[sixteen], PgType::Bytea, None),
        ("JSON", &[safe], PgType::Jsonb, None),
        (
            "JSON",
            &[safe, Text(br#"{"m":"early \u0000 models"}"#)],
            PgType::Text,
            Some((codes::WIDER, WARN, "1 of 2 values are not JSON that jsonb holds (row 2:")),
        ),
        ("JSONB", &[Text(br#"{"a":1,"a":2}"#)], PgType::Text, Some((codes::WIDER, WARN, "1 of 1"))),
        ("TEXT", &[safe], PgType::Text, None),
        ("BLOB", &[Text(b"\xff\0"), Blob(b"x")], PgType::Bytea, Some((codes::MIXED, WARN, "1 text, 1 blob"))),
        ("BLOB", &[Text(b"a")], PgType::Text, None),
        ("BLOB", &[Integer(1)], PgType::BigInt, None),
        ("BLOB", &[], PgType::Bytea, None),
        ("", &[], PgType::Text, None),
        ("", &[Real(1.5)], PgType::Double, None),
        ("TEXT", &[Blob(b"\xff")], PgType::Bytea, Some((codes::WIDER, WARN, "1 blob (row 1: x'ff')"))),
        ("TEXT", &[Text(b"a"), Blob(b"\xff")], PgType::Text, Some((codes::MIXED, WARN, "x'ff'"))),
        // What PostgreSQL's text cannot hold blocks, with count and places.
        (
            "TEXT",
            &[Text(b"ok"), Text(b"a\0b")],
            PgType::Text,
            Some((codes::NUL, BLOCK, "1 of 2 texts hold a NUL byte, first at row 2")),
        ),
        (
            "TEXT",
            &[Text(b"\xffA")],
            PgType::Text,
            Some((codes::INVALID_UTF8, BLOCK, "1 of 1 texts are not valid UTF-8")),
        ),
    ]);
}

#[test]
fn policies_answer() {
    let flawed = [Text(b"a\0b"), Text(b"\xff")];
    let (ty, normal, _, findings) = one("TEXT", &flawed, &["lossless"]);
    assert_eq!((ty, normal), (PgType::Bytea, Normal::TextBytes));
    assert!(findings.len() == 2 && findings.iter().all(|f| f.accepted && !f.blocks()), "{findings:?}");

    // One of two answered: the other still blocks.
    let (_, _, _, findings) = one("TEXT", &flawed, &["nul=bytea"]);
    assert_eq!(findings.iter().filter(|f| f.blocks()).count(), 1);

    let (ty, normal, _, _) = one("INTEGER", &[Integer(1), Text(b"a\0b"), Blob(b"x")], &["lossless"]);
    assert_eq!((ty, normal), (PgType::Bytea, Normal::Bytes));

    let (_, _, _, findings) = one("INTEGER", &[Integer(1), Text(b"a")], &["mixed=fail"]);
    assert!(findings[0].blocks() && findings[0].hint.contains("mixed=text"));
}

#[test]
fn reasons_are_for_people() {
    let values = vec![UUID; 18_661];
    assert_eq!(one("CHAR(36)", &values, &[]).2, "declared CHAR(36); 18,661 of 18,661 values are UUIDs");
    let (_, normal, reason, _) = one("DATE", &[Text(b"2024-01-31 00:00:00")], &[]);
    assert_eq!(reason, "declared DATE; 1 of 1 values are date-times without zone, all at midnight");
    assert_eq!(normal, Normal::DateTime);
}

/// Parent `p(id, …)` and child `c(p_id → p.id)`.
fn family(
    parent: &str,
    rowid: bool,
    child: &str,
    ids: &[Value<'_>],
    refs: &[Value<'_>],
) -> (BTreeMap<String, TableMapping>, Vec<Finding>) {
    let mut p = table("p", &[("id", parent)]);
    p.primary_key = Some(key(&[0]));
    p.rowid_alias = rowid.then_some(0);
    let mut c = table("c", &[("p_id", child)]);
    c.foreign_keys = vec![refers(0, "P", "ID")];
    let profiles = BTreeMap::from([("p".to_owned(), profile(&p, &[ids])), ("c".to_owned(), profile(&c, &[refs]))]);
    let schema = Schema { tables: vec![p, c], ..Schema::default() };
    decide(&schema, &profiles, &Choices::default())
}

#[test]
fn linked_columns_get_one_type() {
    type Family<'a> = (&'a str, bool, &'a str, &'a [Value<'a>], &'a [Value<'a>], PgType);
    let cases: &[Family<'_>] = &[
        ("INTEGER", true, "SMALLINT", &[Integer(1)], &[Integer(1)], PgType::BigInt),
        ("INT4", false, "INT4", &[Integer(1)], &[Integer(1)], PgType::BigInt),
        ("INTEGER", true, "TEXT", &[Integer(1)], &[Text(b"1")], PgType::BigInt),
        ("INTEGER", true, "REAL", &[Integer(1)], &[Real(1.0)], PgType::BigInt),
        ("INTEGER", true, "TEXT", &[], &[], PgType::BigInt),
        ("INTEGER", true, "NUMERIC(10,2)", &[Integer(1)], &[Integer(1)], PgType::BigInt),
        ("INTEGER", false, "NUMERIC(10,2)", &[Integer(1)], &[Real(1.5)], PgType::Numeric(None)),
        ("TEXT", false, "INTEGER", &[Text(b"1")], &[Integer(1)], PgType::Text),
        ("TEXT", false, "INTEGER", &[Text(b"a")], &[Null], PgType::Text),
        ("CHAR(36)", false, "TEXT", &[UUID], &[UUID], PgType::Text),
        ("UUID", false, "BLOB", &[UUID], &[Null], PgType::Uuid),
        ("DATE", false, "DATETIME", &[Text(b"2024-01-31")], &[Text(b"2024-01-31")], PgType::Timestamp),
        ("DATE", false, "UUID", &[Text(b"2024-01-31")], &[UUID], PgType::Text),
        ("UUID", false, "TEXT", &[], &[], PgType::Uuid),
        ("BLOB", false, "UUID", &[Blob(b"0123456789abcdef")], &[Blob(b"0123456789abcdef")], PgType::Bytea),
    ];
    for (parent, rowid, child, ids, refs, want) in cases {
        let (tables, _) = family(parent, *rowid, child, ids, refs);
        let (p, c) = (&tables["p"].columns[0], &tables["c"].columns[0]);
        assert_eq!((p.ty, c.ty), (*want, *want), "{parent} {child}: {} | {}", p.reason, c.reason);
        for (mapping, values) in [(p, ids), (c, refs)] {
            values.iter().for_each(|v| mapping.codec().encode(*v, &mut Vec::new()).unwrap());
        }
    }
    let (tables, _) = family("TEXT", false, "INTEGER", &[Text(b"1")], &[Integer(1)]);
    assert!(tables["c"].columns[0].reason.contains("foreign keys link it with p.id"));
}

#[test]
fn the_rowid_stays_an_integer() {
    let (tables, findings) = family("INTEGER", true, "TEXT", &[Integer(1)], &[Text(b"one")]);
    assert_eq!(tables["p"].columns[0].ty, PgType::BigInt);
    assert_eq!(tables["c"].columns[0].ty, PgType::Text);
    assert_eq!(tables["c"].foreign_keys, vec![ForeignKeyFate::Drop]);
    assert!(findings.iter().any(|f| f.code == codes::FOREIGN_KEY && f.blocks()));
}

#[test]
fn keys_that_do_not_hold() {
    let mut t = table("t", &[("k", "TEXT"), ("u", ""), ("p", "INTEGER"), ("n", "TEXT")]);
    t.primary_key = Some(key(&[0]));
    t.uniques = vec![key(&[1])];
    t.foreign_keys = vec![refers(2, "t", "k")];
    t.columns[3].not_null = true;
    let mut p = profile(
        &t,
        &[&[Text(b"a"), Null, Null], &[Integer(1), Text(b"1"), Null], &[Null, Null, Null], &[Text(b"x"), Null, Null]],
    );
    p.unique_duplicates = vec![1];
    p.orphans = vec![2];
    let profiles = BTreeMap::from([("t".to_owned(), p)]);
    let schema = Schema { tables: vec![t], ..Schema::default() };

    let (tables, findings) = decide(&schema, &profiles, &Choices::default());
    let blocked: Vec<&str> = findings.iter().filter(|f| f.blocks()).map(|f| f.code.as_str()).collect();
    assert_eq!(blocked, vec![codes::NULL_KEY, codes::NULL_KEY, codes::DUPLICATE_KEY, codes::ORPHANS], "{findings:?}");
    let m = &tables["t"];
    assert!(m.may_collide(&[1]) && !m.may_collide(&[0]));
    assert_eq!((m.primary_key, m.uniques[0]), (KeyFate::Unique, KeyFate::Plain));
    assert_eq!((m.drop_not_null.as_slice(), m.foreign_keys[0]), (&[3][..], ForeignKeyFate::NotValid));

    let (_, findings) = decide(&schema, &profiles, &Choices::of(Policies::parse(["lossless"]).unwrap()));
    assert!(!findings.iter().any(Finding::blocks), "{findings:?}");
}

#[test]
fn long_index_rows_and_huge_values_are_told() {
    let mut t = table("t", &[("k", "TEXT"), ("b", "BLOB")]);
    t.uniques = vec![key(&[0])];
    let long = vec![b'x'; 3000];
    let mut p = profile(&t, &[&[Text(&long)], &[Blob(b"x")]]);
    p.columns[1].blob_max_bytes = 1 << 30;
    let schema = Schema { tables: vec![t], ..Schema::default() };
    let (_, findings) =
        decide(&schema, &BTreeMap::from([("t".to_owned(), p)]), &Choices::of(Policies::parse(["lossless"]).unwrap()));
    let found: Vec<(&str, bool)> = findings.iter().map(|f| (f.object.as_str(), f.blocks())).collect();
    assert_eq!(found, vec![("t.b", true), ("t (unique key)", false)], "{findings:?}");
}

#[test]
fn what_no_index_holds_is_left_out_with_what_refers_to_it() {
    let mut parent = table("p", &[("k", "TEXT")]);
    parent.primary_key = Some(key(&[0]));
    let mut child = table("c", &[("k", "TEXT")]);
    child.foreign_keys = vec![refers(0, "p", "k")];
    let long = vec![b'x'; 9000];
    let profiles = BTreeMap::from([
        ("p".to_owned(), profile(&parent, &[&[Text(&long)]])),
        ("c".to_owned(), profile(&child, &[&[Text(b"x")]])),
    ]);
    let schema = Schema { tables: vec![parent, child], ..Schema::default() };
    let (tables, findings) = decide(&schema, &profiles, &Choices::default());
    assert_eq!(tables["p"].primary_key, KeyFate::Drop);
    assert_eq!(tables["c"].foreign_keys, vec![ForeignKeyFate::Drop]);
    let blocked: Vec<&str> = findings.iter().filter(|f| f.blocks()).map(|f| f.code.as_str()).collect();
    assert_eq!(blocked, vec![codes::TOO_LARGE, codes::FOREIGN_KEY]);
    let (_, findings) = decide(&schema, &profiles, &Choices::of(Policies::parse(["too-large=skip-index"]).unwrap()));
    let blocked: Vec<&str> = findings.iter().filter(|f| f.blocks()).map(|f| f.code.as_str()).collect();
    assert_eq!(blocked, vec![codes::FOREIGN_KEY]);
}

#[test]
fn json_in_a_key_stays_text() {
    let mut t = table("t", &[("k", "JSON"), ("v", "JSON")]);
    t.uniques = vec![key(&[0])];
    let values: &[Value<'_>] = &[Text(br#"{"a":1.0}"#), Text(br#"{"a":1}"#)];
    let p = profile(&t, &[values, values]);
    let schema = Schema { tables: vec![t], ..Schema::default() };
    let (tables, findings) = decide(&schema, &BTreeMap::from([("t".to_owned(), p)]), &Choices::default());
    assert_eq!((tables["t"].columns[0].ty, tables["t"].columns[1].ty), (PgType::Text, PgType::Jsonb));
    assert!(findings.iter().any(|f| f.object == "t.k" && f.code == codes::WIDER && f.message.contains("key")));
}

#[test]
fn what_is_not_kept_of_the_writing_is_told() {
    let note = |declared: &str, values: &[Value<'_>]| {
        let (_, _, _, findings) = one(declared, values, &[]);
        let mut notes = findings.into_iter().filter(|f| f.code == codes::NORMAL_FORM);
        let note = notes.next().map(|f| (f.severity, f.message));
        assert_eq!(notes.next(), None);
        note
    };
    for (declared, values, word) in [
        ("DATETIME", &[Text(b"2024-01-31T10:00:00+02:00")][..], "offset"),
        ("DATETIME", &[Text(b"2024-01-31"), Text(b"2024-01-31 10:00:00")], "1 of 2 date-times"),
        ("JSON", &[Text(b"{\"b\":1,\"a\":2}")], "key order"),
        ("UUID", &[UPPER], "upper case"),
    ] {
        let (severity, message) = note(declared, values).unwrap();
        assert!(severity == NOTE && message.contains(word), "{declared}: {message}");
    }
    assert_eq!(note("INTEGER", &[Integer(1)]), None);
    assert_eq!(note("JSON", &[]), None);
}

#[test]
fn merging_profiles_is_profiling_all() {
    let values = [
        Integer(5),
        Text(b"2024-01-31"),
        Null,
        Real(0.5),
        Text(b"nope"),
        Blob(b"0123456789abcdef"),
        Text(b"a\0"),
        Integer(-7),
        Real(-0.0),
        Text(b""),
        Text(b"\xff"),
        Real(f64::INFINITY),
        Null,
    ];
    for declared in ["DATE", "TEXT", "JSON", "DECIMAL(5,2)", ""] {
        for cut in 0..=values.len() {
            let fresh = || ColumnProfile::for_column(&column("c", declared));
            let (mut all, mut first, mut second) = (fresh(), fresh(), fresh());
            values.iter().for_each(|v| all.observe(*v));
            values[..cut].iter().for_each(|v| first.observe(*v));
            values[cut..].iter().for_each(|v| second.observe(*v));
            first.merge(&second);
            // Counts of dropped forms say nothing, so they are asked through `count`.
            let json = |p: &ColumnProfile| {
                let mut j = serde_json::to_value(p).unwrap();
                j.as_object_mut().unwrap().remove("form_counts");
                j.as_object_mut().unwrap().remove("misses");
                j
            };
            assert_eq!(json(&first), json(&all), "{declared} cut at {cut}");
        }
    }
}

const DECLARED: [&str; 20] = [
    "",
    "INTEGER",
    "SMALLINT",
    "INT4",
    "BOOLEAN",
    "REAL",
    "NUMERIC",
    "DECIMAL(10,2)",
    "DATE",
    "DATETIME",
    "UUID",
    "CHAR(36)",
    "JSON",
    "TEXT",
    "VARCHAR(10)",
    "BLOB",
    "STRING",
    "TIMESTAMPTZ",
    "BYTEA",
    "ANY",
];

fn any_value() -> impl Strategy<Value = OwnedValue> {
    let text = |s: &str| Just(OwnedValue::Text(s.as_bytes().to_vec()));
    prop_oneof![
        Just(OwnedValue::Null),
        (-2i64..3).prop_map(OwnedValue::Integer),
        any::<i64>().prop_map(OwnedValue::Integer),
        (-300i64..300).prop_map(|m| OwnedValue::Real(m as f64 / 100.0)),
        any::<f64>().prop_filter("SQLite has no NaN", |r| !r.is_nan()).prop_map(OwnedValue::Real),
        prop_oneof![Just(-0.0), Just(f64::INFINITY), Just(1e300), Just(3.0)].prop_map(OwnedValue::Real),
        any::<i64>().prop_map(|i| OwnedValue::Text(i.to_string().into_bytes())),
        proptest::collection::vec(any::<u8>(), 0..6).prop_map(OwnedValue::Text),
        proptest::collection::vec(any::<u8>(), 0..6).prop_map(OwnedValue::Blob),
        any::<[u8; 16]>().prop_map(|b| OwnedValue::Blob(b.to_vec())),
        prop_oneof![
            text("2024-01-31"),
            text("2024-01-31 10:00:00.25"),
            text("2024-01-31T00:00"),
            text("2024-01-31T10:00:00+02:00"),
            text("0b2a9d4e-0000-4000-8000-00000000000a"),
            text("0B2A9D4E-0000-4000-8000-00000000000A"),
            text("{\"a\": [1, -2.50e3]}"),
            text("{\"a\": 1, \"a\": 2}"),
            text(""),
            text("12"),
            text("true")
        ],
    ]
}

/// Few kinds of values at a time, so that columns of one kind are common.
fn any_column() -> impl Strategy<Value = Vec<OwnedValue>> {
    proptest::collection::vec(any_value(), 1..4)
        .prop_flat_map(|kinds| proptest::collection::vec(proptest::sample::select(kinds), 0..6))
}

fn taken(mapping: &ColumnMapping, values: &[OwnedValue]) -> Result<(), TestCaseError> {
    for v in values {
        let mut out = Vec::new();
        let taken = mapping.codec().encode(v.as_value(), &mut out);
        prop_assert!(taken.is_ok(), "{:?} {:?} {:?}", mapping, v, taken);
        let field = if *v == OwnedValue::Null { None } else { Some(&out[4..]) };
        let back = mapping.codec().decode(field);
        prop_assert!(back.is_ok(), "{:?} {:?} {:?}", mapping, v, back);
        if matches!(mapping.normal, Normal::Exact | Normal::TextBytes | Normal::UuidUpper | Normal::UuidBlob) {
            prop_assert_eq!(back.as_ref(), Ok(v), "{:?}", mapping);
        }
        // The digests of both sides agree (what PostgreSQL does in between is tested in the engine; jsonb rewrites).
        let form = Form::of(mapping.ty);
        let (mut here, mut there) = (Vec::new(), Vec::new());
        source::field(form, v.as_value(), &mut here);
        target::field(form, field, &mut there);
        prop_assert_eq!(here, there, "{:?} {:?}", mapping, v);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Whatever a column holds: under `lossless` it gets a type whose codec takes every value and gives it back.
    #[test]
    fn every_column_has_a_type(declared in proptest::sample::select(&DECLARED[..]), values in any_column()) {
        let borrowed: Vec<Value<'_>> = values.iter().map(OwnedValue::as_value).collect();
        let t = table("t", &[("c", declared)]);
        let profiles = BTreeMap::from([("t".to_owned(), profile(&t, &[&borrowed]))]);
        let schema = Schema { tables: vec![t], ..Schema::default() };
        let (tables, findings) = decide(&schema, &profiles, &Choices::of(Policies::parse(["lossless"]).unwrap()));
        prop_assert!(!findings.iter().any(Finding::blocks), "{findings:?}");
        taken(&tables["t"].columns[0], &values)?;
    }

    /// The same for linked columns, which get one type or lose their foreign key.
    #[test]
    fn linked_columns_have_types(
        names in proptest::sample::subsequence(&DECLARED[..], 2),
        ids in any_column(),
        refs in any_column(),
        rowid in any::<bool>(),
    ) {
        let ids: Vec<OwnedValue> =
            if rowid { (1..=ids.len() as i64).map(OwnedValue::Integer).collect() } else { ids };
        let mut p = table("p", &[("id", names[0])]);
        p.rowid_alias = rowid.then_some(0);
        let mut c = table("c", &[("p_id", names[1])]);
        c.foreign_keys = vec![refers(0, "p", "id")];
        let (a, b): (Vec<Value<'_>>, Vec<Value<'_>>) =
            (ids.iter().map(OwnedValue::as_value).collect(), refs.iter().map(OwnedValue::as_value).collect());
        let profiles = BTreeMap::from([("p".to_owned(), profile(&p, &[&a])), ("c".to_owned(), profile(&c, &[&b]))]);
        let schema = Schema { tables: vec![p, c], ..Schema::default() };
        let (tables, _) = decide(&schema, &profiles, &Choices::of(Policies::parse(["lossless"]).unwrap()));
        let (p, c) = (&tables["p"].columns[0], &tables["c"].columns[0]);
        prop_assert!(p.ty == c.ty || tables["c"].foreign_keys == vec![ForeignKeyFate::Drop], "{p:?} {c:?}");
        prop_assert!(!rowid || p.ty == PgType::BigInt);
        taken(p, &ids)?;
        taken(c, &refs)?;
    }
}

/// `cargo test --release -p lite2pg-model --test mapping -- --ignored --nocapture speed` prints nanoseconds a value.
#[test]
#[ignore = "a measurement, not a check"]
fn speed() {
    const N: usize = 2_000_000;
    let texts: Vec<String> = (0..1000).map(|i| format!("customer number {i} of the shop")).collect();
    let dates: Vec<String> = (0..1000).map(|i| format!("2024-01-{:02} 10:{:02}:00", i % 28 + 1, i % 60)).collect();
    type Make<'a> = Box<dyn Fn(usize) -> Value<'a> + 'a>;
    let kinds: Vec<(&str, PgType, Make<'_>)> = vec![
        ("INTEGER", PgType::BigInt, Box::new(|i| Integer(i as i64))),
        ("REAL", PgType::Double, Box::new(|i| Real(i as f64 / 7.0))),
        ("DECIMAL(10,2)", PgType::Numeric(Some((12, 2))), Box::new(|i| Real(i as f64 / 100.0))),
        ("TEXT", PgType::Text, Box::new(|i| Text(texts[i % 1000].as_bytes()))),
        ("DATETIME", PgType::Timestamp, Box::new(|i| Text(dates[i % 1000].as_bytes()))),
    ];
    for (declared, ty, make) in &kinds {
        let mut p = ColumnProfile::for_column(&column("c", declared));
        let start = std::time::Instant::now();
        (0..N).for_each(|i| p.observe(make(i)));
        let observe = start.elapsed().as_nanos() / N as u128;
        let codec = lite2pg_model::mapping::codec::Codec::new(*ty);
        let mut out = Vec::with_capacity(1 << 20);
        let start = std::time::Instant::now();
        for i in 0..N {
            codec.encode(make(i), &mut out).unwrap();
            if out.len() > 1 << 19 {
                out.clear();
            }
        }
        let encode = start.elapsed().as_nanos() / N as u128;
        println!("{declared}: observe {observe} ns, encode {encode} ns");
    }
}
