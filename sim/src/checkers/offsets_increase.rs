//! C4: offsets strictly increase, in what consumers are given and in the files at the end.
//!
//! A hole is allowed only in a compacted topic. Control records and aborted data are no holes here:
//! a fetch answer carries them, it is the client that leaves them out.
//! Source: simulator.md section 10; Kafka `DefaultRecordBatch` (compaction keeps base and last
//! offset of a batch).

use model::{Offset, TopicPartition};

use super::event::{BatchSeen, Consumed};
use super::topics::Topics;
use super::{Checker, Event, Fact, Violation};
use crate::scan::LogScan;

const NAME: &str = "c4-offsets-increase";

#[derive(Debug, Default)]
pub(super) struct OffsetsIncrease {
    topics: Topics,
    evaluations: u64,
}

impl Checker for OffsetsIncrease {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        self.topics.take(&event.fact);
        match &event.fact {
            Fact::Consumed(consumed) => self.check_answer(event.at_ns, consumed),
            Fact::FinalLog { at, log, .. } => self.check_log(event.at_ns, *at, log),
            _ => Ok(()),
        }
    }

    fn evaluations(&self) -> u64 {
        self.evaluations
    }
}

impl OffsetsIncrease {
    fn check_answer(&mut self, at_ns: u64, consumed: &Consumed) -> Result<(), Violation> {
        let mut walk =
            Walk { at_ns, at: consumed.at, dense: self.is_dense(consumed.at), next: None };
        let Some(first) = consumed.batches.first() else { return Ok(()) };
        self.evaluations += 1;
        if first.last_offset < consumed.from {
            let text = format!(
                "asked from {}, given a batch that ends at {}",
                consumed.from, first.last_offset
            );
            return Err(walk.violation("backwards", first.base_offset, text));
        }
        // The log start may have moved past the offset while the answer was made.
        let moved = consumed.log_start_offset.is_some_and(|start| start > consumed.from);
        if first.base_offset > consumed.from && !moved {
            walk.next = Some(consumed.from);
        }
        consumed.batches.iter().try_for_each(|batch| walk.step(batch))
    }

    fn check_log(
        &mut self,
        at_ns: u64,
        at: TopicPartition,
        log: &LogScan,
    ) -> Result<(), Violation> {
        let mut walk = Walk { at_ns, at, dense: self.is_dense(at), next: None };
        self.evaluations += 1;
        for segment in &log.segments {
            if let Some(torn) = &segment.torn {
                let text = format!(
                    "the segment from {} makes no sense for {} bytes from byte {}: {}",
                    segment.base_offset, torn.bytes, torn.position_bytes, torn.why
                );
                return Err(walk.violation("torn", segment.base_offset, text));
            }
            if let Some(next) = walk.next
                && segment.base_offset < next
            {
                let text = format!("a segment starts at {}, before {next}", segment.base_offset);
                return Err(walk.violation("backwards", segment.base_offset, text));
            }
            segment.batches.iter().try_for_each(|placed| walk.step(&placed.batch))?;
        }
        Ok(())
    }

    fn is_dense(&self, at: TopicPartition) -> bool {
        !self.topics.rules(at.topic).compacted
    }
}

/// Goes through batches that should follow each other.
struct Walk {
    at_ns: u64,
    at: TopicPartition,
    /// No hole is explained here.
    dense: bool,
    next: Option<Offset>,
}

impl Walk {
    fn step(&mut self, batch: &BatchSeen) -> Result<(), Violation> {
        let (base, last) = (batch.base_offset, batch.last_offset);
        if let Some(next) = self.next {
            if base < next {
                let text = format!("a batch starts at {base}, after one that ends before {next}");
                return Err(self.violation("backwards", base, text));
            }
            if self.dense && base > next {
                let text = format!("offsets {next} to {} are missing", base.0 - 1);
                return Err(self.violation("hole", next, text));
            }
        }
        self.next = Some(last.after(1));
        self.check_inside(batch)
    }

    fn check_inside(&self, batch: &BatchSeen) -> Result<(), Violation> {
        let (base, last) = (batch.base_offset, batch.last_offset);
        let span = last.0 - base.0 + 1;
        let count = i64::from(batch.count);
        if count > span || (self.dense && count < span) {
            let text = format!("a batch from {base} to {last} holds {count} records");
            return Err(self.violation("count", base, text));
        }
        let mut before = None;
        for record in &batch.records {
            let offset = record.offset;
            if offset < base || offset > last || before.is_some_and(|before| before >= offset) {
                let text = format!("a record in the batch from {base} to {last} claims {offset}");
                return Err(self.violation("record", offset, text));
            }
            before = Some(offset);
        }
        Ok(())
    }

    fn violation(&self, kind: &str, offset: Offset, text: String) -> Violation {
        Violation::new(NAME, kind, self.at_ns, text).at(self.at, Some(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, batch, check, compacted, final_log};
    use super::OffsetsIncrease;
    use expect_test::expect;

    #[test]
    fn batches_that_follow_each_other_are_fine() {
        let events = [answer(0, &[batch(0, 5), batch(5, 1)]), answer(6, &[batch(6, 3)])];
        check(OffsetsIncrease::default(), &events, expect!["2 evaluations"]);
    }

    #[test]
    fn a_batch_that_holds_the_asked_offset_may_start_before_it() {
        let events = [answer(3, &[batch(0, 5)])];
        check(OffsetsIncrease::default(), &events, expect!["1 evaluations"]);
    }

    #[test]
    fn a_batch_before_the_one_before_it_is_found() {
        let events = [answer(5, &[batch(5, 5), batch(8, 3)])];
        check(
            OffsetsIncrease::default(),
            &events,
            expect![[r#"
                backwards at 8: a batch starts at 8, after one that ends before 10
                1 evaluations"#]],
        );
        let events = [answer(9, &[batch(0, 5)])];
        check(
            OffsetsIncrease::default(),
            &events,
            expect![[r#"
            backwards at 0: asked from 9, given a batch that ends at 4
            1 evaluations"#]],
        );
    }

    #[test]
    fn a_hole_is_found_unless_the_topic_is_compacted() {
        let events = [answer(0, &[batch(0, 5), batch(7, 3)])];
        check(
            OffsetsIncrease::default(),
            &events,
            expect![[r#"
            hole at 5: offsets 5 to 6 are missing
            1 evaluations"#]],
        );
        let events = [compacted(), answer(0, &[batch(0, 5), batch(7, 3)])];
        check(OffsetsIncrease::default(), &events, expect!["1 evaluations"]);
    }

    #[test]
    fn a_hole_after_the_asked_offset_is_found() {
        let events = [answer(2, &[batch(4, 2)])];
        check(
            OffsetsIncrease::default(),
            &events,
            expect![[r#"
            hole at 2: offsets 2 to 3 are missing
            1 evaluations"#]],
        );
    }

    #[test]
    fn a_batch_with_fewer_records_than_offsets_is_found() {
        let mut short = batch(0, 5);
        short.count = 4;
        check(
            OffsetsIncrease::default(),
            &[answer(0, &[short])],
            expect![[r#"
            count at 0: a batch from 0 to 4 holds 4 records
            1 evaluations"#]],
        );
        let mut twice = batch(0, 2);
        twice.records[1].offset = twice.records[0].offset;
        check(
            OffsetsIncrease::default(),
            &[answer(0, &[twice])],
            expect![[r#"
            record at 0: a record in the batch from 0 to 1 claims 0
            1 evaluations"#]],
        );
    }

    #[test]
    fn the_files_at_the_end_are_read_too() {
        let events = [final_log(&[batch(0, 5), batch(5, 2)])];
        check(OffsetsIncrease::default(), &events, expect!["1 evaluations"]);
        let events = [final_log(&[batch(0, 5), batch(6, 2)])];
        check(
            OffsetsIncrease::default(),
            &events,
            expect![[r#"
            hole at 5: offsets 5 to 5 are missing
            1 evaluations"#]],
        );
    }
}
