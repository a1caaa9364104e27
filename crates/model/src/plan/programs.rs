//! Views, triggers, helper functions and generated columns as the target gets them.
//! Owns their shapes and their statements; never translates (see `sql::translate`) and never runs one.

use super::{Plan, TablePlan};
use crate::ident::{literal, pg, pg_in, shorten};
use crate::mapping::shape::Crossing;
use crate::sql::helpers;
use serde::{Deserialize, Serialize};

/// A view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewPlan {
    /// Name in the source.
    pub name: String,
    /// Name in the target.
    pub target: String,
    /// Its columns, in order.
    pub columns: Vec<ViewColumn>,
    /// Its SELECT, as PostgreSQL's SQL; names stand without a schema.
    pub query: String,
    /// Its CREATE statement in the source, shown where the translation is not one to one.
    pub sql: String,
    /// Why its rows cannot be compared with the source's (the clock, chance, an order that is not given); `None` if
    /// they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomparable: Option<String>,
}

/// A column of a view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewColumn {
    /// Name in the source.
    pub name: String,
    /// Name in the target.
    pub target: String,
    /// How its values are compared: those of a table's column as that one's.
    #[serde(flatten)]
    pub crossing: Crossing,
    /// Its values are computed with doubles, so that the last digits may differ.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approximate: bool,
}

/// A trigger and its function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TriggerPlan {
    /// Name in the source.
    pub name: String,
    /// Name in the target.
    pub target: String,
    /// The table or view it stands on, in the target.
    pub table: String,
    /// It stands on a view (INSTEAD OF).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_view: bool,
    /// Name of its function.
    pub function: String,
    /// When and on what: `BEFORE UPDATE OF "a", "b"`.
    pub timing: String,
    /// The body of its function in PL/pgSQL, from DECLARE or BEGIN to END; names stand without a schema.
    pub body: String,
    /// Its CREATE statement in the source.
    pub sql: String,
}

/// GENERATED ALWAYS AS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratedPlan {
    /// The expression, as PostgreSQL's SQL.
    pub expression: String,
    /// STORED; else VIRTUAL, where the server has it (18).
    pub stored: bool,
}

/// What the schema of the helper functions says of itself; by it the schema is known as ours.
pub const HELPERS_COMMENT: &str =
    "functions that keep what SQLite does; made by lite2pg, used by views, triggers and columns";

/// The schema of the helper functions of what is published to a schema.
pub fn helper_schema(schema: &str) -> String {
    shorten(&format!("{schema}_sqlite"))
}

impl Plan {
    /// The names of all functions and aggregates that [`Plan::create_helpers`] makes: a helper may bring its own parts.
    pub fn helper_routines(&self) -> Vec<String> {
        self.helpers.iter().filter_map(|name| helpers::find(name)).flat_map(|h| routines(h.sql)).collect()
    }

    /// The schema of the helper functions: one for each schema that is published to, so that it goes when that goes.
    pub fn helper_schema(&self) -> String {
        helper_schema(&self.schema)
    }

    /// The statements that make the helper functions, in order; none where nothing uses one. The schema is made by the
    /// first, which fails where it is there already.
    pub fn create_helpers(&self) -> Option<String> {
        if self.helpers.is_empty() {
            return None;
        }
        let schema = pg(&self.helper_schema());
        let comment = literal(HELPERS_COMMENT);
        let mut sql = format!(
            "CREATE SCHEMA {schema};\nCOMMENT ON SCHEMA {schema} IS {comment};\nGRANT USAGE ON SCHEMA {schema} TO PUBLIC;\n\
             SET LOCAL search_path TO {schema}"
        );
        for helper in self.helpers.iter().filter_map(|name| helpers::find(name)) {
            sql.push_str(";\n");
            sql.push_str(helper.sql.trim().trim_end_matches(';'));
            // Whoever calls it has another path, on which the functions that its body names are not found.
            if !helper.needs.is_empty() {
                sql.push_str(&format!(";\nALTER FUNCTION {} SET search_path TO {schema}, pg_catalog", helper.name));
            }
        }
        // Whoever may use a table or a view may use what they call, also where new functions are not for everybody.
        sql.push_str(&format!(";\nGRANT EXECUTE ON ALL ROUTINES IN SCHEMA {schema} TO PUBLIC"));
        Some(sql)
    }

    /// Forgets the helper functions that nothing of the plan calls any more.
    pub fn forget_unused_helpers(&mut self) {
        let of_table = |t: &TablePlan| {
            let columns = t.columns.iter().flat_map(|c| {
                let generated = c.generated.as_ref().map(|g| g.expression.clone());
                c.default.iter().cloned().chain(generated).collect::<Vec<_>>()
            });
            let indexes = t.indexes.iter().flat_map(|i| [i.terms.clone(), i.predicate.clone().unwrap_or_default()]);
            columns.chain(indexes).chain(t.checks.iter().map(|c| c.condition.clone())).collect::<Vec<_>>()
        };
        let mut texts: Vec<String> = self.tables.iter().flat_map(of_table).collect();
        texts.extend(self.views.iter().map(|v| v.query.clone()));
        texts.extend(self.triggers.iter().map(|t| t.body.clone()));
        let used = helpers::Used::default();
        let called = |name: &str| texts.iter().any(|t| t.contains(name));
        for helper in self.helpers.iter().filter_map(|name| helpers::find(name)).filter(|h| called(h.name)) {
            used.take(helper.name);
        }
        self.helpers = used.names();
    }

    /// Where names without a schema are looked for in the statements of the plan. A table called `text` or `date` is a
    /// type of that name too, so PostgreSQL's own names come first; unless a table or view is called as only they are.
    /// Source: <https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-CATALOG>.
    pub fn search_path(&self, schema: &str) -> String {
        let helpers = if self.helpers.is_empty() { String::new() } else { format!(", {}", pg(&self.helper_schema())) };
        let mut names = self.tables.iter().map(|t| &t.target).chain(self.views.iter().map(|v| &v.target));
        if names.any(|n| n.starts_with("pg_")) {
            return format!("{}{helpers}, pg_catalog", pg(schema));
        }
        format!("pg_catalog, {}{helpers}", pg(schema))
    }

    /// CREATE VIEW; names in its query are found by the search path.
    pub fn create_view(&self, schema: &str, view: &ViewPlan) -> String {
        let columns: Vec<String> = view.columns.iter().map(|c| pg(&c.target)).collect();
        let (line, lines) = (columns.join(", "), columns.join(",\n    "));
        let columns = if line.len() <= 100 { line } else { format!("\n    {lines}\n") };
        format!("CREATE VIEW {} ({columns}) AS\n{}", pg_in(schema, &view.target), view.query)
    }

    /// The function of a trigger and the trigger, which does not fire until it is published. The function finds its names
    /// in the schema that is published to, never in the staging schema.
    pub fn create_trigger(&self, schema: &str, trigger: &TriggerPlan) -> String {
        let path = self.search_path(&self.schema);
        let function = pg_in(schema, &trigger.function);
        let (name, table) = (pg(&trigger.target), pg_in(schema, &trigger.table));
        let body = dollar_quoted(&trigger.body);
        let mut sql = format!(
            "CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SET search_path TO {path}, pg_temp AS {body};\n\
             CREATE TRIGGER {name} {} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()",
            trigger.timing
        );
        // A trigger of a view cannot be switched off, and nothing writes to a view that is not published.
        if !trigger.on_view {
            sql.push_str(&format!(";\nALTER TABLE {table} DISABLE TRIGGER {name}"));
        }
        sql
    }

    /// What makes the triggers fire; part of the publication.
    pub fn enable_triggers(&self, schema: &str) -> Vec<String> {
        let tables = self.triggers.iter().filter(|t| !t.on_view);
        tables.map(|t| format!("ALTER TABLE {} ENABLE TRIGGER {}", pg_in(schema, &t.table), pg(&t.target))).collect()
    }
}

/// The names after CREATE FUNCTION and CREATE AGGREGATE, at the beginning of a line as the helpers' texts have them.
fn routines(sql: &str) -> Vec<String> {
    let name = |line: &str| {
        let upper = line.to_ascii_uppercase();
        let after = ["CREATE FUNCTION ", "CREATE OR REPLACE FUNCTION ", "CREATE AGGREGATE "]
            .iter()
            .find(|w| upper.starts_with(**w))
            .and_then(|w| line.get(w.len()..))?;
        Some(after.split('(').next().unwrap_or(after).trim().trim_matches('"').to_owned())
    };
    sql.lines().filter_map(name).collect()
}

/// Text between dollar quotes that it does not hold.
#[must_use]
pub fn dollar_quoted(text: &str) -> String {
    let mut tag = "$function$".to_owned();
    let mut n = 0;
    while text.contains(&tag) {
        n += 1;
        tag = format!("$function{n}$");
    }
    format!("{tag}\n{text}\n{tag}")
}
