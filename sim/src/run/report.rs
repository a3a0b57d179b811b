//! What came of a run.

use std::collections::BTreeMap;

use model::{Offset, TopicPartition};
use runtime::memory::{Checkpoint, TraceFormat};
use serde::Serialize;

use super::strikes::Stroke;
use crate::checkers::{Event, Violation};
use crate::cluster::{BEGINNING_NS, Cluster, LogLine};
use crate::faults::Strikes;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Passed,
    Failed,
}

/// How much a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    pub virtual_ms: u64,
    pub events: u64,
    pub boots: u64,
    /// Kills and power losses.
    pub crashes: u64,
    /// Crashes that took sectors which were not synced: those that test durability.
    pub crashes_with_lost_sectors: u64,
    /// Starts after the first one that came up to serving.
    pub recoveries: u64,
    pub acked_batches: u64,
    pub consumed_batches: u64,
    /// Requests of the plan's clients: batches sent, fetches, look-ups, changes of topics.
    pub client_operations: u64,
    pub facts: u64,
}

/// What a run reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Rare states, by name.
    pub sites: BTreeMap<String, u64>,
    /// Rare choices, by place.
    pub rare_choices: BTreeMap<String, u64>,
    /// Evaluations, by checker.
    pub checkers: BTreeMap<String, u64>,
    /// By kind of fault.
    pub faults: BTreeMap<String, Strikes>,
}

/// A log when its recovery was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveredEnd {
    pub at_ns: u64,
    pub at: TopicPartition,
    pub log_end_offset: Offset,
}

/// What the judge counted.
#[derive(Debug, Clone, Default)]
pub(super) struct Seeing {
    pub(super) acked_batches: u64,
    pub(super) consumed_batches: u64,
    pub(super) facts: u64,
    pub(super) history: Vec<Event>,
    pub(super) recovered: Vec<RecoveredEnd>,
    pub(super) evaluations: BTreeMap<String, u64>,
    pub(super) sites: BTreeMap<String, u64>,
    pub(super) rare_choices: BTreeMap<String, u64>,
}

/// The result of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub verdict: Verdict,
    /// The first thing that was wrong; the run ended with it.
    pub violation: Option<Violation>,
    /// Equal when two runs took the same steps.
    pub trace_hash: u64,
    /// The hash on the way there.
    pub checkpoints: Vec<Checkpoint>,
    /// A line for each of [`Options::keep_events`](super::Options).
    pub kept_events: String,
    pub counters: Counters,
    pub coverage: Coverage,
    /// When faults and clients began, on the world's clock; none: the run ended before.
    pub began_ns: Option<u64>,
    /// What became of every fault, in the order in which they struck.
    pub strokes: Vec<Stroke>,
    /// Requests by client number, as in [`Counters::client_operations`].
    pub operations: BTreeMap<u32, u64>,
    /// What happened, when [`Options::records`](super::Options::records) asked for it.
    pub history: Vec<Event>,
    /// Where logs ended after each recovery, which the history leaves out with their files.
    pub recovered: Vec<RecoveredEnd>,
    /// What nodes wrote for their operator.
    pub lines: Vec<LogLine>,
    /// The last few steps of the world, after a failure.
    pub last_events: String,
}

impl Report {
    pub(super) fn new(
        violation: Option<Violation>,
        counters: Counters,
        seeing: Seeing,
        strikes: BTreeMap<&'static str, Strikes>,
        cluster: Cluster,
    ) -> Self {
        let world = &cluster.world;
        let counters = Counters {
            virtual_ms: (world.now().0 - BEGINNING_NS) / 1_000_000,
            events: world.event_count(),
            acked_batches: seeing.acked_batches,
            consumed_batches: seeing.consumed_batches,
            facts: seeing.facts,
            ..counters
        };
        let coverage = Coverage {
            sites: seeing.sites,
            rare_choices: seeing.rare_choices,
            checkers: seeing.evaluations,
            faults: strikes.into_iter().map(|(kind, row)| (kind.to_owned(), row)).collect(),
        };
        Self {
            verdict: if violation.is_some() { Verdict::Failed } else { Verdict::Passed },
            trace_hash: world.trace_hash(),
            checkpoints: world.checkpoints(),
            kept_events: world.trace(TraceFormat::Text),
            counters,
            coverage,
            last_events: violation.as_ref().map_or_else(String::new, |_| cluster.last_events()),
            violation,
            began_ns: None,
            strokes: Vec::new(),
            operations: BTreeMap::new(),
            history: seeing.history,
            recovered: seeing.recovered,
            lines: cluster.into_lines(),
        }
    }
}
