//! After a start: how long a group waits for its offsets, and what producers feel meanwhile.

use super::{committed_offset, percentile_ms};
use crate::peer::Peer;
use crate::{Outcome, Target, produce, topics};
use clap::Args;
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Args)]
pub(crate) struct ReloadArgs {
    #[command(flatten)]
    target: Target,
    /// Topic to produce to meanwhile; created before the stop.
    #[arg(long)]
    beside: String,
    /// How long producers are watched once the offsets are there.
    #[arg(long, default_value_t = 5.0)]
    afterwards_s: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Reloaded {
    /// From the start of this process.
    offsets_ms: f64,
    /// Closed loop of single records until the offsets were there.
    while_loading_p99_ms: f64,
    afterwards_p99_ms: f64,
    ratio: f64,
}

pub(crate) fn run(args: &ReloadArgs) -> Outcome<Reloaded> {
    let start = Instant::now();
    let mut peer = Peer::connect(&args.target.bootstrap)?;
    let beside = Target { topic: args.beside.clone(), ..args.target.clone() };
    topics::ensure(&beside, 1)?;
    let is_loading = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let producer = scope.spawn(|| produce_meanwhile(args, &is_loading));
        let group = format!("commits-{}-0", args.target.topic);
        let offset = committed_offset(&mut peer, &group, &args.target.topic);
        let offsets_ms = start.elapsed().as_secs_f64() * 1e3;
        is_loading.store(false, Ordering::Relaxed);
        let (mut during, mut after) = producer.join().expect("a producer does not panic")?;
        if offset? < 0 {
            return Err(format!("group {group} has no offset"));
        }
        let while_loading_p99_ms = p99_ms(&mut during, "while offsets were loading")?;
        let afterwards_p99_ms = p99_ms(&mut after, "afterwards")?;
        let ratio = while_loading_p99_ms / afterwards_p99_ms;
        Ok(Reloaded { offsets_ms, while_loading_p99_ms, afterwards_p99_ms, ratio })
    })
}

/// Fails without a record: NaN becomes `null` in the result, which does not say why.
fn p99_ms(latencies: &mut [Duration], when: &str) -> Outcome<f64> {
    if latencies.is_empty() {
        return Err(format!("no record was produced {when}"));
    }
    Ok(percentile_ms(latencies, 99))
}

fn produce_meanwhile(
    args: &ReloadArgs,
    is_loading: &AtomicBool,
) -> Outcome<(Vec<Duration>, Vec<Duration>)> {
    let mut one = produce::One::to(&args.target.bootstrap, &args.beside)?;
    let (mut during, mut after) = (Vec::new(), Vec::new());
    while is_loading.load(Ordering::Relaxed) {
        during.push(one.produce()?);
    }
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < args.afterwards_s {
        after.push(one.produce()?);
    }
    Ok((during, after))
}
