//! Whatever a codec takes has a normal form, and both sides' normal forms are one; what it does not take has none where a
//! policy could make it NULL. Values of every class, every type, every way of writing, every set of treatments.
//! Owns the comparison of the two; that PostgreSQL means the same is shown in the engine's tests.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail")]

use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::{Codec, Normal, OwnedValue};
use lite2pg_model::mapping::shape::Crossing;
use lite2pg_model::mapping::treat::Treatment;
use lite2pg_model::mapping::zone::Zone;
use lite2pg_model::normal::Column;
use proptest::prelude::*;

/// Every type with the ways in which its values may be written.
fn crossings() -> Vec<Crossing> {
    use Normal::{
        BooleanWords, Bytes, Canonical, DateTime, EpochMicros, EpochMillis, EpochNanos, EpochSeconds, Exact, Instant,
        Json, JsonScalar, JulianDay, Number, Text, TextBytes, Uuid, UuidBlob, UuidHex, UuidUpper, ZonedClock,
    };
    let counts = [EpochSeconds, EpochMillis, EpochMicros, EpochNanos, JulianDay];
    let all: Vec<(PgType, Vec<Normal>)> = vec![
        (PgType::SmallInt, vec![Exact, Number]),
        (PgType::Integer, vec![Exact, Number]),
        (PgType::BigInt, vec![Exact, Number, EpochSeconds]),
        (PgType::Numeric(None), vec![Exact, Number]),
        (PgType::Numeric(Some((10, 2))), vec![Number]),
        (PgType::Double, vec![Exact, Number]),
        (PgType::Boolean, vec![Exact, BooleanWords(0), BooleanWords(8), BooleanWords(13), BooleanWords(77)]),
        (PgType::Text, vec![Exact, Text, UuidHex]),
        (PgType::Bytea, vec![Exact, Bytes, TextBytes]),
        (PgType::Date, vec![Exact, EpochSeconds]),
        (PgType::Timestamp, [vec![Exact, DateTime], counts.to_vec()].concat()),
        (PgType::TimestampTz, [vec![Exact, Instant, ZonedClock], counts.to_vec()].concat()),
        (PgType::Uuid, vec![Exact, Uuid, UuidUpper, UuidBlob, UuidHex]),
        (PgType::Jsonb, vec![Json, JsonScalar]),
        (PgType::Json, vec![Exact]),
        (PgType::VarChar(4), vec![Exact]),
        (PgType::Char(2), vec![Exact]),
        (PgType::Time, vec![Exact, Canonical]),
        (PgType::Interval, vec![Canonical]),
        (PgType::Inet, vec![Canonical]),
        (PgType::Cidr, vec![Canonical]),
        (PgType::MacAddr, vec![Canonical]),
        (PgType::Enum, vec![Exact]),
    ];
    let one = |(ty, normal)| {
        let mut crossing = Crossing::new(ty, normal);
        crossing.zone = Some(Zone::parse("America/New_York").unwrap());
        crossing
    };
    all.into_iter().flat_map(|(ty, normals)| normals.into_iter().map(move |n| (ty, n))).map(one).collect()
}

const TREATMENTS: [Treatment; 7] = [
    Treatment::InvalidLatin1,
    Treatment::InvalidCp1252,
    Treatment::InvalidReplace,
    Treatment::NulReplace,
    Treatment::NulStrip,
    Treatment::EmptyNull,
    Treatment::UnfitNull,
];

fn text(pattern: &'static str) -> impl Strategy<Value = OwnedValue> {
    pattern.prop_map(|s| OwnedValue::Text(s.into_bytes()))
}

fn any_value() -> impl Strategy<Value = OwnedValue> {
    let odd = prop_oneof![6 => any::<u8>(), 2 => Just(0), 3 => 0x80u8..0xc0, 3 => 0xc2u8..0xf5, 6 => b' '..b'~'];
    prop_oneof![
        Just(OwnedValue::Null),
        any::<i64>().prop_map(OwnedValue::Integer),
        (-3i64..3).prop_map(OwnedValue::Integer),
        (0i64..2_000_000_000_000).prop_map(|n| OwnedValue::Integer(n * 1000)),
        any::<f64>().prop_filter("SQLite has no NaN", |r| !r.is_nan()).prop_map(OwnedValue::Real),
        (-100_000i64..100_000).prop_map(|m| OwnedValue::Real(m as f64 / 100.0)),
        (0.0f64..5_000_000.0).prop_map(OwnedValue::Real),
        proptest::sample::select(vec![0.0, -0.0, f64::INFINITY, 1e16, 5e-324]).prop_map(OwnedValue::Real),
        proptest::collection::vec(odd, 0..16).prop_map(OwnedValue::Text),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(OwnedValue::Blob),
        any::<[u8; 16]>().prop_map(|b| OwnedValue::Blob(b.to_vec())),
        text("[0-9]{4}-[01][0-9]-[0-3][0-9]"),
        text(
            "[09][0-9]{2}[19]-[01][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-6][0-9](:[0-6][0-9](\\.[0-9]{0,7})?)?(Z|[+-][01][0-9]:[0-6][0-9])?"
        ),
        text("2024-(03|11)-(10|03) 0[0-4]:[0-5][0-9]"),
        text("[0-2][0-9]:[0-6][0-9](:[0-6][0-9](\\.[0-9]{0,7})?)?"),
        text("P(-?[0-9]{1,3}Y)?(-?[0-9]{1,2}D)?(T[0-9]{1,3}H([0-9]S)?)?"),
        text("(-?[0-9]{1,2} days )?[+-]?[0-9]{2}:[0-5][0-9]:[0-5][0-9]"),
        text("(true|false|y|n|1|0|yes|)"),
        text("-?[0-9]{1,25}(\\.[0-9]{1,20})?"),
        text("([0-9a-fA-F]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32})"),
        text("[0-9]{1,3}\\.[0-9]\\.0\\.0(/[0-9]{1,2})?"),
        text("([0-9a-fA-F]{2}[:-]){5}[0-9a-f]{2}"),
        text("(\\{\"[ab]\": ?[0-9]\\.?[0-9]{0,2}\\}|\\[[0-9],\"\\\\u00[0-9]{2}\"\\]|null|-?[0-9]e[0-9])"),
        text("[é€𝄞a ]{0,6}"),
    ]
}

/// Types whose misfits a policy can make NULL: there both sides must agree on what fits.
fn may_be_null(ty: PgType) -> bool {
    use PgType::{Date, Interval, Time, Timestamp, TimestampTz};
    matches!(ty, Date | Time | Timestamp | TimestampTz | Interval)
}

fn check(crossing: &Crossing, value: &OwnedValue) -> Result<(), TestCaseError> {
    let (codec, column) = (Codec::of(crossing), Column::of(crossing));
    let (mut field, mut here, mut there) = (b"as it was".to_vec(), Vec::new(), Vec::new());
    let mut changed = Vec::new();
    let taken = codec.encode_noting(value.as_value(), &mut field, |t| changed.push(t));
    column.of_source(value.as_value(), &mut here);
    if changed.is_empty() {
        // What no policy changes crosses as without any.
        let untreated = Codec::of(&Crossing { treatments: Vec::new(), ..crossing.clone() });
        let mut same = b"as it was".to_vec();
        prop_assert_eq!(untreated.encode(value.as_value(), &mut same), taken.clone(), "{:?} {:?}", crossing, value);
        prop_assert_eq!(&same, &field, "{:?} {:?}", crossing, value);
    }
    let Ok(()) = taken else {
        prop_assert_eq!(&field, b"as it was", "{:?} {:?}", crossing, value);
        prop_assert!(!crossing.treatments.contains(&Treatment::UnfitNull));
        let formless = here.first() == Some(&b'?');
        prop_assert!(formless || !may_be_null(crossing.ty), "{:?} {:?} has a normal form, no codec", crossing, value);
        return Ok(());
    };
    let field = &field[b"as it was".len()..];
    let null = field.starts_with(&(-1i32).to_be_bytes());
    let crossed = (!null).then_some(&field[4..]);
    column.of_target(crossed, &mut there);
    prop_assert!(!here.starts_with(b"?"), "{:?} {:?} has a codec, no normal form", crossing, value);
    if !crossing.treatments.contains(&Treatment::UnfitNull) || may_be_null(crossing.ty) {
        prop_assert_eq!(&here, &there, "{:?} {:?}", crossing, value);
    }
    prop_assert_eq!(codec.changes(value.as_value()), changed.clone());
    prop_assert!(changed.iter().all(|t| crossing.treatments.contains(t)) && changed.is_sorted());
    // NULL only where NULL was, or where a policy said so.
    let may = changed.iter().any(|t| matches!(t, Treatment::EmptyNull | Treatment::UnfitNull));
    prop_assert!(null == (may || *value == OwnedValue::Null), "{:?} {:?} {:?}", crossing, value, changed);
    prop_assert!(codec.decode(crossed).is_ok(), "{:?} {:?}", crossing, value);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn codecs_and_normal_forms_agree(
        value in any_value(),
        treatments in proptest::sample::subsequence(&TREATMENTS[..], 0..=7).prop_shuffle(),
    ) {
        for mut crossing in crossings() {
            check(&crossing, &value)?;
            crossing.treatments.clone_from(&treatments);
            check(&crossing, &value)?;
        }
    }

    /// Nothing that a field could hold makes the target's side panic, and what has no form is marked apart.
    #[test]
    fn any_bytes_have_a_form_or_a_mark(bytes in proptest::collection::vec(any::<u8>(), 0..40), value in any_value()) {
        for crossing in crossings() {
            let (mut here, mut there) = (Vec::new(), Vec::new());
            Column::of(&crossing).of_target(Some(&bytes), &mut there);
            Column::of(&crossing).of_source(value.as_value(), &mut here);
            prop_assert!(!here.is_empty() && !there.is_empty());
            prop_assert!(here != there || !here.starts_with(b"?"));
        }
    }
}
