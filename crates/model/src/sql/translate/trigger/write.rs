//! What INSERT and UPDATE have in common: the columns of the target, the values as they are stored, keys in conflict.
//! Owns these parts; never writes a whole statement (see `insert`, `update`).

use super::body::Body;
use super::facts::KeyFacts;
use super::text::indented;
use crate::ident;
use crate::sql::ast::{Conflict, Expr};
use crate::sql::translate::query::{Item, Made};
use crate::sql::translate::relations::{Field, Relation};
use crate::sql::translate::typed::Kind;
use crate::sql::translate::{Translated, collated, refuse};

/// A value on its way into a column.
#[derive(Clone, Debug)]
pub(super) struct Stored<'a> {
    pub field: &'a Field,
    /// PostgreSQL's text.
    pub sql: String,
    /// It may be NULL.
    pub null: bool,
}

/// What happens on a conflict.
pub(super) struct Resolution {
    pub how: Conflict,
    /// The keys for which it does.
    pub keys: Vec<KeyFacts>,
    /// The keys say so, not the statement: it is not about NOT NULL and CHECK.
    pub by_keys: bool,
}

/// The names of the rowid where no column has such a name.
const ROWIDS: [&str; 3] = ["rowid", "_rowid_", "oid"];

/// The column of a name, as SQLite finds it.
pub(super) fn field<'r>(relation: &'r Relation, name: &str) -> Translated<&'r Field> {
    let named = relation.fields.iter().find(|f| f.name.eq_ignore_ascii_case(name));
    if let Some(field) = named {
        return Ok(field);
    }
    if ROWIDS.iter().any(|r| r.eq_ignore_ascii_case(name)) {
        return match relation.rowid.and_then(|r| relation.fields.get(r)) {
            Some(field) => Ok(field),
            None => refuse(format!("{} has no column for its rowid", relation.name)),
        };
    }
    refuse(format!("{} has no column {name}", relation.name))
}

impl<'a> Body<'a> {
    /// A relation that a statement writes to; of a view only where a trigger stands in for it.
    pub fn written(&self, name: &str, fires: impl Fn(&crate::sql::ast::Trigger) -> bool) -> Translated<&'a Relation> {
        let relation = self.speak.relation(name)?;
        let stand_in = |t: &crate::sql::ast::Trigger| t.table.eq_ignore_ascii_case(name) && fires(t);
        if relation.view && !self.facts.triggers.iter().any(|(_, t)| stand_in(t)) {
            return refuse(format!("it writes to the view {}, which has no trigger for that", relation.name));
        }
        Ok(relation)
    }

    /// An expression as it is stored in a column.
    pub fn stored<'f>(&self, e: &Expr, field: &'f Field, own: &[Item]) -> Translated<Stored<'f>> {
        let value = self.speak.value(e, own)?;
        let null = value.kind == Kind::Null || self.may_be_null(e);
        Ok(Stored { field, sql: self.speak.store(value, field)?, null })
    }

    /// A query as a term of FROM, `(…) AS given(c1, c2 …)`, and each of its columns as it is stored in its field.
    pub fn given(&self, made: &Made, fields: &[&Field]) -> Translated<(String, Vec<String>)> {
        let mut values = Vec::with_capacity(fields.len());
        // Two columns of a query may have one name.
        let names: Vec<String> = (1..=made.fields.len()).map(|n| format!("c{n}")).collect();
        for ((column, name), field) in made.fields.iter().zip(&names).zip(fields) {
            let mut column = column.clone();
            column.rename(name, name);
            values.push(self.speak.store(column.named("given"), field)?);
        }
        let sql = format!("(\n{}\n) AS given({})", indented(&made.sql, 1), names.join(", "));
        Ok((sql, values))
    }

    fn may_be_null(&self, e: &Expr) -> bool {
        match e {
            Expr::Integer(_) | Expr::Real(_) | Expr::Text(_) | Expr::Blob(_) | Expr::Now(_) => false,
            Expr::Name(name) => {
                let row = |i: &&Item| name.table.as_ref().is_some_and(|t| t.eq_ignore_ascii_case(&i.alias));
                let field = self.speak.rows.iter().find(row).and_then(|_| field(self.on, &name.column).ok());
                !field.is_some_and(|f| f.not_null && !self.on.view)
            }
            _ => true,
        }
    }

    /// What happens on a conflict: what the statement says, else what the keys say that are concerned.
    pub fn resolution(&self, said: Conflict, keys: &[&KeyFacts]) -> Translated<Resolution> {
        let all = || keys.iter().copied().cloned().collect();
        if said != Conflict::Abort {
            return Ok(Resolution { how: said, keys: all(), by_keys: false });
        }
        let mut clauses = keys.iter().filter_map(|k| k.on_conflict.as_deref());
        let Some(clause) = clauses.next() else {
            return Ok(Resolution { how: said, keys: all(), by_keys: false });
        };
        if clauses.any(|other| other != clause) {
            return refuse("the keys of the table say different things in ON CONFLICT");
        }
        let how = match clause {
            "REPLACE" => Conflict::Replace,
            "IGNORE" => Conflict::Ignore,
            "FAIL" => Conflict::Fail,
            "ROLLBACK" => Conflict::Rollback,
            _ => Conflict::Abort,
        };
        let of_clause = keys.iter().copied().filter(|k| k.on_conflict.is_some()).cloned();
        Ok(Resolution { how, keys: of_clause.collect(), by_keys: true })
    }

    /// Told of a statement whose failure undoes less, or more, in SQLite.
    pub fn tell_resolution(&mut self, how: Conflict) {
        match how {
            Conflict::Fail => self.tell(
                "OR FAIL keeps what its statement changed before the conflict in SQLite; in PostgreSQL the statement is undone",
            ),
            Conflict::Rollback => self.tell(
                "OR ROLLBACK ends the transaction on a conflict in SQLite; in PostgreSQL the transaction fails and waits for its ROLLBACK",
            ),
            _ => {}
        }
    }

    /// SQLite passes OR IGNORE and OR REPLACE on to the triggers that the statement fires.
    pub fn tell_inherited(&mut self, how: Conflict, statement: &crate::sql::ast::Statement) {
        if !matches!(how, Conflict::Ignore | Conflict::Replace) {
            return;
        }
        let writes = |t: &&crate::sql::ast::Trigger| {
            !t.body.iter().flat_map(super::reach::writes).collect::<Vec<_>>().is_empty()
        };
        if super::reach::fired_by(statement, self.facts).iter().any(writes) {
            self.tell(
                "SQLite passes the OR clause of a statement on to the triggers that it fires; in PostgreSQL those fail on a conflict",
            );
        }
    }
}

/// The condition under which a row of the table is in conflict with values by one of its keys; `None` if it cannot be.
/// `value` gives the text of what is stored in a column, `None` for NULL or a new number.
pub(super) fn in_conflict(
    relation: &Relation,
    all: &[KeyFacts],
    value: &dyn Fn(&Field) -> Option<String>,
) -> Translated<Option<String>> {
    let mut keys = Vec::new();
    'keys: for key in all {
        if key.partial {
            return refuse(format!(
                "REPLACE would have to find rows by a unique index of {} that is over an expression or a part of the rows",
                relation.name
            ));
        }
        let mut parts = Vec::new();
        for (name, collation) in &key.columns {
            let column = field(relation, name)?;
            let Some(value) = value(column) else { continue 'keys };
            let own = format!("{}.{}", ident::pg(&relation.target), ident::pg(&column.target));
            let collation = collation.as_deref();
            parts.push(format!("{} = {}", collated(&own, collation)?, collated(&value, collation)?));
        }
        keys.push(parts.join(" AND "));
    }
    Ok(match keys.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        more => Some(more.iter().map(|k| format!("({k})")).collect::<Vec<_>>().join(" OR ")),
    })
}

/// The terms by which ON CONFLICT names a key.
pub(super) fn key_terms(relation: &Relation, key: &KeyFacts) -> Translated<String> {
    match &key.terms {
        Some(terms) => Ok(terms.clone()),
        None => refuse(format!("a key of {} that ON CONFLICT names is not carried over as it is", relation.name)),
    }
}
