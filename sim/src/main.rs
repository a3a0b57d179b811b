//! `sim`: runs, replays and sweeps.

use std::process::ExitCode;

fn main() -> ExitCode {
    sim::cli::main()
}
