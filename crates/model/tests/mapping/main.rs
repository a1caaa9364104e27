//! What becomes of the columns that go wrong for people today: one case a known trap, judged by what a person who knows
//! both databases would choose, and by the codec taking every value that was profiled.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on must fail")]

mod asked;
mod keys;
mod policies;
mod random;
mod rules;
mod settings;
mod tables;

use tables::*;

/// `cargo test --release -p lite2pg-model --test mapping -- --ignored --nocapture speed` prints nanoseconds a value.
#[test]
#[ignore = "a measurement, not a check"]
fn speed() {
    const N: usize = 2_000_000;
    let texts: Vec<String> = (0..1000).map(|i| format!("customer number {i} of the shop")).collect();
    let dates: Vec<String> = (0..1000).map(|i| format!("2024-01-{:02} 10:{:02}:00", i % 28 + 1, i % 60)).collect();
    type Make<'a> = Box<dyn Fn(usize) -> Value<'a> + 'a>;
    let kinds: Vec<(&str, PgType, Make<'_>)> = vec![
        ("INTEGER", PgType::BigInt, Box::new(|i| Integer(i as i64))),
        ("REAL", PgType::Double, Box::new(|i| Real(i as f64 / 7.0))),
        ("DECIMAL(10,2)", PgType::Numeric(Some((12, 2))), Box::new(|i| Real(i as f64 / 100.0))),
        ("TEXT", PgType::Text, Box::new(|i| Text(texts[i % 1000].as_bytes()))),
        ("DATETIME", PgType::Timestamp, Box::new(|i| Text(dates[i % 1000].as_bytes()))),
    ];
    for (declared, ty, make) in &kinds {
        let mut p = ColumnProfile::for_column(&column("c", declared));
        let start = std::time::Instant::now();
        (0..N).for_each(|i| p.observe(make(i)));
        let observe = start.elapsed().as_nanos() / N as u128;
        let codec = lite2pg_model::mapping::codec::Codec::new(*ty);
        let mut out = Vec::with_capacity(1 << 20);
        let start = std::time::Instant::now();
        for i in 0..N {
            codec.encode(make(i), &mut out).unwrap();
            if out.len() > 1 << 19 {
                out.clear();
            }
        }
        let encode = start.elapsed().as_nanos() / N as u128;
        println!("{declared}: observe {observe} ns, encode {encode} ns");
    }
}
