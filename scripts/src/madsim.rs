//! `cargo x madsim`: the broker on the second kernel, built with its flag in a folder of its own.

use crate::{Outcome, paths, process};
use std::process::Command;

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Seeds under every kind of fault, each run twice
    #[arg(long, default_value_t = 10)]
    seeds: u64,
}

/// The seam's suite on madsim, then runs of the broker under the checkers.
///
/// # Errors
/// A case is not as listed, a checker found something, or one seed gave two runs.
pub fn run(args: &Arguments) -> Outcome {
    process::run(cargo("test").arg("--quiet"))?;
    process::run(cargo("run").args(["--quiet", "--", &args.seeds.to_string()]))
}

fn cargo(verb: &str) -> Command {
    let mut command = Command::new("cargo");
    command
        .arg(verb)
        .arg("--manifest-path")
        .arg(paths::root().join("sim/madsim/Cargo.toml"))
        // The flag changes madsim for the whole build: the product must not share its folder.
        .env("RUSTFLAGS", "--cfg madsim")
        .env("CARGO_TARGET_DIR", paths::target().join("madsim"));
    command
}
