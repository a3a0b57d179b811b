//! How far producing is, on standard error.

use core::time::Duration;
use model::Instant;
use std::io::{IsTerminal, Write, stderr, stdin};

/// Between two updates of the live line.
const EVERY: Duration = Duration::from_millis(500);

/// Counts what the cluster has.
#[derive(Debug)]
pub(super) struct Progress {
    began: Instant,
    shown: Instant,
    records: u64,
    bytes: u64,
    quiet: bool,
    /// There is somebody to watch, and the terminal is not where the lines are typed.
    live: bool,
}

impl Progress {
    pub(super) fn new(now: Instant, quiet: bool) -> Self {
        let live = !quiet && stderr().is_terminal() && !stdin().is_terminal();
        Self { began: now, shown: now, records: 0, bytes: 0, quiet, live }
    }

    pub(super) fn delivered(&mut self, records: u64, bytes: usize, now: Instant) {
        self.records += records;
        self.bytes += u64::try_from(bytes).expect("64 bits");
        if self.live && now.since(self.shown) >= EVERY {
            self.shown = now;
            let _ = write!(stderr(), "\r{}\x1b[K", self.line(now));
        }
    }

    /// The last word: also after a failure, because what was delivered stays.
    pub(super) fn finish(&self, topic: &str, now: Instant, success: bool) {
        if self.live {
            let _ = write!(stderr(), "\r\x1b[K");
        }
        if !self.quiet || !success {
            let _ = writeln!(stderr(), "{} to {topic}", self.line(now));
        }
    }

    fn line(&self, now: Instant) -> String {
        let seconds = now.since(self.began).as_secs_f64();
        let records = if self.records == 1 { "record" } else { "records" };
        format!("delivered {} {records} ({}) in {seconds:.1} s", self.records, size(self.bytes))
    }
}

fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1 << 10 {
        return format!("{bytes} B");
    }
    let mut scaled = bytes as f64;
    let mut unit = "B";
    for larger in UNITS {
        if scaled < 1_024.0 {
            break;
        }
        scaled /= 1_024.0;
        unit = larger;
    }
    format!("{scaled:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_delivered_is_one_line() {
        let began = Instant(1_000_000_000);
        let mut progress = Progress::new(began, true);
        progress.delivered(1, 1_000, began);
        let line = progress.line(began + Duration::from_millis(1_240));
        assert_eq!(line, "delivered 1 record (1000 B) in 1.2 s");
        progress.delivered(9_999, 5 << 20, began);
        assert_eq!(progress.line(began), "delivered 10000 records (5.0 MiB) in 0.0 s");
    }
}
