//! What a world is: nodes, network, disks, the clock, and what is under way.
//!
//! Everything here is borrowed for a moment at a time: nothing runs a node's program or its
//! destructors while it is borrowed, so those may always take it.

use core::any::Any;
use core::cell::RefCell;
use core::task::Waker;
use core::time::Duration;
use model::{Instant, ShardId};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::clock::NodeClock;
use super::costs::CostTable;
use super::counters::Counters;
use super::disk::{Disk, PowerLoss};
use super::events::{Event, Events, Key};
use super::executor::{Body, Shard};
use super::mesh::Mailboxes;
use super::net::{Farewell, Network};
use super::post::{Note, Post};
use super::random::{Concern, Random, moment};
use super::trace::{CORE_NONE, Kind, Record, Trace};
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
    pub(super) clock: NodeClock,
    pub(super) shards: Vec<Shard>,
    /// By shard: processor time is multiplied by this.
    pub(super) slowness: Vec<u64>,
    pub(super) mailboxes: Option<Rc<dyn Mailboxes>>,
    /// Stopped by a signal or with its machine: nothing runs, the kernel goes on.
    pub(super) paused: bool,
    /// What came due for the process while it was paused.
    pub(super) shelved: Vec<Event>,
    pub(super) disk: Disk,
    pub(super) exiting: Option<Exit>,
    pub(super) stop_asked: bool,
    pub(super) stop_waiters: Vec<Waker>,
    pub(super) offloads: usize,
    /// How many numbers the program drew during a moment, by shard and purpose.
    pub(super) drawn: BTreeMap<(ShardId, Purpose), (u64, u64)>,
    pub(super) late_submissions: u64,
}

impl Node {
    pub(super) fn new(options: NodeOptions, disk: Disk) -> Self {
        let mut clock = NodeClock::new(options.wall_offset_ms);
        clock.set_drift(Instant(0), options.drift_ppm);
        clock.set_wall_drift(Instant(0), options.wall_drift_ppm);
        Self {
            slowness: vec![1; usize::from(options.shards)],
            options,
            life: Life::Down,
            incarnation: 0,
            clock,
            shards: Vec::new(),
            mailboxes: None,
            paused: false,
            shelved: Vec::new(),
            disk,
            exiting: None,
            stop_asked: false,
            stop_waiters: Vec::new(),
            offloads: 0,
            drawn: BTreeMap::new(),
            late_submissions: 0,
        }
    }
}

/// The poll that is going on.
pub(super) struct Acting {
    pub(super) process: Process,
    pub(super) shard: ShardId,
    /// Which task, and its how many-th poll.
    pub(super) identity: u64,
    pub(super) poll_count: u64,
    /// What it has asked of the machine so far in this poll.
    pub(super) asked: u64,
    /// Processor time of what it asked.
    pub(super) cost_ns: u64,
}

pub(super) struct State {
    pub(super) now: Instant,
    pub(super) random: Random,
    pub(super) trace: Trace,
    pub(super) events: Events,
    pub(super) nodes: Vec<Node>,
    pub(super) net: Network,
    pub(super) post: Post,
    pub(super) costs: CostTable,
    pub(super) counters: Counters,
    pub(super) acting: Option<Acting>,
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
    _messages: Option<Box<dyn Any>>,
}

impl State {
    pub(super) fn record<const N: usize>(&mut self, node: usize, kind: Kind, detail: [u64; N]) {
        const { assert!(N <= 3, "a record has room for three words") };
        let mut words = [0; 3];
        words[..N].copy_from_slice(&detail);
        let core = match &self.acting {
            Some(acting) if acting.process.node == node => acting.shard.0,
            _ => CORE_NONE,
        };
        let node = u32::try_from(node).expect("a world has fewer than 65,536 nodes");
        self.trace.record(Record { at: self.now, node, core, kind, words });
    }

    /// `what` names the event among those of the same instant.
    pub(super) fn schedule(&mut self, at: Instant, what: [u64; 2], event: Event) -> Key {
        let at = at.max(self.now);
        let tie = self.random.draw(Concern::Tie, &[at.0, what[0], what[1]]);
        self.events.push(at, tie, event)
    }

    /// Names what the running task asks for next: the task, its poll, and how much it asked before.
    pub(super) fn next_request(&mut self) -> [u64; 2] {
        match &mut self.acting {
            Some(acting) => {
                acting.asked += 1;
                [acting.identity, acting.poll_count << 16 | acting.asked]
            }
            None => [0, 0],
        }
    }

    /// The running task handed an operation to the machine and so many bytes with it.
    pub(super) fn charge_call(&mut self, copied_bytes: usize) {
        let CostTable { syscall_ns, copy_ns_per_kib, .. } = self.costs;
        self.charge(syscall_ns + copied_bytes as u64 * copy_ns_per_kib / 1024);
    }

    pub(super) fn charge(&mut self, cost_ns: u64) {
        if let Some(acting) = &mut self.acting {
            acting.asked += 1;
            acting.cost_ns += cost_ns;
        }
    }

    /// Whether the process may ask for things. It may not once it is dead, and it is from the instant
    /// of a panic on: what destructors ask for while the stack unwinds never happened.
    pub(super) fn is_alive(&self, process: Process) -> bool {
        let node = &self.nodes[process.node];
        node.life == Life::Up
            && node.incarnation == process.incarnation
            && !(std::thread::panicking()
                && self.acting.as_ref().is_some_and(|acting| acting.process == process))
    }

    /// As [`State::is_alive`], for a request: a refusal is counted.
    pub(super) fn admits(&mut self, process: Process) -> bool {
        let alive = self.is_alive(process);
        if !alive {
            self.nodes[process.node].late_submissions += 1;
            self.counters.late_submissions += 1;
            self.record(process.node, Kind::Late, [u64::from(process.incarnation)]);
        }
        alive
    }

    /// Starts a task; gives it back when the process is dead.
    pub(super) fn spawn(
        &mut self,
        process: Process,
        shard: ShardId,
        name: &'static str,
        body: Body,
    ) -> Option<Body> {
        if !self.admits(process) {
            return Some(body);
        }
        self.charge(0);
        self.counters.tasks_spawned += 1;
        let tasks = &mut self.nodes[process.node].shards[usize::from(shard.0)];
        let identity = tasks.spawn(process, shard, name, &self.post, body);
        self.trace.name(identity.name_hash, name);
        self.schedule_turn(process, shard);
        None
    }

    /// The shard's next poll, as soon as its core is free.
    pub(super) fn schedule_turn(&mut self, process: Process, shard: ShardId) {
        let node = &mut self.nodes[process.node];
        let state = &mut node.shards[usize::from(shard.0)];
        if !node.paused && !state.turn_scheduled && state.has_ready() {
            state.turn_scheduled = true;
            let at = state.busy_until;
            let what = [process.node as u64, u64::from(shard.0)];
            self.schedule(at, what, Event::Turn { process, shard });
        }
    }

    pub(super) fn on_note(&mut self, note: Note) {
        match note {
            Note::Woken(task) => {
                if self.is_alive(task.process) {
                    let node = &mut self.nodes[task.process.node];
                    node.shards[usize::from(task.shard.0)].wake(task.key);
                    self.schedule_turn(task.process, task.shard);
                }
            }
            Note::TimerDropped(key) => {
                self.events.cancel(key);
            }
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

    /// Ends the life of a node. First it is dead; then what it had ready or due is taken away, and
    /// what it had under way in its machine is decided; its futures are dropped last, by the caller.
    pub(super) fn end_process(&mut self, node: usize, ending: Ending) -> Remains {
        let process = Process { node, incarnation: self.nodes[node].incarnation };
        let alive = self.is_alive(process);
        self.nodes[node].life = match ending {
            Ending::Process(life) => life,
            Ending::Power(_) => Life::PowerOff,
        };
        self.record(node, Kind::End, [u64::from(process.incarnation), u64::from(alive)]);
        let this = &mut self.nodes[node];
        let shards = core::mem::take(&mut this.shards);
        let messages = this.mailboxes.take().map(|mailboxes| mailboxes.close());
        let shelved = core::mem::take(&mut this.shelved);
        this.paused = false;
        this.stop_asked = false;
        this.stop_waiters.clear();
        this.offloads = 0;
        this.exiting = None;
        let mut events = if alive { self.events.take_of(process) } else { Vec::new() };
        events.extend(shelved);
        let locks_until = match ending {
            Ending::Process(_) => self.orphan_operations(process),
            Ending::Power(how) => {
                self.settle_operations(node, how);
                self.now
            }
        };
        let farewell = match ending {
            Ending::Power(_) => Farewell::Silent,
            Ending::Process(Life::Exited(_)) => Farewell::Closed,
            Ending::Process(_) => Farewell::Killed,
        };
        self.end_connections(process, farewell);
        let this = &mut self.nodes[node];
        match ending {
            Ending::Process(_) => this.disk.process_ended(locks_until),
            Ending::Power(how) => {
                let lost = this.disk.lose_power(how);
                self.record(node, Kind::PowerLoss, lost);
            }
        }
        Remains { _shards: shards, _events: events, _messages: messages }
    }

    /// What the process may draw for itself: named by the moment, so that one draw more shifts only
    /// those right behind it.
    pub(super) fn draw_for_program(
        &mut self,
        process: Process,
        shard: ShardId,
        purpose: Purpose,
    ) -> u64 {
        let moment = moment(self.now);
        let drawn = self.nodes[process.node].drawn.entry((shard, purpose)).or_default();
        if drawn.0 != moment {
            *drawn = (moment, 0);
        }
        drawn.1 += 1;
        let life = (process.node as u64) << 32 | u64::from(process.incarnation);
        let key = [life, u64::from(shard.0), purpose as u64, moment, drawn.1];
        let word = self.random.draw(Concern::Program, &key);
        self.record(process.node, Kind::Random, [purpose as u64, word]);
        word
    }

    /// What the node's monotonic clock shows.
    pub(super) fn local_now(&self, node: usize) -> Instant {
        self.nodes[node].clock.mono(self.now)
    }

    pub(super) fn wall_ms(&self, node: usize) -> i64 {
        self.nodes[node].clock.wall_ms(self.now)
    }

    pub(super) fn advance(&mut self, to: Instant) {
        assert!(to >= self.now, "time runs forward: {to:?} after {:?}", self.now);
        self.now = to;
    }

    pub(super) fn after(&self, pause: Duration) -> Instant {
        self.now + pause
    }
}
