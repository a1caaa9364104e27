//! How our own sessions are set for building: from what the server allows and what is known of its machine.
//! Owns that choice; changes nothing but the sessions it is given, and never the server's configuration.
//! Source: <https://www.postgresql.org/docs/current/populate.html>.

use crate::error::Result;
use crate::target::error_from_pg;
use postgres::GenericClient;

const MIB: u64 = 1 << 20;

/// What all sessions together may take for sorting, where nothing is known of the machine.
const UNKNOWN: u64 = 512 * MIB;
/// What one session takes at most: an index of ten million rows is sorted in it.
const MOST: u64 = 1024 * MIB;

/// What the server is set to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// `shared_buffers`, in bytes.
    pub shared_buffers: u64,
    /// `maintenance_work_mem`, in bytes.
    pub maintenance_work_mem: u64,
    /// `max_parallel_workers`, and no more than `max_worker_processes`.
    pub parallel_workers: u64,
    /// `max_parallel_maintenance_workers`.
    pub maintenance_workers: u64,
}

/// The machine that the server runs on, if it is this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Its memory, in bytes.
    pub memory: u64,
    /// Its processors.
    pub cores: u64,
}

/// What our sessions are set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// `maintenance_work_mem` of each, in bytes.
    pub memory: u64,
    /// How many further processes an index may have that is built alone; beside other work it has none.
    pub parallel: u64,
}

/// Reads what the server is set to.
///
/// # Errors
/// It cannot be asked.
pub fn ask(client: &mut impl GenericClient) -> Result<Allowed> {
    let row = client
        .query_one(
            "SELECT pg_size_bytes(current_setting('shared_buffers')), \
             pg_size_bytes(current_setting('maintenance_work_mem')), \
             least(current_setting('max_parallel_workers')::int8, current_setting('max_worker_processes')::int8), \
             current_setting('max_parallel_maintenance_workers')::int8",
            &[],
        )
        .map_err(|e| error_from_pg(e, "reading the server's settings"))?;
    let at = |i| row.get::<_, i64>(i).max(0).cast_unsigned();
    Ok(Allowed {
        shared_buffers: at(0),
        maintenance_work_mem: at(1),
        parallel_workers: at(2),
        maintenance_workers: at(3),
    })
}

/// Chooses for so many workers. Never less than the server gives by itself.
pub fn choose(allowed: &Allowed, machine: Option<Machine>, workers: usize) -> Tuning {
    // Whoever gave the server much gave it a machine of its own.
    let known = machine.map_or(0, |m| m.memory / 16);
    let all = UNKNOWN.max(allowed.shared_buffers / 2).max(known);
    let share = (all / (workers.max(1) as u64)).min(MOST);
    let parallel = match machine {
        Some(machine) => machine.cores.saturating_sub(1).min(allowed.parallel_workers),
        None => allowed.maintenance_workers.min(allowed.parallel_workers),
    };
    // Whole mebibytes, so that what is told is what is set.
    Tuning { memory: share.max(allowed.maintenance_work_mem).div_ceil(MIB).saturating_mul(MIB), parallel }
}

impl Tuning {
    /// Sets a session that builds.
    pub fn sql(&self) -> String {
        format!("SET maintenance_work_mem = '{}MB'", self.memory / MIB)
    }

    /// Sets the transaction of a build: with the server to itself, or beside other work, where further processes would
    /// only stand in its way.
    pub fn for_build(&self, alone: bool) -> String {
        format!("SET LOCAL max_parallel_maintenance_workers = {}", if alone { self.parallel } else { 0 })
    }

    /// The choice in words, for so many workers; 0: the coordinator builds by itself.
    pub fn words(&self, workers: usize) -> String {
        let (whose, commit) = match workers {
            0 => ("one session is".to_owned(), ""),
            1 => ("one session is".to_owned(), " synchronous_commit = off,"),
            n => (format!("{n} sessions are"), " synchronous_commit = off,"),
        };
        format!(
            "{whose} set to maintenance_work_mem = {}MB,{commit} statement_timeout = 0, lock_timeout = 0, \
             max_parallel_maintenance_workers = 0 ({} for an index that is built alone); nobody else's",
            self.memory / MIB,
            self.parallel
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Allowed, MIB, Machine, Tuning, choose};

    const PLAIN: Allowed = Allowed {
        shared_buffers: 128 * MIB,
        maintenance_work_mem: 64 * MIB,
        parallel_workers: 8,
        maintenance_workers: 2,
    };

    #[test]
    fn the_share_of_each_worker_is_bounded() {
        let memory = |allowed: &Allowed, machine, workers| choose(allowed, machine, workers).memory / MIB;
        assert_eq!(memory(&PLAIN, None, 1), 512);
        assert_eq!(memory(&PLAIN, None, 4), 128);
        assert_eq!(memory(&PLAIN, None, 64), 64, "less than the server gives by itself");
        let machine = |gib: u64, cores| Some(Machine { memory: gib * 1024 * MIB, cores });
        assert_eq!(memory(&PLAIN, machine(1, 1), 2), 256);
        assert_eq!(memory(&PLAIN, machine(64, 8), 4), 1024);
        let large = Allowed { shared_buffers: 8192 * MIB, maintenance_work_mem: 2048 * MIB, ..PLAIN };
        assert_eq!(memory(&large, None, 4), 2048, "a person allowed more");
        assert_eq!(memory(&Allowed { maintenance_work_mem: 64 * MIB, ..large }, None, 8), 512);
    }

    #[test]
    fn further_processes_are_those_that_have_a_core() {
        let parallel = |machine| choose(&PLAIN, machine, 2).parallel;
        assert_eq!(parallel(None), 2);
        assert_eq!([1, 2, 16, 0].map(|cores| parallel(Some(Machine { memory: 0, cores }))), [0, 1, 8, 0]);
        let tuning = Tuning { memory: 256 * MIB, parallel: 1 };
        assert_eq!(tuning.sql(), "SET maintenance_work_mem = '256MB'");
        assert_eq!(tuning.for_build(true), "SET LOCAL max_parallel_maintenance_workers = 1");
        assert_eq!(tuning.for_build(false), "SET LOCAL max_parallel_maintenance_workers = 0");
    }
}
