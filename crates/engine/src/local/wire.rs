//! The first words of a PostgreSQL client, and the errors we answer ourselves.
//! Owns sockets and message frames before the embedded backend takes over; never reads a query.
//! Formats: <https://www.postgresql.org/docs/current/protocol-message-formats.html>.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// The largest startup packet that a server takes.
const STARTUP_LIMIT: usize = 10_000;
/// The largest message of a server.
const MESSAGE_LIMIT: usize = 0x3fff_ffff;

/// A client's socket.
#[derive(Debug)]
pub enum Client {
    Unix(UnixStream),
    Tcp(TcpStream),
}

macro_rules! each {
    ($self:expr, $s:ident => $e:expr) => {
        match $self {
            Client::Unix($s) => $e,
            Client::Tcp($s) => $e,
        }
    };
}

impl Client {
    pub fn try_clone(&self) -> io::Result<Client> {
        Ok(match self {
            Client::Unix(s) => Client::Unix(s.try_clone()?),
            Client::Tcp(s) => Client::Tcp(s.try_clone()?),
        })
    }
    pub fn close(&self) {
        let _ = each!(self, s => s.shutdown(Shutdown::Both));
    }
    pub fn set_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        each!(self, s => s.set_read_timeout(limit).and_then(|()| s.set_write_timeout(limit)))
    }
    /// Whether a read would not wait: there are bytes, or the end.
    pub fn readable(&self) -> io::Result<bool> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let ready = each!(self, s => poll(&mut [PollFd::new(s, PollFlags::IN)], Some(&now)))?;
        Ok(ready > 0)
    }
}

impl Read for Client {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        each!(self, s => s.read(buffer))
    }
}

impl Write for Client {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        each!(self, s => s.write(bytes))
    }
    fn flush(&mut self) -> io::Result<()> {
        each!(self, s => s.flush())
    }
}

/// What a new connection is for.
#[derive(Debug)]
pub enum First {
    /// A session: its packet, and the user and database in it.
    Session { packet: Vec<u8>, user: String, database: String },
    /// A request to cancel another session's query.
    Cancel,
}

/// Reads up to the startup packet; encryption is declined.
pub fn first(client: &mut (impl Read + Write)) -> io::Result<First> {
    // libpq asks for GSS and TLS at most once each.
    for _ in 0..4 {
        let mut head = [0; 4];
        client.read_exact(&mut head)?;
        let length = usize::try_from(u32::from_be_bytes(head)).map_err(|_| bad("length"))?;
        if !(8..=STARTUP_LIMIT).contains(&length) {
            return Err(bad("not a PostgreSQL client"));
        }
        let mut packet = head.to_vec();
        packet.resize(length, 0);
        client.read_exact(packet.get_mut(4..).unwrap_or_default())?;
        let code = packet.get(4..8).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes);
        match code {
            80_877_103 | 80_877_104 => client.write_all(b"N")?,
            80_877_102 => return Ok(First::Cancel),
            c if c >> 16 == 3 => {
                let fields: Vec<&[u8]> = packet.get(8..).unwrap_or_default().split(|b| *b == 0).collect();
                let value = |key: &[u8]| {
                    fields
                        .chunks(2)
                        .find(|f| f.first() == Some(&key))
                        .and_then(|f| f.get(1))
                        .map(|v| utf8(v))
                        .transpose()
                };
                let user = value(b"user")?.unwrap_or_default();
                let database = value(b"database")?.filter(|d| !d.is_empty()).unwrap_or_else(|| user.clone());
                return Ok(First::Session { packet, user, database });
            }
            _ => return Err(bad("protocol version")),
        }
    }
    Err(bad("too many requests for encryption"))
}

fn utf8(bytes: &[u8]) -> io::Result<String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| bad("name is not UTF-8"))
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Reads one whole message, type byte and length included; `None` at the end.
pub fn message(client: &mut impl Read, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut head = [0; 5];
    match client.read_exact(&mut head) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let [_, a, b, c, d] = head;
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).map_err(|_| bad("length"))?;
    if !(4..=limit.min(MESSAGE_LIMIT)).contains(&length) {
        return Err(bad("message length"));
    }
    let mut out = head.to_vec();
    // Grows with what really arrives, not with what is announced.
    let body = length - 4;
    client.take(body as u64).read_to_end(&mut out)?;
    if out.len() != body + 5 {
        return Ok(None);
    }
    Ok(Some(out))
}

/// A message of ours: its type and body.
pub fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend_from_slice(&u32::try_from(body.len().saturating_add(4)).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(body);
    out
}

/// An error that ends the connection.
pub fn fatal(code: &str, message: &str, hint: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, text) in [(b'S', "FATAL"), (b'V', "FATAL"), (b'C', code), (b'M', message), (b'H', hint)] {
        if !text.is_empty() {
            body.push(field);
            body.extend(text.bytes().filter(|b| *b != 0));
            body.push(0);
        }
    }
    body.push(0);
    frame(b'E', &body)
}

/// The messages of a server's answer, one after the other: type and body.
pub fn messages(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = bytes.split_at_checked(5)?;
        let length = u32::from_be_bytes(head.get(1..5)?.try_into().ok()?);
        let (body, rest) = rest.split_at_checked(usize::try_from(length).ok()?.checked_sub(4)?)?;
        bytes = rest;
        Some((*head.first()?, body))
    })
}

/// The text of the first error in a server's answer.
pub fn error_text(bytes: &[u8]) -> Option<String> {
    let (_, body) = messages(bytes).find(|(kind, _)| *kind == b'E')?;
    let text = body.split(|b| *b == 0).find(|f| f.first() == Some(&b'M'))?;
    Some(String::from_utf8_lossy(text.get(1..)?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pipe(io::Cursor<Vec<u8>>, Vec<u8>);
    impl Read for Pipe {
        fn read(&mut self, b: &mut [u8]) -> io::Result<usize> {
            self.0.read(b)
        }
    }
    impl Write for Pipe {
        fn write(&mut self, b: &[u8]) -> io::Result<usize> {
            self.1.extend_from_slice(b);
            Ok(b.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_startup_after_requests_for_encryption() {
        let mut bytes = Vec::new();
        bytes.extend([0, 0, 0, 8, 4, 210, 22, 48]);
        bytes.extend([0, 0, 0, 8, 4, 210, 22, 47]);
        let body = b"\0\x03\0\0user\0me\0database\0my db\0\0";
        bytes.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
        bytes.extend(body);
        let mut pipe = Pipe(io::Cursor::new(bytes), vec![]);
        let First::Session { user, database, packet } = first(&mut pipe).unwrap() else { panic!() };
        assert_eq!((user.as_str(), database.as_str(), packet.len()), ("me", "my db", body.len() + 4));
        assert_eq!(pipe.1, b"NN");
    }

    #[test]
    fn garbage_is_refused_without_a_panic() {
        for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\0\0\0\x08\0\0\0\0", b"\0\0\0\x04", b"\xff\xff\xff\xff", b""] {
            assert!(first(&mut Pipe(io::Cursor::new(bytes.to_vec()), vec![])).is_err());
        }
        assert!(message(&mut &b"Q\xff\xff\xff\xffabc"[..], usize::MAX).is_err());
        assert!(message(&mut &b"Q\0\0\0\x09abc"[..], usize::MAX).unwrap().is_none());
        assert_eq!(error_text(&fatal("53300", "too many", "wait")).as_deref(), Some("too many"));
        assert_eq!(messages(&[b'E', 0, 0, 0, 1]).count(), 0);
    }
}
