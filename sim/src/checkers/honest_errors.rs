//! C12: what a client is told about its records is true.
//!
//! An operation that failed for certain is never visible; one without an answer may be or not. The
//! outcome of an operation is the weakest over its attempts: one attempt without an answer makes it
//! unknown, whatever a later one says. A refusal counts as certain only for the codes below.
//! Source: simulator.md section 10; Jepsen's "aborted read".

use model::{ErrorCode, Offset, TopicPartition};
use std::collections::BTreeMap;

use super::event::{Acks, BatchSeen, Outcome, ProduceAttempt};
use super::prints::{self, Print};
use super::recent::{RECENT_MAX, Recent};
use super::{Checker, Event, Fact, Violation};

const NAME: &str = "c12-honest-errors";

/// Refusals that are made before anything is appended, in every Kafka broker.
///
/// Left out on purpose: NOT_LEADER_OR_FOLLOWER and UNKNOWN_TOPIC_OR_PARTITION (a broker also answers
/// so to an append that it made and can no longer complete), NOT_ENOUGH_REPLICAS_AFTER_APPEND,
/// REQUEST_TIMED_OUT, KAFKA_STORAGE_ERROR, DUPLICATE_SEQUENCE_NUMBER.
pub(super) const DEFINITE: &[ErrorCode] = &[
    ErrorCode::CorruptMessage,
    ErrorCode::MessageTooLarge,
    ErrorCode::RecordListTooLarge,
    ErrorCode::InvalidTopicException,
    ErrorCode::TopicAuthorizationFailed,
    ErrorCode::ClusterAuthorizationFailed,
    ErrorCode::TransactionalIdAuthorizationFailed,
    ErrorCode::NotEnoughReplicas,
    ErrorCode::InvalidRequiredAcks,
    ErrorCode::InvalidTimestamp,
    ErrorCode::InvalidRecord,
    ErrorCode::UnsupportedForMessageFormat,
    ErrorCode::UnsupportedCompressionType,
    ErrorCode::UnsupportedVersion,
    ErrorCode::InvalidRequest,
    ErrorCode::PolicyViolation,
    ErrorCode::OutOfOrderSequenceNumber,
    ErrorCode::InvalidProducerEpoch,
    ErrorCode::ProducerFenced,
    ErrorCode::UnknownProducerId,
    ErrorCode::InvalidProducerIdMapping,
    ErrorCode::InvalidTxnState,
    ErrorCode::UnknownTopicId,
    ErrorCode::InconsistentTopicId,
];

#[derive(Debug, Default)]
pub(super) struct HonestErrors {
    /// Operations that failed for certain so far, with what they would have written.
    failed: BTreeMap<u64, Failed>,
    /// Operations with an outcome that is not certain failure; a later refusal changes nothing.
    open: Recent<u64, ()>,
    seen: Recent<(TopicPartition, Print), (u64, Offset)>,
    last_ns: u64,
    evaluations: u64,
}

#[derive(Debug)]
struct Failed {
    at: TopicPartition,
    code: ErrorCode,
    prints: Vec<Print>,
}

impl Checker for HonestErrors {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        self.last_ns = event.at_ns;
        match &event.fact {
            Fact::Produced(attempt) => self.take_attempt(attempt),
            Fact::Consumed(consumed) => {
                let at = consumed.at;
                consumed.batches.iter().for_each(|batch| self.saw(event.at_ns, at, batch));
            }
            Fact::FinalLog { at, log, .. } => {
                for placed in log.segments.iter().flat_map(|segment| &segment.batches) {
                    self.saw(event.at_ns, *at, &placed.batch);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Violation> {
        while let Some((operation, failed)) = self.failed.pop_first() {
            self.evaluations += 1;
            for print in failed.prints {
                if let Some((at_ns, offset)) = self.seen.get(&(failed.at, print)) {
                    let text = format!(
                        "operation {operation} was refused with {} and its value is at {offset}",
                        failed.code.name()
                    );
                    let violation = Violation::new(NAME, "refused-but-there", *at_ns, text);
                    return Err(violation.at(failed.at, Some(*offset)));
                }
            }
        }
        Ok(())
    }

    fn evaluations(&self) -> u64 {
        self.evaluations
    }
}

impl HonestErrors {
    fn take_attempt(&mut self, attempt: &ProduceAttempt) {
        let operation = attempt.operation;
        // Without acknowledgements nobody is told anything.
        let refused = match attempt.outcome {
            Outcome::Refused(code) if attempt.acks != Acks::None && DEFINITE.contains(&code) => {
                Some(code)
            }
            Outcome::Refused(_) | Outcome::Acked { .. } | Outcome::Unknown => None,
        };
        let Some(code) = refused else {
            self.failed.remove(&operation);
            self.open.insert(operation, ());
            return;
        };
        if self.open.get(&operation).is_none() && self.failed.len() < RECENT_MAX {
            let prints = prints::of_content(&attempt.content);
            self.failed.insert(operation, Failed { at: attempt.at, code, prints });
        }
    }

    fn saw(&mut self, at_ns: u64, at: TopicPartition, batch: &BatchSeen) {
        for (offset, print) in prints::of_batch(batch) {
            self.seen.insert((at, print), (at_ns, offset));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, Fact, Outcome};
    use super::super::testing::{answer, attempt, batch, check, final_log};
    use super::HonestErrors;
    use expect_test::expect;
    use model::ErrorCode;

    fn refused(code: ErrorCode) -> Event {
        attempt(1, 0, 3, Outcome::Refused(code))
    }

    fn try_number(mut event: Event, number: u32) -> Event {
        if let Fact::Produced(attempt) = &mut event.fact {
            attempt.attempt = number;
        }
        event
    }

    #[test]
    fn a_refused_value_that_stays_away_is_fine() {
        let events = [refused(ErrorCode::MessageTooLarge), answer(3, &[batch(3, 2)])];
        check(HonestErrors::default(), &events, expect!["1 evaluations"]);
    }

    #[test]
    fn a_refused_value_that_is_read_is_found_also_when_it_was_read_first() {
        let refused = refused(ErrorCode::MessageTooLarge);
        let seen = answer(0, &[batch(0, 3)]);
        check(
            HonestErrors::default(),
            &[refused.clone(), seen.clone()],
            expect![[r#"
            refused-but-there at 0: operation 1 was refused with MESSAGE_TOO_LARGE and its value is at 0
            1 evaluations"#]],
        );
        check(
            HonestErrors::default(),
            &[seen, refused.clone()],
            expect![[r#"
            refused-but-there at 0: operation 1 was refused with MESSAGE_TOO_LARGE and its value is at 0
            1 evaluations"#]],
        );
        check(
            HonestErrors::default(),
            &[refused, final_log(&[batch(0, 3)])],
            expect![[r#"
            refused-but-there at 0: operation 1 was refused with MESSAGE_TOO_LARGE and its value is at 0
            1 evaluations"#]],
        );
    }

    #[test]
    fn without_an_answer_or_with_a_vague_one_the_value_may_be_there() {
        let seen = answer(0, &[batch(0, 3)]);
        let vague = refused(ErrorCode::NotEnoughReplicasAfterAppend);
        check(HonestErrors::default(), &[vague, seen.clone()], expect!["0 evaluations"]);
        let lost = attempt(1, 0, 3, Outcome::Unknown);
        let later = try_number(refused(ErrorCode::OutOfOrderSequenceNumber), 1);
        check(HonestErrors::default(), &[lost, later, seen.clone()], expect!["0 evaluations"]);
        let acked = Outcome::Acked { base_offset: None };
        let later = try_number(attempt(1, 0, 3, acked), 1);
        let events = [refused(ErrorCode::NotEnoughReplicas), later, seen];
        check(HonestErrors::default(), &events, expect!["0 evaluations"]);
    }
}
