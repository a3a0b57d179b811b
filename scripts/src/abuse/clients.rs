//! The bad clients. Each kind runs until it is dropped.

use super::{frames, probe};
use crate::{Doing, Failed, Outcome};
use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const STUCK_TOPIC: &str = "stuck";
const STUCK_VALUE_BYTES: usize = 1_000_000;
const STUCK_RECORDS: usize = 64;
/// Fetches that each stuck consumer asks for without reading any answer.
const STUCK_FETCHES: usize = 8;
const STUCK_FETCH_BYTES: i32 = 50 << 20;
/// What a slow client says that it will send: Kafka's largest request.
const DECLARED_BYTES: u32 = 100 << 20;

/// Clients that behave badly.
pub(super) struct Crowd {
    #[expect(dead_code, reason = "held open, and never used again")]
    connections: Vec<TcpStream>,
    drip: Option<Drip>,
}

struct Drip {
    stop: Arc<AtomicBool>,
    ended: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Crowd {
    /// Connections that asked once for metadata and then say nothing.
    ///
    /// # Errors
    /// When the broker does not serve one of them.
    pub(super) fn idle(address: &str, count: usize) -> Outcome<Self> {
        let connect = |number: usize| {
            probe::connect(address, probe::TOPIC)
                .map_err(|Failed(why)| Failed(format!("idle connection {number}: {why}")))
        };
        let connections = (0..count).map(connect).collect::<Outcome<_>>()?;
        Ok(Self { connections, drip: None })
    }

    /// Connections that declare a request of 100 MiB and send one byte of it each second. One that the
    /// broker ends is replaced.
    ///
    /// # Errors
    /// When the first of each cannot connect.
    pub(super) fn slow(address: &str, count: usize) -> Outcome<Self> {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            connections.push(declare(address)?);
        }
        let (stop, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, count_ended) = (Arc::clone(&stop), Arc::clone(&ended));
        let address = address.to_owned();
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                for connection in &mut connections {
                    let is_gone = |error: std::io::Error| error.kind() != ErrorKind::WouldBlock;
                    if connection.write_all(&[0]).is_err_and(is_gone) {
                        count_ended.fetch_add(1, Ordering::Relaxed);
                        if let Ok(another) = declare(&address) {
                            *connection = another;
                        }
                    }
                }
                std::thread::sleep(Duration::from_secs(1));
            }
        });
        let drip = Some(Drip { stop, ended, thread: Some(thread) });
        Ok(Self { connections: Vec::new(), drip })
    }

    /// Consumers that ask for 50 MiB again and again and never read their socket.
    ///
    /// # Errors
    /// When what they ask for cannot be produced, or one cannot connect.
    pub(super) fn stuck(address: &str, count: usize) -> Outcome<Self> {
        let mut producer = probe::connect(address, STUCK_TOPIC)?;
        let record = frames::produce(STUCK_TOPIC, STUCK_VALUE_BYTES);
        for _ in 0..STUCK_RECORDS {
            let answer = frames::call(&mut producer, &record)?;
            let code = frames::produce_error(&answer, STUCK_TOPIC)?;
            if code != 0 {
                return Err(Failed(format!("producing for the stuck consumers: error {code}")));
            }
        }
        let fetches = frames::fetch(STUCK_TOPIC, STUCK_FETCH_BYTES).repeat(STUCK_FETCHES);
        let connect = |_| {
            let mut stream = TcpStream::connect(address).doing(|| "connect".into())?;
            stream.write_all(&fetches).doing(|| "send fetches".into())?;
            Ok(stream)
        };
        let connections = (0..count).map(connect).collect::<Outcome<_>>()?;
        Ok(Self { connections, drip: None })
    }

    /// Connections that the broker ended so far; `None` for clients that would not notice.
    pub(super) fn ended(&self) -> Option<u64> {
        self.drip.as_ref().map(|drip| drip.ended.load(Ordering::Relaxed))
    }
}

fn declare(address: &str) -> Outcome<TcpStream> {
    let mut stream = TcpStream::connect(address).doing(|| "connect".into())?;
    stream.set_nodelay(true).doing(|| "connect".into())?;
    stream.write_all(&DECLARED_BYTES.to_be_bytes()).doing(|| "declare a request".into())?;
    stream.set_nonblocking(true).doing(|| "connect".into())?;
    Ok(stream)
}

impl Drop for Drip {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It ends within its pause; a panic there has been printed already.
            let _ = thread.join();
        }
    }
}
