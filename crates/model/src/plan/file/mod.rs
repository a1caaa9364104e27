//! The plan's file: TOML that a person reads and edits.
//! Owns its keys, its reading and its writing; never decides what is done about what it says (see `overrides`).

pub mod flags;
pub mod keys;
pub mod near;
mod pgsql;
mod read;
pub mod schema;
mod take;
mod values;
mod write;

pub use read::read;
pub use write::{Page, write};

/// The version of the file that this code reads and writes.
pub const VERSION: i64 = 1;

/// Problems of one file that are told at once, at most.
pub const MOST_PROBLEMS: usize = 20;
