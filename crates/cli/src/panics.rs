//! A panic, which is a fault of ours: one line on standard error, the document of `--json`, exit 1.
//! Owns the panic hook; never decides what else is an error.

use crate::exit;
use crate::show::{self, json};
use lite2pg_engine::{Error, Kind};
use lite2pg_model::sql::guard;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::process::ExitCode;
use std::sync::OnceLock;

/// The first panic; those after it follow from it.
static FIRST: OnceLock<String> = OnceLock::new();

/// Runs the program.
pub fn told(as_json: bool, program: impl FnOnce() -> ExitCode) -> ExitCode {
    std::panic::set_hook(Box::new(tell));
    // Nothing of what the program held is used afterwards.
    catch_unwind(AssertUnwindSafe(program)).unwrap_or_else(|_| {
        let message = FIRST.get().map_or("internal error", String::as_str);
        if as_json {
            json::print(&exit::report_of(&Error::internal(message)));
        }
        ExitCode::from(Kind::Internal.exit())
    })
}

fn tell(panic: &PanicHookInfo<'_>) {
    if guard::is_guarded() {
        return;
    }
    // A value of a database may stand in it.
    let what: String = panic.payload_as_str().unwrap_or("panic").chars().take(200).collect();
    let place = panic.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
    let message = format!("internal error: {what}{place}; please report it");
    if FIRST.set(message.clone()).is_ok() {
        show::internal_error(&message);
    }
}

#[allow(clippy::unwrap_used, clippy::panic, clippy::exit)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Not a test of its own: the program that panics, in a process of its own.
    #[test]
    #[ignore = "run by the test below"]
    fn program() {
        let code = told(std::env::var_os("AS_JSON").is_some(), || {
            assert_eq!(guard::run(|| -> u8 { panic!("the parser's") }), None);
            std::thread::scope(|s| s.spawn(|| panic!("a \u{1b}[2J worker's")).join().unwrap());
            ExitCode::SUCCESS
        });
        std::process::exit(if code == ExitCode::from(1) { 1 } else { 99 });
    }

    #[test]
    fn a_panic_is_one_line_one_document_and_exit_1() {
        for as_json in [false, true] {
            let mut child = Command::new(std::env::current_exe().unwrap());
            child.args(["--exact", "panics::tests::program", "--ignored", "--nocapture", "--test-threads=1"]);
            if as_json {
                child.env("AS_JSON", "1");
            }
            let out = child.output().unwrap();
            let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
            assert_eq!(out.status.code(), Some(1), "{stdout}{stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
            assert!(stderr.starts_with("error: internal error: a \\u{1b}[2J worker's at "), "{stderr}");
            assert!(stderr.contains("panics.rs:") && stderr.ends_with("; please report it\n"), "{stderr}");
            // The harness says things of its own before it.
            let document = stdout.find('{').map(|i| serde_json::from_str::<serde_json::Value>(&stdout[i..]).unwrap());
            assert_eq!(document.as_ref().map(|d| d["exit"].as_u64()), as_json.then_some(Some(1)), "{stdout}");
        }
    }
}
