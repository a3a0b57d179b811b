//! `--null`: what the generator itself does per record, without broker or network.

use core::time::Duration;
use std::process::ExitCode;
use std::time::Instant;

use crate::args::RunArgs;
use crate::load::measure_null;

/// Virtual seconds of load that are worked off as fast as possible.
const LENGTH: Duration = Duration::from_secs(5);

/// Prints nanoseconds per record, step by step.
#[must_use]
pub fn run(args: &RunArgs) -> ExitCode {
    let plan = match args.plan() {
        Ok(plan) => plan,
        Err(why) => {
            eprintln!("loadgen: {why}");
            return ExitCode::from(2);
        }
    };
    let start = Instant::now();
    let cost = measure_null(&plan, LENGTH, &|| start.elapsed());
    let per_record = |spent: Duration| spent.as_secs_f64() * 1e9 / to_f64(cost.records);
    let total = cost.place + cost.build + cost.acknowledge + cost.consume;
    println!(
        "{} records in {} batches of {:.1} records",
        reports::count(cost.records),
        reports::count(cost.batches),
        to_f64(cost.records) / to_f64(cost.batches)
    );
    for (step, spent) in [
        ("placing (payload, batch, lag)", cost.place),
        ("finishing batches (CRC, compression)", cost.build),
        ("acknowledging (ack, service)", cost.acknowledge),
        ("consuming (CRC, walk, e2e, deliver)", cost.consume),
        ("together", total),
    ] {
        println!("{:>7.1} ns per record  {step}", per_record(spent));
    }
    ExitCode::SUCCESS
}

#[expect(clippy::cast_precision_loss, reason = "figures with a few digits")]
fn to_f64(value: u64) -> f64 {
    value as f64
}
