//! C9: a partition has one owner, old members are fenced, committed offsets do not go back.
//!
//! A member that was told of its partitions owns them until it says that it gave them up. Two owners are
//! a violation when they are of one generation, and also when the coordinator goes on to accept the
//! first after the second was told: a member that lost its session may believe in the past for a while,
//! but then its heartbeats fail. An acknowledged commit is what later answers tell, through crashes of
//! the broker too, until a later commit says otherwise.
//! Sources: simulator.md section 10; KIP-345 (static members), KIP-848, KIP-1251 (older epochs).
//!
//! Reading order: `group` (who owns what), `lives` (static members), `commits` (what may be committed).

mod commits;
mod group;
mod lives;

use std::collections::{BTreeMap, BTreeSet};

use model::TopicPartition;

use self::group::{Group, Told};
use super::event::NodeChange;
use super::group_facts::{CommitOutcome, GroupChange, GroupFact, GroupProtocol};
use super::{Checker, Event, Fact, Violation};

/// After a start a node may take up the groups a second time, until so long after it.
const TAKES_UP_NS: u64 = 1_000_000_000;
const NAME: &str = "c9-groups";

#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: BTreeMap<String, Group>,
    deleted: BTreeSet<model::TopicId>,
    /// When the node was started last.
    booted_ns: u64,
    evaluations: u64,
}

impl Checker for Groups {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        match &event.fact {
            Fact::TopicDeleted { topic } => {
                self.deleted.insert(*topic);
                Ok(())
            }
            Fact::Node { change: NodeChange::Booted, .. } => {
                self.booted_ns = event.at_ns;
                self.groups.values_mut().for_each(|group| group.may_be_loading = true);
                Ok(())
            }
            Fact::Group(fact) => self.check_group(event.at_ns, fact),
            _ => Ok(()),
        }
    }

    fn evaluations(&self) -> u64 {
        self.evaluations
    }
}

impl Groups {
    fn check_group(&mut self, at_ns: u64, fact: &GroupFact) -> Result<(), Violation> {
        let group = self.groups.entry(fact.group.clone()).or_default();
        let place = place_of(&fact.change);
        if place.is_some_and(|at| self.deleted.contains(&at.topic)) {
            return Ok(());
        }
        if asked_of_a_loaded_group(&fact.change)
            .is_some_and(|invoked_ns| invoked_ns >= self.booted_ns + TAKES_UP_NS)
        {
            group.may_be_loading = false;
        }
        let checked = match &fact.change {
            GroupChange::Assigned { member, partitions, invoked_ns, session_ns } => {
                self.evaluations += 1;
                let taken = group.take_over(at_ns, member, *invoked_ns, *session_ns);
                taken.and_then(|()| {
                    let told = Told { at_ns, invoked_ns: *invoked_ns, client: fact.client };
                    group.assigned(told, member, partitions)
                })
            }
            GroupChange::Confirmed { member, .. }
                if member.protocol == GroupProtocol::Classic && group.may_be_loading =>
            {
                Ok(())
            }
            GroupChange::Confirmed { member, invoked_ns } => {
                self.evaluations += 1;
                group.confirmed(member, *invoked_ns)
            }
            GroupChange::Released { member } => {
                group.released(member);
                Ok(())
            }
            GroupChange::Ended { member, left } => {
                group.ended(member, *left);
                Ok(())
            }
            GroupChange::Committed { member, at, offset, invoked_ns, outcome } => {
                let commits = group.commits.entry(*at).or_default();
                match outcome {
                    CommitOutcome::Open => commits.sent(*offset, *invoked_ns),
                    CommitOutcome::Acked => commits.acked(*offset, *invoked_ns, at_ns),
                    CommitOutcome::Refused(_) => commits.refused(*offset, *invoked_ns),
                    // As it was when it was sent.
                    CommitOutcome::Unknown => {}
                }
                self.evaluations += u64::from(*outcome != CommitOutcome::Open);
                match (member, outcome) {
                    (Some(member), CommitOutcome::Acked) => {
                        group.committed(member, *at, *invoked_ns)
                    }
                    _ => Ok(()),
                }
            }
            GroupChange::Fetched { at, offset, invoked_ns } => {
                self.evaluations += 1;
                group.fetched(at_ns, *at, *offset, *invoked_ns)
            }
        };
        checked.map_err(|(kind, text)| {
            let text = format!("group {}, client {}: {text}", fact.group, fact.client);
            let violation = Violation::new(NAME, kind, at_ns, text);
            match place {
                Some(at) => violation.at(at, None),
                None => violation,
            }
        })
    }
}

fn place_of(change: &GroupChange) -> Option<TopicPartition> {
    match change {
        GroupChange::Committed { at, .. } | GroupChange::Fetched { at, .. } => Some(*at),
        _ => None,
    }
}

/// When something was asked for that only a coordinator gives which has read its log.
fn asked_of_a_loaded_group(change: &GroupChange) -> Option<u64> {
    match change {
        GroupChange::Assigned { invoked_ns, .. }
        | GroupChange::Committed { invoked_ns, outcome: CommitOutcome::Acked, .. }
        | GroupChange::Fetched { invoked_ns, .. } => Some(*invoked_ns),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
