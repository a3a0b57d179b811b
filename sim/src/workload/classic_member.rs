//! How a member of the classic protocol keeps its place: JoinGroup, SyncGroup, Heartbeat, LeaveGroup.
//!
//! The leader shares partitions out in turns, over members in the order of their ids. Written without
//! the client's own member, so that both can be wrong only independently.
//! Sources: Kafka `AbstractCoordinator`; `ConsumerProtocolSubscription.json`,
//! `ConsumerProtocolAssignment.json`, version 0.

use std::collections::{BTreeMap, BTreeSet};

use client::assigned_partitions;
use model::{Buf, ErrorCode, TopicPartition};
use wire::messages::heartbeat::HeartbeatRequest;
use wire::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse};
use wire::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

use super::Seat;
use super::coordination::{Coordination, known};
use super::frames::NoAnswer;
use super::member::Turn;
use crate::checkers::group_facts::{GroupChange, GroupProtocol, MemberName};
use crate::plan::MemberPlan;

const PROTOCOL_TYPE: &str = "consumer";
const PROTOCOL_NAME: &str = "in-turns";
/// From these versions on a request names a static member.
const STATIC_JOIN: i16 = 5;
const STATIC_SYNC: i16 = 3;
const STATIC_BEAT: i16 = 3;
/// From this version on a request names several members.
const LEAVE_SEVERAL: i16 = 3;
/// A rebalance waits for members no longer than this, so that a join is answered before its caller
/// gives up.
const REBALANCE_MS_MAX: u32 = 3_000;

pub(super) struct ClassicMember {
    /// What it is called as a static member.
    instance_id: Option<String>,
    /// Empty until the coordinator gives one.
    member_id: String,
    generation: i32,
    /// It takes part in the generation.
    joined: bool,
    /// What there was when the leader joined.
    known_counts: Option<BTreeMap<String, u16>>,
    /// An earlier life of this static member may have led and shared out: what, it does not know, and
    /// before JoinGroup 9 not even that it leads (KIP-814). Kafka's consumer misses a topic that grew in
    /// between; this one joins again once the faults are over.
    inherits: bool,
}

impl ClassicMember {
    pub(super) fn new() -> Self {
        Self {
            instance_id: None,
            member_id: String::new(),
            generation: -1,
            joined: false,
            known_counts: None,
            inherits: false,
        }
    }

    pub(super) fn name(&self) -> MemberName {
        MemberName {
            protocol: GroupProtocol::Classic,
            member_id: self.member_id.clone(),
            epoch: self.generation,
            instance_id: self.instance_id.clone(),
        }
    }

    pub(super) async fn turn(
        &mut self,
        seat: &Seat,
        line: &mut Coordination,
        plan: &MemberPlan,
    ) -> Turn {
        match self.joined {
            true => self.beat(seat, line, plan).await,
            false => self.join(seat, line, plan).await,
        }
    }

    async fn beat(&mut self, seat: &Seat, line: &mut Coordination, plan: &MemberPlan) -> Turn {
        let request = HeartbeatRequest {
            group_id: line.group.clone(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            group_instance_id: self.instance_id.clone(),
        };
        let invoked_ns = seat.now_ns();
        let Ok(response) = line.channel.call(seat, &request).await else { return Turn::Silent };
        if response.error_code != 0 {
            return self.refused(known(response.error_code));
        }
        line.tell(seat, GroupChange::Confirmed { member: self.name(), invoked_ns });
        let has_changed = |counts: &BTreeMap<_, _>| *counts != counts_of(seat, plan);
        if self.known_counts.as_ref().is_some_and(has_changed)
            || (self.inherits && seat.shared.calm.get())
        {
            // A leader that joins again starts a rebalance.
            self.joined = false;
            return Turn::Released { may_commit: true };
        }
        Turn::Stays
    }

    fn refused(&mut self, code: ErrorCode) -> Turn {
        match code {
            ErrorCode::FencedInstanceId => return Turn::Fenced,
            ErrorCode::UnknownMemberId => self.member_id.clear(),
            ErrorCode::RebalanceInProgress | ErrorCode::IllegalGeneration => {}
            _ => return Turn::Silent,
        }
        self.joined = false;
        Turn::Released { may_commit: code == ErrorCode::RebalanceInProgress }
    }

    async fn join(&mut self, seat: &Seat, line: &mut Coordination, plan: &MemberPlan) -> Turn {
        let Ok(may_be_static) = knows_static_members(seat, line).await else {
            return Turn::Silent;
        };
        self.instance_id = plan.instance_id.clone().filter(|_| may_be_static);
        self.inherits = self.instance_id.is_some() && self.member_id.is_empty();
        let rebalance_ms = plan.session_ms.min(REBALANCE_MS_MAX);
        let mut request = JoinGroupRequest {
            group_id: line.group.clone(),
            session_timeout_ms: i32::try_from(plan.session_ms).unwrap_or(i32::MAX),
            rebalance_timeout_ms: i32::try_from(rebalance_ms).unwrap_or(i32::MAX),
            member_id: self.member_id.clone(),
            group_instance_id: self.instance_id.clone(),
            protocol_type: PROTOCOL_TYPE.to_owned(),
            protocols: vec![JoinGroupRequestProtocol {
                name: PROTOCOL_NAME.to_owned(),
                metadata: Buf::from(subscription(&plan.topics)),
            }],
            reason: None,
        };
        // The first try may only bring a member id (KIP-394).
        for _ in 0..2 {
            let Ok(response) = line.channel.call(seat, &request).await else { return Turn::Silent };
            match known(response.error_code) {
                ErrorCode::None => return self.sync(seat, line, plan, response).await,
                ErrorCode::MemberIdRequired => {
                    self.member_id.clone_from(&response.member_id);
                    request.member_id = response.member_id;
                }
                code => return self.refused(code),
            }
        }
        Turn::Silent
    }

    async fn sync(
        &mut self,
        seat: &Seat,
        line: &mut Coordination,
        plan: &MemberPlan,
        joined: JoinGroupResponse,
    ) -> Turn {
        self.member_id = joined.member_id;
        self.generation = joined.generation_id;
        let leads = joined.leader == self.member_id;
        self.known_counts = leads.then(|| counts_of(seat, plan));
        let mut assignments = Vec::new();
        if let Some(counts) = self.known_counts.as_ref().filter(|_| !joined.skip_assignment) {
            let ids: BTreeSet<String> = joined.members.into_iter().map(|it| it.member_id).collect();
            assignments = in_turns(&ids, counts);
        }
        let request = SyncGroupRequest {
            group_id: line.group.clone(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            group_instance_id: self.instance_id.clone(),
            protocol_type: Some(PROTOCOL_TYPE.to_owned()),
            protocol_name: Some(PROTOCOL_NAME.to_owned()),
            assignments,
        };
        let Ok(response) = line.channel.call(seat, &request).await else { return Turn::Silent };
        if response.error_code != 0 {
            return self.refused(known(response.error_code));
        }
        self.joined = true;
        let named = assigned_partitions(&response.assignment).unwrap_or_default();
        let placed = named.into_iter().filter_map(|at| {
            let topic = seat.shared.topic(&at.topic)?.id;
            Some(TopicPartition { topic, partition: at.partition })
        });
        Turn::Assigned(placed.collect())
    }

    pub(super) async fn leave(&mut self, seat: &Seat, line: &mut Coordination) {
        let Ok(version) = line.channel.version::<LeaveGroupRequest>(seat).await else { return };
        let group_id = line.group.clone();
        let member_id = self.member_id.clone();
        let request = if version < LEAVE_SEVERAL {
            LeaveGroupRequest { group_id, member_id, members: Vec::new() }
        } else {
            let group_instance_id = self.instance_id.clone();
            let member = MemberIdentity { member_id, group_instance_id, reason: None };
            LeaveGroupRequest { group_id, members: vec![member], member_id: String::new() }
        };
        // Without an answer the session ends it.
        let _ = line.channel.call(seat, &request).await;
    }
}

/// Whether all its requests can name a static member. One that joined as such and could not say so
/// in its heartbeats would take another life of it for the end of its session, and come back at once.
async fn knows_static_members(seat: &Seat, line: &mut Coordination) -> Result<bool, NoAnswer> {
    Ok(line.channel.version::<JoinGroupRequest>(seat).await? >= STATIC_JOIN
        && line.channel.version::<SyncGroupRequest>(seat).await? >= STATIC_SYNC
        && line.channel.version::<HeartbeatRequest>(seat).await? >= STATIC_BEAT)
}

/// How many partitions the member's topics have, as far as they exist.
fn counts_of(seat: &Seat, plan: &MemberPlan) -> BTreeMap<String, u16> {
    let count = |name: &String| Some((name.clone(), seat.shared.topic(name)?.partitions));
    plan.topics.iter().filter_map(count).collect()
}

fn in_turns(
    members: &BTreeSet<String>,
    counts: &BTreeMap<String, u16>,
) -> Vec<SyncGroupRequestAssignment> {
    let partitions = counts.iter().flat_map(|(name, count)| (0..*count).map(move |at| (name, at)));
    let mut shares: Vec<BTreeMap<&String, Vec<i32>>> = vec![BTreeMap::new(); members.len()];
    for (turn, (topic, number)) in partitions.enumerate() {
        let share = turn % members.len().max(1);
        if let Some(share) = shares.get_mut(share) {
            share.entry(topic).or_default().push(number.into());
        }
    }
    let assignment =
        |(member_id, share): (&String, BTreeMap<&String, Vec<i32>>)| SyncGroupRequestAssignment {
            member_id: member_id.clone(),
            assignment: Buf::from(assignment_bytes(&share)),
        };
    members.iter().zip(shares).map(assignment).collect()
}

/// Version, topics, no user data.
fn subscription(topics: &[String]) -> Vec<u8> {
    let mut bytes = vec![0, 0];
    put_count(&mut bytes, topics.len());
    topics.iter().for_each(|topic| put_name(&mut bytes, topic));
    bytes.extend((-1_i32).to_be_bytes());
    bytes
}

/// Version, partitions by topic, no user data.
fn assignment_bytes(share: &BTreeMap<&String, Vec<i32>>) -> Vec<u8> {
    let mut bytes = vec![0, 0];
    put_count(&mut bytes, share.len());
    for (topic, partitions) in share {
        put_name(&mut bytes, topic);
        put_count(&mut bytes, partitions.len());
        partitions.iter().for_each(|it| bytes.extend(it.to_be_bytes()));
    }
    bytes.extend((-1_i32).to_be_bytes());
    bytes
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend(i32::try_from(count).expect("a few").to_be_bytes());
}

fn put_name(bytes: &mut Vec<u8>, name: &str) {
    bytes.extend(i16::try_from(name.len()).expect("a short name").to_be_bytes());
    bytes.extend(name.as_bytes());
}
