//! How an application connects to what was migrated: psql, SQLAlchemy, Django, Rails, Node.
//! Owns these forms; never includes a password.

use super::text::shell;
use lite2pg_engine::target::Conninfo;

/// Where a database is, as an application must know it.
pub struct Address {
    /// Host name, or the directory of a socket.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Role.
    pub user: String,
    /// Database.
    pub dbname: String,
    /// The schema to be found first, where it is not `public`.
    pub schema: Option<String>,
    /// `sslmode` and what else must be said.
    pub more: Vec<(String, String)>,
}

/// Percent-encoding of RFC 3986: everything but unreserved characters.
fn encode(text: &str) -> String {
    let mut out = String::new();
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

/// A string of Python, Ruby or JavaScript.
fn quoted(text: &str) -> String {
    format!("'{}'", super::text::clean(&text.replace('\\', "\\\\").replace('\'', "\\'")))
}

impl Address {
    /// Of a server that was given as target: its first host.
    pub fn of(conninfo: &Conninfo, schema: &str) -> Option<Address> {
        let host = conninfo.hosts().first()?;
        let more = ["sslmode", "sslrootcert", "sslcert", "sslkey"].iter().filter_map(|key| {
            use lite2pg_engine::target::Origin;
            let (value, origin) = conninfo.setting(key)?;
            let said = !matches!(origin, Origin::Default | Origin::Program) && !value.is_empty();
            said.then(|| ((*key).to_owned(), value.to_owned()))
        });
        Some(Address {
            host: host.name.clone(),
            port: host.port,
            user: conninfo.user().to_owned(),
            dbname: conninfo.dbname().to_owned(),
            schema: (schema != "public").then(|| schema.to_owned()),
            more: more.collect(),
        })
    }

    fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }

    fn search_path(&self) -> Option<String> {
        let schema = self.schema.as_ref()?;
        Some(format!("-csearch_path={}", lite2pg_model::ident::pg(schema).replace('\\', "\\\\").replace(' ', "\\ ")))
    }

    /// A URI that libpq and its relatives read.
    pub fn uri(&self, scheme: &str) -> String {
        let mut query: Vec<(String, String)> = Vec::new();
        let place = if self.is_socket() {
            query.push(("host".into(), self.host.clone()));
            query.push(("port".into(), self.port.to_string()));
            String::new()
        } else if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else if self.port == 5432 {
            encode(&self.host)
        } else {
            format!("{}:{}", encode(&self.host), self.port)
        };
        query.extend(self.more.clone());
        query.extend(self.search_path().map(|s| ("options".to_owned(), s)));
        with_query(&format!("{scheme}://{}@{place}/{}", encode(&self.user), encode(&self.dbname)), &query)
    }

    /// Ruby's URI refuses a user without a host, so a socket goes into the query whole.
    fn rails(&self) -> String {
        let mut query: Vec<(String, String)> = Vec::new();
        if self.is_socket() {
            query.push(("host".into(), self.host.clone()));
            query.push(("port".into(), self.port.to_string()));
            query.push(("username".into(), self.user.clone()));
        }
        query.extend(self.more.clone());
        query.extend(self.schema.clone().map(|s| ("schema_search_path".to_owned(), s)));
        let base = match self.is_socket() {
            true => format!("postgresql:///{}", encode(&self.dbname)),
            false => format!(
                "postgresql://{}@{}:{}/{}",
                encode(&self.user),
                self.host_in_uri(),
                self.port,
                encode(&self.dbname)
            ),
        };
        with_query(&base, &query)
    }

    fn host_in_uri(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { encode(&self.host) }
    }

    fn django(&self) -> String {
        let mut parts = vec![
            "'ENGINE': 'django.db.backends.postgresql'".to_owned(),
            format!("'NAME': {}", quoted(&self.dbname)),
            format!("'USER': {}", quoted(&self.user)),
            format!("'HOST': {}", quoted(&self.host)),
            format!("'PORT': {}", self.port),
        ];
        let mut options: Vec<String> = self.more.iter().map(|(k, v)| format!("{}: {}", quoted(k), quoted(v))).collect();
        options.extend(self.search_path().map(|s| format!("'options': {}", quoted(&s))));
        if !options.is_empty() {
            parts.push(format!("'OPTIONS': {{{}}}", options.join(", ")));
        }
        format!("DATABASES = {{'default': {{{}}}}}", parts.join(", "))
    }

    /// Name and form, one line each.
    pub fn forms(&self) -> Vec<(&'static str, String)> {
        vec![
            ("psql", format!("psql {}", shell(&self.uri("postgresql")))),
            ("SQLAlchemy", format!("create_engine({})", quoted(&self.uri("postgresql+psycopg")))),
            ("Django", self.django()),
            ("Rails", format!("DATABASE_URL={}", shell(&self.rails()))),
            ("Node", format!("new pg.Client({})", quoted(&self.uri("postgresql")))),
        ]
    }
}

fn with_query(base: &str, query: &[(String, String)]) -> String {
    let pairs: Vec<String> = query.iter().map(|(k, v)| format!("{k}={}", encode(v).replace("%2F", "/"))).collect();
    if pairs.is_empty() { base.to_owned() } else { format!("{base}?{}", pairs.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(host: &str, schema: Option<&str>) -> Address {
        let schema = schema.map(str::to_owned);
        Address { host: host.into(), port: 5433, user: "o'neil".into(), dbname: "my db".into(), schema, more: vec![] }
    }

    #[test]
    fn our_own_parser_reads_the_uri_back() {
        let around = lite2pg_engine::target::Surroundings::default();
        for (host, schema) in [("db.example", None), ("/tmp/a b", Some("x y")), ("::1", None)] {
            let a = address(host, schema);
            let back = Conninfo::parse(&a.uri("postgresql"), &around).unwrap();
            assert_eq!((back.user(), back.dbname()), ("o'neil", "my db"));
            assert_eq!((back.hosts()[0].name.as_str(), back.hosts()[0].port), (host, 5433));
        }
    }

    #[test]
    fn a_socket_has_no_user_before_an_empty_host_in_ruby() {
        assert_eq!(address("/tmp/s", None).rails(), "postgresql:///my%20db?host=/tmp/s&port=5433&username=o%27neil");
        assert!(address("h", Some("app")).rails().ends_with("?schema_search_path=app"));
    }
}
