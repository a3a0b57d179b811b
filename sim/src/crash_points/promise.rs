//! What the workload wrote, and what it was promised about it.
//!
//! Promises: nothing is expected that the store has not said: a record counts as durable when its end
//! was reported, a deletion when its call came back. In between, old and new are both right.

use std::collections::BTreeMap;

use model::TopicPartition;
use model::{Buf, LeaderEpoch, Offset, PartitionIndex, ProducerEpoch, ProducerId, TopicId};
use storage::{Batch, LogId};
use wire::batch::{BatchBuilder, BatchProducer, BatchStamp};

use crate::checkers::event::digest;

/// Keys of the workload: few, so that compaction has something to do.
const KEYS: i64 = 7;
/// Producers come and go, so that most are known from snapshots only.
const BATCHES_PER_PRODUCER: i64 = 6;

/// One record as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WrittenRecord {
    pub(super) offset: Offset,
    pub(super) key: u64,
    /// `None` is a tombstone.
    pub(super) value: Option<u64>,
}

/// One batch as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) base: Offset,
    pub(super) end: Offset,
    /// Of all its bytes.
    pub(super) digest: u64,
    pub(super) timestamp_ms: i64,
    pub(super) producer: i64,
    pub(super) last_sequence: i32,
    pub(super) records: Vec<WrittenRecord>,
}

/// One log and what is known about it.
#[derive(Debug, Clone)]
pub(super) struct Promise {
    pub(super) id: LogId,
    pub(super) is_compacted: bool,
    /// The log as it must be: every batch from offset 0 that was not cut off again.
    pub(super) batches: Vec<Written>,
    /// Batches that are being cut off: they may still be there.
    pub(super) leaving: Vec<Written>,
    /// Everything below survives a power loss.
    pub(super) durable_end: Offset,
    /// Records below are gone for good.
    pub(super) start_min: Offset,
    /// No record at or above was deleted.
    pub(super) start_max: Offset,
    /// It may be gone, or is gone, as a whole.
    pub(super) deletion: Deletion,
    /// An append, a sync or a write failed: no more is promised than before.
    pub(super) has_failed: bool,
    /// Batches so far, those that were cut off included.
    serial: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deletion {
    None,
    Asked,
    Done,
}

impl Promise {
    pub(super) fn new(log: usize, is_compacted: bool) -> Self {
        let partition = PartitionIndex(i32::try_from(log).expect("few logs"));
        let at = TopicPartition { topic: TopicId::from_random(1, 2), partition };
        Self {
            id: LogId { at, topic: "orders".to_owned() },
            is_compacted,
            batches: Vec::new(),
            leaving: Vec::new(),
            durable_end: Offset::ZERO,
            start_min: Offset::ZERO,
            start_max: Offset::ZERO,
            deletion: Deletion::None,
            has_failed: false,
            serial: 0,
        }
    }

    pub(super) fn end(&self) -> Offset {
        self.batches.last().map_or(Offset::ZERO, |batch| batch.end)
    }

    /// The next batch, at `base`. It counts from [`Promise::wrote`] on.
    pub(super) fn batch(
        &self,
        base: Offset,
        count: u32,
        value_bytes: usize,
        timestamp_ms: i64,
    ) -> (Batch, Written) {
        let mut builder = BatchBuilder::new(Vec::new());
        let mut records = Vec::new();
        for delta in 0..count {
            let offset = base.after(delta);
            // Every fifth record has a key of its own: half of those are tombstones that nothing
            // supersedes.
            let is_unique = offset.0 % 5 == 0;
            let key = if is_unique { 1_000 + offset.0 } else { offset.0 * offset.0 % KEYS };
            let key = key.to_be_bytes();
            let is_tombstone = self.is_compacted && (offset.0 % 9 == 4 || offset.0 % 10 == 5);
            // The number makes the bytes differ from those of a batch that was cut off.
            let mut value = self.serial.to_be_bytes().to_vec();
            value.resize(8 + value_bytes, u8::try_from(offset.0 % 251).expect("below 251"));
            let value = (!is_tombstone).then_some(value);
            builder.append(timestamp_ms + i64::from(delta), Some(&key), value.as_deref(), &[]);
            let value = value.map(|value| digest(&value));
            records.push(WrittenRecord { offset, key: digest(&key), value });
        }
        let base_sequence = i32::try_from(self.serial % BATCHES_PER_PRODUCER).expect("few") * 100;
        let id = 10 + self.serial / BATCHES_PER_PRODUCER;
        let producer = BatchProducer { id: ProducerId(id), epoch: ProducerEpoch(0), base_sequence };
        let bytes = Buf::from(builder.finish(&BatchStamp {
            base_offset: base,
            partition_leader_epoch: Some(LeaderEpoch(1)),
            producer: Some(producer),
            ..BatchStamp::default()
        }));
        let last = count - 1;
        let written = Written {
            base,
            end: base.after(count),
            digest: digest(&bytes),
            timestamp_ms: timestamp_ms + i64::from(last),
            producer: id,
            last_sequence: base_sequence + i32::try_from(last).expect("few records"),
            records,
        };
        let batch = Batch {
            pieces: vec![bytes.slice(..16), bytes.slice(16..)],
            base_offset: base,
            last_offset: base.after(last),
            leader_epoch: LeaderEpoch(1),
            max_timestamp_ms: written.timestamp_ms,
        };
        (batch, written)
    }

    pub(super) fn wrote(&mut self, written: Written) {
        self.serial += 1;
        self.batches.push(written);
    }

    /// The store has reported this end.
    pub(super) fn persisted(&mut self, end: Offset) {
        self.durable_end = self.durable_end.max(end.min(self.end()));
    }

    /// A truncation to the batch at `end` begins: from here on the tail may be there or not.
    pub(super) fn cuts(&mut self, end: Offset) {
        let kept = self.batches.partition_point(|batch| batch.end <= end);
        self.leaving = self.batches.split_off(kept);
        self.durable_end = self.durable_end.min(self.end());
    }

    /// It is over: the tail must not come back.
    pub(super) fn has_cut(&mut self) {
        self.leaving.clear();
        self.durable_end = self.end();
    }

    /// Producers after everything below `end`, as a snapshot holds them.
    pub(super) fn producers_at(&self, end: Offset) -> Producers {
        let below = self.batches.iter().chain(&self.leaving).take_while(|batch| batch.end <= end);
        below.map(|batch| (batch.producer, batch.last_sequence)).collect()
    }
}

/// Last sequence number of each producer.
pub(super) type Producers = BTreeMap<i64, i32>;

/// A snapshot's content: the store does not look into it.
pub(super) fn snapshot_of(producers: &Producers) -> Vec<u8> {
    let entry =
        |(id, sequence): (&i64, &i32)| [id.to_be_bytes(), i64::from(*sequence).to_be_bytes()];
    producers.iter().flat_map(entry).flatten().collect()
}

pub(super) fn producers_of(snapshot: &[u8]) -> Producers {
    let number = |bytes: &[u8; 8]| i64::from_be_bytes(*bytes);
    let (numbers, _) = snapshot.as_chunks::<8>();
    let entry = |pair: &[[u8; 8]]| Some((number(&pair[0]), i32::try_from(number(&pair[1])).ok()?));
    numbers.chunks_exact(2).filter_map(entry).collect()
}
