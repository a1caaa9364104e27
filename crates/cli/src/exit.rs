//! How a command ends: its exit status, its error as text or JSON.
//! Owns the way from an error to a status; never decides what is an error.

use crate::settings::may_hold_secret;
use crate::show::{Show, json, text};
use lite2pg_engine::observe::Report;
use lite2pg_engine::observe::report::ErrorReport;
use lite2pg_engine::{Error, Kind};
use std::ffi::OsString;
use std::process::ExitCode;

/// The status word of the document of `--json` for an error.
fn status_word(kind: Kind) -> &'static str {
    match kind {
        Kind::NeedsDecision => "needs-decision",
        Kind::Rejected => "rejected",
        Kind::Different => "different",
        Kind::Interrupted => "interrupted",
        Kind::Internal | Kind::Usage | Kind::Source | Kind::Target => "failed",
    }
}

/// The document of a command that ended with an error.
pub fn report_of(error: &Error) -> Report {
    let mut message = error.message.clone();
    for cause in causes(error) {
        message.push_str(": ");
        message.push_str(&cause);
    }
    Report {
        status: status_word(error.kind).to_owned(),
        exit: error.kind.exit(),
        error: Some(ErrorReport { message, hint: error.hint.clone(), object: error.object.clone() }),
        ..Report::default()
    }
}

/// What lies beneath an error, outermost first, without what the line above says already.
pub fn causes(error: &Error) -> Vec<String> {
    let mut said = error.message.clone();
    let mut out = Vec::new();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let words = cause.to_string();
        if !words.is_empty() && !said.contains(&words) {
            said.push_str(&words);
            out.push(words);
        }
        next = cause.source();
    }
    out
}

/// Tells an error and gives its status.
pub fn failed(show: &Show, error: &Error) -> ExitCode {
    if show.json {
        show.document(&report_of(error));
    }
    show.error(error, &causes(error));
    ExitCode::from(error.kind.exit())
}

/// Arguments that clap refused, or a help text that was asked for.
pub fn refused(refused: &clap::Error, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    if !refused.use_stderr() {
        // Help or version; a closed pipe is no reason to complain.
        let _ = refused.print();
        return ExitCode::SUCCESS;
    }
    let arguments: Vec<String> = arguments.into_iter().map(|a| a.to_string_lossy().into_owned()).collect();
    // clap repeats what it did not understand, and that may be a target with a password in it.
    let said = hide_targets(&refused.to_string(), &arguments);
    let said = said.trim_end();
    if wants_json(&arguments) {
        let (message, hint) = said.split_once("\n\n").unwrap_or((said, ""));
        let message = message.trim_start_matches("error: ").to_owned();
        let hint = Some(hint.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|h| !h.is_empty());
        let error = Error { hint, ..Error::usage(message) };
        json::print(&report_of(&error));
    }
    text::to_stderr(&text::clean_lines(said));
    ExitCode::from(Kind::Usage.exit())
}

/// Whether `--json` was asked for, as far as arguments that nobody understood tell.
pub fn wants_json(arguments: &[String]) -> bool {
    arguments.iter().take_while(|a| *a != "--").any(|a| a == "--json")
}

fn hide_targets(text: &str, arguments: &[String]) -> String {
    let mut secret: Vec<&str> = Vec::new();
    for argument in arguments.iter().skip(1) {
        match (argument.starts_with('-'), argument.split_once('=')) {
            (true, Some((_, value))) if may_hold_secret(value) => secret.push(value),
            (true, _) if argument.contains('@') || argument.contains("//") => secret.push(argument),
            (false, _) if may_hold_secret(argument) => secret.push(argument),
            _ => {}
        }
    }
    // One may be a part of another.
    secret.sort_by_key(|s| std::cmp::Reverse(s.len()));
    secret.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "(a target)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_target_is_not_repeated() {
        let arguments = ["lite2pg", "migrate", "a", "b", "postgresql://u:geheim@h/d"].map(str::to_owned);
        let said = hide_targets("error: unexpected argument 'postgresql://u:geheim@h/d' found", &arguments);
        assert!(!said.contains("geheim") && said.contains("unexpected argument"), "{said}");
    }
}
