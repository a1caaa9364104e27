//! Connections against a real server, with psql as the oracle: what it reaches we reach, and what it refuses we refuse.
//! Owns the cases; the server comes from the test kit.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod certificates;
mod place;

use lite2pg_engine::Kind;
use lite2pg_engine::target::Conninfo;
use place::{Case, Place, case};

/// Every line: conninfo, environment, home ("" or the one with `.postgresql`).
fn cases() -> Vec<Case> {
    vec![
        // Places and forms.
        case("postgresql://trusted@localhost:{port}/postgres", &[]),
        case("postgres://trusted@127.0.0.1:{port}/a%20b%2Fc", &[]),
        case("postgresql://trusted@/postgres?host={dir}&port={port}", &[]),
        case("postgresql://trusted@{dir%}:{port}/postgres", &[]),
        case("host={dir} port={port} user=trusted dbname='a b/c'", &[]),
        case("host = {dir}  port={port} user='tru\\sted'dbname=postgres application_name='o\\'x'", &[]),
        case("host=127.0.0.1 port={port} user=trusted", &[]),
        case("hostaddr=127.0.0.1 port={port} user=trusted dbname=postgres", &[]),
        case("host=no.such.host.invalid hostaddr=127.0.0.1 port={port} user=trusted dbname=postgres", &[]),
        case("host=no.such.host.invalid,127.0.0.1 port=1,{port} user=trusted dbname=postgres", &[]),
        case("postgresql://trusted@127.0.0.1:1,127.0.0.1:{port}/postgres?application_name=x", &[]),
        case("postgresql://trusted@127.0.0.1:1,127.0.0.1/postgres?port={port}", &[]),
        case("host=127.0.0.1,127.0.0.1 port=1,2,{port} user=trusted dbname=postgres", &[]),
        case("host=@l2pg-nothing port={port} user=trusted dbname=postgres", &[]),
        case("postgresql://[::1]:{port}/postgres?user=trusted", &[]),
        case("postgresql://trusted@localhost:{port}/postgres?options=-c%20search_path%3Dpg_catalog", &[]),
        case("host=127.0.0.1 port={port} user=trusted dbname=postgres connect_timeout=3 keepalives_idle=9", &[]),
        case("postgresql://trusted@127.0.0.1:{port}/postgres?target_session_attrs=read-write", &[]),
        case("postgresql://trusted@127.0.0.1:{port}/postgres?target_session_attrs=standby", &[]),
        case("postgresql://trusted@127.0.0.1:{port}/postgres?target_session_attrs=prefer-standby", &[]),
        case("postgresql://trusted@127.0.0.1:{port}/nodb", &[]),
        case("postgresql://norole@127.0.0.1:{port}/postgres", &[]),
        // The environment, and what comes before it.
        case("", &["PGHOST=127.0.0.1", "PGPORT={port}", "PGUSER=trusted", "PGDATABASE=postgres", "PGAPPNAME=env"]),
        case("", &["PGHOSTADDR=127.0.0.1", "PGPORT={port}", "PGUSER=trusted", "PGDATABASE=postgres"]),
        case("user=trusted dbname=postgres", &["PGHOST={dir}", "PGPORT={port}", "PGUSER=norole", "PGDATABASE=nodb"]),
        case("host=127.0.0.1 dbname=postgres user=trusted", &["PGPORT={port}", "PGOPTIONS=-c search_path=x"]),
        case("postgresql://trusted@127.0.0.1:{port}/postgres", &["PGTARGETSESSIONATTRS=standby"]),
        case("postgresql://trusted@127.0.0.1:{port}/postgres", &["PGSSLMODE=bogus"]),
        case("service=one", &["PGPORT={port}", "PGUSER=norole", "PGAPPNAME=env"]),
        case("postgresql:///?service=one&application_name=text", &["PGPORT={port}"]),
        case("dbname='a b/c'", &["PGSERVICE=one", "PGPORT={port}"]),
        case("service=none", &["PGPORT={port}"]),
        case("service=other", &["PGPORT={port}", "PGSERVICEFILE={home}/services"]),
        case("service=other", &["PGPORT={port}", "PGSYSCONFDIR={home}/sys"]),
        // Passwords.
        case("postgresql://scram:hush%40%2F%3A@127.0.0.1:{port}/postgres", &[]),
        case("postgresql://scram:wrong@127.0.0.1:{port}/postgres", &[]),
        case("postgresql://scram@127.0.0.1:{port}/postgres", &["PGPASSWORD=hush@/:"]),
        case("postgresql://scram@127.0.0.1:{port}/postgres", &[]),
        case("postgresql://scram@localhost:{port}/postgres", &[]),
        case("postgresql://scram@localhost:{port}/postgres", &["PGPASSFILE={home}/open-to-all"]),
        case("postgresql://scram@127.0.0.1:{port}/postgres", &["PGPASSFILE={home}/good"]),
        case("host=127.0.0.1 port={port} user=md5 dbname=postgres password='hush it\\'s'", &[]),
        case("host=127.0.0.1 port={port} user=clear dbname=postgres password=hush", &[]),
        case("host=127.0.0.1 port={port} user=clear dbname=postgres password=hush channel_binding=require", &[]),
        case("host={dir} port={port} user=scram dbname=postgres", &[]),
        case("postgresql://scram:hush%40%2F%3A@127.0.0.1:{port}/postgres?channel_binding=require", &[]),
        case("postgresql://scram:hush%40%2F%3A@127.0.0.1:{port}/postgres?channel_binding=disable", &[]),
        case("postgresql://scramboth:hush@127.0.0.1:{port}/postgres?channel_binding=require&sslmode=disable", &[]),
        // TLS without a root file.
        case("postgresql://trusted@127.0.0.1:{port}/postgres?sslmode=disable", &[]),
        case("postgresql://trusted@127.0.0.1:{port}/postgres?sslmode=allow", &[]),
        case("postgresql://trusted@127.0.0.1:{port}/postgres?sslmode=prefer", &[]),
        case("postgresql://trusted@127.0.0.1:{port}/postgres?ssl=true", &[]),
        case("postgresql://trusted@127.0.0.1:{port}/postgres?ssl=false", &[]),
        case("postgresql://trusted@127.0.0.1:{port}/postgres?sslmode=verify-ca", &[]),
        case("postgresql://onlytls@127.0.0.1:{port}/postgres?sslmode=disable", &[]),
        case("postgresql://onlytls@127.0.0.1:{port}/postgres?sslmode=allow", &[]),
        case("postgresql://plain@127.0.0.1:{port}/postgres?sslmode=prefer", &[]),
        case("postgresql://plain@127.0.0.1:{port}/postgres?sslmode=require", &[]),
        case("host={dir} port={port} user=trusted dbname=postgres sslmode=require", &[]),
        case("postgresql://trusted@127.0.0.1:{port}/postgres?sslmode=require&ssl_max_protocol_version=TLSv1.2", &[]),
        case("postgresql://trusted@127.0.0.1:{port}/postgres?ssl_min_protocol_version=TLSv1.3&sslmode=require", &[]),
        // TLS with a root file.
        case("postgresql://trusted@127.0.0.1:{port}/postgres?sslmode=verify-ca&sslrootcert={home}/ca.crt", &[]),
        case(
            "postgresql://trusted@localhost:{port}/postgres",
            &["PGSSLMODE=verify-full", "PGSSLROOTCERT={home}/ca.crt"],
        ),
        case("postgresql://trusted@127.0.0.1:{port}/postgres?sslmode=verify-full&sslrootcert={home}/ca.crt", &[]),
        case(
            "postgresql://trusted@a.wild.test/postgres?hostaddr=127.0.0.1&port={port}&sslmode=verify-full&sslrootcert={home}/ca.crt",
            &[],
        ),
        case(
            "postgresql://trusted@b.a.wild.test/postgres?hostaddr=127.0.0.1&port={port}&sslmode=verify-full&sslrootcert={home}/ca.crt",
            &[],
        ),
        case(
            "postgresql://trusted@wrong.test/postgres?hostaddr=127.0.0.1&port={port}&sslmode=verify-full&sslrootcert={home}/ca.crt",
            &[],
        ),
        case(
            "postgresql://trusted@wrong.test/postgres?hostaddr=127.0.0.1&port={port}&sslmode=verify-ca&sslrootcert={home}/ca.crt",
            &[],
        ),
        case(
            "postgresql://trusted@wrong.test/postgres?hostaddr=127.0.0.1&port={port}&sslmode=verify-ca&sslrootcert={home}/other.crt",
            &[],
        ),
        case("postgresql://trusted@127.0.0.1:{port}/postgres?sslmode=require&sslrootcert={home}/other.crt", &[]),
        case("postgresql://trusted@127.0.0.1:{port}/postgres?sslmode=require&sslrootcert={home}/ca.crt", &[]),
        case("postgresql://trusted@127.0.0.1:{port}/postgres?sslmode=prefer&sslrootcert={home}/other.crt", &[]),
        case("postgresql://trusted@127.0.0.1:{port}/postgres?sslmode=require&sslrootcert={home}/none.crt", &[]),
        case("postgresql://trusted@127.0.0.1:{port}/postgres?sslmode=verify-ca&sslrootcert={home}/none.crt", &[]),
        case("postgresql://trusted@localhost:{port}/postgres?sslmode=verify-full", &[]).at_home(),
        case("postgresql://trusted@wrong.test/postgres?hostaddr=127.0.0.1&port={port}&sslmode=require", &[]).at_home(),
        case(
            "postgresql://trusted@127.0.0.1:{port}/postgres?sslmode=verify-ca&sslrootcert={home}/ca.crt&sslcrl={home}/empty.crl",
            &[],
        ),
        case(
            "postgresql://trusted@127.0.0.1:{port}/postgres?sslmode=verify-ca&sslrootcert={home}/ca.crt&sslcrl={home}/server.crl",
            &[],
        ),
        // Client certificates.
        case("postgresql://certuser@localhost:{port}/postgres?sslmode=verify-full", &[]).at_home(),
        case("postgresql://certuser@127.0.0.1:{port}/postgres?sslmode=require", &[]),
        case("postgresql://certuser@127.0.0.1:{port}/postgres?sslcert={home}/user.crt&sslkey={home}/user.key", &[]),
        case(
            "postgresql://certuser@127.0.0.1:{port}/postgres?sslcert={home}/user.crt&sslkey={home}/user-sec1.key",
            &[],
        ),
        case(
            "postgresql://certuser@127.0.0.1:{port}/postgres?sslmode=require&sslcert={home}/user.crt&sslkey={home}/open.key",
            &[],
        ),
        case(
            "postgresql://certuser@127.0.0.1:{port}/postgres?sslmode=require&sslcert={home}/stranger.crt&sslkey={home}/stranger.key",
            &[],
        ),
        case(
            "postgresql://trusted@127.0.0.1:{port}/postgres?sslmode=require&sslcert={home}/user.crt&sslkey={home}/stranger.key",
            &[],
        ),
        // Malformed.
        case("postgresql://trusted@127.0.0.1:{port}/postgres?hsot=1", &[]).malformed(),
        case("postgresql://trusted@127.0.0.1:{port}/postgres?application_name=%4", &[]).malformed(),
        case("postgresql://trusted@127.0.0.1:{port}/postgres?application_name", &[]).malformed(),
        case("postgresql://trusted@127.0.0.1:99999/postgres", &[]).malformed(),
        case("host=127.0.0.1 hsot=1", &[]).malformed(),
        case("host=127.0.0.1 user='trusted", &[]).malformed(),
        case("host=127.0.0.1 user trusted", &[]).malformed(),
        case("host=a hostaddr=b", &[]).malformed(),
        case("host=127.0.0.1 port={port} user=trusted sslmode=sometimes", &[]).malformed(),
        case("host=127.0.0.1 port={port} user=trusted target_session_attrs=best", &[]).malformed(),
        case("host=127.0.0.1 port={port} user=trusted connect_timeout=soon", &[]).malformed(),
    ]
}

#[test]
fn like_psql() {
    let place = Place::new();
    let (mut wrong, mut reached) = (Vec::new(), 0);
    for case in cases() {
        let (psql, ours) = (place.psql(&case), place.ours(&case));
        let secret = format!("{:?} {:?}", ours, place.conninfo(&case));
        assert!(!secret.contains("hush"), "a password is shown: {secret}");
        match (&psql, &ours) {
            (Ok(theirs), Ok(row)) if theirs == row => reached += 1,
            (Err(_), Err(error)) if !case.malformed || error.kind == Kind::Usage => {
                assert!(error.kind == Kind::Usage || error.hint.is_some(), "no hint: {error:?}");
            }
            _ => wrong.push(format!("{case:?}\n  psql {psql:?}\n  ours {ours:?}")),
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(reached > 40, "only {reached} cases were reached");
}

#[test]
fn shown_without_password_and_back() {
    let place = Place::new();
    for case in cases().iter().filter(|c| !c.malformed) {
        let Ok(info) = place.conninfo(case) else { continue };
        let again = Conninfo::parse(&info.display(), &Default::default()).unwrap();
        assert_eq!(again.display(), info.display());
        assert_eq!((again.user(), again.dbname()), (info.user(), info.dbname()));
        assert_eq!(again.host_display(), info.host_display());
    }
}

#[test]
fn shown_as_people_write_it() {
    for (text, shown, hosts) in [
        ("host=::1 port=5433 user=u dbname=d", "postgresql://u@[::1]:5433/d", "[::1]:5433"),
        ("host=a,b port=1,5432 user=u@x dbname='d /'", "postgresql://u%40x@a:1,b/d%20%2F", "a:1,b:5432"),
        ("host=/run/pg user=u", "postgresql://u@/u?host=/run/pg", "/run/pg/.s.PGSQL.5432"),
        ("host=@pg port=1 user=u", "postgresql://u@/u?host=@pg&port=1", "@pg/.s.PGSQL.1"),
        ("host=/a,@b,c user=u", "postgresql://u@%2Fa,%40b,c/u", "/a/.s.PGSQL.5432,@b/.s.PGSQL.5432,c:5432"),
        (
            "host=h hostaddr=::2 user=u password=hush sslmode=require",
            "postgresql://u@h/u?sslmode=require&hostaddr=::2",
            "h:5432",
        ),
    ] {
        let info = Conninfo::parse(text, &Default::default()).unwrap();
        assert_eq!((info.display().as_str(), info.host_display().as_str()), (shown, hosts));
        assert_eq!(Conninfo::parse(shown, &Default::default()).unwrap().host_display(), hosts);
    }
}

/// psql 15 does not know `sslrootcert=system`; its meaning is that of psql 16.
#[test]
fn the_systems_authorities() {
    let place = Place::new();
    let text = "host={host} hostaddr=127.0.0.1 port={port} user=trusted dbname=postgres sslrootcert=system";
    let with = |host: &str, env: &[&str]| place.ours(&case(&text.replace("{host}", host), env));
    with("localhost", &["SSL_CERT_FILE={home}/ca.crt"]).unwrap();
    assert!(with("wrong.test", &["SSL_CERT_FILE={home}/ca.crt"]).unwrap_err().message.contains("not for the name"));
    assert!(with("localhost", &["SSL_CERT_FILE={home}/other.crt"]).unwrap_err().message.contains("not signed"));
}

/// What fails, and the words a person needs.
#[test]
fn errors_say_what_to_do() {
    let place = Place::new();
    for (text, message, hint) in [
        ("postgresql://trusted@127.0.0.1:1/x", "refuses connections", "listen_addresses"),
        ("postgresql://trusted@no.such.host.invalid/x", "there is no host", "spelling"),
        ("host=/nowhere user=trusted", "there is no socket", "unix_socket_directories"),
        ("postgresql://stranger@127.0.0.1:{port}/x", "pg_hba.conf", "add a host line"),
        ("postgresql://scram@127.0.0.1:{port}/postgres", "wants a password", "no line of {home}/.pgpass matches"),
        ("postgresql://scram:x@127.0.0.1:{port}/postgres", "28P01", "came from the target's text"),
        ("postgresql://trusted@127.0.0.1:{port}/no\"db", "3D000", "CREATE DATABASE \"no\"\"db\""),
        ("postgresql://norole@127.0.0.1:{port}/postgres", "28000", "CREATE ROLE \"norole\""),
        ("postgresql://limited@127.0.0.1:{port}/postgres", "too many connections", "max_connections"),
        ("postgresql://trusted@127.0.0.1:{port}/closed", "42501", "GRANT CONNECT ON DATABASE \"closed\""),
        ("postgresql://certuser@127.0.0.1:{port}/postgres", "certificate", "{home}/.postgresql/postgresql.crt"),
        ("host=x user=trusted require_auth=scram-sha-256", "not supported", "channel_binding"),
        ("host=x user=trusted gssencmode=require", "not supported", "sslmode"),
        ("host=x user=trusted sslrootcert=system sslmode=require", "verify-full", "proves nothing"),
        ("host=x user=trusted hsot=y", "hsot", "\"host\""),
        (
            "postgresql://trusted@wrong.test/x?hostaddr=127.0.0.1&port={port}&sslmode=verify-full&sslrootcert={home}/ca.crt",
            "not for the name \"wrong.test\"",
            "verify-ca",
        ),
        (
            "postgresql://trusted@localhost:{port}/x?sslmode=verify-full&sslrootcert={home}/other.crt",
            "not signed by an authority",
            "sslrootcert",
        ),
        (
            "postgresql://trusted@localhost:{port}/x?sslmode=verify-full&sslrootcert=system",
            "not signed by an authority",
            "sslrootcert",
        ),
        (
            "postgresql://trusted@localhost:{port}/x?sslmode=require&sslrootcert={home}/ca.crt&sslcrl={home}/server.crl",
            "revoked",
            "renew",
        ),
    ] {
        let case = case(text, &[]);
        let error = place.ours(&case).expect_err(text);
        let said = error.hint.clone().unwrap_or_default();
        assert!(error.message.contains(message), "{text}: {error:?}");
        assert!(said.contains(&place.fill(hint)), "{text}: {error:?}");
    }
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let text = format!("host=127.0.0.1 port={} user=u connect_timeout=2", mute.local_addr().unwrap().port());
    let start = std::time::Instant::now();
    let error = Conninfo::parse(&text, &Default::default()).unwrap().connect("t").map(|_| ()).unwrap_err();
    assert!(error.message.contains("did not answer within 2 s"), "{error:?}");
    assert!(start.elapsed().as_secs() < 5);
}

#[test]
fn a_password_file_open_to_others_is_a_warning() {
    let place = Place::new();
    let open = case("postgresql://scram@localhost:{port}/postgres", &["PGPASSFILE={home}/open-to-all"]);
    let info = place.conninfo(&open).unwrap();
    assert!(info.warnings()[0].contains("chmod 0600"), "{:?}", info.warnings());
    assert!(!info.password_was_in_text());
    assert!(place.conninfo(&case("user=u password=hush", &[])).unwrap().password_was_in_text());
    assert!(Conninfo::looks_like_target("host=x") && Conninfo::looks_like_target("postgres://"));
    assert!(!Conninfo::looks_like_target("shop.db") && !Conninfo::looks_like_target("dir/a=b.db"));
}

/// The manual's `openssl req -x509` makes a certificate that is its own root, names the host only in its common name,
/// and often says that it is an authority. libpq believes it; an expired one it does not.
#[test]
fn a_self_signed_server_is_its_own_root() {
    for (authority, until) in [(true, 2090), (false, 2090), (true, 2021), (false, 2021)] {
        let place = Place::with_server(&certificates::self_signed("db.test", authority, until));
        for (host, mode) in
            [("db.test", "verify-full"), ("db.test", "verify-ca"), ("x.test", "verify-full"), ("x.test", "verify-ca")]
        {
            let text = format!(
                "host={host} hostaddr=127.0.0.1 port={{port}} user=trusted dbname=postgres sslmode={mode} sslrootcert={{home}}/server.crt"
            );
            let case = case(&text, &[]);
            let (psql, ours) = (place.psql(&case), place.ours(&case));
            assert_eq!(
                psql.clone().ok(),
                ours.as_ref().ok().cloned(),
                "{authority} {until} {host} {mode}: {psql:?} {ours:?}"
            );
            let expected = until > 2030 && (host == "db.test" || mode == "verify-ca");
            assert_eq!(ours.is_ok(), expected, "{authority} {until} {host} {mode}: {ours:?}");
            if until < 2030 {
                assert!(ours.unwrap_err().message.contains("expired"));
            }
        }
    }
}

/// A socket in the abstract namespace, which leads to the real one.
#[test]
fn abstract_sockets() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
    let place = Place::new();
    let name = format!("l2pg-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(format!("{name}/.s.PGSQL.{}", place.cluster.port)).unwrap();
    let listener = UnixListener::bind_addr(&address).unwrap();
    let real = place.cluster.socket_dir.join(format!(".s.PGSQL.{}", place.cluster.port));
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let far = UnixStream::connect(&real).unwrap();
            for (mut from, mut to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    let case = case(&format!("host=@{name} port={{port}} user=trusted dbname=postgres"), &[]);
    assert_eq!(place.ours(&case).unwrap(), place.psql(&case).unwrap());
}

#[test]
fn cancels_with_and_without_tls() {
    let place = Place::new();
    for text in [
        "postgresql://trusted@127.0.0.1:{port}/postgres?sslmode=verify-full&sslrootcert={home}/ca.crt",
        "postgresql://plain@127.0.0.1:{port}/postgres?sslmode=prefer",
        "host={dir} port={port} user=trusted dbname=postgres",
    ] {
        let info = place.conninfo(&case(text, &[])).unwrap();
        let mut client = info.connect("sleeper").unwrap();
        let token = client.cancel_token();
        let sleeper = std::thread::spawn(move || client.batch_execute("SELECT pg_sleep(20)"));
        std::thread::sleep(std::time::Duration::from_millis(300));
        info.cancel(token).unwrap();
        let error = sleeper.join().unwrap().unwrap_err();
        assert_eq!(error.code().map(|c| c.code()), Some("57014"), "{text}: {error:?}");
    }
}

#[test]
fn our_own_server() {
    let place = Place::new();
    let dir = place.cluster.socket_dir.to_str().unwrap();
    let info = Conninfo::from_parts(dir, place.cluster.port, "trusted", "postgres").unwrap();
    let mut client = info.connect("own").unwrap();
    assert_eq!(client.query_one("SHOW application_name", &[]).unwrap().get::<_, String>(0), "own");
    assert!(info.with_dbname("nodb").connect("own").is_err());
}
