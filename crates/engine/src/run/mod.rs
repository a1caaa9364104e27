//! Runs: what a person asked for, done step by step, in a way that can be killed at any instant.
//! Owns the order of things; the only place beside `verify` where source and target meet.

pub mod again;
pub mod ahead;
pub mod already;
pub mod changed;
pub mod clock;
pub mod copy;
pub mod estimate;
pub mod examples;
pub mod exclude;
pub mod execute;
pub mod finish;
pub mod fit;
mod huge;
pub mod inspect;
pub mod live;
pub mod migrate;
pub mod normalised;
pub mod prepare;
pub mod queue;
pub mod rehearse;
pub mod reject;
pub mod requests;
pub mod retry;
pub mod room;
pub mod scan;
pub mod session;
pub mod settings;
pub mod shape;
pub mod status;
mod tryout;

pub use crate::cancel::Cancel;
pub use crate::pool;
pub use inspect::{DryRun, Inspection, dry_run, inspect};
pub use migrate::migrate;
pub use rehearse::{Rehearsal, Where, rehearse};
pub use retry::retry;
pub use settings::{Accept, MaxRejects, Settings, TargetSpec};
pub use status::{History, RunStatus, history};
