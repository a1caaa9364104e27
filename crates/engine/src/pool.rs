//! Tasks over a few workers: each worker takes the next task until none is left or one has failed.
//! Owns the threads; never knows what a task does.

pub use crate::cancel::{Cancel, interrupted};
use crate::error::{Error, Result};
use lite2pg_model::plan::TablePlan;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Runs every task. After the first error no task is begun; what runs is finished, and the first error is returned.
///
/// # Errors
/// That of the first task that failed, or `Interrupted`.
pub fn run<W: Send, T: Send>(
    workers: &mut [W],
    tasks: Vec<T>,
    cancel: &Cancel,
    work: impl Fn(&mut W, T) -> Result<()> + Sync,
) -> Result<()> {
    let queue = Mutex::new(VecDeque::from(tasks));
    let failed: Mutex<Option<Error>> = Mutex::new(None);
    let one_line = |worker: &mut W| {
        loop {
            if let Err(error) = cancel.check() {
                lock(&failed).get_or_insert(error);
            }
            if lock(&failed).is_some() {
                return;
            }
            let Some(task) = lock(&queue).pop_front() else { return };
            if let Err(error) = work(worker, task) {
                lock(&failed).get_or_insert(error);
            }
        }
    };
    if let [only] = workers {
        one_line(only);
    } else {
        std::thread::scope(|scope| {
            for worker in workers {
                scope.spawn(|| one_line(worker));
            }
        });
    }
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Held while a table is handled whose long values are held whole: what `--memory` allows is enough for one worker.
pub struct Alone(#[allow(dead_code, reason = "held, not read")] Option<MutexGuard<'static, ()>>);

impl Alone {
    /// Waits for its turn if the table needs one.
    pub fn on(table: &TablePlan) -> Alone {
        static TURN: Mutex<()> = Mutex::new(());
        Alone(table.long.as_ref().is_some_and(|l| l.alone).then(|| lock(&TURN)))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
