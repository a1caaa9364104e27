//! All settings of a connection, resolved: text before service file before environment before defaults.
//! Owns the order of precedence and where each value came from; never shows a password.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::hosts::{self, Host};
use super::keyword::{self, KEYWORDS, Use};
use super::options::{Options, given};
use super::pgpass::{self, PassFile};
use super::{Secret, Surroundings, client, keyvalue, service, uri};
use crate::{Error, Result};

/// Where a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The URI or key/value string.
    Text,
    /// A section of this service file.
    Service(PathBuf),
    /// This environment variable.
    Environment(&'static str),
    /// The program itself.
    Program,
    /// The rules of libpq.
    Default,
}

/// A value and where it came from.
#[derive(Clone)]
pub struct Setting {
    pub(crate) value: String,
    /// Where it came from.
    pub origin: Origin,
}

pub(crate) type Values = BTreeMap<&'static str, Setting>;

/// How to reach a database: every setting resolved. `Debug` and `Display` never show a password.
#[derive(Clone)]
pub struct Conninfo {
    pub(crate) values: Values,
    pub(crate) hosts: Vec<Host>,
    pub(crate) options: Options,
    pub(crate) home: Option<PathBuf>,
    pub(crate) system_roots: Option<PathBuf>,
    /// What to tell a person who has no password: where it was looked for.
    pub(crate) looked_for_password: String,
    warnings: Vec<String>,
}

impl Conninfo {
    /// Reads a URI or a key/value string; an empty text means the environment alone. May read the service file and the
    /// password file. Malformed text and unsupported settings are usage errors that never repeat a password.
    pub fn parse(text: &str, around: &Surroundings) -> Result<Conninfo> {
        let pairs = match uri::after_scheme(text.trim()) {
            Some(rest) => uri::parse(rest)?,
            None => keyvalue::parse(text)?,
        };
        let mut values = Values::new();
        for (key, value) in pairs {
            values.insert(key, Setting { value, origin: Origin::Text });
        }
        add_service(&mut values, around)?;
        for keyword in KEYWORDS {
            if let Some((name, value)) = keyword.env.and_then(|name| Some((name, around.env.get(name)?))) {
                let setting = || Setting { value: value.clone(), origin: Origin::Environment(name) };
                values.entry(keyword.name).or_insert_with(setting);
            }
        }
        let system_roots = around.env.get("SSL_CERT_FILE").map(PathBuf::from);
        Self::resolve(values, around.home.clone(), around.user.as_deref(), system_roots)
    }

    /// For a server of our own: a host name or a socket directory, without TLS, passwords or the environment.
    pub fn from_parts(host_or_socket_dir: &str, port: u16, user: &str, dbname: &str) -> Result<Conninfo> {
        let port = port.to_string();
        let parts = [("host", host_or_socket_dir), ("port", &port), ("user", user), ("dbname", dbname)];
        let set =
            |(key, value): (&'static str, &str)| (key, Setting { value: value.to_owned(), origin: Origin::Program });
        let mut values: Values = parts.into_iter().map(set).collect();
        values.extend([set(("sslmode", "disable"))]);
        Self::resolve(values, None, None, None)
    }

    fn resolve(
        mut values: Values,
        home: Option<PathBuf>,
        os_user: Option<&str>,
        system_roots: Option<PathBuf>,
    ) -> Result<Conninfo> {
        refuse_unsupported(&values)?;
        let default = |value: &str| Setting { value: value.to_owned(), origin: Origin::Default };
        if given(&values, "user").is_none() {
            let user = os_user
                .ok_or_else(|| Error::usage("no user name is given").hint("add user=… to the target or set PGUSER"))?;
            values.insert("user", default(user));
        }
        if given(&values, "dbname").is_none() {
            let user = default(given(&values, "user").unwrap_or_default());
            values.insert("dbname", user);
        }
        let (hosts, options) = (hosts::resolve(&values)?, Options::read(&values)?);
        let mut info = Conninfo {
            values,
            hosts,
            options,
            home,
            system_roots,
            looked_for_password: String::new(),
            warnings: Vec::new(),
        };
        info.find_passwords();
        Ok(info)
    }

    /// Gives each host its password: the one that is set, else the one its password file has.
    fn find_passwords(&mut self) {
        self.warnings.clear();
        if let Some(password) = given(&self.values, "password") {
            let from = match &self.values["password"].origin {
                Origin::Environment(name) => format!("from {name}"),
                Origin::Service(file) => format!("from {}", file.display()),
                Origin::Text => "from the target's text".to_owned(),
                Origin::Program | Origin::Default => "set by the program".to_owned(),
            };
            self.looked_for_password = format!("the password came {from}");
            let password = Secret(password.to_owned());
            self.hosts.iter_mut().for_each(|host| host.password = Some(password.clone()));
            return;
        }
        let file = given(&self.values, "passfile").map(PathBuf::from);
        let Some(file) = file.or_else(|| self.home.as_ref().map(|home| home.join(".pgpass"))) else {
            self.looked_for_password = "PGPASSWORD is not set and there is no home directory for .pgpass".to_owned();
            return;
        };
        let place = file.display();
        match pgpass::read(&file) {
            PassFile::Absent => {
                self.looked_for_password = format!("PGPASSWORD is not set and {place} does not exist");
            }
            PassFile::Unusable(why) => {
                self.looked_for_password = format!("PGPASSWORD is not set and {why}");
                self.warnings.push(why);
            }
            PassFile::Text(text) => {
                let (user, dbname) = (self.user().to_owned(), self.dbname().to_owned());
                for host in &mut self.hosts {
                    host.password = pgpass::find(&text, &host.names_for_passwords(), host.port, &dbname, &user);
                }
                let found = self.hosts.iter().any(|h| h.password.is_some());
                self.looked_for_password = match found {
                    true => format!("the password came from {place}"),
                    false => format!("PGPASSWORD is not set and no line of {place} matches"),
                };
            }
        }
    }

    /// Whether a text on the command line means a target: a URI, or `keyword=value` with nothing of a path before `=`.
    pub fn looks_like_target(text: &str) -> bool {
        let text = text.trim_start();
        let key = text.split_once('=').map(|(key, _)| key.trim_end());
        let is_word = |key: &str| !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        uri::after_scheme(text).is_some() || key.is_some_and(|key| is_word(key) || keyword::find(key).is_some())
    }

    /// Whether the password stood in the text itself, where other users of the machine may see it.
    pub fn password_was_in_text(&self) -> bool {
        let in_text =
            |key| self.values.get(key).is_some_and(|s: &Setting| s.origin == Origin::Text && !s.value.is_empty());
        in_text("password") || in_text("sslpassword")
    }

    /// What a person should know, for instance a password file that is ignored because others may read it.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The database.
    pub fn dbname(&self) -> &str {
        given(&self.values, "dbname").unwrap_or_default()
    }

    /// The role to connect as.
    pub fn user(&self) -> &str {
        given(&self.values, "user").unwrap_or_default()
    }

    /// The servers, in the order they are tried.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// A setting and where it came from; never that of a password.
    pub fn setting(&self, keyword: &str) -> Option<(&str, &Origin)> {
        let setting = self.values.get(keyword).filter(|_| !keyword.contains("password"))?;
        Some((&setting.value, &setting.origin))
    }

    /// The same with another password.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Conninfo {
        self.values.insert("password", Setting { value: password.to_owned(), origin: Origin::Program });
        self.find_passwords();
        self
    }

    /// The same server and role with another database, for instance to create the one that is wanted.
    #[must_use]
    pub fn with_dbname(mut self, dbname: &str) -> Conninfo {
        self.values.insert("dbname", Setting { value: dbname.to_owned(), origin: Origin::Program });
        self.find_passwords();
        self
    }

    /// Opens a connection: tries the hosts in order, as libpq does. `application_name` is used where the settings name
    /// none. Waits at most `connect_timeout` (10 s unless set) for each address. Errors are about the target (exit 4),
    /// or about a file of certificates that cannot be used (exit 2), each with what to do.
    pub fn connect(&self, application_name: &str) -> Result<postgres::Client> {
        client::connect(self, application_name)
    }

    /// Asks the server to cancel what another thread's connection is doing; `token` comes from that connection. Waits at
    /// most `connect_timeout`. That it arrived does not mean that there was still something to cancel.
    pub fn cancel(&self, token: postgres::CancelToken) -> Result<()> {
        client::cancel(self, token)
    }

    /// The file of `keyword`, or the default one in `~/.postgresql`.
    pub(crate) fn file(&self, keyword: &str, default: &str) -> Option<PathBuf> {
        let in_home = |home: &Path| home.join(".postgresql").join(default);
        given(&self.values, keyword).map(PathBuf::from).or_else(|| self.home.as_deref().map(in_home))
    }
}

impl fmt::Debug for Conninfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (key, setting) in &self.values {
            let shown = self.setting(key).map_or("(hidden)", |(value, _)| value);
            map.entry(key, &(shown, &setting.origin));
        }
        map.finish()
    }
}

impl fmt::Display for Conninfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display())
    }
}

fn add_service(values: &mut Values, around: &Surroundings) -> Result<()> {
    let env = |name: &str| around.env.get(name).map(String::as_str);
    let name = values.get("service").map(|s| s.value.as_str()).or(env("PGSERVICE")).filter(|v| !v.is_empty());
    let Some(name) = name.map(str::to_owned) else { return Ok(()) };
    let file = given(values, "servicefile").or(env("PGSERVICEFILE")).filter(|v| !v.is_empty());
    let (file, pairs) = service::read(&name, file, around.home.as_deref(), env("PGSYSCONFDIR"))?;
    for (key, value) in pairs {
        values.entry(key).or_insert_with(|| Setting { value, origin: Origin::Service(file.clone()) });
    }
    Ok(())
}

fn refuse_unsupported(values: &Values) -> Result<()> {
    for keyword in KEYWORDS {
        if let (Use::Refused(instead), Some(_)) = (keyword.done, given(values, keyword.name)) {
            let given_by = match &values[keyword.name].origin {
                Origin::Environment(name) => format!("{} (from {name})", keyword.name),
                Origin::Service(file) => format!("{} (from {})", keyword.name, file.display()),
                _ => keyword.name.to_owned(),
            };
            return Err(Error::usage(format!("{given_by} is not supported")).hint(instead));
        }
    }
    Ok(())
}
