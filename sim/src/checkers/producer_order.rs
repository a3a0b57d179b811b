//! C3: a producer's batches lie in a partition in the order in which it sent them; with
//! idempotence (KIP-98) without a duplicate and without a gap in the sequence.
//!
//! Sequences are followed along the offsets, in what the furthest reader is given and in the files
//! at the end. A producer that the log does not know may come with any sequence: a batch that it
//! sent before may have been refused. In a compacted topic a gap is no fault. Where producers expire,
//! any is unknown again at any time. Without idempotence the first attempts of one connection keep
//! their order; what was retried may have moved.
//! Source: KIP-98, Kafka `ProducerAppendInfo` (sequences wrap after 2^31 - 1; `checkSequence` of an
//! unknown producer).

use model::{Offset, ProducerEpoch, ProducerId, TopicPartition};
use std::collections::BTreeMap;

use super::event::{BatchSeen, Outcome, ProduceAttempt};
use super::frontier::{Frontier, Step};
use super::topics::Topics;
use super::{Checker, Event, Fact, Violation};

const NAME: &str = "c3-producer-order";

#[derive(Debug, Default)]
pub(super) struct ProducerOrder {
    topics: Topics,
    frontier: Frontier,
    read: BTreeMap<TopicPartition, Sequences>,
    /// Last acknowledged first attempt of each connection: operation and offset.
    acked: BTreeMap<(u32, TopicPartition), (u64, Offset)>,
    evaluations: u64,
}

impl Checker for ProducerOrder {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        self.topics.take(&event.fact);
        match &event.fact {
            Fact::Produced(attempt) => self.check_attempt(event.at_ns, attempt),
            Fact::Consumed(consumed) => {
                for batch in &consumed.batches {
                    let step = self.frontier.step(consumed.at, batch);
                    let sequences = self.read.entry(consumed.at).or_default();
                    match step {
                        Step::Old => continue,
                        Step::Follows => {}
                        Step::Jumps => *sequences = Sequences::default(),
                    }
                    let rules = self.topics.rules(consumed.at.topic);
                    if rules.producers_expire {
                        continue;
                    }
                    self.evaluations += u64::from(batch.producer.is_some());
                    sequences.check(event.at_ns, consumed.at, batch, rules.compacted)?;
                }
                Ok(())
            }
            Fact::FinalLog { at, log, .. } => {
                let mut sequences = Sequences::default();
                let rules = self.topics.rules(at.topic);
                if rules.producers_expire {
                    return Ok(());
                }
                for placed in log.segments.iter().flat_map(|segment| &segment.batches) {
                    self.evaluations += u64::from(placed.batch.producer.is_some());
                    sequences.check(event.at_ns, *at, &placed.batch, rules.compacted)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn evaluations(&self) -> u64 {
        self.evaluations
    }
}

impl ProducerOrder {
    fn check_attempt(&mut self, at_ns: u64, attempt: &ProduceAttempt) -> Result<(), Violation> {
        let Outcome::Acked { base_offset: Some(offset) } = attempt.outcome else { return Ok(()) };
        if attempt.attempt > 0 {
            return Ok(());
        }
        let now = (attempt.operation, offset);
        let Some(before) = self.acked.insert((attempt.client, attempt.at), now) else {
            return Ok(());
        };
        self.evaluations += 1;
        if (now.0 > before.0) == (now.1 > before.1) {
            return Ok(());
        }
        let text = format!(
            "operation {} of client {} lies at {}, its operation {} at {}",
            now.0, attempt.client, now.1, before.0, before.1
        );
        Err(Violation::new(NAME, "reordered", at_ns, text).at(attempt.at, Some(offset)))
    }
}

/// Where the sequence of each producer stands along one log.
#[derive(Debug, Default)]
struct Sequences {
    next: BTreeMap<ProducerId, (ProducerEpoch, i32)>,
}

impl Sequences {
    fn check(
        &mut self,
        at_ns: u64,
        at: TopicPartition,
        batch: &BatchSeen,
        gaps_allowed: bool,
    ) -> Result<(), Violation> {
        let Some(producer) = batch.producer.filter(|_| !batch.control) else { return Ok(()) };
        let span = u32::try_from(batch.last_offset.0 - batch.base_offset.0 + 1).unwrap_or(u32::MAX);
        let next = (producer.epoch, sequence_after(producer.base_sequence, span));
        let before = self.next.insert(producer.id, next);
        let found = producer.base_sequence;
        let tell = |kind, expected| {
            let text = format!(
                "producer {} epoch {} comes with sequence {found} where {expected} is next",
                producer.id, producer.epoch
            );
            Err(Violation::new(NAME, kind, at_ns, text).at(at, Some(batch.base_offset)))
        };
        match before {
            None => Ok(()),
            Some((epoch, _)) if epoch > producer.epoch => {
                let text = format!(
                    "producer {} appends with epoch {} after {epoch}",
                    producer.id, producer.epoch
                );
                let violation = Violation::new(NAME, "fenced-epoch", at_ns, text);
                Err(violation.at(at, Some(batch.base_offset)))
            }
            Some((epoch, _)) if epoch < producer.epoch => {
                if found == 0 || gaps_allowed {
                    Ok(())
                } else {
                    tell("gap", 0)
                }
            }
            Some((_, expected)) if expected == found => Ok(()),
            Some((_, expected)) if is_before(found, expected) => tell("duplicate", expected),
            Some((_, expected)) => {
                if gaps_allowed {
                    Ok(())
                } else {
                    tell("gap", expected)
                }
            }
        }
    }
}

/// Sequences go from 0 to 2^31 - 1 and start again.
fn sequence_after(base: i32, count: u32) -> i32 {
    let next = (i64::from(base) + i64::from(count)) & i64::from(i32::MAX);
    i32::try_from(next).expect("31 bits")
}

/// Whether `a` comes before `b` on the circle, by the shorter way.
fn is_before(a: i32, b: i32) -> bool {
    let ahead = (i64::from(b) - i64::from(a)) & i64::from(i32::MAX);
    ahead != 0 && ahead < 1 << 30
}

#[cfg(test)]
mod tests {
    use super::super::event::{BatchSeen, Outcome, TopicRules};
    use super::super::testing::{
        acked, answer, attempt, batch, check, compacted, created, final_log,
    };
    use super::ProducerOrder;
    use expect_test::expect;
    use model::{Offset, ProducerEpoch, ProducerId};
    use wire::batch::BatchProducer;

    fn by(base: i64, count: i64, epoch: i16, base_sequence: i32) -> BatchSeen {
        let (id, epoch) = (ProducerId(5), ProducerEpoch(epoch));
        let producer = Some(BatchProducer { id, epoch, base_sequence });
        BatchSeen { producer, ..batch(base, count) }
    }

    #[test]
    fn a_sequence_without_gap_is_fine_also_where_it_wraps_and_in_a_new_epoch() {
        let log = [by(0, 3, 0, 0), by(3, 2, 0, 3), batch(5, 1), by(6, 1, 1, 0)];
        let events = [answer(0, &log), answer(0, &log), final_log(&log)];
        check(ProducerOrder::default(), &events, expect!["6 evaluations"]);
        let wraps = [answer(9, &[by(9, 4, 0, i32::MAX - 1), by(13, 1, 0, 2)])];
        check(ProducerOrder::default(), &wraps, expect!["2 evaluations"]);
    }

    #[test]
    fn a_duplicate_a_gap_and_a_fenced_epoch_are_found() {
        let events = [answer(0, &[by(0, 3, 0, 0), by(3, 3, 0, 0)])];
        check(
            ProducerOrder::default(),
            &events,
            expect![[r#"
            duplicate at 3: producer 5 epoch 0 comes with sequence 0 where 3 is next
            2 evaluations"#]],
        );
        let events = [answer(0, &[by(0, 3, 0, 0)]), answer(3, &[by(3, 3, 0, 4)])];
        check(
            ProducerOrder::default(),
            &events,
            expect![[r#"
            gap at 3: producer 5 epoch 0 comes with sequence 4 where 3 is next
            2 evaluations"#]],
        );
        let events = [final_log(&[by(0, 3, 1, 0), by(3, 3, 0, 3)])];
        check(
            ProducerOrder::default(),
            &events,
            expect![[r#"
            fenced-epoch at 3: producer 5 appends with epoch 0 after 1
            2 evaluations"#]],
        );
    }

    #[test]
    fn a_producer_that_the_log_does_not_know_starts_anywhere() {
        let log = [by(0, 3, 0, 7), by(3, 1, 0, 10)];
        let events = [answer(0, &log), final_log(&log)];
        check(ProducerOrder::default(), &events, expect!["4 evaluations"]);
    }

    #[test]
    fn where_producers_expire_no_sequence_is_judged() {
        let rules = TopicRules { producers_expire: true, ..TopicRules::default() };
        let events = [created(rules), final_log(&[by(0, 3, 0, 0), by(3, 3, 0, 0)])];
        check(ProducerOrder::default(), &events, expect!["0 evaluations"]);
    }

    #[test]
    fn compaction_explains_a_gap_but_no_duplicate() {
        let events = [compacted(), final_log(&[by(0, 1, 0, 0), by(3, 1, 0, 3), by(4, 1, 0, 2)])];
        check(
            ProducerOrder::default(),
            &events,
            expect![[r#"
            duplicate at 4: producer 5 epoch 0 comes with sequence 2 where 4 is next
            3 evaluations"#]],
        );
    }

    #[test]
    fn first_attempts_of_one_connection_keep_their_order() {
        let told = |offset| Outcome::Acked { base_offset: Some(Offset(offset)) };
        let events = [attempt(1, 0, 1, told(0)), attempt(2, 1, 1, told(1)), acked(7, 1)];
        check(ProducerOrder::default(), &events, expect!["2 evaluations"]);
        let events = [attempt(1, 0, 1, told(5)), attempt(2, 1, 1, told(4))];
        check(
            ProducerOrder::default(),
            &events,
            expect![[r#"
            reordered at 4: operation 2 of client 1 lies at 4, its operation 1 at 5
            1 evaluations"#]],
        );
    }
}
