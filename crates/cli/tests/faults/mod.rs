//! Fault scenarios: how they are written, and how they are played with the real binary on real servers.
//! Owns the player and its checks; the scenarios themselves are files in `corpus/scenarios`.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod file;
pub mod place;
pub mod play;
pub mod process;
