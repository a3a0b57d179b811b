//! Shard 0's side: the controller core and its log.
//!
//! Promises: proposals reach the log in their order, many of them in one write; the core hears
//! "committed" only after every shard has applied the records.
//! Does not: survive a failed metadata log. Such a node stops; its view could no longer be trusted.

use core::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use controller::{
    AdminRequest, AdminResponse, Controller, Effect, Event, Listener, Refusal, Registration,
    Settings, Ticket, Token,
};
use model::{Buf, ErrorCode, LeaderEpoch, Offset, PartitionIndex, TopicId, TopicPartition};
use runtime::sync::{Notify, Promise, oneshot};
use runtime::{Exit, Purpose, Runtime, TaskClass};
use storage::{Lane, Log, LogConfig, LogId, RecoverySink, StorageError};
use wire::batch::{BatchHeader, BatchView};
use wire::metadata::MetadataRecord;

use super::replay::{Replayed, clear_unowned, replay};
use super::{Delta, SharedDelta};
use crate::boot::Level;
use crate::mesh::Request;
use crate::shard::Shard;

const TOPIC: &str = "__cluster_metadata";
/// Records of one write: bounds how long the shards are busy applying them.
const RECORDS_PER_WRITE: usize = 10_000;
/// Kafka's endpoint number for a plaintext listener.
const PLAINTEXT: i16 = 0;

pub(crate) const METADATA: TopicPartition =
    TopicPartition { topic: TopicId::METADATA, partition: PartitionIndex(0) };

pub(crate) struct Driver<R: Runtime> {
    log: Log<R>,
    /// Kafka's leader epoch of the metadata log: one for each life of this node.
    leader_epoch: LeaderEpoch,
    controller: RefCell<Controller>,
    /// Who waits for which answer. At most `waiting_max`.
    waiting: RefCell<BTreeMap<Token, Promise<AdminResponse>>>,
    waiting_max: usize,
    next_token: Cell<Token>,
    proposals: RefCell<VecDeque<(Ticket, Vec<MetadataRecord>)>>,
    proposed: Notify,
    durable_end: Cell<Offset>,
    persisted: Notify,
}

/// Opens the metadata log, brings every shard to its image and registers this broker.
///
/// # Errors
/// Why the node cannot start.
pub(crate) async fn start<R: Runtime>(
    shard: &Rc<Shard<R>>,
    endpoints: Vec<(String, String, u16)>,
) -> Result<(), String> {
    let (driver, replayed) = open(shard).await?;
    clear_unowned(shard, &replayed).await;
    let image = replayed.image;
    let driver = Rc::new(driver);
    shard.set_driver(Rc::clone(&driver));
    let delta = Arc::new(Delta { records: image.records(), end: image.end() });
    fan_out(shard, &delta).await;
    let (task_shard, task_driver) = (Rc::clone(shard), Rc::clone(&driver));
    shard.rt.spawn("metadata log", TaskClass::Latency, async move {
        task_driver.commit_proposals(&task_shard).await;
    });
    let draw = || shard.rt.random(Purpose::DirectoryId);
    let registration = Registration {
        broker: shard.boot.node_id,
        incarnation_id: TopicId::from_random(draw(), draw()).0,
        listeners: endpoints
            .into_iter()
            .map(|(name, host, port)| Listener { name, host, port, security_protocol: PLAINTEXT })
            .collect(),
        rack: shard.boot.properties.get("broker.rack").cloned(),
        directories: shard.directory_ids(),
    };
    match driver.submit(AdminRequest::RegisterBroker(registration)).await {
        Some(AdminResponse::Registered { .. }) => Ok(()),
        other => Err(format!("this broker could not register: {other:?}")),
    }
}

/// The metadata log holds no idempotent producers.
struct NoProducers;

impl RecoverySink for NoProducers {
    fn load_snapshot(&mut self, _: Offset, _: &[u8]) -> bool {
        true
    }

    fn batch(&mut self, _: &BatchView<'_>) {}
}

async fn open<R: Runtime>(shard: &Rc<Shard<R>>) -> Result<(Driver<R>, Replayed), String> {
    let id = LogId { at: METADATA, topic: TOPIC.to_owned() };
    let config = LogConfig {
        retention_ms: None,
        retention_bytes: None,
        lane: Lane::Direct,
        ..LogConfig::DEFAULT
    };
    let store = shard.store();
    let log = store.open_log(id, config, &mut NoProducers).await.map_err(|e| e.to_string())?;
    let replayed = replay(shard, &log).await?;
    let leader_epoch = log.latest_leader_epoch().map_or(LeaderEpoch(1), |e| LeaderEpoch(e.0 + 1));
    log.start_leader_epoch(leader_epoch, log.end_offset());
    let settings = Settings::new(shard.boot.node_id, shard.boot.properties.clone(), &shard.limits);
    let driver = Driver {
        leader_epoch,
        controller: RefCell::new(Controller::new(settings, replayed.image.clone())),
        waiting: RefCell::default(),
        waiting_max: shard.limits.waiters,
        next_token: Cell::new(0),
        proposals: RefCell::default(),
        proposed: Notify::new(),
        durable_end: Cell::new(log.end_offset()),
        persisted: Notify::new(),
        log,
    };
    Ok((driver, replayed))
}

impl<R: Runtime> Driver<R> {
    /// Runs a request to its answer; `None` when the node ends first.
    pub(crate) async fn submit(&self, request: AdminRequest) -> Option<AdminResponse> {
        if self.waiting.borrow().len() >= self.waiting_max {
            return Some(AdminResponse::Refused(Refusal {
                code: ErrorCode::RequestTimedOut,
                message: "too many metadata requests wait; try again".to_owned(),
            }));
        }
        let token = self.next_token.get();
        self.next_token.set(token + 1);
        let (promise, reply) = oneshot();
        self.waiting.borrow_mut().insert(token, promise);
        self.step(Event::Request { token, request });
        reply.await
    }

    /// Everything below `end` is on disk.
    pub(crate) fn persisted(&self, end: Offset) {
        self.durable_end.set(end.max(self.durable_end.get()));
        self.persisted.notify();
    }

    fn step(&self, event: Event) {
        let mut effects = Vec::new();
        self.controller.borrow_mut().step(event, &mut effects);
        for effect in effects {
            match effect {
                Effect::Propose { ticket, records } => {
                    self.proposals.borrow_mut().push_back((ticket, records));
                    self.proposed.notify();
                }
                Effect::Reply { token, response } => {
                    if let Some(promise) = self.waiting.borrow_mut().remove(&token) {
                        promise.fulfil(response);
                    }
                }
            }
        }
    }

    async fn commit_proposals(&self, shard: &Rc<Shard<R>>) {
        loop {
            let Some((ticket, records)) = self.next_write() else {
                self.proposed.notified().await;
                continue;
            };
            let end = match self.append(shard, &records).await {
                Ok(end) => end,
                Err(reason) => return stop_node(shard, &reason),
            };
            while self.durable_end.get() < end {
                self.persisted.notified().await;
            }
            fan_out(shard, &Arc::new(Delta { records, end })).await;
            self.step(Event::Committed { ticket });
        }
    }

    /// Every proposal that waits, up to the bound of one write.
    fn next_write(&self) -> Option<(Ticket, Vec<MetadataRecord>)> {
        let mut proposals = self.proposals.borrow_mut();
        let (mut last, mut records) = proposals.pop_front()?;
        while let Some((ticket, more)) =
            proposals.pop_front_if(|(_, more)| records.len() + more.len() <= RECORDS_PER_WRITE)
        {
            records.extend(more);
            last = ticket;
        }
        Some((last, records))
    }

    /// Queues the records at the end of the log; returns the new end.
    async fn append(&self, shard: &Shard<R>, records: &[MetadataRecord]) -> Result<Offset, String> {
        let wall_ms = shard.rt.now().wall_ms;
        let base_offset = self.log.end_offset();
        let encoded = controller::encode_batches(records, base_offset, self.leader_epoch, wall_ms)
            .map_err(|error| error.to_string())?;
        for bytes in encoded {
            // Data that waits for the disk must not be taken for a failure of this log.
            shard.room(bytes.len()).await;
            let header = BatchHeader::decode(&bytes).map_err(|e| e.to_string())?;
            let batch = storage::Batch {
                base_offset: header.base_offset,
                last_offset: header.last_offset(),
                leader_epoch: self.leader_epoch,
                max_timestamp_ms: wall_ms,
                pieces: vec![Buf::from(bytes)],
            };
            if self.log.needs_roll(&batch) {
                self.log.roll(Vec::new());
            }
            self.log.append(batch).map_err(|error: StorageError| error.to_string())?;
        }
        Ok(self.log.end_offset())
    }
}

/// Applies the records on every shard, this one included, and waits for all of them.
async fn fan_out<R: Runtime>(shard: &Rc<Shard<R>>, delta: &SharedDelta) {
    let mut replies = Vec::new();
    for to in shard.shards().filter(|to| *to != shard.id) {
        replies.push(shard.mesh.submit(to, Request::Metadata(Arc::clone(delta))).await);
    }
    super::apply(shard, delta).await;
    for reply in replies.into_iter().flatten() {
        // A shard that ends now has no image to keep up.
        let _ = reply.await;
    }
}

/// The metadata log failed, or its content contradicts itself.
pub(crate) fn stop_node<R: Runtime>(shard: &Shard<R>, reason: &str) {
    shard.log(Level::Error, format!("the metadata log failed, the node stops: {reason}"));
    shard.rt.exit(Exit::Failed);
}
