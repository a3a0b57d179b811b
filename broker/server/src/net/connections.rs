//! The open connections of a shard, and on shard 0 the load of every shard.

use core::cell::Cell;
use core::time::Duration;
use std::collections::BTreeMap;
use std::rc::Rc;

use model::{Instant, ShardId};
use runtime::sync::Notify;
use runtime::{Conn, Runtime, TaskClass};

use super::frames::Phase;
use crate::shard::Shard;

/// How often idle connections are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// A small frame that has begun must be whole after this time.
const FRAME_PATIENCE: Duration = Duration::from_secs(30);
/// Connections looked at before other tasks get their turn.
const SWEEP_STEP: usize = 1_000;
/// A stop waits this long for replies that are owed.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Connections<R: Runtime> {
    open: BTreeMap<u64, Open<R>>,
    next: u64,
    limit: usize,
    idle_max: Duration,
    /// Connections handed to each shard and not reported closed. Kept by shard 0.
    load: BTreeMap<ShardId, u32>,
    changed: Notify,
}

struct Open<R: Runtime> {
    conn: R::Conn,
    watch: Watch,
}

/// What the sweep looks at.
#[derive(Clone)]
pub(super) struct Watch {
    pub(super) phase: Rc<Cell<Phase>>,
    /// Since when the peer has not taken what we send.
    pub(super) sending_since: Rc<Cell<Option<Instant>>>,
}

impl Watch {
    fn has_expired(&self, now: Instant, idle_max: Duration) -> bool {
        let stuck = self.sending_since.get().is_some_and(|since| now.since(since) > idle_max);
        stuck
            || match self.phase.get() {
                Phase::Idle { since } => {
                    self.sending_since.get().is_none() && now.since(since) > idle_max
                }
                Phase::Receiving { since } => now.since(since) > FRAME_PATIENCE,
                Phase::Working => false,
            }
    }
}

impl<R: Runtime> Connections<R> {
    pub(crate) fn new(limit: usize, idle_max: Duration) -> Self {
        Self {
            open: BTreeMap::new(),
            next: 0,
            limit,
            idle_max,
            load: BTreeMap::new(),
            changed: Notify::new(),
        }
    }

    /// The id of a new connection, `None` when there are too many.
    pub(super) fn opened(&mut self, conn: R::Conn, watch: Watch) -> Option<u64> {
        if self.open.len() >= self.limit {
            return None;
        }
        let id = self.next;
        self.next += 1;
        self.open.insert(id, Open { conn, watch });
        Some(id)
    }

    pub(super) fn closed(&mut self, id: u64) {
        self.open.remove(&id);
        self.changed.notify();
    }

    /// The shard with the fewest connections, which gets one more.
    pub(super) fn hand_out(&mut self, shards: impl Iterator<Item = ShardId>) -> ShardId {
        let load = |shard: &ShardId| self.load.get(shard).copied().unwrap_or(0);
        let least = shards.min_by_key(load).expect("a node has at least one shard");
        *self.load.entry(least).or_default() += 1;
        least
    }

    pub(crate) fn closed_on(&mut self, shard: ShardId, count: u32) {
        let load = self.load.entry(shard).or_default();
        *load = load.checked_sub(count).expect("a connection closes once");
    }
}

/// Ends connections that were idle for `connections.max.idle.ms`, stopped in the middle of a frame,
/// or do not take their replies.
pub(crate) fn spawn_idle_sweep<R: Runtime>(shard: &Rc<Shard<R>>) {
    let shard = Rc::clone(shard);
    let rt = shard.rt.clone();
    rt.spawn("idle sweep", TaskClass::Background, async move {
        loop {
            shard.rt.sleep_until(shard.rt.now().mono + SWEEP_EVERY).await;
            let mut from = Some(0);
            while let Some(first) = from {
                from = sweep(&shard, first);
                shard.rt.yield_now().await;
            }
        }
    });
}

/// One step from the connection `first` on; returns where the next step begins.
fn sweep<R: Runtime>(shard: &Shard<R>, first: u64) -> Option<u64> {
    let now = shard.rt.now().mono;
    let (expired, next) = {
        let connections = shard.connections.borrow();
        let idle_max = connections.idle_max;
        let mut rest = connections.open.range(first..);
        let expired: Vec<_> = rest
            .by_ref()
            .take(SWEEP_STEP)
            .filter(|(_, open)| open.watch.has_expired(now, idle_max))
            .map(|(_, open)| open.conn.clone())
            .collect();
        (expired, rest.next().map(|(id, _)| *id))
    };
    shard.count(|stats| stats.connections_idle_closed += expired.len() as u64);
    for conn in expired {
        conn.shutdown();
    }
    next
}

/// Lets every connection finish what it owes, then ends it; a slow one is ended without its replies.
pub(crate) async fn close_all<R: Runtime>(shard: &Rc<Shard<R>>) {
    let deadline = shard.rt.now().mono + STOP_PATIENCE;
    let idle = |open: &&Open<R>| matches!(open.watch.phase.get(), Phase::Idle { .. });
    loop {
        let (ended, left, changed) = {
            let connections = shard.connections.borrow();
            let late = shard.rt.now().mono >= deadline;
            let ended: Vec<_> = connections
                .open
                .values()
                .filter(|open| late || (idle(open) && open.watch.sending_since.get().is_none()))
                .map(|open| open.conn.clone())
                .collect();
            (ended, connections.open.len(), connections.changed.clone())
        };
        if left == 0 {
            return;
        }
        for conn in &ended {
            conn.shutdown();
        }
        let look_again = shard.rt.now().mono + Duration::from_millis(20);
        runtime::sync::race(changed.notified(), shard.rt.sleep_until(look_again)).await;
    }
}
