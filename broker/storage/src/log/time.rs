//! Offsets by timestamp, for ListOffsets.

use model::{Bug, Offset};
use runtime::Runtime;
use wire::batch::{BatchView, TimestampType};

use super::Log;
use super::read::Walk;
use crate::StorageError;
use crate::files::{self, FileOf, LOG_SUFFIX};
use crate::segment::MaxTimestamp;

/// Compressed batches are opened to find the record; none of them grows beyond this.
const DECOMPRESSED_BYTES_MAX: usize = 256 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimestampAndOffset {
    pub timestamp_ms: i64,
    pub offset: Offset,
}

impl<R: Runtime> Log<R> {
    /// The first record at or after the log's start whose timestamp is at least `timestamp_ms`.
    ///
    /// # Errors
    /// As [`Log::plan`].
    pub async fn offset_for_time(
        &self,
        timestamp_ms: i64,
    ) -> Result<Option<TimestampAndOffset>, StorageError> {
        loop {
            let replacement_count = self.replacement_count();
            let found = self.search_time(timestamp_ms).await;
            if self.replacement_count() == replacement_count {
                return found;
            }
        }
    }

    async fn search_time(
        &self,
        timestamp_ms: i64,
    ) -> Result<Option<TimestampAndOffset>, StorageError> {
        let bases: Vec<Offset> =
            self.log.state.borrow().segments.iter().map(|segment| segment.base).collect();
        let passes_over_equal = i64::from(self.store.planted(Bug::TimeIndexOffByOne));
        for base in bases {
            let file = self.open_segment(base).await?;
            self.load_max_timestamp(base).await?;
            let from = {
                let mut state = self.log.state.borrow_mut();
                let Some(segment) = state.segment_mut(base) else { continue };
                let is_older =
                    |max: MaxTimestamp| max.timestamp_ms < timestamp_ms + passes_over_equal;
                if segment.max_timestamp.is_none_or(is_older) {
                    continue;
                }
                // They may have been closed again meanwhile; then the search is longer.
                segment.indexes.as_ref().map_or(0, |indexes| {
                    indexes.position_before(indexes.delta_before_time(timestamp_ms))
                })
            };
            let mut walk = Walk::new(self, base, file.clone());
            walk.position = u64::from(from);
            while let Some(header) = walk.next().await? {
                if header.max_timestamp_ms < timestamp_ms {
                    continue;
                }
                let at = walk.position - u64::from(header.size_bytes);
                let found =
                    self.find_record(base, &file, at, header.size_bytes, timestamp_ms).await?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    /// The record below `end` with the largest timestamp (ListOffsets -3, KIP-734); the first of several.
    ///
    /// - **Cost:** for the segment that holds `end`, headers from the last index entry before it.
    ///
    /// # Errors
    /// As [`Log::plan`].
    pub async fn max_timestamp(
        &self,
        end: Offset,
    ) -> Result<Option<TimestampAndOffset>, StorageError> {
        let bases: Vec<Offset> =
            self.log.state.borrow().segments.iter().map(|segment| segment.base).collect();
        let mut largest: Option<i64> = None;
        for base in bases.into_iter().take_while(|base| *base < end) {
            largest = largest.max(self.max_timestamp_of(base, end).await?);
        }
        match largest {
            Some(timestamp_ms) => self.offset_for_time(timestamp_ms).await,
            None => Ok(None),
        }
    }

    /// The largest timestamp of a segment's batches below `end`.
    async fn max_timestamp_of(
        &self,
        base: Offset,
        end: Offset,
    ) -> Result<Option<i64>, StorageError> {
        let file = self.open_segment(base).await?;
        self.load_max_timestamp(base).await?;
        let mut walk = Walk::new(self, base, file);
        let mut largest = {
            let mut state = self.log.state.borrow_mut();
            let Some(segment) = state.segment_mut(base) else { return Ok(None) };
            if segment.end <= end {
                return Ok(segment.max_timestamp.map(|max| max.timestamp_ms));
            }
            // The youngest may be a batch that nobody may be told of yet.
            let delta = segment.delta(end);
            let known = segment.indexes.as_ref().and_then(|indexes| indexes.max_time_below(delta));
            walk.position = known.map_or(0, |(_, position)| u64::from(position));
            known.map(|(timestamp_ms, _)| timestamp_ms)
        };
        while let Some(header) = walk.next().await? {
            if header.base_offset >= end {
                break;
            }
            largest = largest.max(Some(header.max_timestamp_ms));
        }
        Ok(largest)
    }

    /// A sealed segment's time index ends with its largest timestamp.
    pub(crate) async fn load_max_timestamp(&self, base: Offset) -> Result<(), StorageError> {
        let known = {
            let mut state = self.log.state.borrow_mut();
            state.segment_mut(base).is_none_or(|s| s.max_timestamp.is_some() || s.size_bytes == 0)
        };
        if known {
            return Ok(());
        }
        let file = self.open_segment(base).await?;
        let mut walk = Walk::new(self, base, file);
        {
            let mut state = self.log.state.borrow_mut();
            let last = state
                .segment_mut(base)
                .and_then(|segment| segment.indexes.as_ref())
                .and_then(|indexes| indexes.last_time_entry());
            if let (Some(entry), Some(segment)) = (last, state.segment_mut(base)) {
                let last_offset = segment.base.after(entry.last_delta);
                let timestamp_ms = entry.timestamp_ms;
                segment.max_timestamp = Some(MaxTimestamp { timestamp_ms, last_offset });
                return Ok(());
            }
        }
        // No time index: the headers tell.
        let mut largest: Option<MaxTimestamp> = None;
        while let Some(header) = walk.next().await? {
            if largest.is_none_or(|max| max.timestamp_ms < header.max_timestamp_ms) {
                let (timestamp_ms, last_offset) = (header.max_timestamp_ms, header.last_offset());
                largest = Some(MaxTimestamp { timestamp_ms, last_offset });
            }
        }
        if let Some(segment) = self.log.state.borrow_mut().segment_mut(base) {
            segment.max_timestamp = largest;
        }
        Ok(())
    }

    async fn find_record(
        &self,
        base: Offset,
        file: &FileOf<R>,
        at: u64,
        size_bytes: u32,
        timestamp_ms: i64,
    ) -> Result<Option<TimestampAndOffset>, StorageError> {
        let path = files::segment_path(&self.log.path, base, LOG_SUFFIX);
        let count = size_bytes as usize;
        let bytes = files::read_range(&self.store.rt, file, &path, at, count).await?;
        let corrupt =
            |reason: String| StorageError::Corrupt { path: path.clone(), position: at, reason };
        let batch = BatchView::new(&bytes).map_err(|error| corrupt(error.to_string()))?;
        let (header, start) = (batch.header, self.start_offset());
        let append_time = header.attributes.timestamp_type() == TimestampType::LogAppendTime;
        let mut scratch = Vec::new();
        let records = batch
            .records(&mut scratch, DECOMPRESSED_BYTES_MAX)
            .map_err(|error| corrupt(error.to_string()))?;
        for record in records {
            let record = record.map_err(|error| corrupt(error.to_string()))?;
            let offset = Offset(header.base_offset.0 + i64::from(record.offset_delta));
            let timestamp = if append_time {
                header.max_timestamp_ms
            } else {
                header.base_timestamp_ms.saturating_add(record.timestamp_delta_ms)
            };
            if timestamp >= timestamp_ms && offset >= start {
                return Ok(Some(TimestampAndOffset { timestamp_ms: timestamp, offset }));
            }
        }
        Ok(None)
    }
}
