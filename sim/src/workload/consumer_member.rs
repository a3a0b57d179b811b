//! How a member of a consumer group (KIP-848) keeps its place: ConsumerGroupHeartbeat.
//!
//! What it is told to give up it has given up before the next heartbeat says so; after an answer that
//! did not come it tells everything anew.

use std::collections::{BTreeMap, BTreeSet};

use model::{ErrorCode, PartitionIndex, TopicId, TopicPartition};
use wire::messages::consumer_group_heartbeat::{ConsumerGroupHeartbeatRequest, TopicPartitions};

use super::Seat;
use super::coordination::{Coordination, known};
use super::member::Turn;
use crate::checkers::group_facts::{GroupChange, GroupProtocol, MemberName};
use crate::plan::MemberPlan;

const JOIN: i32 = 0;
const LEAVE: i32 = -1;
/// A static member goes and will be back.
const LEAVE_FOR_A_WHILE: i32 = -2;
/// From this version on a member may subscribe by pattern.
const PATTERNS: i16 = 1;

pub(super) struct ConsumerMember {
    member_id: String,
    epoch: i32,
    /// The next heartbeat tells everything.
    tells_all: bool,
}

impl ConsumerMember {
    /// `life` tells the processes of one client apart.
    pub(super) fn new(seat: &Seat, life: u32) -> Self {
        let member_id = format!("member-{}-{life}", seat.number);
        Self { member_id, epoch: JOIN, tells_all: true }
    }

    pub(super) fn name(&self, plan: &MemberPlan) -> MemberName {
        MemberName {
            protocol: GroupProtocol::Consumer,
            member_id: self.member_id.clone(),
            epoch: self.epoch,
            instance_id: plan.instance_id.clone(),
        }
    }

    pub(super) async fn turn(
        &mut self,
        seat: &Seat,
        line: &mut Coordination,
        plan: &MemberPlan,
        owned: &BTreeSet<TopicPartition>,
    ) -> Turn {
        let Ok(version) = line.channel.version::<ConsumerGroupHeartbeatRequest>(seat).await else {
            return Turn::Silent;
        };
        let pattern = plan.pattern.clone().filter(|_| version >= PATTERNS);
        let all = self.tells_all;
        let mut request = ConsumerGroupHeartbeatRequest {
            topic_partitions: all.then(|| by_topic(owned)),
            ..self.identity(line, plan, self.epoch)
        };
        if all {
            request.rebalance_timeout_ms = i32::try_from(plan.session_ms).unwrap_or(i32::MAX);
            request.subscribed_topic_names =
                Some(if pattern.is_some() { Vec::new() } else { plan.topics.clone() });
            request.subscribed_topic_regex = pattern;
        }
        self.tells_all = true;
        let invoked_ns = seat.now_ns();
        let Ok(response) = line.channel.call(seat, &request).await else { return Turn::Silent };
        match known(response.error_code) {
            ErrorCode::None => {}
            ErrorCode::FencedInstanceId => return Turn::Fenced,
            ErrorCode::UnknownMemberId | ErrorCode::FencedMemberEpoch => {
                self.epoch = JOIN;
                return Turn::Released { may_commit: false };
            }
            _ => return Turn::Silent,
        }
        let joined = self.epoch == JOIN;
        if !joined {
            line.tell(seat, GroupChange::Confirmed { member: self.name(plan), invoked_ns });
        }
        let moved = response.member_epoch != self.epoch;
        self.epoch = response.member_epoch;
        let told = response.assignment.map(|it| partitions_of(&it.topic_partitions));
        match told {
            Some(told) if told != *owned || moved => Turn::Assigned(told),
            None if moved => {
                self.tells_all = false;
                Turn::Assigned(owned.clone())
            }
            _ => {
                self.tells_all = false;
                Turn::Stays
            }
        }
    }

    pub(super) async fn leave(&mut self, seat: &Seat, line: &mut Coordination, plan: &MemberPlan) {
        let epoch = if plan.instance_id.is_some() { LEAVE_FOR_A_WHILE } else { LEAVE };
        let request = self.identity(line, plan, epoch);
        // Without an answer the session ends it.
        let _ = line.channel.call(seat, &request).await;
    }

    fn identity(
        &self,
        line: &Coordination,
        plan: &MemberPlan,
        member_epoch: i32,
    ) -> ConsumerGroupHeartbeatRequest {
        ConsumerGroupHeartbeatRequest {
            group_id: line.group.clone(),
            member_id: self.member_id.clone(),
            member_epoch,
            instance_id: plan.instance_id.clone(),
            ..ConsumerGroupHeartbeatRequest::default()
        }
    }
}

fn by_topic(partitions: &BTreeSet<TopicPartition>) -> Vec<TopicPartitions> {
    let mut topics: BTreeMap<TopicId, Vec<i32>> = BTreeMap::new();
    for at in partitions {
        topics.entry(at.topic).or_default().push(at.partition.0);
    }
    let of = |(topic_id, partitions)| TopicPartitions { topic_id, partitions };
    topics.into_iter().map(of).collect()
}

fn partitions_of(topics: &[TopicPartitions]) -> BTreeSet<TopicPartition> {
    let of = |it: &TopicPartitions| {
        let topic = it.topic_id;
        let place =
            move |number: &i32| TopicPartition { topic, partition: PartitionIndex(*number) };
        it.partitions.iter().map(place).collect::<Vec<_>>()
    };
    topics.iter().flat_map(of).collect()
}
