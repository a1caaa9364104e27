//! Opens, checks and describes every database of a corpus directory (`LITE2PG_CORPUS`, unpacked), and reads every row.
//! Owns the sweep; never says what a database should hold. Without the variable it does nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use lite2pg_engine::source::{Options, Source};

fn files(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() { files(&path, into) } else { into.push(path) }
    }
}

/// (outcome, detail)
fn sweep(path: &Path, work: &Path) -> (String, String) {
    let source = match Source::open(path, &Options::new(work)) {
        Ok(s) => s,
        Err(e) => {
            assert_eq!(e.kind.exit(), 3, "{e}");
            assert!(e.hint.is_some(), "no hint: {e}");
            return ("refused".into(), e.to_string());
        }
    };
    let raw = match source.raw_schema() {
        Ok(r) => r,
        Err(e) => return ("schema".into(), e.to_string()),
    };
    let mut said: Vec<String> =
        source.damage().into_iter().chain(source.stand_ins()).map(|f| format!("{}:{}", f.code, f.object)).collect();
    let check = source.quick_check(&|| false);
    let mut rows = 0u64;
    let mut reader = source.reader().unwrap();
    for (name, t) in raw.table_list.iter().filter(|(_, t)| t.kind == "table" || t.kind == "shadow") {
        let sql = format!("SELECT * FROM \"{}\" NOT INDEXED", name.replace('"', "\"\""));
        let mut n = 0u64;
        let r = reader.for_each(&sql, &[], |row| {
            let bytes: u64 = (0..row.len()).map(|i| row.get(i).size()).sum();
            std::hint::black_box(bytes);
            n += 1;
            Ok(())
        });
        rows += n;
        if let Err(e) = r {
            said.push(format!("read {name} ({}): {e}", t.kind));
        }
    }
    source.check_unchanged().unwrap();
    match check {
        Ok(f) => {
            said.extend(f.into_iter().map(|f| format!("{} {}: {}", f.code, f.object, f.message)));
            ("ok".into(), format!("{} objects, {rows} rows; {}", raw.objects.len(), said.join(" | ")))
        }
        Err(e) => ("corrupt".into(), format!("{e} ;; {}", said.join(" | "))),
    }
}

#[test]
fn every_database_of_a_corpus() {
    let Ok(dir) = std::env::var("LITE2PG_CORPUS") else { return };
    let work = std::env::temp_dir().join(format!("lite2pg-sweep-{}", std::process::id()));
    let mut all = Vec::new();
    files(Path::new(&dir), &mut all);
    all.sort();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for path in all {
        let name = path.to_string_lossy().into_owned();
        if [".py", ".md", ".tsv", ".sh", ".txt", "-wal", "-journal", "SUMS", ".json", ".tar.xz"]
            .iter()
            .any(|e| name.ends_with(e))
        {
            continue;
        }
        let started = Instant::now();
        let (outcome, detail) = sweep(&path, &work);
        println!("{outcome:8} {:5} ms {name}: {detail}", started.elapsed().as_millis());
        *counts.entry(outcome).or_default() += 1;
    }
    println!("{counts:?}");
}
