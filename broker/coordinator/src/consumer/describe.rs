//! What ConsumerGroupDescribe, ListGroups and the metrics tell about a group.

use core::fmt;

use super::group::ConsumerGroup;
use super::record::{MemberState, Partitions, Subscription};
use super::{Assignor, STATIC_LEAVE_EPOCH};
use crate::MemberId;

/// Kafka's `ConsumerGroup.ConsumerGroupState`; a group without records is not there at all (Dead).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConsumerGroupState {
    Empty,
    /// The target assignment is older than the group epoch.
    Assigning,
    /// Some member has not reached the target assignment.
    Reconciling,
    Stable,
}

impl fmt::Display for ConsumerGroupState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Assigning => "Assigning",
            Self::Reconciling => "Reconciling",
            Self::Stable => "Stable",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerGroupDescription {
    pub state: ConsumerGroupState,
    pub group_epoch: i32,
    /// Group epoch of the target assignment.
    pub assignment_epoch: i32,
    pub assignor: Assignor,
    /// In member id order.
    pub members: Vec<ConsumerMemberDescription>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerMemberDescription {
    pub member_id: MemberId,
    /// -2 while a static member is away.
    pub member_epoch: i32,
    pub subscription: Subscription,
    pub assigned: Partitions,
    pub target: Partitions,
}

impl ConsumerGroup {
    pub(crate) fn group_state(&self) -> ConsumerGroupState {
        let state = &self.state;
        let target_epoch = state.target_epoch;
        if state.members.is_empty() {
            return ConsumerGroupState::Empty;
        }
        if target_epoch < state.group.group_epoch {
            return ConsumerGroupState::Assigning;
        }
        let reached = |member_id| {
            let current = state.current(member_id);
            current.state == MemberState::Stable
                && [target_epoch, STATIC_LEAVE_EPOCH].contains(&current.member_epoch)
        };
        if state.members.keys().all(reached) {
            ConsumerGroupState::Stable
        } else {
            ConsumerGroupState::Reconciling
        }
    }

    pub(crate) fn describe(&self) -> ConsumerGroupDescription {
        let members = self.state.members.iter().map(|(member_id, subscription)| {
            let current = self.state.current(member_id);
            ConsumerMemberDescription {
                member_id: member_id.clone(),
                member_epoch: current.member_epoch,
                subscription: subscription.clone(),
                assigned: current.assigned,
                target: self.state.targets.get(member_id).cloned().unwrap_or_default(),
            }
        });
        ConsumerGroupDescription {
            state: self.group_state(),
            group_epoch: self.state.group.group_epoch,
            assignment_epoch: self.state.target_epoch,
            assignor: self.state.preferred_assignor(),
            members: members.collect(),
        }
    }
}
