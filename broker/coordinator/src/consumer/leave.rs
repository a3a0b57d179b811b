//! Members that go: by themselves, for a while, or because they were silent for too long.
//!
//! Promises: what a removed member owned is free at once; a static member that leaves for a while
//! keeps its assignment until it is back or its session ends.
//! Source: KIP-848, Kafka `GroupMetadataManager.consumerGroupLeave`, `consumerGroupFenceMember`.

use model::Probe;

use super::group::ConsumerGroup;
use super::heartbeat::{unknown_instance, unknown_member};
use super::record::{ConsumerRecord, CurrentAssignment, MemberState, Partitions};
use super::{
    ConsumerHeartbeat, ConsumerHeartbeatResponse, JOIN_EPOCH, Refusal, STATIC_LEAVE_EPOCH,
};
use crate::MemberId;
use crate::context::Context;
use crate::deadlines::Reason;

impl ConsumerGroup {
    pub(super) fn leave<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        heartbeat: &ConsumerHeartbeat,
    ) -> Result<ConsumerHeartbeatResponse, Refusal> {
        let member_id = &heartbeat.member_id;
        if let Some(instance_id) = &heartbeat.instance_id {
            let holder = self.state.instances.get(instance_id);
            let holder = holder.ok_or_else(|| unknown_instance(instance_id))?;
            self.check_instance(holder, instance_id, member_id)?;
        }
        if !self.state.members.contains_key(member_id) {
            return Err(unknown_member(member_id));
        }
        if heartbeat.member_epoch == STATIC_LEAVE_EPOCH {
            self.step_away(cx, member_id);
        } else {
            self.remove(cx, core::slice::from_ref(member_id));
            self.assign_if_due(cx);
        }
        Ok(ConsumerHeartbeatResponse {
            member_id: member_id.clone(),
            member_epoch: heartbeat.member_epoch,
            heartbeat_interval: cx.settings.consumer.heartbeat_interval,
            assignment: None,
        })
    }

    /// A consumer that has closed owns nothing, so what it was asked to give up is given up. Its
    /// session runs on.
    fn step_away<P: Probe>(&mut self, cx: &mut Context<'_, P>, member_id: &MemberId) {
        let current = self.state.current(member_id);
        let away = CurrentAssignment {
            member_epoch: STATIC_LEAVE_EPOCH,
            previous_member_epoch: current.member_epoch,
            state: MemberState::Stable,
            pending_revocation: Partitions::new(),
            // Whoever comes back under its name owns them from the start.
            assignment_epochs: current.assigned.iter().map(|at| (*at, JOIN_EPOCH)).collect(),
            ..current
        };
        self.write_current(cx, member_id, away);
        self.time_revocation(cx, member_id);
    }

    /// Removes members together: one new group epoch, one new assignment.
    pub(super) fn remove<P: Probe>(&mut self, cx: &mut Context<'_, P>, member_ids: &[MemberId]) {
        if member_ids.is_empty() {
            return;
        }
        for member_id in member_ids {
            let pattern = self.state.members[member_id].topic_regex.clone();
            self.write_tombstones(cx, member_id);
            if let Some(pattern) = pattern {
                self.drop_unused_pattern(&pattern);
            }
        }
        self.bump_group_epoch(cx.topics);
    }

    /// Forgets a member, its deadlines too.
    pub(super) fn write_tombstones<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        member_id: &MemberId,
    ) {
        let reasons = [Reason::Session, Reason::Revocation, Reason::MemberJoin, Reason::MemberSync];
        for reason in reasons {
            cx.deadlines.cancel(&self.id, reason(member_id.clone()));
        }
        if self.state.currents.contains_key(member_id) {
            self.write(ConsumerRecord::CurrentMember { member_id: member_id.clone(), value: None });
        }
        if self.state.targets.contains_key(member_id) {
            self.write(ConsumerRecord::TargetMember { member_id: member_id.clone(), value: None });
        }
        self.write(ConsumerRecord::Member { member_id: member_id.clone(), value: None });
    }
}
