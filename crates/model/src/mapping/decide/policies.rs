//! What policies make of values that do not fit: several classes in one column, and texts that are no text.
//! Owns these rules; the choices stand in `policy`, what becomes of single values in `treat`.

use super::super::PgType;
use super::super::codec::Normal;
use super::super::declared::Declared;
use super::super::forms::Form;
use super::super::policy::{Choice, Kind};
use super::super::treat::Treatment;
use super::verdict::Verdict;
use super::{Rules, facts, thousands};
use crate::finding::{Finding, codes};
use crate::value::Class;

impl Rules<'_> {
    /// A column of several classes, under the policy for these.
    pub fn mixed(&self, verdict: Verdict) -> Verdict {
        let mixture = matches!(self.normal_of(&verdict), Normal::Text | Normal::Bytes);
        if !mixture || verdict.unfit.is_some() {
            return verdict;
        }
        let why = verdict.wider.clone().unwrap_or_else(|| format!("holds {}", self.classes()));
        match self.policy(Kind::Mixed) {
            Choice::Widest => self.widest(verdict, why),
            Choice::Jsonb => self.scalars(verdict, why),
            Choice::Quarantine => self.one_class(why),
            _ => verdict,
        }
    }

    /// Numbers and texts that are numbers become numbers; all else is as wide as text or bytea already.
    fn widest(&self, verdict: Verdict, why: String) -> Verdict {
        let p = self.p;
        if p.blobs > 0 || p.texts == 0 || p.non_finite + p.negative_zeros > 0 {
            return verdict;
        }
        let counts = self.classes();
        let (ty, what) = if p.reals == 0 && p.all_texts_are(Form::Integer) {
            (PgType::BigInt, "all integers")
        } else if p.all_texts_are(Form::Number) {
            (PgType::Numeric(None), "all decimal numbers")
        } else {
            return verdict;
        };
        let mut numbers = Verdict::new(ty, format!("{counts}, {what}")).wider(why);
        numbers.widest = true;
        numbers
    }

    /// jsonb, which tells numbers from texts.
    fn scalars(&self, verdict: Verdict, why: String) -> Verdict {
        let p = self.p;
        let held = p.nul_texts + p.invalid_texts == 0;
        if !held || self.must_be_unique() {
            return verdict
                .note(format!("jsonb holds no NUL and no invalid UTF-8, and cannot stand in a unique key: {why}"));
        }
        let odd = p.blobs + p.non_finite + p.negative_zeros > 0;
        let mut scalars = Verdict::new(PgType::Jsonb, format!("{}, each as a JSON scalar", self.classes()));
        scalars.normal = Some(Normal::JsonScalar);
        scalars.findings.push(Finding::warning(
            codes::MIXED,
            format!("{}.{}", self.table.name, self.column.name),
            why,
            if odd {
                "it becomes jsonb: numbers and texts as JSON scalars, blobs as {\"$blob\": hex}, infinities and -0.0 as {\"$real\": …}"
            } else {
                "it becomes jsonb: numbers and texts as JSON scalars"
            },
        ));
        scalars
    }

    /// The type of the declared class, or of the most frequent one where the declaration says nothing; the rows of the
    /// others are kept aside.
    fn one_class(&self, why: String) -> Verdict {
        let declared = Declared::of(&self.column.declared);
        let home: &[Class] = match declared {
            Declared::Small | Declared::Medium | Declared::Integer | Declared::Boolean => &[Class::Integer],
            Declared::Real | Declared::Decimal(_) => &[Class::Integer, Class::Real],
            Declared::Blob => &[Class::Blob],
            Declared::None | Declared::Unknown => &[],
            _ => &[Class::Text],
        };
        let at_home = home.iter().any(|c| self.p.of_class(*c) > 0);
        let majority = [facts::majority(self.p)];
        let classes = if at_home { home } else { &majority[..] };
        let kept = facts::only_of(self.p, classes);
        let rules = Rules { p: &kept, ..*self };
        let mut verdict =
            if self.types() == super::Types::Plain { rules.plain(declared) } else { rules.native(declared) };
        // The census says of the kept class alone how it is written.
        verdict.normal = Some(rules.normal_of(&verdict));
        verdict.wider = None;
        verdict.quarantine = true;
        verdict.unfit = Some((Kind::Mixed, codes::MIXED, why));
        verdict
    }

    pub fn mixed_finding(&self, object: &str, ty: PgType, wider: Option<String>, findings: &mut Vec<Finding>) {
        let message = wider.unwrap_or_else(|| format!("holds {}", self.classes()));
        let becomes = written_anew(ty);
        findings.push(if self.policy(Kind::Mixed) != Choice::Fail {
            Finding::warning(codes::MIXED, object, message, becomes)
        } else {
            Finding::data(codes::MIXED, object, message, Kind::Mixed.hint())
        });
    }

    /// NUL bytes and invalid UTF-8: treated, or bytea, where the policies say so, else a finding that blocks. Returns
    /// whether the column becomes bytea for that.
    pub fn flawed_text(&self, verdict: &mut Verdict, findings: &mut Vec<Finding>) -> bool {
        let p = self.p;
        let textual = verdict.ty.collatable() || matches!(verdict.ty, PgType::Enum | PgType::Json);
        if !textual || p.nul_texts + p.invalid_texts == 0 {
            return false;
        }
        let flaws = [
            (Kind::InvalidUtf8, codes::INVALID_UTF8, p.invalid_texts, &p.invalid_places, "are not valid UTF-8"),
            (Kind::Nul, codes::NUL, p.nul_texts, &p.nul_places, "hold a NUL byte"),
        ];
        let found = || flaws.iter().filter(|f| f.2 > 0);
        let bytea = found().any(|f| self.policy(f.0) == Choice::Bytea);
        // In the order of the kinds, as they are listed everywhere.
        for (kind, code, count, places, what) in flaws.iter().rev().filter(|f| f.2 > 0) {
            let object = format!("{}.{}", self.table.name, self.column.name);
            let choice = self.policy(*kind);
            let message = format!(
                "{} of {} texts {what}, first at {}",
                thousands(*count),
                thousands(p.texts),
                self.profile.name_places(places)
            );
            let hint = match effect(*kind, choice, bytea) {
                Some(effect) => format!("{}={}: {effect}", kind.word(), choice.word()),
                None => kind.hint(),
            };
            let mut finding = Finding::data(code, object, message, hint);
            finding.accepted = choice != Choice::Fail;
            findings.push(finding);
        }
        if bytea {
            verdict.ty = PgType::Bytea;
            verdict.normal = None;
            verdict.why = format!("{}, some of which PostgreSQL's text does not hold", self.classes());
        } else {
            // Each by itself: what no policy answers blocks, or its rows are kept aside.
            verdict.treatments.extend(found().filter_map(|f| treatment(f.0, self.policy(f.0))));
        }
        bytea
    }
}

/// What becomes of values of several classes in a column of text or bytea.
pub(super) fn written_anew(ty: PgType) -> &'static str {
    match ty {
        PgType::Text => "it becomes text: numbers in decimal, blobs as \\x and hex",
        _ => "it becomes bytea: the bytes of its texts",
    }
}

fn treatment(kind: Kind, choice: Choice) -> Option<Treatment> {
    Some(match (kind, choice) {
        (Kind::InvalidUtf8, Choice::Latin1) => Treatment::InvalidLatin1,
        (Kind::InvalidUtf8, Choice::Cp1252) => Treatment::InvalidCp1252,
        (Kind::InvalidUtf8, Choice::Replace) => Treatment::InvalidReplace,
        (Kind::Nul, Choice::Replace) => Treatment::NulReplace,
        (Kind::Nul, Choice::Strip) => Treatment::NulStrip,
        _ => return None,
    })
}

/// What a policy does to the texts, for the finding that it answers.
fn effect(kind: Kind, choice: Choice, bytea: bool) -> Option<&'static str> {
    Some(match (kind, choice) {
        (_, Choice::Fail) => return None,
        _ if bytea => "the column becomes bytea, byte for byte",
        (Kind::InvalidUtf8, Choice::Latin1) => "they are read as ISO 8859-1",
        (Kind::InvalidUtf8, Choice::Cp1252) => "they are read as Windows-1252",
        (_, Choice::Replace) => "what does not fit becomes U+FFFD",
        (_, Choice::Strip) => "NUL bytes are left out",
        _ => return None,
    })
}
