//! What the harness itself looks at: resources in use, files on the disk.

use std::collections::BTreeMap;
use std::path::Path;

use model::{Observation, Offset, TopicPartition};

use super::conduct::Conduct;
use crate::checkers::Fact;
use crate::checkers::event::{Recovered, ResourceUse};
use crate::scan::{LogScan, segments_of};

/// Logs as their files say.
type Logs = BTreeMap<TopicPartition, LogScan>;

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

    /// The files as they lie, read by the independent scanner.
    pub(super) fn tell_final_logs(&self) {
        let node = self.cluster.node_id();
        for (at, log) in self.scan() {
            self.tell(Fact::FinalLog { node, at, log });
        }
    }

    /// Looks at the files before a crash takes something away.
    pub(super) fn remember_logs(&mut self) {
        self.crash = Some(Crash { before: self.scan() });
    }

    /// The node serves again: what did recovery make of the files?
    pub(super) fn tell_recovered(&mut self) {
        let Some(crash) = self.crash.take() else { return };
        let node = self.cluster.node_id();
        let mut found = self.scan();
        for (at, before) in crash.before {
            let after = found.remove(&at).unwrap_or_default();
            let persisted_end = self.judge.promises().0.get(&at).copied().unwrap_or_default();
            self.tell(Fact::Recovered(Recovered { node, at, before, persisted_end, after }));
        }
    }

    /// Every log of a known topic that has a directory.
    fn scan(&self) -> Logs {
        let topics = self.shared.topics.borrow();
        let (world, node) = (&self.cluster.world, self.cluster.node());
        let mut logs = Logs::new();
        for directory in self.cluster.directories() {
            for (name, topic) in topics.iter() {
                for at in topic.partitions() {
                    let path = directory.join(format!("{name}-{}", at.partition));
                    if let Some(log) = scan_log(world, node, &path) {
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
) -> Option<LogScan> {
    let entries = world.list(node, directory).ok()?;
    let file = |entry: runtime::Entry| {
        let bytes = world.read_file(node, &directory.join(&entry.name)).ok()?;
        Some((entry.name, bytes))
    };
    let segments = segments_of(entries.into_iter().filter_map(file));
    Some(LogScan::read(&segments, None))
}
