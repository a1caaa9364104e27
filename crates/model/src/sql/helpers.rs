//! The functions that keep in PostgreSQL what only SQLite does: each by its name, made only where something uses it.
//! Owns the list and their texts (`helpers/*.sql`); never decides where one is needed (see `translate`).

use std::cell::RefCell;
use std::collections::BTreeSet;

/// One function.
#[derive(Clone, Copy, Debug)]
pub struct Helper {
    /// Its name, `sqlite_…`; unquoted it is the same.
    pub name: &'static str,
    /// Its CREATE FUNCTION and COMMENT ON FUNCTION, names without a schema.
    pub sql: &'static str,
    /// Other helpers that its body calls.
    pub needs: &'static [&'static str],
}

/// Every function, those that others need before them.
pub const ALL: &[Helper] = &[];

/// The function of a name.
pub fn find(name: &str) -> Option<&'static Helper> {
    ALL.iter().find(|h| h.name == name)
}

/// The helpers that translations used, collected while they are made.
#[derive(Debug, Default)]
pub struct Used {
    names: RefCell<BTreeSet<&'static str>>,
    volatile: RefCell<Option<String>>,
}

impl Used {
    /// Marks a helper as used and gives its name, to be called by.
    pub fn take(&self, name: &'static str) -> &'static str {
        self.names.borrow_mut().insert(name);
        name
    }

    /// Notes that what is translated gives another value each time: why, as in "it depends on the clock". The first
    /// reason stays.
    pub fn note_volatile(&self, reason: &str) {
        self.volatile.borrow_mut().get_or_insert_with(|| reason.to_owned());
    }

    /// Why what was translated gives another value each time, if it does.
    pub fn volatile(&self) -> Option<String> {
        self.volatile.borrow().clone()
    }

    /// The names used, with all that they need, in the order of [`ALL`].
    pub fn names(&self) -> Vec<String> {
        let mut wanted = self.names.borrow().clone();
        for helper in ALL.iter().rev() {
            if wanted.contains(helper.name) {
                wanted.extend(helper.needs);
            }
        }
        ALL.iter().filter(|h| wanted.contains(h.name)).map(|h| h.name.to_owned()).collect()
    }

    /// Takes over what others used.
    pub fn extend(&self, names: &[String]) {
        let known = names.iter().filter_map(|n| find(n)).map(|h| h.name);
        self.names.borrow_mut().extend(known);
    }
}
