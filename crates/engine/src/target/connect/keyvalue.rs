//! Parses `key=value key='quoted value'` strings as libpq does.
//! Owns that syntax; never resolves or shows a value.

use super::keyword;
use crate::{Error, Result};

/// The pairs in the order of the text; keywords are known ones.
pub(crate) fn parse(text: &str) -> Result<Vec<(&'static str, String)>> {
    let mut pairs: Vec<(&'static str, String)> = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| is_space(*c)).is_some() {}
        if chars.peek().is_none() {
            return Ok(pairs);
        }
        let mut name = String::new();
        while let Some(c) = chars.next_if(|c| *c != '=' && !is_space(*c)) {
            name.push(c);
        }
        while chars.next_if(|c| is_space(*c)).is_some() {}
        let after_password = pairs.last().is_some_and(|(key, _)| *key == "password" || *key == "sslpassword");
        if chars.next() != Some('=') {
            return Err(stray(&pairs));
        }
        let keyword = match keyword::find_or_suggest(&name, "the connection string") {
            Ok(keyword) => keyword,
            // What follows a password may be the rest of it: not shown.
            Err(_) if after_password => return Err(stray(&pairs)),
            Err(error) => return Err(error),
        };
        while chars.next_if(|c| is_space(*c)).is_some() {}
        let quoted = chars.next_if_eq(&'\'').is_some();
        pairs.push((keyword.name, value(&mut chars, quoted)?));
    }
}

fn value(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, quoted: bool) -> Result<String> {
    let mut value = String::new();
    loop {
        match chars.next() {
            Some('\'') if quoted => return Ok(value),
            Some(c) if !quoted && is_space(c) => return Ok(value),
            Some('\\') => value.extend(chars.next()),
            Some(c) => value.push(c),
            None if quoted => {
                return Err(Error::usage("a quoted value in the connection string does not end")
                    .hint("close it with ' and write a ' inside as \\'"));
            }
            None => return Ok(value),
        }
    }
}

/// Something that is not `keyword=value`; it may be part of a password, so only its place is told.
fn stray(pairs: &[(&str, String)]) -> Error {
    let place = match pairs.last() {
        Some((key, _)) => format!("after the value of \"{key}\""),
        None => "at its beginning".to_owned(),
    };
    Error::usage(format!("the connection string has something {place} that is not keyword=value"))
        .hint("quote a value that has spaces: password='two words'; a ' or \\ inside is written \\' or \\\\")
}

/// What C's isspace() calls a space.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn quotes_and_backslashes() {
        let pairs = parse(r"host = 'a b'user=o\'neil  dbname='x\\y\'' port= 1 password=").unwrap();
        let expected = [("host", "a b"), ("user", "o'neil"), ("dbname", r"x\y'"), ("port", "1"), ("password", "")];
        assert_eq!(pairs, expected.map(|(k, v)| (k, v.to_owned())));
        assert!(parse(" \t").unwrap().is_empty());
    }

    #[test]
    fn errors_show_no_password() {
        for text in
            ["password=hush secret", "password=hush secret=1", "host='a", "password='hush secret", "user=a =", "x"]
        {
            let error = parse(text).unwrap_err();
            assert_eq!(error.kind, Kind::Usage);
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
        assert!(parse("hsot=a").unwrap_err().message.contains("hsot"));
    }
}
