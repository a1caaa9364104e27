//! The parser's expressions as our tree, names resolved as SQLite resolves them.
//! Owns that resolution; never judges whether PostgreSQL could say the same.

use super::Names;
use super::literal::{blob, dequote, numeric};
use crate::sql::ast::{Binary, Expr, Like, Name, Now, Unary};
use sqlite3_parser::ast::{self, Literal, Operator, UnaryOperator};

/// Deepest tree that is built, so that no walk over it can exhaust a thread's stack.
const MAX_DEPTH: usize = 200;

/// How a word that is not quoted and names no column is read.
#[derive(Clone, Copy, PartialEq)]
enum Bare {
    /// It is an error (SQLite says "no such column").
    Unknown,
    /// It is a string, as in DEFAULT.
    Text,
    /// It is a name of a query, which only its FROM can tell.
    Name,
}

pub(super) struct Context<'a> {
    names: &'a Names,
    bare: Bare,
}

impl<'a> Context<'a> {
    /// Of a query: no name is resolved.
    pub(super) fn of_query(names: &'a Names) -> Self {
        Context { names, bare: Bare::Name }
    }
}

/// The tree of an expression; `None` if it holds what the tree does not know.
pub(super) fn convert(e: &ast::Expr, names: &Names) -> Option<Expr> {
    Context { names, bare: Bare::Unknown }.expr(e, 0)
}

/// The tree of a DEFAULT.
pub(super) fn convert_default(e: &ast::Expr) -> Option<Expr> {
    Context { names: &Names::default(), bare: Bare::Text }.expr(e, 0)
}

impl Context<'_> {
    pub(super) fn expr(&self, e: &ast::Expr, depth: usize) -> Option<Expr> {
        if depth > MAX_DEPTH {
            return None;
        }
        let sub = |e: &ast::Expr| self.expr(e, depth + 1);
        let boxed = |e: &ast::Expr| self.expr(e, depth + 1).map(Box::new);
        Some(match e {
            ast::Expr::Literal(l) => literal(l)?,
            ast::Expr::Id(ast::Id(raw)) | ast::Expr::Name(ast::Name(raw)) => self.name(raw)?,
            ast::Expr::Qualified(table, column) => self.qualified(table.0, column.0)?,
            ast::Expr::DoublyQualified(_, table, column) => self.qualified(table.0, column.0)?,
            ast::Expr::Parenthesized(list) => match list.as_slice() {
                [one] => sub(one)?,
                _ if self.bare != Bare::Name => return None,
                list => Expr::Row(list.iter().map(sub).collect::<Option<_>>()?),
            },
            ast::Expr::Unary(op, x) => unary(*op, x, sub(x)?),
            ast::Expr::Binary(a, op @ (Operator::Is | Operator::IsNot), b) if self.truth(b).is_some() => {
                let wanted = self.truth(b) == Some(true);
                let yes = i64::from(*op == Operator::Is);
                let x = sub(a)?;
                let when = if wanted { x } else { Expr::Unary(Unary::Not, Box::new(x)) };
                Expr::Case(None, vec![(when, Expr::Integer(yes))], Some(Box::new(Expr::Integer(1 - yes))))
            }
            ast::Expr::Binary(a, op, b) => binary(*op, sub(a)?, sub(b)?),
            ast::Expr::IsNull(x) => Expr::IsNull(boxed(x)?, false),
            ast::Expr::NotNull(x) => Expr::IsNull(boxed(x)?, true),
            ast::Expr::Between { lhs, not, start, end } => Expr::Between(boxed(lhs)?, boxed(start)?, boxed(end)?, *not),
            ast::Expr::InList { lhs, not, rhs } => {
                let list = rhs.unwrap_or_default().iter().map(sub).collect::<Option<Vec<_>>>()?;
                Expr::In(boxed(lhs)?, list, *not)
            }
            ast::Expr::Like { lhs, not, op, rhs, escape } => {
                let escape = match escape {
                    Some(e) => Some(boxed(e)?),
                    None => None,
                };
                Expr::Like(like(*op), boxed(lhs)?, boxed(rhs)?, escape, *not)
            }
            ast::Expr::FunctionCall { name, distinctness: None, args, order_by: None, filter_over: None } => {
                let args = args.unwrap_or_default().iter().map(sub).collect::<Option<Vec<_>>>()?;
                call(dequote(name.0).to_ascii_lowercase(), args)
            }
            ast::Expr::Cast { expr, type_name } => {
                cast(sub(expr)?, type_name.as_ref().map(|t| t.name).unwrap_or_default())
            }
            ast::Expr::Collate(x, name) => Expr::Collate(boxed(x)?, dequote(name).to_ascii_uppercase()),
            ast::Expr::Case { base, when_then_pairs, else_expr } => {
                let base = match base {
                    Some(b) => Some(boxed(b)?),
                    None => None,
                };
                let pairs =
                    when_then_pairs.iter().map(|(w, t)| Some((sub(w)?, sub(t)?))).collect::<Option<Vec<_>>>()?;
                let other = match else_expr {
                    Some(e) => Some(boxed(e)?),
                    None => None,
                };
                Expr::Case(base, pairs, other)
            }
            _ if self.bare == Bare::Name => self.of_queries(e, depth)?,
            _ => return None,
        })
    }

    /// A name: a column if there is one, then the rowid, TRUE and FALSE, and a string if it is double-quoted.
    /// Source: <https://sqlite.org/quirks.html#double_quoted_string_literals_are_accepted>.
    fn name(&self, raw: &str) -> Option<Expr> {
        let name = dequote(raw);
        if let Some(column) = self.names.column_or_rowid(&name) {
            return Some(Expr::Column(column));
        }
        let quoted = raw.starts_with(['"', '\'', '`', '[']);
        if !quoted && name.eq_ignore_ascii_case("true") {
            return Some(Expr::Integer(1));
        }
        if !quoted && name.eq_ignore_ascii_case("false") {
            return Some(Expr::Integer(0));
        }
        if self.bare == Bare::Name && !raw.starts_with('\'') {
            return Some(Expr::Name(Name { table: None, column: name, quoted: raw.starts_with('"') }));
        }
        if raw.starts_with(['"', '\'']) || self.bare == Bare::Text {
            return Some(Expr::Text(name));
        }
        None
    }

    /// The word TRUE or FALSE: `x IS TRUE` asks whether x counts as true, which is more than `x = 1`.
    /// Source: <https://sqlite.org/lang_expr.html#boolean_expressions>.
    fn truth(&self, e: &ast::Expr) -> Option<bool> {
        let (ast::Expr::Id(ast::Id(raw)) | ast::Expr::Name(ast::Name(raw))) = e else {
            return match e {
                ast::Expr::Parenthesized(list) if list.len() == 1 => self.truth(&list[0]),
                _ => None,
            };
        };
        if self.names.column(raw).is_some() {
            return None;
        }
        if raw.eq_ignore_ascii_case("true") { Some(true) } else { raw.eq_ignore_ascii_case("false").then_some(false) }
    }

    fn qualified(&self, table: &str, column: &str) -> Option<Expr> {
        if self.bare == Bare::Name {
            let table = Some(dequote(table));
            return Some(Expr::Name(Name { table, column: dequote(column), quoted: false }));
        }
        if !dequote(table).eq_ignore_ascii_case(&self.names.table) {
            return None;
        }
        self.names.column_or_rowid(&dequote(column)).map(Expr::Column)
    }
}

fn literal(l: &Literal) -> Option<Expr> {
    Some(match l {
        Literal::Numeric(raw) => numeric(raw)?,
        Literal::String(raw) => Expr::Text(dequote(raw)),
        Literal::Blob(raw) => Expr::Blob(blob(raw)?),
        Literal::Null => Expr::Null,
        Literal::CurrentDate => Expr::Now(Now::Date),
        Literal::CurrentTime => Expr::Now(Now::Time),
        Literal::CurrentTimestamp => Expr::Now(Now::Timestamp),
        Literal::Keyword(_) => return None,
    })
}

/// A sign before a literal makes a literal; the smallest integer can only be written that way.
fn unary(op: UnaryOperator, raw: &ast::Expr, x: Expr) -> Expr {
    let op = match op {
        UnaryOperator::Negative => {
            if matches!(raw, ast::Expr::Literal(Literal::Numeric("9223372036854775808"))) {
                return Expr::Integer(i64::MIN);
            }
            match x {
                Expr::Integer(n) if n != i64::MIN => return Expr::Integer(-n),
                Expr::Real(r) => return Expr::Real(-r),
                _ => Unary::Minus,
            }
        }
        UnaryOperator::Positive => Unary::Plus,
        UnaryOperator::Not => Unary::Not,
        UnaryOperator::BitwiseNot => Unary::BitNot,
    };
    Expr::Unary(op, Box::new(x))
}

fn binary(op: Operator, a: Expr, b: Expr) -> Expr {
    let op = match op {
        Operator::Add => Binary::Add,
        Operator::And => Binary::And,
        Operator::ArrowRight => Binary::Arrow,
        Operator::ArrowRightShift => Binary::ArrowText,
        Operator::BitwiseAnd => Binary::BitAnd,
        Operator::BitwiseOr => Binary::BitOr,
        Operator::Concat => Binary::Concat,
        Operator::Equals => Binary::Eq,
        Operator::Divide => Binary::Div,
        Operator::Greater => Binary::Gt,
        Operator::GreaterEquals => Binary::Ge,
        Operator::Is => Binary::Is,
        Operator::IsNot => Binary::IsNot,
        Operator::LeftShift => Binary::ShiftLeft,
        Operator::Less => Binary::Lt,
        Operator::LessEquals => Binary::Le,
        Operator::Modulus => Binary::Rem,
        Operator::Multiply => Binary::Mul,
        Operator::NotEquals => Binary::Ne,
        Operator::Or => Binary::Or,
        Operator::RightShift => Binary::ShiftRight,
        Operator::Subtract => Binary::Sub,
    };
    Expr::Binary(op, Box::new(a), Box::new(b))
}

fn like(op: ast::LikeOperator) -> Like {
    match op {
        ast::LikeOperator::Glob => Like::Glob,
        ast::LikeOperator::Like => Like::Like,
        ast::LikeOperator::Match => Like::Match,
        ast::LikeOperator::Regexp => Like::Regexp,
    }
}

/// A call; the date functions on the current time in the forms that are only another way to write it become that.
/// Source: <https://sqlite.org/lang_datefunc.html>.
fn call(name: String, args: Vec<Expr>) -> Expr {
    let is_now = |e: &Expr| matches!(e, Expr::Text(t) if t.eq_ignore_ascii_case("now"));
    let now = match (name.as_str(), args.as_slice()) {
        ("datetime", []) => Some(Now::Timestamp),
        ("date", []) => Some(Now::Date),
        ("time", []) => Some(Now::Time),
        ("unixepoch", []) => Some(Now::Epoch),
        ("datetime", [n]) if is_now(n) => Some(Now::Timestamp),
        ("date", [n]) if is_now(n) => Some(Now::Date),
        ("time", [n]) if is_now(n) => Some(Now::Time),
        ("unixepoch", [n]) if is_now(n) => Some(Now::Epoch),
        ("strftime", [Expr::Text(f)]) => now_format(f),
        ("strftime", [Expr::Text(f), n]) if is_now(n) => now_format(f),
        _ => None,
    };
    match now {
        Some(now) => Expr::Now(now),
        None => Expr::Call(name, args),
    }
}

fn now_format(format: &str) -> Option<Now> {
    match format {
        "%s" => Some(Now::EpochText),
        "%Y-%m-%d %H:%M:%S" | "%F %T" => Some(Now::Timestamp),
        "%Y-%m-%d" | "%F" => Some(Now::Date),
        "%H:%M:%S" | "%T" => Some(Now::Time),
        _ => None,
    }
}

fn cast(x: Expr, declared: &str) -> Expr {
    let integer = crate::schema::Affinity::of(declared) == crate::schema::Affinity::Integer;
    match x {
        Expr::Now(Now::EpochText | Now::Epoch) if integer => Expr::Now(Now::Epoch),
        x => Expr::Cast(Box::new(x), declared.to_owned()),
    }
}
