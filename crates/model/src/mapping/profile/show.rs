//! One value as people see it among others.
//! Owns the shortening and escaping.

use crate::value::Value;
use std::fmt::Write as _;

/// A value for people: at most about 40 characters, control characters escaped, blobs as `x'…'`.
pub fn show(v: Value<'_>) -> String {
    match v {
        Value::Null => "NULL".into(),
        Value::Integer(i) => i.to_string(),
        Value::Real(r) => format!("{r:?}"),
        Value::Text(b) => {
            let border = |at: &usize| b.get(*at).is_none_or(|c| (c & 0xC0) != 0x80);
            let cut = &b[..(37..=b.len().min(40)).rev().find(border).unwrap_or(b.len().min(40))];
            let text: String = String::from_utf8_lossy(cut).escape_debug().collect();
            format!("'{text}{}'", if cut.len() < b.len() { "…" } else { "" })
        }
        Value::Blob(b) => {
            let mut hex = String::from("x'");
            for byte in b.iter().take(16) {
                let _ = write!(hex, "{byte:02x}");
            }
            hex.push_str(if b.len() > 16 { "…'" } else { "'" });
            hex
        }
    }
}
