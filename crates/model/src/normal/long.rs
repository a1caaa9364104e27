//! The normal form of a value that is too long to be held whole: its head, and what becomes of its pieces.
//! Owns which forms can be made piece by piece; never holds more than one piece.

use super::digest::RowHasher;
use super::{Column, Form};
use crate::value::Class;

/// A field that comes piece by piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongField {
    hex: bool,
}

impl Column {
    /// Begins the field of a text or blob of `length` bytes as SQLite holds it, of which [`LongField::piece`] takes the
    /// bytes. `None`: its normal form is not made piece by piece.
    pub fn begin_of_source(&self, class: Class, length: u64, row: &mut RowHasher) -> Option<LongField> {
        let (hex, bytes) = match (self.form, class) {
            (Form::Text | Form::Bytea, Class::Text) | (Form::Bytea, Class::Blob) => (false, length),
            (Form::Text, Class::Blob) => (true, length.checked_mul(2)?.checked_add(2)?),
            _ => return None,
        };
        head(self.form, bytes, row)?;
        if hex {
            row.take(b"\\x");
        }
        Some(LongField { hex })
    }

    /// The same of a value of `length` bytes as PostgreSQL gives it back.
    pub fn begin_of_target(&self, length: u64, row: &mut RowHasher) -> Option<LongField> {
        if !matches!(self.form, Form::Text | Form::Bytea) {
            return None;
        }
        head(self.form, length, row)?;
        Some(LongField { hex: false })
    }
}

impl LongField {
    /// Takes the next bytes in.
    pub fn piece(&self, bytes: &[u8], row: &mut RowHasher) {
        if !self.hex {
            row.take(bytes);
            return;
        }
        let mut digits = [0; 512];
        for part in bytes.chunks(digits.len() / 2) {
            for (byte, pair) in part.iter().zip(digits.chunks_exact_mut(2)) {
                pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
                pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
            }
            row.take(&digits[..2 * part.len()]);
        }
    }
}

/// Tag and length, as [`super::put`] writes them.
fn head(form: Form, length: u64, row: &mut RowHasher) -> Option<()> {
    let length = u32::try_from(length).ok()?;
    row.take(&[form.tag()]);
    row.take(&length.to_be_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::PgType;
    use crate::mapping::codec::Normal;
    use crate::mapping::shape::Crossing;
    use crate::normal::digest;
    use crate::value::Value;

    #[test]
    fn a_long_value_has_the_digest_of_a_short_one() {
        let bytes: Vec<u8> = (0..3001u32).map(|i| (i * 7 % 251) as u8).collect();
        for (ty, normal, value) in [
            (PgType::Text, Normal::Exact, Value::Text(&bytes)),
            (PgType::Text, Normal::Text, Value::Blob(&bytes)),
            (PgType::Bytea, Normal::Exact, Value::Blob(&bytes)),
            (PgType::Bytea, Normal::TextBytes, Value::Text(&bytes)),
        ] {
            let column = Column::of(&Crossing::new(ty, normal));
            let mut whole = b"before".to_vec();
            column.of_source(value, &mut whole);
            whole.extend_from_slice(b"after");
            let mut row = RowHasher::new();
            row.take(b"before");
            let field = column.begin_of_source(value.class(), bytes.len() as u64, &mut row).unwrap();
            bytes.chunks(100).for_each(|piece| field.piece(piece, &mut row));
            row.take(b"after");
            assert_eq!(row.finish(), digest::row(&whole), "{ty:?} {normal:?}");

            // What PostgreSQL gives back is the normal form's own bytes here.
            let mut there = Vec::new();
            column.of_target(Some(&bytes), &mut there);
            let mut row = RowHasher::new();
            let field = column.begin_of_target(bytes.len() as u64, &mut row).unwrap();
            bytes.chunks(777).for_each(|piece| field.piece(piece, &mut row));
            assert_eq!(row.finish(), digest::row(&there), "{ty:?} {normal:?}");
        }
        let uuid = Column::of(&Crossing::new(PgType::Uuid, Normal::Uuid));
        assert_eq!(uuid.begin_of_source(Class::Text, 5000, &mut RowHasher::new()), None);
    }
}
