//! Pictures to compare before and after: of a target (catalog and rows), of a source (every byte).
//! Owns how they are taken; never changes anything and never says what is right.
#![allow(clippy::unwrap_used, reason = "a test that cannot look must fail")]

use postgres::Client;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

/// Which schemas are looked at: all but PostgreSQL's and the control tables', or one.
const MINE: &str = "n.nspname <> 'lite2pg' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' \
    AND ($1::text IS NULL OR n.nspname = $1)";

/// Each question gives lines of text; together they say everything that DDL can make.
const QUESTIONS: &[&str] = &[
    "SELECT format('schema %I owner %s acl %s comment %s', n.nspname, n.nspowner::regrole, n.nspacl, \
        obj_description(n.oid, 'pg_namespace')) FROM pg_namespace n WHERE {MINE}",
    "SELECT format('%s %I.%I owner %s acl %s persistence %s options %s comment %s rls %s replica %s', c.relkind, n.nspname, \
        c.relname, c.relowner::regrole, c.relacl, c.relpersistence, c.reloptions, obj_description(c.oid, 'pg_class'), \
        c.relrowsecurity, c.relreplident) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {MINE}",
    "SELECT format('column %I.%I %s %I %s null %s default %s identity %s generated %s collation %s acl %s storage %s comment %s', \
        n.nspname, c.relname, row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), a.attname, \
        format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, \
        a.attcollation::regcollation, a.attacl, a.attstorage, col_description(c.oid, a.attnum)) \
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum \
        WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind <> 'i' AND {MINE}",
    "SELECT format('constraint %I.%s %I %s valid %s comment %s', n.nspname, c.conrelid::regclass, c.conname, \
        pg_get_constraintdef(c.oid), c.convalidated, obj_description(c.oid, 'pg_constraint')) \
        FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace WHERE {MINE}",
    "SELECT format('index %s valid %s ready %s', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready) FROM pg_index i \
        JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {MINE}",
    "SELECT format('function %I.%s %s owner %s acl %s', n.nspname, p.oid::regprocedure, md5(p.prosrc), p.proowner::regrole, p.proacl) \
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {MINE}",
    "SELECT format('view %I.%I %s', n.nspname, c.relname, pg_get_viewdef(c.oid)) FROM pg_class c \
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm') AND {MINE}",
    "SELECT format('trigger %s %s', pg_get_triggerdef(t.oid), t.tgenabled) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal AND {MINE}",
    "SELECT format('type %I.%I %s acl %s', n.nspname, t.typname, t.typtype, t.typacl) FROM pg_type t \
        JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {MINE}",
    "SELECT format('statistics %s', pg_get_statisticsobjdef(s.oid)) FROM pg_statistic_ext s \
        JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE {MINE}",
    "SELECT format('default acl %s %s %s %s', n.nspname, d.defaclrole::regrole, d.defaclobjtype, d.defaclacl) \
        FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace WHERE $1::text IS NULL OR n.nspname = $1",
    "SELECT format('extension %s %s', extname, extversion) FROM pg_extension WHERE $1::text IS NULL",
    "SELECT format('event trigger %s %s', evtname, evtevent) FROM pg_event_trigger WHERE $1::text IS NULL",
    "SELECT format('setting %s %s %s', setdatabase, setrole, setconfig) FROM pg_db_role_setting WHERE $1::text IS NULL",
];

/// Everything that DDL has made in a database (in all schemas but those of PostgreSQL and the control tables, or in one)
/// and a digest of every table's rows: sorted lines, so that two pictures are compared line by line.
pub fn fingerprint(client: &mut Client, schema: Option<&str>) -> Vec<String> {
    let mut lines = Vec::new();
    client.batch_execute("SET search_path = pg_catalog").unwrap();
    for question in QUESTIONS {
        for row in client.query(&question.replace("{MINE}", MINE), &[&schema]).unwrap() {
            lines.push(row.get(0));
        }
    }
    let tables = format!(
        "SELECT format('%I.%I', n.nspname, c.relname), c.relkind = 'S' FROM pg_class c JOIN pg_namespace n \
         ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'm', 'S') AND {MINE}"
    );
    for row in client.query(&tables, &[&schema]).unwrap() {
        let (name, sequence): (String, bool) = (row.get(0), row.get(1));
        let sql = if sequence {
            format!("SELECT format('%s called %s', last_value, is_called) FROM {name}")
        } else {
            // Sums over two hashes of each row's text: no order is needed, and rows that are there twice count twice.
            format!(
                "SELECT format('%s rows %s %s', count(*), sum(hashtextextended(t::text, 0)::numeric), \
                 sum(hashtextextended(t::text, 1)::numeric)) FROM ONLY {name} t"
            )
        };
        lines.push(format!("data {name} {}", client.query_one(&sql, &[]).unwrap().get::<_, String>(0)));
    }
    lines.sort();
    lines
}

/// What is in one picture and not in the other: `- ` lines of the first, `+ ` lines of the second. Empty: equal.
pub fn compare(before: &[String], after: &[String]) -> String {
    let gone = before.iter().filter(|l| !after.contains(l)).map(|l| format!("- {l}\n"));
    let new = after.iter().filter(|l| !before.contains(l)).map(|l| format!("+ {l}\n"));
    gone.chain(new).collect()
}

/// The bytes of a database file and of everything beside it that begins with its name, and the names of all files of
/// its directory: name → length and hash.
pub fn source_hash(path: &Path) -> BTreeMap<String, (u64, u64)> {
    let own = path.file_name().unwrap().to_string_lossy().into_owned();
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(path.parent().unwrap()).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let mut seen = (0, 0);
        if name.starts_with(&own) && entry.path().is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            seen = (bytes.len() as u64, hasher.finish());
        }
        files.insert(name, seen);
    }
    files
}
