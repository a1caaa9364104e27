//! What the values say by themselves: for columns without a telling declaration, for `--types inferred`, and for `plain`.
//! Owns these rules; never goes by a column's name.

use super::super::PgType;
use super::super::codec::Normal;
use super::super::declared::{Declared, Length};
use super::super::forms::Form;
use super::verdict::Verdict;
use super::{Rules, facts};
use crate::schema::Affinity;
use crate::value::Class;

impl Rules<'_> {
    /// Nothing to go by but the declaration. Key columns are not narrowed.
    pub fn by_declaration(&self, declared: Declared) -> Verdict {
        let ty = match declared {
            Declared::Small if !self.key => PgType::SmallInt,
            Declared::Medium if !self.key => PgType::Integer,
            Declared::Small | Declared::Medium | Declared::Integer => PgType::BigInt,
            Declared::Boolean => PgType::Boolean,
            Declared::Real => PgType::Double,
            Declared::Decimal(limits) => PgType::Numeric(limits),
            Declared::Date => PgType::Date,
            Declared::DateTime => PgType::Timestamp,
            Declared::Time => PgType::Time,
            Declared::Interval => PgType::Interval,
            Declared::Inet => PgType::Inet,
            Declared::Cidr => PgType::Cidr,
            Declared::MacAddr => PgType::MacAddr,
            Declared::Uuid => PgType::Uuid,
            Declared::Json if self.must_be_unique() => PgType::Text,
            Declared::Json => PgType::Jsonb,
            Declared::Blob => PgType::Bytea,
            Declared::Text | Declared::Char36 | Declared::None | Declared::Unknown => {
                Length::of(&self.column.declared).map_or(PgType::Text, |l| PgType::VarChar(l.characters()))
            }
        };
        let ty = if self.types() == super::Types::Plain { plain_type(ty) } else { ty };
        Verdict::new(ty, if self.p.nulls > 0 { "every value is NULL" } else { "no rows" })
    }

    /// The narrowest type that holds every value, whatever was declared.
    pub fn by_content(&self) -> Verdict {
        let p = self.p;
        let counts = self.classes();
        let numbers_only = p.texts + p.blobs == 0;
        let ty = if self.only(Class::Integer) {
            PgType::BigInt
        } else if self.only(Class::Real) || (numbers_only && p.integers_exact_in_double()) {
            PgType::Double
        } else if numbers_only && p.non_finite + p.negative_zeros == 0 {
            PgType::Numeric(None)
        } else if self.only(Class::Blob)
            || (p.integers + p.reals == 0 && p.blobs > 0 && self.column.affinity == Affinity::Blob)
        {
            PgType::Bytea
        } else {
            PgType::Text
        };
        Verdict::new(ty, counts)
    }

    /// `--types inferred`: the rules of `native`, and what texts and the numbers of date columns are by themselves.
    pub fn inferred(&self, declared: Declared) -> Verdict {
        if matches!(declared, Declared::Date | Declared::DateTime)
            && let Some(counted) = self.counted_time()
        {
            return counted;
        }
        let verdict = self.native(declared);
        let open = verdict.ty.collatable() && self.only(Class::Text) && !self.in_expression();
        if !open || verdict.unfit.is_some() {
            return verdict;
        }
        // A unique key must not find two texts equal that SQLite holds apart, as 1 and 1.0.
        self.of_texts().filter(|rich| !self.must_be_unique() || self.keeps_apart(rich)).unwrap_or(verdict)
    }

    /// Whether no two different texts are one value of a type. Of one length, decimals, times and date-times are written
    /// alike, but for the letter T.
    fn keeps_apart(&self, rich: &Verdict) -> bool {
        let p = self.p;
        let letters = p.count(Form::LetterT);
        let one_length = p.text_min_chars == p.text_max_chars;
        match rich.ty {
            PgType::BigInt | PgType::Date | PgType::Uuid | PgType::Boolean => true,
            PgType::Numeric(_) | PgType::Time => one_length,
            PgType::Timestamp => one_length && (letters == Some(0) || letters == Some(p.texts)),
            _ => false,
        }
    }

    /// What texts are whose declaration says nothing, if all are of one form.
    fn of_texts(&self) -> Option<Verdict> {
        let p = self.p;
        let count = |form| p.count(form).unwrap_or(0);
        let all = |form| p.all_texts_are(form);
        let of = |ty, what: &str| Some(Verdict::new(ty, self.all(what)));
        if all(Form::Date) {
            return of(PgType::Date, "dates");
        }
        if count(Form::Date) + count(Form::Local) == p.texts {
            return of(PgType::Timestamp, "date-times without zone");
        }
        if all(Form::Zoned) {
            return of(PgType::TimestampTz, "date-times with a zone");
        }
        if all(Form::UuidLower) || all(Form::UuidUpper) {
            return of(PgType::Uuid, "UUIDs of one letter case");
        }
        if facts::surely_uuid_hex(p) {
            return Some(Verdict::new(PgType::Uuid, self.all("UUIDs without dashes")).written(Normal::UuidHex));
        }
        let forms = [
            (PgType::Time, "times"),
            (PgType::MacAddr, "hardware addresses"),
            (PgType::Cidr, "networks"),
            (PgType::Inet, "addresses"),
            (PgType::Interval, "durations"),
        ];
        if let Some((ty, what)) = forms.into_iter().find(|(ty, _)| facts::has_form(p, *ty)) {
            return Some(Verdict::new(ty, self.all(what)).written(facts::form_normal(p, ty)));
        }
        self.json_by_content().or_else(|| self.words_or_numbers())
    }

    fn json_by_content(&self) -> Option<Verdict> {
        if !facts::json_containers(self.p) {
            return None;
        }
        if self.p.all_texts_are(Form::Json) && !self.must_be_unique() {
            return Some(Verdict::new(PgType::Jsonb, self.all("JSON objects or arrays")));
        }
        let why = self.all("JSON objects or arrays, of which json keeps the very text");
        (!self.must_be_ordered()).then(|| Verdict::new(PgType::Json, why))
    }

    fn words_or_numbers(&self) -> Option<Verdict> {
        let p = self.p;
        // 1 and 0 are numbers first.
        if let Some(words) = facts::both_boolean_words(p).filter(|w| Normal::WORDS[usize::from(*w)].0 != "1") {
            let (yes, no) = Normal::WORDS[usize::from(words)];
            let why = self.all(&format!("'{yes}' or '{no}'"));
            return Some(Verdict::new(PgType::Boolean, why).written(Normal::BooleanWords(words)));
        }
        if p.all_texts_are(Form::Integer) {
            return Some(Verdict::new(PgType::BigInt, self.all("integers, written as SQLite prints them")));
        }
        p.all_texts_are(Form::Number).then(|| Verdict::new(PgType::Numeric(None), self.all("decimal numbers")))
    }

    /// `--types plain`: the classes alone, and numeric where it was declared.
    pub fn plain(&self, declared: Declared) -> Verdict {
        match declared {
            Declared::Small | Declared::Medium | Declared::Integer | Declared::Boolean => {
                self.integer(Declared::Integer)
            }
            Declared::Real => self.real(),
            Declared::Decimal(limits) => self.decimal(limits),
            Declared::Text | Declared::Char36 if !self.only(Class::Text) => {
                self.by_content().wider(self.not_as_declared())
            }
            Declared::Unknown => self.unknown(),
            _ => self.by_content(),
        }
    }
}

/// The plain type in a rich one's place.
fn plain_type(ty: PgType) -> PgType {
    match ty {
        PgType::SmallInt | PgType::Integer | PgType::BigInt | PgType::Boolean => PgType::BigInt,
        PgType::Double | PgType::Numeric(_) | PgType::Bytea => ty,
        _ => PgType::Text,
    }
}
