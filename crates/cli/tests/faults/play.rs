//! Plays a scenario: its steps with their faults, then what must be true at the end, whatever happened.
//! Owns the order of things and the promises that are checked; never knows which scenarios there are.

use super::file::{At, Break, EndWord, Ends, Fault, How, Scenario, Step, Then, Victim, Way};
use super::place::{self, Place};
use super::process::{Ended, Running};
use lite2pg_testkit::cluster::{Cluster, Stop};
use lite2pg_testkit::picture::compare;
use lite2pg_testkit::proxy::{self, Proxy};
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, String>;

/// How often is looked whether an instant has come.
const LOOK: Duration = Duration::from_millis(1);

/// What an uninterrupted run comes to.
#[derive(Clone)]
struct Known {
    after: Vec<String>,
    took: Duration,
    /// Bytes up and down.
    bytes: [u64; 2],
}

/// What a playing came to.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// Faults that happened.
    pub faults: usize,
    /// How each command of the steps ended.
    pub ends: Vec<String>,
}

/// Plays a scenario once for each of its ends, on a server of its own.
///
/// # Errors
/// A promise was broken: which, and at which step.
pub fn play(scenario: &Scenario) -> Outcome<Played> {
    play_on(scenario, &place::server(scenario))
}

/// The same on a server that others use too: only for scenarios that do nothing to it.
///
/// # Errors
/// As [`play`].
pub fn play_on(scenario: &Scenario, cluster: &Cluster) -> Outcome<Played> {
    let latency = Duration::from_millis(scenario.latency.unwrap_or(0));
    let proxy = scenario.by_proxy().then(|| Proxy::slow(cluster.port, latency));
    let mut all = Played::default();
    let first = Place::new(scenario, cluster, proxy.as_ref());
    let sources = first.sources();
    let known = know(scenario, &first).map_err(|e| format!("uninterrupted: {e}"))?;
    same_sources(&sources, &first)?;
    for then in &scenario.then {
        let place = first.like();
        let mut player = Player::new(scenario, &place, known.clone());
        player.go_through(*then).map_err(|e| format!("(then {then:?}) {e}"))?;
        all.faults += player.played.faults;
        all.ends.append(&mut player.played.ends);
    }
    Ok(all)
}

struct Player<'a> {
    scenario: &'a Scenario,
    place: &'a Place<'a>,
    before: Vec<String>,
    sources: place::Sources,
    known: Known,
    /// What the last command said.
    said: String,
    played: Played,
}

impl<'a> Player<'a> {
    fn new(scenario: &'a Scenario, place: &'a Place<'a>, known: Known) -> Player<'a> {
        let (before, sources) = (place.picture(), place.sources());
        Player { scenario, place, before, sources, known, said: String::new(), played: Played::default() }
    }

    fn go_through(&mut self, then: Then) -> Outcome<()> {
        for (n, step) in self.scenario.steps.iter().enumerate() {
            self.step(step).map_err(|e| format!("step {}: {e}", n + 1))?;
            same_sources(&self.sources, self.place).map_err(|e| format!("step {}: {e}", n + 1))?;
        }
        if then == Then::Resume {
            self.resume().map_err(|e| format!("resume: {e}"))?;
        }
        if then != Then::Undone {
            self.roll_back().map_err(|e| format!("rollback: {e}"))?;
        }
        same("the target is not as it was before", &self.before, &self.place.picture())?;
        same_sources(&self.sources, self.place)?;
        self.place.left_over().map_or(Ok(()), |left| Err(format!("sessions are left: {left}")))
    }

    fn resume(&mut self) -> Outcome<()> {
        self.command(&self.migrate_words(), None, &Ends::Exit(0))?;
        self.command("verify --level rows", None, &Ends::Exit(0))?;
        same("it came to another end", &self.known.after, &self.place.picture())
    }

    fn roll_back(&mut self) -> Outcome<()> {
        let ended = self.place.start("rollback", None, false).wait()?;
        let nothing = ended.exit == Some(4) && ended.said.contains("there is no run to undo");
        if nothing { Ok(()) } else { check_end(&ended, &Ends::Exit(0), false) }
    }

    fn migrate_words(&self) -> String {
        format!("migrate {}", self.scenario.options)
    }

    fn command(&mut self, words: &str, source: Option<&str>, ends: &Ends) -> Outcome<()> {
        let ended = self.place.start(words, source, false).wait()?;
        self.said.clone_from(&ended.said);
        check_end(&ended, ends, false).map_err(|e| format!("{words}: {e}"))
    }

    fn step(&mut self, step: &Step) -> Outcome<()> {
        if let Some(sql) = &step.sql {
            return in_target(self.place, sql);
        }
        if let Some(sql) = &step.change {
            self.change(sql);
            self.known = know(self.scenario, &self.place.beside())?;
            return Ok(());
        }
        if let Some(how) = step.server {
            self.place.cluster.stop(stop(how));
            self.place.cluster.restart();
            return Ok(());
        }
        let by_proxy = self.scenario.by_proxy() && !step.faults.is_empty() || self.scenario.latency.is_some();
        let mut running = match (&step.run, &step.printed) {
            (Some(words), _) => {
                let migrate = words.split_whitespace().next() == Some("migrate");
                let words = if migrate { format!("{words} {}", self.scenario.options) } else { words.clone() };
                self.place.start(&words, step.of.as_deref(), by_proxy)
            }
            (None, Some(label)) => {
                let line =
                    self.said.lines().find_map(|l| l.split_once(label.as_str())?.1.trim().strip_prefix("lite2pg "));
                let line = line.ok_or_else(|| format!("no command was printed after {label:?}:\n{}", self.said))?;
                self.place.type_in(&format!("lite2pg {line}"))
            }
            (None, None) => return Err("it does nothing".to_owned()),
        };
        let ended = self.faults(&mut running, &step.faults);
        // Whatever was broken and not mended by its fault is mended now.
        self.place.proxy.inspect(|p| mend(p));
        ended.inspect_err(|_| running.kill())?;
        let ended = running.wait()?;
        self.said.clone_from(&ended.said);
        let how =
            if ended.killed { "killed".to_owned() } else { ended.exit.map_or_else(String::new, |e| e.to_string()) };
        self.played.ends.push(how);
        check_end(&ended, &step.ends, step.may_recover)?;
        let silent = |word: &&String| !ended.said.contains(word.as_str());
        // What a command that could recover said of its end is not known.
        let recovered = step.may_recover && ended.exit == Some(0);
        match step.tells.iter().find(silent).filter(|_| !recovered) {
            Some(word) => Err(format!("it does not say {word:?}:\n{}", ended.said)),
            None => Ok(()),
        }
    }

    fn change(&mut self, sql: &str) {
        lite2pg_testkit::fixtures::make(&self.place.source(None), sql);
        self.sources = self.place.sources();
    }

    /// Brings about one fault after the other while a command runs.
    fn faults(&mut self, running: &mut Running, faults: &[Fault]) -> Outcome<()> {
        // A proxy must know before the first byte.
        for (n, fault) in faults.iter().enumerate() {
            let came = self.wait(running, fault).map_err(|e| format!("fault {}: {e}", n + 1))?;
            if !came && fault.may_miss {
                return Ok(());
            }
            if !came {
                let last = running.events().last().map(ToString::to_string).unwrap_or_default();
                return Err(format!("fault {} never came; the last event: {last}", n + 1));
            }
            self.act(running, fault).map_err(|e| format!("fault {}: {e}", n + 1))?;
            self.played.faults += 1;
        }
        Ok(())
    }

    /// Waits for the instant of a fault; false: the command ended before.
    fn wait(&self, running: &mut Running, fault: &Fault) -> Outcome<bool> {
        let at = &fault.at;
        if at.by_bytes() {
            let proxy = self.place.proxy.ok_or("there is no proxy")?;
            let way = at.way.unwrap_or(Way::Up);
            let all = self.known.bytes[way as usize];
            let share = at.bytes_share.map(|s| (all as f64 * s) as u64);
            let bytes = at.bytes.or(share).unwrap_or(0).max(1);
            let way = if way == Way::Up { proxy::Way::Up } else { proxy::Way::Down };
            proxy.arm(way, bytes, act_of_proxy(fault, running.pid()));
            return Ok(until(running, |_| Ok(!proxy.is_armed()))? || !proxy.is_armed());
        }
        if let Some(sql) = &at.when {
            let mut client = self.place.cluster.client(&self.place.db);
            return until(running, |_| match client.query_one(sql, &[]) {
                Ok(row) => Ok(row.get::<_, Option<bool>>(0) == Some(true)),
                // What is asked for may not be there yet.
                Err(e) if e.as_db_error().is_some() => Ok(false),
                Err(e) => Err(format!("{sql}: {e}")),
            });
        }
        if at.event.is_some() || at.number.is_some() {
            return Ok(until(running, |r| Ok(has_come(at, r.events())))? || has_come(at, running.events()));
        }
        let share = at.time_share.map(|s| self.known.took.mul_f64(s));
        let delay = at.seconds.map(Duration::from_secs_f64).or(share).unwrap_or_default();
        until(running, |r| Ok(r.elapsed() >= delay))
    }

    fn act(&mut self, running: &mut Running, fault: &Fault) -> Outcome<()> {
        let lasts = Duration::from_secs_f64(fault.lasts.unwrap_or(0.0));
        match (fault.kill, fault.end) {
            (Some(Victim::Lite2pg), _) => running.kill(),
            (_, Some(Victim::Lite2pg)) => running.signal("TERM"),
            (Some(victim), _) => kill_backends(self.place, victim, true, fault.may_miss)?,
            (_, Some(victim)) => kill_backends(self.place, victim, false, fault.may_miss)?,
            _ => {}
        }
        if let Some(how) = fault.server {
            self.place.cluster.stop(stop(how));
            std::thread::sleep(lasts);
            self.place.cluster.restart();
        }
        if let Some(broken) = fault.connection {
            let proxy = self.place.proxy.ok_or("there is no proxy")?;
            if !fault.at.by_bytes() {
                match broken {
                    Break::Cut => proxy.cut(),
                    Break::Down => proxy.down(),
                    // At the next byte.
                    Break::Stall => proxy.arm(proxy::Way::Up, 1, proxy::Fault::Stall),
                    Break::Truncate => proxy.arm(proxy::Way::Down, 1, proxy::Fault::Truncate),
                }
            } else if broken == Break::Down {
                proxy.down();
            }
            if fault.lasts.is_some() {
                std::thread::sleep(lasts);
                mend(proxy);
            }
        }
        if let Some(name) = &fault.signal {
            running.signal(name);
        }
        if let Some(sql) = &fault.sql {
            in_target(self.place, sql)?;
        }
        if let Some(sql) = &fault.change {
            self.change(sql);
        }
        match &fault.meanwhile {
            Some(step) => self.step(step).map_err(|e| format!("meanwhile: {e}")),
            None => Ok(()),
        }
    }
}

/// An uninterrupted run into a place that nobody needs afterwards, and what it came to.
fn know(scenario: &Scenario, other: &Place<'_>) -> Outcome<Known> {
    let before = other.picture();
    other.proxy.inspect(|p| mend(p));
    let begin = Instant::now();
    let running = other.start(&format!("migrate {}", scenario.options), None, scenario.by_proxy());
    check_end(&running.wait()?, &Ends::Exit(0), false)?;
    let took = begin.elapsed();
    let bytes = other.proxy.map_or([0, 0], |p| [p.passed(proxy::Way::Up), p.passed(proxy::Way::Down)]);
    let after = other.picture();
    if before == after {
        return Err("the picture does not show what was migrated".to_owned());
    }
    Ok(Known { after, took, bytes })
}

fn mend(proxy: &Proxy) {
    proxy.reset();
    proxy.release();
    proxy.up();
}

/// Asks again and again until it is so; false: the command ended before.
fn until(running: &mut Running, mut so: impl FnMut(&mut Running) -> Outcome<bool>) -> Outcome<bool> {
    loop {
        if so(running)? {
            return Ok(true);
        }
        if running.has_ended() {
            return Ok(false);
        }
        if running.too_long() {
            return Err("its instant does not come, and the command does not end".to_owned());
        }
        std::thread::sleep(LOOK);
    }
}

fn has_come(at: &At, events: &[serde_json::Value]) -> bool {
    if let Some(number) = at.number {
        return events.len() >= number;
    }
    let is = |event: &serde_json::Value, key: &str, want: &Option<String>| {
        want.as_ref().is_none_or(|w| event[key].as_str() == Some(w.as_str()))
    };
    let alike = events.iter().filter(|e| {
        is(e, "event", &at.event)
            && is(e, "stage", &at.stage)
            && (is(e, "object", &at.object) || is(e, "table", &at.object))
    });
    alike.count() >= at.nth.unwrap_or(1)
}

fn act_of_proxy(fault: &Fault, pid: u32) -> proxy::Fault {
    match fault.connection {
        Some(Break::Cut | Break::Down) => proxy::Fault::Cut,
        Some(Break::Truncate) => proxy::Fault::Truncate,
        Some(Break::Stall) => proxy::Fault::Stall,
        None => proxy::Fault::Kill(pid),
    }
}

fn stop(how: How) -> Stop {
    match how {
        How::Fast => Stop::Fast,
        How::Immediate => Stop::Immediate,
        How::Kill => Stop::Kill,
    }
}

/// Ends backends of ours: SIGKILL (then the server throws everybody out and recovers), or as an administrator does it.
fn kill_backends(place: &Place<'_>, victim: Victim, hard: bool, may_miss: bool) -> Outcome<()> {
    // The coordinator holds the run's lock alone, a worker shares one.
    let whose = match victim {
        Victim::Coordinator => "AND l.mode = 'ExclusiveLock'",
        Victim::Worker => "AND l.mode = 'ShareLock'",
        Victim::Backends | Victim::Lite2pg => "",
    };
    let one = if victim == Victim::Backends { "" } else { "LIMIT 1" };
    let sql = format!(
        "SELECT a.pid FROM pg_stat_activity a LEFT JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'advisory' AND l.granted \
         WHERE a.datname = current_database() AND a.application_name LIKE 'lite2pg %' {whose} {one}"
    );
    let mut client = place.cluster.client(&place.db);
    let pids: Vec<i32> = client.query(&sql, &[]).map_err(|e| e.to_string())?.iter().map(|r| r.get(0)).collect();
    if pids.is_empty() && !may_miss {
        return Err(format!("no backend of the {victim:?} is there"));
    }
    for pid in pids {
        if hard {
            let _ = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        } else {
            let _ = client.execute("SELECT pg_terminate_backend($1)", &[&pid]);
        }
    }
    if hard {
        // The server may not have noticed it yet, and then takes a moment to recover.
        drop(client);
        std::thread::sleep(Duration::from_millis(100));
        place.cluster.wait_until_it_answers();
    }
    Ok(())
}

fn in_target(place: &Place<'_>, sql: &str) -> Outcome<()> {
    place
        .cluster
        .client(&place.db)
        .batch_execute(sql)
        .map_err(|e| format!("{}\n{sql}", e.as_db_error().map_or_else(|| e.to_string(), ToString::to_string)))
}

fn check_end(ended: &Ended, ends: &Ends, may_recover: bool) -> Outcome<()> {
    let right = match ends {
        Ends::Exit(exit) => ended.exit == Some(*exit) || may_recover && ended.exit == Some(0),
        Ends::Word(EndWord::Killed) => ended.killed,
        Ends::Word(EndWord::Anyhow) => ended.killed || ended.exit.is_some_and(|e| [0, 4, 8].contains(&e)),
    };
    if right {
        return Ok(());
    }
    let how = if ended.killed { "killed".to_owned() } else { format!("exit {:?}", ended.exit) };
    Err(format!("ended with {how}, not {ends:?}; its last event: {}\n{}", ended.last, ended.said))
}

fn same(what: &str, before: &[String], after: &[String]) -> Outcome<()> {
    match compare(before, after) {
        same if same.is_empty() => Ok(()),
        differ => Err(format!("{what}:\n{differ}")),
    }
}

fn same_sources(before: &place::Sources, place: &Place<'_>) -> Outcome<()> {
    let now = place.sources();
    if *before == now { Ok(()) } else { Err(format!("the source changed: {before:?} → {now:?}")) }
}
