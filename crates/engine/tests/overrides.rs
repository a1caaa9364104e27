//! What a person says in the plan's file and with flags is what arrives; a file that nobody edited changes nothing.
//! Owns these cases; the oracle is SQLite's own answer to the same question, and PostgreSQL's.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod overriding;
mod running;

use overriding::*;

#[test]
fn what_is_said_arrives() {
    let place = Place::new();
    let settings = place.settings(SHOP, SHOP_PLAN);
    let report = migrate(&settings, &Show, &Cancel::new()).unwrap();
    done(&report);
    let tables =
        "SELECT string_agg(tablename::text, ', ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(place.text(tables), "clients, orders");
    let columns = "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN '!' ELSE '' END,
        ', ' ORDER BY attnum) FROM pg_attribute WHERE attnum > 0 AND attrelid = ";
    assert_eq!(
        place.text(&format!("{columns} 'clients'::regclass")),
        "id bigint!, full name text!, region text, made timestamp with time zone!, note text"
    );
    let odd = place.text("SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum WHERE attname = 'plain'");
    assert_eq!(odd, "'none'::text");

    // The oracle: SQLite, asked the same.
    let db = Connection::open(&settings.source).unwrap();
    let ask = |sql: &str| -> Vec<String> {
        let mut statement = db.prepare(sql).unwrap();
        let rows = statement.query_map([], |r| r.get::<_, String>(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(
        place.texts("SELECT id || ' ' || \"full name\" || ' ' || region FROM clients ORDER BY id"),
        ask("SELECT id || ' ' || upper(name) || ' ' || region FROM customers WHERE region = 'north' ORDER BY id")
    );
    assert_eq!(
        place.texts(
            "SELECT concat_ws(' ', id, customer, to_char(amount, 'FM0.00'), plain, colour, day) FROM orders ORDER BY id"
        ),
        ask(
            "SELECT id || ' ' || customer || ' ' || printf('%.2f', round(amount, 2)) || ' ' || coalesce(\"odd.name\", 'none') \
             || ' ' || coalesce(colour, '0') || coalesce(' ' || day, '') FROM orders ORDER BY id"
        )
    );
    let notes: Vec<(&str, &str)> = report.findings.iter().map(|f| (f.code.as_str(), f.object.as_str())).collect();
    for note in [
        (codes::LEFT_OUT, "log"),
        (codes::LEFT_OUT, "customers.secret"),
        (codes::FILTERED, "customers"),
        (codes::COMPUTED, "orders.amount"),
        (codes::RENAMED, "customers.name"),
    ] {
        assert!(notes.contains(&note), "{note:?} in {notes:?}");
    }
    let filtered = report.findings.iter().find(|f| f.code == codes::FILTERED).unwrap();
    assert!(filtered.message.starts_with("2 of 3 rows are carried"), "{}", filtered.message);
    assert_eq!((report.objects.tables.source, report.objects.tables.carried), (3, 2));

    // Both sides read anew agree, and what is left out is not missed.
    let again = verify(&settings, Level::Rows, &Show, &Cancel::new()).unwrap();
    assert_eq!(again.exit, 0, "{:?}", again.findings);
    // The same plan again is already done; another one is not the same migration.
    assert!(migrate(&settings, &Show, &Cancel::new()).unwrap().already_done);
    let other = Settings { overrides: said("[tables.log]\nskip = true"), ..settings.clone() };
    let error = migrate(&other, &Show, &Cancel::new()).unwrap_err();
    assert!(error.message.contains("other options"), "{error}");
    // The extra column is the run's own, and goes with it.
    let undone = rollback(&settings, RollbackOptions::default(), &Show, &Cancel::new()).unwrap();
    assert_eq!(undone.changed, Vec::<String>::new());
    assert_eq!(place.text("SELECT count(*)::text FROM pg_tables WHERE schemaname = 'public'"), "0");
}

#[test]
fn a_value_that_changes_in_the_source_is_seen_through_the_expression() {
    let place = Place::new();
    let settings = place.settings(SHOP, SHOP_PLAN);
    done(&migrate(&settings, &Show, &Cancel::new()).unwrap());
    let db = Connection::open(&settings.source).unwrap();
    // Not seen through round(), nor in rows and columns that are left out.
    db.execute_batch("UPDATE orders SET amount = 3.1416 WHERE id = 3; UPDATE customers SET secret = 'other', region = 'east' WHERE id = 2;").unwrap();
    for level in [Level::Counts, Level::Checksums, Level::Rows] {
        assert_eq!(verify(&settings, level, &Show, &Cancel::new()).unwrap().exit, 0, "{level:?}");
    }
    db.execute_batch("UPDATE orders SET amount = 3.2 WHERE id = 3").unwrap();
    assert_eq!(verify(&settings, Level::Rows, &Show, &Cancel::new()).unwrap().exit, Kind::Different.exit());
}

#[test]
fn a_key_that_needs_what_is_left_out_blocks() {
    let sql = "CREATE TABLE p(id INTEGER PRIMARY KEY, code TEXT UNIQUE);
        CREATE TABLE c(p INTEGER REFERENCES p(id), code TEXT REFERENCES p(code), x INTEGER);";
    let told = findings(sql, "[tables.p]\nskip = true");
    assert_eq!(blocking(&told), [(codes::FOREIGN_KEY, "c.p"), (codes::FOREIGN_KEY, "c.code")]);
    let finding = told.iter().find(|f| f.blocks()).unwrap();
    assert!(finding.message.contains("p is left out: carry it too"), "{}", finding.message);
    assert!(finding.hint.contains("--accept foreign-key-not-carried:c.p"), "{}", finding.hint);
    let told = findings(sql, "[tables.p.columns]\ncode = { skip = true }");
    assert_eq!(blocking(&told), [(codes::INDEX, "p"), (codes::FOREIGN_KEY, "c.code")]);
    assert!(told.iter().any(|f| f.message.contains("it needs code of p, which is left out")), "{told:?}");

    let place = Place::new();
    let settings = Settings { accept: vec![Accept::All], ..place.settings(sql, "[tables.p]\nskip = true") };
    let report = migrate(&settings, &Show, &Cancel::new()).unwrap();
    done(&report);
    assert_eq!(
        place.text("SELECT count(*)::text FROM pg_constraint WHERE contype = 'f' AND conrelid = 'c'::regclass"),
        "0"
    );
}

#[test]
fn orphans_are_counted_among_the_rows_that_are_carried() {
    let orphans = |plan: &str| {
        let told = findings(SHOP, plan);
        told.iter().find(|f| f.code == codes::ORPHANS).map(|f| f.message.clone())
    };
    assert_eq!(orphans(""), None);
    let north = orphans("[tables.customers]\nwhere = \"id <> 3\"").unwrap();
    assert!(north.starts_with("2 of 4 rows refer to a row of customers"), "{north}");
    // The child's own filter takes them away again.
    assert_eq!(orphans("[tables.customers]\nwhere = \"id <> 3\"\n[tables.orders]\nwhere = \"customer <> 3\""), None);
    // A key that is computed points elsewhere.
    let moved = orphans("[tables.orders.columns]\ncustomer = \"customer + 1\"").unwrap();
    assert!(moved.starts_with("2 of 4 rows"), "{moved}");
    assert_eq!(
        orphans("[tables.orders.columns]\ncustomer = \"customer + 1\"\n[tables.customers.columns]\nid = \"id + 1\""),
        None
    );
}

#[test]
fn checks_and_keys_are_those_of_what_is_read() {
    let sql =
        "CREATE TABLE t(id INTEGER PRIMARY KEY, code TEXT UNIQUE, n INTEGER CHECK(n > 0), m INTEGER CHECK(m > '5'));
        INSERT INTO t VALUES(1, 'a', 5, 6), (2, 'A', 7, 7), (3, 'b', 9, 9);";
    assert_eq!(blocking(&findings(sql, "")), [], "nothing stands in the way as it is");
    let told = findings(sql, "[tables.t.columns]\ncode = \"lower(code)\"");
    assert_eq!(blocking(&told), [(codes::DUPLICATE_KEY, "t")], "{told:?}");
    let told = findings(sql, "[tables.t.columns]\nn = \"n - 6\"");
    assert_eq!(blocking(&told), [(codes::CHECK_BROKEN, "t")], "{told:?}");
    assert!(told.iter().any(|f| f.message.starts_with("1 of 3 rows break")), "{told:?}");
    // With affinity '5' is a number, without it is text: what was meant is not sure.
    let told = findings(sql, "[tables.t.columns]\nm = \"m + 1\"");
    assert!(blocking(&told).contains(&(codes::CHECK, "t")), "{told:?}");
    // A number that became text stands above every number, with affinity and without: the check holds of each text.
    let told = findings(sql, "[tables.t.columns]\nn = \"'n' || n\"");
    assert_eq!(blocking(&told), [], "{told:?}");
    // New rows would get the default as it is; what the expression makes of it is not known.
    let sql = "CREATE TABLE t(a INTEGER DEFAULT 7, b INTEGER DEFAULT 8)";
    let told = findings(sql, "[tables.t.columns]\na = \"a * 10\"\nb = { expression = \"b * 10\", default = \"80\" }");
    assert_eq!(blocking(&told), [(codes::DEFAULT, "t.a")], "{told:?}");
    // NULL where none may be.
    let told = findings(
        "CREATE TABLE t(a TEXT NOT NULL); INSERT INTO t VALUES('x'), ('');",
        "[tables.t.columns]\na = \"nullif(a, '')\"",
    );
    assert_eq!(blocking(&told), [(codes::NULL_KEY, "t.a")], "{told:?}");
}

#[test]
fn an_expression_over_the_rowid_is_no_identity() {
    let place = Place::new();
    let sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES(1, 'a'), (2, 'b');";
    let settings = place.settings(sql, "[tables.t.columns]\nid = { expression = \"'k' || id\", to = \"key\" }");
    done(&migrate(&settings, &Show, &Cancel::new()).unwrap());
    assert_eq!(place.texts("SELECT key || v FROM t ORDER BY key"), ["k1a", "k2b"]);
    assert_eq!(
        place.text("SELECT count(*)::text FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"),
        "0"
    );
    assert_eq!(
        place.text("SELECT conname::text FROM pg_constraint WHERE contype = 'p' AND conrelid = 't'::regclass"),
        "t_pkey"
    );
}

/// A column that is called rowid hides the real one; it does so even if it is left out.
#[test]
fn a_column_called_rowid_is_left_out() {
    let place = Place::new();
    let sql = "CREATE TABLE t(rowid TEXT, v INTEGER);
        WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t SELECT 'x', i FROM n;";
    let settings = Settings { chunk_bytes: 4096, ..place.settings(sql, "[tables.t.columns]\nrowid = { skip = true }") };
    done(&migrate(&settings, &Show, &Cancel::new()).unwrap());
    assert_eq!(place.text("SELECT count(*) || ' ' || sum(v) FROM t"), "5000 12502500");
    let chunks: i32 = place.text("SELECT count(*)::text FROM lite2pg.migration_chunk").parse().unwrap();
    assert!(chunks > 3, "{chunks}");
}

#[test]
fn sqlite_is_asked_whether_an_expression_is_one() {
    let refused = |key: &str, sql: &str| {
        let plan = format!("[tables.orders]\n\n{key} = {}", Json::from(sql));
        let error = look(SHOP, &plan).map(|_| ()).unwrap_err();
        assert_eq!(error.kind, Kind::Usage, "{error}");
        assert_eq!(error.object.as_deref(), Some("p.toml:4"), "{error}");
        error.message
    };
    for (sql, says) in [
        ("amuont > 1", "no such column: amuont"),
        ("\"amuont\" > 1", "no such column"),
        ("round(amount", "cannot be used"),
        ("sum(amount)", "misuse of aggregate"),
        ("row_number() OVER ()", "misuse of window function"),
        ("1; DELETE FROM orders", "cannot be used"),
        ("1) OR (1", "not one expression"),
        ("random() > 0", "random() gives something else"),
        ("nosuch(amount)", "no such function"),
        ("amount = ?1", "parameter"),
        ("(SELECT 1, 2)", "cannot be used"),
        ("1, 2", "not one expression"),
    ] {
        let message = refused("where", sql);
        assert!(message.contains(says), "{sql}: {message}");
        let message = refused("columns.amount", sql);
        assert!(message.contains(says) && message.contains("orders.amount"), "{sql}: {message}");
    }
    // What can be used is.
    for sql in
        ["amount > 1 -- why not", "customer IN (SELECT id FROM customers WHERE region = 'north')", "max(amount, 1)"]
    {
        look(SHOP, &format!("[tables.orders]\nwhere = {}", Json::from(sql))).unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
}

#[test]
fn an_expression_that_fails_on_a_row_says_so_before_anything_is_written() {
    let sql = "CREATE TABLE t(j TEXT); INSERT INTO t VALUES('{}'), ('no');";
    let error = look(sql, "[tables.t.columns]\nj = \"json_extract(j, '$.a')\"").map(|_| ()).unwrap_err();
    assert_eq!((error.kind, error.object.as_deref()), (Kind::Usage, Some("p.toml:3")), "{error}");
    assert!(error.message.contains("t.j fails on a row: malformed JSON"), "{error}");
    let where_not = "[tables.t]\nwhere = \"json_extract(j, '$.a') IS NULL\"";
    let error = look(sql, where_not).map(|_| ()).unwrap_err();
    assert_eq!(error.object.as_deref(), Some("p.toml:3"), "{error}");
    assert!(error.message.contains("the condition for t fails on a row: malformed JSON"), "{error}");
}

#[test]
fn all_that_the_source_does_not_have_is_told_with_its_line() {
    let plan = "[tables.order.columns]\nid = { to = 'x' }\n[tables.customers.columns]\nnmae = { to = 'y' }";
    let error = look(SHOP, plan).map(|_| ()).unwrap_err();
    assert_eq!((error.kind, error.object.as_deref()), (Kind::Usage, Some("p.toml:2")));
    assert!(error.message.contains("no table \"order\"") && error.hint.unwrap().contains("`orders`"));
    let plan = "[tables.customers.columns]\nnmae = { to = 'y' }\nregoin = { skip = true }\nname = { to = 'id' }";
    let error = look(SHOP, plan).map(|_| ()).unwrap_err();
    let lines: Vec<&str> = error.message.lines().collect();
    assert_eq!(lines.len(), 4, "{}", error.message);
    assert!(lines[1].starts_with("p.toml:3: customers has no column \"nmae\"; did you mean `name`?"), "{}", lines[1]);
    assert!(lines[2].starts_with("p.toml:4: customers has no column \"regoin\""), "{}", lines[2]);
    assert!(lines[3].starts_with("p.toml:5: two columns of customers would be called \"id\""), "{}", lines[3]);
}

#[test]
fn what_the_file_does_not_name_is_told() {
    let told = findings(SHOP, "[tables.customers.columns]\nid = { type = 'bigint' }");
    let notes: Vec<&str> = told.iter().filter(|f| f.code == codes::BESIDE_PLAN).map(|f| f.message.as_str()).collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].contains("2 tables of the source: orders, log"), "{notes:?}");
    assert!(
        notes[1].contains("3 columns of the source: customers.name, customers.secret, customers.region"),
        "{notes:?}"
    );
}

#[test]
fn tables_are_chosen_by_patterns() {
    let choose = |only: &[&str], exclude: &[&str]| {
        let dir = directory();
        let path = source(&dir, SHOP);
        let patterns = |flag: &str, list: &[&str]| list.iter().flat_map(|p| file::flags::patterns(flag, p)).collect();
        let overrides = Overrides {
            only: patterns("--tables", only),
            exclude: patterns("--exclude", exclude),
            ..said("[tables.log]\nskip = true")
        };
        let settings = Settings { overrides, ..settings_for(&path, target("/nowhere", 1, "x"), &dir) };
        let looked = inspect(&settings, false, &Silent, &Cancel::new());
        let _ = std::fs::remove_dir_all(&dir);
        looked
            .map(|l| l.plan.tables.iter().map(|t| t.name.clone()).collect::<Vec<_>>().join(" "))
            .map_err(|e| e.to_string())
    };
    assert_eq!(choose(&[], &[]).unwrap(), "customers orders");
    assert_eq!(choose(&["LOG,cust*"], &[]).unwrap(), "customers log");
    assert_eq!(choose(&[], &["*er?"]).unwrap_err(), "--exclude *er?: no table is left");
    assert_eq!(choose(&["*"], &["ord*"]).unwrap(), "customers log");
    assert!(choose(&["ordres"], &[]).unwrap_err().contains("--tables ordres: there is no table \"ordres\""));
    assert!(choose(&[], &["x*"]).unwrap_err().contains("no table fits \"x*\""));
}
