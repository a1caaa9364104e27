//! The borders of the house, held by reading the sources: which module may import what, who may print, how long a file
//! may be. Owns the list of the rules and of their exceptions; never compiles anything.
//!
//! A rule that a change breaks names the file and the line. An exception belongs into the lists below, with its reason.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::path::{Path, PathBuf};

/// Longest file, in lines.
const LONGEST: usize = 600;

/// Files that are longer: (path, lines they may have). A table of cases that reads best in one piece.
const LONG: [(&str, usize); 1] = [("crates/model/tests/mapping.rs", 700)];

/// What the libraries may import of the registry, besides themselves.
const MODEL_CRATES: [&str; 6] = ["jiff", "serde", "serde_json", "sha2", "sqlite3_parser", "toml"];

/// One source file: its path from the workspace's root, and its lines without comments, strings' contents and tests.
struct File {
    path: String,
    first: String,
    length: usize,
    code: Vec<(usize, String)>,
}

impl File {
    fn is_test(&self) -> bool {
        let dirs = ["/tests/", "/benches/", "/examples/"];
        dirs.iter().any(|d| self.path.contains(d)) || self.path.ends_with("/tests.rs") || self.in_dir("testkit")
    }

    fn in_dir(&self, dir: &str) -> bool {
        self.path.starts_with(&format!("crates/{dir}/")) || self.path == format!("crates/{dir}.rs")
    }

    /// The lines of code in which one of the words stands.
    fn with<'a>(&'a self, words: &'a [&str]) -> impl Iterator<Item = String> + 'a {
        let hit = move |line: &str| words.iter().any(|w| line.contains(w));
        self.code
            .iter()
            .filter(move |(_, line)| hit(line))
            .map(|(n, line)| format!("{}:{n}: {}", self.path, line.trim()))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// Every source file of the workspace.
fn files() -> Vec<File> {
    let root = root();
    let mut paths = Vec::new();
    walk(&root.join("crates"), &mut paths);
    paths.sort();
    assert!(paths.len() > 100, "only {} source files were found", paths.len());
    paths.iter().map(|path| read(&root, path)).collect()
}

fn read(root: &Path, path: &Path) -> File {
    let text = std::fs::read_to_string(path).unwrap();
    let mut code = Vec::new();
    let (mut tests_follow, mut in_tests) = (false, false);
    for (n, line) in text.lines().enumerate() {
        // A module of unit tests goes up to the next brace at the margin.
        in_tests |= tests_follow && line.starts_with("mod ") && line.ends_with('{');
        if !in_tests {
            code.push((n + 1, without_strings(line)));
        }
        in_tests &= line != "}";
        tests_follow = line.trim() == "#[cfg(test)]";
    }
    File {
        path: path.strip_prefix(root).unwrap().display().to_string(),
        first: text.lines().next().unwrap_or_default().to_owned(),
        length: text.lines().count(),
        code,
    }
}

/// A line of code without its comment and without what stands between quotes.
fn without_strings(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted => drop(chars.next()),
            '\'' if !quoted && chars.peek() == Some(&'"') => drop(chars.next()),
            '"' => quoted = !quoted,
            '/' if !quoted && chars.peek() == Some(&'/') => break,
            _ if quoted => {}
            _ => out.push(c),
        }
    }
    out
}

#[track_caller]
fn none(rule: &str, breaches: Vec<String>) {
    assert!(breaches.is_empty(), "{rule}:\n  {}", breaches.join("\n  "));
}

#[test]
fn the_model_does_no_input_and_no_output() {
    let words = ["fs", "net", "thread", "env", "time", "process", "os"].map(|m| format!("std::{m}"));
    let words: Vec<&str> =
        words.iter().map(String::as_str).chain(["rusqlite", "postgres::", "lite2pg_engine"]).collect();
    let model = files().into_iter().filter(|f| f.in_dir("model/src") && !f.is_test());
    none(
        "model is pure: no file, socket, thread, environment, clock or process",
        model.flat_map(|f| f.with(&words).collect::<Vec<_>>()).collect(),
    );
}

/// The modules of the engine, and those that each of them must not import.
const BORDERS: [(&str, &[&str]); 8] = [
    ("source", &["target", "local", "run", "verify", "safety"]),
    ("target", &["source", "local", "run", "verify", "safety"]),
    ("local", &["source", "target", "run", "verify", "safety"]),
    ("observe", &["source", "target", "local", "run", "verify", "safety", "pool", "error"]),
    ("cancel", &["source", "target", "local", "run", "verify", "safety", "observe", "pool"]),
    ("pool", &["source", "target", "local", "run", "verify", "safety", "observe"]),
    ("space", &["source", "target", "local", "run", "verify", "safety", "observe", "pool", "error"]),
    ("error", &["source", "target", "local", "run", "verify", "safety", "observe", "pool"]),
];

#[test]
fn source_and_target_never_meet_below_run() {
    let mut breaches = Vec::new();
    for file in files().iter().filter(|f| !f.is_test()) {
        let border = BORDERS.iter().find(|(module, _)| file.in_dir(&format!("engine/src/{module}")));
        let Some((_, never)) = border else { continue };
        let direct: Vec<String> = never.iter().map(|m| format!("crate::{m}")).collect();
        breaches.extend(file.with(&direct.iter().map(String::as_str).collect::<Vec<_>>()));
        for grouped in file.with(&["crate::{"]) {
            let names = grouped.split("crate::{").nth(1).unwrap_or_default();
            let named = names
                .split([',', '{', '}', ';', ' '])
                .any(|n| never.contains(&n.split("::").next().unwrap_or_default()));
            // What stands on the following lines is not seen here, so there must be none.
            if named || !names.contains('}') {
                breaches.push(grouped);
            }
        }
    }
    none("imports go downwards only: source, target, local, observe and pool know nothing of each other", breaches);
}

#[test]
fn only_source_reads_sqlite() {
    let others = files().into_iter().filter(|f| !f.is_test() && !f.in_dir("engine/src/source"));
    none("only engine::source uses rusqlite", others.flat_map(|f| f.with(&["rusqlite"]).collect::<Vec<_>>()).collect());
}

/// `run`, `verify` and `safety` are handed a client and ask over it; only `target` makes one to the user's server, and
/// `local` one to the server it has just started.
#[test]
fn only_target_and_local_connect() {
    let may_ask = ["target", "local", "run", "verify", "safety"].map(|m| format!("engine/src/{m}"));
    let may_connect = ["engine/src/target", "engine/src/local"];
    let mut breaches = Vec::new();
    for file in files().iter().filter(|f| !f.is_test()) {
        if !may_ask.iter().any(|d| file.in_dir(d)) {
            breaches.extend(file.with(&["use postgres", " postgres::", "(postgres::"]));
        }
        if !may_connect.iter().any(|d| file.in_dir(d)) {
            breaches.extend(file.with(&["NoTls", "postgres::Config", "Client::connect", "tokio_postgres", "rustls"]));
        }
    }
    none(
        "only engine::target and engine::local connect to PostgreSQL; only run, verify and safety use what they get",
        breaches,
    );
}

#[test]
fn only_the_command_line_talks_and_ends() {
    let words = [
        "println!",
        "eprintln!",
        "print!",
        "eprint!",
        "dbg!",
        "process::exit",
        "process::abort",
        "std::env",
        "env::var",
        "stdin()",
        "stdout()",
        "stderr()",
    ];
    // A pure function of `std::env`: it splits the text it is given.
    let pure = "std::env::split_paths";
    let libraries = files().into_iter().filter(|f| (f.in_dir("model/src") || f.in_dir("engine/src")) && !f.is_test());
    let breaches = libraries.flat_map(|f| f.with(&words).filter(|l| !l.contains(pure)).collect::<Vec<_>>());
    // The keeper is a process of its own: standard input and output are its protocol, standard error is the server's log.
    let keeper = ["child.rs", "embedded.rs"].map(|f| format!("crates/engine/src/local/{f}:"));
    let its_own = |l: &String| ["stdin()", "stdout()", "stderr()"].iter().any(|w| l.contains(w));
    let breaches = breaches.filter(|l| !(its_own(l) && keeper.iter().any(|k| l.starts_with(k))));
    none("only the command line prints, reads the environment and ends the process", breaches.collect());
}

#[test]
fn unsafe_stands_in_one_file() {
    let others = files().into_iter().filter(|f| f.path != "crates/engine/src/source/raw.rs");
    none(
        "unsafe only in source::raw",
        others.flat_map(|f| f.with(&["unsafe ", "allow(unsafe_code"]).collect::<Vec<_>>()).collect(),
    );
}

#[test]
fn nothing_panics_outside_tests() {
    let words = [".unwrap()", ".expect(", "panic!(", "unreachable!(", "todo!(", "unimplemented!("];
    let code = files().into_iter().filter(|f| !f.is_test());
    none("no unwrap, expect or panic outside tests", code.flat_map(|f| f.with(&words).collect::<Vec<_>>()).collect());
}

#[test]
fn every_file_says_what_it_owns_and_is_short() {
    let mut breaches = Vec::new();
    for file in files() {
        if !file.first.starts_with("//!") {
            breaches.push(format!("{}: does not begin with //!", file.path));
        }
        let may = LONG.iter().find(|(path, _)| *path == file.path).map_or(LONGEST, |(_, lines)| *lines);
        if file.length > may {
            breaches.push(format!("{}: {} lines, at most {may}", file.path, file.length));
        }
    }
    none("every file begins with what it owns and is short", breaches);
}

/// Names below `[section]` of a Cargo.toml.
fn dependencies(manifest: &str, section: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(manifest)).unwrap();
    let below = text.lines().skip_while(|l| l.trim() != format!("[{section}]")).skip(1);
    let lines = below.take_while(|l| !l.starts_with('['));
    lines
        .filter_map(|l| l.split(['.', '=', ' ']).next())
        .filter(|n| !n.is_empty() && !n.starts_with('#'))
        .map(|n| n.replace('-', "_"))
        .collect()
}

#[test]
fn crates_depend_downwards_only() {
    let model = dependencies("crates/model/Cargo.toml", "dependencies");
    assert!(!model.is_empty());
    none(
        "model's dependencies are few and pure",
        model.into_iter().filter(|d| !MODEL_CRATES.contains(&d.as_str())).collect(),
    );
    let engine = dependencies("crates/engine/Cargo.toml", "dependencies");
    assert!(engine.contains(&"lite2pg_model".to_owned()));
    let up = ["lite2pg", "lite2pg_testkit", "clap", "indicatif"];
    none(
        "engine knows neither the command line nor the tests",
        engine.into_iter().filter(|d| up.contains(&d.as_str())).collect(),
    );
    let cli = dependencies("crates/cli/Cargo.toml", "dependencies");
    let never = ["rusqlite", "postgres", "tokio_postgres", "lite2pg_testkit"];
    none(
        "the command line reaches databases only through the engine",
        cli.into_iter().filter(|d| never.contains(&d.as_str())).collect(),
    );
    let testkit = dependencies("crates/testkit/Cargo.toml", "dependencies");
    none(
        "the testkit knows nothing of what it tests",
        testkit.into_iter().filter(|d| d.starts_with("lite2pg")).collect(),
    );
}
