//! Verification: what PostgreSQL gives back against what SQLite held.
//! Owns the comparison; never trusts what was sent, only what is read back.

pub mod again;
mod bundle;
pub mod checks;
pub mod digest;
mod huge;
pub mod pages;
pub mod rows;

pub use again::{Level, verify};
pub mod views;
