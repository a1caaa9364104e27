//! The floor: the same rows in the same column types, already encoded, read by the server itself with COPY BINARY over one
//! connection, each table's commit included; then the same keys, indexes and foreign keys, one after the other.
//! Owns that; both its tables and what hangs on them are read from a migrated database.

use lite2pg_testkit::cluster::Cluster;
use postgres::Client;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What is loaded and built.
pub struct Floor {
    /// A statement for each table.
    pub create: Vec<String>,
    /// Tables with rows, and the file of each.
    pub files: Vec<(String, PathBuf)>,
    /// Keys, indexes, foreign keys.
    pub after: Vec<String>,
}

const TABLES: &str = "SELECT c.relname::text, 'CREATE TABLE ' || quote_ident(c.relname) || '(' || string_agg(quote_ident(a.attname) || ' ' \
    || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attcollation NOT IN (0, t.typcollation) THEN ' COLLATE \"C\"' ELSE '' END, \
    ', ' ORDER BY a.attnum) || ')' \
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
    JOIN pg_type t ON t.oid = a.atttypid \
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' GROUP BY c.oid, c.relname ORDER BY c.oid";

const AFTER: &str = "SELECT sql FROM (\
    SELECT 1 AS pass, conrelid::int8 AS place, 'ALTER TABLE ' || conrelid::regclass || ' ADD ' || pg_get_constraintdef(oid) AS sql \
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u') \
    UNION ALL SELECT 2, indrelid::int8, pg_get_indexdef(indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = indrelid \
    WHERE c.relnamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u')) \
    UNION ALL SELECT 3, conrelid::int8, 'ALTER TABLE ' || conrelid::regclass || ' ADD ' || pg_get_constraintdef(oid) \
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype = 'f') s ORDER BY pass, place";

impl Floor {
    /// Reads it off a migrated database, and lets the server write the rows of each table to a file.
    pub fn of(cluster: &Cluster, db: &str, dir: &Path) -> Floor {
        let mut client = cluster.client(db);
        let mut floor = Floor { create: Vec::new(), files: Vec::new(), after: Vec::new() };
        for row in client.query(TABLES, &[]).expect("the tables") {
            let (name, sql): (String, String) = (row.get(0), row.get(1));
            floor.create.push(sql);
            let file = dir.join(format!("{name}.bin"));
            let _ = std::fs::remove_file(&file);
            let copied = client
                .execute(&format!("COPY \"{name}\" TO '{}' (FORMAT binary)", file.display()), &[])
                .expect("rows in a file that the server can read");
            if copied > 0 {
                floor.files.push((name, file));
            }
        }
        floor.after = client.query(AFTER, &[]).expect("what follows").iter().map(|r| r.get(0)).collect();
        floor
    }

    /// Makes the tables, empty.
    pub fn create(&self, client: &mut Client) {
        client.batch_execute(&self.create.join(";")).expect("the tables");
    }

    /// Keys, indexes and foreign keys.
    pub fn finish(&self, client: &mut Client) {
        self.after.iter().for_each(|sql| client.batch_execute(sql).expect(sql));
    }

    /// Seconds for the rows alone, and for all.
    pub fn run(&self, cluster: &Cluster, db: &str) -> (f64, f64) {
        let mut client = cluster.client(db);
        self.create(&mut client);
        let begin = Instant::now();
        for (table, file) in &self.files {
            let sql = format!("COPY \"{table}\" FROM '{}' (FORMAT binary)", file.display());
            client.batch_execute(&sql).expect("the rows");
        }
        let rows = begin.elapsed().as_secs_f64();
        self.finish(&mut client);
        (rows, begin.elapsed().as_secs_f64())
    }
}
