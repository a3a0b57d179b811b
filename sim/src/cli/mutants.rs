//! `sim mutants`: the scoreboard of planted bugs.

use core::ops::ControlFlow;
use std::collections::BTreeSet;
use std::process::ExitCode;

use super::{mutant, refuse, seed};
use crate::crash_points::{self, Options};
use crate::mutants::{MUTANTS, Mutant, Score, is_often, wilson_low_per_mille};
use crate::sweep::{Seeds, Sweep, Total, sweep_until};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Runs of each mutant.
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first seed; the others count up from it.
    #[arg(long, value_parser = seed, default_value_t = 1)]
    seed: u64,
    /// One mutant, such as `ack-before-sync`.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Child processes at the same time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Look at every n-th crash point; 0 for none.
    #[arg(long, default_value_t = 7)]
    stride: u64,
    /// Leave a mutant as soon as the rest of its runs cannot change the verdict: at once when a crash
    /// point shows it. The rates are rougher.
    #[arg(long)]
    until_certain: bool,
    /// Say what each mutant is, and run nothing.
    #[arg(long)]
    list: bool,
}

pub(super) fn mutants(args: &Args) -> ExitCode {
    let chosen: Vec<&Mutant> = match args.only.as_deref().map(mutant) {
        None => MUTANTS.iter().collect(),
        Some(Ok(mutant)) => vec![mutant],
        Some(Err(reason)) => return refuse(&reason),
    };
    if args.list {
        chosen.into_iter().for_each(describe);
        return ExitCode::SUCCESS;
    }
    outln!(
        "{:<32} {:>9} {:>6} {:>6} {:>7} {:>10} {:>11}",
        "mutant",
        "caught",
        "low ‰",
        "other",
        "seed",
        "ms/catch",
        "crash point"
    );
    let mut failed = false;
    for mutant in chosen {
        let crash_point = crash_point(mutant, args.stride);
        let score = match runs(mutant, args, crash_point) {
            Ok(total) => Score::new(mutant, &total, args.jobs, crash_point),
            Err(reason) => return refuse(&reason),
        };
        print(mutant, &score);
        // What ends a placebo's run is either a false alarm or a fault of the clean tree.
        let is_wrong = if mutant.is_placebo() { score.other > 0 } else { !score.is_caught() };
        failed |= is_wrong || mutant.is_placebo() && score.crash_point == Some(true);
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn runs(mutant: &Mutant, args: &Args, crash_point: Option<bool>) -> Result<Total, String> {
    if args.until_certain && crash_point == Some(true) {
        return Ok(Total::default());
    }
    let what = Sweep {
        seeds: Seeds::From(args.seed),
        runs_max: Some(args.seeds),
        time_max: None,
        jobs: args.jobs,
        bug: Some(mutant.bug),
    };
    let mut caught = 0;
    sweep_until(&what, |report| {
        caught += u64::from(report["class"].as_str().is_some_and(|it| mutant.expects(it)));
        match args.until_certain && is_often(caught, args.seeds) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })
}

fn crash_point(mutant: &Mutant, stride: u64) -> Option<bool> {
    if stride == 0 || mutant.crashed.is_empty() {
        return None;
    }
    let bugs = BTreeSet::from([mutant.bug]);
    let options = Options { seed: 1, bugs, stride, stops_early: true };
    let is_shown = |feature| !crash_points::sweep(feature, &options).violations.is_empty();
    Some(mutant.crashed.iter().any(|feature| is_shown(*feature)))
}

fn print(mutant: &Mutant, score: &Score) {
    let number = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |it| it.to_string());
    let crash_point = match score.crash_point {
        Some(true) => "yes",
        Some(false) => "no",
        None => "-",
    };
    outln!(
        "{:<32} {:>9} {:>6} {:>6} {:>7} {:>10} {:>11}",
        mutant.name(),
        format!("{}/{}", score.caught, score.runs),
        wilson_low_per_mille(score.caught, score.runs),
        score.other,
        number(score.first_seed),
        number(score.ms_per_catch()),
        crash_point
    );
}

fn describe(mutant: &Mutant) {
    outln!("{:<32} {}", mutant.name(), mutant.bug.what());
    outln!("{:<32}   like: {}", "", mutant.relative);
    if !mutant.is_placebo() {
        outln!("{:<32}   noticed by: {}", "", mutant.expected.join(", "));
    }
}
