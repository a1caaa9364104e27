//! The ready queue: workers take tasks in an order that lets none wait for a lock, until none is left or one has failed.
//! Owns the threads; never knows what a task does (see `tasks`), nor which comes next (see `order`).

pub mod locks;
pub mod order;
pub mod stages;
pub mod tasks;

use crate::error::{Error, Result};
use crate::run::pool::{Cancel, interrupted};
use order::{Next, Order, Task};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Tasks with what they are, for whoever does them.
struct State<T> {
    order: Order,
    /// By the tasks' places; `None`: given out.
    what: Vec<Option<T>>,
    failed: Option<Error>,
}

/// What a task left to be done: where it stands in the order, and what it is.
pub type More<T> = Vec<(Task, T)>;

/// Does every task. `work` gets a task and whether it has the server to itself; it returns tasks that it found to be done.
/// After the first error no task is begun; what runs is finished, and the first error is returned.
///
/// # Errors
/// That of the first task that failed, or `Interrupted`.
pub fn run<W: Send, T: Send>(
    workers: &mut [W],
    tasks: More<T>,
    cancel: &Cancel,
    work: impl Fn(&mut W, T, bool) -> Result<More<T>> + Sync,
) -> Result<()> {
    let (order, what): (Vec<Task>, Vec<Option<T>>) = tasks.into_iter().map(|(task, what)| (task, Some(what))).unzip();
    let state = Mutex::new(State { order: Order::new(order), what, failed: None });
    let changed = Condvar::new();
    let one_line = |worker: &mut W| {
        while let Some((i, task, alone)) = take(&state, &changed, cancel) {
            let outcome = work(worker, task, alone);
            let mut state = lock(&state);
            match outcome {
                Ok(more) => {
                    let (tasks, what): (Vec<Task>, Vec<T>) = more.into_iter().unzip();
                    state.order.done(i, tasks);
                    state.what.extend(what.into_iter().map(Some));
                }
                Err(error) => {
                    state.failed.get_or_insert(error);
                }
            }
            changed.notify_all();
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
    match state.into_inner().unwrap_or_else(PoisonError::into_inner).failed {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// The next task for a free worker, when there is one; `None`: there will be none.
fn take<T>(state: &Mutex<State<T>>, changed: &Condvar, cancel: &Cancel) -> Option<(usize, T, bool)> {
    let mut state = lock(state);
    loop {
        if cancel.requested() {
            state.failed.get_or_insert_with(interrupted);
        }
        if state.failed.is_some() {
            changed.notify_all();
            return None;
        }
        match state.order.begin_next() {
            Next::End => return None,
            Next::Begin { task, alone } => {
                // What follows it may be begun now.
                changed.notify_all();
                let Some(what) = state.what.get_mut(task).and_then(Option::take) else {
                    state.failed.get_or_insert_with(|| Error::internal("a task was given out twice"));
                    continue;
                };
                return Some((task, what, alone));
            }
            Next::Wait if !state.order.is_running() => {
                state.failed.get_or_insert_with(|| Error::internal("tasks are left, and none of them can be begun"));
            }
            Next::Wait => state = changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
