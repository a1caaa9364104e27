//! A server with TLS and users of every kind, two home directories, and psql beside us.
//! Owns how a case is run on both; never decides what is right.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use lite2pg_engine::target::{Conninfo, Surroundings};
use lite2pg_testkit::cluster::Cluster;

use crate::certificates::{Authority, Signed};

/// What the server says about a connection; the same on both sides.
const WHO: &str = "SELECT concat_ws('|', current_user, current_database(), coalesce(host(inet_server_addr()), 'socket'), \
    inet_server_port(), current_setting('application_name'), current_setting('search_path'), s.ssl, s.version, \
    s.client_dn) FROM pg_stat_ssl s WHERE pid = pg_backend_pid()";

const HBA: [&str; 13] = [
    "local all postgres,trusted trust",
    "local all scram scram-sha-256",
    "hostssl all scram 127.0.0.1/32 scram-sha-256",
    "host all scramboth 127.0.0.1/32 scram-sha-256",
    "host all md5 127.0.0.1/32 md5",
    "host all clear 127.0.0.1/32 password",
    "hostssl all certuser 127.0.0.1/32 cert",
    "hostnossl all plain 127.0.0.1/32 trust",
    "hostssl all onlytls 127.0.0.1/32 trust",
    "host all trusted 127.0.0.1/32 trust",
    "host all norole 127.0.0.1/32 trust",
    "host all limited 127.0.0.1/32 trust",
    "host all postgres 127.0.0.1/32 trust",
];

const ROLES: &str = "CREATE ROLE trusted LOGIN; CREATE ROLE plain LOGIN; CREATE ROLE onlytls LOGIN;
    CREATE ROLE certuser LOGIN; CREATE ROLE limited LOGIN CONNECTION LIMIT 0;
    CREATE ROLE scram LOGIN PASSWORD 'hush@/:'; CREATE ROLE scramboth LOGIN PASSWORD 'hush';
    CREATE ROLE clear LOGIN PASSWORD 'hush';
    SET password_encryption = 'md5'; CREATE ROLE md5 LOGIN PASSWORD 'hush it''s'";

/// One connection to try.
#[derive(Debug)]
pub struct Case {
    text: String,
    env: Vec<String>,
    with_files: bool,
    pub malformed: bool,
}

pub fn case(text: &str, env: &[&str]) -> Case {
    let env = env.iter().map(|e| (*e).to_owned()).collect();
    Case { text: text.to_owned(), env, with_files: false, malformed: false }
}

impl Case {
    /// In the home directory that has `.postgresql` with a root file and a client certificate.
    pub fn at_home(mut self) -> Case {
        self.with_files = true;
        self
    }

    /// It must be a usage error.
    pub fn malformed(mut self) -> Case {
        self.malformed = true;
        self
    }
}

/// The server and the files.
pub struct Place {
    pub cluster: Cluster,
    home: PathBuf,
}

impl Place {
    pub fn new() -> Place {
        let ours = Authority::new("Test authority");
        let server = ours.sign("localhost", &["localhost", "127.0.0.1", "*.wild.test"]);
        Place::with(&ours, &server)
    }

    /// A server with this certificate, which is also in `{home}/server.crt`.
    pub fn with_server(server: &Signed) -> Place {
        Place::with(&Authority::new("Test authority"), server)
    }

    fn with(ours: &Authority, server: &Signed) -> Place {
        let config = ["ssl=on", "ssl_ca_file='ca.crt'", "ssl_cert_file='s.crt'", "ssl_key_file='s.key'"];
        let files =
            [("ca.crt", ours.pem.as_bytes()), ("s.crt", server.pem.as_bytes()), ("s.key", server.key.as_bytes())];
        let cluster = Cluster::start_with(&config, &HBA, &files);
        cluster.sql(ROLES);
        for sql in ["CREATE DATABASE \"a b/c\"", "CREATE DATABASE trusted", "CREATE DATABASE closed"] {
            cluster.sql(sql);
        }
        cluster.sql("REVOKE CONNECT ON DATABASE closed FROM PUBLIC");
        let home = cluster.dir.join("home");
        let place = Place { cluster, home };
        place.write_files(ours, &Authority::new("Another authority"));
        fs::write(place.home.join("server.crt"), &server.pem).unwrap();
        place
    }

    fn write_files(&self, ours: &Authority, other: &Authority) {
        let dotted = self.home.join("with/.postgresql");
        for dir in [&self.home, &self.home.join("sys"), &dotted] {
            fs::create_dir_all(dir).unwrap();
        }
        let (user, stranger) = (ours.sign("certuser", &[]), other.sign("certuser", &[]));
        let sec1 = openssl_sec1(&user.key);
        let pass = "# a comment\nlocalhost:{port}:postgres:scr\\am:hush@/\\:\n";
        let (one, services) = (
            "[one]\nhost=127.0.0.1\nuser=trusted\ndbname=postgres\napplication_name=service\n",
            "host=127.0.0.1\nuser=trusted\ndbname=postgres\n",
        );
        let in_dir = |name: &str| dotted.join(name);
        let files = [
            (self.home.join(".pgpass"), 0o600, pass.to_owned()),
            (self.home.join("open-to-all"), 0o644, pass.to_owned()),
            (self.home.join("good"), 0o600, "*:*:*:scram:hush@/\\:".to_owned()),
            (self.home.join(".pg_service.conf"), 0o644, one.to_owned()),
            (self.home.join("services"), 0o644, format!("[other]\n{services}")),
            (self.home.join("sys/pg_service.conf"), 0o644, format!("[other]\n{services}application_name=sys\n")),
            (self.home.join("ca.crt"), 0o644, ours.pem.clone()),
            (self.home.join("other.crt"), 0o644, other.pem.clone()),
            (self.home.join("empty.crl"), 0o644, ours.revoke(&[1])),
            (self.home.join("server.crl"), 0o644, ours.revoke(&[7])),
            (self.home.join("user.crt"), 0o644, user.pem.clone()),
            (self.home.join("user.key"), 0o600, user.key.clone()),
            (self.home.join("user-sec1.key"), 0o600, sec1),
            (self.home.join("open.key"), 0o644, user.key.clone()),
            (self.home.join("stranger.crt"), 0o644, stranger.pem),
            (self.home.join("stranger.key"), 0o600, stranger.key),
            (in_dir("root.crt"), 0o644, ours.pem.clone()),
            (in_dir("postgresql.crt"), 0o644, user.pem),
            (in_dir("postgresql.key"), 0o600, user.key),
        ];
        for (path, mode, text) in files {
            fs::write(&path, self.fill(&text)).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
    }

    /// Puts the port and the directories into a text.
    pub fn fill(&self, text: &str) -> String {
        let dir = self.cluster.socket_dir.display().to_string();
        text.replace("{port}", &self.cluster.port.to_string())
            .replace("{dir%}", &dir.replace('/', "%2F"))
            .replace("{dir}", &dir)
            .replace("{home}", &self.home.display().to_string())
    }

    fn home(&self, case: &Case) -> PathBuf {
        if case.with_files { self.home.join("with") } else { self.home.clone() }
    }

    fn env(&self, case: &Case) -> Vec<(String, String)> {
        let split = |e: &String| e.split_once('=').map(|(k, v)| (k.to_owned(), self.fill(v))).unwrap();
        case.env.iter().map(split).collect()
    }

    /// What psql gets.
    pub fn psql(&self, case: &Case) -> Result<String, String> {
        let mut psql = Command::new(Cluster::program("psql"));
        psql.args(["-XAtw", "-c", WHO, "-d", &self.fill(&case.text)]).env_clear();
        psql.env("HOME", self.home(case)).env("PGCONNECT_TIMEOUT", "5").envs(self.env(case));
        let out = psql.output().expect("psql is needed: apt-get install postgresql-client");
        if !out.status.success() {
            return Err(String::from_utf8_lossy(&out.stderr).into_owned());
        }
        Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned())
    }

    /// Our settings for the case.
    pub fn conninfo(&self, case: &Case) -> lite2pg_engine::Result<Conninfo> {
        let id = Command::new("id").arg("-un").output().unwrap();
        let around = Surroundings {
            env: self.env(case).into_iter().collect(),
            home: Some(self.home(case)),
            user: Some(String::from_utf8(id.stdout).unwrap().trim().to_owned()),
        };
        Conninfo::parse(&self.fill(&case.text), &around)
    }

    /// What we get.
    pub fn ours(&self, case: &Case) -> lite2pg_engine::Result<String> {
        let mut client = self.conninfo(case)?.connect("psql")?;
        Ok(client.query_one(WHO, &[]).unwrap().get(0))
    }
}

/// The key in the form of SEC1 ("BEGIN EC PRIVATE KEY"), which rcgen does not write.
fn openssl_sec1(pkcs8: &str) -> String {
    use std::io::Write;
    let mut openssl = Command::new("openssl")
        .args(["ec"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("openssl is needed: apt-get install openssl");
    openssl.stdin.take().unwrap().write_all(pkcs8.as_bytes()).unwrap();
    let out = openssl.wait_with_output().unwrap();
    let pem = String::from_utf8(out.stdout).unwrap();
    assert!(pem.contains("BEGIN EC PRIVATE KEY"), "{pem}");
    pem
}
