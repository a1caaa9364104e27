//! The type of every column, by its declared type and its actual values.
//! Owns these rules, all in one place; never looks at a value (see `profile`), never narrows what was not proven.
//!
//! The rules of `--types native`. The rules of a family stand in a file of `decide/`.
//!
//! | declared | values | becomes |
//! |---|---|---|
//! | any | none (no rows, or all NULL) | what the declaration says (CHAR(n): varchar(n), which pads nothing) |
//! | INTEGER affinity | all integers | bigint |
//! | SMALLINT, INT2, TINYINT | all fit, and in no key | smallint |
//! | INT4, MEDIUMINT | all fit, and in no key | integer |
//! | BOOL, BOOLEAN | all 0 or 1 | boolean |
//! | | all words for true and false of one spelling (`t`/`f`, `yes`/`no` …), in no expression | boolean |
//! | REAL affinity | all reals, or integers up to 2^53 | double precision |
//! | NUMERIC, DECIMAL(p,s), MONEY … | all numbers whose shortest decimals fit p,s | numeric(p,s) |
//! | | all finite numbers | numeric |
//! | | with an infinity or -0.0 | double precision |
//! | DATE | all `YYYY-MM-DD` | date |
//! | DATE, DATETIME, TIMESTAMP … | all without zone (a date is its midnight) | timestamp; timestamptz with `--assume-tz` |
//! | | all with zone | timestamptz (the instant) |
//! | | all integers, or all reals | bigint, double precision, with a note on what they may mean |
//! | TIME | all `HH:MM[:SS[.ffffff]]` | time |
//! | INTERVAL | all durations | interval |
//! | INET, IPADDRESS …; CIDR; MACADDR | all addresses of that kind | inet; cidr; macaddr |
//! | UUID, GUID, UNIQUEIDENTIFIER | all UUIDs of one letter case, with dashes or all without, or all blobs of 16 bytes | uuid |
//! | CHAR(36), VARCHAR(36) | all dashed lower-case UUIDs | uuid |
//! | CHAR(32) | all UUIDs without dashes, the first of which have version and variant of RFC 9562 (hashes look alike) | uuid |
//! | JSON, JSONB | all JSON that jsonb holds without loss, and in no unique key or index | jsonb |
//! | | all JSON, and in no key or index | json (the very text) |
//! | VARCHAR(n), NVARCHAR(n) … | all texts of at most n characters | varchar(n) |
//! | CHAR(n), NCHAR(n) … | all texts of n characters, none with a space at its end | char(n) |
//! | | all shorter or as long | varchar(n) |
//! | other TEXT affinity | all text | text |
//! | BLOB, none, unknown, or the values are not as above | all of one class | bigint, double precision, text, bytea |
//! | | integers up to 2^53 and reals | double precision |
//! | | larger integers and finite reals | numeric |
//! | BLOB or none | text and blobs | bytea (the bytes of the text) |
//! | any | any other mixture | text |
//!
//! `--types inferred` adds, where a column is in no expression of the schema: texts that are all dates, date-times, times,
//! UUIDs, JSON objects or arrays, addresses, words for true and false (both occur), or decimal numbers get that type
//! whatever was declared, in a unique key only if no two different texts become one value; integers of a date column that are all seconds, milliseconds, microseconds or nanoseconds of
//! the years 2001 to 2099 become timestamptz, reals that are Julian days of the years 1990 to 2099 timestamp.
//! `--types plain` knows bigint, double precision, numeric, text and bytea only. Names of columns count for nothing.
//!
//! A generated column gets the types of `plain`, or boolean.
//!
//! A type that a person chose for a column goes before all of this. Where values do not fit, policies decide
//! (`decide/policies.rs`); text with NUL bytes or invalid UTF-8 blocks, or is treated, or becomes bytea. What the census
//! has not proven is tried (`trial`), and a rule that fails there is taken back. Columns linked by foreign keys then get
//! one type (`unify`); keys are judged last (`integrity`).

mod asked;
mod content;
mod dates;
mod facts;
mod numbers;
mod policies;
mod say;
mod texts;
mod verdict;

use super::choices::{Choices, ColumnChoice, Types};
use super::declared::Declared;
use super::policy::{Choice, Kind};
use super::profile::{ColumnProfile, TableProfile};
use super::shape::thousands;
pub use super::shape::{ColumnMapping, ForeignKeyFate, KeyFate, TableMapping};
use super::treat::Treatment;
use super::{PgType, integrity, notes, unify};
use crate::finding::Finding;
use crate::schema::{Column, IndexOn, IndexTerm, Key, Schema, Table, TableKind};
use std::borrow::Cow;
use std::collections::BTreeMap;
use verdict::Verdict;

/// Decides for every ordinary table of a schema. A table without a profile counts as empty. The findings are in the
/// order of the tables; those a policy answers are accepted.
pub fn decide(
    schema: &Schema,
    profiles: &BTreeMap<String, TableProfile>,
    choices: &Choices,
) -> (BTreeMap<String, TableMapping>, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut tables = BTreeMap::new();
    let nothing = TableProfile::default();
    for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
        let profile = profiles.get(&table.name).unwrap_or(&nothing);
        let mut mapping = TableMapping {
            uniques: vec![KeyFate::Keep; table.uniques.len()],
            indexes: vec![KeyFate::Keep; table.indexes.len()],
            foreign_keys: vec![ForeignKeyFate::Keep; table.foreign_keys.len()],
            ..TableMapping::default()
        };
        let no_values = ColumnProfile::default();
        for (index, column) in table.columns.iter().enumerate() {
            let p = profile.columns.get(index).unwrap_or(&no_values);
            let asked = choices.column(&table.name, &column.name);
            let rules = Rules { table, column, index, profile, p, choices, asked, key: is_key(table, index) };
            mapping.columns.push(rules.mapping(&mut findings));
        }
        tables.insert(table.name.clone(), mapping);
    }
    unify::unify(schema, profiles, choices, &mut tables, &mut findings);
    let treated = as_treated(schema, profiles, &tables);
    integrity::judge(schema, &treated, choices, &mut tables, &mut findings);
    notes::normal_forms(schema, profiles, &tables, &mut findings);
    (tables, findings)
}

/// Whether a column belongs to a key or a foreign key of its table.
fn is_key(table: &Table, column: usize) -> bool {
    let keys = table.primary_key.iter().chain(&table.uniques);
    keys.flat_map(|k| &k.columns).any(|k| k.column == column)
        || table.foreign_keys.iter().any(|f| f.columns.contains(&column))
}

/// The profiles as keys see them: values that a treatment makes NULL count as NULL.
fn as_treated<'a>(
    schema: &Schema,
    profiles: &'a BTreeMap<String, TableProfile>,
    tables: &BTreeMap<String, TableMapping>,
) -> Cow<'a, BTreeMap<String, TableProfile>> {
    let mut treated = Cow::Borrowed(profiles);
    for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
        let Some(mapping) = tables.get(&table.name) else { continue };
        for (i, column) in mapping.columns.iter().enumerate() {
            let Some(profile) = profiles.get(&table.name) else { continue };
            let Some(p) = profile.columns.get(i) else { continue };
            let empties = if column.treatments.contains(&Treatment::EmptyNull) { p.empty_texts } else { 0 };
            let unfit = profile.trials.get(&i).filter(|t| t.is_of(column.ty, column.normal)).map_or(0, |t| t.nulled);
            if empties + unfit > 0
                && let Some(p) = treated.to_mut().get_mut(&table.name).and_then(|t| t.columns.get_mut(i))
            {
                p.nulls += empties + unfit;
                p.texts = p.texts.saturating_sub(empties + unfit);
            }
        }
    }
    treated
}

/// The rules, applied to one column.
#[derive(Clone, Copy)]
struct Rules<'a> {
    table: &'a Table,
    column: &'a Column,
    /// Its place in the table.
    index: usize,
    profile: &'a TableProfile,
    p: &'a ColumnProfile,
    choices: &'a Choices,
    /// What a person chose for this column.
    asked: Option<&'a ColumnChoice>,
    /// It belongs to a key or a foreign key.
    key: bool,
}

impl Rules<'_> {
    fn mapping(&self, findings: &mut Vec<Finding>) -> ColumnMapping {
        if self.policy(Kind::Empty) == Choice::Null && self.p.empty_texts > 0 {
            let p = facts::without_empty(self.p);
            let rules = Rules { p: &p, ..*self };
            let mut verdict = rules.verdict();
            // For all columns it means those where an empty text stands for a missing number or date; an empty text in
            // a column of texts becomes NULL only where a person named the column.
            let named = self.asked.is_some_and(|c| c.policies.chose(Kind::Empty));
            if named || !verdict.ty.collatable() {
                verdict.treatments.insert(0, Treatment::EmptyNull);
                let nulls = thousands(self.p.empty_texts);
                verdict.why.push_str(&format!(", {nulls} empty texts become NULL"));
                return rules.finish(verdict, findings);
            }
        }
        self.finish(self.verdict(), findings)
    }

    fn verdict(&self) -> Verdict {
        if let Some(ty) = self.asked.and_then(|c| c.ty) {
            return self.asked_for(ty);
        }
        if self.rowid() {
            return Verdict::new(PgType::BigInt, "always an integer of 64 bits");
        }
        let declared = Declared::of(&self.column.declared);
        let by_rule = match self.types() {
            _ if self.p.values() == 0 => self.by_declaration(declared),
            Types::Native => self.native(declared),
            Types::Inferred => self.inferred(declared),
            Types::Plain => self.plain(declared),
        };
        let zoned = self.zoned(by_rule);
        let tried = self.tried(zoned);
        self.mixed(tried)
    }

    /// The rules of `native` for a column with values.
    fn native(&self, declared: Declared) -> Verdict {
        match declared {
            Declared::Small | Declared::Medium | Declared::Integer => self.integer(declared),
            Declared::Boolean => self.boolean(),
            Declared::Real => self.real(),
            Declared::Decimal(limits) => self.decimal(limits),
            Declared::Date | Declared::DateTime => self.temporal(declared),
            Declared::Time | Declared::Interval | Declared::Inet | Declared::Cidr | Declared::MacAddr => {
                self.written_form(declared)
            }
            Declared::Uuid => self.uuid(),
            Declared::Json => self.json(),
            Declared::Text | Declared::Char36 => self.text(),
            Declared::Blob | Declared::None => self.by_content(),
            Declared::Unknown => self.unknown(),
        }
    }

    /// How rich its type may be: of a generated column a type that holds whatever the expression gives, for SQLite neither
    /// rounds nor cuts that to what was declared.
    fn types(&self) -> Types {
        let boolean = matches!(Declared::of(&self.column.declared), Declared::Boolean);
        if self.column.generated.is_some() && !boolean { Types::Plain } else { self.choices.types }
    }

    fn rowid(&self) -> bool {
        self.table.rowid_alias == Some(self.index)
    }

    fn policy(&self, kind: Kind) -> Choice {
        self.choices.policy(&self.table.name, &self.column.name, kind)
    }

    /// Whether the column belongs to a primary or unique key or to a unique index.
    fn must_be_unique(&self) -> bool {
        let of_key = |k: &Key| k.columns.iter().any(|c| c.column == self.index);
        let of_index = |t: &IndexTerm| matches!(&t.on, IndexOn::Column(i) if *i == self.index);
        self.table.primary_key.iter().chain(&self.table.uniques).any(of_key)
            || self.table.indexes.iter().any(|i| i.unique && i.terms.iter().any(of_index))
    }

    /// Whether something orders or compares the column: a key, a foreign key, an index.
    fn must_be_ordered(&self) -> bool {
        let of_index = |t: &IndexTerm| matches!(&t.on, IndexOn::Column(i) if *i == self.index);
        self.key || self.table.indexes.iter().any(|i| i.terms.is_empty() || i.terms.iter().any(of_index))
    }

    /// Whether a CHECK, a generated column, an index or its predicate computes with the column: then it keeps the class
    /// that the expression was written for.
    fn in_expression(&self) -> bool {
        let names = |e: &crate::schema::Expression| match &e.ast {
            Some(ast) => ast.any_column(&|c| c == self.index),
            // What is not understood may name it.
            None => true,
        };
        self.column.generated.is_some()
            || self.table.checks.iter().any(|c| names(&c.expr))
            || self.table.columns.iter().filter_map(|c| c.generated.as_ref()).any(|g| names(&g.expr))
            || self.table.indexes.iter().any(|i| {
                i.predicate.as_ref().is_some_and(&names)
                    || i.terms.iter().any(|t| matches!(&t.on, IndexOn::Expression(e) if names(e)))
            })
    }
}
