//! Addresses of hosts, networks and network cards, as PostgreSQL's inet, cidr and macaddr hold them.
//! Owns their text and their binary form; never guesses what a short form such as `10.1` means.
//!
//! The binary forms are those of `network_send` and `macaddr_send`: family (2 for IPv4, 3 for IPv6), bits of the network,
//! 1 for cidr, number of bytes, the bytes; and six bytes. Sources:
//! <https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/utils/adt/network.c>,
//! <https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/utils/adt/mac.c>.

use core::net::IpAddr;
use std::fmt::Write as _;

const IPV4: u8 = 2;
const IPV6: u8 = 3;

/// An address with the length of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The address.
    pub address: IpAddr,
    /// Leading bits that belong to the network: 32 or 128 for a host alone.
    pub bits: u8,
}

impl Network {
    /// Reads `address` or `address/bits`: IPv4 as four decimal numbers, IPv6 as in RFC 4291 (without a zone).
    pub fn parse(text: &[u8]) -> Option<Network> {
        let text = std::str::from_utf8(text).ok()?;
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => {
                let plain = bits.bytes().all(|b| b.is_ascii_digit()) && (bits == "0" || !bits.starts_with('0'));
                bits.parse::<u8>().ok().filter(|n| plain && *n <= all)?
            }
            None => all,
        };
        Some(Network { address, bits })
    }

    /// Whether no bit beyond those of the network is set, as cidr demands.
    pub fn is_cidr(&self) -> bool {
        match self.address {
            IpAddr::V4(a) => a.to_bits().checked_shl(self.bits.into()).unwrap_or(0) == 0,
            IpAddr::V6(a) => a.to_bits().checked_shl(self.bits.into()).unwrap_or(0) == 0,
        }
    }

    /// Appends the binary form.
    pub fn append_binary(&self, cidr: bool, out: &mut Vec<u8>) {
        match self.address {
            IpAddr::V4(a) => {
                out.extend_from_slice(&[IPV4, self.bits, u8::from(cidr), 4]);
                out.extend_from_slice(&a.octets());
            }
            IpAddr::V6(a) => {
                out.extend_from_slice(&[IPV6, self.bits, u8::from(cidr), 16]);
                out.extend_from_slice(&a.octets());
            }
        }
    }

    /// Reads the binary form of inet or cidr.
    pub fn from_binary(field: &[u8]) -> Option<Network> {
        let [family, bits, _, length, bytes @ ..] = field else { return None };
        if bytes.len() != usize::from(*length) {
            return None;
        }
        let (address, all) = match *family {
            IPV4 => (IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?), 32),
            IPV6 => (IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?), 128),
            _ => return None,
        };
        (*bits <= all).then_some(Network { address, bits: *bits })
    }

    /// As PostgreSQL writes it: of inet the bits only if they are not all, of cidr always.
    pub fn format(&self, cidr: bool) -> String {
        let (mut text, all) = match self.address {
            IpAddr::V4(a) => (a.to_string(), 32),
            IpAddr::V6(a) => (format_v6(a.segments()), 128),
        };
        if cidr || self.bits != all {
            let _ = write!(text, "/{}", self.bits);
        }
        text
    }
}

/// The first of the longest runs of two zeros or more is `::`; IPv4 within IPv6 is written as such.
/// Source: `pg_inet_net_ntop`, <https://github.com/postgres/postgres/blob/REL_15_STABLE/src/port/inet_net_ntop.c>.
fn format_v6(words: [u16; 8]) -> String {
    let (mut start, mut length) = (0, 0);
    let mut at = 0;
    while at < 8 {
        let run = words[at..].iter().take_while(|w| **w == 0).count();
        if run > length && run > 1 {
            (start, length) = (at, run);
        }
        at += run.max(1);
    }
    let v4_inside =
        start == 0 && (length == 6 || (length == 7 && words[7] != 1) || (length == 5 && words[5] == 0xffff));
    let mut text = String::new();
    for (i, word) in words.iter().enumerate() {
        if (start..start + length).contains(&i) {
            if i == start {
                text.push(':');
            }
            continue;
        }
        if i > 0 {
            text.push(':');
        }
        if i == 6 && v4_inside {
            let [a, b] = words[6].to_be_bytes();
            let [c, d] = words[7].to_be_bytes();
            let _ = write!(text, "{a}.{b}.{c}.{d}");
            return text;
        }
        let _ = write!(text, "{word:x}");
    }
    if length > 0 && start + length == 8 {
        text.push(':');
    }
    text
}

/// Reads the address of a network card in every form that PostgreSQL takes: `08:00:2b:01:02:03`, `08-00-2b-01-02-03`,
/// `08002b:010203`, `08002b-010203`, `0800.2b01.0203`, `0800-2b01-0203`, `08002b010203`.
pub fn parse_mac(text: &[u8]) -> Option<[u8; 6]> {
    // Digits between separators, and which separator.
    let (group, separators): (usize, &[u8]) = match text.len() {
        17 => (2, b":-"),
        14 => (4, b".-"),
        13 => (6, b":-"),
        12 => (12, b""),
        _ => return None,
    };
    let mut out = [0; 6];
    let mut digits = 0;
    let separator = text.get(group).copied();
    for (i, b) in text.iter().enumerate() {
        if i % (group + 1) == group {
            if Some(*b) != separator || !separators.contains(b) {
                return None;
            }
            continue;
        }
        let digit = u8::try_from(char::from(*b).to_digit(16)?).ok()?;
        let place: &mut u8 = out.get_mut(digits / 2)?;
        *place = *place << 4 | digit;
        digits += 1;
    }
    (digits == 12).then_some(out)
}

/// `08:00:2b:01:02:03`.
pub fn format_mac(mac: [u8; 6]) -> String {
    let [a, b, c, d, e, f] = mac;
    format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_an_address() {
        for good in ["10.0.0.1", "0.0.0.0/0", "192.168.0.0/16", "::", "::1/128", "fe80::1/64", "::ffff:1.2.3.4"] {
            assert!(Network::parse(good.as_bytes()).is_some(), "{good}");
        }
        for bad in [
            "",
            "10.1",
            "10",
            "10.0.0.01",
            "10.0.0.256",
            "10.0.0.1/33",
            "10.0.0.1/",
            "10.0.0.1/08",
            "10.0.0.1/+8",
            "::1/129",
            "fe80::1%eth0",
            "[::1]",
            "1.2.3.4.5",
            " 10.0.0.1",
            ":::",
            "1:2:3:4:5:6:7:8:9",
            "10.0.0.1/8/8",
        ] {
            assert_eq!(Network::parse(bad.as_bytes()), None, "{bad}");
        }
        let cidr = |t: &str| Network::parse(t.as_bytes()).unwrap().is_cidr();
        assert!(cidr("10.0.0.0/8") && cidr("10.0.0.1") && cidr("0.0.0.0/0") && cidr("::/0") && cidr("2001:db8::/32"));
        assert!(!cidr("10.0.0.1/8") && !cidr("0.0.0.1/0") && !cidr("2001:db8::1/32"));
    }

    #[test]
    fn written_as_postgresql_does() {
        for (text, inet, cidr) in [
            ("10.0.0.1/32", "10.0.0.1", "10.0.0.1/32"),
            ("10.0.0.1/8", "10.0.0.1/8", "10.0.0.1/8"),
            ("0:0:0:0:0:0:0:1", "::1", "::1/128"),
            ("::", "::", "::/128"),
            ("1:0:0:2:0:0:0:3", "1:0:0:2::3", "1:0:0:2::3/128"),
            ("1:0:0:2:3:0:0:4", "1::2:3:0:0:4", "1::2:3:0:0:4/128"),
            ("::FFFF:1.2.3.4", "::ffff:1.2.3.4", "::ffff:1.2.3.4/128"),
            ("::1:2", "::0.1.0.2", "::0.1.0.2/128"),
            ("1:0:2:3:4:5:6:0", "1:0:2:3:4:5:6:0", "1:0:2:3:4:5:6:0/128"),
            ("fe80::", "fe80::", "fe80::/128"),
        ] {
            let n = Network::parse(text.as_bytes()).unwrap();
            assert_eq!((n.format(false).as_str(), n.format(true).as_str()), (inet, cidr));
        }
    }

    #[test]
    fn cards() {
        let want = Some([8, 0, 0x2b, 1, 2, 3]);
        for good in [
            "08:00:2b:01:02:03",
            "08-00-2B-01-02-03",
            "08002b:010203",
            "08002b-010203",
            "0800.2b01.0203",
            "0800-2b01-0203",
            "08002b010203",
        ] {
            assert_eq!(parse_mac(good.as_bytes()), want, "{good}");
        }
        for bad in [
            "",
            "08:00:2b:01:02",
            "08:00-2b:01:02:03",
            "08002b.010203",
            "0800:2b01:0203",
            "08:00:2b:01:02:0g",
            "8:0:2b:1:2:3",
        ] {
            assert_eq!(parse_mac(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(format_mac([8, 0, 0x2b, 1, 2, 3]), "08:00:2b:01:02:03");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(words in proptest::array::uniform8(prop_oneof![Just(0u16), Just(1), Just(0xffff), any::<u16>()]), bits in 0u8..=128, cidr in any::<bool>()) {
            let n = Network { address: IpAddr::from(words), bits };
            prop_assert_eq!(Network::parse(n.format(cidr).as_bytes()), Some(n));
            let mut field = Vec::new();
            n.append_binary(cidr, &mut field);
            prop_assert_eq!(Network::from_binary(&field), Some(n));
        }

        #[test]
        fn no_panic(text in "[0-9a-fA-F:./%-]{0,45}", b in proptest::collection::vec(any::<u8>(), 0..24)) {
            let _ = (Network::parse(text.as_bytes()), parse_mac(text.as_bytes()), Network::from_binary(&b), Network::parse(&b));
        }
    }
}
