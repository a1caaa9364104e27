//! A TCP proxy in front of a server that counts bytes and misbehaves at a chosen one.
//! Owns its sockets on 127.0.0.1; never looks into what passes.
#![allow(clippy::unwrap_used, reason = "a test that cannot have its proxy must fail")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.closed.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                for (from, to, way) in [(&client, &server, Way::Up), (&server, &client, Way::Down)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let shared = shared.clone();
                    std::thread::spawn(move || pump(&shared, from, to, way));
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

    /// Bytes that passed since the last `arm` or `reset`.
    pub fn passed(&self, way: Way) -> u64 {
        self.state.passed[way as usize].load(Ordering::SeqCst)
    }

    /// Whether it passes nothing at the moment.
    pub fn is_stalled(&self) -> bool {
        self.state.stalled.load(Ordering::SeqCst)
    }

    /// Ends a stall.
    pub fn release(&self) {
        self.state.stalled.store(false, Ordering::SeqCst);
    }

    /// Closes every connection now.
    pub fn cut(&self) {
        self.state.cut();
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

fn pump(state: &State, mut from: TcpStream, mut to: TcpStream, way: Way) {
    let mut block = vec![0; 16 * 1024];
    while let Ok(length) = from.read(&mut block) {
        while state.stalled.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        if length == 0 {
            break;
        }
        let (pass, fault) = state.due(way, length);
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
        while state.stalled.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        if to.write_all(&block[pass..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
