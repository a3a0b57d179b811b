//! A group of consumers moves from one protocol to the other while its members run.
//!
//! Promises: what the members own when the group moves, they own after it; the epoch goes on from the
//! generation, and the generation from the epoch; a group whose members cannot all be understood
//! stays as it is.
//! Does not: answer who waits, or write (the coordinator does).
//! Source: KIP-848 ("Online Migration"), Kafka `ConsumerGroup.fromClassicGroup`,
//! `ClassicGroup.fromConsumerGroup`, `GroupMetadataManager.validateOnlineUpgrade`,
//! `validateOnlineDowngrade…`.

use std::collections::BTreeSet;

use model::{ErrorCode, Probe, TopicPartition};

use super::classic_member::{by_id, by_name};
use super::group::ConsumerGroup;
use super::record::{
    ClassicMember, ConsumerRecord, CurrentAssignment, GroupValue, MemberState, Partitions,
    Subscription,
};
use super::{Refusal, Topics};
use crate::classic::{ClassicGroup, MovingMember};
use crate::context::Context;
use crate::{Bytes, Client, EmbeddedProtocol, GenerationId, MemberId, MemberMetadata, Settings};

impl ConsumerGroup {
    /// The consumer group that a classic one becomes. Its target is what the leader has assigned.
    ///
    /// # Errors
    /// GROUP_ID_NOT_FOUND, as for any group that is not a consumer group.
    pub(crate) fn from_classic<P: Probe>(
        cx: &Context<'_, P>,
        classic: &ClassicGroup,
    ) -> Result<Self, Refusal> {
        let refuse = |why: &str| {
            let message = format!("Group {} is not a consumer group: {why}.", classic.id);
            Err(Refusal::new(ErrorCode::GroupIdNotFound, message))
        };
        if !cx.settings.consumer.migration.upgrades() {
            return refuse("groups are not upgraded");
        }
        if !classic.uses_consumer_protocol() {
            return refuse("its members are no consumers");
        }
        if classic.members_len() > cx.settings.consumer.group_size_max {
            return refuse("it has too many members");
        }
        let mut moved = Vec::new();
        for member in classic.moving_members() {
            match Moved::new(cx.embedded, cx.topics, member) {
                Ok(member) => moved.push(member),
                Err(why) => return refuse(why),
            }
        }
        let mut group = Self::new(classic.id.clone());
        group.take_over(cx, classic.generation_id().0, moved);
        Ok(group)
    }

    fn take_over<P: Probe>(&mut self, cx: &Context<'_, P>, generation: i32, moved: Vec<Moved>) {
        let mut taken = Partitions::new();
        let mut assigned = Vec::new();
        for member in &moved {
            // A leader with a bug may have given a partition to two members.
            let of_member: Partitions = member.assigned.difference(&taken).copied().collect();
            taken.extend(&of_member);
            assigned.push(of_member);
        }
        for (member, mut assigned) in moved.into_iter().zip(assigned) {
            // What it said it owns when it joined is not free until it says otherwise: it may not
            // have heard of the assignment yet, and keep working on what was taken from it.
            let mut kept: Partitions = member.owned.difference(&taken).copied().collect();
            taken.extend(&kept);
            if assigned.is_empty() {
                assigned = core::mem::take(&mut kept);
            }
            let state = if kept.is_empty() {
                MemberState::Stable
            } else {
                MemberState::UnrevokedPartitions
            };
            let member_id = member.id;
            let value = Some(member.subscription);
            self.write(ConsumerRecord::Member { member_id: member_id.clone(), value });
            let value = Some(assigned.clone());
            self.write(ConsumerRecord::TargetMember { member_id: member_id.clone(), value });
            let current = CurrentAssignment {
                member_epoch: generation,
                previous_member_epoch: generation,
                state,
                assignment_epochs: assigned
                    .iter()
                    .chain(&kept)
                    .map(|at| (*at, generation))
                    .collect(),
                assigned,
                pending_revocation: kept,
            };
            self.write_current(cx, &member_id, current);
        }
        let value = GroupValue { group_epoch: generation, metadata_hash: 0 };
        self.write(ConsumerRecord::Group(Some(value)));
        self.write(ConsumerRecord::TargetEpoch(Some(generation)));
    }

    /// Whether nobody speaks KIP-848 any more, and the members can go on without.
    pub(crate) fn is_left_to_classic_members(&self, settings: &Settings) -> bool {
        let members = &self.state.members;
        let mut classic = Vec::new();
        for member in members.values() {
            let Some(member) = &member.classic else { return false };
            classic.push(member);
        }
        let Some(first) = classic.first() else { return false };
        settings.consumer.migration.downgrades()
            && members.len() <= settings.group_size_max
            && first.protocols.iter().any(|it| classic.iter().all(|other| other.speaks(&it.name)))
    }

    /// The classic group that this one becomes.
    pub(crate) fn to_classic<P: Probe>(&self, cx: &Context<'_, P>) -> ClassicGroup {
        let members = self.state.members.iter().filter_map(|(member_id, member)| {
            let assigned = self.state.current(member_id).assigned;
            to_moving(cx.embedded, cx.topics, member_id, member, &assigned)
        });
        let generation_id = GenerationId(self.state.group.group_epoch);
        let (id, members) = (self.id.clone(), members.collect());
        ClassicGroup::from_members(id, generation_id, members, cx.now, cx.embedded)
    }
}

/// A classic member as a consumer group knows it.
struct Moved {
    id: MemberId,
    subscription: Subscription,
    /// What the leader gave it; nothing in a generation that has no assignment yet.
    assigned: Partitions,
    /// What it said it owns when it joined.
    owned: Partitions,
}

impl Moved {
    fn new(
        embedded: EmbeddedProtocol,
        topics: &Topics,
        moving: MovingMember,
    ) -> Result<Self, &'static str> {
        let MovingMember { metadata, protocols } = moving;
        let spoken = (embedded.read_subscription)(&metadata.subscription);
        let spoken = spoken.ok_or("a subscription is not readable")?;
        let mut assigned = BTreeSet::new();
        if !metadata.assignment.is_empty() {
            let assignment = (embedded.read_assignment)(&metadata.assignment);
            let assignment = assignment.ok_or("an assignment is not readable")?;
            if assignment.has_user_data {
                return Err("its assignor keeps data of its own");
            }
            assigned = assignment.partitions;
        }
        let subscription = Subscription {
            instance_id: metadata.instance_id,
            rack_id: spoken.rack_id,
            client: Client { id: metadata.client_id, host: metadata.client_host },
            topic_names: spoken.topics,
            topic_regex: None,
            rebalance_timeout: metadata.rebalance_timeout,
            server_assignor: None,
            classic: Some(ClassicMember { session_timeout: metadata.session_timeout, protocols }),
        };
        Ok(Self {
            id: metadata.member_id,
            subscription,
            assigned: by_id(topics, &assigned),
            owned: by_id(topics, &spoken.owned),
        })
    }
}

fn to_moving(
    embedded: EmbeddedProtocol,
    topics: &Topics,
    member_id: &MemberId,
    member: &Subscription,
    assigned: &BTreeSet<TopicPartition>,
) -> Option<MovingMember> {
    let classic = member.classic.as_ref()?;
    let subscription =
        classic.protocols.first().map_or_else(|| Bytes::from([]), |it| it.metadata.clone());
    let version = (embedded.read_subscription)(&subscription).map_or(0, |it| it.version);
    let metadata = MemberMetadata {
        member_id: member_id.clone(),
        instance_id: member.instance_id.clone(),
        client_id: member.client.id.clone(),
        client_host: member.client.host.clone(),
        rebalance_timeout: member.rebalance_timeout,
        session_timeout: classic.session_timeout,
        subscription,
        assignment: (embedded.write_assignment)(version, &by_name(topics, assigned)),
    };
    Some(MovingMember { metadata, protocols: classic.protocols.clone() })
}
