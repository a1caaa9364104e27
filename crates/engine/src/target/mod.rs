//! The target: everything that speaks to PostgreSQL.
//! Owns connections and SQL sent to a server; never reads the source.

pub mod catalog;
pub mod connect;
pub mod control;
pub mod copy;
pub mod error;
pub mod ledger;
pub mod lock;
pub mod programs;
pub mod publish;
pub mod rejected;
pub mod staging;
pub mod transient;
pub mod tuning;

pub use connect::{Conninfo, Origin, Surroundings};
pub use error::{error_from_pg, is_connection_lost, is_too_many_connections, refusal};
