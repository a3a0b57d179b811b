//! Every value acknowledged with `acks=all` is read by somebody in the end.
//!
//! Jepsen's "unseen". Judged only for partitions that a consumer is known to have read to their end
//! after the last produce was answered; C1 finds what readers pass over before that.

use model::{Offset, TopicPartition};
use std::collections::{BTreeMap, BTreeSet};

use super::event::{Acks, Outcome};
use super::topics::Topics;
use super::{Checker, Event, Fact, Violation};

const NAME: &str = "values-are-read";

#[derive(Debug, Default)]
pub(super) struct ValuesAreRead {
    topics: Topics,
    partitions: BTreeMap<TopicPartition, Partition>,
    caught_up: BTreeSet<TopicPartition>,
    evaluations: u64,
}

#[derive(Debug, Default)]
struct Partition {
    /// Acknowledged ranges, `base → (end, when)`.
    acked: BTreeMap<Offset, (Offset, u64)>,
    /// What some reader was given, `base → end`, merged where ranges touch.
    read: BTreeMap<Offset, Offset>,
    log_start_offset: Offset,
}

impl Checker for ValuesAreRead {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        self.topics.take(&event.fact);
        match &event.fact {
            // With fewer acknowledgements a failover may lose it.
            Fact::Produced(attempt) if attempt.acks == Acks::All => {
                if let Outcome::Acked { base_offset: Some(base) } = attempt.outcome {
                    let partition = self.partitions.entry(attempt.at).or_default();
                    let end = base.after(attempt.content.count);
                    partition.acked.insert(base, (end, event.at_ns));
                }
            }
            Fact::Consumed(consumed) => {
                let partition = self.partitions.entry(consumed.at).or_default();
                let start = consumed.log_start_offset.unwrap_or(Offset::ZERO);
                partition.log_start_offset = partition.log_start_offset.max(start);
                for batch in &consumed.batches {
                    partition.take_read(batch.base_offset, batch.last_offset.after(1));
                }
            }
            Fact::CaughtUp { at } => {
                self.caught_up.insert(*at);
            }
            Fact::Settled { at, below } => return self.judge(*at, *below),
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Violation> {
        let places: Vec<_> = self.partitions.keys().copied().collect();
        places.into_iter().try_for_each(|at| self.judge(at, Offset(i64::MAX)))
    }

    fn evaluations(&self) -> u64 {
        self.evaluations
    }
}

impl ValuesAreRead {
    /// Judges and forgets what ends at or below an offset.
    fn judge(&mut self, at: TopicPartition, below: Offset) -> Result<(), Violation> {
        let rules = self.topics.rules(at.topic);
        let judged =
            self.caught_up.contains(&at) && !rules.compacted && !self.topics.is_deleted(at.topic);
        let Some(partition) = self.partitions.get_mut(&at) else { return Ok(()) };
        while let Some(entry) = partition.acked.first_entry() {
            let (base, (end, acked_ns)) = (*entry.key(), *entry.get());
            if end > below {
                break;
            }
            entry.remove();
            if !judged || base < partition.log_start_offset {
                continue;
            }
            self.evaluations += 1;
            let covers = partition.read.range(..=base).next_back();
            if covers.is_none_or(|(_, covered)| *covered < end) {
                let text = format!(
                    "offsets {base} to {} were acknowledged and no reader was given them all",
                    end.0 - 1
                );
                let violation = Violation::new(NAME, "unseen", acked_ns, text);
                return Err(violation.at(at, Some(base)));
            }
        }
        Ok(())
    }
}

impl Partition {
    fn take_read(&mut self, mut base: Offset, mut end: Offset) {
        if let Some((before, covered)) = self.read.range(..=base).next_back()
            && *covered >= base
        {
            (base, end) = (*before, end.max(*covered));
        }
        while let Some((next, covered)) = self.read.range(base.after(1)..=end).next() {
            let next = *next;
            end = end.max(*covered);
            self.read.remove(&next);
        }
        self.read.insert(base, end);
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, Fact};
    use super::super::testing::{PLACE, acked, answer, batch, check, event};
    use super::ValuesAreRead;
    use expect_test::expect;

    fn caught_up() -> Event {
        event(8, Fact::CaughtUp { at: PLACE })
    }

    #[test]
    fn values_that_were_read_in_any_order_are_seen() {
        let reads = [answer(2, &[batch(2, 2)]), answer(0, &[batch(0, 2)])];
        let events = [&[acked(0, 3), acked(3, 1)], &reads[..], &[caught_up()]].concat();
        check(ValuesAreRead::default(), &events, expect!["2 evaluations"]);
    }

    #[test]
    fn a_value_that_nobody_was_given_is_found() {
        let events = [acked(0, 3), acked(3, 1), answer(0, &[batch(0, 3)]), caught_up()];
        check(
            ValuesAreRead::default(),
            &events,
            expect![[r#"
            unseen at 3: offsets 3 to 3 were acknowledged and no reader was given them all
            2 evaluations"#]],
        );
    }

    #[test]
    fn nothing_is_judged_before_a_reader_has_caught_up() {
        let events = [acked(0, 3), acked(3, 1), answer(0, &[batch(0, 3)])];
        check(ValuesAreRead::default(), &events, expect!["0 evaluations"]);
    }
}
