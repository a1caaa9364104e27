//! UUIDs and addresses.
//! Owns which spelling a column's values have; their forms are in `forms` and `address`.

use super::field::{Misfit, fixed, measured, misfit};
use super::{Codec, Normal, OwnedValue};
use crate::mapping::PgType;
use crate::mapping::address::{self, Network};
use crate::mapping::forms;
use crate::value::Value;

impl Codec {
    pub(super) fn encode_uuid(&self, v: Value<'_>) -> Result<[u8; 16], Misfit> {
        match v {
            Value::Blob(b) if matches!(self.normal, Normal::UuidBlob | Normal::Uuid) => {
                b.try_into().map_err(|_| misfit("not a blob of 16 bytes", v))
            }
            Value::Text(b) if self.normal == Normal::UuidHex => {
                hex(b).ok_or_else(|| misfit("not a UUID of 32 lower-case digits", v))
            }
            Value::Text(b) if self.normal != Normal::UuidBlob => {
                let other_case = match self.normal {
                    Normal::Uuid => false,
                    Normal::UuidUpper => b.iter().any(u8::is_ascii_lowercase),
                    _ => b.iter().any(u8::is_ascii_uppercase),
                };
                if other_case {
                    return Err(misfit("a UUID whose letter case would be lost", v));
                }
                forms::uuid(b).ok_or_else(|| misfit("not a UUID with dashes", v))
            }
            _ => Err(misfit("not a UUID", v)),
        }
    }

    pub(super) fn decode_uuid(&self, field: &[u8]) -> Result<OwnedValue, &'static str> {
        let uuid: &[u8; 16] = field.try_into().map_err(|_| super::LENGTH)?;
        Ok(match self.normal {
            Normal::UuidBlob => OwnedValue::Blob(uuid.to_vec()),
            Normal::UuidHex => {
                let mut text = forms::format_uuid(uuid, false);
                text.retain(|b| *b != b'-');
                OwnedValue::Text(text)
            }
            normal => OwnedValue::Text(forms::format_uuid(uuid, normal == Normal::UuidUpper)),
        })
    }

    pub(super) fn encode_address(&self, v: Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        let Value::Text(b) = v else { return Err(misfit("not an address", v)) };
        if self.ty == PgType::MacAddr {
            let mac = address::parse_mac(b).ok_or_else(|| misfit("not the address of a network card", v))?;
            fixed(out, mac);
            return Ok(());
        }
        let cidr = self.ty == PgType::Cidr;
        let network = Network::parse(b).ok_or_else(|| misfit("not an IPv4 or IPv6 address", v))?;
        if cidr && !network.is_cidr() {
            return Err(misfit("a network's address with bits beyond its length", v));
        }
        measured(v, out, |out| network.append_binary(cidr, out))
    }

    pub(super) fn decode_address(&self, field: &[u8]) -> Result<OwnedValue, &'static str> {
        let text = match self.ty {
            PgType::MacAddr => address::format_mac(field.try_into().map_err(|_| super::LENGTH)?),
            ty => Network::from_binary(field).ok_or("not the binary form of an address")?.format(ty == PgType::Cidr),
        };
        Ok(OwnedValue::Text(text.into_bytes()))
    }
}

/// 32 lower-case hexadecimal digits.
fn hex(text: &[u8]) -> Option<[u8; 16]> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let text: &[u8; 32] = text.try_into().ok()?;
    let mut out = [0; 16];
    for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}
