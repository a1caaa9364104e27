//! What else a person would take: pgloader, DuckDB's extensions, `sqlite3 -csv | psql`.
//! Owns their calls; those that move rows alone get the same keys, indexes and foreign keys afterwards.

use crate::floor::Floor;
use lite2pg_testkit::cluster::Cluster;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Seconds, and the most memory of the largest process in bytes; or why there is no result.
pub fn run(peer: &str, source: &Path, cluster: &Cluster, db: &str, floor: &Floor) -> Result<(f64, u64), String> {
    let begin = Instant::now();
    let peak = match peer {
        "pgloader" => {
            let target = format!("pgsql://postgres@127.0.0.1:{}/{db}", cluster.port);
            return measured(Command::new("pgloader").arg(format!("sqlite://{}", source.display())).arg(target))
                .map(|peak| (begin.elapsed().as_secs_f64(), peak));
        }
        "duckdb" => {
            floor.create(&mut cluster.client(db));
            let moves: String = floor
                .files
                .iter()
                .map(|(t, _)| format!("c.execute('INSERT INTO p.public.\"{t}\" SELECT * FROM s.\"{t}\"')\n"))
                .collect();
            let script = format!(
                "import duckdb\nc = duckdb.connect(config={{'allow_unsigned_extensions': 'true'}})\n\
                 c.execute('LOAD sqlite_scanner')\nc.execute('LOAD postgres_scanner')\n\
                 c.execute(\"ATTACH '{}' AS s (TYPE sqlite, READ_ONLY)\")\n\
                 c.execute(\"ATTACH 'host=127.0.0.1 port={} user=postgres dbname={db}' AS p (TYPE postgres)\")\n{moves}",
                source.display(),
                cluster.port
            );
            let python = std::env::var_os("PEERS_PYTHON").unwrap_or_else(|| "python3".into());
            measured(Command::new(python).arg("-c").arg(script))?
        }
        "csv" => {
            floor.create(&mut cluster.client(db));
            let mut peak = 0;
            for (table, _) in &floor.files {
                let columns = columns(cluster, db, table)?;
                let script = format!(
                    "set -o pipefail; sqlite3 -csv -nullvalue '\\N' '{}' 'SELECT {columns} FROM \"{table}\"' | \
                     psql -qX '{}' -c \"\\\\copy \\\"{table}\\\" from stdin with (format csv, null '\\N')\"",
                    source.display(),
                    cluster.conninfo(db)
                );
                peak = measured(Command::new("bash").arg("-c").arg(script))?.max(peak);
            }
            peak
        }
        other => return Err(format!("{other} is none of csv, duckdb, pgloader")),
    };
    floor.finish(&mut cluster.client(db));
    Ok((begin.elapsed().as_secs_f64(), peak))
}

/// The columns as the shell of SQLite must give them: blobs in hexadecimal.
fn columns(cluster: &Cluster, db: &str, table: &str) -> Result<String, String> {
    let sql = "SELECT string_agg(CASE WHEN atttypid = 'bytea'::regtype \
        THEN '\"\\x\"||hex(' || quote_ident(attname) || ')' ELSE quote_ident(attname) END, ',' ORDER BY attnum) \
        FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0";
    let row = cluster.client(db).query_one(sql, &[&format!("\"{table}\"")]).map_err(|e| e.to_string())?;
    // In the shell the statement stands within single quotes; SQLite takes a name in double quotes that is none for a text.
    Ok(row.get(0))
}

/// Runs it under GNU time.
fn measured(command: &mut Command) -> Result<u64, String> {
    let file = std::env::temp_dir().join(format!("lite2pg-peer-{}", std::process::id()));
    let mut timed = Command::new("/usr/bin/time");
    timed.args(["-f", "%M", "-o"]).arg(&file).arg(command.get_program()).args(command.get_args());
    let out = timed.output().map_err(|e| format!("/usr/bin/time: {e}"))?;
    let said = std::fs::read_to_string(&file).unwrap_or_default();
    let _ = std::fs::remove_file(&file);
    if !out.status.success() {
        let text = [out.stdout, out.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        return Err(text.chars().rev().take(400).collect::<Vec<_>>().into_iter().rev().collect());
    }
    let kib = said.split_whitespace().last().and_then(|w| w.parse::<u64>().ok());
    kib.map(|k| k << 10).ok_or_else(|| "no word from /usr/bin/time".to_owned())
}
