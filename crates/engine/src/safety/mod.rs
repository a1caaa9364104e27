//! What keeps a run from harming: locks, pre-flight, backups, undo.
//! Owns the guards around a run; never moves data.

pub mod backup;
pub mod changes;
pub mod discard;
pub mod fingerprint;
pub mod lock;
mod made;
pub mod proof;
pub mod rollback;
