//! Whether a text is JSON that jsonb holds without losing anything but spaces, key order and the writing of numbers.
//! Owns that one question; never builds a tree.
//!
//! jsonb refuses `\u0000` and lone surrogates, keeps only the last of equal keys, and stores numbers as numeric:
//! <https://www.postgresql.org/docs/current/datatype-json.html>. Minus zero loses its sign there, so it is refused too.

/// Deepest nesting accepted. PostgreSQL's parser recurses and stops at `max_stack_depth` (2 MB by default), far deeper.
pub const MAX_DEPTH: u32 = 512;
/// Longest text accepted: a jsonb array or object must stay below 256 MB, and its form may be larger than the text.
pub const MAX_BYTES: usize = 100 << 20;
/// Digits that numeric holds before and after the point.
/// Source: <https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-NUMERIC-TABLE>.
const MAX_BEFORE: i64 = 131_072;
const MAX_AFTER: i64 = 16_383;
/// Most digits that an exponent may stand for: `1e131000` is 9 bytes here and 131 kB in PostgreSQL.
const MAX_EXPANDED: i64 = 1_000;
/// Most elements and pairs of one value. PostgreSQL's parser keeps up to 72 bytes of each in one allocation below 1 GB.
/// Source: `JSONB_MAX_PAIRS`, <https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/utils/adt/jsonb_util.c>.
const MAX_ELEMENTS: u64 = 10_000_000;
/// Most bytes of one value as jsonb holds it: offsets have 28 bits.
/// Source: `JENTRY_OFFLENMASK`, <https://github.com/postgres/postgres/blob/REL_15_STABLE/src/include/utils/jsonb.h>.
const MAX_HELD: u64 = 250 << 20;
/// What each value takes at least: its entry of 4 bytes, and the head, first digits and alignment of a number.
const PER_VALUE: u64 = 16;

/// What was seen of a text that is JSON by its grammar (nested at most [`MAX_DEPTH`] deep).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The first byte of the value: `{` of an object, `[` of an array, else a scalar.
    pub first: u8,
    /// It holds `\u0000`.
    pub nul: bool,
    /// It holds a lone surrogate.
    pub surrogate: bool,
    /// It holds a number beyond numeric's range, or -0.
    pub number: bool,
    /// An object in it has a key twice.
    pub duplicate_key: bool,
    /// It is larger than jsonb holds.
    pub too_large: bool,
}

impl Seen {
    /// Whether jsonb holds it without loss.
    pub fn is_jsonb_safe(&self) -> bool {
        !(self.nul || self.surrogate || self.number || self.duplicate_key || self.too_large)
    }
}

/// Whether `text`, which must be valid UTF-8, is such JSON.
pub fn jsonb_safe(text: &[u8]) -> bool {
    text.len() <= MAX_BYTES && look(text).is_some_and(|seen| seen.is_jsonb_safe())
}

/// Whether `text`, which must be valid UTF-8, is JSON that PostgreSQL's json takes. It keeps the very text, so the
/// grammar is all it asks for: `\u0000`, lone surrogates, equal keys and numbers of any size are kept.
pub fn json_valid(text: &[u8]) -> bool {
    look(text).is_some()
}

/// What is seen of `text`, which must be valid UTF-8, if it is JSON at all.
pub fn look(text: &[u8]) -> Option<Seen> {
    let mut scan = Scan { text, at: 0, keys: Vec::new(), elements: 0, held: 0, seen: Seen::default() };
    scan.spaces();
    let first = scan.peek()?;
    scan.value(0)?;
    let too_large = text.len() > MAX_BYTES || scan.elements > MAX_ELEMENTS || scan.held > MAX_HELD;
    scan.end().then_some(Seen { first, too_large, ..scan.seen })
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    /// Hashes of the keys of the objects that are open: each object's own are those pushed since it began.
    keys: Vec<u64>,
    /// Elements and pairs so far.
    elements: u64,
    /// Bytes that the value takes as jsonb so far, or more.
    held: u64,
    seen: Seen,
}

impl Scan<'_> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    fn spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn end(&mut self) -> bool {
        self.spaces();
        self.at == self.text.len()
    }

    #[inline]
    fn take(&mut self, b: u8) -> Option<()> {
        self.spaces();
        (self.peek() == Some(b)).then(|| self.at += 1)
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.text[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    fn value(&mut self, depth: u32) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.spaces();
        self.elements += 1;
        self.held += PER_VALUE;
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(|_| ()),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn array(&mut self, depth: u32) -> Option<()> {
        self.at += 1;
        if self.take(b']').is_some() {
            return Some(());
        }
        loop {
            self.value(depth + 1)?;
            if self.take(b',').is_none() {
                return self.take(b']');
            }
        }
    }

    fn object(&mut self, depth: u32) -> Option<()> {
        self.at += 1;
        if self.take(b'}').is_some() {
            return Some(());
        }
        let first = self.keys.len();
        loop {
            self.spaces();
            let key = self.string()?;
            self.keys.push(key);
            self.take(b':')?;
            self.value(depth + 1)?;
            if self.take(b',').is_none() {
                break;
            }
        }
        self.take(b'}')?;
        // Equal hashes of different keys (one chance in 2^64) only keep the column text, which is never wrong.
        let own = &mut self.keys[first..];
        own.sort_unstable();
        let unique = own.windows(2).all(|w| w[0] != w[1]);
        self.keys.truncate(first);
        self.seen.duplicate_key |= !unique;
        Some(())
    }

    /// A string; returns a hash of what it means (escapes resolved).
    fn string(&mut self) -> Option<u64> {
        if self.peek() != Some(b'"') {
            return None;
        }
        self.at += 1;
        let from = self.at;
        let mut hash = 0xcbf2_9ce4_8422_2325u64;
        let mut add = |b: u8| {
            hash = (hash ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3);
            hash ^= hash >> 29;
        };
        loop {
            let b = self.peek()?;
            self.at += 1;
            match b {
                b'"' => {
                    // And an entry of 4 bytes, if it is a key.
                    self.held += (self.at - from) as u64 + 4;
                    return Some(hash);
                }
                0..0x20 => return None,
                b'\\' => {
                    let mut utf8 = [0u8; 4];
                    self.escape()?.encode_utf8(&mut utf8).bytes().for_each(&mut add);
                }
                _ => add(b),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let b = self.peek()?;
        self.at += 1;
        Some(match b {
            b'"' | b'\\' | b'/' => char::from(b),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.hex4()?;
                let code = if (0xD800..0xDC00).contains(&unit) {
                    let after = self.at;
                    match self.word(b"\\u").and_then(|()| self.hex4()) {
                        Some(low) if (0xDC00..0xE000).contains(&low) => {
                            0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00)
                        }
                        _ => {
                            // What follows is read for itself.
                            self.at = after;
                            unit
                        }
                    }
                } else {
                    unit
                };
                let c = char::from_u32(code);
                self.seen.surrogate |= c.is_none();
                self.seen.nul |= code == 0;
                c.unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return None,
        })
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0u32, |n, b| Some(n * 16 + char::from(*b).to_digit(16)?))
    }

    fn digits(&mut self) -> usize {
        let from = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - from
    }

    fn number(&mut self) -> Option<()> {
        let from = self.at;
        let negative = self.word(b"-").is_some();
        let zero_first = self.peek() == Some(b'0');
        let before = self.digits();
        if before == 0 || (zero_first && before > 1) {
            return None;
        }
        let mut after = 0;
        if self.word(b".").is_some() {
            after = self.digits();
            if after == 0 {
                return None;
            }
        }
        let nonzero = self.text[from..self.at].iter().any(|b| (b'1'..=b'9').contains(b));
        let mut exponent = 0i64;
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            let minus = self.word(b"-").is_some();
            if !minus {
                let _ = self.word(b"+");
            }
            let start = self.at;
            if self.digits() == 0 {
                return None;
            }
            let written = std::str::from_utf8(&self.text[start..self.at]).ok()?;
            let Some(read) = written.parse::<i64>().ok().filter(|e| *e < 1_000_000) else {
                self.seen.number = true;
                return Some(());
            };
            exponent = if minus { -read } else { read };
        }
        let before = i64::try_from(before).ok()? + exponent;
        let after = i64::try_from(after).ok()? - exponent;
        let digits = before.max(0) + after.max(0);
        self.held += digits.unsigned_abs();
        let held = (exponent == 0 || digits <= MAX_EXPANDED) && before <= MAX_BEFORE && after <= MAX_AFTER;
        self.seen.number |= !held || (negative && !nonzero);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_jsonb_holds() {
        for good in [
            "{}",
            "[]",
            "null",
            " [1, 2.50, -3e2, 1E+5] ",
            r#"{"a":{"a":1},"b":[{"a":2},{"a":3}]}"#,
            r#""\ud834\udd1e""#,
            r#""é\n\u0001""#,
            "0",
            "1e999",
            "1e-999",
            "0.5e-900",
        ] {
            assert!(jsonb_safe(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{'a':1}",
            "01",
            "+1",
            "1.",
            ".5",
            "NaN",
            "Infinity",
            "-0",
            "-0.0e5",
            r#""\u0000""#,
            r#""\ud834""#,
            r#""\udd1e""#,
            r#""\ud834x""#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            "1e1001",
            "1e-1001",
            "1e131000",
            "1e99999999999999999999",
            "\"a\nb\"",
            "[1] x",
            "tru",
            "[1 2]",
            r#""\x""#,
            "{\"a\" 1}",
            "{1:2}",
        ] {
            assert!(!jsonb_safe(bad.as_bytes()), "{bad}");
        }
        let many = |n: usize, what: &str| format!("[{}]", vec![what; n].join(","));
        assert!(jsonb_safe(many(300_000, "1e99").as_bytes()));
        assert!(!jsonb_safe(many(300_000, "1e999").as_bytes()), "300 MB of digits");
        assert!(jsonb_safe(many(9_000_000, "1").as_bytes()) && !jsonb_safe(many(10_000_001, "1").as_bytes()));
        assert!(jsonb_safe("9".repeat(131_072).as_bytes()) && !jsonb_safe("9".repeat(131_073).as_bytes()));
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(jsonb_safe(deep(500).as_bytes()) && !jsonb_safe(deep(100_000).as_bytes()));
    }

    #[test]
    fn what_jsonb_refuses_or_changes_is_told_apart() {
        let seen = |text: &str| look(text.as_bytes()).unwrap();
        assert!(seen(r#"["\u0000"]"#).nul && !seen(r#"["\u0001"]"#).nul);
        for lone in [r#""\ud834""#, r#""\ud834x""#, r#""\ud834\n""#, r#""\ud834\ud834\udd1e""#, r#""\udd1e""#] {
            assert!(seen(lone).surrogate && !seen(lone).nul, "{lone}");
        }
        assert!(seen("[-0]").number && seen("1e131073").number && seen("1e99999999999999999999").number);
        assert!(seen(r#"{"a":1,"\u0061":2}"#).duplicate_key && !seen(r#"[{"a":1},{"a":2}]"#).duplicate_key);
        assert_eq!((seen(" {}").first, seen("[1]").first, seen(" 1").first), (b'{', b'[', b'1'));
        for none in ["", "{", "[1,]", "01", "nul", r#""\ud8""#, "1 2"] {
            assert_eq!(look(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn what_json_holds() {
        for good in
            [r#"{"a":1,"\u0061":2}"#, r#""\u0000""#, r#""\ud834""#, "-0", "1e99999999999999999999", " [1 , 2]\n"]
        {
            assert!(json_valid(good.as_bytes()) && !(good.contains('e') && jsonb_safe(good.as_bytes())), "{good}");
        }
        for bad in [
            "",
            "[1,]",
            "01",
            r#""\u00g0""#,
            r#""\x""#,
            "\"\u{1}\"",
            "nul",
            "1 2",
            "{1:2}",
            "NaN",
            "1e",
            "-",
            "\u{feff}1",
        ] {
            assert!(!json_valid(bad.as_bytes()), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn json_by_its_grammar_is_what_another_parser_reads(text in r#"[\[\]{}:,"a0-9.eE\\u -]{0,24}"#) {
            let theirs = serde_json::from_str::<serde_json::Value>(&text).map_err(|e| e.to_string());
            let range = |e: &String| e.contains("out of range") || e.contains("hex escape");
            match look(text.as_bytes()) {
                Some(_) => prop_assert!(theirs.is_ok() || theirs.as_ref().is_err_and(range), "{theirs:?}"),
                None => prop_assert!(theirs.is_err(), "{theirs:?}"),
            }
        }

        #[test]
        fn what_is_accepted_another_parser_reads(text in r#"[\[\]{}:,"a0-9.eE\\u -]{0,24}"#) {
            if jsonb_safe(text.as_bytes()) {
                let ok = serde_json::from_str::<serde_json::Value>(&text).map_err(|e| e.to_string());
                prop_assert!(ok.is_ok() || ok.is_err_and(|e| e.contains("out of range")));
            }
        }
    }
}
