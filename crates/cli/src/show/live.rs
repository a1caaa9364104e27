//! A running run as another terminal sees it: `lite2pg status`, once or again and again.
//! Owns these lines and the redrawing; the engine's `run::live` knows the facts.

use super::table::{self, Side};
use super::text::{self, clean, count, counted};
use super::{Show, human};
use lite2pg_engine::run::RunStatus;
use lite2pg_engine::run::live::{Live, LiveTable, LiveTask};
use std::io::{IsTerminal as _, Write as _};

/// Tables that are shown; all of them with `-v`.
const TABLES: usize = 8;
/// Tasks that are shown.
const TASKS: usize = 8;
/// The longest name that is shown whole.
const NAME: usize = 30;

/// Lines that are written over by the next ones, where standard output is a terminal.
#[derive(Default)]
pub struct Screen {
    redraws: bool,
    again: bool,
    lines: usize,
}

impl Screen {
    /// For showing something again and again.
    pub fn new(show: &Show) -> Screen {
        Screen { redraws: std::io::stdout().is_terminal() && show.can_redraw(), ..Screen::default() }
    }

    /// Shows the lines in the place of those before.
    pub fn put(&mut self, show: &Show, lines: &[String]) {
        if self.again && self.redraws {
            let mut out = std::io::stdout().lock();
            let _ = write!(out, "\u{1b}[{}A\u{1b}[J", self.lines);
        } else if self.again {
            show.must_line("");
        }
        // A line that the terminal breaks would be several: what is redrawn is cut.
        let width = show.width().filter(|_| self.redraws);
        for line in lines {
            match width {
                Some(width) if table::columns(line) > width => show.must_line(&table::cut(&plain(line), width)),
                _ => show.must_line(line),
            }
        }
        (self.again, self.lines) = (true, lines.len());
    }
}

/// Without colours, which a cut might leave on.
fn plain(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    out + rest
}

/// The lines of a running run.
pub fn lines(show: &Show, run: &RunStatus) -> Vec<String> {
    let Some(live) = &run.live else { return Vec::new() };
    let mut lines = Vec::new();
    let process = live.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
    let began = run.started_at.split('.').next().unwrap_or_default();
    let who = clean(&format!("{}@{}", run.operator, run.host)).into_owned();
    lines.push(human::head(
        show,
        "running",
        &format!("{} · for {} · {who}{process}", clean(&run.run), text::seconds(run.seconds)),
    ));
    lines.push(human::head(show, "source", &format!("{} → schema {}", clean(&run.source), clean(&run.schema))));
    lines.push(human::head(show, "began", &format!("{} (UTC)", clean(began))));
    if live.paused {
        let paused = show.paint().warn("paused");
        lines.push(human::head(show, "held", &format!("{paused} · its transactions stay open until continue")));
    }
    if live.throttle > 0 {
        lines.push(human::head(show, "held", &format!("to {}/s over all workers", text::bytes(live.throttle))));
    }
    lines.push(human::head(show, "whole", &whole(run, live)));
    let stages = live.stages.iter().filter(|s| s.tasks > 0);
    let stages: Vec<String> = stages.map(|s| format!("{} {}/{}", s.stage, count(s.done), count(s.tasks))).collect();
    lines.extend(folded(show, "stages", &stages));
    lines.extend(live.tasks.iter().take(TASKS).map(|t| human::head(show, "now", &task(t))));
    if live.tasks.len() > TASKS {
        lines.push(human::head(show, "", &format!("and {} more", live.tasks.len() - TASKS)));
    }
    lines.extend(tables(show, live));
    if let (Some(at), Some(what)) = (&live.last_at, &live.last) {
        let time = at.split(' ').nth(1).unwrap_or(at);
        lines.push(human::head(show, "last", &format!("{time} {}", table::cut(&clean(what), 60))));
    }
    lines
}

fn whole(run: &RunStatus, live: &Live) -> String {
    let mut parts = vec![format!("{:.0} %", live.fraction * 100.0)];
    parts.push(format!("{} of {} rows", count(run.rows_done), count(run.rows)));
    parts.push(format!("{} of {}", text::bytes(live.bytes_done), text::bytes(live.bytes)));
    if let Some(rate) = live.bytes_a_second {
        parts.push(format!("{}/s", text::bytes(rate as u64)));
    }
    if let Some(left) = live.eta_seconds {
        parts.push(format!("{} left", text::about(left)));
    }
    parts.join(" · ")
}

fn folded(show: &Show, word: &str, parts: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.len() + part.len() < 66 => line.extend([" · ", part.as_str()]),
            _ => lines.push(part.clone()),
        }
    }
    let heads = std::iter::once(word).chain(std::iter::repeat(""));
    lines.iter().zip(heads).map(|(line, word)| human::head(show, word, line)).collect()
}

fn task(task: &LiveTask) -> String {
    if task.what == "unseen" {
        return "a session of another role: what it does cannot be seen".to_owned();
    }
    let mut out = task.what.to_owned();
    if let Some(table) = &task.table {
        out.push_str(&format!(" {}", table::cut(&clean(table), NAME)));
    }
    if let Some(rows) = task.rows {
        out.push_str(&format!(" · {}", counted(rows, "row", "rows")));
    }
    if let Some(part) = task.fraction {
        out.push_str(&format!(" · {:.0} %", part * 100.0));
    }
    if let Some(seconds) = task.seconds {
        out.push_str(&format!(" · {}", text::seconds(seconds)));
    }
    if task.waits {
        out.push_str(" · waits for a lock");
    }
    out
}

/// Tables under way and still to come, those under way first, then the largest.
fn tables(show: &Show, live: &Live) -> Vec<String> {
    let done = live.tables.iter().filter(|t| t.rows_done >= t.rows).count();
    let mut open: Vec<&LiveTable> = live.tables.iter().filter(|t| t.rows_done < t.rows).collect();
    open.sort_by_key(|t| (t.rows_done == 0, std::cmp::Reverse(t.bytes)));
    let most = if show.verbose { usize::MAX } else { TABLES };
    let rows: Vec<Vec<String>> = open
        .iter()
        .take(most)
        .map(|t| {
            vec![
                table::cut(&clean(&t.name), NAME),
                format!("{} of {} rows", count(t.rows_done), count(t.rows)),
                format!("{} of {}", text::bytes(t.bytes_done), text::bytes(t.bytes)),
            ]
        })
        .collect();
    let head = format!("{} of {} copied", count(done as u64), counted(live.tables.len() as u64, "table", "tables"));
    let mut lines = vec![human::head(show, "tables", &head)];
    lines.extend(table::lines(&[Side::Left, Side::Right, Side::Right], &rows).iter().map(|l| format!("         {l}")));
    if open.len() > most {
        lines.push(format!("         and {} more (-v shows all)", count((open.len() - most) as u64)));
    }
    lines
}
