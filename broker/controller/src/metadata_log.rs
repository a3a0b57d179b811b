//! Metadata records as record batches of `__cluster_metadata`, and back.

use core::fmt;

use model::{Buf, LeaderEpoch, Offset};
use wire::batch::{BatchBuilder, BatchError, BatchStamp, BatchView};
use wire::metadata::MetadataRecord;
use wire::{DecodeError, EncodeError};

/// Records of one batch; more become several batches, so that none outgrows a segment.
pub const BATCH_RECORDS_MAX: usize = 1_000;

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
/// the quorum and not the image.
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
    for record in found.map_err(MetadataLogError::Batch)? {
        let record = record.map_err(MetadataLogError::Batch)?;
        let delta = u32::try_from(record.offset_delta).unwrap_or(0);
        let offset = batch.header.base_offset.after(delta);
        let value = record.value.ok_or(MetadataLogError::NoValue { offset })?;
        let value = Buf::from(value.to_vec());
        let decoded = MetadataRecord::decode(&value);
        records
            .push((offset, decoded.map_err(|error| MetadataLogError::Record { offset, error })?));
    }
    Ok(records)
}
