//! The same run twice, in processes as unlike as can be: what must not matter, does not.
//!
//! Promises: each seed runs once in a new process of its own, with an empty environment, and once in
//! one process for all seeds, in the opposite order, in another directory, with a full environment
//! and an allocator that fills what it gives; perhaps as another build. Every step counts, by its
//! hash. For the first seed that differs, both runs are made again up to the first interval of 4,096
//! events that differs, and shown.
//! Does not: find what differs between machines or architectures.

mod side;
mod trap;

use core::ops::Range;
use std::path::PathBuf;
use std::thread;

use runtime::memory::{CHECKPOINT_EVENTS, Checkpoint, first_difference};
use serde::{Deserialize, Serialize};

use crate::run::{Report, Verdict};
use side::Side;
pub use trap::{arm as trap_clock, read_clock};

/// What is compared.
#[derive(Debug, Clone)]
pub struct Meta {
    pub seeds: Range<u64>,
    /// Another build of this program for the second run.
    pub against: Option<PathBuf>,
    /// A read of the time stamp counter ends the process; see [`trap_clock`].
    pub trap_clock: bool,
}

/// One run as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    pub seed: u64,
    /// Of the violation; `None` when the run passed.
    pub class: Option<String>,
    pub events: u64,
    pub trace_hash: u64,
    /// Events so far, virtual nanoseconds, hash.
    pub checkpoints: Vec<(u64, u64, u64)>,
    /// The events that were asked for, a line each.
    #[serde(default)]
    pub kept_events: String,
}

impl Fingerprint {
    #[must_use]
    pub fn of(seed: u64, report: &Report) -> Self {
        let class = report.violation.as_ref().map(|violation| violation.class.clone());
        debug_assert_eq!(class.is_none(), report.verdict == Verdict::Passed);
        let flat = |it: &Checkpoint| (it.event_count, it.at.0, it.hash);
        Self {
            seed,
            class,
            events: report.counters.events,
            trace_hash: report.trace_hash,
            checkpoints: report.checkpoints.iter().map(flat).collect(),
            kept_events: report.kept_events.clone(),
        }
    }

    /// The events among which two unlike runs differ first.
    fn first_difference(&self, other: &Self) -> Range<u64> {
        let deep = |flat: &[(u64, u64, u64)]| -> Vec<Checkpoint> {
            let one = |&(event_count, at, hash): &(u64, u64, u64)| Checkpoint {
                event_count,
                at: model::Instant(at),
                hash,
            };
            flat.iter().map(one).collect()
        };
        first_difference(&deep(&self.checkpoints), &deep(&other.checkpoints)).unwrap_or_else(|| {
            // Alike as far as both have checkpoints: they differ behind the last common one.
            let common = self.checkpoints.len().min(other.checkpoints.len()) as u64;
            let start = common * CHECKPOINT_EVENTS;
            start..start + CHECKPOINT_EVENTS
        })
    }
}

/// A seed of which two runs differ, or of which one gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub seed: u64,
    pub text: String,
}

/// What came of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub runs: u64,
    /// Events that were compared.
    pub events: u64,
    pub differences: Vec<Difference>,
    /// Both runs of the first seed that differs, where they part.
    pub parting: Option<String>,
}

/// Runs and compares.
///
/// # Errors
/// A child cannot be started, or the clock trap does not bite on this machine.
pub fn compare(what: &Meta) -> Result<Outcome, String> {
    if what.trap_clock {
        trap::prove()?;
    }
    let first = Side { program: None, used: false, trap_clock: what.trap_clock };
    let second = Side { program: what.against.clone(), used: true, trap_clock: what.trap_clock };
    let seeds: Vec<u64> = what.seeds.clone().collect();
    let (ones, others) = thread::scope(|scope| {
        let ones = scope.spawn(|| first.run_all(&seeds));
        let others = second.run_all(&seeds);
        (ones.join().unwrap_or_else(|_| Err("a thread panicked".to_owned())), others)
    });
    let mut outcome = Outcome { runs: 0, events: 0, differences: Vec::new(), parting: None };
    for (seed, pair) in seeds.iter().zip(ones?.into_iter().zip(others?)) {
        outcome.runs += 2;
        let text = match pair {
            (Ok(one), Ok(other)) if one == other => {
                outcome.events += one.events;
                continue;
            }
            (Ok(one), Ok(other)) => {
                let events = one.first_difference(&other);
                if outcome.parting.is_none() {
                    outcome.parting = Some(parting(&first, &second, *seed, &events));
                }
                format!(
                    "{:016x} and {:016x}; {} and {} events; the runs part within events {events:?}",
                    one.trace_hash, other.trace_hash, one.events, other.events
                )
            }
            (Err(silence), Ok(_)) => format!("in a new process: {silence}"),
            (Ok(_), Err(silence)) => format!("in a used process: {silence}"),
            (Err(one), Err(other)) => format!("in a new process: {one}; in a used one: {other}"),
        };
        outcome.differences.push(Difference { seed: *seed, text });
    }
    Ok(outcome)
}

/// Both runs of an interval, from a little before the first line that differs.
fn parting(first: &Side, second: &Side, seed: u64, events: &Range<u64>) -> String {
    let kept = |side: &Side| match side.run_again(seed, events) {
        Ok(fingerprint) => fingerprint.kept_events,
        Err(reason) => format!("{reason}\n"),
    };
    let (one, other) = (kept(first), kept(second));
    let (one, other): (Vec<&str>, Vec<&str>) = (one.lines().collect(), other.lines().collect());
    let Some(alike) = (0..one.len().max(other.len())).find(|&at| one.get(at) != other.get(at))
    else {
        return "run once more, both agree there: the difference comes and goes\n".to_owned();
    };
    const BEFORE: usize = 8;
    const AFTER: usize = 12;
    let from = alike.saturating_sub(BEFORE);
    let mut text = format!("alike up to event {}:\n", events.start + alike as u64);
    for line in &one[from.min(one.len())..alike.min(one.len())] {
        text.push_str(&format!("    {line}\n"));
    }
    for (title, lines) in [("in a new process", &one), ("in a used process", &other)] {
        text.push_str(&format!("{title}:\n"));
        for line in lines.iter().skip(alike).take(AFTER) {
            text.push_str(&format!("    {line}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(hashes: &[u64], events: u64) -> Fingerprint {
        let checkpoint = |(number, hash): (u64, &u64)| (number * CHECKPOINT_EVENTS, number, *hash);
        Fingerprint {
            seed: 1,
            class: None,
            events,
            trace_hash: 0,
            checkpoints: (1..).zip(hashes).map(checkpoint).collect(),
            kept_events: String::new(),
        }
    }

    #[test]
    fn the_first_interval_that_differs_is_found() {
        let one = fingerprint(&[5, 6, 7], 13_000);
        assert_eq!(one.first_difference(&fingerprint(&[5, 9, 8], 13_000)), 4_096..8_192);
        assert_eq!(one.first_difference(&fingerprint(&[4, 9, 8], 13_000)), 0..4_096);
    }

    #[test]
    fn runs_that_differ_behind_the_last_common_checkpoint_differ_there() {
        let one = fingerprint(&[5, 6, 7], 13_000);
        assert_eq!(one.first_difference(&fingerprint(&[5, 6, 7], 13_001)), 12_288..16_384);
        assert_eq!(one.first_difference(&fingerprint(&[5, 6], 9_000)), 8_192..12_288);
    }
}
