//! `sim perf`: counted figures against the committed ones.
#![expect(
    clippy::disallowed_methods,
    reason = "the command line reads and writes what it is given"
)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use super::refuse;
use crate::perf::{Table, count, differences};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The expected figures.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/perf/expected.toml"))]
    expected: PathBuf,
    /// Write what was counted as expected from now on; the commit says why.
    #[arg(long)]
    update: bool,
    /// Print the counted figures.
    #[arg(long)]
    print: bool,
    /// Print the real time that counting took: how fast the simulator is, not the broker.
    #[arg(long)]
    wall: bool,
}

const HEAD: &str = "# Counted by `sim perf`, whole numbers of virtual runs; `sim perf --update` writes \
                    this file.\n# Whoever changes a figure says why in the same commit.\n\n";

pub(super) fn perf(args: &Args) -> ExitCode {
    let began = Instant::now();
    let counted = match count() {
        Ok(counted) => counted,
        Err(reason) => return refuse(&reason),
    };
    let wall = began.elapsed();
    let text = toml::to_string(&counted).expect("tables of numbers have a TOML form");
    if args.print {
        out!("{text}");
    }
    if args.wall {
        tell_wall(&counted, wall);
    }
    if args.update {
        return match std::fs::write(&args.expected, format!("{HEAD}{text}")) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(&format!("{}: {error}", args.expected.display())),
        };
    }
    let expected = match read(&args.expected) {
        Ok(expected) => expected,
        Err(reason) => return refuse(&reason),
    };
    let lines = differences(&expected, &counted);
    let figures: usize = counted.values().map(|figures| figures.len()).sum();
    outln!("{} workloads, {figures} figures, {} differ", counted.len(), lines.len());
    for line in &lines {
        eprintln!("{line}");
    }
    if lines.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("if that is meant: sim perf --update, and say why in the same commit");
    ExitCode::FAILURE
}

fn read(path: &std::path::Path) -> Result<Table, String> {
    let told = |error: &dyn core::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| told(&error))?;
    toml::from_str(&text).map_err(|error| told(&error))
}

fn tell_wall(counted: &Table, wall: core::time::Duration) {
    let sum = |name: &str| counted.values().filter_map(|it| it.get(name)).sum::<u64>().max(1);
    let wall_ns = u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX);
    // The warm-up is in the time and not in the counts: these are upper bounds.
    outln!(
        "{} ms in all, at most {} ns a poll and {} ns a request",
        wall_ns / 1_000_000,
        wall_ns / sum("polls"),
        wall_ns / (sum("batches") + sum("fetches"))
    );
}
