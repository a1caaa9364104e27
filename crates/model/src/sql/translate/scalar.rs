//! The scalar functions of SQLite's core.
//! Owns them; mathematical ones are in `math`, those of dates, JSON and formats have files of their own.

use super::call::any_null;
use super::typed::{Collation, Kind, Literal, Typed};
use super::value::{ANY, not_loose};
use super::{Purpose, Translated, Translator, number, refuse};
use crate::mapping::PgType;
use crate::schema::Affinity;
use crate::sql::ast::Binary;
use crate::value::Class;

impl Translator<'_> {
    /// A call of one of these; `None` if it is another's. Source: <https://sqlite.org/lang_corefunc.html>.
    pub(super) fn scalar(&self, name: &str, args: &[Typed]) -> Translated<Option<Typed>> {
        let trim = |name: &str| if name == "trim" { "btrim".to_owned() } else { name.to_owned() };
        let made = match (name, args) {
            // Under "C" PostgreSQL's lower() and upper() know ASCII letters only, as SQLite's do.
            ("lower" | "upper", [x]) => text(format!("{name}({} COLLATE \"C\")", self.text_of(x)?)),
            ("length", [x]) => self.length(x)?,
            ("octet_length", [x]) => match self.plain(x.clone())? {
                x if x.kind == Kind::Blob => count(format!("octet_length({})", x.sql)),
                x => count(format!("octet_length({})", self.text_of(&x)?)),
            },
            ("trim" | "ltrim" | "rtrim", [x]) => text(format!("{}({}, ' ')", trim(name), self.text_of(x)?)),
            ("trim" | "ltrim" | "rtrim", [x, set]) => {
                text(format!("{}({}, {})", trim(name), self.text_of(x)?, self.text_of(set)?))
            }
            ("replace", [x, from, to]) => self.replace(x, from, to)?,
            ("instr", [x, part]) => self.instr(x, part)?,
            ("substr" | "substring", [x, start]) => self.substr(x, start, None)?,
            ("substr" | "substring", [x, start, length]) => self.substr(x, start, Some(length))?,
            ("abs", [x]) => self.abs(x)?,
            ("sign", [x]) => self.sign(x)?,
            ("round", [x]) => self.round(x, None)?,
            ("round", [x, digits]) => self.round(x, Some(digits))?,
            ("coalesce" | "ifnull", [_, _, ..]) if name == "coalesce" || args.len() == 2 => self.coalesce(args)?,
            ("nullif", [a, b]) => self.nullif(a, b)?,
            ("max" | "min", [_, _, ..]) => self.greatest(name, args)?,
            ("typeof", [x]) => self.type_of(x)?,
            ("likely" | "unlikely", [x]) | ("likelihood", [x, _]) => lone(x),
            ("unicode", [x]) => integer(1, 1_114_111, format!("NULLIF(ascii({}), 0)", self.text_of(x)?)),
            ("char", args) => self.char(args)?,
            ("hex", [x]) => self.hex(x)?,
            ("unhex", [x]) => blob(self.help("sqlite_unhex", &[&self.text_of(x)?])?),
            ("quote", [x]) => self.quote(x)?,
            ("concat", [_, ..]) => self.concat(args)?,
            ("concat_ws", [separator, rest @ ..]) if !rest.is_empty() => self.concat_ws(separator, rest)?,
            ("soundex", [x]) => {
                text(format!("COALESCE({}, '?000')", self.help("sqlite_soundex", &[&self.text_of(x)?])?))
            }
            ("zeroblob", [n]) => blob(format!("decode(repeat('00', ({})::integer), 'hex')", self.integer_of(n)?)),
            ("random", []) => {
                self.volatile("it depends on chance")?;
                let class = Some(Class::Integer);
                Typed { pg: Some(PgType::BigInt), class, ..Typed::new(ANY, self.help("sqlite_random", &[])?) }
            }
            ("randomblob", [n]) => {
                self.volatile("it depends on chance")?;
                blob(self.help("sqlite_randomblob", &[&self.integer_of(n)?])?)
            }
            _ => return Ok(None),
        };
        Ok(Some(made))
    }

    /// Notes that the text gives another value each time, which is refused where it must not.
    pub(super) fn volatile(&self, reason: &str) -> Translated<()> {
        if self.scope.purpose == Purpose::Stored {
            return refuse(reason);
        }
        if let Some(used) = self.scope.helpers {
            used.note_volatile(reason);
        }
        Ok(())
    }

    /// Characters of text, bytes of a blob.
    fn length(&self, x: &Typed) -> Translated<Typed> {
        let x = self.plain(x.clone())?;
        if x.kind == Kind::Blob {
            return Ok(count(format!("octet_length({})", x.sql)));
        }
        Ok(count(format!("char_length({})", self.text_of(&x)?)))
    }

    /// Where nothing is searched for, what it would be replaced by is not even looked at.
    fn replace(&self, x: &Typed, from: &Typed, to: &Typed) -> Translated<Typed> {
        let (x, what, by) = (self.text_of(x)?, self.text_of(from)?, self.text_of(to)?);
        let sql = format!("replace({x}, {what}, {by})");
        let sure = to.literal.is_some() || matches!(&from.literal, Some(Literal::Text(t)) if !t.is_empty());
        Ok(text(if sure { sql } else { format!("(CASE WHEN {what} = '' THEN {x} ELSE {sql} END)") }))
    }

    fn instr(&self, x: &Typed, part: &Typed) -> Translated<Typed> {
        let (x, part) = (self.plain(x.clone())?, self.plain(part.clone())?);
        if x.kind == Kind::Blob && part.kind == Kind::Blob {
            return Ok(count(format!("position({} IN {})", part.sql, x.sql)));
        }
        Ok(count(format!("strpos({}, {})", self.text_of(&x)?, self.text_of(&part)?)))
    }

    /// SQLite counts from the end for a negative start and has quirks at zero; only the plain cases are the same.
    fn substr(&self, x: &Typed, start: &Typed, length: Option<&Typed>) -> Translated<Typed> {
        let x = self.plain(x.clone())?;
        if any_null(&[&x, start]) || length.is_some_and(|l| l.kind == Kind::Null) {
            return Ok(Typed::new(Kind::Null, "NULL"));
        }
        let bytes = x.kind == Kind::Blob;
        // Of an empty blob SQLite's substr() is NULL.
        let sql = if bytes { format!("NULLIF({}, ''::bytea)", x.sql) } else { self.text_of(&x)? };
        let made = |sql: String| if bytes { blob(sql) } else { text(sql) };
        match (small(start), length.map(small)) {
            (Some(start @ 1..), None) => return Ok(made(format!("substr({sql}, {start})"))),
            (Some(start @ 1..), Some(Some(length @ 0..))) => {
                return Ok(made(format!("substr({sql}, {start}, {length})")));
            }
            (Some(0), None) => return Ok(made(sql)),
            _ => {}
        }
        if bytes {
            return refuse("substr of a blob with these positions counts otherwise in PostgreSQL");
        }
        let length = length.map_or_else(|| Ok(i64::MAX.to_string()), |l| self.integer_of(l))?;
        Ok(text(self.help("sqlite_substr", &[&sql, &self.integer_of(start)?, &length])?))
    }

    /// Both sides refuse the smallest integer. Text becomes a real.
    fn abs(&self, x: &Typed) -> Translated<Typed> {
        let x = self.plain(x.clone())?;
        if x.loose {
            return refuse(format!("the values of {} may be text or numbers", x.sql));
        }
        if matches!(x.kind, Kind::Text | Kind::Blob) {
            return Ok(real(format!("abs({})", self.real_of(&x)?)));
        }
        let x = self.number_of(&x)?;
        Ok(match x.kind {
            Kind::Int { low, high } => {
                let kind = Kind::Int { low: 0, high: low.abs().max(high.abs()).min(i64::MAX.into()) };
                let made = Typed::new(kind, format!("abs({})", super::value::big(&x)));
                Typed { pg: Some(PgType::BigInt), class: Some(Class::Integer), ..made }
            }
            Kind::Null => x,
            kind => Typed { whole: x.whole, class: x.class, ..Typed::new(kind, format!("abs({})", x.sql)) },
        })
    }

    /// NULL for what is no number as a whole.
    fn sign(&self, x: &Typed) -> Translated<Typed> {
        let x = self.plain(x.clone())?;
        not_loose(&x)?;
        let number = match x.kind {
            Kind::Text => self.help("sqlite_number_in_text", &[&x.sql])?,
            Kind::Blob | Kind::Null => return Ok(Typed::new(Kind::Null, "NULL")),
            Kind::Int { .. } | Kind::Bool => format!("({})::numeric", x.as_number().sql),
            _ => x.sql,
        };
        Ok(integer(-1, 1, format!("sign({number})::integer")))
    }

    /// Half away from zero, on the decimal digits.
    fn round(&self, x: &Typed, digits: Option<&Typed>) -> Translated<Typed> {
        if any_null(&[x]) || digits.is_some_and(|d| d.kind == Kind::Null) {
            return Ok(Typed::new(Kind::Null, "NULL"));
        }
        let digits = digits.map_or_else(|| Ok("0".to_owned()), |d| self.integer_of(d))?;
        Ok(real(self.help("sqlite_round", &[&self.real_of(x)?, &digits])?))
    }

    fn coalesce(&self, args: &[Typed]) -> Translated<Typed> {
        let (made, texts) = self.common(args.to_vec())?;
        if made.kind == Kind::Null {
            // PostgreSQL would take it for text.
            return Ok(Typed::new(Kind::Null, "NULL"));
        }
        Ok(Typed { sql: format!("COALESCE({})", texts.join(", ")), ..made })
    }

    /// It compares without affinity, by the collation of the first that has one.
    fn nullif(&self, a: &Typed, b: &Typed) -> Translated<Typed> {
        if a.kind == Kind::Null {
            return Ok(a.clone());
        }
        // Numbers keep their class, which a column of integers and reals does not show once it is none any more.
        let a = &match a.kind {
            Kind::Double | Kind::Number => self.number_of(a)?,
            _ => a.clone(),
        };
        let made = lone(a);
        if b.kind == Kind::Null {
            return Ok(made);
        }
        let free = |x: &Typed| Typed { affinity: None, ..x.clone() };
        let equal = self.compared(Binary::Eq, &free(a), &free(b))?.sql;
        let simple = matches!(
            (a.kind, b.kind),
            (Kind::Text, Kind::Text) | (Kind::Int { .. }, Kind::Int { .. }) | (Kind::Bool, Kind::Bool)
        );
        let sql = if simple && equal == format!("({} = {})", a.sql, b.sql) {
            format!("NULLIF({}, {})", a.sql, b.sql)
        } else {
            format!("(CASE WHEN {equal} THEN NULL ELSE {} END)", a.sql)
        };
        Ok(Typed { sql, ..made })
    }

    /// max() and min() of several values: by class, NULL if one is NULL.
    fn greatest(&self, name: &str, args: &[Typed]) -> Translated<Typed> {
        if args.iter().any(|x| x.kind == Kind::Null) {
            return Ok(Typed::new(Kind::Null, "NULL"));
        }
        let binary = |x: &Typed| match &x.collation {
            Collation::None => true,
            Collation::Column(c) | Collation::Explicit(c) => c == "BINARY",
        };
        let args = args.iter().map(|x| self.plain(x.clone())).collect::<Translated<Vec<_>>>()?;
        if args.iter().any(|x| x.loose || matches!(x.kind, Kind::Text) && !binary(x)) {
            return refuse(format!("{name}() orders these values otherwise in PostgreSQL"));
        }
        let word = if name == "max" { "GREATEST" } else { "LEAST" };
        let (made, mut texts) = self.common(args.clone())?;
        // Of equal numbers of both classes max() gives the first, min() the last.
        if word == "LEAST" {
            texts.reverse();
        }
        let comparable = |x: &Typed| match x.kind {
            Kind::Int { low, high } => low >= -number::EXACT && high <= number::EXACT,
            Kind::Number => false,
            _ => true,
        };
        if made.loose || matches!(made.kind, Kind::Number) && !args.iter().all(comparable) {
            return refuse(format!("{name}() is given values of different classes"));
        }
        let bytes = made.kind == Kind::Text && self.scope.collate_c;
        let texts: Vec<String> =
            texts.into_iter().map(|t| if bytes { format!("{t} COLLATE \"C\"") } else { t }).collect();
        let sql = format!("{word}({})", texts.join(", "));
        let nulls: Vec<String> =
            args.iter().filter(|x| x.literal.is_none()).map(|x| format!("{} IS NULL", x.sql)).collect();
        let sql = match nulls.is_empty() {
            true => sql,
            false => format!("(CASE WHEN {} THEN NULL ELSE {sql} END)", nulls.join(" OR ")),
        };
        Ok(Typed { sql, ..made })
    }

    /// The class of a value is proven, or its text tells it; then only NULL is left to tell apart.
    fn type_of(&self, x: &Typed) -> Translated<Typed> {
        if x.kind == Kind::Null {
            return Typed::text("null");
        }
        if let Some(json) = x.json.as_ref().filter(|_| x.loose) {
            return self.json_class(&json.node);
        }
        let class = match (&x.kind, x.class) {
            _ if x.column && self.scope.lasting => x.lasting_class(),
            (_, Some(class)) => Some(class),
            (Kind::Int { .. } | Kind::Bool, _) if !x.column => Some(Class::Integer),
            (Kind::Double, _) if !x.column && x.whole.is_none() => Some(Class::Real),
            (Kind::Text, _) if !x.loose => Some(Class::Text),
            (Kind::Blob, _) => Some(Class::Blob),
            _ => None,
        };
        if let Some(class) = class {
            if x.literal.is_some() {
                return Typed::text(class.word());
            }
            return Ok(text(format!("(CASE WHEN {} IS NULL THEN 'null' ELSE '{}' END)", x.sql, class.word())));
        }
        let by_value = !x.column || matches!(x.affinity, Some(Affinity::Integer | Affinity::Numeric));
        if by_value && matches!(x.kind, Kind::Number | Kind::Double) {
            let n = self.number_of(x)?;
            if n.kind == Kind::Number {
                let whole =
                    format!("scale({0}) = 0 AND {0} BETWEEN -9223372036854775808 AND 9223372036854775807", n.sql);
                let null = format!("{} IS NULL", x.sql);
                return Ok(text(format!("(CASE WHEN {null} THEN 'null' WHEN {whole} THEN 'integer' ELSE 'real' END)")));
            }
        }
        refuse(format!("typeof({}) depends on values that have one type in PostgreSQL", x.what()))
    }

    fn char(&self, args: &[Typed]) -> Translated<Typed> {
        let constant: Option<String> = args
            .iter()
            .map(|x| match &x.literal {
                Some(Literal::Integer(n)) => {
                    Some(u32::try_from(*n).ok().and_then(char::from_u32).unwrap_or('\u{fffd}'))
                }
                _ => None,
            })
            .collect();
        if let Some(constant) = constant {
            return Typed::text(&constant);
        }
        let calls = args
            .iter()
            .map(|x| self.help("sqlite_char", &[&format!("COALESCE({}, 0)", self.integer_of(x)?)]))
            .collect::<Translated<Vec<_>>>()?;
        Ok(text(format!("({})", calls.join(" || "))))
    }

    /// NULL has no digits.
    fn hex(&self, x: &Typed) -> Translated<Typed> {
        let x = self.plain(x.clone())?;
        let bytes = match x.kind {
            Kind::Blob => x.sql.clone(),
            _ => self.bytes_of(&x)?,
        };
        let hex = format!("upper(encode({bytes}, 'hex'))");
        Ok(text(if x.literal.is_some() { hex } else { format!("COALESCE({hex}, '')") }))
    }

    fn quote(&self, x: &Typed) -> Translated<Typed> {
        let x = self.plain(x.clone())?;
        if x.loose {
            return refuse(format!("the values of {} may be text or numbers", x.sql));
        }
        let quoted = match x.kind {
            Kind::Null => return Typed::text("NULL"),
            Kind::Text => format!("'''' || replace({}, '''', '''''') || ''''", x.sql),
            Kind::Blob => format!("'X''' || upper(encode({}, 'hex')) || ''''", x.sql),
            Kind::Double | Kind::Number => {
                let t = self.text_of(&x)?;
                format!("CASE {t} WHEN 'Inf' THEN '9.0e+999' WHEN '-Inf' THEN '-9.0e+999' ELSE {t} END")
            }
            _ => self.text_of(&x)?,
        };
        Ok(text(format!("COALESCE({quoted}, 'NULL')")))
    }

    /// NULL is an empty text.
    fn concat(&self, args: &[Typed]) -> Translated<Typed> {
        let parts = args
            .iter()
            .filter(|x| x.kind != Kind::Null)
            .map(|x| {
                let part = self.text_of(x)?;
                Ok(if x.literal.is_some() { part } else { format!("COALESCE({part}, '')") })
            })
            .collect::<Translated<Vec<_>>>()?;
        if parts.is_empty() {
            return Typed::text("");
        }
        Ok(text(format!("({})", parts.join(" || "))))
    }

    fn concat_ws(&self, separator: &Typed, args: &[Typed]) -> Translated<Typed> {
        if self.scope.purpose == Purpose::Stored {
            return refuse("concat_ws() is not immutable in PostgreSQL");
        }
        if separator.kind == Kind::Null {
            return Ok(Typed::new(Kind::Null, "NULL"));
        }
        let parts = args.iter().map(|x| self.text_of(x)).collect::<Translated<Vec<_>>>()?;
        Ok(text(format!("concat_ws({}, {})", self.text_of(separator)?, parts.join(", "))))
    }
}

/// A value that a function hands through: no column any more.
fn lone(x: &Typed) -> Typed {
    let collation = match &x.collation {
        Collation::Column(_) => Collation::None,
        c => c.clone(),
    };
    Typed { affinity: None, literal: None, column: false, collation, ..x.clone() }
}

fn text(sql: String) -> Typed {
    Typed { class: Some(Class::Text), ..Typed::new(Kind::Text, sql) }
}

fn blob(sql: String) -> Typed {
    Typed { class: Some(Class::Blob), ..Typed::new(Kind::Blob, sql) }
}

pub(super) fn real(sql: String) -> Typed {
    Typed { class: Some(Class::Real), ..Typed::new(Kind::Double, sql) }
}

pub(super) fn integer(low: i128, high: i128, sql: String) -> Typed {
    Typed { class: Some(Class::Integer), ..Typed::new(Kind::Int { low, high }, sql) }
}

fn count(sql: String) -> Typed {
    integer(0, i32::MAX.into(), sql)
}

fn small(x: &Typed) -> Option<i32> {
    match x.literal {
        Some(Literal::Integer(n)) => i32::try_from(n).ok(),
        _ => None,
    }
}
