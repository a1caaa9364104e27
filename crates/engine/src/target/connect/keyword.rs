//! The keywords of a conninfo string, their environment variables, and what is done with each.
//! Owns the list; never a value.
//!
//! Source: <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS> and `libpq-envars.html`.

use crate::{Error, Result};

/// What is done with a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Taken into account.
    Taken,
    /// Accepted and without effect here; what it controls does not exist in this client or cannot weaken anything.
    Idle,
    /// Not supported; giving it (other than empty) is an error, since ignoring it would weaken what was asked for.
    Refused(&'static str),
}

/// A keyword of a conninfo string.
#[derive(Debug)]
pub(crate) struct Keyword {
    pub(crate) name: &'static str,
    pub(crate) env: Option<&'static str>,
    pub(crate) done: Use,
}

const fn taken(name: &'static str, env: &'static str) -> Keyword {
    Keyword { name, env: Some(env), done: Use::Taken }
}

const fn plain(name: &'static str) -> Keyword {
    Keyword { name, env: None, done: Use::Taken }
}

const fn idle(name: &'static str, env: Option<&'static str>) -> Keyword {
    Keyword { name, env, done: Use::Idle }
}

const fn refused(name: &'static str, env: Option<&'static str>, why: &'static str) -> Keyword {
    Keyword { name, env, done: Use::Refused(why) }
}

/// Every keyword that libpq 18 knows.
pub(crate) const KEYWORDS: &[Keyword] = &[
    taken("service", "PGSERVICE"),
    taken("servicefile", "PGSERVICEFILE"),
    taken("user", "PGUSER"),
    taken("password", "PGPASSWORD"),
    taken("passfile", "PGPASSFILE"),
    taken("dbname", "PGDATABASE"),
    taken("host", "PGHOST"),
    taken("hostaddr", "PGHOSTADDR"),
    taken("port", "PGPORT"),
    taken("connect_timeout", "PGCONNECT_TIMEOUT"),
    taken("channel_binding", "PGCHANNELBINDING"),
    taken("options", "PGOPTIONS"),
    taken("application_name", "PGAPPNAME"),
    plain("fallback_application_name"),
    plain("keepalives"),
    plain("keepalives_idle"),
    plain("keepalives_interval"),
    plain("keepalives_count"),
    plain("tcp_user_timeout"),
    taken("sslmode", "PGSSLMODE"),
    taken("requiressl", "PGREQUIRESSL"),
    taken("sslnegotiation", "PGSSLNEGOTIATION"),
    taken("sslcert", "PGSSLCERT"),
    taken("sslkey", "PGSSLKEY"),
    taken("sslcertmode", "PGSSLCERTMODE"),
    taken("sslrootcert", "PGSSLROOTCERT"),
    taken("sslcrl", "PGSSLCRL"),
    taken("sslsni", "PGSSLSNI"),
    taken("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    taken("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    taken("gssencmode", "PGGSSENCMODE"),
    taken("target_session_attrs", "PGTARGETSESSIONATTRS"),
    taken("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    // The client always speaks UTF-8.
    idle("client_encoding", Some("PGCLIENTENCODING")),
    idle("sslcompression", Some("PGSSLCOMPRESSION")),
    // An encrypted key is refused when it is read, with a hint.
    idle("sslpassword", None),
    idle("krbsrvname", Some("PGKRBSRVNAME")),
    idle("gsslib", Some("PGGSSLIB")),
    idle("gssdelegation", Some("PGGSSDELEGATION")),
    idle("min_protocol_version", Some("PGMINPROTOCOLVERSION")),
    idle("max_protocol_version", Some("PGMAXPROTOCOLVERSION")),
    refused("sslcrldir", Some("PGSSLCRLDIR"), "name one file of revocation lists with sslcrl instead"),
    refused("requirepeer", Some("PGREQUIREPEER"), "use TLS with sslmode=verify-full to know whom you talk to"),
    refused(
        "require_auth",
        Some("PGREQUIREAUTH"),
        "channel_binding=require with sslmode=verify-full is the strictest choice here",
    ),
    refused("replication", None, "leave it out: a plain connection is needed"),
    refused("sslkeylogfile", None, "leave it out"),
    refused("scram_client_key", None, "give the password instead"),
    refused("scram_server_key", None, "give the password instead"),
    refused("oauth_issuer", None, "use a password or a client certificate"),
    refused("oauth_client_id", None, "use a password or a client certificate"),
    refused("oauth_client_secret", None, "use a password or a client certificate"),
    refused("oauth_scope", None, "use a password or a client certificate"),
];

/// The keyword of that name.
pub(crate) fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|k| k.name == name)
}

/// The keyword of that name, or a usage error with the nearest one as a suggestion.
pub(crate) fn find_or_suggest(name: &str, place: &str) -> Result<&'static Keyword> {
    find(name).ok_or_else(|| {
        let error = Error::usage(format!("unknown keyword \"{name}\" in {place}"));
        match nearest(name) {
            Some(known) => error.hint(format!("did you mean \"{known}\"?")),
            None => error.hint("the keywords are those of libpq: host, port, user, dbname, password, sslmode, …"),
        }
    })
}

/// What other tools call it.
const ELSEWHERE: [(&str, &str); 9] = [
    ("database", "dbname"),
    ("db", "dbname"),
    ("username", "user"),
    ("hostname", "host"),
    ("pass", "password"),
    ("ssl", "sslmode"),
    ("currentschema", "options"),
    ("search_path", "options"),
    ("timeout", "connect_timeout"),
];

fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    if let Some((_, known)) = ELSEWHERE.iter().find(|(other, _)| *other == name) {
        return Some(known);
    }
    let name = name.as_str();
    let (distance, best) = KEYWORDS.iter().map(|k| (distance(name, k.name), k.name)).min()?;
    (distance <= 1 + best.len() / 3).then_some(best)
}

/// How many characters to insert, delete, replace or swap with a neighbour to make one word the other.
fn distance(a: &str, b: &str) -> usize {
    // Long words are far from every keyword, and must not cost quadratic time.
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(ca != cb);
            let mut best = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *ca == b[j - 1] && a[i - 1] == *cb {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_nearest() {
        for (wrong, right) in [
            ("hsot", "host"),
            ("ssl_mode", "sslmode"),
            ("username", "user"),
            ("pasword", "password"),
            ("Database", "dbname"),
            ("application-name", "application_name"),
        ] {
            let hint = find_or_suggest(wrong, "x").unwrap_err().hint.unwrap_or_default();
            assert!(hint.contains(&format!("\"{right}\"")), "{wrong}: {hint}");
        }
        assert!(nearest("xyzzyfrotz").is_none());
    }
}
