//! One producer: its epoch and its last batches.

use model::{Offset, ProducerEpoch, ProducerId};
use smallvec::SmallVec;

use crate::{AppendError, Batch, ProducerDescription, ProducerStamp};

/// Batches remembered per producer: as many as a client may have in flight with idempotence on.
pub const BATCHES_KEPT: usize = 5;

#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// `None` only between creation and the first write.
    pub(super) epoch: Option<ProducerEpoch>,
    /// Batches of the current epoch, oldest first, at most [`BATCHES_KEPT`].
    pub(super) batches: SmallVec<[Written; BATCHES_KEPT]>,
    pub(super) last_timestamp_ms: i64,
    pub(super) coordinator_epoch: Option<i32>,
    pub(super) transaction_start: Option<Offset>,
    /// Place in the table's order of use.
    pub(super) last_use: u64,
    /// Wall time of the last use. Not the batch's timestamp, which a client chooses: replaying old
    /// data must not make the table forget its producer.
    pub(super) last_use_ms: i64,
}

/// A batch in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) base_sequence: i32,
    pub(crate) record_count: u32,
    pub(crate) base_offset: Offset,
    pub(crate) max_timestamp_ms: i64,
}

impl Written {
    /// Sequence number of the last record.
    pub(super) fn last_sequence(&self) -> i32 {
        advance(self.base_sequence, self.record_count - 1)
    }

    pub(crate) fn end(&self) -> Offset {
        self.base_offset.after(self.record_count)
    }
}

/// The sequence number `count` records later; after 2^31 - 1 comes 0.
pub(super) fn advance(sequence: i32, count: u32) -> i32 {
    let next = (i64::from(sequence) + i64::from(count)) & i64::from(i32::MAX);
    i32::try_from(next).expect("masked to 31 bits")
}

impl Entry {
    pub(super) fn empty(last_use: u64) -> Self {
        Self {
            epoch: None,
            batches: SmallVec::new(),
            last_timestamp_ms: -1,
            coordinator_epoch: None,
            transaction_start: None,
            last_use,
            last_use_ms: 0,
        }
    }

    pub(super) fn find_duplicate(
        &self,
        stamp: ProducerStamp,
        record_count: u32,
        window: usize,
    ) -> Option<Written> {
        if self.epoch != Some(stamp.epoch) {
            return None;
        }
        let recent = self.batches.iter().rev().take(window);
        let same = |written: &&Written| {
            written.base_sequence == stamp.base_sequence && written.record_count == record_count
        };
        recent.copied().find(|written| same(&written))
    }

    pub(super) fn check(
        &self,
        stamp: ProducerStamp,
        transactional: bool,
    ) -> Result<(), AppendError> {
        let producer = stamp.id;
        let Some(current) = self.epoch else { return Ok(()) };
        if stamp.epoch < current {
            return Err(AppendError::FencedProducer { producer, current, got: stamp.epoch });
        }
        let next = match self.batches.last() {
            Some(last) if stamp.epoch == current => advance(last.last_sequence(), 1),
            // A new epoch, or one in which only a marker was written, starts over.
            _ => 0,
        };
        if stamp.base_sequence != next {
            let got = stamp.base_sequence;
            return Err(AppendError::OutOfOrderSequence { producer, expected: next, got });
        }
        if self.transaction_start.is_some() && !transactional {
            return Err(AppendError::OutsideTransaction { producer });
        }
        Ok(())
    }

    /// Notes a data batch. Returns the first offset of a transaction that it opened.
    pub(super) fn wrote(
        &mut self,
        stamp: ProducerStamp,
        batch: &Batch,
        base_offset: Offset,
    ) -> Option<Offset> {
        self.enter_epoch(stamp.epoch);
        if self.batches.len() == BATCHES_KEPT {
            self.batches.remove(0);
        }
        self.batches.push(Written {
            base_sequence: stamp.base_sequence,
            record_count: batch.record_count,
            base_offset,
            max_timestamp_ms: batch.max_timestamp_ms,
        });
        self.last_timestamp_ms = batch.max_timestamp_ms;
        if !batch.transactional || self.transaction_start.is_some() {
            return None;
        }
        self.transaction_start = Some(base_offset);
        self.transaction_start
    }

    /// Notes a transaction marker. Returns the first offset of the transaction that it closed.
    pub(super) fn ended(
        &mut self,
        epoch: ProducerEpoch,
        coordinator_epoch: i32,
        timestamp_ms: i64,
    ) -> Option<Offset> {
        self.enter_epoch(epoch);
        self.coordinator_epoch = Some(coordinator_epoch);
        self.last_timestamp_ms = timestamp_ms;
        self.transaction_start.take()
    }

    fn enter_epoch(&mut self, epoch: ProducerEpoch) {
        if self.epoch != Some(epoch) {
            self.epoch = Some(epoch);
            self.batches.clear();
        }
    }

    pub(super) fn describe(&self, id: ProducerId) -> ProducerDescription {
        ProducerDescription {
            id,
            epoch: self.epoch.unwrap_or_default(),
            last_sequence: self.batches.last().map(Written::last_sequence),
            last_timestamp_ms: self.last_timestamp_ms,
            coordinator_epoch: self.coordinator_epoch,
            transaction_start: self.transaction_start,
        }
    }
}
