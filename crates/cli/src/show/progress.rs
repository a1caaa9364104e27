//! Events as a person sees them while a run goes on: the first lines; on a terminal a line for each running task and one
//! for the whole; plain lines elsewhere.
//! Owns what is shown between begin and end, and when; `board` knows what is going on, `human` the report.

mod board;

use super::{Show, human, text};
use board::{Board, TASKS};
use indicatif::{ProgressBar, ProgressStyle};
use lite2pg_engine::observe::{Event, Observer};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Without a terminal: how often a long run says where it is.
const EVERY: Duration = Duration::from_secs(10);
/// On a terminal: how often the lines are drawn.
const DRAW: Duration = Duration::from_millis(200);
/// Without a terminal: tables of at least so many bytes get a line of their own.
const LARGE: u64 = 64 << 20;
/// Stages shorter than this get no line of their own; the report has all times.
const SHORT: f64 = 1.0;
/// A run that is over sooner draws nothing.
const SOON: f64 = 0.3;

/// Shows events to a person.
pub struct People {
    show: Show,
    /// The command that shows all findings.
    inspect: String,
    begin: Instant,
    state: Arc<Mutex<State>>,
    /// Dropped, it ends the thread that draws.
    ending: Option<Sender<()>>,
    drawing: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    board: Board,
    /// When the last plain line was said.
    said: Option<Instant>,
    lines: Vec<ProgressBar>,
}

impl People {
    /// `inspect` is the command that shows all findings; `migrates`: what comes is a whole migration.
    pub fn new(show: &Show, inspect: String, migrates: bool) -> Self {
        let state = State { board: Board::new(migrates), ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let (ending, ended) = mpsc::channel();
        let begin = Instant::now();
        let drawing = (!show.quiet && !show.log_json).then(|| {
            let (show, state) = (show.clone(), Arc::clone(&state));
            std::thread::spawn(move || {
                while ended.recv_timeout(DRAW) == Err(RecvTimeoutError::Timeout) {
                    tick(&show, &mut lock(&state), begin);
                }
            })
        });
        People { show: show.clone(), inspect, begin, state, ending: Some(ending), drawing }
    }

    /// The lines of a stage that has ended, where no bars are.
    fn stage_done(&self, state: &State, stage: &str, took: f64) {
        if self.show.bars_wanted && !self.show.verbose {
            return;
        }
        if stage == "copy" {
            for (table, (rows, bytes)) in state.board.copied() {
                if *bytes >= LARGE || self.show.verbose {
                    let (rows, bytes) = (text::counted(*rows, "row", "rows"), text::bytes(*bytes));
                    self.show.aside(&format!("  copy   {}   {rows} · {bytes}", text::clean(table)));
                }
            }
        }
        if took >= SHORT || self.show.verbose {
            let amount = state.board.stage(stage).map(|s| amount(s.rows, s.bytes, took)).unwrap_or_default();
            self.show.aside(&format!("  {stage}   {}{amount}", text::seconds(took)));
        }
    }
}

/// ` · 5 rows · 3 MiB · 2 MiB/s`.
fn amount(rows: u64, bytes: u64, took: f64) -> String {
    if rows == 0 {
        return String::new();
    }
    let mut out = format!(" · {}", text::counted(rows, "row", "rows"));
    if bytes > 0 {
        out.push_str(&format!(" · {}", text::bytes(bytes)));
        if took > 0.5 {
            out.push_str(&format!(" · {}/s", text::bytes((bytes as f64 / took) as u64)));
        }
    }
    out
}

fn tick(show: &Show, state: &mut State, begin: Instant) {
    let now = begin.elapsed().as_secs_f64();
    state.board.pass(now);
    if state.board.running().next().is_none() || now < SOON {
        return state.clear();
    }
    if show.bars_wanted {
        return state.draw(show, now);
    }
    if state.said.get_or_insert(begin).elapsed() >= EVERY {
        state.said = Some(Instant::now());
        let line = state.board.where_we_are(now);
        show.aside(&line);
    }
}

impl State {
    fn draw(&mut self, show: &Show, now: f64) {
        // The last column stays free: some terminals break the line there.
        let width = show.error_width().unwrap_or(80).saturating_sub(1).max(20);
        let mut lines = self.board.task_lines(now, width);
        lines.push(self.board.whole(now, width));
        while self.lines.len() > lines.len() {
            if let Some(bar) = self.lines.pop() {
                bar.finish_and_clear();
                show.bars().remove(&bar);
            }
        }
        while self.lines.len() < lines.len() && self.lines.len() < TASKS + 2 {
            let bar = show.bars().add(ProgressBar::new_spinner());
            bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar()));
            self.lines.push(bar);
        }
        for (bar, line) in self.lines.iter().zip(lines) {
            bar.set_message(line);
            bar.tick();
        }
    }

    fn clear(&mut self) {
        self.lines.drain(..).for_each(|bar| bar.finish_and_clear());
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Observer for People {
    fn see(&self, event: &Event) {
        let show = &self.show;
        let mut state = lock(&self.state);
        state.board.see(event, self.begin.elapsed().as_secs_f64());
        match event {
            Event::Planned { .. } if !show.plan_lines => {}
            Event::Source { .. } | Event::Target { .. } | Event::Resumed { .. } | Event::Planned { .. } => {
                for line in human::first_lines(show, event, &self.inspect) {
                    show.line(&line);
                }
            }
            Event::Note { text } => show.aside(&format!("note: {}", text::clean(text))),
            Event::Detail { text } if show.verbose => show.aside(&format!("  {}", text::clean(text))),
            Event::StageDone { stage, seconds } => self.stage_done(&state, stage, *seconds),
            Event::Done { stage, object, rows: 0, seconds, .. } if show.verbose && *stage != "census" => {
                show.aside(&format!("  {stage}   {}   {}", text::clean(object), text::seconds(*seconds)));
            }
            Event::RunStarted { run } if show.verbose => show.aside(&format!("  run   {run}")),
            Event::Request { request, bytes_a_second, by } => {
                show.aside(&format!("  asked by {}: {}", text::clean(by), asked(request, *bytes_a_second)));
            }
            _ => {}
        }
    }
}

fn asked(request: &str, bytes_a_second: u64) -> String {
    match request {
        "pause" => "pause; every worker holds, with its transaction open".to_owned(),
        "continue" => "go on".to_owned(),
        "throttle" if bytes_a_second == 0 => "as fast as it goes".to_owned(),
        "throttle" => format!("at most {}/s over all workers", text::bytes(bytes_a_second)),
        "abort" => "end, as after Ctrl-C".to_owned(),
        _ => "something that this version does not know; nothing is done".to_owned(),
    }
}

impl Drop for People {
    fn drop(&mut self) {
        drop(self.ending.take());
        if let Some(drawing) = self.drawing.take() {
            let _ = drawing.join();
        }
        lock(&self.state).clear();
    }
}

/// Tells several observers.
pub struct Fan(pub Vec<Box<dyn Observer + Send>>);

impl Observer for Fan {
    fn see(&self, event: &Event) {
        self.0.iter().for_each(|o| o.see(event));
    }
}
