//! One member of the classic protocol, request by request.

use super::once_ready;
use crate::Outcome;
use crate::peer::{Peer, accepted};
use model::{Buf, ErrorCode};
use wire::messages::consumer_protocol::{
    ConsumerProtocolAssignment, ConsumerProtocolSubscription, TopicPartition,
};
use wire::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use wire::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse};
use wire::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse};

const JOIN_VERSION: i16 = 5;
const SYNC_VERSION: i16 = 3;
const HEARTBEAT_VERSION: i16 = 3;
const LEAVE_VERSION: i16 = 3;
/// Defaults of Kafka's consumer.
const SESSION_MS: i32 = 45_000;
const REBALANCE_MS: i32 = 300_000;
const PROTOCOL: &str = "range";

pub(super) struct Member {
    pub(super) peer: Peer,
    group: String,
    topic: String,
    member_id: String,
    generation_id: i32,
}

impl Member {
    pub(super) fn new(peer: Peer, group: &str, topic: &str) -> Self {
        let (group, topic) = (group.to_owned(), topic.to_owned());
        Self { peer, group, topic, member_id: String::new(), generation_id: -1 }
    }

    /// Gets a member id, as the first try of a dynamic member only does (KIP-394).
    pub(super) fn enrol(&mut self) -> Outcome<()> {
        once_ready(|| {
            self.ask_to_join()?;
            let response: JoinGroupResponse = self.peer.answer(JOIN_VERSION)?;
            if response.error_code == ErrorCode::MemberIdRequired.code() {
                self.member_id = response.member_id;
                return Ok(0);
            }
            match response.error_code {
                0 => Err("JoinGroup: joined without an id".to_owned()),
                code => Ok(code),
            }
        })
    }

    pub(super) fn ask_to_join(&mut self) -> Outcome<()> {
        let subscription = ConsumerProtocolSubscription {
            topics: vec![self.topic.clone()],
            ..ConsumerProtocolSubscription::default()
        };
        let metadata = subscription.to_bytes(0).map_err(|error| error.to_string())?;
        let protocol =
            JoinGroupRequestProtocol { name: PROTOCOL.to_owned(), metadata: Buf::from(metadata) };
        let request = JoinGroupRequest {
            group_id: self.group.clone(),
            session_timeout_ms: SESSION_MS,
            rebalance_timeout_ms: REBALANCE_MS,
            member_id: self.member_id.clone(),
            protocol_type: "consumer".to_owned(),
            protocols: vec![protocol],
            ..JoinGroupRequest::default()
        };
        self.peer.ask(&request, JOIN_VERSION)
    }

    /// All members if this one leads, otherwise none.
    pub(super) fn joined(&mut self) -> Outcome<Vec<String>> {
        let response: JoinGroupResponse = self.peer.answer(JOIN_VERSION)?;
        accepted("JoinGroup", response.error_code)?;
        self.generation_id = response.generation_id;
        Ok(response.members.into_iter().map(|it| it.member_id).collect())
    }

    /// The first of `members` gets the first partition, and so on; none from one that does not lead.
    pub(super) fn ask_to_sync(&mut self, members: &[String]) -> Outcome<()> {
        let mut assignments = Vec::new();
        for (number, member_id) in (0..).zip(members) {
            let assigned = TopicPartition { topic: self.topic.clone(), partitions: vec![number] };
            let assignment = ConsumerProtocolAssignment {
                assigned_partitions: vec![assigned],
                ..ConsumerProtocolAssignment::default()
            };
            let bytes = assignment.to_bytes(0).map_err(|error| error.to_string())?;
            assignments.push(SyncGroupRequestAssignment {
                member_id: member_id.clone(),
                assignment: Buf::from(bytes),
            });
        }
        let request = SyncGroupRequest {
            group_id: self.group.clone(),
            generation_id: self.generation_id,
            member_id: self.member_id.clone(),
            assignments,
            ..SyncGroupRequest::default()
        };
        self.peer.ask(&request, SYNC_VERSION)
    }

    pub(super) fn synced(&mut self) -> Outcome<()> {
        let response: SyncGroupResponse = self.peer.answer(SYNC_VERSION)?;
        accepted("SyncGroup", response.error_code)?;
        if response.assignment.is_empty() {
            return Err("SyncGroup: no assignment".to_owned());
        }
        Ok(())
    }

    pub(super) fn heartbeat(&mut self) -> Outcome<()> {
        let request = HeartbeatRequest {
            group_id: self.group.clone(),
            generation_id: self.generation_id,
            member_id: self.member_id.clone(),
            ..HeartbeatRequest::default()
        };
        let response: HeartbeatResponse = self.peer.call(&request, HEARTBEAT_VERSION)?;
        accepted("Heartbeat", response.error_code)
    }

    pub(super) fn leave(&mut self) -> Outcome<()> {
        let member =
            MemberIdentity { member_id: self.member_id.clone(), ..MemberIdentity::default() };
        let request = LeaveGroupRequest {
            group_id: self.group.clone(),
            members: vec![member],
            ..LeaveGroupRequest::default()
        };
        accepted("LeaveGroup", self.peer.call(&request, LEAVE_VERSION)?.error_code)
    }
}
