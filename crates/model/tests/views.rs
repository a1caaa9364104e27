//! Views are translated, made on a real PostgreSQL over the same rows, and give the rows that SQLite gives.
//! Owns that comparison; the cases are `corpus/views/*.sql`, and every database below `$LITE2PG_CORPUS` if it is set.
//!
//! The name of a view says what is expected of it: `ordered_…` gives its rows in SQLite's order, `unsure_…` is carried and
//! told not to be comparable, `refused_…` is not carried, any other gives the same rows in some order.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on must fail")]

mod support;

use lite2pg_model::ident;
use lite2pg_model::mapping::choices::Choices;
use lite2pg_model::mapping::decide::decide;
use lite2pg_model::mapping::profile::TableProfile;
use lite2pg_model::normal;
use lite2pg_model::plan::{Effect, Plan, Stage, ViewPlan, build};
use lite2pg_model::schema::{Schema, TableKind};
use lite2pg_model::sql::resolve::resolve;
use lite2pg_model::value::Value;
use lite2pg_testkit::cluster::Cluster;
use postgres::Client;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

fn value(v: ValueRef<'_>) -> Value<'_> {
    match v {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(i) => Value::Integer(i),
        ValueRef::Real(r) => Value::Real(r),
        ValueRef::Text(t) => Value::Text(t),
        ValueRef::Blob(b) => Value::Blob(b),
    }
}

fn schema_of(db: &Connection) -> Schema {
    let mut raw = support::introspect(db).unwrap();
    let views: Vec<String> = raw.objects.iter().filter(|o| o.kind == "view").map(|o| o.name.clone()).collect();
    for view in views {
        let Ok(statement) = db.prepare(&format!("SELECT * FROM {}", ident::sqlite(&view))) else { continue };
        let column = |name: &str| lite2pg_model::schema::RawColumn { name: name.to_owned(), ..Default::default() };
        raw.columns.insert(view, statement.column_names().map(column).collect());
    }
    resolve(&raw).0
}

/// The plan for a database, from a census of all its values.
fn plan_of(db: &Connection, schema: &Schema, into: &str) -> Plan {
    let mut profiles = BTreeMap::new();
    for table in schema.tables.iter().filter(|t| t.kind == TableKind::Ordinary) {
        let mut profile = TableProfile::for_table(table);
        each_row(db, &table.name, table.columns.len(), &mut |row| {
            profile.rows += 1;
            for (column, v) in profile.columns.iter_mut().zip(row) {
                column.observe(*v);
            }
        });
        profiles.insert(table.name.clone(), profile);
    }
    let (mappings, findings) = decide(schema, &profiles, &Choices::default());
    let input = build::Input { schema: into, collate: true, other_order: true, ..build::Input::default() };
    build::build(schema, &profiles, &mappings, findings, &input)
}

fn each_row(db: &Connection, table: &str, columns: usize, see: &mut dyn FnMut(&[Value<'_>])) {
    let Ok(mut query) = db.prepare(&format!("SELECT * FROM {} NOT INDEXED", ident::sqlite(table))) else { return };
    let mut rows = query.query([]).unwrap();
    while let Ok(Some(row)) = rows.next() {
        let values: Vec<Value<'_>> = (0..columns).filter_map(|i| Some(value(row.get_ref(i).ok()?))).collect();
        see(&values);
    }
}

/// Makes everything in the schema that the plan names.
fn make(client: &mut Client, db: &Connection, plan: &Plan) -> Vec<(String, String)> {
    let schema = plan.schema.clone();
    client.batch_execute(&format!("CREATE SCHEMA {}", ident::pg(&schema))).unwrap();
    let mut failed = Vec::new();
    for step in plan.steps(&schema) {
        match step.effect {
            Effect::Sql(sql) if step.stage != Stage::Triggers => {
                let path = plan.search_path(&schema);
                let script = format!("BEGIN; SET LOCAL search_path TO {path}; {sql}; COMMIT");
                if let Err(e) = client.batch_execute(&script) {
                    assert!(!client.is_closed(), "the server is gone: {e:?}\n{sql}");
                    client.batch_execute("ROLLBACK").unwrap();
                    let why = e.as_db_error().map_or_else(|| e.to_string(), |e| e.message().to_owned());
                    failed.push((step.object, format!("{why}\n{sql}")));
                }
            }
            Effect::Copy(i) => {
                if let Err(why) = copy(client, db, plan, i) {
                    failed.push((step.object, why));
                }
                assert!(!client.is_closed(), "the server is gone: {failed:?}");
            }
            _ => {}
        }
    }
    failed
}

fn copy(client: &mut Client, db: &Connection, plan: &Plan, table: usize) -> Result<(), String> {
    let said = |e: postgres::Error| e.as_db_error().map_or_else(|| e.to_string(), |e| e.message().to_owned());
    let table = &plan.tables[table];
    let into = ident::pg_in(&plan.schema, &table.target);
    let columns: Vec<String> = table.columns.iter().map(|c| ident::pg(&c.target)).collect();
    let codecs: Vec<_> = table.columns.iter().map(|c| lite2pg_model::mapping::codec::Codec::of(&c.crossing)).collect();
    let mut data = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    each_row(db, &table.name, table.columns.len(), &mut |row| {
        data.extend_from_slice(&i16::try_from(row.len()).unwrap().to_be_bytes());
        for (codec, v) in codecs.iter().zip(row) {
            if codec.encode(*v, &mut data).is_err() {
                data.extend_from_slice(&(-1_i32).to_be_bytes());
            }
        }
    });
    data.extend_from_slice(&(-1_i16).to_be_bytes());
    let sql = format!("COPY {into} ({}) FROM STDIN (FORMAT binary)", columns.join(", "));
    let mut writer = client.copy_in(&sql).map_err(said)?;
    writer.write_all(&data).map_err(|e| e.to_string())?;
    writer.finish().map(drop).map_err(said)
}

/// A row as digests see it, and apart from it the numbers that need not agree to the last digit.
type Row = (Vec<u8>, Vec<Option<f64>>);

fn put(row: &mut Row, field: &[u8], approximate: bool) {
    if !approximate {
        row.0.extend_from_slice(field);
        return;
    }
    row.1.push(match field.first() {
        Some(b'd') => Some(f64::from_bits(u64::from_be_bytes(field[5..13].try_into().unwrap()))),
        Some(b'n') => std::str::from_utf8(&field[5..]).unwrap().parse().ok(),
        _ => None,
    });
}

fn rows_of_source(db: &Connection, view: &ViewPlan) -> Result<Vec<Row>, String> {
    let sql = format!("SELECT * FROM {}", ident::sqlite(&view.name));
    let forms: Vec<_> = view.columns.iter().map(|c| normal::Column::of(&c.crossing)).collect();
    let mut query = db.prepare(&sql).map_err(|e| e.to_string())?;
    let mut rows = query.query([]).map_err(|e| e.to_string())?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(|e| e.to_string())? {
        let mut made = Row::default();
        for (i, (form, column)) in forms.iter().zip(&view.columns).enumerate() {
            let mut field = Vec::new();
            form.of_source(value(row.get_ref(i).unwrap()), &mut field);
            put(&mut made, &field, column.approximate);
        }
        all.push(made);
    }
    Ok(all)
}

fn rows_of_target(client: &mut Client, plan: &Plan, view: &ViewPlan) -> Result<Vec<Row>, String> {
    let said = |e: postgres::Error| e.as_db_error().map_or_else(|| e.to_string(), |e| e.message().to_owned());
    let from = ident::pg_in(&plan.schema, &view.target);
    let mut data = Vec::new();
    let mut reader =
        client.copy_out(&format!("COPY (SELECT * FROM {from}) TO STDOUT (FORMAT binary)")).map_err(said)?;
    reader.read_to_end(&mut data).map_err(|e| e.to_string())?;
    let forms: Vec<_> = view.columns.iter().map(|c| normal::Column::of(&c.crossing)).collect();
    let mut rest = &data[19..];
    let mut all = Vec::new();
    while i16::from_be_bytes(rest[..2].try_into().unwrap()) >= 0 {
        rest = &rest[2..];
        let mut made = Row::default();
        for (form, column) in forms.iter().zip(&view.columns) {
            let length = i32::from_be_bytes(rest[..4].try_into().unwrap());
            rest = &rest[4..];
            let length = usize::try_from(length).ok();
            let mut field = Vec::new();
            form.of_target(length.map(|n| &rest[..n]), &mut field);
            rest = &rest[length.unwrap_or(0)..];
            put(&mut made, &field, column.approximate);
        }
        all.push(made);
    }
    Ok(all)
}

fn close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b || (a - b).abs() <= 1e-12 * a.abs().max(b.abs()),
        (a, b) => a.is_none() && b.is_none(),
    }
}

fn compare(source: &mut Vec<Row>, target: &mut Vec<Row>, ordered: bool) -> Result<(), String> {
    if source.len() != target.len() {
        return Err(format!("{} rows in SQLite, {} in PostgreSQL", source.len(), target.len()));
    }
    if !ordered {
        for rows in [&mut *source, &mut *target] {
            rows.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.partial_cmp(&b.1).unwrap()));
        }
    }
    for (i, (a, b)) in source.iter().zip(&*target).enumerate() {
        if a.0 != b.0 || !a.1.iter().zip(&b.1).all(|(a, b)| close(*a, *b)) {
            let show = |r: &Row| format!("{} {:?}", String::from_utf8_lossy(&r.0).escape_debug(), r.1);
            return Err(format!("row {i}:\n    SQLite     {}\n    PostgreSQL {}", show(a), show(b)));
        }
    }
    Ok(())
}

/// What became of the views of one database.
#[derive(Default)]
struct Outcome {
    equal: usize,
    unsure: Vec<(String, String)>,
    refused: Vec<(String, String)>,
    wrong: Vec<(String, String)>,
}

fn run(client: &mut Client, db: &Connection, into: &str) -> Outcome {
    let schema = schema_of(db);
    let plan = plan_of(db, &schema, into);
    let mut outcome = Outcome::default();
    for view in &schema.views {
        if !plan.views.iter().any(|v| v.name == view.name) {
            let why = plan.findings.iter().find(|f| f.code == "view-not-carried" && f.object == view.name);
            let why = why.or_else(|| plan.findings.iter().find(|f| f.object == view.name));
            outcome.refused.push((view.name.clone(), why.map(|f| f.message.clone()).unwrap_or_default()));
        }
    }
    let failed = make(client, db, &plan);
    for (object, why) in failed.iter().filter(|(object, _)| plan.tables.iter().any(|t| t.name == *object)) {
        println!("  table {object}: {why}");
    }
    // A view in the place of a full-text index has a column that SQLite does not have.
    let own = |v: &&ViewPlan| schema.views.iter().any(|o| o.name == v.name);
    for view in plan.views.iter().filter(own) {
        if let Some((_, why)) = failed.iter().find(|(object, _)| *object == view.name) {
            outcome.wrong.push((view.name.clone(), why.clone()));
            continue;
        }
        let ordered = view.name.starts_with("ordered_");
        let result = rows_of_source(db, view).and_then(|mut source| {
            let mut target = rows_of_target(client, &plan, view)?;
            compare(&mut source, &mut target, ordered)
        });
        match (result, &view.incomparable) {
            (Ok(()), None) => outcome.equal += 1,
            (Err(e), Some(_)) if e.starts_with("row ") => {
                outcome.unsure.push((view.name.clone(), view.incomparable.clone().unwrap_or_default()));
            }
            (Ok(()), Some(why)) => outcome.unsure.push((view.name.clone(), why.clone())),
            (Err(e), _) => outcome.wrong.push((view.name.clone(), format!("{e}\n{}\n--\n{}", view.sql, view.query))),
        }
    }
    let drop = format!("DROP SCHEMA {} CASCADE", ident::pg(into));
    client.batch_execute(&drop).unwrap();
    if !plan.helpers.is_empty() {
        client.batch_execute(&format!("DROP SCHEMA IF EXISTS {} CASCADE", ident::pg(&plan.helper_schema()))).unwrap();
    }
    outcome
}

#[test]
fn views_give_the_rows_that_sqlite_gives() {
    let cluster = Cluster::start(&[], &[]);
    let mut client = cluster.client("postgres");
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/views");
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "sql"));
    files.sort();
    let only = std::env::var("LITE2PG_CASE").unwrap_or_default();
    files.retain(|f| f.display().to_string().contains(&only));
    assert!(!files.is_empty(), "no case is called {only}");
    let (mut equal, mut wrong) = (0, Vec::new());
    for file in &files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(&std::fs::read_to_string(file).unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let outcome = run(&mut client, &db, name);
        equal += outcome.equal;
        let mut tell = |list: Vec<(String, String)>, expected: &str| {
            let unexpected = list.into_iter().filter(|(view, _)| !view.starts_with(expected) || expected.is_empty());
            wrong.extend(unexpected.map(|(view, why)| format!("{name}.{view}: {why}")));
        };
        for kind in ["unsure_", "refused_"] {
            let expected = schema_of(&db).views.iter().filter(|v| v.name.starts_with(kind)).count();
            let of = if kind == "unsure_" { &outcome.unsure } else { &outcome.refused };
            let found = of.iter().filter(|(v, _)| v.starts_with(kind)).count();
            if expected != found {
                tell(vec![(kind.to_owned(), format!("{expected} were expected, there are {found}"))], "");
            }
        }
        tell(outcome.unsure, "unsure_");
        tell(outcome.refused, "refused_");
        tell(outcome.wrong, "");
    }
    println!("{equal} views give the same rows");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(equal >= 60 || !only.is_empty());
}

/// Nesting is refused before it exhausts a stack, in queries too.
#[test]
fn deep_nesting_is_translated_or_refused() {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)").unwrap();
    for (open, close) in [("abs(", ")"), ("(SELECT a + ", " FROM t LIMIT 1)"), ("1 + (", ")"), ("max(a, ", ")")] {
        for depth in [20, 90] {
            let e = format!("{}a{}", open.repeat(depth), close.repeat(depth));
            let sql = format!("CREATE VIEW v AS SELECT {e} AS x FROM t GROUP BY a");
            let made = db.execute_batch(&sql);
            assert!(made.is_ok() || depth > 20, "{made:?}: {sql}");
            if made.is_ok() {
                let plan = plan_of(&db, &schema_of(&db), "deep");
                let told = plan.findings.iter().any(|f| f.object == "v");
                assert!(told || plan.views.iter().any(|v| v.name == "v"), "{sql}");
                db.execute_batch("DROP VIEW v").unwrap();
            }
        }
    }
}

fn databases(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            databases(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

/// A copy in memory: opening a file may leave others beside it.
fn opened(path: &Path) -> Option<Connection> {
    let mut start = [0; 16];
    std::fs::File::open(path).ok()?.read_exact(&mut start).ok()?;
    if start != *b"SQLite format 3\0" {
        return None;
    }
    let copy = std::env::temp_dir().join(format!("lite2pg-views-{}", std::process::id()));
    std::fs::copy(path, &copy).ok()?;
    let (mut wal, mut of_copy) = (path.as_os_str().to_owned(), copy.clone().into_os_string());
    wal.push("-wal");
    of_copy.push("-wal");
    let _ = std::fs::copy(wal, of_copy);
    let mut memory = Connection::open_in_memory().ok()?;
    let source = Connection::open(&copy).ok()?;
    rusqlite::backup::Backup::new(&source, &mut memory).ok()?.step(-1).ok()?;
    drop(source);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", copy.display()));
    }
    Some(memory)
}

/// Every view of the real databases, those on which nothing is known of other modules and collations.
#[test]
fn views_of_real_databases() {
    let Some(dir) = std::env::var_os("LITE2PG_CORPUS") else { return };
    let cluster = Cluster::start(&[], &[]);
    let mut client = cluster.client("postgres");
    let mut paths = Vec::new();
    databases(Path::new(&dir), &mut paths);
    paths.sort();
    let (mut equal, mut unsure, mut refused, mut wrong) = (0, 0, 0, 0);
    for path in paths {
        let Some(db) = opened(&path) else { continue };
        let count = db.query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'view'", [], |r| r.get(0));
        if count.unwrap_or(0_i64) == 0 {
            continue;
        }
        if client.is_closed() {
            println!("{}", cluster.log());
            client = cluster.client("postgres");
        }
        let outcome = run(&mut client, &db, "real");
        println!("{}: {} equal", path.display(), outcome.equal);
        for (what, list) in [("UNSURE", &outcome.unsure), ("REFUSED", &outcome.refused), ("WRONG", &outcome.wrong)] {
            for (view, why) in list {
                println!("  {what} {view}: {why}");
            }
        }
        equal += outcome.equal;
        unsure += outcome.unsure.len();
        refused += outcome.refused.len();
        wrong += outcome.wrong.len();
    }
    println!("{equal} equal, {unsure} not comparable, {refused} not carried, {wrong} wrong");
    assert_eq!(wrong, 0);
}
