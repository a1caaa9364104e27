//! The ready queue: whatever the tasks, none is begun before its needs, no two hold locks that exclude each other, and
//! nothing is ever stuck; on a real run the stages overlap.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod breaking;
mod running;

use breaking::Place;
use lite2pg_engine::Error;
use lite2pg_engine::error::Kind;
use lite2pg_engine::observe::{Event, Observer};
use lite2pg_engine::run::queue::locks::{Lock, Mode, agree};
use lite2pg_engine::run::queue::order::{Next, Order, Task};
use lite2pg_engine::run::queue::{More, run};
use lite2pg_engine::run::{Cancel, migrate};
use lite2pg_testkit::cluster::Cluster;
use lite2pg_testkit::fixtures;
use std::sync::Mutex;

#[test]
fn child() {
    breaking::be_child();
}

const MODES: [Mode; 7] = [
    Mode::AccessShare,
    Mode::RowShare,
    Mode::RowExclusive,
    Mode::ShareUpdateExclusive,
    Mode::Share,
    Mode::ShareRowExclusive,
    Mode::AccessExclusive,
];

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n.max(1)
    }
}

/// Any tasks over a few tables.
fn any(dice: &mut Dice) -> Vec<Task> {
    let (count, tables) = (1 + dice.below(60), 1 + dice.below(6));
    let mut last_of_stream: Vec<Option<usize>> = vec![None; tables];
    (0..count)
        .map(|i| {
            let needs = (0..dice.below(4)).filter(|_| i > 0).map(|_| dice.below(i)).collect();
            let lock = |dice: &mut Dice| Lock { table: dice.below(tables), mode: MODES[dice.below(MODES.len())] };
            let locks = (0..dice.below(3)).map(|_| lock(dice)).collect();
            let stream = (dice.below(3) == 0).then(|| dice.below(tables));
            let follows = stream.and_then(|t| last_of_stream[t].replace(i));
            let cost = dice.below(1000) as u64;
            Task { needs, follows, locks, cost, stream, filler: dice.below(4) == 0 }
        })
        .collect()
}

#[test]
fn no_task_before_its_needs_none_against_a_lock_and_none_left_over() {
    let mut dice = Dice(7);
    for case in 0..3000 {
        let mut tasks = any(&mut dice);
        let workers = 1 + dice.below(5);
        let mut order = Order::new(tasks.clone());
        let (mut begun, mut done, mut running) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let next = if running.len() < workers { order.begin_next() } else { Next::Wait };
            match next {
                Next::Begin { task, alone } => {
                    assert!(!begun.contains(&task), "case {case}: task {task} twice");
                    assert!(tasks[task].needs.iter().all(|n| done.contains(n)), "case {case}: {task} before its needs");
                    assert!(tasks[task].follows.is_none_or(|f| begun.contains(&f)), "case {case}: {task} overtook");
                    for other in &running {
                        let other: &Task = &tasks[*other];
                        assert!(agree(&tasks[task].locks, &other.locks), "case {case}: {task} waits for a lock");
                    }
                    assert!(!alone || running.is_empty(), "case {case}: {task} is not alone");
                    begun.push(task);
                    running.push(task);
                }
                Next::Wait => {
                    assert!(!running.is_empty(), "case {case}: stuck after {begun:?} of {tasks:?}");
                    let ended = running.swap_remove(dice.below(running.len()));
                    done.push(ended);
                    // Now and then a task finds more to be done.
                    let found = if tasks.len() < 80 && dice.below(10) == 0 { dice.below(4) } else { 0 };
                    let more = vec![Task { cost: 5, filler: true, ..Task::default() }; found];
                    tasks.extend(more.clone());
                    order.done(ended, more);
                }
                Next::End => break,
            }
        }
        assert!(running.is_empty(), "case {case}: ended while tasks run");
        assert_eq!(done.len(), tasks.len(), "case {case}: left over");
    }
}

#[test]
fn the_longest_way_goes_first_and_fillers_last() {
    let on = |table, mode| vec![Lock { table, mode }];
    let tasks = vec![
        Task { cost: 1000, filler: true, ..Task::default() },
        Task { cost: 10, ..Task::default() },
        // Short, but with a long one behind it.
        Task { cost: 1, locks: on(1, Mode::Share), ..Task::default() },
        Task { cost: 500, needs: vec![2], locks: on(1, Mode::AccessExclusive), ..Task::default() },
        Task { cost: 800, filler: true, locks: on(1, Mode::AccessShare), ..Task::default() },
    ];
    let mut order = Order::new(tasks);
    let mut begin = |expected| match order.begin_next() {
        Next::Begin { task, .. } => assert_eq!(task, expected),
        other => panic!("{other:?} instead of {expected}"),
    };
    begin(2);
    begin(1);
    begin(0);
    // Reading goes beside an index.
    begin(4);
    assert_eq!(order.begin_next(), Next::Wait);
    order.done(2, Vec::new());
    assert_eq!(order.begin_next(), Next::Wait, "the key waits until nobody reads");
    order.done(4, vec![Task { filler: true, locks: on(1, Mode::AccessShare), ..Task::default() }]);
    assert_eq!(order.begin_next(), Next::Begin { task: 3, alone: false }, "what waits goes before another filler");
    assert_eq!(order.begin_next(), Next::Wait);
    [0, 1, 3].into_iter().for_each(|t| order.done(t, Vec::new()));
    assert_eq!(order.begin_next(), Next::Begin { task: 5, alone: true });
    order.done(5, Vec::new());
    assert_eq!(order.begin_next(), Next::End);
}

/// One stream a table as long as there is other work.
#[test]
fn a_second_stream_into_a_table_is_the_second_choice() {
    let chunk = |stream, follows| Task { cost: 100 - stream as u64, stream: Some(stream), follows, ..Task::default() };
    let tasks = vec![
        chunk(0, None),
        chunk(0, Some(0)),
        chunk(0, Some(1)),
        chunk(1, None),
        chunk(1, Some(3)),
        chunk(1, Some(4)),
    ];
    let mut order = Order::new(tasks);
    let mut begun = Vec::new();
    while let Next::Begin { task, .. } = order.begin_next() {
        begun.push(task);
    }
    assert_eq!(begun, [0, 3, 1, 2, 4, 5]);
}

/// The matrix of <https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES>, asked of a server.
#[test]
fn locks_conflict_as_the_server_says() {
    let cluster = Cluster::start(&[], &[]);
    let (mut one, mut other) = (cluster.client("postgres"), cluster.client("postgres"));
    one.batch_execute("CREATE TABLE t ()").unwrap();
    let word = |mode| match mode {
        Mode::AccessShare => "ACCESS SHARE",
        Mode::RowShare => "ROW SHARE",
        Mode::RowExclusive => "ROW EXCLUSIVE",
        Mode::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
        Mode::Share => "SHARE",
        Mode::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
        Mode::AccessExclusive => "ACCESS EXCLUSIVE",
    };
    for a in MODES {
        one.batch_execute(&format!("BEGIN; LOCK TABLE t IN {} MODE", word(a))).unwrap();
        for b in MODES {
            let taken = other.batch_execute(&format!("BEGIN; LOCK TABLE t IN {} MODE NOWAIT", word(b)));
            other.batch_execute("ROLLBACK").unwrap();
            assert_eq!(a.conflicts(b), taken.is_err(), "{} and {}", word(a), word(b));
        }
        one.batch_execute("ROLLBACK").unwrap();
    }
}

#[test]
fn the_first_error_ends_it_and_an_interruption_too() {
    for workers in [1, 3] {
        let tasks = || -> More<usize> { (0..100).map(|i| (Task::default(), i)).collect() };
        let seen = Mutex::new(0);
        let error = run(&mut vec![(); workers], tasks(), &Cancel::new(), |(), i, _| {
            *seen.lock().unwrap() += 1;
            if i == 5 { Err(Error::internal("five")) } else { Ok(Vec::new()) }
        })
        .unwrap_err();
        assert_eq!(error.message, "five");
        assert!(*seen.lock().unwrap() < 100);
        let cancel = Cancel::new();
        let error = run(&mut vec![(); workers], tasks(), &cancel, |(), i, _| {
            if i == 5 {
                cancel.request();
            }
            Ok(Vec::new())
        })
        .unwrap_err();
        assert_eq!(error.kind, Kind::Interrupted);
        let all = Mutex::new(Vec::new());
        let more = |i: usize| if i < 100 { vec![(Task::default(), i + 100)] } else { Vec::new() };
        run(&mut vec![(); workers], tasks(), &Cancel::new(), |(), i, _| {
            all.lock().unwrap().push(i);
            Ok(more(i))
        })
        .unwrap();
        let mut all = all.into_inner().unwrap();
        all.sort_unstable();
        assert_eq!(all, (0..200).collect::<Vec<_>>(), "tasks that were found are done");
    }
}

/// Remembers what ended when, and what was said.
#[derive(Default)]
struct Ends(Mutex<Vec<(String, String)>>);

impl Ends {
    fn all(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap().clone()
    }
}

impl Observer for Ends {
    fn see(&self, event: &Event) {
        match event {
            Event::Done { stage, object, .. } => self.0.lock().unwrap().push(((*stage).to_owned(), object.clone())),
            Event::Detail { text } => self.0.lock().unwrap().push(("detail".to_owned(), text.clone())),
            _ => {}
        }
    }
}

fn two_tables(path: &std::path::Path) {
    fixtures::make(
        path,
        "CREATE TABLE first (id INTEGER PRIMARY KEY, a INTEGER, t TEXT);
         CREATE TABLE second (id INTEGER PRIMARY KEY, first INTEGER REFERENCES first (id), t TEXT);
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
             INSERT INTO first SELECT i, i % 100, 'some text of the row ' || i FROM n;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
             INSERT INTO second SELECT i, i % 5000 + 1, 'some text of the row ' || i FROM n;
         CREATE INDEX first_a ON first (a);",
    );
}

#[test]
fn an_index_of_one_table_is_built_while_another_is_copied() {
    let cluster = Cluster::start(&[], &[]);
    let mut place = Place::new(&cluster, two_tables);
    place.settings.chunk_bytes = 64 << 10;
    for jobs in [1, 2, 4] {
        place.settings.jobs = jobs;
        let ends = Ends::default();
        let report = migrate(&place.settings, &ends, &Cancel::new()).unwrap();
        assert_eq!((report.exit, report.status.as_str()), (0, "done"), "{report:?}");
        assert!(report.tables.iter().all(|t| t.verified && t.source_sha256 == t.target_sha256), "{report:?}");
        let ends = ends.all();
        let last = |stage: &str, object: &str| ends.iter().rposition(|(s, o)| s == stage && o == object).unwrap();
        let (index, copy) = (last("indexes", "first_a"), last("copy", "second"));
        assert!(jobs == 1 || index < copy, "{jobs} jobs: stage after stage: {ends:?}");
        assert!(last("indexes", "first_a") > last("copy", "first"), "{jobs} jobs: built before its rows: {ends:?}");
        place.must_undo("overlap");
    }
}

/// The build's sessions are set, which is told; nobody else's are.
#[test]
fn only_our_sessions_are_set() {
    let cluster = Cluster::start(&["maintenance_work_mem = 1MB", "max_parallel_maintenance_workers = 1"], &[]);
    let mut place = Place::new(&cluster, two_tables);
    let shown = |place: &Place| {
        let sql = "SELECT string_agg(name || setting, ',' ORDER BY name) FROM pg_settings WHERE name IN \
                   ('maintenance_work_mem', 'synchronous_commit', 'max_parallel_maintenance_workers')";
        place.client(&cluster).query_one(sql, &[]).unwrap().get::<_, String>(0)
    };
    let before = shown(&place);
    // An index's build tells what its session is set to.
    let spy = "CREATE FUNCTION public.spy() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
                   INSERT INTO public.seen SELECT \
                       pg_size_bytes(current_setting('maintenance_work_mem')) / 1048576 || 'MB', \
                       current_setting('synchronous_commit'), current_setting('lock_timeout'); END $$;
               CREATE TABLE public.seen (m text, s text, l text);
               CREATE EVENT TRIGGER spy ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION public.spy()";
    place.client(&cluster).batch_execute(spy).unwrap();
    place.settings.jobs = 2;
    let ends = Ends::default();
    assert_eq!(migrate(&place.settings, &ends, &Cancel::new()).unwrap().exit, 0);
    let seen = place.client(&cluster).query("SELECT DISTINCT m, s, l FROM public.seen", &[]).unwrap();
    let seen: Vec<[String; 3]> = seen.iter().map(|r| [r.get(0), r.get(1), r.get(2)]).collect();
    let [[memory, commit, wait]] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!((commit.as_str(), wait.as_str()), ("off", "0"));
    assert_ne!(memory, "1MB", "sorting an index got no more than the server gives everybody");
    let told = ends.all().into_iter().find(|(kind, text)| kind == "detail" && text.contains("maintenance_work_mem"));
    assert!(told.as_ref().is_some_and(|(_, text)| text.contains(&format!("= {memory},"))), "{told:?} {memory}");
    assert_eq!(shown(&place), before);
}
