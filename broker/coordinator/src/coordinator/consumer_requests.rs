//! Requests of KIP-848, and what becomes of a consumer group after each change.
//!
//! Promises: a refused heartbeat changes nothing, not even the kind of a group; an answer leaves only
//! after the records that it rests on are durable.
//! Does not: decide about epochs and assignments (`consumer`).

use std::collections::{BTreeMap, BTreeSet};

use model::{ErrorCode, Probe};

use super::{Coordinator, Phase, Step};
use crate::classic::{ClassicGroup, GroupState};
use crate::consumer::{ConsumerGroup, ConsumerHeartbeat, JOIN_EPOCH, Refusal, validate};
use crate::context::Context;
use crate::group::Group;
use crate::writes::{Then, Undo};
use crate::{Effect, GroupId, Record, Response, Ticket, Token, TopicName};

impl Coordinator {
    pub(super) fn consumer_heartbeat<P: Probe>(
        &mut self,
        step: &mut Step<'_, P>,
        token: Token,
        heartbeat: &ConsumerHeartbeat,
    ) {
        self.stats.consumer_heartbeats += 1;
        let checked = validate(heartbeat, &self.settings.consumer);
        if let Err(refusal) = checked.and_then(|()| self.check_group(heartbeat)) {
            let response = Response::ConsumerGroupHeartbeat(Err(refusal));
            step.effects.push(Effect::Reply { token, response });
            return;
        }
        let (groups, mut cx) = self.split(step);
        let id = &heartbeat.group;
        let (result, ticket) = match groups.get_mut(id) {
            Some(Group::Consumer(group)) => {
                let result = group.heartbeat(&mut cx, heartbeat);
                (result, settle(groups, &mut cx, id))
            }
            None => {
                let mut group = ConsumerGroup::new(id.clone());
                let result = group.heartbeat(&mut cx, heartbeat);
                if result.is_ok() {
                    groups.insert(id.clone(), Group::Consumer(group));
                }
                (result, settle(groups, &mut cx, id))
            }
            Some(Group::Classic(_)) => upgrade(groups, &mut cx, heartbeat),
        };
        cx.reply_after(ticket, token, Response::ConsumerGroupHeartbeat(result));
    }

    /// Whether there is, or may be, a consumer group of this name.
    fn check_group(&self, heartbeat: &ConsumerHeartbeat) -> Result<(), Refusal> {
        let id = &heartbeat.group;
        let joins = heartbeat.member_epoch == JOIN_EPOCH;
        match self.groups.get(id) {
            Some(Group::Consumer(_)) => Ok(()),
            Some(group @ Group::Classic(_)) if group.is_dead() => {
                let message = "The group is being deleted.";
                Err(Refusal::new(ErrorCode::CoordinatorNotAvailable, message))
            }
            Some(Group::Classic(_)) if joins => Ok(()),
            Some(Group::Classic(_)) => Err(not_a_consumer_group(id)),
            None if !joins => Err(unknown_group(id)),
            None if self.groups.len() >= self.settings.groups_max => {
                let message = "There are too many groups.";
                Err(Refusal::new(ErrorCode::CoordinatorNotAvailable, message))
            }
            None => Ok(()),
        }
    }

    pub(super) fn describe_consumer_group<P: Probe>(
        &mut self,
        step: &mut Step<'_, P>,
        token: Token,
        id: &GroupId,
    ) {
        let (groups, mut cx) = self.split(step);
        let (described, ticket) = match groups.get(id) {
            Some(Group::Consumer(group)) => (Ok(group.describe()), group.last_write()),
            Some(Group::Classic(_)) => (Err(not_a_consumer_group(id)), Ticket::default()),
            None => (Err(unknown_group(id)), Ticket::default()),
        };
        cx.reply_after(ticket, token, Response::ConsumerGroupDescribe(described));
    }

    pub(super) fn topics_changed<P: Probe>(
        &mut self,
        step: &mut Step<'_, P>,
        names: &BTreeSet<TopicName>,
    ) {
        if self.phase != Phase::Active {
            return;
        }
        let (groups, mut cx) = self.split(step);
        for group in groups.values_mut() {
            if let Group::Consumer(group) = group {
                group.topics_changed(&mut cx, names);
                group.flush(&mut cx);
            }
        }
    }
}

/// Hands a consumer group's changes to the log, together with the group's end or its way back to the
/// classic protocol if they bring that about. The ticket of all that was changed so far.
pub(super) fn settle<P: Probe>(
    groups: &mut BTreeMap<GroupId, Group>,
    cx: &mut Context<'_, P>,
    id: &GroupId,
) -> Ticket {
    let Some(Group::Consumer(group)) = groups.get_mut(id) else { return Ticket::default() };
    if group.is_left_to_classic_members(cx.settings) {
        return downgrade(groups, cx, id);
    }
    group.flush(cx);
    let ticket = group.last_write();
    if group.is_blank() {
        cx.deadlines.cancel_group(id);
        groups.remove(id);
    }
    ticket
}

/// The first member of KIP-848 joins a classic group.
///
/// Source: Kafka `GroupMetadataManager.validateOnlineUpgrade`, `convertToConsumerGroup`,
/// `maybeDeleteEmptyClassicGroup`.
fn upgrade<P: Probe>(
    groups: &mut BTreeMap<GroupId, Group>,
    cx: &mut Context<'_, P>,
    heartbeat: &ConsumerHeartbeat,
) -> (Result<crate::consumer::ConsumerHeartbeatResponse, Refusal>, Ticket) {
    let id = &heartbeat.group;
    let Some(Group::Classic(classic)) = groups.get_mut(id) else {
        unreachable!("the caller has seen it")
    };
    let consumer = if classic.is(GroupState::Empty) {
        Ok(ConsumerGroup::new(id.clone()))
    } else {
        ConsumerGroup::from_classic(cx, classic)
    };
    let joined = consumer.and_then(|mut group| {
        let response = group.heartbeat(cx, heartbeat)?;
        Ok((group, response))
    });
    let (mut group, response) = match joined {
        Ok(joined) => joined,
        Err(refusal) => return (Err(refusal), Ticket::default()),
    };
    for (token, response) in classic.take_waiters(ErrorCode::RebalanceInProgress) {
        cx.reply(token, response);
    }
    cx.deadlines.cancel_group(id);
    group.resume(cx);
    let mut records = vec![Record::GroupMetadata { group: id.clone(), value: None }];
    records.extend(group.take_changes().0);
    let before = groups.remove(id).expect("it was just there");
    let undo = Undo::Replaced { group: id.clone(), before: Box::new(before) };
    let ticket = cx.write_undoable(records, Then::Nothing, Some(undo));
    group.set_last_write(ticket);
    groups.insert(id.clone(), Group::Consumer(group));
    (Ok(response), ticket)
}

/// The last member of KIP-848 is gone, and classic ones are left.
///
/// Source: Kafka `GroupMetadataManager.convertToClassicGroup`.
fn downgrade<P: Probe>(
    groups: &mut BTreeMap<GroupId, Group>,
    cx: &mut Context<'_, P>,
    id: &GroupId,
) -> Ticket {
    let Some(Group::Consumer(mut group)) = groups.remove(id) else {
        unreachable!("the caller has seen it")
    };
    let mut classic: ClassicGroup = group.to_classic(cx);
    let tombstones = group.tombstones();
    let (mut records, before) = group.take_changes();
    records.extend(tombstones);
    records.push(classic.to_record(None));
    group.revert(&before);
    let undo = Undo::Replaced { group: id.clone(), before: Box::new(Group::Consumer(group)) };
    let ticket = cx.write_undoable(records, Then::Nothing, Some(undo));
    cx.deadlines.cancel_group(id);
    classic.rebalance_after_downgrade(cx);
    groups.insert(id.clone(), Group::Classic(classic));
    ticket
}

fn unknown_group(id: &GroupId) -> Refusal {
    Refusal::new(ErrorCode::GroupIdNotFound, format!("Group {id} not found."))
}

fn not_a_consumer_group(id: &GroupId) -> Refusal {
    Refusal::new(ErrorCode::GroupIdNotFound, format!("Group {id} is not a consumer group."))
}
