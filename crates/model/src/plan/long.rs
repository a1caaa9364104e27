//! Values too long for the memory that is allowed: which are read piece by piece, and which cannot be.
//! Owns that decision and its findings; never reads a value.

use super::limits::Memory;
use crate::finding::{Finding, codes};
use crate::mapping::PgType;
use crate::mapping::codec::Normal;
use crate::mapping::decide::TableMapping;
use crate::mapping::profile::{ColumnProfile, TableProfile};
use crate::mapping::shape::{Crossing, thousands};
use crate::mapping::treat::Treatment;
use crate::schema::{Column, Table};
use serde::{Deserialize, Serialize};

/// The long values of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongPlan {
    /// Values of more bytes than this.
    pub over: u64,
    /// Columns that hold some which cross piece by piece, as the source names them.
    pub columns: Vec<String>,
    /// Which of their values SQLite hands out only whole.
    #[serde(default, skip_serializing_if = "Held::is_none")]
    pub held: Held,
    /// Some long values are held whole on their way: no two workers may handle such at once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
    /// What one worker may need for its rows of what all workers together have for rows, in parts of [`LongPlan::ALL`]. 0: no
    /// more than each has.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub share: u32,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Which long values SQLite hands out only whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// None: they are read by incremental blob I/O.
    #[default]
    None,
    /// Texts: those of the database are UTF-16, of which no piece can be read.
    Texts,
    /// All of the table.
    All,
}

impl Held {
    fn is_none(&self) -> bool {
        *self == Held::None
    }
}

impl LongPlan {
    /// All that rows may take.
    pub const ALL: u32 = 256;

    /// What one worker takes of it while it handles the table.
    pub fn takes(&self) -> u32 {
        if self.alone { Self::ALL } else { self.share.min(Self::ALL) }
    }

    /// Whether a column is one of them.
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|c| c == column)
    }
}

/// Why no piece of a table's values can be read, if that is so. Source: <https://sqlite.org/c3ref/blob_open.html>.
pub fn whole_only(table: &Table) -> Option<&'static str> {
    let named = |name: &str| table.columns.iter().any(|c| c.name.eq_ignore_ascii_case(name));
    if table.without_rowid {
        Some("the table is WITHOUT ROWID, and SQLite reads only rowid tables piece by piece")
    } else if table.columns.iter().any(|c| c.generated.is_some()) {
        Some("the table has generated columns, and SQLite reads no such table piece by piece")
    } else if ["rowid", "_rowid_", "oid"].into_iter().all(named) {
        Some("all names of the table's rowid are taken by columns")
    } else {
        None
    }
}

/// Why the long values of a column must be held whole, if that is so.
fn whole_column(column: &Column, crossing: &Crossing) -> Option<String> {
    if column.read.is_some() {
        return Some("an expression is read in the column's place".to_owned());
    }
    let untreated = crossing.treatments.iter().all(|t| *t == Treatment::EmptyNull);
    let plain = matches!(crossing.normal, Normal::Exact | Normal::Text | Normal::TextBytes | Normal::Bytes);
    match crossing.ty {
        PgType::Text | PgType::Bytea if untreated && plain => None,
        PgType::Text | PgType::Bytea => Some("a policy changes its values".to_owned()),
        ty => Some(format!("a value of type {} is made as a whole", ty.sql())),
    }
}

/// Decides which values cross piece by piece. What can be neither held nor read so is a finding.
pub fn decide(
    table: &Table,
    profile: &TableProfile,
    mapping: &TableMapping,
    memory: &Memory,
) -> (Option<LongPlan>, Vec<Finding>) {
    const UTF16: &str = "the texts of the database are UTF-16, of which SQLite hands out no piece";
    let mut findings = Vec::new();
    let of_table = whole_only(table);
    let held = match of_table {
        Some(_) => Held::All,
        None if memory.utf16 => Held::Texts,
        None => Held::None,
    };
    let row = profile.columns.iter().map(|p| longest(p).min(memory.piece)).fold(0u64, u64::saturating_add);
    let over = memory.over(row, profile.columns.len());
    let mut long = LongPlan { over, columns: Vec::new(), held, alone: false, share: memory.share(row) };
    for (i, column) in table.columns.iter().enumerate() {
        let (Some(p), Some(mapped)) = (profile.columns.get(i), mapping.columns.get(i)) else { continue };
        if longest(p) <= over {
            continue;
        }
        let of_column = whole_column(column, &mapped.crossing);
        if longest(p) <= memory.piece && (of_column.is_some() || of_table.is_some() || memory.utf16) {
            continue;
        }
        if of_column.is_none() {
            long.columns.push(column.name.clone());
        }
        // What is held, how often at once, and why.
        let (bytes, copies, why) = match (of_column, of_table) {
            (Some(why), _) => (longest(p), Memory::COPIES, why),
            (None, _) if memory.utf16 && p.text_max_bytes > memory.piece => {
                (p.text_max_bytes, Memory::COPIES, UTF16.to_owned())
            }
            (None, Some(why)) => (longest(p), Memory::HELD, why.to_owned()),
            (None, None) => continue,
        };
        long.alone |= bytes > memory.piece;
        if bytes > memory.whole(copies) {
            findings.push(too_large(table, column, bytes, copies, &why, memory));
        }
    }
    ((long.takes() > 0 || !long.columns.is_empty()).then_some(long), findings)
}

fn longest(p: &ColumnProfile) -> u64 {
    p.text_max_bytes.max(p.blob_max_bytes)
}

fn too_large(table: &Table, column: &Column, bytes: u64, copies: u64, why: &str, memory: &Memory) -> Finding {
    Finding::data(
        codes::TOO_LARGE,
        format!("{}.{}", table.name, column.name),
        format!(
            "its longest value takes {} bytes and must be held whole, for {why}; --memory allows {}",
            thousands(bytes),
            thousands(memory.whole(copies))
        ),
        format!(
            "allow more with --memory {}MiB, or leave the value out of the source",
            Memory::needed(bytes, copies) >> 20
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::profile::long::LongValue;
    use crate::mapping::shape::ColumnMapping;
    use crate::schema::{RawColumn, RawObject, RawSchema, RawTable};
    use crate::value::{Class, Value};

    fn table(sql: &str, without_rowid: bool, names: &[&str]) -> Table {
        let name = "t".to_owned();
        let object = RawObject { kind: "table".into(), name: name.clone(), table: name.clone(), sql: Some(sql.into()) };
        let columns = names.iter().map(|n| RawColumn { name: (*n).to_owned(), ..RawColumn::default() });
        let raw = RawSchema {
            objects: vec![object],
            table_list: [(name.clone(), RawTable { kind: "table".into(), without_rowid, strict: false })].into(),
            columns: [(name, columns.collect())].into(),
            ..RawSchema::default()
        };
        crate::sql::resolve::resolve(&raw).0.tables.remove(0)
    }

    fn of(table: &Table, ty: PgType, class: Class, bytes: u64, memory: &Memory) -> (Option<LongPlan>, Vec<Finding>) {
        let mut seen = ColumnProfile::default();
        seen.observe_huge(class, bytes, &LongValue::new());
        let mut other = ColumnProfile::default();
        other.observe(Value::Integer(1));
        let columns: Vec<ColumnProfile> =
            table.columns.iter().map(|c| if c.name == "v" { seen.clone() } else { other.clone() }).collect();
        let mapped = table.columns.iter().map(|_| ColumnMapping::new(ty, Normal::Exact, ""));
        let mapping = TableMapping { columns: mapped.collect(), ..TableMapping::default() };
        decide(table, &TableProfile { columns, ..TableProfile::default() }, &mapping, memory)
    }

    #[test]
    fn rows_of_many_values_take_turns_before_they_take_more_than_there_is() {
        const MIB: u64 = 1 << 20;
        let memory = Memory::of(64 * MIB, 8);
        assert_eq!(memory.piece, MIB);
        let names: Vec<String> = (0..40).map(|i| format!("c{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let wide = table(&format!("CREATE TABLE t({})", names.join(", ")), false, &names);
        let of = |bytes: u64| {
            let mut seen = ColumnProfile::default();
            seen.observe_huge(Class::Text, bytes, &LongValue::new());
            let mapped = names.iter().map(|_| ColumnMapping::new(PgType::Text, Normal::Exact, ""));
            let mapping = TableMapping { columns: mapped.collect(), ..TableMapping::default() };
            let columns = names.iter().map(|_| seen.clone()).collect();
            decide(&wide, &TableProfile { columns, ..TableProfile::default() }, &mapping, &memory)
        };
        assert_eq!(of(1000), (None, Vec::new()));
        // Two megabytes a row, held eight times, are half of what there is for rows: two workers at once.
        let (long, findings) = of(2 * MIB / 40);
        let long = long.unwrap();
        assert!((long.share, long.columns.len(), findings.len()) == (LongPlan::ALL / 2, 0, 0), "{long:?}");
        // A row that even one worker could not hold: its values cross piece by piece, though each is short.
        let (long, findings) = of(MIB / 2);
        let long = long.unwrap();
        assert!(long.columns.len() == 40 && findings.is_empty() && long.takes() == LongPlan::ALL, "{long:?}");
        assert!(40 * long.over * Memory::COPIES <= 64 * MIB, "{long:?}");
    }

    #[test]
    fn what_can_be_read_in_pieces_is_and_the_rest_is_told() {
        const MIB: u64 = 1 << 20;
        let memory = Memory::of(128 * MIB, 4);
        assert_eq!((memory.piece, memory.whole(Memory::COPIES)), (2 * MIB, 14 * MIB));
        let plain = table("CREATE TABLE t(k INTEGER, v BLOB)", false, &["k", "v"]);
        let (long, findings) = of(&plain, PgType::Bytea, Class::Blob, 900 * MIB, &memory);
        assert_eq!(long.map(|l| (l.columns, l.alone)), Some((vec!["v".to_owned()], false)));
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(of(&plain, PgType::Bytea, Class::Blob, 2 * MIB, &memory).0, None);

        let keyed = table("CREATE TABLE t(k INTEGER PRIMARY KEY, v BLOB) WITHOUT ROWID", true, &["k", "v"]);
        let (long, findings) = of(&keyed, PgType::Bytea, Class::Blob, 900 * MIB, &memory);
        assert!(long.is_some_and(|l| l.alone && l.held == Held::All));
        assert!(findings[0].blocks() && findings[0].object == "t.v", "{findings:?}");
        assert!(findings[0].message.contains("WITHOUT ROWID") && findings[0].hint.contains("--memory 2716MiB"));
        let enough = Memory::of(2716 * MIB, 4);
        assert!(of(&keyed, PgType::Bytea, Class::Blob, 900 * MIB, &enough).1.is_empty(), "the hint is enough");
        assert!(of(&keyed, PgType::Bytea, Class::Blob, 30 * MIB, &memory).1.is_empty());

        let hidden = table("CREATE TABLE t(rowid, _rowid_, oid, v)", false, &["rowid", "_rowid_", "oid", "v"]);
        assert!(of(&hidden, PgType::Bytea, Class::Blob, 900 * MIB, &memory).1[0].blocks());
        assert!(of(&plain, PgType::Jsonb, Class::Text, 900 * MIB, &memory).1[0].message.contains("jsonb"));
        let utf16 = Memory { utf16: true, ..memory };
        assert!(of(&plain, PgType::Text, Class::Text, 900 * MIB, &utf16).1[0].message.contains("UTF-16"));
        let (long, findings) = of(&plain, PgType::Bytea, Class::Blob, 900 * MIB, &utf16);
        assert!(long.is_some_and(|l| l.held == Held::Texts && !l.alone) && findings.is_empty(), "{findings:?}");
    }
}
