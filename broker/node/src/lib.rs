//! The broker binary: server on the live backends, command line, signals, text log.
//!
//! Promises: every refusal goes to standard error as a sentence with its remedy; exit code 2 is bad
//! usage or configuration, 1 a failure while running.
//! Does not: decide anything about records; it joins `server` and `uring`.

mod args;
mod cli;
mod log;
mod serve;
mod settings;
mod storage;

use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;

use args::{Cli, Command};

/// Runs the `broker` program with these arguments, the program's name first.
///
/// Callable from other binaries: `loadgen` runs its own executable again to embed a broker.
#[must_use]
pub fn main_from_args(args: Vec<OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, and go to standard output with exit code 0.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match cli.command {
        None => serve::serve(&cli.serve),
        Some(Command::Storage(task)) => storage::storage(task),
        Some(Command::Topic(args)) => cli::topic::run(args),
        Some(Command::Group(args)) => cli::group::run(args),
        Some(Command::Cluster(args)) => cli::cluster::run(args),
        Some(Command::Produce(args)) => cli::produce::run(args),
        Some(Command::Consume(args)) => cli::consume::run(args),
        Some(Command::Completions { shell }) => cli::completions(shell),
    }
}

/// Prints why nothing was started.
fn refuse(reasons: &[String]) -> ExitCode {
    for reason in reasons {
        eprintln!("broker: {reason}");
    }
    ExitCode::from(2)
}
