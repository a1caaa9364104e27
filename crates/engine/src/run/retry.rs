//! `migrate --retry-rejected`.
//! Owns.

use super::pool::Cancel;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::observe::{Observer, Report};

/// Tries.
///
/// # Errors
/// Not yet.
pub fn retry(_settings: &Settings, _observer: &dyn Observer, _cancel: &Cancel) -> Result<Report> {
    Err(Error::usage("not yet"))
}
