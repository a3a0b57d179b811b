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
use super::group_facts::{CommitOutcome, GroupChange, GroupFact};
use super::{Checker, Event, Fact, Violation};

const NAME: &str = "c9-groups";

#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: BTreeMap<String, Group>,
    deleted: BTreeSet<model::TopicId>,
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
        let checked = match &fact.change {
            GroupChange::Assigned { member, partitions, invoked_ns, session_ns } => {
                self.evaluations += 1;
                let taken = group.take_over(at_ns, member, *invoked_ns, *session_ns);
                taken.and_then(|()| {
                    let told = Told { at_ns, invoked_ns: *invoked_ns, client: fact.client };
                    group.assigned(told, member, partitions)
                })
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

#[cfg(test)]
mod tests;
