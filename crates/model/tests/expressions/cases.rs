//! The folder `corpus/expr`: an expression a line, evaluated on both sides over the table of all classes.
//! Owns the form of these files; the answers are SQLite's own.
//!
//! After ` --` a line says what else is expected of it: `refused: …` (words of the reason), `= value` (where the
//! SQLite at hand lacks the function: the value, from its documentation), `varies` (chance or clock: it runs).

use super::support::Dice;
use super::table::{self, Both};
use lite2pg_model::mapping::PgType;
use lite2pg_model::sql::helpers::Used;
use lite2pg_model::sql::sqlite;
use lite2pg_model::sql::translate::{Purpose, Scope, expression};
use std::fs;
use std::path::Path;

#[test]
fn every_case_of_the_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/expr");
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "sql"));
    files.sort();
    assert!(!files.is_empty(), "no cases in {}", folder.display());
    let mut both = table::both(&mut Dice::seeded(), 60);
    let (mut cases, mut wrong) = (0, Vec::new());
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        for (n, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with("--") {
                continue;
            }
            cases += 1;
            if let Some(differs) = case(&mut both, line) {
                wrong.push(format!("{name}:{}: {line}\n  {differs}", n + 1));
            }
        }
    }
    println!("{cases} cases");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// What is not as it should be.
fn case(both: &mut Both, line: &str) -> Option<String> {
    let (sql, said) = line.split_once(" --").map_or((line, ""), |(a, b)| (a.trim(), b.trim()));
    let (table, crossings, names) = (both.table.clone(), both.crossings.clone(), both.names.clone());
    let columns = table::columns(&table, &crossings);
    let used = Used::default();
    let scope =
        Scope { helpers: Some(&used), purpose: Purpose::Query, lasting: false, ..Scope::of_columns(&columns, true) };
    let Some(ast) = sqlite::expression(sql, &names) else { return Some("not understood".into()) };
    let (translated, ty) = match (expression(&ast, &scope), said.strip_prefix("refused:")) {
        (Err(e), Some(reason)) if e.reason.contains(reason.trim()) => return None,
        (Err(e), None) if e.reason == "it is always NULL" => ("NULL".into(), PgType::Text),
        (Err(e), _) => return Some(format!("refused: {e}")),
        (Ok((translated, _)), Some(_)) => return Some(format!("not refused: {translated}")),
        (Ok(made), None) => made,
    };
    let pg = match both.in_pg(&format!("({translated})"), "") {
        Ok(pg) => pg,
        // convert_from() gives text of the collation "C", which columns have where it matters, but not here.
        Err(e) if e.contains("which collation to use") && translated.contains("convert_from") => return None,
        Err(e) => return Some(format!("-> {translated}\n  PostgreSQL: {e}")),
    };
    if said == "varies" {
        return used.volatile().is_none().then(|| "nothing says that it varies".into());
    }
    if let Some(value) = said.strip_prefix('=') {
        let got = pg.first()?.first()?.as_deref().unwrap_or("NULL");
        let close = |a: &str, b: &str| match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(a), Ok(b)) => a == b || (a - b).abs() <= a.abs() * 1e-15,
            _ => a == b,
        };
        return (!close(value.trim(), got)).then(|| format!("-> {translated}\n  {got}"));
    }
    let lite = match both.in_sqlite(&format!("({sql})"), "") {
        Ok(lite) => lite,
        Err(e) => return Some(format!("SQLite: {e}")),
    };
    let shown = |ty: PgType| ty.sql();
    lite.iter().zip(&pg).enumerate().find_map(|(row, (l, p))| {
        let (want, got) = (l.first()?, p.first()?);
        let same = both.same(want, got.as_deref(), ty);
        (!same).then(|| format!("-> {translated} ({})\n  row {row}: {want:?} {got:?}", shown(ty)))
    })
}
