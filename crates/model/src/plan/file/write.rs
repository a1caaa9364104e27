//! A plan as the file that a person reads and edits.
//! Owns its text; what it says reads back as the very same plan.

use super::{VERSION, values};
use crate::finding::{Finding, Severity};
use crate::mapping::choices::Choices;
use crate::mapping::policy::{Kind, Policies};
use crate::plan::overrides::{ColumnOverride, Extra, Literal, Overrides, TableOverride};
use crate::plan::style::NameStyle;
use crate::plan::{ColumnPlan, Plan, TablePlan};
use std::fmt::Write as _;

/// What the file tells of.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What was said of tables and columns.
    pub overrides: &'a Overrides,
    /// What was chosen for all columns.
    pub choices: &'a Choices,
    /// Findings that are answered: `CODE` or `CODE:OBJECT`.
    pub accept: &'a [String],
    /// Text is ordered as the target's database does.
    pub collation_database: bool,
    /// The source's name.
    pub source: &'a str,
    /// The command that uses the file.
    pub command: &'a str,
}

/// Where editors find the file's form.
const SCHEMA: &str = "plan.schema.json";

/// Findings that are listed at the top, of each weight.
const MOST_FINDINGS: usize = 40;

/// The file's text.
pub fn write(page: &Page<'_>) -> String {
    let mut out = String::new();
    head(page, &mut out);
    top(page, &mut out);
    policies(&page.choices.policies, &mut out);
    for table in &page.plan.tables {
        one_table(page, table, &mut out);
    }
    for name in &page.plan.left_out {
        left_out(page, name, &mut out);
    }
    out
}

fn comment(out: &mut String, text: &str) {
    let line = format!("# {}", clean(text));
    out.push_str(line.trim_end());
    out.push('\n');
}

fn head(page: &Page<'_>, out: &mut String) {
    let plan = page.plan;
    let _ = writeln!(out, "#:schema {SCHEMA}");
    comment(out, &format!("How {} goes to PostgreSQL. Read it, change it, then:", page.source));
    comment(out, "");
    comment(out, &format!("  {}", page.command));
    comment(out, "");
    comment(out, "What stands here wins over the rules. What is taken out is decided by the rules again.");
    comment(out, "A table:   to, skip, where, extra");
    comment(out, "A column:  to, skip, type, values, labels, expression, null, policy, not-null, default");
    comment(out, "");
    let bytes: u64 = plan.tables.iter().map(|t| t.bytes).sum();
    let columns: usize = plan.tables.iter().map(|t| t.columns.len()).sum();
    comment(
        out,
        &format!(
            "{}, {}, {}, {} of values",
            counted(plan.tables.len() as u64, "table"),
            counted(columns as u64, "column"),
            counted(plan.rows(), "row"),
            sized(bytes)
        ),
    );
    objects(plan, out);
    let mut list = |title: &str, such: &dyn Fn(&Finding) -> bool| {
        let found: Vec<&Finding> = plan.findings.iter().filter(|f| such(f)).collect();
        if found.is_empty() {
            return;
        }
        comment(out, "");
        comment(out, &format!("{title} ({})", found.len()));
        for finding in found.iter().take(MOST_FINDINGS) {
            comment(out, &format!("  {} {}: {}", finding.code, finding.object, finding.message));
            if finding.blocks() {
                comment(out, &format!("      {}", finding.hint));
            }
        }
        if found.len() > MOST_FINDINGS {
            comment(out, &format!("  and {} more: lite2pg inspect -v", found.len() - MOST_FINDINGS));
        }
    };
    list("Needs a decision", &|f| f.blocks());
    list("Was decided", &|f| f.severity == Severity::Blocking && !f.blocks());
    list("Differs from SQLite", &|f| f.severity == Severity::Warning);
    list("Notes", &|f| f.severity == Severity::Note);
}

fn objects(plan: &Plan, out: &mut String) {
    let o = &plan.objects;
    let kinds = [
        ("primary keys", o.primary_keys),
        ("unique", o.unique),
        ("not null", o.not_null),
        ("checks", o.checks),
        ("defaults", o.defaults),
        ("generated", o.generated),
        ("indexes", o.indexes),
        ("foreign keys", o.foreign_keys),
        ("sequences", o.sequences),
        ("views", o.views),
        ("triggers", o.triggers),
        ("virtual tables", o.virtual_tables),
    ];
    let some = kinds.iter().filter(|(_, c)| c.source + c.carried > 0);
    let words: Vec<String> = some.map(|(word, c)| format!("{word} {} of {}", c.carried, c.source)).collect();
    if !words.is_empty() {
        comment(out, &words.join(", "));
    }
}

fn top(page: &Page<'_>, out: &mut String) {
    let _ = writeln!(out, "\nversion = {VERSION}");
    let _ = writeln!(out, "schema = {}", text(&page.plan.schema));
    let _ = writeln!(out, "types = {}   # native | inferred | plain", text(values::types_word(page.choices.types)));
    let names = style(page);
    let _ = writeln!(out, "names = {}   # keep | lower | snake", text(names.word()));
    match &page.choices.zone {
        Some(zone) => drop(writeln!(out, "assume-tz = {}", text(zone.name()))),
        None => out.push_str("# assume-tz = \"Europe/Berlin\"   # of date-times without a zone\n"),
    }
    let collation = if page.collation_database { "database" } else { "source" };
    let _ = writeln!(out, "collation = {}   # source (by bytes, as SQLite does) | database", text(collation));
    let accept: Vec<String> = page.accept.iter().map(|a| text(a)).collect();
    let _ = writeln!(out, "accept = [{}]", accept.join(", "));
    out.push_str(
        "# What is above and below can be changed. This line stays: types that came of these settings follow others.\n",
    );
    let _ = writeln!(out, "decided-with = {}", decided_with(page.choices, names));
}

fn style(page: &Page<'_>) -> NameStyle {
    page.overrides.names.as_ref().map(|n| n.value).unwrap_or_default()
}

/// The settings of now, for the one who reads the file after they were changed.
fn decided_with(choices: &Choices, names: NameStyle) -> String {
    let mut parts = vec![format!("types = {}", text(values::types_word(choices.types)))];
    if names != NameStyle::Keep {
        parts.push(format!("names = {}", text(names.word())));
    }
    parts.extend(choices.zone.as_ref().map(|zone| format!("assume-tz = {}", text(zone.name()))));
    let policies = chosen_words(&choices.policies);
    if !policies.is_empty() {
        parts.push(format!("policies = {{ {policies} }}"));
    }
    format!("{{ {} }}", parts.join(", "))
}

/// Choices that were made, as pairs of an inline table.
fn chosen_words(policies: &Policies) -> String {
    let pairs: Vec<String> = policies.chosen().map(|(k, c)| format!("{} = {}", k.word(), text(c.word()))).collect();
    pairs.join(", ")
}

fn policies(chosen: &Policies, out: &mut String) {
    out.push_str("\n[policies]\n");
    for kind in Kind::all() {
        let words: Vec<&str> = kind.choices().iter().map(|c| c.word()).collect();
        let mark = if chosen.chose(kind) { "" } else { "# " };
        let line = format!("{mark}{} = {}", kind.word(), text(chosen.get(kind).word()));
        let _ = writeln!(out, "{line:<30}   # {}", words.join(" | "));
    }
}

fn one_table(page: &Page<'_>, table: &TablePlan, out: &mut String) {
    let said = page.overrides.table(&table.name);
    out.push('\n');
    let count = format!("{}: {}, {}", table.name, counted(table.rows, "row"), sized(table.bytes));
    comment(out, &count);
    let _ = writeln!(out, "[tables.{}]", key(&table.name));
    let _ = writeln!(out, "to = {}", text(&table.target));
    if let Some(filter) = &table.filter {
        let _ = writeln!(out, "where = {}", text(filter));
    }
    extras(said, out);
    let mut columns: Vec<(String, String, String)> = Vec::new();
    for column in &table.columns {
        let said = page.overrides.column(&table.name, &column.name);
        columns.push((key(&column.name), one_column(column, said), clean(&column.reason)));
    }
    for name in &table.left_out {
        columns.push((key(name), said_alone(page.overrides.column(&table.name, name), true), "left out".to_owned()));
    }
    if columns.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n[tables.{}.columns]", key(&table.name));
    // One long line must not push the reasons of all others to the right.
    const WIDEST: (usize, usize) = (32, 60);
    let width = |texts: &mut dyn Iterator<Item = &String>, most: usize| {
        texts.map(|t| t.chars().count()).filter(|w| *w <= most).max().unwrap_or(0)
    };
    let names = width(&mut columns.iter().map(|c| &c.0), WIDEST.0);
    let values = width(&mut columns.iter().map(|c| &c.1), WIDEST.1);
    for (name, value, reason) in columns {
        let line = format!("{} = {}   # {reason}", padded(name, names), padded(value, values));
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

fn padded(mut text: String, width: usize) -> String {
    text.push_str(&" ".repeat(width.saturating_sub(text.chars().count())));
    text
}

/// A table that is left out, with all that was said of it: who carries it again finds it as it was.
fn left_out(page: &Page<'_>, name: &str, out: &mut String) {
    let _ = write!(out, "\n[tables.{}]\nskip = true\n", key(name));
    let Some(said) = page.overrides.table(name) else { return };
    if let Some(to) = &said.to {
        let _ = writeln!(out, "to = {}", text(&to.value));
    }
    if let Some(filter) = &said.filter {
        let _ = writeln!(out, "where = {}", text(&filter.value));
    }
    extras(Some(said), out);
    if !said.columns.is_empty() {
        let _ = writeln!(out, "\n[tables.{}.columns]", key(name));
    }
    for column in said.columns.values() {
        let _ = writeln!(out, "{} = {}", key(&column.name.value), said_alone(Some(column), column.is_skipped()));
    }
}

fn extras(said: Option<&TableOverride>, out: &mut String) {
    if let Some(extra) = said.map(|s| &s.extra).filter(|e| !e.is_empty()) {
        let list: Vec<String> = extra.iter().map(|e| one_extra(&e.value)).collect();
        let _ = writeln!(out, "extra = [\n    {},\n]", list.join(",\n    "));
    }
}

/// What was said of a column that is left out.
fn said_alone(said: Option<&ColumnOverride>, skip: bool) -> String {
    let mut parts = Vec::new();
    parts.extend(skip.then(|| "skip = true".to_owned()));
    if let Some(said) = said {
        parts.extend(said.to.as_ref().map(|to| format!("to = {}", text(&to.value))));
        reads(said, &mut parts);
        parts.extend(said.ty.as_ref().map(|ty| format!("type = {}", text(&ty.value.sql()))));
        let word = said.values.as_ref().and_then(|v| values::writing_word(v.value));
        parts.extend(word.map(|word| format!("values = {}", text(&word))));
        parts.extend(said.labels.as_ref().map(|l| labels(&l.value)));
        becomes(said, &mut parts);
    }
    if parts.is_empty() { "{ }".to_owned() } else { format!("{{ {} }}", parts.join(", ")) }
}

fn labels(list: &[String]) -> String {
    format!("labels = [{}]", list.iter().map(|l| text(l)).collect::<Vec<_>>().join(", "))
}

fn reads(said: &ColumnOverride, parts: &mut Vec<String>) {
    parts.extend(said.read.as_ref().map(|read| format!("expression = {}", text(&read.value))));
    parts.extend(said.null.as_ref().map(|null| format!("null = {}", literal(&null.value))));
}

fn becomes(said: &ColumnOverride, parts: &mut Vec<String>) {
    let chosen = chosen_words(&said.policies);
    if !chosen.is_empty() {
        parts.push(format!("policy = {{ {chosen} }}"));
    }
    parts.extend(said.not_null.as_ref().map(|n| format!("not-null = {}", n.value)));
    parts.extend(said.default.as_ref().map(|d| format!("default = {}", text(&d.value))));
}

fn one_column(column: &ColumnPlan, said: Option<&ColumnOverride>) -> String {
    let mut parts = Vec::new();
    let chosen = said.and_then(|s| s.to.as_ref());
    if column.target != column.name || chosen.is_some() {
        parts.push(format!("to = {}", text(&column.target)));
    }
    if let Some(said) = said {
        reads(said, &mut parts);
    }
    parts.push(format!("type = {}", text(&column.ty.sql())));
    if let Some(word) = values::writing_word(column.normal) {
        parts.push(format!("values = {}", text(&word)));
    }
    if !column.labels.is_empty() {
        parts.push(labels(&column.labels));
    }
    if let Some(said) = said {
        becomes(said, &mut parts);
    }
    format!("{{ {} }}", parts.join(", "))
}

fn one_extra(extra: &Extra) -> String {
    let mut parts = vec![format!("name = {}", text(&extra.name)), format!("type = {}", text(&extra.ty.sql()))];
    parts.extend(extra.default.as_ref().map(|d| format!("default = {}", text(d))));
    if extra.not_null {
        parts.push("not-null = true".to_owned());
    }
    format!("{{ {} }}", parts.join(", "))
}

fn literal(value: &Literal) -> String {
    match value {
        Literal::Integer(i) => i.to_string(),
        Literal::Real(r) => format!("{r:?}"),
        Literal::Text(t) => text(t),
    }
}

/// A key: bare where TOML allows it.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { name.to_owned() } else { text(name) }
}

/// A basic string of TOML.
fn text(value: &str) -> String {
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || is_hidden(c) => drop(write!(out, "\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A comment ends with its line, and holds nothing that would show it otherwise than it stands there.
fn clean(value: &str) -> String {
    value.chars().map(|c| if c.is_control() || is_hidden(c) { ' ' } else { c }).collect()
}

/// Characters that are not seen but change how a text is shown: of no width, or of another direction. All of them are
/// below U+10000, so that four digits write them.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}')
}

fn counted(n: u64, word: &str) -> String {
    format!("{} {word}{}", crate::mapping::shape::thousands(n), if n == 1 { "" } else { "s" })
}

/// A size as `inspect` shows it.
#[allow(clippy::cast_precision_loss)] // only to show it
fn sized(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1000.0 {
            let places = usize::from(value < 10.0 && unit != "B");
            return format!("{value:.places$} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}
