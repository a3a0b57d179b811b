//! Control batches: one record that the broker or the quorum writes for itself.
//!
//! The key is version i16 and type i16; the value is a message of that type.
//! Source: KIP-98 (markers), KIP-595 (leader change), KIP-630 (snapshot), KIP-853 (voters).

use model::{Buf, LeaderEpoch, Offset};

use super::{Attributes, BatchBuilder, BatchProducer, BatchStamp, Record};
pub use crate::messages::control_records::*;
use crate::{DecodeError, EncodeError, Message, Reader, Writer};

const KEY_VERSION: i16 = 0;
const VALUE_BYTES_MAX: usize = 1 << 20;

/// What a control record says.
#[derive(Debug, Clone, PartialEq)]
pub enum ControlRecord {
    /// The end of a transaction of the batch's producer.
    EndTxn {
        outcome: TxnOutcome,
        coordinator_epoch: i32,
    },
    LeaderChange(LeaderChangeMessage),
    SnapshotHeader(SnapshotHeaderRecord),
    SnapshotFooter(SnapshotFooterRecord),
    KRaftVersion(KRaftVersionRecord),
    Voters(VotersRecord),
    /// A type of a later Kafka: skip it.
    Unknown {
        record_type: i16,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TxnOutcome {
    Abort,
    Commit,
}

/// Where and when a control batch is appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlStamp {
    pub base_offset: Offset,
    pub leader_epoch: LeaderEpoch,
    pub timestamp_ms: i64,
    /// The producer of a transaction marker; its base sequence is -1. The quorum's records have
    /// none.
    pub producer: Option<BatchProducer>,
}

/// A whole control batch.
///
/// # Errors
/// A value that does not fit its encoding, and [`ControlRecord::Unknown`].
pub fn control_batch(record: &ControlRecord, stamp: &ControlStamp) -> Result<Vec<u8>, EncodeError> {
    let mut key = Writer::new(4);
    key.i16(KEY_VERSION);
    key.i16(record.record_type());
    let key = key.into_bytes()?;
    let value = record.encode_value()?;
    let mut builder = BatchBuilder::new(Vec::new());
    builder.append(stamp.timestamp_ms, Some(&key), Some(&value), &[]);
    let attributes = Attributes::default().control();
    let marker = matches!(record, ControlRecord::EndTxn { .. });
    Ok(builder.finish(&BatchStamp {
        base_offset: stamp.base_offset,
        partition_leader_epoch: Some(stamp.leader_epoch),
        producer: stamp.producer,
        attributes: if marker { attributes.transactional() } else { attributes },
    }))
}

impl ControlRecord {
    /// Reads the one record of a control batch.
    ///
    /// # Errors
    /// Key or value are missing or malformed.
    pub fn decode(record: &Record<'_>) -> Result<Self, DecodeError> {
        let null = DecodeError::Null { at: 0 };
        let key = Buf::from(record.key.ok_or(null)?.to_vec());
        let value = Buf::from(record.value.ok_or(null)?.to_vec());
        let mut key = Reader::new(&key);
        let _version = key.i16()?;
        let record_type = key.i16()?;
        let mut value = Reader::new(&value);
        Ok(match record_type {
            0 | 1 => {
                let _version = value.i16()?;
                let outcome = if record_type == 0 { TxnOutcome::Abort } else { TxnOutcome::Commit };
                Self::EndTxn { outcome, coordinator_epoch: value.i32()? }
            }
            2 => Self::LeaderChange(decode_versioned(&mut value)?),
            3 => Self::SnapshotHeader(decode_versioned(&mut value)?),
            4 => Self::SnapshotFooter(decode_versioned(&mut value)?),
            5 => Self::KRaftVersion(decode_versioned(&mut value)?),
            6 => Self::Voters(decode_versioned(&mut value)?),
            record_type => Self::Unknown { record_type },
        })
    }

    fn record_type(&self) -> i16 {
        match self {
            Self::EndTxn { outcome: TxnOutcome::Abort, .. } => 0,
            Self::EndTxn { outcome: TxnOutcome::Commit, .. } => 1,
            Self::LeaderChange(_) => 2,
            Self::SnapshotHeader(_) => 3,
            Self::SnapshotFooter(_) => 4,
            Self::KRaftVersion(_) => 5,
            Self::Voters(_) => 6,
            Self::Unknown { record_type } => *record_type,
        }
    }

    fn encode_value(&self) -> Result<Vec<u8>, EncodeError> {
        let mut writer = Writer::new(VALUE_BYTES_MAX);
        match self {
            Self::EndTxn { coordinator_epoch, .. } => {
                writer.i16(0);
                writer.i32(*coordinator_epoch);
            }
            Self::LeaderChange(value) => value.encode(&mut writer, value.version)?,
            Self::SnapshotHeader(value) => value.encode(&mut writer, value.version)?,
            Self::SnapshotFooter(value) => value.encode(&mut writer, value.version)?,
            Self::KRaftVersion(value) => value.encode(&mut writer, value.version)?,
            Self::Voters(value) => value.encode(&mut writer, value.version)?,
            Self::Unknown { record_type } => {
                let message = "ControlRecord";
                return Err(EncodeError::Version { message, version: *record_type });
            }
        }
        writer.into_bytes()
    }
}

/// The value's first field is the version of its own layout.
fn decode_versioned<M: Message>(reader: &mut Reader<'_>) -> Result<M, DecodeError> {
    let version = reader.clone().i16()?;
    M::decode(reader, version.clamp(M::VERSION_MIN, M::VERSION_MAX))
}
