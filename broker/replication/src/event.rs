//! All that a replica can hear, and all that it can ask for.

use model::{LeaderEpoch, NodeId, Offset, ProducerEpoch, ProducerId};
use wire::batch::{BatchFacts, BatchProducer};

use crate::AppendError;

/// A fact about this replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The controller made this node the leader. An epoch that is not newer than the current one
    /// is a late message and changes nothing.
    BecomeLeader {
        leader_epoch: LeaderEpoch,
        /// Holds this node.
        isr: Vec<NodeId>,
        /// Every assigned replica, this node included.
        replicas: Vec<NodeId>,
    },
    /// Another node leads, or nobody does. Appends are refused from here on.
    BecomeFollower { leader: Option<NodeId>, leader_epoch: LeaderEpoch },
    /// A producer's batch that passed the checks that need no state.
    Append {
        batch: Batch,
        acks: Acks,
        /// `None` where the protocol carries no epoch, as in Produce.
        request_leader_epoch: Option<LeaderEpoch>,
    },
    /// Everything below `end` survives a power loss (or, in a topic that does not wait for syncs,
    /// is written).
    Persisted { end: Offset },
    /// A write or sync failed: what the files hold is unknown and the replica stops for good.
    LogFailed,
    /// Records below `log_start_offset` were deleted. They were durable, and none lies at or above
    /// the high watermark (retention of a replicated log has to ask for it first).
    LogStartMoved { log_start_offset: Offset },
    /// The controller committed another in-sync set for this leader's epoch.
    IsrChanged { leader_epoch: LeaderEpoch, isr: Vec<NodeId> },
    /// A follower's fetch proves that it holds everything below `end` durably.
    FollowerAt { follower: NodeId, leader_epoch: LeaderEpoch, end: Offset },
    /// `min.insync.replicas` of the topic changed. At least 1.
    MinIsrChanged { min_isr: u32 },
    /// Time passed; forgets producers that have been silent for too long. Every ten minutes, as in
    /// Kafka, is often enough.
    Tick,
}

/// What the driver must do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Append the event's batch at `base_offset`, stamped with `leader_epoch`.
    /// A producer with acks=0 is done; the others wait for [`Effect::Acknowledge`].
    Persist { base_offset: Offset, end: Offset, leader_epoch: LeaderEpoch },
    /// The event's batch is not appended.
    Refuse(AppendError),
    /// The event's batch is already in the log: report the place of the original.
    /// With `complete` the answer may leave now, else it waits like an append that ends at `end`.
    Duplicate { base_offset: Offset, end: Offset, max_timestamp_ms: i64, complete: bool },
    /// Complete every waiter with these acks whose end is at most `end` (exclusive offset).
    Acknowledge { acks: Acks, end: Offset },
    /// Fail every waiter: nobody may promise its records any more.
    FailWaiters(AppendError),
    /// Record in the leader epoch history that `leader_epoch` starts at `start`.
    StartLeaderEpoch { leader_epoch: LeaderEpoch, start: Offset },
    /// Consumers may now read up to these ends, both exclusive.
    WakeReaders { high_watermark: Offset, last_stable_offset: Offset },
}

/// When a producer wants its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Acks {
    /// `acks=0`: no answer at all.
    None,
    /// `acks=1`: when the leader holds the records durably.
    Leader,
    /// `acks=all`: when the high watermark has passed the records.
    All,
}

/// What the core needs to know of a record batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// Offsets that the batch takes: `lastOffsetDelta` + 1, at least 1.
    pub record_count: u32,
    pub max_timestamp_ms: i64,
    /// `None`: neither idempotent nor transactional.
    pub producer: Option<ProducerStamp>,
    pub transactional: bool,
}

impl From<&BatchFacts> for Batch {
    fn from(facts: &BatchFacts) -> Self {
        Self {
            record_count: facts.record_count,
            max_timestamp_ms: facts.max_timestamp_ms,
            producer: facts.header.producer.as_ref().map(ProducerStamp::from),
            transactional: facts.header.attributes.is_transactional(),
        }
    }
}

/// Who wrote a batch and which of its records it carries (KIP-98).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerStamp {
    pub id: ProducerId,
    pub epoch: ProducerEpoch,
    /// Sequence number of the first record, 0 to 2^31 - 1; the next after the last is 0.
    pub base_sequence: i32,
}

impl From<&BatchProducer> for ProducerStamp {
    fn from(producer: &BatchProducer) -> Self {
        Self { id: producer.id, epoch: producer.epoch, base_sequence: producer.base_sequence }
    }
}
