//! What a fault of a machine, its disk or a link does to the world, and how it is undone.
//!
//! Faults that end a process are the run's (`run/strikes`), which starts it again.

use core::time::Duration;

use model::ShardId;
use runtime::Error;
use runtime::memory::{
    DeviceChange, DiskDamage, DiskFault, DiskStats, DiskVerb, LinkFault, NetStats, NodeIndex, World,
};

use crate::plan::{Fault, FaultKind, LinkTrouble, Machine, Target, Verb};

const EIO: i32 = 5;

/// A fault that lasts, while it lasts.
pub(crate) struct Struck {
    pub(crate) fault: Fault,
    disk_before: DiskStats,
    net_before: NetStats,
    /// It had its effect at once.
    effective: bool,
}

/// What became of the faults of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Strikes {
    pub struck: u64,
    /// Of these, with an effect that somebody could observe.
    pub effective: u64,
    /// The target was not in a state to be struck.
    pub missed: u64,
    pub refused: u64,
}

/// Whether the fault ends a process, which is the run's to do.
pub(crate) fn ends_a_process(kind: &FaultKind) -> bool {
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
        let mut struck = Self {
            fault: fault.clone(),
            disk_before: DiskStats::default(),
            net_before: NetStats::default(),
            effective: false,
        };
        if let Some((from, to)) = machines.link(fault.target) {
            struck.net_before = world.net_stats(from, to);
            struck.effective = strike_link(world, from, to, &fault.kind)?;
        } else {
            let node = machines.at(fault.target)?;
            struck.disk_before = world.disk_stats(node);
            struck.effective = strike_machine(world, node, fault)?;
        }
        Some(struck)
    }

    /// Whether a log that met this fault may have been given up until the next start.
    pub(crate) fn may_break_storage(&self) -> bool {
        matches!(
            self.fault.kind,
            FaultKind::DiskError { .. }
                | FaultKind::DiskFull { .. }
                | FaultKind::ReadOnly
                | FaultKind::WritebackError { .. }
        )
    }

    /// Undoes the fault; whether it had an effect that somebody could observe.
    pub(crate) fn end(&self, world: &mut World, machines: &Machines) -> bool {
        if let Some((from, to)) = machines.link(self.fault.target) {
            if let FaultKind::Link { trouble } = &self.fault.kind {
                world.remove_link_fault(from, to, link_fault(*trouble));
            }
            return self.effective || world.net_stats(from, to) != self.net_before;
        }
        let Some(node) = machines.at(self.fault.target) else { return false };
        match &self.fault.kind {
            FaultKind::DiskError { .. } => world.mend_disk(node),
            FaultKind::DiskFull { .. } => world.set_disk_capacity(node, None),
            FaultKind::ReadOnly => world.set_read_only(node, false),
            FaultKind::SlowDisk { .. } => world.slow_disk(node, 1),
            FaultKind::Pause if world.is_paused(node) => world.resume(node),
            FaultKind::SlowCore { shard, .. } => world.slow_core(node, ShardId(*shard), 1),
            FaultKind::Drift { .. } => world.set_drift(node, 0),
            _ => {}
        }
        self.effective || self.disk_suffered(world.disk_stats(node))
    }

    fn disk_suffered(&self, after: DiskStats) -> bool {
        let before = self.disk_before;
        match self.fault.kind {
            FaultKind::DiskError { .. } => after.failed_count > before.failed_count,
            FaultKind::DiskFull { .. } => after.no_space_count > before.no_space_count,
            FaultKind::SlowDisk { .. } | FaultKind::StalledDisk => {
                after.delayed_count > before.delayed_count
            }
            FaultKind::WritebackError { .. } => {
                after.writeback_error_count > before.writeback_error_count
            }
            // A disk that takes nothing has nothing to count: requests that came are the sign.
            FaultKind::ReadOnly => after.append_count == before.append_count,
            _ => false,
        }
    }

    /// Lets a fault that goes on strike again, after another one of its kind was undone.
    pub(crate) fn begin_again(&self, world: &mut World, machines: &Machines) {
        let lasts = !matches!(
            self.fault.kind,
            FaultKind::WallStep { .. }
                | FaultKind::WritebackError { .. }
                | FaultKind::Evict
                | FaultKind::StalledDisk
                | FaultKind::StalledCore { .. }
                | FaultKind::Pause
                | FaultKind::DiskError { .. }
        );
        if lasts {
            let _ = Self::begin(world, machines, &self.fault);
        }
    }
}

/// True when the effect is certain already.
fn strike_link(
    world: &mut World,
    from: NodeIndex,
    to: NodeIndex,
    kind: &FaultKind,
) -> Option<bool> {
    match kind {
        FaultKind::Link { trouble } => {
            world.add_link_fault(from, to, link_fault(*trouble));
            Some(false)
        }
        FaultKind::Reset => Some(world.reset_connections(from, to) > 0),
        _ => None,
    }
}

/// True when the effect is certain already. `None`: the machine is not in a state to be struck.
fn strike_machine(world: &mut World, node: NodeIndex, fault: &Fault) -> Option<bool> {
    let span = Duration::from_micros(fault.duration_us);
    let is_up = world.life(node) == runtime::memory::Life::Up;
    match &fault.kind {
        FaultKind::DiskError { verb, path, skip, count } => {
            let planted = DiskFault {
                skip_count: *skip,
                fail_count: *count,
                ..DiskFault::next(disk_verb(*verb), path)
            };
            world.plant(node, planted);
        }
        FaultKind::DiskFull { left_bytes } => {
            let page = |len: u64| len.next_multiple_of(4096);
            let used: u64 = world.files(node).iter().map(|file| page(file.len)).sum();
            world.set_disk_capacity(node, Some(used + left_bytes));
        }
        FaultKind::ReadOnly => world.set_read_only(node, true),
        FaultKind::SlowDisk { factor } => world.slow_disk(node, *factor),
        FaultKind::StalledDisk => world.change_disk(node, DeviceChange::StalledFor(span)),
        FaultKind::WritebackError { path } => {
            let (path_part, error) = (path.clone(), Error::Failed(EIO));
            world.damage_disk(node, &DiskDamage::Writeback { path_part, error });
        }
        FaultKind::Evict => {
            world.damage_disk(node, &DiskDamage::Evict { path_part: String::new() });
            return Some(true);
        }
        FaultKind::Pause => {
            if !is_up || world.is_paused(node) {
                return None;
            }
            world.pause(node);
            return Some(true);
        }
        FaultKind::SlowCore { shard, factor } => {
            world.slow_core(node, ShardId(*shard), *factor);
            return Some(is_up);
        }
        FaultKind::StalledCore { shard } => {
            world.stall_core(node, ShardId(*shard), span);
            return Some(is_up);
        }
        FaultKind::Drift { ppm } => {
            world.set_drift(node, *ppm);
            return Some(true);
        }
        FaultKind::WallStep { by_ms } => {
            world.step_wall(node, *by_ms);
            return Some(true);
        }
        _ => return None,
    }
    Some(false)
}

fn link_fault(trouble: LinkTrouble) -> LinkFault {
    match trouble {
        LinkTrouble::Cut => LinkFault::Cut,
        LinkTrouble::Clog => LinkFault::Clog,
        LinkTrouble::Lossy { per_million } => LinkFault::Lossy { per_million },
        LinkTrouble::LosesLarge { above_bytes } => LinkFault::LosesLarge { above_bytes },
        LinkTrouble::Slow { factor } => LinkFault::Slow { factor },
        LinkTrouble::Narrow { bytes_per_second } => {
            LinkFault::Narrow { bytes_per_second, queue_bytes: 64 << 10 }
        }
        LinkTrouble::Flapping { cut_ms, up_ms } => LinkFault::Flapping { cut_ms, up_ms },
        LinkTrouble::Resets { per_million } => LinkFault::Resets { per_million },
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
