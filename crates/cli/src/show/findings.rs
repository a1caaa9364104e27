//! What a person must know, grouped by its code, what stops the run first; and the flags that decide it.
//! Owns their order and how many are shown; never drops one without saying how to see it.

use super::{Show, text};
use lite2pg_model::finding::{Finding, Remedy, Severity};

/// More flags for single objects than this become one flag for the code.
const OBJECTS: usize = 6;

struct Group<'a> {
    code: &'a str,
    word: &'static str,
    rank: u8,
    findings: Vec<&'a Finding>,
}

fn rank(finding: &Finding) -> (u8, &'static str) {
    match finding.severity {
        Severity::Blocking if finding.blocks() => (0, "decide"),
        Severity::Warning => (1, "warning"),
        Severity::Blocking => (2, "accepted"),
        Severity::Note => (3, "note"),
    }
}

fn groups(findings: &[Finding]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for finding in findings {
        let (rank, word) = rank(finding);
        match groups.iter_mut().find(|g| g.code == finding.code && g.rank == rank) {
            Some(group) => group.findings.push(finding),
            None => groups.push(Group { code: &finding.code, word, rank, findings: vec![finding] }),
        }
    }
    groups.sort_by_key(|g| g.rank);
    groups
}

/// `1 decision · 2 warnings · 3 notes`; nothing if there are none.
pub fn counts(findings: &[Finding]) -> String {
    let words = [("to decide", "to decide"), ("warning", "warnings"), ("accepted", "accepted"), ("note", "notes")];
    let mut out = Vec::new();
    for (i, (one, many)) in words.into_iter().enumerate() {
        let n = findings.iter().filter(|f| usize::from(rank(f).0) == i).count() as u64;
        if n > 0 {
            out.push(text::counted(n, one, many));
        }
    }
    out.join(" · ")
}

/// The findings as lines, none longer than the terminal. Of each code at most `most` objects; what is left out is
/// counted, with the command that shows it. What must be decided is always shown.
pub fn lines(findings: &[Finding], most: usize, all: &str, show: &Show) -> Vec<String> {
    let (paint, width) = (show.paint(), show.width());
    let mut out = Vec::new();
    for group in groups(findings) {
        let word = match group.rank {
            0 => paint.bad(group.word),
            1 => paint.warn(group.word),
            _ => paint.dim(group.word),
        };
        let gap = " ".repeat(9usize.saturating_sub(group.word.len()));
        let n = group.findings.len();
        let times = if n > 1 { format!(" · {}", text::count(n as u64)) } else { String::new() };
        out.push(format!("  {word}{gap}{}{times}", paint.bold(&text::clean(group.code))));
        let shown = if group.rank == 0 { most.max(20) } else { most };
        // One left out would take a line to say so.
        let shown = if n == shown + 1 { n } else { shown };
        let mut alike = 0;
        for (i, finding) in group.findings.iter().take(shown).enumerate() {
            out.extend(text::wrapped(11, &said(finding), width));
            alike += 1;
            let next = group.findings.get(i + 1).filter(|_| i + 1 < shown);
            if finding.accepted || finding.hint.is_empty() || next.is_some_and(|n| general(n) == general(finding)) {
                continue;
            }
            // Said once for those that differ in nothing but the object.
            let hint = if alike > 1 { general(finding) } else { finding.hint.clone() };
            let lines = text::wrapped(13, &format!("→ {}", text::clean(&hint)), width);
            out.extend(lines.iter().map(|l| paint.dim(l)));
            alike = 0;
        }
        if n > shown {
            out.push(format!("           and {} more: {all}", text::count((n - shown) as u64)));
        }
    }
    out
}

/// The hint without the object it names.
pub fn general(finding: &Finding) -> String {
    let named = format!("{}:{}", finding.code, finding.object);
    finding.hint.replace(&named, &format!("{}[:OBJECT]", finding.code))
}

/// `object: message`, or the message alone where it names the object at once.
fn said(finding: &Finding) -> String {
    let (object, message) = (text::clean(&finding.object), text::clean(&finding.message));
    let names = |text: &str| text.strip_prefix(&*object).is_some_and(|rest| rest.starts_with([' ', ':', ',']));
    let after_first_word = message.split_once(' ').map_or("", |(_, rest)| rest);
    if names(&message) || names(after_first_word) { message.into_owned() } else { format!("{object}: {message}") }
}

/// How the findings that stop the run can be answered.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Flags for just these findings, in pairs: `--accept`, `CODE:OBJECT`.
    pub flags: Vec<String>,
    /// Findings that no flag answers.
    pub by_hand: Vec<String>,
}

/// The flags that answer just the findings that stop the run.
pub fn decision(findings: &[Finding]) -> Decision {
    let mut out = Decision::default();
    let mut memory = 0;
    for group in groups(findings).iter().filter(|g| g.rank == 0) {
        for finding in &group.findings {
            if let Some(mebibytes) = more_memory(finding) {
                memory = memory.max(mebibytes);
                continue;
            }
            let flag = match finding.remedy {
                Remedy::Policy => policy(&finding.hint).map(|p| ("--policy", p.to_owned())),
                Remedy::Accept if group.findings.len() > OBJECTS => Some(("--accept", finding.code.clone())),
                Remedy::Accept => Some(("--accept", format!("{}:{}", finding.code, finding.object))),
                Remedy::None => None,
            };
            match flag {
                Some((flag, value)) if !out.flags.contains(&value) => out.flags.extend([flag.to_owned(), value]),
                Some(_) => {}
                None => out.by_hand.push(finding.object.clone()),
            }
        }
    }
    if memory > 0 {
        out.flags.extend(["--memory".to_owned(), format!("{memory}MiB")]);
    }
    out
}

/// How many MiB would be enough, where more of them are the answer: `allow more with --memory 864MiB`.
fn more_memory(finding: &Finding) -> Option<u64> {
    finding.hint.split_once("--memory ")?.1.split_once("MiB")?.0.parse().ok()
}

/// The policy that a finding's hint names: `--policy KIND=CHOICE keeps …`.
fn policy(hint: &str) -> Option<&str> {
    hint.split_once("--policy ")?.1.split([' ', ';', ',']).next().filter(|p| p.contains('='))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lite2pg_model::finding::codes;
    use lite2pg_model::mapping::policy::{Kind, Policies};

    #[test]
    fn every_policy_that_is_offered_exists() {
        for kind in [
            Kind::Nul,
            Kind::InvalidUtf8,
            Kind::Mixed,
            Kind::Orphans,
            Kind::NullKey,
            Kind::DuplicateKey,
            Kind::Checks,
            Kind::TooLarge,
        ] {
            let hint = kind.hint();
            let offered = policy(&hint).unwrap();
            assert!(Policies::parse([offered]).unwrap().keeps(kind), "{hint}");
        }
        assert_eq!(policy(Kind::NO_PLACE), None);
    }

    #[test]
    fn flags_answer_exactly_what_blocks() {
        let mut findings = vec![
            Finding::not_carried(codes::TRIGGER, "a", "m", "h"),
            Finding::not_carried(codes::VIEW, "v", "m", "h"),
            Finding::data(codes::NUL, "t.c", "m", Kind::Nul.hint()),
            Finding::data(codes::NUL, "t.d", "m", Kind::Nul.hint()),
            Finding::data(codes::TOO_LARGE, "t.e", "m", Kind::NO_PLACE),
            Finding::note(codes::RENAMED, "x", "m", "h"),
        ];
        findings[1].accepted = true;
        let decision = decision(&findings);
        assert_eq!(decision.flags, ["--accept", "trigger-not-carried:a", "--policy", "nul=bytea"]);
        assert_eq!(decision.by_hand, ["t.e"]);
    }

    #[test]
    fn more_memory_is_a_flag_too() {
        let too_large = |object: &str, hint: &str| Finding::data(codes::TOO_LARGE, object, "m", hint);
        let hint =
            |mebibytes: u32| format!("allow more with --memory {mebibytes}MiB, or leave the value out of the source");
        let findings = [too_large("t.a", &hint(864)), too_large("t.b", &hint(2716)), too_large("t.c", &hint(900))];
        let decision = decision(&findings);
        assert_eq!((decision.flags, decision.by_hand), (vec!["--memory".to_owned(), "2716MiB".to_owned()], vec![]));
    }

    #[test]
    fn nothing_is_left_out_silently() {
        let cli = crate::args::read(["lite2pg", "man", "--color", "never"].map(Into::into)).unwrap();
        let show = Show::new(&cli.global);
        let findings: Vec<Finding> = (0..15).map(|i| Finding::warning("w", format!("t{i}"), "m", "h")).collect();
        let text = lines(&findings, 3, "lite2pg inspect x -v", &show).join("\n");
        assert!(
            text.contains("and 12 more: lite2pg inspect x -v") && text.contains("t2") && !text.contains("t3"),
            "{text}"
        );
        let text = lines(&findings, usize::MAX - 1, "", &show).join("\n");
        assert!(text.contains("t14") && !text.contains("more"));
    }
}
