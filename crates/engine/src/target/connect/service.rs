//! Reads a section of a connection service file (`.pg_service.conf`).
//! Owns its syntax and where it is looked for; never writes one.
//!
//! Source: <https://www.postgresql.org/docs/current/libpq-pgservice.html>.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::keyword;
use crate::{Error, Result};

/// Where packagers put libpq's directory for system-wide files: Debian, Red Hat, a build from source.
const SYSTEM_DIRS: [&str; 4] = ["/etc/postgresql-common", "/etc/sysconfig/pgsql", "/etc", "/usr/local/pgsql/etc"];

/// The pairs of service `name` and the file they stand in. `file` was named by PGSERVICEFILE or `servicefile`.
pub(crate) fn read(
    name: &str,
    file: Option<&str>,
    home: Option<&Path>,
    system_dir: Option<&str>,
) -> Result<(PathBuf, Vec<(&'static str, String)>)> {
    let mut places: Vec<PathBuf> = Vec::new();
    match (file, home) {
        (Some(file), _) => places.push(file.into()),
        (None, Some(home)) => places.push(home.join(".pg_service.conf")),
        (None, None) => {}
    }
    match system_dir {
        Some(dir) => places.push(Path::new(dir).join("pg_service.conf")),
        None => places.extend(SYSTEM_DIRS.map(|dir| Path::new(dir).join("pg_service.conf"))),
    }
    for (i, place) in places.iter().enumerate() {
        let text = match fs::read_to_string(place) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound && !(i == 0 && file.is_some()) => continue,
            Err(e) => {
                return Err(Error::usage(format!("the service file {} cannot be read: {e}", place.display()))
                    .hint("set PGSERVICEFILE to a service file that can be read, or leave out the service"));
            }
        };
        if let Some(pairs) = section(&text, name, &place.display().to_string())? {
            return Ok((place.clone(), pairs));
        }
    }
    let looked: Vec<String> = places.iter().map(|p| p.display().to_string()).collect();
    Err(Error::usage(format!("there is no service \"{name}\""))
        .hint(format!("add a section [{name}] to one of {}, or set PGSERVICEFILE", looked.join(", "))))
}

/// The pairs of one section; `None` where the text has no such section. The first mention of a keyword counts.
fn section(text: &str, name: &str, file: &str) -> Result<Option<Vec<(&'static str, String)>>> {
    let mut found: Option<Vec<(&'static str, String)>> = None;
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_matches(|c: char| c.is_ascii_whitespace());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(title) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            inside = title.strip_suffix(']') == Some(name);
            if inside {
                found = Some(Vec::new());
            }
            continue;
        }
        let Some(pairs) = found.as_mut().filter(|_| inside) else { continue };
        let at = format!("line {} of {file}", number.saturating_add(1));
        let Some((key, value)) = line.split_once('=') else {
            return Err(Error::usage(format!("{at} is not keyword=value")).hint("LDAP look-ups are not supported"));
        };
        let keyword = keyword::find_or_suggest(key, &at)?;
        if matches!(keyword.name, "service" | "servicefile") {
            return Err(Error::usage(format!("{at} names a service inside a service")).hint("remove that line"));
        }
        if !pairs.iter().any(|(k, _)| *k == keyword.name) {
            pairs.push((keyword.name, value.to_owned()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# c\n[a]\nhost=h\n  port=1 \n[b]\r\nhost=x=y\r\nhost=z\nhsot=1\n[c]\nservice=a\n[d]\nx\n[e]\n";

    #[test]
    fn sections() {
        let of = |name| section(FILE, name, "f");
        assert_eq!(of("a").unwrap().unwrap(), [("host", "h".to_owned()), ("port", "1".to_owned())]);
        assert!(of("b").unwrap_err().message.contains("line 8 of f"));
        assert!(of("c").is_err() && of("d").is_err());
        assert_eq!(of("e").unwrap().unwrap(), []);
        assert!(of("f").unwrap().is_none());
    }
}
