//! `sim check`: the verdict over a history that was written against a real broker.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args as ClapArgs;
use client::history::Reader;

use super::{REFUSED, refuse};
use crate::checkers::history::{self, Ruling};

/// As in loadgen: data was lost, duplicated, reordered or changed.
const VIOLATED: u8 = 5;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// A history, as `loadgen --verify --history FILE` writes it.
    file: PathBuf,
    /// Judge it although it is not what was written: entries were changed or taken out on purpose.
    #[arg(long)]
    edited: bool,
}

/// Judges a history: exit code 0 clean, 5 violated, 2 nothing to judge, incomplete or damaged.
#[expect(clippy::disallowed_methods, reason = "the command reads a file that it is given")]
pub(super) fn check(args: &Args) -> ExitCode {
    let verdict = history::check(&mut || {
        let file: Box<dyn Read> = Box::new(std::fs::File::open(&args.file)?);
        if args.edited { Reader::open_edited(file) } else { Reader::open(file) }
    });
    match verdict {
        Ok(verdict) => {
            outln!("{verdict}");
            match verdict.ruling() {
                Ruling::Clean => ExitCode::SUCCESS,
                Ruling::Violated => ExitCode::from(VIOLATED),
                Ruling::Incomplete | Ruling::Nothing => ExitCode::from(REFUSED),
            }
        }
        Err(error) => refuse(&format!("{}: {error}", args.file.display())),
    }
}
