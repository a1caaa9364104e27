//! The report as a person reads it: source, target, plan, tables, what was proven, how to connect, how to undo.
//! Owns the wording; never the facts (they are the engine's events and report).

use super::table::{self, Side};
use super::{Show, findings, text};
use lite2pg_engine::observe::Event;
use lite2pg_engine::observe::report::{How, Report, TableReport};
use lite2pg_model::plan::Objects;

/// Tables that are shown without `-v`; the largest ones and all that differ.
const TABLES: usize = 40;
/// Objects of one code that are shown without `-v`.
const OBJECTS: usize = 3;

/// `source   …`: the word at the beginning of a line.
pub fn head(show: &Show, word: &str, rest: &str) -> String {
    format!("{}{} {rest}", show.paint().bold(word), " ".repeat(8usize.saturating_sub(word.len())))
}

/// The lines of an event that comes before the rows.
pub fn first_lines(show: &Show, event: &Event, inspect: &str) -> Vec<String> {
    match event {
        Event::Source { path, bytes, journal, encoding, read } => {
            let path = text::clean(path);
            let (what, read) =
                (format!("{path} · {} · {journal} · {encoding}", text::bytes(*bytes)), text::clean(read));
            // A private copy comes with its reason and its place.
            match read.len() > 40 {
                true => {
                    let mut lines = vec![head(show, "source", &what)];
                    lines.extend(text::wrapped(9, &read, show.width()));
                    lines
                }
                false => vec![head(show, "source", &format!("{what} · {read}"))],
            }
        }
        Event::Target { target, version, database, schema, managed } => {
            // `15.18 (Debian 15.18-0+deb12u1)`
            let version = text::clean(version.split(' ').next().unwrap_or_default());
            let (target, database, schema) = (text::clean(target), text::clean(database), text::clean(schema));
            let what = match managed {
                Some(engine) => format!("PostgreSQL {version} ({engine}, managed) in {target}"),
                None => format!("PostgreSQL {version} · {target}"),
            };
            vec![head(show, "target", &format!("{what} · database {database} · schema {schema}"))]
        }
        Event::Resumed { run, done, steps, rows } => {
            let rows = text::counted(*rows, "row", "rows");
            let what = format!("run {run} · {done} of {steps} steps and {rows} were done before");
            vec![head(show, "resumed", &what)]
        }
        Event::Planned { tables, rows, keys_and_indexes, foreign_keys, views, triggers, findings } => {
            let mut parts =
                vec![format!("{}, {}", text::counted(*tables, "table", "tables"), text::counted(*rows, "row", "rows"))];
            if *keys_and_indexes > 0 {
                parts.push(text::counted(*keys_and_indexes, "key or index", "keys and indexes"));
            }
            if *foreign_keys > 0 {
                parts.push(text::counted(*foreign_keys, "foreign key", "foreign keys"));
            }
            if *views > 0 {
                parts.push(text::counted(*views, "view", "views"));
            }
            if *triggers > 0 {
                parts.push(text::counted(*triggers, "trigger", "triggers"));
            }
            let counts = findings::counts(findings);
            if !counts.is_empty() {
                parts.push(counts);
            }
            let mut out = vec![head(show, "plan", &parts.join(" · "))];
            let most = if show.verbose { usize::MAX - 1 } else { OBJECTS };
            out.extend(findings::lines(findings, most, inspect, show));
            out
        }
        _ => Vec::new(),
    }
}

/// Every table with its rows and both digests.
pub fn tables(show: &Show, report: &Report) -> Vec<String> {
    let mut order: Vec<&TableReport> = report.tables.iter().collect();
    let shown = if show.verbose { usize::MAX } else { TABLES };
    let counted = report.compared_now == "counts" && !report.already_done;
    let compared = counted || report.tables.iter().any(|t| !t.target_sha256.is_empty());
    let differs = |t: &TableReport| compared && !t.verified;
    let left_out = order.len().saturating_sub(shown);
    if left_out > 0 {
        let mut by_size = order.clone();
        by_size.sort_by_key(|t| (!differs(t), std::cmp::Reverse(t.bytes)));
        let keep: Vec<&str> = by_size.iter().take(shown).map(|t| t.name.as_str()).collect();
        order.retain(|t| keep.contains(&t.name.as_str()) || differs(t));
    }
    let paint = show.paint();
    let first = |digest: &str| {
        if digest.is_empty() { "—".to_owned() } else { digest.chars().take(12).collect::<String>() + "…" }
    };
    // A column more where rows did not arrive.
    let rejected = report.tables.iter().any(|t| t.rejected > 0);
    let with = |mut line: Vec<String>, cell: String| {
        if rejected {
            line.insert(2, cell);
        }
        line
    };
    let titles = ["table", "rows", "bytes", "time", "sha256 source", "sha256 target", ""];
    let mut rows = vec![with(titles.iter().map(|t| (*t).to_owned()).collect(), "rejected".to_owned())];
    for t in &order {
        let verdict = match (compared, t.verified) {
            (true, true) if counted => "as many".to_owned(),
            (true, true) => "equal".to_owned(),
            (true, false) if t.rows.saturating_sub(t.rejected) != t.target_rows => {
                format!("DIFFERENT: {} rows in the target", text::count(t.target_rows))
            }
            (true, false) => "DIFFERENT".to_owned(),
            (false, _) => "not compared".to_owned(),
        };
        let line = vec![
            table::cut(&text::clean(&t.name), 48),
            text::count(t.rows),
            text::bytes(t.bytes),
            text::seconds(t.seconds),
            first(&t.source_sha256),
            first(&t.target_sha256),
            verdict,
        ];
        rows.push(with(line, text::count(t.rejected)));
    }
    let mut sides = vec![Side::Left, Side::Right, Side::Right, Side::Right, Side::Left, Side::Left, Side::Left];
    if rejected {
        sides.insert(2, Side::Right);
    }
    let mut lines = table::lines(&sides, &rows);
    if lines.len() > 1 {
        for (i, line) in lines.iter_mut().enumerate() {
            *line = match (i, line.strip_suffix("equal")) {
                (0, _) => format!("  {}", paint.dim(line)),
                (_, Some(rest)) => format!("  {rest}{}", paint.good("equal")),
                _ if line.contains("DIFFERENT") => format!("  {}", paint.bad(line)),
                _ => format!("  {line}"),
            };
        }
    } else {
        lines.clear();
    }
    if report.tables.len() > order.len() {
        let rest = text::counted((report.tables.len() - order.len()) as u64, "more table", "more tables");
        let how = if compared { "equal" } else { "not compared" };
        lines.push(format!("  and {rest}, {how}: -v lists them, --json gives every digest"));
    }
    lines
}

/// The rows that differ, as far as they are named: which, in what, and how to see them.
pub fn differences(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for table in &report.tables {
        let Some(differences) = table.differences.as_ref().filter(|d| d.count() > 0) else { continue };
        for row in &differences.named {
            let how = match row.how {
                How::Missing => "missing in the target",
                How::Extra => "only in the target",
                How::Changed => "changed",
            };
            lines.push(format!("  {} · {how} · {}", text::clean(&table.name), text::clean(&row.key)));
            for c in &row.columns {
                let (source, target) = (text::clean(&c.source), text::clean(&c.target));
                lines.push(format!("      {}: {source} in the source, {target} in the target", text::clean(&c.column)));
            }
            lines.push(format!("      sqlite3  {}", text::clean(&row.source_sql)));
            lines.push(format!("      psql     {}", text::clean(&row.target_sql)));
        }
        let rest = differences.count().saturating_sub(differences.named.len() as u64);
        if rest > 0 {
            lines.push(format!("  {} · and {} more", text::clean(&table.name), text::counted(rest, "row", "rows")));
        }
    }
    lines
}

/// `11 of 11 foreign keys · 2 of 3 views …`: only kinds that the source has.
pub fn objects(objects: &Objects) -> String {
    let kinds = [
        ("primary keys", objects.primary_keys),
        ("unique", objects.unique),
        ("not null", objects.not_null),
        ("checks", objects.checks),
        ("defaults", objects.defaults),
        ("generated", objects.generated),
        ("indexes", objects.indexes),
        ("foreign keys", objects.foreign_keys),
        ("sequences", objects.sequences),
        ("views", objects.views),
        ("triggers", objects.triggers),
        ("virtual tables", objects.virtual_tables),
    ];
    let words =
        kinds.iter().filter(|(_, c)| c.source > 0 || c.carried > 0).map(|(word, c)| match c.source == c.carried {
            true => format!("{word} {}", text::count(c.source)),
            false => format!("{word} {} of {}", text::count(c.carried), text::count(c.source)),
        });
    words.collect::<Vec<_>>().join(" · ")
}

/// What was proven beside the rows.
pub fn proven(report: &Report) -> Option<String> {
    let mut parts = Vec::new();
    if !report.views.is_empty() {
        let same = report.views.iter().filter(|v| v.verified).count() as u64;
        let compared = report.views.iter().filter(|v| v.not_compared.is_none()).count() as u64;
        let left = report.views.len() as u64 - compared;
        if compared > 0 {
            parts.push(format!("views {} of {} give the same rows", text::count(same), text::count(compared)));
        }
        if left > 0 {
            parts.push(format!("{} not compared", text::counted(left, "view", "views")));
        }
    }
    if report.foreign_keys_valid > 0 {
        parts.push(format!("{} valid", text::counted(report.foreign_keys_valid, "foreign key", "foreign keys")));
    }
    if report.foreign_keys_not_valid > 0 {
        let n = text::counted(report.foreign_keys_not_valid, "foreign key", "foreign keys");
        parts.push(format!("{n} not validated (a policy keeps orphans)"));
    }
    if report.sequences_beyond_keys > 0 {
        let n = text::counted(report.sequences_beyond_keys, "sequence", "sequences");
        parts.push(format!("{n} beyond every key"));
    }
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// The views whose rows were not compared, each with the reason: nobody may take them for equal.
pub fn not_compared(report: &Report) -> Vec<String> {
    let views = report.views.iter().filter_map(|v| Some((&v.name, v.not_compared.as_ref()?)));
    views.map(|(name, why)| format!("view {}: {}", text::clean(name), text::clean(why))).collect()
}

/// `census 0.1 s · copy 0.4 s …`: the stages and what the rest was. Where stages overlapped there is no rest, and it says so;
/// else they are rounded so that they add up to the whole time.
pub fn stages(report: &Report, managed: bool) -> String {
    let unit = if report.seconds < 1.0 { 0.001 } else { 0.1 };
    let what = if managed { "start and stop of PostgreSQL, bookkeeping" } else { "connecting, bookkeeping" };
    let mut parts: Vec<(String, f64)> =
        report.stages.iter().map(|s| (text::clean(&s.name).into_owned(), s.seconds / unit)).collect();
    let rest = report.seconds / unit - parts.iter().map(|(_, n)| n).sum::<f64>();
    let overlap = rest < 0.0;
    // Each is rounded down; what is left over goes to those that lost most.
    if !overlap {
        parts.push((what.to_owned(), rest));
    }
    let mut units: Vec<u64> = parts.iter().map(|(_, n)| n.floor() as u64).collect();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|a, b| parts[*b].1.fract().total_cmp(&parts[*a].1.fract()));
    let all: f64 = parts.iter().map(|(_, n)| n).sum();
    let left = (all.round() as u64).saturating_sub(units.iter().sum());
    order.iter().take(left as usize).for_each(|i| units[*i] += 1);
    let shown = parts.iter().zip(units).filter(|(_, n)| *n > 0).map(|((name, _), n)| match unit < 0.01 {
        true => format!("{name} {n} ms"),
        false => format!("{name} {}", text::seconds(n as f64 * unit)),
    });
    let shown = shown.collect::<Vec<_>>().join(" · ");
    if overlap { format!("{shown} · at once in part") } else { shown }
}

/// `7.2 s · peak memory 92 MiB`.
pub fn cost(report: &Report) -> String {
    let memory = match report.peak_rss_bytes {
        0 => String::new(),
        n => format!(" · peak memory {}", text::bytes(n)),
    };
    format!("{}{memory}", text::seconds(report.seconds))
}
