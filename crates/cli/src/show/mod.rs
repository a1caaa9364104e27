//! Everything a person or a program sees: lines, bars, the document of `--json`, event logs.
//! Owns both output streams; never decides anything about a run.

pub mod connect;
pub mod findings;
pub mod human;
pub mod json;
pub mod live;
pub mod log;
pub mod page;
mod page_html;
mod page_table;
pub mod planned;
pub mod profiles;
pub mod progress;
pub mod table;
pub mod text;

use crate::args::{Color, Global, LogFormat};
use indicatif::{MultiProgress, ProgressDrawTarget};
use lite2pg_engine::{Error, Kind};
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

/// Standard error holds JSON lines only; for the panic hook, which knows no [`Show`].
static LOG_JSON: AtomicBool = AtomicBool::new(false);

/// An internal error, where nothing else is left to tell it: one line on standard error.
pub fn internal_error(message: &str) {
    if LOG_JSON.load(Ordering::Relaxed) {
        let line = serde_json::json!({ "event": "error", "exit": Kind::Internal.exit(), "message": message });
        return log::Lines::new(std::io::stderr()).put(&line);
    }
    text::to_stderr(&format!("error: {}", text::clean(message)));
}

/// How this process shows things. Cheap to clone; every clone draws to the same bars.
#[derive(Clone)]
pub struct Show {
    /// One JSON document on standard output, nothing else there.
    pub json: bool,
    /// Events as JSON lines on standard error, nothing else there.
    pub log_json: bool,
    /// Only errors and decisions.
    pub quiet: bool,
    /// Everything.
    pub verbose: bool,
    /// Standard error is a terminal that can redraw lines.
    pub bars_wanted: bool,
    /// Events show the plan and its findings.
    pub plan_lines: bool,
    out: Paint,
    err: Paint,
    bars: MultiProgress,
}

/// Colours, or none.
#[derive(Clone, Copy)]
pub struct Paint(bool);

impl Paint {
    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
    /// The word at the beginning of a line.
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }
    /// What is beside the point.
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }
    /// Good.
    pub fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }
    /// Worth a look.
    pub fn warn(self, text: &str) -> String {
        self.wrap("33", text)
    }
    /// Bad.
    pub fn bad(self, text: &str) -> String {
        self.wrap("1;31", text)
    }
}

impl Show {
    /// From the flags and what the streams are.
    pub fn new(global: &Global) -> Show {
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        let color = |is_terminal: bool| match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !dumb && !set("NO_COLOR"),
        };
        let terminal = std::io::stderr().is_terminal();
        let log_json = global.log_format == LogFormat::Json;
        LOG_JSON.store(log_json, Ordering::Relaxed);
        let bars_wanted = terminal && !dumb && !global.quiet && !log_json;
        let drawn = if bars_wanted { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Show {
            json: global.json,
            log_json,
            quiet: global.quiet,
            verbose: global.verbose > 0,
            bars_wanted,
            plan_lines: true,
            out: Paint(color(std::io::stdout().is_terminal())),
            err: Paint(color(terminal)),
            bars: MultiProgress::with_draw_target(drawn),
        }
    }

    /// Colours of standard output.
    pub fn paint(&self) -> Paint {
        self.out
    }

    /// The width of the terminal that standard output is.
    pub fn width(&self) -> Option<usize> {
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
        Some(usize::from(size.ws_col)).filter(|w| *w > 0)
    }

    /// The width of the terminal that standard error is.
    pub fn error_width(&self) -> Option<usize> {
        let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok()?;
        Some(usize::from(size.ws_col)).filter(|w| *w > 0)
    }

    /// Whether a terminal can be told to write over its lines.
    pub fn can_redraw(&self) -> bool {
        !self.json && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
    }

    /// Where bars are drawn.
    pub fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// The same without the plan's line and findings, for a command that shows them its own way.
    #[must_use]
    pub fn without_plan(&self) -> Show {
        Show { plan_lines: false, ..self.clone() }
    }

    /// The same, with nothing but bars, warnings and errors.
    #[must_use]
    pub fn silent(&self) -> Show {
        Show { quiet: true, ..self.clone() }
    }

    /// Whether people read standard output.
    pub fn is_for_people(&self) -> bool {
        !self.json && !self.quiet
    }

    /// A line of the report on standard output, if people read it. The text must be clean.
    pub fn line(&self, text: &str) {
        if self.is_for_people() {
            self.must_line(text);
        }
    }

    /// A line on standard output even with `--quiet`: what the command is for. A closed pipe is no error.
    pub fn must_line(&self, text: &str) {
        if !self.json {
            self.bars.suspend(|| {
                let mut out = std::io::stdout().lock();
                let _ = writeln!(out, "{text}");
                let _ = out.flush();
            });
        }
    }

    /// A line on standard error for people.
    pub fn aside(&self, text: &str) {
        if !self.quiet && !self.log_json {
            self.bars.suspend(|| text::to_stderr(text));
        }
    }

    /// A warning: standard error, always.
    pub fn warning(&self, message: &str) {
        if self.log_line(&serde_json::json!({ "event": "warning", "text": message })) {
            return;
        }
        let line = format!("{} {}", self.err.warn("warning:"), text::clean(message));
        self.bars.suspend(|| text::to_stderr(&line));
    }

    /// An error with its causes and what to do.
    pub fn error(&self, error: &Error, causes: &[String]) {
        let line = serde_json::json!({
            "event": "error", "exit": error.kind.exit(), "object": error.object, "message": error.message,
            "causes": causes, "hint": error.hint,
        });
        if self.log_line(&line) {
            return;
        }
        let _ = self.bars.clear();
        // Lines of a message stay lines, but none of them can pass for one of ours.
        let indented = |t: &str| text::clean_lines(t.trim_end()).replace('\n', "\n       ");
        let object = error.object.as_ref().map(|o| format!("{}: ", text::clean(o))).unwrap_or_default();
        text::to_stderr(&format!("{} {object}{}", self.err.bad("error:"), indented(&error.message)));
        for cause in causes {
            text::to_stderr(&format!("  cause: {}", indented(cause)));
        }
        if let Some(hint) = &error.hint {
            text::to_stderr(&format!("{} {}", self.err.bold(" hint:"), indented(hint)));
        }
    }

    /// The document of `--json`.
    pub fn document(&self, document: &impl serde::Serialize) {
        let _ = self.bars.clear();
        json::print(document);
    }

    /// A line for machines: in the log file, and on standard error if that is theirs; then nothing else is said there.
    fn log_line(&self, line: &serde_json::Value) -> bool {
        log::to_file(line);
        if self.log_json {
            log::Lines::new(std::io::stderr()).put(line);
        }
        self.log_json
    }

    /// The first Ctrl-C.
    pub fn asked_to_end(&self, text: &str) {
        if self.log_line(&serde_json::json!({ "event": "asked-to-end" })) {
            return;
        }
        self.bars.suspend(|| text::to_stderr(&format!("{text} (Ctrl-C again ends at once)")));
    }

    /// The second one: the process ends after this, with the status that is returned.
    pub fn ended_at_once(&self, text: &str) -> u8 {
        let error = Error::new(Kind::Interrupted, "interrupted").hint(text);
        let mut exit = error.kind.exit();
        if self.json {
            let _ = self.bars.clear();
            exit = json::print(&crate::exit::report_of(&error));
        }
        if !self.log_json {
            text::to_stderr(text);
        }
        exit
    }
}
