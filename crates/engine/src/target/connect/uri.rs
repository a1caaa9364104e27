//! Parses `postgresql://user:password@host:port,host/dbname?key=value` as libpq does.
//! Owns that syntax and its percent-encoding; never resolves or shows a value.

use super::keyword;
use crate::{Error, Result};

type Pairs = Vec<(&'static str, String)>;

/// What follows the scheme, where the text is a URI.
pub(crate) fn after_scheme(text: &str) -> Option<&str> {
    text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://"))
}

/// The pairs of a URI, without its scheme; a later pair overrides an earlier one.
pub(crate) fn parse(rest: &str) -> Result<Pairs> {
    let mut pairs = Pairs::new();
    let had_user = rest.find(['@', '/']).filter(|i| rest[*i..].starts_with('@'));
    let rest = match had_user {
        Some(at) => {
            let info = &rest[..at];
            let (user, password) = info.split_once(':').unwrap_or((info, ""));
            store(&mut pairs, "user", user)?;
            store(&mut pairs, "password", password)?;
            &rest[at + 1..]
        }
        None => rest,
    };
    let rest = hosts(rest, &mut pairs)?;
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let dbname = path.strip_prefix('/').unwrap_or_default();
    if dbname.contains('@') && had_user.is_none() && pairs.iter().any(|(key, _)| *key == "port") {
        return Err(unencoded());
    }
    store(&mut pairs, "dbname", dbname)?;
    if let Some(query) = query.filter(|q| !q.is_empty()) {
        parameters(query, &mut pairs)?;
    }
    Ok(pairs)
}

/// The list of hosts; gives back what follows, which is empty or begins with `/` or `?`.
fn hosts<'t>(mut rest: &'t str, pairs: &mut Pairs) -> Result<&'t str> {
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    loop {
        let name = if let Some(inner) = rest.strip_prefix('[') {
            let end = inner.find(']').ok_or_else(|| malformed("an IPv6 address has no closing ]"))?;
            if end == 0 {
                return Err(malformed("an IPv6 address is empty"));
            }
            rest = &inner[end + 1..];
            if !rest.is_empty() && !rest.starts_with([':', '/', '?', ',']) {
                return Err(malformed("an IPv6 address is followed by something else than :port, / or ?"));
            }
            &inner[..end]
        } else {
            let end = rest.find([':', '/', '?', ',']).unwrap_or(rest.len());
            let name = &rest[..end];
            rest = &rest[end..];
            name
        };
        let mut port = "";
        if let Some(after) = rest.strip_prefix(':') {
            let end = after.find(['/', '?', ',']).unwrap_or(after.len());
            port = &after[..end];
            rest = &after[end..];
        }
        // A host with @ is the end of a password that was not encoded; it would be shown as an unknown host.
        if name.contains('@') || port.chars().any(|c| !c.is_ascii_digit() && c != '%') {
            return Err(unencoded());
        }
        names.push(name);
        ports.push(port);
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None => break,
        }
    }
    store(pairs, "host", &names.join(","))?;
    if ports.iter().any(|p| !p.is_empty()) {
        store(pairs, "port", &ports.join(","))?;
    }
    Ok(rest)
}

fn parameters(query: &str, pairs: &mut Pairs) -> Result<()> {
    for parameter in query.split('&') {
        let after_password = pairs.last().is_some_and(|(key, _)| key.ends_with("password"));
        let stray = || malformed("a parameter is not keyword=value").hint("write & and = in a value as %26 and %3D");
        let (name, value) = parameter.split_once('=').filter(|(_, v)| !v.contains('=')).ok_or_else(stray)?;
        let (name, value) = (decode(name)?, decode(value)?);
        // JDBC's way to say it, which libpq accepts too.
        if name == "ssl" && value == "true" {
            pairs.push(("sslmode", "require".to_owned()));
            continue;
        }
        let keyword = match keyword::find_or_suggest(&name, "the parameters of the URI") {
            Err(_) if after_password => return Err(stray()),
            found => found?,
        };
        pairs.push((keyword.name, value));
    }
    Ok(())
}

fn store(pairs: &mut Pairs, key: &'static str, encoded: &str) -> Result<()> {
    if !encoded.is_empty() {
        pairs.push((key, decode(encoded)?));
    }
    Ok(())
}

/// Resolves `%XX`.
fn decode(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let byte = match rest {
            [high, low, after @ ..] => {
                rest = after;
                digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low)
            }
            _ => None,
        };
        match byte {
            Some(0) => return Err(malformed("%00 is not allowed")),
            Some(byte) => bytes.push(byte),
            None => {
                return Err(malformed("a % is not followed by two hexadecimal digits").hint("write a % itself as %25"));
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| malformed("a percent-encoded value is not UTF-8"))
}

/// Encodes everything but what RFC 3986 calls unreserved.
pub(crate) fn encode(text: &str, also_plain: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "-._~".contains(c) || (c.is_ascii() && also_plain.contains(c)) {
            out.push(c);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn malformed(what: &str) -> Error {
    Error::usage(format!("the URI of the target is malformed: {what}"))
        .hint("the form is postgresql://user@host:port/dbname?sslmode=verify-full")
}

fn unencoded() -> Error {
    malformed("a host name or port has characters that cannot be in one")
        .hint("in a user name or password write @ as %40, / as %2F, : as %3A, % as %25")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(uri: &str) -> Vec<(String, String)> {
        let found = parse(after_scheme(uri).unwrap()).unwrap();
        found.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
    }

    fn expect(uri: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(pairs(uri), expected, "{uri}");
    }

    /// The examples of the manual, section 34.1.1.2, and the corners of its grammar.
    #[test]
    fn the_manuals_examples() {
        expect("postgresql://", &[]);
        expect("postgresql://localhost", &[("host", "localhost")]);
        expect("postgres://localhost:5433", &[("host", "localhost"), ("port", "5433")]);
        expect("postgresql://localhost/mydb", &[("host", "localhost"), ("dbname", "mydb")]);
        expect("postgresql://user:se%40cret@h", &[("user", "user"), ("password", "se@cret"), ("host", "h")]);
        expect(
            "postgresql://host1:123,host2:456/somedb?target_session_attrs=any",
            &[("host", "host1,host2"), ("port", "123,456"), ("dbname", "somedb"), ("target_session_attrs", "any")],
        );
        expect("postgresql:///mydb?host=h&port=5433", &[("dbname", "mydb"), ("host", "h"), ("port", "5433")]);
        expect("postgresql://[2001:db8::1234]/d", &[("host", "2001:db8::1234"), ("dbname", "d")]);
        expect("postgresql://[::1]:1,h/", &[("host", "::1,h"), ("port", "1,")]);
        expect("postgresql://%2Fvar%2Flib%2Fp/dbname", &[("host", "/var/lib/p"), ("dbname", "dbname")]);
        expect("postgresql://u@?ssl=true", &[("user", "u"), ("sslmode", "require")]);
        expect("postgresql://h?dbname=x", &[("host", "h"), ("dbname", "x")]);
    }

    #[test]
    fn what_is_wrong_is_refused_without_the_password() {
        for uri in [
            "postgresql://u:p%4",
            "postgresql://h/%zz",
            "postgresql://h/%00",
            "postgresql://[::1",
            "postgresql://[]/",
            "postgresql://[::1]x/",
            "postgresql://u:hush@secret@h/d",
            "postgresql://u:hush/secret@h/d",
            "postgresql://u:1/secret@h/d",
            "postgresql://h/d?x",
            "postgresql://h/d?port=1=2",
            "postgresql://h/d?password=hush&secret=1",
            "postgresql://h/d?password=hush&secret",
            "postgresql://h/%ff",
        ] {
            let error = parse(after_scheme(uri).unwrap()).map(|_| ()).unwrap_err();
            assert!(!format!("{error:?}").contains("secret"), "{uri}: {error:?}");
            assert!(error.hint.is_some());
        }
    }
}
