//! The JSON functions of SQLite, said in PostgreSQL.
//! Owns which calls these are, and how values that come of JSON compare; never translates any other.
//!
//! SQLite keeps JSON as it is written: keys in their order, numbers and strings as they are spelled. So does `json`, not
//! `jsonb`. Source: <https://sqlite.org/json1.html>.

mod path;

use super::typed::{Collation, Kind, Literal, Typed};
use super::{Translated, Translator, compare, refuse};
use crate::ident;
use crate::mapping::PgType;
use crate::mapping::codec::Normal;
use crate::schema::Affinity;
use crate::sql::ast::{Binary, Expr};
use crate::value::Class;

/// A value that comes of JSON.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Json {
    /// The part of JSON that it is, of type `json`.
    pub node: String,
    /// What SQLite made of it.
    pub made: Made,
}

/// What SQLite makes of a part of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// JSON text.
    Text,
    /// A value; an array or an object is JSON text.
    Value,
    /// A value; an array or an object is text like any other.
    Sql,
}

/// How SQLite writes infinity in JSON that it makes of values, and in JSON that it changes.
const MADE: &str = "'9.0e+999'";
const EDITED: &str = "'9e999'";

impl Translator<'_> {
    /// A call of one of these functions; `None` if it is another's.
    pub(super) fn json_call(&self, name: &str, args: &[Expr]) -> Translated<Option<Typed>> {
        Ok(Some(match (name, args) {
            ("json", [x]) => self.json_itself(x)?,
            ("json_extract", [x, path]) => {
                let node = self.json_part(x, Some(path))?;
                self.json_value(node, Made::Value)?
            }
            ("json_extract", [x, paths @ ..]) if !paths.is_empty() => self.json_extract_all(x, paths)?,
            ("json_array", args) => {
                let parts = args.iter().map(|a| self.json_element(a, MADE)).collect::<Translated<Vec<String>>>()?;
                self.json_text(braced('[', &parts, ']'))?
            }
            ("json_object", args) if args.len() % 2 == 0 => {
                let mut parts = Vec::with_capacity(args.len() / 2);
                for pair in args.chunks_exact(2) {
                    if let [key, value] = pair {
                        parts.push(format!("{} || ':' || {}", self.json_label(key)?, self.json_element(value, MADE)?));
                    }
                }
                self.json_text(braced('{', &parts, '}'))?
            }
            ("json_array_length", [x, path @ ..]) if path.len() < 2 => {
                let node = self.json_part(x, path.first())?;
                let kind = Kind::Int { low: 0, high: i32::MAX.into() };
                let length = format!("CASE WHEN json_typeof({node}) = 'array' THEN json_array_length({node})");
                Typed::new(kind, format!("({length} WHEN {node} IS NOT NULL THEN 0 END)"))
            }
            ("json_type", [x, path @ ..]) if path.len() < 2 => {
                let node = self.json_part(x, path.first())?;
                Typed::new(Kind::Text, format!("{}({node})", self.helper("sqlite_json_type")?))
            }
            ("json_valid", [x] | [x, Expr::Integer(1)]) => self.json_is_valid(x)?,
            ("json_quote", [x]) => {
                let made = self.json_element(x, MADE)?;
                self.json_text(made)?
            }
            ("json_set" | "json_insert" | "json_replace", [x, edits @ ..]) if edits.len() % 2 == 0 => {
                self.json_edited(name.strip_prefix("json_").unwrap_or(name), x, edits)?
            }
            ("json_remove", [x, paths @ ..]) => {
                let mut node = self.json_part(x, None)?;
                for path in paths {
                    let rest = self.rest_of_path(path)?;
                    node = format!("{}({node}, {rest}, NULL, 'remove')", self.helper("sqlite_json_edit")?);
                }
                self.json_node(node)?
            }
            ("json_patch", [x, patch]) => {
                let (x, patch) = (self.json_part(x, None)?, self.json_part(patch, None)?);
                let name = self.helper("sqlite_json_patch")?;
                self.json_node(format!("{name}({x}, {patch})"))?
            }
            ("json_pretty", [x, indent @ ..]) if indent.len() < 2 => {
                let indent = match indent.first() {
                    None => "'    '".into(),
                    Some(e) => self.certain_text(e)?,
                };
                let node = self.json_part(x, None)?;
                Typed::new(Kind::Text, format!("{}({node}, {indent}, 0)", self.helper("sqlite_json_pretty")?))
            }
            ("json_error_position", _) => return refuse("only SQLite knows where it stops reading JSON"),
            (name, _) if name == "jsonb" || name.starts_with("jsonb_") => {
                return refuse(format!("{name} makes JSON in a binary form that only SQLite has"));
            }
            _ => return Ok(None),
        }))
    }

    /// `x -> place` and `x ->> place`.
    pub(super) fn json_arrow(&self, op: Binary, x: &Expr, place: &Expr) -> Translated<Typed> {
        let node = match place {
            Expr::Text(t) if t.starts_with('$') => self.json_part(x, Some(place))?,
            Expr::Text(t) => {
                let (node, name) = (self.json_part(x, None)?, self.helper("sqlite_json_arrow")?);
                Typed::text(t)?;
                format!("{name}({node}, {})", ident::literal(t))
            }
            _ => {
                let (node, place) = (self.json_part(x, None)?, self.typed(place)?);
                match place.kind {
                    Kind::Int { .. } => {
                        format!("{}({node}, {})", self.helper("sqlite_json_index")?, place.sql)
                    }
                    Kind::Text if !place.loose => {
                        format!("{}({node}, {})", self.helper("sqlite_json_arrow")?, place.sql)
                    }
                    _ => return refuse(format!("{} is not surely a key or a place in JSON", place.what())),
                }
            }
        };
        if op == Binary::Arrow { self.json_node(node) } else { self.json_value(node, Made::Sql) }
    }

    /// `typeof()` of a value that comes of JSON.
    pub(super) fn json_class(&self, node: &str) -> Translated<Typed> {
        let (ty, value) = (self.help("sqlite_json_type", &[node])?, self.help("sqlite_json_value", &[node])?);
        // An integer beyond 64 bits is a real.
        let integer = format!("WHEN 'integer' THEN CASE WHEN {value} ~ '^-?[0-9]+$' THEN 'integer' ELSE 'real' END");
        let sql = format!(
            "(CASE COALESCE({ty}, 'null') WHEN 'null' THEN 'null' WHEN 'true' THEN 'integer' WHEN 'false' THEN 'integer' \
             {integer} WHEN 'real' THEN 'real' ELSE 'text' END)"
        );
        Ok(Typed { class: Some(Class::Text), ..Typed::new(Kind::Text, sql) })
    }

    /// A comparison of a value that comes of JSON: its class is known only when it is there, and it has no affinity.
    pub(super) fn json_compared(&self, op: Binary, a: &Typed, b: &Typed) -> Translated<Option<Typed>> {
        fn of(x: &Typed) -> Option<&Json> {
            x.json.as_deref().filter(|_| x.loose)
        }
        if of(a).is_none() && of(b).is_none() {
            return Ok(None);
        }
        let equality = matches!(op, Binary::Eq | Binary::Ne | Binary::Is | Binary::IsNot);
        // Text that is no number is equal only to the same text.
        let no_number = |x: &Typed| matches!(&x.literal, Some(Literal::Text(t)) if super::number::of_text(t).is_none());
        let binary = |x: &Typed| match &x.collation {
            Collation::None => true,
            Collation::Column(c) | Collation::Explicit(c) => c == "BINARY",
        };
        // Beside a column of text everything is text.
        let text_column = |x: &Typed| x.kind == Kind::Text && !x.loose && x.affinity == Some(Affinity::Text);
        if !binary(a) || !binary(b) {
            return refuse("a value that comes of JSON is compared under a collation");
        }
        if text_column(a) || text_column(b) || equality && (no_number(a) || no_number(b)) {
            let left = if equality { a.sql.clone() } else { format!("({}) COLLATE \"C\"", a.sql) };
            return Ok(Some(Typed::condition(format!("({left} {} {})", compare::word(op), b.sql))));
        }
        let numeric = |x: &Typed| super::number::is_numeric(x.affinity);
        let (left, right) = (self.comparable(a, numeric(b))?, self.comparable(b, numeric(a))?);
        let order = format!("{}({left}, {right})", self.helper("sqlite_json_order")?);
        Ok(Some(Typed::condition(match op {
            // Two NULLs are the same, and one is not.
            Binary::Is | Binary::IsNot => {
                let not = if op == Binary::Is { "" } else { "NOT " };
                format!("({not}COALESCE({order} = 0, {} IS NULL AND {} IS NULL))", a.sql, b.sql)
            }
            _ => format!("({order} {} 0)", compare::word(op)),
        })))
    }

    /// An operand as JSON, to be ordered.
    fn comparable(&self, x: &Typed, beside_numbers: bool) -> Translated<String> {
        if let Some(json) = x.json.as_ref().filter(|_| x.loose) {
            return match beside_numbers {
                true => Ok(format!("{}({})", self.helper("sqlite_json_numeric")?, json.node)),
                false => Ok(json.node.clone()),
            };
        }
        let x = self.plain(x.clone())?.as_number();
        match x.kind {
            Kind::Text if x.loose => refuse(format!("{} may be text or a number", x.what())),
            Kind::Text | Kind::Int { .. } | Kind::Number | Kind::Double => Ok(format!("to_json({})", x.sql)),
            _ => refuse(format!("{} is compared with a value that comes of JSON", x.what())),
        }
    }

    /// The part of a document at a path, of type `json`.
    fn json_part(&self, document: &Expr, path: Option<&Expr>) -> Translated<String> {
        let document = self.json_document(document)?;
        let Some(path) = path else { return Ok(document) };
        let path = match path {
            Expr::Text(t) if path::is_path(t) => {
                if t == "$" {
                    return Ok(document);
                }
                Typed::text(t)?;
                ident::literal(t)
            }
            Expr::Text(t) => return refuse(format!("{t:?} is no path in JSON")),
            Expr::Null => return Ok("NULL::json".into()),
            other => self.certain_text(other)?,
        };
        Ok(format!("{}({document}, {path})", self.helper("sqlite_json_at")?))
    }

    /// A document, of type `json`.
    fn json_document(&self, e: &Expr) -> Translated<String> {
        if let Expr::Text(t) = e {
            if serde_json::from_str::<serde::de::IgnoredAny>(t).is_err() {
                return refuse(format!("{t:?} is no JSON by RFC 8259"));
            }
            Typed::text(t)?;
            return Ok(format!("{}::json", ident::literal(t)));
        }
        self.json_of(self.typed(e)?)
    }

    /// A value as a document.
    fn json_of(&self, x: Typed) -> Translated<String> {
        match (&x.json, x.kind) {
            (Some(json), _) if !x.loose => return Ok(json.node.clone()),
            (_, Kind::Other(PgType::Json)) => return Ok(x.sql),
            (_, Kind::Other(PgType::Jsonb)) if !is_scalar(&x) => return Ok(format!("({})::text::json", x.sql)),
            _ => {}
        }
        let x = self.plain(x)?.as_number();
        match x.kind {
            Kind::Null => Ok("NULL::json".into()),
            Kind::Text => Ok(format!("({})::json", x.sql)),
            Kind::Int { .. } => Ok(format!("to_json({})", x.sql)),
            _ => refuse(format!("{} is not surely JSON", x.what())),
        }
    }

    /// `json(x)`: JSON without its spaces; of jsonb the column itself, whose spaces and order are its own.
    fn json_itself(&self, e: &Expr) -> Translated<Typed> {
        if matches!(e, Expr::Text(_)) {
            return self.json_node(self.json_part(e, None)?);
        }
        let x = self.typed(e)?;
        if x.kind == Kind::Other(PgType::Jsonb) && !is_scalar(&x) {
            return Ok(x);
        }
        self.json_node(self.json_of(x)?)
    }

    /// JSON text of a part of JSON.
    fn json_node(&self, node: String) -> Translated<Typed> {
        let sql = format!("{}({node})", self.helper("sqlite_json_min")?);
        Ok(Typed { json: Some(Box::new(Json { node, made: Made::Text })), ..Typed::new(Kind::Text, sql) })
    }

    /// JSON text that was put together.
    fn json_text(&self, sql: String) -> Translated<Typed> {
        let node = format!("({sql})::json");
        let json = Some(Box::new(Json { node, made: Made::Text }));
        Ok(Typed {
            json,
            wordy: sql.starts_with("'[") || sql.starts_with("'{"),
            ..Typed::new(Kind::Text, format!("({sql})"))
        })
    }

    /// The value of a part of JSON: text, a number or NULL.
    fn json_value(&self, node: String, made: Made) -> Translated<Typed> {
        let sql = format!("{}({node})", self.helper("sqlite_json_value")?);
        Ok(Typed { loose: true, json: Some(Box::new(Json { node, made })), ..Typed::new(Kind::Text, sql) })
    }

    fn json_extract_all(&self, x: &Expr, paths: &[Expr]) -> Translated<Typed> {
        let document = self.json_document(x)?;
        let mut parts = Vec::with_capacity(paths.len());
        for path in paths {
            let node = self.json_part(x, Some(path))?;
            parts.push(format!("COALESCE({}({node}), 'null')", self.helper("sqlite_json_min")?));
        }
        self.json_text(format!("CASE WHEN {document} IS NOT NULL THEN {} END", braced('[', &parts, ']')))
    }

    fn json_edited(&self, how: &str, x: &Expr, edits: &[Expr]) -> Translated<Typed> {
        let mut node = self.json_part(x, None)?;
        for pair in edits.chunks_exact(2) {
            let [path, value] = pair else { continue };
            let (rest, value) = (self.rest_of_path(path)?, self.json_element(value, EDITED)?);
            node = format!("{}({node}, {rest}, {value}, '{how}')", self.helper("sqlite_json_edit")?);
        }
        self.json_node(node)
    }

    /// A path without its `$`.
    fn rest_of_path(&self, path: &Expr) -> Translated<String> {
        match path {
            Expr::Text(t) if path::is_path(t) => {
                Typed::text(t)?;
                Ok(ident::literal(t.strip_prefix('$').unwrap_or(t)))
            }
            Expr::Text(t) => refuse(format!("{t:?} is no path in JSON")),
            other => refuse(format!("{} is a path in JSON that is not known beforehand", self.typed(other)?.what())),
        }
    }

    /// A value as a part of JSON, of type `text`; infinity is written otherwise in what is edited than in what is made.
    fn json_element(&self, e: &Expr, infinity: &str) -> Translated<String> {
        let x = self.typed(e)?;
        if let Some(json) = &x.json {
            let node = &json.node;
            return match json.made {
                Made::Text => Ok(format!("COALESCE({}({node}), 'null')", self.helper("sqlite_json_min")?)),
                Made::Value => self.help("sqlite_json_element", &[node, infinity]),
                Made::Sql => Ok(format!(
                    "(CASE WHEN json_typeof({node}) IN ('array', 'object') THEN to_json({})::text ELSE {} END)",
                    self.help("sqlite_json_min", &[node])?,
                    self.help("sqlite_json_element", &[node, infinity])?,
                )),
            };
        }
        match (&x.literal, x.kind) {
            (Some(Literal::Text(t)), _) => {
                let quoted = serde_json::Value::String(t.clone()).to_string();
                return Ok(ident::literal(&quoted));
            }
            (Some(Literal::Integer(n)), _) => return Ok(format!("'{n}'")),
            (_, Kind::Null) => return Ok("'null'".into()),
            _ => {}
        }
        let x = self.plain(x)?.as_number();
        let sql = &x.sql;
        match x.kind {
            Kind::Text if !x.loose => Ok(format!("COALESCE(to_json({sql})::text, 'null')")),
            Kind::Int { .. } => Ok(format!("COALESCE(({sql})::text, 'null')")),
            Kind::Double => {
                Ok(format!("COALESCE(replace({}({sql}), 'Inf', {infinity}), 'null')", self.helper("sqlite_real_text")?))
            }
            _ => refuse(format!("{} is put into JSON and may be text or a number", x.what())),
        }
    }

    /// The key of a pair, of type `text`.
    fn json_label(&self, e: &Expr) -> Translated<String> {
        match e {
            Expr::Text(t) => {
                Typed::text(t)?;
                Ok(ident::literal(&serde_json::Value::String(t.clone()).to_string()))
            }
            other => Ok(format!("to_json({})::text", self.certain_text(other)?)),
        }
    }

    fn certain_text(&self, e: &Expr) -> Translated<String> {
        let x = self.plain(self.typed(e)?)?;
        match x.kind {
            Kind::Text if !x.loose => Ok(x.sql),
            _ => refuse(format!("{} is not surely text", x.what())),
        }
    }

    /// `json_valid(x)`.
    fn json_is_valid(&self, e: &Expr) -> Translated<Typed> {
        let x = self.typed(e)?;
        match x.kind {
            Kind::Null => Ok(x),
            Kind::Text => Ok(Typed::condition(self.help("sqlite_json_valid", &[&x.sql])?)),
            Kind::Other(PgType::Jsonb | PgType::Json) | Kind::Int { .. } | Kind::Bool => {
                Ok(Typed::condition(format!("({} IS NOT NULL OR NULL)", x.sql)))
            }
            _ => Ok(Typed::condition(self.help("sqlite_json_valid", &[&self.text_of(&x)?])?)),
        }
    }
}

/// JSON's scalars kept in jsonb are numbers and text in SQLite.
fn is_scalar(x: &Typed) -> bool {
    x.crossing.as_ref().is_some_and(|c| c.normal == Normal::JsonScalar)
}

/// Parts with commas between brackets.
fn braced(open: char, parts: &[String], close: char) -> String {
    if parts.is_empty() {
        return format!("'{open}{close}'");
    }
    format!("'{open}' || {} || '{close}'", parts.join(" || ',' || "))
}
