//! Text for people: escaped, with counts, sizes and times as they read them; arguments quoted for a shell.
//! Owns what may reach a terminal; never lets a control character of a database through.

use super::table::columns;
use std::borrow::Cow;
use std::io::Write as _;

/// Characters that steer a terminal or hide what stands there: controls, bidirectional overrides, invisible ones.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
        || matches!(c, '\u{061c}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with every such character escaped; on one line.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hostile(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The same, but lines stay lines.
pub fn clean_lines(text: &str) -> String {
    text.split('\n').map(|l| clean(l).into_owned()).collect::<Vec<_>>().join("\n")
}

/// JSON with those characters that JSON itself does not escape written as `\u....`: they only stand in strings.
pub fn clean_json(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hostile(c) && c != '\n' {
            let mut units = [0u16; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// `5,100,000`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1 table`, `2 tables`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// `412 MiB`.
pub fn bytes(n: u64) -> String {
    let mut value = n as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1000.0 {
            return if value < 10.0 && unit != "B" {
                format!("{value:.1} {unit}")
            } else {
                format!("{value:.0} {unit}")
            };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// `38 ms`, `0.4 s`, `3 min 20 s`.
pub fn seconds(s: f64) -> String {
    if s < 0.0995 {
        return format!("{:.0} ms", s * 1000.0);
    }
    if s < 100.0 {
        return format!("{s:.1} s");
    }
    let all = s.round() as u64;
    match (all / 3600, all / 60 % 60, all % 60) {
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// What an estimate of seconds is worth: `a few seconds`, `about 25 s`, `about 3 min`, `about 2 h 10 min`.
pub fn about(s: f64) -> String {
    let all = s.max(0.0).round() as u64;
    match all {
        0..=4 => "a few seconds".to_owned(),
        5..=57 => format!("about {} s", all.div_ceil(5) * 5),
        58..=599 if all % 60 >= 15 && all % 60 < 45 && all < 180 => format!("about {} min 30 s", all / 60),
        58..=3569 => format!("about {} min", (all + 30) / 60),
        _ => match ((all + 300) / 3600, (all + 300) % 3600 / 600 * 10) {
            (h, 0) => format!("about {h} h"),
            (h, m) => format!("about {h} h {m} min"),
        },
    }
}

/// A word as a POSIX shell takes it.
pub fn shell(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && !word.starts_with('~') && word.chars().all(plain) {
        return word.to_owned();
    }
    if word.contains(is_hostile) {
        // $'…' is understood by bash, zsh, ksh and POSIX 2024; nothing that steers a terminal is printed raw.
        let mut out = "$'".to_owned();
        for b in word.chars() {
            match b {
                '\'' | '\\' => out.extend(['\\', b]),
                c if is_hostile(c) => {
                    let mut utf8 = [0; 4];
                    c.encode_utf8(&mut utf8).bytes().for_each(|b| out.push_str(&format!("\\{b:03o}")));
                }
                c => out.push(c),
            }
        }
        return out + "'";
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// A clean text in lines of at most `width` columns, if there is a width, each behind `indent` spaces.
pub fn wrapped(indent: usize, text: &str, width: Option<usize>) -> Vec<String> {
    let room = width.map_or(usize::MAX, |w| w.saturating_sub(indent).max(20));
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if columns(line).saturating_add(1).saturating_add(columns(word)) <= room {
            line.push(' ');
            line.push_str(word);
        } else {
            // What follows stands below the text, not below an arrow.
            let under = if text.starts_with("→ ") { "  " } else { "" };
            lines.push(format!("{under}{word}"));
        }
    }
    lines.iter().map(|l| format!("{}{l}", " ".repeat(indent))).collect()
}

/// Writes a line to standard error; if that is closed, nobody is there to be told.
pub fn to_stderr(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_a_terminal() {
        let hostile: String = (0..0x2_0000u32).filter_map(char::from_u32).collect();
        for out in [clean(&hostile).into_owned(), shell(&hostile), clean_json(&hostile).into_owned().replace('\n', "")]
        {
            assert!(!out.contains(is_hostile));
        }
        assert_eq!(clean("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\n");
        assert_eq!(clean("täglich 日本"), "täglich 日本");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0) + &count(999) + &count(1000) + &count(5_100_000), "09991,0005,100,000");
        assert_eq!(bytes(0) + &bytes(1023) + &bytes(1 << 20), "0 B1.0 KiB1.0 MiB");
        assert_eq!(seconds(0.04) + &seconds(200.0) + &seconds(7300.0), "40 ms3 min 20 s2 h 1 min");
    }

    #[test]
    fn wrapping_loses_nothing() {
        let text = "→ one two  three-is-a-long-word-that-cannot-be-broken four 日本 five";
        let lines = wrapped(4, text, Some(30));
        assert!(lines.len() > 2 && lines.iter().all(|l| l.starts_with("    ")));
        let back: Vec<&str> = lines.iter().flat_map(|l| l.split_whitespace()).collect();
        assert_eq!(back, text.split_whitespace().collect::<Vec<_>>());
        assert_eq!(wrapped(2, text, None), [format!("  {text}")]);
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for word in ["", "plain", "it's", "a b", "$(x)", "\u{1b}[0m'\\\n", "ü;&|", "~", "\u{202e}x", "*?"] {
            let out = std::process::Command::new("bash").args(["-c", &format!("printf %s {}", shell(word))]).output();
            assert_eq!(String::from_utf8(out.unwrap().stdout).unwrap(), word);
        }
    }
}
