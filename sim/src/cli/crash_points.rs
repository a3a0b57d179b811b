//! `sim crash-points`: every workload of the storage, crashed at every disk operation.

use std::process::ExitCode;

use super::{refuse, seed, unknown};
use crate::crash_points::{Feature, Options, Report, by_name, sweep_all};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// One workload, such as `retention`.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Of latencies and draws; the workloads are always the same.
    #[arg(long, value_parser = seed, default_value_t = 1)]
    seed: u64,
    /// Look at every n-th boundary between two disk operations.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    stride: u64,
    /// Cores that sweep at the same time.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
}

pub(super) fn crash_points(args: &Args) -> ExitCode {
    let known = by_name();
    let chosen: Vec<Feature> = match &args.only {
        None => Feature::ALL.to_vec(),
        Some(name) => match known.get(name) {
            Some(feature) => vec![*feature],
            None => {
                let names: Vec<String> = known.keys().cloned().collect();
                let unknown = unknown("workload", name, &names);
                return refuse(&format!("{unknown}; there are {}", names.join(", ")));
            }
        },
    };
    outln!(
        "{:<22} {:>10} {:>8} {:>9} {:>14} {:>10}",
        "workload",
        "operations",
        "images",
        "unsynced",
        "second crashes",
        "violations"
    );
    let options = Options {
        seed: args.seed,
        bugs: Default::default(),
        stride: args.stride,
        stops_early: false,
    };
    let tell = |feature: Feature, report: &Report| print(&feature.name(), report);
    let all = sweep_all(&chosen, &options, args.jobs, tell);
    print("all", &all);
    for violation in &all.violations {
        eprintln!("{violation}");
    }
    if all.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print(name: &str, report: &Report) {
    outln!(
        "{name:<22} {:>10} {:>8} {:>9} {:>14} {:>10}",
        report.operations,
        report.images,
        report.unsynced_images,
        report.second_crashes,
        report.violations.len()
    );
}
