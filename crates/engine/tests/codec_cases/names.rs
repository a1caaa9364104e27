//! Columns of UUIDs, addresses and words for true and false.

use super::{Case, Random, both, many, uuid};
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::{Normal, OwnedValue};

pub fn cases(r: &mut Random) -> Vec<Case> {
    let case = Case::new;
    let uuids: Vec<Vec<u8>> = many(r, |r| (0..16).map(|_| r.next() as u8).collect());
    let shown = "format('%s', v)";
    let mut all = vec![
        case(
            "uuid",
            PgType::Uuid,
            Normal::Exact,
            uuids.iter().map(|b| both(uuid(b))).collect(),
            "uuid_send(v)",
            "uuid_send(l::uuid)",
            true,
        ),
        case(
            "upper-case uuid",
            PgType::Uuid,
            Normal::UuidUpper,
            uuids.iter().map(|b| both(uuid(b).to_uppercase())).collect(),
            "uuid_send(v)",
            "uuid_send(l::uuid)",
            true,
        ),
        case(
            "blobs as uuid",
            PgType::Uuid,
            Normal::UuidBlob,
            uuids.iter().map(|b| (OwnedValue::Blob(b.clone()), uuid(b))).collect(),
            "uuid_send(v)",
            "uuid_send(l::uuid)",
            true,
        ),
        case(
            "uuid without dashes",
            PgType::Uuid,
            Normal::UuidHex,
            uuids.iter().map(|b| both(uuid(b).replace('-', ""))).collect(),
            "uuid_send(v)",
            "uuid_send(l::uuid)",
            true,
        ),
        case(
            "inet",
            PgType::Inet,
            Normal::Canonical,
            many(r, |r| both(address(r, false))),
            "inet_send(v)",
            "inet_send(l::inet)",
            false,
        )
        .showing(shown),
        case(
            "cidr",
            PgType::Cidr,
            Normal::Canonical,
            many(r, |r| both(address(r, true))),
            "cidr_send(v)",
            "cidr_send(l::cidr)",
            false,
        )
        .showing(shown),
        case(
            "macaddr",
            PgType::MacAddr,
            Normal::Canonical,
            many(r, |r| both(card(r))),
            "macaddr_send(v)",
            "macaddr_send(l::macaddr)",
            false,
        )
        .showing(shown),
    ];
    for (n, (yes, no)) in Normal::WORDS.iter().enumerate() {
        let words = many(r, |r| both([*yes, *no][r.below(2) as usize].to_owned()));
        let normal = Normal::BooleanWords(u8::try_from(n).unwrap_or(255));
        all.push(case(
            &format!("{yes} and {no}"),
            PgType::Boolean,
            normal,
            words,
            "boolsend(v)",
            "boolsend(l::boolean)",
            true,
        ));
    }
    all
}

/// IPv4 or IPv6 with runs of zeros, now and then with bits; of a network without bits beyond them.
fn address(r: &mut Random, network: bool) -> String {
    let v6 = r.below(2) == 0;
    let (bytes, all) = if v6 { (16, 128) } else { (4, 32) };
    let mut value: u128 = 0;
    for _ in 0..bytes / 2 {
        let word = [0, 0, 1, 0xffff, r.below(0x10000)][r.below(5) as usize];
        value = value << 16 | u128::from(word);
    }
    let bits = if r.below(3) == 0 { all } else { r.below(all + 1) };
    let beyond = all - bits;
    if network {
        value = if beyond >= 128 { 0 } else { value >> beyond << beyond };
    }
    let text = match v6 {
        true if r.below(2) == 0 => {
            let words: Vec<String> = (0..8).map(|i| format!("{:X}", value >> (112 - 16 * i) & 0xffff)).collect();
            words.join(":")
        }
        true => std::net::Ipv6Addr::from_bits(value).to_string(),
        false => std::net::Ipv4Addr::from_bits(value as u32).to_string(),
    };
    if bits == all && r.below(2) == 0 { text } else { format!("{text}/{bits}") }
}

fn card(r: &mut Random) -> String {
    let h = format!("{:012x}", r.next() >> 16);
    let h = if r.below(2) == 0 { h.to_uppercase() } else { h };
    let (size, separator) = [(2, ":"), (2, "-"), (6, ":"), (6, "-"), (4, "."), (4, "-"), (12, "")][r.below(7) as usize];
    let parts: Vec<&str> = (0..12).step_by(size).map(|i| &h[i..i + size]).collect();
    parts.join(separator)
}
