//! What is going on, from events: tasks that run, stages, what went by, what is left; and the lines that show it.
//! Owns that state and the wording of its lines; knows no terminal and no clock (the time is handed in).

use crate::show::table::{columns, cut};
use crate::show::text::{about, bytes, clean, count, counted, seconds};
use lite2pg_engine::observe::estimate::{Kind, Told};
use lite2pg_engine::observe::{Estimate, Event};
use std::collections::BTreeMap;

/// Task lines that are shown at once.
pub const TASKS: usize = 8;
/// A table of which nothing was heard for so many seconds, and that nobody said had begun, is no running task.
const IDLE: f64 = 2.0;
/// The rate that is shown is that of the last seconds.
const RATE: f64 = 5.0;
/// What a row is believed to weigh where only rows are known.
const ROW: u64 = 64;

/// A running task.
#[derive(Clone, Debug)]
struct Task {
    begin: f64,
    heard: f64,
    /// How many workers are at it, as far as they have said so; 0: it was heard of by its rows alone.
    workers: u32,
    rows: u64,
    bytes: u64,
    /// Bytes of tasks that tell nothing on the way.
    silent: u64,
}

/// A stage that goes on, or went by.
#[derive(Clone, Debug, Default)]
pub struct Stage {
    running: bool,
    /// Rows that went by.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    all_rows: u64,
    all_bytes: u64,
}

/// All of it.
#[derive(Default)]
pub struct Board {
    estimate: Estimate,
    /// The whole migration lies before us, not only a look.
    migrates: bool,
    /// The estimate has the plan.
    planned: bool,
    tasks: BTreeMap<(&'static str, String), Task>,
    stages: BTreeMap<&'static str, Stage>,
    /// Rows and bytes of tables, by their names, where the census has told them.
    sizes: BTreeMap<String, (u64, u64)>,
    /// Rows and bytes that each table's copy has come to, those of an earlier process included.
    copied: BTreeMap<String, (u64, u64)>,
    /// Tables of which all rows are in, and all tables.
    tables: (u64, u64),
    paused: bool,
    throttle: u64,
    /// When how many bytes had gone by, over all stages.
    trace: Vec<(f64, u64)>,
    moved: u64,
}

impl Board {
    /// `migrates`: what comes is a migration from begin to end.
    pub fn new(migrates: bool) -> Board {
        Board { migrates, ..Board::default() }
    }

    /// Takes an event.
    pub fn see(&mut self, event: &Event, now: f64) {
        match event {
            Event::Source { bytes, .. } if self.migrates => self.estimate.guess(*bytes),
            Event::Source { bytes, .. } => {
                self.estimate.work(Kind::Check, 1, *bytes, 0);
                self.estimate.work(Kind::Census, 1, *bytes / 5 * 4, 0);
            }
            Event::StageStarted { stage, bytes, rows, .. } => self.stage_begins(stage, *rows, *bytes, now),
            Event::StageDone { stage, .. } => self.stage_ends(stage, now),
            Event::Ahead { stages } => {
                self.planned = true;
                [Kind::Check, Kind::Census].into_iter().for_each(|kind| self.estimate.finished(kind, now));
                let mut work: BTreeMap<Kind, (u64, u64, u64)> = BTreeMap::new();
                for of in [Kind::Copy, Kind::Keys, Kind::Indexes, Kind::Verify, Kind::Constraints, Kind::Analyze] {
                    work.insert(of, (0, 0, 0));
                }
                for ahead in stages {
                    let of = work.entry(Kind::of(ahead.stage)).or_default();
                    *of = (of.0 + ahead.tasks, of.1 + ahead.bytes, of.2 + ahead.bytes_done);
                    let stage = self.stages.entry(ahead.stage).or_default();
                    (stage.all_rows, stage.all_bytes) = (ahead.rows, ahead.bytes);
                    if ahead.stage == "create" {
                        self.tables.1 = ahead.tasks;
                    }
                }
                for (kind, (tasks, bytes, done)) in work {
                    self.estimate.work(kind, tasks, bytes, done);
                }
            }
            Event::Started { stage, object, bytes } => {
                let silent = if tells(stage) { 0 } else { *bytes };
                self.estimate.begun(Kind::of(stage), silent, now);
                let task = self.task(stage, object, now);
                task.workers += 1;
                task.silent += silent;
            }
            Event::Progress { stage, table, rows, bytes } => self.went_by(stage, table, *rows, *bytes, now),
            Event::Done { stage, object, rows, bytes, .. } => self.done(stage, object, (*rows, *bytes), now),
            Event::Request { request, bytes_a_second, .. } => match request.as_str() {
                "pause" => self.paused = true,
                "continue" => self.paused = false,
                "throttle" => self.throttle = *bytes_a_second,
                _ => {}
            },
            Event::Published { .. } => self.estimate.end(),
            _ => {}
        }
    }

    /// Time goes by without an event.
    pub fn pass(&mut self, now: f64) {
        if self.paused {
            self.estimate.held(now);
        }
        self.tasks.retain(|_, t| t.workers > 0 || now - t.heard < IDLE);
        self.trace.push((now, self.moved));
        let old = self.trace.iter().take_while(|(at, _)| now - at > RATE).count();
        self.trace.drain(..old.saturating_sub(1));
    }

    /// Stages that go on.
    pub fn running(&self) -> impl Iterator<Item = &'static str> {
        self.stages.iter().filter(|(_, s)| s.running).map(|(name, _)| *name)
    }

    /// A stage, as far as it was heard of.
    pub fn stage(&self, stage: &str) -> Option<&Stage> {
        self.stages.get(stage)
    }

    /// Rows and bytes of each table's copy.
    pub fn copied(&self) -> &BTreeMap<String, (u64, u64)> {
        &self.copied
    }

    fn task(&mut self, stage: &'static str, object: &str, now: f64) -> &mut Task {
        let new = Task { begin: now, heard: now, workers: 0, rows: 0, bytes: 0, silent: 0 };
        self.tasks.entry((stage, object.to_owned())).or_insert(new)
    }

    fn stage_begins(&mut self, name: &'static str, rows: u64, bytes: u64, now: f64) {
        let kind = Kind::of(name);
        let stage = self.stages.entry(name).or_default();
        stage.running = true;
        if rows > 0 || bytes > 0 {
            (stage.all_rows, stage.all_bytes) = (rows, bytes.max(stage.all_bytes));
        }
        // Stages before the plan have no tasks that tell their begin.
        if !self.planned {
            if !self.migrates && rows > 0 {
                self.estimate.work(kind, 0, if bytes > 0 { bytes } else { rows * ROW }, 0);
            }
            let silent = self.estimate.left_of(kind);
            self.estimate.begun(kind, if name == "check" { silent } else { 0 }, now);
        }
    }

    fn stage_ends(&mut self, name: &'static str, now: f64) {
        if let Some(stage) = self.stages.get_mut(name) {
            stage.running = false;
        }
        // `keys` may end before `indexes`, but each kind is of one stage alone, except what is short.
        self.estimate.finished(Kind::of(name), now);
        self.tasks.retain(|(stage, _), _| *stage != name);
    }

    fn went_by(&mut self, name: &'static str, table: &str, rows: u64, bytes: u64, now: f64) {
        let stage = self.stages.entry(name).or_default();
        stage.rows += rows;
        stage.bytes += bytes;
        let weight = match (bytes, stage.all_rows) {
            (0, 0) => rows * ROW,
            (0, all) if stage.all_bytes > 0 => (rows as f64 * stage.all_bytes as f64 / all as f64) as u64,
            (0, _) => rows * ROW,
            (bytes, _) => bytes,
        };
        if name == "copy" {
            let of = self.copied.entry(table.to_owned()).or_default();
            *of = (of.0 + rows, of.1 + bytes);
        }
        let before = self.planned && name == "copy" && !self.tasks.contains_key(&(name, table.to_owned()));
        if before {
            // Of an earlier process: the estimate knows it.
            return;
        }
        self.moved += weight;
        self.estimate.moved(Kind::of(name), weight, now);
        let task = self.task(name, table, now);
        task.rows += rows;
        task.bytes += weight;
        task.heard = now;
    }

    fn done(&mut self, name: &'static str, object: &str, (rows, bytes): (u64, u64), now: f64) {
        if name == "census" {
            self.sizes.insert(object.to_owned(), (rows, bytes));
            self.tables.1 = self.sizes.len() as u64;
        }
        let whole = |copied: &BTreeMap<String, (u64, u64)>, sizes: &BTreeMap<String, (u64, u64)>| {
            let here = copied.get(object).map_or(0, |c| c.0);
            sizes.get(object).is_none_or(|s| here >= s.0)
        };
        if name == "copy" && whole(&self.copied, &self.sizes) {
            self.tables.0 = (self.tables.0 + 1).min(self.tables.1);
        }
        let key = (name, object.to_owned());
        let Some(task) = self.tasks.get_mut(&key) else { return };
        let share = task.silent / u64::from(task.workers.max(1));
        if task.workers > 0 {
            self.estimate.ended(Kind::of(name), share, now);
        }
        task.silent -= share;
        task.workers = task.workers.saturating_sub(1);
        // A chunk of a table may be followed by another one.
        task.heard = now;
        if task.workers == 0 && (name != "copy" || whole(&self.copied, &self.sizes)) {
            self.tasks.remove(&key);
        }
    }

    /// What can be said of the whole.
    pub fn told(&mut self, now: f64) -> Told {
        self.estimate.tell(now)
    }

    /// Bytes a second in the last seconds, over all that goes by.
    pub fn rate(&self) -> Option<f64> {
        let ((from, before), (to, after)) = (self.trace.first()?, self.trace.last()?);
        (to - from >= 1.0).then(|| (after - before) as f64 / (to - from)).filter(|r| *r > 0.0)
    }

    /// The line of the whole, at most so wide.
    pub fn whole(&mut self, now: f64, width: usize) -> String {
        let told = self.told(now);
        let percent = (told.fraction * 100.0).floor();
        let bar = bar(told.fraction, 10);
        let stages: Vec<&str> = self.running().collect();
        let stages = if stages.is_empty() { String::new() } else { stages.join(", ") };
        let copy = self.stages.get("copy").filter(|c| c.rows > 0);
        let stage = copy.or_else(|| self.stages.values().filter(|s| s.running).max_by_key(|s| s.rows));
        let rows = stage.filter(|s| s.rows > 0).map(|s| counted(s.rows, "row", "rows"));
        let moved = stage.filter(|s| s.bytes > 0).map(|s| bytes(s.bytes));
        let rate = self.rate().map(|r| format!("{}/s", bytes(r as u64)));
        let left = match (self.paused, told.left) {
            (true, _) => Some("paused".to_owned()),
            (false, Some(left)) if self.throttle > 0 => Some(format!("{} left, throttled", about(left))),
            (false, Some(left)) => Some(format!("{} left", about(left))),
            (false, None) => None,
        };
        let stages = (!stages.is_empty()).then_some(stages);
        let many = self.planned && self.tables.1 > TASKS as u64;
        let tables = many.then(|| format!("{}/{} tables", count(self.tables.0), count(self.tables.1)));
        // From the fullest to the shortest: the first that fits.
        let join = |parts: &[&Option<String>]| {
            let parts: Vec<&str> = parts.iter().filter_map(|p| p.as_deref()).collect();
            format!("  {percent:>3} % {bar} {}", parts.join(" · "))
        };
        let forms = [
            join(&[&stages, &tables, &rows, &moved, &rate, &left]),
            join(&[&tables, &rows, &moved, &rate, &left]),
            join(&[&tables, &moved, &rate, &left]),
            join(&[&tables, &rate, &left]),
            join(&[&left]),
        ];
        let fits = forms.iter().find(|f| columns(f) <= width).or(forms.last());
        cut(fits.map_or("", String::as_str).trim_end(), width)
    }

    /// A line for each running task, at most [`TASKS`] and one that counts the rest; those that run longest first.
    pub fn task_lines(&self, now: f64, width: usize) -> Vec<String> {
        let mut tasks: Vec<_> = self.tasks.iter().filter(|(_, t)| t.workers > 0 || now - t.heard < IDLE).collect();
        tasks.sort_by(|a, b| a.1.begin.total_cmp(&b.1.begin));
        let name_width = width.saturating_sub(52).clamp(8, 30);
        let line = |((stage, object), task): &(&(&'static str, String), &Task)| {
            let name = cut(&clean(object), name_width);
            let gap = " ".repeat(name_width.saturating_sub(columns(&name)));
            let mut parts = Vec::new();
            if task.rows > 0 {
                parts.push(counted(task.rows, "row", "rows"));
                if let Some((all, _)) = self.sizes.get(object).filter(|s| s.0 > 0 && *stage != "census") {
                    let here = if *stage == "copy" { self.copied.get(object).map_or(0, |c| c.0) } else { task.rows };
                    parts.push(format!("{} %", here.min(*all).saturating_mul(100) / all));
                }
                let age = now - task.begin;
                if age >= 1.0 {
                    parts.push(format!("{}/s", bytes((task.bytes as f64 / age) as u64)));
                }
            } else if now - task.begin >= 0.5 {
                parts.push(seconds(now - task.begin));
            }
            let many = if task.workers > 1 { format!(" ×{}", task.workers) } else { String::new() };
            cut(&format!("    {:<11} {name}{gap} {}{many}", stage, parts.join(" · ")), width)
        };
        let mut lines: Vec<String> = tasks.iter().take(TASKS).map(line).collect();
        if tasks.len() > TASKS {
            lines.push(format!("    and {} more", count((tasks.len() - TASKS) as u64)));
        }
        lines
    }

    /// Where it is, for a line that stays: no bar.
    pub fn where_we_are(&mut self, now: f64) -> String {
        let whole = self.whole(now, 200);
        let after = whole.split_once('%').map_or("", |(_, after)| after);
        let percent = whole.split_once('%').map_or("", |(before, _)| before).trim();
        format!("  {percent} % · {}", after.trim_start_matches([' ', '━', '╸', '─']))
    }
}

/// Whether tasks of a stage tell rows as they go by.
fn tells(stage: &str) -> bool {
    matches!(stage, "copy" | "verify" | "census" | "trial")
}

fn bar(fraction: f64, width: usize) -> String {
    let full = (fraction * width as f64).floor() as usize;
    let mut out = "━".repeat(full.min(width));
    if full < width {
        out.push('╸');
        out.push_str(&"─".repeat(width - full - 1));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use lite2pg_engine::observe::event::Ahead;

    fn started(stage: &'static str, object: &str, bytes: u64) -> Event {
        Event::Started { stage, object: object.to_owned(), bytes }
    }

    fn moved(table: &str, rows: u64, bytes: u64) -> Event {
        Event::Progress { stage: "copy", table: table.to_owned(), rows, bytes }
    }

    fn ended(stage: &'static str, object: &str, rows: u64) -> Event {
        Event::Done { stage, object: object.to_owned(), rows, bytes: rows * 10, seconds: 0.1 }
    }

    /// A run of so many tables of 1,000 rows, up to its first task.
    fn begun(tables: u64) -> Board {
        let mut board = Board::new(true);
        for i in 0..tables {
            board.see(&ended("census", &format!("t{i}"), 1000), 0.5);
        }
        let of = |stage, tasks, bytes| Ahead { stage, tasks, bytes, rows: tables * 1000, ..Ahead::default() };
        let stages =
            vec![of("create", tables, 0), of("copy", tables, tables * 10_000), of("keys", tables, tables * 24_000)];
        board.see(&Event::Ahead { stages }, 1.0);
        board.see(&Event::StageStarted { stage: "copy", bytes: 0, rows: 0, steps: 0 }, 1.0);
        board
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_no_name_reaches_it_raw() {
        let names = ["t", "\u{1b}[2J\u{1b}]0;x\u{7}", "日本語のとても長い名前".repeat(9).as_str(), "a\nb", "\u{202e}x"]
            .map(str::to_owned);
        for width in [20, 40, 60, 79, 80, 120, 250] {
            let mut board = begun(20);
            for (i, name) in names.iter().enumerate() {
                board.see(&started("copy", name, 1 << 40), 1.0 + i as f64);
                board.see(&moved(name, 123_456_789_012, 1 << 50), 4.0);
            }
            for now in [4.1, 5.0, 60.0, 100_000.0] {
                board.pass(now);
                let mut lines = board.task_lines(now, width);
                lines.push(board.whole(now, width));
                for line in lines {
                    assert!(columns(&line) <= width, "{width}: {line}");
                    assert!(!line.chars().any(char::is_control) && !line.contains('\u{202e}'), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn ten_thousand_tables_are_a_few_lines() {
        let mut board = begun(10_000);
        for i in 0..200 {
            board.see(&started("copy", &format!("t{i}"), 10_000), 2.0);
        }
        let lines = board.task_lines(2.5, 79);
        assert_eq!(lines.len(), TASKS + 1);
        assert!(lines.last().is_some_and(|l| l.contains("and 192 more")), "{lines:?}");
        for i in 0..200 {
            board.see(&moved(&format!("t{i}"), 1000, 10_000), 3.0);
            board.see(&ended("copy", &format!("t{i}"), 1000), 3.0);
        }
        board.pass(3.5);
        assert!(board.task_lines(3.5, 79).is_empty());
        let whole = board.whole(3.5, 79);
        assert!(whole.contains("200/10,000 tables"), "{whole}");
    }

    #[test]
    fn a_paused_run_says_so_and_tells_no_time() {
        let mut board = begun(2);
        board.see(&started("copy", "t0", 10_000), 1.0);
        board.see(&moved("t0", 500, 5000), 5.0);
        board.pass(5.0);
        assert!(board.whole(5.0, 79).contains(" left"));
        let ask = |request: &str| Event::Request { request: request.to_owned(), bytes_a_second: 0, by: String::new() };
        board.see(&ask("pause"), 6.0);
        let whole = board.whole(6.5, 79);
        assert!(whole.ends_with("paused") && !whole.contains("left"), "{whole}");
        board.see(&ask("continue"), 7.0);
        assert!(board.whole(7.5, 79).contains(" left"));
    }

    #[test]
    fn what_an_earlier_process_copied_is_counted_but_is_no_speed() {
        let mut board = begun(2);
        board.see(&moved("t0", 1000, 10_000), 1.0);
        board.pass(1.0);
        board.pass(2.5);
        assert_eq!(board.rate(), None);
        assert_eq!(board.stage("copy").map(|c| c.rows), Some(1000));
        assert!(board.task_lines(2.5, 79).is_empty(), "no task runs");
    }
}
