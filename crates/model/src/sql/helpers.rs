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
pub const ALL: &[Helper] = &[
    helper("sqlite_json_real", include_str!("helpers/json/real.sql"), &[]),
    helper("sqlite_json_min", include_str!("helpers/json/min.sql"), &[]),
    helper("sqlite_json_at", include_str!("helpers/json/at.sql"), &[]),
    helper("sqlite_json_arrow", include_str!("helpers/json/arrow.sql"), &["sqlite_json_at"]),
    helper("sqlite_json_index", include_str!("helpers/json/index.sql"), &[]),
    helper("sqlite_json_type", include_str!("helpers/json/type.sql"), &[]),
    helper(
        "sqlite_json_value",
        include_str!("helpers/json/value.sql"),
        &["sqlite_json_real", "sqlite_json_min", "sqlite_json_type"],
    ),
    helper("sqlite_json_valid", include_str!("helpers/json/valid.sql"), &[]),
    helper(
        "sqlite_json_element",
        include_str!("helpers/json/element.sql"),
        &["sqlite_json_type", "sqlite_json_min", "sqlite_json_value"],
    ),
    helper("sqlite_json_numeric", include_str!("helpers/json/number.sql"), &[]),
    helper("sqlite_json_truth", include_str!("helpers/json/truth.sql"), &[]),
    helper("sqlite_json_order", include_str!("helpers/json/order.sql"), &["sqlite_json_value", "sqlite_json_type"]),
    helper("sqlite_json_step", include_str!("helpers/json/step.sql"), &[]),
    helper(
        "sqlite_json_each",
        include_str!("helpers/json/each.sql"),
        &["sqlite_json_at", "sqlite_json_value", "sqlite_json_type", "sqlite_json_step"],
    ),
    helper(
        "sqlite_json_tree",
        include_str!("helpers/json/tree.sql"),
        &["sqlite_json_at", "sqlite_json_value", "sqlite_json_type", "sqlite_json_step"],
    ),
    helper("sqlite_json_new", include_str!("helpers/json/new.sql"), &[]),
    helper("sqlite_json_edit", include_str!("helpers/json/edit.sql"), &["sqlite_json_min", "sqlite_json_new"]),
    helper("sqlite_json_patch", include_str!("helpers/json/patch.sql"), &["sqlite_json_min"]),
    helper("sqlite_json_pretty", include_str!("helpers/json/pretty.sql"), &["sqlite_json_min"]),
    helper("sqlite_exact", include_str!("helpers/printf/exact.sql"), &[]),
    helper("sqlite_format_real", include_str!("helpers/printf/real.sql"), &["sqlite_exact"]),
    helper("sqlite_format_integer", include_str!("helpers/printf/integer.sql"), &[]),
    helper("sqlite_format_text", include_str!("helpers/printf/text.sql"), &[]),
    helper("sqlite_julian", include_str!("helpers/date/julian.sql"), &[]),
    helper("sqlite_days", include_str!("helpers/date/days.sql"), &[]),
    helper("sqlite_civil", include_str!("helpers/date/civil.sql"), &[]),
    helper("sqlite_clock", include_str!("helpers/date/clock.sql"), &[]),
    helper("sqlite_local", include_str!("helpers/date/local.sql"), &["sqlite_julian", "sqlite_civil"]),
    helper("sqlite_now", include_str!("helpers/date/now.sql"), &[]),
    helper(
        "sqlite_time",
        include_str!("helpers/date/time.sql"),
        &["sqlite_julian", "sqlite_days", "sqlite_civil", "sqlite_clock", "sqlite_local"],
    ),
    helper("sqlite_date", include_str!("helpers/date/date.sql"), &["sqlite_time"]),
    helper("sqlite_clocktime", include_str!("helpers/date/clocktime.sql"), &["sqlite_time"]),
    helper("sqlite_datetime", include_str!("helpers/date/datetime.sql"), &["sqlite_time"]),
    helper("sqlite_julianday", include_str!("helpers/date/julianday.sql"), &["sqlite_time"]),
    helper("sqlite_unixepoch", include_str!("helpers/date/unixepoch.sql"), &["sqlite_time"]),
    helper("sqlite_unixepoch_subsec", include_str!("helpers/date/unixepoch_subsec.sql"), &["sqlite_time"]),
    helper(
        "sqlite_strftime",
        include_str!("helpers/date/strftime.sql"),
        &["sqlite_time", "sqlite_julian", "sqlite_civil", "sqlite_format_real"],
    ),
    helper("sqlite_timediff", include_str!("helpers/date/timediff.sql"), &["sqlite_time", "sqlite_julian"]),
];

const fn helper(name: &'static str, sql: &'static str, needs: &'static [&'static str]) -> Helper {
    Helper { name, sql, needs }
}

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
