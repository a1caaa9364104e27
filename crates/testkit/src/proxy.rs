//! A TCP proxy in front of a server that counts bytes and misbehaves at a chosen one.
//! Owns its sockets on 127.0.0.1; never looks into what passes.
#![allow(clippy::unwrap_used, reason = "a test that cannot have its proxy must fail")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What the proxy does once so many bytes have passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Closes every connection; later ones are served.
    Cut,
    /// Passes exactly so many bytes, then ends that direction of that connection properly.
    Truncate,
    /// Passes nothing more, and closes nothing, until [`Proxy::release`].
    Stall,
    /// Kills a process at this byte, before it is passed on.
    Kill(u32),
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Up = 0,
    /// From the server to the client.
    Down = 1,
}

#[derive(Default)]
struct State {
    passed: [AtomicU64; 2],
    fault: Mutex<Option<(Way, u64, Fault)>>,
    stalled: AtomicBool,
    down: AtomicBool,
    closed: AtomicBool,
    sockets: Mutex<Vec<TcpStream>>,
}

/// A proxy on a port of its own; gone when dropped.
pub struct Proxy {
    /// The port on 127.0.0.1.
    pub port: u16,
    state: Arc<State>,
}

impl Proxy {
    /// Starts one before `127.0.0.1:port`.
    pub fn start(port: u16) -> Proxy {
        Self::slow(port, Duration::ZERO)
    }

    /// Starts one that passes every byte `latency` after it came, each way: a far network, whose width is not narrower.
    pub fn slow(port: u16, latency: Duration) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.closed.load(Ordering::SeqCst) {
                    return;
                }
                if shared.down.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                // It delays nothing but what it is told to.
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                for (from, to, way) in [(&client, &server, Way::Up), (&server, &client, Way::Down)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let shared = shared.clone();
                    std::thread::spawn(move || pump(&shared, from, to, way, latency));
                }
                let mut sockets = shared.sockets.lock().unwrap_or_else(PoisonError::into_inner);
                sockets.extend([client, server]);
            }
        });
        Proxy { port: own, state }
    }

    /// Counts anew from here, and does `fault` once `bytes` have passed `way`.
    pub fn arm(&self, way: Way, bytes: u64, fault: Fault) {
        self.reset();
        *self.state.fault.lock().unwrap() = Some((way, bytes, fault));
    }

    /// Counts anew, and misbehaves no more. Whether a fault was still waiting.
    pub fn reset(&self) -> bool {
        let waiting = self.state.fault.lock().unwrap().take().is_some();
        self.state.passed.iter().for_each(|n| n.store(0, Ordering::SeqCst));
        waiting
    }

    /// Whether a fault is still to come.
    pub fn is_armed(&self) -> bool {
        self.state.fault.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Bytes that passed since the last `arm` or `reset`.
    pub fn passed(&self, way: Way) -> u64 {
        self.state.passed[way as usize].load(Ordering::SeqCst)
    }

    /// Whether it passes nothing at the moment.
    pub fn is_stalled(&self) -> bool {
        self.state.stalled.load(Ordering::SeqCst)
    }

    /// Passes nothing more from now on, and closes nothing, until [`Proxy::release`].
    pub fn stall(&self) {
        self.state.stalled.store(true, Ordering::SeqCst);
    }

    /// Ends a stall.
    pub fn release(&self) {
        self.state.stalled.store(false, Ordering::SeqCst);
    }

    /// Closes every connection now.
    pub fn cut(&self) {
        self.state.cut();
    }

    /// Closes every connection now, and new ones too, until [`Proxy::up`].
    pub fn down(&self) {
        self.state.down.store(true, Ordering::SeqCst);
        self.cut();
    }

    /// Serves again.
    pub fn up(&self) {
        self.state.down.store(false, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.closed.store(true, Ordering::SeqCst);
        self.release();
        self.cut();
        // Wakes the listener.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl State {
    fn cut(&self) {
        for socket in self.sockets.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Returns when it is not stalled.
    fn wait(&self) {
        while self.stalled.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// How many of `length` bytes may pass before the fault that is due with them, if one is.
    fn due(&self, way: Way, length: usize) -> (usize, Option<Fault>) {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.passed[way as usize].fetch_add(length as u64, Ordering::SeqCst);
        match *fault {
            Some((on, at, what)) if on == way && before + length as u64 >= at => {
                *fault = None;
                (usize::try_from(at.saturating_sub(before)).unwrap(), Some(what))
            }
            _ => (length, None),
        }
    }
}

/// How many bytes may be under way in one direction of a connection: beyond that the sender waits.
const UNDER_WAY: usize = 16 << 20;
const BLOCK: usize = 16 * 1024;

/// What comes from a socket, each block `latency` after it came. `None`: nothing more will come.
fn blocks(mut from: TcpStream, latency: Duration) -> Box<dyn FnMut() -> Option<Vec<u8>>> {
    let mut read = move || {
        let mut block = vec![0; BLOCK];
        let length = from.read(&mut block).ok().filter(|n| *n > 0)?;
        block.truncate(length);
        Some(block)
    };
    if latency.is_zero() {
        return Box::new(read);
    }
    let (send, receive) = sync_channel(UNDER_WAY / BLOCK);
    std::thread::spawn(
        move || while read().is_some_and(|block| send.send((Instant::now() + latency, block)).is_ok()) {},
    );
    Box::new(move || {
        let (due, block) = receive.recv().ok()?;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        Some(block)
    })
}

fn pump(state: &State, from: TcpStream, mut to: TcpStream, way: Way, latency: Duration) {
    let Ok(reading) = from.try_clone() else { return };
    let mut next = blocks(reading, latency);
    while let Some(block) = next() {
        state.wait();
        let (pass, fault) = state.due(way, block.len());
        if to.write_all(&block[..pass]).is_err() {
            break;
        }
        match fault {
            None => continue,
            Some(Fault::Cut) => return state.cut(),
            Some(Fault::Truncate) => break,
            Some(Fault::Stall) => state.stalled.store(true, Ordering::SeqCst),
            Some(Fault::Kill(pid)) => {
                let _ = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
            }
        }
        state.wait();
        if to.write_all(&block[pass..]).is_err() {
            break;
        }
    }
    state.wait();
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends everything back.
    fn echo() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let mut back = socket.try_clone().unwrap();
                std::thread::spawn(move || std::io::copy(&mut &socket, &mut back));
            }
        });
        port
    }

    fn ask(port: u16, text: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.write_all(text)?;
        socket.shutdown(Shutdown::Write)?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer)?;
        Ok(answer)
    }

    #[test]
    fn latency_delays_and_does_not_narrow() {
        let proxy = Proxy::slow(echo(), Duration::from_millis(60));
        let begin = Instant::now();
        assert_eq!(ask(proxy.port, b"x").unwrap(), b"x");
        assert!(begin.elapsed() >= Duration::from_millis(120), "{:?}", begin.elapsed());
        let much = vec![7; 4 << 20];
        let begin = Instant::now();
        assert_eq!(ask(proxy.port, &much).unwrap(), much);
        // One block after the other, each delayed, would take half a minute.
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    }

    #[test]
    fn down_is_down_until_it_is_up() {
        let proxy = Proxy::start(echo());
        assert_eq!(ask(proxy.port, b"x").unwrap(), b"x");
        proxy.down();
        assert!(ask(proxy.port, b"x").map_or(true, |answer| answer.is_empty()));
        proxy.up();
        assert_eq!(ask(proxy.port, b"x").unwrap(), b"x");
    }

    #[test]
    fn a_fault_comes_at_its_byte() {
        let proxy = Proxy::start(echo());
        proxy.arm(Way::Down, 5, Fault::Truncate);
        assert_eq!(ask(proxy.port, b"0123456789").unwrap(), b"01234");
        assert!(!proxy.reset(), "it is still waiting");
        assert_eq!(ask(proxy.port, b"0123456789").unwrap(), b"0123456789");
    }
}
