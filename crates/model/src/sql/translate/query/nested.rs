//! Queries inside of expressions, rows of values, and the rows of JSON.
//! Owns how one value is made of a query; never translates the query (see `block`).

use super::aggregate::is_aggregate;
use super::block;
use super::frame::Frame;
use super::from::computed_field;
use crate::mapping::PgType;
use crate::sql::ast::{Binary, Expr, Query};
use crate::sql::translate::relations::Field;
use crate::sql::translate::typed::{Collation, Kind, Typed};
use crate::sql::translate::{Translated, Translator, compare, refuse};

impl Translator<'_> {
    /// A part of an expression that stands in a query. What does not differ there is as everywhere.
    pub(in crate::sql::translate) fn node_of_query(&self, e: &Expr) -> Translated<Typed> {
        if let Some(key) = self.group_key(e) {
            return Ok(key);
        }
        match e {
            Expr::Binary(op, a, b) if of_rows(*op, a, b) => self.rows(*op, a, b),
            Expr::In(x, list, negated) if matches!(**x, Expr::Row(_)) => self.rows_in(x, list, *negated),
            Expr::Call(name, args) if is_aggregate(e) => self.aggregate(name, args),
            Expr::Name(name) => self.name(name),
            Expr::Scalar(query) => self.scalar_query(query),
            Expr::Exists(query) => self.exists_query(query),
            Expr::InQuery(x, query, negated) => self.in_query(x, query, *negated),
            Expr::Function(function) => self.function(function),
            e => self.node(e),
        }
    }

    /// `(SELECT …)`: the first row, NULL where there is none. Source: <https://sqlite.org/lang_expr.html#subq>.
    pub(in crate::sql::translate) fn scalar_query(&self, query: &Query) -> Translated<Typed> {
        let frame = self.frame()?;
        let built = block::query(query, &frame)?;
        let [field] = built.fields.as_slice() else { return refuse("a query gives several columns for one value") };
        frame.shared.keep_crossing(query, &field.crossing);
        let mut text = built.text;
        if !built.one {
            if query.limit.is_none() {
                frame.shared.note("of several rows that a query gives for one value, some row's is taken");
                text.line("LIMIT 1");
            } else {
                return refuse("a query for one value has a LIMIT of more than one row");
            }
        }
        let casts = matches!(field.crossing.ty, PgType::Char(_) | PgType::Enum);
        let sql = if casts { format!("{}::text", text.nested()) } else { text.nested() };
        Ok(Typed {
            sql,
            collation: Collation::None,
            column: field.typed.column && !field.approximate && !casts && field.typed.kind != Kind::Null,
            pg: field.typed.pg.filter(|_| !casts),
            ..super::output::detached(&field.typed)
        })
    }

    /// `EXISTS (SELECT …)`.
    pub(in crate::sql::translate) fn exists_query(&self, query: &Query) -> Translated<Typed> {
        let frame = self.frame()?;
        let notes = frame.shared.notes();
        let built = block::query(query, &frame)?;
        // Which rows there are does not matter as long as there is one.
        frame.shared.restore(notes);
        Ok(Typed::condition(format!("EXISTS {}", built.text.nested())))
    }

    /// `x IN (SELECT …)` compares as `x = column` does.
    /// Source: <https://sqlite.org/datatype3.html#affinity_of_comparison_operands>.
    pub(in crate::sql::translate) fn in_query(&self, x: &Expr, query: &Query, negated: bool) -> Translated<Typed> {
        let frame = self.frame()?;
        let built = block::query(query, &frame)?;
        let left = self.row_of(x)?;
        if left.len() != built.fields.len() {
            return refuse("IN compares rows of different lengths");
        }
        let mut pairs = Vec::with_capacity(left.len());
        let mut wrapped = false;
        for (x, field) in left.iter().zip(&built.fields) {
            let y = field.under("\"list\"");
            if x.kind == Kind::Null || y.kind == Kind::Null {
                return refuse("IN compares with NULL alone");
            }
            let collate_c = frame.shared.environment.collate_c;
            let pair = match compare::pair(Binary::Eq, x, &y, collate_c) {
                Ok(pair) => pair,
                // A column without values proves nothing, and nothing speaks against its type.
                Err(_)
                    if x.kind == Kind::Other(PgType::Uuid)
                        && x.kind == y.kind
                        && (x.class.is_none() || y.class.is_none()) =>
                {
                    compare::Pair { left: x.sql.clone(), right: y.sql.clone() }
                }
                // As the values that SQLite has.
                Err(_) => compare::pair(Binary::Eq, &self.plain(x.clone())?, &self.plain(y)?, collate_c)?,
            };
            wrapped |= pair.right != format!("\"list\".{}", crate::ident::pg(&field.target));
            pairs.push(pair);
        }
        let list = |side: &dyn Fn(&compare::Pair) -> String| pairs.iter().map(side).collect::<Vec<_>>().join(", ");
        let mut text = built.text;
        if wrapped {
            let mut around = super::text::Text::of(format!("SELECT {}", list(&|p| p.right.clone())));
            around.line("FROM (");
            around.deeper(text);
            around.line(") AS \"list\"");
            text = around;
        }
        let left =
            if pairs.len() == 1 { list(&|p| p.left.clone()) } else { format!("({})", list(&|p| p.left.clone())) };
        let not = if negated { "NOT " } else { "" };
        Ok(Typed::condition(format!("({left} {not}IN {})", text.nested())))
    }

    fn row_of(&self, x: &Expr) -> Translated<Vec<Typed>> {
        match x {
            Expr::Row(list) => list.iter().map(|e| self.typed(e)).collect(),
            x => Ok(vec![self.typed(x)?]),
        }
    }

    /// `(a, b) = (c, d)` and its kin. Source: <https://sqlite.org/rowvalue.html>.
    pub(in crate::sql::translate) fn rows(&self, op: Binary, a: &Expr, b: &Expr) -> Translated<Typed> {
        let (Expr::Row(x), Expr::Row(y)) = (a, b) else {
            return refuse("a row of values is compared with what is none");
        };
        if x.len() != y.len() {
            return refuse("rows of different lengths are compared");
        }
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (x, y) in x.iter().zip(y) {
            let (x, y) = (self.typed(x)?, self.typed(y)?);
            if x.kind == Kind::Null || y.kind == Kind::Null {
                return refuse("a row of values holds NULL");
            }
            let pair = compare::pair(op, &x, &y, self.scope.collate_c)?;
            left.push(pair.left);
            right.push(pair.right);
        }
        let sql = format!("(ROW({}) {} ROW({}))", left.join(", "), compare::word(op), right.join(", "));
        Ok(Typed::condition(sql))
    }

    /// `(a, b) IN ((c, d), …)`.
    pub(in crate::sql::translate) fn rows_in(&self, x: &Expr, list: &[Expr], negated: bool) -> Translated<Typed> {
        let tests = list.iter().map(|item| Ok(self.rows(Binary::Eq, x, item)?.sql)).collect::<Translated<Vec<_>>>()?;
        let any = if tests.is_empty() { "FALSE".to_owned() } else { tests.join(" OR ") };
        Ok(Typed::condition(format!("({}({any}))", if negated { "NOT " } else { "" })))
    }
}

/// Whether a comparison is one of rows.
fn of_rows(op: Binary, a: &Expr, b: &Expr) -> bool {
    use Binary::{Eq, Ge, Gt, Is, IsNot, Le, Lt, Ne};
    let row = |e: &Expr| matches!(e, Expr::Row(_));
    matches!(op, Eq | Ne | Lt | Le | Gt | Ge | Is | IsNot) && (row(a) || row(b))
}

/// The rows of json_each or json_tree. Source: <https://sqlite.org/json1.html#jeach>.
pub(super) fn json_rows(name: &str, args: &[Typed], frame: &Frame<'_>) -> Translated<(String, Vec<Field>)> {
    let helper = if name == "json_each" { "sqlite_json_each" } else { "sqlite_json_tree" };
    let Some(known) = crate::sql::helpers::find(helper) else {
        return refuse(format!("the table function {name} is not translated"));
    };
    let text = |t: &Typed| match t.kind {
        Kind::Text | Kind::Other(PgType::Jsonb | PgType::Json) => Ok(format!("{}::text", t.sql)),
        _ => refuse(format!("{} in {name} is no text", t.what())),
    };
    let call = match args {
        [json] => format!("{}({}, '$')", known.name, text(json)?),
        [json, path] => format!("{}({}, {})", known.name, text(json)?, text(path)?),
        _ => return refuse(format!("{name} has another number of arguments than one or two")),
    };
    frame.shared.environment.helpers.take(known.name);
    let int = Kind::Int { low: 0, high: i64::MAX.into() };
    let mut fields: Vec<Field> = [
        ("key", Kind::Text, PgType::Text),
        ("value", Kind::Text, PgType::Text),
        ("type", Kind::Text, PgType::Text),
        ("atom", Kind::Text, PgType::Text),
        ("id", int, PgType::BigInt),
        ("parent", int, PgType::BigInt),
        ("fullkey", Kind::Text, PgType::Text),
        ("path", Kind::Text, PgType::Text),
    ]
    .into_iter()
    .map(|(name, kind, ty)| computed_field(name, kind, ty))
    .collect();
    // Their values may be numbers too.
    for field in fields.iter_mut().filter(|f| matches!(f.name.as_str(), "key" | "value" | "atom")) {
        field.typed.loose = true;
    }
    Ok((call, fields))
}
