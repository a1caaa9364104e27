//! The functions that keep in PostgreSQL what only SQLite does: each by its name, made only where something uses it.
//! Owns the list and their texts (`helpers/*.sql`); never decides where one is needed (see `translate`).

use std::cell::{Cell, RefCell};
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

/// A function whose text is the file of its name.
macro_rules! helper {
    ($name:literal, $needs:expr) => {
        Helper { name: $name, sql: include_str!(concat!("helpers/", $name, ".sql")), needs: &$needs }
    };
}

/// Every function, those that others need before them.
pub const ALL: &[Helper] = &[
    helper!("sqlite_exact", []),
    helper!("sqlite_digits", ["sqlite_exact"]),
    helper!("sqlite_real_text", ["sqlite_digits"]),
    helper!("sqlite_number_of_real", ["sqlite_real_text"]),
    helper!("sqlite_number_text", ["sqlite_real_text"]),
    helper!("sqlite_real_of_text", []),
    helper!("sqlite_integer_of_text", []),
    helper!("sqlite_integer_of_real", []),
    helper!("sqlite_number_of_text", ["sqlite_number_of_real", "sqlite_real_of_text"]),
    helper!("sqlite_numeric_of_text", ["sqlite_number_of_text"]),
    helper!("sqlite_kept_number", []),
    helper!("sqlite_number_in_text", ["sqlite_number_of_text"]),
    helper!("sqlite_add", []),
    helper!("sqlite_real", []),
    helper!("sqlite_multiply", ["sqlite_exact", "sqlite_real"]),
    helper!("sqlite_divide", ["sqlite_exact", "sqlite_real"]),
    helper!("sqlite_number_add", ["sqlite_number_of_real", "sqlite_add"]),
    helper!("sqlite_number_subtract", ["sqlite_number_of_real", "sqlite_add"]),
    helper!("sqlite_number_multiply", ["sqlite_number_of_real", "sqlite_multiply"]),
    helper!("sqlite_number_divide", ["sqlite_number_of_real", "sqlite_divide"]),
    helper!("sqlite_integer_of_number", ["sqlite_integer_of_real"]),
    helper!("sqlite_number_remainder", ["sqlite_integer_of_number"]),
    helper!("sqlite_shift_left", []),
    helper!("sqlite_shift_right", []),
    helper!("sqlite_compare", []),
    helper!("sqlite_compare_numbers", ["sqlite_compare"]),
    helper!("sqlite_compare_text", ["sqlite_number_in_text", "sqlite_compare_numbers"]),
    helper!("sqlite_date_text", []),
    helper!("sqlite_timestamp_text", []),
    helper!("sqlite_stamp_row", []),
    helper!("sqlite_stamp_day", ["sqlite_stamp_row"]),
    helper!("sqlite_to_boolean", []),
    helper!("sqlite_to_bigint", ["sqlite_exact"]),
    helper!("sqlite_to_number", ["sqlite_number_in_text"]),
    helper!("sqlite_to_time", []),
    helper!("sqlite_to_double", ["sqlite_compare"]),
    helper!("sqlite_to_char", []),
    helper!("sqlite_to_varchar", []),
    helper!("sqlite_to_numeric", []),
    helper!("sqlite_to_millis", []),
    helper!("sqlite_to_date", []),
    helper!("sqlite_to_timestamp", []),
    helper!("sqlite_round", ["sqlite_digits"]),
    helper!("sqlite_substr", []),
    helper!("sqlite_char", []),
    helper!("sqlite_unhex", []),
    helper!("sqlite_random", []),
    helper!("sqlite_randomblob", []),
    helper!("sqlite_soundex", []),
    helper!("sqlite_glob", []),
    helper!("sqlite_like", []),
    helper!("sqlite_modulo", ["sqlite_exact"]),
    helper!("sqlite_power", ["sqlite_multiply"]),
    helper!("sqlite_sqrt", []),
    helper!("sqlite_ln", []),
    helper!("sqlite_log10", []),
    helper!("sqlite_log2", []),
    helper!("sqlite_acos", []),
    helper!("sqlite_asin", []),
    helper!("sqlite_acosh", []),
    helper!("sqlite_atanh", []),
    helper!("sqlite_log", []),
    helper!("sqlite_exp", []),
    helper!("sqlite_json_min", []),
    helper!("sqlite_json_at", []),
    helper!("sqlite_json_arrow", ["sqlite_json_at"]),
    helper!("sqlite_json_index", []),
    helper!("sqlite_json_type", []),
    helper!("sqlite_json_value", ["sqlite_real_text", "sqlite_real_of_text", "sqlite_json_min", "sqlite_json_type"]),
    helper!("sqlite_json_valid", []),
    helper!("sqlite_json_element", ["sqlite_json_type", "sqlite_json_min", "sqlite_json_value"]),
    helper!("sqlite_json_numeric", []),
    helper!(
        "sqlite_json_integer",
        [
            "sqlite_json_type",
            "sqlite_json_value",
            "sqlite_integer_of_text",
            "sqlite_integer_of_real",
            "sqlite_real_of_text"
        ]
    ),
    helper!("sqlite_json_order", ["sqlite_json_value", "sqlite_json_type"]),
    helper!("sqlite_json_step", []),
    helper!("sqlite_json_each", ["sqlite_json_at", "sqlite_json_value", "sqlite_json_type", "sqlite_json_step"]),
    helper!("sqlite_json_tree", ["sqlite_json_at", "sqlite_json_value", "sqlite_json_type", "sqlite_json_step"]),
    helper!("sqlite_json_new", []),
    helper!("sqlite_json_edit", ["sqlite_json_min", "sqlite_json_new"]),
    helper!("sqlite_json_patch", ["sqlite_json_min"]),
    helper!("sqlite_json_pretty", ["sqlite_json_min"]),
    helper!("sqlite_format_real", ["sqlite_exact"]),
    helper!("sqlite_format_integer", []),
    helper!("sqlite_format_text", []),
    helper!("sqlite_julian", []),
    helper!("sqlite_days", []),
    helper!("sqlite_civil", []),
    helper!("sqlite_clock", []),
    helper!("sqlite_local", ["sqlite_julian", "sqlite_civil"]),
    helper!("sqlite_stamp_text", []),
    helper!("sqlite_now", []),
    helper!("sqlite_time", ["sqlite_julian", "sqlite_days", "sqlite_civil", "sqlite_clock", "sqlite_local"]),
    helper!("sqlite_date", ["sqlite_time"]),
    helper!("sqlite_clocktime", ["sqlite_time"]),
    helper!("sqlite_datetime", ["sqlite_time"]),
    helper!("sqlite_julianday", ["sqlite_time"]),
    helper!("sqlite_unixepoch", ["sqlite_time"]),
    helper!("sqlite_unixepoch_subsec", ["sqlite_time"]),
    helper!("sqlite_strftime", ["sqlite_time", "sqlite_julian", "sqlite_civil", "sqlite_format_real"]),
    helper!("sqlite_timediff", ["sqlite_time", "sqlite_julian"]),
];

/// The function of a name.
pub fn find(name: &str) -> Option<&'static Helper> {
    ALL.iter().find(|h| h.name == name)
}

/// The helpers that translations used, collected while they are made.
#[derive(Debug, Default)]
pub struct Used {
    names: RefCell<BTreeSet<&'static str>>,
    volatile: RefCell<Option<String>>,
    zoned: Cell<bool>,
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

    /// Notes that what is translated depends on the time zone of the session.
    pub fn note_zoned(&self) {
        self.zoned.set(true);
    }

    /// Whether what was translated depends on the time zone of the session.
    pub fn zoned(&self) -> bool {
        self.zoned.get()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_function_calls_stands_before_it_and_is_said() {
        for (n, helper) in ALL.iter().enumerate() {
            let text = helper.sql;
            assert!(text.starts_with(&format!("CREATE FUNCTION {}(", helper.name)), "{}", helper.name);
            assert!(text.contains(&format!("COMMENT ON FUNCTION {}(", helper.name)), "{}", helper.name);
            let (_, body) = text.split_once("$$").unwrap_or_default();
            for (m, other) in ALL.iter().enumerate() {
                let calls = other.name != helper.name && body.contains(&format!("{}(", other.name));
                assert_eq!(calls, helper.needs.contains(&other.name), "{} and {}", helper.name, other.name);
                assert!(!calls || m < n, "{} stands before {}", helper.name, other.name);
            }
        }
    }

    /// Before version 17 a parallel worker can begin no subtransaction.
    /// Source: <https://www.postgresql.org/docs/16/parallel-safety.html>.
    #[test]
    fn what_catches_errors_runs_in_no_parallel_worker() {
        let catches = |h: &&Helper| h.sql.contains("EXCEPTION WHEN") || h.sql.contains("\nEXCEPTION");
        for helper in ALL.iter().filter(catches) {
            assert!(!helper.sql.contains("PARALLEL SAFE"), "{}", helper.name);
        }
        assert!(ALL.iter().any(|h| catches(&h)));
    }

    #[test]
    fn what_a_used_function_needs_is_made_too() {
        let used = Used::default();
        used.take("sqlite_round");
        let names = used.names();
        assert!(names.iter().any(|n| n == "sqlite_exact"), "{names:?}");
        assert_eq!(names.last().map(String::as_str), Some("sqlite_round"));
    }
}
