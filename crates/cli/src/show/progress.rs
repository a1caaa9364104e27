//! Events as a person sees them while a run goes on: the first lines, a bar on a terminal, plain lines elsewhere.
//! Owns what is shown between begin and end; never the report (see `human`).

use super::{Show, human, text};
use indicatif::{ProgressBar, ProgressStyle};
use lite2pg_engine::observe::{Event, Observer};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Without a terminal: how often a long stage says where it is.
const EVERY: Duration = Duration::from_secs(10);
/// Without a terminal: tables of at least so many bytes get a line of their own.
const LARGE: u64 = 64 << 20;
/// Stages shorter than this get no line of their own; the report has all times.
const SHORT: f64 = 1.0;

/// Shows events to a person.
pub struct People {
    show: Show,
    /// The command that shows all findings.
    inspect: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stage: &'static str,
    begin: Option<Instant>,
    last: Option<Instant>,
    rows: u64,
    bytes: u64,
    all_rows: u64,
    all_bytes: u64,
    tables: BTreeMap<String, (u64, u64)>,
    bar: Option<ProgressBar>,
}

impl People {
    /// `inspect` is the command that shows all findings.
    pub fn new(show: &Show, inspect: String) -> Self {
        People { show: show.clone(), inspect, state: Mutex::new(State::default()) }
    }

    fn begin(&self, state: &mut State, stage: &'static str, rows: u64, bytes: u64) {
        state.end_bar();
        let now = Instant::now();
        *state =
            State { stage, begin: Some(now), last: Some(now), all_rows: rows, all_bytes: bytes, ..State::default() };
        if self.show.bars_wanted {
            let bar = self.show.bars().add(ProgressBar::new(rows));
            bar.set_style(style(rows > 0));
            bar.set_prefix(stage);
            bar.enable_steady_tick(Duration::from_millis(200));
            state.bar = Some(bar);
        }
    }

    fn progress(&self, state: &mut State, table: &str, rows: u64, bytes: u64) {
        state.rows += rows;
        state.bytes += bytes;
        let of_table = state.tables.entry(table.to_owned()).or_default();
        of_table.0 += rows;
        of_table.1 += bytes;
        if let Some(bar) = &state.bar {
            bar.set_position(state.rows);
            bar.set_message(format!("{}  {}", state.amount(), super::table::cut(&text::clean(table), 30)));
        } else if state.last.is_some_and(|l| l.elapsed() >= EVERY) {
            state.last = Some(Instant::now());
            self.show.aside(&format!("  {}   {}", state.stage, state.where_we_are()));
        }
    }

    fn done(&self, state: &mut State, seconds: f64) {
        state.end_bar();
        if self.show.bars_wanted && !self.show.verbose {
            return;
        }
        if state.stage == "copy" {
            for (table, (rows, bytes)) in state.tables.iter().filter(|(_, (_, b))| *b >= LARGE || self.show.verbose) {
                let (rows, bytes) = (text::counted(*rows, "row", "rows"), text::bytes(*bytes));
                self.show.aside(&format!("  copy   {}   {rows} · {bytes}", text::clean(table)));
            }
        }
        if seconds >= SHORT || self.show.verbose {
            let amount = if state.rows > 0 { format!(" · {}", state.amount()) } else { String::new() };
            self.show.aside(&format!("  {}   {}{amount}", state.stage, text::seconds(seconds)));
        }
    }
}

impl State {
    fn amount(&self) -> String {
        let mut out = text::counted(self.rows, "row", "rows");
        if self.bytes > 0 {
            out.push_str(&format!(" · {}", text::bytes(self.bytes)));
            let seconds = self.begin.map_or(0.0, |b| b.elapsed().as_secs_f64());
            if seconds > 0.5 {
                out.push_str(&format!(" · {}/s", text::bytes((self.bytes as f64 / seconds) as u64)));
            }
        }
        out
    }

    fn where_we_are(&self) -> String {
        let mut out = self.amount();
        let seconds = self.begin.map_or(0.0, |b| b.elapsed().as_secs_f64());
        let (part, all) = if self.all_bytes > 0 { (self.bytes, self.all_bytes) } else { (self.rows, self.all_rows) };
        if all > part && part > 0 {
            let left = seconds * (all - part) as f64 / part as f64;
            out.push_str(&format!(" · {} % · about {} left", part * 100 / all, text::seconds(left)));
        }
        out
    }

    fn end_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn style(known: bool) -> ProgressStyle {
    let template = if known {
        "  {prefix:<12} {bar:30} {percent:>3} %  {msg}  ETA {eta}"
    } else {
        "  {prefix:<12} {spinner} {elapsed}  {msg}"
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("━╸─")
}

impl Observer for People {
    fn see(&self, event: &Event) {
        let show = &self.show;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Planned { .. } if !show.plan_lines => {}
            Event::Source { .. } | Event::Target { .. } | Event::Resumed { .. } | Event::Planned { .. } => {
                for line in human::first_lines(show, event, &self.inspect) {
                    show.line(&line);
                }
            }
            Event::Note { text } => show.aside(&format!("note: {}", text::clean(text))),
            Event::Detail { text } if show.verbose => show.aside(&format!("  {}", text::clean(text))),
            Event::StageStarted { stage, bytes, rows, .. } => self.begin(&mut state, stage, *rows, *bytes),
            Event::StageDone { seconds, .. } => self.done(&mut state, *seconds),
            Event::Progress { table, rows, bytes, .. } => self.progress(&mut state, table, *rows, *bytes),
            Event::Done { stage, object, rows: 0, seconds, .. } if show.verbose && *stage != "census" => {
                show.aside(&format!("  {stage}   {}   {}", text::clean(object), text::seconds(*seconds)));
            }
            Event::RunStarted { run } if show.verbose => show.aside(&format!("  run   {run}")),
            _ => {}
        }
    }
}

impl Drop for People {
    fn drop(&mut self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).end_bar();
    }
}

/// Tells several observers.
pub struct Fan(pub Vec<Box<dyn Observer + Send>>);

impl Observer for Fan {
    fn see(&self, event: &Event) {
        self.0.iter().for_each(|o| o.see(event));
    }
}
