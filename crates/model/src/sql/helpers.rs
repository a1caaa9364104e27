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
pub struct Used(RefCell<BTreeSet<&'static str>>);

impl Used {
    /// Marks a helper as used and gives its name, to be called by.
    pub fn take(&self, name: &'static str) -> &'static str {
        self.0.borrow_mut().insert(name);
        name
    }

    /// The names used, with all that they need, in the order of [`ALL`].
    pub fn names(&self) -> Vec<String> {
        let mut wanted = self.0.borrow().clone();
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
        self.0.borrow_mut().extend(known);
    }
}
