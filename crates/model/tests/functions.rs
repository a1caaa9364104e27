//! Functions of SQLite give the same in PostgreSQL: generated calls, judged row by row.
//! Owns nothing but the order; `LITE2PG_SEED` and `LITE2PG_CASES` repeat and lengthen a run.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests are tests")]

#[path = "functions/both.rs"]
mod both;
#[path = "functions/dates.rs"]
mod dates;
#[path = "functions/defaults.rs"]
mod defaults;
#[path = "functions/json.rs"]
mod json;
#[path = "functions/nesting.rs"]
mod nesting;
#[path = "functions/printf.rs"]
mod printf;
mod support;
