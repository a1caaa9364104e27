//! A type that a person chose for a column, and what a trial found.

use crate::tables::*;
use lite2pg_model::mapping::choices::{ColumnChoice, Types};
use lite2pg_model::mapping::shape::Crossing;
use lite2pg_model::mapping::trial::{self, Place, Trial};
use lite2pg_model::mapping::zone::Zone;
use lite2pg_model::schema::{Check, Expression};
use lite2pg_model::sql::ast::Expr;

fn asked(ty: PgType) -> Choices {
    of_column("t", "c", ty)
}

fn of_column(table: &str, column: &str, ty: PgType) -> Choices {
    let choice = ColumnChoice { ty: Some(ty), ..ColumnChoice::default() };
    Choices { columns: BTreeMap::from([((table.into(), column.into()), choice)]), ..Choices::default() }
}

#[test]
fn a_person_chooses_and_the_values_say_how_they_are_written() {
    for (ty, values, normal) in [
        (PgType::Boolean, &[Text(b"Y"), Text(b"N")][..], Normal::BooleanWords(9)),
        (PgType::Boolean, &[Integer(1)], Normal::Exact),
        (PgType::Uuid, &[HEX], Normal::UuidHex),
        (PgType::Uuid, &[UPPER], Normal::UuidUpper),
        (PgType::TimestampTz, &[Integer(1_700_000_000_000)], Normal::EpochMillis),
        (PgType::TimestampTz, &[Text(b"2024-01-31T10:00:00Z")], Normal::Instant),
        (PgType::Timestamp, &[Real(2_460_340.5)], Normal::JulianDay),
        (PgType::Jsonb, &[Integer(1), Text(b"a")], Normal::JsonScalar),
        (PgType::BigInt, &[Text(b"12"), Integer(1)], Normal::Number),
        (PgType::SmallInt, &[Integer(1)], Normal::Exact),
    ] {
        let (mapping, findings) = chosen("TEXT", values, &asked(ty));
        assert_eq!((mapping.ty, mapping.normal), (ty, normal), "{values:?}");
        assert!(mapping.reason.ends_with("because the plan says so"), "{}", mapping.reason);
        assert!(!findings.iter().any(Finding::blocks), "{findings:?}");
    }
    let mut choices = asked(PgType::TimestampTz);
    choices.zone = Some(Zone::parse("UTC").unwrap());
    let (mapping, _) = chosen("TEXT", &[Text(b"2024-01-31 10:00:00")], &choices);
    assert!(mapping.normal == Normal::ZonedClock && mapping.zone.is_some());
    // The setting for all columns yields to the choice for one.
    let plain = Choices { types: Types::Plain, ..asked(PgType::Date) };
    assert_eq!(chosen("TEXT", &[Text(b"2024-01-31")], &plain).0.ty, PgType::Date);
}

#[test]
fn what_the_census_proves_impossible_blocks() {
    for (ty, values, word) in [
        (PgType::SmallInt, &[Integer(1 << 20)][..], "integers, all 1048576, which smallint"),
        (PgType::BigInt, &[Integer(1), Blob(b"x")], "1 of 2 values are no bigint (row 2: x'78')"),
        (PgType::Date, &[Text(b"2024-01-31"), Integer(5)], "1 of 2 values are no date (row 2: 5)"),
        (PgType::Boolean, &[Integer(2)], "integers, all 2, which boolean"),
    ] {
        let (_, findings) = chosen("", values, &asked(ty));
        let blocks: Vec<&Finding> = findings.iter().filter(|f| f.blocks()).collect();
        assert_eq!(blocks.len(), 1, "{findings:?}");
        assert!(blocks[0].message.contains(word), "{}", blocks[0].message);
        assert!(blocks[0].hint.contains("=quarantine"), "{}", blocks[0].hint);
    }
    let mut choices = asked(PgType::Date);
    choices.policies = Policies::parse(["dates=quarantine"]).unwrap();
    let (mapping, findings) = chosen("", &[Text(b"2024-01-31"), Integer(5)], &choices);
    assert!(mapping.quarantine && findings.iter().all(|f| !f.blocks()), "{findings:?}");
}

#[test]
fn an_enum_has_the_labels_of_its_check() {
    let listed = |labels: &[&str]| {
        let list = labels.iter().map(|l| Expr::Text((*l).to_owned())).collect();
        let ast = Some(Expr::In(Box::new(Expr::Column(0)), list, false));
        let mut t = table("t", &[("c", "TEXT")]);
        t.checks = vec![Check { name: None, expr: Expression { sql: "c IN (…)".into(), ast } }];
        t
    };
    let values = [Text(b"new"), Text(b"done")];
    let t = listed(&["new", "done", "gone"]);
    let p = profile(&t, &[&values]);
    let (mapping, _) = of_table(t, p, &values, &asked(PgType::Enum));
    assert_eq!((mapping.ty, mapping.labels.join(",")), (PgType::Enum, "new,done,gone".to_owned()));
    // Nothing asked: text, and the check stays.
    let t = listed(&["new", "done"]);
    let p = profile(&t, &[&values]);
    assert_eq!(of_table(t, p, &values, &Choices::default()).0.ty, PgType::Text);
    let long = "x".repeat(64);
    for t in [listed(&[&long]), listed(&["a", "a"]), table("t", &[("c", "TEXT")])] {
        let p = profile(&t, &[&values]);
        let (_, findings) = of_table(t, p, &values, &asked(PgType::Enum));
        assert!(findings.iter().any(|f| f.blocks() && f.code == codes::LABEL), "{findings:?}");
    }
}

#[test]
fn a_rule_that_the_trial_refutes_is_taken_back() {
    let choices = Choices { zone: Some(Zone::parse("Europe/Berlin").unwrap()), ..Choices::default() };
    // An hour that Berlin's clock never showed.
    let values = [Text(b"2024-03-31 02:30:00")];
    let t = table("t", &[("c", "DATETIME")]);
    let mut p = profile(&t, &[&values]);
    let mut crossing = Crossing::new(PgType::TimestampTz, Normal::ZonedClock);
    crossing.zone.clone_from(&choices.zone);
    let place = Place { key: "rowid 1".into(), reason: "no such time".into(), sql: "SELECT 1".into() };
    p.trials.insert(0, Trial { crossing, values: 1, misfits: 1, nulled: 0, places: vec![place] });
    let (mapping, findings) = of_table(t, p, &values, &choices);
    assert_eq!((mapping.ty, mapping.normal), (PgType::Timestamp, Normal::DateTime));
    assert!(findings.iter().any(|f| f.message.contains("1 of 1 values do not fit timestamptz; first at rowid 1")));
}

#[test]
fn what_is_told_of_writing_counts_what_crosses() {
    let values = [Text(b"{}"), Text(b"{no}"), Text(b"[1]"), Text(b"")];
    let choices = Choices::of(Policies::parse(["json=quarantine", "empty=null"]).unwrap());
    let t = table("t", &[("c", "JSON")]);
    let mut p = profile(&t, &[&values]);
    let crossing = of_table(t.clone(), p.clone(), &values, &choices).0.crossing;
    p.trials.insert(0, Trial { crossing, values: 4, misfits: 1, nulled: 0, places: vec![] });
    let (_, findings) = of_table(t, p, &values, &choices);
    let told = findings.iter().find(|f| f.code == codes::NORMAL_FORM).unwrap();
    assert!(told.message.starts_with("2 JSON values keep"), "{}", told.message);
}

#[test]
fn no_policy_takes_an_hour_away_that_the_clock_never_showed() {
    let zone = Zone::parse("Europe/Berlin").unwrap();
    let values = [Text(b"2024-03-31 02:30:00"), Text(b"x")];
    let trial = |ty, normal, zone, nulled| {
        let mut crossing = Crossing::new(ty, normal);
        crossing.zone = zone;
        Trial { crossing, values: 2, misfits: 0, nulled, places: vec![] }
    };
    for (policy, quarantine) in [("dates=null", false), ("dates=quarantine", true)] {
        let mut choices = Choices::of(Policies::parse([policy]).unwrap());
        choices.zone = Some(zone.clone());
        let t = table("t", &[("c", "TIMESTAMP")]);
        let mut p = profile(&t, &[&values]);
        // The stranger alone did not fit.
        p.add_trial(0, trial(PgType::TimestampTz, Normal::ZonedClock, Some(zone.clone()), 1));
        assert_eq!(of_table(t.clone(), p.clone(), &values[1..], &choices).0.ty, PgType::TimestampTz);
        // And the date-time with it.
        p.add_trial(0, trial(PgType::TimestampTz, Normal::ZonedClock, Some(zone.clone()), 2));
        for again in [false, true] {
            let (mapping, findings) = of_table(t.clone(), p.clone(), &values, &choices);
            assert_eq!((mapping.ty, mapping.normal, &mapping.zone), (PgType::Timestamp, Normal::DateTime, &None));
            assert_eq!((mapping.quarantine, mapping.treatments.is_empty()), (quarantine, quarantine), "{again}");
            assert!(findings.iter().any(|f| f.message.contains("never showed it")), "{findings:?}");
            // What the column became is tried too, and does not make it forget.
            p.add_trial(0, trial(PgType::Timestamp, Normal::DateTime, None, 1));
        }
    }
}

#[test]
fn a_choice_that_the_trial_refutes_blocks() {
    let values = [Text(b"a"), Text(b"b")];
    let t = table("t", &[("c", "TEXT")]);
    let crossing = Crossing::new(PgType::Inet, Normal::Canonical);
    let place = Place { key: "rowid 2".into(), reason: "no address".into(), sql: "SELECT \"c\" FROM \"t\"".into() };
    let trial = Trial { crossing, values: 2, misfits: 1, nulled: 0, places: vec![place] };
    let mut p = profile(&t, &[&values]);
    p.trials.insert(0, trial);
    let (_, findings) = of_table(t, p, &values, &asked(PgType::Inet));
    let blocks: Vec<&Finding> = findings.iter().filter(|f| f.blocks()).collect();
    assert_eq!(blocks.len(), 1);
    assert!(blocks[0].message.contains("1 of 2 values do not fit inet; first at rowid 2: no address"));
    assert!(blocks[0].hint.contains("see it with: SELECT \"c\" FROM \"t\""), "{}", blocks[0].hint);
}

#[test]
fn linked_columns_with_different_policies_block() {
    let mut p = table("p", &[("id", "TEXT")]);
    p.primary_key = Some(key(&[0]));
    let mut c = table("c", &[("p_id", "TEXT")]);
    c.foreign_keys = vec![refers(0, "p", "id")];
    let values = [Text(b"a\0b")];
    let profiles =
        BTreeMap::from([("p".to_owned(), profile(&p, &[&values])), ("c".to_owned(), profile(&c, &[&values]))]);
    let schema = Schema { tables: vec![p, c], ..Schema::default() };
    let given = |all: &[&str], of_child: &[&str]| {
        let choice = ColumnChoice { policies: Policies::parse(of_child).unwrap(), ..ColumnChoice::default() };
        let mut choices = Choices::of(Policies::parse(all).unwrap());
        choices.columns.insert(("c".into(), "p_id".into()), choice);
        let (_, findings) = decide(&schema, &profiles, &choices);
        findings.into_iter().filter(Finding::blocks).map(|f| (f.code, f.message)).collect::<Vec<_>>()
    };
    let blocks = given(&["nul=strip"], &["nul=replace"]);
    assert_eq!(blocks.len(), 1, "{blocks:?}");
    assert!(blocks[0].1.contains("p.id (nul=strip) with c.p_id (nul=replace)"), "{blocks:?}");
    assert_eq!(given(&["nul=strip"], &["nul=strip"]), []);
    assert_eq!(given(&["nul=strip"], &[]), []);
    // A choice that has nothing to do is no contradiction.
    assert_eq!(given(&["nul=strip", "empty=null"], &["empty=keep"]), []);
}

#[test]
fn a_choice_binds_the_columns_linked_with_it() {
    let mut p = table("p", &[("id", "TEXT")]);
    p.primary_key = Some(key(&[0]));
    let mut c = table("c", &[("p_id", "TEXT")]);
    c.foreign_keys = vec![refers(0, "p", "id")];
    let profiles =
        BTreeMap::from([("p".to_owned(), profile(&p, &[&[UUID]])), ("c".to_owned(), profile(&c, &[&[UUID]]))]);
    let schema = Schema { tables: vec![p, c], ..Schema::default() };
    let choices = of_column("p", "id", PgType::Uuid);
    let (tables, _) = decide(&schema, &profiles, &choices);
    assert_eq!((tables["p"].columns[0].ty, tables["c"].columns[0].ty), (PgType::Uuid, PgType::Uuid));
    let wanted = trial::wanted(&schema, &profiles, &choices, &tables);
    assert_eq!(wanted, vec![("p".to_owned(), 0), ("c".to_owned(), 0)]);
}

#[test]
fn the_rowid_is_an_integer_of_some_width() {
    let of = |ty| {
        let mut t = table("t", &[("c", "INTEGER")]);
        t.rowid_alias = Some(0);
        let values = [Integer(1)];
        let p = profile(&t, &[&values]);
        let (mapping, findings) = of_table(t, p, &values, &asked(ty));
        (mapping.ty, findings.iter().any(Finding::blocks))
    };
    assert_eq!(of(PgType::Integer), (PgType::Integer, false));
    assert_eq!(of(PgType::Text), (PgType::BigInt, true));
}
