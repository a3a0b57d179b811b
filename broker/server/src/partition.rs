//! One partition replica on its home shard: the replication core, its log, and who waits for it.
//!
//! Promises: an append is decided and queued in one synchronous step, so that batches of one
//! producer keep their order; after a storage failure nothing is acknowledged any more and reads go
//! on where possible.
//! Does not: decide offsets, epochs or acknowledgements (`replication`), make bytes durable
//! (`storage`).

mod lookup;
mod recovery;
mod waiters;
mod watches;

use core::cell::{Ref, RefCell};
use std::rc::Rc;

use model::{Buf, Bufs, Bug, ErrorCode, LeaderEpoch, Offset, TopicPartition};
use replication::{Acks, AppendError, Batch, Effect, Event, LogEnds, Replica};
use runtime::Runtime;
use storage::{Log, StorageError};
use wire::batch::{BatchFacts, HEADER_BYTES, TimestampType, patched_head};

use crate::boot::Level;
use crate::offline::{Failure, OfflineLogs};
use crate::produce::Placed;
use crate::shard::Shard;
use crate::topics::Topic;

pub(crate) use recovery::ProducerRecovery;
pub(crate) use waiters::Writer;
use waiters::{Waiter, Waiters};
pub(crate) use watches::Watch;
use watches::Watches;

/// The first bytes of a batch, which the leader rewrites.
const HEAD_BYTES: usize = 16;

pub(crate) struct Partition<R: Runtime> {
    pub(crate) at: TopicPartition,
    pub(crate) log: Log<R>,
    topic: RefCell<Rc<Topic>>,
    state: RefCell<State>,
}

struct State {
    replica: Replica,
    waiters: Waiters,
    watches: Watches,
}

/// A batch that passed the checks that need no state.
pub(crate) struct Checked {
    pub(crate) bytes: Buf,
    /// Stands for the header in `bytes`, whose time fields are not those that the log holds.
    pub(crate) restamped: Option<Box<[u8; HEADER_BYTES]>>,
    /// Of what the log holds.
    pub(crate) facts: BatchFacts,
}

impl Checked {
    /// The batch as the log holds it, behind the head that the leader writes.
    fn rest(&self) -> Bufs {
        match &self.restamped {
            Some(header) => {
                vec![Buf::from(header[HEAD_BYTES..].to_vec()), self.bytes.slice(HEADER_BYTES..)]
            }
            None => vec![self.bytes.slice(HEAD_BYTES..)],
        }
    }
}

/// What a reader may see, and what it is told about the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Visible {
    pub(crate) ends: LogEnds,
    pub(crate) last_stable_offset: Offset,
    pub(crate) leader_epoch: LeaderEpoch,
}

impl<R: Runtime> Partition<R> {
    pub(crate) fn new(topic: Rc<Topic>, log: Log<R>, replica: Replica) -> Self {
        let state = State { replica, waiters: Waiters::default(), watches: Watches::default() };
        Self { at: state.replica.at(), log, topic: RefCell::new(topic), state: RefCell::new(state) }
    }

    pub(crate) fn topic(&self) -> Rc<Topic> {
        Rc::clone(&self.topic.borrow())
    }

    pub(crate) fn replica(&self) -> Ref<'_, Replica> {
        Ref::map(self.state.borrow(), |state| &state.replica)
    }

    /// Whether an earlier write failed: reads may go on, appends do not.
    pub(crate) fn is_offline(&self) -> bool {
        matches!(self.replica().check_leader(None), Err(AppendError::Offline))
    }

    /// What may be read by a request that knows this leader epoch. After a failed write that is
    /// what could be read before.
    ///
    /// # Errors
    /// This replica does not lead, or leads in another epoch.
    pub(crate) fn visible(&self, epoch: Option<LeaderEpoch>) -> Result<Visible, AppendError> {
        let replica = self.replica();
        let leader_epoch = match replica.check_leader(epoch) {
            Err(AppendError::Offline) => replica.leader_epoch().unwrap_or_default(),
            checked => checked?,
        };
        let last_stable_offset = replica.last_stable_offset();
        Ok(Visible { ends: replica.ends(), last_stable_offset, leader_epoch })
    }

    /// Appends a batch; `writer` is told what became of it.
    pub(crate) fn append(&self, shard: &Shard<R>, batch: &Checked, acks: Acks, writer: Writer) {
        if !self.log.accepts_appends() {
            return writer.failed(shard, ErrorCode::KafkaStorageError);
        }
        if !shard.has_room(batch.bytes.len()) {
            // Retriable, and says "try later".
            return writer.failed(shard, ErrorCode::RequestTimedOut);
        }
        let facts = &batch.facts;
        let stored = self.stored(batch);
        if self.log.needs_roll(&stored) {
            // The state before this batch: should the batch be lost, its retry is no duplicate.
            let snapshot = self.replica().producers().snapshot();
            self.log.roll(snapshot);
        }
        let event = Event::Append { batch: Batch::from(facts), acks, request_leader_epoch: None };
        let log_append_time_ms = match self.topic.borrow().settings.timestamp_type {
            TimestampType::LogAppendTime => Some(facts.max_timestamp_ms),
            TimestampType::CreateTime => None,
        };
        let waiter = writer.waiter();
        let appending = Appending { stored: Some(stored), log_append_time_ms, acks, waiter };
        self.step(shard, event, Some(appending));
    }

    /// The batch at the end of the log: a patched head, the rest is the received bytes.
    fn stored(&self, batch: &Checked) -> storage::Batch {
        let facts = &batch.facts;
        let (base_offset, leader_epoch) = {
            let replica = self.replica();
            (replica.log_end_offset(), replica.leader_epoch().unwrap_or_default())
        };
        let head = patched_head(&facts.header, base_offset, leader_epoch);
        let mut pieces = batch.rest();
        pieces.insert(0, Buf::from(head.to_vec()));
        storage::Batch {
            pieces,
            base_offset,
            last_offset: Offset(base_offset.0 + i64::from(facts.record_count) - 1),
            leader_epoch,
            max_timestamp_ms: facts.max_timestamp_ms,
        }
    }

    /// Feeds anything but an append.
    pub(crate) fn hear(&self, shard: &Shard<R>, event: Event) {
        self.step(shard, event, None);
    }

    /// Stops taking appends after a storage failure.
    pub(crate) fn fail(&self, shard: &Shard<R>, reason: &StorageError) {
        let name = &self.topic.borrow().name;
        let partition = self.at.partition;
        shard
            .log(Level::Error, format!("log offline topic={name} partition={partition}: {reason}"));
        OfflineLogs::report(shard, self.at, Failure::Write);
        self.hear(shard, Event::LogFailed);
        shard.coordinators.follow(shard, self);
    }

    /// Another replica has taken this one's place: who waits for a change looks again.
    pub(crate) fn let_go(&self, shard: &Shard<R>) {
        self.state.borrow_mut().watches.drain().for_each(|watch| shard.wakes.add(watch));
    }

    /// The topic's configuration changed.
    pub(crate) fn set_topic(&self, shard: &Shard<R>, topic: Rc<Topic>) {
        self.log.set_config(topic.settings.log.clone());
        let min_isr = topic.settings.min_isr;
        *self.topic.borrow_mut() = topic;
        self.hear(shard, Event::MinIsrChanged { min_isr });
    }

    /// Wakes `watch` at the next news; at once when something changed since `seen`.
    pub(crate) fn watch(&self, shard: &Shard<R>, watch: Watch, seen: Option<Visible>) {
        let now = self.visible(None).ok();
        if now != seen {
            shard.wakes.add(watch);
        } else {
            self.state.borrow_mut().watches.add(watch);
        }
    }

    /// Fires every watch, also those of other shards.
    fn wake_readers(&self, shard: &Shard<R>) {
        self.state.borrow_mut().watches.drain().for_each(|watch| shard.wakes.add(watch));
        shard.wakes.send(shard);
    }

    fn step(&self, shard: &Shard<R>, event: Event, mut appending: Option<Appending>) {
        let mut effects = shard.effects.take();
        let failed = {
            let mut state = self.state.borrow_mut();
            let mut probe = shard.rt.probe();
            state.replica.step(shard.rt.now(), event, &mut effects, &mut probe);
            let mut failed = None;
            for effect in effects.drain(..) {
                let done = self.carry_out(shard, &mut state, effect, appending.as_mut());
                failed = failed.or(done.err());
            }
            failed
        };
        shard.effects.replace(effects);
        if let Some(error) = failed {
            self.fail(shard, &error);
        }
        shard.coordinators.run(shard);
    }

    fn carry_out(
        &self,
        shard: &Shard<R>,
        state: &mut State,
        effect: Effect,
        appending: Option<&mut Appending>,
    ) -> Result<(), StorageError> {
        const ONLY_APPENDS: &str = "only an append has this effect";
        match effect {
            Effect::Persist { base_offset, end, leader_epoch } => {
                let appending = appending.expect(ONLY_APPENDS);
                let stored = appending.stored.take().expect("a batch is stored once");
                assert_eq!((stored.base_offset, stored.leader_epoch), (base_offset, leader_epoch));
                let mut placed = appending.placed(state, base_offset);
                if shard.planted(Bug::WrongBaseOffsetTold) {
                    placed.base_offset = state.replica.high_watermark();
                }
                appending.waiter.writer.placed(shard, placed);
                if appending.acks == Acks::None {
                    appending.waiter.writer.done(shard);
                } else {
                    state.waiters.add(appending.acks, Waiter { end, ..appending.waiter });
                }
                self.log.append(stored)?;
            }
            Effect::Refuse(error) => {
                appending.expect(ONLY_APPENDS).waiter.writer.failed(shard, error);
            }
            Effect::Duplicate { base_offset, end, complete, .. } => {
                let appending = appending.expect(ONLY_APPENDS);
                appending.waiter.writer.placed(shard, appending.placed(state, base_offset));
                if complete {
                    appending.waiter.writer.done(shard);
                } else {
                    state.waiters.add(appending.acks, Waiter { end, ..appending.waiter });
                }
            }
            Effect::Acknowledge { acks, end } => {
                while let Some(waiter) = state.waiters.next_up_to(acks, end) {
                    waiter.writer.done(shard);
                }
            }
            Effect::FailWaiters(error) => {
                while let Some(waiter) = state.waiters.next_of_any() {
                    waiter.writer.failed(shard, error);
                }
                state.watches.drain().for_each(|watch| shard.wakes.add(watch));
            }
            Effect::StartLeaderEpoch { leader_epoch, start } => {
                self.log.start_leader_epoch(leader_epoch, start);
            }
            Effect::WakeReaders { .. } => {
                state.watches.drain().for_each(|watch| shard.wakes.add(watch));
            }
        }
        Ok(())
    }
}

/// The append that a step works on.
struct Appending {
    /// Taken when the core says so; a duplicate or refused batch is not stored.
    stored: Option<storage::Batch>,
    log_append_time_ms: Option<i64>,
    acks: Acks,
    waiter: Waiter,
}

impl Appending {
    fn placed(&self, state: &State, base_offset: Offset) -> Placed {
        let log_start_offset = state.replica.ends().log_start_offset;
        Placed { base_offset, log_append_time_ms: self.log_append_time_ms, log_start_offset }
    }
}
