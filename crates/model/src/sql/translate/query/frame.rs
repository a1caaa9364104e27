//! What names mean in a query: the terms of FROM, aliases of result columns, then the queries around it.
//! Owns that search as SQLite makes it; never translates an operator.

use super::group::Grouping;
use super::{Environment, Item};
use crate::ident;
use crate::mapping::shape::Crossing;
use crate::sql::ast::{Expr, Name, Query, Window};
use crate::sql::translate::relations::Field;
use crate::sql::translate::typed::Typed;
use crate::sql::translate::{Purpose, Scope, Translated, Translator, refuse};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// What all parts of one translation share.
pub(in crate::sql::translate) struct Shared<'a> {
    pub environment: &'a Environment<'a>,
    pub scope: Scope<'a>,
    notes: RefCell<BTreeSet<String>>,
    /// How the one column of a query in an expression crosses, by the query's place in memory: the tree stays where it is
    /// while it is translated.
    crossings: RefCell<BTreeMap<usize, Crossing>>,
}

impl<'a> Shared<'a> {
    pub fn new(environment: &'a Environment<'a>) -> Shared<'a> {
        let scope = Scope {
            helpers: Some(environment.helpers),
            purpose: Purpose::Query,
            relations: Some(environment.relations),
            lasting: environment.lasting,
            ..Scope::of_columns(&[], environment.collate_c)
        };
        Shared { environment, scope, notes: RefCell::default(), crossings: RefCell::default() }
    }

    /// Notes why rows cannot be compared with SQLite's.
    pub fn note(&self, reason: impl Into<String>) {
        self.notes.borrow_mut().insert(reason.into());
    }

    /// All that was noted, as one phrase.
    pub fn noted(&self) -> Option<String> {
        let notes = self.notes.borrow();
        let all: Vec<&str> = notes.iter().map(String::as_str).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Takes back what was noted since: of a part that was translated only to be looked at.
    pub fn restore(&self, notes: BTreeSet<String>) {
        *self.notes.borrow_mut() = notes;
    }

    pub fn notes(&self) -> BTreeSet<String> {
        self.notes.borrow().clone()
    }

    /// Keeps how a query in an expression crosses, so that nobody translates it again to know.
    pub fn keep_crossing(&self, query: &Query, crossing: &Crossing) {
        self.crossings.borrow_mut().insert(std::ptr::from_ref(query).addr(), crossing.clone());
    }

    /// What was kept of a query that was translated.
    pub fn crossing(&self, query: &Query) -> Option<Crossing> {
        self.crossings.borrow().get(&std::ptr::from_ref(query).addr()).cloned()
    }
}

/// A common table expression that stands.
#[derive(Clone, Debug)]
pub(in crate::sql::translate) struct Cte {
    pub name: String,
    pub target: String,
    pub fields: Vec<Field>,
}

/// How names of this query's own FROM are written.
#[derive(Clone, Copy)]
pub(super) enum Mode<'a> {
    /// As they are.
    Plain,
    /// Of a group of rows.
    Grouped(&'a Grouping),
}

/// One query as names see it, and those around it.
#[derive(Clone, Copy)]
pub(in crate::sql::translate) struct Frame<'a> {
    pub shared: &'a Shared<'a>,
    pub outer: Option<&'a Frame<'a>>,
    pub items: &'a [Item],
    pub ctes: &'a [Cte],
    pub(super) aliases: &'a [(String, &'a Expr)],
    /// Those of WINDOW.
    pub(super) windows: &'a [(String, Window)],
    pub(super) mode: Mode<'a>,
    /// How deep the expression is in which it stands.
    pub depth: usize,
}

/// A column that a name means.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub typed: Typed,
    /// As it stands in a list of results: of its own type, without a cast.
    pub raw: String,
    pub crossing: Option<Crossing>,
    pub not_null: bool,
    pub approximate: bool,
    pub name: String,
}

/// A place in FROM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub item: usize,
    pub field: usize,
}

enum Meant {
    Column(Place),
    Alias(usize),
    Nothing,
}

impl<'a> Frame<'a> {
    pub fn new(shared: &'a Shared<'a>, outer: Option<&'a Frame<'a>>, items: &'a [Item]) -> Frame<'a> {
        let depth = outer.map_or(0, |o| o.depth);
        Frame { shared, outer, items, ctes: &[], aliases: &[], windows: &[], mode: Mode::Plain, depth }
    }

    pub(super) fn plain(&self) -> Frame<'a> {
        Frame { mode: Mode::Plain, ..*self }
    }

    pub(super) fn without_aliases(&self) -> Frame<'a> {
        Frame { aliases: &[], ..*self }
    }

    pub fn typed(&self, e: &Expr) -> Translated<Typed> {
        Translator::within(self).typed(e)
    }

    pub fn condition(&self, e: &Expr) -> Translated<String> {
        Translator::within(self).condition(e)
    }

    /// The common table expression of a name, the nearest first.
    pub fn cte(&self, name: &str) -> Option<&'a Cte> {
        let mut at = Some(self);
        while let Some(frame) = at {
            if let Some(cte) = frame.ctes.iter().find(|c| c.name.eq_ignore_ascii_case(name)) {
                return Some(cte);
            }
            at = frame.outer;
        }
        None
    }

    /// Whether some query around this one has a term of FROM that is written so.
    pub(super) fn is_qualifier(&self, qualifier: &str) -> bool {
        let mut at = Some(self);
        while let Some(frame) = at {
            if frame.items.iter().any(|i| i.qualifier == qualifier) {
                return true;
            }
            at = frame.outer;
        }
        false
    }

    /// What a name means here. Source: <https://sqlite.org/lang_select.html>, `lookupName` of SQLite's resolver.
    pub(super) fn find(&self, name: &Name) -> Translated<Found> {
        let mut at = Some(self);
        while let Some(frame) = at {
            match frame.own(name)? {
                Meant::Column(place) => return frame.column(place, name.table.is_none()),
                Meant::Alias(i) => {
                    let bare = frame.without_aliases();
                    let Some((_, e)) = frame.aliases.get(i) else { return refuse("an alias is lost") };
                    if let Expr::Name(inner) = e {
                        return bare.find(inner);
                    }
                    let typed = bare.typed(e)?;
                    let raw = typed.sql.clone();
                    let name = name.column.clone();
                    return Ok(Found { typed, raw, crossing: None, not_null: false, approximate: false, name });
                }
                Meant::Nothing => at = frame.outer,
            }
        }
        if name.quoted && name.table.is_none() {
            let typed = Typed::text(&name.column)?;
            let raw = typed.sql.clone();
            let name = name.column.clone();
            return Ok(Found { typed, raw, crossing: None, not_null: true, approximate: false, name });
        }
        match &name.table {
            Some(table) => refuse(format!("there is no column {}.{}", table, name.column)),
            None => refuse(format!("there is no column {}", name.column)),
        }
    }

    /// The place of a name among the terms of this FROM, if it is there.
    pub(super) fn place(&self, name: &Name) -> Option<Place> {
        match self.own(name) {
            Ok(Meant::Column(place)) => Some(place),
            _ => None,
        }
    }

    fn own(&self, name: &Name) -> Translated<Meant> {
        let mut found = Vec::new();
        for (i, item) in self.items.iter().enumerate() {
            if name.table.as_ref().is_some_and(|t| !t.eq_ignore_ascii_case(&item.alias)) {
                continue;
            }
            let of_name = |f: &Field| f.name.eq_ignore_ascii_case(&name.column);
            if let Some(field) = item.fields.iter().position(of_name)
                && (name.table.is_some() || !item.hidden.contains(&field))
            {
                found.push(Place { item: i, field });
            }
        }
        match found.as_slice() {
            [one] => return Ok(Meant::Column(*one)),
            [] => {}
            _ => return refuse(format!("the name {} is ambiguous", name.column)),
        }
        if ["rowid", "_rowid_", "oid"].iter().any(|r| name.column.eq_ignore_ascii_case(r)) {
            return self.rowid(name);
        }
        let alias = self.aliases.iter().position(|(a, _)| a.eq_ignore_ascii_case(&name.column));
        match alias {
            Some(i) if name.table.is_none() => Ok(Meant::Alias(i)),
            _ => Ok(Meant::Nothing),
        }
    }

    fn rowid(&self, name: &Name) -> Translated<Meant> {
        let of_name = |item: &Item| name.table.as_ref().is_none_or(|t| t.eq_ignore_ascii_case(&item.alias));
        let mut items = self.items.iter().enumerate().filter(|(_, item)| of_name(item));
        let (Some((i, item)), None) = (items.next(), items.next()) else { return Ok(Meant::Nothing) };
        match item.rowid {
            Some(field) => Ok(Meant::Column(Place { item: i, field })),
            None if item.table => refuse(format!(
                "it uses the rowid of {}, which has no INTEGER PRIMARY KEY: such numbers are not kept",
                item.alias
            )),
            None => Ok(Meant::Nothing),
        }
    }

    /// A column as it is written here.
    pub(super) fn column(&self, place: Place, unqualified: bool) -> Translated<Found> {
        let Some((item, field)) = self.items.get(place.item).and_then(|i| Some((i, i.fields.get(place.field)?))) else {
            return refuse("a column is lost");
        };
        let raw = format!("{}.{}", item.qualifier, ident::pg(&field.target));
        let mut found = Found {
            typed: field.under(&item.qualifier),
            raw,
            crossing: Some(field.crossing.clone()),
            not_null: field.not_null && !item.nullable,
            approximate: field.approximate,
            name: field.name.clone(),
        };
        if let Some(merged) = item.merged.get(&place.field).filter(|_| unqualified) {
            found.typed.sql = found.typed.sql.replacen(&found.raw, merged, 1);
            found.raw = merged.clone();
        } else if let Mode::Grouped(grouping) = self.mode {
            let raw = grouping.bare(self, place, &found.raw);
            found.typed.sql = found.typed.sql.replacen(&found.raw, &raw, 1);
            found.raw = raw;
        }
        Ok(found)
    }
}

impl<'a> Translator<'a> {
    /// Of an expression that stands in a query.
    pub(in crate::sql::translate) fn within(frame: &'a Frame<'a>) -> Translator<'a> {
        Translator { scope: &frame.shared.scope, depth: Cell::new(frame.depth), frame: Some(frame) }
    }

    /// A name of a query.
    pub(in crate::sql::translate) fn name(&self, name: &Name) -> Translated<Typed> {
        match self.frame {
            Some(frame) => Ok(frame.find(name)?.typed),
            None => refuse("it holds a query"),
        }
    }

    /// The queries around this expression, this deep in it.
    pub(in crate::sql::translate) fn frame(&self) -> Translated<Frame<'a>> {
        match self.frame {
            Some(frame) => Ok(Frame { depth: self.depth.get(), ..*frame }),
            None => refuse("it holds a query"),
        }
    }
}
