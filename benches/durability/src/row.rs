//! One row of the table: an open-loop schedule of appends against one way to make them durable.
//!
//! Promises: every scheduled append is counted; those not durable at the end enter with the time they had
//! waited by then, so that a mode that falls behind cannot look fast.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::flush::{Flusher, Mode};
use crate::readers::{ColdLoad, ColdReaders};

/// Longest piece of backlog that one commit takes.
const COMMIT_BYTES_MAX: usize = 16 << 20;
/// A sleep may oversleep by about the kernel's timer slack; the rest is spun.
const SPIN: Duration = Duration::from_micros(80);

pub(crate) struct Row {
    pub(crate) mode: Mode,
    pub(crate) log_count: usize,
    pub(crate) append_bytes: usize,
    /// Appends per second, over all logs.
    pub(crate) rate: u32,
    pub(crate) cold_readers: ColdLoad,
    pub(crate) duration: Duration,
}

impl Row {
    pub(crate) fn run(&self, place: &Path, cold_directory: &Path) -> std::io::Result<Outcome> {
        let mut flusher = Flusher::open(self.mode, place, self.log_count, COMMIT_BYTES_MAX)?;
        let readers = ColdReaders::start(cold_directory, self.cold_readers)?;
        let commit_appends_max = COMMIT_BYTES_MAX / self.append_bytes;

        let interval = Duration::from_secs(1) / self.rate;
        let total = (self.duration.as_nanos() / interval.as_nanos()) as usize;
        let intended = |append: usize| interval * u32::try_from(append).expect("short run");
        let mut latencies = Vec::with_capacity(total);
        let (mut durable, mut commit_count, mut touched_count) = (0, 0, 0);

        let start = Instant::now();
        while durable < total && start.elapsed() < self.duration {
            let arrived = (start.elapsed().as_nanos() / interval.as_nanos()) as usize + 1;
            let arrived = arrived.min(total).min(durable + commit_appends_max);
            if arrived == durable {
                wait_until(start + intended(durable));
                continue;
            }
            touched_count += flusher.commit(durable..arrived, self.append_bytes)?;
            commit_count += 1;
            let now = start.elapsed();
            latencies.extend((durable..arrived).map(|append| now - intended(append)));
            durable = arrived;
        }
        let elapsed = start.elapsed();
        latencies.extend((durable..total).map(|append| elapsed.saturating_sub(intended(append))));
        latencies.sort_unstable();
        let cold_bytes = readers.stop();

        Ok(Outcome {
            mode: self.mode,
            log_count: self.log_count,
            append_bytes: self.append_bytes,
            rate: self.rate,
            cold_readers: self.cold_readers,
            achieved: durable as f64 / elapsed.as_secs_f64(),
            p50: percentile(&latencies, 50),
            p99: percentile(&latencies, 99),
            max: percentile(&latencies, 100),
            commit_count,
            touched_mean: touched_count as f64 / f64::from(commit_count.max(1)),
            direct_count: flusher.direct_count(),
            cold_mib_per_s: cold_bytes as f64 / elapsed.as_secs_f64() / f64::from(1 << 20),
        })
    }
}

fn wait_until(when: Instant) {
    while let Some(left) = when.checked_duration_since(Instant::now()) {
        if left > SPIN {
            std::thread::sleep(left - SPIN);
        } else {
            std::hint::spin_loop();
        }
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let index = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted[index]
}

pub(crate) struct Outcome {
    mode: Mode,
    log_count: usize,
    append_bytes: usize,
    rate: u32,
    cold_readers: ColdLoad,
    /// Durable appends per second.
    achieved: f64,
    p50: Duration,
    p99: Duration,
    max: Duration,
    commit_count: u32,
    /// Logs touched by one commit, on average.
    touched_mean: f64,
    /// Commits that synced segments instead of the journal.
    direct_count: u32,
    cold_mib_per_s: f64,
}

impl Outcome {
    pub(crate) const HEADER: &str = "rep\tmode\tlogs\tappend_bytes\trate\tcold_readers\tachieved\tp50_us\tp99_us\tmax_us\
        \tcommits\ttouched_mean\tdirect_commits\tcold_mib_per_s";
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}\t{}\t{}\t{}\t{:?}\t{:.0}\t{}\t{}\t{}\t{}\t{:.1}\t{}\t{:.0}",
            self.mode,
            self.log_count,
            self.append_bytes,
            self.rate,
            self.cold_readers,
            self.achieved,
            self.p50.as_micros(),
            self.p99.as_micros(),
            self.max.as_micros(),
            self.commit_count,
            self.touched_mean,
            self.direct_count,
            self.cold_mib_per_s,
        )
    }
}
