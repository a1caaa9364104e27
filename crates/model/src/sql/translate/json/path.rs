//! Paths in JSON: `$.key."other key"[0][#-1]`.
//! Owns what is a path; never follows one. Source: <https://sqlite.org/json1.html#path_arguments>.

/// Whether text is a path.
pub(super) fn is_path(t: &str) -> bool {
    let Some(mut rest) = t.strip_prefix('$') else { return false };
    while !rest.is_empty() {
        let Some(next) = step(rest) else { return false };
        rest = next;
    }
    true
}

/// What follows the first step.
fn step(t: &str) -> Option<&str> {
    if let Some(quoted) = t.strip_prefix(".\"") {
        let mut escaped = false;
        for (i, c) in quoted.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => return quoted.get(i + 1..),
                _ => {}
            }
        }
        return None;
    }
    if let Some(key) = t.strip_prefix('.') {
        let end = key.find(['.', '[']).unwrap_or(key.len());
        return if end == 0 { None } else { key.get(end..) };
    }
    let (inside, rest) = t.strip_prefix('[')?.split_once(']')?;
    let digits = match inside.strip_prefix('#') {
        Some("") => return Some(rest),
        Some(back) => back.strip_prefix('-')?,
        None => inside,
    };
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(rest)
}
