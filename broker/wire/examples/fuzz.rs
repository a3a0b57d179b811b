//! Runs every fuzz body for a while: `cargo x fuzz --for 5m`.
//!
//! Arguments: seconds, and optionally a seed to start from. Exit code 1 with the input in hex when a
//! body fails, or when the canary does not.
#![expect(
    clippy::disallowed_methods,
    reason = "a program of its own: arguments, time and exit code come from the system"
)]

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use wire::fuzz::FUZZERS;

const ITERATIONS_PER_TURN: usize = 20_000;

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).filter_map(|number| number.parse::<u64>().ok());
    let duration = Duration::from_secs(numbers.next().unwrap_or(60));
    let mut seed = numbers.next().unwrap_or(1);
    // The canary panics every turn; a real failure is reported with its input below.
    std::panic::set_hook(Box::new(|_| ()));
    let start = Instant::now();
    while start.elapsed() < duration {
        for fuzzer in FUZZERS {
            match (fuzzer.run(seed, ITERATIONS_PER_TURN), fuzzer.must_fail) {
                (Ok(()), false) | (Err(_), true) => {}
                (Ok(()), true) => {
                    eprintln!("{} did not fail with seed {seed}", fuzzer.name);
                    return ExitCode::FAILURE;
                }
                (Err(failure), false) => {
                    let mut hex = String::new();
                    for byte in &failure.input {
                        let _ = write!(hex, "{byte:02x}");
                    }
                    eprintln!("failed with seed {seed}; add to tests/corpus.hex:");
                    eprintln!("{} {hex}", failure.fuzzer);
                    return ExitCode::FAILURE;
                }
            }
        }
        seed += 1;
    }
    println!("no failure; next seed {seed}");
    ExitCode::SUCCESS
}
