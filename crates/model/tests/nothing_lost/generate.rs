//! Schemas with every clause of CREATE TABLE and CREATE INDEX, each clause with a mark of its own.
//! Owns what tables and indexes are made of; views, triggers and virtual tables stand in `programs`.

use crate::clauses::{Clause, What};
use crate::support::Dice;
use lite2pg_model::ident;
use lite2pg_model::schema::{Action, Deferrable};

/// A statement, what it says, and rows for what it makes.
pub struct Statement {
    pub sql: String,
    pub clauses: Vec<Clause>,
    pub rows: Vec<String>,
}

/// A table that later statements may use.
#[derive(Clone)]
pub struct Made {
    pub name: String,
    pub columns: Vec<String>,
    pub keys: Vec<Vec<String>>,
}

/// Makes schemas, one after the other.
pub struct Generator {
    pub dice: Dice,
    marks: u32,
    pub tables: Vec<Made>,
}

const CONFLICTS: [&str; 4] = ["FAIL", "IGNORE", "REPLACE", "ROLLBACK"];
const TYPES: [&str; 16] = [
    "",
    "INTEGER",
    "INT",
    "TEXT",
    "TEXT",
    "REAL",
    "BLOB",
    "NUMERIC",
    "VARCHAR(10)",
    "BOOLEAN",
    "DATETIME",
    "DATE",
    "DECIMAL(10,2)",
    "JSON",
    "UUID",
    "BIGINT UNSIGNED",
];
const STRICT: [&str; 6] = ["INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY"];

impl Generator {
    pub fn new(dice: Dice) -> Self {
        Generator { dice, marks: 0, tables: Vec::new() }
    }

    /// A schema: tables first, then what stands on them.
    pub fn schema(&mut self) -> Vec<Statement> {
        self.tables.clear();
        let mut all = Vec::new();
        for n in 0..=self.dice.roll(3) {
            all.push(self.table(n));
        }
        for n in 0..self.dice.roll(5) {
            all.push(self.index(n));
        }
        for n in 0..self.dice.roll(3) {
            all.push(self.view(n));
        }
        for n in 0..self.dice.roll(3) {
            all.push(self.trigger(n));
        }
        if self.chance(4) {
            all.push(self.virtual_table());
        }
        all
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.dice.roll(one_in) == 0
    }

    /// Digits that nothing else in the run has.
    pub fn mark(&mut self) -> String {
        self.marks += 1;
        (7_000_000 + self.marks).to_string()
    }

    /// A name, as SQLite lets people write it.
    pub fn quoted(&mut self, name: &str) -> String {
        match self.dice.roll(4) {
            0 if !name.contains(']') => format!("[{name}]"),
            1 if !name.contains('`') => format!("`{name}`"),
            _ => ident::sqlite(name),
        }
    }

    fn name(&mut self, plain: &str, n: usize) -> String {
        match self.dice.roll(8) {
            0 => format!("{plain} {n}"),
            1 => format!("{}{n}", plain.to_uppercase()),
            2 => format!("{plain}é{n}"),
            3 => format!("{plain}'{n}"),
            _ => format!("{plain}{n}"),
        }
    }

    fn named(&mut self, plain: &str) -> (Option<String>, String) {
        if self.chance(2) {
            return (None, String::new());
        }
        let name = format!("{plain}{}", self.mark());
        let text = format!("CONSTRAINT {name} ");
        (Some(name), text)
    }

    fn table(&mut self, n: usize) -> Statement {
        let name = self.name("t", n);
        let strict = self.chance(4);
        let without_rowid = self.chance(4);
        let names: Vec<String> = (0..2 + self.dice.roll(5)).map(|i| self.name("c", i)).collect();
        let mut clauses = vec![What::Table];
        let mut keyed = false;
        let mut parts = Vec::new();
        for (i, column) in names.iter().enumerate() {
            parts.push(self.column(i, column, &names, strict, without_rowid, &mut keyed, &mut clauses));
        }
        for _ in 0..self.dice.roll(4) {
            let part = self.constraint(&names, &mut keyed, &mut clauses);
            parts.push(part);
        }
        if without_rowid && !keyed {
            parts.push(format!("PRIMARY KEY ({})", self.quoted(&names[0])));
            clauses.push(What::PrimaryKey(vec![names[0].clone()]));
        }
        let options = match (strict, without_rowid) {
            (true, true) => " STRICT, WITHOUT ROWID",
            (true, false) => " STRICT",
            (false, true) => " WITHOUT ROWID",
            (false, false) => "",
        };
        let sql = format!("CREATE TABLE {} ({}){options}", self.quoted(&name), parts.join(", "));
        let rows = (0..self.dice.roll(3)).map(|_| self.row(&name, &names)).collect();
        let keys = clauses.iter().filter_map(|what| match what {
            What::PrimaryKey(columns) | What::Unique(columns) => Some(columns.clone()),
            _ => None,
        });
        self.tables.push(Made { name: name.clone(), columns: names, keys: keys.collect() });
        let clauses = clauses.into_iter().map(|what| Clause { object: name.clone(), what }).collect();
        Statement { sql, clauses, rows }
    }

    fn row(&mut self, table: &str, columns: &[String]) -> String {
        let values: Vec<&str> = columns
            .iter()
            .map(|_| self.dice.pick(&["NULL", "1", "0", "2.5", "'x'", "'12'", "x'00ff'", "'2024-01-31 10:00:00'"]))
            .collect();
        format!("INSERT OR IGNORE INTO {} VALUES ({})", ident::sqlite(table), values.join(", "))
    }

    #[allow(clippy::too_many_arguments, reason = "what one column depends on")]
    fn column(
        &mut self,
        i: usize,
        name: &str,
        all: &[String],
        strict: bool,
        without_rowid: bool,
        keyed: &mut bool,
        clauses: &mut Vec<What>,
    ) -> String {
        let mut sql = self.quoted(name);
        let column = || name.to_owned();
        clauses.push(What::Column(column()));
        if !*keyed && self.chance(6) {
            *keyed = true;
            clauses.push(What::PrimaryKey(vec![column()]));
            if !without_rowid && self.chance(2) {
                sql.push_str(" INTEGER PRIMARY KEY AUTOINCREMENT");
                clauses.push(What::Autoincrement(column()));
            } else {
                let order = self.dice.pick(&["", " ASC", " DESC"]);
                sql.push_str(&format!(" {} PRIMARY KEY{order}", self.dice.pick(&["INTEGER", "TEXT", "INT", "BLOB"])));
                sql.push_str(&self.conflict(Some(name), clauses));
            }
            return sql;
        }
        let declared = if strict { self.dice.pick(&STRICT) } else { self.dice.pick(&TYPES) };
        sql.push_str(&format!(" {declared}"));
        if i > 0 && self.chance(5) {
            let (text, marker) = self.generated(&all[0]);
            clauses.push(What::Generated { column: column(), marker });
            sql.push_str(&format!(" GENERATED ALWAYS AS ({text}){}", self.dice.pick(&["", " VIRTUAL", " STORED"])));
        } else {
            self.default_of(name, declared, &mut sql, clauses);
            if strict && declared != "ANY" {
                clauses.push(What::Strict { column: column(), declared });
            }
        }
        if self.chance(4) {
            sql.push_str(" NOT NULL");
            clauses.push(What::NotNull(column()));
            sql.push_str(&self.conflict(Some(name), clauses));
        }
        if self.chance(5) {
            sql.push_str(&format!(" COLLATE {}", self.dice.pick(&["NOCASE", "RTRIM", "nocase"])));
            clauses.push(What::Collate(column()));
        }
        if self.chance(4) {
            let (named, text) = self.named("k");
            let (condition, marker) = self.condition(&ident::sqlite(name));
            sql.push_str(&format!(" {text}CHECK ({condition})"));
            clauses.push(What::Check { name: named, marker });
        }
        if self.chance(6) {
            sql.push_str(" UNIQUE");
            clauses.push(What::Unique(vec![column()]));
            sql.push_str(&self.conflict(Some(name), clauses));
        }
        if self.chance(5) {
            let text = self.references(vec![column()], all, clauses);
            sql.push_str(&format!(" {text}"));
        }
        sql
    }

    fn default_of(&mut self, name: &str, declared: &str, sql: &mut String, clauses: &mut Vec<What>) {
        if self.chance(3) {
            let (text, marker) = self.default(declared);
            if text != "NULL" {
                clauses.push(What::Default { column: name.to_owned(), marker });
            }
            sql.push_str(&format!(" DEFAULT {text}"));
        }
    }

    fn constraint(&mut self, all: &[String], keyed: &mut bool, clauses: &mut Vec<What>) -> String {
        let (name, text) = self.named("n");
        let (a, b) = (self.dice.roll(all.len()), self.dice.roll(all.len()));
        let columns: Vec<String> = if a == b { vec![all[a].clone()] } else { vec![all[a].clone(), all[b].clone()] };
        let list = columns.iter().map(|c| ident::sqlite(c)).collect::<Vec<_>>().join(", ");
        let of = (columns.len() == 1).then(|| columns[0].clone());
        match self.dice.roll(4) {
            0 if !*keyed => {
                *keyed = true;
                clauses.push(What::PrimaryKey(columns));
                format!("{text}PRIMARY KEY ({list}){}", self.conflict(of.as_deref(), clauses))
            }
            1 => {
                clauses.push(What::Unique(columns));
                format!("{text}UNIQUE ({list}){}", self.conflict(of.as_deref(), clauses))
            }
            2 => {
                let references = self.references(columns, all, clauses);
                format!("{text}FOREIGN KEY ({list}) {references}")
            }
            _ => {
                let (condition, marker) = self.condition(&ident::sqlite(&all[a]));
                let other = ident::sqlite(&all[b]);
                clauses.push(What::Check { name, marker });
                format!("{text}CHECK ({condition} OR {other} IS NULL)")
            }
        }
    }

    fn conflict(&mut self, column: Option<&str>, clauses: &mut Vec<What>) -> String {
        if !self.chance(5) {
            return String::new();
        }
        let word = CONFLICTS[self.dice.roll(4)];
        clauses.push(What::Conflict { column: column.map(str::to_owned), word });
        format!(" ON CONFLICT {word}")
    }

    fn references(&mut self, columns: Vec<String>, own: &[String], clauses: &mut Vec<What>) -> String {
        let parent = self.tables.get(self.dice.roll(self.tables.len() + 1)).cloned();
        let parent = parent.unwrap_or(Made { name: "nowhere".into(), columns: own.to_vec(), keys: Vec::new() });
        let mut sql = format!("REFERENCES {}", self.quoted(&parent.name));
        let key = parent.keys.iter().find(|k| k.len() == columns.len());
        if key.is_some() || !self.chance(3) {
            let n = columns.len().min(parent.columns.len());
            let to = key.map_or(&parent.columns[..n], Vec::as_slice);
            let list: Vec<String> = to.iter().map(|c| ident::sqlite(c)).collect();
            sql.push_str(&format!(" ({})", list.join(", ")));
        }
        let mut actions = (Action::NoAction, Action::NoAction);
        for (event, action) in [("DELETE", &mut actions.0), ("UPDATE", &mut actions.1)] {
            let all = [Action::NoAction, Action::Restrict, Action::SetNull, Action::SetDefault, Action::Cascade];
            if self.chance(3) {
                *action = all[self.dice.roll(5)];
                sql.push_str(&format!(" ON {event} {}", action.sql()));
            }
        }
        if self.chance(6) {
            let word = self.dice.pick(&["FULL", "PARTIAL"]);
            clauses.push(What::Match { word: if word == "FULL" { "FULL" } else { "PARTIAL" } });
            sql.push_str(&format!(" MATCH {word}"));
        }
        let (text, deferrable) = match self.dice.roll(8) {
            0 => (" DEFERRABLE", Deferrable::Immediate),
            1 => (" DEFERRABLE INITIALLY DEFERRED", Deferrable::Deferred),
            2 => (" DEFERRABLE INITIALLY IMMEDIATE", Deferrable::Immediate),
            3 => (" NOT DEFERRABLE INITIALLY DEFERRED", Deferrable::Not),
            4 => (" NOT DEFERRABLE", Deferrable::Not),
            _ => ("", Deferrable::Not),
        };
        clauses.push(What::ForeignKey { columns, parent: parent.name, actions, deferrable });
        sql + text
    }

    /// A condition on a column, with the marker in it.
    pub fn condition(&mut self, c: &str) -> (String, String) {
        let m = self.mark();
        let text = match self.dice.roll(16) {
            0 => format!("{c} <> {m}"),
            1 => format!("{c} BETWEEN -{m} AND {m}"),
            2 => format!("length({c}) < {m}"),
            3 => format!("{c} IN (1, {m})"),
            4 => format!("{c} LIKE '%m{m}%' OR 1"),
            5 => format!("{c} IS NOT 'm{m}'"),
            6 => format!("typeof({c}) <> 'm{m}'"),
            7 => format!("{c} COLLATE NOCASE <> 'm{m}'"),
            8 => format!("NOT {c} GLOB 'm{m}*'"),
            9 => format!("coalesce({c}, {m}) IS NOT NULL"),
            10 => format!("{c} || 'm{m}' <> ''"),
            11 => format!("CASE WHEN {c} > {m} THEN 0 ELSE 1 END"),
            12 => format!("json_valid({c}) OR {c} IS NOT {m}"),
            13 => format!("CAST({c} AS TEXT) <> '{m}'"),
            14 => format!("{c} % {m} IS NOT 3 AND {c} / {m} IS NOT 9"),
            _ => format!("datetime({c}, '+{m} seconds') IS NULL OR 1"),
        };
        (text, m)
    }

    fn generated(&mut self, from: &str) -> (String, String) {
        let (m, c) = (self.mark(), ident::sqlite(from));
        let text = match self.dice.roll(7) {
            0 => format!("{c} || 'm{m}'"),
            1 => format!("{c} + {m}"),
            2 => format!("length({c}) + {m}"),
            3 => format!("upper({c}) || '{m}'"),
            4 => format!("coalesce({c}, {m})"),
            5 => format!("{c} > {m}"),
            _ => format!("printf('%s-{m}', {c})"),
        };
        (text, m)
    }

    /// A default, and the marker that its column must show if that column stays text.
    fn default(&mut self, declared: &str) -> (String, Option<String>) {
        let m = self.mark();
        match self.dice.roll(16) {
            0 => (m, None),
            1 => (format!("-{m}"), None),
            2 => (format!("+{m}.5"), None),
            3 => (format!("'m{m}'"), (declared == "TEXT").then_some(m)),
            4 => (format!("\"m{m}\""), (declared == "TEXT").then_some(m)),
            5 => (format!("x'00{m}'"), None),
            6 => ("NULL".to_owned(), None),
            7 => (self.dice.pick(&["TRUE", "FALSE", "1e999", "0x7f", "''"]).to_owned(), None),
            8 => (self.dice.pick(&["CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME"]).to_owned(), None),
            9 => ("(strftime('%s', 'now'))".to_owned(), None),
            10 => (format!("(datetime('now', '+{m} seconds'))"), None),
            11 => ("(hex(randomblob(16)))".to_owned(), None),
            12 => (format!("({m} + 1)"), None),
            13 => (format!("(json_array({m}))"), None),
            14 => (format!("(random() % {m})"), None),
            _ => ("(julianday('now'))".to_owned(), None),
        }
    }

    fn index(&mut self, n: usize) -> Statement {
        let table = self.tables[self.dice.roll(self.tables.len())].clone();
        let name = self.name("i", n);
        let unique = self.chance(3);
        let mut clauses = vec![What::Index { table: table.name.clone(), unique }];
        let mut terms = Vec::new();
        for _ in 0..=self.dice.roll(3) {
            let column = table.columns[self.dice.roll(table.columns.len())].clone();
            let quoted = self.quoted(&column);
            let order = self.dice.pick(&["", "", " ASC", " DESC"]);
            if self.chance(4) {
                let (m, table) = (self.mark(), table.name.clone());
                let term = match self.dice.roll(3) {
                    0 => format!("coalesce({quoted}, 'm{m}')"),
                    1 => format!("{quoted} + {m}"),
                    _ => format!("substr({quoted}, 1, {m})"),
                };
                clauses.push(What::IndexMarker { table, marker: m, predicate: false });
                terms.push(format!("{term}{order}"));
                continue;
            }
            let mut term = quoted;
            if self.chance(4) {
                term.push_str(&format!(" COLLATE {}", self.dice.pick(&["NOCASE", "RTRIM"])));
                clauses.push(What::IndexCollate { table: table.name.clone(), column: column.clone() });
            }
            clauses.push(What::Term { table: table.name.clone(), column, descending: order == " DESC" });
            terms.push(format!("{term}{order}"));
        }
        let mut sql = format!(
            "CREATE {}INDEX {} ON {} ({})",
            if unique { "UNIQUE " } else { "" },
            self.quoted(&name),
            self.quoted(&table.name),
            terms.join(", ")
        );
        if self.chance(3) {
            let column = ident::sqlite(&table.columns[self.dice.roll(table.columns.len())]);
            let (condition, marker) = self.condition(&column);
            clauses.push(What::IndexMarker { table: table.name.clone(), marker, predicate: true });
            sql.push_str(&format!(" WHERE {condition}"));
        }
        let clauses = clauses.into_iter().map(|what| Clause { object: name.clone(), what }).collect();
        Statement { sql, clauses, rows: Vec::new() }
    }
}
