//! Many seeds in child processes, and what they add up to.
//!
//! Promises: a child that hangs or ends makes its seed a failure, and another child goes on. Failures of one class are kept once, with the seed that came
//! first. Does not: depend on which child ran which seed.
//!
//! Only here, in `worker` and in `meta` does the simulator use threads, processes and the real clock:
//! they look at runs from outside.
#![expect(clippy::disallowed_methods, reason = "runs are looked at from outside, in real time")]

use core::ops::ControlFlow;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Instant;

use model::Bug;
use serde_json::{Value, json};

use crate::fleet::Shard;
use crate::names::name_of;
use crate::worker::{Silence, Worker, this_program};

/// What to sweep.
#[derive(Debug, Clone, Copy)]
pub struct Sweep {
    pub seeds: Seeds,
    /// Whichever comes first ends the sweep.
    pub runs_max: Option<u64>,
    pub time_max: Option<Duration>,
    pub jobs: usize,
    /// A mistake that is switched on in every run.
    pub bug: Option<Bug>,
}

/// Where the seeds of a sweep come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seeds {
    /// They count up from this one.
    From(u64),
    /// Those of one part of a fleet's work.
    Of(Shard),
}

impl Seeds {
    fn seed(self, ordinal: u64) -> u64 {
        match self {
            Self::From(first) => first + ordinal,
            Self::Of(shard) => shard.seed(ordinal),
        }
    }
}

/// What a sweep found and reached.
#[derive(Debug, Clone, Default)]
pub struct Total {
    pub runs: u64,
    pub failed_runs: u64,
    /// By class: how many runs, and the first of them.
    pub classes: BTreeMap<String, (u64, Value)>,
    /// Sums of every counter, by its path in a report, such as `counters.acked_batches`.
    pub sums: BTreeMap<String, u64>,
    pub wall: Duration,
}

impl Total {
    /// Takes in one report of a run.
    pub fn add(&mut self, report: &Value) {
        self.runs += 1;
        for part in ["counters", "coverage"] {
            add_numbers(&mut self.sums, part.to_owned(), &report[part]);
        }
        if report["verdict"] == "passed" {
            return;
        }
        self.failed_runs += 1;
        let class = report["class"].as_str().unwrap_or("unknown").to_owned();
        let first = self.classes.entry(class).or_insert_with(|| (0, report.clone()));
        first.0 += 1;
        if report["seed"].as_u64() < first.1["seed"].as_u64() {
            first.1 = report.clone();
        }
    }

    #[must_use]
    pub fn sum(&self, path: &str) -> u64 {
        self.sums.get(path).copied().unwrap_or_default()
    }

    /// Every sum below a path, by the rest of its name.
    pub fn below<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, u64)> {
        let named = move |(name, sum): (&'a String, &u64)| Some((name.strip_prefix(path)?, *sum));
        self.sums.iter().filter_map(named)
    }
}

fn add_numbers(sums: &mut BTreeMap<String, u64>, path: String, value: &Value) {
    match value {
        Value::Number(number) => {
            *sums.entry(path).or_default() += number.as_u64().unwrap_or_default();
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                add_numbers(sums, format!("{path}.{name}"), field);
            }
        }
        _ => {}
    }
}

/// Runs the sweep; `heard` gets each report as it comes.
///
/// # Errors
/// A child cannot be started.
pub fn sweep(what: &Sweep, mut heard: impl FnMut(&Value)) -> Result<Total, String> {
    sweep_until(what, |report| {
        heard(report);
        ControlFlow::Continue(())
    })
}

/// As [`sweep`]; no further run begins once `heard` breaks off.
///
/// # Errors
/// A child cannot be started.
pub fn sweep_until(
    what: &Sweep,
    mut heard: impl FnMut(&Value) -> ControlFlow<()>,
) -> Result<Total, String> {
    let began = Instant::now();
    let work =
        Work { what: *what, began, next: AtomicU64::new(0), is_enough: AtomicBool::new(false) };
    let (tell, reports) = channel();
    let outcome = thread::scope(|scope| {
        let mut jobs = Vec::new();
        for _ in 0..what.jobs.max(1) {
            let (tell, work) = (tell.clone(), &work);
            jobs.push(scope.spawn(move || {
                let mut worker = work.worker()?;
                while let Some(seed) = work.take() {
                    let asked = Instant::now();
                    let mut report = match worker.ask(seed) {
                        Ok(report) => report,
                        Err(silence) => {
                            worker = work.worker()?;
                            silent(seed, &silence)
                        }
                    };
                    report["wall_ms"] =
                        u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX).into();
                    // The reader lives until every job has ended.
                    drop(tell.send(report));
                }
                Ok::<(), String>(())
            }));
        }
        drop(tell);
        let mut total = Total::default();
        for report in reports {
            if heard(&report).is_break() {
                work.is_enough.store(true, Ordering::Relaxed);
            }
            total.add(&report);
        }
        for job in jobs {
            job.join().map_err(|_| "a thread of the sweep panicked".to_owned())??;
        }
        Ok::<Total, String>(total)
    });
    Ok(Total { wall: began.elapsed(), ..outcome? })
}

fn silent(seed: u64, silence: &Silence) -> Value {
    let class = match silence {
        Silence::Hang => "run/hang",
        Silence::Ended(_) => "run/process-ended",
    };
    json!({ "seed": seed, "verdict": "failed", "class": class, "text": silence.to_string() })
}

/// What is still to be done.
struct Work {
    what: Sweep,
    began: Instant,
    next: AtomicU64,
    is_enough: AtomicBool,
}

impl Work {
    fn take(&self) -> Option<u64> {
        let ordinal = self.next.fetch_add(1, Ordering::Relaxed);
        let late = self.what.time_max.is_some_and(|limit| self.began.elapsed() >= limit);
        let enough = self.what.runs_max.is_some_and(|limit| ordinal >= limit)
            || self.is_enough.load(Ordering::Relaxed);
        (!late && !enough).then(|| self.what.seeds.seed(ordinal))
    }

    fn worker(&self) -> Result<Worker, String> {
        let mut command = this_program()?;
        command.arg("worker");
        command.args(self.what.bug.map(|bug| format!("--bug={}", name_of(bug))));
        Worker::start(&mut command)
    }
}
