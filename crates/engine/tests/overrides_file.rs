//! The plan's file as `lite2pg plan` writes it: it gives the very same plan, follows the settings at its head, and keeps what
//! was said. Owns these cases; the oracle is the plan without a file.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod overriding;
mod running;

use overriding::*;

/// The part of JSON Schema that ours uses.
fn fits(schema: &Json, value: &Json, path: &str) {
    if let Some(any) = schema["anyOf"].as_array() {
        let word = if value.is_string() { "string" } else { "object" };
        let hit = any.iter().find(|s| s["type"] == word).unwrap_or_else(|| panic!("{path}: {value} fits none"));
        return fits(hit, value, path);
    }
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{path}: {value} is not of {words:?}");
    }
    if !schema["const"].is_null() {
        assert_eq!(&schema["const"], value, "{path}");
    }
    let is = |word: &str| match word {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        other => panic!("{other}"),
    };
    match &schema["type"] {
        Json::String(word) => assert!(is(word), "{path}: {value} is no {word}"),
        Json::Array(words) => assert!(words.iter().any(|w| is(w.as_str().unwrap())), "{path}: {value}"),
        _ => {}
    }
    if let Some(text) = value.as_str() {
        let length = text.chars().count() as u64;
        assert!(length >= schema["minLength"].as_u64().unwrap_or(0), "{path}: {text:?}");
        assert!(length <= schema["maxLength"].as_u64().unwrap_or(u64::MAX), "{path}: {text:?}");
    }
    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
        fits(&schema["items"], item, &format!("{path}[{i}]"));
    }
    let Some(object) = value.as_object() else { return };
    for required in schema["required"].as_array().into_iter().flatten() {
        assert!(object.contains_key(required.as_str().unwrap()), "{path}: {required} is missing");
    }
    for (key, value) in object {
        let known = schema["properties"].get(key).unwrap_or(&schema["additionalProperties"]);
        assert_ne!(known, &Json::Bool(false), "{path}: {key} is not known");
        fits(known, value, &format!("{path}.{key}"));
    }
}

fn page(settings: &Settings, plan: &lite2pg_model::plan::Plan) -> String {
    let accept: Vec<String> = settings.accept.iter().map(Accept::word).collect();
    file::write(&Page {
        plan,
        overrides: &settings.overrides,
        choices: &settings.choices,
        accept: &accept,
        collation_database: settings.collation_database,
        source: "shop.db",
        command: "lite2pg migrate shop.db --plan FILE",
    })
}

/// Writes the plan of a source, reads it back, and plans again by the file alone: both plans must be one.
fn reads_back(settings: &Settings, schema: &Json, name: &str) {
    let mut first = inspect(settings, false, &Silent, &Cancel::new()).unwrap_or_else(|e| panic!("{name}: {e}"));
    // The file that is written names everything.
    first.plan.findings.retain(|f| f.code != codes::BESIDE_PLAN);
    let text = page(settings, &first.plan);
    let value: toml::Value = toml::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
    fits(schema, &serde_json::to_value(&value).unwrap(), name);
    let mut overrides = file::read(&text, "p.toml").unwrap_or_else(|p| panic!("{name}: {p:?}\n{text}"));
    // What concerns all columns is handed on as the command line does.
    let mut choices = settings.choices.clone();
    choices.types = overrides.types.take().unwrap().value;
    choices.zone = overrides.zone.take().map(|z| z.value);
    choices.policies = std::mem::take(&mut overrides.policies);
    let accept = std::mem::take(&mut overrides.accept).iter().map(|a| Accept::parse(a)).collect();
    let schema = overrides.schema.take().unwrap().value;
    let collation_database = overrides.collation_database.take().unwrap().value;
    let again = Settings { overrides, choices, accept, schema, collation_database, ..settings.clone() };
    let second = inspect(&again, false, &Silent, &Cancel::new()).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
    assert_eq!(first.plan, second.plan, "{name}");
    assert_eq!(first.plan.hash(), second.plan.hash(), "{name}");
    assert_eq!(page(&again, &second.plan), text, "{name}: the file is written as it was");
}

#[test]
fn a_file_that_nobody_edited_gives_the_very_same_plan() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let schema: Json =
        serde_json::from_str(&std::fs::read_to_string(root.join("docs/plan.schema.json")).unwrap()).unwrap();
    let dir = directory();
    let (mut databases, mut columns) = (0, 0);
    for entry in std::fs::read_dir(root.join("corpus/databases")).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with("-wal") || name.ends_with("-journal") {
            continue;
        }
        let _ = std::fs::remove_dir_all(dir.join("data"));
        std::fs::create_dir_all(dir.join("data")).unwrap();
        for beside in ["", "-wal", "-journal"] {
            let from = root.join("corpus/databases").join(format!("{name}{beside}"));
            if from.exists() {
                std::fs::copy(from, dir.join("data").join(format!("{name}{beside}"))).unwrap();
            }
        }
        let path = dir.join("data").join(&name);
        let settings = settings_for(&path, target("/nowhere", 1, "x"), &dir);
        reads_back(&settings, &schema, &name);
        let plan = inspect(&settings, false, &Silent, &Cancel::new()).unwrap().plan;
        columns += plan.tables.iter().map(|t| t.columns.len()).sum::<usize>();
        databases += 1;
    }
    assert!(databases >= 40 && columns > 500, "{databases} databases, {columns} columns");
    // And one in which everything was said.
    let path = source(&dir, SHOP);
    let settings = Settings { overrides: said(SHOP_PLAN), ..settings_for(&path, target("/nowhere", 1, "x"), &dir) };
    reads_back(&settings, &schema, "shop");
    let odd = "CREATE TABLE \"o\"\"d.d\n\"(\"é ü\u{202e}\u{1b}\" TEXT, \"a\\b\" TEXT, \"\" INTEGER, xmin INTEGER, \"xmin_\" TEXT);
        CREATE TABLE \"[x]\"(a); INSERT INTO \"[x]\" VALUES(1), ('b'), (x'00');";
    let settings = settings_for(&source(&dir, odd), target("/nowhere", 1, "x"), &dir);
    reads_back(&settings, &schema, "odd");
    let _ = std::fs::remove_dir_all(&dir);
}

/// What a written file comes to, as the command line reads it.
fn by_file(settings: &Settings, text: &str) -> Settings {
    let mut overrides = file::read(text, "p.toml").unwrap_or_else(|p| panic!("{p:?}\n{text}"));
    let mut choices = settings.choices.clone();
    choices.types = overrides.types.take().unwrap().value;
    choices.zone = overrides.zone.take().map(|z| z.value);
    choices.policies = std::mem::take(&mut overrides.policies);
    (overrides.schema, overrides.collation_database) = (None, None);
    Settings { overrides, choices, ..settings.clone() }
}

const RICH: &str =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, token CHAR(36), at DATETIME, on_ BOOLEAN, j JSON, n INTEGER);
    INSERT INTO t VALUES(1, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2024-01-02 03:04:05', 1, '{}', 5);";

#[test]
fn settings_at_the_head_of_a_written_file_have_effect() {
    let dir = directory();
    let settings = settings_for(&source(&dir, RICH), target("/nowhere", 1, "x"), &dir);
    let types = |settings: &Settings| -> Vec<String> {
        let plan = inspect(settings, false, &Silent, &Cancel::new()).unwrap().plan;
        plan.tables[0].columns.iter().map(|c| format!("{} {}", c.name, c.ty.sql())).collect()
    };
    let native = types(&settings);
    let text = page(&settings, &inspect(&settings, false, &Silent, &Cancel::new()).unwrap().plan);
    assert_eq!(types(&by_file(&settings, &text)), native);
    assert!(text.contains("types = \"native\"   #") && text.contains("# assume-tz"), "{text}");
    let edited = [
        text.replace("types = \"native\"   #", "types = \"plain\"   #"),
        text.replace("# assume-tz = \"Europe/Berlin\"", "assume-tz = \"Europe/Berlin\""),
    ];
    for edited in edited {
        let by_file = by_file(&settings, &edited);
        let alone = Settings { choices: by_file.choices.clone(), ..settings.clone() };
        assert_ne!(types(&alone), native);
        assert_eq!(types(&by_file), types(&alone), "{edited}");
        // A line that was edited stays.
        let own = n_as(&edited, "numeric");
        let mut wanted = types(&alone);
        wanted[5] = "n numeric".into();
        assert_eq!(types(&self::by_file(&settings, &own)), wanted, "{own}");
    }
    let _ = std::fs::remove_dir_all(&dir);
}

/// The file with another type for the column `n`.
fn n_as(text: &str, ty: &str) -> String {
    let lines = text.lines().map(|l| match l.starts_with("n ") {
        true => format!("n = {{ type = \"{ty}\" }}"),
        false => l.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_finished_run_is_done_for_the_unedited_file_too() {
    let place = Place::new();
    let settings = place.settings(RICH, "");
    done(&migrate(&settings, &Show, &Cancel::new()).unwrap());
    let plan = inspect(&settings, true, &Silent, &Cancel::new()).unwrap().plan;
    let text = page(&settings, &plan);
    let again = migrate(&by_file(&settings, &text), &Show, &Cancel::new()).unwrap();
    assert!(again.already_done);
    let other = migrate(&by_file(&settings, &n_as(&text, "numeric")), &Show, &Cancel::new()).map(|_| ()).unwrap_err();
    assert!(other.message.contains("other options"), "{other}");
}

#[test]
fn what_was_said_of_what_is_left_out_is_kept_in_the_file() {
    let dir = directory();
    let said_so =
        "[tables.log]\nskip = true\nto = 'diary'\nwhere = \"line <> ''\"\nextra = [{ name = 'x', type = 'integer' }]
        [tables.log.columns]\nline = { type = 'varchar(9)', null = 'none', policy = { nul = 'strip' } }
        [tables.customers.columns]\nsecret = { skip = true, to = 'hidden', default = \"'a'\" }";
    let path = source(&dir, SHOP);
    let settings = Settings { overrides: said(said_so), ..settings_for(&path, target("/nowhere", 1, "x"), &dir) };
    let text = page(&settings, &inspect(&settings, false, &Silent, &Cancel::new()).unwrap().plan);
    let again = by_file(&settings, &text).overrides;
    let json = |o: &Overrides, table: &str| serde_json::to_value(o.table(table).unwrap()).unwrap();
    assert_eq!(json(&again, "log"), json(&settings.overrides, "log"), "{text}");
    let secret = |o: &Overrides| serde_json::to_value(o.column("customers", "secret").unwrap()).unwrap();
    assert_eq!(secret(&again), secret(&settings.overrides), "{text}");
    let _ = std::fs::remove_dir_all(&dir);
}

/// The bytes of the source are what they were: nothing that was said writes to it.
#[test]
fn the_source_is_only_read() {
    let dir = directory();
    let path = source(&dir, SHOP);
    let before = std::fs::read(&path).unwrap();
    let settings = Settings { overrides: said(SHOP_PLAN), ..settings_for(&path, target("/nowhere", 1, "x"), &dir) };
    inspect(&settings, false, &Silent, &Cancel::new()).unwrap();
    assert!(before == std::fs::read(&path).unwrap());
    let db = Connection::open(&path).unwrap();
    assert_eq!(db.query_row("SELECT count(*) FROM orders", [], |r| r.get::<_, Value>(0)).unwrap(), Value::Integer(4));
    let _ = std::fs::remove_dir_all(&dir);
}

/// The plan shapes the result, so that an interrupted run is not continued with another one.
#[test]
fn another_plan_is_another_fingerprint() {
    let place = directory();
    let path = source(&place, SHOP);
    let hash = |plan: &str| {
        Settings { overrides: said(plan), ..settings_for(&path, target("/nowhere", 1, "x"), &place) }.options_hash()
    };
    let plain = hash("[tables.orders]\nwhere = \"id > 1\"");
    assert_eq!(plain, hash("\n\n# a comment\n[tables.orders]\nwhere   = 'id > 1'"), "only what is said counts");
    for other in ["", "[tables.orders]\nwhere = \"id > 2\"", "[tables.orders]\nwhere = \"id > 1\"\nto = \"o\""] {
        assert_ne!(plain, hash(other), "{other}");
    }
    let _ = std::fs::remove_dir_all(&place);
}
