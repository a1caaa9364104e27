//! Broken statements made of whole ones, and what must hold whatever they say: nothing panics, nothing takes a second,
//! and an object is in the plan or in a finding.
//! Owns the mutations and the cases; the statements lie in `corpus/fuzz`. Used by a test and by `--example fuzz`.

use super::planned;
use super::tokens::{self, DICTIONARY, NESTS, ODD};
use super::{Dice, introspect};
use lite2pg_model::schema::{RawColumn, RawSchema};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The statements that are broken.
pub struct Seeds {
    files: Vec<Connection>,
    parts: Vec<Part>,
}

/// One object, and what its statement names.
struct Part {
    file: usize,
    raw: RawSchema,
    at: usize,
    tokens: Vec<String>,
}

/// A case: the schema with one broken statement.
pub struct Case {
    /// What is planned.
    pub raw: RawSchema,
    /// The place of the broken object.
    pub at: usize,
}

/// Something that must not be.
pub struct Fault {
    /// The number of the case; with the seed it says which it is.
    pub number: u64,
    /// What happened.
    pub what: String,
    /// The broken statement.
    pub sql: String,
}

/// What became of the cases.
#[derive(Default)]
pub struct Tally {
    /// Cases that were planned.
    pub cases: u64,
    /// Those whose view or trigger was translated, though broken.
    pub carried: u64,
    /// The longest of them.
    pub slowest: Duration,
    /// What must not be.
    pub faults: Vec<Fault>,
}

/// Where the statements lie.
pub fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/fuzz")
}

impl Seeds {
    /// Reads every file, and makes its schema in a real SQLite.
    pub fn read(dir: &Path) -> Seeds {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().flatten().map(|e| e.path()).collect();
        paths.retain(|p| p.extension().is_some_and(|e| e == "sql"));
        paths.sort();
        let mut seeds = Seeds { files: Vec::new(), parts: Vec::new() };
        for path in paths {
            let db = Connection::open_in_memory().unwrap();
            let sql = std::fs::read_to_string(&path).unwrap();
            db.execute_batch(&sql).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let raw = introspect(&db).unwrap();
            for at in (0..raw.objects.len()).filter(|at| raw.objects[*at].sql.is_some()) {
                let (raw, at) = with_what_it_names(&raw, at);
                let tokens = tokens::of(raw.objects[at].sql.as_deref().unwrap_or_default());
                seeds.parts.push(Part { file: seeds.files.len(), raw, at, tokens });
            }
            seeds.files.push(db);
        }
        seeds
    }

    /// A case, always the same for a seed and a number.
    pub fn case(&self, seed: u64, number: u64) -> Case {
        let mut dice = Dice::of(seed, number);
        let part = &self.parts[dice.roll(self.parts.len())];
        let mut broken = part.tokens.clone();
        for _ in 0..=dice.roll(2) * dice.roll(4) {
            let donor = &self.parts[dice.roll(self.parts.len())].tokens;
            mutate(&mut dice, &mut broken, donor);
        }
        let mut raw = part.raw.clone();
        let glue = if dice.roll(12) == 0 { "" } else { " " };
        let mut sql = broken.join(glue);
        // What is longer than this is slow because it is long.
        let mut end = sql.len().min(200_000);
        while !sql.is_char_boundary(end) {
            end -= 1;
        }
        sql.truncate(end);
        if raw.objects[part.at].kind == "view" && dice.roll(2) == 0 {
            self.columns_of(part, &sql, &mut raw);
        }
        if dice.roll(16) == 0 {
            break_pragmas(&mut dice, &mut raw);
        }
        raw.objects[part.at].sql = Some(sql);
        Case { raw, at: part.at }
    }

    /// The columns of a broken view, if SQLite takes it.
    fn columns_of(&self, part: &Part, sql: &str, raw: &mut RawSchema) {
        let (db, name) = (&self.files[part.file], &part.raw.objects[part.at].name);
        let quoted = lite2pg_model::ident::sqlite(name);
        if db.execute_batch(&format!("SAVEPOINT s; DROP VIEW {quoted}")).is_err() {
            return;
        }
        if db.execute_batch(sql).is_ok()
            && let Ok(columns) = super::columns(db, name)
        {
            raw.columns.insert(name.clone(), columns);
        }
        let _ = db.execute_batch("ROLLBACK TO s; RELEASE s");
    }

    /// Runs cases from a number on until the time is over; `at` is told the number of each before it runs.
    pub fn run(&self, seed: u64, from: u64, time: Duration, limit: Duration, at: &mut dyn FnMut(u64)) -> Tally {
        let (begin, mut tally) = (Instant::now(), Tally::default());
        let mut number = from;
        while begin.elapsed() < time {
            at(number);
            let case = self.case(seed, number);
            let start = Instant::now();
            let outcome = check(&case);
            let took = start.elapsed();
            tally.cases += 1;
            tally.slowest = tally.slowest.max(took);
            let slow = (took > limit).then(|| format!("took {took:?}"));
            match outcome {
                Ok(carried) => tally.carried += u64::from(carried),
                Err(what) => tally.faults.push(fault(&case, number, what)),
            }
            tally.faults.extend(slow.map(|what| fault(&case, number, what)));
            number += 1;
        }
        tally
    }
}

fn fault(case: &Case, number: u64, what: String) -> Fault {
    Fault { number, what, sql: case.raw.objects[case.at].sql.clone().unwrap_or_default() }
}

/// Plans the case: whether its view or trigger is carried, or what must not be.
pub fn check(case: &Case) -> Result<bool, String> {
    let run = || {
        let planned = planned::of_raw(&case.raw, &BTreeMap::new());
        let details = lite2pg_model::plan::detail::details(&planned.schema, &planned.plan);
        (planned.plan.script(&details).len(), planned.plan)
    };
    super::panics::watch();
    let (_, plan) = catch_unwind(AssertUnwindSafe(run)).map_err(|_| "panicked".to_owned())?;
    if let Some(place) = super::panics::ours() {
        return Err(format!("panicked where the parser is guarded, at {place}"));
    }
    let object = &case.raw.objects[case.at];
    let carried = match object.kind.as_str() {
        "view" => plan.views.iter().any(|v| v.name == object.name),
        "trigger" => plan.triggers.iter().any(|t| t.name == object.name),
        _ => return Ok(false),
    };
    let told = plan.findings.iter().any(|f| f.object == object.name);
    if carried || told { Ok(carried) } else { Err("is neither in the plan nor in a finding".to_owned()) }
}

/// The part of a schema that an object's statement names, with what that names in turn.
fn with_what_it_names(raw: &RawSchema, at: usize) -> (RawSchema, usize) {
    let mut kept = vec![false; raw.objects.len()];
    let mut open = vec![at];
    while let Some(i) = open.pop() {
        if std::mem::replace(&mut kept[i], true) {
            continue;
        }
        let text = raw.objects[i].sql.clone().unwrap_or_default().to_ascii_lowercase();
        let named = |o: &lite2pg_model::schema::RawObject| {
            ["table", "view"].contains(&o.kind.as_str()) && text.contains(&o.name.to_ascii_lowercase())
        };
        open.extend((0..raw.objects.len()).filter(|n| !kept[*n] && named(&raw.objects[*n])));
    }
    let mut part = raw.clone();
    let mut place = 0;
    part.objects.retain(|_| {
        place += 1;
        kept[place - 1]
    });
    (part, kept[..at].iter().filter(|k| **k).count())
}

/// Pragmas that do not tell what the text says.
fn break_pragmas(dice: &mut Dice, raw: &mut RawSchema) {
    let names: Vec<String> = raw.columns.keys().cloned().collect();
    let Some(columns) = names.get(dice.roll(names.len().max(1))).and_then(|n| raw.columns.get_mut(n)) else { return };
    match dice.roll(4) {
        0 => columns.clear(),
        1 => drop(columns.pop()),
        2 => columns.push(RawColumn { name: "no such".to_owned(), ..RawColumn::default() }),
        _ => {
            let odd = dice.pick(DICTIONARY).to_owned();
            columns.iter_mut().for_each(|c| c.default = Some(odd.clone()));
        }
    }
}

/// A range of tokens, mostly short.
fn range(dice: &mut Dice, length: usize) -> std::ops::Range<usize> {
    let at = dice.roll(length + 1);
    let most = if dice.roll(8) == 0 { 40 } else { 5 };
    at..(at + dice.roll(most)).min(length)
}

/// What stands between two parentheses, with them.
fn group(dice: &mut Dice, tokens: &[String]) -> Option<std::ops::Range<usize>> {
    let opens: Vec<usize> = (0..tokens.len()).filter(|i| tokens[*i] == "(").collect();
    let open = *opens.get(dice.roll(opens.len().max(1)))?;
    let mut depth = 0_usize;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "(" => depth += 1,
            ")" if depth == 1 => return Some(open..i + 1),
            ")" => depth -= 1,
            _ => {}
        }
    }
    None
}

fn mutate(dice: &mut Dice, tokens: &mut Vec<String>, donor: &[String]) {
    let here = range(dice, tokens.len());
    let word = |dice: &mut Dice| dice.pick(DICTIONARY).to_owned();
    match dice.roll(12) {
        0 => drop(tokens.drain(here)),
        1 => {
            let copy = tokens[here].to_vec();
            let to = dice.roll(tokens.len() + 1);
            tokens.splice(to..to, copy);
        }
        2 if !tokens.is_empty() => {
            let (a, b) = (dice.roll(tokens.len()), dice.roll(tokens.len()));
            tokens.swap(a, b);
        }
        3 if !tokens.is_empty() => {
            let at = dice.roll(tokens.len());
            tokens[at] = word(dice);
        }
        4 => tokens.insert(here.start, word(dice)),
        5 => {
            let from = range(dice, donor.len());
            tokens.splice(here, donor[from].iter().cloned());
        }
        6 | 7 => {
            // What stands between parentheses often fits in the place of another such.
            if let (Some(to), Some(from)) = (group(dice, tokens), group(dice, donor)) {
                tokens.splice(to, donor[from].iter().cloned());
            }
        }
        8 => {
            let (open, close) = NESTS[dice.roll(NESTS.len())];
            let most = if dice.roll(4) == 0 { 4000 } else { 30 };
            let times = 1 + dice.roll(most);
            tokens.insert(here.end, close.repeat(times));
            tokens.insert(here.start, open.repeat(times));
        }
        9 => {
            let most = if dice.roll(4) == 0 { 1500 } else { 8 };
            let times = 1 + dice.roll(most);
            let text = tokens[here.clone()].join(" ") + " ";
            tokens.insert(here.start, text.repeat(times.min(20_000 / text.len().max(1) + 1)));
        }
        10 if !tokens.is_empty() => {
            let at = dice.roll(tokens.len());
            let mut to = dice.roll(tokens[at].len() + 1);
            while !tokens[at].is_char_boundary(to) {
                to -= 1;
            }
            tokens[at].insert_str(to, dice.pick(ODD));
        }
        _ if !tokens.is_empty() => {
            let (a, b) = (dice.roll(tokens.len()), dice.roll(tokens.len()));
            tokens[a] = tokens[b].clone();
        }
        _ => tokens.push(word(dice)),
    }
}
