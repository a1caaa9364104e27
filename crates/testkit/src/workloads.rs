//! Databases to measure with: a market-data store, an event log, documents, and many small tables.
//! Owns their shapes, the same rows for the same scale; never a measurement.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a measurement that cannot have its data must stop")]

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use std::path::Path;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// 12 tables shaped like a market-data store: 18,661 tickers, 926,325 daily bars with one unique key of four columns.
    Market,
    /// One narrow table of 5,000,000 rows, a rowid key, two secondary indexes, one foreign key.
    Events,
    /// 150,000 rows of JSON text, long text, blobs and UUIDs: about half a gigabyte.
    Documents,
}

impl Workload {
    /// All of them.
    pub const ALL: [Workload; 3] = [Workload::Market, Workload::Events, Workload::Documents];

    /// Its word on a command line and in a table of results.
    pub fn word(self) -> &'static str {
        match self {
            Workload::Market => "market",
            Workload::Events => "events",
            Workload::Documents => "documents",
        }
    }

    /// Writes it to a new file; 1.0 is the size above.
    pub fn make(self, path: &Path, scale: f64) {
        let mut db = Connection::open(path).unwrap();
        db.execute_batch("PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;").unwrap();
        let of = |full: u64| ((full as f64 * scale) as u64).max(1);
        match self {
            Workload::Market => market(&mut db, of(18_661), of(926_325), of(1_029)),
            Workload::Events => events(&mut db, of(100_000), of(5_000_000)),
            Workload::Documents => documents(&mut db, of(150_000)),
        }
    }
}

/// So many tables of so many rows each, with a key, an index and a foreign key to the table before.
pub fn many(path: &Path, tables: u64, rows: u64) {
    let db = Connection::open(path).unwrap();
    db.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN").unwrap();
    for i in 0..tables {
        let parent = if i == 0 { String::new() } else { format!(" REFERENCES t{}(id)", i - 1) };
        db.execute_batch(&format!(
            "CREATE TABLE t{i}(id INTEGER PRIMARY KEY, parent INTEGER{parent}, name TEXT NOT NULL, at DATETIME);
             CREATE INDEX t{i}_name ON t{i}(name);
             WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO t{i} SELECT i, i, 'name ' || i, datetime(1000000000 + i, 'unixepoch') FROM n;"
        ))
        .unwrap();
    }
    db.execute_batch("COMMIT").unwrap();
}

/// SplitMix64 (Steele, Lea and Flood, 2014): small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// From 0 to below 1.
    fn real(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn day(n: u64) -> String {
    let (year, rest) = (2000 + n / 336, n % 336);
    format!("{year:04}-{:02}-{:02}", rest / 28 + 1, rest % 28 + 1)
}

fn stamp(n: u64) -> String {
    format!("{} {:02}:{:02}:{:02}", day(n / 86_400 % 9000), n / 3600 % 24, n / 60 % 60, n % 60)
}

fn int(n: u64) -> Value {
    Value::Integer(n.cast_signed())
}

fn text(s: impl Into<String>) -> Value {
    Value::Text(s.into())
}

fn fill<const N: usize>(db: &mut Connection, insert: &str, rows: impl Iterator<Item = [Value; N]>) {
    let tx = db.transaction().unwrap();
    let marks = vec!["?"; N].join(",");
    let mut statement = tx.prepare(&format!("INSERT INTO {insert} VALUES({marks})")).unwrap();
    for row in rows {
        statement.execute(params_from_iter(row)).unwrap();
    }
    drop(statement);
    tx.commit().unwrap();
}

const MARKET: &str = "
CREATE TABLE tickers(ticker TEXT NOT NULL, region TEXT NOT NULL, name TEXT, exchange TEXT,
    is_active BOOLEAN DEFAULT 1, lot_size INTEGER DEFAULT 1, listed_on DATE,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY(ticker, region));
CREATE TABLE ohlcv_data(id INTEGER PRIMARY KEY AUTOINCREMENT, ticker TEXT NOT NULL, region TEXT,
    timeframe TEXT NOT NULL, date TEXT NOT NULL, open REAL NOT NULL, high REAL NOT NULL,
    low REAL NOT NULL, close REAL NOT NULL, volume BIGINT NOT NULL, ma20 REAL, rsi_14 REAL,
    created_at TIMESTAMP, UNIQUE(ticker, region, timeframe, date),
    FOREIGN KEY(ticker, region) REFERENCES tickers(ticker, region));
CREATE INDEX idx_ohlcv_date ON ohlcv_data(date);
CREATE TABLE stock_details(ticker TEXT, region TEXT, sector TEXT, industry TEXT, market_cap BIGINT,
    metadata TEXT DEFAULT '{}', PRIMARY KEY(ticker, region),
    FOREIGN KEY(ticker, region) REFERENCES tickers(ticker, region));
CREATE TABLE etf_details(ticker TEXT, region TEXT, issuer TEXT, expense_ratio DECIMAL(6,4),
    inception DATE, PRIMARY KEY(ticker, region));
CREATE TABLE etf_holdings(id INTEGER PRIMARY KEY, etf_ticker TEXT, stock_ticker TEXT, region TEXT,
    weight REAL, rank INTEGER, as_of_date DATE);
CREATE TABLE technical_analysis(id INTEGER PRIMARY KEY, ticker TEXT, signal TEXT);
CREATE TABLE ticker_fundamentals(id INTEGER PRIMARY KEY, ticker TEXT, region TEXT, per REAL, pbr REAL,
    fetched_at TIMESTAMP);
CREATE TABLE trades(id INTEGER PRIMARY KEY, ticker TEXT, side TEXT CHECK(side IN ('BUY','SELL')),
    price DECIMAL(18,4), qty INTEGER, executed_at TIMESTAMP);
CREATE TABLE portfolio(id INTEGER PRIMARY KEY, ticker TEXT, qty INTEGER);
CREATE TABLE market_sentiment(id INTEGER PRIMARY KEY, day DATE, score REAL);
CREATE TABLE global_market_indices(id INTEGER PRIMARY KEY, symbol TEXT UNIQUE, value REAL);
CREATE TABLE exchange_rate_history(id INTEGER PRIMARY KEY, pair TEXT, rate DECIMAL(18,8), at TIMESTAMP);
CREATE VIEW latest_close AS SELECT ticker, region, max(date) AS date FROM ohlcv_data GROUP BY ticker, region;
";

fn market(db: &mut Connection, tickers: u64, bars: u64, funds: u64) {
    db.execute_batch(MARKET).unwrap();
    let mut random = Random(1);
    let ticker = |i: u64| format!("T{i:06}");
    let region = |i: u64| ["CN", "HK", "JP", "KR", "US", "VN"][(i % 6) as usize];
    let rows = (0..tickers).map(|i| {
        let suffix = if region(i) == "JP" { " 株式会社" } else { "" };
        let (name, exchange) = (format!("Company {}{suffix}", ticker(i)), format!("EX{}", region(i)));
        let (active, lot) = (int(u64::from(!i.is_multiple_of(17))), int(1 + i % 100));
        let (listed, made) = (text(day(i % 7000)), text(stamp(i * 61)));
        [text(ticker(i)), text(region(i)), text(name), text(exchange), active, lot, listed, made]
    });
    fill(db, "tickers", rows);
    let per = (bars / tickers).max(1);
    let rows = (0..bars).map(|i| {
        let (n, price) = (i / per % tickers, (random.real() * 500_000.0).round() / 100.0);
        let frame = if i / per < tickers { "D" } else { "W" };
        let date = day(i % per + i / per / tickers * per);
        let mean = if i % 20 == 0 { Value::Null } else { Value::Real(price * 1.0001) };
        let [high, low, close] = [1.01, 0.99, 1.003].map(|f| Value::Real((price * f * 10_000.0).round() / 10_000.0));
        let (volume, index) = (int(random.below(1_000_000_000)), Value::Real(random.real() * 100.0));
        let key = [text(ticker(n)), text(region(n)), text(frame), text(date)];
        let [a, b, c, d] = key;
        [a, b, c, d, Value::Real(price), high, low, close, volume, mean, index, text(stamp(i))]
    });
    let columns = "ohlcv_data(ticker,region,timeframe,date,open,high,low,close,volume,ma20,rsi_14,created_at)";
    fill(db, columns, rows);
    let mut random = Random(11);
    let rows = (0..tickers).map(|i| {
        let json = format!(r#"{{"isin": "{}{i:010}", "tags": ["a", "b"], "beta": {:?}}}"#, region(i), i as f64 / 7.0);
        let (sector, industry) = (format!("S{}", i % 11), format!("I{}", i % 150));
        let cap = int(random.below(1_000_000_000_000));
        [text(ticker(i)), text(region(i)), text(sector), text(industry), cap, text(json)]
    });
    fill(db, "stock_details", rows);
    let rows = (0..funds).map(|i| {
        let ratio = Value::Real(i as f64 / 10_000.0);
        [text(ticker(i)), text(region(i)), text("Issuer"), ratio, text(day(i))]
    });
    fill(db, "etf_details", rows);
    let rows = (0..tickers.min(238)).map(|i| {
        let book = if i % 5 == 0 { Value::Real(i as f64 / 7.0) } else { Value::Null };
        [text(ticker(i)), text(region(i)), Value::Real(i as f64 / 3.0), book, text(stamp(i))]
    });
    fill(db, "ticker_fundamentals(ticker,region,per,pbr,fetched_at)", rows);
    let rows = (0..6).map(|i| [text(format!("IDX{i}")), Value::Real(i as f64 * 1.5)]);
    fill(db, "global_market_indices(symbol,value)", rows);
    let rows = (0..5).map(|i| [text("USDKRW"), Value::Real(1_300.123_456_78 + i as f64), text(stamp(i))]);
    fill(db, "exchange_rate_history(pair,rate,at)", rows);
}

fn events(db: &mut Connection, users: u64, events: u64) {
    db.execute_batch(
        "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, created_at DATETIME);
         CREATE TABLE events(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id), kind TEXT NOT NULL,
             amount REAL, ok BOOLEAN NOT NULL, at DATETIME NOT NULL);",
    )
    .unwrap();
    let rows = (1..=users).map(|i| [int(i), text(format!("user{i}@example.com")), text(stamp(i))]);
    fill(db, "users", rows);
    let mut random = Random(2);
    let kinds = ["click", "view", "purchase", "refund", "login"];
    let rows = (1..=events).map(|i| {
        let (user, amount) = (int(random.below(users) + 1), Value::Real(random.real() * 1000.0));
        let ok = int(u64::from(i % 3 == 0));
        [int(i), user, text(kinds[(i % 5) as usize]), amount, ok, text(stamp(i))]
    });
    fill(db, "events", rows);
    db.execute_batch("CREATE INDEX idx_events_user ON events(user_id); CREATE INDEX idx_events_at ON events(at);")
        .unwrap();
}

fn documents(db: &mut Connection, rows: u64) {
    db.execute_batch(
        "CREATE TABLE documents(id TEXT PRIMARY KEY, title VARCHAR(200) NOT NULL, body TEXT, attributes JSON,
             thumbnail BLOB, ip_address TEXT, updated_at TEXT);",
    )
    .unwrap();
    let mut words: Vec<String> = (0..2000).map(|i| format!("word{i}")).collect();
    words.extend(["naïve", "日本語", "Привет", "emoji🎉"].map(str::to_owned));
    let mut random = Random(3);
    let rows = (0..rows).map(|i| {
        let (high, low) = (random.next(), random.next());
        let id = format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 48 & 0x3fff),
            low & 0xffff_ffff_ffff
        );
        let body: Vec<&str> = (0..150).map(|_| words[random.below(words.len() as u64) as usize].as_str()).collect();
        let json =
            format!(r#"{{"n": {i}, "x": {:?}, "list": [1, 2, {{"a": null}}], "s": "\u00e9\n\"q\""}}"#, random.real());
        let blob: Vec<u8> = (0..128).flat_map(|_| random.next().to_le_bytes()).collect();
        let address = format!("10.{}.{}.{}", i >> 16 & 255, i >> 8 & 255, i & 255);
        let title = text(format!("Title {i}"));
        [text(id), title, text(body.join(" ")), text(json), Value::Blob(blob), text(address), text(stamp(i))]
    });
    fill(db, "documents", rows);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_rows_for_the_same_scale() {
        let dir = std::env::temp_dir().join(format!("lite2pg-workloads-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        for workload in Workload::ALL {
            let files = ["one", "two"].map(|n| dir.join(format!("{}-{n}", workload.word())));
            files.iter().for_each(|f| workload.make(f, 0.001));
            assert_eq!(std::fs::read(&files[0]).unwrap(), std::fs::read(&files[1]).unwrap(), "{workload:?}");
            let db = Connection::open(&files[0]).unwrap();
            let check: String = db.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
            assert_eq!(check, "ok");
            assert!(!db.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap(), "{workload:?}");
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
