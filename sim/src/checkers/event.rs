//! Everything that a checker may see of a run.
//!
//! Promises: plain data in the order in which it happened; no checker needs to look elsewhere.
//! Does not: judge. A source that cannot know a field leaves it `None` and loses only the checks
//! that need it, so that the same checkers judge a simulated run and a history from a real broker.

use model::{
    ErrorCode, LeaderEpoch, NodeId, Observation, Offset, TopicId, TopicPartition, splitmix,
};
use wire::batch::BatchProducer;

use super::group_facts::GroupFact;
use crate::scan::LogScan;

/// One fact and when it was known, in (virtual) nanoseconds since the start of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub at_ns: u64,
    pub fact: Fact,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A topic exists from now on. A source that starts late announces what it finds.
    TopicCreated {
        topic: TopicId,
        name: String,
        rules: TopicRules,
    },
    /// The rules of a topic changed. Checkers apply the weaker of both from now on.
    RulesChanged {
        topic: TopicId,
        rules: TopicRules,
    },
    /// Records of this topic may be gone from now on.
    TopicDeleted {
        topic: TopicId,
    },
    /// A client asked for the records below `before` to be deleted; sent before the request, since
    /// a lost reply does not undo it.
    RecordsDeleted {
        at: TopicPartition,
        before: Offset,
    },
    /// One attempt to produce one batch, when its outcome is known. Attempts that are still open
    /// when the run ends are told then, as [`Outcome::Unknown`].
    Produced(ProduceAttempt),
    /// What one partition of one fetch answered; an empty answer tells its offsets too.
    Consumed(Consumed),
    /// A fetch in a session (KIP-227) was answered: the partitions of which the answer gave neither
    /// records nor an error, and where the consumer goes on in each.
    SessionAnswered {
        consumer: u32,
        silent: Vec<(TopicPartition, Offset)>,
    },
    /// A consumer has read this partition to its end, after the last produce was answered.
    CaughtUp {
        at: TopicPartition,
    },
    /// A ListOffsets answer.
    OffsetListed(OffsetListed),
    Observed {
        node: NodeId,
        observation: Observation,
    },
    Node {
        node: NodeId,
        change: NodeChange,
    },
    /// All faults are over: from here each of these partitions must serve within the bound.
    Healed {
        bound_ns: u64,
        partitions: Vec<TopicPartition>,
    },
    /// Something of a consumer group.
    Group(GroupFact),
    /// All faults are over: from here each of these groups must read and commit these partitions within
    /// the bound.
    GroupsHealed {
        bound_ns: u64,
        expected: Vec<(String, TopicPartition)>,
    },
    /// A node came back from a crash and this log was recovered.
    Recovered(Recovered),
    /// The files of one partition at the end of a run, read by the independent scanner.
    FinalLog {
        node: NodeId,
        at: TopicPartition,
        log: LogScan,
    },
    /// What a node uses of everything that has a bound.
    Resources {
        node: NodeId,
        /// Every client has gone and every operation has had time to end.
        drained: bool,
        uses: Vec<ResourceUse>,
    },
    /// No later event tells of an offset below this one: checkers may forget what they know there.
    /// Only sources that go through a partition in offset order say it.
    Settled {
        at: TopicPartition,
        below: Offset,
    },
}

/// The rules of a topic that decide which records may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TopicRules {
    /// `cleanup.policy` holds `compact`.
    pub compacted: bool,
    /// `cleanup.policy` holds `delete` and a limit of time or size is set: the log start may move.
    pub retained_for_a_while: bool,
    /// `delete.retention.ms`: how long a tombstone stays after it was cleaned for the first time.
    pub delete_retention_ms: i64,
    /// `message.timestamp.type` is `LogAppendTime`.
    pub append_time: bool,
    /// A producer may be silent for longer than `producer.id.expiration.ms`, by the timestamps of its
    /// batches and the broker's clock: then the broker forgets its sequence.
    pub producers_expire: bool,
}

/// A record's content as numbers that are equal when the bytes are; see [`digest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordContent {
    pub key: Option<u64>,
    /// `None` is a tombstone.
    pub value: Option<u64>,
    pub timestamp_ms: i64,
}

/// A record where a reader found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordSeen {
    pub offset: Offset,
    pub content: RecordContent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    None,
    Leader,
    All,
}

/// One attempt to produce one batch.
#[derive(Debug, Clone, PartialEq)]
pub struct ProduceAttempt {
    /// What the application asked for once. All attempts of it share this number; it is unique in
    /// the run.
    pub operation: u64,
    /// 0 for the first try.
    pub attempt: u32,
    /// Connection or client, for the texts.
    pub client: u32,
    pub at: TopicPartition,
    pub acks: Acks,
    /// With the idempotent producer (KIP-98).
    pub producer: Option<BatchProducer>,
    pub transactional: bool,
    pub invoked_ns: u64,
    pub content: Content,
    pub outcome: Outcome,
}

/// The records of a batch, one by one where the source keeps them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub count: u32,
    /// Equal for equal record bytes, whoever computes it for this run. `None`: not known.
    pub hash: Option<u64>,
    /// Empty when only the hash is known; otherwise `count` of them.
    pub records: Vec<RecordContent>,
}

impl Content {
    /// The content of a batch whose records are known.
    #[must_use]
    pub fn of(records: Vec<RecordContent>) -> Self {
        let count = u32::try_from(records.len()).expect("a batch holds less than 2^31 records");
        Self { count, hash: Some(content_hash(&records)), records }
    }
}

/// What the client knows about an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The broker said yes. `None` with acks=0 and for a duplicate whose place it has forgotten.
    Acked {
        base_offset: Option<Offset>,
    },
    Refused(ErrorCode),
    /// No answer: the connection ended, the client gave up, or the run did.
    Unknown,
}

/// A batch as a reader found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchSeen {
    pub base_offset: Offset,
    /// Inclusive. Compaction leaves it where it was, also when the last record is gone.
    pub last_offset: Offset,
    pub leader_epoch: Option<LeaderEpoch>,
    pub producer: Option<BatchProducer>,
    pub transactional: bool,
    /// A transaction marker or another record of the broker's own; consumers never see it.
    pub control: bool,
    /// Records in the batch now; less than the offsets it spans after compaction.
    pub count: u32,
    /// As in [`Content::hash`].
    pub hash: Option<u64>,
    /// Ascending by offset. Empty when only the hash is known.
    pub records: Vec<RecordSeen>,
}

/// One partition of one fetch answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumed {
    pub consumer: u32,
    /// Counts the polls of this consumer.
    pub poll: u64,
    pub at: TopicPartition,
    /// The offset that was asked for.
    pub from: Offset,
    /// The consumer jumped here on purpose (first fetch, reset, seek), so nothing was skipped.
    pub sought: bool,
    pub read_committed: bool,
    pub high_watermark: Option<Offset>,
    pub last_stable_offset: Option<Offset>,
    pub log_start_offset: Option<Offset>,
    pub leader_epoch: Option<LeaderEpoch>,
    pub batches: Vec<BatchSeen>,
}

/// What ListOffsets asks by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetQuery {
    Earliest,
    Latest,
    /// First record whose timestamp is at or after this.
    AtOrAfter {
        timestamp_ms: i64,
    },
    /// The record with the largest timestamp (KIP-734).
    MaxTimestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetListed {
    pub at: TopicPartition,
    pub query: OffsetQuery,
    /// When it was asked; the answer may tell of any moment since.
    pub invoked_ns: u64,
    /// `None`: no such record.
    pub answer: Option<(Offset, i64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeChange {
    Booted,
    /// The process is gone; its page cache is not.
    Killed,
    /// What was not synced may be gone.
    PowerLost,
    Paused,
    Resumed,
    /// Stopped in good order.
    Stopped,
    /// Ended by itself after a failure, as if it had been killed: what it had yet to write is lost.
    GaveUp,
}

/// A log before a crash and after the recovery from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovered {
    pub node: NodeId,
    pub at: TopicPartition,
    /// What a reader of the files saw at the moment of the crash.
    pub before: LogScan,
    /// Everything below was promised to survive a power loss ([`Observation::Persisted`]).
    pub persisted_end: Offset,
    /// The files when recovery was done, before anything else was appended.
    pub after: LogScan,
}

/// One thing that a node may not use without a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceUse {
    /// Such as `open operations`, `descriptors`, `connections`, `receive bytes`.
    pub name: &'static str,
    pub used: u64,
    pub limit: u64,
    /// Must be none at all after a drain.
    pub zero_after_drain: bool,
}

/// A number that stands for these bytes in a run: equal for equal bytes, and for different bytes
/// different but for one case in 2^64.
#[must_use]
pub fn digest(bytes: &[u8]) -> u64 {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut hash = splitmix::hash(bytes.len() as u64);
    for chunk in chunks {
        hash = splitmix::hash(hash ^ u64::from_le_bytes(*chunk));
    }
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    splitmix::hash(hash ^ u64::from_le_bytes(last))
}

/// The hash of a batch from its records' contents, without their timestamps: an append with
/// `LogAppendTime` changes those.
#[must_use]
pub fn content_hash(records: &[RecordContent]) -> u64 {
    let part = |it: Option<u64>| it.map_or(0, |digest| digest | 1);
    records.iter().fold(splitmix::hash(records.len() as u64), |hash, record| {
        splitmix::hash(splitmix::hash(hash ^ part(record.key)) ^ part(record.value).rotate_left(32))
    })
}
