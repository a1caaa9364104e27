//! Requests: another process asks a running run to pause, to go on, to go slower or to end.
//! Owns `lite2pg.request`, the asking and the answering; never touches what the run does (see `Cancel`).
//!
//! Who asks writes a row and waits; the run looks once a second over the coordinator's connection while that idles beside
//! the workers, does what is asked, and marks the row. A pause holds each worker where it is, between two rows or two
//! statements: its transaction stays open meanwhile, and so do its locks on tables that nobody else sees yet. A statement
//! of the server, an index for example, is not held: it ends first. Requests are of one process: what was asked of a
//! process that is gone is not done by the next one. The audit keeps who asked for what.

use super::cancel_words::bytes_a_second;
use super::clock;
use super::session::Session;
use super::settings::TargetSpec;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::observe::{Event, Observer};
use crate::target::control::{self, Operator, Run, Status};
use crate::target::error_from_pg;
use crate::target::lock::Keys;
use postgres::Client;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How often a run looks for requests.
const EVERY: Duration = Duration::from_secs(1);
/// How long somebody who asks waits for the answer.
const PATIENCE: Duration = Duration::from_secs(10);
