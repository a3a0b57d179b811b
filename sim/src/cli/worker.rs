//! The child process of a sweep: reads seeds, one per line, and writes each before it runs it, so
//! that whoever waits knows which one hangs.

use std::io::{BufRead, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::{quiet_panics, run_plan, seed, show};
use crate::plan::Plan;

pub(super) fn work() -> ExitCode {
    let options = quiet_panics();
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
