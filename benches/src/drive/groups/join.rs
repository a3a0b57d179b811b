//! From joining a new group to its first record, one group after the other.
//!
//! Each group has one member, which takes the steps of Kafka's consumer: find the coordinator, join,
//! be assigned, ask for committed offsets, fetch.

use super::classic::Member;
use super::{committed_offset, find, once_ready, percentile_ms, topic_id};
use crate::fetch::{self, Place};
use crate::peer::{Peer, accepted};
use crate::{Outcome, Target, produce, topics};
use clap::Args;
use model::TopicId;
use serde::Serialize;
use std::time::{Duration, Instant};
use wire::messages::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
};

const HEARTBEAT_VERSION: i16 = 1;
const LEAVE_EPOCH: i32 = -1;
const REBALANCE_MS: i32 = 300_000;
const FETCH_BYTES: i32 = 1 << 20;
/// Heartbeats until there is an assignment.
const BEATS_MAX: u32 = 1_000;

#[derive(Debug, Clone, Args)]
pub(crate) struct JoinArgs {
    #[command(flatten)]
    target: Target,
    /// Groups to join by each protocol.
    #[arg(long, default_value_t = 200)]
    groups: u32,
}

#[derive(Debug, Serialize)]
pub(crate) struct Joined {
    groups: u32,
    classic: Waits,
    /// The protocol of KIP-848.
    consumer: Waits,
}

#[derive(Debug, Serialize)]
struct Waits {
    p50_ms: f64,
    p99_ms: f64,
}

pub(crate) fn run(args: &JoinArgs) -> Outcome<Joined> {
    topics::ensure(&args.target, 1)?;
    let mut peer = Peer::connect(&args.target.bootstrap)?;
    produce::load(&mut peer, &args.target.topic, 0, benches::Shape::ONE, 0)?;
    let topic_id = topic_id(&mut peer, &args.target)?;
    // The first group of all waits for the internal topic.
    find(&mut peer, "first")?;
    let waits = |join: &mut dyn FnMut(&str) -> Outcome<Duration>| {
        let names = (0..args.groups).map(|number| format!("{}-{number}", args.target.topic));
        let waits: Outcome<Vec<Duration>> = names.map(|group| join(&group)).collect();
        let mut waits = waits?;
        let p50_ms = percentile_ms(&mut waits, 50);
        Ok::<_, String>(Waits { p50_ms, p99_ms: percentile_ms(&mut waits, 99) })
    };
    Ok(Joined {
        groups: args.groups,
        classic: waits(&mut |group| classic(args, &format!("classic-{group}")))?,
        consumer: waits(&mut |group| consumer(args, topic_id, &format!("consumer-{group}")))?,
    })
}

fn classic(args: &JoinArgs, group: &str) -> Outcome<Duration> {
    let topic = &args.target.topic;
    let mut member = Member::new(Peer::connect(&args.target.bootstrap)?, group, topic);
    let start = Instant::now();
    find(&mut member.peer, group)?;
    member.enrol()?;
    member.ask_to_join()?;
    let members = member.joined()?;
    member.ask_to_sync(&members)?;
    member.synced()?;
    first_record(&mut member.peer, group, topic)?;
    let wait = start.elapsed();
    member.leave()?;
    Ok(wait)
}

fn consumer(args: &JoinArgs, topic_id: TopicId, group: &str) -> Outcome<Duration> {
    let topic = &args.target.topic;
    let mut peer = Peer::connect(&args.target.bootstrap)?;
    let start = Instant::now();
    find(&mut peer, group)?;
    let mut request = ConsumerGroupHeartbeatRequest {
        group_id: group.to_owned(),
        member_id: format!("member-of-{group}"),
        rebalance_timeout_ms: REBALANCE_MS,
        subscribed_topic_names: Some(vec![topic.clone()]),
        topic_partitions: Some(Vec::new()),
        ..ConsumerGroupHeartbeatRequest::default()
    };
    for beat in 0.. {
        let mut response = ConsumerGroupHeartbeatResponse::default();
        once_ready(|| {
            response = peer.call(&request, HEARTBEAT_VERSION)?;
            Ok(response.error_code)
        })?;
        let assigned = response.assignment.iter().flat_map(|it| &it.topic_partitions);
        if assigned.into_iter().any(|it| it.topic_id == topic_id && it.partitions == [0]) {
            break;
        }
        if beat == BEATS_MAX {
            return Err(format!("no assignment with {BEATS_MAX} heartbeats"));
        }
        request = ConsumerGroupHeartbeatRequest {
            group_id: request.group_id,
            member_id: request.member_id,
            member_epoch: response.member_epoch,
            rebalance_timeout_ms: -1,
            ..ConsumerGroupHeartbeatRequest::default()
        };
    }
    first_record(&mut peer, group, topic)?;
    let wait = start.elapsed();
    request.member_epoch = LEAVE_EPOCH;
    let left = peer.call(&request, HEARTBEAT_VERSION)?;
    accepted("ConsumerGroupHeartbeat", left.error_code)?;
    Ok(wait)
}

fn first_record(peer: &mut Peer, group: &str, topic: &str) -> Outcome<()> {
    let committed = committed_offset(peer, group, topic)?;
    let place = Place { topic, partition: 0, offset: committed.max(0) };
    let found = fetch::fetch_at(peer, place, FETCH_BYTES)?;
    found.map(|_| ()).ok_or_else(|| "no record".to_owned())
}
