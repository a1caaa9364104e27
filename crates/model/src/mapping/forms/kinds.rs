//! The list of forms, and which are tested together.
//! Owns the words; never recognises one.

use serde::{Deserialize, Serialize};

/// What one text looks like. A text has at most one form of a group, but for the forms that say more about another:
/// `Midnight`, `Fraction` and `LetterT` come with `Local` or `Zoned`, `Json` and its kin with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// `YYYY-MM-DD`, a day that exists.
    Date,
    /// A date-time without zone.
    Local,
    /// A date-time with `Z` or `±HH:MM`.
    Zoned,
    /// A date-time whose time part is 00:00:00.
    Midnight,
    /// A date-time with a fraction of a second.
    Fraction,
    /// A date-time with `T` rather than a space.
    LetterT,
    /// A time alone: `HH:MM[:SS[.f…]]`.
    Clock,
    /// A time alone as PostgreSQL writes it: with seconds, and no zero at the end of a fraction.
    ClockCanonical,
    /// A dashed UUID without upper-case letters.
    UuidLower,
    /// A dashed UUID without lower-case letters.
    UuidUpper,
    /// 32 hexadecimal digits without upper-case letters.
    UuidHexLower,
    /// 32 hexadecimal digits without lower-case letters.
    UuidHexUpper,
    /// JSON that jsonb holds (see [`crate::mapping::json::jsonb_safe`]).
    Json,
    /// JSON by its grammar, whether or not jsonb holds it.
    JsonValid,
    /// A JSON object.
    JsonObject,
    /// A JSON array.
    JsonArray,
    /// A JSON string, number, true, false or null.
    JsonScalar,
    /// JSON with `\u0000`, which jsonb refuses.
    JsonNul,
    /// JSON with a lone surrogate, which jsonb refuses.
    JsonSurrogate,
    /// JSON with a number that numeric does not hold, or with -0.
    JsonNumber,
    /// JSON with an object that has a key twice: jsonb keeps the last.
    JsonDuplicateKey,
    /// A decimal integer of 64 bits as SQLite prints it: no sign but `-`, no leading zeros, no spaces.
    Integer,
    /// A decimal number as a person writes it: like `Integer`, with an optional fraction.
    Number,
    /// true, false, t, f, yes, no, y, n, on, off, 0 or 1 in any case.
    BooleanWord,
    /// An IPv4 address of four decimal numbers.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// An IPv4 or IPv6 network, `address/length`, without bits beyond its length.
    Cidr,
    /// A MAC address of six bytes with `:` or `-`.
    Mac,
    /// An ISO 8601 duration: `P1Y2M3DT4H5M6.5S`.
    Interval,
}

/// How many forms there are.
pub const FORMS: usize = 29;

/// Forms that are tested together, and are dropped together when a text has none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Group {
    /// Date, Local, Zoned, Midnight, Fraction, LetterT.
    Temporal = 1,
    /// UuidLower, UuidUpper.
    Uuid = 2,
    /// Json and its kin.
    Json = 4,
    /// Integer, Number.
    Number = 8,
    /// BooleanWord.
    Boolean = 16,
    /// Clock, ClockCanonical.
    Clock = 32,
    /// UuidHexLower, UuidHexUpper.
    UuidHex = 64,
    /// Ipv4, Ipv6, Cidr.
    Network = 128,
    /// Mac.
    Mac = 256,
    /// Interval.
    Interval = 512,
}

/// How many groups there are.
pub const GROUPS: usize = 10;

impl Group {
    /// All groups.
    pub const ALL: [Group; GROUPS] = [
        Group::Temporal,
        Group::Uuid,
        Group::Json,
        Group::Number,
        Group::Boolean,
        Group::Clock,
        Group::UuidHex,
        Group::Network,
        Group::Mac,
        Group::Interval,
    ];

    /// Its bit in a mask.
    #[inline]
    pub fn bit(self) -> u16 {
        self as u16
    }

    /// Its place in [`Group::ALL`].
    pub fn index(self) -> usize {
        self.bit().trailing_zeros() as usize
    }
}

impl Form {
    /// All forms.
    pub const ALL: [Form; FORMS] = [
        Form::Date,
        Form::Local,
        Form::Zoned,
        Form::Midnight,
        Form::Fraction,
        Form::LetterT,
        Form::Clock,
        Form::ClockCanonical,
        Form::UuidLower,
        Form::UuidUpper,
        Form::UuidHexLower,
        Form::UuidHexUpper,
        Form::Json,
        Form::JsonValid,
        Form::JsonObject,
        Form::JsonArray,
        Form::JsonScalar,
        Form::JsonNul,
        Form::JsonSurrogate,
        Form::JsonNumber,
        Form::JsonDuplicateKey,
        Form::Integer,
        Form::Number,
        Form::BooleanWord,
        Form::Ipv4,
        Form::Ipv6,
        Form::Cidr,
        Form::Mac,
        Form::Interval,
    ];

    /// The group it is tested with.
    pub fn group(self) -> Group {
        match self {
            Form::Date | Form::Local | Form::Zoned | Form::Midnight | Form::Fraction | Form::LetterT => Group::Temporal,
            Form::Clock | Form::ClockCanonical => Group::Clock,
            Form::UuidLower | Form::UuidUpper => Group::Uuid,
            Form::UuidHexLower | Form::UuidHexUpper => Group::UuidHex,
            Form::Json | Form::JsonValid | Form::JsonObject | Form::JsonArray | Form::JsonScalar => Group::Json,
            Form::JsonNul | Form::JsonSurrogate | Form::JsonNumber | Form::JsonDuplicateKey => Group::Json,
            Form::Integer | Form::Number => Group::Number,
            Form::BooleanWord => Group::Boolean,
            Form::Ipv4 | Form::Ipv6 | Form::Cidr => Group::Network,
            Form::Mac => Group::Mac,
            Form::Interval => Group::Interval,
        }
    }

    /// Whether it is among those that [`super::of`] gave.
    #[inline]
    pub fn is_in(self, mask: u32) -> bool {
        mask & self.mask() != 0
    }

    #[inline]
    pub(super) fn mask(self) -> u32 {
        1 << (self as u32)
    }
}
