//! All that a world is made of, behind one borrow.
//!
//! Promises: nobody holds the borrow while a task is polled or dropped, so that verbs and
//! destructors may always take it.

use core::cell::RefCell;
use core::task::Waker;
use core::time::Duration;
use model::{Instant, ShardId};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::disk::{Disk, PowerLoss};
use super::events::{Event, Events, Key};
use super::executor::Shard;
use super::net::Network;
use super::post::{Note, Post};
use super::random::{Concern, Random};
use super::trace::{Kind, Trace};
use super::world::{Life, NodeOptions};
use crate::{Exit, Purpose};

pub(super) type Shared = Rc<RefCell<State>>;

/// One life of one node, from boot to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) node: usize,
    /// From 1; counts boots.
    pub(super) incarnation: u32,
}

pub(super) struct Node {
    pub(super) options: NodeOptions,
    pub(super) life: Life,
    pub(super) incarnation: u32,
    pub(super) shards: Vec<Shard>,
    pub(super) disk: Disk,
    pub(super) exiting: Option<Exit>,
    pub(super) stop_asked: bool,
    pub(super) stop_waiters: Vec<Waker>,
    pub(super) offloads: usize,
    /// How many numbers the program drew, by shard and purpose.
    pub(super) drawn: BTreeMap<(ShardId, Purpose), u64>,
}

pub(super) struct State {
    pub(super) now: Instant,
    pub(super) random: Random,
    pub(super) trace: Trace,
    pub(super) events: Events,
    pub(super) nodes: Vec<Node>,
    pub(super) net: Network,
    pub(super) post: Post,
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The machine and its page cache go on.
    Process(Life),
    Power(PowerLoss),
}

/// What a dead process leaves to be dropped, once nobody borrows the state.
pub(super) struct Remains {
    _shards: Vec<Shard>,
    _events: Vec<Event>,
}

impl State {
    pub(super) fn record(&mut self, node: usize, kind: Kind, detail: [u64; 2]) {
        self.trace.record(self.now, node, kind, detail);
    }

    /// The key names the event among those of the same instant.
    pub(super) fn schedule(&mut self, at: Instant, key: &[u64], event: Event) -> Key {
        let at = at.max(self.now);
        let tie = self.random.draw(Concern::Tie, &[&[at.0], key].concat());
        self.events.push(at, tie, event)
    }

    pub(super) fn schedule_disk(
        &mut self,
        process: Process,
        at: Instant,
        work: impl FnOnce(&mut Self, Option<u64>) + 'static,
    ) {
        if self.is_alive(process) {
            let event = Event::Disk { process, work: Box::new(work) };
            self.schedule(at, &[process.node as u64], event);
        }
    }

    pub(super) fn is_alive(&self, process: Process) -> bool {
        let node = &self.nodes[process.node];
        node.life == Life::Up && node.incarnation == process.incarnation
    }

    /// The shard's next poll, as soon as its core is free.
    pub(super) fn schedule_turn(&mut self, process: Process, shard: ShardId) {
        let state = &mut self.nodes[process.node].shards[usize::from(shard.0)];
        if !state.turn_scheduled && state.has_ready() {
            state.turn_scheduled = true;
            let at = state.busy_until;
            let key = [process.node as u64, u64::from(shard.0)];
            self.schedule(at, &key, Event::Turn { process, shard });
        }
    }

    pub(super) fn on_note(&mut self, note: Note) {
        match note {
            Note::Woken(task) => {
                if self.is_alive(task.process) {
                    let node = &mut self.nodes[task.process.node];
                    node.shards[usize::from(task.shard.0)].wake(task.ordinal);
                    self.schedule_turn(task.process, task.shard);
                }
            }
            Note::TimerDropped(key) => self.events.cancel(key),
            Note::FileClosed(closed) => {
                if self.is_alive(closed.process) {
                    self.nodes[closed.process.node].disk.release(closed.inode);
                }
            }
            Note::LockDropped { process, inode } => {
                if self.is_alive(process) {
                    self.nodes[process.node].disk.unlock(inode);
                }
            }
            Note::ConnDropped(end) => self.close_side(end),
            Note::ListenerDropped { process, port } => self.close_listener(process, port),
            Note::StopAsked { node } => self.ask_to_stop(node),
        }
    }

    pub(super) fn ask_to_stop(&mut self, node: usize) {
        self.record(node, Kind::Signal, [0, 0]);
        let node = &mut self.nodes[node];
        node.stop_asked = true;
        node.stop_waiters.drain(..).for_each(Waker::wake);
    }

    /// Ends the life of a node: first it is dead, then everything it had under way is decided.
    pub(super) fn end_process(&mut self, node: usize, ending: Ending) -> Remains {
        let process = Process { node, incarnation: self.nodes[node].incarnation };
        let alive = self.is_alive(process);
        self.nodes[node].life = match ending {
            Ending::Process(life) => life,
            Ending::Power(_) => Life::PowerOff,
        };
        self.record(node, Kind::End, [u64::from(process.incarnation), u64::from(alive)]);
        let events = if alive { self.events.take_of(process) } else { Vec::new() };
        let events = self.decide_operations(process, events);
        self.end_connections(process, matches!(ending, Ending::Power(_)));
        let this = &mut self.nodes[node];
        this.stop_asked = false;
        this.stop_waiters.clear();
        this.offloads = 0;
        this.exiting = None;
        let shards = core::mem::take(&mut this.shards);
        match ending {
            Ending::Process(_) => this.disk.process_ended(),
            Ending::Power(how) => {
                let lost = this.disk.lose_power(node as u64, self.random, how);
                self.record(node, Kind::PowerLoss, lost);
            }
        }
        Remains { _shards: shards, _events: events }
    }

    /// Operations that were submitted do not vanish: each happens, or a part of it, or nothing.
    fn decide_operations(&mut self, process: Process, events: Vec<Event>) -> Vec<Event> {
        let mut others = Vec::new();
        for (ordinal, event) in events.into_iter().enumerate() {
            let Event::Disk { work, process: owner } = event else {
                others.push(event);
                continue;
            };
            let key = [process.node as u64, u64::from(process.incarnation), ordinal as u64];
            let draw = self.random.draw(Concern::Interrupted, &key);
            match draw % 3 {
                0 => others.push(Event::Disk { process: owner, work }),
                1 => work(self, None),
                _ => work(self, Some(draw >> 2)),
            }
        }
        others
    }

    pub(super) fn wall_ms(&self, node: usize) -> i64 {
        // 2026-01-01T00:00:00Z, so that timestamps look like real ones.
        const EPOCH_MS: i64 = 1_767_225_600_000;
        let since_ms = i64::try_from(self.now.0 / 1_000_000).expect("292 million years");
        EPOCH_MS + since_ms + self.nodes[node].options.wall_offset_ms
    }

    pub(super) fn advance(&mut self, to: Instant) {
        assert!(to >= self.now, "time runs forward: {to:?} after {:?}", self.now);
        self.now = to;
    }

    pub(super) fn after(&self, pause: Duration) -> Instant {
        self.now + pause
    }
}
