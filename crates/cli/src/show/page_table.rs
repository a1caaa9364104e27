//! One table of the page: its columns with types, reasons and examples, its keys, what is odd about it.
//! Owns that section's order; never the words of reasons and findings.

use super::page;
use super::page_html::{self as html, Html};
use super::text::{bytes, counted};
use super::{planned, profiles};
use lite2pg_engine::run::Inspection;
use lite2pg_model::finding::Finding;
use lite2pg_model::mapping::profile::{ColumnProfile, TableProfile};
use lite2pg_model::plan::{ColumnPlan, TablePlan};

/// Findings about a table, its columns, or its indexes.
pub fn findings_of<'a>(table: &'a TablePlan, inspection: &'a Inspection) -> impl Iterator<Item = &'a Finding> {
    inspection.plan.findings.iter().filter(|f| is_about(f, table))
}

fn is_about(finding: &Finding, table: &TablePlan) -> bool {
    let rest = finding.object.strip_prefix(&table.name);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with(" ("))
        || table.indexes.iter().any(|i| i.name == finding.object)
}

/// The whole section.
pub fn section(number: usize, table: &TablePlan, inspection: &Inspection) -> Html {
    let profile = inspection.profiles.get(&table.name);
    let mut title = Html::text(&table.name);
    let renamed = if table.name == table.target { String::new() } else { format!(" → {}", table.target) };
    let size = format!("{renamed} · {} · {}", counted(table.rows, "row", "rows"), bytes(table.bytes));
    title.add(html::inline("small", &size));
    let mut out = html::numbered("h3", number, title);
    for finding in findings_of(table, inspection) {
        out.add(page::one_finding(finding, finding.object != table.name));
    }
    if let Some(filter) = &table.filter {
        let mut words = Html::text("only rows for which ");
        words.add(html::inline("code", filter));
        out.add(html::tag("p", words));
    }
    let rows = table.columns.iter().enumerate().map(|(i, c)| {
        let seen = profile.and_then(|p| p.columns.get(i));
        let odd = inspection.plan.findings.iter().filter(|f| f.object == format!("{}.{}", table.name, c.name));
        column((table, c), seen, odd)
    });
    let head = ["column", "becomes", "holds", "examples", "why"];
    out.add(html::table("columns", &head, rows.collect()));
    out.add(keys(table, profile));
    out
}

fn column<'a>(
    (table, column): (&TablePlan, &ColumnPlan),
    seen: Option<&ColumnProfile>,
    odd: impl Iterator<Item = &'a Finding>,
) -> Vec<Html> {
    let mut name = html::inline("b", &column.name);
    if column.name != column.target {
        name.add(Html::text(&format!(" → {}", column.target)));
    }
    let mut words: Vec<&str> = odd.map(page::word).filter(|w| *w != "note").collect();
    words.dedup();
    for word in words {
        name.add(Html::text(" "));
        name.add(html::badge(if word == "decide" { "decide" } else { "warning" }, word));
    }
    let mut becomes = html::inline("code", &column.ty.sql());
    if planned::not_null(table, column) {
        becomes.add(Html::text(" not null"));
    }
    if let Some(default) = &column.default {
        becomes.add(Html::text(" default "));
        becomes.add(html::inline("code", default));
    }
    let lines = |all: Vec<String>, as_code: bool| {
        let one = |line: &String| html::tag("div", if as_code { html::inline("code", line) } else { Html::text(line) });
        Html::all(all.iter().map(one))
    };
    vec![
        name,
        becomes,
        lines(seen.map(profiles::holds).unwrap_or_default(), false),
        lines(seen.map(profiles::values).unwrap_or_default(), true),
        Html::text(&column.reason),
    ]
}

fn keys(table: &TablePlan, profile: Option<&TableProfile>) -> Html {
    let mut rows = Vec::new();
    let mut add = |what: &str, name: &str, words: String| {
        rows.push(html::tag(
            "li",
            Html::all([Html::text(&format!("{what} ")), html::inline("code", name), Html::text(&format!(" {words}"))]),
        ));
    };
    let columns = |all: &[String]| format!("({})", all.join(", "));
    if let Some(key) = &table.primary_key {
        let largest = profile.map_or(0, |p| p.primary_bytes);
        let widest =
            if largest > 8 { format!(" · largest {}", counted(largest, "byte", "bytes")) } else { String::new() };
        add("primary key", &key.name, format!("{}{widest}", columns(&key.columns)));
    }
    for key in &table.uniques {
        add("unique", &key.name, columns(&key.columns));
    }
    for index in &table.indexes {
        let kind = if index.unique { "unique index" } else { "index" };
        let predicate = index.predicate.as_ref().map_or(String::new(), |p| format!(" where {p}"));
        add(kind, &index.name, format!("({}){predicate}", index.terms));
    }
    for key in &table.foreign_keys {
        let tail = if key.not_valid { " · not validated" } else { "" };
        add(
            "foreign key",
            &key.name,
            format!("{} → {} {}{tail}", columns(&key.columns), key.parent, columns(&key.parent_columns)),
        );
    }
    for check in &table.checks {
        let tail = if check.not_valid { " · not validated" } else { "" };
        add("check", &check.name, format!("{}{tail}", check.condition));
    }
    if rows.is_empty() { Html::new() } else { html::tag("ul", Html::all(rows)) }
}
