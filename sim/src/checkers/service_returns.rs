//! After all faults are healed, every partition serves again within a bound.
//!
//! Progress is a record that was sent after the heal, acknowledged, and given to a consumer. Where
//! records are kept for a while only, retention may be faster than the consumer: clocks that were set
//! make a new record old.
//! Source: simulator.md section 9 (how the bound is drawn), the client's half of C11.

use model::{Observation, Offset, TopicPartition};
use std::collections::BTreeMap;

use super::bound::Bound;
use super::event::Outcome;
use super::topics::Topics;
use super::{Checker, Event, Fact, Violation};

const NAME: &str = "c11-service-returns";

#[derive(Debug, Default)]
pub(super) struct ServiceReturns {
    topics: Topics,
    bound: Bound,
    /// Partitions that have not made progress since.
    waiting: BTreeMap<TopicPartition, Progress>,
    evaluations: u64,
}

#[derive(Debug, Default)]
struct Progress {
    acked: Vec<Offset>,
    read_end: Offset,
}

/// Acknowledged offsets that one partition remembers while it waits for a reader.
const ACKED_MAX: usize = 16;

impl Checker for ServiceReturns {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        self.bound.saw(event.at_ns);
        self.topics.take(&event.fact);
        match &event.fact {
            Fact::Healed { bound_ns, partitions } => {
                self.bound = Bound::after_heal(event.at_ns, *bound_ns);
                self.waiting = partitions.iter().map(|at| (*at, Progress::default())).collect();
                self.evaluations += partitions.len() as u64;
            }
            Fact::Produced(attempt) if self.bound.counts(attempt.invoked_ns) => {
                if let Outcome::Acked { base_offset: Some(base) } = attempt.outcome
                    && let Some(progress) = self.waiting.get_mut(&attempt.at)
                    && progress.acked.len() < ACKED_MAX
                {
                    progress.acked.push(base);
                }
                self.look_at(attempt.at);
            }
            Fact::Consumed(consumed) => {
                if let Some(last) = consumed.batches.last()
                    && let Some(progress) = self.waiting.get_mut(&consumed.at)
                {
                    progress.read_end = progress.read_end.max(last.last_offset.after(1));
                }
                self.look_at(consumed.at);
            }
            Fact::Observed {
                observation: Observation::LogStartMoved { at, log_start_offset },
                ..
            } if self.topics.rules(at.topic).retained_for_a_while => {
                if let Some(progress) = self.waiting.get_mut(at) {
                    progress.read_end = progress.read_end.max(*log_start_offset);
                }
                self.look_at(*at);
            }
            Fact::TopicDeleted { topic } => self.waiting.retain(|at, _| at.topic != *topic),
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

impl ServiceReturns {
    fn look_at(&mut self, at: TopicPartition) {
        let serves = |progress: &Progress| progress.acked.iter().any(|it| *it < progress.read_end);
        if self.waiting.get(&at).is_some_and(serves) {
            self.waiting.remove(&at);
        }
    }

    fn judge(&mut self) -> Result<(), Violation> {
        let Some(overdue_ns) = self.bound.overdue_ns() else { return Ok(()) };
        let Some((at, progress)) = self.waiting.pop_first() else { return Ok(()) };
        let missing = if progress.acked.is_empty() { "acknowledged" } else { "read" };
        let text = format!("no new record was {missing} {}", self.bound);
        Err(Violation::new(NAME, missing, overdue_ns, text).at(at, None))
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, Fact, TopicRules};
    use super::super::testing::{NODE, PLACE, acked, answer, batch, check, created, event};
    use super::ServiceReturns;
    use expect_test::expect;
    use model::{Observation, Offset};

    const MS: u64 = 1_000_000;

    fn at(at_ms: u64, mut event: Event) -> Event {
        event.at_ns = at_ms * MS;
        if let Fact::Produced(attempt) = &mut event.fact {
            attempt.invoked_ns = at_ms * MS;
        }
        event
    }

    fn healed(at_ms: u64) -> Event {
        event(at_ms * MS, Fact::Healed { bound_ns: 10 * MS, partitions: vec![PLACE] })
    }

    #[test]
    fn a_new_record_that_is_acknowledged_and_read_is_progress() {
        let read = at(9, answer(0, &[batch(0, 3)]));
        let events = [healed(5), at(8, acked(0, 3)), read, at(99, answer(3, &[]))];
        check(ServiceReturns::default(), &events, expect!["1 evaluations"]);
    }

    #[test]
    fn no_acknowledgement_or_no_reader_within_the_bound_is_found() {
        let silence = at(16, answer(0, &[]));
        check(
            ServiceReturns::default(),
            &[healed(5), silence.clone()],
            expect![[r#"
            acknowledged: no new record was acknowledged within 10 ms after the heal
            1 evaluations"#]],
        );
        let events = [healed(5), at(8, acked(0, 3)), silence.clone()];
        check(
            ServiceReturns::default(),
            &events,
            expect![[r#"
            read: no new record was read within 10 ms after the heal
            1 evaluations"#]],
        );
        let before = at(2, acked(0, 3));
        let old = at(8, answer(0, &[batch(0, 3)]));
        check(
            ServiceReturns::default(),
            &[before, healed(5), old, silence],
            expect![[r#"
            acknowledged: no new record was acknowledged within 10 ms after the heal
            1 evaluations"#]],
        );
    }

    #[test]
    fn before_the_bound_nothing_is_judged() {
        let events = [healed(5), at(15, answer(0, &[]))];
        check(ServiceReturns::default(), &events, expect!["1 evaluations"]);
    }

    #[test]
    fn retention_may_be_faster_than_a_reader_where_records_are_kept_for_a_while_only() {
        let healed = Fact::Healed { bound_ns: 10 * MS, partitions: vec![PLACE] };
        let log_start_offset = Offset(6);
        let observation = Observation::LogStartMoved { at: PLACE, log_start_offset };
        let moved = Fact::Observed { node: NODE, observation };
        let after = |retained_for_a_while| {
            let rules = TopicRules { retained_for_a_while, ..TopicRules::default() };
            let told = [event(1, healed.clone()), at(5, acked(5, 1)), event(6 * MS, moved.clone())];
            let late = at(30, answer(6, &[]));
            [vec![created(rules)], told.to_vec(), vec![late]].concat()
        };
        check(ServiceReturns::default(), &after(true), expect!["1 evaluations"]);
        check(
            ServiceReturns::default(),
            &after(false),
            expect![[r#"
                read: no new record was read within 10 ms after the heal
                1 evaluations"#]],
        );
    }
}
