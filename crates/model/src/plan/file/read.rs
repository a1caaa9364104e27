//! The plan's file → what a person said, or everything that is wrong with it.
//! Owns the way from TOML to `Overrides`; never knows the source.

use super::keys::{self, Key};
use super::take::{Flaw, Given, policy};
use super::{MOST_PROBLEMS, VERSION, near, values};
use crate::mapping::PgType;
use crate::mapping::policy::Policies;
use crate::plan::overrides::{
    ColumnOverride, DecidedWith, Extra, Origin, Overrides, Problem, Said, TableOverride, folded,
};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads a file; `name` is what messages call it.
///
/// # Errors
/// Everything that is wrong with it, in the order of its lines, at most [`MOST_PROBLEMS`].
pub fn read(text: &str, name: &str) -> Result<Overrides, Vec<Problem>> {
    let mut reader = Reader { text, name, problems: Vec::new() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = reader.at(error.span().map_or(text.len(), |span| span.start));
        let message = error.message().lines().next().unwrap_or("it is no TOML").to_owned();
        reader.problems.push(Problem::new(&at, format!("this is no TOML: {message}"), ""));
    }
    // What could not be read may have been the very thing that is missed next.
    let mut overrides = Overrides::default();
    if reader.problems.is_empty() {
        reader.top(table.get_ref(), &mut overrides);
    }
    let mut problems = reader.problems;
    if problems.is_empty() {
        return Ok(overrides);
    }
    problems.sort();
    problems.dedup();
    problems.truncate(MOST_PROBLEMS);
    Err(problems)
}

struct Reader<'t> {
    text: &'t str,
    name: &'t str,
    problems: Vec<Problem>,
}

/// A value in the file.
type Value<'i> = Spanned<DeValue<'i>>;

impl Reader<'_> {
    fn at(&self, offset: usize) -> Origin {
        let before = self.text.as_bytes().get(..offset).unwrap_or(self.text.as_bytes());
        Origin::File(self.name.to_owned(), before.iter().filter(|b| **b == b'\n').count() + 1)
    }

    fn said<T>(&mut self, value: &Value<'_>, taken: Result<T, Flaw>) -> Option<Said<T>> {
        let at = self.at(value.span().start);
        match taken {
            Ok(value) => Some(Said { value, at }),
            Err((message, hint)) => {
                self.problems.push(Problem::new(&at, message, hint));
                None
            }
        }
    }

    /// Goes through the keys of a table; those that do not exist are problems.
    fn each(
        &mut self,
        table: &DeTable<'_>,
        known: &'static [Key],
        what: &str,
        mut take: impl FnMut(&mut Self, &'static str, &Value<'_>),
    ) {
        for (key, value) in table {
            match keys::find(known, key.get_ref()) {
                Some(found) => take(self, found.word, value),
                None => {
                    let at = self.at(key.span().start);
                    self.problems.push(unknown_key(&at, key.get_ref(), known, what));
                }
            }
        }
    }

    fn table<'v, 'i>(&mut self, value: &'v Value<'i>, word: &str) -> Option<&'v DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            let at = self.at(value.span().start);
            let hint = format!("write {word} = {{ … }}");
            self.problems.push(Problem::new(
                &at,
                format!("{word} takes a table, not {}", value.get_ref().type_str()),
                hint,
            ));
        }
        table
    }

    fn top(&mut self, table: &DeTable<'_>, out: &mut Overrides) {
        let mut version = false;
        self.each(table, keys::TOP, "the plan", |this, word, value| {
            let given = Given::Toml(value.get_ref());
            match word {
                "version" => version = this.version(value),
                "schema" => out.schema = this.said(value, given.text(word).map(str::to_owned)),
                "types" => out.types = this.said(value, given.types(word)),
                "names" => out.names = this.said(value, given.names(word)),
                "assume-tz" => out.zone = this.said(value, given.zone(word)),
                "collation" => out.collation_database = this.said(value, given.collation(word)),
                "accept" => out.accept = this.said(value, given.accepts(word)).map(|s| s.value).unwrap_or_default(),
                "decided-with" => out.decided_with = this.decided_with(value, word),
                "policies" => this.policies(value, word, &mut out.policies),
                "tables" => this.tables(value, out),
                _ => {}
            }
        });
        if !version && !table.contains_key("version") {
            let at = self.at(0);
            self.problems.push(Problem::new(
                &at,
                "the version is missing",
                format!("write version = {VERSION} at the top"),
            ));
        }
    }

    fn version(&mut self, value: &Value<'_>) -> bool {
        let found = value.get_ref().as_integer().map(|i| i.as_str().to_owned());
        let right = found.as_deref() == Some(VERSION.to_string().as_str());
        if !right {
            let at = self.at(value.span().start);
            let message = match found {
                Some(other) => format!("this plan has version {other}, this lite2pg reads version {VERSION}"),
                None => "the version is a number".to_owned(),
            };
            self.problems.push(Problem::new(&at, message, "make a new one with lite2pg plan"));
        }
        right
    }

    fn policies(&mut self, value: &Value<'_>, word: &str, out: &mut Policies) {
        let Some(table) = self.table(value, word) else { return };
        for (kind, choice) in table {
            if let Err((message, hint)) = policy(out, kind.get_ref(), Given::Toml(choice.get_ref())) {
                let at = self.at(kind.span().start);
                self.problems.push(Problem::new(&at, message, hint));
            }
        }
    }

    fn decided_with(&mut self, value: &Value<'_>, word: &str) -> Option<Said<DecidedWith>> {
        let table = self.table(value, word)?;
        let mut with = DecidedWith::default();
        self.each(table, keys::DECIDED_WITH, word, |this, word, value| {
            let given = Given::Toml(value.get_ref());
            match word {
                "types" => with.types = this.said(value, given.types(word)).map(|s| s.value).unwrap_or_default(),
                "names" => with.names = this.said(value, given.names(word)).map(|s| s.value).unwrap_or_default(),
                "assume-tz" => with.zone = this.said(value, given.zone(word)).map(|s| s.value),
                "policies" => this.policies(value, word, &mut with.policies),
                _ => {}
            }
        });
        Some(Said { value: with, at: self.at(value.span().start) })
    }

    fn tables(&mut self, value: &Value<'_>, out: &mut Overrides) {
        let Some(tables) = self.table(value, "tables") else { return };
        for (name, value) in tables {
            let at = self.at(name.span().start);
            if out.tables.contains_key(&folded(name.get_ref())) {
                let message = format!("the table {:?} stands there twice", name.get_ref());
                self.problems.push(Problem::new(&at, message, "SQLite takes letters of either case for the same"));
                continue;
            }
            let mut said = TableOverride::new(Said { value: name.get_ref().to_string(), at });
            if let Some(table) = self.table(value, name.get_ref()) {
                self.one_table(table, &mut said);
            }
            out.tables.insert(folded(name.get_ref()), said);
        }
    }

    fn one_table(&mut self, table: &DeTable<'_>, out: &mut TableOverride) {
        self.each(table, keys::TABLE, "a table", |this, word, value| {
            let given = Given::Toml(value.get_ref());
            match word {
                "to" => out.to = this.said(value, given.text(word).map(str::to_owned)),
                "skip" => out.skip = this.said(value, given.flag(word)),
                "where" => out.filter = this.said(value, given.source_sql(word)),
                "extra" => this.extras(value, &mut out.extra),
                "columns" => this.columns(value, out),
                _ => {}
            }
        });
    }

    fn columns(&mut self, value: &Value<'_>, out: &mut TableOverride) {
        let Some(columns) = self.table(value, "columns") else { return };
        for (name, value) in columns {
            let at = self.at(name.span().start);
            if out.columns.contains_key(&folded(name.get_ref())) {
                let message = format!("the column {:?} stands there twice", name.get_ref());
                self.problems.push(Problem::new(&at, message, "SQLite takes letters of either case for the same"));
                continue;
            }
            let column = out.column_mut(name.get_ref(), &at);
            match value.get_ref() {
                // "amount" = "round(amount, 2)"
                DeValue::String(_) => {
                    let read = Given::Toml(value.get_ref()).source_sql("expression");
                    column.read = self.said(value, read);
                }
                DeValue::Table(table) => self.one_column(table, column, &at),
                other => {
                    let message = format!("a column takes a table or an expression, not {}", other.type_str());
                    self.problems.push(Problem::new(&at, message, "write { type = \"text\" }, say"));
                }
            }
        }
    }

    fn one_column(&mut self, table: &DeTable<'_>, out: &mut ColumnOverride, at: &Origin) {
        self.each(table, keys::COLUMN, "a column", |this, word, value| {
            if word == "policy" {
                return this.policies(value, word, &mut out.policies);
            }
            let here = this.at(value.span().start);
            if let Err((message, hint)) = set_column(out, word, Given::Toml(value.get_ref()), &here) {
                this.problems.push(Problem::new(&here, message, hint));
            }
        });
        self.problems.extend(fitting(out, at));
    }

    fn extras(&mut self, value: &Value<'_>, out: &mut Vec<Said<Extra>>) {
        let Some(list) = value.get_ref().as_array() else {
            let at = self.at(value.span().start);
            self.problems.push(Problem::new(&at, "extra takes a list of columns", EXTRA_HINT));
            return;
        };
        for item in list {
            let at = self.at(item.span().start);
            let Some(table) = item.get_ref().as_table() else {
                self.problems.push(Problem::new(&at, "an extra column is a table", EXTRA_HINT));
                continue;
            };
            out.extend(self.extra(table, &at));
        }
    }

    fn extra(&mut self, table: &DeTable<'_>, at: &Origin) -> Option<Said<Extra>> {
        let (mut name, mut ty, mut default, mut not_null) = (None, None, None, None);
        let before = self.problems.len();
        self.each(table, keys::EXTRA, "an extra column", |this, word, value| {
            let given = Given::Toml(value.get_ref());
            match word {
                "name" => name = this.said(value, given.text(word).map(str::to_owned)),
                "type" => ty = this.said(value, given.ty(word)),
                "default" => default = this.said(value, given.target_sql(word)),
                "not-null" => not_null = this.said(value, given.flag(word)),
                _ => {}
            }
        });
        if self.problems.len() > before {
            return None;
        }
        let not_null = not_null.is_some_and(|n| n.value);
        let flaw = match (&name, &ty) {
            (None, _) => "an extra column needs a name",
            (_, None) => "an extra column needs a type",
            (_, Some(ty)) if ty.value == PgType::Enum => "an extra column cannot be an enum",
            _ if not_null && default.is_none() => "an extra column that is not-null needs a default",
            _ => "",
        };
        if !flaw.is_empty() {
            self.problems.push(Problem::new(at, flaw, EXTRA_HINT));
            return None;
        }
        let extra = Extra { name: name?.value, ty: ty?.value, not_null, default: default.map(|d| d.value) };
        Some(Said { value: extra, at: at.clone() })
    }
}

const EXTRA_HINT: &str = "write extra = [{ name = \"made\", type = \"timestamptz\", default = \"now()\" }]";

fn unknown_key(at: &Origin, word: &str, known: &'static [Key], what: &str) -> Problem {
    let places = [(keys::TOP, "the top of the file"), (keys::TABLE, "[tables.NAME]"), (keys::COLUMN, "a column")];
    let words = keys::words(known);
    let hint = match near::nearest(word, &words) {
        Some(near) => format!("did you mean `{near}`?"),
        None => match places.iter().find(|(keys, _)| keys::find(keys, word).is_some()) {
            Some((_, place)) => format!("it belongs to {place}; here {}", near::existing(&words)),
            None => near::existing(&words),
        },
    };
    Problem::new(at, format!("{what} has no key {word:?}"), hint)
}

/// Sets one key of a column but `policy`.
pub(super) fn set_column(out: &mut ColumnOverride, word: &str, given: Given<'_>, at: &Origin) -> Result<(), Flaw> {
    fn said<T>(value: T, at: &Origin) -> Option<Said<T>> {
        Some(Said { value, at: at.clone() })
    }
    match word {
        "to" => out.to = said(given.text(word)?.to_owned(), at),
        "skip" => out.skip = said(given.flag(word)?, at),
        "type" => out.ty = said(given.ty(word)?, at),
        "values" => out.values = said(given.writing(word)?, at),
        "labels" => out.labels = said(given.labels(word)?, at),
        "expression" => out.read = said(given.source_sql(word)?, at),
        "null" => out.null = said(given.literal(word)?, at),
        "not-null" => out.not_null = said(given.flag(word)?, at),
        "default" => out.default = said(given.target_sql(word)?, at),
        _ => return Err((format!("a column has no key {word:?}"), String::new())),
    }
    Ok(())
}

/// What of a column does not fit together. Where values are written in a certain way, that says the type.
pub(super) fn fitting(column: &mut ColumnOverride, at: &Origin) -> Option<Problem> {
    if let Some(values) = &column.values {
        let may = values::types_of(values.value);
        match &column.ty {
            None => column.ty = may.first().map(|ty| Said { value: *ty, at: at.clone() }),
            Some(ty) if !may.contains(&ty.value) => {
                let word = values::writing_word(values.value).unwrap_or_default();
                let message = format!("values = {word:?} cannot become {}", ty.value.sql());
                let hint = format!("write type = {:?}", may.first().map(PgType::sql).unwrap_or_default());
                return Some(Problem::new(&values.at, message, hint));
            }
            Some(_) => {}
        }
    }
    let labels = column.labels.as_ref()?;
    match &column.ty {
        None => column.ty = Some(Said { value: PgType::Enum, at: at.clone() }),
        Some(ty) if ty.value != PgType::Enum => {
            let message = format!("labels are for an enum, not for {}", ty.value.sql());
            return Some(Problem::new(&labels.at, message, "write type = \"enum\""));
        }
        Some(_) => {}
    }
    None
}
