//! The keys of a parent as an exact set: ascending integers by their places, all else by their bytes.
//! Owns what is equal to what, which is what SQLite's `=` says of two values of one affinity; never reads a row, and never
//! takes more memory than its share.

mod bytes;
mod integers;

use bytes::Bytes;
use integers::Integers;
use lite2pg_model::value::Value;
use std::sync::atomic::{AtomicU64, Ordering};

/// A longer key is not held: no set has one.
const LONGEST: usize = 1 << 16;

/// Bytes that all sets together may take.
#[derive(Debug)]
pub(super) struct Share(AtomicU64);

impl Share {
    pub(super) fn of(bytes: u64) -> Share {
        Share(AtomicU64::new(bytes))
    }
}

/// What was taken of the share; given back in the end.
#[derive(Debug)]
struct Taken<'s> {
    share: &'s Share,
    bytes: u64,
}

impl Taken<'_> {
    /// Has so many bytes in all, if they are there.
    fn reach(&mut self, bytes: u64) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let take = |left: u64| left.checked_sub(more);
        let had = self.share.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        self.bytes += if had { more } else { 0 };
        had
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.share.0.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

/// The keys of the rows of one range of a parent.
#[derive(Debug)]
pub(super) struct Keys<'s> {
    found: Found,
    taken: Taken<'s>,
    encoded: Vec<u8>,
}

#[derive(Debug)]
enum Found {
    Integers(Integers),
    Bytes(Bytes),
    /// More than there is memory for.
    TooMany,
}

impl<'s> Keys<'s> {
    pub(super) fn new(share: &'s Share) -> Self {
        let taken = Taken { share, bytes: 0 };
        Keys { found: Found::Integers(Integers::default()), taken, encoded: Vec::new() }
    }

    /// That nothing is known of these keys.
    pub(super) fn give_up(&mut self) {
        self.found = Found::TooMany;
        self.taken = Taken { share: self.taken.share, bytes: 0 };
    }

    /// Adds the key of one row. One with a NULL in it is nobody's parent.
    #[inline]
    pub(super) fn add<'v>(&mut self, key: impl Iterator<Item = Value<'v>> + Clone) {
        if let Found::Integers(integers) = &mut self.found {
            let mut parts = key.clone();
            if let (Some(Value::Integer(i)), None) = (parts.next(), parts.next())
                && integers.push(i)
            {
                if integers.bytes() > self.taken.bytes {
                    self.grown();
                }
                return;
            }
        }
        self.add_other(key);
    }

    fn add_other<'v>(&mut self, key: impl Iterator<Item = Value<'v>>) {
        match encode(key, &mut self.encoded) {
            Encoded::Null => return,
            Encoded::TooLong => return self.give_up(),
            Encoded::Whole => {}
        }
        self.become_bytes();
        if let Found::Bytes(bytes) = &mut self.found {
            if !bytes.insert(&self.encoded) {
                self.give_up();
            } else if bytes.bytes() > self.taken.bytes {
                self.grown();
            }
        }
    }

    fn become_bytes(&mut self) {
        let Found::Integers(integers) = &mut self.found else { return };
        let (integers, mut bytes, mut encoded) = (std::mem::take(integers), Bytes::default(), Vec::new());
        for i in integers.iter() {
            encode(std::iter::once(Value::Integer(i)), &mut encoded);
            if !bytes.insert(&encoded) || (bytes.bytes() > self.taken.bytes && !self.taken.reach(bytes.bytes())) {
                return self.give_up();
            }
        }
        self.found = Found::Bytes(bytes);
    }

    #[cold]
    fn grown(&mut self) {
        let bytes = match &self.found {
            Found::Integers(integers) => integers.bytes(),
            Found::Bytes(bytes) => bytes.bytes(),
            Found::TooMany => 0,
        };
        if !self.taken.reach(bytes) {
            self.give_up();
        }
    }
}

/// The keys of all rows of a parent.
#[derive(Debug)]
pub(super) struct Known<'s> {
    all: All,
    _taken: Vec<Taken<'s>>,
}

#[derive(Debug)]
enum All {
    /// One for each range, ascending.
    Integers(Vec<Integers>),
    Bytes(Bytes),
}

impl<'s> Known<'s> {
    /// Those of all ranges, in order; `None` if they are too many.
    pub(super) fn of(mut parts: Vec<Keys<'s>>) -> Option<Known<'s>> {
        let all_integers = parts.iter().all(|p| matches!(p.found, Found::Integers(_)));
        let mut bounds = parts.iter().filter_map(|p| if let Found::Integers(i) = &p.found { i.bounds() } else { None });
        let mut last = None;
        let ascending = bounds.all(|(least, greatest)| last.replace(greatest).is_none_or(|last| last < least));
        if all_integers && ascending {
            let (mut all, mut taken) = (Vec::new(), Vec::new());
            for part in parts {
                if let Found::Integers(mut integers) = part.found {
                    integers.finish();
                    all.push(integers);
                    taken.push(part.taken);
                }
            }
            all.retain(|part| part.bounds().is_some());
            return Some(Known { all: All::Integers(all), _taken: taken });
        }
        let mut whole = parts.pop()?;
        whole.become_bytes();
        for mut part in parts {
            part.become_bytes();
            let (Found::Bytes(all), Found::Bytes(more)) = (&mut whole.found, &part.found) else { return None };
            for key in more.iter() {
                if !all.insert(key) || (all.bytes() > whole.taken.bytes && !whole.taken.reach(all.bytes())) {
                    return None;
                }
            }
        }
        let Found::Bytes(all) = whole.found else { return None };
        Some(Known { all: All::Bytes(all), _taken: vec![whole.taken] })
    }

    /// Whether every integer from the one to the other is among them.
    pub(super) fn covers(&self, least: i64, greatest: i64) -> bool {
        let All::Integers(parts) = &self.all else { return false };
        let mut next = least;
        for (first, last) in parts.iter().flat_map(Integers::runs) {
            if last < next {
                continue;
            }
            if first > next {
                return false;
            }
            if last >= greatest {
                return true;
            }
            next = last + 1;
        }
        false
    }

    fn has_integer(&self, parts: &[Integers], i: i64) -> bool {
        let part = parts.partition_point(|p| p.bounds().is_some_and(|(_, last)| last < i));
        parts.get(part).is_some_and(|p| p.contains(i))
    }
}

/// Asks for key after key, and counts those that are not there.
#[derive(Debug)]
pub(super) struct Probe<'k> {
    known: &'k Known<'k>,
    /// Children often follow each other: what the last key was, and whether it was there.
    last: Vec<u8>,
    was_there: bool,
    encoded: Vec<u8>,
    pub(super) orphans: u64,
}

impl<'k> Probe<'k> {
    pub(super) fn new(known: &'k Known<'k>) -> Self {
        Probe { known, last: Vec::new(), was_there: false, encoded: Vec::new(), orphans: 0 }
    }

    /// Takes the key of one row; one with a NULL in it asks for no parent.
    #[inline]
    pub(super) fn take<'v>(&mut self, mut key: impl Iterator<Item = Value<'v>>) {
        match &self.known.all {
            All::Integers(parts) => {
                let there = match key.next() {
                    Some(Value::Null) | None => true,
                    Some(Value::Integer(i)) => self.known.has_integer(parts, i),
                    Some(Value::Real(r)) => integral(r).is_some_and(|i| self.known.has_integer(parts, i)),
                    Some(Value::Text(_) | Value::Blob(_)) => false,
                };
                // Of several columns only a parent without any whole key comes here; a NULL in a later one asks for none.
                let there = there || key.any(|v| matches!(v, Value::Null));
                self.orphans += u64::from(!there);
            }
            All::Bytes(all) => match encode(key, &mut self.encoded) {
                Encoded::Null => {}
                Encoded::TooLong => self.orphans += 1,
                Encoded::Whole => {
                    if self.encoded != self.last {
                        self.was_there = all.contains(&self.encoded);
                        std::mem::swap(&mut self.encoded, &mut self.last);
                    }
                    self.orphans += u64::from(!self.was_there);
                }
            },
        }
    }
}

/// What became of a key.
enum Encoded {
    Whole,
    Null,
    TooLong,
}

/// Writes a key so that two are the same bytes exactly if all their values are equal.
#[inline]
fn encode<'v>(key: impl Iterator<Item = Value<'v>>, out: &mut Vec<u8>) -> Encoded {
    out.clear();
    for value in key {
        match value {
            Value::Null => return Encoded::Null,
            Value::Integer(i) => number(1, i.to_le_bytes(), out),
            Value::Real(r) => match integral(r) {
                Some(i) => number(1, i.to_le_bytes(), out),
                None => number(2, r.to_bits().to_le_bytes(), out),
            },
            Value::Text(b) | Value::Blob(b) if b.len() > LONGEST => return Encoded::TooLong,
            Value::Text(b) => sized(3, b, out),
            Value::Blob(b) => sized(4, b, out),
        }
    }
    Encoded::Whole
}

#[inline]
fn number(tag: u8, bytes: [u8; 8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&bytes);
}

#[inline]
#[allow(clippy::cast_possible_truncation, reason = "no longer than LONGEST")]
fn sized(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// The integer that a real equals.
#[inline]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "checked the way back"
)]
fn integral(r: f64) -> Option<i64> {
    let whole = r as i64;
    // 2^63 becomes the greatest integer, which is not the same number.
    (whole as f64 == r && whole != i64::MAX).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// A few keys from a seed.
    fn numbers(seed: u64, count: usize, spread: u64) -> Vec<i64> {
        let mut x = seed | 1;
        let mut next = move || {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            x
        };
        (0..count).map(|_| (next() % spread).cast_signed() - (spread / 2).cast_signed()).collect()
    }

    fn known<'s>(share: &'s Share, parts: &[Vec<i64>]) -> Option<Known<'s>> {
        let keys = parts.iter().map(|part| {
            let mut keys = Keys::new(share);
            part.iter().for_each(|i| keys.add(std::iter::once(Value::Integer(*i))));
            keys
        });
        Known::of(keys.collect())
    }

    fn orphans(known: &Known<'_>, asked: &[i64]) -> u64 {
        let mut probe = Probe::new(known);
        asked.iter().for_each(|i| probe.take(std::iter::once(Value::Integer(*i))));
        probe.orphans
    }

    #[test]
    fn a_set_of_integers_is_a_set_of_integers() {
        let share = Share::of(1 << 30);
        for (seed, count, spread) in [(1, 10, 20), (2, 5000, 7000), (3, 60_000, 70_000), (4, 3000, 1 << 62), (5, 0, 9)]
        {
            let all: BTreeSet<i64> = numbers(seed, count, spread).into_iter().collect();
            let asked: Vec<i64> = numbers(seed + 9, 5000, spread).into_iter().chain(all.iter().copied()).collect();
            let want = asked.iter().filter(|i| !all.contains(i)).count() as u64;
            let sorted: Vec<i64> = all.iter().copied().collect();
            let (low, high) =
                sorted.split_at(count / 3 * usize::from(!sorted.is_empty()).min(sorted.len()) % (sorted.len() + 1));
            // Ascending over ranges, in one range, ranges the wrong way round (a key that is no rowid), and unordered.
            let ways = [
                vec![low.to_vec(), high.to_vec()],
                vec![sorted.clone()],
                vec![high.to_vec(), low.to_vec()],
                vec![numbers(seed, count, spread), Vec::new()],
            ];
            for way in ways {
                assert_eq!(orphans(&known(&share, &way).unwrap(), &asked), want, "{seed}");
            }
        }
    }

    #[test]
    fn what_is_covered_is_there() {
        let share = Share::of(1 << 30);
        let parts = [vec![i64::MIN, i64::MIN + 1], (-5..70_000).collect(), (70_000..140_000).collect(), vec![i64::MAX]];
        let known = known(&share, &parts).unwrap();
        for (least, greatest, yes) in [
            (-5, 139_999, true),
            (0, 0, true),
            (69_999, 70_000, true),
            (-6, 0, false),
            (-5, 140_000, false),
            (i64::MIN, i64::MIN + 1, true),
            (i64::MIN, i64::MAX, false),
            (i64::MAX, i64::MAX, true),
            (200_000, 300_000, false),
        ] {
            assert_eq!(known.covers(least, greatest), yes, "{least} {greatest}");
        }
    }

    #[test]
    fn values_are_equal_as_in_sqlite() {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        let all = [
            "1",
            "1.0",
            "'1'",
            "x'31'",
            "0",
            "-0.0",
            "9223372036854775807",
            "9223372036854775808.0",
            "1e308",
            "9e999",
            "'a'",
            "'A'",
            "'a '",
            "''",
            "x''",
            "0.5",
            "-9223372036854775808",
            "-9223372036854775808.0",
            "9007199254740993",
            "9007199254740992.0",
        ];
        let share = Share::of(1 << 30);
        for a in all {
            for b in all {
                let sql = format!("SELECT {a}, {b}, {a} = {b}");
                db.query_row(&sql, [], |row| {
                    let value = |i: usize| match row.get_ref(i).unwrap() {
                        rusqlite::types::ValueRef::Null => Value::Null,
                        rusqlite::types::ValueRef::Integer(i) => Value::Integer(i),
                        rusqlite::types::ValueRef::Real(r) => Value::Real(r),
                        rusqlite::types::ValueRef::Text(t) => Value::Text(t),
                        rusqlite::types::ValueRef::Blob(t) => Value::Blob(t),
                    };
                    // Alone, where integers have a set of their own, and as one of two.
                    for more in [None, Some(Value::Integer(7))] {
                        let mut keys = Keys::new(&share);
                        keys.add([value(0)].into_iter().chain(more));
                        let known = Known::of(vec![keys]).unwrap();
                        let mut probe = Probe::new(&known);
                        probe.take([value(1)].into_iter().chain(more));
                        assert_eq!(probe.orphans == 0, row.get::<_, bool>(2).unwrap(), "{a} = {b}");
                    }
                    Ok(())
                })
                .unwrap();
            }
        }
    }

    #[test]
    fn texts_and_pairs_of_any_number() {
        let share = Share::of(1 << 30);
        let text = |i: i64| format!("key {i}");
        let mut keys: Vec<Keys<'_>> = (0..3).map(|_| Keys::new(&share)).collect();
        for i in 0..9000i64 {
            let part = usize::try_from(i % 3).unwrap();
            keys[part].add([Value::Text(text(i * 2).as_bytes()), Value::Integer(i % 5)].into_iter());
            keys[part].add([Value::Null, Value::Integer(i)].into_iter());
        }
        let known = Known::of(keys).unwrap();
        let mut probe = Probe::new(&known);
        for i in 0..9000i64 {
            for _ in 0..2 {
                probe.take([Value::Text(text(i).as_bytes()), Value::Integer(i / 2 % 5)].into_iter());
                probe.take([Value::Text(text(i).as_bytes()), Value::Null].into_iter());
            }
        }
        assert_eq!(probe.orphans, 9000);
        let mut split = Probe::new(&known);
        split.take([Value::Text(b"key 0\x00"), Value::Integer(0)].into_iter());
        assert_eq!(split.orphans, 1);
    }

    #[test]
    fn a_null_in_any_column_asks_for_no_parent_where_there_is_none_at_all() {
        let share = Share::of(1 << 20);
        let known = Known::of(vec![Keys::new(&share)]).unwrap();
        let mut probe = Probe::new(&known);
        probe.take([Value::Integer(1), Value::Null].into_iter());
        probe.take([Value::Null, Value::Integer(1)].into_iter());
        assert_eq!(probe.orphans, 0);
        probe.take([Value::Integer(1), Value::Integer(2)].into_iter());
        assert_eq!(probe.orphans, 1);
    }

    #[test]
    fn no_more_memory_is_taken_than_there_is_and_all_is_given_back() {
        let share = Share::of(100_000);
        assert!(known(&share, &[numbers(3, 50_000, 1 << 62)]).is_none(), "as many keys do not fit");
        let sparse: Vec<i64> = (0..200_000).map(|i| i * 3).collect();
        assert!(known(&share, &[sparse]).is_some(), "a bit for each is enough");
        let dense: Vec<i64> = (0..2_000_000).collect();
        assert!(known(&share, &[dense]).is_some(), "runs take next to nothing");
        let mut keys = Keys::new(&share);
        keys.add([Value::Text(&[b'x'; LONGEST + 1])].into_iter());
        assert!(Known::of(vec![keys]).is_none());
        assert_eq!(share.0.load(Ordering::Relaxed), 100_000);
    }
}
