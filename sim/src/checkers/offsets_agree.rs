//! Whoever reads an offset, and whenever, is given the same record.
//!
//! Jepsen calls a breach "inconsistent offsets". It covers what no producer knows about: values
//! without an acknowledgement that a consumer has seen are committed and may not change either.
//! Source: Jepsen's Kafka tests; part of C2 as far as clients can see it.

use model::TopicPartition;
use std::collections::BTreeMap;

use super::event::BatchSeen;
use super::pieces::{Piece, Pieces};
use super::{Checker, Event, Fact, Violation};

const NAME: &str = "offsets-agree";

#[derive(Debug, Default)]
pub(super) struct OffsetsAgree {
    partitions: BTreeMap<TopicPartition, Pieces>,
    evaluations: u64,
}

impl Checker for OffsetsAgree {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        match &event.fact {
            Fact::Consumed(consumed) => {
                let mut batches = consumed.batches.iter();
                batches.try_for_each(|batch| self.check_batch(event.at_ns, consumed.at, batch))
            }
            Fact::FinalLog { at, log, .. } => {
                let mut placed = log.segments.iter().flat_map(|segment| &segment.batches);
                placed.try_for_each(|placed| self.check_batch(event.at_ns, *at, &placed.batch))
            }
            Fact::Settled { at, below } => {
                if let Some(pieces) = self.partitions.get_mut(at) {
                    pieces.forget_below(*below);
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

impl OffsetsAgree {
    fn check_batch(
        &mut self,
        at_ns: u64,
        at: TopicPartition,
        batch: &BatchSeen,
    ) -> Result<(), Violation> {
        let pieces = self.partitions.entry(at).or_default();
        let piece = Piece::of_batch(batch);
        for known in pieces.overlapping(piece.base_offset, piece.end_offset) {
            self.evaluations += 1;
            if let Some(offset) = piece.difference(known) {
                let text = format!("two reads of offset {offset} gave different records");
                return Err(Violation::new(NAME, "changed", at_ns, text).at(at, Some(offset)));
            }
        }
        pieces.insert(piece);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, batch, batch_of, check, final_log, value};
    use super::OffsetsAgree;
    use expect_test::expect;

    #[test]
    fn equal_reads_agree_whatever_the_batches() {
        let whole = answer(0, &[batch(0, 4)]);
        let events = [whole.clone(), whole, final_log(&[batch(0, 2), batch(2, 2)])];
        check(OffsetsAgree::default(), &events, expect!["3 evaluations"]);
    }

    #[test]
    fn a_record_that_compaction_dropped_does_not_disagree() {
        let mut left = batch(0, 4);
        left.records.remove(1);
        left.count = 3;
        let events = [answer(0, &[batch(0, 4)]), answer(0, &[left])];
        check(OffsetsAgree::default(), &events, expect!["1 evaluations"]);
    }

    #[test]
    fn another_record_at_the_same_offset_is_found() {
        let other = batch_of(2, &[value(2), value(9)]);
        let events = [answer(0, &[batch(0, 4)]), answer(2, &[other])];
        check(
            OffsetsAgree::default(),
            &events,
            expect![[r#"
            changed at 3: two reads of offset 3 gave different records
            1 evaluations"#]],
        );
    }
}
