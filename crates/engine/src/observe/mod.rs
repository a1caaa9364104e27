//! What happened: events as they happen, the report at the end.
//! Owns their shapes; never prints (the command line draws them) and never decides.

pub mod estimate;
pub mod event;
pub mod memory;
pub mod report;

pub use estimate::Estimate;
pub use event::{Event, Observer, Silent};
pub use report::Report;
