//! PostgreSQL's table locks, as far as steps take them: which may be held at once.
//! Owns that table; never takes a lock.
//! Source: <https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES>.

/// A lock on a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Reading.
    AccessShare,
    /// Looking up the parents of rows.
    RowShare,
    /// COPY into it.
    RowExclusive,
    /// ANALYZE, VALIDATE CONSTRAINT.
    ShareUpdateExclusive,
    /// CREATE INDEX.
    Share,
    /// Adding a foreign key (on both tables), making a trigger.
    ShareRowExclusive,
    /// Making the table, adding a key or a check to it.
    AccessExclusive,
}

impl Mode {
    /// Whether a transaction that asks for one waits for a transaction that holds the other.
    pub fn conflicts(self, other: Mode) -> bool {
        use Mode::{AccessExclusive, RowExclusive, Share, ShareRowExclusive, ShareUpdateExclusive};
        let pair = |a, b| (self == a && other == b) || (self == b && other == a);
        self == AccessExclusive
            || other == AccessExclusive
            || pair(RowExclusive, Share)
            || pair(RowExclusive, ShareRowExclusive)
            || pair(ShareUpdateExclusive, ShareUpdateExclusive)
            || pair(ShareUpdateExclusive, Share)
            || pair(ShareUpdateExclusive, ShareRowExclusive)
            || pair(Share, ShareRowExclusive)
            || pair(ShareRowExclusive, ShareRowExclusive)
    }
}

/// A lock on one table, by its place in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The table.
    pub table: usize,
    /// How it is locked.
    pub mode: Mode,
}

/// Whether two lists of locks can be held by two transactions at once.
pub fn agree(one: &[Lock], other: &[Lock]) -> bool {
    !one.iter().any(|a| other.iter().any(|b| a.table == b.table && a.mode.conflicts(b.mode)))
}
