//! What members of KIP-848 ask and are told.

use core::time::Duration;
use std::collections::BTreeSet;

use model::ErrorCode;

use super::Partitions;
use crate::{Client, GroupId, InstanceId, MemberId, Text, TopicName};

/// Member epoch of a heartbeat that joins.
pub const JOIN_EPOCH: i32 = 0;
/// Member epoch of a heartbeat that leaves for good.
pub const LEAVE_EPOCH: i32 = -1;
/// Member epoch of a static member that leaves and means to come back.
pub const STATIC_LEAVE_EPOCH: i32 = -2;

/// ConsumerGroupHeartbeat, versions 0 and 1. `None` is "as before".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerHeartbeat {
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
pub struct ConsumerHeartbeatResponse {
    pub member_id: MemberId,
    pub member_epoch: i32,
    pub heartbeat_interval: Duration,
    /// What the member is to own from now on; `None`: as it was told before.
    pub assignment: Option<Partitions>,
}

/// An error code with the sentence that goes beside it; empty where the code says it all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: ErrorCode,
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn without_text(code: ErrorCode) -> Self {
        Self::new(code, "")
    }
}
