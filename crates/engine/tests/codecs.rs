//! PostgreSQL judges the codecs: random values go in by COPY BINARY and must equal what PostgreSQL itself makes of their
//! text; what COPY BINARY hands out must come back as the value, and both sides must agree on the normal form.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on must fail")]

mod codec_cases;

use codec_cases::{Case, ROWS, Random, copy, many};
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::{Codec, OwnedValue};
use lite2pg_model::mapping::json::{json_valid, jsonb_safe};
use lite2pg_model::normal::Column;
use lite2pg_testkit::cluster::Cluster;

fn check(client: &mut postgres::Client, case: &Case) {
    let (name, codec) = (&case.name, Codec::of(&case.crossing));
    let stream = copy::stream(&codec, case).unwrap_or_else(|e| panic!("{name}: {e}"));
    copy::load(client, "t", case, &stream).unwrap_or_else(|e| panic!("{name}: {e:?}"));

    let literals: Vec<&str> = case.values.iter().map(|v| v.1.as_str()).collect();
    let sql = format!(
        "SELECT l, v::text FROM t JOIN unnest($1::text[]) WITH ORDINALITY AS e(l, id) USING (id) WHERE {} IS DISTINCT FROM {}",
        case.got, case.want
    );
    let wrong = client.query(&sql, &[&literals]).unwrap_or_else(|e| panic!("{name}: {e:?}"));
    let shown: Vec<(String, String)> = wrong.iter().take(5).map(|row| (row.get(0), row.get(1))).collect();
    assert!(shown.is_empty(), "{name}: PostgreSQL reads (literal, ours): {shown:?}");

    if let Some(shown) = case.shown {
        let rows = client.query(&format!("SELECT {shown} FROM t ORDER BY id"), &[]).unwrap();
        for ((v, literal), row) in case.values.iter().zip(rows) {
            let mut field = Vec::new();
            codec.encode(v.as_value(), &mut field).unwrap();
            let back = codec.decode(Some(&field[4..])).unwrap();
            assert_eq!(back, codec_cases::text(row.get(0)), "{name}: {literal}: not as PostgreSQL writes it");
        }
    }
    let fields = copy::unload(client, "t");
    assert_eq!(fields.len(), case.values.len(), "{name}");
    for ((v, literal), field) in case.values.iter().zip(fields) {
        comes_back(case, v, literal, field.as_deref());
    }
}

/// What PostgreSQL hands out decodes to the value (or its normal form), and the digests' normal form agrees.
fn comes_back(case: &Case, v: &OwnedValue, literal: &str, field: Option<&[u8]>) {
    let (name, codec) = (&case.name, Codec::of(&case.crossing));
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
    // jsonb rewrites; of '1.50' the number comes back, which shows no zero.
    if !matches!(codec.ty(), PgType::Jsonb | PgType::Numeric(_)) {
        assert_eq!(again, first, "{name}: {literal}: what came back is another value");
    }
    let column = Column::of(&case.crossing);
    let (mut here, mut there) = (Vec::new(), Vec::new());
    column.of_source(v.as_value(), &mut here);
    column.of_target(field, &mut there);
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
    copy::labels(&mut client);
    let mut failed = Vec::new();
    for case in codec_cases::all(&mut random) {
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

/// Numbers that count time are to PostgreSQL the times that SQLite's own functions take them for.
#[test]
fn sqlite_takes_the_numbers_for_the_same_times() {
    let cluster = Cluster::start(&[], &[]);
    let mut client = cluster.client("postgres");
    client.batch_execute("SET TimeZone = 'UTC'").unwrap();
    let sqlite = rusqlite::Connection::open_in_memory().unwrap();
    let mut random = Random::seeded();
    for (name, sql) in [
        ("seconds as timestamptz", "SELECT strftime('%Y-%m-%d %H:%M:%f', ?1, 'unixepoch')"),
        ("milliseconds as timestamptz", "SELECT strftime('%Y-%m-%d %H:%M:%f', ?1 / 1000.0, 'unixepoch')"),
        ("Julian days", "SELECT strftime('%Y-%m-%d %H:%M:%f', ?1)"),
    ] {
        let mut case = codec_cases::times::counted(&mut random).into_iter().find(|case| case.name == name).unwrap();
        // SQLite's own functions end with the year 9999.
        let near = |v: &OwnedValue| !matches!(v, OwnedValue::Integer(n) if !(0..4_000_000_000_000).contains(n));
        case.values.retain(|(v, _)| near(v));
        assert!(case.values.len() > 300, "{name}: {}", case.values.len());
        let stream = copy::stream(&Codec::of(&case.crossing), &case).unwrap();
        copy::load(&mut client, "t", &case, &stream).unwrap();
        let rows = client.query("SELECT v::text FROM t ORDER BY id", &[]).unwrap();
        let theirs = case.values.iter().map(|(v, _)| match v {
            OwnedValue::Integer(n) => sqlite.query_row(sql, [n], |row| row.get(0)).unwrap(),
            OwnedValue::Real(r) => sqlite.query_row(sql, [r], |row| row.get(0)).unwrap(),
            _ => None,
        });
        let theirs: Vec<Option<String>> = theirs.collect();
        let ours: Vec<String> =
            rows.iter().map(|row| row.get::<_, &str>(0).trim_end_matches("+00").to_owned()).collect();
        // SQLite counts in milliseconds, so that the two may be one apart.
        let sql = "SELECT o, t FROM unnest($1::text[], $2::text[]) AS e(o, t) WHERE t IS NOT NULL
                   AND abs(extract(epoch FROM o::timestamp - t::timestamp)) > 0.001001";
        let apart = client.query(sql, &[&ours, &theirs]).unwrap();
        let shown: Vec<(String, String)> = apart.iter().take(5).map(|row| (row.get(0), row.get(1))).collect();
        assert!(shown.is_empty(), "{name}: (PostgreSQL, SQLite): {shown:?}");
        assert!(theirs.iter().flatten().count() > 300, "{name}");
    }
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
            "\"\\udc00\\ud800\"",
            "\"\\u00g0\"",
            "\"\\x\"",
            "{\"a\":1,\"a\":2}",
            "",
            " ",
            "01",
            "1e",
            "nulll",
            "\u{feff}1",
            "\u{a0}1",
            "0e99999",
            "9.9e131071",
            "0.1e131072",
        ]
        .map(String::from),
    );
    texts.extend([
        deep(512),
        deep(513),
        deep(514),
        deep(2000),
        format!("1{}", "0".repeat(131_071)),
        format!("0.{}1", "0".repeat(16_382)),
    ]);
    client
        .batch_execute(
            "CREATE FUNCTION takes(t text) RETURNS boolean LANGUAGE plpgsql AS
             $$ BEGIN PERFORM t::jsonb; RETURN true; EXCEPTION WHEN others THEN RETURN false; END $$;
             CREATE FUNCTION takes_json(t text) RETURNS boolean LANGUAGE plpgsql AS
             $$ BEGIN PERFORM t::json; RETURN true; EXCEPTION WHEN others THEN RETURN false; END $$",
        )
        .unwrap();
    let mut safe = 0;
    for t in &texts {
        let row = client.query_one("SELECT takes($1), takes_json($1)", &[t]).unwrap();
        let (takes, takes_json): (bool, bool) = (row.get(0), row.get(1));
        // Nesting beyond ours is left text, which is never wrong.
        let too_deep = t.starts_with(&"[".repeat(514));
        assert_eq!(json_valid(t.as_bytes()), takes_json && !too_deep, "json {}", &t[..t.len().min(200)]);
        if jsonb_safe(t.as_bytes()) {
            safe += 1;
            assert!(takes, "PostgreSQL refuses {}", &t[..t.len().min(200)]);
        }
    }
    assert!(safe > ROWS / 3, "only {safe} of {} were safe", texts.len());
}
