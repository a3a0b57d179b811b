//! `sim meta`, and the child end of it.

use core::ops::Range;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::{quiet_panics, refuse, run_plan, seed};
use crate::meta::{Fingerprint, Meta, compare, read_clock, trap_clock};
use crate::plan::Plan;
use crate::run::Options;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How many seeds.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first of them.
    #[arg(long, value_parser = seed, default_value = "1")]
    seed: u64,
    /// Another build of this program, for the second run of each seed.
    #[arg(long, value_name = "PROGRAM")]
    against: Option<PathBuf>,
    /// End a run that reads the processor's clock (Linux on x86-64).
    #[arg(long)]
    trap_clock: bool,
}

pub(super) fn meta(args: &Args) -> ExitCode {
    let Some(end) = args.seed.checked_add(args.seeds) else { return refuse("too many seeds") };
    let what =
        Meta { seeds: args.seed..end, against: args.against.clone(), trap_clock: args.trap_clock };
    let outcome = match compare(&what) {
        Ok(outcome) => outcome,
        Err(reason) => return refuse(&reason),
    };
    outln!(
        "{} runs, each seed as the first of a new process and among others in a used one{}{}: {} of \
         {} seeds differ, {} events alike",
        outcome.runs,
        if args.against.is_some() { " of another build" } else { "" },
        if args.trap_clock { ", with the clock trapped" } else { "" },
        outcome.differences.len(),
        args.seeds,
        outcome.events,
    );
    for difference in &outcome.differences {
        eprintln!("seed {}: {}", difference.seed, difference.text);
    }
    if let Some(parting) = &outcome.parting {
        eprint!("{parting}");
    }
    if outcome.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Debug, clap::Args)]
pub(super) struct FingerprintArgs {
    #[arg(long)]
    trap_clock: bool,
    /// Tell these events one by one.
    #[arg(long, value_name = "A..B", value_parser = events)]
    keep: Option<Range<u64>>,
    /// Read the clock and do nothing else: the proof that the trap bites.
    #[arg(long)]
    read_clock: bool,
}

fn events(text: &str) -> Result<Range<u64>, String> {
    let numbers = text.split_once("..").and_then(|(start, end)| {
        let (start, end) = (start.parse().ok()?, end.parse().ok()?);
        Some(start..end)
    });
    numbers.ok_or_else(|| format!("`{text}` is not of the form 0..4096"))
}

pub(super) fn fingerprint(args: &FingerprintArgs) -> ExitCode {
    let keep_events = args.keep.clone().unwrap_or_default();
    let options = Options { keep_events, ..quiet_panics() };
    if let Err(reason) = if args.trap_clock { trap_clock() } else { Ok(()) } {
        return refuse(&reason);
    }
    if args.read_clock {
        return if read_clock() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let Some(seed) = line.ok().and_then(|line| seed(line.trim()).ok()) else {
            return ExitCode::FAILURE;
        };
        let report = match run_plan(&Plan::from_seed(seed), &options) {
            Ok(report) => report,
            Err(reason) => return refuse(&reason),
        };
        let told = serde_json::to_string(&Fingerprint::of(seed, &report));
        let told = told.expect("plain fields have a JSON form");
        if writeln!(output, "{told}").and_then(|()| output.flush()).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_two_numbers() {
        assert_eq!(events("0..4096"), Ok(0..4096));
        assert!(events("0-4096").is_err() && events("..4").is_err());
    }
}
