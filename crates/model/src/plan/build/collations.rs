//! What SQLite's collations ask of keys, indexes and foreign keys: a unique index over folded terms beside the key.
//! Owns that index and what is said of it; never folds a value.

use super::Builder;
use crate::finding::{Finding, Remedy, Severity, codes};
use crate::ident;
use crate::mapping::PgType;
use crate::mapping::codec::Normal;
use crate::plan::{ColumnPlan, IndexPlan, KeyPlan, TablePlan};
use crate::schema::{Index, IndexOn, Key, Table};
use crate::sql::translate;

/// How a column of a key compares under a collation.
enum Folded {
    /// As without: numbers, dates and blobs know no collation.
    AsItIs,
    /// By this term.
    By(String),
    /// As nothing in PostgreSQL does.
    Lost,
}

fn folded(column: &ColumnPlan, collation: Option<&str>) -> Folded {
    folded_as(column, collation, &ident::pg(&column.target))
}

/// The same where the column is written otherwise, such as with its row before it.
fn folded_as(column: &ColumnPlan, collation: Option<&str>, name: &str) -> Folded {
    let Some(collation) = collation else { return Folded::AsItIs };
    match (column.ty, column.normal) {
        (PgType::Enum, _) | (PgType::Bytea, Normal::TextBytes | Normal::Bytes) => Folded::Lost,
        (PgType::Json | PgType::Jsonb, _) => Folded::Lost,
        (ty, _) if !ty.collatable() => Folded::AsItIs,
        _ => match translate::collated(name, Some(collation)) {
            Ok(sql) if sql == name => Folded::AsItIs,
            Ok(sql) => Folded::By(format!("({sql})")),
            Err(_) => Folded::Lost,
        },
    }
}

/// The term of an index for a column, where its collation asks for another than its name. One that nothing in PostgreSQL
/// compares like is by bytes: what is equal by bytes is equal under any collation, so that no more is unique than was.
pub(super) fn term(column: &ColumnPlan, collation: Option<&str>) -> Option<String> {
    match folded(column, collation) {
        Folded::By(term) => Some(term),
        Folded::AsItIs | Folded::Lost => None,
    }
}

/// The term by which a key compares as SQLite's does, over the column as it is written there.
pub(super) fn key_term(column: &ColumnPlan, collation: Option<&str>, operand: &str) -> Result<String, String> {
    match folded_as(column, collation, operand) {
        Folded::By(term) => Ok(term),
        Folded::AsItIs => Ok(operand.to_owned()),
        Folded::Lost => Err(format!("nothing in PostgreSQL compares {} as SQLite does", column.name)),
    }
}

/// Whether an index compares as SQLite's does.
pub(super) fn is_kept(index: &Index, plan: &TablePlan) -> bool {
    index.terms.iter().all(|t| match &t.on {
        IndexOn::Column(i) => {
            plan.columns.get(*i).is_some_and(|c| !matches!(folded(c, t.collation.as_deref()), Folded::Lost))
        }
        // A collation that has no counterpart is refused there.
        IndexOn::Expression(_) => true,
    })
}

impl Builder<'_> {
    /// A key under NOCASE or RTRIM holds fewer values than one by bytes: a unique index over the folded columns stands
    /// beside it. The key itself stays, for rows are told apart and referred to by it.
    pub(super) fn fold_key(&mut self, table: &Table, key: &Key, made: &KeyPlan, plan: &mut TablePlan) {
        if key.columns.iter().all(|k| k.collation.is_none()) {
            return;
        }
        let mut terms: Vec<String> = Vec::new();
        let mut folds = false;
        for part in &key.columns {
            let Some(column) = plan.columns.get(part.column) else { return };
            let term = match folded(column, part.collation.as_deref()) {
                Folded::AsItIs => ident::pg(&column.target),
                Folded::By(term) => {
                    folds = true;
                    term
                }
                // Its finding stays.
                Folded::Lost => return,
            };
            if !terms.contains(&term) {
                terms.push(term);
            }
        }
        let columns: Vec<&str> = key.columns.iter().map(|c| table.columns[c.column].name.as_str()).collect();
        let object = format!("{}({})", table.name, columns.join(","));
        if !folds {
            self.findings.retain(|f| !(f.code == codes::COLLATION && f.object == object));
            return;
        }
        let name = self.names.relation(&format!("{}_folded", made.name));
        let message = format!("{object} keeps its collation, by the unique index {name} over {}", terms.join(", "));
        let hint =
            "INSERT … ON CONFLICT names these terms to meet that index, such as ON CONFLICT (lower(x COLLATE \"C\"))";
        self.noted(&object, message, hint);
        plan.indexes.push(IndexPlan { name, unique: true, terms: terms.join(", "), predicate: None, method: None });
    }

    /// The index compares as SQLite's does (NOCASE by `lower`, RTRIM by `rtrim`), so nothing of it is lost.
    pub(super) fn keeps_collation(&mut self, index: &Index) {
        let message = format!("index {} keeps its collation, as an expression", index.name);
        self.noted(&index.name, message, "queries use it when they compare by the same expression, such as lower(x)");
    }

    fn noted(&mut self, object: &str, message: String, hint: &str) {
        let of_object = |f: &&mut Finding| f.code == codes::COLLATION && f.object == object;
        for finding in self.findings.iter_mut().filter(of_object) {
            finding.severity = Severity::Note;
            finding.remedy = Remedy::None;
            finding.message.clone_from(&message);
            hint.clone_into(&mut finding.hint);
        }
    }

    /// The parent's columns are unique under a collation only: then they are so by bytes too, and a key that says this
    /// lets a foreign key refer to them.
    pub(super) fn key_under_folded(&mut self, parent: &Table, places: &[usize], plan: &mut TablePlan) -> bool {
        let serves = |index: &Index| {
            let columns: Option<Vec<usize>> = index
                .terms
                .iter()
                .map(|t| match t.on {
                    IndexOn::Column(i) => Some(i),
                    IndexOn::Expression(_) => None,
                })
                .collect();
            let same = columns.is_some_and(|c| c.len() == places.len() && c.iter().all(|i| places.contains(i)));
            let name = self.names.index(&index.name);
            index.unique && index.predicate.is_none() && same && plan.indexes.iter().any(|i| i.unique && i.name == name)
        };
        if !parent.indexes.iter().any(serves) {
            return false;
        }
        let columns: Vec<String> = places.iter().map(|i| self.names.column(&parent.name, *i)).collect();
        let name = self.names.relation(&format!("{}_{}_key", plan.target, columns.join("_")));
        self.names.constraint(&parent.name, &name);
        plan.uniques.push(KeyPlan { name, columns });
        true
    }

    /// In SQLite a foreign key compares as its parent's column does; in PostgreSQL by bytes.
    pub(super) fn tell_compared_by_bytes(&mut self, parent: &Table, places: &[usize], object: String) {
        let collations = places.iter().filter_map(|i| parent.columns.get(*i)?.collation.as_deref());
        let Some(collation) = collations.into_iter().next() else { return };
        self.findings.push(Finding::note(
            codes::COLLATION,
            object,
            format!(
                "the foreign key to {} compares under COLLATE {collation} in SQLite, and by bytes in PostgreSQL; every row \
                 that is there has its parent by bytes too, unless a finding counts orphans",
                parent.name
            ),
            "let the application write the key as it stands in the parent",
        ));
    }
}
