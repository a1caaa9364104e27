//! The text of a moment that is known, and the form of a moment that PostgreSQL's to_char can write.
//! Owns strftime's conversions; never computes a time (see `constant`).

use super::constant::{EPOCH, Moment, civil, julian};

/// `YYYY-MM-DD`, as date() writes it: the sign of a year does not count as a digit.
pub(super) fn date(m: &Moment) -> String {
    let sign = if m.year < 0 { "-" } else { "" };
    format!("{sign}{:04}-{:02}-{:02}", m.year.abs(), m.month, m.day)
}

/// `HH:MM:SS`, with a fraction if it is to be shown.
pub(super) fn time(m: &Moment) -> String {
    let second = if m.subsec {
        let ms = (m.second * 1000.0 + 0.5) as i64;
        format!("{:02}.{:03}", ms / 1000, ms % 1000)
    } else {
        format!("{:02}", m.second as i64)
    };
    format!("{:02}:{:02}:{second}", m.hour, m.minute)
}

/// What strftime() writes.
pub(super) enum Written {
    Text(String),
    /// The form has a conversion that is none of SQLite's.
    Null,
    /// The digits need more care than is taken here.
    Unsure,
}

/// The conversions of a form: what stands before each, and its letter; what stands after the last has none.
fn pieces(format: &str) -> Vec<(&str, Option<char>)> {
    let mut pieces = Vec::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        let letter = after.chars().next();
        // A lone % at the end is no conversion.
        pieces.push((before, Some(letter.unwrap_or('\0'))));
        rest = after.get(letter.map_or(0, char::len_utf8)..).unwrap_or_default();
    }
    pieces.push((rest, None));
    pieces
}

/// strftime() of a moment that is known.
pub(super) fn written(format: &str, m: &Moment) -> Written {
    let mut out = String::new();
    for (before, letter) in pieces(format) {
        out.push_str(before);
        let Some(letter) = letter else { continue };
        if letter == 'J' || letter == 'f' && !plain_millis(m.second) {
            return Written::Unsure;
        }
        match conversion(letter, m) {
            Some(text) => out.push_str(&text),
            None => return Written::Null,
        }
    }
    Written::Text(out)
}

/// No digit beyond the milliseconds.
fn plain_millis(second: f64) -> bool {
    let ms = second * 1000.0;
    (ms - ms.round()).abs() < 1e-6
}

fn conversion(letter: char, m: &Moment) -> Option<String> {
    let monday = (m.jd + 43_200_000) / 86_400_000 % 7;
    let sunday = (m.jd + 129_600_000) / 86_400_000 % 7;
    let of_year = |jd: i64, year: i64| {
        let clock = (m.hour * 60 + m.minute) * 60_000 + (m.second * 1000.0 + 0.5) as i64;
        julian(year, 1, 1).map(|first| (jd - first - clock + 43_200_000) / 86_400_000)
    };
    let thursday = m.jd + (3 - monday) * 86_400_000;
    let twelve = (m.hour + 11) % 12 + 1;
    Some(match letter {
        'd' => format!("{:02}", m.day),
        'e' => format!("{:2}", m.day),
        'f' => format!("{:06.3}", m.second),
        'F' => format!("{:04}-{:02}-{:02}", m.year, m.month, m.day),
        'g' => format!("{:02}", civil(thursday).0 % 100),
        'G' => format!("{:04}", civil(thursday).0),
        'H' => format!("{:02}", m.hour),
        'I' => format!("{twelve:02}"),
        'j' => format!("{:03}", of_year(m.jd, m.year)? + 1),
        'k' => format!("{:2}", m.hour),
        'l' => format!("{twelve:2}"),
        'm' => format!("{:02}", m.month),
        'M' => format!("{:02}", m.minute),
        'p' => if m.hour >= 12 { "PM" } else { "AM" }.into(),
        'P' => if m.hour >= 12 { "pm" } else { "am" }.into(),
        'R' => format!("{:02}:{:02}", m.hour, m.minute),
        's' if m.subsec => {
            let ms = m.jd - EPOCH;
            let sign = if ms < 0 { "-" } else { "" };
            format!("{sign}{}.{:03}", ms.abs() / 1000, ms.abs() % 1000)
        }
        's' => (m.jd / 1000 - EPOCH / 1000).to_string(),
        'S' => format!("{:02}", m.second as i64),
        'T' => format!("{:02}:{:02}:{:02}", m.hour, m.minute, m.second as i64),
        'u' => (if sunday == 0 { 7 } else { sunday }).to_string(),
        'w' => sunday.to_string(),
        'U' => format!("{:02}", (of_year(m.jd, m.year)? - sunday + 7) / 7),
        'V' => format!("{:02}", of_year(thursday, civil(thursday).0)? / 7 + 1),
        'W' => format!("{:02}", (of_year(m.jd, m.year)? - monday + 7) / 7),
        'Y' => format!("{:04}", m.year),
        '%' => "%".into(),
        _ => return None,
    })
}

/// strftime's form as one of to_char's; `None` where to_char has no equal. `millis` tells that there are no digits of a
/// second beyond the third, of which SQLite rounds. Source:
/// <https://www.postgresql.org/docs/current/functions-formatting.html>.
pub(super) fn template(format: &str, millis: bool) -> Option<String> {
    let mut out = String::new();
    for (before, letter) in pieces(format) {
        quoted(before, &mut out)?;
        let Some(letter) = letter else { continue };
        out.push_str(match letter {
            'Y' => "YYYY",
            'm' => "MM",
            'd' => "DD",
            'H' => "HH24",
            'I' => "HH12",
            'M' => "MI",
            'S' => "SS",
            'f' if millis => "SS.MS",
            'F' => "YYYY-MM-DD",
            'T' => "HH24:MI:SS",
            'R' => "HH24:MI",
            'j' => "DDD",
            'u' => "ID",
            'V' => "IW",
            'G' => "IYYY",
            'p' => "AM",
            'P' => "am",
            '%' => "\"%\"",
            _ => return None,
        });
    }
    Some(out)
}

/// Text that is no pattern of to_char: letters and digits in quotes.
fn quoted(text: &str, out: &mut String) -> Option<()> {
    if text.contains(['"', '\\']) {
        return None;
    }
    for (i, part) in text.split_inclusive(|c: char| "-:./, ".contains(c)).enumerate() {
        let (words, mark) = match part.char_indices().last() {
            Some((at, c)) if "-:./, ".contains(c) => part.split_at(at),
            _ => (part, ""),
        };
        if !words.is_empty() {
            // Two quoted parts side by side would be one.
            if i == 0 && out.ends_with('"') {
                out.pop();
                out.push_str(words);
                out.push('"');
            } else {
                out.push('"');
                out.push_str(words);
                out.push('"');
            }
        }
        out.push_str(mark);
    }
    Some(())
}
