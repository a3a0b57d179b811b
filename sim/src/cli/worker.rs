//! The child process of a sweep: reads seeds, one per line, and writes each before it runs it, so
//! that whoever waits knows which one hangs.

use std::io::{BufRead, Write};
use std::process::ExitCode;

use model::Bug;
use serde_json::{Value, json};

use super::{quiet_panics, run_plan, seed, show};
use crate::names::name_of;
use crate::plan::Plan;
use crate::run::Options;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A mistake that is switched on in every run.
    #[arg(long, value_name = "NAME")]
    bug: Option<String>,
}

pub(super) fn work(args: &Args) -> ExitCode {
    let is_meant = |bug: &&Bug| args.bug.as_ref() == Some(&name_of(bug));
    let bugs = Bug::ALL.iter().filter(is_meant).copied().collect();
    let options = Options { bugs, ..quiet_panics() };
    let mut output = std::io::stdout().lock();
    let mut write = |value: &Value| writeln!(output, "{value}").and_then(|()| output.flush());
    for line in std::io::stdin().lock().lines() {
        let Some(seed) = line.ok().and_then(|line| seed(line.trim()).ok()) else {
            return ExitCode::FAILURE;
        };
        if write(&json!({ "starts": seed })).is_err() {
            return ExitCode::FAILURE;
        }
        let report = match run_plan(&Plan::from_seed(seed), &options) {
            Ok(report) => show::as_json(seed, &report),
            Err(reason) => json!({ "seed": seed, "verdict": "failed", "class": "run/plan",
                "text": reason }),
        };
        if write(&report).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
