//! A fingerprint of the target: what its catalog holds, as lines of text under the name of each object, and the rows of small
//! tables. Taken before a run's first write, it is what an undo is measured against.
//! Owns the questions and the comparison; never changes anything and never decides what a difference means.

use crate::error::{Error, Result};
use crate::target::control::{self, Operator};
use crate::target::error_from_pg;
use postgres::{GenericClient, Transaction};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// The whole catalog in one question.
const CATALOG: &str = include_str!("fingerprint.sql");

/// The audit event that keeps the fingerprint of before a run.
const EVENT: &str = "target before the run";

/// How many bytes of a table are read for its rows, and of all tables together: the catalog is always taken whole, but a
/// large table that stands beside ours is not read for a run that does not touch it.
const TABLE_BYTES: i64 = 16 << 20;
const ALL_BYTES: i64 = 64 << 20;

/// Another session may drop something between our look at the list and our look at the thing.
const TRIES: usize = 3;

/// What of the rows is taken in.
#[derive(Clone, Debug)]
pub enum Rows {
    /// Of the small tables of a schema, that the role may read.
    Of(String),
    /// Of those tables whose rows another fingerprint has.
    As(Fingerprint),
    /// None.
    None,
}

/// An object of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The schema it lies in; empty: in none.
    pub schema: String,
    /// Its name; of what hangs on a relation, the relation's.
    pub name: String,
    /// What was seen of it, hashed.
    pub hash: String,
}

/// What a database held at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// SHA-256 over all lines.
    pub sha256: String,
    /// Each object in words (`table public.orders`, `rows of public.orders`).
    pub objects: BTreeMap<String, Object>,
}

/// How one object differs between two fingerprints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only the second has it.
    Made,
    /// Only the first has it.
    Gone,
    /// Both have it, and it is another.
    Altered,
}

impl Change {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Change::Made => "made",
            Change::Gone => "gone",
            Change::Altered => "changed",
        }
    }
}

/// Whether an object stands for data, which an application may write at any time, and not for what DDL makes.
pub fn is_data(object: &str) -> bool {
    object.starts_with(ROWS) || object.starts_with("position of ") || object == "large objects"
}

const ROWS: &str = "rows of ";

impl Fingerprint {
    /// What differs from this to another: object and how.
    pub fn changes<'a>(&'a self, after: &'a Fingerprint) -> impl Iterator<Item = (&'a str, Change)> {
        let gone = self.objects.iter().filter_map(|(name, object)| match after.objects.get(name) {
            None => Some((name.as_str(), Change::Gone)),
            Some(now) if now.hash != object.hash => Some((name.as_str(), Change::Altered)),
            Some(_) => None,
        });
        let made = after.objects.keys().filter(|name| !self.objects.contains_key(*name));
        gone.chain(made.map(|name| (name.as_str(), Change::Made)))
    }

    fn of(lines: Vec<Line>) -> Fingerprint {
        let mut grouped: BTreeMap<String, (String, String, BTreeSet<String>)> = BTreeMap::new();
        for line in lines {
            let entry = grouped.entry(line.object).or_insert_with(|| (line.schema, line.name, BTreeSet::new()));
            entry.2.insert(line.line);
        }
        let mut all = Sha256::new();
        let mut objects = BTreeMap::new();
        for (object, (schema, name, lines)) in grouped {
            let mut one = Sha256::new();
            for line in lines {
                // Lengths first: no text can look like two.
                let line = format!("{} {} {object} {line}\n", object.len(), line.len());
                one.update(&line);
                all.update(&line);
            }
            let hash = hex(&one.finalize()).chars().take(HASH).collect();
            objects.insert(object, Object { schema, name, hash });
        }
        Fingerprint { sha256: hex(&all.finalize()), objects }
    }
}

/// Hexadecimal digits of an object's hash that are kept: enough to see that it is another.
const HASH: usize = 16;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

struct Line {
    schema: String,
    name: String,
    object: String,
    line: String,
}

/// Takes the fingerprint of the database that `tx` is in: the catalog whole, with the control tables if `control` says so,
/// and some rows. It is what this transaction sees, its own changes too.
///
/// # Errors
/// The target cannot be asked; or other sessions change the catalog faster than it can be read.
pub fn take(tx: &mut Transaction<'_>, control: bool, rows: &Rows) -> Result<Fingerprint> {
    let mut tries = 0;
    let mut lines = loop {
        tries += 1;
        match catalog(tx, control) {
            Ok(lines) => break lines,
            Err(error) if tries == TRIES => return Err(error),
            Err(_) => {}
        }
    };
    lines.extend(positions(tx, control)?);
    lines.extend(data(tx, rows)?);
    Ok(Fingerprint::of(lines))
}

/// Within a savepoint: what fails is tried again.
fn catalog(tx: &mut Transaction<'_>, control: bool) -> Result<Vec<Line>> {
    let failed = |e| error_from_pg(e, "taking the target's fingerprint");
    let mut inner = tx.transaction().map_err(failed)?;
    // Names are written with their schema; the caller may have a path of his own.
    inner.batch_execute("SET LOCAL search_path = pg_catalog; SET LOCAL lock_timeout = '10s'").map_err(failed)?;
    let rows = inner.query(CATALOG, &[&control]).map_err(failed)?;
    // Takes the setting back, too.
    inner.rollback().map_err(failed)?;
    let text = |row: &postgres::Row, i| row.get::<_, Option<String>>(i).unwrap_or_default();
    let line = |r: &postgres::Row| Line { schema: text(r, 0), name: text(r, 1), object: text(r, 2), line: text(r, 3) };
    Ok(rows.iter().map(line).collect())
}

/// Sequences that are asked for their positions at once: each is locked for that until the savepoint goes.
const AT_ONCE: usize = 500;

/// Where each sequence stands, if the role may know.
fn positions(tx: &mut Transaction<'_>, control: bool) -> Result<Vec<Line>> {
    let failed = |e| error_from_pg(e, "asking where the sequences stand");
    // The privilege may be asked for sequences alone.
    let sql = "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' \
               AND n.nspname !~ '^pg_' AND ($1 OR n.nspname <> 'lite2pg') \
               AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT, USAGE') END";
    let all: Vec<u32> = tx.query(sql, &[&control]).map_err(failed)?.iter().map(|r| r.get(0)).collect();
    let mut lines = Vec::new();
    for some in all.chunks(AT_ONCE) {
        let mut inner = tx.transaction().map_err(failed)?;
        let rows = inner.batch_execute("SET LOCAL lock_timeout = '10s'").and_then(|()| {
            inner.query(
                "SELECT n.nspname::text, c.relname::text, format('position of sequence %I.%I', n.nspname, c.relname), \
                 coalesce(pg_sequence_last_value(c.oid)::text, '') FROM pg_class c \
                 JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ($1)",
                &[&some],
            )
        });
        inner.rollback().map_err(failed)?;
        // One of them was dropped in this moment, say: they are data of others, and not worth failing for.
        let rows = match rows {
            Err(e) if e.is_closed() => return Err(failed(e)),
            rows => rows.unwrap_or_default(),
        };
        lines.extend(rows.iter().map(|r| Line { schema: r.get(0), name: r.get(1), object: r.get(2), line: r.get(3) }));
    }
    Ok(lines)
}

/// Rows as counts and a sum over their hashes, made by the server: no order is needed, and a row that is there twice counts
/// twice. What cannot be read (a policy, an output function that fails) has no line.
fn data(tx: &mut Transaction<'_>, rows: &Rows) -> Result<Vec<Line>> {
    let failed = |e| error_from_pg(e, "taking the fingerprint of the rows");
    let found = match rows {
        Rows::None => return Ok(Vec::new()),
        Rows::Of(schema) => tx.query(
            "SELECT n.nspname::text, c.relname::text, format('%I.%I', n.nspname, c.relname), pg_relation_size(c.oid) \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 \
             AND c.relkind IN ('r', 'm') AND c.relispopulated AND has_table_privilege(c.oid, 'SELECT') \
             AND NOT row_security_active(c.oid) ORDER BY pg_relation_size(c.oid), c.relname",
            &[schema],
        ),
        Rows::As(other) => {
            let names: Vec<&str> = other.objects.keys().filter_map(|o| o.strip_prefix(ROWS)).collect();
            tx.query(
                "SELECT n.nspname::text, c.relname::text, format('%I.%I', n.nspname, c.relname), 0::int8 FROM pg_class c \
                 JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm') AND c.relispopulated \
                 AND format('%I.%I', n.nspname, c.relname) = ANY ($1::text[]) AND has_table_privilege(c.oid, 'SELECT') \
                 AND NOT row_security_active(c.oid)",
                &[&names],
            )
        }
    }
    .map_err(failed)?;
    let (mut lines, mut read) = (Vec::new(), 0i64);
    for row in found {
        let (schema, name, table, bytes): (String, String, String, i64) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        read = read.saturating_add(bytes);
        if bytes > TABLE_BYTES || read > ALL_BYTES {
            break;
        }
        let mut inner = tx.transaction().map_err(failed)?;
        // A text that hangs on settings of the session would be another one the next time.
        let line = inner.batch_execute(TEXT).and_then(|()| {
            inner.query_one(
                &format!(
                    "SELECT format('%s rows, sum %s', count(*), sum(('x' || encode(substr(sha256(convert_to(t::text, \
                     'UTF8')), 1, 8), 'hex'))::bit(64)::int8::numeric)) FROM ONLY {table} t"
                ),
                &[],
            )
        });
        inner.rollback().map_err(failed)?;
        match line {
            Ok(line) => lines.push(Line { schema, name, object: format!("{ROWS}{table}"), line: line.get(0) }),
            Err(e) if e.is_closed() => return Err(failed(e)),
            Err(_) => {}
        }
    }
    Ok(lines)
}

const TEXT: &str = "SET LOCAL search_path = pg_catalog; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL timezone = 'UTC'; \
    SET LOCAL intervalstyle = 'postgres'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; \
    SET LOCAL xmlbinary = 'base64'; SET LOCAL lc_monetary = 'C'; SET LOCAL lock_timeout = '2s'";

/// Writes the fingerprint of before a run into its audit, in the transaction that begins the run. The audit's chain of
/// hashes shows whether somebody has changed it since.
///
/// # Errors
/// The target refuses.
pub fn store(tx: &mut Transaction<'_>, who: &Operator, run: &str, before: &Fingerprint) -> Result<()> {
    let objects: BTreeMap<&str, [&str; 3]> = before
        .objects
        .iter()
        .map(|(name, o)| (name.as_str(), [o.schema.as_str(), o.name.as_str(), o.hash.as_str()]))
        .collect();
    let detail = serde_json::json!({ "sha256": before.sha256, "objects": objects });
    control::audit(tx, who, Some(run), EVENT, &detail)
}

/// The fingerprint that was taken before a run; `None`: its version of lite2pg took none.
///
/// # Errors
/// The target cannot be asked, or what is written there is none.
pub fn stored(client: &mut impl GenericClient, run: &str) -> Result<Option<Fingerprint>> {
    let sql = "SELECT detail FROM lite2pg.audit_event WHERE run = $1 AND event = $2 ORDER BY id LIMIT 1";
    let row = client.query_opt(sql, &[&run, &EVENT]).map_err(|e| error_from_pg(e, "reading the audit"))?;
    let Some(detail) = row.map(|r| r.get::<_, serde_json::Value>(0)) else { return Ok(None) };
    let read = || -> Option<Fingerprint> {
        let sha256 = detail.get("sha256")?.as_str()?.to_owned();
        let objects: BTreeMap<String, [String; 3]> = serde_json::from_value(detail.get("objects")?.clone()).ok()?;
        let object = |[schema, name, hash]: [String; 3]| Object { schema, name, hash };
        Some(Fingerprint { sha256, objects: objects.into_iter().map(|(k, o)| (k, object(o))).collect() })
    };
    let unreadable = || {
        Error::target(format!("the fingerprint of before run {run} cannot be read"))
            .hint("the run was made by another version of lite2pg, or its audit was changed: use that version")
    };
    read().map(Some).ok_or_else(unreadable)
}
