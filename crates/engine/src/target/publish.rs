//! Publishing: what was built in the staging schema becomes visible under its final name, in one transaction.
//! Owns that transaction's statements; never looks at rows.

use crate::error::Result;
use crate::target::error_from_pg;
use lite2pg_model::ident::{literal, pg, pg_in};
use lite2pg_model::plan::{Plan, TablePlan, ddl};
use postgres::{GenericClient, Transaction};

/// Moves everything to the final schema: by renaming where there is none yet, else object by object. Returns whether the
/// schema was made.
///
/// # Errors
/// A name was taken meanwhile, or the target refuses; then nothing is visible.
pub fn publish(tx: &mut Transaction<'_>, plan: &Plan, staging: &str) -> Result<bool> {
    let doing = "publishing";
    let schema = &plan.schema;
    let exists: bool = tx
        .query_one("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)", &[schema])
        .map_err(|e| error_from_pg(e, doing))?
        .get(0);
    // They fire from the same instant on in which the tables can be seen.
    for sql in plan.enable_triggers(staging) {
        tx.batch_execute(&sql).map_err(|e| error_from_pg(e, doing))?;
    }
    if !exists {
        // What was said of the staging schema is no longer true of the final one.
        let (staging, schema) = (pg(staging), pg(schema));
        tx.batch_execute(&format!("ALTER SCHEMA {staging} RENAME TO {schema}; COMMENT ON SCHEMA {schema} IS NULL"))
            .map_err(|e| error_from_pg(e, doing))?;
        return Ok(true);
    }
    let one = |(kind, name, arguments): (&str, &str, &str)| {
        format!("ALTER {kind} {}{arguments} SET SCHEMA {}", pg_in(staging, name), pg(schema))
    };
    let tables = plan.tables.iter().map(|t| ("TABLE", t.target.as_str(), ""));
    let types = plan.tables.iter().flat_map(ddl::enums).map(|(name, _)| ("TYPE", name, ""));
    let views = plan.views.iter().map(|v| ("VIEW", v.target.as_str(), ""));
    let functions = plan.triggers.iter().map(|t| ("FUNCTION", t.function.as_str(), "()"));
    let moved: Vec<(&str, &str, &str)> = tables.chain(types).chain(views).chain(functions).collect();
    // Many in one round trip: the target may be far away.
    for some in moved.chunks(AT_ONCE) {
        let sql: Vec<String> = some.iter().copied().map(one).collect();
        tx.batch_execute(&sql.join("; ")).map_err(|e| {
            let error = error_from_pg(e, doing);
            // The server names what is in the way.
            let named = some.iter().find(|(_, name, _)| error.message.contains(&format!("\"{name}\"")));
            let object = named.map_or_else(|| format!("schema {schema}"), |(_, name, _)| pg_in(schema, name));
            error.about(object)
        })?;
    }
    for grant in default_privileges(tx, plan)? {
        tx.batch_execute(&grant).map_err(|e| error_from_pg(e, "applying the schema's default privileges"))?;
    }
    tx.batch_execute(&format!("DROP SCHEMA {}", pg(staging))).map_err(|e| error_from_pg(e, doing))?;
    Ok(false)
}

/// How many objects are moved by one message.
const AT_ONCE: usize = 200;

/// The GRANTs that `ALTER DEFAULT PRIVILEGES … IN SCHEMA` would have given, had everything been made in the final schema.
/// Source: <https://www.postgresql.org/docs/current/catalog-pg-default-acl.html>.
fn default_privileges(tx: &mut Transaction<'_>, plan: &Plan) -> Result<Vec<String>> {
    let rows = tx
        .query(
            "SELECT d.defaclobjtype::text, a.privilege_type, a.is_grantable, \
             CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END \
             FROM pg_default_acl d JOIN pg_namespace n ON n.oid = d.defaclnamespace, aclexplode(d.defaclacl) a \
             WHERE n.nspname = $1 AND pg_get_userbyid(d.defaclrole) = current_user AND d.defaclobjtype IN ('r', 'S', 'f')",
            &[&plan.schema],
        )
        .map_err(|e| error_from_pg(e, "reading the schema's default privileges"))?;
    let mut grants = Vec::new();
    for row in rows {
        let (kind, privilege, grantable, grantee): (String, String, bool, String) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        let option = if grantable { " WITH GRANT OPTION" } else { "" };
        let objects = of_kind(plan, &kind);
        grants.extend(objects.iter().map(|o| format!("GRANT {privilege} ON {o} TO {grantee}{option}")));
    }
    Ok(grants)
}

/// The published objects of one kind of default privileges, as GRANT names them.
fn of_kind(plan: &Plan, kind: &str) -> Vec<String> {
    let named = |what: &str, name: &String| format!("{what} {}", pg_in(&plan.schema, name));
    let tables = plan.tables.iter();
    match kind {
        "r" => {
            let views = plan.views.iter().map(|v| &v.target);
            tables.map(|t| &t.target).chain(views).map(|name| named("TABLE", name)).collect()
        }
        "S" => {
            let of_table = |t: &'_ TablePlan| {
                let of_columns = t.columns.iter().filter_map(|c| c.identity.as_ref()).map(|i| i.sequence.clone());
                of_columns.chain(t.extra.iter().filter_map(|e| e.sequence.clone())).collect::<Vec<_>>()
            };
            tables.flat_map(of_table).map(|name| named("SEQUENCE", &name)).collect()
        }
        _ => plan.triggers.iter().map(|t| format!("{}()", named("FUNCTION", &t.function))).collect(),
    }
}

/// Makes the staging schema.
///
/// # Errors
/// The role may not create schemas.
pub fn make_staging(tx: &mut impl GenericClient, staging: &str, source: &str) -> Result<()> {
    let comment = format!("lite2pg builds {source} here; published when it is proven, dropped by lite2pg rollback");
    tx.batch_execute(&format!(
        "CREATE SCHEMA {}; COMMENT ON SCHEMA {} IS {}",
        pg(staging),
        pg(staging),
        literal(&comment)
    ))
    .map_err(|e| error_from_pg(e, "making the staging schema"))
}
