//! Looking into a world, without touching it.

use core::ops::Range;
use std::net::IpAddr;

use super::{Failure, Life, NodeIndex, World};
use crate::memory::counters::Counters;
use crate::memory::net::ip_of;
use crate::memory::trace::{Checkpoint, TraceFormat};

/// Nodes.
impl World {
    #[must_use]
    pub fn ip(&self, node: NodeIndex) -> IpAddr {
        ip_of(node.0)
    }

    #[must_use]
    pub fn life(&self, node: NodeIndex) -> Life {
        self.shared.borrow().nodes[node.0].life
    }

    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// What processes of this node asked for after their end: destructors that submit operations. All
    /// of it was refused.
    #[must_use]
    pub fn late_submissions(&self, node: NodeIndex) -> u64 {
        self.shared.borrow().nodes[node.0].late_submissions
    }

    /// Connections that some end still holds.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.shared.borrow().net.connection_count()
    }
}

/// The run.
impl World {
    #[must_use]
    pub fn counters(&self) -> Counters {
        let state = self.shared.borrow();
        let syncs = |node: &crate::memory::state::Node| {
            node.disk.stats.sync_count + node.disk.stats.sync_dir_count
        };
        Counters {
            events: state.trace.count(),
            disk_syncs: state.nodes.iter().map(syncs).sum(),
            ..state.counters
        }
    }

    /// Equal when, and for practical purposes only when, two runs took the same steps.
    #[must_use]
    pub fn trace_hash(&self) -> u64 {
        self.shared.borrow().trace.hash()
    }

    /// Events so far.
    #[must_use]
    pub fn event_count(&self) -> u64 {
        self.shared.borrow().trace.count()
    }

    /// The hash at every [`super::super::CHECKPOINT_EVENTS`]-th event.
    #[must_use]
    pub fn checkpoints(&self) -> Vec<Checkpoint> {
        self.shared.borrow().trace.checkpoints().to_vec()
    }

    /// Keeps the events with these numbers from now on, for [`World::trace`]; 48 bytes each. Ask
    /// before they happen: `0..u64::MAX` for all of a run.
    pub fn keep_trace(&mut self, events: Range<u64>) {
        self.shared.borrow_mut().trace.keep(events);
    }

    /// The events that were kept.
    #[must_use]
    pub fn trace(&self, format: TraceFormat) -> String {
        self.shared.borrow().trace.export(format)
    }

    /// The last few events as text, for the message of a failing test.
    #[must_use]
    pub fn last_events(&self) -> String {
        self.last_events_by(|machine| format!("node {}", machine.0))
    }

    /// As [`World::last_events`], with names of the caller's for the machines.
    #[must_use]
    pub fn last_events_by(&self, name: impl Fn(NodeIndex) -> String) -> String {
        let state = self.shared.borrow();
        state.trace.last(name).map(|line| format!("{line}\n")).collect()
    }
}
