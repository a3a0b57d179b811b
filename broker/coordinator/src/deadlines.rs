//! When the core wants to be stepped again, and why.
//!
//! Promises: at most one deadline per group and reason; due ones come out in time order, ties by
//! group and reason. Does not: read a clock.

use std::collections::{BTreeMap, BTreeSet};

use model::Instant;

use crate::{GroupId, MemberId};

/// What a deadline is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// The join phase of a rebalance ends.
    Join,
    /// Members that have not sent SyncGroup are removed.
    Sync,
    /// A member's session ends, or a member id that was handed out is forgotten.
    Session(MemberId),
    /// A consumer group may make its next target assignment.
    Assignment,
    /// A consumer group whose write was refused looks at the topics again.
    Topics,
    /// A member of a consumer group has not given up what was taken from it.
    Revocation(MemberId),
    /// A classic member of a consumer group has not joined again.
    MemberJoin(MemberId),
    /// A classic member of a consumer group has not sent SyncGroup.
    MemberSync(MemberId),
}

#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    at: BTreeMap<(GroupId, Reason), Instant>,
    queue: BTreeSet<(Instant, GroupId, Reason)>,
}

impl Deadlines {
    /// Sets or moves a deadline.
    pub(crate) fn set(&mut self, group: &GroupId, reason: Reason, at: Instant) {
        let key = (group.clone(), reason);
        if let Some(before) = self.at.insert(key.clone(), at) {
            self.queue.remove(&(before, key.0.clone(), key.1.clone()));
        }
        self.queue.insert((at, key.0, key.1));
    }

    /// Sets a deadline unless there is one.
    pub(crate) fn set_first(&mut self, group: &GroupId, reason: Reason, at: Instant) {
        if !self.at.contains_key(&(group.clone(), reason.clone())) {
            self.set(group, reason, at);
        }
    }

    pub(crate) fn cancel(&mut self, group: &GroupId, reason: Reason) {
        let key = (group.clone(), reason);
        if let Some(at) = self.at.remove(&key) {
            self.queue.remove(&(at, key.0, key.1));
        }
    }

    /// Cancels whatever the group waits for.
    pub(crate) fn cancel_group(&mut self, group: &GroupId) {
        let from = (group.clone(), Reason::Join);
        let of_group = self.at.range(from..).take_while(|((of, _), _)| of == group);
        let reasons: Vec<Reason> = of_group.map(|((_, reason), _)| reason.clone()).collect();
        for reason in reasons {
            self.cancel(group, reason);
        }
    }

    /// Takes the earliest deadline that is not after `now`.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(GroupId, Reason)> {
        if self.queue.first()?.0 > now {
            return None;
        }
        let (_, group, reason) = self.queue.pop_first()?;
        self.at.remove(&(group.clone(), reason.clone()));
        Some((group, reason))
    }

    pub(crate) fn first(&self) -> Option<Instant> {
        self.queue.first().map(|(at, ..)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_that_was_moved_is_due_once() {
        let group = GroupId::from("g");
        let mut deadlines = Deadlines::default();
        deadlines.set(&group, Reason::Join, Instant(5));
        deadlines.set(&group, Reason::Join, Instant(9));
        assert_eq!(deadlines.first(), Some(Instant(9)));
        assert_eq!(deadlines.pop_due(Instant(8)), None);
        assert_eq!(deadlines.pop_due(Instant(9)), Some((group, Reason::Join)));
        assert_eq!(deadlines.pop_due(Instant::FAR), None);
    }

    #[test]
    fn cancelling_a_group_leaves_its_neighbours() {
        let mut deadlines = Deadlines::default();
        for group in ["a", "b", "c"] {
            deadlines.set(&group.into(), Reason::Join, Instant(1));
            deadlines.set(&group.into(), Reason::Session("m".into()), Instant(2));
        }
        deadlines.cancel_group(&"b".into());
        let mut left = Vec::new();
        while let Some((group, _)) = deadlines.pop_due(Instant::FAR) {
            left.push(group.to_string());
        }
        assert_eq!(left, ["a", "c", "a", "c"]);
    }
}
