//! What clients ask and are told, as the core sees it: versions and sentinels stay in the handlers.

use core::fmt;
use core::time::Duration;

use model::{ErrorCode, LeaderEpoch, Offset, TopicId};

use crate::consumer::{
    ConsumerGroupDescription, ConsumerGroupState, ConsumerHeartbeat, ConsumerHeartbeatResponse,
    Refusal,
};
use crate::{Bytes, GenerationId, GroupId, GroupState, InstanceId, MemberId, NamedPartition, Text};

/// A request whose sender was allowed to make it and whose group id was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    Join(JoinRequest),
    Sync(SyncRequest),
    Heartbeat(MemberIdentity),
    Leave(LeaveRequest),
    OffsetCommit(OffsetCommitRequest),
    OffsetDelete(OffsetDeleteRequest),
    /// One group of a DeleteGroups request.
    DeleteGroup {
        group: GroupId,
    },
    /// Names only topics that its sender may read.
    ConsumerGroupHeartbeat(Box<ConsumerHeartbeat>),
    /// One group of a ConsumerGroupDescribe request.
    ConsumerGroupDescribe {
        group: GroupId,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    Join(Result<JoinResponse, JoinRefusal>),
    Sync(Result<SyncResponse, ErrorCode>),
    Heartbeat(Result<(), ErrorCode>),
    Leave(Result<LeaveResponse, ErrorCode>),
    /// In the order of the request.
    OffsetCommit(Vec<PartitionError>),
    /// In the order of the request.
    OffsetDelete(Result<Vec<PartitionError>, ErrorCode>),
    DeleteGroup(Result<(), ErrorCode>),
    ConsumerGroupHeartbeat(Result<ConsumerHeartbeatResponse, Refusal>),
    ConsumerGroupDescribe(Result<ConsumerGroupDescription, Refusal>),
}

/// A refused join; `member_id` is the one to put into the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinRefusal {
    pub error: ErrorCode,
    pub member_id: Option<MemberId>,
}

/// Who is asking, for the records and for DescribeGroups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub id: Text,
    pub host: Text,
}

/// One way to divide the work, with the member's own metadata for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol {
    pub name: Text,
    pub metadata: Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinRequest {
    pub group: GroupId,
    /// `None`: a new member, or a static member after a restart.
    pub member_id: Option<MemberId>,
    pub instance_id: Option<InstanceId>,
    pub client: Client,
    pub session_timeout: Duration,
    /// JoinGroup version 0 has none: its session timeout stands in.
    pub rebalance_timeout: Duration,
    pub protocol_type: Text,
    /// Most preferred first.
    pub protocols: Vec<Protocol>,
    /// Names a new member; drawn by the driver for every join.
    pub random: u128,
    /// Whether a dynamic member without an id must come again with one (KIP-394, versions 4 and up).
    pub member_id_required: MemberIdRequired,
    /// Whether a static leader that comes back may be told to leave the assignment alone (KIP-814,
    /// versions 9 and up).
    pub skip_assignment: SkipAssignment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberIdRequired {
    Yes,
    No,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipAssignment {
    Supported,
    Unsupported,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinResponse {
    pub generation_id: GenerationId,
    pub protocol_type: Text,
    pub protocol: Text,
    /// Empty in a consumer group: nobody leads there.
    pub leader: MemberId,
    pub member_id: MemberId,
    /// The leader must not compute a new assignment (KIP-814).
    pub skip_assignment: bool,
    /// Everyone with their metadata for the protocol, for the leader only.
    pub members: Vec<JoinedMember>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedMember {
    pub member_id: MemberId,
    pub instance_id: Option<InstanceId>,
    pub metadata: Bytes,
}

/// A member that speaks for itself within one generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberIdentity {
    pub group: GroupId,
    pub generation_id: GenerationId,
    pub member_id: MemberId,
    pub instance_id: Option<InstanceId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRequest {
    pub from: MemberIdentity,
    /// Absent before version 5; checked when present.
    pub protocol_type: Option<Text>,
    pub protocol: Option<Text>,
    /// From the leader; ignored from others.
    pub assignments: Vec<(MemberId, Bytes)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncResponse {
    pub protocol_type: Text,
    pub protocol: Text,
    pub assignment: Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaveRequest {
    pub group: GroupId,
    pub members: Vec<LeavingMember>,
}

/// Without a member id: a static member that an administrator removes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeavingMember {
    pub member_id: Option<MemberId>,
    pub instance_id: Option<InstanceId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaveResponse {
    /// In the order of the request.
    pub members: Vec<(LeavingMember, ErrorCode)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetCommitRequest {
    pub group: GroupId,
    /// `None`: a consumer that assigns itself, or an administrator. From a member of KIP-848 its
    /// member epoch, as on the wire.
    pub generation_id: Option<GenerationId>,
    pub member_id: Option<MemberId>,
    pub instance_id: Option<InstanceId>,
    /// Only OffsetCommit versions 2 to 4 can ask for it.
    pub retention: Option<Duration>,
    pub offsets: Vec<OffsetToCommit>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetToCommit {
    pub at: NamedPartition,
    pub topic_id: TopicId,
    pub offset: Offset,
    pub leader_epoch: Option<LeaderEpoch>,
    pub metadata: Text,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetDeleteRequest {
    pub group: GroupId,
    pub partitions: Vec<NamedPartition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionError {
    pub at: NamedPartition,
    pub error: ErrorCode,
}

/// One line of ListGroups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupListing {
    pub group: GroupId,
    pub protocol_type: Text,
    pub status: GroupStatus,
}

/// A group's kind, and where it stands. Displays as the state alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupStatus {
    Classic(GroupState),
    Consumer(ConsumerGroupState),
}

impl GroupStatus {
    /// The kind as ListGroups spells it; clients filter by it in any case.
    #[must_use]
    pub const fn group_type(self) -> &'static str {
        match self {
            Self::Classic(_) => "Classic",
            Self::Consumer(_) => "Consumer",
        }
    }
}

impl fmt::Display for GroupStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Classic(state) => state.fmt(f),
            Self::Consumer(state) => state.fmt(f),
        }
    }
}

/// What DescribeGroups tells about one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDescription {
    pub state: GroupState,
    pub protocol_type: Text,
    /// Empty unless the group is stable; so are metadata and assignments.
    pub protocol: Text,
    pub members: Vec<MemberDescription>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberDescription {
    pub member_id: MemberId,
    pub instance_id: Option<InstanceId>,
    pub client: Client,
    pub metadata: Bytes,
    pub assignment: Bytes,
}

impl Response {
    /// The same answer with nothing granted.
    pub(crate) fn refused(self, error: ErrorCode) -> Self {
        let all = |partitions: Vec<PartitionError>| {
            partitions.into_iter().map(|p| PartitionError { at: p.at, error }).collect()
        };
        match self {
            Self::Join(joined) => Self::Join(Err(JoinRefusal {
                error,
                member_id: joined.map_or_else(|refusal| refusal.member_id, |j| Some(j.member_id)),
            })),
            Self::Sync(_) => Self::Sync(Err(error)),
            Self::Heartbeat(_) => Self::Heartbeat(Err(error)),
            Self::Leave(_) => Self::Leave(Err(error)),
            Self::OffsetCommit(partitions) => Self::OffsetCommit(all(partitions)),
            Self::OffsetDelete(_) => Self::OffsetDelete(Err(error)),
            Self::DeleteGroup(_) => Self::DeleteGroup(Err(error)),
            Self::ConsumerGroupHeartbeat(_) => {
                Self::ConsumerGroupHeartbeat(Err(Refusal::without_text(error)))
            }
            Self::ConsumerGroupDescribe(_) => {
                Self::ConsumerGroupDescribe(Err(Refusal::without_text(error)))
            }
        }
    }
}

impl Request {
    /// The answer to a request that the coordinator cannot take.
    pub(crate) fn refused(&self, error: ErrorCode) -> Response {
        match self {
            Self::Join(join) => {
                Response::Join(Err(JoinRefusal { error, member_id: join.member_id.clone() }))
            }
            Self::Sync(_) => Response::Sync(Err(error)),
            Self::Heartbeat(_) => Response::Heartbeat(Err(error)),
            Self::Leave(_) => Response::Leave(Err(error)),
            Self::OffsetCommit(commit) => commit.refused(error),
            Self::OffsetDelete(_) => Response::OffsetDelete(Err(error)),
            Self::DeleteGroup { .. } => Response::DeleteGroup(Err(error)),
            Self::ConsumerGroupHeartbeat(_) => {
                Response::ConsumerGroupHeartbeat(Err(Refusal::without_text(error)))
            }
            Self::ConsumerGroupDescribe { .. } => {
                Response::ConsumerGroupDescribe(Err(Refusal::without_text(error)))
            }
        }
    }
}

impl OffsetCommitRequest {
    /// Every partition with the same error.
    pub(crate) fn refused(&self, error: ErrorCode) -> Response {
        let offsets = self.offsets.iter();
        let refused = offsets.map(|o| PartitionError { at: o.at.clone(), error });
        Response::OffsetCommit(refused.collect())
    }
}
