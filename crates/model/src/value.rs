//! A SQLite value as it lies in the file: its storage class and its bytes.
//! Owns how one is written in SQLite's SQL; never converts.

/// One SQLite value, borrowed from the row it stands in. Text is bytes in UTF-8 as SQLite hands it out and may be
/// invalid UTF-8 or hold NUL bytes. Source: <https://sqlite.org/datatype3.html>.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// A signed 64-bit integer.
    Integer(i64),
    /// A double; never NaN (SQLite stores NaN as NULL).
    Real(f64),
    /// Text bytes.
    Text(&'a [u8]),
    /// A blob.
    Blob(&'a [u8]),
}

/// The storage class of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// NULL.
    Null,
    /// INTEGER.
    Integer,
    /// REAL.
    Real,
    /// TEXT.
    Text,
    /// BLOB.
    Blob,
}

impl Value<'_> {
    /// The storage class.
    pub fn class(&self) -> Class {
        match self {
            Value::Null => Class::Null,
            Value::Integer(_) => Class::Integer,
            Value::Real(_) => Class::Real,
            Value::Text(_) => Class::Text,
            Value::Blob(_) => Class::Blob,
        }
    }

    /// Bytes this value takes as data: 8 for numbers, the length of text and blobs, 0 for NULL.
    pub fn size(&self) -> u64 {
        match self {
            Value::Null => 0,
            Value::Integer(_) | Value::Real(_) => 8,
            Value::Text(b) | Value::Blob(b) => b.len() as u64,
        }
    }

    /// A literal that SQLite reads as this very value. Text is written by its bytes where it is no UTF-8 or holds what a
    /// terminal would not show. Source: <https://sqlite.org/lang_expr.html#literal_values_constants_>.
    pub fn sqlite(&self) -> String {
        let hex = |b: &[u8]| b.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        match self {
            Value::Null => "NULL".to_owned(),
            Value::Integer(i) => i.to_string(),
            // There is no literal of an infinity, but a number beyond all doubles is read as one.
            Value::Real(r) if r.is_infinite() => if *r > 0.0 { "9e999" } else { "-9e999" }.to_owned(),
            Value::Real(r) => format!("{r:?}"),
            Value::Text(b) => match std::str::from_utf8(b) {
                Ok(text) if !text.chars().any(char::is_control) => format!("'{}'", text.replace('\'', "''")),
                _ => format!("CAST(x'{}' AS TEXT)", hex(b)),
            },
            Value::Blob(b) => format!("x'{}'", hex(b)),
        }
    }
}

impl Class {
    /// SQLite's own word for it, as `typeof()` gives.
    pub fn word(self) -> &'static str {
        match self {
            Class::Null => "null",
            Class::Integer => "integer",
            Class::Real => "real",
            Class::Text => "text",
            Class::Blob => "blob",
        }
    }
}
