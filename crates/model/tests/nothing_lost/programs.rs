//! Views, triggers and virtual tables with every clause they may have, each clause with a mark of its own.
//! Owns what they are made of; tables and indexes stand in `generate`.

use crate::clauses::{Clause, What};
use crate::generate::{Generator, Made, Statement};
use lite2pg_model::ident;

impl Generator {
    fn one_table(&mut self) -> Made {
        self.tables[self.dice.roll(self.tables.len())].clone()
    }

    fn one_column(&mut self, table: &Made) -> String {
        ident::sqlite(&table.columns[self.dice.roll(table.columns.len())])
    }

    pub fn view(&mut self, n: usize) -> Statement {
        let (name, table) = (format!("v{n}"), self.one_table());
        let from = self.quoted(&table.name);
        let column = self.one_column(&table);
        let mut marks = Vec::new();
        let mut mark = |g: &mut Self| {
            let m = g.mark();
            marks.push(m.clone());
            m
        };
        let first = match self.dice.roll(5) {
            0 => format!("coalesce({column}, 'm{}')", mark(self)),
            1 => format!("CASE WHEN {column} IS NULL THEN {} ELSE 2 END", mark(self)),
            2 => format!("(SELECT count(*) FROM {from} WHERE {} > 1 OR {column} IS NULL)", mark(self)),
            3 => format!("'m' || {}", mark(self)),
            _ => format!("{} + 1", mark(self)),
        };
        let mut sql = format!("SELECT {first} AS a, {column} AS b FROM {from} AS x");
        if self.chance(3) {
            sql.push_str(&format!(" LEFT JOIN {from} AS y ON x.{column} = y.{column} AND {} > 1", mark(self)));
            sql = sql.replace(&format!(", {column} AS b"), &format!(", x.{column} AS b"));
            sql = sql.replace(&format!("SELECT {first}"), &format!("SELECT {} + 1", mark(self)));
            marks.retain(|m| sql.contains(m.as_str()));
            let mut again = |g: &mut Self| {
                let m = g.mark();
                marks.push(m.clone());
                m
            };
            sql.push_str(&format!(" WHERE y.{column} IS NULL OR {} > 1", again(self)));
            return self.view_of(&name, sql, marks);
        }
        if self.chance(2) {
            sql.push_str(&format!(" WHERE {column} IS NULL OR {} > 1", mark(self)));
        }
        if self.chance(4) {
            sql.push_str(&format!(" GROUP BY {column} HAVING count(*) < {}", mark(self)));
        }
        if self.chance(4) {
            sql.push_str(&format!(" UNION ALL SELECT {}, NULL", mark(self)));
        }
        if self.chance(4) {
            sql.push_str(&format!(" ORDER BY 1 LIMIT {} OFFSET {}", mark(self), mark(self)));
        }
        if self.chance(4) {
            sql = format!("WITH z AS (SELECT {} AS q) {sql}", mark(self));
        }
        self.view_of(&name, sql, marks)
    }

    fn view_of(&mut self, name: &str, query: String, marks: Vec<String>) -> Statement {
        let columns = if self.chance(3) { "(k, l)" } else { "" };
        let sql = format!("CREATE VIEW {}{columns} AS {query}", self.quoted(name));
        let clauses = std::iter::once(What::View { columns: 2 }).chain(marks.into_iter().map(What::ViewMarker));
        let clauses = clauses.map(|what| Clause { object: name.to_owned(), what }).collect();
        Statement { sql, clauses, rows: Vec::new() }
    }

    pub fn trigger(&mut self, n: usize) -> Statement {
        let (name, table) = (format!("g{n}"), self.one_table());
        let column = self.one_column(&table);
        let time = self.dice.pick(&["BEFORE", "AFTER", ""]);
        let event = self.dice.roll(4);
        let (event, row) = match event {
            0 => ("INSERT".to_owned(), "NEW"),
            1 => ("DELETE".to_owned(), "OLD"),
            2 => ("UPDATE".to_owned(), "NEW"),
            _ => (format!("UPDATE OF {column}"), "OLD"),
        };
        let mut marks = Vec::new();
        let mut when = String::new();
        if self.chance(2) {
            let m = self.mark();
            when = format!(" WHEN {row}.{column} IS NULL OR {m} > 1");
            marks.push(m);
        }
        let mut body = String::new();
        for _ in 0..=self.dice.roll(3) {
            let (to, m) = (self.one_table(), self.mark());
            let into = self.quoted(&to.name);
            let c = self.one_column(&to);
            body.push_str(&match self.dice.roll(7) {
                0 => format!("INSERT INTO {into} ({c}) VALUES ('m{m}');"),
                1 => format!("INSERT OR REPLACE INTO {into} ({c}) SELECT {row}.{column} || '{m}';"),
                2 => format!("UPDATE {into} SET {c} = {m} WHERE {c} = {row}.{column};"),
                3 => format!("DELETE FROM {into} WHERE {c} IS NULL OR 1 < {m};"),
                4 => format!("SELECT RAISE(ABORT, 'm{m}') WHERE {row}.{column} = 3;"),
                5 => format!("INSERT INTO {into} ({c}) VALUES ({m}) ON CONFLICT DO NOTHING;"),
                _ => format!("SELECT CASE WHEN {row}.{column} IS NULL AND {m} > 1 THEN RAISE(IGNORE) END;"),
            });
            marks.push(m);
        }
        let sql = format!(
            "CREATE TRIGGER {name} {time} {event} ON {}{} {when} BEGIN {body} END",
            self.quoted(&table.name),
            self.dice.pick(&["", " FOR EACH ROW"])
        );
        let timing = format!("{} {}", if time.is_empty() { "BEFORE" } else { time }, &event[..6]);
        let trigger = What::Trigger { table: table.name, timing };
        let clauses = std::iter::once(trigger).chain(marks.into_iter().map(What::TriggerMarker));
        let clauses = clauses.map(|what| Clause { object: name.clone(), what }).collect();
        Statement { sql, clauses, rows: Vec::new() }
    }

    pub fn virtual_table(&mut self) -> Statement {
        let module = self.dice.pick(&[
            "fts5(title, body)",
            "fts5(title, body, content='')",
            "fts5(title, tokenize='porter ascii')",
            "fts4(title, body)",
            "fts3(body)",
            "rtree(id, x0, x1, y0, y1)",
            "rtree_i32(id, x0, x1, +note)",
        ]);
        let sql = format!("CREATE VIRTUAL TABLE virt USING {module}");
        Statement { sql, clauses: vec![Clause { object: "virt".into(), what: What::Virtual }], rows: Vec::new() }
    }
}
