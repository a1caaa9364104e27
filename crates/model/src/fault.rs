//! Faults on purpose, for tests: a codec that errs in one value, a copy that loses or doubles one row, a view that is
//! another.
//! Owns the list of faults and which one is armed; never part of a build that is given to anybody.

#![allow(clippy::ptr_arg, reason = "every fault has one shape, and some change the length")]

use crate::mapping::PgType;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// One way in which a codec may err.
pub struct Fault {
    /// What it does, in a few words.
    pub name: &'static str,
    /// As DDL writes the type whose codec errs, without what stands in parentheses.
    pub ty: &'static str,
    /// Changes the bytes of a field (without its length).
    spoil: fn(&mut Vec<u8>),
}

/// A fault of the copy itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFault {
    /// The reader leaves a row out.
    Unread = 1,
    /// A row is counted and not sent.
    Unsent = 2,
    /// A row is read twice.
    ReadTwice = 3,
    /// A row is counted once and sent twice.
    SentTwice = 4,
}

fn last_bit(field: &mut Vec<u8>) {
    if let Some(byte) = field.last_mut() {
        *byte ^= 1;
    }
}

fn sign(field: &mut Vec<u8>) {
    if let Some(byte) = field.first_mut() {
        *byte ^= 0x80;
    }
}

fn negate(field: &mut Vec<u8>) {
    // Two's complement, over any width.
    let mut carry = 1;
    for byte in field.iter_mut().rev() {
        let sum = u16::from(!*byte) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
}

fn first_letter(field: &mut Vec<u8>) {
    if let Some(byte) = field.iter_mut().find(|b| b.is_ascii_alphabetic()) {
        *byte ^= 0x20;
    } else {
        field.push(b'x');
    }
}

fn longer_by_a_space(field: &mut Vec<u8>) {
    field.push(b' ');
}

fn shorter(field: &mut Vec<u8>) {
    if field.pop().is_none() {
        field.push(0);
    }
}

fn swapped(field: &mut Vec<u8>) {
    field.reverse();
}

/// The words of a numeric: number of digits, weight, sign, scale, digits; all of 16 bits.
fn numeric_digit(field: &mut Vec<u8>) {
    if field.len() > 9 {
        field[9] ^= 1;
    } else {
        // Zero has no digits: it becomes 1.
        *field = vec![0, 1, 0, 0, 0, 0, 0, 0, 0, 1];
    }
}

fn numeric_sign(field: &mut Vec<u8>) {
    if field.len() > 9 {
        field[4] ^= 0x40;
    } else {
        numeric_digit(field);
    }
}

fn json_digit(field: &mut Vec<u8>) {
    match field.iter_mut().skip(1).rev().find(|b| b.is_ascii_digit()) {
        Some(digit) => *digit = if *digit == b'9' { b'8' } else { *digit + 1 },
        None => *field = b"\x01{}".to_vec(),
    }
}

/// Of an interval, which begins with its microseconds.
fn microsecond(field: &mut Vec<u8>) {
    if let Some(byte) = field.get_mut(7) {
        *byte ^= 1;
    }
}

/// Of an address, whose second byte is the length of its network.
fn bits(field: &mut Vec<u8>) {
    if let Some(byte) = field.get_mut(1) {
        *byte ^= 1;
    }
}

/// Of an address, which begins with four bytes that say what it is.
fn first_bit(field: &mut Vec<u8>) {
    if let Some(byte) = field.get_mut(4) {
        *byte ^= 0x80;
    }
}

/// Every fault of a codec that can be armed.
pub const FAULTS: &[Fault] = &[
    Fault { name: "one bit", ty: "smallint", spoil: last_bit },
    Fault { name: "another sign", ty: "smallint", spoil: negate },
    Fault { name: "one bit", ty: "integer", spoil: last_bit },
    Fault { name: "swapped bytes", ty: "integer", spoil: swapped },
    Fault { name: "one bit", ty: "bigint", spoil: last_bit },
    Fault { name: "another sign", ty: "bigint", spoil: negate },
    Fault { name: "one digit", ty: "numeric", spoil: numeric_digit },
    Fault { name: "another sign", ty: "numeric", spoil: numeric_sign },
    Fault { name: "the last bit of the mantissa", ty: "double precision", spoil: last_bit },
    Fault { name: "another sign", ty: "double precision", spoil: sign },
    Fault { name: "the other truth", ty: "boolean", spoil: last_bit },
    Fault { name: "another letter case", ty: "text", spoil: first_letter },
    Fault { name: "a space at the end", ty: "text", spoil: longer_by_a_space },
    Fault { name: "one byte less", ty: "bytea", spoil: shorter },
    Fault { name: "one bit", ty: "bytea", spoil: last_bit },
    Fault { name: "a day", ty: "date", spoil: last_bit },
    Fault { name: "a microsecond", ty: "timestamp", spoil: last_bit },
    Fault { name: "a microsecond", ty: "timestamptz", spoil: last_bit },
    Fault { name: "one bit", ty: "uuid", spoil: last_bit },
    Fault { name: "one digit", ty: "jsonb", spoil: json_digit },
    Fault { name: "a space at the end", ty: "json", spoil: longer_by_a_space },
    Fault { name: "another letter case", ty: "varchar", spoil: first_letter },
    Fault { name: "another letter case", ty: "char", spoil: first_letter },
    Fault { name: "another letter case", ty: "enum", spoil: first_letter },
    Fault { name: "a microsecond", ty: "time", spoil: last_bit },
    Fault { name: "a microsecond", ty: "interval", spoil: microsecond },
    Fault { name: "a month", ty: "interval", spoil: last_bit },
    Fault { name: "one bit", ty: "inet", spoil: last_bit },
    Fault { name: "another network", ty: "inet", spoil: bits },
    Fault { name: "one bit", ty: "cidr", spoil: first_bit },
    Fault { name: "another network", ty: "cidr", spoil: bits },
    Fault { name: "one bit", ty: "macaddr", spoil: last_bit },
];

/// A view whose query is another than the translation's, as PostgreSQL's SQL.
static VIEW: Mutex<Option<(String, String)>> = Mutex::new(None);

/// From now on the plan gives the view of this name another query; `None`: no longer.
pub fn arm_view(view: Option<(&str, &str)>) {
    let view = view.map(|(name, query)| (name.to_owned(), query.to_owned()));
    *VIEW.lock().unwrap_or_else(PoisonError::into_inner) = view;
}

/// Called by the plan for each view.
pub fn of_view(name: &str) -> Option<String> {
    let armed = VIEW.lock().unwrap_or_else(PoisonError::into_inner);
    armed.as_ref().filter(|(n, _)| n == name).map(|(_, query)| query.clone())
}

static ARMED: AtomicUsize = AtomicUsize::new(0);
static COUNTDOWN: AtomicUsize = AtomicUsize::new(0);
static ROW: AtomicUsize = AtomicUsize::new(0);
static HELD: AtomicUsize = AtomicUsize::new(0);

/// From now on the codec errs as `FAULTS[index]` says, once: in the `nth` value of its type that it meets (from 1).
pub fn arm(index: usize, nth: usize) {
    COUNTDOWN.store(nth, Ordering::SeqCst);
    ARMED.store(index + 1, Ordering::SeqCst);
}

/// From now on one row goes wrong: the `nth` that is copied (from 1).
pub fn arm_row(fault: RowFault, nth: usize) {
    COUNTDOWN.store(nth, Ordering::SeqCst);
    ROW.store(fault as usize, Ordering::SeqCst);
}

/// Nothing goes wrong any more. Whether the fault that was armed has happened.
pub fn disarm() -> bool {
    ARMED.store(0, Ordering::SeqCst);
    ROW.store(0, Ordering::SeqCst);
    COUNTDOWN.swap(0, Ordering::SeqCst) == 0
}

fn now() -> bool {
    if HELD.load(Ordering::SeqCst) > 0 {
        return false;
    }
    COUNTDOWN.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)) == Ok(1)
}

/// While it lives, nothing goes wrong: what only tries values out does not meet the fault that a copy shall meet.
pub struct Held(());

impl Held {
    /// From now on.
    #[allow(clippy::new_without_default)] // made for what its end does
    pub fn new() -> Held {
        HELD.fetch_add(1, Ordering::SeqCst);
        Held(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Called by the codec after each field that it wrote from `start` on.
pub fn in_field(ty: PgType, out: &mut Vec<u8>, start: usize) {
    let armed = ARMED.load(Ordering::Relaxed);
    let Some(fault) = armed.checked_sub(1).and_then(|i| FAULTS.get(i)) else { return };
    if ty.sql().split('(').next() != Some(fault.ty) || !now() {
        return;
    }
    let mut field = out.split_off((start + 4).min(out.len()));
    (fault.spoil)(&mut field);
    out.truncate(start);
    out.extend_from_slice(&u32::try_from(field.len()).unwrap_or(0).to_be_bytes());
    out.append(&mut field);
}

/// Called by the copy before each row.
pub fn of_row() -> Option<RowFault> {
    let fault = match ROW.load(Ordering::Relaxed) {
        1 => RowFault::Unread,
        2 => RowFault::Unsent,
        3 => RowFault::ReadTwice,
        4 => RowFault::SentTwice,
        _ => return None,
    };
    now().then_some(fault)
}
