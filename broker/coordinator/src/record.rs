//! What `__consumer_offsets` holds, as values; the driver gives them Kafka's byte layout.
//!
//! Promises: one variant per record type; a value of `None` is a tombstone.
//! Source: Kafka's record types 0 and 1 (`OffsetCommitKey`; the newest, 1, is written), 2
//! (`GroupMetadataKey`), 3, 5 to 8 and 16 (`ConsumerGroup…Key`) in
//! `group-coordinator/src/main/resources/common/message`.

use core::time::Duration;

use crate::consumer::ConsumerRecord;
use crate::{
    Bytes, CommittedOffset, GenerationId, GroupId, InstanceId, MemberId, NamedPartition, Text,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Key version 1.
    OffsetCommit { group: GroupId, at: NamedPartition, value: Option<CommittedOffset> },
    /// Key version 2.
    GroupMetadata { group: GroupId, value: Option<GroupMetadata> },
    /// Key versions 3, 5 to 8 and 16: one part of a consumer group.
    ConsumerGroup { group: GroupId, record: ConsumerRecord },
}

impl Record {
    /// The group that the key begins with.
    #[must_use]
    pub fn group(&self) -> &GroupId {
        match self {
            Self::OffsetCommit { group, .. }
            | Self::GroupMetadata { group, .. }
            | Self::ConsumerGroup { group, .. } => group,
        }
    }

    /// Whether it deletes what its key had.
    #[must_use]
    pub fn is_tombstone(&self) -> bool {
        match self {
            Self::OffsetCommit { value, .. } => value.is_none(),
            Self::GroupMetadata { value, .. } => value.is_none(),
            Self::ConsumerGroup { record, .. } => record.is_tombstone(),
        }
    }
}

/// A classic group as it is after a rebalance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMetadata {
    /// Empty for a group that only ever committed offsets.
    pub protocol_type: Text,
    pub generation_id: GenerationId,
    pub protocol: Option<Text>,
    pub leader: Option<MemberId>,
    /// Wall time of the last change of state; unknown in records of old versions.
    pub current_state_timestamp_ms: Option<i64>,
    pub members: Vec<MemberMetadata>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberMetadata {
    pub member_id: MemberId,
    pub instance_id: Option<InstanceId>,
    pub client_id: Text,
    pub client_host: Text,
    pub rebalance_timeout: Duration,
    pub session_timeout: Duration,
    /// The member's metadata for the group's protocol.
    pub subscription: Bytes,
    pub assignment: Bytes,
}
