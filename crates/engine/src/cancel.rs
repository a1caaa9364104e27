//! What a run heeds from outside: the wish that it ends (Ctrl-C), a pause, a throttle.
//! Owns these wishes and the waiting for them; never knows who asked, nor what a run does.

use crate::error::{Error, Kind, Result};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// While a run is held: how often it looks whether it may go on, or must end.
const LOOK: Duration = Duration::from_millis(20);

/// Ctrl-C (or a library's caller) asks the run to end, another process asks it to pause or to go slower; looked at
/// between rows and steps.
#[derive(Debug, Default)]
pub struct Cancel {
    ended: AtomicBool,
    paused: AtomicBool,
    /// Whether somebody listens who can end a pause.
    heeded: AtomicBool,
    /// Bytes a second over all workers; 0: as fast as it goes.
    rate: AtomicU64,
    /// When what went by so far is paid for, in nanoseconds since `begin`.
    paid: AtomicU64,
    begin: OnceLock<Instant>,
}

impl Cancel {
    /// Nobody asks.
    pub const fn new() -> Self {
        Cancel {
            ended: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            heeded: AtomicBool::new(false),
            rate: AtomicU64::new(0),
            paid: AtomicU64::new(0),
            begin: OnceLock::new(),
        }
    }

    /// Asks the run to end. Safe to call from a signal handler.
    pub fn request(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    pub fn requested(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Holds everybody who looks here, until [`Cancel::go_on`], the wish to end, or the end of who could hear either (see
    /// [`Cancel::heed`]).
    pub fn pause(&self) {
        self.paused.store(true, Ordering::Relaxed);
    }

    /// Ends a pause.
    pub fn go_on(&self) {
        self.paused.store(false, Ordering::Relaxed);
    }

    /// Whether the run is to hold.
    pub fn paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    /// Somebody listens from now on who can end a pause, until what is returned is dropped. Without them a pause holds
    /// nobody: it could not be ended. It is not forgotten, and holds again as soon as somebody listens again.
    pub fn heed(&self) -> Heeded<'_> {
        self.heeded.store(true, Ordering::Relaxed);
        Heeded(self)
    }

    /// At most so many bytes a second over all workers from now on; 0: as many as can be.
    pub fn throttle(&self, bytes_a_second: u64) {
        self.rate.store(bytes_a_second, Ordering::Relaxed);
        self.paid.store(0, Ordering::Relaxed);
    }

    /// Bytes a second that are allowed; 0: no limit.
    pub fn rate(&self) -> u64 {
        self.rate.load(Ordering::Relaxed)
    }

    /// An error of kind `Interrupted` if somebody asked for the end. Waits while the run is paused and somebody can end
    /// the pause: the caller's transaction stays open meanwhile.
    ///
    /// # Errors
    /// Somebody asked.
    pub fn check(&self) -> Result<()> {
        while self.paused() && self.heeded.load(Ordering::Relaxed) && !self.requested() {
            std::thread::sleep(LOOK);
        }
        self.check_ended()
    }

    /// As [`Cancel::check`], without ever waiting: where nobody works any more whom a pause could hold.
    ///
    /// # Errors
    /// Somebody asked for the end.
    pub fn check_ended(&self) -> Result<()> {
        if self.requested() { Err(interrupted()) } else { Ok(()) }
    }

    /// As [`Cancel::check`], after `bytes` more have gone by: waits also until what went by before is within the
    /// throttle.
    ///
    /// # Errors
    /// Somebody asked for the end.
    pub fn moved(&self, bytes: u64) -> Result<()> {
        self.check()?;
        let rate = self.rate();
        if rate == 0 {
            return Ok(());
        }
        let cost = u64::try_from(u128::from(bytes) * 1_000_000_000 / u128::from(rate)).unwrap_or(u64::MAX);
        let now = self.now();
        let pay = |paid: u64| Some(paid.max(now).saturating_add(cost));
        // The closure never says no.
        let before = self.paid.fetch_update(Ordering::Relaxed, Ordering::Relaxed, pay).unwrap_or(now);
        while self.now() < before && self.rate() == rate {
            let left = Duration::from_nanos(before.saturating_sub(self.now()));
            std::thread::sleep(left.min(LOOK));
            self.check()?;
        }
        Ok(())
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begin.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Somebody listens who can end a pause, as long as this lives.
#[derive(Debug)]
#[must_use = "a pause holds only while this lives"]
pub struct Heeded<'a>(&'a Cancel);

impl Drop for Heeded<'_> {
    fn drop(&mut self) {
        self.0.heeded.store(false, Ordering::Relaxed);
    }
}

/// The error of a run that was asked to end.
pub fn interrupted() -> Error {
    Error::new(Kind::Interrupted, "interrupted").hint("run the same command again and it goes on from here")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_holds_and_going_on_ends_it() {
        let cancel = Cancel::new();
        let _listener = cancel.heed();
        cancel.pause();
        std::thread::scope(|scope| {
            let held = scope.spawn(|| cancel.check());
            std::thread::sleep(Duration::from_millis(100));
            assert!(!held.is_finished(), "a paused run went on");
            cancel.go_on();
            assert!(held.join().unwrap().is_ok());
        });
    }

    #[test]
    fn a_pause_holds_only_while_somebody_can_end_it() {
        let cancel = Cancel::new();
        cancel.pause();
        cancel.check().unwrap();
        std::thread::scope(|scope| {
            let listener = cancel.heed();
            let held = [scope.spawn(|| cancel.check()), scope.spawn(|| cancel.moved(1))];
            std::thread::sleep(Duration::from_millis(100));
            assert!(held.iter().all(|h| !h.is_finished()), "a paused run went on");
            // What never holds does not hold even now.
            cancel.check_ended().unwrap();
            let begin = Instant::now();
            drop(listener);
            held.into_iter().for_each(|h| h.join().unwrap().unwrap());
            assert!(begin.elapsed() < Duration::from_millis(500));
            // The pause is not forgotten: the next listener finds it.
            assert!(cancel.paused());
            let listener = cancel.heed();
            let held = scope.spawn(|| cancel.check());
            std::thread::sleep(Duration::from_millis(100));
            assert!(!held.is_finished(), "a paused run went on");
            drop(listener);
            held.join().unwrap().unwrap();
        });
        cancel.request();
        assert_eq!(cancel.check_ended().unwrap_err().kind, Kind::Interrupted);
    }

    #[test]
    fn a_listener_that_panics_holds_nobody() {
        let cancel = Cancel::new();
        cancel.pause();
        std::thread::scope(|scope| {
            let listener = cancel.heed();
            let ended = scope.spawn(move || {
                let _listener = listener;
                std::panic::panic_any(());
            });
            assert!(ended.join().is_err());
            cancel.check().unwrap();
        });
    }

    #[test]
    fn the_wish_to_end_ends_a_pause_and_a_throttled_wait_at_once() {
        let paused = Cancel::new();
        let _listener = paused.heed();
        paused.pause();
        let slow = Cancel::new();
        slow.throttle(1);
        slow.moved(1_000_000).unwrap();
        std::thread::scope(|scope| {
            let held = [scope.spawn(|| paused.check()), scope.spawn(|| slow.moved(1))];
            std::thread::sleep(Duration::from_millis(50));
            let begin = Instant::now();
            paused.request();
            slow.request();
            for held in held {
                assert_eq!(held.join().unwrap().unwrap_err().kind, Kind::Interrupted);
            }
            assert!(begin.elapsed() < Duration::from_millis(500));
        });
    }

    #[test]
    fn a_throttle_holds_over_all_workers_together() {
        let cancel = Cancel::new();
        cancel.throttle(1_000_000);
        let begin = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10).for_each(|_| cancel.moved(10_000).unwrap()));
            }
        });
        // 400,000 bytes; the last of each worker need not be waited for.
        let seconds = begin.elapsed().as_secs_f64();
        assert!((0.3..1.5).contains(&seconds), "{seconds}");
    }

    #[test]
    fn a_lifted_throttle_is_not_waited_for() {
        let cancel = Cancel::new();
        cancel.throttle(1);
        cancel.moved(1_000_000).unwrap();
        std::thread::scope(|scope| {
            let held = scope.spawn(|| cancel.moved(1));
            std::thread::sleep(Duration::from_millis(50));
            assert!(!held.is_finished());
            cancel.throttle(0);
            held.join().unwrap().unwrap();
        });
    }
}
