//! A value that was sent once is in its partition once.
//!
//! It may come twice only where its producer sent it twice, which is a non-idempotent producer that
//! tried again, or one whose sequence the broker may have forgotten. Rests on values that are unique in the run.
//! Source: KIP-98; Jepsen's Kafka tests ("duplicates").

use model::{Offset, TopicPartition};
use std::collections::VecDeque;

use super::frontier::{Frontier, Step};
use super::prints::{self, Print};
use super::recent::Recent;
use super::topics::Topics;
use super::{Checker, Event, Fact, Violation};

const NAME: &str = "values-once";

/// Duplicates that wait for the end of the run, when it is known what was sent again.
const SUSPECTS_MAX: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct ValuesOnce {
    topics: Topics,
    frontier: Frontier,
    seen: Recent<(TopicPartition, Print), Offset>,
    /// Values that a producer sent again without an idempotence that holds.
    sent_again: Recent<(TopicPartition, Print), ()>,
    suspects: VecDeque<Suspect>,
    evaluations: u64,
}

#[derive(Debug)]
struct Suspect {
    at_ns: u64,
    at: TopicPartition,
    print: Print,
    first: Offset,
    again: Offset,
}

impl Checker for ValuesOnce {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        self.topics.take(&event.fact);
        match &event.fact {
            Fact::Produced(attempt) if attempt.attempt > 0 => {
                let expires = self.topics.rules(attempt.at.topic).producers_expire;
                if attempt.producer.is_some() && !expires {
                    return Ok(());
                }
                for print in prints::of_content(&attempt.content) {
                    self.sent_again.insert((attempt.at, print), ());
                }
            }
            Fact::Consumed(consumed) => {
                for batch in &consumed.batches {
                    if self.frontier.step(consumed.at, batch) == Step::Old {
                        continue;
                    }
                    for (offset, print) in prints::of_batch(batch) {
                        self.take(event.at_ns, consumed.at, offset, print);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Violation> {
        while let Some(suspect) = self.suspects.pop_front() {
            if self.sent_again.get(&(suspect.at, suspect.print)).is_none() {
                let text = format!(
                    "the value at {} was sent once and lies at {} too",
                    suspect.first, suspect.again
                );
                let violation = Violation::new(NAME, "twice", suspect.at_ns, text);
                return Err(violation.at(suspect.at, Some(suspect.again)));
            }
        }
        Ok(())
    }

    fn evaluations(&self) -> u64 {
        self.evaluations
    }
}

impl ValuesOnce {
    fn take(&mut self, at_ns: u64, at: TopicPartition, offset: Offset, print: Print) {
        self.evaluations += 1;
        match self.seen.get(&(at, print)) {
            Some(first) if self.suspects.len() < SUSPECTS_MAX => {
                let suspect = Suspect { at_ns, at, print, first: *first, again: offset };
                self.suspects.push_back(suspect);
            }
            Some(_) => {}
            None => self.seen.insert((at, print), offset),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{BatchSeen, Fact, Outcome};
    use super::super::testing::{acked, answer, attempt, batch, batch_of, check, value};
    use super::ValuesOnce;
    use expect_test::expect;
    use model::Offset;

    #[test]
    fn values_that_are_read_twice_lie_there_once() {
        let events = [acked(0, 3), answer(0, &[batch(0, 3)]), answer(0, &[batch(0, 3)])];
        check(ValuesOnce::default(), &events, expect!["3 evaluations"]);
    }

    #[test]
    fn a_value_at_two_offsets_is_found() {
        let again = batch_of(3, &[value(9), value(1)]);
        let events = [acked(0, 3), answer(0, &[batch(0, 3), again.clone()])];
        check(
            ValuesOnce::default(),
            &events,
            expect![[r#"
            twice at 4: the value at 1 was sent once and lies at 4 too
            5 evaluations"#]],
        );
        let (mut first, mut again) = (batch(0, 2), batch_of(2, &[value(0), value(1)]));
        first.records.clear();
        again.records.clear();
        check(
            ValuesOnce::default(),
            &[answer(0, &[first, again])],
            expect![[r#"
            twice at 2: the value at 0 was sent once and lies at 2 too
            2 evaluations"#]],
        );
    }

    #[test]
    fn batches_that_compaction_has_emptied_hold_no_value() {
        let emptied = |at| BatchSeen { last_offset: Offset(at + 1), ..batch_of(at, &[]) };
        let events = [answer(0, &[emptied(0), emptied(2)])];
        check(ValuesOnce::default(), &events, expect!["0 evaluations"]);
    }

    #[test]
    fn what_was_sent_again_without_idempotence_may_be_there_twice() {
        let mut retry = attempt(1, 0, 3, Outcome::Unknown);
        if let Fact::Produced(attempt) = &mut retry.fact {
            attempt.attempt = 1;
        }
        let again = batch_of(3, &[value(0), value(1), value(2)]);
        let events = [answer(0, &[batch(0, 3), again]), retry];
        check(ValuesOnce::default(), &events, expect!["6 evaluations"]);
    }
}
