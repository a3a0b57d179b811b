//! Operations on their way: when they end, and what becomes of them when their process dies first.
//!
//! Promises: an operation belongs to the disk, not to the future that asked for it; its buffers are
//! the same at its end as at its beginning, or the run stops; a silent device holds it back. A dead
//! process leaves each of its operations done, done in part, or not done, now or a moment later.

use model::Instant;

use super::change::{Change, Part, size_of_all};
use super::device::Cost;
use super::{Concern, Disk, PowerLoss, Result, up_to_ms, virtual_ms};
use crate::memory::events::Event;
use crate::memory::state::{Process, State};
use crate::memory::trace::{Fold, Kind};

/// Longest time by which a write of a killed process outlives it, and its locks.
const LATE_WRITE_MS: u64 = 50;
const LATE_LOCK_MS: u64 = 100;

pub(super) struct Operation {
    process: Process,
    device: usize,
    identity: u64,
    /// Which of the events of one instant is its end.
    event: [u64; 2],
    submitted_at: Instant,
    /// Absent when it only looks.
    change: Option<Change>,
    /// What the buffers of an append held when it was submitted.
    content: u64,
    /// How much of an append the cache shows before its end.
    early_bytes: Option<u64>,
    /// Which part is left to happen, once its process is dead.
    part: Part,
    /// Answers whoever waits; absent once nobody can.
    finish: Option<Finish>,
}

type Finish = Box<dyn FnOnce(&mut State, Result<()>)>;

/// What is asked of a disk.
pub(super) struct Request {
    pub(super) device: usize,
    pub(super) cost: Cost,
    /// Which operation this is, for its draws.
    pub(super) identity: u64,
    pub(super) change: Option<Change>,
}

impl State {
    /// Begins an operation; a dead process is refused and never answered.
    pub(super) fn submit(
        &mut self,
        process: Process,
        request: Request,
        finish: impl FnOnce(&mut Self, Result<()>) + 'static,
    ) {
        if !self.admits(process) {
            return;
        }
        self.charge_call(0);
        let event = self.next_request();
        let Request { device, cost, identity, change } = request;
        let (now, random) = (self.now, self.random);
        let disk = &mut self.nodes[process.node].disk;
        let key = [disk.node, identity, virtual_ms(now)];
        let draw = |low, high| random.within(Concern::DiskLatency, &key, low..=high);
        let at = disk.devices[device].end_of(now, cost, draw);
        disk.stats.delayed_count += u64::from(disk.devices[device].is_slow());
        let early_bytes = early_bytes(change.as_ref(), random.draw(Concern::EarlyPart, &key));
        let id = disk.submitted;
        disk.submitted += 1;
        let operation = Operation {
            process,
            device,
            identity,
            event,
            submitted_at: now,
            content: content_of(change.as_ref()),
            change,
            early_bytes,
            part: None,
            finish: Some(Box::new(finish)),
        };
        disk.operations.insert(id, operation);
        if early_bytes.is_some() {
            let middle = Instant(now.0 + (at.0 - now.0) / 2);
            let middle_event = [event[0], !event[1]];
            self.schedule(middle, middle_event, Event::Disk { process, operation: id });
        }
        self.schedule(at, event, Event::Disk { process, operation: id });
    }

    /// The end of an operation, or the moment at which a part of it is seen.
    pub(in crate::memory) fn on_disk_event(&mut self, process: Process, id: u64) {
        let now = self.now;
        let disk = &mut self.nodes[process.node].disk;
        let Some(operation) = disk.operations.get_mut(&id) else { return };
        if let Some(until) = disk.devices[operation.device].stalled_until(now) {
            disk.stats.delayed_count += 1;
            let (key, event) =
                (operation.decision(&[disk.node, virtual_ms(until)]), operation.event);
            let at = until + up_to_ms(self.random.draw(Concern::StallEnd, &key), 1);
            self.schedule(at, event, Event::Disk { process, operation: id });
            return;
        }
        if let Some(bytes) = operation.early_bytes.take()
            && let Some(Change::Append { file, at, pieces }) = operation.change.clone()
        {
            disk.land(&file, at, pieces, bytes);
            self.record(process.node, Kind::DiskEarly, [file.identity() ^ at, bytes]);
            return;
        }
        let operation = disk.operations.remove(&id).expect("just seen");
        disk.stats.late_count += u64::from(operation.finish.is_none());
        self.complete(operation);
    }

    fn complete(&mut self, operation: Operation) {
        let Operation { process, change, content, part, finish, .. } = operation;
        let now = self.now;
        assert_eq!(
            content_of(change.as_ref()),
            content,
            "node {}: the buffers of an append changed between its submission and its completion",
            process.node
        );
        let trace = change.as_ref().map(Change::trace);
        let disk = &mut self.nodes[process.node].disk;
        let result = change.map_or(Ok(()), |change| disk.perform(change, part, now));
        if let Some((kind, what)) = trace {
            let detail = content ^ u64::from(result.is_ok());
            self.record(process.node, kind, [what, detail]);
        }
        if let Some(finish) = finish {
            finish(self, result);
        }
    }

    /// A process is dead: its operations happen, or a part of them, or nothing; some of what
    /// happens does so a little later. Returns until when its locks outlive it.
    pub(in crate::memory) fn orphan_operations(&mut self, process: Process) -> Instant {
        let (now, random) = (self.now, self.random);
        let disk = &mut self.nodes[process.node].disk;
        let life = [disk.node, u64::from(process.incarnation)];
        let draw = random.draw(Concern::LateLock, &life);
        let locks_ms = if draw.is_multiple_of(2) { 0 } else { LATE_LOCK_MS };
        let locks_until = now + up_to_ms(draw >> 1, locks_ms);
        // Buffered writes belong to threads of the process and end before its locks; direct ones
        // belong to the device.
        let direct = disk.options.direct_io;
        let ids: Vec<u64> = disk.operations.keys().copied().collect();
        for id in ids {
            let disk = &mut self.nodes[process.node].disk;
            let operation = disk.operations.get_mut(&id).expect("listed");
            if operation.process != process {
                continue;
            }
            let key = operation.decision(&life);
            let draw = random.draw(Concern::Interrupted, &key);
            let mut operation = disk.operations.remove(&id).expect("just seen");
            disk.stats.interrupted_count += u64::from(!draw.is_multiple_of(3));
            match draw % 3 {
                0 => operation.change = None,
                1 => operation.part = Some(draw >> 2),
                _ => {}
            }
            operation.finish = None;
            operation.early_bytes = None;
            if operation.change.is_none() {
                continue;
            }
            let late = random.draw(Concern::LateWrite, &key);
            let delay = up_to_ms(late >> 1, LATE_WRITE_MS);
            let at = if direct { now + delay } else { locks_until.min(now + delay) };
            if late.is_multiple_of(2) || at == now {
                self.complete(operation);
            } else {
                let event = operation.event;
                disk.operations.insert(id, operation);
                self.schedule(at, event, Event::Disk { process, operation: id });
            }
        }
        locks_until
    }

    /// The power is gone: what was submitted has reached the disk or has not.
    pub(in crate::memory) fn settle_operations(&mut self, node: usize, how: PowerLoss) {
        let now = self.now;
        let disk = &mut self.nodes[node].disk;
        let crash = [disk.node, disk.power_losses];
        let operations = core::mem::take(&mut disk.operations);
        for operation in operations.into_values() {
            let fate = operation.fate(how, crash, disk.random);
            disk.stats.interrupted_count += u64::from(fate != Fate::Whole);
            if let (Some(part), Some(change)) = (fate.part(), operation.change) {
                // What it answers, nobody hears.
                let _ = disk.perform(change, part, now);
            }
        }
    }
}

/// How much of an operation a power loss leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Nothing,
    Part(u64),
    Whole,
}

impl Fate {
    fn part(self) -> Option<Part> {
        match self {
            Self::Nothing => None,
            Self::Part(draw) => Some(Some(draw)),
            Self::Whole => Some(None),
        }
    }
}

impl Operation {
    /// What its draws are keyed with.
    fn decision(&self, context: &[u64]) -> Vec<u64> {
        [context, &[self.identity, virtual_ms(self.submitted_at)]].concat()
    }

    fn fate(&self, how: PowerLoss, crash: [u64; 2], random: super::Random) -> Fate {
        let is_sync = self.change.as_ref().is_some_and(Change::is_sync);
        let number = match how {
            PowerLoss::KeepsNothing => return Fate::Nothing,
            PowerLoss::KeepsEverything => return Fate::Whole,
            // They are about unsynced sectors, so nothing more is synced.
            PowerLoss::OnlyLast | PowerLoss::AllButFirst if is_sync => return Fate::Nothing,
            PowerLoss::OnlyLast | PowerLoss::AllButFirst => return Fate::Whole,
            PowerLoss::Drawn => 0,
            PowerLoss::DrawnAs(number) => 1 + number,
        };
        let draw = random.draw(Concern::InFlight, &self.decision(&[crash[0], crash[1], number]));
        match draw % 3 {
            0 => Fate::Nothing,
            1 => Fate::Part(draw >> 2),
            _ => Fate::Whole,
        }
    }
}

impl Disk {
    /// Does to a copy of this disk what a power loss would make of the operations on their way.
    /// Returns how many sectors were on their way.
    pub(super) fn settle_copy(
        &self,
        copy: &mut Self,
        how: PowerLoss,
        crash: [u64; 2],
        now: Instant,
    ) -> u64 {
        let mut sectors = 0;
        for operation in self.operations.values() {
            let Some(change) = &operation.change else { continue };
            sectors += change.sector_count(self.options.sector.bytes());
            if let Some(part) = operation.fate(how, crash, self.random).part() {
                // What it answers, nobody hears.
                let _ = copy.perform(change.clone(), part, now);
            }
        }
        sectors
    }
}

/// One larger append in eight is seen in part before it ends.
fn early_bytes(change: Option<&Change>, draw: u64) -> Option<u64> {
    match change {
        Some(Change::Append { pieces, .. }) if draw.is_multiple_of(8) => {
            let size = size_of_all(pieces);
            (size > 4096).then(|| (draw >> 3) % size)
        }
        _ => None,
    }
}

fn content_of(change: Option<&Change>) -> u64 {
    let mut content = Fold::default();
    if let Some(Change::Append { pieces, .. }) = change {
        pieces.iter().for_each(|piece| content.add(piece));
    }
    content.finish()
}

#[cfg(test)]
mod tests {
    use core::cell::RefCell;
    use core::time::Duration;
    use model::{Buf, Live};
    use std::path::Path;
    use std::rc::Rc;

    use super::*;
    use crate::memory::{MemoryMesh, MemoryRuntime, NodeOptions, World};
    use crate::{Disk as _, Open};

    #[test]
    #[should_panic(expected = "the buffers of an append changed")]
    fn a_buffer_that_changes_under_way_stops_the_run() {
        let mut world = World::new(1);
        let node = world.add_node(NodeOptions::default());
        let opened = Rc::new(RefCell::new(None));
        world.boot(node, Live, |rt: MemoryRuntime, _: MemoryMesh<()>| {
            let opened = Rc::clone(&opened);
            async move {
                let file = rt.open(Path::new("/file"), Open::Create).await.unwrap();
                opened.borrow_mut().replace(file.clone());
                let piece = Buf::from_static(b"as submitted");
                rt.append(&file, 0, vec![piece]).await.unwrap();
            }
        });
        let submitted =
            |world: &World| world.look(|state| !state.nodes[0].disk.operations.is_empty());
        let open = |world: &World| opened.borrow().is_some() && submitted(world);
        assert!(world.run_until(Duration::from_secs(1), open));
        world.with_state(|state| {
            let (_, operation) = state.nodes[0].disk.operations.pop_first().expect("just seen");
            let file = opened.borrow().clone().expect("just seen");
            let pieces = vec![Buf::from_static(b"as completed")];
            let change = Some(Change::Append { file, at: 0, pieces });
            state.complete(Operation { change, ..operation });
        });
    }
}
