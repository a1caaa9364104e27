//! The soak: random databases, random options, random faults, one round after the other, always verified.
//! Owns the throws; the first broken promise ends it and says how to repeat the round.
//!
//! `cargo test --release -p lite2pg --no-default-features --test soak -- --minutes 60` (`--seed N`: repeats; `--rounds N`).
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod faults;

use faults::file::{At, Break, EndWord, Ends, Fault, How, Scenario, Source, Step, Victim, Way};
use faults::play;
use lite2pg_testkit::dice::Dice;
use lite2pg_testkit::random;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

struct Asked {
    minutes: f64,
    rounds: u64,
    seed: u64,
}

fn asked() -> Result<Asked, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let mut asked = Asked { minutes: 60.0, rounds: u64::MAX, seed: now };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
        let wrong = |_| format!("{word} {value}: that is no number");
        match word.as_str() {
            "--minutes" => asked.minutes = value.parse().map_err(|_| format!("{word} {value}: that is no number"))?,
            "--rounds" => asked.rounds = value.parse().map_err(wrong)?,
            "--seed" => asked.seed = value.parse().map_err(wrong)?,
            _ => return Err(format!("{word}: only --minutes, --rounds and --seed are known")),
        }
    }
    Ok(asked)
}

fn main() -> ExitCode {
    let asked = match asked() {
        Ok(asked) => asked,
        Err(e) => {
            println!("soak: {e}");
            return ExitCode::from(2);
        }
    };
    let begin = Instant::now();
    let until = Duration::from_secs_f64(asked.minutes * 60.0);
    let (mut rounds, mut struck, mut ends) = (0, 0, BTreeMap::<String, usize>::new());
    while begin.elapsed() < until && rounds < asked.rounds {
        // The first round's seed is the one that was given, so that a round is repeated by its own.
        let seed = asked.seed.wrapping_add(rounds);
        let scenario = round(&mut Dice(seed));
        let at = Instant::now();
        let outcome = play::play(&scenario);
        rounds += 1;
        let took = at.elapsed().as_secs_f64();
        match outcome {
            Ok(played) => {
                println!("round {rounds} · seed {seed} · {took:.1} s · {} · {:?}", told(&scenario), played.ends);
                struck += played.faults;
                played.ends.into_iter().for_each(|end| *ends.entry(end).or_default() += 1);
            }
            Err(e) => {
                let file = std::env::temp_dir().join(format!("soak-{seed}.toml"));
                std::fs::write(&file, scenario.text()).unwrap();
                println!("round {rounds} · seed {seed} · {took:.1} s · {}\n\nBROKEN: {e}\n", told(&scenario));
                println!("repeat it:  … --test soak -- --seed {seed} --rounds 1");
                println!("as a file:  {} (may go into corpus/scenarios)", file.display());
                return ExitCode::FAILURE;
            }
        }
    }
    let minutes = begin.elapsed().as_secs_f64() / 60.0;
    println!(
        "{rounds} rounds in {minutes:.1} minutes, {struck} faults; commands ended so: {ends:?}; no promise was broken"
    );
    ExitCode::SUCCESS
}

/// One line about a round.
fn told(scenario: &Scenario) -> String {
    let faults: Vec<String> = scenario.steps.iter().flat_map(|s| &s.faults).map(name).collect();
    format!("{} · {} · latency {:?}", scenario.options, faults.join(", "), scenario.latency.unwrap_or(0))
}

fn name(fault: &Fault) -> String {
    let what = match (fault.kill, fault.end, fault.server, fault.connection, &fault.signal) {
        (Some(v), ..) => format!("kill {v:?}"),
        (_, Some(v), ..) => format!("end {v:?}"),
        (_, _, Some(h), ..) => format!("server {h:?}"),
        (_, _, _, Some(b), _) => format!("connection {b:?}"),
        (.., signal) => format!("signal {}", signal.as_deref().unwrap_or_default()),
    };
    let at = &fault.at;
    match (at.time_share, at.bytes_share, at.number) {
        (Some(t), ..) => format!("{what} at {:.0} %", t * 100.0),
        (_, Some(b), _) => format!("{what} at {:.0} % of the bytes {:?}", b * 100.0, at.way.unwrap_or(Way::Up)),
        (.., n) => format!("{what} at event {}", n.unwrap_or_default()),
    }
}

/// A random scenario: nothing in it depends on anything but the throws.
fn round(dice: &mut Dice) -> Scenario {
    let most = *dice.one(&[10, 300, 3_000, 12_000]);
    let sql = random::database(dice, most);
    let mut steps = Vec::new();
    for _ in 0..1 + dice.below(3) {
        let broken = (0..1 + dice.below(2)).map(|_| fault(dice)).collect();
        steps.push(Step {
            run: Some("migrate".to_owned()),
            faults: broken,
            ends: Ends::Word(EndWord::Anyhow),
            ..Step::default()
        });
        match dice.below(10) {
            0 => steps.push(Step { server: Some(*dice.one(&HOWS)), ..Step::default() }),
            1 => {
                let meanwhile = "CREATE TABLE written_meanwhile (a INTEGER); INSERT INTO written_meanwhile VALUES (1);
                    DROP TABLE IF EXISTS written_before; ALTER TABLE written_meanwhile RENAME TO written_before";
                steps.push(Step { change: Some(meanwhile.to_owned()), ..Step::default() });
                // Refused, done already, or begun anew: whatever stands is taken back.
                steps.push(command("migrate", Ends::Word(EndWord::Anyhow)));
                steps.push(command("rollback", Ends::Word(EndWord::Anyhow)));
            }
            2 => steps.push(command("rollback", Ends::Word(EndWord::Anyhow))),
            _ => {}
        }
    }
    let wal = sql.contains("journal_mode = wal");
    Scenario {
        says: "thrown by the soak".to_owned(),
        source: Source::Sql { sql },
        options: options(dice, wal),
        schema: dice.chance(15).then(|| "made".to_owned()),
        latency: *dice.one(&[None, None, Some(1), Some(4)]),
        then: vec![faults::file::Then::Resume, faults::file::Then::Rollback],
        steps,
        ..Scenario::default()
    }
}

fn command(words: &str, ends: Ends) -> Step {
    Step { run: Some(words.to_owned()), ends, ..Step::default() }
}

fn options(dice: &mut Dice, wal: bool) -> String {
    let mut words = vec!["--accept all --policy lossless".to_owned()];
    words.push(format!("--jobs {}", 1 + dice.below(4)));
    words.push(format!("--chunk-bytes {}", dice.one(&["4KiB", "32KiB", "1MiB", "64MiB"])));
    // Who asks for `pin` asks SQLite to read in place, and then it makes its two files beside a database in WAL mode.
    let third = if wal { "auto" } else { "pin" };
    words.push(format!("--snapshot {}", dice.one(&["auto", "auto", third, "copy"])));
    words.push(format!("--types {}", dice.one(&["native", "inferred", "plain"])));
    words.push(format!("--memory {}", dice.one(&["64MiB", "128MiB"])));
    for (percent, word) in [(20, "--collation database"), (15, "--on-failure rollback"), (30, "--retry-for 0")] {
        if dice.chance(percent) {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}

const HOWS: [How; 3] = [How::Fast, How::Immediate, How::Kill];

fn fault(dice: &mut Dice) -> Fault {
    let mut fault = Fault { may_miss: true, ..Fault::default() };
    match dice.below(10) {
        0..=2 => fault.kill = Some(Victim::Lite2pg),
        3 => fault.kill = Some(*dice.one(&[Victim::Worker, Victim::Coordinator])),
        4 => fault.end = Some(*dice.one(&[Victim::Worker, Victim::Coordinator, Victim::Backends])),
        5 => {
            fault.server = Some(*dice.one(&HOWS));
            fault.lasts = Some(dice.share() * 0.5);
        }
        6 => fault.signal = Some((*dice.one(&["INT", "TERM"])).to_owned()),
        // A stall without an end would be one.
        _ => {
            let broken = *dice.one(&[Break::Cut, Break::Truncate, Break::Down, Break::Stall]);
            fault.connection = Some(broken);
            fault.lasts = matches!(broken, Break::Down | Break::Stall).then(|| dice.share());
        }
    }
    let by_bytes = fault.kill == Some(Victim::Lite2pg) || fault.connection.is_some();
    fault.at = match dice.below(3) {
        0 => At { number: Some(1 + dice.below(60) as usize), ..At::default() },
        1 if by_bytes => {
            At { bytes_share: Some(dice.share()), way: Some(*dice.one(&[Way::Up, Way::Down])), ..At::default() }
        }
        _ => At { time_share: Some(dice.share()), ..At::default() },
    };
    fault
}
