//! Code of others that may panic: run so that a panic is an answer, and known as such to the program's panic hook.
//! Owns the mark of the thread; never prints and never sets a hook.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread runs guarded code: a panic in it is expected and answered, so a hook has nothing to tell.
pub fn is_guarded() -> bool {
    GUARDED.try_with(Cell::get).unwrap_or(false)
}

/// Runs `work`; `None` if it panicked.
pub fn run<T>(work: impl FnOnce() -> T) -> Option<T> {
    let before = GUARDED.replace(true);
    let out = catch_unwind(AssertUnwindSafe(work)).ok();
    GUARDED.set(before);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_answer_and_the_mark_goes_away() {
        assert_eq!(run(|| (is_guarded(), run(is_guarded))), Some((true, Some(true))));
        let words = String::from("xy");
        assert_eq!(run(|| words[..usize::MAX].len()), None);
        assert!(!is_guarded());
    }
}
