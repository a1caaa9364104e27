//! The first bytes of a file: the header of a SQLite database, a rollback journal or a WAL, or what it is instead.
//! Owns the meaning of the bytes; never reads a file.
//! Source: <https://sqlite.org/fileformat2.html#the_database_header>.

use crate::error::Error;

/// Length of the database header.
pub(super) const LENGTH: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";
/// Magic of a rollback journal. Source: <https://sqlite.org/fileformat2.html#the_rollback_journal>.
pub(super) const JOURNAL_MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// How the database encodes text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Encoding {
    /// UTF-8.
    #[serde(rename = "UTF-8")]
    Utf8,
    /// UTF-16, little-endian.
    #[serde(rename = "UTF-16le")]
    Utf16le,
    /// UTF-16, big-endian.
    #[serde(rename = "UTF-16be")]
    Utf16be,
}

impl Encoding {
    /// As SQLite names it.
    pub fn word(self) -> &'static str {
        match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf16le => "UTF-16le",
            Encoding::Utf16be => "UTF-16be",
        }
    }
}

/// What the header of a database says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub page_size: u32,
    pub wal: bool,
    pub change_counter: u32,
    /// Pages, if the header's own count is valid (0 otherwise; older SQLite did not write it).
    pub pages: u32,
    pub encoding: Encoding,
    pub user_version: i32,
    pub application_id: i32,
}

/// The big-endian number at `at`, 0 beyond the end.
pub(super) fn be32(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..at.saturating_add(4)).and_then(|b| <[u8; 4]>::try_from(b).ok());
    four.map_or(0, u32::from_be_bytes)
}

fn be32_signed(bytes: &[u8], at: usize) -> i32 {
    i32::from_be_bytes(be32(bytes, at).to_be_bytes())
}

/// Reads the header of a file that is not empty; if it is no database, says what it looks like instead.
pub(super) fn parse(bytes: &[u8]) -> Result<Header, Error> {
    if bytes.len() < LENGTH || !bytes.starts_with(MAGIC) {
        return Err(not_a_database(bytes));
    }
    let page_size = match u32::from(bytes[16]) << 8 | u32::from(bytes[17]) {
        1 => 65536,
        n @ 512..=32768 if n.is_power_of_two() => n,
        n => {
            return Err(Error::source(format!("the header is damaged: a page size of {n} does not exist"))
                .hint("restore the file from a backup"));
        }
    };
    // The page count is valid only if it was written by the same version that wrote the change counter.
    let (change_counter, valid_for) = (be32(bytes, 24), be32(bytes, 92));
    Ok(Header {
        page_size,
        wal: bytes[19] == 2,
        change_counter,
        pages: if change_counter == valid_for { be32(bytes, 28) } else { 0 },
        encoding: match be32(bytes, 56) {
            2 => Encoding::Utf16le,
            3 => Encoding::Utf16be,
            _ => Encoding::Utf8,
        },
        user_version: be32_signed(bytes, 60),
        application_id: be32_signed(bytes, 68),
    })
}

/// An error that says what the file looks like.
fn not_a_database(bytes: &[u8]) -> Error {
    let (looks, hint) = looks_like(bytes);
    Error::source(format!("is no SQLite database: {looks}")).hint(hint)
}

fn looks_like(bytes: &[u8]) -> (String, &'static str) {
    const UNPACK: &str = "unpack it first and give the database inside";
    const KNOWN: [(&[u8], &str, &str); 13] = [
        (b"\x1f\x8b", "it is gzip-compressed", UNPACK),
        (b"\xfd7zXZ\0", "it is xz-compressed", UNPACK),
        (b"BZh", "it is bzip2-compressed", UNPACK),
        (b"\x28\xb5\x2f\xfd", "it is zstd-compressed", UNPACK),
        (b"PK\x03\x04", "it is a ZIP archive", UNPACK),
        (b"7z\xbc\xaf\x27\x1c", "it is a 7-Zip archive", UNPACK),
        (
            b"** This file contains an SQLite 2",
            "it is a database of SQLite 2",
            "convert it: `sqlite FILE .dump | sqlite3 NEW`",
        ),
        (b"PGDMP", "it is a dump of PostgreSQL's pg_dump", "restore it with pg_restore"),
        (&[0x37, 0x7f, 0x06, 0x82], "it is a write-ahead log", "give the database file without `-wal`"),
        (&[0x37, 0x7f, 0x06, 0x83], "it is a write-ahead log", "give the database file without `-wal`"),
        (&JOURNAL_MAGIC, "it is a rollback journal", "give the database file without `-journal`"),
        (
            b"SQLite format 3\0",
            "it ends within the 100 bytes of the header",
            "the copy is incomplete: copy the file again",
        ),
        (b"version https://git-lfs", "it is a Git LFS pointer", "fetch the file itself: `git lfs pull`"),
    ];
    if let Some((_, looks, hint)) = KNOWN.iter().find(|(magic, _, _)| bytes.starts_with(magic)) {
        return ((*looks).to_owned(), hint);
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return ("it is a tar archive".to_owned(), UNPACK);
    }
    if bytes.get(4..19) == Some(b"Standard Jet DB") || bytes.get(4..19) == Some(b"Standard ACE DB") {
        return ("it is a Microsoft Access database".to_owned(), "convert it to SQLite first");
    }
    if bytes.get(8..12) == Some(b"DUCK") {
        return ("it is a DuckDB database".to_owned(), "export it to SQLite first");
    }
    if is_text(bytes) {
        let upper = String::from_utf8_lossy(bytes).to_ascii_uppercase();
        let sql = ["PRAGMA ", "CREATE TABLE", "BEGIN TRANSACTION", "INSERT INTO", "BEGIN;"];
        return if sql.iter().any(|s| upper.contains(s)) {
            ("it is SQL text".to_owned(), "make a database of it first: `sqlite3 NEW < FILE`")
        } else {
            ("it is text".to_owned(), "check the path")
        };
    }
    if bytes.iter().all(|b| *b == 0) {
        return (
            "it holds only zero bytes".to_owned(),
            "the copy is incomplete or the file was damaged: restore it from a backup",
        );
    }
    let first: String = bytes.iter().take(8).map(|b| format!("{b:02x} ")).collect();
    if looks_random(bytes) {
        let looks = format!("its first bytes are {}and look random: encrypted or not a database", first);
        return (looks, "if it is encrypted (SQLCipher, SEE), decrypt it first: `sqlcipher_export`");
    }
    (
        format!("its first bytes are {}", first.trim_end()),
        "check the path; a damaged header can sometimes be mended with `sqlite3 FILE .recover`",
    )
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes.iter().all(|b| !b.is_ascii_control() || matches!(b, b'\n' | b'\r' | b'\t'))
        && match std::str::from_utf8(bytes) {
            Ok(_) => true,
            // The sample may end within a character.
            Err(e) => e.error_len().is_none(),
        }
}

/// Whether the bytes spread as evenly as those of a cipher do: many different values, hardly any zero.
fn looks_random(bytes: &[u8]) -> bool {
    let mut seen = [false; 256];
    bytes.iter().for_each(|b| seen[usize::from(*b)] = true);
    let distinct = seen.iter().filter(|s| **s).count();
    let zeros = bytes.iter().filter(|b| **b == 0).count();
    // 512 random bytes hold about 221 distinct values, 100 about 83.
    bytes.len() >= 64 && distinct * 100 >= bytes.len().min(220) * 70 && zeros * 20 < bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_it_is_instead() {
        for (bytes, word) in [
            (&b"\x1f\x8b\x08\0\0\0"[..], "gzip"),
            (b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n", "SQL text"),
            (b"SQLite format 3\0", "header"),
            (b"hello", "text"),
            (&[0; 600], "zero"),
        ] {
            let e = parse(bytes).unwrap_err();
            assert!(e.message.contains(word) && e.hint.is_some(), "{e}");
        }
    }

    #[test]
    fn never_panics_on_a_damaged_header() {
        let mut bytes = MAGIC.to_vec();
        bytes.resize(100, 0xff);
        assert!(parse(&bytes).is_err());
    }
}
