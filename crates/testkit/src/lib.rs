//! Clusters, fixtures and faults for lite2pg's tests.
//! Owns what a test needs around the tool; never contains a check of the tool itself.

pub mod cluster;
pub mod dice;
pub mod fixtures;
pub mod picture;
pub mod proxy;
pub mod random;
pub mod workloads;
