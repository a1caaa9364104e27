//! Columns of numbers and truths, and of every class as JSON scalars.

use super::{Case, Pair, ROWS, Random, both, hex, integers, many, real_edges, text};
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::{Normal, OwnedValue};

pub fn cases(r: &mut Random) -> Vec<Case> {
    let case = Case::new;
    let mut doubles: Vec<f64> = many(r, Random::real);
    doubles.extend(real_edges());
    let finite = |r: &f64| r.is_finite() && !(*r == 0.0 && r.is_sign_negative());
    let numerics = doubles.iter().copied().filter(finite).map(|r| (OwnedValue::Real(r), format!("{r:e}")));
    let numerics: Vec<_> = numerics.chain(integers(r, i64::MIN, i64::MAX)).collect();
    let money = many(r, |r| {
        let m = r.integer() % 10_000_000_000;
        let literal = format!("{m}e-2");
        (OwnedValue::Real(literal.parse::<f64>().unwrap() + 0.0), literal)
    });
    doubles.extend([-0.0, f64::INFINITY, f64::NEG_INFINITY]);
    let mut scalars: Vec<Pair> = doubles.iter().map(|r| scalar(OwnedValue::Real(*r))).collect();
    for _ in 0..ROWS / 2 {
        scalars.push(scalar(OwnedValue::Integer(r.integer())));
        scalars.push(scalar(OwnedValue::Blob(r.bytes())));
        scalars.push(scalar(OwnedValue::Text(r.text().into_bytes())));
        scalars.push(scalar(OwnedValue::Text(r.json(2).into_bytes())));
    }
    scalars.push(scalar(OwnedValue::Text((1..128).collect())));
    scalars.push(scalar(text(r#"{"$blob":"00"}"#)));
    let mut decimals = many(r, |r| both(r.decimal(30, 25)));
    // As many digits as numeric holds.
    let nines = |n| "9".repeat(n);
    let longest = [nines(131_072), format!("0.{}", nines(16_383)), format!("-{}.{}", nines(131_072), nines(16_383))];
    decimals.extend(longest.map(both));
    decimals.extend([format!("1{}", "0".repeat(131_071)), format!("0.{}1", "0".repeat(16_382))].map(both));
    decimals.extend(["0", "0.00", "-0.001", "10000.0001", "0.00010000"].map(|s| both(s.to_owned())));
    let doubles = doubles.into_iter().map(|r| (OwnedValue::Real(r), format!("{r:e}").replace("inf", "Infinity")));
    vec![
        case(
            "smallint",
            PgType::SmallInt,
            Normal::Exact,
            integers(r, -32768, 32767),
            "int2send(v)",
            "int2send(l::int2)",
            true,
        ),
        case(
            "integer",
            PgType::Integer,
            Normal::Exact,
            integers(r, i32::MIN.into(), i32::MAX.into()),
            "int4send(v)",
            "int4send(l::int4)",
            true,
        ),
        case(
            "bigint",
            PgType::BigInt,
            Normal::Exact,
            integers(r, i64::MIN, i64::MAX),
            "int8send(v)",
            "int8send(l::int8)",
            true,
        ),
        case(
            "bigint of text",
            PgType::BigInt,
            Normal::Number,
            many(r, |r| {
                let i = r.integer();
                (text(&i.to_string()), i.to_string())
            }),
            "int8send(v)",
            "int8send(l::int8)",
            false,
        ),
        case(
            "bigint of reals",
            PgType::BigInt,
            Normal::Number,
            integers(r, -(1 << 53), 1 << 53)
                .into_iter()
                .map(|(_, l)| (OwnedValue::Real(l.parse::<f64>().unwrap()), l))
                .collect(),
            "int8send(v)",
            "int8send(l::int8)",
            false,
        ),
        case(
            "integers as bytea",
            PgType::Bytea,
            Normal::Bytes,
            integers(r, i64::MIN, i64::MAX),
            "convert_from(v, 'UTF8')",
            "l",
            false,
        ),
        case(
            "double",
            PgType::Double,
            Normal::Exact,
            doubles.collect(),
            "float8send(v)",
            "float8send(l::float8)",
            true,
        ),
        case(
            "double of integers",
            PgType::Double,
            Normal::Number,
            integers(r, -(1 << 53), 1 << 53),
            "float8send(v)",
            "float8send(l::float8)",
            false,
        ),
        case(
            "numeric",
            PgType::Numeric(None),
            Normal::Number,
            numerics,
            "numeric_send(v)",
            "numeric_send(l::numeric)",
            false,
        ),
        case(
            "numeric(10,2)",
            PgType::Numeric(Some((10, 2))),
            Normal::Number,
            money,
            "numeric_send(v)",
            "numeric_send(l::numeric(10,2))",
            false,
        ),
        case(
            "boolean",
            PgType::Boolean,
            Normal::Exact,
            integers(r, 0, 1),
            "boolsend(v)",
            "boolsend(l::int::boolean)",
            true,
        ),
        case(
            "numeric of text",
            PgType::Numeric(None),
            Normal::Number,
            decimals,
            "numeric_send(v)",
            "numeric_send(l::numeric)",
            false,
        ),
        case(
            "numeric(40,20) of text",
            PgType::Numeric(Some((40, 20))),
            Normal::Number,
            many(r, |r| both(r.decimal(20, 20))),
            "numeric_send(v)",
            "numeric_send(l::numeric(40,20))",
            false,
        ),
        case("scalars as jsonb", PgType::Jsonb, Normal::JsonScalar, scalars, SCALAR, "l", true),
    ]
}

/// A JSON scalar's class and content, as `scalar` writes them.
const SCALAR: &str = "CASE jsonb_typeof(v) WHEN 'number' THEN
      CASE WHEN v::text ~ '[.]' THEN 'r' || encode(float8send(v::text::float8), 'hex') ELSE 'i' || v::text END
    WHEN 'string' THEN 't' || encode(textsend(v #>> '{}'), 'hex')
    WHEN 'object' THEN coalesce('b' || (v ->> '$blob'), 'r' || encode(float8send((v ->> '$real')::float8), 'hex')) END";

fn scalar(v: OwnedValue) -> Pair {
    let literal = match &v {
        OwnedValue::Integer(i) => format!("i{i}"),
        OwnedValue::Real(r) => format!("r{}", hex(&r.to_be_bytes())),
        OwnedValue::Text(t) => format!("t{}", hex(t)),
        OwnedValue::Blob(b) => format!("b{}", hex(b)),
        OwnedValue::Null => String::new(),
    };
    (v, literal)
}
