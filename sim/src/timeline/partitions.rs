//! How far each partition was, as offsets over time.

use std::collections::BTreeMap;

use model::{Observation, TopicPartition};

use super::claim::Claim;
use super::clock::us;
use super::names::Names;
use crate::checkers::Fact;
use crate::checkers::event::NodeChange;
use crate::run::{RecoveredEnd, Report};

/// An offset over time: (time, offset from then on).
pub(super) type Steps = Vec<(u64, i64)>;

#[derive(Default)]
pub(super) struct Partition {
    pub(super) name: String,
    pub(super) log_end: Steps,
    pub(super) durable_end: Steps,
    pub(super) high_watermark: Steps,
    pub(super) log_start: Steps,
    /// The first violation is about this partition, and about this offset if one is named.
    pub(super) is_hit: bool,
    pub(super) hit_offset: Option<i64>,
}

pub(super) fn partitions(
    report: &Report,
    claim: Option<&Claim>,
    names: &Names<'_>,
) -> Vec<Partition> {
    let mut lanes: BTreeMap<TopicPartition, Partition> = BTreeMap::new();
    let mut booted_us = 0;
    let mut recovered = report.recovered.iter().peekable();
    for event in &report.history {
        let at_us = us(event.at_ns);
        while let Some(log) = recovered.next_if(|log| log.at_ns <= event.at_ns) {
            lanes.entry(log.at).or_default().recovered(log);
        }
        match &event.fact {
            Fact::Node { change: NodeChange::Booted, .. } => booted_us = at_us,
            Fact::Observed { observation, .. } => {
                observe(&mut lanes, at_us, booted_us, *observation);
            }
            _ => {}
        }
    }
    for log in recovered {
        lanes.entry(log.at).or_default().recovered(log);
    }
    for at in claim.iter().flat_map(|claim| &claim.partitions) {
        lanes.entry(*at).or_default().is_hit = true;
    }
    if let Some(place) = report.violation.as_ref().and_then(|violation| violation.place) {
        let lane = lanes.entry(place.at).or_default();
        lane.hit_offset = place.offset.map(|offset| offset.0);
    }
    let mut lanes: Vec<Partition> = lanes
        .into_iter()
        .map(|(at, lane)| Partition { name: names.partition(at), ..lane })
        .filter(|lane| lane.is_hit || lane.holds_records())
        .collect();
    lanes.sort_by(|a, b| (!a.is_hit, &a.name).cmp(&(!b.is_hit, &b.name)));
    lanes
}

fn observe(
    lanes: &mut BTreeMap<TopicPartition, Partition>,
    at_us: u64,
    booted_us: u64,
    seen: Observation,
) {
    match seen {
        Observation::Appended { at, base_offset, end, .. } => {
            let lane = lanes.entry(at).or_default();
            // Records went where others had been: those were lost, at the last start if there was one.
            if lane.log_end.last().is_some_and(|(_, before)| *before > base_offset.0) {
                let last_us = lane.log_end.last().map_or(0, |(last_us, _)| *last_us);
                let lost_us = if booted_us > last_us { booted_us } else { at_us };
                lane.cut(lost_us, base_offset.0);
            }
            step(&mut lane.log_end, at_us, end.0);
        }
        Observation::Persisted { at, end } => {
            step(&mut lanes.entry(at).or_default().durable_end, at_us, end.0);
        }
        Observation::HighWatermarkMoved { at, high_watermark, .. } => {
            step(&mut lanes.entry(at).or_default().high_watermark, at_us, high_watermark.0);
        }
        Observation::LogStartMoved { at, log_start_offset } => {
            step(&mut lanes.entry(at).or_default().log_start, at_us, log_start_offset.0);
        }
        Observation::Truncated { at, end } | Observation::RecoveryCut { at, end, .. } => {
            lanes.entry(at).or_default().cut(at_us, end.0);
        }
        Observation::DeletionBegun { .. }
        | Observation::IsrChanged { .. }
        | Observation::EpochStarted { .. }
        | Observation::Acknowledged { .. } => {}
    }
}

fn step(line: &mut Steps, at_us: u64, offset: i64) {
    if line.last().is_none_or(|(_, last)| *last != offset) {
        line.push((at_us, offset));
    }
}

impl Partition {
    /// The log ends here from now on: what came later is gone.
    fn cut(&mut self, at_us: u64, end: i64) {
        step(&mut self.log_end, at_us, end);
        if self.durable_end.last().is_some_and(|(last_us, last)| *last > end && *last_us <= at_us) {
            step(&mut self.durable_end, at_us, end);
        }
    }

    fn recovered(&mut self, log: &RecoveredEnd) {
        self.cut(us(log.at_ns), log.log_end_offset.0);
    }

    fn holds_records(&self) -> bool {
        self.lines().into_iter().flat_map(|(_, _, line)| line).any(|(_, offset)| *offset > 0)
    }

    /// The lines by name and style, the widest first: where they coincide all can be seen.
    pub(super) fn lines(&self) -> [(&'static str, &'static str, &Steps); 4] {
        [
            ("log end", "log-end", &self.log_end),
            ("durable end", "durable-end", &self.durable_end),
            ("high watermark", "high-watermark", &self.high_watermark),
            ("log start", "log-start", &self.log_start),
        ]
    }
}
