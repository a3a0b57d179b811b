//! After all faults are healed, every group settles and catches up within a bound.
//!
//! Progress of a group in a partition is an acknowledged commit behind a record that was sent after the
//! heal: somebody owns the partition, reads it, and nothing from before is left to read.
//! Source: simulator.md section 9, the groups' half of C11.

use std::collections::{BTreeMap, BTreeSet};

use model::{Offset, TopicPartition};

use super::bound::Bound;
use super::event::Outcome;
use super::group_facts::{CommitOutcome, GroupChange};
use super::{Checker, Event, Fact, Violation};

const NAME: &str = "c11-groups-settle";

#[derive(Debug, Default)]
pub(super) struct GroupsSettle {
    bound: Bound,
    /// What has not been seen yet.
    waiting: BTreeSet<(TopicPartition, String)>,
    /// The first record of each partition that was sent after the heal and acknowledged.
    first_new: BTreeMap<TopicPartition, Offset>,
    /// The furthest commit after the heal.
    committed: BTreeMap<(TopicPartition, String), Offset>,
    evaluations: u64,
}

impl Checker for GroupsSettle {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        if let Fact::GroupsHealed { bound_ns, expected } = &event.fact {
            self.bound = Bound::after_heal(event.at_ns, *bound_ns);
            self.waiting = expected.iter().map(|(group, at)| (*at, group.clone())).collect();
            self.evaluations += self.waiting.len() as u64;
        }
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.bound.saw(event.at_ns);
        match &event.fact {
            Fact::TopicDeleted { topic } => self.waiting.retain(|(at, _)| at.topic != *topic),
            Fact::Produced(attempt) if self.bound.counts(attempt.invoked_ns) => {
                if let Outcome::Acked { base_offset: Some(offset) } = attempt.outcome {
                    let first = self.first_new.entry(attempt.at).or_insert(offset);
                    *first = offset.min(*first);
                    self.look_at(attempt.at);
                }
            }
            Fact::Group(fact) => {
                if let GroupChange::Committed {
                    at,
                    offset: Some(offset),
                    outcome: CommitOutcome::Acked,
                    ..
                } = &fact.change
                {
                    let known = self.committed.entry((*at, fact.group.clone())).or_default();
                    *known = offset.max(known).to_owned();
                    self.look_at(*at);
                }
            }
            _ => {}
        }
        self.judge()
    }

    fn finish(&mut self) -> Result<(), Violation> {
        self.judge()
    }

    fn evaluations(&self) -> u64 {
        self.evaluations
    }
}

impl GroupsSettle {
    fn look_at(&mut self, at: TopicPartition) {
        let Some(first) = self.first_new.get(&at) else { return };
        let committed = &self.committed;
        self.waiting.retain(|waiting| {
            waiting.0 != at || committed.get(waiting).is_none_or(|offset| offset <= first)
        });
    }

    fn judge(&mut self) -> Result<(), Violation> {
        let Some(overdue_ns) = self.bound.overdue_ns() else { return Ok(()) };
        let Some((at, group)) = self.waiting.pop_first() else { return Ok(()) };
        let text = format!("group {group} committed no new record {}", self.bound);
        Err(Violation::new(NAME, "stuck", overdue_ns, text).at(at, None))
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, Fact};
    use super::super::group_facts::{CommitOutcome, GroupChange, GroupFact};
    use super::super::testing::{PLACE, acked, answer, check, event};
    use super::GroupsSettle;
    use expect_test::expect;
    use model::Offset;

    const MS: u64 = 1_000_000;

    fn healed() -> Event {
        let expected = vec![("g".to_owned(), PLACE)];
        event(5 * MS, Fact::GroupsHealed { bound_ns: 10 * MS, expected })
    }

    fn produced(at_ms: u64, offset: i64) -> Event {
        let mut event = acked(offset, 1);
        event.at_ns = at_ms * MS;
        if let Fact::Produced(attempt) = &mut event.fact {
            attempt.invoked_ns = at_ms * MS;
        }
        event
    }

    fn committed(at_ms: u64, offset: i64, outcome: CommitOutcome) -> Event {
        let change = GroupChange::Committed {
            member: None,
            at: PLACE,
            offset: Some(Offset(offset)),
            invoked_ns: at_ms * MS,
            outcome,
        };
        let fact = GroupFact { group: "g".to_owned(), client: 1, change };
        event(at_ms * MS, Fact::Group(fact))
    }

    fn later() -> Event {
        let mut event = answer(0, &[]);
        event.at_ns = 16 * MS;
        event
    }

    #[test]
    fn a_commit_behind_a_new_record_is_progress() {
        let events = [healed(), produced(6, 3), committed(8, 4, CommitOutcome::Acked), later()];
        check(GroupsSettle::default(), &events, expect!["1 evaluations"]);
        let events = [healed(), committed(8, 4, CommitOutcome::Acked), produced(9, 3), later()];
        check(GroupsSettle::default(), &events, expect!["1 evaluations"]);
    }

    #[test]
    fn a_group_that_stays_behind_or_is_refused_is_found() {
        for commit in [
            committed(8, 3, CommitOutcome::Acked),
            committed(8, 4, CommitOutcome::Unknown),
            committed(8, 4, CommitOutcome::Refused(model::ErrorCode::IllegalGeneration)),
        ] {
            let events = [healed(), produced(6, 3), commit, later()];
            check(
                GroupsSettle::default(),
                &events,
                expect![[r#"
                stuck: group g committed no new record within 10 ms after the heal
                1 evaluations"#]],
            );
        }
    }

    #[test]
    fn a_topic_that_goes_is_not_waited_for() {
        let deleted = event(7 * MS, Fact::TopicDeleted { topic: PLACE.topic });
        check(GroupsSettle::default(), &[healed(), deleted, later()], expect!["1 evaluations"]);
    }
}
