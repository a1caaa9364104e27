//! What lite2pg decides: names, values, schemas, mappings, plans.
//! Owns every rule. Pure functions over plain data; never touches a file, a socket, a clock, a thread or the environment.

#[cfg(feature = "fault-injection")]
pub mod fault;
pub mod finding;
pub mod ident;
pub mod mapping;
pub mod normal;
pub mod plan;
pub mod schema;
pub mod sql;
pub mod value;
