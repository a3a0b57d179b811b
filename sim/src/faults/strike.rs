//! What a fault of the disk or the network does to the world, and how it is undone.
//!
//! Faults that end a process are the run's (`run/`), which starts it again.

use runtime::memory::{DiskFault, DiskStats, DiskVerb, NodeIndex, World};

use crate::plan::{Fault, FaultKind, Machine, Target, Verb};

/// A fault that lasts, while it lasts.
pub(crate) struct Struck {
    pub(crate) fault: Fault,
    before: DiskStats,
}

/// What became of the faults of a run, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Strikes {
    pub struck: u64,
    /// Of these, with an effect that somebody could observe.
    pub effective: u64,
    /// The target was not in a state to be struck.
    pub missed: u64,
    pub refused: u64,
}

/// Whether the fault ends when it strikes, as far as the world is concerned.
pub(crate) fn is_momentary(kind: &FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Kill | FaultKind::PowerLoss { .. } | FaultKind::Stop | FaultKind::Reshard { .. }
    )
}

/// The machines of a run.
pub(crate) struct Machines {
    pub(crate) nodes: Vec<NodeIndex>,
    pub(crate) clients: Vec<NodeIndex>,
}

impl Machines {
    fn find(&self, machine: Machine) -> Option<NodeIndex> {
        let (list, number) = match machine {
            Machine::Node(number) => (&self.nodes, number),
            Machine::Client(number) => (&self.clients, number),
        };
        list.get(usize::from(number).checked_sub(1)?).copied()
    }

    /// The machine of a fault that is about one.
    pub(crate) fn at(&self, target: Target) -> Option<NodeIndex> {
        match target {
            Target::At(machine) => self.find(machine),
            Target::Link { .. } => None,
        }
    }

    fn link(&self, target: Target) -> Option<(NodeIndex, NodeIndex)> {
        match target {
            Target::Link { from, to } => Some((self.find(from)?, self.find(to)?)),
            Target::At(_) => None,
        }
    }
}

impl Struck {
    /// Lets the fault begin. `None` when there is no such target.
    pub(crate) fn begin(world: &mut World, machines: &Machines, fault: &Fault) -> Option<Self> {
        if let FaultKind::Cut = fault.kind {
            let (from, to) = machines.link(fault.target)?;
            world.cut_link(from, to);
            return Some(Self { fault: fault.clone(), before: DiskStats::default() });
        }
        let node = machines.at(fault.target)?;
        let before = world.disk_stats(node);
        match &fault.kind {
            FaultKind::DiskError { verb, path, skip, count } => {
                let planted = DiskFault {
                    skip_count: *skip,
                    fail_count: *count,
                    ..DiskFault::next(disk_verb(*verb), path)
                };
                world.plant(node, planted);
            }
            FaultKind::DiskFull { left_bytes } => world.set_disk_capacity(node, Some(*left_bytes)),
            FaultKind::ReadOnly => world.set_read_only(node, true),
            FaultKind::SlowDisk { factor } => world.slow_disk(node, *factor),
            FaultKind::Kill
            | FaultKind::PowerLoss { .. }
            | FaultKind::Stop
            | FaultKind::Reshard { .. }
            | FaultKind::Cut => unreachable!("not a fault of the disk"),
        }
        Some(Self { fault: fault.clone(), before })
    }

    /// Whether a log that met this fault may have been given up until the next start.
    pub(crate) fn may_break_storage(&self) -> bool {
        matches!(
            self.fault.kind,
            FaultKind::DiskError { .. } | FaultKind::DiskFull { .. } | FaultKind::ReadOnly
        )
    }

    /// Undoes the fault; whether it had an effect that somebody could observe.
    pub(crate) fn end(&self, world: &mut World, machines: &Machines) -> bool {
        if let Some((from, to)) = machines.link(self.fault.target) {
            world.mend_link(from, to);
            return world.connection_count() > 0;
        }
        let Some(node) = machines.at(self.fault.target) else { return false };
        match self.fault.kind {
            FaultKind::DiskError { .. } => world.mend_disk(node),
            FaultKind::DiskFull { .. } => world.set_disk_capacity(node, None),
            FaultKind::ReadOnly => world.set_read_only(node, false),
            FaultKind::SlowDisk { .. } => world.slow_disk(node, 1),
            _ => {}
        }
        let after = world.disk_stats(node);
        let count = |stats: DiskStats| stats.append_count + stats.sync_count + stats.read_count;
        count(after) > count(self.before)
    }

    /// Lets a fault that goes on strike again, after another one of its kind was undone.
    pub(crate) fn begin_again(&self, world: &mut World, machines: &Machines) {
        let _ = Self::begin(world, machines, &self.fault);
    }
}

fn disk_verb(verb: Verb) -> DiskVerb {
    match verb {
        Verb::Open => DiskVerb::Open,
        Verb::Append => DiskVerb::Append,
        Verb::Read => DiskVerb::Read,
        Verb::Sync => DiskVerb::SyncData,
        Verb::SetLen => DiskVerb::SetLen,
        Verb::Names => DiskVerb::Names,
        Verb::SyncDir => DiskVerb::SyncDir,
    }
}
