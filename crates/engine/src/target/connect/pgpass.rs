//! Finds a password in a password file (`.pgpass`).
//! Owns its syntax and the check of its permissions; never shows what it read.
//!
//! Source: <https://www.postgresql.org/docs/current/libpq-pgpass.html>.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Secret;

/// What a password file said.
#[derive(Debug)]
pub(crate) enum PassFile {
    /// Its text.
    Text(Secret),
    /// There is none.
    Absent,
    /// It exists and must not be used; why.
    Unusable(String),
}

/// Reads the file, unless others may read it too.
pub(crate) fn read(path: &Path) -> PassFile {
    let unusable = |why: String| PassFile::Unusable(format!("the password file {} is ignored: {why}", path.display()));
    let about = match fs::metadata(path) {
        Ok(about) => about,
        Err(e) if e.kind() == ErrorKind::NotFound => return PassFile::Absent,
        Err(e) => return unusable(e.to_string()),
    };
    if !about.is_file() {
        return unusable("it is not a plain file".to_owned());
    }
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return unusable(format!("others may read it (mode {mode:04o}); run chmod 0600 on it"));
    }
    match fs::read(path) {
        Ok(bytes) => PassFile::Text(Secret(String::from_utf8_lossy(&bytes).into_owned())),
        Err(e) => unusable(e.to_string()),
    }
}

/// The password of the first line that matches; `hosts` are the names the server goes by.
pub(crate) fn find(text: &Secret, hosts: &[&str], port: u16, dbname: &str, user: &str) -> Option<Secret> {
    let port = port.to_string();
    for line in text.0.lines().filter(|l| !l.starts_with('#')) {
        let mut fields = Fields { rest: Some(line) };
        let mut is =
            |values: &[&str]| fields.next().is_some_and(|(raw, field)| raw == "*" || values.contains(&&*field));
        if is(hosts) && is(&[&port]) && is(&[dbname]) && is(&[user]) {
            return fields.next().map(|(_, password)| Secret(password)).filter(|p| !p.0.is_empty());
        }
    }
    None
}

/// The fields of a line: as written, and with `\:` and `\\` resolved.
struct Fields<'l> {
    rest: Option<&'l str>,
}

impl<'l> Iterator for Fields<'l> {
    type Item = (&'l str, String);

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.rest.take()?;
        let mut field = String::new();
        let mut chars = line.char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                ':' => {
                    self.rest = line.get(i + 1..);
                    return Some((&line[..i], field));
                }
                '\\' => field.extend(chars.next().map(|(_, c)| c)),
                c => field.push(c),
            }
        }
        Some((line, field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stars_and_escapes() {
        let text = Secret(
            "#h:1:d:u:no\nh:1:d:u:one\n*:1:d\\:x:u:t\\:w\\\\o\nshort:1\n\\*:1:d:u:star\n\\:\\:1:*:*:*:six:rest\n*:2:*:*:\r\n*:*:*:last:end\n"
                .into(),
        );
        let of = |host: &str, port, db: &str, user: &str| find(&text, &[host], port, db, user).map(|s| s.0);
        assert_eq!(of("h", 1, "d", "u").as_deref(), Some("one"));
        assert_eq!(of("q", 1, "d:x", "u").as_deref(), Some("t:w\\o"));
        assert_eq!(of("*", 1, "d", "u").as_deref(), Some("star"));
        assert_eq!(of("::1", 5, "x", "y").as_deref(), Some("six"));
        assert_eq!(of("h", 2, "d", "u"), None);
        assert_eq!(of("any", 9, "d", "last").as_deref(), Some("end"));
        assert_eq!(of("short", 1, "d", "u"), None);
        assert_eq!(format!("{text:?}"), "(hidden)");
    }
}
