//! A SQLite value as it lies in the file: its storage class and its bytes.
//! Owns nothing; never converts.

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
