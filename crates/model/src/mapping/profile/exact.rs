//! A double written as text and read back: the very bits, which not every reader of JSON numbers gives.
//! Owns only that.

use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer, Serializer};

pub(super) fn serialize<S: Serializer>(r: &f64, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{r:?}"))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}
