//! Metadata records as record batches of `__cluster_metadata`, and back.

use core::fmt;

use model::{Buf, LeaderEpoch, Offset};
use wire::batch::{BatchBuilder, BatchError, BatchStamp, BatchView};
use wire::metadata::MetadataRecord;
use wire::{DecodeError, EncodeError};

/// Records of one batch, as in Kafka; more become several batches, so that none outgrows a segment.
/// A batch is in the log as a whole or not at all.
pub const BATCH_RECORDS_MAX: usize = 10_000;

/// Kafka's `RegisterControllerRecord`: where a controller listens. A node that takes a directory
/// over is its own controller and needs none of it.
const REGISTER_CONTROLLER: u32 = 27;

/// A metadata batch holds short records and is never compressed; this bounds what is read.
const DECOMPRESSED_BYTES_MAX: usize = 64 << 20;

/// Why a batch of the metadata log cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataLogError {
    Batch(BatchError),
    Record {
        offset: Offset,
        error: DecodeError,
    },
    /// A record without a value, which nobody writes.
    NoValue {
        offset: Offset,
    },
}

impl fmt::Display for MetadataLogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batch(error) => write!(f, "metadata batch: {error}"),
            Self::Record { offset, error } => write!(f, "metadata record {offset}: {error}"),
            Self::NoValue { offset } => write!(f, "metadata record {offset} has no value"),
        }
    }
}

impl core::error::Error for MetadataLogError {}

/// The batches that put `records` at `base_offset` and the offsets after it.
///
/// # Errors
/// A record holds what its newest version cannot carry, such as a text above 32 KiB.
pub fn encode_batches(
    records: &[MetadataRecord],
    base_offset: Offset,
    leader_epoch: LeaderEpoch,
    timestamp_ms: i64,
) -> Result<Vec<Vec<u8>>, EncodeError> {
    let mut batches = Vec::new();
    let mut next = base_offset;
    for chunk in records.chunks(BATCH_RECORDS_MAX) {
        let mut builder = BatchBuilder::new(Vec::new());
        for record in chunk {
            let value = record.encode(record.version_max())?;
            builder.append(timestamp_ms, None, Some(&value), &[]);
        }
        let stamp = BatchStamp {
            base_offset: next,
            partition_leader_epoch: Some(leader_epoch),
            ..BatchStamp::default()
        };
        next = next.after(builder.record_count());
        batches.push(builder.finish(&stamp));
    }
    Ok(batches)
}

/// The records of one batch with their offsets; none for a control batch, whose records concern
/// the quorum and not the image. The checksum is the log's business and is not looked at.
///
/// # Errors
/// The batch is malformed or holds a record of a type that this version does not know.
pub fn decode_batch(bytes: &[u8]) -> Result<Vec<(Offset, MetadataRecord)>, MetadataLogError> {
    let batch = BatchView::new(bytes).map_err(MetadataLogError::Batch)?;
    if batch.header.attributes.is_control() {
        return Ok(Vec::new());
    }
    let mut scratch = Vec::new();
    let mut records = Vec::new();
    let found = batch.records(&mut scratch, DECOMPRESSED_BYTES_MAX);
    for (record, index) in found.map_err(MetadataLogError::Batch)?.zip(0_u32..) {
        let record = record.map_err(MetadataLogError::Batch)?;
        let offset_delta = record.offset_delta;
        // The metadata log is never compacted, so that offsets have no gaps.
        let offset = batch.header.base_offset.0.checked_add(index.into()).map(Offset);
        let offset = offset
            .filter(|_| i64::from(offset_delta) == i64::from(index))
            .ok_or(MetadataLogError::Batch(BatchError::OffsetDelta { index, offset_delta }))?;
        let value = record.value.ok_or(MetadataLogError::NoValue { offset })?;
        let value = Buf::from(value.to_vec());
        match MetadataRecord::decode(&value) {
            Ok(record) => records.push((offset, record)),
            Err(DecodeError::UnknownRecord { record_type: REGISTER_CONTROLLER, .. }) => {}
            Err(error) => return Err(MetadataLogError::Record { offset, error }),
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use model::{LeaderEpoch, Offset};
    use proptest::prelude::*;
    use wire::batch::{BatchBuilder, BatchStamp};
    use wire::metadata::{MetadataRecord, RemoveTopicRecord};

    use super::{BATCH_RECORDS_MAX, MetadataLogError, decode_batch, encode_batches};

    fn records(count: usize) -> Vec<MetadataRecord> {
        vec![RemoveTopicRecord::default().into(); count]
    }

    fn encode(count: usize) -> Vec<Vec<u8>> {
        encode_batches(&records(count), Offset(7), LeaderEpoch(1), 1_000).unwrap()
    }

    #[test]
    fn many_records_become_batches_without_a_gap() {
        let batches = encode(2 * BATCH_RECORDS_MAX + 1);
        assert_eq!(batches.len(), 3);
        let decoded = batches.iter().flat_map(|batch| decode_batch(batch).unwrap());
        let offsets: Vec<i64> = decoded.map(|(offset, _)| offset.0).collect();
        assert!(offsets.iter().copied().eq(7..7 + 2 * 10_000 + 1));
        assert!(encode(0).is_empty());
    }

    #[test]
    fn a_record_without_a_value_is_refused() {
        let mut builder = BatchBuilder::new(Vec::new());
        builder.append(0, None, None, &[]);
        let batch = builder.finish(&BatchStamp::default());
        let error = MetadataLogError::NoValue { offset: Offset(0) };
        assert_eq!(decode_batch(&batch), Err(error));
    }

    proptest! {
        #[test]
        fn damage_anywhere_gives_records_or_an_error(
            at in 0_usize..200, byte in any::<u8>(), end in 0_usize..200,
        ) {
            let mut batch = encode(3).remove(0);
            let length = batch.len();
            batch[at % length] = byte;
            let _ = decode_batch(&batch);
            let _ = decode_batch(&batch[..end % length]);
        }
    }
}
