//! What the core of KIP-848 groups hears and asks for.

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;

use model::ErrorCode;

use super::{ConsumerGroupDescription, Partitions, Record};
use crate::{Client, GroupId, InstanceId, MemberId, Text, Ticket, Token, TopicName};

/// Member epoch of a heartbeat that joins.
pub const JOIN_EPOCH: i32 = 0;
/// Member epoch of a heartbeat that leaves for good.
pub const LEAVE_EPOCH: i32 = -1;
/// Member epoch of a static member that leaves and means to come back.
pub const STATIC_LEAVE_EPOCH: i32 = -2;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsumerEvent {
    /// This node leads the partition now; the records that its log holds follow.
    BeginLoading,
    /// The next records of the log, in order. Only while loading.
    Replay {
        records: Vec<(GroupId, Record)>,
    },
    /// Every record of the log was replayed.
    Loaded,
    /// This node does not lead the partition any more, or its log has refused a write. Everything is
    /// dropped and every waiter is answered NOT_COORDINATOR.
    Unload,
    Request {
        token: Token,
        request: ConsumerRequest,
    },
    /// The records of every ticket up to this one are durable.
    Committed {
        ticket: Ticket,
    },
    /// These topics were created, deleted, or have more partitions; the view shows it already.
    TopicsChanged {
        names: BTreeSet<TopicName>,
    },
    /// The time of [`super::ConsumerGroups::wakes_at`] has come.
    Tick,
}

/// What to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsumerEffect {
    /// Append these records as one batch, after those of every earlier ticket; not empty.
    Write {
        ticket: Ticket,
        group: GroupId,
        records: Arc<[Record]>,
    },
    Reply {
        token: Token,
        response: ConsumerResponse,
    },
}

/// A request whose sender was allowed to make it, and to read every topic that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsumerRequest {
    Heartbeat(Heartbeat),
    Describe {
        group: GroupId,
    },
    /// One group of a DeleteGroups request.
    Delete {
        group: GroupId,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsumerResponse {
    Heartbeat(Result<HeartbeatResponse, Refusal>),
    Describe(Result<ConsumerGroupDescription, Refusal>),
    Delete(Result<(), Refusal>),
}

/// ConsumerGroupHeartbeat, versions 0 and 1. `None` is "as before".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    pub group: GroupId,
    /// Chosen by the client from version 1 on; in a first heartbeat of version 0 drawn by the driver.
    pub member_id: MemberId,
    /// The epoch that the member is in, or one of the three constants of this module.
    pub member_epoch: i32,
    pub instance_id: Option<InstanceId>,
    pub rack_id: Option<Text>,
    pub client: Client,
    pub rebalance_timeout: Option<Duration>,
    pub topic_names: Option<BTreeSet<TopicName>>,
    /// Empty: no pattern any more.
    pub topic_regex: Option<Text>,
    pub server_assignor: Option<Text>,
    pub owned: Option<Partitions>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartbeatResponse {
    pub member_id: MemberId,
    pub member_epoch: i32,
    pub heartbeat_interval: Duration,
    /// What the member is to own from now on; `None`: as it was told before.
    pub assignment: Option<Partitions>,
}

/// An error code with the sentence that goes beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: ErrorCode,
    pub message: String,
}

impl Refusal {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl ConsumerRequest {
    pub(super) fn refused(&self, refusal: Refusal) -> ConsumerResponse {
        match self {
            Self::Heartbeat(_) => ConsumerResponse::Heartbeat(Err(refusal)),
            Self::Describe { .. } => ConsumerResponse::Describe(Err(refusal)),
            Self::Delete { .. } => ConsumerResponse::Delete(Err(refusal)),
        }
    }
}

impl ConsumerResponse {
    /// The same answer with nothing granted.
    pub(super) fn refused(self, refusal: Refusal) -> Self {
        match self {
            Self::Heartbeat(_) => Self::Heartbeat(Err(refusal)),
            Self::Describe(_) => Self::Describe(Err(refusal)),
            Self::Delete(_) => Self::Delete(Err(refusal)),
        }
    }
}
