//! The whole gate as one command, and the one that edits.
//!
//! Promises: `ci` never changes a tracked file; each step is one line of [`STEPS`].

use crate::{Failed, Outcome, paths, planted, process, simulator, tidy};
use std::process::Command;
use std::time::{Duration, Instant};

/// One part of the gate.
pub struct Step {
    /// What `cargo x ci NAME` calls it.
    pub name: &'static str,
    run: fn() -> Outcome,
}

/// Every step, cheapest first, so that a slip is told early.
pub const STEPS: &[Step] = &[
    Step { name: "fmt", run: || cargo(&["fmt", "--all", "--check"]) },
    Step { name: "tidy", run: tidy::run },
    Step { name: "codegen", run: || cargo(&["x", "codegen", "--check"]) },
    Step { name: "clippy", run: clippy },
    Step { name: "test", run: || cargo(TEST_COMMAND) },
    Step { name: "benches", run: || cargo(BENCH_COMMAND) },
    Step { name: "planted", run: planted::check },
    // The simulator, last: first that it repeats itself, then that it is closed, then what the
    // broker costs in it, then seeds that nobody has run, then that they can find something. The
    // plans of `sim/regressions` are among the tests.
    Step { name: "sim-build", run: || simulator::build(simulator::PROFILE).map(|_| ()) },
    Step { name: "sim-meta", run: || simulator::run(sim_meta()) },
    Step { name: "sim-imports", run: simulator::imports },
    Step { name: "sim-perf", run: || simulator::run(&["perf"]) },
    Step { name: "sim-sweep", run: || simulator::run(SIM_SWEEP) },
    Step { name: "sim-canary", run: || simulator::run(&["canary"]) },
];

/// The same seeds for every commit: a red gate then speaks of the change, not of luck, while one fresh
/// seed in some hundreds still finds something. As many as take a minute on two cores that do nothing
/// else, so that the gate stays within its time on busy ones. The sweeps of fresh seeds are hours long,
/// and not here.
const SIM_SWEEP: &[&str] = &["sweep", "--seed", "1", "--runs", "400"];

/// A few seeds; the full count and the second build are for `cargo x meta`.
fn sim_meta() -> &'static [&'static str] {
    const TRAPPED: &[&str] = &["meta", "--seeds", "20", "--trap-clock"];
    // Elsewhere there is no such trap.
    let has_trap = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    if has_trap { TRAPPED } else { &TRAPPED[..3] }
}

/// The test command that the README names.
pub const TEST_COMMAND: &[&str] = &["test", "--workspace", "--no-fail-fast"];

/// Runs every body once; no figure comes out of an unoptimised build, so none is printed.
const BENCH_COMMAND: &[&str] =
    &["bench", "--package", "benches", "--profile", "dev", "--", "--test"];

/// Runs the steps named in `only`, or all; goes on after a failure, so that one run tells all.
///
/// # Errors
/// When a step failed or a name is unknown.
pub fn run(only: &[String]) -> Outcome {
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        let known: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        return Err(Failed(format!("no step {unknown}; there are {}", known.join(", "))));
    }
    let mut ran: Vec<(&str, Duration, bool)> = Vec::new();
    for step in STEPS.iter().filter(|step| only.is_empty() || only.iter().any(|n| n == step.name)) {
        println!("== {}", step.name);
        let start = Instant::now();
        let outcome = (step.run)();
        if let Err(failed) = &outcome {
            eprintln!("{failed}");
        }
        ran.push((step.name, start.elapsed(), outcome.is_ok()));
    }
    println!();
    for (name, took, ok) in &ran {
        println!("{name:<12} {:>8.1} s  {}", took.as_secs_f64(), if *ok { "ok" } else { "FAILED" });
    }
    let failed: Vec<&str> = ran.iter().filter(|step| !step.2).map(|step| step.0).collect();
    if failed.is_empty() { Ok(()) } else { Err(Failed(format!("failed: {}", failed.join(", ")))) }
}

/// Formats the code and applies what clippy can fix by itself.
///
/// # Errors
/// When a tool failed; what it printed says why.
pub fn fix() -> Outcome {
    cargo(&["clippy", "--workspace", "--all-targets", "--fix", "--allow-dirty", "--allow-staged"])?;
    cargo(&["fmt", "--all"])
}

fn clippy() -> Outcome {
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

fn cargo(arguments: &[&str]) -> Outcome {
    println!("cargo {}", arguments.join(" "));
    process::run(Command::new("cargo").args(arguments).current_dir(paths::root()))
}
