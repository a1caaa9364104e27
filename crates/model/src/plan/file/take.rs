//! One value of the file or of a flag, taken as what its key wants.
//! Owns what is said of a value of the wrong kind; never knows where it goes.

use super::{near, pgsql, values};
use crate::finding::codes;
use crate::mapping::PgType;
use crate::mapping::choices::Types;
use crate::mapping::codec::Normal;
use crate::mapping::policy::{Kind, Policies};
use crate::mapping::zone::Zone;
use crate::plan::overrides::Literal;
use crate::plan::style::NameStyle;
use toml::de::DeValue;

/// What is wrong, and what to write instead.
pub(super) type Flaw = (String, String);

/// A value as it was given.
#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    /// In TOML.
    Toml(&'a DeValue<'a>),
    /// After the `=` of a flag.
    Word(&'a str),
}

fn flaw<T>(message: impl Into<String>, hint: impl Into<String>) -> Result<T, Flaw> {
    Err((message.into(), hint.into()))
}

impl<'a> Given<'a> {
    fn kind(self) -> &'static str {
        match self {
            Given::Word(_) | Given::Toml(DeValue::String(_)) => "text",
            Given::Toml(DeValue::Integer(_)) => "an integer",
            Given::Toml(DeValue::Float(_)) => "a real",
            Given::Toml(DeValue::Boolean(_)) => "true or false",
            Given::Toml(DeValue::Datetime(_)) => "a date",
            Given::Toml(DeValue::Array(_)) => "a list",
            Given::Toml(DeValue::Table(_)) => "a table",
        }
    }

    pub(super) fn text(self, word: &str) -> Result<&'a str, Flaw> {
        match self {
            Given::Word(text) => Ok(text),
            Given::Toml(DeValue::String(text)) => Ok(text),
            _ => flaw(format!("{word} takes text, not {}", self.kind()), format!("write {word} = \"…\"")),
        }
    }

    pub(super) fn flag(self, word: &str) -> Result<bool, Flaw> {
        match self {
            Given::Word("true") | Given::Toml(DeValue::Boolean(true)) => Ok(true),
            Given::Word("false") | Given::Toml(DeValue::Boolean(false)) => Ok(false),
            Given::Word(text) => {
                flaw(format!("{word} takes true or false, not {text:?}"), format!("write {word}=true"))
            }
            Given::Toml(_) => {
                flaw(format!("{word} takes true or false, not {}", self.kind()), format!("write {word} = true"))
            }
        }
    }

    pub(super) fn ty(self, word: &str) -> Result<PgType, Flaw> {
        let text = self.text(word)?;
        PgType::try_from(text.to_owned()).or_else(|message| {
            let base = text.split('(').next().unwrap_or_default().trim();
            match near::nearest(base, &type_names()) {
                // A name that exists, with limits that do not.
                Some(name) if !name.eq_ignore_ascii_case(base) => {
                    flaw(format!("no such type: {text:?}"), format!("did you mean `{name}`?"))
                }
                _ => {
                    let (what, known) = message.split_once("; ").unwrap_or((message.as_str(), ""));
                    flaw(what, known)
                }
            }
        })
    }

    pub(super) fn writing(self, word: &str) -> Result<Normal, Flaw> {
        let text = self.text(word)?;
        let all = values::writings();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        values::writing(text).map_or_else(
            || {
                let hint = near::nearest(text, &all)
                    .map_or_else(|| format!("there are {}", all.join(", ")), |near| format!("did you mean `{near}`?"));
                flaw(format!("no such way of writing values: {text:?}"), hint)
            },
            Ok,
        )
    }

    pub(super) fn labels(self, word: &str) -> Result<Vec<String>, Flaw> {
        let labels: Vec<String> = match self {
            // As the plan's file writes it.
            Given::Word(text) if text.trim_start().starts_with('[') => {
                return match DeValue::parse(text.trim()) {
                    Ok(list) => Given::Toml(list.get_ref()).labels(word),
                    Err(_) => flaw(
                        format!("{text:?} is no list of texts"),
                        format!("write {word}=a,b or {word}=[\"a\", \"b\"]"),
                    ),
                };
            }
            Given::Word(text) => text.split(',').map(|l| l.trim().to_owned()).collect(),
            Given::Toml(DeValue::Array(list)) => {
                let texts: Option<Vec<String>> =
                    list.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect();
                match texts {
                    Some(texts) => texts,
                    None => {
                        return flaw(format!("{word} takes a list of texts"), format!("write {word} = [\"a\", \"b\"]"));
                    }
                }
            }
            Given::Toml(_) => {
                let message = format!("{word} takes a list of texts, not {}", self.kind());
                return flaw(message, format!("write {word} = [\"a\", \"b\"]"));
            }
        };
        let mut seen = std::collections::BTreeSet::new();
        for label in &labels {
            if label.is_empty() || label.contains('\0') || label.len() > crate::ident::MAX_BYTES {
                return flaw(format!("{label:?} cannot be a label"), "a label has 1 to 63 bytes");
            }
            if !seen.insert(label) {
                return flaw(format!("the label {label:?} stands there twice"), "each label stands there once");
            }
        }
        if labels.is_empty() {
            flaw("an enum needs labels", "leave labels out for those of the column's CHECK")
        } else {
            Ok(labels)
        }
    }

    pub(super) fn source_sql(self, word: &str) -> Result<String, Flaw> {
        let text = self.text(word)?;
        match text.trim().is_empty() || text.contains('\0') {
            true => {
                flaw(format!("{word} takes SQL of SQLite, and this is none"), "leave it out, or write an expression")
            }
            false => Ok(text.to_owned()),
        }
    }

    pub(super) fn target_sql(self, word: &str) -> Result<String, Flaw> {
        let text = match self {
            Given::Toml(DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_)) => {
                let hint = format!("write it as SQL: {word} = \"0\"; a text in SQL has quotes of its own: \"'x'\"");
                return flaw(format!("{word} takes SQL of PostgreSQL, not {}", self.kind()), hint);
            }
            _ => self.text(word)?,
        };
        match pgsql::flaw(text) {
            Some(why) => flaw(
                format!("{text:?} cannot be an expression of PostgreSQL: {why}"),
                "a text in SQL has quotes of its own: \"'x'\"",
            ),
            None => Ok(text.trim().to_owned()),
        }
    }

    pub(super) fn literal(self, word: &str) -> Result<Literal, Flaw> {
        let none = |what: &str| {
            flaw(format!("{word} takes a value, not {what}"), format!("write {word} = 0 or {word} = \"text\""))
        };
        match self {
            Given::Word(text) => Ok(word_as_literal(text)),
            Given::Toml(DeValue::Integer(i)) => {
                let digits = i.as_str().replace('_', "");
                i64::from_str_radix(&digits, i.radix())
                    .map_or_else(|_| none("an integer beyond 64 bits"), |i| Ok(Literal::Integer(i)))
            }
            Given::Toml(DeValue::Float(r)) => match r.as_str().replace('_', "").parse::<f64>() {
                Ok(r) if r.is_finite() => Ok(Literal::Real(r)),
                _ => none("an infinity or no number"),
            },
            Given::Toml(DeValue::Boolean(b)) => Ok(Literal::Integer((*b).into())),
            Given::Toml(DeValue::String(text)) if text.contains('\0') => none("text with a NUL character"),
            Given::Toml(DeValue::String(text)) => Ok(Literal::Text(text.to_string())),
            Given::Toml(_) => none(self.kind()),
        }
    }

    pub(super) fn types(self, word: &str) -> Result<Types, Flaw> {
        let text = self.text(word)?;
        let words: Vec<&str> = values::TYPES.iter().map(|(w, _)| *w).collect();
        let found = values::TYPES.iter().find(|(w, _)| *w == text);
        found
            .map_or_else(|| flaw(format!("{word} cannot be {text:?}"), near::suggestion(text, &words)), |(_, t)| Ok(*t))
    }

    pub(super) fn names(self, word: &str) -> Result<NameStyle, Flaw> {
        let text = self.text(word)?;
        let words = NameStyle::ALL.map(|(w, _)| w);
        let found = NameStyle::ALL.iter().find(|(w, _)| *w == text);
        found
            .map_or_else(|| flaw(format!("{word} cannot be {text:?}"), near::suggestion(text, &words)), |(_, s)| Ok(*s))
    }

    pub(super) fn collation(self, word: &str) -> Result<bool, Flaw> {
        let text = self.text(word)?;
        let words: Vec<&str> = values::COLLATION.iter().map(|(w, _)| *w).collect();
        let found = values::COLLATION.iter().find(|(w, _)| *w == text);
        found
            .map_or_else(|| flaw(format!("{word} cannot be {text:?}"), near::suggestion(text, &words)), |(_, d)| Ok(*d))
    }

    pub(super) fn zone(self, word: &str) -> Result<Zone, Flaw> {
        Zone::parse(self.text(word)?).or_else(|message| {
            let (what, hint) = message.split_once("; ").unwrap_or((message.as_str(), ""));
            flaw(what, hint)
        })
    }

    pub(super) fn accepts(self, word: &str) -> Result<Vec<String>, Flaw> {
        let Given::Toml(DeValue::Array(list)) = self else {
            let message = format!("{word} takes a list of findings, not {}", self.kind());
            return flaw(message, format!("write {word} = [\"view-not-carried:v\"]"));
        };
        let texts: Option<Vec<String>> = list.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect();
        let Some(texts) = texts else {
            return flaw(format!("{word} takes a list of texts"), format!("write {word} = [\"CODE:OBJECT\"]"));
        };
        texts.iter().try_for_each(|text| accept(text))?;
        Ok(texts)
    }
}

/// Whether there is such a finding: `CODE`, `CODE:OBJECT` or `all`.
pub(super) fn accept(text: &str) -> Result<(), Flaw> {
    let code = text.split_once(':').map_or(text, |(code, _)| code);
    match text == "all" || codes::ALL.contains(&code) {
        true => Ok(()),
        false => flaw(format!("there is no finding {code:?}"), near::suggestion(code, &codes::ALL)),
    }
}

/// Sets one policy.
pub(super) fn policy(policies: &mut Policies, kind: &str, choice: Given<'_>) -> Result<(), Flaw> {
    let kinds: Vec<&str> = Kind::all().map(Kind::word).collect();
    let Some(kind) = Kind::of(kind) else {
        return flaw(format!("there is no policy for {kind:?}"), near::suggestion(kind, &kinds));
    };
    let text = choice.text(kind.word())?;
    let words: Vec<&str> = kind.choices().iter().map(|c| c.word()).collect();
    let Some(choice) = kind.choices().iter().find(|c| c.word() == text) else {
        return flaw(format!("{} cannot be {text:?}", kind.word()), near::suggestion(text, &words));
    };
    policies.set(kind, *choice);
    Ok(())
}

/// A number where it is written just as numbers are, else text: `00123` and `+1` are texts, and so is what stands in
/// quotes.
fn word_as_literal(text: &str) -> Literal {
    if let Some(quoted) = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')) {
        return Literal::Text(quoted.replace("''", "'"));
    }
    if let Some(i) = text.parse::<i64>().ok().filter(|i| i.to_string() == text) {
        return Literal::Integer(i);
    }
    match text.parse::<f64>() {
        Ok(r) if r.is_finite() && format!("{r:?}") == text => Literal::Real(r),
        _ => Literal::Text(text.to_owned()),
    }
}

/// Names of types, for suggestions.
fn type_names() -> Vec<&'static str> {
    vec![
        "smallint",
        "integer",
        "bigint",
        "numeric",
        "decimal",
        "double precision",
        "boolean",
        "text",
        "bytea",
        "date",
        "timestamp",
        "timestamptz",
        "time",
        "interval",
        "uuid",
        "json",
        "jsonb",
        "inet",
        "cidr",
        "macaddr",
        "varchar",
        "char",
        "enum",
    ]
}
