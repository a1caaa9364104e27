//! What the rules say of one column, and how it becomes a mapping with its findings.
//! Owns that shape; never applies a rule.

use super::super::PgType;
use super::super::codec::Normal;
use super::super::policy::Kind;
use super::super::shape::{ColumnMapping, normal_for};
use super::super::treat::Treatment;
use super::super::zone::Zone;
use super::Rules;
use super::policies::written_anew;
use crate::finding::{Finding, codes};

/// A type with the words that explain it.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub ty: PgType,
    /// How the values are written, where that is not what [`normal_for`] says.
    pub normal: Option<Normal>,
    pub why: String,
    /// Why it is not what the declaration says, if it is not.
    pub wider: Option<String>,
    /// Something that is good to know.
    pub note: Option<String>,
    pub treatments: Vec<Treatment>,
    pub zone: Option<Zone>,
    pub labels: Vec<String>,
    pub quarantine: bool,
    /// Texts become numbers, by the policy for several classes.
    pub widest: bool,
    /// Values that do not fit: the policy's kind, the finding's code, and the words.
    pub unfit: Option<(Kind, &'static str, String)>,
    /// What else a person must know.
    pub findings: Vec<Finding>,
}

impl Verdict {
    pub fn new(ty: PgType, why: impl Into<String>) -> Self {
        Verdict {
            ty,
            normal: None,
            why: why.into(),
            wider: None,
            note: None,
            treatments: Vec::new(),
            zone: None,
            labels: Vec::new(),
            quarantine: false,
            widest: false,
            unfit: None,
            findings: Vec::new(),
        }
    }

    pub fn written(mut self, normal: Normal) -> Self {
        self.normal = Some(normal);
        self
    }

    pub fn wider(mut self, why: impl Into<String>) -> Self {
        self.wider = Some(why.into());
        self
    }

    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

impl Rules<'_> {
    pub fn normal_of(&self, verdict: &Verdict) -> Normal {
        verdict.normal.unwrap_or_else(|| normal_for(verdict.ty, self.p))
    }

    /// The mapping, with every finding of the column.
    pub fn finish(&self, mut verdict: Verdict, findings: &mut Vec<Finding>) -> ColumnMapping {
        let object = format!("{}.{}", self.table.name, self.column.name);
        let flawed = self.flawed_text(&mut verdict, findings);
        let normal = self.normal_of(&verdict);
        let kind = verdict.unfit.as_ref().map(|(kind, ..)| *kind);
        if let Some(unfit) = verdict.unfit.take() {
            self.unfit_finding(&object, &verdict, normal, unfit, findings);
        } else if self.is_mixture(&verdict, normal) {
            self.mixed_finding(&object, verdict.ty, verdict.wider.take(), findings);
        } else if let Some(why) = verdict.wider.take().filter(|_| !flawed) {
            let hint = format!("it becomes {}, which holds every value", verdict.ty.sql());
            findings.push(Finding::warning(codes::WIDER, &object, why, hint));
        }
        if let Some(note) = verdict.note.take() {
            let hint = match normal {
                Normal::Text | Normal::Bytes => written_anew(verdict.ty).to_owned(),
                _ => format!("it becomes {}: the values stay as they are", verdict.ty.sql()),
            };
            findings.push(Finding::note(codes::WIDER, &object, note, hint));
        }
        findings.append(&mut verdict.findings);
        let reason = format!("{}; {}", self.declaration(), verdict.why);
        let mut mapping = ColumnMapping::new(verdict.ty, normal, reason);
        mapping.quarantine = verdict.quarantine;
        mapping.widest = verdict.widest;
        mapping.quarantine_kind = kind;
        verdict.treatments.sort_unstable();
        mapping.crossing.treatments = verdict.treatments;
        mapping.crossing.zone = verdict.zone;
        mapping.crossing.labels = verdict.labels;
        mapping
    }

    /// Values of several classes that become one type only by being written anew. A person who asked for it knows.
    fn is_mixture(&self, verdict: &Verdict, normal: Normal) -> bool {
        let asked = self.asked.is_some_and(|c| c.ty.is_some());
        !asked && !verdict.quarantine && matches!(normal, Normal::Text | Normal::Bytes)
    }

    /// What becomes of the values that do not fit: by policy they end the run, become NULL, or their rows are kept aside.
    fn unfit_finding(
        &self,
        object: &str,
        verdict: &Verdict,
        normal: Normal,
        (kind, code, mut message): (Kind, &'static str, String),
        findings: &mut Vec<Finding>,
    ) {
        let trial = self.profile.trials.get(&self.index).filter(|t| t.is_of(verdict.ty, normal));
        if let Some(trial) = trial {
            let count = trial.misfits + trial.nulled;
            if count == 0 {
                return;
            }
            message = format!(
                "{} of {} values do not fit {}{}",
                super::thousands(count),
                super::thousands(trial.values),
                verdict.ty.sql(),
                trial.shown()
            );
        }
        let (accepted, effect) = match self.policy(kind) {
            _ if verdict.treatments.contains(&Treatment::UnfitNull) => (true, "they become NULL".to_owned()),
            _ if verdict.quarantine => (true, "their rows go to lite2pg.rejected_row".to_owned()),
            _ if self.asked.is_some_and(|c| c.ty.is_some()) => {
                let null = if kind == Kind::Dates { " (or null)" } else { "" };
                (false, format!("choose a type that holds them, or --policy {}=quarantine{null}", kind.word()))
            }
            _ => (false, kind.hint()),
        };
        let look = trial.map(|t| t.look()).unwrap_or_default();
        let mut finding = Finding::data(code, object, message, format!("{effect}{look}"));
        finding.accepted = accepted;
        findings.push(finding);
    }
}
