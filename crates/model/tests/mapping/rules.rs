//! One case a known trap, judged by what a person who knows both databases would choose.

use crate::tables::*;
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
        // Words of one spelling are booleans; which spelling, is kept.
        ("BOOLEAN", &[Text(b"t"), Text(b"f"), Null], PgType::Boolean, None),
        ("BOOL", &[Text(b"Yes")], PgType::Boolean, None),
        ("BOOLEAN", &[Text(b"t"), Text(b"")], PgType::Text, Some((codes::WIDER, WARN, "1 of them empty"))),
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
        ("INTEGER", &[Integer(1), Text(b"")], PgType::Text, Some((codes::MIXED, WARN, "1 text (empty)"))),
        ("INTEGER", &[Text(b"")], PgType::Text, Some((codes::WIDER, WARN, "1 text, empty"))),
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
        ("TIME", &[Text(b"10:00:00")], PgType::Time, None),
        ("TIME", &[Text(b"25:00:00")], PgType::Text, Some((codes::WIDER, WARN, "not all values are times"))),
        ("INTERVAL", &[Text(b"P1DT2H")], PgType::Interval, None),
        ("INTERVAL", &[Text(b"a while")], PgType::Text, Some((codes::WIDER, WARN, "durations"))),
        ("INTERVAL", &[Integer(90)], PgType::BigInt, Some((codes::WIDER, WARN, "1 integer"))),
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
        // SQLite never enforced a length: it is kept where every value keeps it.
        (
            "VARCHAR(128)",
            &[Text(b"a"), Text(long.as_bytes())],
            PgType::Text,
            Some((codes::WIDER, WARN, "1 of 2 texts have more than 128 characters (the longest 300), first at row 2")),
        ),
        ("VARCHAR(300)", &[Text(long.as_bytes()), Null], PgType::VarChar(300), None),
        ("NVARCHAR(2)", &[Text("äö".as_bytes())], PgType::VarChar(2), None),
        ("CHAR(2)", &[Text(b"ab"), Text("äö".as_bytes())], PgType::Char(2), None),
        ("CHAR(2)", &[Text(b"ab"), Text(b"c")], PgType::VarChar(2), None),
        ("CHAR(2)", &[], PgType::VarChar(2), None),
        ("VARCHAR", &[Text(b"a")], PgType::Text, None),
        ("VARCHAR(9)", &[Integer(1), Text(b"a")], PgType::Text, Some((codes::MIXED, WARN, "1 integer"))),
        ("CHAR(36)", &[UUID, UUID, Null], PgType::Uuid, None),
        ("CHAR(36)", &[UUID, Text(b"none")], PgType::VarChar(36), None),
        ("CHAR(36)", &[UPPER], PgType::Char(36), None),
        ("CHAR(32)", &[HEX], PgType::Uuid, None),
        ("VARCHAR(32)", &[HEX], PgType::VarChar(32), None),
        ("UUID", &[HEX], PgType::Uuid, None),
        // A hash has no version.
        ("CHAR(32)", &[Text(b"d41d8cd98f00b204e9800998ecf8427e")], PgType::Char(32), None),
        ("INET", &[Text(b"10.0.0.1"), Text(b"::1")], PgType::Inet, None),
        ("INET", &[Text(b"10.0.0.256")], PgType::Text, Some((codes::WIDER, WARN, "addresses"))),
        ("CIDR", &[Text(b"10.0.0.0/8")], PgType::Cidr, None),
        ("MACADDR", &[Text(b"08:00:2b:01:02:03")], PgType::MacAddr, None),
        ("INET", &[], PgType::Inet, None),
        ("UUID", &[UPPER], PgType::Uuid, None),
        ("GUID", &[sixteen], PgType::Uuid, None),
        ("UUID", &mixed_case, PgType::Text, Some((codes::WIDER, WARN, "several writings"))),
        ("UUID", &[UUID, Text(b"x")], PgType::Text, Some((codes::WIDER, WARN, "row 2: 'x'"))),
        ("UUID", &[UUID, sixteen], PgType::Text, Some((codes::MIXED, WARN, "1 text, 1 blob"))),
        ("BLOB(16)", &[sixteen], PgType::Bytea, None),
        ("JSON", &[safe], PgType::Jsonb, None),
        (
            "JSON",
            &[safe, Text(br#"{"m":"early \u0000 models"}"#)],
            PgType::Json,
            Some((codes::WIDER, NOTE, "1 of 2 values are not JSON that jsonb holds")),
        ),
        ("JSONB", &[Text(br#"{"a":1,"a":2}"#)], PgType::Json, Some((codes::WIDER, NOTE, "1 of 1"))),
        (
            "JSON",
            &[safe, Text(b"{'a': 1}")],
            PgType::Text,
            Some((codes::WIDER, WARN, "1 of 2 values are not JSON that jsonb holds (row 2:")),
        ),
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
