//! Every database named in `LITE2PG_CORPUS` (a directory), migrated whole; a named command, not part of the normal run.
mod running;

use running::{Show, lenient};
use lite2pg_engine::run::{Cancel, migrate};
use lite2pg_testkit::cluster::Cluster;
use std::path::{Path, PathBuf};

fn databases(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            databases(&path, out);
        } else {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let beside = ["-wal", "-shm", "-journal", ".xz", ".py", ".md", ".sh", ".tsv", ".json", ".txt", "SUMS"];
            if !beside.iter().any(|s| name.ends_with(s)) {
                out.push(path);
            }
        }
    }
}

#[test]
fn every_database_of_a_corpus() {
    let Some(dir) = std::env::var_os("LITE2PG_CORPUS") else { return };
    let mut paths = Vec::new();
    databases(Path::new(&dir), &mut paths);
    paths.sort();
    let cluster = Cluster::start(&["fsync = off", "max_locks_per_transaction = 1024"], &[]);
    let work = std::env::temp_dir().join(format!("lite2pg-corpus-{}", std::process::id()));
    for (n, path) in paths.iter().enumerate() {
        let db = format!("c{n}");
        cluster.sql(&format!("CREATE DATABASE {db}"));
        let settings = lenient(path, &cluster, &db, &work);
        let begin = std::time::Instant::now();
        let line = match migrate(&settings, &Show, &Cancel::new()) {
            Ok(r) => format!(
                "exit {} {} tables {} rows {} findings",
                r.exit,
                r.tables.len(),
                r.tables.iter().map(|t| t.rows).sum::<u64>(),
                r.findings.len()
            ) + &r.findings.iter().filter(|f| f.blocks()).map(|f| format!("\n   BLOCKS {} {}: {}", f.code, f.object, f.message)).collect::<String>(),
            Err(e) => format!("error {:?} {e} | {:?} | {:?}", e.kind, e.hint, e.source),
        };
        println!("{:6.2}s {} {line}", begin.elapsed().as_secs_f64(), path.display());
        cluster.sql(&format!("DROP DATABASE {db} WITH (FORCE)"));
    }
}
