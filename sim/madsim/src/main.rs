//! `sim-madsim [SEEDS]`: so many seeds under every kind of fault, each twice; both must agree.

use sim_madsim::run::{Faults, run};
use std::process::ExitCode;

const SEEDS: u64 = 10;

fn main() -> ExitCode {
    let seeds = match std::env::args().nth(1).map(|word| word.parse()) {
        None => SEEDS,
        Some(Ok(seeds)) => seeds,
        Some(Err(error)) => {
            eprintln!("usage: sim-madsim [SEEDS]: {error}");
            return ExitCode::from(2);
        }
    };
    let mut failed = false;
    for faults in Faults::ALL {
        let (mut acked, mut consumed, mut evaluations) = (0, 0, 0);
        for seed in 0..seeds {
            let (first, again) = (run(seed, faults), run(seed, faults));
            if first.trace != again.trace {
                println!("seed {seed} {faults:?}: two runs differ");
                failed = true;
            }
            for violation in &first.violations {
                println!("seed {seed} {faults:?}: {violation}");
                failed = true;
            }
            acked += first.acked;
            consumed += first.consumed;
            evaluations += first.evaluations;
        }
        println!(
            "{faults:?}: {seeds} seeds twice, {acked} batches acknowledged, {consumed} consumed, \
             {evaluations} evaluations"
        );
        failed |= acked == 0 || consumed == 0;
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
