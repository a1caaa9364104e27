//! Ctrl-C and SIGTERM: the first one asks, the second one ends.
//! Owns the process's signals; never touches a run itself.

use crate::show::Show;
use lite2pg_engine::run::Cancel;
use lite2pg_engine::{Error, Kind};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

/// What runs look at.
pub static CANCEL: Cancel = Cancel::new();

/// What a command says when it is asked to end.
pub struct Ending {
    /// After the first signal.
    asked: &'static str,
    /// After the second one.
    at_once: &'static str,
    /// What to do after an end in order; `None` where the command itself knows.
    next: Option<&'static str>,
}

/// `inspect`, `plan`, `verify`.
pub static LOOK: Ending = Ending {
    asked: "ending; no table is touched",
    at_once: "ended at once; no table was touched, and the same command begins again",
    next: Some("no table was touched; the same command begins again"),
};
/// `rollback`.
pub static UNDO: Ending = Ending {
    asked: "ending; what was begun is done whole or not at all",
    at_once: "ended at once; it was done whole or not at all: lite2pg status tells, and the same command begins again",
    next: Some("nothing was undone; the same command begins again"),
};
/// `backup` and `restore`.
pub static COPY: Ending = Ending {
    asked: "ending; what is half made is removed",
    at_once: "ended at once; what was half made lies in a directory lite2pg-backup-… (or, of an encrypted backup, in the \
              work directory), which the next backup or restore removes",
    next: Some("nothing was made; the same command begins again"),
};
/// `migrate --dry-run`.
pub static TRIAL: Ending = Ending {
    asked: "ending; everything is taken back",
    at_once: "ended at once; PostgreSQL takes everything back, and the same command begins again",
    next: Some("everything was taken back; the same command begins again"),
};
/// `rehearse`.
pub static REHEARSAL: Ending = Ending {
    asked: "ending; the place of the rehearsal is removed",
    at_once: "ended at once; the next rehearsal removes what is left of this one",
    next: None,
};
/// `migrate`.
pub static KEEP: Ending = Ending {
    asked: "finishing the current chunk; the same command goes on later",
    at_once: "ended at once; the same command goes on from the last finished chunk",
    next: None,
};
/// `migrate --on-failure rollback`.
pub static BACK: Ending = Ending {
    asked: "finishing the current chunk, then rolling back",
    at_once: "ended at once, perhaps not rolled back: lite2pg rollback undoes it, the same command goes on with it",
    next: None,
};

static ENDING: OnceLock<&Ending> = OnceLock::new();

/// An interrupted command's own sentence about what to do, if it has one.
pub fn next_step(mut error: Error) -> Error {
    if let Some(next) = ENDING.get().and_then(|e| e.next).filter(|_| error.kind == Kind::Interrupted) {
        error.hint = Some(next.to_owned());
    }
    error
}

/// From now on the first signal asks the run to end in order, and the second one ends the process with 8.
pub fn watch(show: &Show, ending: &'static Ending) {
    watch_then(show, ending, String::new());
}

/// As [`watch`]; after the second signal `then` is told, too: what to type.
pub fn watch_then(show: &Show, ending: &'static Ending, then: String) {
    let ending = *ENDING.get_or_init(|| ending);
    // Without signals a run can still be killed and resumed.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
    let show = show.clone();
    std::thread::spawn(move || {
        for _ in signals.forever() {
            if CANCEL.requested() {
                let told = [ending.at_once, &then].join("\n");
                end(show.ended_at_once(told.trim_end()).into());
            }
            CANCEL.request();
            show.asked_to_end(ending.asked);
        }
    });
}

/// A flag that any of the signals sets; for commands that only wait.
pub fn flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // As above.
        let _ = signal_hook::flag::register(signal, Arc::clone(&flag));
    }
    flag
}

#[allow(clippy::exit, reason = "the second Ctrl-C ends everything; what was done is in the ledger")]
fn end(status: i32) -> ! {
    std::process::exit(status)
}
