//! `lite2pg inspect`.
//! Owns what is shown of a look at the source; nothing is written anywhere.

use super::line::Line;
use super::{decide, observers, warn_about_target};
use crate::args::{Global, Inspect};
use crate::outputs::write_text;
use crate::settings::World;
use crate::show::page::{self, Next};
use crate::show::table::{self, Side, cut};
use crate::show::text::{clean, count, counted};
use crate::show::{Show, findings, human, planned, profiles, text};
use crate::signals::{self, CANCEL};
use lite2pg_engine::Result;
use lite2pg_engine::run::{self, Inspection, TargetSpec};
use lite2pg_model::finding::Severity;
use lite2pg_model::mapping::profile::TableProfile;
use lite2pg_model::plan::detail::{Detail, Fate};
use lite2pg_model::plan::{ColumnPlan, TablePlan};
use std::collections::BTreeSet;
use std::path::Path;

/// Objects of one code that are shown without `-v`.
const OBJECTS: usize = 12;
/// Up to so many different values, their number is shown.
const FEW: u64 = 20;

pub fn run(args: &Inspect, global: &Global, show: &Show) -> Result<u8> {
    let world = World::read(args.way.place.work_dir.as_deref());
    let mut settings = world.settings(&args.way, Some(&args.reading), Some(&args.answers))?;
    settings.chunk_bytes = args.copying.chunk_bytes;
    warn_about_target(show, &world, &settings.target);
    signals::watch(show, &signals::LOOK);
    let all = Line::new("inspect", &args.way, &settings.target)
        .reading(&args.reading)
        .copying(&args.copying)
        .answers(&args.answers)
        .word("-v")
        .text();
    let fan = observers(&show.without_plan(), global, &world, "inspect", false, all.clone())?;
    let inspection = run::inspect(&settings, args.way.target.is_some(), &fan, &CANCEL)?;
    drop(fan);
    if let Some(path) = &args.report {
        let decision = findings::decision(&inspection.plan.findings);
        let command = next(args, &settings.target).decided(&decision.flags).text();
        write_text(path, "--report", &page::page(&inspection, &Next { command, by_hand: decision.by_hand }))?;
    }
    if show.json {
        show.document(&document(&inspection, args.report.as_deref()));
        return Ok(inspection.report.exit);
    }
    people(&inspection, &all, show);
    if let Some(path) = &args.report {
        show.line(&human::head(show, "report", &clean(&path.display().to_string())));
    }
    let line = next(args, &settings.target);
    match inspection.report.exit {
        0 => {
            show.line("");
            show.line(&human::head(show, "next", &line.text()));
        }
        _ => decide::advise(show, &inspection.report, line, "nothing was written"),
    }
    Ok(inspection.report.exit)
}

/// The migration of what was looked at.
pub fn next(args: &Inspect, target: &TargetSpec) -> Line {
    Line::new("migrate", &args.way, target).reading(&args.reading).copying(&args.copying).answers(&args.answers)
}

/// The report with the file, the plan and the profiles, and where the page was written.
fn document(inspection: &Inspection, page: Option<&Path>) -> serde_json::Value {
    let mut document = serde_json::to_value(&inspection.report).unwrap_or_default();
    if let Some(map) = document.as_object_mut() {
        map.insert("source_file".into(), planned::source_file(&inspection.facts));
        map.insert("plan".into(), planned::document(&inspection.plan));
        map.insert("objects_detail".into(), serde_json::to_value(&inspection.details).unwrap_or_default());
        map.insert("profiles".into(), profiles::document(&inspection.profiles, &inspection.plan));
        if let Some(page) = page {
            map.insert("written".into(), page.display().to_string().into());
        }
    }
    document
}

fn people(inspection: &Inspection, all: &str, show: &Show) {
    let plan = &inspection.plan;
    let columns: usize = plan.tables.iter().map(|t| t.columns.len()).sum();
    let sum = format!(
        "{}, {}, {}, {} of values",
        counted(plan.tables.len() as u64, "table", "tables"),
        counted(columns as u64, "column", "columns"),
        counted(plan.rows(), "row", "rows"),
        text::bytes(plan.tables.iter().map(|t| t.bytes).sum())
    );
    show.line(&human::head(show, "holds", &sum));
    let objects = human::objects(&plan.objects);
    if !objects.is_empty() {
        show.line(&human::head(show, "carries", &objects));
    }
    odd_objects(inspection, show);
    if !plan.findings.is_empty() {
        show.line("");
        let most = if show.verbose { usize::MAX - 1 } else { OBJECTS };
        findings::lines(&plan.findings, most, all, show).iter().for_each(|l| show.line(l));
    }
    for table in &plan.tables {
        one_table(table, inspection, show);
    }
    show.line("");
    show.line(&format!("{} · nothing was written", human::cost(&inspection.report)));
}

/// The objects that are not simply carried, each on a line; why and what to do say the findings.
fn odd_objects(inspection: &Inspection, show: &Show) {
    let odd: Vec<&Detail> = inspection.details.iter().filter(|d| d.fate != Fate::Carried).collect();
    let shown = if show.verbose { usize::MAX } else { OBJECTS };
    for detail in odd.iter().take(shown) {
        let (kind, object) = (detail.kind, cut(&clean(&detail.object), 60));
        show.line(&human::head(show, "", &format!("{kind} {object}: {}", detail.fate.word())));
    }
    if odd.len() > shown {
        let rest = counted((odd.len() - shown) as u64, "more object", "more objects");
        show.line(&human::head(show, "", &format!("and {rest}: -v lists them")));
    }
}

fn one_table(table: &TablePlan, inspection: &Inspection, show: &Show) {
    let profile = inspection.profiles.get(&table.name);
    let odd: BTreeSet<&str> = inspection
        .plan
        .findings
        .iter()
        .filter(|f| f.severity > Severity::Note)
        .filter_map(|f| f.object.strip_prefix(&table.name)?.strip_prefix('.'))
        .collect();
    let key = table.primary_key.as_ref().map_or("no key".to_owned(), |k| format!("key {}", k.columns.join(", ")));
    let renamed = if table.name == table.target { String::new() } else { format!(" → {}", clean(&table.target)) };
    show.line("");
    show.line(&format!(
        "{}{renamed} · {} · {} · {}",
        show.paint().bold(&clean(&table.name)),
        counted(table.rows, "row", "rows"),
        text::bytes(table.bytes),
        clean(&key)
    ));
    // Oddities first, the rest in the table's order.
    let mut order: Vec<(usize, &ColumnPlan)> = table.columns.iter().enumerate().collect();
    order.sort_by_key(|(_, c)| !odd.contains(c.name.as_str()));
    let rows: Vec<Vec<String>> = order.iter().map(|(i, c)| line_of((table, c), profile, *i, &odd)).collect();
    let lines = table::lines(&[Side::Left, Side::Left, Side::Left, Side::Left], &rows);
    for (line, (i, _)) in lines.iter().zip(&order) {
        show.line(&format!("  {line}"));
        if let Some(column) = profile.and_then(|p| p.columns.get(*i)) {
            let values = profiles::values(column).join(" · ");
            if !values.is_empty() {
                show.line(&show.paint().dim(&format!("      {values}")));
            }
        }
    }
}

fn line_of(
    (table, column): (&TablePlan, &ColumnPlan),
    profile: Option<&TableProfile>,
    i: usize,
    odd: &BTreeSet<&str>,
) -> Vec<String> {
    let mark = if odd.contains(column.name.as_str()) { "! " } else { "" };
    let renamed = if column.name == column.target { String::new() } else { format!(" → {}", clean(&column.target)) };
    let declared = if column.declared.is_empty() { "(none)" } else { &column.declared };
    let seen = profile.and_then(|p| p.columns.get(i));
    let mut reason = clean(&column.reason).into_owned();
    if let Some(nulls) = seen.map(|p| p.nulls).filter(|n| *n > 0) {
        reason.push_str(&format!(" · {} NULL", count(nulls)));
    }
    if let Some(different) = seen.and_then(|p| profiles::different(p, FEW)) {
        reason.push_str(&format!(" · {different}"));
    }
    vec![
        format!("{mark}{}{renamed}", cut(&clean(&column.name), 40)),
        format!("{} → {}", cut(&clean(declared), 30), column.ty.sql()),
        if planned::not_null(table, column) { "not null".to_owned() } else { String::new() },
        reason,
    ]
}
