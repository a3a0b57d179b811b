//! Members of a consumer group that speak the classic protocol.
//!
//! Promises: the coordinator divides the work for them too, so that none of them leads; a member
//! that has to move on is told by its heartbeat to join again, and joins and syncs within its
//! rebalance timeout or is removed.
//! Does not: begin or end the time in which both protocols meet in a group (`migration`).
//! Source: KIP-848 ("Online Migration"), Kafka `GroupMetadataManager.classicGroupJoinToConsumerGroup`,
//! `classicGroupSyncToConsumerGroup`, `classicGroupHeartbeatToConsumerGroup`,
//! `classicGroupLeaveToConsumerGroup`.

use std::collections::BTreeSet;

use model::{ErrorCode, Probe, TopicPartition};

use super::group::ConsumerGroup;
use super::heartbeat::{Entry, Sender};
use super::record::{ClassicMember, MemberState, Partitions, Subscription};
use super::topics::Topics;
use crate::context::Context;
use crate::deadlines::Reason;
use crate::embedded::CONSUMER;
use crate::request::{JoinRefusal, MemberIdRequired};
use crate::{
    EmbeddedSubscription, GenerationId, JoinRequest, JoinResponse, LeaveRequest, LeaveResponse,
    LeavingMember, MemberId, MemberIdentity, NamedPartition, Protocol, SyncRequest, SyncResponse,
    Text,
};

impl ConsumerGroup {
    /// A classic member joins, or joins again to take its next step.
    pub(crate) fn join_classic<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        request: &JoinRequest,
    ) -> Result<JoinResponse, JoinRefusal> {
        let refuse = |error| JoinRefusal { error, member_id: request.member_id.clone() };
        let sender = self.admit_classic(cx, request).map_err(refuse)?;
        let spoken = self.check_protocols(cx, request).map_err(refuse)?;
        let prefix = request.instance_id.as_ref().map_or(&*request.client.id, |it| it.as_str());
        let random = || MemberId::from_random(prefix, request.random);
        let member_id = request.member_id.clone().unwrap_or_else(random);
        let named = request.member_id.is_some() || request.instance_id.is_some();
        if !named && request.member_id_required == MemberIdRequired::Yes {
            let error = ErrorCode::MemberIdRequired;
            return Err(JoinRefusal { error, member_id: Some(member_id) });
        }

        // Nothing is refused from here on.
        let before = self.subscription_of(&sender, &member_id);
        let subscription = Subscription {
            instance_id: request.instance_id.clone(),
            rack_id: spoken.rack_id,
            client: request.client.clone(),
            topic_names: spoken.topics,
            topic_regex: None,
            rebalance_timeout: request.rebalance_timeout,
            server_assignor: None,
            classic: Some(ClassicMember {
                session_timeout: request.session_timeout,
                protocols: request.protocols.clone(),
            }),
        };
        let owned = &by_id(cx.topics, &spoken.owned);
        let (member_id, owned) = (&member_id, Some(owned));
        self.enter(cx, Entry { sender, member_id, before, subscription, pattern: None, owned });
        let sync_by = cx.now.mono + request.rebalance_timeout;
        cx.deadlines.cancel(&self.id, Reason::MemberJoin(member_id.clone()));
        cx.deadlines.set(&self.id, Reason::MemberSync(member_id.clone()), sync_by);
        Ok(JoinResponse {
            generation_id: GenerationId(self.state.current(member_id).member_epoch),
            protocol_type: Text::from(CONSUMER),
            protocol: request.protocols[0].name.clone(),
            leader: MemberId::from(""),
            member_id: member_id.clone(),
            skip_assignment: false,
            members: Vec::new(),
        })
    }

    /// Tells a member what it owns in the generation that it has joined.
    pub(crate) fn sync_classic<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        request: &SyncRequest,
    ) -> Result<SyncResponse, ErrorCode> {
        let member_id = &request.from.member_id;
        let classic = self.check_classic(&request.from)?;
        let protocol = classic.protocols.first().ok_or(ErrorCode::InconsistentGroupProtocol)?;
        let differs = |got: &Option<Text>, is: &str| got.as_ref().is_some_and(|it| **it != *is);
        if differs(&request.protocol_type, CONSUMER) || differs(&request.protocol, &protocol.name) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        let current = self.state.current(member_id);
        // One that still has partitions to give up has joined already: it learns which, first.
        if current.member_epoch < self.state.group.group_epoch
            && current.state != MemberState::UnrevokedPartitions
        {
            self.expect_join(cx, member_id);
            return Err(ErrorCode::RebalanceInProgress);
        }
        cx.deadlines.cancel(&self.id, Reason::MemberSync(member_id.clone()));
        self.extend_session(cx, member_id);
        let spoken = (cx.embedded.read_subscription)(&protocol.metadata);
        let version = spoken.map_or(0, |it| it.version);
        let assigned = by_name(cx.topics, &current.assigned);
        Ok(SyncResponse {
            protocol_type: Text::from(CONSUMER),
            protocol: protocol.name.clone(),
            assignment: (cx.embedded.write_assignment)(version, &assigned),
        })
    }

    /// Keeps a classic member's session alive and tells it whether to join again.
    pub(crate) fn heartbeat_classic<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        from: &MemberIdentity,
    ) -> Result<(), ErrorCode> {
        self.check_classic(from)?;
        self.extend_session(cx, &from.member_id);
        let current = self.state.current(&from.member_id);
        let is_behind = current.member_epoch < self.state.group.group_epoch;
        let moves_on = match current.state {
            MemberState::Stable => false,
            MemberState::UnrevokedPartitions => true,
            MemberState::UnreleasedPartitions => self.is_released(cx.topics, &from.member_id),
        };
        if is_behind || moves_on {
            self.expect_join(cx, &from.member_id);
            return Err(ErrorCode::RebalanceInProgress);
        }
        Ok(())
    }

    /// Removes members, each with its own answer; an administrator may remove any static member.
    pub(crate) fn leave_classic<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        request: LeaveRequest,
    ) -> LeaveResponse {
        let mut left = BTreeSet::new();
        let mut members = Vec::new();
        for leaving in request.members {
            let found = self.find_leaving(&leaving);
            let error = found.as_ref().err().copied().unwrap_or(ErrorCode::None);
            left.extend(found);
            members.push((leaving, error));
        }
        self.remove(cx, &left.into_iter().collect::<Vec<_>>());
        self.assign_if_due(cx);
        LeaveResponse { members }
    }

    fn admit_classic<P: Probe>(
        &self,
        cx: &Context<'_, P>,
        request: &JoinRequest,
    ) -> Result<Sender, ErrorCode> {
        let known = request.member_id.as_ref().filter(|it| self.state.members.contains_key(it));
        if let Some(instance_id) = &request.instance_id {
            match (self.state.instances.get(instance_id), &request.member_id) {
                // A classic client that starts again does not say goodbye first.
                (Some(holder), None) => return Ok(Sender::Replacing(holder.clone())),
                (Some(holder), Some(member_id)) if holder == member_id => {
                    return Ok(Sender::Member);
                }
                (Some(_), Some(_)) => return Err(ErrorCode::FencedInstanceId),
                (None, Some(_)) => return Err(ErrorCode::UnknownMemberId),
                (None, None) => {}
            }
        }
        if known.is_some() {
            return Ok(Sender::Member);
        }
        if self.state.members.len() >= cx.settings.consumer.group_size_max {
            return Err(ErrorCode::GroupMaxSizeReached);
        }
        Ok(Sender::NewMember)
    }

    /// A classic member must share a protocol with the other classic ones, so that they can go on
    /// among themselves; what it subscribes to is in its favourite one.
    fn check_protocols<P: Probe>(
        &self,
        cx: &Context<'_, P>,
        request: &JoinRequest,
    ) -> Result<EmbeddedSubscription, ErrorCode> {
        let favourite = request.protocols.first().ok_or(ErrorCode::InconsistentGroupProtocol)?;
        let others: Vec<&ClassicMember> =
            self.state.members.values().filter_map(|it| it.classic.as_ref()).collect();
        let shared = |protocol: &Protocol| others.iter().all(|it| it.speaks(&protocol.name));
        if &*request.protocol_type != CONSUMER || !request.protocols.iter().any(shared) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        let bytes = request.protocols.iter().map(|it| it.name.len() + it.metadata.len());
        if bytes.sum::<usize>() > cx.settings.consumer.member_bytes_max {
            return Err(ErrorCode::GroupMaxSizeReached);
        }
        let spoken = (cx.embedded.read_subscription)(&favourite.metadata);
        spoken.ok_or(ErrorCode::InconsistentGroupProtocol)
    }

    fn check_classic(&self, from: &MemberIdentity) -> Result<&ClassicMember, ErrorCode> {
        if let Some(instance_id) = &from.instance_id {
            match self.state.instances.get(instance_id) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(holder) if *holder != from.member_id => {
                    return Err(ErrorCode::FencedInstanceId);
                }
                Some(_) => {}
            }
        }
        let member = self.state.members.get(&from.member_id).ok_or(ErrorCode::UnknownMemberId)?;
        let classic = member.classic.as_ref().ok_or(ErrorCode::UnknownMemberId)?;
        if from.generation_id.0 != self.state.current(&from.member_id).member_epoch {
            return Err(ErrorCode::IllegalGeneration);
        }
        Ok(classic)
    }

    fn find_leaving(&self, leaving: &LeavingMember) -> Result<MemberId, ErrorCode> {
        let holder = match &leaving.instance_id {
            Some(instance_id) => {
                Some(self.state.instances.get(instance_id).ok_or(ErrorCode::UnknownMemberId)?)
            }
            None => None,
        };
        let Some(member_id) = &leaving.member_id else {
            return holder.cloned().ok_or(ErrorCode::UnknownMemberId);
        };
        if holder.is_some_and(|it| it != member_id) {
            return Err(ErrorCode::FencedInstanceId);
        }
        let member = self.state.members.get(member_id).ok_or(ErrorCode::UnknownMemberId)?;
        member.classic.as_ref().ok_or(ErrorCode::UnknownMemberId)?;
        Ok(member_id.clone())
    }

    /// The member was told to join again.
    fn expect_join<P: Probe>(&self, cx: &mut Context<'_, P>, member_id: &MemberId) {
        let timeout = self.state.members[member_id].rebalance_timeout;
        let reason = Reason::MemberJoin(member_id.clone());
        cx.deadlines.set_first(&self.id, reason, cx.now.mono + timeout);
    }

    /// Whether others have given up all that the member waits for.
    fn is_released(&self, topics: &Topics, member_id: &MemberId) -> bool {
        let subscribed = self.state.subscribed_ids(&self.state.members[member_id], topics);
        let target = self.state.targets.get(member_id).into_iter().flatten();
        let mut wanted = target.filter(|it| subscribed.contains(&it.topic));
        wanted.all(|it| self.state.owners.get(it).is_none_or(|owner| owner == member_id))
    }
}

impl ClassicMember {
    pub(super) fn speaks(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|it| &*it.name == protocol)
    }
}

/// Partitions of existing topics.
pub(super) fn by_id(topics: &Topics, partitions: &BTreeSet<NamedPartition>) -> Partitions {
    let existing = partitions.iter().filter_map(|it| {
        let topic = topics.by_name(&it.topic)?;
        Some(TopicPartition { topic: topic.id, partition: it.partition })
    });
    existing.collect()
}

/// Partitions of existing topics.
pub(super) fn by_name(topics: &Topics, partitions: &Partitions) -> BTreeSet<NamedPartition> {
    let existing = partitions.iter().filter_map(|it| {
        let topic = topics.name(it.topic)?.clone();
        Some(NamedPartition { topic, partition: it.partition })
    });
    existing.collect()
}
