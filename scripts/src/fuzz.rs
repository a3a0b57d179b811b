//! `cargo x fuzz`: the fuzz bodies of broker/wire for as long as wanted, optimised, checks on.

use std::process::Command;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long: 30s, 5m or 2h.
    #[arg(long = "for", value_name = "DURATION", default_value = "1m", value_parser = seconds)]
    duration_s: u64,
    /// Seed to start from; a failure prints the one that found it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(args: &Args) -> Result<(), String> {
    let status = Command::new("cargo")
        .args(["run", "--quiet", "--release", "--package", "wire", "--features", "fuzz"])
        .args(["--example", "fuzz", "--", &args.duration_s.to_string(), &args.seed.to_string()])
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err("a fuzz body failed".to_owned()) }
}

fn seconds(text: &str) -> Result<u64, String> {
    let unit = text.chars().last().map(|unit| match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => 0,
    });
    let number = text.get(..text.len().saturating_sub(1)).and_then(|it| it.parse::<u64>().ok());
    match (number, unit) {
        (Some(number), Some(unit)) if unit > 0 => Ok(number * unit),
        _ => Err("a number and s, m or h, for example 5m".to_owned()),
    }
}
