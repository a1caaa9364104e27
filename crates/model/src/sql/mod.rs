//! SQL on both sides: parses SQLite's text, resolves it, prints PostgreSQL's.
//! Owns the meaning of SQL; never runs any.

pub mod ast;
pub mod guard;
pub mod helpers;
pub mod resolve;
pub mod sqlite;
pub mod translate;
