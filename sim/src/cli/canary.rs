//! `sim canary`: a planted bug that the fresh seeds must find.

use std::process::ExitCode;

use super::{COMMIT, refuse, seed};
use crate::fleet;
use crate::mutants::{MUTANTS, Mutant};
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
    let is_meant = |mutant: &&Mutant| mutant.name() == args.bug && !mutant.is_placebo();
    let Some(mutant) = MUTANTS.iter().find(is_meant) else {
        return refuse("no such bug; `sim mutants --list` names them");
    };
    match fleet::canary(mutant.bug, Seeds::From(first), args.runs, args.jobs) {
        Ok(Some(class)) => {
            println!("{} was found, as {class}", args.bug);
            ExitCode::SUCCESS
        }
        Ok(None) => {
            eprintln!("{} lived through {} runs from seed {first}", args.bug, args.runs);
            ExitCode::FAILURE
        }
        Err(reason) => refuse(&reason),
    }
}
