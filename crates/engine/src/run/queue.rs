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
        let mut unwinding = Unwinding { state: &state, changed: &changed, ended: false };
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
        unwinding.ended = true;
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

/// Tells of a worker whose task panics: the others would wait for that task's end for ever. Once they have ended too, the
/// scope of their threads passes the panic on.
struct Unwinding<'a, T> {
    state: &'a Mutex<State<T>>,
    changed: &'a Condvar,
    /// The worker came to its end as it should.
    ended: bool,
}

impl<T> Drop for Unwinding<'_, T> {
    fn drop(&mut self) {
        if !self.ended {
            lock(self.state).failed.get_or_insert_with(|| Error::internal("a task panicked"));
            self.changed.notify_all();
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn a_panic_in_one_worker_ends_the_others() {
        let (ended, end) = mpsc::channel();
        // On a thread of its own: if it hangs, the test must not.
        std::thread::spawn(move || {
            // The second task waits for the first, so the second worker waits too; neither the second nor what comes
            // after it may be begun.
            let after = |i: usize| Task { needs: vec![i], ..Task::default() };
            let tasks = vec![(Task::default(), 0), (after(0), 1), (after(1), 2)];
            let begun = Mutex::new(Vec::new());
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                run(&mut [(), ()], tasks, &Cancel::new(), |(), i, _| {
                    lock(&begun).push(i);
                    std::thread::sleep(Duration::from_millis(100));
                    panic_any("a task's own panic")
                })
            }));
            let begun = lock(&begun).clone();
            ended.send((outcome.is_err(), begun)).unwrap();
        });
        let (panicked, begun) = end.recv_timeout(Duration::from_secs(10)).expect("the other worker waits for ever");
        assert!(panicked && begun == [0], "{begun:?}");
    }
}
