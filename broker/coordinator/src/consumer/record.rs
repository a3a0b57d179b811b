//! What a consumer group writes to `__consumer_offsets`, one value per key.
//!
//! Promises: the records of a group, applied in order, rebuild its state; `None` is a tombstone.
//! Does not: name the group (every key of a group begins with its id, which the writer adds) or
//! choose bytes.
//! Source: KIP-848, Kafka's `ConsumerGroup*Key` and `ConsumerGroup*Value` messages.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use model::TopicPartition;

use super::Assignor;
use crate::{Client, InstanceId, MemberId, Protocol, Text, TopicName};

/// Partitions of any topics, in order.
pub type Partitions = BTreeSet<TopicPartition>;

/// One record; the number is Kafka's record type, the version of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsumerRecord {
    /// 3: the group exists, and at which epoch.
    Group(Option<GroupValue>),
    /// 5: a member and what it asked for.
    Member { member_id: MemberId, value: Option<Subscription> },
    /// 6: the group epoch that the target assignment was made for.
    TargetEpoch(Option<i32>),
    /// 7: what a member is to own in the end.
    TargetMember { member_id: MemberId, value: Option<Partitions> },
    /// 8: what a member owns now, and how far its reconciliation is.
    CurrentMember { member_id: MemberId, value: Option<CurrentAssignment> },
    /// 16: the topics that a regular expression stands for.
    Regex { pattern: Text, value: Option<ResolvedRegex> },
}

impl ConsumerRecord {
    #[must_use]
    pub fn is_tombstone(&self) -> bool {
        match self {
            Self::Group(value) => value.is_none(),
            Self::Member { value, .. } => value.is_none(),
            Self::TargetEpoch(value) => value.is_none(),
            Self::TargetMember { value, .. } => value.is_none(),
            Self::CurrentMember { value, .. } => value.is_none(),
            Self::Regex { value, .. } => value.is_none(),
        }
    }
}

/// The epoch of a group that nobody has joined yet: the first member raises it to 2, as in Kafka
/// 4.3, whose tools show it.
pub(super) const INITIAL_GROUP_EPOCH: i32 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupValue {
    pub group_epoch: i32,
    /// Stands for names, ids and partition counts of all subscribed topics; 0 is none.
    pub metadata_hash: i64,
}

impl Default for GroupValue {
    fn default() -> Self {
        Self { group_epoch: INITIAL_GROUP_EPOCH, metadata_hash: 0 }
    }
}

/// What a member last said about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// `group.instance.id`: a static member (KIP-345).
    pub instance_id: Option<InstanceId>,
    pub rack_id: Option<Text>,
    pub client: Client,
    pub topic_names: BTreeSet<TopicName>,
    /// RE2 syntax; matches whole names.
    pub topic_regex: Option<Text>,
    /// Longest time to give up revoked partitions.
    pub rebalance_timeout: Duration,
    pub server_assignor: Option<Assignor>,
    /// Set for a member that speaks the classic protocol.
    pub classic: Option<ClassicMember>,
}

/// What a classic member of a consumer group said when it joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassicMember {
    pub session_timeout: Duration,
    /// Most preferred first.
    pub protocols: Vec<Protocol>,
}

/// Where a member is on its way to the target assignment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CurrentAssignment {
    /// The group epoch that the member has reached; 0 before the first, -2 while a static member
    /// is away.
    pub member_epoch: i32,
    /// The epoch before the last change: accepted once more, because the answer may be lost.
    pub previous_member_epoch: i32,
    pub state: MemberState,
    /// Owned, and to be kept.
    pub assigned: Partitions,
    /// Owned until the member says that it is not.
    pub pending_revocation: Partitions,
    /// In which epoch the member got each partition that it owns (KIP-1251): a commit of that epoch
    /// is still its own. One that is missing, as in records before Kafka 4.3, counts as got in
    /// `member_epoch`.
    pub assignment_epochs: BTreeMap<TopicPartition, i32>,
}

impl CurrentAssignment {
    /// Partitions that nobody else may have.
    pub fn owned(&self) -> impl Iterator<Item = &TopicPartition> {
        self.assigned.iter().chain(&self.pending_revocation)
    }

    /// The epoch in which the member got a partition; none if it does not own it.
    #[must_use]
    pub fn assignment_epoch(&self, at: &TopicPartition) -> Option<i32> {
        let owns = self.assigned.contains(at) || self.pending_revocation.contains(at);
        owns.then(|| self.assignment_epochs.get(at).copied().unwrap_or(self.member_epoch))
    }
}

/// The number is the one in Kafka's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum MemberState {
    /// Owns its target of the epoch it is in.
    #[default]
    Stable = 0,
    /// Must give up partitions before it can enter the next epoch.
    UnrevokedPartitions = 1,
    /// Waits for partitions that others still own.
    UnreleasedPartitions = 2,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResolvedRegex {
    pub topic_names: BTreeSet<TopicName>,
    /// Wall clock of the resolution, in milliseconds since 1970.
    pub resolved_at_ms: i64,
}
