//! The report of `inspect --report`: one page that a person can hand to another, with everything in it.
//! Owns what stands where; the words of findings, reasons and profiles are made elsewhere.

use super::page_html::{self as html, Html};
use super::page_table;
use super::text::{bytes, count, counted, seconds};
use super::{findings, human, planned};
use lite2pg_engine::run::Inspection;
use lite2pg_engine::source::ReadFrom;
use lite2pg_model::finding::{Finding, Severity};
use lite2pg_model::plan::detail::Fate;
use std::path::Path;

/// What a person may type next.
pub struct Next {
    /// The command that migrates, with the answers to the findings if there are any.
    pub command: String,
    /// Findings that no flag answers.
    pub by_hand: Vec<String>,
}

/// The whole page.
pub fn page(inspection: &Inspection, next: &Next) -> String {
    let source = Path::new(&inspection.report.source);
    let name =
        source.file_name().map_or_else(|| inspection.report.source.clone(), |n| n.to_string_lossy().into_owned());
    let title = format!("{name}: what it holds, and what it becomes in PostgreSQL");
    let mut body = html::tag("h1", Html::text(&title));
    body.add(facts(inspection));
    body.add(what_next(inspection, next));
    body.add(all_findings(&inspection.plan.findings));
    body.add(objects(inspection));
    body.add(overview(inspection));
    for (number, table) in inspection.plan.tables.iter().enumerate() {
        body.add(page_table::section(number, table, inspection));
    }
    let end = format!("lite2pg {} · nothing was written to source or target", env!("CARGO_PKG_VERSION"));
    body.add(html::classed("p", "dim", Html::text(&end)));
    html::document(&title, body).into_string()
}

fn facts(inspection: &Inspection) -> Html {
    let (seen, plan) = (&inspection.facts, &inspection.plan);
    let journal = planned::journal(seen.journal_mode);
    let size = bytes(seen.bytes.saturating_add(seen.wal_bytes));
    let file =
        format!("{size} · {journal} · {} · pages of {} bytes", seen.encoding.word(), count(seen.page_size.into()));
    let read = match &seen.read_from {
        ReadFrom::Pinned => "in place".to_owned(),
        ReadFrom::Copied { reason, .. } => format!("from a private copy ({reason})"),
    };
    let columns: usize = plan.tables.iter().map(|t| t.columns.len()).sum();
    let holds = format!(
        "{}, {}, {}, {} of values",
        counted(plan.tables.len() as u64, "table", "tables"),
        counted(columns as u64, "column", "columns"),
        counted(plan.rows(), "row", "rows"),
        bytes(plan.tables.iter().map(|t| t.bytes).sum())
    );
    let mut rows = vec![
        ("source", html::inline("code", &inspection.report.source)),
        ("file", Html::text(&file)),
        ("read", Html::text(&read)),
        ("holds", Html::text(&holds)),
    ];
    if seen.user_version != 0 || seen.application_id != 0 {
        let versions = format!("user_version {} · application_id {}", seen.user_version, seen.application_id);
        rows.push(("versions", Html::text(&versions)));
    }
    let objects = human::objects(&plan.objects);
    if !objects.is_empty() {
        rows.push(("carries", Html::text(&objects)));
    }
    if !inspection.report.target.is_empty() {
        rows.push(("target", html::inline("code", &inspection.report.target)));
    }
    rows.push(("schema", html::inline("code", &plan.schema)));
    rows.push(("looked at in", Html::text(&seconds(inspection.report.seconds))));
    html::facts(rows)
}

fn what_next(inspection: &Inspection, next: &Next) -> Html {
    let mut out = html::tag("h2", Html::text("What to do next"));
    let blocking = inspection.plan.blocking().count() as u64;
    let words = if blocking == 0 {
        "Nothing stands in the way. This moves the database, and proves the two equal:".to_owned()
    } else {
        format!("{} a decision.", counted(blocking, "finding needs", "findings need"))
    };
    out.add(html::tag("p", Html::text(&words)));
    if !next.by_hand.is_empty() {
        let words = "No ready flag answers these; mend the source, or choose in the plan's file as the findings say:";
        out.add(html::tag("p", Html::text(words)));
        let objects = next.by_hand.iter().map(|o| html::tag("li", html::inline("code", o)));
        out.add(html::tag("ul", Html::all(objects)));
    }
    if blocking > 0 && next.by_hand.len() as u64 != blocking {
        let words = "This goes on with the choices that the findings below name; each can be changed:";
        out.add(html::tag("p", Html::text(words)));
    }
    out.add(html::tag("pre", Html::text(&next.command)));
    out
}

fn all_findings(all: &[Finding]) -> Html {
    let counts = findings::counts(all);
    if all.is_empty() {
        return Html::new();
    }
    let mut out = html::tag("h2", Html::text("Findings"));
    out.add(html::classed("p", "dim", Html::text(&counts)));
    for rank in ["decide", "warning", "accepted", "note"] {
        let mut left: Vec<&Finding> = all.iter().filter(|f| word(f) == rank).collect();
        while let Some(first) = left.first().copied() {
            let alike = |f: &&Finding| f.code == first.code && findings::general(f) == findings::general(first);
            let (group, others): (Vec<&Finding>, Vec<&Finding>) = left.iter().partition(|f| alike(f));
            out.add(if group.len() == 1 { one_finding(first, true) } else { many_findings(&group) });
            left = others;
        }
    }
    out
}

/// Every object that had to be translated, beside what it became.
fn objects(inspection: &Inspection) -> Html {
    if inspection.details.is_empty() {
        return Html::new();
    }
    let mut out = html::tag("h2", Html::text("Checks, defaults, indexes, views, triggers"));
    let rows = inspection.details.iter().map(|d| {
        let class = if d.fate == Fate::Carried { "note" } else { "warning" };
        let mut fate = html::badge(class, d.fate.word());
        if let Some(why) = &d.why {
            fate.add(html::tag("div", Html::text(why)));
        }
        let target = d.target.as_ref().map_or_else(Html::new, |t| html::inline("code", t));
        let object = html::inline("code", &d.object);
        vec![Html::text(d.kind), object, html::inline("code", &d.source), target, fate]
    });
    let head = ["kind", "object", "in SQLite", "in PostgreSQL", ""];
    out.add(html::table("objects", &head, rows.collect()));
    out
}

/// Findings that differ in nothing but their objects and what is said of these: the hint once.
fn many_findings(group: &[&Finding]) -> Html {
    let Some(first) = group.first() else { return Html::new() };
    let mut line = head(first);
    line.add(Html::text(&format!(" · {}", count(group.len() as u64))));
    let mut inner = html::tag("p", line);
    let items = group.iter().map(|f| {
        let object = html::inline("code", &f.object);
        html::tag("li", Html::all([object, Html::text(" "), Html::text(&f.message)]))
    });
    inner.add(html::tag("ul", Html::all(items)));
    inner.add(hint(&findings::general(first)));
    framed(first, inner)
}

/// Where a finding belongs.
pub fn word(finding: &Finding) -> &'static str {
    match finding.severity {
        Severity::Blocking if finding.blocks() => "decide",
        Severity::Blocking => "accepted",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// One finding, with what it is about if the reader does not see that from its place.
pub fn one_finding(finding: &Finding, with_object: bool) -> Html {
    let mut line = head(finding);
    if with_object && !finding.object.is_empty() {
        line.add(Html::text(" "));
        line.add(html::inline("code", &finding.object));
    }
    let mut inner = html::tag("p", line);
    inner.add(html::tag("p", Html::text(&finding.message)));
    inner.add(hint(&finding.hint));
    framed(finding, inner)
}

fn head(finding: &Finding) -> Html {
    let word = word(finding);
    Html::all([html::badge(word, word), html::inline("b", &finding.code)])
}

fn hint(text: &str) -> Html {
    if text.is_empty() { Html::new() } else { html::classed("p", "dim", Html::text(&format!("→ {text}"))) }
}

fn framed(finding: &Finding, inner: Html) -> Html {
    let class = match word(finding) {
        "decide" => "finding decide",
        "warning" => "finding warning",
        _ => "finding",
    };
    html::classed("div", class, inner)
}

fn overview(inspection: &Inspection) -> Html {
    let mut out = html::tag("h2", Html::text("Tables"));
    let rows = inspection.plan.tables.iter().enumerate().map(|(number, table)| {
        let odd = page_table::findings_of(table, inspection).count() as u64;
        let odd = if odd == 0 { Html::new() } else { Html::text(&counted(odd, "finding", "findings")) };
        vec![
            html::link(number, Html::text(&table.name)),
            html::inline("code", &format!("{}.{}", inspection.plan.schema, table.target)),
            Html::text(&count(table.rows)),
            Html::text(&bytes(table.bytes)),
            Html::text(&count(table.columns.len() as u64)),
            odd,
        ]
    });
    let head = ["table", "becomes", "rows", "values", "columns", ""];
    out.add(html::table("tables", &head, rows.collect()));
    out
}
