//! A fetch session tells of every partition that has something to tell.
//!
//! In a session (KIP-227) a consumer names a partition once and then relies on hearing of its
//! records. A partition may be left out of an answer that is full, but its turn must come: records
//! that were acknowledged before a fetch began may be passed over in [`PASSED_OVER_MAX`] answers in a
//! row, no more. Answers with records or an error count as telling.

use std::collections::BTreeMap;

use model::{Offset, TopicPartition};

use super::event::{Acks, Outcome};
use super::{Checker, Event, Fact, Violation};

const NAME: &str = "sessions-tell";

/// Above the partitions of any session of a run, each of which may fill an answer alone.
const PASSED_OVER_MAX: u32 = 12;

#[derive(Debug, Default)]
pub(super) struct SessionsTell {
    /// One past the last record that every replica is known to have.
    acked_ends: BTreeMap<TopicPartition, Offset>,
    /// Partitions that each consumer's last answer did not tell of.
    silent: BTreeMap<u32, BTreeMap<TopicPartition, Silence>>,
    evaluations: u64,
}

#[derive(Debug, Clone, Copy)]
struct Silence {
    /// Answers in a row that should have told of it.
    passed_over: u32,
    /// The acknowledged end when the answer came: the next fetch begins later.
    acked_end: Offset,
}

impl Checker for SessionsTell {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        match &event.fact {
            Fact::Produced(attempt) if attempt.acks == Acks::All => {
                if let Outcome::Acked { base_offset: Some(base) } = attempt.outcome {
                    let end = self.acked_ends.entry(attempt.at).or_default();
                    *end = (*end).max(base.after(attempt.content.count));
                }
                Ok(())
            }
            Fact::SessionAnswered { consumer, silent } => {
                self.check_answer(event.at_ns, *consumer, silent)
            }
            _ => Ok(()),
        }
    }

    fn evaluations(&self) -> u64 {
        self.evaluations
    }
}

impl SessionsTell {
    fn check_answer(
        &mut self,
        at_ns: u64,
        consumer: u32,
        silent: &[(TopicPartition, Offset)],
    ) -> Result<(), Violation> {
        let before = self.silent.remove(&consumer).unwrap_or_default();
        let mut now = BTreeMap::new();
        for (at, next) in silent {
            self.evaluations += 1;
            let last = before.get(at).filter(|last| last.acked_end > *next);
            let passed_over = last.map_or(0, |last| last.passed_over + 1);
            let acked_end = self.acked_ends.get(at).copied().unwrap_or_default();
            now.insert(*at, Silence { passed_over, acked_end });
            if passed_over > PASSED_OVER_MAX {
                let text = format!(
                    "consumer {consumer} is at {next}, records below {acked_end} are \
                     acknowledged, and {passed_over} answers in a row did not tell of them"
                );
                return Err(Violation::new(NAME, "silent", at_ns, text).at(*at, Some(*next)));
            }
        }
        self.silent.insert(consumer, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, Fact};
    use super::super::testing::{PLACE, acked, check, event};
    use super::{PASSED_OVER_MAX, SessionsTell};
    use expect_test::expect;
    use model::Offset;

    fn silent(next: i64) -> Event {
        let silent = vec![(PLACE, Offset(next))];
        event(1, Fact::SessionAnswered { consumer: 1, silent })
    }

    fn told() -> Event {
        event(1, Fact::SessionAnswered { consumer: 1, silent: Vec::new() })
    }

    #[test]
    fn a_partition_that_is_never_told_of_is_found() {
        let answers = usize::try_from(PASSED_OVER_MAX).unwrap() + 2;
        let events = [vec![acked(0, 3)], vec![silent(0); answers]].concat();
        check(
            SessionsTell::default(),
            &events,
            expect![[r#"
            silent at 0: consumer 1 is at 0, records below 3 are acknowledged, and 13 answers in a row did not tell of them
            14 evaluations"#]],
        );
    }

    #[test]
    fn a_turn_that_comes_or_nothing_to_tell_is_fine() {
        let answers = usize::try_from(PASSED_OVER_MAX).unwrap() + 1;
        let waits = vec![silent(0); answers];
        let events =
            [vec![acked(0, 3)], waits.clone(), vec![told()], waits, vec![silent(3); 99]].concat();
        check(SessionsTell::default(), &events, expect!["125 evaluations"]);
    }
}
