//! Members that go: by themselves, for a while, or because they were silent for too long.
//!
//! Promises: what a removed member owned is free at once; a static member that leaves for a while
//! keeps its assignment until it is back or its session ends.
//! Source: KIP-848, Kafka `GroupMetadataManager.consumerGroupLeave`, `consumerGroupFenceMember`.

use super::group::{Context, Group};
use super::heartbeat::{unknown_instance, unknown_member};
use super::record::{CurrentAssignment, MemberState, Partitions, Record};
use super::{Heartbeat, HeartbeatResponse, Refusal, STATIC_LEAVE_EPOCH};
use crate::MemberId;

impl Group {
    pub(super) fn leave(
        &mut self,
        context: Context<'_>,
        heartbeat: &Heartbeat,
    ) -> Result<HeartbeatResponse, Refusal> {
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
            self.step_away(context, member_id);
        } else {
            self.remove(context, core::slice::from_ref(member_id));
            self.assign_if_due(context);
        }
        Ok(HeartbeatResponse {
            member_id: member_id.clone(),
            member_epoch: heartbeat.member_epoch,
            heartbeat_interval: context.settings.heartbeat_interval,
            assignment: None,
        })
    }

    /// A consumer that has closed owns nothing, so what it was asked to give up is given up. Its
    /// session runs on.
    fn step_away(&mut self, context: Context<'_>, member_id: &MemberId) {
        let current = self.state.current(member_id);
        let away = CurrentAssignment {
            member_epoch: STATIC_LEAVE_EPOCH,
            previous_member_epoch: current.member_epoch,
            state: MemberState::Stable,
            pending_revocation: Partitions::new(),
            ..current
        };
        self.write_current(member_id, away);
        self.time_revocation(context, member_id);
    }

    /// Removes members together: one new group epoch, one new assignment.
    pub(super) fn remove(&mut self, context: Context<'_>, member_ids: &[MemberId]) {
        if member_ids.is_empty() {
            return;
        }
        for member_id in member_ids {
            let pattern = self.state.members[member_id].topic_regex.clone();
            self.write_tombstones(member_id);
            if let Some(pattern) = pattern {
                self.drop_unused_pattern(&pattern);
            }
        }
        self.bump_group_epoch(context);
    }

    /// Forgets a member, its session too.
    pub(super) fn write_tombstones(&mut self, member_id: &MemberId) {
        self.sessions.remove(member_id);
        if self.state.currents.contains_key(member_id) {
            self.write(Record::CurrentMember { member_id: member_id.clone(), value: None });
        }
        if self.state.targets.contains_key(member_id) {
            self.write(Record::TargetMember { member_id: member_id.clone(), value: None });
        }
        self.write(Record::Member { member_id: member_id.clone(), value: None });
    }

    /// Forgets a group without members.
    pub(super) fn delete(&mut self) {
        assert!(self.state.members.is_empty(), "only an empty group is deleted");
        self.write(Record::TargetEpoch(None));
        self.write(Record::Group(None));
    }
}
