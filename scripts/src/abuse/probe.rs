//! Well-behaved clients beside the bad ones: what do they notice?

use super::frames;
use crate::{Doing, Failed, Outcome};
use serde::Serialize;
use std::net::TcpStream;
use std::time::{Duration, Instant};

pub(super) const TOPIC: &str = "probe";
/// A request that is not answered by then has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// Above the size up to which a frame needs no part of the broker's receive budget.
const LARGE_VALUE_BYTES: usize = 256 * 1024;
const SMALL_VALUE_BYTES: usize = 100;

/// Time to an acknowledgement, from when the request was meant to be sent.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Latency {
    pub(super) count: usize,
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) max_us: u64,
}

/// What both kinds of client saw during one window.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Seen {
    /// Records of 100 B.
    pub(super) small: Latency,
    /// Records of 256 KiB, which need a part of the receive budget.
    pub(super) large: Latency,
}

/// Connects and makes sure that the topic exists.
///
/// # Errors
/// When the broker refuses.
pub(super) fn connect(address: &str, topic: &str) -> Outcome<TcpStream> {
    let mut stream = TcpStream::connect(address).doing(|| "connect".into())?;
    stream.set_nodelay(true).doing(|| "connect".into())?;
    stream.set_read_timeout(Some(PATIENCE)).doing(|| "connect".into())?;
    frames::call(&mut stream, &frames::metadata(topic))?;
    Ok(stream)
}

/// Produces small records at `rate` and a large one every half second, for `window`.
///
/// # Errors
/// When a request is refused or not answered in time.
pub(super) fn watch(address: &str, rate: u32, window: Duration) -> Outcome<Seen> {
    std::thread::scope(|scope| {
        let every = Duration::from_millis(500);
        let large = scope.spawn(move || produce(address, LARGE_VALUE_BYTES, every, window));
        let small = produce(address, SMALL_VALUE_BYTES, Duration::from_secs(1) / rate, window)?;
        let large = large.join().map_err(|_| Failed("the probe panicked".into()))??;
        Ok(Seen { small, large })
    })
}

fn produce(
    address: &str,
    value_bytes: usize,
    every: Duration,
    window: Duration,
) -> Outcome<Latency> {
    let mut stream = connect(address, TOPIC)?;
    let request = frames::produce(TOPIC, value_bytes);
    let began = Instant::now();
    let mut took_us = Vec::new();
    let mut due = Duration::ZERO;
    while due < window {
        if let Some(early) = due.checked_sub(began.elapsed()) {
            std::thread::sleep(early);
        }
        let answer = frames::call(&mut stream, &request)?;
        let code = frames::produce_error(&answer, TOPIC)?;
        if code != 0 {
            return Err(Failed(format!("a well-behaved producer got error {code}")));
        }
        let late = began.elapsed().saturating_sub(due);
        took_us.push(u64::try_from(late.as_micros()).unwrap_or(u64::MAX));
        due += every;
    }
    Ok(Latency::of(took_us))
}

impl Latency {
    fn of(mut took_us: Vec<u64>) -> Self {
        took_us.sort_unstable();
        let at = |percent: usize| {
            let place = (took_us.len() * percent).div_ceil(100);
            took_us.get(place.saturating_sub(1)).copied().unwrap_or(0)
        };
        Self { count: took_us.len(), p50_us: at(50), p99_us: at(99), max_us: at(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::Latency;

    #[test]
    fn percentiles_are_values_that_were_seen() {
        let latency = Latency::of((1..=200).rev().collect());
        assert_eq!((latency.p50_us, latency.p99_us, latency.max_us), (100, 198, 200));
    }
}
