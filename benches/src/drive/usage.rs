//! CPU of the broker, of ourselves and of the machine over the measured part.

use crate::Outcome;
use serde::Serialize;
use std::fs;
use std::time::Instant;

/// Ticks per second in `/proc`: `USER_HZ`, 100 on every Linux architecture in use.
const TICKS_PER_S: f64 = 100.0;

/// What was used between two readings. Seconds of CPU; the resolution is one tick, 10 ms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Usage {
    pub(crate) elapsed_s: f64,
    /// All threads of the broker's process, kernel workers of its rings included.
    pub(crate) broker_cpu_s: Option<f64>,
    /// Busy time of the whole machine minus our own: kernel threads write for the broker too.
    pub(crate) machine_cpu_s: f64,
    pub(crate) client_cpu_s: f64,
    /// Bytes that the broker's process caused to be written to storage.
    pub(crate) broker_written_bytes: Option<u64>,
}

/// A reading of all counters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    at: Instant,
    broker_pid: Option<u32>,
    broker_s: Option<f64>,
    broker_written: Option<u64>,
    machine_s: f64,
    client_s: f64,
}

impl Reading {
    pub(crate) fn take(broker_pid: Option<u32>) -> Outcome<Self> {
        let broker = broker_pid.map(|pid| pid.to_string());
        Ok(Self {
            at: Instant::now(),
            broker_pid,
            broker_s: broker.as_deref().map(process_cpu_s).transpose()?,
            broker_written: broker.as_deref().and_then(written_bytes),
            machine_s: machine_cpu_s()?,
            client_s: process_cpu_s("self")?,
        })
    }

    /// Use since `self`.
    pub(crate) fn until_now(&self) -> Outcome<Usage> {
        let now = Self::take(self.broker_pid)?;
        let client_cpu_s = now.client_s - self.client_s;
        Ok(Usage {
            elapsed_s: (now.at - self.at).as_secs_f64(),
            broker_cpu_s: now.broker_s.zip(self.broker_s).map(|(end, start)| end - start),
            machine_cpu_s: now.machine_s - self.machine_s - client_cpu_s,
            client_cpu_s,
            broker_written_bytes: now
                .broker_written
                .zip(self.broker_written)
                .map(|(end, start)| end - start),
        })
    }
}

fn read(path: &str) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))
}

fn process_cpu_s(process: &str) -> Outcome<f64> {
    let path = format!("/proc/{process}/stat");
    let text = read(&path)?;
    // The name in parentheses may hold spaces; the fields after it start with the third.
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: Vec<f64> =
        fields.split_whitespace().skip(11).take(2).filter_map(|it| it.parse().ok()).collect();
    match ticks[..] {
        [user, system] => Ok((user + system) / TICKS_PER_S),
        _ => Err(format!("{path}: not in the expected form")),
    }
}

fn machine_cpu_s() -> Outcome<f64> {
    let text = read("/proc/stat")?;
    let line = text.lines().next().unwrap_or_default();
    let ticks: Vec<f64> =
        line.split_whitespace().skip(1).take(8).filter_map(|it| it.parse().ok()).collect();
    match ticks[..] {
        [user, nice, system, _idle, _iowait, irq, softirq, _steal] => {
            Ok((user + nice + system + irq + softirq) / TICKS_PER_S)
        }
        _ => Err("/proc/stat: not in the expected form".to_owned()),
    }
}

/// `None` where the kernel does not let us see it.
fn written_bytes(process: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/io")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("write_bytes: "))?.parse().ok()
}
