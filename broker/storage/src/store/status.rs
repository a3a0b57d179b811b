//! What a store tells about itself: events of its logs, counters, directories.

use std::path::PathBuf;

use model::{Offset, TopicId, TopicPartition};

use crate::StorageError;

/// What the server hears about its logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreEvent {
    /// Everything below `end` is readable and, in a durable topic, survives a power loss.
    Persisted { at: TopicPartition, end: Offset },
    /// The log takes no more appends; what was readable still is. [`Store::reopen_log`] brings it back if the error
    /// [`StorageError::is_out_of_room`].
    Failed { at: TopicPartition, error: StorageError },
}

/// Counters since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreStats {
    pub appended_bytes: u64,
    /// Bytes that wait for the disk now.
    pub queued_bytes: u64,
    pub recovery_cut_bytes: u64,
    /// Logs that a failure took offline.
    pub failed_log_count: u64,
    /// Logs among them that came back when the disk had room again.
    pub returned_log_count: u64,
    /// Data directories whose disk is full now.
    pub full_directory_count: usize,
    /// Sealed segments whose files are open now.
    pub open_segment_count: usize,
    /// Memory of their indexes.
    pub open_index_bytes: usize,
    /// Compactions of a log.
    pub cleaning_count: u64,
    /// Size of the segments that were compacted, before.
    pub cleaned_bytes: u64,
    /// And after.
    pub cleaned_into_bytes: u64,
    /// Logs that cannot be compacted until the next start: something in them does not read.
    pub uncleanable_log_count: u64,
}

/// A data directory as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryStatus {
    pub path: PathBuf,
    pub id: TopicId,
    pub online: bool,
    /// `None` when the file system does not answer.
    pub space: Option<runtime::Space>,
}
