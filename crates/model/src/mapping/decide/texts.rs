//! Columns declared as text, UUID, JSON, and as what means nothing to us.
//! Owns these rules; never shortens or pads a text.

use super::super::PgType;
use super::super::codec::Normal;
use super::super::declared::Length;
use super::super::forms::{Form, Group};
use super::super::policy::{Choice, Kind};
use super::say::show;
use super::verdict::Verdict;
use super::{Rules, facts, thousands};
use crate::finding::codes;
use crate::schema::Affinity;
use crate::value::Class;

impl Rules<'_> {
    /// TEXT affinity: UUIDs where the length says so, a length where every value keeps it, else text.
    pub fn text(&self) -> Verdict {
        let verdict = self.by_content();
        if !self.only(Class::Text) {
            return verdict.wider(self.not_as_declared());
        }
        let Some(length) = Length::of(&self.column.declared) else { return verdict };
        if length.characters() == 36 && self.p.all_texts_are(Form::UuidLower) {
            return Verdict::new(PgType::Uuid, self.all("UUIDs"));
        }
        // What a library that knows uuid declares where it has none; VARCHAR(32) is what it declares for a text.
        if length == Length::Exactly(32) && facts::uuid_hex(self.p) && !self.in_expression() {
            return Verdict::new(PgType::Uuid, self.all("UUIDs without dashes")).written(Normal::UuidHex);
        }
        self.limited(length, verdict)
    }

    /// varchar(n) or char(n) where every value keeps the length; SQLite never enforced it.
    fn limited(&self, length: Length, free: Verdict) -> Verdict {
        let (n, longest) = (length.characters(), self.p.text_max_chars);
        let counts = self.classes();
        if self.p.nul_texts + self.p.invalid_texts > 0 {
            return free;
        }
        if longest > u64::from(n) {
            let places = match self.p.long_places.is_empty() {
                true => String::new(),
                false => format!(", first at {}", self.profile.name_places(&self.p.long_places)),
            };
            let why = format!(
                "{} of {} texts have more than {} characters (the longest {}){places}; SQLite never enforced that",
                thousands(self.p.long_texts),
                thousands(self.p.texts),
                thousands(n.into()),
                thousands(longest)
            );
            return self.too_long(n, why);
        }
        match length {
            Length::Exactly(_) if facts::all_texts_have(self.p, n) => {
                Verdict::new(PgType::Char(n), format!("{counts}, all of {n} characters"))
            }
            Length::Exactly(_) => {
                let why = format!("{counts} of at most {longest} characters, which char({n}) would pad");
                Verdict::new(PgType::VarChar(n), why)
            }
            Length::Most(_) => Verdict::new(PgType::VarChar(n), format!("{counts} of at most {longest} characters")),
        }
    }

    fn too_long(&self, n: u32, why: String) -> Verdict {
        let mut verdict = Verdict::new(PgType::Text, why.clone());
        match self.policy(Kind::TooLong) {
            Choice::Quarantine => {
                verdict.ty = PgType::VarChar(n);
                verdict.quarantine = true;
            }
            Choice::Fail => {}
            _ => return verdict.wider(why),
        }
        verdict.unfit = Some((Kind::TooLong, codes::TOO_LONG, why));
        verdict
    }

    pub fn uuid(&self) -> Verdict {
        let p = self.p;
        if self.only(Class::Blob) && p.blobs_of_16 == p.blobs {
            return Verdict::new(PgType::Uuid, self.all("blobs of 16 bytes"));
        }
        if !self.only(Class::Text) {
            return self.by_content().wider(self.not_as_declared());
        }
        if p.all_texts_are(Form::UuidLower) || p.all_texts_are(Form::UuidUpper) {
            return Verdict::new(PgType::Uuid, self.all("UUIDs of one letter case"));
        }
        if facts::hex_of_32(p) && !self.in_expression() {
            return Verdict::new(PgType::Uuid, self.all("UUIDs without dashes")).written(Normal::UuidHex);
        }
        let why = if p.misses(Group::Uuid).is_empty() {
            "UUIDs of several writings (letter case, dashes), which uuid does not tell apart".into()
        } else {
            format!("not all values are UUIDs{}", show(p.misses(Group::Uuid)))
        };
        Verdict::new(PgType::Text, why.clone()).wider(why)
    }

    pub fn json(&self) -> Verdict {
        if !self.only(Class::Text) {
            return self.by_content().wider(self.not_as_declared());
        }
        if self.p.all_texts_are(Form::Json) && self.must_be_unique() {
            let why = "stands in a key, and jsonb takes texts for equal that SQLite holds apart, as 1.0 and 1";
            return Verdict::new(PgType::Text, why).wider(why);
        }
        if self.p.all_texts_are(Form::Json) {
            return Verdict::new(PgType::Jsonb, self.all("JSON that jsonb holds"));
        }
        let known = self.p.count(Form::Json).unwrap_or(0);
        let lossy = self.strangers(self.p.texts - known, Group::Json, "not JSON that jsonb holds");
        if facts::all_json(self.p) {
            if self.must_be_ordered() {
                let why = format!("{lossy}, and json cannot stand in a key or index");
                return Verdict::new(PgType::Text, why.clone()).wider(why);
            }
            let why = format!("{}, of which json keeps the very text", self.all("JSON"));
            return Verdict::new(PgType::Json, why).note(lossy);
        }
        let mut verdict = Verdict::new(PgType::Text, lossy.clone());
        match self.policy(Kind::Json) {
            Choice::Quarantine => {
                verdict.ty = PgType::Jsonb;
                verdict.quarantine = true;
            }
            Choice::Fail => {}
            _ => return verdict.wider(lossy),
        }
        verdict.unfit = Some((Kind::Json, codes::JSON, lossy));
        verdict
    }

    pub fn unknown(&self) -> Verdict {
        let verdict = self.by_content();
        let textual = self.column.declared.to_ascii_uppercase().contains("STR");
        if textual && self.column.affinity == Affinity::Numeric && self.p.integers + self.p.reals > 0 {
            let declared = &self.column.declared;
            return verdict.note(format!(
                "{declared} has NUMERIC affinity in SQLite: {} texts that look like numbers were stored as numbers, leading zeros were lost then",
                thousands(self.p.integers + self.p.reals)
            ));
        }
        verdict
    }
}
