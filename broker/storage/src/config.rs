//! What the store and each log are told at construction.

use model::{Limits, PartitionIndex, TopicPartition};

use crate::Compaction;
use crate::directory::DirectoryInfo;

/// Which partition a log holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogId {
    pub at: TopicPartition,
    /// For the directory name `topic-3`.
    pub topic: String,
}

impl LogId {
    /// Kafka's directory name.
    #[must_use]
    pub fn directory_name(&self) -> String {
        Self::name_directory(&self.topic, self.at.partition)
    }

    pub(crate) fn name_directory(topic: &str, partition: PartitionIndex) -> String {
        format!("{topic}-{partition}")
    }
}

/// `cleanup.policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleanup {
    Delete,
    /// Keeps the newest record of each key. Retention never deletes from such a log.
    Compact,
    CompactAndDelete,
}

/// Which path makes an append durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// The shard's journal carries it; the segment is synced later (ADR 2).
    Journal,
    /// The segment itself is synced after each write: the metadata log, ahead of data.
    Direct,
}

/// Topic settings that storage acts on. Kafka's names, `topic` scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// `segment.bytes`.
    pub segment_bytes: u32,
    /// `segment.ms`, by the records' timestamps.
    pub segment_ms: i64,
    /// `segment.index.bytes`.
    pub segment_index_bytes: u32,
    /// `index.interval.bytes`.
    pub index_interval_bytes: u32,
    /// `retention.ms`; `None` keeps forever.
    pub retention_ms: Option<i64>,
    /// `retention.bytes`; `None` is unlimited.
    pub retention_bytes: Option<u64>,
    /// `file.delete.delay.ms`.
    pub file_delete_delay_ms: i64,
    /// `flush.messages`. 1 = an append is reported when it survives a power loss. Any other value as in
    /// Kafka: reported when readable, synced in the background after that many records.
    pub flush_messages: u64,
    /// `flush.ms`: unless `flush_messages` is 1, the longest time that written records stay without a sync. `None` leaves
    /// it to the count, to the size of what is unsynced, and to the recovery point's schedule.
    pub flush_ms: Option<u64>,
    pub cleanup: Cleanup,
    /// Matters unless `cleanup` is [`Cleanup::Delete`].
    pub compaction: Compaction,
    pub lane: Lane,
}

impl LogConfig {
    /// Kafka's defaults, except that appends are durable.
    pub const DEFAULT: Self = Self {
        segment_bytes: 1 << 30,
        segment_ms: 7 * 24 * 3_600_000,
        segment_index_bytes: 10 << 20,
        index_interval_bytes: 4096,
        retention_ms: Some(7 * 24 * 3_600_000),
        retention_bytes: None,
        file_delete_delay_ms: 60_000,
        flush_messages: 1,
        flush_ms: None,
        cleanup: Cleanup::Delete,
        compaction: Compaction::DEFAULT,
        lane: Lane::Journal,
    };

    /// Whether an append is reported only when it survives a power loss.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.flush_messages == 1
    }
}

/// Same on every shard of a node.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// As [`crate::prepare_directories`] found them; at least one.
    pub directories: Vec<DirectoryInfo>,
    pub limits: Limits,
}
