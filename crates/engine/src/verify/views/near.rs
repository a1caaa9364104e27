//! Columns with computed doubles: both databases add in an order and a manner of their own, so the last digits may differ.
//! Owns how near is near enough; never compares a column that is exact.

use super::{Both, Differs, Side};
use crate::error::Result;
use crate::observe::report::ViewReport;
use crate::source::Reader;
use lite2pg_model::normal::{RowDigest, digest};
use postgres::GenericClient;
use std::collections::BTreeMap;

/// Two numbers are the same within this part of the larger one, and of 1 where both are smaller: SQLite adds with a
/// compensated sum (<https://sqlite.org/lang_aggfunc.html#sumunc>), PostgreSQL does not.
pub(super) const TOLERANCE: f64 = 1e-9;

/// About so many rows of each side are held at once; a larger result is read in several parts.
const HELD: u64 = 50_000;
/// A result in more parts than this is not compared.
const PARTS: u64 = 32;
/// Within rows whose exact columns are equal, so many are matched with each other; more are compared in their order.
const MATCHED: usize = 300;

/// A value of such a column.
#[derive(Clone, Debug)]
enum Near {
    Number(f64),
    Other(Vec<u8>),
}

/// The rows of a part: their computed columns, by the digest of the others.
type Rows = BTreeMap<RowDigest, Vec<Vec<Near>>>;

/// The rows of a part on both sides, as far as they may be held.
struct Part {
    here: Rows,
    there: Rows,
    left: u64,
    beyond: bool,
}

impl Part {
    fn new(bytes: u64) -> Part {
        Part { here: Rows::new(), there: Rows::new(), left: bytes, beyond: false }
    }

    /// Whether a row may be held; once one may not, none is.
    fn takes(&mut self, row: &[Near]) -> bool {
        let held = |near: &Near| match near {
            Near::Number(_) => size_of::<Near>(),
            Near::Other(bytes) => size_of::<Near>() + bytes.capacity(),
        };
        // The digest, the row's place among its equals and the allocations of both.
        let bytes = row.iter().map(held).sum::<usize>() + size_of::<RowDigest>() + 2 * size_of::<Vec<Near>>() + 32;
        match self.left.checked_sub(bytes as u64) {
            Some(left) if !self.beyond => self.left = left,
            _ => self.beyond = true,
        }
        !self.beyond
    }
}

/// How rows with computed columns are apart.
enum Apart {
    /// A value is another one, in words.
    Differs(String),
    /// Too many rows are alike to tell which belongs to which.
    Unmatched,
}

impl Both<'_> {
    /// Compares the computed columns of rows whose other columns are equal already.
    pub(super) fn near(
        &self,
        reader: &mut Reader,
        client: &mut impl GenericClient,
        rows: u64,
        report: &mut ViewReport,
    ) -> Result<Option<Differs>> {
        // Rows without an exact column have one key, so parts would not divide them.
        let parts = if self.view.columns.iter().all(|c| c.approximate) { 1 } else { rows / HELD + 1 };
        if parts > PARTS {
            let columns = report.approximate.join(", ");
            report.not_compared =
                Some(format!("too many rows with computed doubles ({columns}); the other columns are equal"));
            return Ok(None);
        }
        let mut unmatched = false;
        let approximate = |i: usize| self.view.columns.get(i).is_some_and(|c| c.approximate);
        for part in 0..parts {
            let of_part = |key: &RowDigest| u64::from_be_bytes(std::array::from_fn(|i| key[i])) % parts == part;
            let mut held = Part::new(self.limits.bytes);
            let source = self.source(reader, |row| {
                let key = digest::row(&self.of_source(row, |i| !approximate(i)));
                if !held.beyond && of_part(&key) {
                    let near = (0..row.len()).filter(|i| approximate(*i));
                    let row: Vec<Near> = near.map(|i| Near::of(&self.of_source(row, |k| k == i))).collect();
                    if held.takes(&row) {
                        held.here.entry(key).or_default().push(row);
                    }
                }
                Ok(())
            })?;
            let target = self.target(client, |row| {
                let key = digest::row(&self.of_target(row, |i| !approximate(i)));
                if !held.beyond && of_part(&key) {
                    let near = (0..row.len()).filter(|i| approximate(*i));
                    let row: Vec<Near> = near.map(|i| Near::of(&self.of_target(row, |k| k == i))).collect();
                    if held.takes(&row) {
                        held.there.entry(key).or_default().push(row);
                    }
                }
                Ok(())
            })?;
            let limited = |side: &Option<Side>| matches!(side, Some(Side::Late | Side::Long));
            if limited(&source) || limited(&target) {
                let long = matches!((&source, &target), (Some(Side::Long), _) | (_, Some(Side::Long)));
                report.not_compared =
                    Some(if long { self.too_long() } else { "it takes longer than the time limit".to_owned() });
                return Ok(None);
            }
            if let Some(Side::Fails(words)) = source.or(target) {
                return Ok(Some(Differs::Fails(format!("it gave rows, and then fails: {words}"))));
            }
            if held.beyond {
                report.not_compared = Some("too many rows with computed doubles to be held side by side".to_owned());
                return Ok(None);
            }
            match self.apart(&mut held.here, &mut held.there) {
                Some(Apart::Differs(words)) => return Ok(Some(Differs::Rows(words))),
                // What differs for certain in a later part still counts.
                Some(Apart::Unmatched) => unmatched = true,
                None => {}
            }
        }
        if unmatched {
            report.not_compared = Some("rows with computed doubles could not be matched one by one".to_owned());
        }
        Ok(None)
    }

    /// The first values that are not near each other, in words.
    fn apart(&self, here: &mut Rows, there: &mut Rows) -> Option<Apart> {
        let mut unmatched = None;
        for (key, mine) in here {
            let Some(theirs) = there.get_mut(key).filter(|t| t.len() == mine.len()) else {
                let words = "rows that were there at first are not there the second time".to_owned();
                return Some(Apart::Differs(words));
            };
            mine.sort_by(|a, b| order(a, b));
            theirs.sort_by(|a, b| order(a, b));
            let Some((a, b)) = mine.iter().zip(theirs.iter()).find(|(a, b)| !all_near(a, b)) else { continue };
            if mine.len() > MATCHED {
                unmatched = Some(Apart::Unmatched);
                continue;
            }
            if matched(mine, theirs) {
                continue;
            }
            let i = a.iter().zip(b).position(|(a, b)| !a.is_near(b)).unwrap_or(0);
            let names: Vec<&str> =
                self.view.columns.iter().filter(|c| c.approximate).map(|c| c.name.as_str()).collect();
            let (a, b) =
                (a.get(i).map_or_else(String::new, Near::shown), b.get(i).map_or_else(String::new, Near::shown));
            let words = format!("column {}: {a} in the source, {b} in the target", names.get(i).unwrap_or(&""));
            return Some(Apart::Differs(words));
        }
        unmatched
    }
}

impl Near {
    /// Of a field in its normal form: a tag, four bytes of length, and the bytes.
    fn of(field: &[u8]) -> Near {
        let other = || Near::Other(field.to_vec());
        let (Some(tag), Some(bytes)) = (field.first(), field.get(5..)) else { return other() };
        let number = match tag {
            b'd' => bytes.try_into().ok().map(f64::from_be_bytes),
            b'i' => bytes.try_into().ok().map(|b| i64::from_be_bytes(b) as f64),
            b'n' | b't' => std::str::from_utf8(bytes).ok().and_then(|t| t.parse().ok()),
            _ => None,
        };
        number.filter(|n| n.is_finite()).map_or_else(other, Near::Number)
    }

    fn is_near(&self, other: &Near) -> bool {
        match (self, other) {
            (Near::Number(a), Near::Number(b)) => (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()).max(1.0),
            (Near::Other(a), Near::Other(b)) => a == b,
            _ => false,
        }
    }

    fn shown(&self) -> String {
        match self {
            Near::Number(n) => n.to_string(),
            Near::Other(field) if field.first() == Some(&lite2pg_model::normal::NULL_TAG) => "NULL".to_owned(),
            Near::Other(_) => "another value".to_owned(),
        }
    }
}

/// With 8 significant digits, so that last digits which differ do not decide the order.
fn coarse(number: f64) -> f64 {
    format!("{number:.7e}").parse().unwrap_or(number)
}

/// The order of their rounded values, first column first.
fn order(a: &[Near], b: &[Near]) -> std::cmp::Ordering {
    let one = |(a, b): (&Near, &Near)| match (a, b) {
        (Near::Number(a), Near::Number(b)) => coarse(*a).total_cmp(&coarse(*b)),
        (Near::Other(a), Near::Other(b)) => a.cmp(b),
        (Near::Other(_), Near::Number(_)) => std::cmp::Ordering::Less,
        (Near::Number(_), Near::Other(_)) => std::cmp::Ordering::Greater,
    };
    a.iter().zip(b).map(one).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
}

fn all_near(a: &[Near], b: &[Near]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.is_near(b))
}

/// Whether each row of one side has one of its own on the other: the order alone does not tell where first columns differ
/// in their last digits.
fn matched(mine: &[Vec<Near>], theirs: &[Vec<Near>]) -> bool {
    let mut free: Vec<&Vec<Near>> = theirs.iter().collect();
    mine.iter().all(|a| {
        let found = free.iter().position(|b| all_near(a, b));
        found.map(|i| free.swap_remove(i)).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(numbers: &[f64]) -> Vec<Near> {
        numbers.iter().map(|n| Near::Number(*n)).collect()
    }

    #[test]
    fn near_is_a_part_of_the_larger_one() {
        for (a, b, near) in [
            (1e15, 1e15 + 1.0, true),
            (1.0, 1.0 + 2e-9, false),
            (0.0, 1e-13, true),
            (0.0, 1e-8, false),
            (-1.0, 1.0, false),
            (1e300, 1.000_000_01e300, false),
        ] {
            assert_eq!(Near::Number(a).is_near(&Near::Number(b)), near, "{a} {b}");
        }
        assert!(!Near::Number(1.0).is_near(&Near::Other(vec![b'N', 0, 0, 0, 0])));
    }

    #[test]
    fn last_digits_do_not_decide_the_order() {
        let (mut mine, mut theirs) = (vec![], vec![]);
        for n in 0..400_u32 {
            mine.push(row(&[1.0 + f64::from(n % 2) * 1e-12, f64::from(n)]));
            theirs.push(row(&[1.0 + f64::from(n % 3) * 1e-12, f64::from(n)]));
        }
        mine.sort_by(|a, b| order(a, b));
        theirs.sort_by(|a, b| order(a, b));
        assert!(mine.iter().zip(&theirs).all(|(a, b)| all_near(a, b)));
    }

    #[test]
    fn what_is_held_is_counted() {
        let mut part = Part::new(1000);
        assert!(part.takes(&row(&[1.0])));
        assert!(!part.takes(&[Near::Other(vec![0; 2000])]) && part.beyond);
        assert!(!part.takes(&row(&[1.0])));
    }

    #[test]
    fn rows_are_matched_whatever_their_last_digits() {
        let mine = [row(&[1.0, 5.0]), row(&[1.0 + 1e-12, 9.0])];
        let theirs = [row(&[1.0 + 1e-12, 5.0]), row(&[1.0, 9.0])];
        assert!(matched(&mine, &theirs));
        assert!(!matched(&mine, &[row(&[1.0, 5.0]), row(&[1.0, 5.0])]));
    }
}
