//! One segment of a log: what is known about its file.
//!
//! Promises: sizes count what is queued, so that positions can be given out before the disk has the bytes.
//! Does not: do I/O.

use model::Offset;
use wire::batch::BatchHeader;

use crate::index::{EntryCounts, Indexes, OffsetEntry, TimeEntry};

/// What the log notes about one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchMeta {
    pub(crate) base_offset: Offset,
    pub(crate) last_offset: Offset,
    pub(crate) max_timestamp_ms: i64,
    pub(crate) size_bytes: u64,
}

impl BatchMeta {
    pub(crate) fn of(header: &BatchHeader) -> Self {
        Self {
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            max_timestamp_ms: header.max_timestamp_ms,
            size_bytes: u64::from(header.size_bytes),
        }
    }

    pub(crate) fn end(&self) -> Offset {
        self.last_offset.after(1)
    }
}

/// The largest timestamp of a segment and the last offset of the batch that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MaxTimestamp {
    pub(crate) timestamp_ms: i64,
    pub(crate) last_offset: Offset,
}

#[derive(Debug)]
pub(crate) struct Segment<F> {
    pub(crate) base: Offset,
    /// First offset after the segment, queued batches included.
    pub(crate) end: Offset,
    pub(crate) size_bytes: u64,
    /// `None`: not created yet, or closed to save a descriptor.
    pub(crate) file: Option<F>,
    /// `None`: in the index files, not loaded.
    pub(crate) indexes: Option<Indexes>,
    /// Entries that the index files have; more are added as the segment grows.
    pub(crate) indexes_on_disk: EntryCounts,
    /// Bytes since the last index entry.
    unindexed_bytes: u64,
    pub(crate) max_timestamp: Option<MaxTimestamp>,
    /// Of the first batch; `segment.ms` counts from it.
    pub(crate) first_timestamp_ms: Option<i64>,
    /// The file has bytes that are not synced.
    pub(crate) dirty: bool,
    /// The file's name survives a power loss. Until then the file stays open.
    pub(crate) named: bool,
}

impl<F> Segment<F> {
    /// A segment without a file.
    pub(crate) fn new(base: Offset) -> Self {
        Self {
            base,
            end: base,
            size_bytes: 0,
            file: None,
            indexes: Some(Indexes::default()),
            indexes_on_disk: EntryCounts::default(),
            unindexed_bytes: 0,
            max_timestamp: None,
            first_timestamp_ms: None,
            dirty: false,
            named: false,
        }
    }

    /// A sealed segment as recovery found it: nothing but its file is known.
    pub(crate) fn on_disk(base: Offset, end: Offset, size_bytes: u64) -> Self {
        Self { end, size_bytes, indexes: None, named: true, ..Self::new(base) }
    }

    /// Takes the batch in; returns its position. Adds index entries as Kafka does.
    pub(crate) fn note(&mut self, batch: &BatchMeta, index_interval_bytes: u32) -> u64 {
        let position = self.size_bytes;
        let last_delta = self.delta(batch.last_offset);
        let is_newest =
            self.max_timestamp.is_none_or(|max| max.timestamp_ms < batch.max_timestamp_ms);
        if is_newest {
            let timestamp_ms = batch.max_timestamp_ms;
            self.max_timestamp =
                Some(MaxTimestamp { timestamp_ms, last_offset: batch.last_offset });
        }
        self.first_timestamp_ms.get_or_insert(batch.max_timestamp_ms);
        if self.unindexed_bytes > u64::from(index_interval_bytes) {
            let position = u32::try_from(position).expect("segments stay below 2 GiB");
            let max = self.max_timestamp.expect("set above");
            let time = TimeEntry {
                timestamp_ms: max.timestamp_ms,
                last_delta: self.delta(max.last_offset),
            };
            let indexes = self.indexes.as_mut().expect("an active segment has its indexes");
            indexes.push_offset(OffsetEntry { last_delta, position });
            indexes.push_time(time);
            self.unindexed_bytes = 0;
        }
        self.unindexed_bytes += batch.size_bytes;
        self.size_bytes += batch.size_bytes;
        self.end = batch.end();
        position
    }

    /// Of the larger index in memory.
    pub(crate) fn index_bytes(&self) -> usize {
        self.indexes.as_ref().map_or(0, Indexes::size_bytes)
    }

    /// Stands at the batch of the last index entry, as if all before it had been noted.
    pub(crate) fn resume(
        &mut self,
        indexes: Indexes,
        position: u64,
        max: MaxTimestamp,
        first_timestamp_ms: i64,
    ) {
        self.indexes = Some(indexes);
        self.size_bytes = position;
        self.max_timestamp = Some(max);
        self.first_timestamp_ms = Some(first_timestamp_ms);
    }

    /// Offset relative to the base, as the indexes store it.
    pub(crate) fn delta(&self, offset: Offset) -> u32 {
        u32::try_from(offset.0 - self.base.0).unwrap_or(u32::MAX)
    }

    /// Notes in the time index what the segment ends with, as Kafka does before it seals one.
    pub(crate) fn seal(&mut self) {
        if let (Some(max), Some(indexes)) = (self.max_timestamp, self.indexes.as_mut()) {
            let last_delta = u32::try_from(max.last_offset.0 - self.base.0).unwrap_or(u32::MAX);
            indexes.push_time(TimeEntry { timestamp_ms: max.timestamp_ms, last_delta });
        }
    }

    /// Whether the index files have every entry.
    pub(crate) fn has_index_files(&self) -> bool {
        self.indexes.as_ref().is_none_or(|indexes| indexes.counts() == self.indexes_on_disk)
    }

    /// Forgets everything at or past `end`, which lies at `position`.
    pub(crate) fn truncate(&mut self, end: Offset, position: u64) {
        let delta = self.delta(end);
        // The files are written anew.
        self.indexes_on_disk = EntryCounts::default();
        if let Some(indexes) = &mut self.indexes {
            indexes.truncate(position, delta);
        }
        self.size_bytes = position;
        self.end = end;
        // The largest timestamp may have been cut off; an upper bound keeps searches right and retention late.
        if let Some(max) = &mut self.max_timestamp {
            max.last_offset = max.last_offset.min(Offset((end.0 - 1).max(self.base.0)));
        }
    }
}
