//! `sim canary`: a planted bug that the fresh seeds must find.

use std::process::ExitCode;

use super::{COMMIT, mutant, refuse, seed};
use crate::fleet;
use crate::plan::SEED_MAX;
use crate::plan::dice::Dice;
use crate::sweep::Seeds;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// As `sim mutants --list` names it.
    #[arg(long, value_name = "NAME", default_value = "ack-before-sync")]
    bug: String,
    /// Runs in which it must be found: as a failure that is not there without it.
    #[arg(long, default_value_t = 80)]
    runs: u64,
    /// Child processes at the same time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// The first seed. Without it the commit decides.
    #[arg(long, value_parser = seed)]
    seed: Option<u64>,
}

pub(super) fn canary(args: &Args) -> ExitCode {
    let first = args.seed.unwrap_or_else(|| Dice::new(0, COMMIT).word() % (SEED_MAX / 2));
    let mutant = match mutant(&args.bug) {
        Ok(mutant) if mutant.is_placebo() => {
            return refuse(&format!("{} changes nothing: it cannot be found", args.bug));
        }
        Ok(mutant) => mutant,
        Err(reason) => return refuse(&reason),
    };
    match fleet::canary(mutant.bug, Seeds::From(first), args.runs, args.jobs) {
        Ok(Some(class)) => {
            outln!("{} was found, as {class}", args.bug);
            ExitCode::SUCCESS
        }
        Ok(None) => {
            eprintln!("{} lived through {} runs from seed {first}", args.bug, args.runs);
            ExitCode::FAILURE
        }
        Err(reason) => refuse(&reason),
    }
}
