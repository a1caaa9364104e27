//! `printf()` and `format()` of SQLite, said in PostgreSQL: the form is read here, each conversion becomes a part.
//! Owns these two; a form that is not a literal is refused. Source: <https://sqlite.org/printf.html>.

use super::typed::{Kind, Typed};
use super::{Translated, Translator, refuse};
use crate::ident;
use crate::sql::ast::Expr;

/// One conversion of a form.
#[derive(Clone, Debug, Default, PartialEq)]
struct Conversion {
    /// Of `-`, `+`, ` `, `0`, `#`, `!` and `,`, each once; of `+` and space the last.
    flags: String,
    width: Option<Size>,
    precision: Option<Size>,
    letter: char,
}

/// A width or a precision.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Size {
    Of(i64),
    /// `*`: the next argument.
    Argument,
}

/// A part of a form.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Conversion(Conversion),
    /// What SQLite ends at.
    End,
}

impl Translator<'_> {
    /// A call of one of these functions; `None` if it is another's.
    pub(super) fn printf_call(&self, name: &str, args: &[Expr]) -> Translated<Option<Typed>> {
        if !matches!(name, "printf" | "format") {
            return Ok(None);
        }
        let Some((form, args)) = args.split_first() else { return Ok(Some(Typed::new(Kind::Null, "NULL"))) };
        let form = match form {
            Expr::Text(t) => t,
            Expr::Null => return Ok(Some(Typed::new(Kind::Null, "NULL"))),
            _ => return refuse(format!("the form of {name}() is not known beforehand")),
        };
        let mut args = args.iter();
        let mut parts: Vec<String> = Vec::new();
        let mut text = String::new();
        for part in parts_of(form) {
            match part {
                Part::Text(t) => text.push_str(&t),
                Part::End => break,
                Part::Conversion(c) if c.letter == '%' => text.push_str(&percent(&c)?),
                Part::Conversion(c) => {
                    if !text.is_empty() {
                        parts.push(Typed::text(&text)?.sql);
                        text.clear();
                    }
                    if let Some(part) = self.converted(&c, &mut args)? {
                        parts.push(part);
                    }
                }
            }
        }
        if parts.is_empty() {
            return Typed::text(&text).map(Some);
        }
        if !text.is_empty() {
            parts.push(Typed::text(&text)?.sql);
        }
        let sql = if let [one] = parts.as_slice() { one.clone() } else { format!("({})", parts.join(" || ")) };
        Ok(Some(Typed::new(Kind::Text, sql)))
    }

    /// One conversion; `None` for what prints nothing.
    fn converted<'e>(&self, c: &Conversion, args: &mut impl Iterator<Item = &'e Expr>) -> Translated<Option<String>> {
        let width = self.size(c.width, args)?;
        let precision = self.size(c.precision, args)?;
        let plain = c.flags.is_empty() && c.width.is_none() && c.precision.is_none();
        let call = |name: &'static str, x: String| -> Translated<Option<String>> {
            let (letter, flags) = (ident::literal(&c.letter.to_string()), ident::literal(&c.flags));
            let width = width.as_deref().unwrap_or("0");
            let precision = precision.as_deref().unwrap_or("NULL");
            Ok(Some(format!("{}({x}, {letter}, {flags}, {width}, {precision})", self.helper(name)?)))
        };
        match c.letter {
            'd' | 'i' | 'u' | 'x' | 'X' | 'o' | 'p' | 'r' => {
                let x = self.whole_argument(args.next())?;
                if plain && matches!(c.letter, 'd' | 'i') {
                    return Ok(Some(format!("COALESCE(({x})::text, '0')")));
                }
                call("sqlite_format_integer", x)
            }
            'f' | 'e' | 'E' | 'g' | 'G' => {
                let x = self.real_argument(args.next())?;
                call("sqlite_format_real", x)
            }
            's' | 'z' | 'q' | 'Q' | 'w' | 'c' => {
                if c.flags.contains('#') && matches!(c.letter, 'q' | 'Q') {
                    return refuse(format!("%#{} writes with escapes that only SQLite reads", c.letter));
                }
                let x = self.text_argument(args.next())?;
                if plain && matches!(c.letter, 's' | 'z') {
                    return Ok(Some(format!("COALESCE({x}, '')")));
                }
                call("sqlite_format_text", x)
            }
            'n' => Ok(None),
            letter => refuse(format!("printf's %{letter} is not translated")),
        }
    }

    fn size<'e>(&self, size: Option<Size>, args: &mut impl Iterator<Item = &'e Expr>) -> Translated<Option<String>> {
        Ok(match size {
            None => None,
            Some(Size::Of(n)) => Some(n.to_string()),
            Some(Size::Argument) => Some(format!("COALESCE(({})::integer, 0)", self.whole_argument(args.next())?)),
        })
    }

    /// An argument as an integer; one that is not given is NULL, which prints as 0.
    fn whole_argument(&self, e: Option<&Expr>) -> Translated<String> {
        e.map_or_else(|| Ok("NULL::bigint".into()), |e| self.integer_of(&self.typed(e)?))
    }

    fn real_argument(&self, e: Option<&Expr>) -> Translated<String> {
        e.map_or_else(|| Ok("NULL::double precision".into()), |e| self.real_of(&self.typed(e)?))
    }

    fn text_argument(&self, e: Option<&Expr>) -> Translated<String> {
        e.map_or_else(|| Ok("NULL::text".into()), |e| self.text_of(&self.typed(e)?))
    }
}

/// `%%` prints one, with its width.
fn percent(c: &Conversion) -> Translated<String> {
    match c.width {
        None => Ok("%".into()),
        Some(Size::Of(n)) if (0..=1000).contains(&n) => {
            let spaces = " ".repeat(usize::try_from(n - 1).unwrap_or(0));
            Ok(if c.flags.contains('-') { format!("%{spaces}") } else { format!("{spaces}%") })
        }
        _ => refuse("printf's %% has a width"),
    }
}

/// A form as its parts.
fn parts_of(form: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut chars = form.chars().peekable();
    let mut text = String::new();
    while let Some(c) = chars.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        if chars.peek().is_none() {
            text.push('%');
            break;
        }
        if !text.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut text)));
        }
        match conversion(&mut chars) {
            Some(c) => parts.push(Part::Conversion(c)),
            None => {
                parts.push(Part::End);
                return parts;
            }
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    parts
}

/// What follows a `%`; `None` if it is none of SQLite's conversions.
fn conversion(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Conversion> {
    let mut made = Conversion::default();
    while let Some(flag) = chars.next_if(|c| "-+ #0!,".contains(*c)) {
        if matches!(flag, '+' | ' ') {
            made.flags.retain(|c| !matches!(c, '+' | ' '));
        }
        if !made.flags.contains(flag) {
            made.flags.push(flag);
        }
    }
    made.width = size(chars);
    if chars.next_if_eq(&'.').is_some() {
        made.precision = Some(size(chars).unwrap_or(Size::Of(0)));
    }
    while chars.next_if_eq(&'l').is_some() {}
    made.letter = chars.next()?;
    "diuxXoprfeEgGszqQwcn%".contains(made.letter).then_some(made)
}

fn size(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Size> {
    if chars.next_if_eq(&'*').is_some() {
        return Some(Size::Argument);
    }
    let mut n: Option<i64> = None;
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        let digit = i64::from(digit.to_digit(10).unwrap_or(0));
        n = Some(n.unwrap_or(0).saturating_mul(10).saturating_add(digit).min(i64::from(i32::MAX)));
    }
    n.map(Size::Of)
}
