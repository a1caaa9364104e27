//! A database of its own for one rehearsal, on the server of a target.
//! Owns databases called `lite2pg_rehearsal_…`; never drops one that lives, was kept, or is another role's.

use super::place::is_dead;
use crate::error::{Error, Kind, Result};
use crate::run::clock;
use crate::run::pool::Cancel;
use crate::run::session::Session;
use crate::run::settings::{Settings, TargetSpec};
use crate::target::{Conninfo, error_from_pg};
use lite2pg_model::ident::{literal, pg};
use postgres::Client;

/// How their names begin.
const PREFIX: &str = "lite2pg_rehearsal_";
/// What is said of one that may be removed once nobody is connected to it.
const COMMENT: &str = "lite2pg rehearses here; removed when it ends";

/// The database, and a session in it that shows that it is in use.
pub struct Scratch {
    name: String,
    home: TargetSpec,
    application: String,
    /// Ends with the process.
    holder: Option<Client>,
    swept: Vec<String>,
    gone: bool,
}

impl Scratch {
    /// Makes one like the target's own database (its encoding and order of text), after dropping those of killed rehearsals.
    ///
    /// # Errors
    /// The role may not create databases; the hint is the statement that lets it.
    pub fn make(conninfo: &Conninfo, settings: &Settings, id: &str, cancel: &Cancel) -> Result<Scratch> {
        let doing = "making the database of the rehearsal";
        let failed = |e| error_from_pg(e, doing);
        let application = clock::application(&settings.operator);
        let home = TargetSpec::Server(conninfo.clone());
        let mut client = Session::open(&home, &application)?.connect()?;
        let row = client
            .query_one(
                "SELECT r.rolcreatedb OR r.rolsuper, current_user::text, to_jsonb(d) FROM pg_roles r, pg_database d \
                 WHERE r.rolname = current_user AND d.datname = current_database()",
                &[],
            )
            .map_err(failed)?;
        let (may, role): (bool, String) = (row.get(0), row.get(1));
        if !may {
            return Err(Error::target(format!(
                "role {role} may not create databases, and a rehearsal needs one of its own"
            ))
            .about(conninfo.display())
            .hint(format!(
                "ALTER ROLE {} CREATEDB; or leave out TARGET to rehearse in a PostgreSQL of lite2pg's own",
                pg(&role)
            )));
        }
        let swept = sweep(&mut client)?;
        cancel.check()?;
        let name = format!("{PREFIX}{id}");
        let options = like(&row.get::<_, serde_json::Value>(2));
        // From here on it is removed whatever happens.
        let mut scratch = Scratch { name, home, application, holder: None, swept, gone: false };
        client.batch_execute(&format!("CREATE DATABASE {}{options}", pg(&scratch.name))).map_err(failed)?;
        let there = TargetSpec::Server(conninfo.clone().with_dbname(&scratch.name));
        let mut holder = Session::open(&there, &scratch.application)?.connect()?;
        // After the session is there: one that sweeps finds the comment only beside it.
        scratch.comment(&mut holder, COMMENT)?;
        scratch.holder = Some(holder);
        Ok(scratch)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Databases of killed rehearsals that were dropped.
    pub fn swept(&self) -> &[String] {
        &self.swept
    }

    fn comment(&self, client: &mut Client, text: &str) -> Result<()> {
        client
            .batch_execute(&format!("COMMENT ON DATABASE {} IS {}", pg(&self.name), literal(text)))
            .map_err(|e| error_from_pg(e, "saying what the database of the rehearsal is"))
    }

    /// Leaves it: no rehearsal drops it any more.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub fn keep(mut self) -> Result<()> {
        self.gone = true;
        let mut client = self.connect()?;
        self.comment(&mut client, "kept from a rehearsal of lite2pg; drop it when it is not needed any more")
    }

    /// Drops it.
    ///
    /// # Errors
    /// The server cannot be reached, or refuses.
    pub fn remove(mut self) -> Result<()> {
        self.clear()
    }

    fn connect(&self) -> Result<Client> {
        Session::open(&self.home, &self.application)?.connect()
    }

    fn clear(&mut self) -> Result<()> {
        self.gone = true;
        self.holder = None;
        drop_database(&mut self.connect()?, &self.name, true).map_err(|e| {
            e.hint(format!("the next rehearsal tries again; or DROP DATABASE {} WITH (FORCE)", pg(&self.name)))
        })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.gone {
            // An error is on its way already; what stays is dropped by the next rehearsal.
            let _ = self.clear();
        }
    }
}

/// `force` ends the sessions of whoever is connected to it; else they stop it.
fn drop_database(client: &mut Client, name: &str, force: bool) -> Result<()> {
    let force = if force { " WITH (FORCE)" } else { "" };
    client
        .batch_execute(&format!("DROP DATABASE IF EXISTS {}{force}", pg(name)))
        .map_err(|e| error_from_pg(e, "dropping the database of a rehearsal"))
}

/// Drops what killed rehearsals left: databases of ours, by name and owner, whose process is known to be gone, or which say
/// that they are thrown away and to which nobody is connected.
fn sweep(client: &mut Client) -> Result<Vec<String>> {
    let rows = client
        .query(
            "SELECT d.datname::text, coalesce(shobj_description(d.oid, 'pg_database'), ''), \
             EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datid = d.oid) \
             FROM pg_database d WHERE starts_with(d.datname, $1) AND pg_get_userbyid(d.datdba) = current_user ORDER BY 1",
            &[&PREFIX],
        )
        .map_err(|e| error_from_pg(e, "looking for what killed rehearsals left"))?;
    let mut swept = Vec::new();
    for row in rows {
        let (name, comment, used): (String, String, bool) = (row.get(0), row.get(1), row.get(2));
        let thrown_away = comment == COMMENT || comment.is_empty();
        let dead = name.strip_prefix(PREFIX).is_some_and(is_dead);
        if !(thrown_away && dead || comment == COMMENT && !used) {
            continue;
        }
        // Only where its process is known to be gone can no session in it be of use to anybody.
        match drop_database(client, &name, thrown_away && dead) {
            Ok(()) => swept.push(format!("database {name}")),
            // Somebody has just connected to it, or dropped it: the next rehearsal looks again.
            Err(e) if e.kind == Kind::Target && !client.is_closed() => {}
            Err(e) => return Err(e),
        }
    }
    Ok(swept)
}

/// The options that make a database order text as another one does: its row of `pg_database`, whose columns hang on the
/// version. Source: <https://www.postgresql.org/docs/current/catalog-pg-database.html>.
fn like(row: &serde_json::Value) -> String {
    let text = |key: &str| row.get(key).and_then(serde_json::Value::as_str);
    let mut out = " TEMPLATE template0 ENCODING 'UTF8'".to_owned();
    let mut add = |word: &str, value: Option<&str>| {
        if let Some(value) = value {
            out.push_str(&format!(" {word} {}", literal(value)));
        }
    };
    add("LC_COLLATE", text("datcollate"));
    add("LC_CTYPE", text("datctype"));
    match text("datlocprovider") {
        Some("i") => {
            add("LOCALE_PROVIDER", Some("icu"));
            add("ICU_LOCALE", text("datlocale").or_else(|| text("daticulocale")));
            add("ICU_RULES", text("daticurules"));
        }
        Some("b") => {
            add("LOCALE_PROVIDER", Some("builtin"));
            add("BUILTIN_LOCALE", text("datlocale"));
        }
        _ => {}
    }
    out
}
