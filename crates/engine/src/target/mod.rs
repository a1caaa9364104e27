//! The target: everything that speaks to PostgreSQL.
//! Owns connections and SQL sent to a server; never reads the source.

pub mod connect;
pub mod error;

pub use connect::{Conninfo, Surroundings};
pub use error::{error_from_pg, is_connection_lost};
