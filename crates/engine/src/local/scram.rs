//! SCRAM-SHA-256, the server's side: the embedded backend trusts whoever reaches it, so TCP is guarded here.
//! Owns the exchange of RFC 5802/7677 as PostgreSQL speaks it (<https://www.postgresql.org/docs/current/sasl-authentication.html>);
//! never keeps or logs a password.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

use super::wire::{frame, message};

const ITERATIONS: u32 = 4096;
const LIMIT: usize = 4096;

/// Proves that the client knows the password; whether it does. `random` gives bytes that nobody can guess.
///
/// # Errors
/// A broken connection or exchange.
pub fn authenticate(client: &mut (impl Read + Write), password: &str, random: &[u8; 34]) -> io::Result<bool> {
    let (nonce, salt) = random.split_at(18);
    let mut offer = 10u32.to_be_bytes().to_vec();
    offer.extend_from_slice(b"SCRAM-SHA-256\0\0");
    client.write_all(&frame(b'R', &offer))?;

    let initial = response(client)?;
    // mechanism, NUL, length, client-first-message
    let end = initial.iter().position(|b| *b == 0).ok_or_else(bad)?;
    if initial.get(..end) != Some(&b"SCRAM-SHA-256"[..]) {
        return Err(bad());
    }
    let first = std::str::from_utf8(initial.get(end.saturating_add(5)..).ok_or_else(bad)?).map_err(|_| bad())?;
    // No channel binding: `n` (unsupported) or `y` (supported, and the client thinks that we do not).
    let bare = first.strip_prefix("n,,").or_else(|| first.strip_prefix("y,,")).ok_or_else(bad)?;
    let header = encode(first.get(..3).unwrap_or_default().as_bytes());
    let theirs = bare.split(',').find_map(|f| f.strip_prefix("r=")).ok_or_else(bad)?;

    let nonce = format!("{theirs}{}", encode(nonce));
    let server_first = format!("r={nonce},s={},i={ITERATIONS}", encode(salt));
    let mut challenge = 11u32.to_be_bytes().to_vec();
    challenge.extend_from_slice(server_first.as_bytes());
    client.write_all(&frame(b'R', &challenge))?;

    let last = response(client)?;
    let last = std::str::from_utf8(&last).map_err(|_| bad())?;
    let (without_proof, proof) = last.rsplit_once(",p=").ok_or_else(bad)?;
    let expected = format!("c={header},r={nonce}");
    let salted = salted_password(password.as_bytes(), salt);
    let client_key = hmac(&salted, b"Client Key");
    let auth = format!("{bare},{server_first},{without_proof}");
    let signature = hmac(&Sha256::digest(client_key), auth.as_bytes());
    let right: Vec<u8> = client_key.iter().zip(signature).map(|(a, b)| a ^ b).collect();
    if without_proof != expected || !same(encode(&right).as_bytes(), proof.as_bytes()) {
        return Ok(false);
    }
    let verifier = hmac(&hmac(&salted, b"Server Key"), auth.as_bytes());
    let mut done = 12u32.to_be_bytes().to_vec();
    done.extend_from_slice(format!("v={}", encode(&verifier)).as_bytes());
    client.write_all(&frame(b'R', &done))?;
    Ok(true)
}

fn response(client: &mut impl Read) -> io::Result<Vec<u8>> {
    let message = message(client, LIMIT)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    if message.first() != Some(&b'p') {
        return Err(bad());
    }
    Ok(message.get(5..).unwrap_or_default().to_vec())
}

fn bad() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "broken SCRAM exchange")
}

/// Compares without telling by the time how much was right.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |d, (x, y)| d | (x ^ y)) == 0
}

/// HMAC-SHA-256 (RFC 2104).
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0u8; 64];
    let short: Vec<u8> = if key.len() > 64 { Sha256::digest(key).to_vec() } else { key.to_vec() };
    for (to, from) in block.iter_mut().zip(short) {
        *to = from;
    }
    let inner = Sha256::new().chain_update(block.map(|b| b ^ 0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(block.map(|b| b ^ 0x5c)).chain_update(inner).finalize().into()
}

/// PBKDF2 with HMAC-SHA-256, one block (RFC 8018).
fn salted_password(password: &[u8], salt: &[u8]) -> [u8; 32] {
    let mut first = salt.to_vec();
    first.extend_from_slice(&1u32.to_be_bytes());
    let mut last = hmac(password, &first);
    let mut out = last;
    for _ in 1..ITERATIONS {
        last = hmac(password, &last);
        for (o, l) in out.iter_mut().zip(last) {
            *o ^= l;
        }
    }
    out
}

/// Base64 (RFC 4648).
fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |w, b| (w << 8) | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            if i > chunk.len() {
                out.push('=');
            } else {
                let index = (word >> (18 - 6 * i)) & 63;
                out.push(char::from(ALPHABET.get(index as usize).copied().unwrap_or(b'A')));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_agree_with_the_rfcs() {
        let hex = |b: &[u8]| b.iter().map(|x| format!("{x:02x}")).collect::<String>();
        // RFC 4231, cases 2 and 6.
        let case2 = hmac(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(hex(&case2), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let case6 = hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(hex(&case6), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
        // RFC 4648, section 10.
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(encode(plain.as_bytes()), coded);
        }
        // RFC 7677, section 3: the server's signature of the example, from its salted password.
        let salted =
            salted_password(b"pencil", &[91, 109, 153, 104, 157, 18, 53, 142, 236, 160, 75, 20, 18, 54, 250, 129]);
        let auth = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                    s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = hmac(&hmac(&salted, b"Server Key"), auth.as_bytes());
        assert_eq!(encode(&signature), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }
}
