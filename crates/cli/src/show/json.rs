//! The one document of `--json`.
//! Owns its printing, once in a process; never its shape (see the engine's report, and docs/json.md).

use super::text;
use lite2pg_engine::Kind;
use serde::Serialize;
use std::io::Write as _;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::Duration;

/// The `exit` of the document that was printed. Locked while one is printed, so that a second signal cannot cut it off.
static PRINTED: Mutex<Option<u8>> = Mutex::new(None);

/// Prints a document on standard output, unless one was printed before; returns the `exit` of the one that is there.
/// A reader that went away is no error: the exit status tells the rest.
pub fn print(document: &impl Serialize) -> u8 {
    // Another thread that still prints after this has a reader that does not read.
    let Some(mut printed) = (0..40).find_map(|_| mine()) else { return Kind::Interrupted.exit() };
    if let Some(exit) = *printed {
        return exit;
    }
    let value = serde_json::to_value(document).unwrap_or_default();
    let exit = value["exit"].as_u64().and_then(|n| u8::try_from(n).ok()).unwrap_or(0);
    *printed = Some(exit);
    let Ok(json) = serde_json::to_string_pretty(document) else { return exit };
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", text::clean_json(&json));
    let _ = out.flush();
    exit
}

fn mine() -> Option<MutexGuard<'static, Option<u8>>> {
    match PRINTED.try_lock() {
        Ok(printed) => Some(printed),
        Err(TryLockError::Poisoned(printed)) => Some(printed.into_inner()),
        Err(TryLockError::WouldBlock) => {
            std::thread::sleep(Duration::from_millis(50));
            None
        }
    }
}
