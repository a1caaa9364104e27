//! The type of every column, by its declared type and its actual values.
//! Owns these rules, all in one place; never looks at a value (see `profile`), never narrows what was not proven.
//!
//! | declared | values | becomes |
//! |---|---|---|
//! | any | none (no rows, or all NULL) | what the declaration says |
//! | INTEGER affinity | all integers | bigint |
//! | SMALLINT, INT2, TINYINT | all fit, and in no key | smallint |
//! | INT4, MEDIUMINT | all fit, and in no key | integer |
//! | BOOL, BOOLEAN | all 0 or 1 | boolean |
//! | REAL affinity | all reals, or integers up to 2^53 | double precision |
//! | NUMERIC, DECIMAL(p,s), MONEY … | all numbers whose shortest decimals fit p,s | numeric(p,s) |
//! | | all finite numbers | numeric |
//! | | with an infinity or -0.0 | double precision |
//! | DATE | all `YYYY-MM-DD` | date |
//! | DATE, DATETIME, TIMESTAMP … | all without zone (a date is its midnight) | timestamp |
//! | | all with zone | timestamptz (the instant) |
//! | | all integers | bigint, with a note on what they may mean |
//! | UUID, GUID, UNIQUEIDENTIFIER | all dashed UUIDs of one letter case, or all blobs of 16 bytes | uuid |
//! | CHAR(36), VARCHAR(36) | all dashed lower-case UUIDs | uuid |
//! | JSON, JSONB | all JSON that jsonb holds without loss, and in no unique key or index | jsonb |
//! | other TEXT affinity | all text | text (a length is no limit in SQLite, so there is none) |
//! | BLOB, none, unknown, or the values are not as above | all of one class | bigint, double precision, text, bytea |
//! | | integers up to 2^53 and reals | double precision |
//! | | larger integers and finite reals | numeric |
//! | BLOB or none | text and blobs | bytea (the bytes of the text) |
//! | any | any other mixture | text |
//!
//! Text with NUL bytes or invalid UTF-8 blocks, or becomes bytea by policy. Columns linked by foreign keys then get one
//! type (`unify`); keys are judged last (`integrity`).

use super::choices::Choices;
use super::codec::Normal;
use super::declared::Declared;
use super::forms::{Form, Group};
use super::policy::{Kind, Policies};
use super::profile::{ColumnProfile, Example, TableProfile};
pub use super::shape::{ColumnMapping, ForeignKeyFate, KeyFate, TableMapping};
use super::shape::{normal_for, thousands};
use super::{PgType, epoch, integrity, notes, unify};
use crate::finding::{Finding, codes};
use crate::schema::{Affinity, Column, IndexOn, IndexTerm, Key, Schema, Table, TableKind};
use crate::value::Class;
use std::collections::BTreeMap;

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
        for (i, column) in table.columns.iter().enumerate() {
            let values = profile.columns.get(i).unwrap_or(&no_values);
            let rules =
                Rules { table, column, profile, p: values, key: is_key(table, i), rowid: table.rowid_alias == Some(i) };
            mapping.columns.push(rules.column(&choices.policies, &mut findings));
        }
        tables.insert(table.name.clone(), mapping);
    }
    unify::unify(schema, profiles, choices, &mut tables, &mut findings);
    integrity::judge(schema, profiles, choices, &mut tables, &mut findings);
    notes::normal_forms(schema, profiles, &tables, &mut findings);
    (tables, findings)
}

/// Whether a column belongs to a key or a foreign key of its table.
fn is_key(table: &Table, column: usize) -> bool {
    let keys = table.primary_key.iter().chain(&table.uniques);
    keys.flat_map(|k| &k.columns).any(|k| k.column == column)
        || table.foreign_keys.iter().any(|f| f.columns.contains(&column))
}

/// A type with the words that explain it.
struct Choice {
    ty: PgType,
    why: String,
    /// Why it is not what the declaration says, if it is not.
    wider: Option<String>,
    /// Something that is good to know.
    note: Option<String>,
}

impl Choice {
    fn new(ty: PgType, why: impl Into<String>) -> Self {
        Choice { ty, why: why.into(), wider: None, note: None }
    }

    fn wider(mut self, why: impl Into<String>) -> Self {
        self.wider = Some(why.into());
        self
    }

    fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// The rules, applied to one column.
struct Rules<'a> {
    table: &'a Table,
    column: &'a Column,
    profile: &'a TableProfile,
    p: &'a ColumnProfile,
    key: bool,
    rowid: bool,
}

impl Rules<'_> {
    fn column(&self, policies: &Policies, findings: &mut Vec<Finding>) -> ColumnMapping {
        let mut choice = self.choose();
        let flawed = self.flawed_text(&mut choice, policies, findings);
        let normal = normal_for(choice.ty, self.p);
        let object = format!("{}.{}", self.table.name, self.column.name);
        if matches!(normal, Normal::Text | Normal::Bytes) {
            self.mixed_finding(&object, choice.ty, choice.wider.take(), policies, findings);
        } else if let Some(why) = choice.wider.take().filter(|_| !flawed) {
            let hint = format!("it becomes {}, which holds every value", choice.ty.sql());
            findings.push(Finding::warning(codes::WIDER, &object, why, hint));
        }
        if let Some(note) = choice.note.take() {
            let hint = format!("it becomes {}: the values stay as they are", choice.ty.sql());
            findings.push(Finding::note(codes::WIDER, &object, note, hint));
        }
        ColumnMapping::new(choice.ty, normal, format!("{}; {}", self.declaration(), choice.why))
    }

    fn declaration(&self) -> String {
        if self.rowid {
            "the rowid (INTEGER PRIMARY KEY)".into()
        } else if self.column.declared.is_empty() {
            "no declared type".into()
        } else {
            format!("declared {}", self.column.declared)
        }
    }

    fn choose(&self) -> Choice {
        let declared = Declared::of(&self.column.declared);
        if self.rowid {
            return Choice::new(PgType::BigInt, "always an integer of 64 bits");
        }
        if self.p.values() == 0 {
            return self.by_declaration(declared);
        }
        match declared {
            Declared::Small | Declared::Medium | Declared::Integer => self.integer(declared),
            Declared::Boolean => self.boolean(),
            Declared::Real => self.real(),
            Declared::Decimal(limits) => self.decimal(limits),
            Declared::Date | Declared::DateTime => self.temporal(declared),
            Declared::Uuid => self.uuid(),
            Declared::Json => self.json(),
            Declared::Char36 if self.only(Class::Text) && self.p.all_texts_are(Form::UuidLower) => {
                Choice::new(PgType::Uuid, self.all("UUIDs"))
            }
            Declared::Text | Declared::Char36 => {
                let choice = self.by_content();
                if self.only(Class::Text) { choice } else { choice.wider(self.not_as_declared()) }
            }
            Declared::Blob | Declared::None => self.by_content(),
            Declared::Unknown => self.unknown(),
        }
    }

    /// Nothing to go by but the declaration. Key columns are not narrowed.
    fn by_declaration(&self, declared: Declared) -> Choice {
        let ty = match declared {
            Declared::Small if !self.key => PgType::SmallInt,
            Declared::Medium if !self.key => PgType::Integer,
            Declared::Small | Declared::Medium | Declared::Integer => PgType::BigInt,
            Declared::Boolean => PgType::Boolean,
            Declared::Real => PgType::Double,
            Declared::Decimal(limits) => PgType::Numeric(limits),
            Declared::Date => PgType::Date,
            Declared::DateTime => PgType::Timestamp,
            Declared::Uuid => PgType::Uuid,
            Declared::Json if self.must_be_unique() => PgType::Text,
            Declared::Json => PgType::Jsonb,
            Declared::Blob => PgType::Bytea,
            Declared::Text | Declared::Char36 | Declared::None | Declared::Unknown => PgType::Text,
        };
        Choice::new(ty, if self.p.nulls > 0 { "every value is NULL" } else { "no rows" })
    }

    fn integer(&self, declared: Declared) -> Choice {
        if !self.only(Class::Integer) {
            return self.by_content().wider(self.not_as_declared());
        }
        let (low, high) = (self.p.integer_min, self.p.integer_max);
        let within = |min: i64, max: i64| low >= min && high <= max && !self.key;
        let range = format!("integers from {low} to {high}");
        match declared {
            Declared::Small if within(i16::MIN.into(), i16::MAX.into()) => Choice::new(PgType::SmallInt, range),
            Declared::Medium if within(i32::MIN.into(), i32::MAX.into()) => Choice::new(PgType::Integer, range),
            Declared::Small | Declared::Medium if !self.key => {
                Choice::new(PgType::BigInt, range.clone()).wider(format!("holds {range}"))
            }
            _ => Choice::new(PgType::BigInt, range),
        }
    }

    fn boolean(&self) -> Choice {
        if !self.only(Class::Integer) {
            let words = self.p.count(Form::BooleanWord).unwrap_or(0);
            let note =
                format!("{}; {} of the texts are words for true or false", self.not_as_declared(), thousands(words));
            return self.by_content().wider(if self.p.texts > 0 { note } else { self.not_as_declared() });
        }
        let (low, high) = (self.p.integer_min, self.p.integer_max);
        if low >= 0 && high <= 1 {
            return Choice::new(PgType::Boolean, self.all("0 or 1"));
        }
        let range = format!("integers from {low} to {high}, not only 0 and 1");
        Choice::new(PgType::BigInt, range.clone()).wider(format!("holds {range}"))
    }

    fn real(&self) -> Choice {
        if self.p.texts + self.p.blobs > 0 {
            return self.by_content().wider(self.not_as_declared());
        }
        let choice = self.by_content();
        match choice.ty {
            PgType::Double => choice,
            // Only integers: the declaration says reals.
            PgType::BigInt if self.p.integers_exact_in_double() => Choice::new(PgType::Double, choice.why),
            _ => choice.wider("holds integers beyond 2^53, which a double does not hold exactly"),
        }
    }

    fn decimal(&self, limits: Option<(u16, u16)>) -> Choice {
        if self.p.texts + self.p.blobs > 0 {
            return self.by_content().wider(self.not_as_declared());
        }
        if self.p.non_finite + self.p.negative_zeros > 0 {
            let odd = format!(
                "{} infinities and {} times -0.0, which numeric does not hold",
                thousands(self.p.non_finite),
                thousands(self.p.negative_zeros)
            );
            let examples = show(&self.p.odd_reals);
            let ty = if self.p.integers_exact_in_double() { PgType::Double } else { PgType::Text };
            return Choice::new(ty, odd.clone()).wider(format!("holds {odd}{examples}"));
        }
        let counts = self.classes();
        let choice = match limits {
            Some((p, s)) if self.p.fits_numeric(p, s) => {
                Choice::new(PgType::Numeric(limits), format!("{counts}, all within {p} digits, {s} after the point"))
            }
            Some((p, s)) => Choice::new(PgType::Numeric(None), format!("{counts}, not all within {p},{s}"))
                .wider(format!("some of {counts} need more than {p} digits or {s} after the point")),
            None => Choice::new(PgType::Numeric(None), counts),
        };
        const LIMIT: f64 = 9_007_199_254_740_992.0;
        if self.p.reals > 0 && (self.p.real_max > LIMIT || self.p.real_min < -LIMIT) {
            return choice.note("holds doubles beyond 2^53: SQLite had dropped digits of them when they were stored");
        }
        choice
    }

    fn temporal(&self, declared: Declared) -> Choice {
        if !self.only(Class::Text) {
            return self.no_date_text();
        }
        let p = self.p;
        let count = |form| p.count(form).unwrap_or(0);
        let (dates, local, zoned) = (count(Form::Date), count(Form::Local), count(Form::Zoned));
        if declared == Declared::Date && dates == p.texts {
            return Choice::new(PgType::Date, self.all("dates"));
        }
        if dates + local == p.texts {
            let midnight = dates + count(Form::Midnight) == p.texts;
            let tail = if midnight { ", all at midnight" } else { "" };
            return Choice::new(PgType::Timestamp, format!("{} without zone{tail}", self.all("date-times")));
        }
        if zoned == p.texts {
            return Choice::new(PgType::TimestampTz, format!("{} with a zone", self.all("date-times")));
        }
        let strangers = p.texts - dates - local - zoned;
        let why = if strangers == 0 {
            format!("{} date-times have a zone and {} have none", thousands(zoned), thousands(dates + local))
        } else {
            self.strangers(strangers, Group::Temporal, "no dates")
        };
        Choice::new(PgType::Text, why.clone()).wider(why)
    }

    /// A date column without text, or with more than text.
    fn no_date_text(&self) -> Choice {
        let choice = self.by_content();
        if self.only(Class::Integer) {
            let (low, high) = (self.p.integer_min, self.p.integer_max);
            #[allow(clippy::cast_precision_loss)] // only to show days
            let meanings = epoch::meanings(low as f64, high as f64);
            return choice.note(format!("holds integers from {low} to {high}, not dates{meanings}"));
        }
        if self.p.texts + self.p.blobs + self.p.integers + self.p.non_finite == 0 {
            let (low, high) = (self.p.real_min, self.p.real_max);
            let meanings = epoch::meanings(low, high);
            return choice.note(format!("holds reals from {low:?} to {high:?}, not dates{meanings}"));
        }
        let known: u64 = [Form::Date, Form::Local, Form::Zoned].iter().map(|f| self.p.count(*f).unwrap_or(0)).sum();
        let why = self.strangers(self.p.values() - known, Group::Temporal, "no dates");
        choice.wider(format!("{why}: {}", self.classes()))
    }

    fn uuid(&self) -> Choice {
        let p = self.p;
        if self.only(Class::Blob) && p.blobs_of_16 == p.blobs {
            return Choice::new(PgType::Uuid, self.all("blobs of 16 bytes"));
        }
        if !self.only(Class::Text) {
            return self.by_content().wider(self.not_as_declared());
        }
        if p.all_texts_are(Form::UuidLower) || p.all_texts_are(Form::UuidUpper) {
            return Choice::new(PgType::Uuid, self.all("UUIDs of one letter case"));
        }
        let why = if p.misses(Group::Uuid).is_empty() {
            "UUIDs in both letter cases, which uuid does not tell apart".into()
        } else {
            format!("not all values are UUIDs with dashes{}", show(p.misses(Group::Uuid)))
        };
        Choice::new(PgType::Text, why.clone()).wider(why)
    }

    fn json(&self) -> Choice {
        if !self.only(Class::Text) {
            return self.by_content().wider(self.not_as_declared());
        }
        if self.p.all_texts_are(Form::Json) && self.must_be_unique() {
            let why = "stands in a key, and jsonb takes texts for equal that SQLite holds apart, as 1.0 and 1";
            return Choice::new(PgType::Text, why).wider(why);
        }
        if self.p.all_texts_are(Form::Json) {
            return Choice::new(PgType::Jsonb, self.all("JSON that jsonb holds"));
        }
        let known = self.p.count(Form::Json).unwrap_or(0);
        let why = self.strangers(self.p.texts - known, Group::Json, "not JSON that jsonb holds");
        Choice::new(PgType::Text, why.clone()).wider(why)
    }

    /// Whether the column belongs to a primary or unique key or to a unique index.
    fn must_be_unique(&self) -> bool {
        let this =
            |k: &Key| k.columns.iter().any(|c| self.table.columns.get(c.column).is_some_and(|c| c == self.column));
        let of_index =
            |t: &IndexTerm| matches!(&t.on, IndexOn::Column(i) if self.table.columns.get(*i) == Some(self.column));
        self.table.primary_key.iter().chain(&self.table.uniques).any(this)
            || self.table.indexes.iter().any(|i| i.unique && i.terms.iter().any(of_index))
    }

    fn unknown(&self) -> Choice {
        let choice = self.by_content();
        let textual = self.column.declared.to_ascii_uppercase().contains("STR");
        if textual && self.column.affinity == Affinity::Numeric && self.p.integers + self.p.reals > 0 {
            let declared = &self.column.declared;
            return choice.note(format!(
                "{declared} has NUMERIC affinity in SQLite: {} texts that look like numbers were stored as numbers, leading zeros were lost then",
                thousands(self.p.integers + self.p.reals)
            ));
        }
        choice
    }

    /// The narrowest type that holds every value, whatever was declared.
    fn by_content(&self) -> Choice {
        let p = self.p;
        let counts = self.classes();
        let numbers_only = p.texts + p.blobs == 0;
        let ty = if self.only(Class::Integer) {
            PgType::BigInt
        } else if self.only(Class::Real) || (numbers_only && p.integers_exact_in_double()) {
            PgType::Double
        } else if numbers_only && p.non_finite + p.negative_zeros == 0 {
            PgType::Numeric(None)
        } else if self.only(Class::Blob)
            || (p.integers + p.reals == 0 && p.blobs > 0 && self.column.affinity == Affinity::Blob)
        {
            PgType::Bytea
        } else {
            PgType::Text
        };
        Choice::new(ty, counts)
    }

    fn only(&self, class: Class) -> bool {
        self.p.of_class(class) == self.p.values()
    }

    /// `3 of 5,000,000 values are no dates (2 empty; row 7: 'now', …)`.
    fn strangers(&self, count: u64, group: Group, are: &str) -> String {
        let empty = match self.p.empty_texts {
            0 => String::new(),
            n => format!(", {} of them empty texts", thousands(n)),
        };
        let examples = show(self.p.misses(group));
        format!("{} of {} values are {are}{empty}{examples}", thousands(count), thousands(self.p.values()))
    }

    /// `18,661 of 18,661 values are UUIDs`.
    fn all(&self, what: &str) -> String {
        let n = thousands(self.p.values());
        format!("{n} of {n} values are {what}")
    }

    /// `holds 3 integers, 2 texts (1 of them empty) (row 4: 'abc')`: what a column holds that its declaration does not say.
    fn not_as_declared(&self) -> String {
        let odd = match self.column.affinity {
            Affinity::Text => &self.p.examples[3],
            _ if self.p.texts > 0 => &self.p.examples[2],
            _ if self.p.blobs > 0 => &self.p.examples[3],
            _ => &self.p.examples[1],
        };
        format!("holds {}{}", self.classes(), show(odd))
    }

    /// `12 integers, 3 texts (1 of them empty)`.
    fn classes(&self) -> String {
        let p = self.p;
        let part =
            |n: u64, word: &str| (n > 0).then(|| format!("{} {word}{}", thousands(n), if n == 1 { "" } else { "s" }));
        let mut parts: Vec<String> =
            [part(p.integers, "integer"), part(p.reals, "real")].into_iter().flatten().collect();
        if let Some(mut texts) = part(p.texts, "text") {
            if p.empty_texts > 0 {
                texts.push_str(&format!(" ({} of them empty)", thousands(p.empty_texts)));
            }
            parts.push(texts);
        }
        parts.extend(part(p.blobs, "blob"));
        parts.join(", ")
    }

    fn mixed_finding(
        &self,
        object: &str,
        ty: PgType,
        wider: Option<String>,
        policies: &Policies,
        findings: &mut Vec<Finding>,
    ) {
        let message = wider.unwrap_or_else(|| format!("holds {}", self.classes()));
        let becomes = if ty == PgType::Text {
            "it becomes text: numbers in decimal, blobs as \\x and hex"
        } else {
            "it becomes bytea: the bytes of its texts"
        };
        findings.push(if policies.keeps(Kind::Mixed) {
            Finding::warning(codes::MIXED, object, message, becomes)
        } else {
            Finding::data(codes::MIXED, object, message, Kind::Mixed.hint())
        });
    }

    /// NUL bytes and invalid UTF-8: bytea where the policies say so, else a finding that blocks. Returns whether the
    /// column becomes bytea for that.
    fn flawed_text(&self, choice: &mut Choice, policies: &Policies, findings: &mut Vec<Finding>) -> bool {
        let p = self.p;
        if choice.ty != PgType::Text || p.nul_texts + p.invalid_texts == 0 {
            return false;
        }
        let flaws = [
            (Kind::Nul, codes::NUL, p.nul_texts, &p.nul_places, "hold a NUL byte"),
            (Kind::InvalidUtf8, codes::INVALID_UTF8, p.invalid_texts, &p.invalid_places, "are not valid UTF-8"),
        ];
        let found = || flaws.iter().filter(|f| f.2 > 0);
        let kept = found().all(|f| policies.keeps(f.0));
        for (kind, code, count, places, what) in found() {
            let object = format!("{}.{}", self.table.name, self.column.name);
            let message = format!(
                "{} of {} texts {what}, first at {}",
                thousands(*count),
                thousands(p.texts),
                self.profile.name_places(places)
            );
            let mut finding = Finding::data(code, object, message, kind.hint());
            finding.accepted = policies.keeps(*kind);
            findings.push(finding);
        }
        if kept {
            choice.ty = PgType::Bytea;
            choice.why = format!("{}, some of which PostgreSQL's text does not hold", self.classes());
        }
        kept
    }
}

/// Examples in parentheses, or nothing.
fn show(examples: &[Example]) -> String {
    if examples.is_empty() {
        return String::new();
    }
    let list: Vec<String> = examples.iter().map(|e| format!("row {}: {}", thousands(e.row), e.text)).collect();
    format!(" ({})", list.join("; "))
}
