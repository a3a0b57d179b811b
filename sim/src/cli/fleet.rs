//! `sim fleet`: one shard of a large sweep, or all shards put together.

use std::path::PathBuf;
use std::process::ExitCode;

use super::refuse;
use crate::fleet::{Merged, Shard, Task, merge, run};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Run this shard, counted from 0; a line of JSON for each run goes to the standard output.
    #[arg(long, value_name = "I/N", value_parser = Shard::parse)]
    shard: Option<Shard>,
    /// Runs of the shard.
    #[arg(long, default_value_t = 1_000)]
    runs: u64,
    /// Child processes at the same time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Runs in which the shard must find the bug that is planted for it.
    #[arg(long, default_value_t = 100)]
    canary_runs: u64,
    /// Put these shards' outputs together.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "shard")]
    merge: Vec<PathBuf>,
}

pub(super) fn fleet(args: &Args) -> ExitCode {
    let Some(shard) = args.shard else { return put_together(&args.merge) };
    let Args { runs, jobs, canary_runs, .. } = *args;
    let mut failed = false;
    let outcome = run(&Task { shard, runs, jobs, canary_runs }, |line| {
        failed |=
            line["verdict"] == "failed" || (line["ended"] == true && line["canary"].is_null());
        outln!("{line}");
    });
    match outcome {
        Ok(()) if failed => ExitCode::FAILURE,
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => refuse(&reason),
    }
}

fn put_together(files: &[PathBuf]) -> ExitCode {
    if files.is_empty() {
        return refuse("give --shard, or files to --merge");
    }
    let mut text = String::new();
    for file in files {
        #[expect(clippy::disallowed_methods, reason = "the command line reads what it is given")]
        match std::fs::read_to_string(file) {
            Ok(lines) => text.push_str(&lines),
            Err(error) => return refuse(&format!("{}: {error}", file.display())),
        }
    }
    match merge(text.lines()) {
        Ok(merged) => tell(&merged),
        Err(reason) => refuse(&reason),
    }
}

fn tell(merged: &Merged) -> ExitCode {
    outln!(
        "{} runs, {} simulated hours, {} shards, {} void, {} classes of failure",
        merged.runs,
        merged.virtual_ms / 3_600_000,
        merged.shards.len(),
        merged.void.len(),
        merged.findings.len()
    );
    for (shard, reason) in &merged.void {
        eprintln!("shard {shard} is void: {reason}");
    }
    for (class, finding) in &merged.findings {
        eprintln!("{} x {class}: {}", finding.count, finding.text);
        for (wall_ms, seed, commit) in &finding.fastest {
            eprintln!("sim replay --seed {seed} --commit {commit} # {wall_ms} ms");
        }
    }
    let clean = merged.void.is_empty() && merged.findings.is_empty();
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
