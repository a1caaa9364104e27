//! One run at a time per target schema, and no worker of a dead run left alive.
//! Owns the two advisory locks; never waits for a living run of somebody else.

use crate::error::{Error, Result};
use crate::target::error_from_pg;
use postgres::Client;
use sha2::{Digest as _, Sha256};
use std::time::{Duration, Instant};

/// How long to wait for backends of a dead run of ours to go away after they were told to.
const PATIENCE: Duration = Duration::from_secs(20);

/// The two keys of a schema: one is held alone by the coordinator, the other is shared by its workers.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    coordinator: i64,
    workers: i64,
}

impl Keys {
    /// The keys of a target schema. Advisory locks are per database, so the schema's name is enough.
    pub fn of(schema: &str) -> Keys {
        let key = |role: &str| {
            let hash = Sha256::digest(format!("lite2pg {role} {schema}").as_bytes());
            let mut eight = [0; 8];
            eight.copy_from_slice(&hash[..8]);
            i64::from_be_bytes(eight)
        };
        Keys { coordinator: key("coordinator"), workers: key("workers") }
    }

    /// Takes the schema for this run, ending what a dead run of this host left behind. Held until the connection ends.
    ///
    /// # Errors
    /// Another run holds it: says who, from where and since when.
    pub fn take(self, client: &mut Client, schema: &str, is_dead: &dyn Fn(&str) -> bool) -> Result<()> {
        self.take_from(client, schema, is_dead, &[])
    }

    /// The same after connections of this process were lost: a server behind a dead network holds on to them for hours,
    /// so those of these server processes that still carry our name are ended.
    ///
    /// # Errors
    /// As [`Keys::take`].
    pub fn take_from(
        self,
        client: &mut Client,
        schema: &str,
        is_dead: &dyn Fn(&str) -> bool,
        left: &[i32],
    ) -> Result<()> {
        let doing = "taking the lock of the target schema";
        let until = Instant::now() + PATIENCE;
        let own: String = client
            .query_one("SELECT current_setting('application_name')", &[])
            .map_err(|e| error_from_pg(e, doing))?
            .get(0);
        loop {
            let row = client
                .query_one("SELECT pg_try_advisory_lock($1)", &[&self.coordinator])
                .map_err(|e| error_from_pg(e, doing))?;
            if row.get(0) {
                return self.end_orphans(client);
            }
            let holders = holders(client, self.coordinator)?;
            let is_left = |h: &Holder| h.application == own && left.contains(&h.pid);
            let dead: Vec<&Holder> = holders.iter().filter(|h| is_dead(&h.application) || is_left(h)).collect();
            // A session of this very process that was closed a moment ago: the server has not noticed yet.
            let closing = holders.iter().all(|h| h.application == own);
            if (dead.is_empty() && !closing) || Instant::now() > until {
                return Err(held_by(&holders, schema));
            }
            for holder in dead {
                terminate(client, holder.pid)?;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Whether a coordinator holds the schema now.
    ///
    /// # Errors
    /// The target cannot be asked.
    pub fn is_held(self, client: &mut Client) -> Result<bool> {
        Ok(!holders(client, self.coordinator)?.is_empty())
    }

    /// The sessions of whoever holds the schema, the coordinator's first: number of the server's process, name. Any role
    /// sees them.
    ///
    /// # Errors
    /// The target cannot be asked.
    pub fn sessions(self, client: &mut Client) -> Result<Vec<(i32, String)>> {
        let mut all = holders(client, self.coordinator)?;
        all.extend(holders(client, self.workers)?);
        Ok(all.into_iter().map(|h| (h.pid, h.application)).collect())
    }

    /// Ends workers that a killed run left behind, and waits until they are gone: only then may the ledger be believed,
    /// since one of them might still commit.
    fn end_orphans(self, client: &mut Client) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let row = client
                .query_one("SELECT pg_try_advisory_lock($1)", &[&self.workers])
                .map_err(|e| error_from_pg(e, "looking for workers of an earlier run"))?;
            if row.get(0) {
                client
                    .execute("SELECT pg_advisory_unlock($1)", &[&self.workers])
                    .map_err(|e| error_from_pg(e, "looking for workers of an earlier run"))?;
                return Ok(());
            }
            let orphans = holders(client, self.workers)?;
            if Instant::now() > until {
                return Err(held_by(&orphans, "of an earlier run"));
            }
            for orphan in orphans {
                terminate(client, orphan.pid)?;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Marks a worker's session as one of this run. Held until the connection ends.
    ///
    /// # Errors
    /// The target refuses.
    pub fn join(self, client: &mut Client) -> Result<()> {
        client
            .execute("SELECT pg_advisory_lock_shared($1)", &[&self.workers])
            .map_err(|e| error_from_pg(e, "joining the run"))?;
        Ok(())
    }
}

struct Holder {
    pid: i32,
    application: String,
    since: String,
}

fn holders(client: &mut Client, key: i64) -> Result<Vec<Holder>> {
    let rows = client
        .query(
            "SELECT a.pid, coalesce(a.application_name, ''), coalesce(a.backend_start::timestamp(0)::text, '?') \
             FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
             WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
             AND (l.classid::int8 << 32 | l.objid::int8) = $1 AND l.objsubid = 1 AND l.pid <> pg_backend_pid()",
            &[&key],
        )
        .map_err(|e| error_from_pg(e, "asking who holds the lock"))?;
    Ok(rows.iter().map(|r| Holder { pid: r.get(0), application: r.get(1), since: r.get(2) }).collect())
}

fn terminate(client: &mut Client, pid: i32) -> Result<()> {
    client
        .execute("SELECT pg_terminate_backend($1)", &[&pid])
        .map_err(|e| error_from_pg(e, "ending a session that a killed run left behind"))?;
    Ok(())
}

fn held_by(holders: &[Holder], schema: &str) -> Error {
    let who = holders
        .iter()
        .map(|h| format!("{} (server process {}, connected since {})", h.application, h.pid, h.since))
        .collect::<Vec<_>>()
        .join(", ");
    let who = if who.is_empty() { "a session that cannot be seen".to_owned() } else { who };
    Error::target(format!("another run holds this target: {who}"))
        .about(format!("schema {schema}"))
        .hint("wait until it has ended (`lite2pg status TARGET` shows it), or end that session")
}
