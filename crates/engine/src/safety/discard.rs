//! What is given up by an undo, saved to a file first: the rows that were written since the tables were published.
//! Owns the file (SQL for psql, 0600, never over another one, on disk before anything is removed); never removes a row.

use super::changes::{Found, TableChange, of_row};
use super::made;
use crate::error::{Error, Result};
use crate::run::pool::Cancel;
use crate::run::settings::Settings;
use crate::target::control::Run;
use crate::target::error_from_pg;
use lite2pg_model::ident::{literal, pg, pg_in};
use lite2pg_model::plan::Plan;
use postgres::Transaction;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Rows that are asked for by their places at once.
const PLACES: usize = 1000;

/// A file with what is given up. It is removed again where nothing was given up after all.
pub struct Saved {
    path: PathBuf,
    keep: bool,
}

impl Saved {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// From now on it stays: what is in it may be gone from the target.
    pub fn keep(&mut self) {
        self.keep = true;
    }
}

impl Drop for Saved {
    fn drop(&mut self) {
        if !self.keep {
            // What it holds is still where it was.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Writes what was written to a run's tables since they were published: of each table that is no longer what it was the rows
/// that were added or changed, or all rows where single ones cannot be told. `also` are other changes, in words: what they made is
/// written as comments. The file is
/// on disk when this returns.
///
/// # Errors
/// The file is there already or cannot be written, or the target cannot be read.
pub fn save(
    tx: &mut Transaction<'_>,
    settings: &Settings,
    (run, plan): (&Run, &Plan),
    (found, also): (&mut Found, &[String]),
    wanted: Option<&Path>,
    cancel: &Cancel,
) -> Result<Saved> {
    let (file, path) = create(settings, run, wanted)?;
    let saved = Saved { path, keep: false };
    let mut out = Out { file: BufWriter::new(file), path: saved.path.clone() };
    let schema = format!("lite2pg_saved_{}", run.id);
    let schema = schema.get(..63).unwrap_or(&schema);
    out.line(&format!("-- Written to the tables of lite2pg's run {} after they were published to schema", run.id))?;
    out.line(&format!("-- {}, saved by lite2pg rollback before it removed them.", one_line(&run.schema)))?;
    out.line(&format!("-- psql -f THIS-FILE loads it into schema {}, which it makes.", one_line(schema)))?;
    out.line("\\set ON_ERROR_STOP on\nSET client_encoding = 'UTF8';\nBEGIN;")?;
    out.line(&format!("CREATE SCHEMA {};", pg(schema)))?;
    let definitions = if also.is_empty() { made::Texts::new() } else { made::texts(tx, plan)? };
    for what in also {
        out.line(&format!("-- also removed: {}", one_line(what)))?;
        for line in made::of(&definitions, what).into_iter().flat_map(str::lines) {
            out.line(&format!("--     {}", one_line(line)))?;
        }
    }
    if also.is_empty() && found.tables.is_empty() {
        out.line("-- Nothing was written since.")?;
    }
    let Found { tables, at_hand, .. } = found;
    for change in tables.iter() {
        let Some(table) = plan.tables.iter().find(|t| t.name == change.source_name) else { continue };
        let columns = columns(tx, &run.schema, &table.target)?;
        out.head(change, at_hand.is_some() && change.added.is_some())?;
        let definitions: Vec<String> = columns.iter().map(|(name, ty)| format!("{} {ty}", pg(name))).collect();
        let names: Vec<String> = columns.iter().map(|(name, _)| pg(name)).collect();
        let (to, names) = (pg_in(schema, &table.target), names.join(", "));
        out.line(&format!("CREATE TABLE {to} ({});", definitions.join(", ")))?;
        out.line(&format!("COPY {to} ({names}) FROM stdin;"))?;
        let select = format!("SELECT {names} FROM ONLY {}", pg_in(&run.schema, &table.target));
        match at_hand.as_mut().filter(|_| change.added.is_some()) {
            None => out.rows(tx, &select, cancel)?,
            Some(at_hand) => {
                let mut places = Vec::new();
                let (sides, reader) = at_hand.sides(&run.schema, &run.id, table);
                sides.places(reader, tx, cancel, |place| {
                    places.push(literal(place));
                    Ok(())
                })?;
                for some in places.chunks(PLACES) {
                    let select = format!("{select} WHERE ctid = ANY (ARRAY[{}]::tid[])", some.join(", "));
                    out.rows(tx, &select, cancel)?;
                }
            }
        }
        out.line("\\.")?;
    }
    out.line("COMMIT;")?;
    out.end()?;
    Ok(saved)
}

struct Out {
    file: BufWriter<File>,
    path: PathBuf,
}

impl Out {
    fn line(&mut self, text: &str) -> Result<()> {
        writeln!(self.file, "{text}").map_err(|e| failed(&self.path, e))
    }

    /// What is known of a table, as comments.
    fn head(&mut self, change: &TableChange, told: bool) -> Result<()> {
        let what =
            if told { "here: what was added, and what was changed as it was changed" } else { "here: all its rows" };
        self.line(&format!("\n-- {}; {what}", one_line(&change.words())))?;
        for row in &change.named {
            self.line(&format!("-- {}", one_line(&of_row(row))))?;
        }
        Ok(())
    }

    /// Rows as COPY's text: what psql reads up to `\.`.
    fn rows(&mut self, tx: &mut Transaction<'_>, select: &str, cancel: &Cancel) -> Result<()> {
        let doing = "saving what was written since";
        let mut reader = tx.copy_out(&format!("COPY ({select}) TO STDOUT")).map_err(|e| error_from_pg(e, doing))?;
        let mut block = vec![0; 64 << 10];
        loop {
            let length =
                reader.read(&mut block).map_err(|e| Error::target(format!("{doing} failed: {e}")).because(e))?;
            if length == 0 {
                return Ok(());
            }
            cancel.check()?;
            let read = block.get(..length).unwrap_or_default();
            self.file.write_all(read).map_err(|e| failed(&self.path, e))?;
        }
    }

    /// Until the bytes and the name are on disk.
    fn end(self) -> Result<()> {
        let path = self.path;
        let file = self.file.into_inner().map_err(|e| failed(&path, e.into_error()))?;
        file.sync_all().map_err(|e| failed(&path, e))?;
        let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| failed(&path, e))
    }
}

/// A comment must not end where a name has a line break.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn failed(path: &Path, e: std::io::Error) -> Error {
    Error::usage(format!("what was written since cannot be saved: {e}"))
        .about(path.display().to_string())
        .hint("nothing was undone; name another file with --save-to FILE")
        .because(e)
}

/// The wanted file, or one beside the source, or one in the work directory; never one that is there already.
fn create(settings: &Settings, run: &Run, wanted: Option<&Path>) -> Result<(File, PathBuf)> {
    if let Some(path) = wanted {
        return new_file(path).map(|file| (file, path.to_owned())).map_err(|e| failed(path, e));
    }
    let mut beside = settings.source.as_os_str().to_owned();
    beside.push(format!(".discarded-{}.sql", run.id));
    let beside = PathBuf::from(beside);
    if let Ok(file) = new_file(&beside) {
        return Ok((file, beside));
    }
    let path = settings.work_dir.join(format!("discarded-{}.sql", run.id));
    fs::create_dir_all(&settings.work_dir)
        .and_then(|()| new_file(&path))
        .map(|file| (file, path.clone()))
        .map_err(|e| failed(&path, e))
}

fn new_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Every column of a table as it is now, with a type that any database has: one of PostgreSQL's own, or text.
fn columns(tx: &mut Transaction<'_>, schema: &str, table: &str) -> Result<Vec<(String, String)>> {
    let rows = tx
        .query(
            "SELECT a.attname::text, CASE WHEN n.nspname = 'pg_catalog' THEN format_type(a.atttypid, a.atttypmod) ELSE 'text' END \
             FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace n ON n.oid = t.typnamespace \
             WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            &[&pg_in(schema, table)],
        )
        .map_err(|e| error_from_pg(e, "looking at the columns"))?;
    Ok(rows.iter().map(|r| (r.get(0), r.get(1))).collect())
}
