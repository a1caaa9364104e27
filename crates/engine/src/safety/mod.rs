//! What keeps a run from harming: locks, pre-flight, undo.
//! Owns the guards around a run; never moves data.

pub mod backup;
pub mod lock;
pub mod rollback;
