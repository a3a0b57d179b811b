//! Shows the entries of a history to checkers, as the events that a simulated run would have brought.

use client::history::{ConsumedEntry, Entry, Header, ProducedEntry, ProducedOutcome};
use model::{ErrorCode, Offset, TopicPartition};

use super::super::event::{
    Acks, BatchSeen, Consumed, Content, Outcome, ProduceAttempt, TopicRules,
};
use super::super::{Checker, Event, Fact, Violation};
use super::slices::Key;
use super::verdict::{Checked, HistoryVerdict};

/// Violations of one checker that are told; the others are counted.
const EXAMPLES_MAX: usize = 5;

/// Checkers that are shown the same events.
pub(super) struct Panel {
    checkers: Vec<(Box<dyn Checker>, u64, Vec<Violation>)>,
    settled: Option<u32>,
}

impl Panel {
    pub(super) fn new(checkers: Vec<Box<dyn Checker>>) -> Self {
        let checkers = checkers.into_iter().map(|checker| (checker, 0, Vec::new()));
        Self { checkers: checkers.collect(), settled: None }
    }

    pub(super) fn announce(&mut self, header: &Header) {
        for topic in &header.topics {
            let rules = TopicRules {
                compacted: topic.rules.compacted,
                retained_for_a_while: topic.rules.retained_for_a_while,
                delete_retention_ms: 0,
                append_time: topic.rules.append_time,
                producers_expire: false,
            };
            let name = topic.name.clone();
            self.show(&Event {
                at_ns: 0,
                fact: Fact::TopicCreated { topic: topic.id, name, rules },
            });
        }
    }

    pub(super) fn show(&mut self, event: &Event) {
        for (checker, count, examples) in &mut self.checkers {
            note(checker.check(event), count, examples);
        }
    }

    pub(super) fn show_entry(&mut self, places: &[TopicPartition], entry: &Entry) {
        match entry {
            Entry::Produced(it) => {
                self.show(&Event { at_ns: it.at_ns, fact: Fact::Produced(attempt(places, it)) });
            }
            Entry::Consumed(it) => {
                self.show(&Event { at_ns: it.at_ns, fact: Fact::Consumed(answer(places, it)) });
            }
            Entry::End(_) => {}
        }
    }

    /// Nothing below this key comes any more, in its partition and in those before.
    pub(super) fn settle(&mut self, places: &[TopicPartition], key: Key) {
        let from = self.settled.unwrap_or(key.place);
        for place in from..=key.place {
            let below = if place == key.place { key.base_offset } else { Offset(i64::MAX - 1) };
            let at = partition(places, place);
            self.show(&Event { at_ns: 0, fact: Fact::Settled { at, below } });
        }
        self.settled = Some(key.place);
    }

    pub(super) fn finish(self, verdict: &mut HistoryVerdict) {
        for (mut checker, mut count, mut examples) in self.checkers {
            loop {
                let result = checker.finish();
                let done = result.is_ok();
                note(result, &mut count, &mut examples);
                if done {
                    break;
                }
            }
            verdict.checked.push(Checked {
                name: checker.name(),
                evaluations: checker.evaluations(),
                violation_count: count,
                examples,
            });
        }
    }
}

fn note(result: Result<(), Violation>, count: &mut u64, examples: &mut Vec<Violation>) {
    if let Err(violation) = result {
        *count += 1;
        if examples.len() < EXAMPLES_MAX {
            examples.push(violation);
        }
    }
}

/// The reader has checked the number.
fn partition(places: &[TopicPartition], place: u32) -> TopicPartition {
    places[usize::try_from(place).expect("a number below the table's length")]
}

fn attempt(places: &[TopicPartition], entry: &ProducedEntry) -> ProduceAttempt {
    ProduceAttempt {
        operation: entry.operation,
        attempt: entry.attempt.into(),
        client: entry.connection.into(),
        at: partition(places, entry.place),
        acks: match entry.acks {
            0 => Acks::None,
            1 => Acks::Leader,
            _ => Acks::All,
        },
        producer: entry.producer,
        transactional: false,
        invoked_ns: entry.invoked_ns,
        content: Content { count: entry.count, hash: entry.hash, records: Vec::new() },
        outcome: match entry.outcome {
            ProducedOutcome::Acked { base_offset } => Outcome::Acked { base_offset },
            ProducedOutcome::Refused { error_code } => {
                // A code of a later Kafka says nothing certain.
                ErrorCode::from_code(error_code).map_or(Outcome::Unknown, Outcome::Refused)
            }
            ProducedOutcome::Unknown => Outcome::Unknown,
        },
    }
}

fn answer(places: &[TopicPartition], entry: &ConsumedEntry) -> Consumed {
    let batch = BatchSeen {
        base_offset: entry.base_offset,
        last_offset: entry.last_offset,
        leader_epoch: None,
        producer: entry.producer,
        transactional: entry.transactional,
        control: entry.control,
        count: entry.count,
        hash: entry.hash,
        records: Vec::new(),
    };
    Consumed {
        consumer: entry.connection.into(),
        poll: entry.poll,
        at: partition(places, entry.place),
        // What the consumer asked for is not in the history; polls are compared with each other.
        from: entry.base_offset,
        sought: entry.sought,
        read_committed: false,
        high_watermark: entry.high_watermark,
        last_stable_offset: None,
        log_start_offset: None,
        leader_epoch: None,
        batches: vec![batch],
    }
}
