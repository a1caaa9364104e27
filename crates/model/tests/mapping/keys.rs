//! Keys, foreign keys, limits.

use crate::tables::*;
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
