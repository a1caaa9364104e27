//! What lite2pg does: reads SQLite, writes PostgreSQL, proves them equal.
//! Owns all I/O; never prints, never reads the environment, never exits.

pub mod cancel;
pub mod error;
pub mod local;
pub mod observe;
pub mod pool;
pub mod run;
pub mod safety;
pub mod source;
pub mod space;
pub mod target;
pub mod verify;

pub use error::{Error, Kind, Result};
