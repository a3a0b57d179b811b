//! Readers of old records: consumers that catch up while others produce.
//!
//! Promises: each reader has a partition of its own and takes no more than its bytes a second, so
//! that the load on the broker is the same whatever it answers from. Whether the pages are cold is the caller's
//! business: load with a duration of zero, drop the page cache, read.

use crate::fetch::{self, Place};
use crate::peer::Peer;
use crate::{Outcome, Target, produce, topics};
use clap::Args;
use serde::Serialize;
use std::time::{Duration, Instant};

const FETCH_BYTES: i32 = 1 << 20;

#[derive(Debug, Clone, Args)]
pub(crate) struct ReadersArgs {
    #[command(flatten)]
    target: Target,
    #[arg(long, default_value_t = 8)]
    readers: i32,
    /// Bytes to append to each partition before; 0 when they are loaded already.
    #[arg(long, default_value_t = 0)]
    load_bytes: u64,
    /// What each reader takes in a second.
    #[arg(long, default_value_t = 10_000_000)]
    bytes_per_s: u64,
    #[arg(long, default_value_t = 10.0)]
    duration_s: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Read {
    readers: i32,
    bytes: u64,
    /// Of all readers together.
    mb_per_s: f64,
    /// Times that a reader came to the end and started again: from then on it reads warm pages.
    restarts: u64,
}

pub(crate) fn run(args: &ReadersArgs) -> Outcome<Read> {
    topics::ensure(&args.target, args.readers)?;
    if args.load_bytes > 0 {
        let mut peer = Peer::connect(&args.target.bootstrap)?;
        let batch_bytes = benches::batch(fetch::SHAPE, 0).len() as u64;
        let count = args.load_bytes.div_ceil(batch_bytes);
        for partition in 0..args.readers {
            produce::load(&mut peer, &args.target.topic, partition, fetch::SHAPE, count)?;
        }
    }
    let start = Instant::now();
    let read = std::thread::scope(|scope| {
        let readers: Vec<_> =
            (0..args.readers).map(|partition| scope.spawn(move || read(args, partition))).collect();
        let mut sum = (0, 0);
        for reader in readers {
            let (bytes, restarts) = reader.join().expect("a reader does not panic")?;
            sum = (sum.0 + bytes, sum.1 + restarts);
        }
        Ok::<_, String>(sum)
    });
    let (bytes, restarts) = read?;
    let elapsed_s = start.elapsed().as_secs_f64();
    let mb_per_s = if elapsed_s > 0.0 { bytes as f64 / 1e6 / elapsed_s } else { 0.0 };
    Ok(Read { readers: args.readers, bytes, mb_per_s, restarts })
}

/// Bytes read from one partition, and how often it was started again.
fn read(args: &ReadersArgs, partition: i32) -> Outcome<(u64, u64)> {
    let mut peer = Peer::connect(&args.target.bootstrap)?;
    let (start, duration) = (Instant::now(), Duration::from_secs_f64(args.duration_s));
    let (mut bytes, mut restarts, mut offset) = (0, 0, 0);
    while start.elapsed() < duration {
        let due = Duration::from_secs_f64(bytes as f64 / args.bytes_per_s as f64);
        std::thread::sleep(due.saturating_sub(start.elapsed()).min(duration));
        let place = Place { topic: &args.target.topic, partition, offset };
        match fetch::fetch_at(&mut peer, place, FETCH_BYTES)? {
            Some(answer) => {
                bytes += answer.response_bytes as u64;
                offset = answer.next_offset;
            }
            None if offset == 0 => return Err(format!("partition {partition} holds nothing")),
            None => (offset, restarts) = (0, restarts + 1),
        }
    }
    Ok((bytes, restarts))
}
