//! The parser's queries as our tree: SELECT with all its clauses, and the expressions that only queries have.
//! Owns that walk; never resolves a name and never judges whether PostgreSQL could say the same.

use super::Names;
use super::expr::Context;
use super::literal::dequote;
use crate::sql::ast::{
    Block, Bound, Common, Compound, Conflict, Expr, Frame, Function, Join, JoinKind, Order, Output, Over, Query,
    Select, Source, View, Window,
};
use sqlite3_parser::ast;

/// Deepest nesting of queries and expressions.
const MAX_DEPTH: usize = 200;

/// CREATE VIEW.
pub(super) fn view(columns: Option<&[ast::IndexedColumn]>, select: &ast::Select) -> Result<View, String> {
    let names = Names::default();
    let query = Context::of_query(&names).query(select, 0).ok_or_else(not_understood)?;
    let columns = columns.unwrap_or_default().iter().map(|c| dequote(c.col_name.0)).collect();
    Ok(View { columns, query })
}

/// What a statement is refused with whose parts the tree does not know.
pub(super) fn not_understood() -> String {
    "it holds what is not understood (a parameter, or an expression nested too deeply)".into()
}

impl Context<'_> {
    /// A SELECT; `None` if it holds what the tree does not know.
    pub(super) fn query(&self, select: &ast::Select, depth: usize) -> Option<Query> {
        if depth > MAX_DEPTH {
            return None;
        }
        let depth = depth + 1;
        let (mut with, mut recursive) = (Vec::new(), false);
        if let Some(clause) = &select.with {
            recursive = clause.recursive;
            for cte in clause.ctes {
                with.push(self.common(cte, depth)?);
            }
        }
        let first = self.select(&select.body.select, depth)?;
        let mut others = Vec::new();
        for compound in select.body.compounds.iter().flatten() {
            let how = match compound.operator {
                ast::CompoundOperator::Union => Compound::Union,
                ast::CompoundOperator::UnionAll => Compound::UnionAll,
                ast::CompoundOperator::Except => Compound::Except,
                ast::CompoundOperator::Intersect => Compound::Intersect,
            };
            others.push((how, self.select(&compound.select, depth)?));
        }
        let order = self.orders(select.order_by, depth)?;
        let (mut limit, mut offset) = (None, None);
        if let Some(clause) = select.limit {
            limit = Some(self.expr(&clause.expr, depth)?);
            offset = self.maybe(clause.offset.as_ref(), depth)?;
        }
        Some(Query { with, recursive, first, others, order, limit, offset })
    }

    fn common(&self, cte: &ast::CommonTableExpr, depth: usize) -> Option<Common> {
        Some(Common {
            name: dequote(cte.tbl_name.0),
            columns: cte.columns.unwrap_or_default().iter().map(|c| dequote(c.col_name.0)).collect(),
            materialized: match cte.materialized {
                ast::Materialized::Any => None,
                ast::Materialized::Yes => Some(true),
                ast::Materialized::No => Some(false),
            },
            query: self.query(cte.select, depth)?,
        })
    }

    fn select(&self, select: &ast::OneSelect, depth: usize) -> Option<Select> {
        let (distinctness, columns, from, filter, group, having, windows) = match select {
            ast::OneSelect::Values(rows) => {
                let row = |r: &[ast::Expr]| r.iter().map(|e| self.expr(e, depth)).collect::<Option<Vec<_>>>();
                return Some(Select::Values(rows.iter().map(|r| row(r)).collect::<Option<_>>()?));
            }
            ast::OneSelect::Select { distinctness, columns, from, where_clause, group_by, having, window_clause } => {
                (distinctness, columns, from, where_clause, group_by, having, window_clause)
            }
        };
        Some(Select::Select(Box::new(Block {
            distinct: matches!(distinctness, Some(ast::Distinctness::Distinct)),
            columns: columns.iter().map(|c| self.output(c, depth)).collect::<Option<_>>()?,
            from: match from {
                Some(from) => self.from(from, depth)?,
                None => Vec::new(),
            },
            filter: self.maybe(*filter, depth)?,
            group: group.unwrap_or_default().iter().map(|e| self.expr(e, depth)).collect::<Option<_>>()?,
            having: self.maybe(*having, depth)?,
            windows: windows
                .unwrap_or_default()
                .iter()
                .map(|w| Some((dequote(w.name.0), self.window(&w.window, depth)?)))
                .collect::<Option<_>>()?,
        })))
    }

    fn output(&self, column: &ast::ResultColumn, depth: usize) -> Option<Output> {
        Some(match column {
            ast::ResultColumn::Star => Output::Star,
            ast::ResultColumn::TableStar(name) => Output::TableStar(dequote(name.0)),
            ast::ResultColumn::Expr(e, alias) => Output::Expr(self.expr(e, depth)?, alias.as_ref().map(alias_name)),
        })
    }

    /// FROM; `None` if it holds what the tree does not know.
    pub(super) fn from(&self, from: &ast::FromClause, depth: usize) -> Option<Vec<Join>> {
        if depth > MAX_DEPTH {
            return None;
        }
        let source = self.source(from.select?, depth)?;
        let mut joins = vec![Join { kind: JoinKind::Comma, natural: false, source, on: None, using: Vec::new() }];
        for join in from.joins.iter().flatten() {
            let (kind, natural) = kind(&join.operator);
            let (mut on, mut using) = (None, Vec::new());
            match &join.constraint {
                Some(ast::JoinConstraint::On(e)) => on = Some(self.expr(e, depth)?),
                Some(ast::JoinConstraint::Using(names)) => using = names.iter().map(|n| dequote(n.0)).collect(),
                None => {}
            }
            joins.push(Join { kind, natural, source: self.source(&join.table, depth)?, on, using });
        }
        Some(joins)
    }

    fn source(&self, table: &ast::SelectTable, depth: usize) -> Option<Source> {
        let depth = depth + 1;
        Some(match table {
            ast::SelectTable::Table(name, alias, _) => {
                Source::Table(dequote(name.name.0), alias.as_ref().map(alias_name))
            }
            ast::SelectTable::TableCall(name, args, alias) => {
                let args = args.unwrap_or_default().iter().map(|e| self.expr(e, depth)).collect::<Option<_>>()?;
                Source::Call(dequote(name.name.0).to_ascii_lowercase(), args, alias.as_ref().map(alias_name))
            }
            ast::SelectTable::Select(query, alias) => {
                Source::Query(Box::new(self.query(query, depth)?), alias.as_ref().map(alias_name))
            }
            ast::SelectTable::Sub(from, alias) => {
                Source::Joins(self.from(from, depth)?, alias.as_ref().map(alias_name))
            }
        })
    }

    pub(super) fn maybe(&self, e: Option<&ast::Expr>, depth: usize) -> Option<Option<Expr>> {
        match e {
            None => Some(None),
            Some(e) => self.expr(e, depth).map(Some),
        }
    }

    fn orders(&self, terms: Option<&[ast::SortedColumn]>, depth: usize) -> Option<Vec<Order>> {
        let term = |t: &ast::SortedColumn| {
            Some(Order {
                expr: self.expr(&t.expr, depth)?,
                descending: matches!(t.order, Some(ast::SortOrder::Desc)),
                nulls_first: t.nulls.map(|n| matches!(n, ast::NullsOrder::First)),
            })
        };
        terms.unwrap_or_default().iter().map(term).collect()
    }

    fn window(&self, window: &ast::Window, depth: usize) -> Option<Window> {
        let partition = window.partition_by.unwrap_or_default().iter().map(|e| self.expr(e, depth));
        let frame = match &window.frame_clause {
            None => None,
            Some(clause) => Some(Frame {
                mode: match clause.mode {
                    ast::FrameMode::Groups => "GROUPS",
                    ast::FrameMode::Range => "RANGE",
                    ast::FrameMode::Rows => "ROWS",
                }
                .into(),
                start: self.bound(&clause.start, depth)?,
                end: match &clause.end {
                    Some(end) => Some(self.bound(end, depth)?),
                    None => None,
                },
                exclude: clause.exclude.as_ref().map(|e| exclude(e).to_owned()),
            }),
        };
        Some(Window {
            base: window.base.as_ref().map(|n| dequote(n.0)),
            partition: partition.collect::<Option<_>>()?,
            order: self.orders(window.order_by, depth)?,
            frame,
        })
    }

    fn bound(&self, bound: &ast::FrameBound, depth: usize) -> Option<Bound> {
        Some(match bound {
            ast::FrameBound::CurrentRow => Bound::CurrentRow,
            ast::FrameBound::Following(e) => Bound::Following(self.expr(e, depth)?),
            ast::FrameBound::Preceding(e) => Bound::Preceding(self.expr(e, depth)?),
            ast::FrameBound::UnboundedFollowing => Bound::UnboundedFollowing,
            ast::FrameBound::UnboundedPreceding => Bound::UnboundedPreceding,
        })
    }

    /// The expressions that only queries and triggers have.
    pub(super) fn of_queries(&self, e: &ast::Expr, depth: usize) -> Option<Expr> {
        let query = |q: &ast::Select| self.query(q, depth + 1).map(Box::new);
        Some(match e {
            ast::Expr::Subquery(q) => Expr::Scalar(query(q)?),
            ast::Expr::Exists(q) => Expr::Exists(query(q)?),
            ast::Expr::InSelect { lhs, not, rhs } => {
                Expr::InQuery(Box::new(self.expr(lhs, depth + 1)?), query(rhs)?, *not)
            }
            ast::Expr::InTable { lhs, not, rhs, args } => {
                let name = dequote(rhs.name.0);
                let source = match args {
                    None => Source::Table(name, None),
                    Some(args) => {
                        let args = args.iter().map(|e| self.expr(e, depth + 1)).collect::<Option<_>>()?;
                        Source::Call(name.to_ascii_lowercase(), args, None)
                    }
                };
                Expr::InQuery(Box::new(self.expr(lhs, depth + 1)?), Box::new(all_of(source)), *not)
            }
            ast::Expr::FunctionCall { name, distinctness, args, order_by, filter_over } => {
                let order = order_by.as_ref().map(|ast::FunctionCallOrder::SortList(terms)| *terms);
                let function = Function {
                    name: dequote(name.0).to_ascii_lowercase(),
                    star: false,
                    distinct: matches!(distinctness, Some(ast::Distinctness::Distinct)),
                    args: args.unwrap_or_default().iter().map(|e| self.expr(e, depth + 1)).collect::<Option<_>>()?,
                    order: self.orders(order, depth + 1)?,
                    ..self.tail(filter_over.as_ref(), depth + 1)?
                };
                Expr::Function(Box::new(function))
            }
            ast::Expr::FunctionCallStar { name, filter_over } => Expr::Function(Box::new(Function {
                name: dequote(name.0).to_ascii_lowercase(),
                star: true,
                ..self.tail(filter_over.as_ref(), depth + 1)?
            })),
            ast::Expr::Raise(how, message) => {
                let message = match message {
                    None => None,
                    Some(e) => Some(Box::new(self.expr(e, depth + 1)?)),
                };
                Expr::Raise(conflict(Some(*how)), message)
            }
            _ => return None,
        })
    }

    /// FILTER and OVER, in a function that is otherwise empty.
    fn tail(&self, tail: Option<&ast::FunctionTail>, depth: usize) -> Option<Function> {
        let over = match tail.and_then(|t| t.over_clause) {
            None => None,
            Some(ast::Over::Name(name)) => Some(Over::Name(dequote(name.0))),
            Some(ast::Over::Window(window)) => Some(Over::Window(Box::new(self.window(window, depth)?))),
        };
        Some(Function {
            name: String::new(),
            star: false,
            distinct: false,
            args: Vec::new(),
            order: Vec::new(),
            filter: self.maybe(tail.and_then(|t| t.filter_clause), depth)?,
            over,
        })
    }
}

/// `SELECT * FROM source`.
fn all_of(source: Source) -> Query {
    let join = Join { kind: JoinKind::Comma, natural: false, source, on: None, using: Vec::new() };
    let block = Block {
        distinct: false,
        columns: vec![Output::Star],
        from: vec![join],
        filter: None,
        group: Vec::new(),
        having: None,
        windows: Vec::new(),
    };
    Query {
        with: Vec::new(),
        recursive: false,
        first: Select::Select(Box::new(block)),
        others: Vec::new(),
        order: Vec::new(),
        limit: None,
        offset: None,
    }
}

fn alias_name(alias: &ast::As) -> String {
    let (ast::As::As(name) | ast::As::Elided(name)) = alias;
    dequote(name.0)
}

/// The kind of a join, and whether it is NATURAL.
fn kind(operator: &ast::JoinOperator) -> (JoinKind, bool) {
    let ast::JoinOperator::TypedJoin(ty) = operator else { return (JoinKind::Comma, false) };
    let Some(ty) = ty else { return (JoinKind::Inner, false) };
    let has = |flag: ast::JoinType| ty.contains(flag);
    let outer = has(ast::JoinType::OUTER);
    let kind = match (has(ast::JoinType::LEFT), has(ast::JoinType::RIGHT)) {
        (true, true) => JoinKind::Full,
        (true, false) => JoinKind::Left,
        (false, true) => JoinKind::Right,
        // FULL is kept as LEFT and RIGHT; a lone OUTER is no join that SQLite takes.
        (false, false) if outer => JoinKind::Full,
        (false, false) => JoinKind::Inner,
    };
    (kind, has(ast::JoinType::NATURAL))
}

fn exclude(clause: &ast::FrameExclude) -> &'static str {
    match clause {
        ast::FrameExclude::NoOthers => "NO OTHERS",
        ast::FrameExclude::CurrentRow => "CURRENT ROW",
        ast::FrameExclude::Group => "GROUP",
        ast::FrameExclude::Ties => "TIES",
    }
}

/// What happens on a conflict.
pub(super) fn conflict(clause: Option<ast::ResolveType>) -> Conflict {
    match clause {
        None | Some(ast::ResolveType::Abort) => Conflict::Abort,
        Some(ast::ResolveType::Fail) => Conflict::Fail,
        Some(ast::ResolveType::Rollback) => Conflict::Rollback,
        Some(ast::ResolveType::Ignore) => Conflict::Ignore,
        Some(ast::ResolveType::Replace) => Conflict::Replace,
    }
}
