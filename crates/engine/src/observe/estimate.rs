//! How much of a run is done and how long the rest takes, over all its stages, which may overlap.
//! Owns the arithmetic; knows no clock (the time is handed in) and shows nothing.
//!
//! Work is counted in bytes of its kind. Each kind has a rate: bytes that one worker does in a second, measured in this
//! run as far as it goes; what has not been measured goes by a usual rate, corrected by how this machine did so far at
//! what has. What is left of each kind, divided by its rate and by how many workers are at it together, is the time that
//! is left. It is shown smoothed, from the first second on, and "about".

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// SQLite's check of its file.
    Check,
    /// The census.
    Census,
    /// Rows to the target.
    Copy,
    /// Primary and unique keys.
    Keys,
    /// Other indexes.
    Indexes,
    /// Foreign keys and checks.
    Constraints,
    /// Statistics.
    Analyze,
    /// Rows read back.
    Verify,
    /// Everything else: short, or of unknown length.
    Other,
}

const KINDS: usize = 9;
/// Usual rates in bytes a second of one worker, in the order of [`Kind`]: the right order of magnitude is enough.
const USUAL: [f64; KINDS] = [900e6, 90e6, 60e6, 60e6, 50e6, 250e6, 1000e6, 90e6, 100e6];
/// What a task costs however small it is, in seconds.
const TASK: f64 = 0.002;
/// So many seconds of measuring weigh as much as what was believed before.
const BELIEF: f64 = 1.0;
/// The time over which a change of the estimate is shown.
const SMOOTH: f64 = 4.0;
/// How fast what is shown may grow or shrink beside the time that goes by: by this power of e in a second.
const STEEP: f64 = 0.5;

impl Kind {
    /// The kind of a stage, by its word.
    pub fn of(stage: &str) -> Kind {
        match stage {
            "check" => Kind::Check,
            "census" | "trial" => Kind::Census,
            "copy" => Kind::Copy,
            "keys" => Kind::Keys,
            "indexes" => Kind::Indexes,
            "constraints" | "foreign-keys" => Kind::Constraints,
            "analyze" => Kind::Analyze,
            "verify" => Kind::Verify,
            _ => Kind::Other,
        }
    }

    fn index(self) -> usize {
        self as usize
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Part {
    all: f64,
    done: f64,
    /// Of `done`: what this process did while it was measured.
    measured: f64,
    /// Seconds of workers, for `measured`.
    busy: f64,
    running: u32,
    /// Bytes of running tasks that tell nothing before they end, and the seconds since they began, added up.
    silent: f64,
    since: f64,
}

/// The estimate of one run.
#[derive(Clone, Debug, Default)]
pub struct Estimate {
    parts: [Part; KINDS],
    begin: Option<f64>,
    last: f64,
    asked: f64,
    workers: f64,
    fraction: f64,
    left: Option<f64>,
    ended: bool,
}

/// What can be said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// The part of the whole that is done, 0 to 1; never less than before, and 1 only at the end.
    pub fraction: f64,
    /// Seconds that are left, about; `None`: nothing can be said yet.
    pub left: Option<f64>,
}

impl Estimate {
    /// What a source of so many bytes comes to, before anything else is known of it.
    pub fn guess(&mut self, bytes: u64) {
        let bytes = bytes as f64;
        for (kind, share) in [
            (Kind::Check, 1.0),
            (Kind::Census, 0.8),
            (Kind::Copy, 0.8),
            (Kind::Keys, 0.2),
            (Kind::Indexes, 0.2),
            (Kind::Verify, 0.8),
        ] {
            self.part(kind).all = bytes * share;
        }
    }

    /// How much work of a kind there is: all of it, and what an earlier process has done of it.
    pub fn work(&mut self, kind: Kind, tasks: u64, bytes: u64, done: u64) {
        let part = self.part(kind);
        part.all = bytes as f64 + tasks as f64 * TASK * usual(kind);
        part.done = part.done.max(done as f64).min(part.all);
    }

    /// A worker begins a task of a kind at `now` (seconds of any clock that goes forward). `silent`: its bytes, if it will
    /// tell nothing before it ends; 0 if [`Estimate::moved`] is told on the way.
    pub fn begun(&mut self, kind: Kind, silent: u64, now: f64) {
        self.pass(now);
        let part = self.part(kind);
        part.running += 1;
        part.silent += silent as f64;
    }

    /// Bytes of a kind went by.
    pub fn moved(&mut self, kind: Kind, bytes: u64, now: f64) {
        self.pass(now);
        self.add(kind, bytes as f64);
    }

    /// A task of a kind has ended; `silent` as in [`Estimate::begun`].
    pub fn ended(&mut self, kind: Kind, silent: u64, now: f64) {
        self.pass(now);
        self.add(kind, silent as f64 + TASK * usual(kind));
        let part = self.part(kind);
        // The share of the one that ended.
        part.since -= part.since / f64::from(part.running.max(1));
        part.running = part.running.saturating_sub(1);
        part.silent = (part.silent - silent as f64).max(0.0);
        if part.running == 0 {
            (part.silent, part.since) = (0.0, 0.0);
        }
    }

    /// Bytes of a kind that are left.
    pub fn left_of(&self, kind: Kind) -> u64 {
        self.parts.get(kind.index()).map_or(0, |p| (p.all - p.done).max(0.0) as u64)
    }

    /// Nothing of this kind is left.
    pub fn finished(&mut self, kind: Kind, now: f64) {
        self.pass(now);
        let part = self.part(kind);
        part.done = part.all;
        (part.running, part.silent, part.since) = (0, 0.0, 0.0);
    }

    /// Workers were held since the last call: that time measures nothing.
    pub fn held(&mut self, now: f64) {
        self.last = self.last.max(now);
    }

    /// The whole is done.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// What can be said at `now`.
    pub fn tell(&mut self, now: f64) -> Told {
        self.pass(now);
        let before = std::mem::replace(&mut self.asked, now);
        if self.ended {
            self.fraction = 1.0;
            return Told { fraction: 1.0, left: Some(0.0) };
        }
        let (mut all, mut left) = (0.0, 0.0);
        let factor = self.factor();
        for (index, part) in self.parts.iter().enumerate() {
            let rate = part.rate(index, factor);
            all += part.all / rate;
            left += (part.all - part.done - part.unseen(rate)).max(0.0) / rate;
        }
        if all > 0.0 {
            self.fraction = self.fraction.max((1.0 - left / all).min(0.99));
        }
        let elapsed = self.begin.map_or(0.0, |b| now - b);
        if elapsed < 1.0 || all <= 0.0 {
            return Told { fraction: self.fraction, left: None };
        }
        let raw = left / self.together(elapsed);
        let shown = match self.left {
            None => raw,
            Some(shown) => {
                let dt = (now - before).max(0.0);
                let counted = (shown - dt).max(0.0);
                let step = (dt * STEEP).exp();
                (counted + (raw - counted) * (1.0 - (-dt / SMOOTH).exp())).clamp(counted / step, (counted + 1.0) * step)
            }
        };
        self.left = Some(shown);
        Told { fraction: self.fraction, left: Some(shown) }
    }

    fn part(&mut self, kind: Kind) -> &mut Part {
        &mut self.parts[kind.index()]
    }

    fn add(&mut self, kind: Kind, bytes: f64) {
        let part = self.part(kind);
        if part.running > 0 {
            part.measured += bytes;
        }
        part.done = (part.done + bytes).min(part.all.max(part.done));
    }

    /// Time goes by: workers are busy.
    fn pass(&mut self, now: f64) {
        let begin = *self.begin.get_or_insert(now);
        let dt = (now - self.last.max(begin)).max(0.0);
        self.last = self.last.max(now);
        let mut busy = 0;
        for part in self.parts.iter_mut().filter(|p| p.running > 0) {
            busy += part.running;
            part.busy += dt * f64::from(part.running);
            if part.silent > 0.0 {
                part.since += dt * f64::from(part.running);
            }
        }
        self.workers = self.workers.max(f64::from(busy));
    }

    /// How this machine does compared with the usual, over all that was measured.
    fn factor(&self) -> f64 {
        let (mut usual, mut taken) = (BELIEF, BELIEF);
        for (part, rate) in self.parts.iter().zip(USUAL) {
            usual += part.measured / rate;
            taken += (part.busy - part.since).max(0.0);
        }
        (usual / taken).clamp(0.02, 50.0)
    }

    /// How many workers are at it at once, on average so far.
    fn together(&self, elapsed: f64) -> f64 {
        let busy: f64 = self.parts.iter().map(|p| p.busy).sum();
        ((busy + self.workers * BELIEF) / (elapsed + BELIEF)).max(1.0)
    }
}

impl Part {
    fn rate(&self, index: usize, factor: f64) -> f64 {
        let believed = USUAL.get(index).copied().unwrap_or(1e8) * factor;
        let of = |bytes: f64, seconds: f64| ((bytes + believed * BELIEF) / (seconds.max(0.0) + BELIEF)).max(1.0);
        let ended = of(self.measured, self.busy - self.since);
        // Running tasks that tell nothing count once they take longer than they should.
        if self.since * ended > self.silent { of(self.measured + self.silent, self.busy) } else { ended }
    }

    /// What silent tasks have probably done by now.
    fn unseen(&self, rate: f64) -> f64 {
        (self.since * rate).min(self.silent * 0.95)
    }
}

/// How long one worker usually takes for a task of so many bytes.
pub fn usual_seconds(kind: Kind, bytes: u64) -> f64 {
    TASK + bytes as f64 / usual(kind)
}

fn usual(kind: Kind) -> f64 {
    USUAL.get(kind.index()).copied().unwrap_or(1e8)
}
