//! One member's next step towards its target assignment.
//!
//! Promises: a member enters a new epoch only after it has given up what the target takes from it;
//! it is given only partitions that nobody owns.
//! Does not: write, or look at other members (the caller says what is free).
//! Source: KIP-848, Kafka `CurrentAssignmentBuilder`.

use std::collections::BTreeSet;

use model::{TopicId, TopicPartition};

use super::record::{CurrentAssignment, MemberState, Partitions};

pub(super) struct Reconciliation<'a> {
    pub(super) current: &'a CurrentAssignment,
    pub(super) target_epoch: i32,
    pub(super) target: &'a Partitions,
    /// Existing topics that the member subscribes to at this moment.
    pub(super) subscribed: &'a BTreeSet<TopicId>,
    /// What the member says it owns; `None` when this heartbeat does not say.
    pub(super) owned: Option<&'a Partitions>,
    /// Whether the subscription has just changed, and partitions must go before the target does.
    pub(super) subscription_changed: bool,
}

impl Reconciliation<'_> {
    /// The member's next state; the current one when it cannot move.
    /// `is_unowned` says whether no member at all owns a partition.
    pub(super) fn next(&self, is_unowned: impl Fn(&TopicPartition) -> bool) -> CurrentAssignment {
        match self.current.state {
            MemberState::Stable if self.current.member_epoch == self.target_epoch => {
                if self.subscription_changed {
                    self.drop_unsubscribed()
                } else {
                    self.current.clone()
                }
            }
            MemberState::UnrevokedPartitions
                if self.still_owns(&self.current.pending_revocation) =>
            {
                if self.subscription_changed {
                    self.drop_unsubscribed()
                } else {
                    self.current.clone()
                }
            }
            MemberState::Stable
            | MemberState::UnrevokedPartitions
            | MemberState::UnreleasedPartitions => self.advance(is_unowned),
        }
    }

    /// A heartbeat that says nothing proves nothing.
    fn still_owns(&self, revoked: &Partitions) -> bool {
        self.owned.is_none_or(|owned| !owned.is_disjoint(revoked))
    }

    fn is_subscribed(&self, partition: &TopicPartition) -> bool {
        self.subscribed.contains(&partition.topic)
    }

    fn advance(&self, is_unowned: impl Fn(&TopicPartition) -> bool) -> CurrentAssignment {
        let target: Partitions =
            self.target.iter().filter(|it| self.is_subscribed(it)).copied().collect();
        let (kept, revoked): (Partitions, Partitions) =
            self.current.assigned.iter().partition(|it| target.contains(it));
        if !revoked.is_empty() && self.still_owns(&revoked) {
            return self.entered(
                self.current.member_epoch,
                MemberState::UnrevokedPartitions,
                kept,
                revoked,
            );
        }
        // What it had to give up and has given up is free for itself too.
        let is_free =
            |it: &TopicPartition| is_unowned(it) || self.current.pending_revocation.contains(it);
        let (gained, missing): (Partitions, Partitions) =
            target.difference(&kept).copied().partition(is_free);
        let state = if missing.is_empty() {
            MemberState::Stable
        } else {
            MemberState::UnreleasedPartitions
        };
        let assigned = kept.union(&gained).copied().collect();
        self.entered(self.target_epoch, state, assigned, Partitions::new())
    }

    /// Asks for the partitions of topics that were dropped from the subscription, without waiting
    /// for the next target assignment.
    fn drop_unsubscribed(&self) -> CurrentAssignment {
        let (kept, dropped): (Partitions, Partitions) =
            self.current.assigned.iter().partition(|it| self.is_subscribed(it));
        if dropped.is_empty() {
            return self.current.clone();
        }
        let revoked: Partitions =
            dropped.union(&self.current.pending_revocation).copied().collect();
        let epoch = self.current.member_epoch;
        if self.still_owns(&revoked) {
            return self.entered(epoch, MemberState::UnrevokedPartitions, kept, revoked);
        }
        self.entered(epoch, self.current.state, kept, Partitions::new())
    }

    /// The current assignment itself when nothing changes, so that nothing is written either.
    fn entered(
        &self,
        member_epoch: i32,
        state: MemberState,
        assigned: Partitions,
        pending_revocation: Partitions,
    ) -> CurrentAssignment {
        let current = self.current;
        if (member_epoch, state) == (current.member_epoch, current.state)
            && assigned == current.assigned
            && pending_revocation == current.pending_revocation
        {
            return current.clone();
        }
        let previous_member_epoch = current.member_epoch;
        let epoch_of = |at: &TopicPartition| {
            // What was given up and comes back is given anew.
            let kept = current.assigned.contains(at) || pending_revocation.contains(at);
            let before = current.assignment_epoch(at).filter(|_| kept);
            (*at, before.unwrap_or(member_epoch))
        };
        let assignment_epochs = assigned.iter().chain(&pending_revocation).map(epoch_of).collect();
        CurrentAssignment {
            member_epoch,
            previous_member_epoch,
            state,
            assigned,
            pending_revocation,
            assignment_epochs,
        }
    }
}
