//! Every crate that is linked in has a licence we may ship under.
//! Owns the list of licences that are allowed; asks `cargo metadata`, never a network service.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail")]

use serde_json::Value;
use std::process::Command;

/// SPDX identifiers that may be part of what we ship. MPL-2.0 binds changed files of that crate only, and we change none.
const ALLOWED: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "PostgreSQL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that name a file instead: their text was read, and is this licence.
const READ: [(&str, &str); 1] = [("saffron", "BSD-3-Clause")];

/// Whether an SPDX expression can be satisfied: OR needs one side, AND both. `/` is the old way to write OR.
fn allowed(expression: &str) -> bool {
    let expression = expression.replace(" / ", " OR ").replace('/', " OR ");
    let text = expression.trim();
    for (word, all) in [(" OR ", false), (" AND ", true)] {
        let parts = split(text, word);
        if parts.len() > 1 {
            return if all { parts.iter().all(|p| allowed(p)) } else { parts.iter().any(|p| allowed(p)) };
        }
    }
    match text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        Some(inner) => allowed(inner),
        None => ALLOWED.contains(&text),
    }
}

/// Splits at a word outside of parentheses.
fn split(text: &str, word: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0_i32;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if depth == 0 && text[at..].starts_with(word) {
            parts.push(String::new());
            at += word.len();
            continue;
        }
        depth += i32::from(c == '(') - i32::from(c == ')');
        parts.last_mut().unwrap().push(c);
        at += c.len_utf8();
    }
    parts
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    for good in
        ["MIT", "MIT/Apache-2.0", "GPL-2.0-only OR MIT", "(MIT OR GPL-3.0) AND ISC", "Apache-2.0 WITH LLVM-exception"]
    {
        assert!(allowed(good), "{good}");
    }
    for bad in ["", "GPL-2.0-only", "MIT AND GPL-2.0-only", "(MIT AND AGPL-3.0) OR GPL-3.0", "SSPL-1.0", "NON-AI-MIT"] {
        assert!(!allowed(bad), "{bad}");
    }
}

#[test]
fn every_dependency_may_be_shipped() {
    let host = Command::new(env!("CARGO").replace("cargo", "rustc"))
        .arg("-vV")
        .output()
        .or_else(|_| Command::new("rustc").arg("-vV").output());
    let host = String::from_utf8(host.unwrap().stdout).unwrap();
    let host = host.lines().find_map(|l| l.strip_prefix("host: ")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 50, "only {} packages", packages.len());
    let breaches: Vec<String> = packages
        .iter()
        .filter_map(|package| {
            let name = package["name"].as_str().unwrap();
            let read = READ.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, licence)| *licence);
            let licence = package["license"].as_str().or(read).unwrap_or("none named");
            (!allowed(licence)).then(|| format!("{name} {}: {licence}", package["version"]))
        })
        .collect();
    assert!(breaches.is_empty(), "licences that are not on the list:\n  {}", breaches.join("\n  "));
}
