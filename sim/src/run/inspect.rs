//! What the harness itself looks at: resources in use, files on the disk.

use std::collections::BTreeMap;
use std::path::Path;

use model::{Observation, Offset, TopicPartition};

use super::conduct::Conduct;
use crate::checkers::Fact;
use crate::checkers::event::{Recovered, ResourceUse};
use crate::scan::{LogScan, offsets_of, segments_of};

/// Where logs start, as of the last time that somebody wrote it down.
const LOG_STARTS: &str = "log-start-offset-checkpoint";

/// Logs as their files say.
type Logs = BTreeMap<TopicPartition, LogScan>;

/// Whether a directory's checkpoints tell of the logs as they are.
#[derive(Debug, Clone, Copy)]
enum Checkpoints {
    /// A stop in good order wrote them last.
    Current,
    /// Up to a second older than the logs: comparing two of them would compare their times.
    Old,
}

/// What is remembered of a crash until the recovery from it is done.
#[derive(Default)]
pub(super) struct Crash {
    before: Logs,
}

/// How far each log was promised to survive a power loss.
#[derive(Default)]
pub(super) struct Promises(BTreeMap<TopicPartition, Offset>);

impl Promises {
    pub(super) fn hear(&mut self, observation: &Observation) {
        match observation {
            Observation::Persisted { at, end } => {
                let known = self.0.entry(*at).or_default();
                *known = (*known).max(*end);
            }
            Observation::Truncated { at, end } => {
                let known = self.0.entry(*at).or_default();
                *known = (*known).min(*end);
            }
            _ => {}
        }
    }
}

impl Conduct<'_> {
    /// Every client has gone: what is still in use?
    pub(super) fn tell_resources(&self) {
        let limits = self.plan.setup.limits().expect("checked when the run began");
        let connections = ResourceUse {
            name: "connections",
            used: self.cluster.world.connection_count() as u64,
            limit: limits.connections as u64,
            zero_after_drain: true,
        };
        let node = self.cluster.node_id();
        self.tell(Fact::Resources { node, drained: true, uses: vec![connections] });
    }

    /// The files as they lie after a stop in good order, read by the independent scanner.
    pub(super) fn tell_final_logs(&self) {
        let node = self.cluster.node_id();
        for (at, log) in self.scan(Checkpoints::Current) {
            self.tell(Fact::FinalLog { node, at, log });
        }
    }

    /// Looks at the files before a crash takes something away.
    pub(super) fn remember_logs(&mut self) {
        self.crash = Some(Crash { before: self.scan(Checkpoints::Old) });
    }

    /// The node serves again: what did recovery make of the files?
    pub(super) fn tell_recovered(&mut self) {
        let Some(crash) = self.crash.take() else { return };
        // A log that met an error while it was opened stays as the crash left it.
        if self.disk_may_have_failed() {
            return;
        }
        let node = self.cluster.node_id();
        let mut found = self.scan(Checkpoints::Old);
        for (at, before) in crash.before {
            let after = found.remove(&at).unwrap_or_default();
            let persisted_end = self.judge.promises().0.get(&at).copied().unwrap_or_default();
            self.tell(Fact::Recovered(Recovered { node, at, before, persisted_end, after }));
        }
    }

    /// Every log of a known topic that has a directory.
    fn scan(&self, checkpoints: Checkpoints) -> Logs {
        let topics = self.shared.topics.borrow();
        let (world, node) = (&self.cluster.world, self.cluster.node());
        let mut logs = Logs::new();
        for directory in self.cluster.directories() {
            let starts = match checkpoints {
                Checkpoints::Current => world.read_file(node, &directory.join(LOG_STARTS)).ok(),
                Checkpoints::Old => None,
            };
            let starts = starts.map(|content| offsets_of(&content)).unwrap_or_default();
            for (name, topic) in topics.iter() {
                for at in topic.partitions() {
                    let name = format!("{name}-{}", at.partition);
                    let start = starts.get(&name).copied();
                    if let Some(log) = scan_log(world, node, &directory.join(name), start) {
                        logs.insert(at, log);
                    }
                }
            }
        }
        logs
    }
}

fn scan_log(
    world: &runtime::memory::World,
    node: runtime::memory::NodeIndex,
    directory: &Path,
    start: Option<Offset>,
) -> Option<LogScan> {
    let entries = world.list(node, directory).ok()?;
    let file = |entry: runtime::Entry| {
        let bytes = world.read_file(node, &directory.join(&entry.name)).ok()?;
        Some((entry.name, bytes))
    };
    let segments = segments_of(entries.into_iter().filter_map(file));
    Some(LogScan::read(&segments, start))
}
