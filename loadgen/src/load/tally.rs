//! What happened to the records: latencies, counts, and who is missing.
//!
//! Promises: a record due in the window is entered once in each headline histogram; what never came
//! back is entered when the run ends. Work per batch is a few steps, per record one add.

use core::ops::Range;
use model::{Offset, PartitionIndex, TopicId};
use reports::{Verify, VerifyExample};
use std::collections::BTreeMap;

use super::lanes::Placed;
use super::topics::Prepared;
use crate::bins::Bins;
use crate::plan::Acks;
use crate::ranges::Ranges;
use crate::schedule::{Due, LaneSchedule};
use crate::timeline::Timeline;

/// Faults that are described one by one.
const EXAMPLES_MAX: usize = 20;

/// A batch in a request.
pub(super) struct SentBatch {
    pub(super) lane: u16,
    pub(super) topic: usize,
    pub(super) topic_id: TopicId,
    pub(super) partition: PartitionIndex,
    pub(super) first: Due,
    pub(super) count: u32,
    pub(super) placed: Vec<Placed>,
    pub(super) sent_ns: u64,
    /// Its number in the history.
    pub(super) operation: u64,
}

impl SentBatch {
    pub(super) fn end_sequence(&self) -> u64 {
        self.first.sequence + u64::from(self.count)
    }
}

/// Consecutive records of one lane as a consumer found them.
pub(super) struct ConsumedBatch {
    pub(super) lane: u16,
    pub(super) topic_id: TopicId,
    pub(super) partition: PartitionIndex,
    pub(super) base_offset: Offset,
    pub(super) first: Due,
    pub(super) count: u32,
}

impl ConsumedBatch {
    pub(super) fn continues(&self, lane: u16, sequence: u64) -> bool {
        lane == self.lane && sequence == self.first.sequence + u64::from(self.count)
    }
}

/// Every histogram of a run.
pub struct Latencies {
    pub ack: Timeline,
    pub e2e: Timeline,
    pub lag: Bins,
    pub service: Bins,
    pub deliver: Bins,
    /// Placed to acknowledged: what `ack` would be if the client had been on time.
    pub placed_to_ack: Bins,
}

impl Latencies {
    fn new(length_ns: u64) -> Self {
        Self {
            ack: Timeline::new(length_ns),
            e2e: Timeline::new(length_ns),
            lag: Bins::default(),
            service: Bins::default(),
            deliver: Bins::default(),
            placed_to_ack: Bins::default(),
        }
    }
}

/// Records due in the window, unless a field says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub sent: u64,
    pub acked: u64,
    pub consumed: u64,
    pub not_sent: u64,
    /// Refused, by error code.
    pub errors: BTreeMap<i16, u64>,
    /// Acknowledged up to now, whenever they were due.
    pub acked_so_far: u64,
    pub consumed_so_far: u64,
}

impl Counts {
    #[must_use]
    pub fn error_count(&self) -> u64 {
        self.errors.values().sum()
    }
}

#[derive(Default)]
struct LaneTally {
    acked: Ranges,
    consumed: Ranges,
    /// The end of what was consumed so far.
    consumed_end: u64,
}

pub(super) struct Tally {
    window: Range<u64>,
    schedules: Vec<LaneSchedule>,
    topics: BTreeMap<TopicId, String>,
    latencies: Latencies,
    counts: Counts,
    lanes: Vec<LaneTally>,
    verify: Verify,
}

impl Tally {
    pub(super) fn new(
        window: Range<u64>,
        schedules: Vec<LaneSchedule>,
        prepared: &Prepared,
    ) -> Self {
        let length_ns = window.end - window.start;
        Self {
            lanes: schedules.iter().map(|_| LaneTally::default()).collect(),
            window,
            schedules,
            topics: prepared.topics.iter().map(|topic| (topic.id, topic.name.clone())).collect(),
            latencies: Latencies::new(length_ns),
            counts: Counts::default(),
            verify: Verify::default(),
        }
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) fn latencies(&mut self) -> &mut Latencies {
        &mut self.latencies
    }

    /// Takes the histograms out, when nothing more is counted.
    pub(super) fn take_latencies(&mut self) -> Latencies {
        core::mem::replace(&mut self.latencies, Latencies::new(0))
    }

    /// Where the pacer counts: the lag histogram, and the records it had no room for.
    pub(super) fn placing(&mut self) -> (&mut Bins, &mut u64) {
        (&mut self.latencies.lag, &mut self.counts.not_sent)
    }

    pub(super) fn sent(&mut self, batches: &[SentBatch]) {
        for batch in batches {
            self.counts.sent += self.in_window(batch.lane, batch.first, batch.count);
        }
    }

    pub(super) fn acked(&mut self, batch: &SentBatch, now_ns: u64) {
        let end = batch.end_sequence();
        self.lanes[usize::from(batch.lane)].acked.insert(batch.first.sequence, end);
        self.counts.acked_so_far += u64::from(batch.count);
        let counted = self.in_window(batch.lane, batch.first, batch.count);
        if counted == 0 {
            return;
        }
        self.counts.acked += counted;
        self.latencies.service.record(micros(now_ns, batch.sent_ns), counted);
        if batch.first.at_ns >= self.window.start {
            for placed in &batch.placed {
                let placed_us = micros(now_ns, placed.at_ns);
                self.latencies.placed_to_ack.record(placed_us, placed.count.into());
            }
        }
        let schedule = &self.schedules[usize::from(batch.lane)];
        enter(&mut self.latencies.ack, &self.window, schedule, batch.first, batch.count, now_ns);
    }

    pub(super) fn refused(&mut self, batch: &SentBatch, error_code: i16) {
        let counted = self.in_window(batch.lane, batch.first, batch.count);
        *self.counts.errors.entry(error_code).or_default() += counted;
    }

    pub(super) fn consumed(&mut self, batch: &ConsumedBatch, sent_ns: Option<u64>, now_ns: u64) {
        let (first, count) = (batch.first.sequence, u64::from(batch.count));
        let lane = &mut self.lanes[usize::from(batch.lane)];
        let again = lane.consumed.insert(first, first + count);
        let late = first < lane.consumed_end;
        lane.consumed_end = lane.consumed_end.max(first + count);
        if again > 0 {
            self.verify.duplicated += again;
            self.example(
                "duplicated",
                batch.topic_id,
                batch.partition,
                Some(batch.base_offset),
                || format!("{again} of records {first} to {} came before", first + count - 1),
            );
            return;
        }
        if late {
            self.verify.reordered += count;
            self.example(
                "reordered",
                batch.topic_id,
                batch.partition,
                Some(batch.base_offset),
                || format!("records {first} to {} came after later ones", first + count - 1),
            );
        }
        self.counts.consumed_so_far += count;
        let counted = self.in_window(batch.lane, batch.first, batch.count);
        if counted == 0 {
            return;
        }
        self.counts.consumed += counted;
        if let Some(sent_ns) = sent_ns {
            self.latencies.deliver.record(micros(now_ns, sent_ns), counted);
        }
        let schedule = &self.schedules[usize::from(batch.lane)];
        enter(&mut self.latencies.e2e, &self.window, schedule, batch.first, batch.count, now_ns);
    }

    pub(super) fn corrupted(
        &mut self,
        topic: TopicId,
        partition: PartitionIndex,
        offset: Offset,
        what: String,
    ) {
        self.verify.corrupted += 1;
        self.example("corrupted", topic, partition, Some(offset), || what);
    }

    fn example(
        &mut self,
        kind: &str,
        topic: TopicId,
        partition: PartitionIndex,
        offset: Option<Offset>,
        detail: impl FnOnce() -> String,
    ) {
        if self.verify.examples.len() < EXAMPLES_MAX {
            self.verify.examples.push(VerifyExample {
                kind: kind.to_owned(),
                topic: self.topics.get(&topic).cloned().unwrap_or_else(|| topic.to_string()),
                partition: partition.0,
                offset: offset.map(|offset| offset.0),
                detail: detail(),
            });
        }
    }

    /// How many of `count` records from `first` on were due in the window. None is due after it.
    fn in_window(&self, lane: u16, first: Due, count: u32) -> u64 {
        if first.at_ns >= self.window.start {
            return count.into();
        }
        let schedule = &self.schedules[usize::from(lane)];
        let last = schedule.forward(first, first.sequence + u64::from(count) - 1);
        if last.at_ns < self.window.start {
            return 0;
        }
        // Happens once per lane: the batch that spans the start of the window.
        last.sequence + 1 - schedule.at_or_after(self.window.start).sequence
    }

    /// Every acknowledged record was consumed, or every sent one when nothing is acknowledged.
    pub(super) fn all_consumed(&self, acks: Acks) -> bool {
        if acks == Acks::None {
            return self.counts.consumed >= self.counts.sent;
        }
        self.lanes.iter().all(|lane| lane.acked.without(&lane.consumed).is_empty())
    }

    /// Enters what is missing with the age it has by now. Returns the records due in the window.
    pub(super) fn close(&mut self, ended_ns: u64, measured: Measured) -> u64 {
        let mut offered = 0;
        for (schedule, lane) in self.schedules.iter().zip(&self.lanes) {
            let first = schedule.at_or_after(self.window.start);
            let end = schedule.at_or_after(self.window.end).sequence;
            offered += end - first.sequence;
            let window = &self.window;
            let enter_missing = |timeline: &mut Timeline, came: &Ranges| {
                for (from, to) in came.missing_in(first.sequence, end) {
                    let count = u32::try_from(to - from).expect("a backlog of 2^32 records");
                    let from = schedule.forward(first, from);
                    enter(timeline, window, schedule, from, count, ended_ns);
                }
            };
            if measured.ack {
                enter_missing(&mut self.latencies.ack, &lane.acked);
            }
            if measured.e2e {
                enter_missing(&mut self.latencies.e2e, &lane.consumed);
            }
        }
        self.latencies.ack.pack();
        self.latencies.e2e.pack();
        offered
    }

    /// What verification found, and whether it could follow everything.
    pub(super) fn verified(&mut self, places: &[(TopicId, PartitionIndex)]) -> (Verify, bool) {
        let mut overflowed = false;
        for (number, (topic, partition)) in places.iter().enumerate() {
            let lane = &self.lanes[number];
            overflowed |= lane.acked.overflowed() || lane.consumed.overflowed();
            for (from, to) in lane.acked.without(&lane.consumed) {
                self.verify.lost += to - from;
                self.example("lost", *topic, *partition, None, || {
                    format!("records {from} to {} were acknowledged and never consumed", to - 1)
                });
            }
        }
        (self.verify.clone(), overflowed)
    }
}

/// Which headline histograms a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Measured {
    pub(super) ack: bool,
    pub(super) e2e: bool,
}

/// Enters `count` records from `first` on, as far as they were due in the window.
fn enter(
    timeline: &mut Timeline,
    window: &Range<u64>,
    schedule: &LaneSchedule,
    first: Due,
    count: u32,
    now_ns: u64,
) {
    let mut due = first;
    let end = first.sequence + u64::from(count);
    while due.sequence < end && due.at_ns < window.start {
        due = schedule.next(due);
    }
    while due.sequence < end {
        let (mut block, block_end) = timeline.block_at(due.at_ns - window.start);
        let block_end_ns = block_end + window.start;
        while due.sequence < end && due.at_ns < block_end_ns {
            block.record(micros(now_ns, due.at_ns));
            due = schedule.next(due);
        }
    }
}

fn micros(now_ns: u64, since_ns: u64) -> u64 {
    now_ns.saturating_sub(since_ns) / 1_000
}

#[cfg(test)]
mod tests {
    use super::super::topics::Topic;
    use super::*;
    use crate::schedule::Shape;
    use expect_test::{Expect, expect};
    use model::NodeId;

    const MS: u64 = 1_000_000;

    /// One lane of a record per millisecond; the window is 100 ms to 1,100 ms.
    struct Bench {
        tally: Tally,
        schedule: LaneSchedule,
        topic: TopicId,
    }

    impl Bench {
        fn new() -> Self {
            let schedule = LaneSchedule::new(Shape::Constant, 1_000.0, 0, 1);
            let topic = TopicId::from_random(0, 1);
            let leaders = vec![NodeId(0)];
            let ends = vec![Offset::ZERO];
            let prepared =
                Prepared::given(vec![Topic { name: "t".to_owned(), id: topic, leaders, ends }]);
            let tally = Tally::new(100 * MS..1_100 * MS, vec![schedule], &prepared);
            Self { tally, schedule, topic }
        }

        fn first(&self, sequence: u64) -> Due {
            self.schedule.forward(self.schedule.first(), sequence)
        }

        fn sent(&self, records: Range<u32>) -> SentBatch {
            let first = self.first(records.start.into());
            SentBatch {
                lane: 0,
                topic: 0,
                topic_id: self.topic,
                partition: PartitionIndex(0),
                first,
                count: records.end - records.start,
                placed: vec![Placed { at_ns: first.at_ns, count: records.end - records.start }],
                sent_ns: first.at_ns,
                operation: 0,
            }
        }

        fn ack(&mut self, records: Range<u32>, at_ms: u64) {
            let batch = self.sent(records);
            self.tally.acked(&batch, at_ms * MS);
        }

        fn consume(&mut self, records: Range<u32>, at_ms: u64) {
            let batch = ConsumedBatch {
                lane: 0,
                topic_id: self.topic,
                partition: PartitionIndex(0),
                base_offset: Offset(records.start.into()),
                first: self.first(records.start.into()),
                count: records.end - records.start,
            };
            self.tally.consumed(&batch, None, at_ms * MS);
        }

        fn check_faults(mut self, expect: Expect) {
            let (verify, _) = self.tally.verified(&[(self.topic, PartitionIndex(0))]);
            let fault =
                |it: &VerifyExample| format!("{} at {:?}: {}", it.kind, it.offset, it.detail);
            let mut lines: Vec<_> = verify.examples.iter().map(fault).collect();
            lines.push(format!(
                "lost {} duplicated {} reordered {} corrupted {}",
                verify.lost, verify.duplicated, verify.reordered, verify.corrupted
            ));
            expect.assert_eq(&lines.join("\n"));
        }
    }

    #[test]
    fn what_comes_once_and_in_order_is_no_fault() {
        let mut bench = Bench::new();
        bench.ack(0..10, 20);
        bench.consume(0..10, 21);
        bench.check_faults(expect![["lost 0 duplicated 0 reordered 0 corrupted 0"]]);
    }

    #[test]
    fn an_acknowledged_record_that_never_comes_is_lost() {
        let mut bench = Bench::new();
        bench.ack(0..10, 20);
        bench.consume(0..4, 21);
        bench.consume(6..10, 21);
        bench.check_faults(expect![[r#"
            lost at None: records 4 to 5 were acknowledged and never consumed
            lost 2 duplicated 0 reordered 0 corrupted 0"#]]);
    }

    #[test]
    fn a_record_without_acknowledgement_may_come_or_not() {
        let mut bench = Bench::new();
        bench.consume(0..5, 21);
        bench.check_faults(expect![["lost 0 duplicated 0 reordered 0 corrupted 0"]]);
    }

    #[test]
    fn a_record_that_comes_again_is_a_duplicate() {
        let mut bench = Bench::new();
        bench.consume(0..10, 21);
        bench.consume(8..10, 22);
        bench.check_faults(expect![[r#"
            duplicated at Some(8): 2 of records 8 to 9 came before
            lost 0 duplicated 2 reordered 0 corrupted 0"#]]);
    }

    #[test]
    fn a_record_after_a_later_one_is_reordered() {
        let mut bench = Bench::new();
        bench.consume(5..10, 21);
        bench.consume(0..5, 22);
        bench.check_faults(expect![[r#"
            reordered at Some(0): records 0 to 4 came after later ones
            lost 0 duplicated 0 reordered 5 corrupted 0"#]]);
    }

    #[test]
    fn what_never_came_back_is_in_the_tail_with_its_age() {
        let mut bench = Bench::new();
        bench.ack(0..1_099, 1_100);
        let refused = bench.sent(1_099..1_100);
        bench.tally.refused(&refused, 3);
        let offered = bench.tally.close(9_099 * MS, Measured { ack: true, e2e: true });
        assert_eq!(offered, 1_000);
        assert_eq!(bench.tally.counts().error_count(), 1);
        let latencies = bench.tally.take_latencies();
        assert_eq!(latencies.ack.total(0..10).count(), 1_000);
        assert_eq!(latencies.ack.total(0..10).max_us(), 8_000_000);
        assert_eq!(latencies.e2e.total(0..10).count(), 1_000);
        assert_eq!(latencies.e2e.total(0..10).max_us(), 8_999_000);
    }

    #[test]
    fn records_due_during_the_warm_up_count_nowhere() {
        let mut bench = Bench::new();
        bench.ack(0..100, 150);
        bench.ack(100..101, 150);
        bench.ack(90..110, 150);
        assert_eq!(bench.tally.counts().acked, 11);
        assert_eq!(bench.tally.latencies().service.count(), 11);
    }
}
