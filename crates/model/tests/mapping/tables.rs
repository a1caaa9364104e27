//! What the tests share: tables by hand, their profiles, and one column decided.
//! Owns no test.

pub use lite2pg_model::finding::{Finding, Severity, codes};
pub use lite2pg_model::mapping::PgType;
pub use lite2pg_model::mapping::choices::Choices;
pub use lite2pg_model::mapping::codec::{Normal, OwnedValue};
pub use lite2pg_model::mapping::decide::{ColumnMapping, ForeignKeyFate, KeyFate, TableMapping, decide};
pub use lite2pg_model::mapping::policy::Policies;
pub use lite2pg_model::mapping::profile::{ColumnProfile, TableProfile};
pub use lite2pg_model::schema::{
    Action, Affinity, Column, Deferrable, ForeignKey, Key, KeyColumn, Schema, Table, TableKind,
};
pub use lite2pg_model::value::Value::{self, Blob, Integer, Null, Real, Text};
pub use proptest::prelude::{
    Just, ProptestConfig, Strategy, TestCaseError, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
pub use std::collections::BTreeMap;

pub fn column(name: &str, declared: &str) -> Column {
    Column {
        read: None,
        name: name.into(),
        declared: declared.into(),
        affinity: Affinity::of(declared),
        not_null: false,
        default: None,
        collation: None,
        generated: None,
    }
}

pub fn table(name: &str, columns: &[(&str, &str)]) -> Table {
    Table {
        filter: None,
        left_out: Vec::new(),
        order: Vec::new(),
        name: name.into(),
        sql: String::new(),
        kind: TableKind::Ordinary,
        without_rowid: false,
        strict: false,
        columns: columns.iter().map(|(n, d)| column(n, d)).collect(),
        rowid_alias: None,
        autoincrement: false,
        sequence: None,
        primary_key: None,
        uniques: vec![],
        foreign_keys: vec![],
        checks: vec![],
        indexes: vec![],
        module: None,
        stored: None,
        searches: vec![],
        coordinates: vec![],
        index_of: None,
    }
}

pub fn key(columns: &[usize]) -> Key {
    let columns = columns.iter().map(|c| KeyColumn { column: *c, collation: None, descending: false }).collect();
    Key { name: None, columns, on_conflict: None }
}

pub fn refers(column: usize, parent: &str, to: &str) -> ForeignKey {
    ForeignKey {
        name: None,
        columns: vec![column],
        parent: parent.into(),
        parent_columns: vec![to.into()],
        on_delete: Action::NoAction,
        on_update: Action::NoAction,
        deferrable: Deferrable::Not,
    }
}

/// Profiles rows given column by column.
pub fn profile(table: &Table, columns: &[&[Value<'_>]]) -> TableProfile {
    let mut profile = TableProfile::for_table(table);
    profile.rows = columns.iter().map(|c| c.len() as u64).max().unwrap_or(0);
    for (p, values) in profile.columns.iter_mut().zip(columns) {
        values.iter().for_each(|v| p.observe(*v));
    }
    profile
}

/// Decides one column of a table of its own; the codec must take every value unless a finding blocks.
pub fn one(declared: &str, values: &[Value<'_>], policies: &[&str]) -> (PgType, Normal, String, Vec<Finding>) {
    let (mapping, findings) = chosen(declared, values, &Choices::of(Policies::parse(policies).unwrap()));
    (mapping.ty, mapping.normal, mapping.reason, findings)
}

/// The same under any choices.
pub fn chosen(declared: &str, values: &[Value<'_>], choices: &Choices) -> (ColumnMapping, Vec<Finding>) {
    let t = table("t", &[("c", declared)]);
    let profile = profile(&t, &[values]);
    of_table(t, profile, values, choices)
}

/// The same for a table and a profile by hand.
pub fn of_table(
    t: Table,
    profile: TableProfile,
    values: &[Value<'_>],
    choices: &Choices,
) -> (ColumnMapping, Vec<Finding>) {
    let declared = t.columns[0].declared.clone();
    let profiles = BTreeMap::from([("t".to_owned(), profile)]);
    let schema = Schema { tables: vec![t], ..Schema::default() };
    let (tables, findings) = decide(&schema, &profiles, choices);
    let mapping = &tables["t"].columns[0];
    if !mapping.quarantine && !findings.iter().any(Finding::blocks) {
        for v in values {
            let mut out = Vec::new();
            mapping.codec().encode(*v, &mut out).unwrap_or_else(|e| panic!("{declared} {mapping:?} {v:?}: {e}"));
            let null = out.starts_with(&[0xff; 4]);
            mapping.codec().decode(out.get(4..).filter(|_| !null)).unwrap();
        }
    }
    (mapping.clone(), findings)
}

/// A case: declared type, values, type, code of the finding and its severity, a word that must stand in it.
pub type Case<'a> = (&'a str, &'a [Value<'a>], PgType, Option<(&'a str, Severity, &'a str)>);

pub const UUID: Value<'_> = Text(b"0b2a9d4e-0000-4000-8000-00000000000a");
/// A UUID of version 4 without dashes.
pub const HEX: Value<'_> = Text(b"0b2a9d4e00004000800000000000000a");
pub const UPPER: Value<'_> = Text(b"0B2A9D4E-0000-4000-8000-00000000000A");

pub fn check(cases: &[Case<'_>]) {
    for (declared, values, ty, finding) in cases {
        let (got, _, reason, mut findings) = one(declared, values, &[]);
        // How values are written is another test's.
        findings.retain(|f| f.code != codes::NORMAL_FORM);
        assert_eq!(got, *ty, "{declared} {values:?}: {reason}");
        match finding {
            None => assert_eq!(findings, vec![], "{declared} {values:?}"),
            Some((code, severity, word)) => {
                assert_eq!(findings.len(), 1, "{declared}: {findings:?}");
                let f = &findings[0];
                assert_eq!((f.code.as_str(), f.severity), (*code, *severity), "{declared}: {f:?}");
                assert!(f.message.contains(word), "{declared}: {}", f.message);
                assert_eq!(f.object, "t.c");
            }
        }
    }
}

pub const WARN: Severity = Severity::Warning;
pub const NOTE: Severity = Severity::Note;
pub const BLOCK: Severity = Severity::Blocking;

/// Parent `p(id, …)` and child `c(p_id → p.id)`.
pub fn family(
    parent: &str,
    rowid: bool,
    child: &str,
    ids: &[Value<'_>],
    refs: &[Value<'_>],
) -> (BTreeMap<String, TableMapping>, Vec<Finding>) {
    let mut p = table("p", &[("id", parent)]);
    p.primary_key = Some(key(&[0]));
    p.rowid_alias = rowid.then_some(0);
    let mut c = table("c", &[("p_id", child)]);
    c.foreign_keys = vec![refers(0, "P", "ID")];
    let profiles = BTreeMap::from([("p".to_owned(), profile(&p, &[ids])), ("c".to_owned(), profile(&c, &[refs]))]);
    let schema = Schema { tables: vec![p, c], ..Schema::default() };
    decide(&schema, &profiles, &Choices::default())
}
