//! A walk over all expressions and all tables that a statement names.
//! Owns the order of it; never judges what it meets.

use crate::sql::ast::{Assignment, Block, Expr, Join, Output, Over, Query, Select, Source, Statement, Trigger, Window};

/// What is called on the way.
pub(super) struct Walk<'w> {
    /// For each expression, from the outside to the inside.
    pub expr: &'w mut dyn FnMut(&Expr),
    /// For each table that something is read from, and each table-valued function (with `true`).
    pub table: &'w mut dyn FnMut(&str, bool),
    /// It enters the queries inside of expressions too.
    pub deep: bool,
}

/// Every expression of a trigger.
pub(super) fn each_expr(trigger: &Trigger, mut each: impl FnMut(&Expr)) {
    let mut walk = Walk { expr: &mut each, table: &mut |_, _| {}, deep: true };
    trigger.when.iter().for_each(|e| walk.expr(e));
    trigger.body.iter().for_each(|s| walk.statement(s));
}

/// Whether such an expression stands in this one.
pub(super) fn any(e: &Expr, such: impl Fn(&Expr) -> bool) -> bool {
    let mut found = false;
    Walk { expr: &mut |e| found |= such(e), table: &mut |_, _| {}, deep: true }.expr(e);
    found
}

/// The same, but not in the queries inside of it.
pub(super) fn any_here(e: &Expr, such: impl Fn(&Expr) -> bool) -> bool {
    let mut found = false;
    Walk { expr: &mut |e| found |= such(e), table: &mut |_, _| {}, deep: false }.expr(e);
    found
}

/// Whether such an expression stands in this query.
pub(super) fn any_in(query: &Query, such: impl Fn(&Expr) -> bool) -> bool {
    let mut found = false;
    Walk { expr: &mut |e| found |= such(e), table: &mut |_, _| {}, deep: true }.query(query);
    found
}

impl Walk<'_> {
    pub fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Insert(insert) => {
                self.query(&insert.query);
                for upsert in &insert.upserts {
                    if let Some((terms, filter)) = &upsert.target {
                        self.all(terms);
                        self.maybe(filter.as_ref());
                    }
                    if let Some((sets, filter)) = &upsert.update {
                        self.sets(sets);
                        self.maybe(filter.as_ref());
                    }
                }
            }
            Statement::Update(update) => {
                self.sets(&update.sets);
                self.joins(&update.from);
                self.maybe(update.filter.as_ref());
            }
            Statement::Delete(_, filter) => self.maybe(filter.as_ref()),
            Statement::Select(query) => self.query(query),
        }
    }

    pub fn query(&mut self, query: &Query) {
        for common in &query.with {
            self.query(&common.query);
        }
        self.select(&query.first);
        for (_, select) in &query.others {
            self.select(select);
        }
        query.order.iter().for_each(|o| self.expr(&o.expr));
        self.maybe(query.limit.as_ref());
        self.maybe(query.offset.as_ref());
    }

    fn select(&mut self, select: &Select) {
        match select {
            Select::Select(block) => self.block(block),
            Select::Values(rows) => rows.iter().for_each(|row| self.all(row)),
        }
    }

    fn block(&mut self, block: &Block) {
        for output in &block.columns {
            if let Output::Expr(e, _) = output {
                self.expr(e);
            }
        }
        self.joins(&block.from);
        self.maybe(block.filter.as_ref());
        self.all(&block.group);
        self.maybe(block.having.as_ref());
        block.windows.iter().for_each(|(_, w)| self.window(w));
    }

    fn joins(&mut self, joins: &[Join]) {
        for join in joins {
            match &join.source {
                Source::Table(name, _) => (self.table)(name, false),
                Source::Call(name, args, _) => {
                    (self.table)(name, true);
                    self.all(args);
                }
                Source::Query(query, _) => self.query(query),
                Source::Joins(joins, _) => self.joins(joins),
            }
            self.maybe(join.on.as_ref());
        }
    }

    fn window(&mut self, window: &Window) {
        self.all(&window.partition);
        window.order.iter().for_each(|o| self.expr(&o.expr));
    }

    fn sets(&mut self, sets: &[Assignment]) {
        sets.iter().for_each(|s| self.expr(&s.value));
    }

    fn maybe(&mut self, e: Option<&Expr>) {
        if let Some(e) = e {
            self.expr(e);
        }
    }

    fn all(&mut self, list: &[Expr]) {
        list.iter().for_each(|e| self.expr(e));
    }

    fn inner(&mut self, query: &Query) {
        if self.deep {
            self.query(query);
        }
    }

    pub fn expr(&mut self, e: &Expr) {
        (self.expr)(e);
        match e {
            Expr::Column(_) | Expr::Null | Expr::Integer(_) | Expr::Real(_) | Expr::Text(_) => {}
            Expr::Blob(_) | Expr::Now(_) | Expr::Name(_) => {}
            Expr::Unary(_, x) | Expr::IsNull(x, _) | Expr::Collate(x, _) | Expr::Cast(x, _) => self.expr(x),
            Expr::Binary(_, a, b) => {
                self.expr(a);
                self.expr(b);
            }
            Expr::In(x, list, _) => {
                self.expr(x);
                self.all(list);
            }
            Expr::Between(x, low, high, _) => {
                self.expr(x);
                self.expr(low);
                self.expr(high);
            }
            Expr::Call(_, args) | Expr::Row(args) => self.all(args),
            Expr::Case(base, pairs, other) => {
                self.maybe(base.as_deref());
                for (when, then) in pairs {
                    self.expr(when);
                    self.expr(then);
                }
                self.maybe(other.as_deref());
            }
            Expr::Like(_, x, pattern, escape, _) => {
                self.expr(x);
                self.expr(pattern);
                self.maybe(escape.as_deref());
            }
            Expr::Scalar(query) | Expr::Exists(query) => self.inner(query),
            Expr::InQuery(x, query, _) => {
                self.expr(x);
                self.inner(query);
            }
            Expr::Function(f) => {
                self.all(&f.args);
                f.order.iter().for_each(|o| self.expr(&o.expr));
                self.maybe(f.filter.as_ref());
                if let Some(Over::Window(window)) = &f.over {
                    self.window(window);
                }
            }
            Expr::Raise(_, message) => self.maybe(message.as_deref()),
        }
    }
}
