//! The forms of addresses: hosts, networks, MAC.
//! Owns their recognising; a part of what PostgreSQL's inet, cidr and macaddr read.

use super::Form;
use core::net::IpAddr;

/// Ipv4, Ipv6 or Cidr.
pub(super) fn network(text: &[u8]) -> Option<Form> {
    // The longest: an IPv6 address that ends in an IPv4 one, and its length.
    if text.len() > 49 || !text.first()?.is_ascii_hexdigit() && text.first() != Some(&b':') {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    match text.split_once('/') {
        None => match text.parse().ok()? {
            IpAddr::V4(_) => Some(Form::Ipv4),
            IpAddr::V6(_) => Some(Form::Ipv6),
        },
        Some((address, length)) => {
            let digits = length.as_bytes();
            if digits.len() > 3 || !digits.iter().all(u8::is_ascii_digit) || (digits.len() > 1 && digits[0] == b'0') {
                return None;
            }
            let length: u32 = length.parse().ok()?;
            let beyond = match address.parse().ok()? {
                IpAddr::V4(v4) if length <= 32 => u128::from(v4.to_bits()) << 96 << length.min(31) << (length / 32),
                IpAddr::V6(v6) if length <= 128 => v6.to_bits() << length.min(127) << (length / 128),
                _ => return None,
            };
            (beyond == 0).then_some(Form::Cidr)
        }
    }
}

/// `aa:bb:cc:dd:ee:ff` or `aa-bb-cc-dd-ee-ff`, in either letter case.
pub(super) fn is_mac(text: &[u8]) -> bool {
    let border = text.get(2).copied().unwrap_or(0);
    text.len() == 17
        && matches!(border, b':' | b'-')
        && text
            .chunks(3)
            .all(|part| part[..2].iter().all(u8::is_ascii_hexdigit) && part.get(2).is_none_or(|b| *b == border))
}
