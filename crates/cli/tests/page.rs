//! The page of `inspect --report` and the profiles of `--json`, of a database whose every name and value is hostile.
//! Owns a small strict reader of the page's markup; never compares looks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail")]

mod support;

use support::Bench;

const HOSTILE: &str = r#"
    CREATE TABLE "<script>alert(1)</script>" (
        "a""b'c&d" "DATE<b>" , "<img src=x onerror=alert(2)>" TEXT DEFAULT '</td>', "plain" VARCHAR(3), n INTEGER);
    INSERT INTO "<script>alert(1)</script>" VALUES
        ('</table><script>alert(3)</script>', '<!-- ', 'long', 1),
        ('2024-01-31', '&amp; ]]> "''', NULL, 2),
        ('2024-02-01', char(8238) || 'rtl' || char(27) || '[2J', 'é', 3);
    CREATE INDEX "i<u>x</u>" ON "<script>alert(1)</script>" (n);
    CREATE VIEW "v'""><h1>" AS SELECT 1;
    CREATE TABLE "'; DROP" (x); INSERT INTO "'; DROP" VALUES ('a' || char(0)), ('b');
    CREATE TABLE kinds(id INTEGER PRIMARY KEY, kind TEXT, at INTEGER, price DECIMAL(6,2));
    INSERT INTO kinds VALUES(1, 'click', 1700000000, 1.25), (2, 'view', 1700000001, 2.5), (3, 'click', 1700000002, 3);"#;

/// Reads markup strictly: every element is closed in its order, every attribute quoted, every `&` an entity, and nothing
/// stands there that runs or loads. Returns the texts between the tags, entities resolved.
fn read(page: &str) -> Vec<String> {
    const VOID: [&str; 1] = ["meta"];
    const KNOWN: [&str; 28] = [
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "a", "dl", "dt", "dd", "div", "span",
        "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "ul", "li", "small", "b",
    ];
    let rest = page.strip_prefix("<!DOCTYPE html>\n").unwrap_or_else(|| panic!("no doctype"));
    let (mut open, mut texts): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut at = rest;
    while let Some(begin) = at.find('<') {
        if open.last().is_none_or(|e| e != "style") {
            texts.push(resolved(&at[..begin]));
        }
        let end = begin + at[begin..].find('>').unwrap_or_else(|| panic!("a tag without end: {}", &at[begin..]));
        let tag = &at[begin + 1..end];
        at = &at[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closed out of order");
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(!name.is_empty() && KNOWN.contains(&name), "an element that is not ours: <{tag}>");
        let closed = attributes.ends_with('/');
        attributes_are_ours(attributes.trim_end_matches('/').trim_end());
        assert_eq!(closed, VOID.contains(&name), "<{tag}>");
        if !closed {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty() && at.trim().is_empty(), "left open: {open:?}");
    texts
}

fn attributes_are_ours(mut text: &str) {
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"").unwrap_or_else(|| panic!("an attribute without quotes: {text}"));
        let (value, rest) = rest.split_once('"').unwrap_or_else(|| panic!("{text}"));
        assert!(
            ["lang", "charset", "name", "content", "http-equiv", "class", "id", "href"].contains(&name.trim()),
            "{name}"
        );
        assert!(name.trim() != "href" || value.starts_with('#'), "only links within the page: {value}");
        text = rest.trim_start();
    }
}

fn resolved(text: &str) -> String {
    assert!(!text.contains('>'), "{text}");
    let mut out = String::new();
    let mut parts = text.split('&');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (entity, rest) = part.split_once(';').unwrap_or_else(|| panic!("a bare ampersand: &{part}"));
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            other => panic!("an entity that is not ours: {other}"),
        });
        out.push_str(rest);
    }
    out
}

#[test]
fn a_page_shows_hostile_names_and_values_as_they_are() {
    let bench = Bench::new();
    bench.sqlite("shop.db", HOSTILE);
    let out = bench.run(&["inspect", "shop.db", "--report", "page.html"]).exits(5);
    assert!(out.stdout.contains("report   page.html"), "{}", out.stdout);
    let page = std::fs::read_to_string(bench.path("page.html")).unwrap();
    let texts = read(&page);
    let all = texts.concat();
    for there in [
        "<script>alert(1)</script>",
        "a\"b'c&d",
        "<img src=x onerror=alert(2)>",
        "</table><script>alert(3)</script>",
        "'</td>'",
        "i<u>x</u>",
        "v'\"><h1>",
        "'; DROP",
        "nul-in-text",
        "lite2pg migrate shop.db",
        "--policy",
        "1 to 4 characters",
        "numeric(6,2)",
        "CREATE VIEW",
    ] {
        assert!(all.contains(there), "{there} is not on the page");
    }
    assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}') && !page.contains('\0'), "nothing hides or steers");
    for outside in ["http:", "https:", "url(", "@import", "<script", "javascript:"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn the_document_has_every_profile() {
    let bench = Bench::new();
    bench.sqlite("shop.db", HOSTILE);
    let json = bench.run(&["inspect", "shop.db", "--json", "--report", "page.html"]).exits(5).json();
    assert_eq!(json["written"], "page.html");
    let table = &json["profiles"]["kinds"];
    assert_eq!((&table["rows"], &table["largest_key_bytes"]["primary_key"]), (&3.into(), &8.into()));
    let column = |i: usize| &table["columns"][i];
    assert_eq!((&column(0)["name"], &column(0)["integers"]["bits"]), (&"id".into(), &16.into()));
    assert_eq!(column(1)["labels"], serde_json::json!(["click", "view"]));
    assert_eq!((&column(1)["distinct"], &column(1)["texts"]["max_characters"]), (&2.into(), &5.into()));
    assert_eq!(column(2)["integers"]["since_1970"], "seconds");
    assert_eq!((&column(3)["reals"]["digits_after"], &column(3)["type"]), (&2.into(), &"numeric(6,2)".into()));
    assert_eq!(
        column(1)["examples"][1],
        serde_json::json!({"row": 2, "key": "rowid 2", "class": "text", "value": "'view'"})
    );
    let hostile = &json["profiles"]["<script>alert(1)</script>"]["columns"];
    assert_eq!(hostile[2]["texts"]["longer_than_declared"], 1);
    assert_eq!(hostile[2]["places"]["null"], serde_json::json!([{"row": 2, "key": "rowid 2"}]));
    assert_eq!(json["profiles"]["'; DROP"]["columns"][0]["texts"]["nul"], 1);
    assert_eq!(json["profiles"].as_object().unwrap().len(), json["tables"].as_array().unwrap().len());
}

#[test]
fn every_column_has_its_examples() {
    let bench = Bench::new();
    let columns: Vec<String> = (0..60).map(|i| format!("c{i}")).collect();
    let values: Vec<String> = (0..60).map(|i| format!("'value {i}'")).collect();
    bench.sqlite(
        "wide.db",
        &format!("CREATE TABLE w({}); INSERT INTO w VALUES({});", columns.join(","), values.join(",")),
    );
    let out = bench.run(&["inspect", "wide.db"]).exits(0);
    assert!(values.iter().all(|v| out.stdout.contains(v.as_str())), "{}", out.stdout);
}

#[test]
fn a_damaged_file_ends_with_what_can_be_read_of_it() {
    let bench = Bench::new();
    let path = bench.sqlite(
        "damaged.db",
        "CREATE TABLE good(a); INSERT INTO good VALUES(1); CREATE TABLE bad(t);
         INSERT INTO bad WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT 'text ' || i FROM n;",
    );
    let mut bytes = std::fs::read(&path).unwrap();
    let page = bytes.len() / 4096 / 2 * 4096;
    bytes[page..page + 100].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    for args in [&["inspect", "damaged.db"][..], &["migrate", "damaged.db"]] {
        let out = bench.run(args).exits(3);
        assert!(
            out.stderr.contains("what can still be read:") && out.stderr.contains("good (1 row)"),
            "{}",
            out.stderr
        );
        assert!(out.stderr.contains("bad: ") && out.stderr.contains("up to the damage"), "{}", out.stderr);
    }
    let json = bench.run(&["inspect", "damaged.db", "--json"]).exits(3).json();
    assert!(json["error"]["message"].as_str().unwrap().contains("read to the end: good (1 row)"), "{json}");
}

#[test]
fn the_document_has_what_people_see() {
    let bench = Bench::new();
    bench.sqlite(
        "shop.db",
        "PRAGMA encoding = 'UTF-16le'; PRAGMA user_version = 7;
         CREATE TABLE kinds(kind TEXT PRIMARY KEY, note VARCHAR(9) DEFAULT 'none', hue TEXT CHECK (hue IN ('red', 'blue')));
         CREATE TABLE things(id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL REFERENCES kinds(kind),
            price NUMERIC(8,2) CHECK (price > 0), UNIQUE (kind, price));
         CREATE INDEX pricy ON things(price) WHERE price > 10;
         INSERT INTO kinds VALUES('a', 'x', 'red'); INSERT INTO things VALUES(41, 'a', 1.25);",
    );
    let out = bench.run(&["inspect", "shop.db", "--json", "--set", "things.to=goods", "--set", "things.price.to=cost"]);
    let json = out.exits(0).json();
    let file = &json["source_file"];
    let size = std::fs::metadata(bench.path("shop.db")).unwrap().len();
    assert_eq!(file["bytes"], size);
    assert_eq!(
        ["journal", "encoding", "read"].map(|f| file[f].as_str().unwrap()),
        ["rollback journal", "UTF-16le", "in-place"]
    );
    assert_eq!((&file["user_version"], &file["copied_because"]), (&7.into(), &serde_json::Value::Null));
    let plan = &json["plan"];
    assert_eq!(plan["schema"], "public");
    let (kinds, things) = (&plan["tables"]["kinds"], &plan["tables"]["things"]);
    assert_eq!((&kinds["target"], &things["target"]), (&"kinds".into(), &"goods".into()));
    assert_eq!(kinds["key"]["columns"], serde_json::json!(["kind"]));
    // SQLite takes NULL in such a key; PostgreSQL will not.
    let (kind, note) = (&kinds["columns"][0], &kinds["columns"][1]);
    assert_eq!((&kind["not_null"], &note["not_null"]), (&true.into(), &false.into()));
    assert_eq!((&note["declared"], &note["default"]), (&"VARCHAR(9)".into(), &"'none'".into()));
    assert!(note["reason"].as_str().unwrap().contains("declared VARCHAR(9)"), "{note}");
    let (id, price) = (&things["columns"][0], &things["columns"][2]);
    assert_eq!((&id["type"], &id["identity"]["next"]), (&"bigint".into(), &42.into()));
    assert_eq!(["name", "target", "type"].map(|f| price[f].as_str().unwrap()), ["price", "cost", "numeric(8,2)"]);
    assert_eq!(things["unique"][0]["columns"], serde_json::json!(["kind", "cost"]));
    assert_eq!(things["foreign_keys"][0]["parent"], "kinds");
    assert_eq!((&things["indexes"][0]["name"], &things["checks"][0]["validated"]), (&"pricy".into(), &true.into()));

    let chosen = bench.run(&["inspect", "shop.db", "--json", "--set", "kinds.hue.type=enum"]).exits(0).json();
    let hue = &chosen["plan"]["tables"]["kinds"]["columns"][2];
    assert_eq!((&hue["type"], &hue["enum"]["labels"]), (&"enum".into(), &serde_json::json!(["red", "blue"])), "{hue}");
    let copied = bench.run(&["inspect", "shop.db", "--json", "--snapshot", "copy"]).exits(0).json();
    assert_eq!(copied["source_file"]["read"], "private-copy");
    assert!(copied["source_file"]["copied_because"].is_string());
    let people = bench.run(&["inspect", "shop.db", "--report", "page.html"]).exits(0).stdout;
    let line = |name: &str| people.lines().find(|l| l.trim_start().starts_with(name)).unwrap().to_owned();
    assert!(line("kind ").contains("not null") && !line("note ").contains("not null"), "{people}");
}
