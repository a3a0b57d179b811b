//! Records of `__consumer_offsets`: offset commits, classic groups, consumer groups (KIP-848).
//!
//! A key is two bytes of record type and a body; a value is two bytes of version and a body. No value
//! is a tombstone. Kafka's tools read records of this shape.
//! Promises: every version that Kafka 4.3 reads is read; what is written has the version that Kafka
//! 4.3 writes.
//! Does not: know share groups (types 10 to 15) and streams groups (17, 19 to 23).
//! Source: Kafka `GroupCoordinatorRecordSerde`, `GroupCoordinatorRecordHelpers`.

use model::Buf;

pub use crate::messages::group_records::*;
use crate::{DecodeError, EncodeError, Message, Reader, Writer};

/// Largest key or value that is written. What the log takes is smaller: `max.message.bytes`.
pub const GROUP_RECORD_BYTES_MAX: usize = 8 << 20;

/// One record; a value of `None` is a tombstone.
#[derive(Debug, Clone, PartialEq)]
pub enum GroupRecord {
    /// Type 1. Type 0, Kafka's legacy offset commit, is read as 1: its layout is the same.
    OffsetCommit(OffsetCommitKey, Option<OffsetCommitValue>),
    /// Type 2: a classic group.
    GroupMetadata(GroupMetadataKey, Option<GroupMetadataValue>),
    /// Type 3: a consumer group and its epoch.
    ConsumerGroupMetadata(ConsumerGroupMetadataKey, Option<ConsumerGroupMetadataValue>),
    /// Type 4: topics with their racks. Since 4.1 Kafka writes only tombstones of it (KIP-1101).
    ConsumerGroupPartitionMetadata(
        ConsumerGroupPartitionMetadataKey,
        Option<ConsumerGroupPartitionMetadataValue>,
    ),
    /// Type 5: what a member asked for. `classic_member_metadata` must be `None` for a member that
    /// speaks the protocol of KIP-848: an empty one makes it a classic member.
    ConsumerGroupMemberMetadata(
        ConsumerGroupMemberMetadataKey,
        Option<ConsumerGroupMemberMetadataValue>,
    ),
    /// Type 6: the epoch of the target assignment.
    ConsumerGroupTargetAssignmentMetadata(
        ConsumerGroupTargetAssignmentMetadataKey,
        Option<ConsumerGroupTargetAssignmentMetadataValue>,
    ),
    /// Type 7: what a member is to own in the end.
    ConsumerGroupTargetAssignmentMember(
        ConsumerGroupTargetAssignmentMemberKey,
        Option<ConsumerGroupTargetAssignmentMemberValue>,
    ),
    /// Type 8: what a member owns now.
    ConsumerGroupCurrentMemberAssignment(
        ConsumerGroupCurrentMemberAssignmentKey,
        Option<ConsumerGroupCurrentMemberAssignmentValue>,
    ),
    /// Type 16: the topics that a regular expression stands for.
    ConsumerGroupRegularExpression(
        ConsumerGroupRegularExpressionKey,
        Option<ConsumerGroupRegularExpressionValue>,
    ),
}

/// Key and value as the log holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRecordBytes {
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
}

impl GroupRecord {
    /// Reads a record of the log.
    ///
    /// # Errors
    /// - [`DecodeError::UnknownGroupRecord`]: a type that this crate does not have. Kafka skips such
    ///   a record when it loads a partition.
    /// - [`DecodeError::GroupRecordVersion`]: a newer Kafka wrote the value. Kafka does not load the
    ///   partition.
    /// - Else the bytes are not a record of this log.
    pub fn decode(key: &Buf, value: Option<&Buf>) -> Result<Self, DecodeError> {
        let mut key = Reader::new(key);
        let record_type = key.i16()?;
        let key = &mut key;
        let value = Value { record_type, bytes: value };
        Ok(match record_type {
            0 | 1 => Self::OffsetCommit(body(key)?, value.decode()?),
            2 => Self::GroupMetadata(body(key)?, value.decode()?),
            3 => Self::ConsumerGroupMetadata(body(key)?, value.decode()?),
            4 => Self::ConsumerGroupPartitionMetadata(body(key)?, value.decode()?),
            5 => Self::ConsumerGroupMemberMetadata(body(key)?, value.decode()?),
            6 => Self::ConsumerGroupTargetAssignmentMetadata(body(key)?, value.decode()?),
            7 => Self::ConsumerGroupTargetAssignmentMember(body(key)?, value.decode()?),
            8 => Self::ConsumerGroupCurrentMemberAssignment(body(key)?, value.decode()?),
            16 => Self::ConsumerGroupRegularExpression(body(key)?, value.decode()?),
            record_type => return Err(DecodeError::UnknownGroupRecord { record_type }),
        })
    }

    /// The record as Kafka 4.3 writes it.
    ///
    /// # Errors
    /// A string above 32,767 bytes, or more than [`GROUP_RECORD_BYTES_MAX`].
    pub fn encode(&self) -> Result<GroupRecordBytes, EncodeError> {
        match self {
            Self::OffsetCommit(key, value) => self.bytes(key, value.as_ref()),
            Self::GroupMetadata(key, value) => self.bytes(key, value.as_ref()),
            Self::ConsumerGroupMetadata(key, value) => self.bytes(key, value.as_ref()),
            Self::ConsumerGroupPartitionMetadata(key, value) => self.bytes(key, value.as_ref()),
            Self::ConsumerGroupMemberMetadata(key, value) => self.bytes(key, value.as_ref()),
            Self::ConsumerGroupTargetAssignmentMetadata(key, value) => {
                self.bytes(key, value.as_ref())
            }
            Self::ConsumerGroupTargetAssignmentMember(key, value) => {
                self.bytes(key, value.as_ref())
            }
            Self::ConsumerGroupCurrentMemberAssignment(key, value) => {
                self.bytes(key, value.as_ref())
            }
            Self::ConsumerGroupRegularExpression(key, value) => self.bytes(key, value.as_ref()),
        }
    }

    /// Kafka's number of this type of record, the first two bytes of its key.
    #[must_use]
    pub fn record_type(&self) -> i16 {
        match self {
            Self::OffsetCommit(..) => 1,
            Self::GroupMetadata(..) => 2,
            Self::ConsumerGroupMetadata(..) => 3,
            Self::ConsumerGroupPartitionMetadata(..) => 4,
            Self::ConsumerGroupMemberMetadata(..) => 5,
            Self::ConsumerGroupTargetAssignmentMetadata(..) => 6,
            Self::ConsumerGroupTargetAssignmentMember(..) => 7,
            Self::ConsumerGroupCurrentMemberAssignment(..) => 8,
            Self::ConsumerGroupRegularExpression(..) => 16,
        }
    }

    /// The version that Kafka 4.3 writes, not always the newest.
    fn value_version(&self) -> i16 {
        match self {
            // Only version 1 has a place for a commit's own expiry.
            Self::OffsetCommit(_, Some(value)) if value.expire_timestamp != -1 => 1,
            Self::OffsetCommit(..) => 4,
            // 4 adds room for tags and has none: Kafka stays with 3, which older ones read (KIP-915).
            Self::GroupMetadata(..) => 3,
            _ => 0,
        }
    }

    fn bytes<K: Message, V: Message>(
        &self,
        key: &K,
        value: Option<&V>,
    ) -> Result<GroupRecordBytes, EncodeError> {
        let version = self.value_version();
        Ok(GroupRecordBytes {
            key: behind(self.record_type(), key, 0)?,
            value: value.map(|value| behind(version, value, version)).transpose()?,
        })
    }
}

/// Keys have one version: the type takes its place.
fn body<K: Message>(reader: &mut Reader<'_>) -> Result<K, DecodeError> {
    K::decode(reader, 0)
}

/// The value of a record whose type is known.
struct Value<'a> {
    record_type: i16,
    bytes: Option<&'a Buf>,
}

impl Value<'_> {
    fn decode<V: Message>(&self) -> Result<Option<V>, DecodeError> {
        let Some(bytes) = self.bytes else { return Ok(None) };
        let mut reader = Reader::new(bytes);
        let version = reader.i16()?;
        if !(V::VERSION_MIN..=V::VERSION_MAX).contains(&version) {
            let record_type = self.record_type;
            return Err(DecodeError::GroupRecordVersion { record_type, version });
        }
        V::decode(&mut reader, version).map(Some)
    }
}

fn behind<M: Message>(number: i16, message: &M, version: i16) -> Result<Vec<u8>, EncodeError> {
    let mut writer = Writer::new(GROUP_RECORD_BYTES_MAX);
    writer.i16(number);
    message.encode(&mut writer, version)?;
    writer.into_bytes()
}

#[cfg(test)]
mod tests;
