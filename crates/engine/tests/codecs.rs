//! PostgreSQL judges the codecs: random values go in by COPY BINARY and must equal what PostgreSQL itself makes of their
//! text; what COPY BINARY hands out must come back as the value, and both sides must agree on the normal form.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on must fail")]

use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::{Codec, Normal, OwnedValue};
use lite2pg_model::mapping::json::jsonb_safe;
use lite2pg_model::normal::{Form, source, target};
use lite2pg_testkit::cluster::Cluster;
use std::io::{Read as _, Write as _};

const ROWS: usize = 400;

/// A generator with a seed that a failing test shows (`LITE2PG_SEED` repeats it).
struct Random(u64);

impl Random {
    fn seeded() -> Self {
        let given = std::env::var("LITE2PG_SEED").ok().and_then(|s| s.parse().ok());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
        let seed: u64 = given.unwrap_or(now) | 1;
        println!("LITE2PG_SEED={seed}");
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn integer(&mut self) -> i64 {
        let shift = self.below(64);
        (self.next() as i64) >> shift
    }

    fn real(&mut self) -> f64 {
        loop {
            let r = match self.below(4) {
                0 => self.integer() as f64,
                1 => self.integer().rem_euclid(100_000_000) as f64 / 100.0,
                _ => f64::from_bits(self.next()),
            };
            if !r.is_nan() {
                return r;
            }
        }
    }

    fn bytes(&mut self) -> Vec<u8> {
        let n = if self.below(20) == 0 { 5000 } else { self.below(30) };
        (0..n).map(|_| self.next() as u8).collect()
    }

    fn text(&mut self) -> String {
        let n = self.below(20);
        let mut text = String::new();
        while (text.chars().count() as u64) < n {
            let limit = [0x80, 0x800, 0x10000, 0x0011_0000][self.below(4) as usize];
            let c = char::from_u32(1 + self.below(limit - 1) as u32);
            text.extend(c);
        }
        text
    }

    fn date(&mut self) -> String {
        let (y, m) = (1 + self.below(9999), 1 + self.below(12));
        let leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
        let length = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][m as usize - 1];
        let d = if self.below(4) == 0 { length } else { 1 + self.below(length) };
        format!("{y:04}-{m:02}-{d:02}")
    }

    fn stamp(&mut self) -> String {
        let mut s =
            format!("{}{}{:02}:{:02}", self.date(), ["T", " "][self.below(2) as usize], self.below(24), self.below(60));
        if self.below(4) > 0 {
            s += &format!(":{:02}", self.below(60));
            if self.below(2) > 0 {
                let width = 1 + self.below(6) as usize;
                s += &format!(".{:0width$}", self.below(10u64.pow(width as u32)));
            }
        }
        s
    }

    fn json(&mut self, depth: u64) -> String {
        match self.below(if depth == 0 { 5 } else { 7 }) {
            0 => ["null", "true", "false", "\"\"", "0"][self.below(5) as usize].into(),
            1 => self.integer().to_string(),
            2 => format!("{}.{}e{}", self.below(10), self.below(100_000), self.below(80) as i64 - 40),
            3 => format!("{:e}", self.integer()),
            4 => self.json_string(),
            5 => {
                let items: Vec<String> = (0..self.below(4)).map(|_| self.json(depth - 1)).collect();
                format!("[ {}]", items.join(", "))
            }
            _ => {
                let items: Vec<String> =
                    (0..self.below(4)).map(|_| format!("{} : {}", self.json_string(), self.json(depth - 1))).collect();
                format!("{{{}}}", items.join(","))
            }
        }
    }

    fn json_string(&mut self) -> String {
        const PARTS: [&str; 10] = ["a", "b", "é", "𝄞", "\\n", "\\u0041", "\\ud834\\udd1e", "\\\"", "\\/", "\u{7f}"];
        let parts: Vec<&str> = (0..self.below(4)).map(|_| PARTS[self.below(10) as usize]).collect();
        format!("\"{}\"", parts.concat())
    }
}

/// A column of values, each with a literal that means the same to PostgreSQL, and how the two are compared.
struct Case {
    name: &'static str,
    codec: Codec,
    values: Vec<(OwnedValue, String)>,
    /// SQL over `v`.
    got: &'static str,
    /// SQL over `l`, a text.
    want: &'static str,
    /// The very value comes back.
    exact: bool,
}

fn text(s: &str) -> OwnedValue {
    OwnedValue::Text(s.as_bytes().to_vec())
}

fn hex(b: &[u8]) -> String {
    b.iter().map(|b| format!("{b:02x}")).collect()
}

fn uuid(b: &[u8]) -> String {
    let h = hex(b);
    format!("{}-{}-{}-{}-{}", &h[..8], &h[8..12], &h[12..16], &h[16..20], &h[20..])
}

fn many<T>(r: &mut Random, make: impl Fn(&mut Random) -> T) -> Vec<T> {
    (0..ROWS).map(|_| make(r)).collect()
}

fn integers(r: &mut Random, low: i64, high: i64) -> Vec<(OwnedValue, String)> {
    let mut all = many(r, Random::integer);
    all.extend([low, high, 0, -1, 9999, 10_000, 10_001, 99_990_000]);
    let kept = all.into_iter().filter(|i| (low..=high).contains(i));
    kept.map(|i| (OwnedValue::Integer(i), i.to_string())).collect()
}

fn real_edges() -> Vec<f64> {
    let mut edges = vec![
        0.0,
        5e-324,
        f64::MIN_POSITIVE,
        f64::MAX,
        f64::MIN,
        0.1 + 0.2,
        1e15,
        1e16,
        1e22,
        1e23,
        123_456.789,
        0.000_1,
        1e-5,
        9_999.999_9,
    ];
    edges.extend((0..30).map(|k| 10f64.powi(k - 15)));
    edges
}

fn number_cases(r: &mut Random) -> Vec<Case> {
    let case = |name, ty, normal, values, got, want, exact| Case {
        name,
        codec: Codec::with(ty, normal),
        values,
        got,
        want,
        exact,
    };
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
    ]
}

fn text_cases(r: &mut Random) -> Vec<Case> {
    let case = |name, ty, normal, values, got, want, exact| Case {
        name,
        codec: Codec::with(ty, normal),
        values,
        got,
        want,
        exact,
    };
    let both = |s: String| (text(&s), s);
    let texts = many(r, |r| r.text()).into_iter().map(|s| (text(&s), hex(s.as_bytes()))).collect();
    let blobs = many(r, |r| r.bytes());
    let of_blobs = |make: &dyn Fn(&Vec<u8>) -> OwnedValue| blobs.iter().map(|b| (make(b), hex(b))).collect::<Vec<_>>();
    let uuids: Vec<Vec<u8>> = many(r, |r| (0..16).map(|_| r.next() as u8).collect());
    let jsons = many(r, |r| r.json(4))
        .into_iter()
        .filter(|j| jsonb_safe(j.as_bytes()) && !j.contains("-0"))
        .map(both)
        .collect();
    let odd = [f64::INFINITY, f64::NEG_INFINITY, -0.0];
    let reals: Vec<f64> = many(r, Random::real).into_iter().chain(real_edges()).chain(odd).collect();
    let bytea = "decode(l, 'hex')";
    vec![
        case("text", PgType::Text, Normal::Exact, texts, "textsend(v)", bytea, true),
        case("integers as text", PgType::Text, Normal::Text, integers(r, i64::MIN, i64::MAX), "v", "l", false),
        case(
            "reals as text",
            PgType::Text,
            Normal::Text,
            reals.into_iter().map(|r| (OwnedValue::Real(r), format!("{r:e}").replace("inf", "Infinity"))).collect(),
            "CASE WHEN v ~ '[.ei]' THEN float8send(v::float8) END",
            "float8send(l::float8)",
            false,
        ),
        case(
            "blobs as text",
            PgType::Text,
            Normal::Text,
            of_blobs(&|b| OwnedValue::Blob(b.clone())),
            "v::bytea",
            bytea,
            false,
        ),
        case("bytea", PgType::Bytea, Normal::Exact, of_blobs(&|b| OwnedValue::Blob(b.clone())), "v", bytea, true),
        case(
            "text as bytea",
            PgType::Bytea,
            Normal::TextBytes,
            of_blobs(&|b| OwnedValue::Text(b.clone())),
            "v",
            bytea,
            true,
        ),
        case(
            "date",
            PgType::Date,
            Normal::Exact,
            many(r, |r| both(r.date())),
            "date_send(v)",
            "date_send(l::date)",
            true,
        ),
        case(
            "timestamp",
            PgType::Timestamp,
            Normal::DateTime,
            many(r, |r| both(r.stamp())),
            "timestamp_send(v)",
            "timestamp_send(l::timestamp)",
            false,
        ),
        case(
            "timestamp of dates",
            PgType::Timestamp,
            Normal::DateTime,
            many(r, |r| both(r.date())),
            "timestamp_send(v)",
            "timestamp_send(l::timestamp)",
            false,
        ),
        case(
            "timestamptz",
            PgType::TimestampTz,
            Normal::Instant,
            many(r, zoned),
            "timestamptz_send(v)",
            "timestamptz_send(l::timestamptz)",
            false,
        ),
        case(
            "uuid",
            PgType::Uuid,
            Normal::Exact,
            uuids.iter().map(|b| both(uuid(b))).collect(),
            "uuid_send(v)",
            "uuid_send(l::uuid)",
            true,
        ),
        case(
            "upper-case uuid",
            PgType::Uuid,
            Normal::UuidUpper,
            uuids.iter().map(|b| both(uuid(b).to_uppercase())).collect(),
            "uuid_send(v)",
            "uuid_send(l::uuid)",
            true,
        ),
        case(
            "blobs as uuid",
            PgType::Uuid,
            Normal::UuidBlob,
            uuids.iter().map(|b| (OwnedValue::Blob(b.clone()), uuid(b))).collect(),
            "uuid_send(v)",
            "uuid_send(l::uuid)",
            true,
        ),
        case("jsonb", PgType::Jsonb, Normal::Json, jsons, "jsonb_send(v)", "jsonb_send(l::jsonb)", false),
    ]
}

fn zoned(r: &mut Random) -> (OwnedValue, String) {
    // Away from the edges of the calendar: there the instant may lie outside years 0001 to 9999.
    let stamp = loop {
        let s = r.stamp();
        if !s.starts_with("0001-01-01") && !s.starts_with("9999-12-31") {
            break s;
        }
    };
    let zone = match r.below(3) {
        0 => "Z".into(),
        n => format!("{}{:02}:{:02}", ["-", "+"][n as usize - 1], r.below(15), r.below(60)),
    };
    let s = stamp + &zone;
    (text(&s), s)
}

/// The fields of the rows of a COPY BINARY stream with one column.
fn fields(stream: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut rest = &stream[19..];
    let mut all = Vec::new();
    loop {
        let (count, tail) = rest.split_at(2);
        if count == [0xff, 0xff] {
            return all;
        }
        let (length, tail) = tail.split_at(4);
        let length = i32::from_be_bytes(length.try_into().unwrap());
        let Ok(n) = usize::try_from(length) else {
            all.push(None);
            rest = tail;
            continue;
        };
        all.push(Some(tail[..n].to_vec()));
        rest = &tail[n..];
    }
}

fn check(client: &mut postgres::Client, case: &Case) {
    let (name, codec) = (case.name, case.codec.clone());
    client
        .batch_execute(&format!("DROP TABLE IF EXISTS t; CREATE TABLE t(id serial, v {})", codec.ty().sql()))
        .unwrap();
    let mut stream = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    for (v, literal) in &case.values {
        stream.extend_from_slice(&1i16.to_be_bytes());
        codec.encode(v.as_value(), &mut stream).unwrap_or_else(|e| panic!("{name}: {literal}: {e}"));
    }
    stream.extend_from_slice(&(-1i16).to_be_bytes());
    let mut copy = client.copy_in("COPY t(v) FROM STDIN BINARY").unwrap();
    copy.write_all(&stream).unwrap();
    copy.finish().unwrap_or_else(|e| panic!("{name}: {e:?}"));

    let literals: Vec<&str> = case.values.iter().map(|v| v.1.as_str()).collect();
    let sql = format!(
        "SELECT l, v::text FROM t JOIN unnest($1::text[]) WITH ORDINALITY AS e(l, id) USING (id) WHERE {} IS DISTINCT FROM {}",
        case.got, case.want
    );
    let wrong = client.query(&sql, &[&literals]).unwrap_or_else(|e| panic!("{name}: {e:?}"));
    let shown: Vec<(String, String)> = wrong.iter().take(5).map(|row| (row.get(0), row.get(1))).collect();
    assert!(shown.is_empty(), "{name}: PostgreSQL reads (literal, ours): {shown:?}");

    let mut out = Vec::new();
    client.copy_out("COPY (SELECT v FROM t ORDER BY id) TO STDOUT BINARY").unwrap().read_to_end(&mut out).unwrap();
    let fields = fields(&out);
    assert_eq!(fields.len(), case.values.len(), "{name}");
    for ((v, literal), field) in case.values.iter().zip(fields) {
        comes_back(case, v, literal, field.as_deref());
    }
}

/// What PostgreSQL hands out decodes to the value (or its normal form), and the digests' normal form agrees.
fn comes_back(case: &Case, v: &OwnedValue, literal: &str, field: Option<&[u8]>) {
    let (name, codec) = (case.name, case.codec.clone());
    let back = codec.decode(field).unwrap_or_else(|e| panic!("{name}: {literal}: {e}"));
    if case.exact {
        assert_eq!(&back, v, "{name}: {literal}");
        if let (OwnedValue::Real(a), OwnedValue::Real(b)) = (&back, v) {
            assert_eq!(a.to_bits(), b.to_bits(), "{name}: {literal}");
        }
    }
    let (mut again, mut first) = (Vec::new(), Vec::new());
    codec.encode(back.as_value(), &mut again).unwrap_or_else(|e| panic!("{name}: {literal}: {e}"));
    codec.encode(v.as_value(), &mut first).unwrap();
    if codec.ty() != PgType::Jsonb {
        assert_eq!(again, first, "{name}: {literal}: what came back is another value");
    }
    let form = Form::of(codec.ty());
    let (mut here, mut there) = (Vec::new(), Vec::new());
    source::field(form, v.as_value(), &mut here);
    target::field(form, field, &mut there);
    assert_ne!(here.first(), Some(&b'?'), "{name}: {literal} has no normal form, but the codec takes it");
    assert_eq!(here, there, "{name}: {literal}: the normal forms differ");
}

#[test]
fn postgresql_reads_what_is_encoded() {
    let cluster = Cluster::start(&[], &[]);
    let mut client = cluster.client("postgres");
    // A zone with daylight saving: nothing may depend on the session.
    client.batch_execute("SET TimeZone = 'Europe/Paris'; SET extra_float_digits = 0").unwrap();
    let mut random = Random::seeded();
    let cases = number_cases(&mut random).into_iter().chain(text_cases(&mut random));
    let mut failed = Vec::new();
    for case in cases {
        assert!(case.values.len() > 2, "{}", case.name);
        let one = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&mut client, &case)));
        if one.is_err() {
            failed.push(case.name);
            client = cluster.client("postgres");
            client.batch_execute("SET TimeZone = 'Europe/Paris'").unwrap();
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

/// Everything that is called safe for jsonb, PostgreSQL takes; of what it refuses, nothing is called safe.
#[test]
fn postgresql_takes_the_json_called_safe() {
    let cluster = Cluster::start(&[], &[]);
    let mut client = cluster.client("postgres");
    let mut random = Random::seeded();
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    let mut texts: Vec<String> = many(&mut random, |r| {
        let mut json: Vec<char> = r.json(4).chars().collect();
        if r.below(2) == 0 && !json.is_empty() {
            let at = r.below(json.len() as u64) as usize;
            json[at] = ['"', '{', ']', ',', '\\', '0', '-', 'e', '\u{1}', ' '][r.below(10) as usize];
        }
        json.into_iter().collect()
    });
    texts.extend(
        [
            "1e131071",
            "1e131072",
            "1e-16383",
            "1e-16384",
            "-0",
            "[1,]",
            "\"\\u0000\"",
            "\"\\ud800\"",
            "0e99999",
            "9.9e131071",
            "0.1e131072",
        ]
        .map(String::from),
    );
    texts.extend([deep(512), deep(513), format!("1{}", "0".repeat(131_071)), format!("0.{}1", "0".repeat(16_382))]);
    client
        .batch_execute(
            "CREATE FUNCTION takes(t text) RETURNS boolean LANGUAGE plpgsql AS
             $$ BEGIN PERFORM t::jsonb; RETURN true; EXCEPTION WHEN others THEN RETURN false; END $$",
        )
        .unwrap();
    let mut safe = 0;
    for t in &texts {
        let takes: bool = client.query_one("SELECT takes($1)", &[t]).unwrap().get(0);
        if jsonb_safe(t.as_bytes()) {
            safe += 1;
            assert!(takes, "PostgreSQL refuses {}", &t[..t.len().min(200)]);
        }
    }
    assert!(safe > ROWS / 3, "only {safe} of {} were safe", texts.len());
}
