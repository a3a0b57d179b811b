//! Many seeds in child processes, and what they add up to.
//!
//! Promises: a child that says nothing for half a minute hangs: it is ended, its seed becomes a
//! failure, and another child goes on. Failures of one class are kept once, with the seed that came
//! first. Does not: depend on which child ran which seed.
//!
//! This is the only part of the simulator that uses threads, processes and the real clock: it looks
//! at runs from outside.
#![expect(
    clippy::disallowed_methods,
    reason = "children are real processes and their silence is measured in real time"
)]

use core::time::Duration;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

use model::Bug;
use serde_json::{Value, json};

use crate::names::kebab;

/// Real time after which a silent child hangs.
const HANG: Duration = Duration::from_secs(30);

/// What to sweep.
#[derive(Debug, Clone, Copy)]
pub struct Sweep {
    pub first_seed: u64,
    /// Whichever comes first ends the sweep.
    pub runs_max: Option<u64>,
    pub time_max: Option<Duration>,
    pub jobs: usize,
    /// A mistake that is switched on in every run.
    pub bug: Option<Bug>,
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
pub fn sweep(what: &Sweep, heard: impl Fn(&Value) + Sync) -> Result<Total, String> {
    let began = Instant::now();
    let seeds = Seeds { sweep: *what, began, next: core::sync::atomic::AtomicU64::new(0) };
    let (tell, reports) = channel();
    let outcome = thread::scope(|scope| {
        let mut jobs = Vec::new();
        for _ in 0..what.jobs.max(1) {
            let (tell, seeds) = (tell.clone(), &seeds);
            jobs.push(scope.spawn(move || {
                let mut worker = Worker::start(what.bug)?;
                while let Some(seed) = seeds.take() {
                    let report = match worker.run(seed) {
                        Some(report) => report,
                        None => {
                            worker = Worker::start(what.bug)?;
                            hang(seed)
                        }
                    };
                    // The reader lives until every job has ended.
                    drop(tell.send(report));
                }
                Ok::<(), String>(())
            }));
        }
        drop(tell);
        let mut total = Total::default();
        for report in reports {
            heard(&report);
            total.add(&report);
        }
        for job in jobs {
            job.join().map_err(|_| "a thread of the sweep panicked".to_owned())??;
        }
        Ok::<Total, String>(total)
    });
    Ok(Total { wall: began.elapsed(), ..outcome? })
}

fn hang(seed: u64) -> Value {
    let text = format!("no answer within {} s, or the process ended", HANG.as_secs());
    json!({ "seed": seed, "verdict": "failed", "class": "run/hang", "text": text })
}

/// Which seeds are still to be run.
struct Seeds {
    sweep: Sweep,
    began: Instant,
    next: core::sync::atomic::AtomicU64,
}

impl Seeds {
    fn take(&self) -> Option<u64> {
        let ordinal = self.next.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
        let late = self.sweep.time_max.is_some_and(|limit| self.began.elapsed() >= limit);
        let enough = self.sweep.runs_max.is_some_and(|limit| ordinal >= limit);
        (!late && !enough).then_some(self.sweep.first_seed + ordinal)
    }
}

/// A child process that runs one seed after the other.
struct Worker {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Worker {
    fn start(bug: Option<Bug>) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut child = Command::new(program)
            .arg("worker")
            .args(bug.map(|bug| format!("--bug={}", kebab(&format!("{bug:?}")))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| format!("cannot start a child: {error}"))?;
        let input = child.stdin.take().ok_or("a child without an input")?;
        let output = child.stdout.take().ok_or("a child without an output")?;
        let (tell, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, input, lines })
    }

    /// `None` when the child hangs or has ended.
    fn run(&mut self, seed: u64) -> Option<Value> {
        writeln!(self.input, "{seed}").and_then(|()| self.input.flush()).ok()?;
        loop {
            match self.lines.recv_timeout(HANG) {
                Ok(line) => {
                    let value: Value = serde_json::from_str(&line).ok()?;
                    if value["seed"] == seed {
                        return Some(value);
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
