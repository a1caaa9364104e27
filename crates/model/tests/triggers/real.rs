//! The triggers of real databases: which are not carried, and why; what those that are carried do on both sides.
//! Owns the walk over `$LITE2PG_CORPUS` (a directory of SQLite files); does nothing without it.

use super::both::{Both, planned, resolved};
use lite2pg_model::finding::codes;
use lite2pg_model::ident;
use lite2pg_model::plan::{Effect, Plan, Stage};
use lite2pg_model::schema::Schema;
use lite2pg_testkit::cluster::Cluster;
use rusqlite::{Connection, OpenFlags};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

#[test]
fn triggers_of_real_databases() {
    let Some(corpus) = std::env::var_os("LITE2PG_CORPUS") else { return };
    let cluster = Cluster::start(&[], &[]);
    let (mut all, mut carried) = (0, 0);
    let mut files = Vec::new();
    let mut wrong = Vec::new();
    walk(Path::new(&corpus), &mut files);
    for file in files {
        let Ok(lite) = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY) else { continue };
        let count = "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'";
        match lite.query_row(count, [], |r| r.get::<_, u32>(0)) {
            Ok(n) if n > 0 => all += u64::from(n),
            _ => continue,
        }
        let schema = resolved(&lite);
        let plan = planned(&lite, &schema, "real");
        carried += plan.objects.triggers.carried;
        println!("{}: {:?}", file.display(), plan.objects.triggers);
        for finding in plan.findings.iter().filter(|f| f.code == codes::TRIGGER || f.code == codes::TRIGGER_DIFFERS) {
            println!("  {}", finding.message);
        }
        if catch_unwind(AssertUnwindSafe(|| exercise(&file, plan, &schema, &cluster, &mut wrong))).is_err() {
            wrong.push(format!("{} cannot be made", file.display()));
        }
    }
    println!("{carried} of {all} triggers are carried");
    assert!(wrong.is_empty(), "{} differences: {wrong:#?}", wrong.len());
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// On a copy of a database and on its plan in PostgreSQL: of each table that has triggers some rows are updated, deleted
/// and inserted again, each time on both sides, which are then as before.
fn exercise(file: &Path, plan: Plan, schema: &Schema, cluster: &Cluster, wrong: &mut Vec<String>) {
    let copy = std::env::temp_dir().join(format!("lite2pg-triggers-{}.db", std::process::id()));
    let _ = std::fs::remove_file(&copy);
    // With what is in the -wal file.
    let source = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    source.execute_batch(&format!("VACUUM INTO '{}'", copy.display())).unwrap();
    let lite = Connection::open(&copy).unwrap();
    let carried: Vec<&str> = plan.triggers.iter().map(|t| t.name.as_str()).collect();
    for trigger in schema.triggers.iter().filter(|t| !carried.contains(&t.name.as_str())) {
        lite.execute_batch(&format!("DROP TRIGGER {}", ident::sqlite(&trigger.name))).unwrap();
    }
    let mut both = Both { lite, pg: cluster.client("postgres"), plan };
    both.pg.batch_execute("DROP SCHEMA IF EXISTS real_sqlite CASCADE").unwrap();
    // Foreign keys that rows break are enforced on neither side.
    let broken = "SELECT count(*) FROM pragma_foreign_key_check";
    let sound = both.lite.query_row(broken, [], |r| r.get::<_, u32>(0)).is_ok_and(|n| n == 0);
    both.lite.execute_batch(if sound { "PRAGMA foreign_keys = ON" } else { "PRAGMA foreign_keys = OFF" }).unwrap();
    both.make(sound);
    let mut on: Vec<(String, bool)> = both.plan.triggers.iter().map(|t| (t.table.clone(), t.on_view)).collect();
    on.sort();
    on.dedup();
    for (target, view) in on {
        both.exercise(&target, view, schema, wrong);
    }
    std::fs::remove_file(&copy).unwrap();
}

impl Both {
    fn exercise(&mut self, target: &str, view: bool, schema: &Schema, wrong: &mut Vec<String>) {
        let name = ident::pg(target);
        let of_view = self.plan.views.iter().filter(|v| v.target == target).flat_map(|v| &v.columns);
        let of_view = of_view.map(|c| ident::pg(&c.target));
        let of_table = self.plan.tables.iter().filter(|t| t.target == target).flat_map(|t| &t.columns);
        let columns: Vec<String> = of_table.map(|c| ident::pg(&c.target)).chain(of_view).collect();
        let list = columns.join(", ");
        let sets: Vec<String> = columns.iter().map(|c| format!("{c} = {c}")).collect();
        // As text, which both sides order alike.
        let order: Vec<String> = columns.iter().map(|c| format!("CAST({c} AS TEXT) NULLS FIRST")).collect();
        let keep = format!("CREATE TEMP TABLE kept AS SELECT {list} FROM {name} ORDER BY {} LIMIT 1", order.join(", "));
        let same: Vec<String> = columns.iter().map(|c| format!("kept.{c} IS {name}.{c}")).collect();
        let chosen = format!("EXISTS (SELECT 1 FROM kept WHERE {})", same.join(" AND "));
        let delete = format!("DELETE FROM {name} WHERE {chosen}");
        let insert = format!("INSERT INTO {name} ({list}) SELECT {list} FROM kept");
        for (before, sql) in [
            ("", format!("UPDATE {name} SET {} WHERE {chosen}", sets.join(", "))),
            ("", delete.clone()),
            ("", insert.clone()),
            (if view { "" } else { &delete }, insert),
        ] {
            self.lite.execute_batch(&format!("SAVEPOINT s; {keep}")).unwrap();
            self.pg.batch_execute(&format!("BEGIN; {keep}; SAVEPOINT s")).unwrap();
            let mut agree = true;
            for sql in [before, &sql].into_iter().filter(|s| !s.is_empty()) {
                let lite = self.lite.execute_batch(sql);
                let pg = self.pg.batch_execute(&sql.replace(" IS ", " IS NOT DISTINCT FROM "));
                if lite.is_ok() != pg.is_ok() {
                    wrong.push(format!("{target}: {sql}: SQLite {lite:?}, PostgreSQL {pg:?}"));
                }
                agree &= lite.is_ok() && pg.is_ok();
            }
            if agree {
                self.agree(target, schema, &sql, wrong);
            }
            self.lite.execute_batch("ROLLBACK TO s; RELEASE s").unwrap();
            self.pg.batch_execute("ROLLBACK").unwrap();
            // The numbers that sequences gave are not taken back with the rest.
            for step in self.plan.steps("real").iter().filter(|s| s.stage == Stage::Sequences) {
                if let Effect::Sql(sql) = &step.effect {
                    self.pg.batch_execute(sql).unwrap();
                }
            }
        }
    }

    /// The rows of the table and of all that triggers name.
    fn agree(&mut self, target: &str, schema: &Schema, after: &str, wrong: &mut Vec<String>) {
        for table in self.plan.tables.clone() {
            let named = |sql: &str| sql.to_lowercase().contains(&table.name.to_lowercase());
            let mut on = schema.triggers.iter().filter(|t| t.table.eq_ignore_ascii_case(target));
            if table.target != target && !on.any(|t| named(&t.sql)) || table.rows > 20_000 {
                continue;
            }
            let (lite, pg) = self.rows(&table, &[]);
            let differ = lite.iter().zip(&pg).find(|(a, b)| a != b);
            if lite.len() != pg.len() || differ.is_some() {
                wrong.push(format!(
                    "{target}: {} {} rows of {}: {differ:?} after {after}",
                    lite.len(),
                    pg.len(),
                    table.name
                ));
            }
        }
    }
}
