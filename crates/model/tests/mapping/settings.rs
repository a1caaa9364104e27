//! `--types` and `--assume-tz`: what each setting makes of the same values.

use crate::tables::*;
use lite2pg_model::mapping::choices::Types;
use lite2pg_model::mapping::zone::Zone;
use lite2pg_model::schema::{Check, Expression, Index, IndexOn, IndexTerm};
use lite2pg_model::sql::ast::Expr;

fn under(types: Types, declared: &str, values: &[Value<'_>]) -> (PgType, Normal) {
    let choices = Choices { types, ..Choices::default() };
    let (mapping, findings) = chosen(declared, values, &choices);
    assert!(!findings.iter().any(Finding::blocks), "{declared}: {findings:?}");
    (mapping.ty, mapping.normal)
}

/// Declared type, values, and what native, inferred and plain make of them.
type Three<'a> = (&'a str, &'a [Value<'a>], PgType, PgType, PgType);

const DAY: Value<'_> = Text(b"2024-01-31");
const SECOND: Value<'_> = Text(b"0b2a9d4e00004000800000000000000b");
const THIRD: Value<'_> = Text(b"0b2a9d4e00004000800000000000000c");
const MOMENT: Value<'_> = Text(b"2024-01-31 10:00:00");

#[test]
fn three_settings() {
    use PgType::{
        BigInt, Boolean, Bytea, Date, Double, Inet, Jsonb, Numeric, SmallInt, Time, Timestamp, TimestampTz, Uuid,
    };
    let zoned = Text(b"2024-01-31T10:00:00Z");
    let cases: &[Three<'_>] = &[
        ("TEXT", &[DAY], PgType::Text, Date, PgType::Text),
        ("TEXT", &[DAY, MOMENT], PgType::Text, Timestamp, PgType::Text),
        ("TEXT", &[zoned], PgType::Text, TimestampTz, PgType::Text),
        ("", &[MOMENT], PgType::Text, Timestamp, PgType::Text),
        ("VARCHAR(40)", &[DAY], PgType::VarChar(40), Date, PgType::Text),
        ("TEXT", &[UUID], PgType::Text, Uuid, PgType::Text),
        // One of them may as well be a hash.
        ("TEXT", &[HEX], PgType::Text, PgType::Text, PgType::Text),
        ("TEXT", &[HEX, SECOND, THIRD], PgType::Text, Uuid, PgType::Text),
        ("TEXT", &[Text(b"{\"a\": 1}"), Text(b"[]")], PgType::Text, Jsonb, PgType::Text),
        // A scalar alone says nothing.
        ("TEXT", &[Text(b"null"), Text(b"\"a\"")], PgType::Text, PgType::Text, PgType::Text),
        ("TEXT", &[Text(b"10.0.0.1")], PgType::Text, Inet, PgType::Text),
        ("TEXT", &[Text(b"10:00:00")], PgType::Text, Time, PgType::Text),
        ("TEXT", &[Text(b"yes"), Text(b"no")], PgType::Text, Boolean, PgType::Text),
        // One of two words may be the beginning of a list of other ones.
        ("TEXT", &[Text(b"f")], PgType::Text, PgType::Text, PgType::Text),
        ("TEXT", &[Text(b"1"), Text(b"0")], PgType::Text, BigInt, PgType::Text),
        ("TEXT", &[Text(b"1.50"), Text(b"2")], PgType::Text, Numeric(None), PgType::Text),
        // A leading zero is part of a number that is a name.
        ("TEXT", &[Text(b"01"), Text(b"2")], PgType::Text, PgType::Text, PgType::Text),
        ("TEXT", &[DAY, Text(b"")], PgType::Text, PgType::Text, PgType::Text),
        ("DATETIME", &[Integer(1_700_000_000)], BigInt, TimestampTz, BigInt),
        ("DATE", &[Integer(1_700_000_000_123)], BigInt, TimestampTz, BigInt),
        // Whole microseconds or nothing.
        ("DATETIME", &[Integer(1_700_000_000_123_456_000)], BigInt, TimestampTz, BigInt),
        ("DATETIME", &[Integer(1_700_000_000_123_456_789)], BigInt, BigInt, BigInt),
        // Of 1990 or, counted as Apple does, of 2023: nobody can tell.
        ("TIMESTAMP", &[Integer(705_373_256)], BigInt, BigInt, BigInt),
        ("DATETIME", &[Integer(1_700_000_000), Integer(0)], BigInt, BigInt, BigInt),
        ("INTEGER", &[Integer(1_700_000_000)], BigInt, BigInt, BigInt),
        ("DATE", &[Real(2_460_340.5)], Double, Timestamp, Double),
        ("REAL", &[Real(2_460_340.5)], Double, Double, Double),
        ("INTEGER", &[Integer(0), Integer(1)], BigInt, BigInt, BigInt),
        ("BOOLEAN", &[Integer(0), Integer(1)], Boolean, Boolean, BigInt),
        ("BOOLEAN", &[], Boolean, Boolean, BigInt),
        ("SMALLINT", &[Integer(1)], SmallInt, SmallInt, BigInt),
        ("DECIMAL(10,2)", &[Real(1.5)], Numeric(Some((10, 2))), Numeric(Some((10, 2))), Numeric(Some((10, 2)))),
        ("DATETIME", &[MOMENT], Timestamp, Timestamp, PgType::Text),
        ("DATETIME", &[], Timestamp, Timestamp, PgType::Text),
        ("UUID", &[Blob(b"0123456789abcdef")], Uuid, Uuid, Bytea),
        ("JSON", &[Text(b"{}")], Jsonb, Jsonb, PgType::Text),
        ("CHAR(36)", &[UUID], Uuid, Uuid, PgType::Text),
    ];
    for (declared, values, native, inferred, plain) in cases {
        let got = [Types::Native, Types::Inferred, Types::Plain].map(|types| under(types, declared, values).0);
        assert_eq!(got, [*native, *inferred, *plain], "{declared} {values:?}");
    }
    let normal = |values: &[Value<'_>]| under(Types::Inferred, "DATETIME", values).1;
    assert_eq!(normal(&[Integer(1_700_000_000)]), Normal::EpochSeconds);
    assert_eq!(normal(&[Integer(1_700_000_000_000)]), Normal::EpochMillis);
    assert_eq!(normal(&[Integer(1_700_000_000_000_000)]), Normal::EpochMicros);
    assert_eq!(normal(&[Real(2_460_340.5)]), Normal::JulianDay);
}

#[test]
fn plain_is_silent_about_what_it_was_asked_not_to_do() {
    let choices = Choices { types: Types::Plain, ..Choices::default() };
    for (declared, values) in [
        ("DATETIME", &[Text(b"now")][..]),
        ("DATE", &[Integer(1_700_000_000)]),
        ("JSON", &[Text(b"no")]),
        ("BOOLEAN", &[Integer(2)]),
        ("VARCHAR(1)", &[Text(b"long")]),
    ] {
        assert_eq!(chosen(declared, values, &choices).1, vec![], "{declared}");
    }
    assert_eq!(chosen("INTEGER", &[Integer(1), Text(b"a")], &choices).1[0].code, codes::MIXED);
}

/// A column that an expression computes with keeps the class which the expression was written for.
#[test]
fn inference_keeps_off_columns_in_expressions() {
    let choices = Choices { types: Types::Inferred, ..Choices::default() };
    let is_set = Expr::IsNull(Box::new(Expr::Column(0)), true);
    let expression = Expression { sql: "c IS NOT NULL".into(), ast: Some(is_set) };
    let mut checked = table("t", &[("c", "TEXT")]);
    checked.checks = vec![Check { name: None, expr: expression.clone() }];
    let mut indexed = table("t", &[("c", "TEXT")]);
    let term = IndexTerm { on: IndexOn::Expression(expression), collation: None, descending: false };
    indexed.indexes =
        vec![Index { name: "i".into(), sql: String::new(), unique: false, terms: vec![term], predicate: None }];
    for t in [checked, indexed] {
        let p = profile(&t, &[&[DAY]]);
        assert_eq!(of_table(t, p, &[DAY], &choices).0.ty, PgType::Text);
    }
}

#[test]
fn a_zone_makes_instants_of_clocks() {
    let zone = Zone::parse("Europe/Berlin").unwrap();
    let choices = |types| Choices { types, zone: Some(zone.clone()), ..Choices::default() };
    let native = choices(Types::Native);
    let (mapping, findings) = chosen("DATETIME", &[MOMENT, DAY], &native);
    assert_eq!((mapping.ty, mapping.normal), (PgType::TimestampTz, Normal::ZonedClock));
    assert_eq!(mapping.zone.as_ref().map(Zone::name), Some("Europe/Berlin"));
    assert!(mapping.reason.contains("taken for those of Europe/Berlin"), "{}", mapping.reason);
    assert!(!findings.iter().any(Finding::blocks), "{findings:?}");
    // A day has no zone; what has one keeps it; what nobody took for a date-time stays.
    assert_eq!(chosen("DATE", &[DAY], &native).0.ty, PgType::Date);
    assert_eq!(chosen("DATETIME", &[Text(b"2024-01-31T10:00:00Z")], &native).0.normal, Normal::Instant);
    assert_eq!(chosen("TEXT", &[MOMENT], &native).0.ty, PgType::Text);
    assert_eq!(chosen("TEXT", &[MOMENT], &choices(Types::Inferred)).0.normal, Normal::ZonedClock);
    assert_eq!(chosen("DATETIME", &[], &native).0.ty, PgType::TimestampTz);
    assert_eq!(chosen("DATETIME", &[MOMENT], &choices(Types::Plain)).0.ty, PgType::Text);
}
