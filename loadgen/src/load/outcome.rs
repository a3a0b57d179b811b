//! The result of a run as figures, before anybody judges them.

use core::time::Duration;
use model::{PartitionIndex, TopicId};
use reports::Verify;

use super::lanes::Lanes;
use super::pacer::Busy;
use super::tally::{Counts, Latencies, Measured, Tally};
use super::{Progress, topics};
use crate::bins::Bins;
use crate::machine::Sample;
use crate::timeline::BLOCK_NS;

/// What a run measured.
pub struct Outcome {
    pub offered: u64,
    pub duration_s: f64,
    /// Acknowledgements that arrived in the window (consumed records without acknowledgements).
    pub arrived_in_window: u64,
    pub unacked_growth: i64,
    pub counts: Counts,
    pub latencies: Latencies,
    pub busy_ratio: f64,
    /// One for each second of the window.
    pub seconds: Vec<Second>,
    /// The machine at the start and at the end of the window.
    pub machine: [Sample; 2],
    pub verify: Verify,
    pub verify_overflowed: bool,
    /// Entries that the history had no room for.
    pub unrecorded: u64,
    pub settings: topics::Settings,
}

/// What happened in one second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Second {
    pub length_s: f64,
    pub due: u64,
    pub acked: u64,
    pub consumed: u64,
    pub errors: u64,
    pub busy_ratio: f64,
    pub machine: [Sample; 2],
}

/// The state of everything at one moment.
#[derive(Clone, Copy)]
struct Mark {
    at_ns: u64,
    due: u64,
    acked: u64,
    consumed: u64,
    errors: u64,
    busy: Busy,
    machine: Sample,
}

/// Takes a mark at the start of the window and after each second.
#[derive(Default)]
pub(super) struct Watch {
    marks: Vec<Mark>,
}

impl Watch {
    pub(super) fn mark(
        &mut self,
        at_ns: u64,
        machine: Sample,
        tally: &Tally,
        lanes: &Lanes,
        busy: Busy,
    ) {
        let counts = tally.counts();
        self.marks.push(Mark {
            at_ns,
            due: lanes.due_count(),
            acked: counts.acked_so_far,
            consumed: counts.consumed_so_far,
            errors: counts.error_count(),
            busy,
            machine,
        });
    }

    pub(super) fn finish(
        self,
        tally: &mut Tally,
        places: &[(TopicId, PartitionIndex)],
        ended_ns: u64,
        measured: Measured,
    ) -> Outcome {
        let offered = tally.close(ended_ns, measured);
        let (verify, verify_overflowed) = tally.verified(places);
        let (first, last) = (self.marks[0], *self.marks.last().expect("at least two marks"));
        let unacked = |mark: Mark| i64::try_from(mark.due - mark.acked.min(mark.due)).unwrap_or(0);
        let seconds = self.marks.windows(2).map(|pair| second(pair[0], pair[1])).collect();
        let arrived = |mark: Mark| if measured.ack { mark.acked } else { mark.consumed };
        Outcome {
            offered,
            duration_s: seconds_of(last.at_ns - first.at_ns),
            arrived_in_window: arrived(last) - arrived(first),
            unacked_growth: if measured.ack { unacked(last) - unacked(first) } else { 0 },
            counts: tally.counts().clone(),
            latencies: tally.take_latencies(),
            busy_ratio: last.busy.ratio_since(first.busy),
            seconds,
            machine: [first.machine, last.machine],
            verify,
            verify_overflowed,
            unrecorded: 0,
            settings: topics::Settings::default(),
        }
    }
}

fn second(from: Mark, to: Mark) -> Second {
    Second {
        length_s: seconds_of(to.at_ns - from.at_ns),
        due: to.due - from.due,
        acked: to.acked - from.acked,
        consumed: to.consumed - from.consumed,
        errors: to.errors - from.errors,
        busy_ratio: to.busy.ratio_since(from.busy),
        machine: [from.machine, to.machine],
    }
}

fn seconds_of(ns: u64) -> f64 {
    Duration::from_nanos(ns).as_secs_f64()
}

/// How the last second went.
pub(super) fn progress(
    tally: &mut Tally,
    window: &core::ops::Range<u64>,
    at_ns: u64,
    acked_before: u64,
    e2e: bool,
) -> Progress {
    let acked = tally.counts().acked_so_far;
    let errors = tally.counts().error_count();
    let latencies = tally.latencies();
    let timeline = if e2e { &mut latencies.e2e } else { &mut latencies.ack };
    timeline.pack();
    let blocks = at_ns.saturating_sub(window.start) / BLOCK_NS;
    let end = usize::try_from(blocks).unwrap_or(usize::MAX).min(timeline.block_count());
    let last: Bins = timeline.total(end.saturating_sub(10)..end);
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    Progress {
        at_s: seconds_of(at_ns) - seconds_of(window.start),
        length_s: seconds_of(window.end - window.start),
        acked_per_s: (acked - acked_before) as f64,
        p50_us: last.quantile(0.5, 1),
        p99_us: last.quantile(0.99, 1),
        errors,
    }
}
