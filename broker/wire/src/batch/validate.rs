//! The checks that a produced batch passes before a leader appends it.
//!
//! Promises: an accepted batch has exactly the records that its header counts, with offset deltas
//! 0 to n-1, and compressed data that really decompresses within the limit.
//! Does not: know producer state or sequences (`replication`), or who may write.
//! Source: Kafka `LogValidator`.

use super::error::{RECORD_ERRORS_MAX, RecordError, RecordFault};
use super::record::Records;
use super::restamp::Restamp;
use super::{BatchError, BatchHeader, BatchView, NO_TIMESTAMP_MS, TimestampType};
use crate::compression::Codec;

/// What the topic and the request version ask of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProduceRules {
    /// Wall clock at the append.
    pub now_ms: i64,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`.
    pub timestamp_after_max_ms: i64,
    /// The topic is compacted.
    pub key_required: bool,
    /// Produce version 7 or later.
    pub zstd_allowed: bool,
    /// `max.message.bytes`, of the batch as it was sent.
    pub batch_bytes_max: usize,
    /// Bound on the decompressed records.
    pub decompressed_bytes_max: usize,
}

impl ProduceRules {
    /// Kafka's defaults at a time.
    #[must_use]
    pub fn at(now_ms: i64) -> Self {
        Self {
            now_ms,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            key_required: false,
            zstd_allowed: true,
            batch_bytes_max: 1_048_588,
            decompressed_bytes_max: 64 << 20,
        }
    }
}

/// What an accepted batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchFacts {
    /// As sent; base offset and leader epoch are still the producer's.
    pub header: BatchHeader,
    /// Number of records, at least 1; equal to `last_offset_delta` + 1.
    pub record_count: u32,
    /// What the log will hold: the append time under LogAppendTime, else the largest record
    /// timestamp.
    pub max_timestamp_ms: i64,
    /// The header's time fields must be rewritten before the append
    /// ([`restamped_header`](super::restamped_header)); rare under CreateTime.
    pub restamp: Option<Restamp>,
}

impl BatchFacts {
    /// Facts of a batch that our own code built, without a walk over its records.
    ///
    /// # Panics
    /// When the header counts no records.
    #[must_use]
    pub fn trusted(header: BatchHeader) -> Self {
        let record_count = u32::try_from(header.record_count).unwrap_or(0);
        assert!(record_count > 0, "a batch holds records: {header:?}");
        let max_timestamp_ms = header.max_timestamp_ms;
        Self { header, record_count, max_timestamp_ms, restamp: None }
    }
}

/// Checks the one batch that a Produce request carries for a partition.
///
/// - **Cost:** the checksum and one walk over the records; compressed records are decompressed once
///   into `scratch`, whose memory is used again.
///
/// # Errors
/// [`BatchError::code`] gives the producer's error code; nothing may be appended.
pub fn validate(
    bytes: &[u8],
    rules: &ProduceRules,
    scratch: &mut Vec<u8>,
) -> Result<BatchFacts, BatchError> {
    if bytes.is_empty() {
        return Err(BatchError::NotOneBatch);
    }
    let batch = BatchView::new(bytes)?;
    let header = batch.header;
    let size_bytes = header.size_bytes as usize;
    if size_bytes != bytes.len() {
        return Err(BatchError::NotOneBatch);
    }
    if size_bytes > rules.batch_bytes_max {
        return Err(BatchError::TooLarge { size_bytes, limit_bytes: rules.batch_bytes_max });
    }
    batch.check_crc()?;
    let record_count = check_header(&header, rules)?;
    let records = batch.records(scratch, rules.decompressed_bytes_max)?;
    let max_record_ms = check_records(&header, rules, records)?;

    let max_timestamp_ms = match rules.timestamp_type {
        TimestampType::CreateTime => max_record_ms,
        TimestampType::LogAppendTime => rules.now_ms,
    };
    let kept = rules.timestamp_type == TimestampType::CreateTime
        && max_timestamp_ms == header.max_timestamp_ms;
    let restamp = Restamp { timestamp_type: rules.timestamp_type, max_timestamp_ms };
    Ok(BatchFacts { header, record_count, max_timestamp_ms, restamp: (!kept).then_some(restamp) })
}

/// What the header alone can say. Returns the number of records.
fn check_header(header: &BatchHeader, rules: &ProduceRules) -> Result<u32, BatchError> {
    if header.attributes.is_control() {
        return Err(BatchError::Control);
    }
    if header.attributes.codec()? == Codec::Zstd && !rules.zstd_allowed {
        return Err(BatchError::ZstdTooEarly);
    }
    let (record_count, last_offset_delta) = (header.record_count, header.last_offset_delta);
    let wrong_count = BatchError::Count { record_count, last_offset_delta };
    if record_count <= 0 || last_offset_delta != record_count - 1 {
        return Err(wrong_count);
    }
    let transactional = header.attributes.is_transactional();
    match header.producer {
        Some(producer) if producer.base_sequence < 0 || producer.epoch.0 < 0 => {
            return Err(BatchError::Producer);
        }
        None if transactional => return Err(BatchError::Producer),
        _ => {}
    }
    u32::try_from(record_count).map_err(|_| wrong_count)
}

/// Walks the records. Returns the largest timestamp.
fn check_records(
    header: &BatchHeader,
    rules: &ProduceRules,
    records: Records<'_>,
) -> Result<i64, BatchError> {
    let stamped_by_producer = header.attributes.timestamp_type() == TimestampType::LogAppendTime;
    let check_time = rules.timestamp_type == TimestampType::CreateTime;
    // Saturating: an unlimited window must not overflow.
    let oldest_ms = rules.now_ms.saturating_sub(rules.timestamp_before_max_ms);
    let newest_ms = rules.now_ms.saturating_add(rules.timestamp_after_max_ms);
    let mut max_timestamp_ms = NO_TIMESTAMP_MS;
    let mut errors = Vec::new();
    for (record, index) in records.zip(0u32..) {
        let record = record?;
        if i64::from(record.offset_delta) != i64::from(index) {
            return Err(BatchError::OffsetDelta { index, offset_delta: record.offset_delta });
        }
        let timestamp_ms = header.base_timestamp_ms.saturating_add(record.timestamp_delta_ms);
        max_timestamp_ms = max_timestamp_ms.max(timestamp_ms);
        let in_time = timestamp_ms == NO_TIMESTAMP_MS
            || (oldest_ms <= timestamp_ms && timestamp_ms <= newest_ms);
        let fault = if rules.key_required && record.key.is_none() {
            RecordFault::NullKey
        } else if check_time && stamped_by_producer {
            RecordFault::LogAppendTimeFromProducer
        } else if check_time && !in_time {
            RecordFault::TimestampOutOfRange { timestamp_ms }
        } else {
            continue;
        };
        if errors.len() < RECORD_ERRORS_MAX {
            errors.push(RecordError { index, fault });
        }
    }
    if errors.is_empty() { Ok(max_timestamp_ms) } else { Err(BatchError::Refused(errors)) }
}
