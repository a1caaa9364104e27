//! Whole migrations, from start to exit, against the floor and against what else a person would take.
//! Owns which runs are made side by side and the tables that are printed; never judges them.
//!
//! `cargo bench -p lite2pg --bench whole [-- WORKLOAD… [--runs N] [--scale X] [--peers csv,duckdb,pgloader]
//! [--sizes] [--workers] [--wire] [--many]]`: without a word, all three workloads against the floor, five runs each. The
//! others measure lite2pg alone: at 0.1, 1 and 10 times the size; with 1, 2 and 4 workers; over a socket, TCP, TLS and
//! 20 ms of latency; with 500 and 10,000 tables.
//!
//! The peers are Debian's `pgloader`, DuckDB's Python package with both its extensions (`PEERS_PYTHON` names that Python),
//! and `sqlite3 -csv | psql`. A peer that is not there, or fails, is named as such.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement that cannot go on must stop, and is shown"
)]

mod floor;
mod ours;
mod peers;

use floor::Floor;
use lite2pg_testkit::cluster::Cluster;
use lite2pg_testkit::proxy::Proxy;
use lite2pg_testkit::workloads::{Workload, many};
use ours::Ours;
use std::path::{Path, PathBuf};

/// Told with every result: what a server of this size would be given, durable as it comes.
const SERVER: [&str; 4] = ["fsync = on", "shared_buffers = 1GB", "maintenance_work_mem = 512MB", "max_wal_size = 8GB"];

struct Wishes {
    workloads: Vec<Workload>,
    runs: usize,
    scale: f64,
    peers: Vec<String>,
    parts: Vec<String>,
}

fn wishes() -> Wishes {
    let mut wishes = Wishes { workloads: Vec::new(), runs: 5, scale: 1.0, peers: Vec::new(), parts: Vec::new() };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().unwrap_or_else(|| panic!("{arg} needs a value"));
        match arg.as_str() {
            "--bench" => {}
            "--runs" => wishes.runs = value().parse().expect("a number of runs"),
            "--scale" => wishes.scale = value().parse().expect("a factor"),
            "--peers" => wishes.peers = value().split(',').map(str::to_owned).collect(),
            "--sizes" | "--workers" | "--wire" | "--many" => wishes.parts.push(arg),
            word => match Workload::ALL.into_iter().find(|w| w.word() == word) {
                Some(workload) => wishes.workloads.push(workload),
                None => panic!("unknown: {word}"),
            },
        }
    }
    if wishes.workloads.is_empty() {
        wishes.workloads = Workload::ALL.to_vec();
    }
    wishes
}

fn main() {
    let wishes = wishes();
    let dir = Path::new("/tmp").join(format!("lite2pg-whole-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory");
    // The server reads the floor's files itself, and runs as another user.
    let _ = std::process::Command::new("chmod").arg("0777").arg(&dir).status();
    let bench = Bench { cluster: start(&[], &[]), dir, wishes };
    println!("PostgreSQL {} with {}", bench.version(), SERVER.join(", "));
    if bench.wishes.parts.is_empty() {
        bench.side_by_side();
    }
    for part in &bench.wishes.parts {
        match part.as_str() {
            "--sizes" => bench.sizes(),
            "--workers" => bench.workers(),
            "--wire" => bench.wire(),
            _ => bench.many(),
        }
    }
    let _ = std::fs::remove_dir_all(&bench.dir);
}

fn start(more: &[&str], files: &[(&str, &[u8])]) -> Cluster {
    Cluster::start_with(&[&SERVER[..], more].concat(), &["host all all 127.0.0.1/32 trust"], files)
}

struct Bench {
    cluster: Cluster,
    dir: PathBuf,
    wishes: Wishes,
}

impl Bench {
    fn version(&self) -> String {
        self.cluster.client("postgres").query_one("SHOW server_version", &[]).expect("a version").get(0)
    }

    fn source(&self, workload: Workload, scale: f64) -> PathBuf {
        let path = self.dir.join(format!("{}-{scale}.sqlite", workload.word()));
        if !path.exists() {
            workload.make(&path, scale);
        }
        path
    }

    /// A fresh database, and nothing left to write from before.
    fn fresh(&self, name: &str) {
        self.cluster.sql(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        self.cluster.sql(&format!("CREATE DATABASE {name}"));
        self.cluster.sql("CHECKPOINT");
    }

    fn ours(&self, source: &Path, more: &[&str]) -> Ours {
        self.fresh("ours");
        ours::run(source, &self.cluster.conninfo("ours"), more, &self.dir)
    }

    /// Each workload: the floor, lite2pg without and with its proof, and the peers, one after the other in each round.
    fn side_by_side(&self) {
        for workload in self.wishes.workloads.iter().copied() {
            let source = self.source(workload, self.wishes.scale);
            // In the order of the source, as a single stream leaves them.
            self.ours(&source, &["--jobs", "1"]);
            let floor = Floor::of(&self.cluster, "ours", &self.dir);
            let mut lines: Vec<(String, Vec<f64>, u64)> =
                ["floor", "floor, rows alone", "lite2pg --no-verify", "lite2pg"]
                    .iter()
                    .map(|name| ((*name).to_owned(), Vec::new(), 0))
                    .collect();
            lines.extend(self.wishes.peers.iter().map(|p| (p.clone(), Vec::new(), 0)));
            let mut stages: Vec<Vec<(String, f64)>> = Vec::new();
            for round in 0..self.wishes.runs {
                self.fresh("floor");
                let (rows, all) = floor.run(&self.cluster, "floor");
                let unproven = self.ours(&source, &["--no-verify"]);
                let proven = self.ours(&source, &[]);
                let mut results = vec![Ok((all, 0)), Ok((rows, 0))];
                results.extend([&unproven, &proven].map(|o| Ok((o.seconds, o.peak))));
                stages.push(proven.stages);
                for peer in &self.wishes.peers {
                    self.fresh("peer");
                    results.push(peers::run(peer, &source, &self.cluster, "peer", &floor));
                }
                for (line, result) in lines.iter_mut().zip(results) {
                    match result {
                        Ok((seconds, peak)) => {
                            line.1.push(seconds);
                            line.2 = line.2.max(peak);
                        }
                        Err(why) => eprintln!("{} in round {round}: {why}", line.0),
                    }
                }
            }
            self.table(workload, &source, &lines);
            println!("\nStages of lite2pg (they overlap), seconds: {}\n", medians(&stages));
        }
    }

    fn table(&self, workload: Workload, source: &Path, lines: &[(String, Vec<f64>, u64)]) {
        let size = std::fs::metadata(source).map_or(0, |m| m.len()) >> 20;
        println!("\n{}, {size} MiB, {} runs\n", workload.word(), self.wishes.runs);
        println!("| | median | least to most | times the floor | peak memory |\n|---|---|---|---|---|");
        let floor = lines.first().map_or(0.0, |l| median(&l.1));
        for (name, seconds, peak) in lines {
            if seconds.is_empty() {
                println!("| {name} | failed | | | |");
                continue;
            }
            let (least, most) = seconds.iter().fold((f64::MAX, 0.0_f64), |(a, b), s| (a.min(*s), b.max(*s)));
            let median = median(seconds);
            let memory = if *peak == 0 { String::new() } else { format!("{} MiB", peak >> 20) };
            println!("| {name} | {median:.2} s | {least:.2} to {most:.2} | {:.2} | {memory} |", median / floor);
        }
    }

    /// Linear in time, flat in memory.
    fn sizes(&self) {
        println!("\n| | size | seconds | MiB/s | peak memory |\n|---|---|---|---|---|");
        for workload in self.wishes.workloads.iter().copied() {
            for scale in [0.1, 1.0, 10.0] {
                let scale = scale * self.wishes.scale;
                let source = self.source(workload, scale);
                let mib = std::fs::metadata(&source).map_or(0, |m| m.len()) >> 20;
                let (seconds, peak) = self.several(|| self.ours(&source, &[]));
                let rate = mib as f64 / seconds;
                println!("| {} | {mib} MiB | {seconds:.2} | {rate:.0} | {} MiB |", workload.word(), peak >> 20);
                if scale > self.wishes.scale {
                    let _ = std::fs::remove_file(&source);
                }
            }
        }
    }

    fn workers(&self) {
        println!("\n| | 1 worker | 2 workers | 4 workers |\n|---|---|---|---|");
        for workload in self.wishes.workloads.iter().copied() {
            let source = self.source(workload, self.wishes.scale);
            let of = |jobs: &str| self.several(|| self.ours(&source, &["--jobs", jobs])).0;
            println!("| {} | {:.2} s | {:.2} s | {:.2} s |", workload.word(), of("1"), of("2"), of("4"));
        }
    }

    fn wire(&self) {
        let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let (pem, secret) = (key.cert.pem(), key.signing_key.serialize_pem());
        let tls = start(&["ssl = on"], &[("server.crt", pem.as_bytes()), ("server.key", secret.as_bytes())]);
        let far = Proxy::slow(self.cluster.port, std::time::Duration::from_millis(10));
        println!("\n| | socket | TCP | TCP with TLS | 20 ms there and back |\n|---|---|---|---|---|");
        for workload in self.wishes.workloads.iter().copied() {
            let source = self.source(workload, self.wishes.scale);
            let by = |cluster: &Cluster, port: u16, ssl: &str| {
                self.several(|| {
                    cluster.sql("DROP DATABASE IF EXISTS ours WITH (FORCE)");
                    cluster.sql("CREATE DATABASE ours");
                    let target = format!("host=127.0.0.1 port={port} user=postgres dbname=ours sslmode={ssl}");
                    ours::run(&source, &target, &[], &self.dir)
                })
                .0
            };
            let socket = self.several(|| self.ours(&source, &[])).0;
            let plain = by(&self.cluster, self.cluster.port, "disable");
            let sealed = by(&tls, tls.port, "require");
            let late = by(&self.cluster, far.port, "disable");
            println!("| {} | {socket:.2} s | {plain:.2} s | {sealed:.2} s | {late:.2} s |", workload.word());
        }
    }

    fn many(&self) {
        println!("\n| tables | rows of each | seconds | peak memory |\n|---|---|---|---|");
        for (tables, rows) in [(500, 100), (10_000, 1)] {
            let source = self.dir.join(format!("many-{tables}.sqlite"));
            many(&source, tables, rows);
            let (seconds, peak) = self.several(|| self.ours(&source, &[]));
            println!("| {tables} | {rows} | {seconds:.2} | {} MiB |", peak >> 20);
        }
    }

    /// The median time and the highest peak of several runs.
    fn several(&self, run: impl Fn() -> Ours) -> (f64, u64) {
        let runs: Vec<Ours> = (0..self.wishes.runs).map(|_| run()).collect();
        let seconds: Vec<f64> = runs.iter().map(|o| o.seconds).collect();
        (median(&seconds), runs.iter().map(|o| o.peak).max().unwrap_or(0))
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

fn medians(runs: &[Vec<(String, f64)>]) -> String {
    let names = runs.first().into_iter().flatten().map(|(name, _)| name);
    let of = |name: &String| {
        let seconds = runs.iter().flatten().filter(|(n, _)| n == name).map(|(_, s)| *s);
        format!("{name} {:.2}", median(&seconds.collect::<Vec<_>>()))
    };
    names.map(of).collect::<Vec<_>>().join(" · ")
}
