//! `sim check`: the verdict over a history that was written against a real broker.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args as ClapArgs;

use super::refuse;
use crate::checkers::history;

/// As in loadgen: data was lost, duplicated, reordered or changed.
const VIOLATED: u8 = 5;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// A history, as `loadgen --verify --history FILE` writes it.
    file: PathBuf,
}

/// Judges a history: exit code 0 clean, 5 violated, 2 nothing to judge.
#[expect(clippy::disallowed_methods, reason = "the command reads a file that it is given")]
pub(super) fn check(args: &Args) -> ExitCode {
    let verdict = history::check(&mut || {
        let file = std::fs::File::open(&args.file)?;
        Ok(Box::new(file))
    });
    match verdict {
        Ok(verdict) => {
            println!("{verdict}");
            if verdict.evaluations() == 0 {
                return refuse("nothing could be judged: no batch was acknowledged or consumed");
            }
            if verdict.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(VIOLATED) }
        }
        Err(error) => refuse(&format!("{}: {error}", args.file.display())),
    }
}
