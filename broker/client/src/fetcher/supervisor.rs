//! Starts runs: who leads what now, one reader for each leader, and again when that changed.

use core::time::Duration;
use model::NodeId;
use runtime::sync::race;
use runtime::{Purpose, Runtime, TaskClass};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::reader::{Assigned, read};
use super::{Arrival, Positions, Shared, Stop};
use crate::backoff::Backoff;
use crate::{ClientError, Cluster, NamedPartition, OffsetSpec};

/// Pause between two looks for the leader of a partition that has none.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long the bounds of a partition are asked for before the run is tried as it was.
const BOUNDS_LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn supervise<R: Runtime>(shared: Rc<Shared<R>>) {
    let rt = shared.router.runtime().clone();
    let mut backoff = Backoff::new();
    while !shared.closed.get() {
        let run = shared.run.get();
        shared.progress.set(false);
        let stop = match start(&shared, run).await {
            Ok(leaderless) => wait(&shared, run, leaderless).await,
            Err(error) => Some(Stop::Trouble(error)),
        };
        if shared.progress.get() {
            backoff = Backoff::new();
        }
        let Some(stop) = stop else { continue };
        match stop {
            Stop::Trouble(error) => {
                shared.router.heed(&error);
                shared.tell(Arrival::Trouble(error)).await;
                let until = rt.now().mono + backoff.pause(rt.random(Purpose::Jitter));
                race(until_other_run(&shared, run), rt.sleep_until(until)).await;
            }
            Stop::OutOfRange(at) => move_into_range(&shared, run, &at).await,
        }
        // What of this run was not handed out yet is read again.
        if run == shared.run.get() {
            shared.next_run();
        }
    }
}

/// Starts a reader for each leader; returns the partitions without one.
async fn start<R: Runtime>(
    shared: &Rc<Shared<R>>,
    run: u64,
) -> Result<BTreeSet<NamedPartition>, ClientError> {
    let positions: Positions = shared.positions.borrow().clone();
    if positions.is_empty() {
        return Ok(BTreeSet::new());
    }
    let cluster = look(shared, positions.keys()).await?;
    let mut by_leader: BTreeMap<NodeId, Vec<Assigned>> = BTreeMap::new();
    let mut leaderless = BTreeSet::new();
    for (at, from) in positions {
        match cluster.leader(&at) {
            Ok(leader) => {
                let topic = cluster.topics[&*at.topic].id;
                by_leader.entry(leader).or_default().push(Assigned { at, topic, from });
            }
            Err(error) => {
                shared.tell(Arrival::Trouble(error)).await;
                leaderless.insert(at);
            }
        }
    }
    if run == shared.run.get() {
        for (leader, partitions) in by_leader {
            let task = read(Rc::clone(shared), run, leader, partitions);
            shared.router.runtime().spawn("fetch", TaskClass::Latency, task);
        }
    }
    Ok(leaderless)
}

async fn look<R: Runtime>(
    shared: &Shared<R>,
    partitions: impl Iterator<Item = &NamedPartition>,
) -> Result<Cluster, ClientError> {
    let topics: BTreeSet<&str> = partitions.map(|at| &*at.topic).collect();
    let topics: Vec<&str> = topics.into_iter().collect();
    Ok(Cluster::of(&shared.router.metadata(Some(&topics)).await?))
}

/// Waits for the end of the run: `None` when another one was begun, or is to be for the sake of a new leader.
async fn wait<R: Runtime>(
    shared: &Shared<R>,
    run: u64,
    leaderless: BTreeSet<NamedPartition>,
) -> Option<Stop> {
    let rt = shared.router.runtime();
    loop {
        if run != shared.run.get() {
            return None;
        }
        let stopped = shared.stopped.borrow_mut().take();
        if stopped.is_some() {
            return stopped;
        }
        if leaderless.is_empty() {
            shared.changed.notified().await;
            continue;
        }
        let again = rt.now().mono + LOOK_AGAIN;
        race(shared.changed.notified(), rt.sleep_until(again)).await;
        if rt.now().mono >= again
            && let Ok(cluster) = look(shared, leaderless.iter()).await
            && leaderless.iter().any(|at| cluster.leader(at).is_ok())
            && run == shared.run.get()
        {
            shared.next_run();
            return None;
        }
    }
}

async fn until_other_run<R: Runtime>(shared: &Shared<R>, run: u64) {
    while run == shared.run.get() {
        shared.changed.notified().await;
    }
}

/// Brings a position between the partition's start and end: nothing that is there is passed over.
async fn move_into_range<R: Runtime>(shared: &Shared<R>, run: u64, at: &NamedPartition) {
    let bound = async |spec| {
        let wanted = BTreeMap::from([(at.clone(), spec)]);
        let listed = shared.router.list_offsets(&wanted, BOUNDS_LIMIT).await;
        listed.into_values().next().and_then(Result::ok).flatten()
    };
    let (start, end) = (bound(OffsetSpec::Earliest).await, bound(OffsetSpec::Latest).await);
    let (Some(start), Some(end)) = (start, end) else { return };
    if run != shared.run.get() {
        return;
    }
    let known = shared.positions.borrow().get(at).copied();
    let Some(from) = known else { return };
    let to = from.clamp(start, end.max(start));
    if to == from {
        return;
    }
    shared.positions.borrow_mut().insert(at.clone(), to);
    shared.tell(Arrival::Moved { at: at.clone(), from, to }).await;
}
