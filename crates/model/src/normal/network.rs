//! Addresses of hosts, networks and network cards → their bytes.
//! Owns readers of its own for RFC 4291 and its like; never prints an address.

use super::NoForm;

const BAD: NoForm = NoForm("not an address");

/// 4 or 6, the bits of the network, the bytes of the address.
pub type Content = Vec<u8>;

/// Reads `address` or `address/bits`.
pub fn from_text(text: &[u8], cidr: bool) -> Result<Content, NoForm> {
    let slash = text.iter().position(|b| *b == b'/');
    let address = &text[..slash.unwrap_or(text.len())];
    let bytes = if address.contains(&b':') { v6(address)? } else { v4(address)?.to_vec() };
    let all = 8 * bytes.len();
    let bits = match slash {
        Some(at) => decimal(&text[at + 1..], 3).filter(|n| *n <= all).ok_or(BAD)?,
        None => all,
    };
    content(&bytes, bits, cidr)
}

/// Reads PostgreSQL's binary form: family, bits, whether it is cidr, length, bytes.
pub fn from_field(field: &[u8], cidr: bool) -> Result<Content, NoForm> {
    match field {
        [2, bits, flag, 4, bytes @ ..] if bytes.len() == 4 && *flag == u8::from(cidr) => {
            content(bytes, usize::from(*bits), cidr)
        }
        [3, bits, flag, 16, bytes @ ..] if bytes.len() == 16 && *flag == u8::from(cidr) => {
            content(bytes, usize::from(*bits), cidr)
        }
        _ => Err(BAD),
    }
}

fn content(bytes: &[u8], bits: usize, cidr: bool) -> Result<Content, NoForm> {
    if bits > 8 * bytes.len() {
        return Err(BAD);
    }
    let beyond = (bits..8 * bytes.len()).any(|i| bytes[i / 8] & (0x80 >> (i % 8)) != 0);
    if cidr && beyond {
        return Err(NoForm("a network with bits beyond its length"));
    }
    let mut out = vec![if bytes.len() == 4 { 4 } else { 6 }, u8::try_from(bits).map_err(|_| BAD)?];
    out.extend_from_slice(bytes);
    Ok(out)
}

/// A number of at most so many digits, without leading zeros.
fn decimal(text: &[u8], digits: usize) -> Option<usize> {
    let plain = !text.is_empty() && text.len() <= digits && (text.len() == 1 || text[0] != b'0');
    if !plain || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0, |n, b| 10 * n + usize::from(b - b'0')))
}

fn v4(text: &[u8]) -> Result<[u8; 4], NoForm> {
    let parts: Vec<u8> = text
        .split(|b| *b == b'.')
        .map(|part| decimal(part, 3).and_then(|n| u8::try_from(n).ok()))
        .collect::<Option<_>>()
        .ok_or(BAD)?;
    parts.try_into().map_err(|_| BAD)
}

/// Groups before and after a `::`, which stands for at least one group of zeros.
fn v6(text: &[u8]) -> Result<Vec<u8>, NoForm> {
    let gap = text.windows(2).position(|two| two == b"::");
    let Some(gap) = gap else {
        let bytes = groups(text, true)?;
        return if bytes.len() == 16 { Ok(bytes) } else { Err(BAD) };
    };
    let (before, after) = (&text[..gap], &text[gap + 2..]);
    let mut bytes = if before.is_empty() { Vec::new() } else { groups(before, false)? };
    let tail = if after.is_empty() { Vec::new() } else { groups(after, true)? };
    let missing = 16_usize.checked_sub(bytes.len() + tail.len()).filter(|n| *n >= 2).ok_or(BAD)?;
    bytes.extend(std::iter::repeat_n(0, missing));
    bytes.extend(tail);
    Ok(bytes)
}

/// Groups of one to four hexadecimal digits with colons between; the last may be an IPv4 address.
fn groups(text: &[u8], v4_last: bool) -> Result<Vec<u8>, NoForm> {
    let mut bytes = Vec::with_capacity(16);
    let parts: Vec<&[u8]> = text.split(|b| *b == b':').collect();
    for (i, part) in parts.iter().enumerate() {
        if v4_last && i + 1 == parts.len() && part.contains(&b'.') {
            bytes.extend(v4(part)?);
            continue;
        }
        if part.is_empty() || part.len() > 4 {
            return Err(BAD);
        }
        let digit = |b: &u8| char::from(*b).to_digit(16);
        let word = part.iter().try_fold(0, |n, b| Some(16 * n + digit(b)?)).ok_or(BAD)?;
        bytes.extend([word >> 8, word & 0xff].map(|byte| byte as u8));
    }
    Ok(bytes)
}

/// Twelve hexadecimal digits with one of PostgreSQL's separators at one of their places, or none.
pub fn card(text: &[u8]) -> Result<[u8; 6], NoForm> {
    const NOT: NoForm = NoForm("not a MAC address");
    let digits: Vec<u8> = text.iter().filter_map(|b| char::from(*b).to_digit(16)).map(|d| d as u8).collect();
    let shape: Vec<u8> = text.iter().map(|b| if b.is_ascii_hexdigit() { b'x' } else { *b }).collect();
    let shapes: [&[u8]; 7] = [
        b"xx:xx:xx:xx:xx:xx",
        b"xx-xx-xx-xx-xx-xx",
        b"xxxxxx:xxxxxx",
        b"xxxxxx-xxxxxx",
        b"xxxx.xxxx.xxxx",
        b"xxxx-xxxx-xxxx",
        b"xxxxxxxxxxxx",
    ];
    if digits.len() != 12 || !shapes.contains(&shape.as_slice()) {
        return Err(NOT);
    }
    let pairs: Vec<u8> = digits.chunks_exact(2).map(|p| p[0] << 4 | p[1]).collect();
    pairs.try_into().map_err(|_| NOT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::address::{Network, parse_mac};
    use core::net::IpAddr;
    use proptest::prelude::*;

    fn theirs(text: &[u8], cidr: bool) -> Option<Vec<u8>> {
        let n = Network::parse(text).filter(|n| !cidr || n.is_cidr())?;
        let (family, bytes) = match n.address {
            IpAddr::V4(a) => (4, a.octets().to_vec()),
            IpAddr::V6(a) => (6, a.octets().to_vec()),
        };
        Some([vec![family, n.bits], bytes].concat())
    }

    proptest! {
        /// Two readers that share nothing read the same texts in the same way.
        #[test]
        fn the_codecs_reader_agrees(text in prop_oneof![
            "[0-9a-fA-F:.]{0,12}(/[0-9]{0,4})?",
            "(([0-9a-f]{1,4}|):){0,8}(([0-9a-f]{1,4}|)|[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3})(/[0-9]{1,3})?",
            "[0-9]{1,3}(\\.[0-9]{1,3}){3}(/[0-9]{1,2})?",
        ], cidr in any::<bool>()) {
            prop_assert_eq!(from_text(text.as_bytes(), cidr).ok(), theirs(text.as_bytes(), cidr), "{}", text);
        }

        #[test]
        fn cards_agree(text in prop_oneof!["[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}", "[0-9a-f]{4,6}[.:-][0-9a-f]{4,6}([.-][0-9a-f]{4})?", "[0-9a-fx]{12}"]) {
            prop_assert_eq!(card(text.as_bytes()).ok(), parse_mac(text.as_bytes()), "{}", text);
        }

        #[test]
        fn no_panic(b in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = (from_text(&b, true), from_field(&b, false), card(&b));
        }
    }
}
