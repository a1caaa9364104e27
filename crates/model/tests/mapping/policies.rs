//! What each policy makes of a column, and that its finding says so.

use crate::tables::*;
use lite2pg_model::mapping::choices::{ColumnChoice, Types};
use lite2pg_model::mapping::codec::Codec;
use lite2pg_model::mapping::shape::Crossing;
use lite2pg_model::mapping::treat::Treatment;
use lite2pg_model::normal;

fn with(policies: &[&str]) -> Choices {
    Choices::of(Policies::parse(policies).unwrap())
}

/// Under policies for the column `t.c` alone.
fn for_column(policies: &[&str]) -> Choices {
    let choice = ColumnChoice { policies: Policies::parse(policies).unwrap(), ..ColumnChoice::default() };
    Choices { columns: BTreeMap::from([(("t".into(), "c".into()), choice)]), ..Choices::default() }
}

const DAY: Value<'_> = Text(b"2024-01-31");
const EMPTY: Value<'_> = Text(b"");

#[test]
fn an_empty_text_no_longer_spoils_a_column() {
    let null = with(&["empty=null"]);
    for (declared, values, ty) in [
        ("INTEGER", &[Integer(1), EMPTY][..], PgType::BigInt),
        ("INTEGER", &[EMPTY], PgType::BigInt),
        ("DATE", &[DAY, EMPTY], PgType::Date),
        ("UUID", &[UUID, EMPTY], PgType::Uuid),
        ("JSON", &[Text(b"{}"), EMPTY], PgType::Jsonb),
        ("DECIMAL(5,2)", &[Real(1.5), EMPTY], PgType::Numeric(Some((5, 2)))),
        ("", &[Integer(1), EMPTY], PgType::BigInt),
        ("BOOLEAN", &[Text(b"t"), EMPTY, Text(b"f")], PgType::Boolean),
    ] {
        let (mapping, findings) = chosen(declared, values, &null);
        assert_eq!(mapping.ty, ty, "{declared}: {}", mapping.reason);
        assert_eq!(mapping.treatments, vec![Treatment::EmptyNull], "{declared}");
        assert!(mapping.reason.contains("1 empty texts become NULL"), "{}", mapping.reason);
        assert!(!findings.iter().any(Finding::blocks), "{findings:?}");
        assert!(chosen(declared, values, &Choices::default()).0.treatments.is_empty());
    }
    // A text may well be empty: only who names the column means that one.
    assert_eq!(chosen("TEXT", &[Text(b"a"), EMPTY], &null).0.treatments, vec![]);
    assert_eq!(chosen("VARCHAR(5)", &[EMPTY], &null).0.treatments, vec![]);
    assert_eq!(
        chosen("TEXT", &[Text(b"a"), EMPTY], &for_column(&["empty=null"])).0.treatments,
        vec![Treatment::EmptyNull]
    );
}

#[test]
fn an_empty_text_in_a_not_null_column_is_told_as_null() {
    let mut t = table("t", &[("c", "INTEGER")]);
    t.columns[0].not_null = true;
    let values = [Integer(1), EMPTY];
    let p = profile(&t, &[&values]);
    let (_, findings) = of_table(t, p, &values, &with(&["empty=null"]));
    let blocks: Vec<&str> = findings.iter().filter(|f| f.blocks()).map(|f| f.code.as_str()).collect();
    assert_eq!(blocks, [codes::NULL_KEY], "{findings:?}");
}

#[test]
fn text_that_is_no_text_is_treated() {
    let values = [Text(b"a\0b"), Text(b"\xff"), Text(b"ok")];
    for (policies, treatments) in [
        (&["nul=strip", "invalid-utf8=latin1"][..], &[Treatment::InvalidLatin1, Treatment::NulStrip][..]),
        (&["nul=replace", "invalid-utf8=cp1252"], &[Treatment::InvalidCp1252, Treatment::NulReplace]),
        (&["nul=strip", "invalid-utf8=replace"], &[Treatment::InvalidReplace, Treatment::NulStrip]),
    ] {
        let (mapping, findings) = chosen("TEXT", &values, &with(policies));
        assert_eq!((mapping.ty, mapping.treatments.as_slice()), (PgType::Text, treatments), "{policies:?}");
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings.iter().all(|f| f.accepted && !f.blocks()), "{findings:?}");
        assert!(findings[0].hint.starts_with(policies[0]), "{}", findings[0].hint);
    }
    // Bytes keep both, and one policy of two leaves the other unanswered.
    let (mapping, _) = chosen("TEXT", &values, &with(&["nul=strip", "invalid-utf8=bytea"]));
    assert_eq!((mapping.ty, mapping.treatments.len()), (PgType::Bytea, 0));
    let (mapping, findings) = chosen("TEXT", &values, &with(&["nul=strip"]));
    assert_eq!((mapping.ty, findings.iter().filter(|f| f.blocks()).count()), (PgType::Text, 1));
    // It is done all the same: --max-rejects may answer the other.
    assert_eq!(mapping.treatments, vec![Treatment::NulStrip]);
}

#[test]
fn a_mixture_goes_by_its_policy() {
    let numbers = [Integer(1), Text(b"12"), Integer(3)];
    let words = [Integer(1), Text(b"abc"), Real(2.5)];
    let ty = |declared: &str, values: &[Value<'_>], policy: &str| {
        let (mapping, findings) = chosen(declared, values, &with(&[policy]));
        (mapping.ty, mapping.normal, mapping.quarantine, findings.iter().any(Finding::blocks))
    };
    assert_eq!(ty("INTEGER", &words, "mixed=text"), (PgType::Text, Normal::Text, false, false));
    assert_eq!(ty("INTEGER", &words, "mixed=fail"), (PgType::Text, Normal::Text, false, true));
    assert_eq!(ty("", &numbers, "mixed=widest"), (PgType::BigInt, Normal::Number, false, false));
    assert_eq!(
        ty("", &[Integer(1), Text(b"1.50")], "mixed=widest"),
        (PgType::Numeric(None), Normal::Number, false, false)
    );
    assert_eq!(ty("INTEGER", &words, "mixed=widest"), (PgType::Text, Normal::Text, false, false));
    assert_eq!(ty("INTEGER", &words, "mixed=jsonb"), (PgType::Jsonb, Normal::JsonScalar, false, false));
    // Bytes and infinities are objects of one member there; NUL has no place.
    for odd in [Blob(b"x"), Real(f64::INFINITY), Real(-0.0)] {
        let values = [Integer(1), Text(b"a"), odd];
        assert_eq!(ty("INTEGER", &values, "mixed=jsonb"), (PgType::Jsonb, Normal::JsonScalar, false, false));
    }
    let (mapping, findings) = chosen("", &[Integer(1), Text(b"a\0")], &with(&["mixed=jsonb", "nul=strip"]));
    assert_eq!(mapping.ty, PgType::Text);
    let note = findings.iter().find(|f| f.severity == Severity::Note).unwrap();
    assert!(note.hint.contains("numbers in decimal") && !note.hint.contains("stay"), "{}", note.hint);
    assert_eq!(ty("INTEGER", &words, "mixed=quarantine"), (PgType::BigInt, Normal::Exact, true, false));
    assert_eq!(ty("SMALLINT", &words, "mixed=quarantine"), (PgType::SmallInt, Normal::Exact, true, false));
    assert_eq!(ty("DECIMAL(5,2)", &words, "mixed=quarantine").0, PgType::Numeric(Some((5, 2))));
    assert_eq!(ty("TEXT", &[Text(b"a"), Blob(b"x")], "mixed=quarantine"), (PgType::Text, Normal::Exact, true, false));
    // Nothing declared: the class of most.
    assert_eq!(ty("", &[Text(b"a"), Text(b"b"), Integer(1)], "mixed=quarantine").0, PgType::Text);
    assert_eq!(ty("", &[Integer(2), Integer(3), Blob(b"x")], "mixed=quarantine").0, PgType::BigInt);
    let (_, findings) = chosen("INTEGER", &words, &with(&["mixed=quarantine"]));
    assert!(findings[0].accepted && findings[0].hint.contains("lite2pg.rejected_row"), "{findings:?}");
}

#[test]
fn a_negative_zero_in_text_is_no_decimal() {
    let zeros = [Text(b"-0"), Text(b"1.50"), Text(b"-0.00")];
    let inferred = Choices { types: Types::Inferred, ..Choices::default() };
    assert_eq!(chosen("TEXT", &zeros, &inferred).0.ty, PgType::Text);
    assert_eq!(chosen("TEXT", &[Text(b"0.00"), Text(b"1.50")], &inferred).0.ty, PgType::Numeric(None));
    let mixed = [Integer(1), Text(b"-0.00")];
    assert_eq!(chosen("", &mixed, &with(&["mixed=widest"])).0.ty, PgType::Text);
    // A person may ask for numeric: what it has no value for does not fit, and the digests know none either.
    let codec = Codec::of(&Crossing::new(PgType::Numeric(None), Normal::Number));
    let form = normal::Column::of(&Crossing::new(PgType::Numeric(None), Normal::Number));
    for text in [&b"-0"[..], b"-0.00"] {
        assert!(codec.encode(Text(text), &mut Vec::new()).is_err());
        let mut field = Vec::new();
        form.of_source(Text(text), &mut field);
        assert!(field.starts_with(b"?"), "{field:?}");
    }
}

#[test]
fn a_unique_text_stays_text_where_two_could_become_one_value() {
    let inferred = Choices { types: Types::Inferred, ..Choices::default() };
    let unique = |values: &[Value<'_>]| {
        let mut t = table("t", &[("c", "TEXT")]);
        t.uniques = vec![key(&[0])];
        t.primary_key = None;
        let p = profile(&t, &[values]);
        of_table(t, p, values, &inferred).0.ty
    };
    for (values, free, kept) in [
        (&[Text(b"1"), Text(b"1.0")][..], PgType::Numeric(None), PgType::Text),
        (&[Text(b"1.5"), Text(b"1.0")], PgType::Numeric(None), PgType::Numeric(None)),
        (&[Text(b"1"), Text(b"10")], PgType::BigInt, PgType::BigInt),
        (&[Text(b"2024-01-31 10:00"), Text(b"2024-01-31 10:00:00")], PgType::Timestamp, PgType::Text),
        (&[Text(b"2024-01-31T10:00"), Text(b"2024-01-31 10:00")], PgType::Timestamp, PgType::Text),
        (&[Text(b"2024-01-31 10:00"), Text(b"2024-01-31 10:01")], PgType::Timestamp, PgType::Timestamp),
        (&[Text(b"::1"), Text(b"0:0:0:0:0:0:0:1")], PgType::Inet, PgType::Text),
        (&[DAY], PgType::Date, PgType::Date),
    ] {
        assert_eq!(chosen("TEXT", values, &inferred).0.ty, free, "{values:?}");
        assert_eq!(unique(values), kept, "{values:?}");
    }
}

#[test]
fn what_is_alike_is_said_once() {
    let reason = |declared: &str, values: &[Value<'_>]| chosen(declared, values, &Choices::default()).0.reason;
    assert_eq!(reason("INTEGER", &[Integer(0), Integer(0)]), "declared INTEGER; integers, all 0");
    assert_eq!(reason("INTEGER", &[Integer(0), Integer(1)]), "declared INTEGER; integers from 0 to 1");
    assert_eq!(reason("TEXT", &[EMPTY]), "declared TEXT; 1 text, empty");
    assert_eq!(reason("TEXT", &[EMPTY, EMPTY]), "declared TEXT; 2 texts, all empty");
    assert_eq!(reason("TEXT", &[EMPTY, Text(b"a")]), "declared TEXT; 2 texts (1 of them empty)");
}

#[test]
fn zeros_at_the_end_of_decimal_texts_are_told() {
    let inferred = Choices { types: Types::Inferred, ..Choices::default() };
    let (_, findings) = chosen("TEXT", &[Text(b"1.50"), Text(b"7"), Text(b"2.5")], &inferred);
    let told = findings.iter().find(|f| f.code == codes::NORMAL_FORM).unwrap();
    assert!(told.message.starts_with("2 decimal texts keep their value"), "{}", told.message);
    // Numbers have no such zeros, nor have whole numbers.
    assert_eq!(chosen("DECIMAL", &[Real(1.5), Integer(7)], &inferred).1, vec![]);
    assert!(!chosen("TEXT", &[Text(b"15"), Text(b"7")], &inferred).1.iter().any(|f| f.code == codes::NORMAL_FORM));
}

#[test]
fn dates_go_by_their_policy() {
    let values = [DAY, Text(b"now"), EMPTY, DAY];
    let of = |policy: &str| chosen("DATE", &values, &with(&[policy]));
    assert_eq!(of("dates=text").0.ty, PgType::Text);
    let (mapping, findings) = of("dates=fail");
    assert!(mapping.ty == PgType::Text && findings[0].blocks() && findings[0].code == codes::DATES, "{findings:?}");
    assert!(findings[0].message.contains("2 of 4 values are no dates"), "{}", findings[0].message);
    let (mapping, findings) = of("dates=null");
    assert_eq!((mapping.ty, mapping.treatments.as_slice()), (PgType::Date, &[Treatment::UnfitNull][..]));
    assert!(findings[0].accepted && findings[0].hint.contains("become NULL"), "{findings:?}");
    let (mapping, findings) = of("dates=quarantine");
    assert!(mapping.ty == PgType::Date && mapping.quarantine && findings[0].accepted, "{mapping:?}");
    // What most of the date-times are.
    let zoned = [Text(b"2024-01-31T10:00:00Z"), Text(b"2024-01-31T10:00:00Z"), Text(b"2024-01-31T10:00:00")];
    assert_eq!(chosen("DATETIME", &zoned, &with(&["dates=quarantine"])).0.ty, PgType::TimestampTz);
    let mixed = [DAY, Real(2_460_340.5)];
    assert_eq!(chosen("DATE", &mixed, &with(&["dates=null"])).0.ty, PgType::Date);
    // Integers alone are no strangers: a column of another kind of date.
    assert_eq!(chosen("DATE", &[Integer(5)], &with(&["dates=null"])).0.ty, PgType::BigInt);
}

#[test]
fn lengths_and_json_go_by_their_policies() {
    let long = [Text(b"abcdef"), Text(b"a")];
    let of = |policy: &str| chosen("VARCHAR(5)", &long, &with(&[policy]));
    assert_eq!(of("too-long=text").0.ty, PgType::Text);
    assert!(of("too-long=fail").1[0].blocks());
    let (mapping, findings) = of("too-long=quarantine");
    assert!(mapping.ty == PgType::VarChar(5) && mapping.quarantine && findings[0].accepted);
    let json = [Text(b"{}"), Text(b"{no}")];
    let of = |policy: &str| chosen("JSON", &json, &with(&[policy]));
    assert_eq!(of("json=text").0.ty, PgType::Text);
    assert!(of("json=fail").1[0].blocks());
    let (mapping, findings) = of("json=quarantine");
    assert!(mapping.ty == PgType::Jsonb && mapping.quarantine && findings[0].accepted);
}

#[test]
fn a_columns_own_policy_goes_first() {
    let values = [Text(b"a\0b")];
    let mut choices = for_column(&["nul=strip"]);
    choices.policies = Policies::parse(["nul=bytea"]).unwrap();
    assert_eq!(chosen("TEXT", &values, &choices).0.treatments, vec![Treatment::NulStrip]);
}
