//! How a table is read: its columns, the expressions that stand in their place, and which of its rows.
//! Owns the text of these statements, so that census, copy and digests see the same values; never runs one.

use super::huge::Long;
use lite2pg_model::ident::sqlite;
use lite2pg_model::plan::TablePlan;
use lite2pg_model::schema::{Stored, Table};

/// A table as the migration sees it.
#[derive(Clone, Debug)]
pub struct Reading<'a> {
    table: &'a str,
    stored: Option<&'a Stored>,
    columns: Vec<Seen<'a>>,
    filter: Option<&'a str>,
    rowid: Option<&'static str>,
    order: &'a [String],
    long: Option<&'a Long>,
}

/// A column, and the expression that is read in its place.
#[derive(Clone, Copy, Debug)]
struct Seen<'a> {
    name: &'a str,
    read: Option<&'a str>,
}

/// Which rows of a [`Reading`] by their rowids: each bound is a parameter of the statement, in this order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds {
    /// Only rows after the first parameter.
    pub after: bool,
    /// Only rows up to the next parameter.
    pub last: bool,
}

impl<'a> Reading<'a> {
    /// As the schema and what was said of it have it.
    pub fn of_table(table: &'a Table) -> Self {
        let columns = table.columns.iter().map(|c| Seen { name: &c.name, read: c.read.as_deref() });
        let filter = table.filter.as_deref();
        Reading::of(
            (&table.name, table.stored.as_ref()),
            columns,
            &table.left_out,
            table.without_rowid,
            filter,
            &table.order,
        )
    }

    /// As the plan has it.
    pub fn of_plan(table: &'a TablePlan) -> Self {
        let columns = table.columns.iter().map(|c| Seen { name: &c.name, read: c.read.as_deref() });
        let filter = table.filter.as_deref();
        Reading::of(
            (&table.name, table.stored.as_ref()),
            columns,
            &table.left_out,
            table.without_rowid,
            filter,
            &table.order,
        )
    }

    fn of(
        (table, stored): (&'a str, Option<&'a Stored>),
        columns: impl Iterator<Item = Seen<'a>>,
        left_out: &'a [String],
        without_rowid: bool,
        filter: Option<&'a str>,
        order: &'a [String],
    ) -> Self {
        let columns: Vec<Seen<'a>> = columns.collect();
        let names = columns.iter().map(|c| c.name).chain(left_out.iter().map(String::as_str));
        Reading { table, stored, rowid: rowid_name(names, without_rowid), columns, filter, order, long: None }
    }

    /// Without its long values in [`Reading::rows`]: what was left out stands at the end.
    pub fn without(self, long: Option<&'a Long>) -> Self {
        Reading { long, ..self }
    }

    /// The name under which its rowid can be read, if it can.
    pub fn rowid(&self) -> Option<&'static str> {
        self.rowid
    }

    /// Reads these columns (by their places), then the rowid if it can be read. Every statement over the whole table gives
    /// its rows in one order: that of the rowid, since NOT INDEXED forbids all else, or that of [`Reading::order`], since
    /// SQLite may read a WITHOUT ROWID table by an index all the same.
    pub fn columns(&self, places: impl IntoIterator<Item = usize>, bounds: Bounds) -> String {
        self.select(self.listed(places), None, &self.within(bounds), true)
    }

    /// The same with something of SQLite's behind the columns, for the rows that also meet a condition.
    pub fn columns_and(
        &self,
        places: impl IntoIterator<Item = usize>,
        extra: Option<&str>,
        condition: Option<&str>,
        by_index: bool,
    ) -> String {
        let mut list = self.listed(places);
        list.extend(extra.map(enclosed));
        let condition: Vec<String> = condition.map(enclosed).into_iter().collect();
        self.select(list, None, &condition, !by_index)
    }

    /// Reads every column, then the rowid if it can be read.
    pub fn rows(&self, bounds: Bounds) -> String {
        self.select(self.values(), self.long, &self.within(bounds), true)
    }

    /// Asks something of every row that is read, then its rowid if it can be read.
    pub fn asking(&self, list: Vec<String>) -> String {
        self.select(list, None, &[], true)
    }

    /// Whether a person's SQL is computed for its rows: that may take any time.
    pub fn computes(&self) -> bool {
        self.filter.is_some() || self.columns.iter().any(|c| c.read.is_some())
    }

    /// What is read of each column, as SQL.
    pub fn values(&self) -> Vec<String> {
        self.columns.iter().map(|c| self.value(*c)).collect()
    }

    /// ORDER BY, where the rows have no rowid to be ordered by.
    pub fn order(&self) -> String {
        if self.order.is_empty() { String::new() } else { format!(" ORDER BY {}", self.order.join(", ")) }
    }

    fn listed(&self, places: impl IntoIterator<Item = usize>) -> Vec<String> {
        places.into_iter().filter_map(|i| self.columns.get(i)).map(|c| self.value(*c)).collect()
    }

    fn within(&self, bounds: Bounds) -> Vec<String> {
        let given = [(bounds.after, ">"), (bounds.last, "<=")].into_iter().filter(|(given, _)| *given);
        let bound = |(i, (_, comparison))| Some(format!("{} {comparison} ?{}", self.rowid?, i + 1));
        given.enumerate().filter_map(bound).collect()
    }

    fn select(&self, mut list: Vec<String>, long: Option<&Long>, conditions: &[String], scan: bool) -> String {
        list.extend(self.rowid.map(str::to_owned));
        if let Some(long) = long {
            long.leave_out(&mut list);
        }
        if list.is_empty() {
            list.push("1".to_owned());
        }
        let conditions: Vec<String> = self.filter.map(enclosed).into_iter().chain(conditions.iter().cloned()).collect();
        let indexed = if scan { " NOT INDEXED" } else { "" };
        let mut sql = format!("SELECT {} FROM {}", list.join(", "), self.source(&sqlite(self.table), indexed));
        if !conditions.is_empty() {
            sql.push_str(&format!(" WHERE {}", conditions.join(" AND ")));
        }
        sql.push_str(&self.order());
        sql
    }

    /// All rows, under the table's own name, with the columns as the source has them: no filter, no expression.
    pub fn whole(&self) -> String {
        self.source(&sqlite(self.table), " NOT INDEXED")
    }

    /// The table under a name; of one that is stored elsewhere, what is there under the names that its columns have here.
    /// SQLite reads that as it reads the other table itself.
    fn source(&self, alias: &str, indexed: &str) -> String {
        let Some(stored) = self.stored else {
            let table = sqlite(self.table);
            return if alias == table { format!("{table}{indexed}") } else { format!("{table} AS {alias}{indexed}") };
        };
        let mut list: Vec<String> =
            stored.columns.iter().map(|(name, here)| format!("{} AS {}", sqlite(here), sqlite(name))).collect();
        let key = stored.columns.first().map(|(_, here)| sqlite(here));
        list.extend(self.rowid.zip(key).map(|(rowid, key)| format!("{key} AS {rowid}")));
        format!("(SELECT {} FROM {}{indexed}) AS {alias}", list.join(", "), sqlite(&stored.table))
    }

    /// What stands after FROM, so that an expression over the table's columns sees the values as they are read. Never
    /// by an index; `alias` is the table's own name where none is given.
    pub fn clause(&self, alias: Option<&str>) -> String {
        self.clause_with(alias, " NOT INDEXED")
    }

    /// The same for a table that is looked up by a key: its indexes may be used.
    pub fn clause_by_key(&self, alias: &str) -> String {
        self.clause_with(Some(alias), "")
    }

    fn clause_with(&self, alias: Option<&str>, indexed: &str) -> String {
        let table = sqlite(self.table);
        if self.filter.is_none() && self.columns.iter().all(|c| c.read.is_none()) {
            return self.source(alias.unwrap_or(&table), indexed);
        }
        let named = |c: &Seen<'_>| format!("{} AS {}", self.value(*c), sqlite(c.name));
        let list: Vec<String> = self.columns.iter().map(named).collect();
        let list = if list.is_empty() { "1".to_owned() } else { list.join(", ") };
        let filter = self.filter.map_or_else(String::new, |f| format!(" WHERE {}", enclosed(f)));
        let source = self.source(&table, indexed);
        format!("(SELECT {list} FROM {source}{filter}) AS {}", alias.unwrap_or(&table))
    }

    fn value(&self, column: Seen<'_>) -> String {
        match column.read {
            Some(expression) => enclosed(expression),
            // Qualified: such a name is a column or an error, never a string literal.
            None => format!("{}.{}", sqlite(self.table), sqlite(column.name)),
        }
    }
}

/// On lines of its own: its text may end in a comment.
fn enclosed(expression: &str) -> String {
    format!("(\n{expression}\n)")
}

/// The name under which a table's rowid can be read: `rowid`, or one of its other names where a column hides it. `None`
/// for tables without one, and where all three names are columns.
fn rowid_name<'a>(columns: impl Iterator<Item = &'a str> + Clone, without_rowid: bool) -> Option<&'static str> {
    if without_rowid {
        return None;
    }
    ["rowid", "_rowid_", "oid"].into_iter().find(|name| !columns.clone().any(|c| c.eq_ignore_ascii_case(name)))
}
