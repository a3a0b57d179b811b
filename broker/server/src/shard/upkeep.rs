//! What a shard does for its logs without being asked: durable ends, timeouts, retention, producer
//! expiry, checkpoints, and the clean end.
//!
//! Checkpoint files belong to the first shard; the others send it their values.

use core::cell::Cell;
use core::time::Duration;
use std::rc::Rc;

use model::{Bug, Buggify};
use replication::Event;
use runtime::sync::Notify;
use runtime::{Runtime, TaskClass};
use storage::{Checkpoints, SnapshotUse, StoreEvent, mark_clean};

use super::{FIRST, Shard};
use crate::boot::Level;
use crate::control::{self, METADATA};
use crate::mesh::{Reply, Request};
use crate::partition::Partition;
use crate::{coordinators, produce, topics};

/// The first look at old segments comes no later than this after a start (`log.initial.task.delay.ms`).
const RETENTION_FIRST: Duration = Duration::from_secs(30);
/// The pause where a simulation wants the next round soon.
const SOON: Duration = Duration::from_millis(200);
/// How often the checkpoint files follow the logs, if anything moved: a start after a crash reads what lies past them.
/// A node of very many logs writes larger files, more rarely.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
const CHECKPOINT_PER_LOG: Duration = Duration::from_millis(1);
/// Partitions looked at before other tasks have their turn.
const PARTITIONS_PER_STEP: usize = 256;
/// Checks between two looks at idle producers (every 10 minutes, as in Kafka).
const CHECKS_PER_EXPIRY: u32 = 2;

/// Whose turn it is to write the checkpoint files: two writers would share the temporary name of a
/// file, and the later one might bring older values.
#[derive(Default)]
pub(super) struct CheckpointTurn {
    is_taken: Cell<bool>,
    given_back: Notify,
}

struct Turn<'t>(&'t CheckpointTurn);

impl CheckpointTurn {
    async fn take(&self) -> Turn<'_> {
        while self.is_taken.replace(true) {
            self.given_back.notified().await;
        }
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.is_taken.set(false);
        self.0.given_back.notify();
    }
}

pub(super) fn spawn<R: Runtime>(shard: &Rc<Shard<R>>) {
    let task_shard = Rc::clone(shard);
    shard.rt.spawn("store events", TaskClass::Latency, async move {
        follow_store(&task_shard).await;
    });
    let task_shard = Rc::clone(shard);
    shard.rt.spawn("produce timeouts", TaskClass::Latency, async move {
        produce::expire(&task_shard).await;
    });
    coordinators::spawn(shard);
    if shard.id == FIRST {
        let task_shard = Rc::clone(shard);
        shard.rt.spawn("checkpoints", TaskClass::Background, async move {
            keep_checkpoints(&task_shard).await;
        });
    }
    let task_shard = Rc::clone(shard);
    shard.rt.spawn("upkeep", TaskClass::Background, async move {
        maintain(&task_shard).await;
    });
    let task_shard = Rc::clone(shard);
    shard.rt.spawn("compaction", TaskClass::Background, async move {
        compact(&task_shard).await;
    });
}

/// How long to wait before the next round: as usual, unless a simulation wants it soon.
fn pause<R: Runtime>(shard: &Shard<R>, soon: Buggify, usual: Duration) -> Duration {
    if shard.buggify(soon) { SOON } else { usual }
}

/// Lets the checkpoint files follow the logs, and has every log synced as often as the configuration says: by then the
/// recovery point of a quiet one moves too.
async fn keep_checkpoints<R: Runtime>(shard: &Shard<R>) {
    let mut on_disk: Option<Vec<Checkpoints>> = None;
    let sync_every = || {
        let usual = interval(shard, "log.flush.offset.checkpoint.interval.ms");
        pause(shard, Buggify::CheckpointEarly, usual)
    };
    let mut next_sync = shard.rt.now().mono + sync_every();
    loop {
        let log_count = u32::try_from(shard.image.borrow().partition_count()).unwrap_or(u32::MAX);
        let usual = CHECKPOINT_EVERY.max(CHECKPOINT_PER_LOG.saturating_mul(log_count));
        shard.rt.sleep_until(next_sync.min(shard.rt.now().mono + usual)).await;
        let syncs = shard.rt.now().mono >= next_sync;
        if syncs {
            next_sync = shard.rt.now().mono + sync_every();
        }
        match write_checkpoints(shard, syncs, on_disk.take()).await {
            Ok(Some(written)) => on_disk = Some(written),
            Ok(None) => return,
            Err(reason) => shard.log(Level::Error, format!("cannot write checkpoints: {reason}")),
        }
    }
}

/// Asks every shard for its values and writes the checkpoint files that change. Returns what they say now; `None` when
/// the node stops, which has the last word.
async fn write_checkpoints<R: Runtime>(
    shard: &Shard<R>,
    syncs: bool,
    on_disk: Option<Vec<Checkpoints>>,
) -> Result<Option<Vec<Checkpoints>>, String> {
    let mut asked = Vec::new();
    for of in shard.shards().filter(|of| *of != shard.id) {
        asked.push(shard.mesh.submit(of, Request::Checkpoints { syncs }).await);
    }
    let mut merged = checkpoints(shard, syncs).await;
    for reply in asked.into_iter().flatten() {
        if let Some(Reply::Checkpoints(more)) = reply.await {
            merge(&mut merged, more);
        }
    }
    let turn = shard.checkpoint_turn.take().await;
    if shard.stopping.get() {
        return Ok(None);
    }
    write(shard, &turn, merged, on_disk).await.map(Some)
}

/// This shard's values. Takes the producer snapshots that are due, and with `syncs` asks for a sync of every log.
pub(super) async fn checkpoints<R: Runtime>(shard: &Shard<R>, syncs: bool) -> Vec<Checkpoints> {
    for (at, partition) in shard.partitions().into_iter().enumerate() {
        if partition.log.needs_producer_snapshot() {
            write_producer_snapshot(&partition, SnapshotUse::Hint).await;
        }
        if at % PARTITIONS_PER_STEP == PARTITIONS_PER_STEP - 1 {
            shard.rt.yield_now().await;
        }
    }
    if syncs {
        shard.store().request_syncs();
    }
    shard.store().checkpoints()
}

/// State and log end are those of one moment: an append changes both in one step.
async fn write_producer_snapshot<R: Runtime>(partition: &Partition<R>, used: SnapshotUse) {
    let snapshot = partition.replica().producers().snapshot();
    partition.log.write_producer_snapshot(snapshot, used).await;
}

async fn write<R: Runtime>(
    shard: &Shard<R>,
    _turn: &Turn<'_>,
    merged: Vec<Checkpoints>,
    on_disk: Option<Vec<Checkpoints>>,
) -> Result<Vec<Checkpoints>, String> {
    let mut written = Vec::new();
    for (at, (open, directory)) in merged.into_iter().zip(shard.directories.known()).enumerate() {
        let checkpoints = directory.checkpoints_with(&shard.rt, open).await;
        let checkpoints = checkpoints.map_err(|error| error.to_string())?;
        let before = on_disk.as_ref().and_then(|on_disk| on_disk.get(at));
        let result = checkpoints.write_changes(&shard.rt, &directory.path, before).await;
        result.map_err(|error| error.to_string())?;
        written.push(checkpoints);
    }
    Ok(written)
}

fn merge(merged: &mut [Checkpoints], more: Vec<Checkpoints>) {
    for (checkpoints, more) in merged.iter_mut().zip(more) {
        checkpoints.merge(more);
    }
}

/// Makes every log of this shard durable and closes it; what the checkpoint files should say.
///
/// # Errors
/// A log that is not durable: its directory is not clean.
pub(super) async fn close<R: Runtime>(shard: &Shard<R>) -> Result<Vec<Checkpoints>, String> {
    for partition in shard.partitions() {
        // A table without producers is soon read back.
        let is_empty = partition.replica().producers().is_empty();
        let used = if is_empty { SnapshotUse::Hint } else { SnapshotUse::LeftBehind };
        write_producer_snapshot(&partition, used).await;
    }
    shard.store().close().await.map_err(|error| error.to_string())?;
    Ok(shard.store().checkpoints())
}

/// Closes the logs of all shards and marks the directories clean. Called on the first shard.
///
/// # Errors
/// What is not durable, or was never recovered; then no directory is marked, and the next start recovers.
pub(super) async fn close_all<R: Runtime>(shard: &Shard<R>) -> Result<(), String> {
    let mut asked = Vec::new();
    for of in shard.shards().filter(|of| *of != shard.id) {
        asked.push(shard.mesh.submit(of, Request::Close).await);
    }
    let mut merged = close(shard).await;
    for reply in asked {
        let reply = match reply {
            Some(reply) => reply.await,
            None => None,
        };
        let Some(Reply::Closed(closed)) = reply else {
            return Err("a shard did not answer".to_owned());
        };
        merged = merged.and_then(|mut merged| {
            merge(&mut merged, closed?);
            Ok(merged)
        });
    }
    let turn = shard.checkpoint_turn.take().await;
    write(shard, &turn, merged?, None).await?;
    if let Some(at) = shard.offline.unopened() {
        return Err(format!("a log could not be opened: {}-{}", at.topic, at.partition));
    }
    for path in &shard.boot.directories {
        mark_clean(&shard.rt, path).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Tells each replica how far its log is durable. One sync completes many batches: they come
/// together, and wakes for other shards leave together.
async fn follow_store<R: Runtime>(shard: &Rc<Shard<R>>) {
    loop {
        for event in shard.store().next_events().await {
            match event {
                StoreEvent::Persisted { at: METADATA, end } => {
                    if let Some(driver) = shard.driver() {
                        driver.persisted(end);
                    }
                }
                StoreEvent::Failed { at: METADATA, error } => {
                    control::stop_node(shard, &error.to_string());
                }
                StoreEvent::Persisted { at, end } => {
                    if let Some(partition) = shard.partition(at) {
                        partition.hear(shard, Event::Persisted { end });
                        if shard.planted(Bug::PlaceboPersistedTwice) {
                            partition.hear(shard, Event::Persisted { end });
                        }
                    }
                }
                StoreEvent::Failed { at, error } => {
                    if let Some(partition) = shard.partition(at) {
                        partition.fail(shard, &error);
                        if error.is_out_of_room() {
                            let returning = Rc::clone(shard);
                            shard.rt.spawn("come back", TaskClass::Background, async move {
                                topics::come_back(&returning, at).await;
                            });
                        }
                    }
                }
            }
        }
        shard.wakes.send(shard);
        shard.progress.notify();
    }
}

/// Compacts what is due, below what every reader may see.
async fn compact<R: Runtime>(shard: &Shard<R>) {
    loop {
        let pause = interval(shard, "log.cleaner.backoff.ms");
        shard.rt.sleep_until(shard.rt.now().mono + pause).await;
        if !shard.broker_flag("log.cleaner.enable") {
            continue;
        }
        for partition in shard.partitions() {
            let replica = partition.replica();
            let high_watermark = replica.ends().high_watermark;
            partition.log.set_stable_end(high_watermark.min(replica.last_stable_offset()));
        }
        shard.store().clean_once().await;
    }
}

/// A broker property in milliseconds, at least one.
fn interval<R: Runtime>(shard: &Shard<R>, property: &str) -> Duration {
    Duration::from_millis(shard.broker_number(property).max(1).unsigned_abs())
}

async fn maintain<R: Runtime>(shard: &Shard<R>) {
    let every = interval(shard, "log.retention.check.interval.ms");
    let first = pause(shard, Buggify::RetentionEarly, every.min(RETENTION_FIRST));
    let mut next = shard.rt.now().mono + first;
    for round in 1u32.. {
        shard.rt.sleep_until(next).await;
        shard.store().maintain_once().await;
        for partition in shard.partitions() {
            partition.log_start_moved(shard);
            if round.is_multiple_of(CHECKS_PER_EXPIRY) {
                partition.hear(shard, Event::Tick);
            }
            shard.rt.yield_now().await;
        }
        next = shard.rt.now().mono + pause(shard, Buggify::RetentionEarly, every);
    }
}
