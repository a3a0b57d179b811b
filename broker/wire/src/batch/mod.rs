//! Record batch version 2, the form of user data on the wire and on disk (KIP-98).
//!
//! ```text
//! at  size  field                     at  size  field
//!  0    8   base_offset               23    4   last_offset_delta
//!  8    4   batch_length (from 12)    27    8   base_timestamp
//! 12    4   partition_leader_epoch    35    8   max_timestamp
//! 16    1   magic = 2                 43    8   producer_id
//! 17    4   crc (CRC-32C from 21)     51    2   producer_epoch
//! 21    2   attributes                53    4   base_sequence
//!                                     57    4   record_count
//! 61    …   records, compressed together if the attributes say so
//! ```
//!
//! Promises: reads in place; a peer's bytes never panic and never size an allocation unchecked.
//! Does not: decide offsets or epochs (`replication`), keep compressed data decompressed.

mod builder;
pub mod control;
mod error;
mod header;
mod record;
mod restamp;
mod rewrite;
mod validate;
mod view;

pub use builder::{BatchBuilder, BatchStamp};
pub use error::{BatchError, RECORD_ERRORS_MAX, RecordError, RecordFault};
pub use header::{Attributes, BatchHeader, BatchProducer, TimestampType, patched_head};
pub use record::{Header, Headers, Record, Records};
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use restamp::crc as restamp_crc;
pub use restamp::{Restamp, restamped_header};
pub use rewrite::BatchRewriter;
pub use validate::{BatchFacts, ProduceRules, validate};
pub use view::{BatchView, Batches, batches};

/// Size of the header, up to the first record.
pub const HEADER_BYTES: usize = 61;
/// The part of the header that `batch_length` does not count: itself and the base offset.
pub const LOG_OVERHEAD_BYTES: usize = 12;
/// The only format version that Kafka 4 accepts.
pub const MAGIC: u8 = 2;
/// A record without a timestamp.
pub const NO_TIMESTAMP_MS: i64 = -1;

/// First byte under the checksum.
const CRC_FROM: usize = 21;

#[cfg(test)]
mod tests;
