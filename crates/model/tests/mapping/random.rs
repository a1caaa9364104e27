//! Random columns: each gets a type whose codec takes every value and gives it back.

use crate::tables::*;
use lite2pg_model::mapping::choices::Types;
use lite2pg_model::normal;
const DECLARED: [&str; 27] = [
    "VARCHAR(3)",
    "CHAR(2)",
    "CHAR(32)",
    "TIME",
    "INTERVAL",
    "INET",
    "MACADDR",
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
            text("true"),
            text("10:00:00"),
            text("10.0.0.1"),
            text("1.50"),
            text("[1, 2]"),
            text("0b2a9d4e00004000800000000000000a"),
            text("yes"),
            text("no")
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
        let form = normal::Column::of(&mapping.crossing);
        let (mut here, mut there) = (Vec::new(), Vec::new());
        form.of_source(v.as_value(), &mut here);
        form.of_target(field, &mut there);
        prop_assert_eq!(here, there, "{:?} {:?}", mapping, v);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Whatever a column holds: under `lossless` it gets a type whose codec takes every value and gives it back.
    #[test]
    fn every_column_has_a_type(
        declared in proptest::sample::select(&DECLARED[..]),
        values in any_column(),
        types in proptest::sample::select(vec![Types::Native, Types::Inferred, Types::Plain]),
        mixed in proptest::sample::select(vec!["mixed=text", "mixed=widest", "mixed=jsonb"]),
    ) {
        let borrowed: Vec<Value<'_>> = values.iter().map(OwnedValue::as_value).collect();
        let t = table("t", &[("c", declared)]);
        let profiles = BTreeMap::from([("t".to_owned(), profile(&t, &[&borrowed]))]);
        let schema = Schema { tables: vec![t], ..Schema::default() };
        let choices = Choices { types, ..Choices::of(Policies::parse(["lossless", mixed]).unwrap()) };
        let (tables, findings) = decide(&schema, &profiles, &choices);
        prop_assert!(!findings.iter().any(Finding::blocks), "{findings:?}");
        let mapping = &tables["t"].columns[0];
        let plain = [PgType::BigInt, PgType::Double, PgType::Text, PgType::Bytea];
        let kept = plain.contains(&mapping.ty) || matches!(mapping.ty, PgType::Numeric(_)) || mixed == "mixed=jsonb";
        prop_assert!(types != Types::Plain || kept, "{mapping:?}");
        // A space at the end of what char(n) would hold is for the trial to find.
        if !matches!(mapping.ty, PgType::Char(_)) {
            taken(mapping, &values)?;
        }
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
