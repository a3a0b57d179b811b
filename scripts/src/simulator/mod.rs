//! The simulator: builds it, and runs what needs two builds of it or many parts.
//!
//! Promises: what runs is built from the files as they are, in the profile that its name says. Does
//! not: know what a run is; the program `sim` does.

mod imports;

use crate::{Doing, Failed, Outcome, paths, process};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

pub use imports::check as imports;

/// The profile in which simulations run.
pub const PROFILE: &str = "sim";
/// Another optimisation of the same program; see [`meta`].
const OTHER_PROFILE: &str = "sim-dev";

/// Builds the simulator; returns the program.
///
/// # Errors
/// When it does not build.
pub fn build(profile: &str) -> Outcome<PathBuf> {
    println!("cargo build --profile {profile} --package sim");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--profile", profile, "--package", "sim"]);
    process::run(cargo.current_dir(paths::root()))?;
    Ok(paths::target().join(profile).join("sim"))
}

/// Builds the simulator and runs it.
///
/// # Errors
/// When it does not build or ends with another status than success.
pub fn run(arguments: &[&str]) -> Outcome {
    let program = build(PROFILE)?;
    println!("sim {}", arguments.join(" "));
    process::run(Command::new(program).args(arguments).current_dir(paths::root()))
}

/// How the twice-run is made.
#[derive(clap::Args)]
pub struct MetaArguments {
    /// How many seeds
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Go on without the clock trap, where the machine has none
    #[arg(long)]
    no_clock_trap: bool,
}

/// Builds the simulator with two optimisations and compares every seed's run across them.
///
/// # Errors
/// When a build fails or two runs differ.
pub fn meta(arguments: &MetaArguments) -> Outcome {
    let (program, other) = (build(PROFILE)?, build(OTHER_PROFILE)?);
    let mut command = Command::new(program);
    command.args(["meta", "--seeds", &arguments.seeds.to_string()]);
    command.args(["--seed", &arguments.seed.to_string()]).arg("--against").arg(other);
    if !arguments.no_clock_trap {
        command.arg("--trap-clock");
    }
    process::run(&mut command)
}

/// How a fleet is run.
#[derive(clap::Args)]
pub struct FleetArguments {
    /// Parts in all
    #[arg(long, default_value_t = 2, conflicts_with = "shard")]
    shards: u64,
    /// Run this part only, counted from 0
    #[arg(long, value_name = "I/N")]
    shard: Option<String>,
    /// Runs of each part
    #[arg(long, default_value_t = 1_000)]
    runs: u64,
    /// Print the command of each part instead
    #[arg(long)]
    print: bool,
}

/// Runs shards one after the other on this machine and puts them together, or prints them for others.
///
/// # Errors
/// When the build or a part fails, or the parts together show a failure.
pub fn fleet(arguments: &FleetArguments) -> Outcome {
    let shards: Vec<String> = match &arguments.shard {
        Some(shard) => vec![shard.clone()],
        None => (0..arguments.shards).map(|it| format!("{it}/{}", arguments.shards)).collect(),
    };
    let runs = arguments.runs.to_string();
    if arguments.print {
        for shard in &shards {
            println!("sim fleet --shard {shard} --runs {runs}");
        }
        return Ok(());
    }
    let program = build(PROFILE)?;
    let folder = paths::target().join("fleet");
    fs::create_dir_all(&folder).doing(|| format!("create {}", folder.display()))?;
    let mut files = Vec::new();
    for shard in &shards {
        let path = folder.join(format!("shard-{}.jsonl", shard.replace('/', "-of-")));
        let file = File::create(&path).doing(|| format!("create {}", path.display()))?;
        println!("sim fleet --shard {shard} --runs {runs} > {}", path.display());
        let mut command = Command::new(&program);
        command.args(["fleet", "--shard", shard, "--runs", &runs]).stdout(Stdio::from(file));
        // A failure inside is in the file; the merge below tells it.
        command.status().doing(|| format!("start {}", program.display()))?;
        files.push(path);
    }
    if arguments.shard.is_some() {
        return Ok(());
    }
    process::run(Command::new(program).args(["fleet", "--merge"]).args(files))
        .map_err(|_| Failed("the fleet found failures, or a part of it is void".to_owned()))
}
