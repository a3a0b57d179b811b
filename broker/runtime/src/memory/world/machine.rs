//! What happens to a machine: deaths, pauses, slow cores, clocks that go wrong.

use core::time::Duration;
use model::ShardId;

use super::{Life, NodeIndex, World};
use crate::memory::disk::PowerLoss;
use crate::memory::state::{Ending, Process, State};
use crate::memory::trace::Kind;

/// What a test changed; the first word of a [`Kind::Change`].
#[derive(Clone, Copy)]
pub(super) enum Change {
    Pause = 1,
    Resume = 2,
    SlowCore = 3,
    StallCore = 4,
    Drift = 5,
    WallDrift = 6,
    WallStep = 7,
    Link = 8,
    LinkFault = 9,
    Mend = 10,
    Reset = 11,
}

/// Ends and pauses.
impl World {
    /// The process dies at once; its page cache stays, its connections end. Nothing happens to a
    /// node that is not up.
    pub fn kill(&mut self, node: NodeIndex) {
        if self.life(node) == Life::Up {
            self.end(node, Ending::Process(Life::Killed));
        }
    }

    /// The machine goes dark: what was not synced is drawn for, peers hear nothing.
    pub fn power_loss(&mut self, node: NodeIndex, how: PowerLoss) {
        self.end(node, Ending::Power(how));
    }

    /// Asks a node to stop, as SIGTERM does.
    pub fn ask_to_stop(&mut self, node: NodeIndex) {
        self.shared.borrow_mut().ask_to_stop(node.0);
    }

    /// Stops the process where it is, as SIGSTOP does, until [`World::resume`]. Its machine goes on:
    /// it answers the network until the buffers are full, and the clocks run, so that time has jumped
    /// at the end. With a drift of -1,000,000 ppm meanwhile, the whole machine has stood still.
    pub fn pause(&mut self, node: NodeIndex) {
        self.read_notes();
        let mut state = self.shared.borrow_mut();
        if state.nodes[node.0].life == Life::Up {
            state.nodes[node.0].paused = true;
            state.change(node, Change::Pause, 0);
        }
    }

    pub fn resume(&mut self, node: NodeIndex) {
        self.read_notes();
        let mut state = self.shared.borrow_mut();
        let this = &mut state.nodes[node.0];
        if !core::mem::take(&mut this.paused) {
            return;
        }
        let process = Process { node: node.0, incarnation: this.incarnation };
        let (shelved, shards) = (core::mem::take(&mut this.shelved), this.options.shards);
        state.change(node, Change::Resume, shelved.len() as u64);
        let now = state.now;
        for (ordinal, event) in (0..).zip(shelved) {
            state.schedule(now, [process.node as u64, ordinal], event);
        }
        for shard in (0..shards).map(ShardId) {
            state.schedule_turn(process, shard);
        }
        state.pump_all(process);
    }

    #[must_use]
    pub fn is_paused(&self, node: NodeIndex) -> bool {
        self.shared.borrow().nodes[node.0].paused
    }
}

/// Cores.
impl World {
    /// Multiplies the processor time of everything on one shard; 1 is a healthy core. Stays over
    /// restarts.
    pub fn slow_core(&mut self, node: NodeIndex, shard: ShardId, factor: u64) {
        assert!(factor > 0, "a core that takes no time");
        let mut state = self.shared.borrow_mut();
        let this = &mut state.nodes[node.0];
        this.slowness[usize::from(shard.0)] = factor;
        if let Some(shard) = this.shards.get_mut(usize::from(shard.0)) {
            shard.slowness = factor;
        }
        state.change(node, Change::SlowCore, factor);
    }

    /// One shard runs nothing for so long, while the others go on. Nothing happens to a node that is
    /// not up.
    pub fn stall_core(&mut self, node: NodeIndex, shard: ShardId, pause: Duration) {
        let mut state = self.shared.borrow_mut();
        let until = state.after(pause);
        if let Some(shard) = state.nodes[node.0].shards.get_mut(usize::from(shard.0)) {
            shard.busy_until = shard.busy_until.max(until);
            state.change(node, Change::StallCore, until.0);
        }
    }
}

/// Clocks.
impl World {
    /// Makes the monotonic clock of a node fast by so many parts per million, from -1,000,000 (it
    /// stands still) to 1,000,000. It never goes back. Timers follow it.
    pub fn set_drift(&mut self, node: NodeIndex, ppm: i32) {
        self.read_notes();
        let mut state = self.shared.borrow_mut();
        let now = state.now;
        let State { nodes, events, .. } = &mut *state;
        let this = &mut nodes[node.0];
        this.clock.set_drift(now, ppm);
        let process = Process { node: node.0, incarnation: this.incarnation };
        events.move_timers(process, |local| this.clock.world_time(local).max(now));
        state.change(node, Change::Drift, u64::from(ppm.unsigned_abs()));
    }

    /// Makes the wall clock of a node fast by so many parts per million.
    pub fn set_wall_drift(&mut self, node: NodeIndex, ppm: i32) {
        let mut state = self.shared.borrow_mut();
        let now = state.now;
        state.nodes[node.0].clock.set_wall_drift(now, ppm);
        state.change(node, Change::WallDrift, u64::from(ppm.unsigned_abs()));
    }

    /// Sets the wall clock of a node forward, or back, by so much.
    pub fn step_wall(&mut self, node: NodeIndex, by_ms: i64) {
        let mut state = self.shared.borrow_mut();
        state.nodes[node.0].clock.step_wall(by_ms);
        state.change(node, Change::WallStep, by_ms.unsigned_abs());
    }
}

impl State {
    pub(super) fn change(&mut self, node: NodeIndex, change: Change, value: u64) {
        self.record(node.0, Kind::Change, [change as u64, value]);
    }
}
