//! Keys and limits: what the rows break that PostgreSQL enforces.
//! Owns the fate of keys and foreign keys; never drops a row.

use super::PgType;
use super::choices::Choices;
use super::codec::{MAX_FIELD_BYTES, Normal};
use super::decide::{ForeignKeyFate, KeyFate, TableMapping};
use super::exclude::Exclusion;
use super::policy::{Choice, Kind};
use super::profile::{ColumnProfile, TableProfile};
use super::shape::thousands;
use super::unify::ByName;
use crate::finding::{Finding, codes};
use crate::schema::{ForeignKey, Index, IndexOn, Key, Schema, Table, TableKind};
use std::collections::BTreeMap;

/// Largest row of a btree index on pages of 8 kB (three must fit on one).
/// Source: `BTMaxItemSize`, <https://github.com/postgres/postgres/blob/REL_15_STABLE/src/include/access/nbtree.h>.
pub const MAX_INDEX_ROW_BYTES: u64 = 2704;

/// Largest value that is tried in an index: 13 bits of an index row's head tell its size, and what compresses from more
/// than that to a third of a page is rare.
/// Source: `INDEX_SIZE_MASK`, <https://github.com/postgres/postgres/blob/REL_15_STABLE/src/include/access/itup.h>.
pub const MAX_INDEXED_BYTES: u64 = 8191;

/// Judges the keys of every table and sets their fates.
pub fn judge(
    schema: &Schema,
    profiles: &BTreeMap<String, TableProfile>,
    choices: &Choices,
    tables: &mut BTreeMap<String, TableMapping>,
    findings: &mut Vec<Finding>,
) {
    for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
        let (Some(profile), Some(mapping)) = (profiles.get(&table.name), tables.get_mut(&table.name)) else { continue };
        let mut judge = Judge { schema, table, profile, choices, mapping, findings };
        judge.nulls();
        judge.duplicates();
        judge.orphans();
        judge.checks();
        judge.sizes();
        judge.index_sizes();
    }
    without_parent_key(schema, tables, findings);
}

/// What becomes of rows under `quarantine`.
const QUARANTINED: &str = "they go to lite2pg.rejected_row, whole";

struct Judge<'a> {
    schema: &'a Schema,
    table: &'a Table,
    profile: &'a TableProfile,
    choices: &'a Choices,
    mapping: &'a mut TableMapping,
    findings: &'a mut Vec<Finding>,
}

impl Judge<'_> {
    /// A finding that a policy answers; `does` says what becomes of the rows under the one that was chosen.
    fn data(&mut self, kind: Kind, chosen: Choice, code: &str, object: String, message: String, does: &str) {
        let accepted = chosen != Choice::Fail;
        let message = if accepted { format!("{message}: {does}") } else { message };
        let mut finding = Finding::data(code, object, message, kind.hint());
        finding.accepted = accepted;
        self.findings.push(finding);
    }

    /// What was chosen for a column, else for the first column of its key, else for all.
    fn choice(&self, kind: Kind, column: usize, key: &[usize]) -> Choice {
        let own = |i: usize| {
            let choice = self.choices.column(&self.table.name, self.column(i))?;
            choice.policies.chose(kind).then(|| choice.policies.get(kind))
        };
        own(column).or_else(|| key.first().and_then(|i| own(*i))).unwrap_or_else(|| self.choices.policies.get(kind))
    }

    fn column(&self, i: usize) -> &str {
        self.table.columns.get(i).map_or("?", |c| c.name.as_str())
    }

    fn names(&self, columns: impl IntoIterator<Item = usize>) -> String {
        let names: Vec<&str> = columns.into_iter().map(|c| self.column(c)).collect();
        names.join(", ")
    }

    fn nulls(&mut self) {
        let key: Vec<usize> = self.table.primary_key.iter().flat_map(|k| &k.columns).map(|k| k.column).collect();
        for i in 0..self.table.columns.len() {
            // Those that a policy makes NULL count too.
            let Some(p) = self.profile.columns.get(i).filter(|p| p.nulls > 0) else { continue };
            let (in_key, not_null) = (key.contains(&i), self.table.columns[i].not_null);
            if (!in_key && !not_null) || self.table.rowid_alias == Some(i) {
                continue;
            }
            let place = if in_key { "the primary key" } else { "a NOT NULL column" };
            let first = match p.null_places.is_empty() {
                true => ", after what a policy does to its values".to_owned(),
                false => format!(", first at {}", self.profile.name_places(&p.null_places)),
            };
            let (nulls, rows) = (thousands(p.nulls), thousands(p.rows()));
            let message = format!("{nulls} of {rows} rows hold NULL in {place}{first}");
            let object = format!("{}.{}", self.table.name, self.column(i));
            let chosen = self.choice(Kind::NullKey, i, if in_key { &key } else { &[] });
            let does = match (chosen, in_key) {
                (Choice::Quarantine, _) => QUARANTINED,
                (Choice::Surrogate, true) => "a new identity column becomes the primary key, and this one stays unique",
                (_, true) => "the primary key becomes a unique constraint",
                (_, false) => "NOT NULL is dropped",
            };
            self.data(Kind::NullKey, chosen, codes::NULL_KEY, object, message, does);
            if chosen == Choice::Quarantine {
                let column = self.column(i).to_owned();
                self.mapping.exclusions.push(Exclusion::NullKey { column });
                continue;
            }
            if in_key {
                self.mapping.primary_key = KeyFate::Unique;
                if chosen == Choice::Surrogate {
                    self.mapping.surrogate = true;
                    self.mapping.surrogate_for.push(i);
                }
            }
            if not_null {
                self.mapping.drop_not_null.push(i);
            }
        }
    }

    fn duplicates(&mut self) {
        let table = self.table;
        if let Some(key) = table.primary_key.as_ref().filter(|_| self.profile.primary_duplicates > 0)
            && let Some(fate) = self.duplicate_key(key, "the primary key", self.profile.primary_duplicates)
        {
            self.mapping.primary_key = fate;
        }
        for (i, key) in table.uniques.iter().enumerate() {
            let count = self.profile.unique_duplicates.get(i).copied().unwrap_or(0);
            if count > 0
                && let Some(fate) = self.duplicate_key(key, "a unique key", count)
            {
                self.mapping.uniques[i] = fate;
            }
        }
        for (i, index) in table.indexes.iter().enumerate().filter(|(_, index)| index.unique) {
            self.duplicate_index(i, index);
        }
    }

    /// What becomes of a key that rows repeat; `None`: it stays, for the rows go.
    fn duplicate_key(&mut self, key: &Key, what: &str, count: u64) -> Option<KeyFate> {
        let columns: Vec<usize> = key.columns.iter().map(|k| k.column).collect();
        let names = self.names(columns.iter().copied());
        let message = format!("{} rows repeat {what} ({names}) under the chosen types", thousands(count));
        let primary = self.table.primary_key.as_ref() == Some(key);
        let object = self.table.name.clone();
        self.repeated(columns, what, None, (object, message), primary)
    }

    fn duplicate_index(&mut self, i: usize, index: &Index) {
        let columns: Vec<usize> = index
            .terms
            .iter()
            .filter_map(|t| match &t.on {
                IndexOn::Column(c) => Some(*c),
                IndexOn::Expression(_) => None,
            })
            .collect();
        let count = self.profile.index_duplicates.get(i).copied().unwrap_or(0);
        if count > 0 {
            let message = format!("{} rows repeat a key of a unique index under the chosen types", thousands(count));
            let what = format!("unique index {}", index.name);
            let predicate = index.predicate.as_ref().map(|p| p.sql.clone());
            if let Some(fate) = self.repeated(columns, &what, predicate, (index.name.clone(), message), false) {
                self.mapping.indexes[i] = fate;
            }
        } else if self.profile.index_unsure.get(i).copied().unwrap_or(false) {
            let message = "the keys of a unique index may repeat under the chosen types: it is of expressions over \
                           columns whose values become equal in PostgreSQL, or of some rows that could not be told";
            let chosen = columns.first().map_or_else(
                || self.choices.policies.get(Kind::DuplicateKey),
                |first| self.choice(Kind::DuplicateKey, *first, &[]),
            );
            // Which rows repeat it cannot be told, so none of them can be set aside.
            let does = "it becomes an index that is not unique";
            self.data(Kind::DuplicateKey, chosen, codes::DUPLICATE_KEY, index.name.clone(), message.to_owned(), does);
            self.mapping.indexes[i] = KeyFate::Plain;
        }
    }

    fn repeated(
        &mut self,
        columns: Vec<usize>,
        what: &str,
        predicate: Option<String>,
        (object, message): (String, String),
        primary: bool,
    ) -> Option<KeyFate> {
        let chosen = match columns.first() {
            Some(first) => self.choice(Kind::DuplicateKey, *first, &[]),
            None => self.choices.policies.get(Kind::DuplicateKey),
        };
        let surrogate = chosen == Choice::Surrogate && (primary || self.table.primary_key.is_none());
        let does = match chosen {
            Choice::Quarantine => "the first row of each key stays, the others go to lite2pg.rejected_row",
            _ if surrogate => "a new identity column becomes the primary key, and this one an index that is not unique",
            _ => "it becomes an index that is not unique",
        };
        self.data(Kind::DuplicateKey, chosen, codes::DUPLICATE_KEY, object, message, does);
        if chosen == Choice::Quarantine {
            let columns = columns.into_iter().map(|c| self.column(c).to_owned()).collect();
            self.mapping.exclusions.push(Exclusion::DuplicateKey { key: what.to_owned(), columns, predicate });
            return None;
        }
        self.mapping.surrogate |= surrogate;
        Some(KeyFate::Plain)
    }

    /// Rows that break a CHECK: it was added later, or not enforced when they came.
    fn checks(&mut self) {
        let table = self.table;
        for (i, check) in table.checks.iter().enumerate() {
            let count = self.profile.check_broken.get(i).copied().unwrap_or(0);
            if count > 0 {
                let rows = thousands(self.profile.rows);
                let message = format!("{} of {rows} rows break CHECK ({})", thousands(count), check.expr.sql);
                let chosen = self.choices.policies.get(Kind::Checks);
                let does = "the check is made NOT VALID";
                self.data(Kind::Checks, chosen, codes::CHECK_BROKEN, table.name.clone(), message, does);
                self.mapping.checks_not_valid.push(i);
            }
        }
    }

    fn orphans(&mut self) {
        let table = self.table;
        for (i, key) in table.foreign_keys.iter().enumerate() {
            let count = self.profile.orphans.get(i).copied().unwrap_or(0);
            if count == 0 || self.mapping.foreign_keys[i] == ForeignKeyFate::Drop {
                continue;
            }
            let names = self.names(key.columns.iter().copied());
            let mut message = format!(
                "{} of {} rows refer to a row of {} that does not exist ({names})",
                thousands(count),
                thousands(self.profile.rows),
                key.parent
            );
            if let Some(collation) = self.parent_collation(key) {
                message.push_str(&format!(
                    "; the parent's key is COLLATE {collation}, under which some of them may have one: PostgreSQL compares \
                     by bytes"
                ));
            }
            let mut chosen = match key.columns.first() {
                Some(first) => self.choice(Kind::Orphans, *first, &[]),
                None => self.choices.policies.get(Kind::Orphans),
            };
            if chosen == Choice::SetNull
                && let Some(column) = key.columns.iter().find(|c| !self.takes_null(**c))
            {
                message.push_str(&format!("; set-null cannot answer it: {} takes no NULL", self.column(*column)));
                chosen = Choice::Fail;
            }
            let (fate, does) = match chosen {
                Choice::Quarantine => (ForeignKeyFate::Quarantine, QUARANTINED),
                Choice::SetNull => (ForeignKeyFate::SetNull, "these columns become NULL in them"),
                _ => (ForeignKeyFate::NotValid, "the foreign key is made NOT VALID"),
            };
            self.data(Kind::Orphans, chosen, codes::ORPHANS, format!("{}.{names}", table.name), message, does);
            self.mapping.foreign_keys[i] = fate;
        }
    }

    /// The collation that SQLite compares a foreign key under, if it is not by bytes.
    fn parent_collation(&self, key: &ForeignKey) -> Option<&str> {
        let parent = self.schema.tables.iter().find(|t| t.name == key.parent)?;
        let of = |name: &String| parent.columns.iter().find(|c| c.name == *name)?.collation.as_deref();
        key.parent_columns.iter().find_map(of)
    }

    /// Whether a column will take NULL in PostgreSQL.
    fn takes_null(&self, i: usize) -> bool {
        let mut key = self.table.primary_key.iter().flat_map(|k| &k.columns);
        let in_key = self.mapping.primary_key == KeyFate::Keep && key.any(|k| k.column == i);
        let not_null =
            self.table.columns.get(i).is_some_and(|c| c.not_null) && !self.mapping.drop_not_null.contains(&i);
        !in_key && !not_null
    }

    /// Fields and rows beyond 1 GB. No policy answers them.
    fn sizes(&mut self) {
        let limit = MAX_FIELD_BYTES as u64;
        for i in 0..self.table.columns.len() {
            let width = self.width(i);
            if width > limit {
                let message = format!(
                    "its longest value takes {} bytes; PostgreSQL takes {}",
                    thousands(width),
                    thousands(limit)
                );
                let object = format!("{}.{}", self.table.name, self.column(i));
                self.findings.push(Finding::data(codes::TOO_LARGE, object, message, Kind::NO_PLACE));
            }
        }
        if self.profile.max_row_bytes > limit {
            let row = thousands(self.profile.max_row_bytes);
            let message = format!("its largest row takes {row} bytes; PostgreSQL hands out {}", thousands(limit));
            let table = self.table.name.clone();
            self.findings.push(Finding::data(codes::TOO_LARGE, table, message, Kind::NO_PLACE));
        }
    }

    /// Longest value of a column as its type holds it, in bytes.
    fn width(&self, column: usize) -> u64 {
        let Some(mapping) = self.mapping.columns.get(column) else { return 0 };
        let empty = ColumnProfile::default();
        let p = self.profile.columns.get(column).unwrap_or(&empty);
        match mapping.ty {
            PgType::Text if mapping.normal == Normal::Text && p.blobs > 0 => {
                p.text_max_bytes.max(p.blob_max_bytes * 2 + 2)
            }
            PgType::Text | PgType::Bytea | PgType::Jsonb => p.text_max_bytes.max(p.blob_max_bytes),
            PgType::Numeric(_) => 24,
            PgType::Uuid => 16,
            _ => 8,
        }
    }

    /// Index rows that PostgreSQL may refuse. Up to a page only a warning: it compresses long values first, and the
    /// greatest lengths of two columns need not stand in one row.
    fn index_sizes(&mut self) {
        let table = self.table;
        let of_key = |k: &Key| k.columns.iter().map(|c| c.column).collect::<Vec<_>>();
        let measured = |list: &[u64], i: usize| list.get(i).copied().unwrap_or(0);
        let profile = self.profile;
        if let Some(key) = &table.primary_key
            && self.index_size(
                format!("{} (primary key)", table.name),
                &of_key(key),
                (profile.primary_bytes, profile.packed.primary),
            )
        {
            self.mapping.primary_key = KeyFate::Drop;
        }
        for (i, key) in table.uniques.iter().enumerate() {
            let bytes = (measured(&profile.unique_bytes, i), profile.packed.uniques.get(&i).copied());
            if self.index_size(format!("{} (unique key)", table.name), &of_key(key), bytes) {
                self.mapping.uniques[i] = KeyFate::Drop;
            }
        }
        for (i, index) in table.indexes.iter().enumerate() {
            let columns = index.terms.iter().filter_map(|t| match &t.on {
                IndexOn::Column(c) => Some(*c),
                IndexOn::Expression(_) => None,
            });
            let bytes = (measured(&profile.index_bytes, i), profile.packed.indexes.get(&i).copied());
            if self.index_size(index.name.clone(), &columns.collect::<Vec<_>>(), bytes) {
                self.mapping.indexes[i] = KeyFate::Drop;
            }
        }
    }

    /// Tells what is too large, and whether the index must be left out. `measured` is what the values of its largest row
    /// take in SQLite, if that is known.
    fn index_size(&mut self, object: String, columns: &[usize], (measured, packed): (u64, Option<u64>)) -> bool {
        // What is written otherwise than in SQLite was not measured as it will be.
        let rewritten = |c: &usize| {
            self.mapping.columns.get(*c).is_some_and(|m| matches!(m.normal, Normal::Text | Normal::JsonScalar))
        };
        let rewritten = columns.iter().any(rewritten);
        if let Some(packed) = packed.filter(|_| !rewritten) {
            return self.packed_size(object, columns, packed);
        }
        let largest = columns.iter().map(|c| self.width(*c)).max().unwrap_or(0);
        if largest > MAX_INDEXED_BYTES {
            let message = format!(
                "a key or index over {} holds a value of {} bytes; an index row holds {} at most",
                self.names(columns.iter().copied()),
                thousands(largest),
                thousands(MAX_INDEXED_BYTES)
            );
            let chosen = match columns.first() {
                Some(first) => self.choice(Kind::TooLarge, *first, &[]),
                None => self.choices.policies.get(Kind::TooLarge),
            };
            self.data(Kind::TooLarge, chosen, codes::TOO_LARGE, object, message, "it is left out");
            return true;
        }
        // Eight bytes of header, and up to eight of length and alignment a column.
        let mut bytes = columns.iter().map(|c| self.width(*c).saturating_add(8)).fold(8u64, u64::saturating_add);
        // The longest values of two columns need not stand in one row. Values that are written longer than they are do not
        // count by what they take in SQLite.
        if measured > 0 && !rewritten {
            bytes = bytes.min(measured.saturating_add(8 * (columns.len() as u64 + 1)));
        }
        if bytes > MAX_INDEX_ROW_BYTES {
            let message = format!(
                "an index row over {} may take {} bytes; PostgreSQL refuses more than {} after compression",
                self.names(columns.iter().copied()),
                thousands(bytes),
                thousands(MAX_INDEX_ROW_BYTES)
            );
            let hint = "if the index cannot be made, index a hash of the column instead";
            self.findings.push(Finding::warning(codes::TOO_LARGE, object, message, hint));
        }
        false
    }
}

/// What serves instead of a btree that cannot be built.
const INSTEAD: &str =
    "make one afterwards on md5(column), or on left(column, 600), or USING hash where only = is asked";

impl Judge<'_> {
    /// The same where the rows were measured as PostgreSQL stores them.
    fn packed_size(&mut self, object: String, columns: &[usize], packed: u64) -> bool {
        // Eight bytes of header, and up to eight of alignment a column.
        let bytes = packed.saturating_add(8 * (columns.len().max(1) as u64 + 1));
        let over = match columns {
            [] => "its expression".to_owned(),
            columns => self.names(columns.iter().copied()),
        };
        let (size, most) = (thousands(bytes), thousands(MAX_INDEX_ROW_BYTES));
        if bytes <= MAX_INDEX_ROW_BYTES {
            let message = format!(
                "the largest index row over {over} takes {size} bytes, long values compressed; PostgreSQL refuses a row that \
                 takes more than {most}"
            );
            let hint = "nothing to do now; if longer values may come, index a hash of the column instead";
            self.findings.push(Finding::warning(codes::TOO_LARGE, object, message, hint));
            return false;
        }
        let message = format!(
            "a key or index over {over} has a row of {size} bytes, long values compressed; an index row holds {most} at most"
        );
        let chosen = match columns.first() {
            Some(first) => self.choice(Kind::TooLarge, *first, &[]),
            None => self.choices.policies.get(Kind::TooLarge),
        };
        let does = format!("it is left out; {INSTEAD}");
        self.data(Kind::TooLarge, chosen, codes::TOO_LARGE, object, message, &does);
        true
    }
}

/// A foreign key needs a unique key in its parent; one that holds duplicates, or is left out, is none.
fn without_parent_key(schema: &Schema, tables: &mut BTreeMap<String, TableMapping>, findings: &mut Vec<Finding>) {
    let by_name = ByName::of(schema);
    for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
        for (i, key) in table.foreign_keys.iter().enumerate() {
            let Some((_, parent, columns)) = by_name.parent_of(key) else { continue };
            let Some(fates) = tables.get(&parent.name) else { continue };
            let plain = lost_keys(parent, fates).any(|k| same_columns(k, &columns));
            let Some(fate) = tables.get_mut(&table.name).and_then(|m| m.foreign_keys.get_mut(i)) else { continue };
            if !plain || *fate == ForeignKeyFate::Drop {
                continue;
            }
            *fate = ForeignKeyFate::Drop;
            findings.push(Finding::not_carried(
                codes::FOREIGN_KEY,
                table.name.clone(),
                format!(
                    "refers to a key of {} that is not unique in PostgreSQL: see the finding about it",
                    parent.name
                ),
                "mend the key's values in the source, or accept the table without this foreign key",
            ));
        }
    }
}

fn lost_keys<'a>(table: &'a Table, fates: &'a TableMapping) -> impl Iterator<Item = &'a Key> {
    let lost = |fate: KeyFate| matches!(fate, KeyFate::Plain | KeyFate::Drop);
    let primary = table.primary_key.iter().filter(move |_| lost(fates.primary_key));
    let uniques = table.uniques.iter().zip(&fates.uniques).filter(move |(_, f)| lost(**f)).map(|(k, _)| k);
    primary.chain(uniques)
}

fn same_columns(key: &Key, columns: &[usize]) -> bool {
    key.columns.len() == columns.len() && key.columns.iter().all(|k| columns.contains(&k.column))
}
