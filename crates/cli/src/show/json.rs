//! The one document of `--json`.
//! Owns its printing; never its shape (see the engine's report, and docs/json.md).

use super::text;
use serde::Serialize;
use std::io::Write as _;

/// Prints a document on standard output. A reader that went away is no error: the exit status tells the rest.
pub fn print(document: &impl Serialize) {
    let Ok(json) = serde_json::to_string_pretty(document) else { return };
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", text::clean_json(&json));
    let _ = out.flush();
}
