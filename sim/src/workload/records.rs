//! What clients write.
//!
//! Promises: every value that a run writes is unlike every other one, so that a record in the wrong
//! place cannot pass for the right one.

use model::Buf;
use wire::batch::{BatchBuilder, BatchProducer, BatchStamp};
use wire::compression::{Codec, Compression};

use super::Seat;
use crate::checkers::event::{Content, RecordContent, digest};
use crate::plan::ProducerPlan;

/// Record bytes of one batch, about: above every limit of a simulated broker.
const BATCH_BYTES_MAX: usize = 150_000;

/// Records that an application asks to be written, before they are a batch.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) operation: u64,
    records: Vec<DraftRecord>,
    codec: Codec,
}

#[derive(Debug, Clone)]
struct DraftRecord {
    timestamp_ms: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
}

impl Draft {
    /// Records by the producer's plan.
    pub(super) fn new(seat: &mut Seat, plan: &ProducerPlan, wall_ms: i64) -> Self {
        let operation = seat.shared.next_operation();
        let codec = Codec::from_name(&plan.codec).unwrap_or_default();
        let count = seat.dice.within(1..=u64::from(plan.records_max.max(1)));
        let mut records = Vec::new();
        let mut size = 0;
        for index in 0..count {
            let mut value = format!("{}/{operation}/{index} ", seat.number).into_bytes();
            let fill = seat.dice.log_uniform(1..=u64::from(plan.value_bytes_max.max(1)));
            let fill = usize::try_from(fill).expect("a size in memory");
            // Bytes that repeat now and then, so that codecs have something to find.
            let words = (0..).flat_map(|word: u64| (operation ^ (word / 8)).to_le_bytes());
            value.extend(words.take(fill));
            let key = (plan.keys > 0)
                .then(|| format!("key-{}", seat.dice.index(plan.keys.into())).into_bytes());
            // Compaction is about keys: some of them are deleted.
            let tombstone = key.is_some() && seat.dice.one_in(12);
            size += value.len();
            let timestamp_ms = wall_ms - i64::try_from(seat.dice.index(50)).expect("below 50");
            records.push(DraftRecord { timestamp_ms, key, value: (!tombstone).then_some(value) });
            if size > BATCH_BYTES_MAX {
                break;
            }
        }
        Self { operation, records, codec }
    }

    /// One small record, as a sign of life.
    pub(super) fn pulse(seat: &Seat, wall_ms: i64) -> Self {
        let operation = seat.shared.next_operation();
        let value = Some(format!("pulse {}/{operation}", seat.number).into_bytes());
        let key = Some(format!("pulse-{operation}").into_bytes());
        let records = vec![DraftRecord { timestamp_ms: wall_ms, key, value }];
        Self { operation, records, codec: Codec::None }
    }

    pub(super) fn record_count(&self) -> i32 {
        i32::try_from(self.records.len()).expect("a small batch")
    }

    /// The bytes that go into a Produce request.
    pub(super) fn batch(&self, producer: Option<BatchProducer>) -> Buf {
        let mut builder = BatchBuilder::new(Vec::new());
        for record in &self.records {
            let (key, value) = (record.key.as_deref(), record.value.as_deref());
            builder.append(record.timestamp_ms, key, value, &[]);
        }
        let stamp = BatchStamp { producer, ..BatchStamp::default() };
        if self.codec == Codec::None {
            return Buf::from(builder.finish(&stamp));
        }
        let mut bytes = Vec::new();
        builder.finish_compressed(&stamp, Compression::from(self.codec), &mut bytes);
        Buf::from(bytes)
    }

    pub(super) fn content(&self) -> Content {
        let seen = |record: &DraftRecord| RecordContent {
            key: record.key.as_deref().map(digest),
            value: record.value.as_deref().map(digest),
            timestamp_ms: record.timestamp_ms,
        };
        Content::of(self.records.iter().map(seen).collect())
    }
}
