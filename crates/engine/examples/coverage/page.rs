//! The page `docs/coverage.md`: what was carried of each kind of object, by database, and every object that was not.
//! Owns its form and its words; never migrates anything.

use lite2pg_engine::observe::Report;
use lite2pg_model::finding::{Finding, Remedy, Severity, codes};
use lite2pg_model::plan::{Count, Objects};
use std::collections::BTreeMap;

/// How one migration ended.
pub enum End {
    /// With a report.
    Report(Box<Report>),
    /// With an error.
    Error {
        /// Its exit status.
        exit: u8,
        /// What it said.
        message: String,
    },
}

impl End {
    /// The exit status.
    pub fn exit(&self) -> u8 {
        match self {
            End::Report(report) => report.exit,
            End::Error { exit, .. } => *exit,
        }
    }
}

/// One database.
pub struct Database {
    /// Its path.
    pub name: String,
    /// What became of it as it stands.
    pub as_is: End,
    /// What became of it with everything answered; `None` if nothing had to be.
    pub answered: Option<End>,
}

impl Database {
    fn end(&self) -> &End {
        self.answered.as_ref().unwrap_or(&self.as_is)
    }

    fn report(&self) -> Option<&Report> {
        match self.end() {
            End::Report(report) => Some(report),
            End::Error { .. } => None,
        }
    }
}

/// A kind of object, as a column of the table.
struct Kind {
    word: &'static str,
    of: fn(&Objects) -> Count,
    codes: &'static [&'static str],
}

const KINDS: [Kind; 11] = [
    Kind {
        word: "keys",
        of: |o| sum(&[o.primary_keys, o.unique]),
        codes: &[codes::NULL_KEY, codes::DUPLICATE_KEY, codes::COLLATION],
    },
    Kind { word: "not null", of: |o| o.not_null, codes: &[] },
    Kind { word: "checks", of: |o| o.checks, codes: &[codes::CHECK] },
    Kind { word: "defaults", of: |o| o.defaults, codes: &[codes::DEFAULT] },
    Kind { word: "generated", of: |o| o.generated, codes: &[codes::GENERATED] },
    Kind { word: "indexes", of: |o| o.indexes, codes: &[codes::INDEX] },
    Kind { word: "foreign keys", of: |o| o.foreign_keys, codes: &[codes::FOREIGN_KEY] },
    Kind { word: "sequences", of: |o| o.sequences, codes: &[] },
    Kind { word: "views", of: |o| o.views, codes: &[codes::VIEW] },
    Kind { word: "triggers", of: |o| o.triggers, codes: &[codes::TRIGGER] },
    Kind { word: "virtual tables", of: |o| o.virtual_tables, codes: &[codes::VIRTUAL_TABLE] },
];

fn sum(counts: &[Count]) -> Count {
    let (source, carried) = (counts.iter().map(|c| c.source).sum(), counts.iter().map(|c| c.carried).sum());
    let verified = counts.iter().filter_map(|c| c.verified).reduce(|a, b| a + b);
    Count { source, carried, verified }
}

const HEAD: &str = "\
# Coverage

Made by `cargo run --release -p lite2pg-engine --no-default-features --example coverage -- DIR > docs/coverage.md`: every
database below DIR is copied, then migrated into an empty database of PostgreSQL as it stands and, if that asks for a
decision, once more with `--accept all --policy lossless`. Everything but *exit* is of the last one. It was compared once more
by `verify --level rows`; a row that differs would be exit 7. `3/4` means: three were made in the target, of four in the source.
What was accepted away is not carried. A view is *verified* when both databases give the same rows for it.

";

/// The whole page.
pub fn page(all: &[Database]) -> String {
    let reports = || all.iter().filter_map(|d| Some((d, d.report()?)));
    let tables: usize = reports().map(|(_, r)| r.tables.len()).sum();
    let rows: u64 = reports().flat_map(|(_, r)| &r.tables).map(|t| t.rows).sum();
    let unverified = reports().flat_map(|(_, r)| &r.tables).filter(|t| !t.verified).count();
    let mut out = HEAD.to_owned();
    out += &format!(
        "* {} databases, {tables} tables, {rows} rows; tables that were not verified: {unverified}\n",
        all.len()
    );
    out += &format!("* exit as they stand: {}\n", exits(all.iter().map(|d| d.as_is.exit())));
    out += &format!("* exit with everything answered: {}\n\n", exits(all.iter().map(|d| d.end().exit())));
    out += &shares(all);
    out += &by_database(all);
    out += &not_carried(all);
    out += &not_compared(all);
    out
}

fn exits(all: impl Iterator<Item = u8>) -> String {
    let mut counts: BTreeMap<u8, usize> = BTreeMap::new();
    all.for_each(|exit| *counts.entry(exit).or_default() += 1);
    counts.iter().map(|(exit, n)| format!("{n} × {exit}")).collect::<Vec<_>>().join(", ")
}

fn shares(all: &[Database]) -> String {
    let mut out = "## All of them\n\n| kind | in the sources | carried | share |\n|---|--:|--:|--:|\n".to_owned();
    for kind in &KINDS {
        let counts: Vec<Count> = all.iter().filter_map(|d| Some((kind.of)(&d.report()?.objects))).collect();
        let count = sum(&counts);
        let share = if count.source == 0 { 100.0 } else { count.carried as f64 * 100.0 / count.source as f64 };
        // 99.96 is not all of them.
        let share = (share * 10.0).floor() / 10.0;
        let verified = count.verified.map(|n| format!(", {n} of them verified")).unwrap_or_default();
        out += &format!("| {} | {} | {}{verified} | {share:.1} % |\n", kind.word, count.source, count.carried);
    }
    let findings = all.iter().filter_map(Database::report).flat_map(|r| &r.findings);
    let broken = findings.filter(|f| f.code == codes::VIEW && f.message.contains("SQLite cannot compile it")).count();
    if broken > 0 {
        out += &format!("\nOf the views that are not carried, {broken} cannot be run by SQLite either.\n");
    }
    out + "\n"
}

fn by_database(all: &[Database]) -> String {
    let words: Vec<&str> = KINDS.iter().map(|k| k.word).collect();
    let mut out = format!("## By database\n\n| database | rows | tables | {} | exit |\n", words.join(" | "));
    out += &format!("|---|--:|--:|{}--:|\n", "--:|".repeat(KINDS.len()));
    for database in all {
        let exit = match (&database.as_is, &database.answered) {
            (as_is, Some(end)) => format!("{}, {}", as_is.exit(), end.exit()),
            (as_is, None) => as_is.exit().to_string(),
        };
        let name = cell(&database.name);
        let cells = match database.report() {
            Some(report) => {
                let rows: u64 = report.tables.iter().map(|t| t.rows).sum();
                let counts = KINDS.iter().map(|k| fraction((k.of)(&report.objects)));
                format!("{rows} | {} | {}", report.tables.len(), counts.collect::<Vec<_>>().join(" | "))
            }
            None => " |".repeat(KINDS.len() + 1).trim_start().to_owned(),
        };
        out += &format!("| {name} | {cells} | {exit} |\n");
    }
    out + "\n"
}

fn fraction(count: Count) -> String {
    match (count.source, count.verified) {
        (0, _) => String::new(),
        (n, Some(verified)) => format!("{}/{n}, {verified} verified", count.carried),
        (n, None) => format!("{}/{n}", count.carried),
    }
}

/// Every object that is not there, with its reason; a count that no finding explains is told as such.
fn not_carried(all: &[Database]) -> String {
    let mut out = "## What is not carried\n\n| database | kind | object | why |\n|---|---|---|---|\n".to_owned();
    for database in all {
        let name = cell(&database.name);
        let Some(report) = database.report() else {
            if let End::Error { message, .. } = database.end() {
                out += &format!("| {name} | everything | | {} |\n", cell(message));
            }
            continue;
        };
        for kind in &KINDS {
            let count = (kind.of)(&report.objects);
            let lost = count.source.saturating_sub(count.carried);
            let told: Vec<&Finding> = report.findings.iter().filter(|f| loses(f) && of(kind, f)).collect();
            for finding in &told {
                out +=
                    &format!("| {name} | {} | {} | {} |\n", kind.word, cell(&finding.object), cell(&reason(finding)));
            }
            if lost > told.len() as u64 {
                let more = lost - told.len() as u64;
                out += &format!("| {name} | {} | {more} more | follows from the data: see its findings |\n", kind.word);
            }
        }
        let rest = report.findings.iter().filter(|f| loses(f) && f.remedy == Remedy::Accept);
        for finding in rest.filter(|f| KINDS.iter().all(|k| !of(k, f))) {
            let (kind, object) = (finding.code.trim_end_matches("-not-carried"), cell(&finding.object));
            out += &format!("| {name} | {kind} | {object} | {} |\n", cell(&reason(finding)));
        }
    }
    out + "\n"
}

fn loses(finding: &Finding) -> bool {
    finding.severity == Severity::Blocking
}

fn of(kind: &Kind, finding: &Finding) -> bool {
    kind.codes.contains(&finding.code.as_str())
}

/// The message without the statement that it quotes at its end.
fn reason(finding: &Finding) -> String {
    let message = finding.message.split("; it was: ").next().unwrap_or_default();
    if message.chars().count() <= 300 { message.to_owned() } else { message.chars().take(299).chain(['…']).collect() }
}

fn not_compared(all: &[Database]) -> String {
    let mut lines = String::new();
    for database in all {
        for view in database.report().iter().flat_map(|r| &r.views).filter(|v| !v.verified) {
            let why = view.not_compared.as_deref().unwrap_or("its rows differ");
            lines += &format!("| {} | {} | {} |\n", cell(&database.name), cell(&view.name), cell(why));
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    format!("## Views that are carried and not verified\n\n| database | view | why |\n|---|---|---|\n{lines}")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
