//! Trying again after a transient error of the target: how long, how often, and what counts as getting on.
//! Owns the waiting; which error is transient stands in `target/transient.rs`. Never reconnects by itself.

use super::pool::Cancel;
use crate::error::{Error, Result};
use crate::observe::{Event, Observer};
use crate::target::transient::{self, Answer, Reached};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The first wait.
const FIRST: Duration = Duration::from_millis(100);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(10);
/// How often a wait looks whether somebody asked to end.
const GLANCE: Duration = Duration::from_millis(20);

/// Who is told of waits, who may end them, and how long trying goes on without getting on.
#[derive(Clone, Copy)]
pub struct Retries<'a> {
    /// Told before each wait.
    pub observer: &'a dyn Observer,
    /// Ends a wait at once.
    pub cancel: &'a Cancel,
    /// `--retry-for`; zero: nothing is tried again.
    pub limit: Duration,
}

impl Retries<'_> {
    /// Does a task, and does it once more, all of it, as often as the server undoes it because of others (a deadlock, a
    /// serialisation failure, a lock that was not to be had) and patience lasts.
    ///
    /// **The task must be one transaction with its ledger mark in it**: then what failed has left nothing, and doing it
    /// again does it once. Every other error is returned as it is: after a lost connection, above all, nobody knows
    /// whether COMMIT was done, and only the next attempt, which reads the ledger, may find out.
    ///
    /// # Errors
    /// That of the task, or `Interrupted` while it waited.
    pub fn task<T>(self, what: &str, mut work: impl FnMut() -> Result<T>) -> Result<T> {
        let mut patience = Patience::new(self.limit);
        loop {
            match work() {
                Err(error) if transient::answer(&error) == Answer::Repeat => patience.wait(self, what, error)?,
                outcome => return outcome,
            }
        }
    }
}

/// What is left of `--retry-for`, and how long the next wait is.
#[derive(Debug)]
pub struct Patience {
    limit: Duration,
    /// The first failure since anything got done.
    since: Option<Instant>,
    next: Duration,
    tries: u32,
}

impl Patience {
    /// All of it.
    pub fn new(limit: Duration) -> Patience {
        Patience { limit, since: None, next: FIRST, tries: 0 }
    }

    /// Something got done since the last failure: all of it is there again.
    pub fn restore(&mut self) {
        *self = Patience::new(self.limit);
    }

    /// Whether nothing of it is left: always, where it was zero.
    pub fn is_over(&self) -> bool {
        self.limit.saturating_sub(self.since.map_or(Duration::ZERO, |since| since.elapsed())).is_zero()
    }

    /// Waits before `what` is tried again; each wait is twice as long as the one before, give or take a quarter, so that
    /// several who were turned away together do not come back together.
    ///
    /// # Errors
    /// The error itself, once patience has run out, with how long it was tried; or `Interrupted`.
    pub fn wait(&mut self, retries: Retries<'_>, what: &str, error: Error) -> Result<()> {
        if self.is_over() {
            return Err(self.gave_up(error));
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        let left = self.limit.saturating_sub(since.elapsed());
        let wait = jittered(self.next).min(left.max(FIRST));
        self.next = self.next.saturating_mul(2).min(LONGEST);
        self.tries = self.tries.saturating_add(1);
        let text = format!("{error}; {what} again in {:.1} s", wait.as_secs_f64());
        retries.observer.see(&Event::Note { text });
        let end = Instant::now() + wait;
        loop {
            retries.cancel.check_ended()?;
            let rest = end.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return Ok(());
            }
            std::thread::sleep(rest.min(GLANCE));
        }
    }

    /// The error after which nothing is tried any more, with how long it was tried.
    pub fn gave_up(&self, mut error: Error) -> Error {
        if let Some(since) = self.since {
            let tried = match self.tries {
                1 => "once".to_owned(),
                n => format!("{n} times"),
            };
            let said = format!(
                "tried again {tried} in {:.0} s, without getting on; --retry-for SECONDS tries longer",
                since.elapsed().as_secs_f64()
            );
            error.hint = Some(error.hint.map_or_else(|| said.clone(), |hint| format!("{hint} ({said})")));
        }
        error
    }
}

/// A duration give or take a quarter.
fn jittered(of: Duration) -> Duration {
    // A hasher's keys are random for each of them: chance enough for this.
    let dice = RandomState::new().hash_one(0_u8) % 1024;
    of.mul_f64(0.75 + dice as f64 / 2048.0)
}

/// Whether another attempt may do better, by how far this process has come.
pub fn worth_another(error: &Error, come: Reached) -> bool {
    match transient::answer(error) {
        // Where no task was repeated for it, the attempt is.
        Answer::Repeat => come >= Reached::Connected,
        Answer::Again(from) => come >= from,
        Answer::Stop => false,
    }
}

/// Listens to a run's events for what got done, attempt after attempt, and passes them on.
///
/// Only what no attempt before had done counts: a server that crashes takes the last commits of the workers with it, and
/// doing the same over and over is not getting on.
pub struct Listener<'a> {
    observer: &'a dyn Observer,
    /// Of this attempt: steps in the ledger, rows in it, tables compared.
    now: [AtomicU64; 3],
    /// The most of any attempt.
    most: [AtomicU64; 3],
}

impl<'a> Listener<'a> {
    /// Nothing has happened yet.
    pub fn new(observer: &'a dyn Observer) -> Self {
        Listener { observer, now: Default::default(), most: Default::default() }
    }

    /// An attempt has ended: whether it got further than every one before. The next one counts anew.
    pub fn got_on(&self) -> bool {
        let mut further = false;
        for (now, most) in self.now.iter().zip(&self.most) {
            let now = now.swap(0, Ordering::SeqCst);
            further |= most.fetch_max(now, Ordering::SeqCst) < now;
        }
        further
    }
}

impl Observer for Listener<'_> {
    fn see(&self, event: &Event) {
        let [steps, rows, compared] = &self.now;
        match event {
            Event::RunStarted { .. } => _ = steps.fetch_add(1, Ordering::SeqCst),
            Event::Resumed { done, rows: copied, .. } => {
                steps.fetch_add(*done, Ordering::SeqCst);
                rows.fetch_add(*copied, Ordering::SeqCst);
            }
            Event::Done { stage: "copy", rows: copied, .. } => _ = rows.fetch_add(*copied, Ordering::SeqCst),
            // These leave no mark in the ledger: each attempt does them anew.
            Event::Done { stage: "census" | "verify", .. } => {}
            Event::Done { .. } => _ = steps.fetch_add(1, Ordering::SeqCst),
            Event::Compared { .. } => _ = compared.fetch_add(1, Ordering::SeqCst),
            _ => {}
        }
        self.observer.see(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::observe::Silent;
    use std::sync::Mutex;

    struct Notes(Mutex<Vec<String>>);

    impl Observer for Notes {
        fn see(&self, event: &Event) {
            if let Event::Note { text } = event {
                self.0.lock().unwrap().push(text.clone());
            }
        }
    }

    fn lost() -> Error {
        Error::target("copying: connection closed").because(std::io::Error::from(std::io::ErrorKind::BrokenPipe))
    }

    #[test]
    fn waits_grow_are_told_and_end() {
        let (notes, cancel) = (Notes(Mutex::default()), Cancel::new());
        let retries = Retries { observer: &notes, cancel: &cancel, limit: Duration::from_millis(600) };
        let mut patience = Patience::new(retries.limit);
        let begin = Instant::now();
        let error = loop {
            if let Err(error) = patience.wait(retries, "an attempt", lost()) {
                break error;
            }
        };
        let took = begin.elapsed();
        assert!(took >= Duration::from_millis(600) && took < Duration::from_secs(3), "{took:?}");
        let notes = notes.0.into_inner().unwrap();
        assert!((3..=6).contains(&notes.len()), "{notes:?}");
        assert!(notes[0].contains("connection closed; an attempt again in 0.1 s"), "{notes:?}");
        assert!(error.kind == Kind::Target && error.hint.unwrap().contains("--retry-for"));
    }

    #[test]
    fn zero_is_never_and_cancel_is_at_once() {
        let cancel = Cancel::new();
        let retries = Retries { observer: &Silent, cancel: &cancel, limit: Duration::ZERO };
        let error = Patience::new(Duration::ZERO).wait(retries, "x", lost()).unwrap_err();
        assert!(error.kind == Kind::Target && error.hint.is_none());
        let retries = Retries { limit: Duration::from_secs(600), ..retries };
        let mut patience = Patience { next: LONGEST, ..Patience::new(retries.limit) };
        let begin = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(50));
                cancel.request();
            });
            assert_eq!(patience.wait(retries, "x", lost()).unwrap_err().kind, Kind::Interrupted);
        });
        assert!(begin.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn doing_the_same_again_is_not_getting_on() {
        let done = |stage| Event::Done { stage, object: String::new(), rows: 5, bytes: 0, seconds: 0.0 };
        let listener = Listener::new(&Silent);
        listener.see(&done("copy"));
        assert!(listener.got_on() && !listener.got_on());
        // The ledger has lost that chunk; it is copied again.
        listener.see(&done("copy"));
        assert!(!listener.got_on());
        listener.see(&Event::Resumed { run: String::new(), done: 0, steps: 9, rows: 5 });
        listener.see(&done("census"));
        assert!(!listener.got_on());
        listener.see(&Event::Resumed { run: String::new(), done: 0, steps: 9, rows: 5 });
        listener.see(&done("keys"));
        assert!(listener.got_on());
    }
}
