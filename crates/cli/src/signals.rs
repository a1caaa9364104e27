//! Ctrl-C and SIGTERM: the first one asks, the second one ends.
//! Owns the process's signals; never touches a run itself.

use crate::show::Show;
use lite2pg_engine::run::Cancel;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What runs look at.
pub static CANCEL: Cancel = Cancel::new();

/// From now on the first signal asks the run to end in order, and the second one ends the process with 8.
pub fn watch(show: &Show) {
    // Without signals a run can still be killed and resumed.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
    let show = show.clone();
    std::thread::spawn(move || {
        for _ in signals.forever() {
            if CANCEL.requested() {
                show.ended_at_once();
                end(8);
            }
            CANCEL.request();
            show.asked_to_end();
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
