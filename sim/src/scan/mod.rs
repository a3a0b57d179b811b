//! A linear reader of a partition's files, written from Kafka's description of the format alone.
//!
//! Promises: shares no code with `storage`, so that both cannot be wrong in the same way; reads from
//! the first byte to the last and trusts no index, checkpoint or length. Never panics on any bytes.
//! Does not: decompress, repair, or decide what should be there (the checkers do).

mod batch;
mod checkpoint;
mod crc32c;
mod files;

pub use checkpoint::offsets_of;
pub use files::{SegmentFiles, segments_of};

use crate::checkers::event::BatchSeen;
use model::Offset;

/// One partition's log as its files say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogScan {
    /// First offset that a reader may ask for: the checkpoint's if given, else the first segment's.
    pub log_start_offset: Offset,
    /// One past the last offset of the last whole batch; the last segment's base if it has none. Never
    /// below the log start: of a log whose records were all deleted, that is all there is.
    pub log_end_offset: Offset,
    pub segments: Vec<SegmentScan>,
}

/// One segment and its indexes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SegmentScan {
    pub base_offset: Offset,
    pub batches: Vec<PlacedBatch>,
    /// Why the reading stopped before the end of the file.
    pub torn: Option<Torn>,
    /// `None`: no such file.
    pub offset_index: Option<Vec<OffsetEntry>>,
    pub time_index: Option<Vec<TimeEntry>>,
}

/// A whole batch with a right checksum and where it lies.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedBatch {
    pub position_bytes: u64,
    pub size_bytes: u64,
    pub crc: u32,
    pub max_timestamp_ms: i64,
    pub batch: BatchSeen,
}

/// Where a file stops making sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    pub position_bytes: u64,
    pub bytes: u64,
    pub why: String,
}

/// An entry of `.index`: this offset's batch starts here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetEntry {
    pub offset: Offset,
    pub position_bytes: u64,
}

/// An entry of `.timeindex`: no record up to this offset is younger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeEntry {
    pub timestamp_ms: i64,
    pub offset: Offset,
}
