//! Whether a value fits its column: its codec takes it, it means the same on both sides, and it comes back.
//! Owns that one question, asked of the columns whose rows may be set aside; never changes a value.

use lite2pg_model::mapping::codec::{Codec, Normal};
use lite2pg_model::normal;
use lite2pg_model::plan::ColumnPlan;
use lite2pg_model::value::Value;

/// How the values of one column are judged.
pub struct Fit {
    codec: Codec,
    form: normal::Column,
    /// The very value must come back.
    exact: bool,
}

impl Fit {
    /// Of a column.
    pub fn of(column: &ColumnPlan) -> Fit {
        let exact = column.normal == Normal::Exact && column.treatments.is_empty();
        Fit { codec: column.codec(), form: column.form(), exact }
    }

    /// Appends the field of a value; a reason if it does not fit, and then what was appended is for nothing.
    pub fn encode(&self, value: Value<'_>, out: &mut Vec<u8>) -> Option<&'static str> {
        let start = out.len();
        match self.codec.encode(value, out) {
            Err(misfit) => Some(misfit.reason),
            Ok(()) => out.get(start..).and_then(|field| self.changes(value, field)),
        }
    }

    /// Why a value that its codec took does not fit all the same.
    pub fn changes(&self, value: Value<'_>, field: &[u8]) -> Option<&'static str> {
        // NULL, or what a policy makes NULL.
        let content = field.get(4..).filter(|_| !field.starts_with(&[0xff; 4]))?;
        let (mut here, mut there) = (Vec::new(), Vec::new());
        self.form.of_source(value, &mut here);
        self.form.of_target(Some(content), &mut there);
        if here != there {
            return Some("its meaning would change");
        }
        let back = self.codec.decode(Some(content)).ok();
        let mut again = Vec::new();
        let same = back.as_ref().is_some_and(|b| self.codec.encode(b.as_value(), &mut again).is_ok()) && again == field;
        let exact = !self.exact || back.is_some_and(|b| b.as_value() == value);
        (!same || !exact).then_some("it would come back as another value")
    }
}
