//! An index entry never leads a search past what it looks for.
//!
//! `.index`: the position is where a batch starts, and no batch before it holds the entry's offset or
//! a later one. `.timeindex`: no batch before the one of the entry's offset has a younger record, and
//! the timestamp is one that the segment has. A missing entry only makes a search longer.
//! Source: Kafka `OffsetIndex`, `TimeIndex`.

use model::{Offset, TopicPartition};

use super::{Checker, Event, Fact, Violation};
use crate::scan::{LogScan, OffsetEntry, SegmentScan, TimeEntry};

const NAME: &str = "indexes-agree";

#[derive(Debug, Default)]
pub(super) struct IndexesAgree {
    evaluations: u64,
}

impl Checker for IndexesAgree {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        match &event.fact {
            Fact::FinalLog { at, log, .. } => self.check_log(event.at_ns, *at, log),
            Fact::Recovered(recovered) => {
                self.check_log(event.at_ns, recovered.at, &recovered.after)
            }
            _ => Ok(()),
        }
    }

    fn evaluations(&self) -> u64 {
        self.evaluations
    }
}

impl IndexesAgree {
    fn check_log(
        &mut self,
        at_ns: u64,
        at: TopicPartition,
        log: &LogScan,
    ) -> Result<(), Violation> {
        for segment in &log.segments {
            let offsets = segment.offset_index.iter().flatten();
            let times = segment.time_index.iter().flatten();
            let wrong = offsets
                .map(|entry| (entry.offset, "offset-index", wrong_offset(segment, *entry)))
                .chain(
                    times.map(|entry| (entry.offset, "time-index", wrong_time(segment, *entry))),
                );
            for (offset, kind, wrong) in wrong {
                self.evaluations += 1;
                if let Some(why) = wrong {
                    let text = format!("in the segment from {}: {why}", segment.base_offset);
                    let violation = Violation::new(NAME, kind, at_ns, text);
                    return Err(violation.at(at, Some(offset)));
                }
            }
        }
        Ok(())
    }
}

fn wrong_offset(segment: &SegmentScan, entry: OffsetEntry) -> Option<String> {
    let OffsetEntry { offset, position_bytes } = entry;
    let place = segment.batches.partition_point(|it| it.position_bytes < position_bytes);
    let Some(batch) = segment.batches.get(place).filter(|it| it.position_bytes == position_bytes)
    else {
        return Some(format!("{offset} points at byte {position_bytes}, where no batch starts"));
    };
    if batch.batch.base_offset > offset {
        let base = batch.batch.base_offset;
        return Some(format!("{offset} points at the batch from {base} on, behind it"));
    }
    None
}

fn wrong_time(segment: &SegmentScan, entry: TimeEntry) -> Option<String> {
    let TimeEntry { timestamp_ms, offset } = entry;
    let youngest = |holds: &dyn Fn(Offset, Offset) -> bool| {
        let placed = segment.batches.iter();
        let inside = placed.filter(|it| holds(it.batch.base_offset, it.batch.last_offset));
        inside.map(|it| it.max_timestamp_ms).max()
    };
    let before = youngest(&|_, last| last < offset);
    if let Some(before) = before.filter(|before| *before > timestamp_ms) {
        return Some(format!(
            "the time index says {timestamp_ms} up to {offset}, before it is {before}"
        ));
    }
    let there = youngest(&|base, _| base <= offset);
    if there.is_none_or(|there| there < timestamp_ms) {
        return Some(format!(
            "the time index says {timestamp_ms} up to {offset}, no record there is as young"
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, Fact};
    use super::super::testing::{NODE, PLACE, batch, check, event, scan};
    use super::IndexesAgree;
    use crate::scan::{OffsetEntry, TimeEntry};
    use expect_test::expect;
    use model::Offset;

    /// Batches 0..2, 2..4, 4..6 at bytes 0, 81, 162; each record is as old as its offset.
    fn log(offsets: &[(i64, u64)], times: &[(i64, i64)]) -> Event {
        let mut log = scan(&[batch(0, 2), batch(2, 2), batch(4, 2)]);
        let entry = |(offset, position_bytes): &(i64, u64)| OffsetEntry {
            offset: Offset(*offset),
            position_bytes: *position_bytes,
        };
        log.segments[0].offset_index = Some(offsets.iter().map(entry).collect());
        let entry = |(timestamp_ms, offset): &(i64, i64)| TimeEntry {
            timestamp_ms: *timestamp_ms,
            offset: Offset(*offset),
        };
        log.segments[0].time_index = Some(times.iter().map(entry).collect());
        event(9, Fact::FinalLog { node: NODE, at: PLACE, log })
    }

    #[test]
    fn entries_that_lead_to_their_batch_are_fine() {
        let events = [log(&[(3, 81), (5, 162)], &[(3, 3), (5, 5)]), log(&[], &[])];
        check(IndexesAgree::default(), &events, expect!["4 evaluations"]);
    }

    #[test]
    fn a_wrong_position_is_found() {
        check(
            IndexesAgree::default(),
            &[log(&[(3, 80)], &[])],
            expect![[r#"
            offset-index at 3: in the segment from 0: 3 points at byte 80, where no batch starts
            1 evaluations"#]],
        );
        check(
            IndexesAgree::default(),
            &[log(&[(3, 162)], &[])],
            expect![[r#"
            offset-index at 3: in the segment from 0: 3 points at the batch from 4 on, behind it
            1 evaluations"#]],
        );
    }

    #[test]
    fn a_wrong_time_is_found() {
        check(
            IndexesAgree::default(),
            &[log(&[], &[(2, 5)])],
            expect![[r#"
            time-index at 5: in the segment from 0: the time index says 2 up to 5, before it is 3
            1 evaluations"#]],
        );
        check(
            IndexesAgree::default(),
            &[log(&[], &[(9, 3)])],
            expect![[r#"
            time-index at 3: in the segment from 0: the time index says 9 up to 3, no record there is as young
            1 evaluations"#]],
        );
    }
}
