//! C1: a value acknowledged with `acks=all` is at its acknowledged offset in every later view.
//!
//! A view is a fetch answer or the files at the end. A record may be gone only below a log start
//! that retention or DeleteRecords may have moved, or by compaction (whose own rule is
//! `compaction_keeps_latest`). The end of the log that ListOffsets tells may not lie before what was
//! acknowledged when it was asked.
//! Source: simulator.md section 10; Jepsen's Kafka tests ("lost write", "inconsistent offsets").

use model::{Offset, TopicPartition};
use std::collections::BTreeMap;

use super::event::{Acks, BatchSeen, Consumed, OffsetListed, OffsetQuery, Outcome, ProduceAttempt};
use super::pieces::{Piece, Pieces};
use super::topics::Topics;
use super::{Checker, Event, Fact, Violation};
use crate::scan::LogScan;

const NAME: &str = "c1-acked-stays";

#[derive(Debug, Default)]
pub(super) struct AckedStays {
    topics: Topics,
    partitions: BTreeMap<TopicPartition, Acked>,
    evaluations: u64,
}

/// What was acknowledged in one partition.
#[derive(Debug, Default)]
struct Acked {
    pieces: Pieces,
    /// What readers were given, for acknowledgements that come later.
    views: Pieces,
    /// The end of the acknowledged offsets, by the time at which it was known.
    ends: BTreeMap<u64, Offset>,
    /// Records below were asked to be deleted.
    deleted_below: Offset,
    /// Operations whose offsets are known, so that a repeated answer is not another claim.
    operations: BTreeMap<Offset, u64>,
}

impl Checker for AckedStays {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        self.topics.take(&event.fact);
        match &event.fact {
            Fact::Produced(attempt) => self.take_attempt(event.at_ns, attempt),
            Fact::Consumed(consumed) => self.check_answer(event.at_ns, consumed),
            Fact::FinalLog { at, log, .. } => self.check_log(event.at_ns, *at, log),
            Fact::OffsetListed(listed) => self.check_end(event.at_ns, listed),
            Fact::RecordsDeleted { at, before } => {
                let acked = self.partitions.entry(*at).or_default();
                acked.deleted_below = acked.deleted_below.max(*before);
                Ok(())
            }
            Fact::Settled { at, below } => {
                if let Some(acked) = self.partitions.get_mut(at) {
                    acked.pieces.forget_below(*below);
                    acked.views.forget_below(*below);
                    acked.operations = acked.operations.split_off(below);
                    // Only the newest end answers a later question.
                    while acked.ends.len() > 1 {
                        acked.ends.pop_first();
                    }
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

impl AckedStays {
    fn take_attempt(&mut self, at_ns: u64, attempt: &ProduceAttempt) -> Result<(), Violation> {
        let Outcome::Acked { base_offset: Some(base_offset) } = attempt.outcome else {
            return Ok(());
        };
        if attempt.acks != Acks::All {
            return Ok(());
        }
        let acked = self.partitions.entry(attempt.at).or_default();
        let piece = Piece::of_content(base_offset, &attempt.content);
        let end = acked.ends.last_key_value().map_or(Offset::ZERO, |(_, end)| *end);
        if piece.end_offset > end {
            acked.ends.insert(at_ns, piece.end_offset);
        }
        self.evaluations += 1;
        if acked.operations.get(&base_offset) == Some(&attempt.operation) {
            return Ok(());
        }
        let other = acked.pieces.overlapping(piece.base_offset, piece.end_offset).next();
        if let Some(other) = other {
            let text = format!(
                "operation {} was told offsets {base_offset} to {}, another operation {} to {}",
                attempt.operation,
                piece.end_offset.0 - 1,
                other.base_offset,
                other.end_offset.0 - 1
            );
            return Err(violation("claimed-twice", at_ns, attempt.at, base_offset, text));
        }
        let mut views = acked.views.overlapping(piece.base_offset, piece.end_offset);
        let changed = views.find_map(|view| piece.difference(view));
        drop(views);
        acked.operations.insert(base_offset, attempt.operation);
        acked.pieces.insert(piece);
        changed.map_or(Ok(()), |offset| Err(changed_value(at_ns, attempt.at, offset)))
    }

    fn check_answer(&mut self, at_ns: u64, consumed: &Consumed) -> Result<(), Violation> {
        let batches: Vec<&BatchSeen> = consumed.batches.iter().collect();
        let Some(last) = batches.last() else { return Ok(()) };
        let range = consumed.from..last.last_offset.after(1);
        let acked = self.partitions.entry(consumed.at).or_default();
        for batch in &batches {
            acked.views.insert(Piece::of_batch(batch));
        }
        self.check_view(at_ns, consumed.at, range, consumed.log_start_offset, &batches)
    }

    fn check_log(
        &mut self,
        at_ns: u64,
        at: TopicPartition,
        log: &LogScan,
    ) -> Result<(), Violation> {
        if self.topics.is_deleted(at.topic) {
            return Ok(());
        }
        let placed = log.segments.iter().flat_map(|segment| &segment.batches);
        let batches: Vec<&BatchSeen> = placed.map(|placed| &placed.batch).collect();
        let everything = Offset::ZERO..Offset(i64::MAX - 1);
        self.check_view(at_ns, at, everything, Some(log.log_start_offset), &batches)
    }

    /// Compares what was acknowledged in `range` with the batches that a reader has found there.
    fn check_view(
        &mut self,
        at_ns: u64,
        at: TopicPartition,
        range: core::ops::Range<Offset>,
        log_start_offset: Option<Offset>,
        batches: &[&BatchSeen],
    ) -> Result<(), Violation> {
        let rules = self.topics.rules(at.topic);
        let Some(acked) = self.partitions.get(&at) else { return Ok(()) };
        let log_start = log_start_offset.unwrap_or(Offset::ZERO);
        let gone_below =
            if rules.retained_for_a_while { log_start } else { acked.deleted_below.min(log_start) };
        let mut seen = Pieces::default();
        for batch in batches {
            seen.insert(Piece::of_batch(batch));
        }
        for piece in acked.pieces.overlapping(range.start, range.end) {
            self.evaluations += 1;
            let mut covered_to = piece.base_offset.max(gone_below).max(range.start);
            for view in seen.overlapping(piece.base_offset, piece.end_offset) {
                if let Some(offset) = piece.difference(view) {
                    return Err(changed_value(at_ns, at, offset));
                }
                if view.base_offset > covered_to {
                    break;
                }
                covered_to = covered_to.max(view.end_offset);
            }
            if covered_to < piece.end_offset.min(range.end) && !rules.compacted {
                let text = format!(
                    "offsets {covered_to} to {} were acknowledged and a later view lacks them",
                    piece.end_offset.0 - 1
                );
                return Err(violation("lost", at_ns, at, covered_to, text));
            }
        }
        Ok(())
    }

    fn check_end(&mut self, at_ns: u64, listed: &OffsetListed) -> Result<(), Violation> {
        let (OffsetQuery::Latest, Some((end, _))) = (listed.query, listed.answer) else {
            return Ok(());
        };
        let Some(acked) = self.partitions.get(&listed.at) else { return Ok(()) };
        let before = acked.ends.range(..listed.invoked_ns).next_back();
        let Some((_, acked_end)) = before else { return Ok(()) };
        self.evaluations += 1;
        if end >= *acked_end {
            return Ok(());
        }
        let text = format!("the log ends at {end}, offsets below {acked_end} were acknowledged");
        Err(violation("end-before-acked", at_ns, listed.at, end, text))
    }
}

fn changed_value(at_ns: u64, at: TopicPartition, offset: Offset) -> Violation {
    let text = format!("the value acknowledged at {offset} is not the one that readers are given");
    violation("changed", at_ns, at, offset, text)
}

fn violation(
    kind: &str,
    at_ns: u64,
    at: TopicPartition,
    offset: Offset,
    text: String,
) -> Violation {
    Violation::new(NAME, kind, at_ns, text).at(at, Some(offset))
}

#[cfg(test)]
mod tests {
    use super::super::event::{Acks, Event, Fact, OffsetListed, OffsetQuery, Outcome, TopicRules};
    use super::super::testing::{
        PLACE, acked, answer, attempt, batch, batch_of, check, compacted, created, event,
        final_log, value,
    };
    use super::AckedStays;
    use expect_test::expect;
    use model::Offset;

    fn listed(end: i64) -> Event {
        let listed = OffsetListed {
            at: PLACE,
            query: OffsetQuery::Latest,
            invoked_ns: 5,
            answer: Some((Offset(end), -1)),
        };
        event(6, Fact::OffsetListed(listed))
    }

    #[test]
    fn values_that_stay_where_they_were_acknowledged_are_fine() {
        let events = [
            acked(0, 3),
            answer(0, &[batch(0, 3)]),
            acked(3, 2),
            answer(4, &[batch(3, 2)]),
            listed(5),
            final_log(&[batch(0, 3), batch(3, 2)]),
        ];
        check(AckedStays::default(), &events, expect!["7 evaluations"]);
    }

    #[test]
    fn a_value_that_changed_is_found() {
        let other = batch_of(0, &[value(0), value(7), value(2)]);
        check(
            AckedStays::default(),
            &[acked(0, 3), answer(0, core::slice::from_ref(&other))],
            expect![[r#"
                changed at 1: the value acknowledged at 1 is not the one that readers are given
                2 evaluations"#]],
        );
        let mut hashed = other;
        hashed.records.clear();
        check(
            AckedStays::default(),
            &[acked(0, 3), answer(0, &[hashed])],
            expect![[r#"
                changed at 0: the value acknowledged at 0 is not the one that readers are given
                2 evaluations"#]],
        );
    }

    #[test]
    fn a_value_that_is_told_at_another_offset_than_it_has_is_found_in_any_order() {
        let told = Outcome::Acked { base_offset: Some(Offset(1)) };
        let mut batches = [batch(0, 3), batch(3, 3)];
        check(
            AckedStays::default(),
            &[answer(0, &batches), attempt(1, 0, 3, told)],
            expect![[r#"
            changed at 1: the value acknowledged at 1 is not the one that readers are given
            1 evaluations"#]],
        );
        batches.iter_mut().for_each(|batch| batch.records.clear());
        check(
            AckedStays::default(),
            &[answer(0, &batches), attempt(1, 0, 3, told)],
            expect![[r#"
            changed at 1: the value acknowledged at 1 is not the one that readers are given
            1 evaluations"#]],
        );
        check(
            AckedStays::default(),
            &[attempt(1, 0, 3, told), answer(0, &batches)],
            expect![[r#"
            changed at 1: the value acknowledged at 1 is not the one that readers are given
            2 evaluations"#]],
        );
    }

    #[test]
    fn a_value_that_is_passed_over_or_missing_at_the_end_is_lost() {
        let passed = [acked(0, 3), acked(3, 2), answer(0, &[batch(0, 3), batch(5, 1)])];
        check(
            AckedStays::default(),
            &passed,
            expect![[r#"
            lost at 3: offsets 3 to 4 were acknowledged and a later view lacks them
            4 evaluations"#]],
        );
        let cut = [acked(0, 3), acked(3, 2), final_log(&[batch(0, 3)])];
        check(
            AckedStays::default(),
            &cut,
            expect![[r#"
            lost at 3: offsets 3 to 4 were acknowledged and a later view lacks them
            4 evaluations"#]],
        );
    }

    #[test]
    fn a_reader_that_stops_early_loses_nothing() {
        let events = [acked(0, 3), acked(3, 2), answer(0, &[batch(0, 3)])];
        check(AckedStays::default(), &events, expect!["3 evaluations"]);
    }

    #[test]
    fn records_below_a_log_start_may_go_only_where_something_deletes() {
        let log = final_log(&[batch(3, 2)]);
        check(
            AckedStays::default(),
            &[acked(0, 3), acked(3, 2), log.clone()],
            expect![[r#"
            lost at 0: offsets 0 to 2 were acknowledged and a later view lacks them
            3 evaluations"#]],
        );
        let rules = TopicRules { retained_for_a_while: true, ..TopicRules::default() };
        let events = [created(rules), acked(0, 3), acked(3, 2), log.clone()];
        check(AckedStays::default(), &events, expect!["4 evaluations"]);
        let delete = event(1, Fact::RecordsDeleted { at: PLACE, before: Offset(3) });
        check(AckedStays::default(), &[acked(0, 3), delete, log], expect!["2 evaluations"]);
        let events = [compacted(), acked(0, 3), final_log(&[batch(2, 1)])];
        check(AckedStays::default(), &events, expect!["2 evaluations"]);
    }

    #[test]
    fn two_operations_are_never_told_the_same_offset() {
        let told = Outcome::Acked { base_offset: Some(Offset(2)) };
        let events = [acked(0, 3), attempt(9, 50, 1, told)];
        check(
            AckedStays::default(),
            &events,
            expect![[r#"
            claimed-twice at 2: operation 9 was told offsets 2 to 2, another operation 0 to 2
            2 evaluations"#]],
        );
        let events = [acked(0, 3), acked(0, 3)];
        check(AckedStays::default(), &events, expect!["2 evaluations"]);
    }

    #[test]
    fn the_end_of_the_log_is_not_before_what_was_acknowledged() {
        check(
            AckedStays::default(),
            &[acked(0, 3), listed(2)],
            expect![[r#"
            end-before-acked at 2: the log ends at 2, offsets below 3 were acknowledged
            2 evaluations"#]],
        );
    }

    #[test]
    fn what_only_the_leader_acknowledged_may_go() {
        let mut event = acked(0, 3);
        if let Fact::Produced(attempt) = &mut event.fact {
            attempt.acks = Acks::Leader;
        }
        check(AckedStays::default(), &[event, final_log(&[])], expect!["0 evaluations"]);
    }
}
