//! What the target is: version, rights, names that are taken.
//! Owns the questions to the catalog; never changes anything.

use crate::error::{Error, Result};
use crate::target::error_from_pg;
use crate::target::transient::Own;
use lite2pg_model::ident::{pg, pg_in};
use lite2pg_model::plan::{HELPERS_COMMENT, Plan, TablePlan};
use postgres::GenericClient;
use std::collections::{BTreeMap, BTreeSet};

/// Facts about a target, read once before the plan.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// `server_version`, such as `16.3`.
    pub version: String,
    /// `server_version_num`, such as 160003.
    pub version_num: i32,
    /// Name of the database.
    pub database: String,
    /// The database orders text by bytes already.
    pub collation_c: bool,
    /// The database's encoding is UTF8.
    pub utf8: bool,
    /// The final schema exists.
    pub schema_exists: bool,
    /// Relations and types in the final schema, by name, with what they are.
    pub taken: BTreeMap<String, String>,
    /// Functions without arguments in the final schema.
    pub functions: BTreeSet<String>,
    /// Every other schema, with its comment: that of the helper functions must be free.
    pub schemas: BTreeMap<String, String>,
    /// How many connections this role may still open, roughly.
    pub free_connections: i64,
    /// The role may create schemas in this database.
    pub may_create_schema: bool,
    /// The role may create objects in the final schema.
    pub may_create_in_schema: bool,
    /// The server is a standby or read-only.
    pub read_only: bool,
    /// The role.
    pub role: String,
    /// How many locks all transactions together may hold.
    pub lock_slots: i64,
}

/// Reads the facts about the database behind `client` and the schema that shall be published to.
///
/// # Errors
/// The server is older than PostgreSQL 13, read-only, or cannot be asked.
pub fn facts(client: &mut impl GenericClient, schema: &str) -> Result<Facts> {
    let doing = "reading the target's catalog";
    let row = client
        .query_one(
            "SELECT current_setting('server_version'), current_setting('server_version_num')::int, current_database(), \
             d.datcollate IN ('C', 'POSIX') AND coalesce(to_jsonb(d)->>'datlocprovider', 'c') = 'c', \
             pg_encoding_to_char(d.encoding) = 'UTF8', \
             EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1), \
             current_setting('max_connections')::int8 - (SELECT count(*) FROM pg_stat_activity \
                 WHERE backend_type = 'client backend'), \
             has_database_privilege(current_database(), 'CREATE'), \
             coalesce((SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = $1), true), \
             pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool, current_user::text, \
             current_setting('max_locks_per_transaction')::int8 * (current_setting('max_connections')::int8 + \
                 current_setting('max_prepared_transactions')::int8) \
             FROM pg_database d WHERE d.datname = current_database()",
            &[&schema],
        )
        .map_err(|e| error_from_pg(e, doing))?;
    let mut facts = Facts {
        version: row.get(0),
        version_num: row.get(1),
        database: row.get(2),
        collation_c: row.get(3),
        utf8: row.get(4),
        schema_exists: row.get(5),
        free_connections: row.get(6),
        may_create_schema: row.get(7),
        may_create_in_schema: row.get(8),
        read_only: row.get(9),
        role: row.get(10),
        lock_slots: row.get(11),
        ..Facts::default()
    };
    let taken = client
        .query(
            "SELECT c.relname::text, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' \
             WHEN 'm' THEN 'materialized view' WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'S' THEN 'sequence' \
             WHEN 'f' THEN 'foreign table' ELSE 'type' END \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 \
             UNION ALL SELECT t.typname::text, 'type' FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
             WHERE n.nspname = $1 AND t.typrelid = 0 AND t.typelem = 0",
            &[&schema],
        )
        .map_err(|e| error_from_pg(e, doing))?;
    facts.taken = taken.iter().map(|r| (r.get(0), r.get(1))).collect();
    let functions = client
        .query(
            "SELECT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
             WHERE n.nspname = $1 AND p.pronargs = 0",
            &[&schema],
        )
        .map_err(|e| error_from_pg(e, doing))?;
    facts.functions = functions.iter().map(|r| r.get(0)).collect();
    let schemas = client
        .query("SELECT nspname::text, coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_namespace", &[])
        .map_err(|e| error_from_pg(e, doing))?;
    facts.schemas = schemas.iter().map(|r| (r.get(0), r.get(1))).collect();
    Ok(facts)
}

/// Whether a schema is there.
///
/// # Errors
/// The target cannot be asked.
pub fn schema_exists(client: &mut impl GenericClient, schema: &str) -> Result<bool> {
    let row = client
        .query_one("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)", &[&schema])
        .map_err(|e| error_from_pg(e, "reading the target's catalog"))?;
    Ok(row.get(0))
}

/// Every column of the tables of a schema: table, column, and type as `format_type` shows it (of an enum its name: where it
/// lies is as the search path has it).
///
/// # Errors
/// The target cannot be asked.
pub fn columns(client: &mut impl GenericClient, schema: &str) -> Result<BTreeSet<(String, String, String)>> {
    let rows = client
        .query(
            "SELECT c.relname::text, a.attname::text, \
             CASE WHEN t.typtype = 'e' THEN t.typname::text ELSE format_type(a.atttypid, a.atttypmod) END \
             FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped",
            &[&schema],
        )
        .map_err(|e| error_from_pg(e, "looking at the columns"))?;
    Ok(rows.iter().map(|r| (r.get(0), r.get(1), r.get(2))).collect())
}

/// What hangs on the tables and views of a schema and goes with them: kind, name and table of each trigger, rule, policy,
/// index, constraint and statistics object.
///
/// # Errors
/// The target cannot be asked.
pub fn attachments(client: &mut impl GenericClient, schema: &str) -> Result<BTreeSet<(String, String, String)>> {
    let rows = client
        .query(
            "WITH t AS (SELECT c.oid, c.relname::text AS name FROM pg_class c JOIN pg_namespace n \
                 ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v')) \
             SELECT 'trigger', g.tgname::text, t.name FROM pg_trigger g JOIN t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal \
             UNION ALL SELECT 'rule', r.rulename::text, t.name FROM pg_rewrite r JOIN t ON t.oid = r.ev_class \
                 WHERE r.rulename <> '_RETURN' \
             UNION ALL SELECT 'policy', p.polname::text, t.name FROM pg_policy p JOIN t ON t.oid = p.polrelid \
             UNION ALL SELECT 'index', c.relname::text, t.name FROM pg_index i JOIN t ON t.oid = i.indrelid \
                 JOIN pg_class c ON c.oid = i.indexrelid \
                 WHERE NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = t.oid) \
             UNION ALL SELECT 'constraint', k.conname::text, t.name FROM pg_constraint k JOIN t ON t.oid = k.conrelid \
                 WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') \
             UNION ALL SELECT 'statistics', s.stxname::text, t.name FROM pg_statistic_ext s JOIN t ON t.oid = s.stxrelid",
            &[&schema],
        )
        .map_err(|e| error_from_pg(e, "looking at what hangs on the tables"))?;
    Ok(rows.iter().map(|r| (r.get(0), r.get(1), r.get(2))).collect())
}

/// What others have made that hangs on the relations, types and functions of these names in a schema, or on any function of
/// a second one, so that these cannot be dropped: each as PostgreSQL describes it.
/// Source: <https://www.postgresql.org/docs/current/catalog-pg-depend.html>.
///
/// # Errors
/// The target cannot be asked.
pub fn dependents(
    client: &mut impl GenericClient,
    schema: &str,
    names: &[&str],
    functions: &str,
) -> Result<BTreeSet<String>> {
    let rows = client
        .query(
            "WITH own AS ( \
                 SELECT 'pg_class'::regclass AS class, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = $1 AND c.relname = ANY ($2::text[]) \
                 UNION ALL SELECT 'pg_type'::regclass, t.oid FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
                 LEFT JOIN pg_type e ON e.oid = t.typelem \
                 WHERE n.nspname = $1 AND (t.typname = ANY ($2::text[]) OR e.typname = ANY ($2::text[])) \
                 UNION ALL SELECT 'pg_proc'::regclass, p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
                 WHERE n.nspname = $3 OR n.nspname = $1 AND p.proname = ANY ($2::text[]) AND p.pronargs = 0 \
             ), d AS ( \
                 SELECT d.classid, d.objid, d.objsubid, coalesce(w.ev_class, a.adrelid, k.conrelid, g.tgrelid, p.polrelid, i.indrelid, \
                     CASE d.classid WHEN 'pg_class'::regclass THEN d.objid END) AS relation, w.ev_class AS view \
                 FROM pg_depend d JOIN own ON own.class = d.refclassid AND own.oid = d.refobjid \
                 LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid \
                 LEFT JOIN pg_attrdef a ON d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid \
                 LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid \
                 LEFT JOIN pg_trigger g ON d.classid = 'pg_trigger'::regclass AND g.oid = d.objid \
                 LEFT JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid \
                 LEFT JOIN pg_index i ON d.classid = 'pg_class'::regclass AND i.indexrelid = d.objid \
                 WHERE d.deptype = 'n' \
             ) \
             SELECT DISTINCT CASE WHEN view IS NULL THEN pg_describe_object(classid, objid, objsubid) \
                 ELSE pg_describe_object('pg_class'::regclass, view, 0) END \
             FROM d WHERE NOT EXISTS (SELECT 1 FROM own WHERE own.class = 'pg_class'::regclass AND own.oid = d.relation) \
             AND NOT EXISTS (SELECT 1 FROM own WHERE own.class = d.classid AND own.oid = d.objid)",
            &[&schema, &names, &functions],
        )
        .map_err(|e| error_from_pg(e, "looking for what hangs on the tables"))?;
    Ok(rows.iter().filter_map(|r| r.get(0)).collect())
}

impl Facts {
    /// Refuses a target that no migration can go to, each with what to do.
    ///
    /// # Errors
    /// Too old, read-only, not UTF8, or a privilege is missing.
    pub fn check(&self, schema: &str) -> Result<()> {
        if self.version_num < 130_000 {
            return Err(Error::target(format!("PostgreSQL {} is too old", self.version))
                .hint("lite2pg needs PostgreSQL 13 or later"));
        }
        if self.read_only {
            return Err(Error::target("the target is read-only (a standby, or default_transaction_read_only is on)")
                .about(&self.database)
                .hint("connect to the primary, for instance with target_session_attrs=read-write")
                .because(Own::OtherRole));
        }
        if !self.utf8 {
            return Err(Error::target("the target database is not encoded in UTF8, so it cannot hold every text")
                .about(&self.database)
                .hint(format!("CREATE DATABASE {}_utf8 ENCODING 'UTF8' TEMPLATE template0", self.database)));
        }
        if !self.may_create_schema {
            return Err(Error::target(format!("role {} may not create schemas", self.role))
                .about(&self.database)
                .hint(format!("GRANT CREATE ON DATABASE {} TO {}", pg(&self.database), pg(&self.role))));
        }
        if !self.may_create_in_schema {
            return Err(Error::target(format!("role {} may not create tables in schema {schema}", self.role))
                .about(&self.database)
                .hint(format!("GRANT CREATE ON SCHEMA {} TO {}", pg(schema), pg(&self.role))));
        }
        Ok(())
    }

    /// How many locks a transaction takes that touches everything of a plan.
    pub fn locks(&self, plan: &Plan) -> i64 {
        let of_table = |t: &TablePlan| 3 + t.primary_key.iter().len() + t.uniques.len() + t.indexes.len();
        let sequences = |t: &TablePlan| t.columns.iter().filter(|c| c.identity.is_some()).count();
        let tables: usize = plan.tables.iter().map(|t| of_table(t) + sequences(t)).sum();
        i64::try_from(tables + plan.views.len() + plan.triggers.len()).unwrap_or(i64::MAX)
    }

    /// Refuses when publishing would take more locks than the server has. Into a schema that exists, tables are moved one
    /// by one in one transaction, each with its TOAST table, indexes and sequences; a new schema is one rename.
    ///
    /// # Errors
    /// Says which setting helps, and that a new schema does.
    pub fn check_locks(&self, schema: &str, plan: &Plan) -> Result<()> {
        let locks = self.locks(plan);
        if !self.schema_exists || locks < self.lock_slots {
            return Ok(());
        }
        Err(Error::target(format!(
            "publishing {} tables into schema {schema} takes about {locks} locks; this server has {}",
            plan.tables.len(),
            self.lock_slots
        ))
        .about(&self.database)
        .hint("raise max_locks_per_transaction and restart the server, or publish to a new schema with --schema NAME"))
    }

    /// Refuses when names that shall be published are taken: relations, types, trigger functions, and the schema of the
    /// helper functions.
    ///
    /// # Errors
    /// Lists what is in the way.
    pub fn check_free(&self, plan: &Plan, wanted: &BTreeSet<String>) -> Result<()> {
        let schema = &plan.schema;
        let relations = self
            .taken
            .iter()
            .filter(|(name, _)| wanted.contains(*name))
            .map(|(name, kind)| format!("{kind} {}", pg_in(schema, name)));
        let functions = plan.triggers.iter().map(|t| &t.function).filter(|f| self.functions.contains(*f));
        let functions = functions.map(|name| format!("function {}()", pg_in(schema, name)));
        let in_the_way: Vec<String> = relations.chain(functions).collect();
        if in_the_way.is_empty() {
            return self.check_helpers(plan);
        }
        let shown = in_the_way.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        let more = in_the_way.len().saturating_sub(5);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Err(Error::target(format!("schema {schema} is not empty: {shown}{more} in the way"))
            .about(&self.database)
            .hint("choose another schema with --schema NAME, or remove these objects yourself; lite2pg never does"))
    }

    /// The helper functions get a schema of their own, whose name follows from that of the published one.
    fn check_helpers(&self, plan: &Plan) -> Result<()> {
        let name = plan.helper_schema();
        let Some(comment) = self.schemas.get(&name).filter(|_| !plan.helpers.is_empty()) else { return Ok(()) };
        let whose = match comment == HELPERS_COMMENT {
            true => "is left from an earlier run",
            false => "is there already, and not of lite2pg",
        };
        Err(Error::target(format!("schema {name}, where the helper functions belong, {whose}"))
            .about(&self.database)
            .hint(format!(
                "choose another schema with --schema NAME, or, if nobody uses what is in it, DROP SCHEMA {} yourself",
                pg(&name)
            )))
    }
}
