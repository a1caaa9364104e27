//! What a declared type means to a person who wrote it, beyond the affinity SQLite gives it.
//! Owns the reading of type names; never looks at values. Unknown names are never an error.

/// A declared type, understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// SMALLINT, INT2, TINYINT.
    Small,
    /// INT4, MEDIUMINT.
    Medium,
    /// Everything else with INTEGER affinity.
    Integer,
    /// BOOL, BOOLEAN.
    Boolean,
    /// REAL affinity: REAL, FLOAT, DOUBLE …
    Real,
    /// NUMERIC, DECIMAL, DEC, MONEY … with precision and scale if written.
    Decimal(Option<(u16, u16)>),
    /// DATE.
    Date,
    /// DATETIME, TIMESTAMP and their kin.
    DateTime,
    /// UUID, GUID, UNIQUEIDENTIFIER.
    Uuid,
    /// CHAR(36), VARCHAR(36) and their kin.
    Char36,
    /// JSON, JSONB.
    Json,
    /// TIME.
    Time,
    /// INTERVAL.
    Interval,
    /// INET, IPADDRESS …
    Inet,
    /// CIDR.
    Cidr,
    /// MACADDR …
    MacAddr,
    /// TEXT affinity, and STRING for tables without rows.
    Text,
    /// BLOB, BYTEA, BINARY …
    Blob,
    /// No type, or ANY.
    None,
    /// A name that means nothing to us (NUMERIC affinity).
    Unknown,
}

impl Declared {
    /// Reads a declared type as written, without regard to case.
    pub fn of(declared: &str) -> Declared {
        let upper = declared.trim().to_ascii_uppercase();
        let (name, arguments) = split(&upper);
        if let Some(known) = by_name(&name, arguments) {
            return known;
        }
        // The order of SQLite's own affinity rules.
        if upper.contains("INT") {
            Declared::Integer
        } else if upper.contains("CHAR") || upper.contains("CLOB") || upper.contains("TEXT") {
            let fixed = matches!(
                name.as_str(),
                "CHAR" | "VARCHAR" | "CHARACTER" | "NCHAR" | "NVARCHAR" | "CHARACTER VARYING" | "VARYING CHARACTER"
            );
            if fixed && arguments == Some("36") { Declared::Char36 } else { Declared::Text }
        } else if upper.contains("BLOB") {
            Declared::Blob
        } else if upper.contains("REAL") || upper.contains("FLOA") || upper.contains("DOUB") {
            Declared::Real
        } else {
            Declared::Unknown
        }
    }
}

/// How long a text may be, as its declaration says. SQLite never looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// VARCHAR(n) and its kin: at most so many characters.
    Most(u32),
    /// CHAR(n) and its kin: exactly so many.
    Exactly(u32),
}

impl Length {
    /// Reads it, if there is one that PostgreSQL takes too (1 to 10,485,760).
    /// Source: <https://www.postgresql.org/docs/current/datatype-character.html>.
    pub fn of(declared: &str) -> Option<Length> {
        let upper = declared.trim().to_ascii_uppercase();
        let (name, arguments) = split(&upper);
        let n = arguments?.parse::<u32>().ok().filter(|n| (1..=10_485_760).contains(n))?;
        Some(match name.as_str() {
            "VARCHAR"
            | "NVARCHAR"
            | "VARCHAR2"
            | "NVARCHAR2"
            | "CHARACTER VARYING"
            | "CHAR VARYING"
            | "VARYING CHARACTER"
            | "NATIONAL CHARACTER VARYING" => Length::Most(n),
            "CHAR" | "NCHAR" | "CHARACTER" | "NATIVE CHARACTER" | "NATIONAL CHARACTER" => Length::Exactly(n),
            _ => return None,
        })
    }

    /// The number of characters.
    pub fn characters(self) -> u32 {
        match self {
            Length::Most(n) | Length::Exactly(n) => n,
        }
    }
}

/// The words before a parenthesis (and after it), and what stands inside.
fn split(upper: &str) -> (String, Option<&str>) {
    let words = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ");
    match (upper.find('('), upper.rfind(')')) {
        (Some(open), Some(close)) if open < close => {
            let name = words(&format!("{} {}", &upper[..open], &upper[close + 1..]));
            (name, Some(upper[open + 1..close].trim()))
        }
        _ => (words(upper), None),
    }
}

fn by_name(name: &str, arguments: Option<&str>) -> Option<Declared> {
    Some(match name {
        "" | "ANY" => Declared::None,
        "SMALLINT" | "INT2" | "TINYINT" | "SMALLINT UNSIGNED" | "TINYINT UNSIGNED" | "UNSIGNED TINYINT" => {
            Declared::Small
        }
        "INT4" | "MEDIUMINT" => Declared::Medium,
        "BOOL" | "BOOLEAN" => Declared::Boolean,
        "NUMERIC" | "DECIMAL" | "DEC" | "NUMBER" | "MONEY" | "SMALLMONEY" | "CURRENCY" | "FIXED" => {
            Declared::Decimal(arguments.and_then(precision))
        }
        "DATE" => Declared::Date,
        "DATETIME"
        | "DATETIME2"
        | "SMALLDATETIME"
        | "TIMESTAMP"
        | "TIMESTAMPTZ"
        | "DATETIMEOFFSET"
        | "TIMESTAMP WITH TIME ZONE"
        | "TIMESTAMP WITHOUT TIME ZONE" => Declared::DateTime,
        "UUID" | "GUID" | "UNIQUEIDENTIFIER" => Declared::Uuid,
        "JSON" | "JSONB" => Declared::Json,
        "TIME" | "TIME WITHOUT TIME ZONE" => Declared::Time,
        "INTERVAL" => Declared::Interval,
        "INET" | "INET4" | "INET6" | "IPADDRESS" | "IPADDR" | "IP" => Declared::Inet,
        "CIDR" => Declared::Cidr,
        "MACADDR" | "MACADDRESS" => Declared::MacAddr,
        "BYTEA" | "BINARY" | "VARBINARY" | "IMAGE" => Declared::Blob,
        _ => return None,
    })
}

/// `p` or `p,s`, if PostgreSQL takes them (1 to 1000 digits; a scale above the precision only since 15).
/// Source: <https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-NUMERIC-DECIMAL>.
fn precision(arguments: &str) -> Option<(u16, u16)> {
    let mut parts = arguments.split(',').map(|p| p.trim().parse::<u16>());
    let precision = parts.next()?.ok()?;
    let scale = parts.next().unwrap_or(Ok(0)).ok()?;
    (parts.next().is_none() && (1..=1000).contains(&precision) && scale <= precision).then_some((precision, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        for (name, want) in [
            ("integer", Declared::Integer),
            ("UNSIGNED BIG INT", Declared::Integer),
            ("FLOATING POINT", Declared::Integer),
            ("CHARINT", Declared::Integer),
            ("tinyint(1)", Declared::Small),
            ("Boolean", Declared::Boolean),
            ("decimal( 10 , 2 )", Declared::Decimal(Some((10, 2)))),
            ("DECIMAL(5)", Declared::Decimal(Some((5, 0)))),
            ("NUMERIC(2,5)", Declared::Decimal(None)),
            ("NUMERIC(2000)", Declared::Decimal(None)),
            ("numeric", Declared::Decimal(None)),
            ("datetime(6)", Declared::DateTime),
            ("TIMESTAMP(3) WITH TIME ZONE", Declared::DateTime),
            ("varchar(36)", Declared::Char36),
            ("VARCHAR(255)", Declared::Text),
            ("character varying(10)", Declared::Text),
            ("STRING", Declared::Unknown),
            ("byte[]", Declared::Unknown),
            ("DOUBLE PRECISION", Declared::Real),
            ("", Declared::None),
            ("varchar(10) native", Declared::Text),
            (")(", Declared::Unknown),
            ("interval", Declared::Interval),
            ("Time(6)", Declared::Time),
            ("ipaddress", Declared::Inet),
        ] {
            assert_eq!(Declared::of(name), want, "{name}");
        }
    }

    #[test]
    fn lengths_are_read() {
        for (name, want) in [
            ("varchar(255)", Some(Length::Most(255))),
            ("NVARCHAR( 40 )", Some(Length::Most(40))),
            ("character  varying(10)", Some(Length::Most(10))),
            ("CHAR(3)", Some(Length::Exactly(3))),
            ("VARCHAR", None),
            ("VARCHAR(0)", None),
            ("VARCHAR(MAX)", None),
            ("VARCHAR(10485761)", None),
            ("TEXT(20)", None),
            ("CHARINT(4)", None),
        ] {
            assert_eq!(Length::of(name), want, "{name}");
        }
    }
}
