//! What can be wrong with a record batch.

use core::fmt;

use model::ErrorCode;

use crate::compression::CompressionError;

/// Why bytes are not a record batch, or not one that a producer may append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchError {
    /// The bytes end before the batch does.
    Truncated { needed_bytes: usize, available_bytes: usize },
    /// `batch_length` is negative or does not even cover the header.
    Length { batch_length: i32 },
    /// Not format version 2.
    Magic { magic: u8 },
    /// The checksum does not match the bytes.
    Checksum { expected: u32, computed: u32 },
    /// Bytes follow the one batch that a partition may carry in a Produce request, or there is none.
    NotOneBatch,
    /// A codec number that does not exist.
    UnknownCodec { codec: u8 },
    /// zstd in a Produce request below version 7.
    ZstdTooEarly,
    /// The batch exceeds `max.message.bytes`.
    TooLarge { size_bytes: usize, limit_bytes: usize },
    /// Count and last offset delta contradict each other or the records, or are not positive.
    Count { record_count: i32, last_offset_delta: i32 },
    /// Producer id, epoch and sequence do not go together.
    Producer,
    /// A control batch from a client.
    Control,
    /// The compressed records cannot be decompressed.
    Compression(CompressionError),
    /// The record at this index is malformed.
    MalformedRecord { index: u32 },
    /// The record at this index does not have offset delta `index`.
    OffsetDelta { index: u32, offset_delta: i32 },
    /// Bytes follow the last record.
    TrailingBytes,
    /// Well-formed records that the topic refuses, the first [`RECORD_ERRORS_MAX`] of them.
    Refused(Vec<RecordError>),
}

/// Most records that one refusal names.
pub const RECORD_ERRORS_MAX: usize = 128;

/// One refused record, for RecordErrors of Produce v8+ (KIP-467).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordError {
    /// Place of the record in its batch, from 0.
    pub index: u32,
    pub fault: RecordFault,
}

/// Why a topic refuses a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordFault {
    /// A compacted topic needs a key.
    NullKey,
    /// Outside `message.timestamp.before.max.ms` and `message.timestamp.after.max.ms`.
    TimestampOutOfRange { timestamp_ms: i64 },
    /// Only the broker stamps LogAppendTime.
    LogAppendTimeFromProducer,
}

impl BatchError {
    /// The code that a producer gets.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Truncated { .. } | Self::Length { .. } | Self::Checksum { .. } => {
                ErrorCode::CorruptMessage
            }
            Self::ZstdTooEarly => ErrorCode::UnsupportedCompressionType,
            Self::TooLarge { .. } | Self::Compression(CompressionError::TooLarge { .. }) => {
                ErrorCode::MessageTooLarge
            }
            Self::Compression(CompressionError::Malformed) => ErrorCode::CorruptMessage,
            Self::Refused(errors) if errors.iter().any(|error| error.fault.is_timestamp()) => {
                ErrorCode::InvalidTimestamp
            }
            Self::Magic { .. }
            | Self::NotOneBatch
            | Self::UnknownCodec { .. }
            | Self::Count { .. }
            | Self::Producer
            | Self::Control
            | Self::MalformedRecord { .. }
            | Self::OffsetDelta { .. }
            | Self::TrailingBytes
            | Self::Refused(_) => ErrorCode::InvalidRecord,
        }
    }
}

impl RecordFault {
    fn is_timestamp(self) -> bool {
        self != Self::NullKey
    }
}

impl fmt::Display for RecordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NullKey => f.write_str("a compacted topic needs a key in every record"),
            Self::TimestampOutOfRange { timestamp_ms } => {
                write!(f, "timestamp {timestamp_ms} is outside the range of the topic")
            }
            Self::LogAppendTimeFromProducer => {
                f.write_str("a producer may not set the timestamp type LogAppendTime")
            }
        }
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { needed_bytes, available_bytes } => {
                write!(f, "the batch needs {needed_bytes} bytes, {available_bytes} are there")
            }
            Self::Length { batch_length } => write!(f, "batch length {batch_length}"),
            Self::Magic { magic } => {
                write!(f, "format version {magic} instead of {}", super::MAGIC)
            }
            Self::Checksum { expected, computed } => {
                write!(f, "checksum {computed:#010x} instead of {expected:#010x}")
            }
            Self::NotOneBatch => f.write_str("a partition carries exactly one batch"),
            Self::UnknownCodec { codec } => write!(f, "unknown compression codec {codec}"),
            Self::ZstdTooEarly => f.write_str("zstd needs Produce version 7"),
            Self::TooLarge { size_bytes, limit_bytes } => {
                write!(f, "the batch has {size_bytes} bytes, the topic allows {limit_bytes}")
            }
            Self::Count { record_count, last_offset_delta } => {
                write!(f, "{record_count} records with last offset delta {last_offset_delta}")
            }
            Self::Producer => f.write_str("producer id, epoch and sequence do not go together"),
            Self::Control => f.write_str("clients may not write control batches"),
            Self::Compression(error) => error.fmt(f),
            Self::MalformedRecord { index } => write!(f, "record {index} is malformed"),
            Self::OffsetDelta { index, offset_delta } => {
                write!(f, "record {index} has offset delta {offset_delta}")
            }
            Self::TrailingBytes => f.write_str("bytes follow the last record"),
            Self::Refused(errors) => match errors.first() {
                Some(RecordError { index, fault }) => write!(f, "record {index}: {fault}"),
                None => f.write_str("records refused"),
            },
        }
    }
}

impl core::error::Error for BatchError {}
