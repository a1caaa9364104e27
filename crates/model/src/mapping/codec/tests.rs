//! What crosses comes back: properties of every codec, and its edges.
//! Owns no oracle but the identity; PostgreSQL itself judges the codecs in the engine's tests.

use super::*;
use crate::mapping::forms;
use proptest::prelude::*;

/// Encodes, checks the length, decodes.
fn cross(codec: &Codec, v: Value<'_>) -> Result<OwnedValue, Misfit> {
    let mut out = b"before".to_vec();
    if let Err(e) = codec.encode(v, &mut out) {
        assert_eq!(out, b"before", "a misfit left bytes behind");
        return Err(e);
    }
    let field = &out[b"before".len()..];
    let length = i32::from_be_bytes(field[..4].try_into().unwrap());
    if length < 0 {
        assert_eq!(field.len(), 4);
        return codec.decode(None);
    }
    assert_eq!(field.len() - 4, usize::try_from(length).unwrap());
    codec.decode(Some(&field[4..]))
}

fn same(codec: &Codec, v: Value<'_>) {
    let back = cross(codec, v).unwrap();
    match (back.as_value(), v) {
        (Value::Real(a), Value::Real(b)) => assert_eq!(a.to_bits(), b.to_bits()),
        (a, b) => assert_eq!(a, b, "{codec:?}"),
    }
}

const TYPES: [PgType; 24] = [
    PgType::SmallInt,
    PgType::Integer,
    PgType::BigInt,
    PgType::Numeric(None),
    PgType::Numeric(Some((10, 2))),
    PgType::Double,
    PgType::Boolean,
    PgType::Text,
    PgType::Bytea,
    PgType::Date,
    PgType::Timestamp,
    PgType::TimestampTz,
    PgType::Uuid,
    PgType::Jsonb,
    PgType::Json,
    PgType::VarChar(12),
    PgType::Char(3),
    PgType::Time,
    PgType::Interval,
    PgType::Inet,
    PgType::Cidr,
    PgType::MacAddr,
    PgType::Enum,
    PgType::Char(1),
];
const NORMALS: [Normal; 23] = [
    Normal::Exact,
    Normal::Number,
    Normal::DateTime,
    Normal::Instant,
    Normal::Text,
    Normal::Bytes,
    Normal::TextBytes,
    Normal::Uuid,
    Normal::UuidUpper,
    Normal::UuidBlob,
    Normal::Json,
    Normal::EpochSeconds,
    Normal::EpochMillis,
    Normal::EpochMicros,
    Normal::EpochNanos,
    Normal::JulianDay,
    Normal::BooleanWords(0),
    Normal::BooleanWords(13),
    Normal::BooleanWords(99),
    Normal::UuidHex,
    Normal::ZonedClock,
    Normal::JsonScalar,
    Normal::Canonical,
];

/// A codec of every kind, with a zone and with labels where they count.
fn codecs() -> impl Iterator<Item = Codec> {
    let pairs = TYPES.into_iter().flat_map(|ty| NORMALS.into_iter().map(move |normal| (ty, normal)));
    pairs.map(|(ty, normal)| {
        let mut crossing = Crossing::new(ty, normal);
        crossing.zone = Some(Zone::parse("Europe/Berlin").unwrap());
        crossing.labels = ["true", "10.0.0.1", "1", "", "P1D"].map(String::from).to_vec();
        Codec::of(&crossing)
    })
}

/// Under these the very value comes back.
fn exact(codec: &Codec) -> bool {
    match codec.normal {
        Normal::Exact => !matches!(
            codec.ty,
            PgType::Timestamp
                | PgType::TimestampTz
                | PgType::Jsonb
                | PgType::Numeric(_)
                | PgType::Double
                | PgType::Interval
                | PgType::Inet
                | PgType::Cidr
                | PgType::MacAddr
        ),
        Normal::TextBytes => codec.ty == PgType::Bytea,
        Normal::UuidUpper | Normal::UuidBlob | Normal::UuidHex => codec.ty == PgType::Uuid,
        Normal::EpochSeconds | Normal::EpochMillis | Normal::EpochMicros | Normal::EpochNanos => {
            matches!(codec.ty, PgType::Timestamp | PgType::TimestampTz)
        }
        Normal::BooleanWords(_) => codec.ty == PgType::Boolean,
        Normal::JsonScalar => codec.ty == PgType::Jsonb,
        _ => false,
    }
}

fn any_value() -> impl Strategy<Value = OwnedValue> {
    prop_oneof![
        Just(OwnedValue::Null),
        any::<i64>().prop_map(OwnedValue::Integer),
        (-3i64..3).prop_map(OwnedValue::Integer),
        any::<f64>().prop_filter("SQLite has no NaN", |r| !r.is_nan()).prop_map(OwnedValue::Real),
        (-100_000i64..100_000).prop_map(|m| OwnedValue::Real(m as f64 / 100.0)),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(OwnedValue::Text),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(OwnedValue::Blob),
        any::<[u8; 16]>().prop_map(|b| OwnedValue::Blob(b.to_vec())),
        (any::<[u8; 16]>(), any::<bool>()).prop_map(|(b, u)| OwnedValue::Text(forms::format_uuid(&b, u))),
        "[0-9]{4}-[01][0-9]-[0-3][0-9]([ T][0-2][0-9]:[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,6})?)?(Z|[+-][01][0-9]:[0-5][0-9])?)?"
            .prop_map(|s| OwnedValue::Text(s.into_bytes())),
        any::<i64>().prop_map(|i| OwnedValue::Text(i.to_string().into_bytes())),
        "\\{\"[a-c]\": ?[0-9]\\}".prop_map(|s| OwnedValue::Text(s.into_bytes())),
        prop_oneof![
            "[0-2][0-9]:[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,6})?)?",
            "P([0-9]{1,3}Y)?(-?[0-9]{1,2}D)?(T[0-9]{1,3}H([0-9]S)?)?",
            "(-?[0-9]{1,2} days )?-?[0-9]{2}:[0-5][0-9]:[0-5][0-9]",
            "[0-9]{1,3}\\.[0-9]\\.0\\.0(/[0-9]{1,2})?",
            "([0-9a-f]{1,4}:){7}[0-9a-f]|::[0-9a-f]{1,3}(/[0-9]{1,3})?",
            "([0-9a-fA-F]{2}[:-]){5}[0-9a-f]{2}",
            "[0-9a-f]{32}",
            "true|false|TRUE|1|0|yes",
            "-?[0-9]{1,40}\\.[0-9]{1,30}",
            ".{0,14}",
            Just("2024-03-31 02:30:00".to_owned()),
        ]
        .prop_map(|s| OwnedValue::Text(s.into_bytes())),
        (2_400_000.0f64..2_500_000.0).prop_map(OwnedValue::Real),
        (0i64..4_000_000_000_000).prop_map(|n| OwnedValue::Integer(n * 1000)),
    ]
}

proptest! {
    /// Whatever a codec takes, what comes back crosses again as the same field (a normal form is a fixed point),
    /// and under `Normal::Exact` and its kin the very value comes back.
    #[test]
    fn what_crosses_comes_back(v in any_value()) {
        for codec in codecs() {
            let Ok(back) = cross(&codec, v.as_value()) else { continue };
            let mut first = Vec::new();
            codec.encode(v.as_value(), &mut first).unwrap();
            // Numbers in bytea come back as blobs of their text, uuid text under UuidBlob is refused, and so on:
            // what comes back must be taken again and be the same field.
            let mut second = Vec::new();
            codec.encode(back.as_value(), &mut second).unwrap_or_else(|e| panic!("{codec:?} {v:?} {back:?} {e}"));
            if matches!(codec.ty, PgType::Numeric(_)) {
                // Of '1.50' the number comes back, which shows no zero.
                prop_assert_eq!(cross(&codec, back.as_value()).unwrap(), back, "{:?} {:?}", codec, v);
                continue;
            }
            prop_assert_eq!(&first, &second, "{:?} {:?} {:?}", codec, v, back);
            if exact(&codec) {
                prop_assert_eq!(&back, &v, "{:?}", codec);
            }
        }
    }

    #[test]
    fn fields_of_any_bytes_never_panic(b in proptest::collection::vec(any::<u8>(), 0..40)) {
        for codec in codecs() {
            let Ok(value) = codec.decode(Some(&b)) else { continue };
            // What is read from any bytes is a value of SQLite; whether it crosses again is another matter.
            let _ = codec.encode(value.as_value(), &mut Vec::new());
        }
    }

    #[test]
    fn doubles_cross_to_the_bit(bits in any::<u64>()) {
        let r = f64::from_bits(bits);
        if !r.is_nan() {
            same(&Codec::new(PgType::Double), Value::Real(r));
        }
    }
}

#[test]
fn edges_cross() {
    let double = Codec::new(PgType::Double);
    for r in [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, 5e-324, f64::MIN_POSITIVE, f64::MAX, f64::MIN, 0.1 + 0.2] {
        same(&double, Value::Real(r));
    }
    for i in [0, 1, -1, i64::MAX, i64::MIN] {
        same(&Codec::new(PgType::BigInt), Value::Integer(i));
        same(&Codec::new(PgType::Numeric(None)), Value::Integer(i));
    }
    assert_eq!(cross(&double, Value::Integer(1 << 53)), Ok(OwnedValue::Real(9_007_199_254_740_992.0)));
    assert!(cross(&double, Value::Integer((1 << 53) + 1)).is_err());
    for ty in TYPES {
        same(&Codec::new(ty), Value::Null);
    }
}

#[test]
fn mixed_text_is_what_the_docs_say() {
    let text = |v| match cross(&Codec::new(PgType::Text), v) {
        Ok(OwnedValue::Text(b)) => String::from_utf8(b).unwrap(),
        other => panic!("{other:?}"),
    };
    for (v, want) in [
        (Value::Integer(-5), "-5"),
        (Value::Real(1.0), "1.0"),
        (Value::Real(-0.0), "-0.0"),
        (Value::Real(0.1), "0.1"),
        (Value::Real(1e16), "1e16"),
        (Value::Real(1e-5), "1e-5"),
        (Value::Real(1e-4), "0.0001"),
        (Value::Real(f64::NEG_INFINITY), "-inf"),
        (Value::Blob(b"\x00\xfe"), "\\x00fe"),
        (Value::Blob(b""), "\\x"),
        (Value::Text(b""), ""),
    ] {
        assert_eq!(text(v), want);
    }
}

#[test]
fn misfits_say_why() {
    let why = |ty, normal, v| cross(&Codec::with(ty, normal), v).unwrap_err().to_string();
    let cases = [
        (PgType::BigInt, Normal::Exact, Value::Text(b"12"), "not an integer (text 3132)"),
        (PgType::BigInt, Normal::Number, Value::Text(b"012"), "canonical"),
        (PgType::BigInt, Normal::Number, Value::Real(1.5), "whole"),
        (PgType::BigInt, Normal::Number, Value::Real(-0.0), "whole"),
        (PgType::SmallInt, Normal::Exact, Value::Integer(40_000), "too large"),
        (PgType::Boolean, Normal::Exact, Value::Integer(2), "neither 0 nor 1"),
        (PgType::Text, Normal::Exact, Value::Text(b"a\0b"), "NUL byte"),
        (PgType::Text, Normal::Exact, Value::Text(b"\xff"), "UTF-8"),
        (PgType::Text, Normal::Exact, Value::Integer(1), "not text"),
        (PgType::Bytea, Normal::Exact, Value::Text(b"a"), "not a blob"),
        (PgType::Numeric(Some((3, 1))), Normal::Number, Value::Real(0.25), "more digits"),
        (PgType::Numeric(None), Normal::Number, Value::Real(f64::INFINITY), "infinity"),
        (PgType::Date, Normal::Exact, Value::Text(b"2023-02-29"), "not a date"),
        (PgType::Date, Normal::Exact, Value::Text(b"2024-01-01 00:00:00"), "a date-time"),
        (PgType::Timestamp, Normal::DateTime, Value::Text(b"2024-01-01T00:00:00Z"), "with a zone"),
        (PgType::TimestampTz, Normal::Instant, Value::Text(b"2024-01-01"), "without a zone"),
        (PgType::Uuid, Normal::Exact, Value::Text(b"0B2A9D4E-0000-4000-8000-00000000000A"), "letter case"),
        (PgType::Jsonb, Normal::Json, Value::Text(br#"{"m":"early \u0000 models"}"#), "JSON"),
    ];
    for (ty, normal, v, want) in cases {
        let message = why(ty, normal, v);
        assert!(message.contains(want), "{message}");
    }
}
