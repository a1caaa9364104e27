//! Columns of random values for the tests of the codecs, each value with what it means to PostgreSQL in other words.
//! Owns the generator and the shape of a case; never encodes.
#![allow(dead_code, clippy::unwrap_used, reason = "each test takes what it needs")]

pub mod copy;
pub mod names;
pub mod numbers;
pub mod texts;
pub mod times;

use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::{Normal, OwnedValue};
use lite2pg_model::mapping::shape::Crossing;
use lite2pg_model::mapping::treat::Treatment;

pub const ROWS: usize = 1000;

/// A generator with a seed that a failing test shows (`LITE2PG_SEED` repeats it).
pub struct Random(u64);

impl Random {
    pub fn seeded() -> Self {
        let given = std::env::var("LITE2PG_SEED").ok().and_then(|s| s.parse().ok());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
        let seed: u64 = given.unwrap_or(now) | 1;
        println!("LITE2PG_SEED={seed}");
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn integer(&mut self) -> i64 {
        let shift = self.below(64);
        (self.next() as i64) >> shift
    }

    pub fn real(&mut self) -> f64 {
        loop {
            let r = match self.below(4) {
                0 => self.integer() as f64,
                1 => self.integer().rem_euclid(100_000_000) as f64 / 100.0,
                _ => f64::from_bits(self.next()),
            };
            if !r.is_nan() {
                return r;
            }
        }
    }

    pub fn bytes(&mut self) -> Vec<u8> {
        let n = if self.below(20) == 0 { 5000 } else { self.below(30) };
        (0..n).map(|_| self.next() as u8).collect()
    }

    pub fn text(&mut self) -> String {
        let n = self.below(20);
        let mut text = String::new();
        while (text.chars().count() as u64) < n {
            let limit = [0x80, 0x800, 0x10000, 0x0011_0000][self.below(4) as usize];
            let c = char::from_u32(1 + self.below(limit - 1) as u32);
            text.extend(c);
        }
        text
    }

    pub fn date(&mut self) -> String {
        let (y, m) = (1 + self.below(9999), 1 + self.below(12));
        let leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
        let length = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][m as usize - 1];
        let d = if self.below(4) == 0 { length } else { 1 + self.below(length) };
        format!("{y:04}-{m:02}-{d:02}")
    }

    pub fn stamp(&mut self) -> String {
        let mut s =
            format!("{}{}{:02}:{:02}", self.date(), ["T", " "][self.below(2) as usize], self.below(24), self.below(60));
        if self.below(4) > 0 {
            s += &format!(":{:02}", self.below(60));
            if self.below(2) > 0 {
                let width = 1 + self.below(6) as usize;
                s += &format!(".{:0width$}", self.below(10u64.pow(width as u32)));
            }
        }
        s
    }

    /// A plain decimal of up to so many digits before and after the point; no negative zero, which numeric does not hold.
    pub fn decimal(&mut self, before: u64, after: u64) -> String {
        let mut digits = |n: u64| (0..n).map(|_| char::from(b'0' + self.below(10) as u8)).collect::<String>();
        let (whole, fraction) = (digits(before), digits(after));
        let whole = &whole[..self.below(before + 1) as usize];
        let fraction = &fraction[..self.below(after + 1) as usize];
        let whole = whole.trim_start_matches('0');
        let sign = ["", "-"][self.below(2) as usize];
        let point = if fraction.is_empty() { "" } else { "." };
        let zero = whole.bytes().chain(fraction.bytes()).all(|b| b == b'0');
        let sign = if zero { "" } else { sign };
        format!("{sign}{}{point}{fraction}", if whole.is_empty() { "0" } else { whole })
    }

    pub fn json(&mut self, depth: u64) -> String {
        match self.below(if depth == 0 { 5 } else { 7 }) {
            0 => ["null", "true", "false", "\"\"", "0"][self.below(5) as usize].into(),
            1 => self.integer().to_string(),
            2 => format!("{}.{}e{}", self.below(10), self.below(100_000), self.below(80) as i64 - 40),
            3 => format!("{:e}", self.integer()),
            4 => self.json_string(),
            5 => {
                let items: Vec<String> = (0..self.below(4)).map(|_| self.json(depth - 1)).collect();
                format!("[ {}]", items.join(", "))
            }
            _ => {
                let items: Vec<String> =
                    (0..self.below(4)).map(|_| format!("{} : {}", self.json_string(), self.json(depth - 1))).collect();
                format!("{{{}}}", items.join(","))
            }
        }
    }

    pub fn json_string(&mut self) -> String {
        const PARTS: [&str; 10] = ["a", "b", "é", "𝄞", "\\n", "\\u0041", "\\ud834\\udd1e", "\\\"", "\\/", "\u{7f}"];
        let parts: Vec<&str> = (0..self.below(4)).map(|_| PARTS[self.below(10) as usize]).collect();
        format!("\"{}\"", parts.concat())
    }
}

/// A value, and a literal that means the same to PostgreSQL.
pub type Pair = (OwnedValue, String);

/// A column of values, and how they are compared with their literals.
pub struct Case {
    pub name: String,
    pub crossing: Crossing,
    /// The column's type in DDL, if that is not the crossing's.
    pub ddl: Option<&'static str>,
    pub values: Vec<Pair>,
    /// SQL over `v`.
    pub got: &'static str,
    /// SQL over `l`, a text.
    pub want: &'static str,
    /// The very value comes back.
    pub exact: bool,
    /// SQL over `v`: the text that comes back.
    pub shown: Option<&'static str>,
}

impl Case {
    pub fn new(
        name: &str,
        ty: PgType,
        normal: Normal,
        values: Vec<Pair>,
        got: &'static str,
        want: &'static str,
        exact: bool,
    ) -> Case {
        let crossing = Crossing::new(ty, normal);
        Case { name: name.to_owned(), crossing, ddl: None, values, got, want, exact, shown: None }
    }

    /// The same, with the SQL that shows what comes back.
    pub fn showing(mut self, sql: &'static str) -> Case {
        self.shown = Some(sql);
        self
    }

    /// The same after treatments.
    pub fn treated(mut self, treatments: &[Treatment]) -> Case {
        self.crossing.treatments = treatments.to_vec();
        self
    }
}

/// All of them.
pub fn all(r: &mut Random) -> Vec<Case> {
    [numbers::cases(r), texts::cases(r), texts::treated(r), times::cases(r), times::counted(r), names::cases(r)]
        .into_iter()
        .flatten()
        .collect()
}

pub fn text(s: &str) -> OwnedValue {
    OwnedValue::Text(s.as_bytes().to_vec())
}

pub fn hex(b: &[u8]) -> String {
    b.iter().map(|b| format!("{b:02x}")).collect()
}

pub fn uuid(b: &[u8]) -> String {
    let h = hex(b);
    format!("{}-{}-{}-{}-{}", &h[..8], &h[8..12], &h[12..16], &h[16..20], &h[20..])
}

pub fn many<T>(r: &mut Random, make: impl Fn(&mut Random) -> T) -> Vec<T> {
    (0..ROWS).map(|_| make(r)).collect()
}

pub fn integers(r: &mut Random, low: i64, high: i64) -> Vec<(OwnedValue, String)> {
    let mut all = many(r, Random::integer);
    all.extend([low, high, 0, -1, 9999, 10_000, 10_001, 99_990_000]);
    let kept = all.into_iter().filter(|i| (low..=high).contains(i));
    kept.map(|i| (OwnedValue::Integer(i), i.to_string())).collect()
}

pub fn real_edges() -> Vec<f64> {
    let mut edges = vec![
        0.0,
        5e-324,
        f64::MIN_POSITIVE,
        f64::MAX,
        f64::MIN,
        0.1 + 0.2,
        1e15,
        1e16,
        1e22,
        1e23,
        123_456.789,
        0.000_1,
        1e-5,
        9_999.999_9,
    ];
    edges.extend((0..30).map(|k| 10f64.powi(k - 15)));
    edges
}

/// A text as value and as literal.
pub fn both(s: String) -> Pair {
    (text(&s), s)
}
