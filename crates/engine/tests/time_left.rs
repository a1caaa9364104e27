//! The estimate of what is left, held by properties: machines of any speed are played through, tick by tick.
//! Owns the playing; the clock is a number.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use lite2pg_engine::observe::Estimate;
use lite2pg_engine::observe::estimate::{Kind, Told};
use proptest::prelude::*;

/// A task: its kind, its bytes, whether it is silent until its end.
#[derive(Clone, Copy, Debug)]
struct Task {
    kind: Kind,
    bytes: f64,
    silent: bool,
}

const TICK: f64 = 0.2;

/// Plays the tasks in order over some workers, each kind at its rate, and asks at every tick.
fn play(tasks: &[Task], workers: usize, rate: impl Fn(Kind) -> f64) -> Vec<(f64, Told)> {
    let mut estimate = Estimate::default();
    for kind in [Kind::Copy, Kind::Keys, Kind::Indexes, Kind::Verify] {
        let of: Vec<&Task> = tasks.iter().filter(|t| t.kind == kind).collect();
        estimate.work(kind, of.len() as u64, of.iter().map(|t| t.bytes as u64).sum(), 0);
    }
    let mut waiting = tasks.iter().copied();
    let mut running: Vec<(Task, f64)> = Vec::new();
    let (mut now, mut told) = (100.0, Vec::new());
    loop {
        while running.len() < workers {
            let Some(task) = waiting.next() else { break };
            estimate.begun(task.kind, if task.silent { task.bytes as u64 } else { 0 }, now);
            running.push((task, task.bytes));
        }
        if running.is_empty() {
            break;
        }
        now += TICK;
        running.retain_mut(|(task, left)| {
            let moved = (rate(task.kind) * TICK).min(*left);
            *left -= moved;
            if !task.silent {
                estimate.moved(task.kind, moved as u64, now);
            }
            if *left <= 0.0 {
                estimate.ended(task.kind, if task.silent { task.bytes as u64 } else { 0 }, now);
            }
            *left > 0.0
        });
        told.push((now - 100.0, estimate.tell(now)));
    }
    estimate.end();
    told.push((now - 100.0, estimate.tell(now)));
    told
}

fn tasks(sizes: &[u32]) -> Vec<Task> {
    let each =
        |kind, share: f64, silent| sizes.iter().map(move |s| Task { kind, bytes: f64::from(*s) * 1e6 * share, silent });
    let copies = each(Kind::Copy, 1.0, false);
    let keys = each(Kind::Keys, 0.3, true).chain(each(Kind::Indexes, 0.4, true));
    copies.chain(keys).chain(each(Kind::Verify, 1.0, false)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_whole_grows_and_ends_at_one(
        sizes in proptest::collection::vec(1u32..3000, 1..12),
        workers in 1usize..5,
        speeds in proptest::array::uniform4(0.2f64..5.0),
    ) {
        let rate = |kind| 60e6 * speeds[match kind { Kind::Copy => 0, Kind::Keys => 1, Kind::Indexes => 2, _ => 3 }];
        let told = play(&tasks(&sizes), workers, rate);
        let (last, before) = told.split_last().unwrap();
        prop_assert_eq!(last.1, Told { fraction: 1.0, left: Some(0.0) });
        let mut fraction = 0.0;
        for (at, told) in before {
            prop_assert!((fraction..1.0).contains(&told.fraction), "{told:?} after {fraction}");
            fraction = told.fraction;
            prop_assert_eq!(told.left.is_some(), *at >= 1.0 - 1e-9, "{} s: {:?}", at, told);
            prop_assert!(told.left.is_none_or(|l| l.is_finite() && l >= 0.0));
        }
        // What is shown changes by a small part of itself, or of what is true, from one look to the next.
        for pair in before.windows(2) {
            let (Some(a), Some(b)) = (pair[0].1.left, pair[1].1.left) else { continue };
            prop_assert!((b - a).abs() <= 0.12 * a.max(b) + 2.0 * TICK, "{a} → {b}");
        }
    }

    #[test]
    fn halfway_it_is_about_right(
        sizes in proptest::collection::vec(200u32..3000, 6..20),
        workers in 1usize..4,
        speed in 0.2f64..4.0,
        each in proptest::array::uniform4(0.6f64..1.6),
    ) {
        // A machine of another speed, and of other strengths.
        let rate = |kind| {
            let (usual, i) = match kind {
                Kind::Copy => (60e6, 0),
                Kind::Keys => (60e6, 1),
                Kind::Indexes => (50e6, 2),
                _ => (90e6, 3),
            };
            usual * speed * each[i]
        };
        let told = play(&tasks(&sizes), workers, rate);
        let whole = told.last().unwrap().0;
        prop_assume!(whole > 10.0);
        for part in [0.3, 0.5, 0.7] {
            let (at, told) = told.iter().find(|(at, _)| *at >= whole * part).unwrap();
            let (left, truth) = (told.left.unwrap(), whole - at);
            // At first only copying was seen; what comes after it may be faster or slower by 1.6 / 0.6.
            prop_assert!((truth / 3.0..truth * 3.0).contains(&left), "at {at:.1} of {whole:.1} s: {left:.1}, truly {truth:.1}");
            prop_assert!((told.fraction - part).abs() < 0.3, "{} at {part}", told.fraction);
        }
    }
}

#[test]
fn what_was_done_before_is_not_taken_for_speed() {
    let mut fresh = Estimate::default();
    let mut resumed = Estimate::default();
    fresh.work(Kind::Copy, 1, 100_000_000, 0);
    resumed.work(Kind::Copy, 1, 1_000_000_000, 900_000_000);
    for estimate in [&mut fresh, &mut resumed] {
        estimate.begun(Kind::Copy, 0, 0.0);
        (1..=5).for_each(|i| estimate.moved(Kind::Copy, 10_000_000, f64::from(i)));
    }
    let (fresh, resumed) = (fresh.tell(5.0), resumed.tell(5.0));
    assert!((fresh.left.unwrap() - resumed.left.unwrap()).abs() < 0.5, "{fresh:?} {resumed:?}");
    assert!(resumed.fraction > 0.9 && fresh.fraction < 0.6);
}

#[test]
fn time_that_a_run_was_held_measures_nothing() {
    let mut estimate = Estimate::default();
    estimate.work(Kind::Copy, 1, 100_000_000, 0);
    estimate.begun(Kind::Copy, 0, 0.0);
    (1..=5).for_each(|i| estimate.moved(Kind::Copy, 10_000_000, f64::from(i)));
    let before = estimate.clone().tell(5.0).left.unwrap();
    estimate.held(1000.0);
    estimate.moved(Kind::Copy, 10_000_000, 1001.0);
    let after = estimate.tell(1001.0).left.unwrap();
    assert!(after <= before, "{before} → {after}");
}
