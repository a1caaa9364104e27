//! Whether what a run will write fits on the disk of the target, asked before anything is written there.
//! Owns the estimate and the refusal; never looks at a disk that may not be the server's.

use std::fs;
use std::path::{Path, PathBuf};

use lite2pg_model::plan::{Plan, TablePlan};
use postgres::Client;

use super::session::Session;
use crate::error::{Error, Result};
use crate::observe::{Event, Observer};
use crate::space::{self, MARGIN, words};
use crate::target::error_from_pg;

/// What a row takes besides its values: line pointer and tuple header, and half a word of padding. Source:
/// <https://www.postgresql.org/docs/current/storage-page-layout.html>.
const ROW: u64 = 4 + 24 + 4;
/// What an entry of a btree takes besides its key: line pointer and header.
const ENTRY: u64 = 4 + 8;
/// Pages of a btree are filled to this many of a hundred.
const FILL: u64 = 90;
/// Rows with more bytes than this are compressed, or their values put aside; text may then become much smaller. Source:
/// <https://www.postgresql.org/docs/current/storage-toast.html>.
const TOAST: u64 = 2000;
/// How much of the values' bytes remains at the least, of a hundred: what is refused must surely not fit. The text of a
/// date or a UUID becomes 8 or 16 bytes of 19 or 36; long values are compressed.
const LEFT: (u64, u64) = (40, 20);

/// What a run may write, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Tables and indexes, at the least.
    pub least: u64,
    /// Tables.
    pub heap: u64,
    /// Indexes and keys.
    pub indexes: u64,
    /// The largest index, which is sorted in files of about its size.
    pub sort: u64,
}

impl Need {
    /// What the tables, keys and indexes of a plan come to. Measured on three databases of 70 to 250 MB (rows of 60 to
    /// 5,000 bytes, up to six indexes): see docs/limits.md.
    pub fn of(plan: &Plan) -> Need {
        plan.tables.iter().fold(Need::default(), |sum, table| sum.and(of_table(table)))
    }

    fn and(self, one: Need) -> Need {
        Need {
            least: self.least.saturating_add(one.least),
            heap: self.heap.saturating_add(one.heap),
            indexes: self.indexes.saturating_add(one.indexes),
            sort: self.sort.max(one.sort),
        }
    }

    /// All of it, with the write-ahead log that is kept at most.
    pub fn most(&self, wal: u64) -> u64 {
        self.heap.saturating_add(self.indexes).saturating_add(self.sort).saturating_add(wal)
    }
}

fn of_table(table: &TablePlan) -> Need {
    let rows = table.rows;
    let heap = table.bytes.saturating_add(rows.saturating_mul(ROW));
    let each = table.bytes / rows.max(1);
    let columns = u64::try_from(table.columns.len()).unwrap_or(1).max(1);
    // A long value is not indexed whole as a rule; a key of a number has 8 bytes.
    let width = (each / columns).clamp(8, 64);
    let entry = |terms: usize, width: u64| {
        let key = width.saturating_mul(u64::try_from(terms).unwrap_or(1));
        rows.saturating_mul(ENTRY.saturating_add(key)).saturating_mul(100) / FILL
    };
    let keys = table.primary_key.iter().chain(&table.uniques).map(|k| (k.columns.len(), true, true));
    let indexes = table.indexes.iter().map(|i| {
        let whole = i.predicate.is_none() && i.method.is_none();
        (i.terms.split(',').count(), i.unique && whole, whole)
    });
    let (mut all, mut least, mut largest) = (0u64, 0u64, 0u64);
    for (terms, unique, whole) in keys.chain(indexes) {
        let size = if whole { entry(terms, width) } else { 0 };
        all = all.saturating_add(size);
        largest = largest.max(size);
        // Equal keys share an entry of 6 bytes a row; NULLs are equal too.
        let surely = if unique {
            entry(1, 4)
        } else if whole {
            rows.saturating_mul(6)
        } else {
            0
        };
        least = least.saturating_add(surely);
    }
    let share = if each > TOAST { LEFT.1 } else { LEFT.0 };
    let values = (table.bytes / 100).saturating_mul(share);
    let surely = values.saturating_add(rows.saturating_mul(28));
    Need { least: surely.saturating_add(least), heap, indexes: all, sort: largest }
}

/// Where the server keeps its files, as far as that can be known from here.
struct Disk {
    /// Tables and indexes.
    data: PathBuf,
    /// The write-ahead log.
    wal: PathBuf,
    /// It is surely that server's: what does not fit is refused, not only told.
    sure: bool,
}

/// Refuses a run that cannot fit on the target's disk, and tells of one that may not. Where that disk cannot be seen
/// from here, a detail says so.
///
/// # Errors
/// The free space is less than what tables, keys and indexes take at the least (exit 4); nothing was written.
pub fn check(session: &Session, client: &mut Client, plan: &Plan, observer: &dyn Observer) -> Result<()> {
    let need = Need::of(plan);
    let unknown = |why: &str| {
        let text = format!(
            "the room on the target's disk could not be checked: {why}; about {} are needed",
            words(need.most(0))
        );
        observer.see(&Event::Detail { text });
        Ok(())
    };
    let disk = match disk(session, client)? {
        Ok(disk) => disk,
        Err(why) => return unknown(&why),
    };
    let Some(free) = space::free(&disk.data) else { return unknown("the system does not tell") };
    let kept = wal_kept(client)?.min(need.heap.saturating_add(need.indexes));
    let wal = if space::same_file_system(&disk.data, &disk.wal) { kept } else { 0 };
    let most = need.most(wal);
    let place = disk.data.display();
    let parts = format!(
        "tables about {}, keys and indexes about {}, sorting up to {}, write-ahead log up to {}; {} are free in {place}",
        words(need.heap),
        words(need.indexes),
        words(need.sort),
        words(wal),
        words(free)
    );
    if disk.sure && free < need.least.saturating_add(MARGIN) {
        return Err(Error::target(format!(
            "the target's disk has no room for this database: at least {} are needed ({parts})",
            words(need.least)
        ))
        .hint(format!(
            "free {} there (about {} to be safe), move the server's data to a larger disk, or carry less with --tables or \
             --exclude; nothing was written",
            words(need.least.saturating_add(MARGIN).saturating_sub(free)),
            words(most.saturating_sub(free))
        )));
    }
    if free < most {
        let text = format!("the target's disk may become full: {} may be needed ({parts})", words(most));
        observer.see(&Event::Note { text });
    } else {
        let text = format!("room on the target's disk: {} may be needed ({parts})", words(most));
        observer.see(&Event::Detail { text });
    }
    // A log on a disk of its own.
    if wal == 0
        && let Some(free) = space::free(&disk.wal).filter(|free| *free < kept)
    {
        let text = format!(
            "the disk of the target's write-ahead log may become full: {} may be needed, {} are free in {}",
            words(kept),
            words(free),
            disk.wal.display()
        );
        observer.see(&Event::Note { text });
    }
    Ok(())
}

/// How much write-ahead log the server keeps before it recycles it. Source:
/// <https://www.postgresql.org/docs/current/wal-configuration.html>.
fn wal_kept(client: &mut Client) -> Result<u64> {
    let row = client
        .query_one("SELECT pg_size_bytes(current_setting('max_wal_size'))", &[])
        .map_err(|e| error_from_pg(e, "asking for the target's settings"))?;
    Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
}

/// The server's directories, if they can be seen from here; else the reason why not.
fn disk(session: &Session, client: &mut Client) -> Result<std::result::Result<Disk, String>> {
    if let Some(server) = session.server() {
        let data = server.dir().to_owned();
        return Ok(Ok(Disk { wal: data.clone(), data, sure: true }));
    }
    // What a role may not see is not in this view.
    let row = client
        .query_one(
            "SELECT coalesce(inet_server_addr()::text, ''), \
                    (SELECT setting FROM pg_settings WHERE name = 'data_directory'), \
                    extract(epoch FROM pg_postmaster_start_time())::int8, \
                    (SELECT pg_tablespace_location(dattablespace) FROM pg_database WHERE datname = current_database()), \
                    current_setting('default_tablespace')",
            &[],
        )
        .map_err(|e| error_from_pg(e, "asking where the target's data lies"))?;
    let address: String = row.get(0);
    let local = address.is_empty() || address.starts_with("127.") || address.starts_with("::1");
    if !local {
        return Ok(Err("the server is on another machine".to_owned()));
    }
    let Some(data) = row.get::<_, Option<String>>(1).filter(|d| !d.is_empty()).map(PathBuf::from) else {
        return Ok(Err("this role may not see where the server's data lies (pg_read_all_settings)".to_owned()));
    };
    if !row.get::<_, String>(4).is_empty() {
        return Ok(Err("default_tablespace puts tables elsewhere".to_owned()));
    }
    if !data.is_dir() {
        return Ok(Err(format!("{} is not to be seen from here", data.display())));
    }
    let sure = is_this_servers(&data, row.get(2));
    let tablespace = row.get::<_, Option<String>>(3).filter(|t| !t.is_empty()).map(PathBuf::from);
    let wal = data.join("pg_wal");
    Ok(Ok(Disk { data: tablespace.unwrap_or(data), wal, sure }))
}

/// A server in a container may name a directory that is another one's here: the file that says when the server of this
/// directory started tells. Source: <https://www.postgresql.org/docs/current/storage-file-layout.html>.
fn is_this_servers(data: &Path, started: i64) -> bool {
    let Ok(text) = fs::read_to_string(data.join("postmaster.pid")) else { return false };
    let there = text.lines().nth(2).and_then(|l| l.trim().parse::<i64>().ok());
    there.is_some_and(|t| t.abs_diff(started) <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_need_is_never_less_than_its_least() {
        let need = Need { least: 5, heap: 10, indexes: 4, sort: 3 };
        assert_eq!(need.most(2), 19);
        assert_eq!(Need::default().and(need), need);
        let both = need.and(Need { sort: 9, ..need });
        assert_eq!((both.least, both.sort, both.most(u64::MAX)), (10, 9, u64::MAX));
    }
}
