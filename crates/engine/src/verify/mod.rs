//! Verification: what PostgreSQL gives back against what SQLite held.
//! Owns the comparison; never trusts what was sent, only what is read back.

pub mod checks;
pub mod digest;
