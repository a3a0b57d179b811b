//! `sim run` and `sim plan`.

use std::process::ExitCode;

use model::Bug;

use super::{bug, quiet_panics, refuse, run_plan, seed, show};
use crate::plan::Plan;
use crate::run::{Options, Verdict};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(long, value_parser = seed)]
    seed: u64,
    /// Plant this bug in the broker; `sim mutants --list` names them.
    #[arg(long, value_name = "NAME", value_parser = bug)]
    bug: Vec<Bug>,
    /// Print the report as one line of JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct PlanArgs {
    #[arg(long, value_parser = seed)]
    seed: u64,
}

pub(super) fn run(args: &Args) -> ExitCode {
    let plan = Plan::from_seed(args.seed);
    let bugs = args.bug.iter().copied().collect();
    let options = Options { bugs, ..quiet_panics() };
    let report = match run_plan(&plan, &options) {
        Ok(report) => report,
        Err(reason) => return refuse(&reason),
    };
    if args.json {
        outln!("{}", show::as_json(args.seed, &report));
    } else {
        show::print(args.seed, &report);
    }
    if report.verdict == Verdict::Passed {
        return ExitCode::SUCCESS;
    }
    eprintln!("{}", show::replay_line(Some(args.seed), None, &options.bugs));
    ExitCode::FAILURE
}

pub(super) fn print_plan(args: &PlanArgs) -> ExitCode {
    out!("{}", Plan::from_seed(args.seed).to_toml());
    ExitCode::SUCCESS
}
