//! What a log knows about itself. Synchronous: no borrow of it lives across an `await`.
//!
//! Promises: `start <= published <= readable <= end`; segments ascend and only the last takes appends.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use model::{Bufs, Instant, LeaderEpoch, Offset};
use runtime::Disk;
use runtime::sync::Notify;

use super::snapshots::Snapshots;
use crate::checkpoint::LeaderEpochs;
use crate::cleaner::CleaningState;
use crate::segment::{BatchMeta, Segment};
use crate::{Cleanup, LogConfig, LogId, StorageError};

/// A log as its tasks share it.
pub(crate) struct LogShared<R: Disk> {
    pub(crate) id: LogId,
    pub(crate) path: PathBuf,
    /// Which data directory, and so which journal.
    pub(crate) directory: usize,
    pub(crate) state: RefCell<State<R::File>>,
    /// Something was written, synced, or failed.
    pub(crate) progress: Notify,
    /// Retention or compaction works on the sealed segments.
    pub(crate) segments_taken: Cell<bool>,
    /// Asked when the log seals a segment by itself.
    pub(crate) producers: RefCell<Option<ProducerState>>,
}

/// The producer state at the log's end, in Kafka's format; `None` when its keeper is gone.
pub(crate) type ProducerState = Box<dyn Fn() -> Option<Vec<u8>>>;

/// Work for the log's writer, done in order.
pub(crate) enum Op {
    Write {
        segment: Offset,
        position: u64,
        pieces: Bufs,
        end: Offset,
        op: u64,
        size_bytes: usize,
        through_journal: bool,
        record_count: u64,
    },
    /// Writes the index files of a sealed segment.
    Seal {
        segment: Offset,
    },
    Snapshot {
        at: Offset,
        content: Vec<u8>,
    },
    Truncate(Cut),
    /// Creates the file of the active segment before its first batch: the name says where the log ends.
    Begin {
        segment: Offset,
    },
    /// Nothing to write: a place in the order, for whoever waits for its journal frame.
    Barrier {
        op: u64,
    },
}

/// Where a log was cut, and which files go.
pub(crate) struct Cut {
    /// Its file ends at `position`; at position 0 it is removed.
    pub(crate) segment: Offset,
    pub(crate) position: u64,
    /// New end of the log.
    pub(crate) end: Offset,
    /// Later segments.
    pub(crate) removed: Vec<Offset>,
    /// Producer snapshots inside segments that speak of what is cut off.
    pub(crate) snapshots: Vec<Offset>,
    pub(crate) op: u64,
}

impl Op {
    /// Bytes that no journal entry accounts for.
    pub(crate) fn unjournaled_bytes(&self) -> usize {
        match self {
            Self::Write { size_bytes, through_journal: false, .. } => *size_bytes,
            _ => 0,
        }
    }
}

/// One recent batch: a tail fetch reads no index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TailBatch {
    pub(crate) base: Offset,
    pub(crate) end: Offset,
    pub(crate) segment: Offset,
    pub(crate) position: u64,
    pub(crate) size_bytes: u64,
    /// Bytes that the shard had written when this was appended: tells how hot it still is.
    pub(crate) stamp: u64,
}

/// Where an append stands among all of the shard's.
pub(crate) struct Stamp {
    pub(crate) written_bytes: u64,
    pub(crate) tail_positions_max: usize,
}

/// Why a log takes no appends, and whether that may change.
#[derive(Debug)]
pub(crate) struct Offline {
    pub(crate) reason: String,
    /// There was no room: everything that it reported can still be synced, and it may be opened again.
    pub(crate) waits_for_room: bool,
}

pub(crate) struct State<F> {
    pub(crate) config: LogConfig,
    /// The directory and its `partition.metadata` survive a power loss.
    pub(crate) created: bool,
    /// Ascending; empty until the first append.
    pub(crate) segments: Vec<Segment<F>>,
    pub(crate) start: Offset,
    /// Queued appends included.
    pub(crate) end: Offset,
    /// In the segment files.
    pub(crate) readable: Offset,
    /// In the journal.
    pub(crate) journaled: Offset,
    /// In synced segment files.
    pub(crate) synced: Offset,
    /// Last end that was reported.
    pub(crate) published: Offset,
    pub(crate) queue: VecDeque<Op>,
    pub(crate) writing: bool,
    /// Writes and truncations are numbered; what is at most `ops_synced` needs no journal any more.
    pub(crate) ops_queued: u64,
    pub(crate) ops_written: u64,
    pub(crate) ops_synced: u64,
    /// The newest whose journal frame is durable.
    pub(crate) ops_journaled: u64,
    /// The last operation that did not go through the journal: until it is synced the journal proves nothing.
    pub(crate) barrier_op: u64,
    pub(crate) dirty_bytes: u64,
    pub(crate) unsynced_records: u64,
    /// When the oldest record was written that no sync has begun to cover.
    pub(crate) unsynced_since: Option<Instant>,
    /// The log's entry in the flush timer.
    pub(crate) flush_due: Option<Instant>,
    pub(crate) sync_requested: bool,
    pub(crate) syncing: bool,
    /// Moves at each truncation, so that a sync that began earlier claims no offset.
    pub(crate) truncation_count: u64,
    /// The newest truncation: a journal frame that is older says nothing about the end any more.
    pub(crate) truncation_op: u64,
    pub(crate) tail: VecDeque<TailBatch>,
    pub(crate) epochs: LeaderEpochs,
    pub(crate) epochs_dirty: bool,
    pub(crate) snapshots: Snapshots,
    pub(crate) cleaning: CleaningState,
    /// The log takes no appends any more; a reopened one takes its place if it waits for room.
    pub(crate) offline: Option<Offline>,
    /// Its files are being recovered for the log that takes its place.
    pub(crate) reopening: bool,
}

impl<F> State<F> {
    /// A log that holds nothing yet.
    pub(crate) fn empty(config: LogConfig, start: Offset) -> Self {
        Self {
            config,
            created: false,
            segments: Vec::new(),
            start,
            end: start,
            readable: start,
            journaled: start,
            synced: start,
            published: start,
            queue: VecDeque::new(),
            writing: false,
            ops_queued: 0,
            ops_written: 0,
            ops_synced: 0,
            ops_journaled: 0,
            barrier_op: 0,
            dirty_bytes: 0,
            unsynced_records: 0,
            unsynced_since: None,
            flush_due: None,
            sync_requested: false,
            syncing: false,
            truncation_count: 0,
            truncation_op: 0,
            tail: VecDeque::new(),
            epochs: LeaderEpochs::default(),
            epochs_dirty: false,
            snapshots: Snapshots::default(),
            cleaning: CleaningState::default(),
            offline: None,
            reopening: false,
        }
    }

    pub(crate) fn check_online(&self) -> Result<(), StorageError> {
        match &self.offline {
            Some(Offline { reason, .. }) => Err(StorageError::Offline { reason: reason.clone() }),
            None => Ok(()),
        }
    }

    /// Whether a read may begin here; at the end there is nothing yet.
    pub(crate) fn check_in_range(&self, wanted: Offset) -> Result<(), StorageError> {
        let (start, end) = (self.start, self.end);
        if wanted < start || wanted > end {
            return Err(StorageError::OutOfRange { wanted, start, end });
        }
        Ok(())
    }

    /// Offline until the next start: nothing of it can become durable any more.
    pub(crate) fn is_given_up(&self) -> bool {
        self.offline.as_ref().is_some_and(|offline| !offline.waits_for_room)
    }

    /// Kafka's rule (`LogSegment.shouldRoll`): size, age by timestamps, index full, offset too far.
    pub(crate) fn needs_roll(&self, batch: &BatchMeta) -> bool {
        let Some(active) = self.segments.last() else { return false };
        if active.size_bytes == 0 {
            return false;
        }
        let age_ms = active
            .first_timestamp_ms
            .map_or(0, |first| batch.max_timestamp_ms.saturating_sub(first));
        // Only sealed segments are compacted, so none may stay open beyond the longest lag.
        let age_ms_max = match self.config.cleanup {
            Cleanup::Delete => self.config.segment_ms,
            Cleanup::Compact | Cleanup::CompactAndDelete => {
                self.config.segment_ms.min(self.config.compaction.max_compaction_lag_ms)
            }
        };
        active.size_bytes + batch.size_bytes > u64::from(self.config.segment_bytes)
            || age_ms > age_ms_max
            || active.index_bytes() + 12 > self.config.segment_index_bytes as usize
            || batch.last_offset.0 - active.base.0 > i64::from(i32::MAX)
    }

    /// Seals the active segment; the next append opens another.
    pub(crate) fn roll(&mut self, producer_snapshot: Option<Vec<u8>>) {
        let end = self.end;
        let Some(active) = self.segments.last_mut().filter(|active| active.size_bytes > 0) else {
            return;
        };
        active.seal();
        let segment = active.base;
        self.queue.push_back(Op::Seal { segment });
        if let Some(content) = producer_snapshot {
            self.snapshots.taken(content.len());
            self.queue.push_back(Op::Snapshot { at: end, content });
        }
        self.segments.push(Segment::new(end));
    }

    /// Gives the batch its place; returns segment and position.
    pub(crate) fn place(&mut self, batch: &BatchMeta, stamp: &Stamp) -> (Offset, u64) {
        if self.segments.is_empty() {
            self.segments.push(Segment::new(batch.base_offset));
        }
        let active = self.segments.last_mut().expect("one was just pushed");
        // A missing entry only makes a search longer; full indexes stay as they are until the segment is rolled.
        let interval_bytes = match active.index_bytes() {
            full if full + 12 > self.config.segment_index_bytes as usize => u32::MAX,
            _ => self.config.index_interval_bytes,
        };
        let position = active.note(batch, interval_bytes);
        let segment = active.base;
        self.end = batch.end();
        self.snapshots.appended(batch.size_bytes);
        self.tail.push_back(TailBatch {
            base: batch.base_offset,
            end: batch.end(),
            segment,
            position,
            size_bytes: batch.size_bytes,
            stamp: stamp.written_bytes,
        });
        if self.tail.len() > stamp.tail_positions_max {
            self.tail.pop_front();
        }
        (segment, position)
    }

    pub(crate) fn next_op(&mut self) -> u64 {
        self.ops_queued += 1;
        self.ops_queued
    }

    pub(crate) fn start_epoch(&mut self, epoch: LeaderEpoch, start: Offset) {
        self.epochs_dirty |= self.epochs.assign(epoch, start);
    }

    pub(crate) fn move_start(&mut self, offset: Offset) -> Result<(), StorageError> {
        if offset > self.readable {
            let (start, end) = (self.start, self.readable);
            return Err(StorageError::OutOfRange { wanted: offset, start, end });
        }
        if offset > self.start {
            self.start = offset;
            self.epochs_dirty |= self.epochs.truncate_below(offset);
        }
        Ok(())
    }

    /// What survives a power loss, readable or not.
    pub(crate) fn durable_end(&self) -> Offset {
        if self.barrier_op <= self.ops_synced {
            self.journaled.max(self.synced)
        } else {
            self.synced
        }
    }

    /// The end to report, if there is news.
    pub(crate) fn publish(&mut self) -> Option<Offset> {
        let end = if self.config.is_durable() {
            self.durable_end().min(self.readable)
        } else {
            self.readable
        };
        if self.offline.is_some() || end <= self.published {
            return None;
        }
        self.published = end;
        Some(end)
    }

    /// When a sync is due by `flush.ms`.
    pub(crate) fn flush_due_at(&self) -> Option<Instant> {
        let flush_ms = self.config.flush_ms.filter(|_| !self.config.is_durable())?;
        let since = self.unsynced_since.filter(|_| self.offline.is_none())?;
        Some(since + Duration::from_millis(flush_ms))
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.size_bytes).sum()
    }

    /// Where the segment that would hold the offset stands in `segments`.
    pub(crate) fn segment_of(&self, offset: Offset) -> Option<usize> {
        self.segments.partition_point(|segment| segment.base <= offset).checked_sub(1)
    }

    pub(crate) fn segment_mut(&mut self, base: Offset) -> Option<&mut Segment<F>> {
        let at = self.segments.binary_search_by_key(&base, |segment| segment.base).ok()?;
        self.segments.get_mut(at)
    }
}
