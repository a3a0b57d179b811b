//! `sim sweep`: many seeds, and a table of what they reached.

use core::time::Duration;
use std::collections::BTreeSet;
use std::process::ExitCode;

use super::{COMMIT, refuse, seed, show};
use crate::plan::SEED_MAX;
use crate::plan::dice::Dice;
use crate::reach::unreached;
use crate::sweep::{Seeds, Sweep, Total, sweep as run_sweep};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Stop after so long, `60s` or `5m`; a minute when --runs is not given either.
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    time: Option<Duration>,
    /// Stop after so many runs.
    #[arg(long)]
    runs: Option<u64>,
    /// Child processes at the same time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// The first seed; the others count up from it. Without it the commit decides.
    #[arg(long, value_parser = seed)]
    seed: Option<u64>,
    /// Fail also when a rare state, a rare choice, a checker or a kind of fault was never reached.
    #[arg(long)]
    reach_all: bool,
    /// Print every report as one line of JSON instead of the table.
    #[arg(long)]
    json: bool,
}

fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time: write 60s or 5m");
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let number: u64 = number.parse().map_err(|_| wrong())?;
    match unit {
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(60 * number)),
        "h" => Ok(Duration::from_secs(3_600 * number)),
        _ => Err(wrong()),
    }
}

pub(super) fn sweep(args: &Args) -> ExitCode {
    let first_seed = args.seed.unwrap_or_else(|| Dice::new(0, COMMIT).word() % (SEED_MAX / 2));
    let default = args.runs.is_none().then_some(Duration::from_secs(60));
    let what = Sweep {
        seeds: Seeds::From(first_seed),
        bug: None,
        runs_max: args.runs,
        time_max: args.time.or(default),
        jobs: args.jobs,
    };
    let json = args.json;
    let total = run_sweep(&what, |report| {
        if json {
            outln!("{report}");
        }
    });
    let total = match total {
        Ok(total) => total,
        Err(reason) => return refuse(&reason),
    };
    if !json {
        print(first_seed, &total);
    }
    let unreached = unreached(&total);
    if !unreached.is_empty() {
        eprintln!("never reached: {}", unreached.join(", "));
    }
    for (class, (count, first)) in &total.classes {
        eprintln!("{count} x {class}: {}", first["text"].as_str().unwrap_or_default());
        eprintln!("{}", show::replay_line(first["seed"].as_u64(), None, &BTreeSet::new()));
    }
    let falls_short = args.reach_all && !unreached.is_empty();
    if total.failed_runs == 0 && !falls_short { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print(first_seed: u64, total: &Total) {
    let counter = |name: &str| total.sum(&format!("counters.{name}"));
    let wall_ms = u64::try_from(total.wall.as_millis()).unwrap_or(u64::MAX).max(1);
    let per_minute = |count: u64| count.saturating_mul(60_000) / wall_ms;
    outln!(
        "{} runs from seed {first_seed} in {} s, {} failed",
        total.runs,
        wall_ms / 1_000,
        total.failed_runs
    );
    let hours_tenths = per_minute(counter("virtual_ms")) / 360_000;
    outln!("simulated hours per wall minute  {}.{}", hours_tenths / 10, hours_tenths % 10);
    for name in [
        "acked_batches",
        "consumed_batches",
        "boots",
        "recoveries",
        "crashes",
        "crashes_with_lost_sectors",
        "events",
    ] {
        let count = counter(name);
        outln!("{name:<32} {count} ({} per minute)", per_minute(count));
    }
    rows("evaluations", total.below("coverage.checkers."));
    rows("sites", total.below("coverage.sites."));
    rows("rare choices", total.below("coverage.rare_choices."));
    rows("faults", total.below("coverage.faults."));
}

fn rows<'t>(title: &str, rows: impl Iterator<Item = (&'t str, u64)>) {
    outln!("{title}");
    for (name, count) in rows {
        outln!("  {name:<30} {count}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn failures_of_one_class_are_kept_once_with_the_smallest_seed() {
        let report = |seed: u64, class: Option<&str>| -> Value {
            serde_json::json!({ "seed": seed, "class": class,
                "verdict": if class.is_some() { "failed" } else { "passed" },
                "counters": { "events": 10 } })
        };
        let mut total = Total::default();
        for (seed, class) in [(5, Some("a")), (4, None), (3, Some("a")), (9, Some("b"))] {
            total.add(&report(seed, class));
        }
        assert_eq!((total.runs, total.failed_runs), (4, 3));
        assert_eq!(total.classes["a"].0, 2);
        assert_eq!(total.classes["a"].1["seed"], 3);
        assert_eq!(total.sum("counters.events"), 40);
    }

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        assert_eq!(time("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(time("5m"), Ok(Duration::from_secs(300)));
        assert!(time("60").is_err() && time("").is_err());
    }
}
