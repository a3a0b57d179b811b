//! A heartbeat of a member that joins or stays.
//!
//! Promises: a refused heartbeat changes nothing; a member in the wrong epoch is fenced.
//! Source: KIP-848, Kafka `GroupMetadataManager.consumerGroupHeartbeat`.

use core::time::Duration;

use model::{Bug, ErrorCode, Probe};

use super::group::ConsumerGroup;
use super::pattern::TopicPattern;
use super::record::{ConsumerRecord, CurrentAssignment, Partitions, Subscription};
use super::validate::is_part_of;
use super::{
    Assignor, ConsumerHeartbeat, ConsumerHeartbeatResponse, JOIN_EPOCH, LEAVE_EPOCH, Refusal,
    STATIC_LEAVE_EPOCH,
};
use crate::context::Context;
use crate::deadlines::Reason;
use crate::{InstanceId, MemberId};

/// Who speaks.
pub(super) enum Sender {
    Member,
    NewMember,
    /// A static member that takes the place of its earlier life.
    Replacing(MemberId),
}

/// What an admitted member says about itself.
pub(super) struct Entry<'a> {
    pub(super) sender: Sender,
    pub(super) member_id: &'a MemberId,
    pub(super) before: Option<Subscription>,
    pub(super) subscription: Subscription,
    /// Compiled, if no member has used it before.
    pub(super) pattern: Option<TopicPattern>,
    /// What it says it owns; `None` if it does not say.
    pub(super) owned: Option<&'a Partitions>,
}

impl ConsumerGroup {
    /// Takes a heartbeat that passed the checks that need no group.
    pub(crate) fn heartbeat<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        heartbeat: &ConsumerHeartbeat,
    ) -> Result<ConsumerHeartbeatResponse, Refusal> {
        if [LEAVE_EPOCH, STATIC_LEAVE_EPOCH].contains(&heartbeat.member_epoch) {
            return self.leave(cx, heartbeat);
        }
        let member_id = &heartbeat.member_id;
        let sender = self.admit(cx, heartbeat)?;
        let before = self.subscription_of(&sender, member_id);
        let subscription = updated(before.as_ref(), heartbeat);
        let pattern = match &subscription.topic_regex {
            Some(text) if !self.state.regexes.contains_key(text) => Some(compile(text)?),
            _ => None,
        };

        // Nothing is refused from here on.
        let owned = heartbeat.owned.as_ref();
        let entry = Entry { sender, member_id, before, subscription, pattern, owned };
        let changed = self.enter(cx, entry);

        let current = self.state.current(member_id);
        assert!(current.member_epoch > 0, "{member_id} is in the group without an epoch");
        let tell = changed || is_full(heartbeat);
        Ok(ConsumerHeartbeatResponse {
            member_id: member_id.clone(),
            member_epoch: current.member_epoch,
            heartbeat_interval: cx.settings.consumer.heartbeat_interval,
            assignment: tell.then_some(current.assigned),
        })
    }

    /// What was known of the sender.
    pub(super) fn subscription_of(
        &self,
        sender: &Sender,
        member_id: &MemberId,
    ) -> Option<Subscription> {
        match sender {
            Sender::Member => self.state.members.get(member_id).cloned(),
            Sender::Replacing(old) => self.state.members.get(old).cloned(),
            Sender::NewMember => None,
        }
    }

    /// Takes over what the member says, lets the epochs follow, and moves the member one step;
    /// returns whether its assignment changed.
    pub(super) fn enter<P: Probe>(&mut self, cx: &mut Context<'_, P>, entry: Entry<'_>) -> bool {
        let Entry { sender, member_id, before, subscription, pattern, owned } = entry;
        if let Sender::Replacing(old) = &sender {
            self.replace(cx, old, member_id);
        }
        let asks_for_other = before.as_ref().is_none_or(|before| {
            before.topic_names != subscription.topic_names
                || before.topic_regex != subscription.topic_regex
        });
        let changes_group = asks_for_other
            || before.as_ref().is_some_and(|it| it.server_assignor != subscription.server_assignor);
        if before.as_ref().is_some_and(|it| it.classic.is_some()) {
            cx.deadlines.cancel(&self.id, Reason::MemberJoin(member_id.clone()));
            cx.deadlines.cancel(&self.id, Reason::MemberSync(member_id.clone()));
        }
        let regex = subscription.topic_regex.clone();
        if self.state.members.get(member_id) != Some(&subscription) {
            let member_id = member_id.clone();
            self.write(ConsumerRecord::Member { member_id, value: Some(subscription) });
        }
        if let (Some(text), Some(pattern)) = (&regex, pattern) {
            self.add_pattern(cx, text, pattern);
        }
        if let Some(old) = before.and_then(|it| it.topic_regex) {
            self.drop_unused_pattern(&old);
        }
        if changes_group {
            self.bump_group_epoch(cx.topics);
        }
        self.assign_if_due(cx);
        self.extend_session(cx, member_id);
        self.reconcile(cx, member_id, owned, asks_for_other)
    }

    fn admit<P: Probe>(
        &self,
        cx: &Context<'_, P>,
        heartbeat: &ConsumerHeartbeat,
    ) -> Result<Sender, Refusal> {
        let member_id = &heartbeat.member_id;
        let joins = heartbeat.member_epoch == JOIN_EPOCH;
        let is_member = self.state.members.contains_key(member_id);
        if let Some(instance_id) = &heartbeat.instance_id {
            match self.state.instances.get(instance_id) {
                Some(holder) if joins => return self.admit_replacement(cx, holder, heartbeat),
                Some(holder) => self.check_instance(holder, instance_id, member_id)?,
                None if joins => {}
                None => return Err(unknown_instance(instance_id)),
            }
        }
        if is_member {
            self.check_epoch(heartbeat)?;
            return Ok(Sender::Member);
        }
        if !joins {
            return Err(unknown_member(member_id));
        }
        let size_max = cx.settings.consumer.group_size_max;
        if self.state.members.len() >= size_max {
            let message = format!("The consumer group has its maximum of {size_max} members.");
            return Err(Refusal::new(ErrorCode::GroupMaxSizeReached, message));
        }
        Ok(Sender::NewMember)
    }

    fn admit_replacement<P: Probe>(
        &self,
        cx: &Context<'_, P>,
        holder: &MemberId,
        heartbeat: &ConsumerHeartbeat,
    ) -> Result<Sender, Refusal> {
        if !self.state.is_away(holder) && !cx.probe.planted(Bug::StaticMemberNotFenced) {
            let message = format!("Member {holder} holds the instance id and has not left.");
            return Err(Refusal::new(ErrorCode::UnreleasedInstanceId, message));
        }
        if *holder != heartbeat.member_id && self.state.members.contains_key(&heartbeat.member_id) {
            let message = format!("Member {} is in the group already.", heartbeat.member_id);
            return Err(Refusal::new(ErrorCode::InvalidRequest, message));
        }
        Ok(Sender::Replacing(holder.clone()))
    }

    pub(super) fn check_instance(
        &self,
        holder: &MemberId,
        instance_id: &InstanceId,
        member_id: &MemberId,
    ) -> Result<(), Refusal> {
        if holder == member_id {
            return Ok(());
        }
        let message = format!("Instance id {instance_id} belongs to member {holder} now.");
        Err(Refusal::new(ErrorCode::FencedInstanceId, message))
    }

    /// A member that lost the answer which moved it to its epoch comes with the one before, and with
    /// nothing that it does not own.
    fn check_epoch(&self, heartbeat: &ConsumerHeartbeat) -> Result<(), Refusal> {
        let current = self.state.current(&heartbeat.member_id);
        let got = heartbeat.member_epoch;
        let lost_answer = got < current.member_epoch
            && got == current.previous_member_epoch
            && is_part_of(heartbeat.owned.as_ref(), &current.assigned);
        if got == current.member_epoch || lost_answer {
            return Ok(());
        }
        let message = format!(
            "The member is in epoch {}, not {got}. It must abandon all its partitions and rejoin.",
            current.member_epoch
        );
        Err(Refusal::new(ErrorCode::FencedMemberEpoch, message))
    }

    /// Hands everything of a static member's earlier life to its next one, which starts at epoch 0
    /// and with the partitions that were kept for it.
    fn replace<P: Probe>(&mut self, cx: &mut Context<'_, P>, old: &MemberId, new: &MemberId) {
        let target = self.state.targets.get(old).cloned();
        let current = CurrentAssignment {
            member_epoch: JOIN_EPOCH,
            previous_member_epoch: JOIN_EPOCH,
            ..self.state.current(old)
        };
        if old != new {
            let subscription = self.state.members.get(old).cloned();
            self.write_tombstones(cx, old);
            self.write(ConsumerRecord::Member { member_id: new.clone(), value: subscription });
            if target.is_some() {
                self.write(ConsumerRecord::TargetMember { member_id: new.clone(), value: target });
            }
        }
        self.write_current(cx, new, current);
    }
}

pub(super) fn unknown_member(member_id: &MemberId) -> Refusal {
    let message = format!("Member {member_id} is not a member of the group.");
    Refusal::new(ErrorCode::UnknownMemberId, message)
}

pub(super) fn unknown_instance(instance_id: &InstanceId) -> Refusal {
    let message = format!("No member of the group has instance id {instance_id}.");
    Refusal::new(ErrorCode::UnknownMemberId, message)
}

/// Everything that a member would say after an error or when it joins: it wants to hear all too.
fn is_full(heartbeat: &ConsumerHeartbeat) -> bool {
    let subscribes = heartbeat.topic_names.is_some() || heartbeat.topic_regex.is_some();
    heartbeat.member_epoch == JOIN_EPOCH
        || (heartbeat.rebalance_timeout.is_some() && subscribes && heartbeat.owned.is_some())
}

fn compile(pattern: &str) -> Result<TopicPattern, Refusal> {
    TopicPattern::new(pattern).map_err(|reason| {
        let message = format!("SubscribedTopicRegex `{pattern}` is not valid: {reason}.");
        Refusal::new(ErrorCode::InvalidRegularExpression, message)
    })
}

/// The subscription with what the heartbeat says over what was known.
fn updated(before: Option<&Subscription>, heartbeat: &ConsumerHeartbeat) -> Subscription {
    assert_ne!(heartbeat.member_epoch, STATIC_LEAVE_EPOCH, "leaving changes no subscription");
    let keep = |of: fn(&Subscription) -> Option<crate::Text>| before.and_then(of);
    let regex = heartbeat.topic_regex.clone().or_else(|| keep(|it| it.topic_regex.clone()));
    let named = heartbeat.server_assignor.as_ref().and_then(|it| Assignor::from_name(it));
    Subscription {
        instance_id: heartbeat
            .instance_id
            .clone()
            .or_else(|| before.and_then(|it| it.instance_id.clone())),
        rack_id: heartbeat.rack_id.clone().or_else(|| keep(|it| it.rack_id.clone())),
        client: heartbeat.client.clone(),
        topic_names: heartbeat
            .topic_names
            .clone()
            .or_else(|| before.map(|it| it.topic_names.clone()))
            .unwrap_or_default(),
        topic_regex: regex.filter(|it| !it.is_empty()),
        rebalance_timeout: heartbeat
            .rebalance_timeout
            .or_else(|| before.map(|it| it.rebalance_timeout))
            .unwrap_or(Duration::ZERO),
        server_assignor: named.or_else(|| before.and_then(|it| it.server_assignor)),
        classic: None,
    }
}
