//! Many members that do nothing but stay: what their heartbeats cost.
//!
//! Every member has a connection of its own; one thread sends the heartbeats, evenly spread over the
//! interval, and takes each answer before it sends the next.

use super::classic::Member;
use super::find;
use crate::peer::Peer;
use crate::usage::{Reading, Usage};
use crate::{Outcome, Target, topics};
use clap::Args;
use serde::Serialize;
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Args)]
pub(crate) struct MembersArgs {
    #[command(flatten)]
    target: Target,
    #[arg(long, default_value_t = 1_000)]
    groups: usize,
    /// Members of each group.
    #[arg(long, default_value_t = 10)]
    members: i32,
    /// Between two heartbeats of one member.
    #[arg(long, default_value_t = 3.0)]
    interval_s: f64,
    #[arg(long, default_value_t = 30.0)]
    duration_s: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Stayed {
    groups: usize,
    members: usize,
    /// Until all groups were stable.
    joined_s: f64,
    heartbeats: u64,
    heartbeats_per_s: f64,
    /// Share of one core.
    broker_core_ratio: Option<f64>,
    broker_us_per_heartbeat: Option<f64>,
    #[serde(flatten)]
    usage: Usage,
}

pub(crate) fn run(args: &MembersArgs) -> Outcome<Stayed> {
    topics::ensure(&args.target, args.members)?;
    find(&mut Peer::connect(&args.target.bootstrap)?, "first")?;
    let start = Instant::now();
    let mut members = Vec::new();
    for number in 0..args.groups {
        members.extend(group(args, &format!("{}-{number}", args.target.topic))?);
    }
    let joined_s = start.elapsed().as_secs_f64();

    let reading = Reading::take(args.target.broker_pid)?;
    let start = Instant::now();
    let step = Duration::from_secs_f64(args.interval_s / members.len() as f64);
    let mut heartbeats = 0_u64;
    while start.elapsed().as_secs_f64() < args.duration_s {
        for member in &mut members {
            let due = step.mul_f64(heartbeats as f64);
            std::thread::sleep(due.saturating_sub(start.elapsed()));
            member.heartbeat()?;
            heartbeats += 1;
        }
    }
    let usage = reading.until_now()?;
    // The next load shall not meet ten thousand sessions that end.
    members.iter_mut().try_for_each(Member::leave)?;
    Ok(Stayed {
        groups: args.groups,
        members: members.len(),
        joined_s,
        heartbeats,
        heartbeats_per_s: heartbeats as f64 / usage.elapsed_s,
        broker_core_ratio: usage.broker_cpu_s.map(|it| it / usage.elapsed_s),
        broker_us_per_heartbeat: usage.broker_cpu_s.map(|it| it * 1e6 / heartbeats as f64),
        usage,
    })
}

/// The members of one group, stable: the first one is there before the others come, so that all are in
/// the same generation however long the coordinator waits for more.
fn group(args: &MembersArgs, name: &str) -> Outcome<Vec<Member>> {
    let mut members = Vec::new();
    for _ in 0..args.members {
        let peer = Peer::connect(&args.target.bootstrap)?;
        let mut member = Member::new(peer, name, &args.target.topic);
        find(&mut member.peer, name)?;
        member.enrol()?;
        members.push(member);
    }
    let Some(first) = members.first_mut() else { return Ok(members) };
    first.ask_to_join()?;
    let alone = first.joined()?;
    first.ask_to_sync(&alone)?;
    first.synced()?;
    for member in members.iter_mut().rev() {
        member.ask_to_join()?;
    }
    let mut all = Vec::new();
    for member in &mut members {
        all.push(member.joined()?);
    }
    for (member, ids) in members.iter_mut().zip(&all) {
        member.ask_to_sync(ids)?;
    }
    members.iter_mut().try_for_each(Member::synced)?;
    Ok(members)
}
