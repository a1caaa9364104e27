//! `lite2pg dump`: a managed PostgreSQL as SQL for `psql`.
//! Owns the choice between pg_dump and our own stream of rows; never holds more than one row's bytes of the data.

use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;

use postgres::{Client, NoTls};

use super::child::{Config, Reply, Run, Task};
use super::process::{alive, ask_once, command};
use super::{Engine, Options, Server, USER, place};
use crate::{Error, Result};

/// The schema of the control tables, which is not part of the user's database.
const CONTROL: &str = "lite2pg";

/// Writes the whole database of `o.dir` as SQL that `psql -v ON_ERROR_STOP=1 -X` loads into an empty database, without
/// owners, privileges and the control tables (schema `lite2pg`). A native one that is being served is read through its
/// server; an embedded one must not be in use.
///
/// # Errors
/// Those of [`Server::start`]; `Kind::Target` if reading or writing fails.
pub fn dump(o: &Options, mut out: impl Write) -> Result<()> {
    let dir = std::path::absolute(&o.dir).map_err(|e| super::disk_error("find", &o.dir, e))?;
    if place::find(o, &dir)?.is_none() {
        return Err(Error::usage("holds no database made by lite2pg")
            .about(o.dir.display().to_string())
            .hint("name the directory that a migration without a target made, such as shop.db.pg"));
    }
    let plan = place::resolve(&Options { tcp: None, ..o.clone() })?;
    match plan.config.engine {
        Engine::Native => native(o, &plan.config, &mut out)?,
        Engine::Embedded => embedded(o, plan.config, &mut out)?,
    }
    out.flush().map_err(|e| write_error(&e))
}

fn write_error(e: &std::io::Error) -> Error {
    Error::target(format!("can't write the dump: {e}")).hint("check the space on the disk it goes to")
}

fn native(o: &Options, config: &Config, out: &mut impl Write) -> Result<()> {
    // A living server of ours is used as it is: pg_dump disturbs nobody.
    if let Some(run) = Run::read(&config.home_path()).filter(|r| alive(r.keeper) && alive(r.parent)) {
        return pg_dump(config, Path::new(&run.sockets), run.port, out);
    }
    let server = Server::start(&Options { tcp: None, ..o.clone() })?;
    pg_dump(config, server.socket_dir(), server.port(), out)?;
    server.stop()
}

fn pg_dump(config: &Config, sockets: &Path, port: u16, out: &mut impl Write) -> Result<()> {
    let bin = config.bin.as_ref().ok_or_else(|| Error::internal("no programs of PostgreSQL in the order"))?;
    let program = Path::new(bin).join("pg_dump");
    let failed = |e: std::io::Error| {
        Error::target(format!("can't run pg_dump: {e}")).about(program.display().to_string()).hint("install it")
    };
    let mut child = command(&program, config.search_path.as_deref(), config.ids)
        .args(["--no-owner", "--no-privileges", "--no-password", "--encoding=UTF8", "--username", USER])
        .args(["--exclude-schema", CONTROL, "--port", &port.to_string(), "--host"])
        .arg(sockets)
        .arg("--dbname")
        .arg(format!("dbname='{}'", config.dbname.replace('\\', "\\\\").replace('\'', "\\'")))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut errors = child.stderr.take();
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = errors.as_mut().map(|e| e.take(65536).read_to_end(&mut text));
        text
    });
    let copied = child.stdout.take().map_or(Ok(0), |mut from| std::io::copy(&mut from, out));
    if copied.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(failed)?;
    let text = reader.join().unwrap_or_default();
    copied.map_err(|e| write_error(&e))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::target(format!("pg_dump failed:\n{}", String::from_utf8_lossy(&text).trim())))
}

/// The schema comes from the pg_dump that is compiled in, the rows from COPY: that pg_dump would hold them all in memory.
fn embedded(o: &Options, mut config: Config, out: &mut impl Write) -> Result<()> {
    if let Some(run) = Run::read(&config.home_path()).filter(|r| alive(r.keeper) && alive(r.parent)) {
        return Err(Error::target(format!("this directory is being served (process {})", run.parent))
            .about(config.home_path().display().to_string())
            .hint("the embedded PostgreSQL serves one at a time: stop that `lite2pg serve` first"));
    }
    config.task = Task::Schema;
    let Reply::Schema { before, after, version } = (match ask_once(o, &config)? {
        Reply::Failed(failed) => return Err(failed.into_error()),
        reply => reply,
    }) else {
        return Err(Error::internal("the keeper answered another question"));
    };
    let server = Server::start(&Options { tcp: None, ..o.clone() })?;
    let mut put = |text: &str| out.write_all(text.as_bytes()).map_err(|e| write_error(&e));
    put(&format!("-- Dumped by lite2pg from its embedded PostgreSQL {version}.\n"))?;
    put(&portable(&before))?;
    rows(&server, out)?;
    out.write_all(portable(&after).as_bytes()).map_err(|e| write_error(&e))?;
    server.stop()
}

/// Takes out what an older psql or server does not know: a setting of PostgreSQL 17 and the `\restrict` guard of new
/// pg_dumps, each told by its exact line.
fn portable(sql: &str) -> String {
    let key = sql.lines().find_map(|l| l.strip_prefix("\\restrict ")).unwrap_or("\0");
    let skip = [format!("\\restrict {key}"), format!("\\unrestrict {key}"), "SET transaction_timeout = 0;".to_owned()];
    let mut text = String::with_capacity(sql.len());
    for line in sql.split_inclusive('\n') {
        if !skip.iter().any(|s| line.trim_end() == s) {
            text.push_str(line);
        }
    }
    text
}

/// Tables that hold rows, with the columns that a load may name; extensions' own tables are theirs to fill.
const TABLES: &str = "
SELECT format('%I.%I', n.nspname, c.relname), c.relkind::text,
       coalesce(string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
  AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'lite2pg')
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
GROUP BY n.nspname, c.relname, c.relkind ORDER BY c.relkind DESC, n.nspname, c.relname";

const SEQUENCES: &str = "
SELECT format('SELECT pg_catalog.setval(%L, %s, %L);', format('%I.%I', schemaname, sequencename),
              coalesce(last_value, start_value), last_value IS NOT NULL)
FROM pg_sequences WHERE schemaname NOT IN ('lite2pg', 'information_schema') AND schemaname NOT LIKE 'pg\\_%'
ORDER BY schemaname, sequencename";

fn rows(server: &Server, out: &mut impl Write) -> Result<()> {
    let failed = |e: postgres::Error| {
        let said = e.as_db_error().map_or_else(|| e.to_string(), |d| d.message().to_owned());
        Error::target(format!("can't read the rows: {said}"))
    };
    let mut client = connect(server).map_err(failed)?;
    client
        .batch_execute(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path = ''; SET LOCAL datestyle = 'ISO, YMD'; \
             SET LOCAL intervalstyle = 'postgres'; SET LOCAL extra_float_digits = 3; SET LOCAL timezone = 'UTC'; \
             SET LOCAL bytea_output = 'hex'",
        )
        .map_err(failed)?;
    let tables = client.query(TABLES, &[]).map_err(failed)?;
    let mut views = Vec::new();
    for row in &tables {
        let (name, kind, columns): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        if kind == "m" {
            views.push(name);
            continue;
        }
        let columns = if columns.is_empty() { String::new() } else { format!(" ({columns})") };
        let put = |out: &mut dyn Write, text: String| out.write_all(text.as_bytes()).map_err(|e| write_error(&e));
        put(out, format!("\nCOPY {name}{columns} FROM stdin;\n"))?;
        let mut from = client.copy_out(&format!("COPY {name}{columns} TO STDOUT")).map_err(failed)?;
        std::io::copy(&mut from, out).map_err(|e| write_error(&e))?;
        put(out, "\\.\n".to_owned())?;
    }
    for row in client.query(SEQUENCES, &[]).map_err(failed)? {
        writeln!(out, "{}", row.get::<_, String>(0)).map_err(|e| write_error(&e))?;
    }
    for name in views {
        writeln!(out, "REFRESH MATERIALIZED VIEW {name};").map_err(|e| write_error(&e))?;
    }
    writeln!(out).map_err(|e| write_error(&e))
}

fn connect(server: &Server) -> std::result::Result<Client, postgres::Error> {
    postgres::Config::new()
        .host_path(server.socket_dir())
        .port(server.port())
        .user(server.user())
        .dbname(server.dbname())
        .application_name("lite2pg dump")
        .connect(NoTls)
}
