//! Commits of offsets: at a steady pace beside another load, or as many as there shall be.

use super::{find, once_ready, percentile_ms};
use crate::peer::{Peer, accepted};
use crate::{Outcome, Target, topics};
use clap::Args;
use serde::Serialize;
use std::time::{Duration, Instant};
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse,
};

/// Names topics, and needs no member.
const VERSION: i16 = 8;
const IN_FLIGHT: u64 = 32;

#[derive(Debug, Clone, Args)]
pub(crate) struct CommitsArgs {
    #[command(flatten)]
    target: Target,
    /// Groups that commit in turns.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    groups: u64,
    /// Partitions of each commit request.
    #[arg(long, default_value_t = 6)]
    partitions: i32,
    /// Requests in a second; without it as fast as answers allow.
    #[arg(long)]
    rate: Option<f64>,
    /// Requests in all.
    #[arg(long, default_value_t = 1_000)]
    requests: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Committed {
    requests: u64,
    /// Offsets: requests times partitions.
    commits: u64,
    elapsed_s: f64,
    /// From when a request was due until its answer; at full speed it says nothing.
    p99_ms: Option<f64>,
}

pub(crate) fn run(args: &CommitsArgs) -> Outcome<Committed> {
    topics::ensure(&args.target, args.partitions)?;
    let mut peer = Peer::connect(&args.target.bootstrap)?;
    for number in 0..args.groups {
        find(&mut peer, &group(args, number))?;
        once_ready(|| {
            peer.ask(&request(args, number), VERSION)?;
            answer(&mut peer)
        })?;
    }
    let start = Instant::now();
    let p99_ms = match args.rate {
        Some(rate) => Some(paced(args, &mut peer, rate)?),
        None => at_full_speed(args, &mut peer).map(|()| None)?,
    };
    let elapsed_s = start.elapsed().as_secs_f64();
    let commits = args.requests * u64::from(args.partitions.unsigned_abs());
    Ok(Committed { requests: args.requests, commits, elapsed_s, p99_ms })
}

fn paced(args: &CommitsArgs, peer: &mut Peer, rate: f64) -> Outcome<f64> {
    let start = Instant::now();
    let mut waits = Vec::new();
    for number in 0..args.requests {
        let due = Duration::from_secs_f64(number as f64 / rate);
        std::thread::sleep(due.saturating_sub(start.elapsed()));
        peer.ask(&request(args, number), VERSION)?;
        accepted("OffsetCommit", answer(peer)?)?;
        waits.push(start.elapsed().saturating_sub(due));
    }
    Ok(percentile_ms(&mut waits, 99))
}

fn at_full_speed(args: &CommitsArgs, peer: &mut Peer) -> Outcome<()> {
    let mut asked = 0;
    for answered in 0..args.requests {
        while asked < args.requests && asked - answered < IN_FLIGHT {
            peer.ask(&request(args, asked), VERSION)?;
            asked += 1;
        }
        accepted("OffsetCommit", answer(peer)?)?;
    }
    Ok(())
}

fn group(args: &CommitsArgs, number: u64) -> String {
    format!("commits-{}-{}", args.target.topic, number % args.groups)
}

fn request(args: &CommitsArgs, number: u64) -> OffsetCommitRequest {
    let committed_offset = i64::try_from(number).unwrap_or(i64::MAX);
    let partitions = (0..args.partitions).map(|partition_index| OffsetCommitRequestPartition {
        partition_index,
        committed_offset,
        ..OffsetCommitRequestPartition::default()
    });
    let topic = OffsetCommitRequestTopic {
        name: args.target.topic.clone(),
        partitions: partitions.collect(),
        ..OffsetCommitRequestTopic::default()
    };
    OffsetCommitRequest {
        group_id: group(args, number),
        generation_id_or_member_epoch: -1,
        topics: vec![topic],
        ..OffsetCommitRequest::default()
    }
}

/// The first error code of the next answer, or 0.
fn answer(peer: &mut Peer) -> Outcome<i16> {
    let response: OffsetCommitResponse = peer.answer(VERSION)?;
    let mut codes =
        response.topics.iter().flat_map(|topic| &topic.partitions).map(|it| it.error_code);
    Ok(codes.find(|code| *code != 0).unwrap_or_default())
}
