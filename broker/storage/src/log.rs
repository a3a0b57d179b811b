//! One partition's log: a cheap handle, everything else in `state`.
//!
//! Promises: appends keep their order; what is reported as persisted is readable and, in a durable topic, survives a
//! power loss.
//! Does not: decide offsets or who leads (`replication`), or which records a reader may see.

mod create;
mod read;
mod recover;
mod scan;
mod snapshots;
mod state;
mod time;
mod truncate;
mod txn_index;
mod write;

use std::rc::Rc;

use model::{Buf, Bufs, Buggify, LeaderEpoch, Offset, Site};
use runtime::Runtime;

pub use read::{Piece, Plan, ReadSpec};
pub use recover::RecoverySink;
pub(crate) use recover::{Place, open};
pub use snapshots::SnapshotUse;
pub(crate) use state::{Cut, LogShared, Offline, Op, Stamp, State};
pub use time::TimestampAndOffset;
pub(crate) use write::{append_indexes, start_writer};

use crate::journal::{Entry, FrameHead, FrameKind};
use crate::segment::BatchMeta;
use crate::store::{Owner, Shared};
use crate::{Lane, LogConfig, LogId, StorageError};

/// One batch as it will lie in the segment.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The whole batch: usually a patched head and the untouched rest of a received frame.
    pub pieces: Bufs,
    pub base_offset: Offset,
    pub last_offset: Offset,
    pub leader_epoch: LeaderEpoch,
    pub max_timestamp_ms: i64,
}

impl Batch {
    fn meta(&self) -> BatchMeta {
        BatchMeta {
            base_offset: self.base_offset,
            last_offset: self.last_offset,
            max_timestamp_ms: self.max_timestamp_ms,
            size_bytes: self.pieces.iter().map(|piece| piece.len() as u64).sum(),
        }
    }
}

/// A handle; clones are the same log.
pub struct Log<R: Runtime> {
    pub(crate) store: Rc<Shared<R>>,
    pub(crate) log: Rc<LogShared<R>>,
}

impl<R: Runtime> Clone for Log<R> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), log: self.log.clone() }
    }
}

impl<R: Runtime> Log<R> {
    #[must_use]
    pub fn id(&self) -> LogId {
        self.log.id.clone()
    }

    /// Which data directory holds it: a place in [`crate::StoreOptions::directories`].
    #[must_use]
    pub fn directory(&self) -> usize {
        self.log.directory
    }

    /// Whether the batch should open a new segment; then call [`Log::roll`] before [`Log::append`].
    #[must_use]
    pub fn needs_roll(&self, batch: &Batch) -> bool {
        let state = self.log.state.borrow();
        let has_any = state.segments.last().is_some_and(|active| active.size_bytes > 0);
        state.needs_roll(&batch.meta()) || has_any && self.store.buggify(Buggify::RollEarly)
    }

    /// Seals the active segment. `producer_snapshot` is the producer state at the log's end, in Kafka's format.
    pub fn roll(&self, producer_snapshot: Vec<u8>) {
        self.log.state.borrow_mut().roll(Some(producer_snapshot));
        self.store.sometimes(Site::SegmentRolled);
        start_writer(&self.store, &self.log);
    }

    /// Queues the batch at the end of the log. [`crate::StoreEvent::Persisted`] follows.
    ///
    /// # Errors
    /// [`StorageError::Busy`] and `Full` (nothing was queued, try later), `Offline`, `Closed`.
    ///
    /// # Panics
    /// When the batch does not begin at or after the log's end.
    pub fn append(&self, batch: Batch) -> Result<(), StorageError> {
        let meta = batch.meta();
        let size_bytes = usize::try_from(meta.size_bytes).expect("in memory");
        if !self.accepts_appends() {
            return Err(StorageError::Full { path: self.log.path.clone() });
        }
        self.store.admit(size_bytes)?;
        let journal = self.store.journal(&self.log);
        {
            let mut state = self.log.state.borrow_mut();
            state.check_online()?;
            let end = state.end;
            assert!(batch.base_offset >= end, "append at {} to {}", batch.base_offset, end);
            assert!(batch.last_offset >= batch.base_offset, "an empty batch: {meta:?}");
            let (segment, position) = state.place(&meta, &self.store.stamp(meta.size_bytes));
            state.start_epoch(batch.leader_epoch, batch.base_offset);
            let through_journal = state.config.is_durable()
                && state.config.lane == Lane::Journal
                && journal.can_hold(size_bytes);
            let op = state.next_op();
            if through_journal {
                let head = FrameHead {
                    at: self.log.id.at,
                    kind: FrameKind::Append,
                    segment,
                    position,
                    end: meta.end(),
                    size_bytes: u32::try_from(size_bytes).expect("a batch length is 31 bits"),
                };
                let owner = Owner { log: self.log.clone(), op, end: meta.end(), size_bytes };
                journal.push(Entry { head, pieces: batch.pieces.clone(), owner });
            } else {
                state.barrier_op = op;
            }
            state.queue.push_back(Op::Write {
                segment,
                position,
                pieces: batch.pieces,
                end: meta.end(),
                op,
                size_bytes,
                through_journal,
                record_count: meta.end().0.abs_diff(batch.base_offset.0),
            });
        }
        start_writer(&self.store, &self.log);
        Ok(())
    }

    /// False while its disk is full. The metadata log waits for room instead.
    #[must_use]
    pub fn accepts_appends(&self) -> bool {
        let waits = self.log.state.borrow().config.lane == Lane::Direct;
        waits || !self.store.directories[self.log.directory].room.is_full()
    }

    /// The first offset that may be read.
    #[must_use]
    pub fn start_offset(&self) -> Offset {
        self.log.state.borrow().start
    }

    /// The offset that the next record gets, queued appends included.
    #[must_use]
    pub fn end_offset(&self) -> Offset {
        self.log.state.borrow().end
    }

    /// Everything below is readable and survives a power loss.
    #[must_use]
    pub fn durable_end(&self) -> Offset {
        let state = self.log.state.borrow();
        state.durable_end().min(state.readable)
    }

    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.log.state.borrow().size_bytes()
    }

    #[must_use]
    pub fn config(&self) -> LogConfig {
        self.log.state.borrow().config.clone()
    }

    /// Takes effect from the next append on.
    pub fn set_config(&self, config: LogConfig) {
        self.log.state.borrow_mut().config = config;
        self.store.flush_timer.update(&self.log);
    }

    /// Notes the first offset of a leader epoch; an epoch that is not newer than the latest is ignored.
    pub fn start_leader_epoch(&self, epoch: LeaderEpoch, start: Offset) {
        self.log.state.borrow_mut().start_epoch(epoch, start);
    }

    /// The largest epoch not above `epoch` and where it ends (OffsetForLeaderEpoch).
    #[must_use]
    pub fn leader_epoch_end(&self, epoch: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        let state = self.log.state.borrow();
        state.epochs.end_of(epoch, state.end)
    }

    #[must_use]
    pub fn latest_leader_epoch(&self) -> Option<LeaderEpoch> {
        self.log.state.borrow().epochs.latest()
    }

    /// DeleteRecords: nothing below `offset` is readable any more. Whole segments go at the next maintenance.
    ///
    /// # Errors
    /// [`StorageError::OutOfRange`] past the end of the log.
    pub fn delete_before(&self, offset: Offset) -> Result<(), StorageError> {
        self.log.state.borrow_mut().move_start(offset)
    }

    /// Completes when everything appended so far is in its segment and synced.
    ///
    /// # Errors
    /// `Offline` when the log fails before that.
    pub async fn flush(&self) -> Result<(), StorageError> {
        let op = self.log.state.borrow().ops_queued;
        loop {
            let written = {
                let state = self.log.state.borrow();
                if state.ops_synced >= op && state.queue.is_empty() && !state.writing {
                    return Ok(());
                }
                state.check_online()?;
                state.ops_written > state.ops_synced
            };
            if written {
                self.store.request_sync(&self.log);
            }
            self.log.progress.notified().await;
        }
    }

    /// Sealed segments whose files the recovery left open.
    pub(crate) fn open_sealed_segments(&self) -> Vec<Offset> {
        let state = self.log.state.borrow();
        let sealed = state.segments.split_last().map_or(&[][..], |(_, sealed)| sealed);
        sealed.iter().filter(|segment| segment.file.is_some()).map(|segment| segment.base).collect()
    }

    /// Makes everything durable and leaves index files that the next start can trust.
    pub(crate) async fn close(&self) -> Result<(), StorageError> {
        {
            let mut state = self.log.state.borrow_mut();
            state.check_online()?;
            if let Some(active) = state.segments.last_mut().filter(|s| s.size_bytes > 0) {
                active.seal();
                let segment = active.base;
                state.queue.push_back(Op::Seal { segment });
            }
        }
        start_writer(&self.store, &self.log);
        self.flush().await?;
        if self.log.state.borrow().created {
            self.store.sync_log(&self.log).await?;
        }
        Ok(())
    }

    /// Completes when the journal frame of this operation is durable.
    pub(crate) async fn wait_journaled(&self, op: u64) -> Result<(), StorageError> {
        loop {
            {
                let state = self.log.state.borrow();
                if state.ops_journaled >= op {
                    return Ok(());
                }
                state.check_online()?;
            }
            self.log.progress.notified().await;
        }
    }

    /// Whole batches from `from` on as one buffer, for tools and tests; fetches use [`Log::plan`].
    ///
    /// # Errors
    /// As [`Log::plan`], and failed reads.
    pub async fn read_batches(&self, from: Offset, bytes_max: usize) -> Result<Buf, StorageError> {
        let visible_end = self.log.state.borrow().readable;
        let spec = ReadSpec { from, bytes_max, visible_end, at_least_one_batch: true };
        let plan = self.plan(spec).await?;
        let mut bytes = Vec::with_capacity(usize::try_from(plan.size_bytes).unwrap_or(0));
        for piece in plan.pieces {
            let count = usize::try_from(piece.range.end - piece.range.start).unwrap_or(0);
            bytes.reserve(count);
            let (read, filled) =
                self.store.rt.read(&piece.file, piece.range.start, bytes, count).await;
            bytes = filled;
            read.map_err(StorageError::disk(&self.log.path, "read"))?;
        }
        Ok(Buf::from(bytes))
    }
}
