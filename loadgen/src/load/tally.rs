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

    /// Every acknowledged record was consumed.
    pub(super) fn all_consumed(&self) -> bool {
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
