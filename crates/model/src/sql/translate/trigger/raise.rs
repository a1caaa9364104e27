//! SELECT in a trigger, which is there for what it raises: RAISE as RAISE EXCEPTION, or as the end of the row.
//! Owns the ways through CASE, coalesce and the like that lead to a RAISE; never translates a condition.
//!
//! Source: <https://sqlite.org/lang_createtrigger.html#raise>. RAISE(IGNORE) leaves the trigger and the row: before the
//! change the row is skipped, after it the change stays. The others are errors; what of them stays differs.

use super::body::Body;
use super::{functions, walk};
use crate::ident;
use crate::sql::ast::{Binary, Block, Conflict, Expr, Output, Query, Select, Time, Unary};
use crate::sql::translate::typed::Kind;
use crate::sql::translate::{Translated, refuse};

/// What evaluating an expression comes to.
enum Way<'e> {
    /// Nothing that is seen.
    Nothing,
    If(Expr, Box<Way<'e>>, Box<Way<'e>>),
    Raise(Conflict, Option<&'e Expr>),
    Query(&'e Query),
}

impl Body<'_> {
    /// A SELECT.
    pub fn query(&mut self, query: &Query) -> Translated<()> {
        if walk::any_in(query, |e| matches!(e, Expr::Raise(..))) {
            return self.raising(query);
        }
        if walk::any_in(query, functions::may_fail) {
            // Its functions may fail, as they may in SQLite.
            let made = self.speak.select(query, &[])?;
            self.text.open("PERFORM * FROM (");
            self.text.line(made.sql);
            self.text.close(") AS nothing;");
        } else {
            self.text.comment("a SELECT stood here that had no effect");
        }
        Ok(())
    }

    fn raising(&mut self, query: &Query) -> Translated<()> {
        let Select::Select(block) = &query.first else { return refuse("RAISE stands in VALUES") };
        if !query.others.is_empty() || !query.with.is_empty() {
            return refuse("RAISE stands in a compound query");
        }
        let one = |e: &Option<Expr>| matches!(e, None | Some(Expr::Integer(1..)));
        if !one(&query.limit) || query.offset.is_some() {
            return refuse("RAISE stands in a query with LIMIT");
        }
        let mut ways = Vec::new();
        for output in &block.columns {
            if let Output::Expr(e, _) = output {
                ways.push(way(e)?);
            }
        }
        let elsewhere = Block { columns: Vec::new(), ..Block::clone(block) };
        let elsewhere = Query { first: Select::Select(Box::new(elsewhere)), ..query.clone() };
        if walk::any_in(&elsewhere, |e| matches!(e, Expr::Raise(..))) {
            return refuse("RAISE stands outside of what SELECT gives");
        }
        let aggregated =
            block.columns.iter().any(|o| matches!(o, Output::Expr(e, _) if walk::any_here(e, is_aggregate)));
        if block.from.is_empty() && block.group.is_empty() && block.having.is_none() && !aggregated {
            self.without_from(block, &ways)
        } else {
            self.over_rows(query, block, &ways)
        }
    }

    fn without_from(&mut self, block: &Block, ways: &[Way<'_>]) -> Translated<()> {
        if let Some(filter) = &block.filter {
            let filter = self.speak.condition(filter, &[])?;
            self.text.open(format!("IF {filter} THEN"));
        }
        for way in ways {
            self.follow(way)?;
        }
        if block.filter.is_some() {
            self.text.close("END IF;");
        }
        Ok(())
    }

    fn follow(&mut self, way: &Way<'_>) -> Translated<()> {
        match way {
            Way::Nothing => Ok(()),
            Way::Raise(how, message) => self.raise(*how, *message),
            Way::Query(query) => self.query(query),
            Way::If(..) => {
                let (mut way, mut word) = (way, "IF");
                while let Way::If(condition, then, other) = way {
                    let condition = self.speak.condition(condition, &[])?;
                    if word == "IF" {
                        self.text.open(format!("IF {condition} THEN"));
                    } else {
                        self.text.between(format!("{word} {condition} THEN"));
                    }
                    word = "ELSIF";
                    match **then {
                        Way::Nothing => self.text.line("NULL;"),
                        _ => self.follow(then)?,
                    }
                    way = other;
                }
                if !matches!(way, Way::Nothing) {
                    self.text.between("ELSE");
                    self.follow(way)?;
                }
                self.text.close("END IF;");
                Ok(())
            }
        }
    }

    /// Of the rows of a query, the first that leads to a RAISE decides.
    fn over_rows(&mut self, query: &Query, block: &Block, ways: &[Way<'_>]) -> Translated<()> {
        let mut raises = Vec::new();
        let mut numbers = Vec::with_capacity(ways.len());
        for way in ways {
            numbers.push(number(way, &mut raises)?);
        }
        let loud = numbers.iter().filter(|n| **n != Expr::Integer(0));
        let columns: Vec<Output> =
            loud.enumerate().map(|(i, n)| Output::Expr(n.clone(), Some(format!("raise_{}", i + 1)))).collect();
        let places = columns.len();
        let grouped = !block.group.is_empty();
        let first = Select::Select(Box::new(Block { columns, distinct: false, ..block.clone() }));
        let ordered = !query.order.is_empty();
        if query.limit.is_some() && (ordered || grouped) {
            return refuse("RAISE stands in a query with LIMIT");
        }
        if raises.len() > 1 && ordered {
            return refuse("RAISE stands in a query with ORDER BY");
        }
        let rows = self.speak.select(&Query { first, order: Vec::new(), ..query.clone() }, &[])?;
        if let [(how, message)] = raises.as_slice() {
            self.text.open("IF EXISTS (");
            self.text.open("SELECT FROM (");
            self.text.line(rows.sql);
            self.text.close(") AS found WHERE found.raise_1 = 1");
            self.text.close(") THEN");
            self.text.deeper();
            self.raise(*how, *message)?;
            self.text.close("END IF;");
            return Ok(());
        }
        let found = self.record("found_row");
        self.text.open(format!("FOR {found} IN"));
        self.text.line(rows.sql);
        self.text.between("LOOP");
        for (i, (how, message)) in raises.iter().enumerate() {
            let any: Vec<String> = (1..=places).map(|p| format!("{found}.raise_{p} = {}", i + 1)).collect();
            self.text.open(format!("IF {} THEN", any.join(" OR ")));
            self.raise(*how, *message)?;
            self.text.close("END IF;");
        }
        self.text.close("END LOOP;");
        Ok(())
    }

    fn raise(&mut self, how: Conflict, message: Option<&Expr>) -> Translated<()> {
        if how == Conflict::Ignore {
            if self.trigger.time == Time::After
                && self.facts.triggers.iter().filter(|(_, t)| self.beside(t)).count() > 1
            {
                self.tell(
                    "after RAISE(IGNORE) SQLite does not fire the other triggers of the same row, PostgreSQL does",
                );
            }
            self.text.comment("RAISE(IGNORE)");
            self.leave("NULL");
            return Ok(());
        }
        let message = match message {
            Some(Expr::Text(t)) => ident::literal(&t.replace('\0', "")),
            Some(e) => {
                let typed = self.speak.value(e, &[])?;
                match typed.kind {
                    Kind::Text => typed.sql,
                    _ => return refuse("the message of RAISE is no text"),
                }
            }
            None => "''".to_owned(),
        };
        match how {
            Conflict::Fail => self.tell(
                "RAISE(FAIL) keeps what its statement changed before in SQLite; in PostgreSQL the statement is undone, as under RAISE(ABORT)",
            ),
            Conflict::Rollback => self.tell(
                "RAISE(ROLLBACK) ends the transaction in SQLite; in PostgreSQL the transaction fails and waits for its ROLLBACK",
            ),
            _ => {}
        }
        self.text
            .line(format!("RAISE EXCEPTION USING MESSAGE = {message}, ERRCODE = 'integrity_constraint_violation';"));
        Ok(())
    }
}

fn way(e: &Expr) -> Translated<Way<'_>> {
    let raises = |e: &Expr| walk::any(e, |e| matches!(e, Expr::Raise(..)));
    if !raises(e) {
        return Ok(Way::Nothing);
    }
    let quiet = |e: &Expr| if raises(e) { refuse("RAISE stands in a condition") } else { Ok(e.clone()) };
    Ok(match e {
        Expr::Raise(how, message) => Way::Raise(*how, message.as_deref()),
        Expr::Unary(Unary::Plus, x) | Expr::Collate(x, _) | Expr::Cast(x, _) => way(x)?,
        Expr::Scalar(query) => Way::Query(query),
        Expr::Case(base, pairs, other) => {
            let mut rest = match other {
                Some(other) => way(other)?,
                None => Way::Nothing,
            };
            for (when, then) in pairs.iter().rev() {
                let when = match base {
                    Some(base) => Expr::Binary(Binary::Eq, Box::new(quiet(base)?), Box::new(quiet(when)?)),
                    None => quiet(when)?,
                };
                rest = Way::If(when, Box::new(way(then)?), Box::new(rest));
            }
            rest
        }
        Expr::Call(name, args) => match (name.as_str(), args.as_slice()) {
            ("coalesce" | "ifnull", [first @ .., last]) => {
                let mut rest = way(last)?;
                for x in first.iter().rev() {
                    if matches!(x, Expr::Raise(..)) {
                        rest = way(x)?;
                    } else {
                        let there = Expr::IsNull(Box::new(quiet(x)?), true);
                        rest = Way::If(there, Box::new(Way::Nothing), Box::new(rest));
                    }
                }
                rest
            }
            ("iif" | "if", [condition, then]) => {
                Way::If(quiet(condition)?, Box::new(way(then)?), Box::new(Way::Nothing))
            }
            ("iif" | "if", [condition, then, other]) => {
                Way::If(quiet(condition)?, Box::new(way(then)?), Box::new(way(other)?))
            }
            _ => return refuse("RAISE stands among the arguments of a function"),
        },
        _ => return refuse("RAISE stands inside of a larger expression"),
    })
}

/// Which RAISE it comes to: its place in `raises`, counted from 1; 0 is none.
fn number<'e>(way: &Way<'e>, raises: &mut Vec<(Conflict, Option<&'e Expr>)>) -> Translated<Expr> {
    Ok(match way {
        Way::Nothing => Expr::Integer(0),
        Way::Raise(how, message) => {
            if !matches!(message, None | Some(Expr::Text(_))) {
                return refuse("the message of RAISE is computed from rows");
            }
            let place = raises.iter().position(|r| r == &(*how, *message));
            let place = place.unwrap_or_else(|| {
                raises.push((*how, *message));
                raises.len() - 1
            });
            Expr::Integer(i64::try_from(place).unwrap_or(0) + 1)
        }
        Way::If(condition, then, other) => {
            let arms = vec![(condition.clone(), number(then, raises)?)];
            Expr::Case(None, arms, Some(Box::new(number(other, raises)?)))
        }
        Way::Query(_) => return refuse("RAISE stands in a query inside of a query"),
    })
}

/// Whether a call makes one row of many.
fn is_aggregate(e: &Expr) -> bool {
    let (name, args) = match e {
        Expr::Call(name, args) => (name.as_str(), args.len()),
        Expr::Function(f) => return f.over.is_none(),
        _ => return false,
    };
    matches!(name, "avg" | "count" | "group_concat" | "string_agg" | "sum" | "total")
        || name.starts_with("json_group_")
        || (matches!(name, "min" | "max") && args == 1)
}
