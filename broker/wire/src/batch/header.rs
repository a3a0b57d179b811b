//! The 61-byte header: its fields as values, and the patch that a leader makes.

use model::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};

use super::{BatchError, HEADER_BYTES, LOG_OVERHEAD_BYTES, MAGIC};
use crate::compression::Codec;

/// [`LOG_OVERHEAD_BYTES`] as the type of the length field.
const OVERHEAD: u32 = 12;
const _: () = assert!(OVERHEAD as usize == LOG_OVERHEAD_BYTES);

/// Who wrote a batch idempotently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchProducer {
    pub id: ProducerId,
    pub epoch: ProducerEpoch,
    /// Sequence of the first record. -1 in transaction markers, which have none.
    pub base_sequence: i32,
}

/// What a batch's timestamps mean, `message.timestamp.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimestampType {
    /// Each record has the producer's time.
    #[default]
    CreateTime,
    /// All records have the time of the append, `max_timestamp_ms`.
    LogAppendTime,
}

/// The attribute bits of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attributes(pub u16);

impl Attributes {
    const CODEC: u16 = 0b111;
    const LOG_APPEND_TIME: u16 = 1 << 3;
    const TRANSACTIONAL: u16 = 1 << 4;
    const CONTROL: u16 = 1 << 5;
    const DELETE_HORIZON: u16 = 1 << 6;

    /// # Errors
    /// [`BatchError::UnknownCodec`].
    pub fn codec(self) -> Result<Codec, BatchError> {
        let codec = (self.0 & Self::CODEC) as u8;
        Codec::from_number(codec).ok_or(BatchError::UnknownCodec { codec })
    }

    #[must_use]
    pub fn timestamp_type(self) -> TimestampType {
        if self.0 & Self::LOG_APPEND_TIME == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    #[must_use]
    pub fn is_transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }

    /// Transaction markers and the quorum's own records; consumers never see them.
    #[must_use]
    pub fn is_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }

    /// The base timestamp is the time at which compaction may drop tombstones (KIP-534).
    #[must_use]
    pub fn has_delete_horizon(self) -> bool {
        self.0 & Self::DELETE_HORIZON != 0
    }

    #[must_use]
    pub fn with_codec(self, codec: Codec) -> Self {
        Self(self.0 & !Self::CODEC | codec as u16)
    }

    #[must_use]
    pub fn with_timestamp_type(self, timestamp_type: TimestampType) -> Self {
        match timestamp_type {
            TimestampType::CreateTime => Self(self.0 & !Self::LOG_APPEND_TIME),
            TimestampType::LogAppendTime => Self(self.0 | Self::LOG_APPEND_TIME),
        }
    }

    #[must_use]
    pub fn with_delete_horizon(self) -> Self {
        Self(self.0 | Self::DELETE_HORIZON)
    }

    #[must_use]
    pub fn without_delete_horizon(self) -> Self {
        Self(self.0 & !Self::DELETE_HORIZON)
    }

    #[must_use]
    pub fn transactional(self) -> Self {
        Self(self.0 | Self::TRANSACTIONAL)
    }

    #[must_use]
    pub fn control(self) -> Self {
        Self(self.0 | Self::CONTROL)
    }
}

/// Every field of a header. Its length is plausible and its magic is 2; nothing else is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHeader {
    pub base_offset: Offset,
    /// The whole batch: `batch_length` + 12.
    pub size_bytes: u32,
    /// `None` is the wire's -1: not yet appended by a leader.
    pub partition_leader_epoch: Option<LeaderEpoch>,
    pub crc: u32,
    pub attributes: Attributes,
    pub last_offset_delta: i32,
    pub base_timestamp_ms: i64,
    pub max_timestamp_ms: i64,
    /// `None` is the wire's producer id -1: not idempotent.
    pub producer: Option<BatchProducer>,
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads the header at the start of `bytes`; the records need not be there.
    ///
    /// # Errors
    /// [`BatchError::Truncated`] below 61 bytes, [`BatchError::Length`], [`BatchError::Magic`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BatchError> {
        let available_bytes = bytes.len();
        let Some((header, _)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Err(BatchError::Truncated { needed_bytes: HEADER_BYTES, available_bytes });
        };
        let mut fields = Fields(header);
        let base_offset = Offset(i64::from_be_bytes(fields.next()));
        let batch_length = i32::from_be_bytes(fields.next());
        let leader_epoch = i32::from_be_bytes(fields.next());
        let [magic] = fields.next();
        if magic != MAGIC {
            return Err(BatchError::Magic { magic });
        }
        let length_min = HEADER_BYTES - LOG_OVERHEAD_BYTES;
        let size_bytes = match u32::try_from(batch_length) {
            Ok(length) if length as usize >= length_min => length + OVERHEAD,
            _ => return Err(BatchError::Length { batch_length }),
        };
        let crc = u32::from_be_bytes(fields.next());
        let attributes = Attributes(u16::from_be_bytes(fields.next()));
        let last_offset_delta = i32::from_be_bytes(fields.next());
        let base_timestamp_ms = i64::from_be_bytes(fields.next());
        let max_timestamp_ms = i64::from_be_bytes(fields.next());
        let producer_id = i64::from_be_bytes(fields.next());
        let producer_epoch = i16::from_be_bytes(fields.next());
        let base_sequence = i32::from_be_bytes(fields.next());
        let record_count = i32::from_be_bytes(fields.next());
        Ok(Self {
            base_offset,
            size_bytes,
            partition_leader_epoch: (leader_epoch >= 0).then_some(LeaderEpoch(leader_epoch)),
            crc,
            attributes,
            last_offset_delta,
            base_timestamp_ms,
            max_timestamp_ms,
            producer: (producer_id >= 0).then_some(BatchProducer {
                id: ProducerId(producer_id),
                epoch: ProducerEpoch(producer_epoch),
                base_sequence,
            }),
            record_count,
        })
    }

    /// The header's bytes. Writes the checksum as it stands in `crc`.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let batch_length = self.size_bytes - OVERHEAD;
        let producer = self.producer.unwrap_or(BatchProducer {
            id: ProducerId(-1),
            epoch: ProducerEpoch(-1),
            base_sequence: -1,
        });
        let mut bytes = [0; HEADER_BYTES];
        let mut fields = FieldsMut(&mut bytes);
        fields.put(self.base_offset.0.to_be_bytes());
        fields.put(batch_length.to_be_bytes());
        fields.put(self.partition_leader_epoch.map_or(-1, |epoch| epoch.0).to_be_bytes());
        fields.put([MAGIC]);
        fields.put(self.crc.to_be_bytes());
        fields.put(self.attributes.0.to_be_bytes());
        fields.put(self.last_offset_delta.to_be_bytes());
        fields.put(self.base_timestamp_ms.to_be_bytes());
        fields.put(self.max_timestamp_ms.to_be_bytes());
        fields.put(producer.id.0.to_be_bytes());
        fields.put(producer.epoch.0.to_be_bytes());
        fields.put(producer.base_sequence.to_be_bytes());
        fields.put(self.record_count.to_be_bytes());
        bytes
    }

    /// When compaction may drop the batch's tombstones, once it has set that time (KIP-534).
    #[must_use]
    pub fn delete_horizon_ms(&self) -> Option<i64> {
        self.attributes.has_delete_horizon().then_some(self.base_timestamp_ms)
    }

    /// Offset of the last record, inclusive.
    #[must_use]
    pub fn last_offset(&self) -> Offset {
        Offset(self.base_offset.0.saturating_add(i64::from(self.last_offset_delta)))
    }

    /// The first offset after the batch.
    #[must_use]
    pub fn end_offset(&self) -> Offset {
        Offset(self.last_offset().0.saturating_add(1))
    }

    /// Sequence of the last record of an idempotent producer. Sequences wrap from 2^31-1 to 0.
    #[must_use]
    pub fn last_sequence(&self) -> Option<i32> {
        let producer = self.producer.filter(|producer| producer.base_sequence >= 0)?;
        let last = i64::from(producer.base_sequence) + i64::from(self.last_offset_delta.max(0));
        i32::try_from(last % (i64::from(i32::MAX) + 1)).ok()
    }
}

/// The first 16 bytes of a batch as the leader stores it: base offset, length and leader epoch.
///
/// They lie outside the checksum, so that a broker appends this head and bytes 16 and on untouched.
#[must_use]
pub fn patched_head(
    header: &BatchHeader,
    base_offset: Offset,
    leader_epoch: LeaderEpoch,
) -> [u8; 16] {
    let stored = BatchHeader { base_offset, partition_leader_epoch: Some(leader_epoch), ..*header };
    let mut head = [0; 16];
    for (to, from) in head.iter_mut().zip(stored.encode()) {
        *to = from;
    }
    head
}

/// Reads fixed-size fields one after the other; the sizes add up to the header's.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn next<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_first_chunk().expect("field sizes add up to the header");
        self.0 = rest;
        *field
    }
}

struct FieldsMut<'a>(&'a mut [u8]);

impl FieldsMut<'_> {
    fn put<const N: usize>(&mut self, value: [u8; N]) {
        let bytes = core::mem::take(&mut self.0);
        let (field, rest) = bytes.split_first_chunk_mut().expect("sizes add up to the header");
        *field = value;
        self.0 = rest;
    }
}
