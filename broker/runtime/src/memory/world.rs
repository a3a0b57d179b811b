//! One run: nodes, their network and disks, one seed, one virtual clock.
//!
//! Promises: a run depends on nothing but its seed and what the test does; two runs with the same
//! [`World::trace_hash`] took every step alike. Nothing is static: each run is a world of its own.
//! Does not: choose faults. A test plants them; schedules of faults are the simulator's.
//!
//! Reading order: here (a world, its nodes, the loop), `machine` (what happens to a node), `network`
//! (what happens to a link), `observe` (looking in).

mod machine;
mod network;
mod observe;

use core::cell::RefCell;
use core::future::Future;
use core::task::{Context, Poll};
use core::time::Duration;
use model::{Instant, Live, Probe, ShardId};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use super::costs::CostTable;
use super::counters::Counters;
use super::disk::{Disk, DiskImage, DiskOptions};
use super::events::{Event, Events};
use super::executor::{Shard, Turn};
use super::mesh::MemoryMesh;
use super::net::Network;
use super::post::{Note, Post};
use super::random::Random;
use super::runtime::MemoryRuntime;
use super::state::{Acting, Ending, Node, Process, Shared, State};
use super::trace::{Kind, Trace};
use crate::{Exit, Spawn, TaskClass};

/// Names one machine of a world; it keeps its disk and address over all its lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(pub usize);

/// What a machine has. Times and bounds that the program under test cannot choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeOptions {
    /// At least 1.
    pub shards: u16,
    /// Messages in each queue of the mesh.
    pub mesh_queue_len: usize,
    /// Work that waits in the side pool.
    pub offload_queue_len: usize,
    /// How far this machine's wall clock is off.
    pub wall_offset_ms: i64,
    /// By how many parts per million its wall clock is fast.
    pub wall_drift_ppm: i32,
    /// By how many parts per million its monotonic clock is fast.
    pub drift_ppm: i32,
    pub disk: DiskOptions,
}

impl Default for NodeOptions {
    fn default() -> Self {
        Self {
            shards: 1,
            mesh_queue_len: 8,
            offload_queue_len: 16,
            wall_offset_ms: 0,
            wall_drift_ppm: 0,
            drift_ppm: 0,
            disk: DiskOptions::default(),
        }
    }
}

/// What a whole run has in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorldOptions {
    pub costs: CostTable,
    /// Whether one poll in a hundred is followed by one without need. Such polls are legal at any
    /// time; only counted runs do without them.
    pub unneeded_polls: bool,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self { costs: CostTable::V1, unneeded_polls: true }
    }
}

/// What became of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Not booted yet: the machine is up, no process runs.
    Down,
    Up,
    Exited(Exit),
    Killed,
    /// A task panicked; see [`World::survive_panics`].
    Panicked,
    /// Peers hear nothing until the next boot.
    PowerOff,
}

impl Life {
    pub(super) fn has_power(self) -> bool {
        self != Self::PowerOff
    }
}

/// Asks a node to stop, from any thread.
#[derive(Clone)]
pub struct StopHandle {
    post: Post,
    node: usize,
}

impl StopHandle {
    pub(super) fn new(post: Post, node: usize) -> Self {
        Self { post, node }
    }

    pub fn ask(&self) {
        self.post.put(Note::StopAsked { node: self.node });
    }
}

/// A panic of a node's task that was recorded instead of passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub node: NodeIndex,
    pub at: Instant,
    pub task: &'static str,
    pub message: String,
}

pub struct World {
    shared: Shared,
    options: WorldOptions,
    post: Post,
    /// Empty between two readings; kept for its memory.
    notes: Vec<Note>,
    failures: Vec<Failure>,
    survives_panics: bool,
    /// Events since time last moved.
    standing: u64,
}

/// Events of one instant. A program that reaches this waits in a loop without letting time pass.
const STANDING_MAX: u64 = 1 << 24;

/// Longest virtual time that [`World::block_on`] waits.
const BLOCK_ON_LIMIT: Duration = Duration::from_secs(600);

impl World {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with_options(seed, WorldOptions::default())
    }

    #[must_use]
    pub fn with_options(seed: u64, options: WorldOptions) -> Self {
        let post = Post::default();
        let state = State {
            now: Instant(1_000_000_000),
            random: Random::new(seed),
            trace: Trace::default(),
            events: Events::default(),
            nodes: Vec::new(),
            net: Network::default(),
            post: post.clone(),
            costs: options.costs,
            counters: Counters::default(),
            acting: None,
        };
        Self {
            shared: Rc::new(RefCell::new(state)),
            options,
            post,
            notes: Vec::new(),
            failures: Vec::new(),
            survives_panics: false,
            standing: 0,
        }
    }

    /// Adds a machine with an empty disk.
    pub fn add_node(&mut self, options: NodeOptions) -> NodeIndex {
        let image = DiskImage::empty(&options.disk);
        self.add_node_with(options, image)
    }

    /// Adds a machine with the disk of an image, which may come from another world. Its disk is what
    /// the image's was: `options.disk` does not count.
    pub fn add_node_with(&mut self, options: NodeOptions, image: DiskImage) -> NodeIndex {
        assert!(options.shards > 0, "a node has at least one shard");
        let mut state = self.shared.borrow_mut();
        let disk = Disk::of_image(state.nodes.len(), state.random, image);
        state.nodes.push(Node::new(options, disk));
        NodeIndex(state.nodes.len() - 1)
    }

    /// Starts `main` on every shard of a node that is not up, on the disk as it was left.
    pub fn boot<M, P, F, Main>(&mut self, node: NodeIndex, probe: P, mut main: F)
    where
        M: Send + 'static,
        P: Probe,
        F: FnMut(MemoryRuntime<P>, MemoryMesh<M>) -> Main,
        Main: Future<Output = ()> + 'static,
    {
        self.read_notes();
        let (process, shards, mesh_queue_len) = self.begin_life(node);
        let runtime = |shard| MemoryRuntime::new(&self.shared, process, shard, probe.clone());
        let runtimes: Vec<_> = (0..shards).map(ShardId).map(runtime).collect();
        let meshes = MemoryMesh::of_node(&runtimes, mesh_queue_len);
        self.shared.borrow_mut().nodes[node.0].mailboxes = Some(meshes[0].mailboxes());
        for (rt, mesh) in runtimes.iter().zip(meshes) {
            rt.spawn("main", TaskClass::Latency, main(rt.clone(), mesh));
        }
    }

    /// A machine with one shard that runs what [`World::block_on`] and `spawn` give it.
    pub fn client(&mut self) -> MemoryRuntime {
        self.add_client().1
    }

    /// As [`World::client`], with the machine's number.
    pub fn add_client(&mut self) -> (NodeIndex, MemoryRuntime) {
        let node = self.add_node(NodeOptions::default());
        let (process, ..) = self.begin_life(node);
        (node, MemoryRuntime::new(&self.shared, process, ShardId(0), Live))
    }

    fn begin_life(&mut self, index: NodeIndex) -> (Process, u16, usize) {
        let mut state = self.shared.borrow_mut();
        let now = state.now;
        let node = &mut state.nodes[index.0];
        assert_ne!(node.life, Life::Up, "{index:?} is up already");
        node.life = Life::Up;
        node.incarnation += 1;
        node.stop_asked = false;
        let slowness = &node.slowness;
        let idle =
            |shard: u16| Shard::new(index.0, ShardId(shard), slowness[usize::from(shard)], now);
        node.shards = (0..node.options.shards).map(idle).collect();
        let process = Process { node: index.0, incarnation: node.incarnation };
        let found = (process, node.options.shards, node.options.mesh_queue_len);
        state.record(index.0, Kind::Boot, [u64::from(process.incarnation)]);
        found
    }

    // Time.

    #[must_use]
    pub fn now(&self) -> Instant {
        self.shared.borrow().now
    }

    /// Tells the time of this world to whoever is no part of it; [`Instant`] 0 after its end.
    pub fn clock(&self) -> impl Fn() -> Instant + use<> {
        let shared = Rc::downgrade(&self.shared);
        move || shared.upgrade().map_or(Instant(0), |shared| shared.borrow().now)
    }

    /// Lets so much virtual time pass.
    pub fn run_for(&mut self, pause: Duration) {
        let end = self.shared.borrow().after(pause);
        while self.next_at().is_some_and(|at| at <= end) {
            self.step();
        }
        self.shared.borrow_mut().advance(end);
    }

    /// Runs until the condition holds; false when `limit` passed or nothing is left to happen.
    pub fn run_until(&mut self, limit: Duration, mut condition: impl FnMut(&Self) -> bool) -> bool {
        let end = self.shared.borrow().after(limit);
        loop {
            if condition(self) {
                return true;
            }
            if self.next_at().is_none_or(|at| at > end) {
                return false;
            }
            self.step();
        }
    }

    /// Runs until nothing is left to happen; false when `limit` passed first.
    pub fn run_until_idle(&mut self, limit: Duration) -> bool {
        let end = self.shared.borrow().after(limit);
        loop {
            match self.next_at() {
                None => return true,
                Some(at) if at > end => return false,
                Some(_) => self.step(),
            }
        }
    }

    /// Runs the world until a future of one shard completes, and returns its value.
    ///
    /// # Panics
    /// When it does not complete within ten virtual minutes, or its node ends.
    pub fn block_on<P: Probe, T: 'static>(
        &mut self,
        rt: &MemoryRuntime<P>,
        future: impl Future<Output = T> + 'static,
    ) -> T {
        let outcome = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&outcome);
        rt.spawn("block_on", TaskClass::Latency, async move {
            let value = future.await;
            *slot.borrow_mut() = Some(value);
        });
        let done = self.run_until(BLOCK_ON_LIMIT, |_| outcome.borrow().is_some());
        assert!(done, "the future did not complete; the last events:\n{}", self.last_events());
        outcome.take().expect("just seen")
    }

    /// The number of shards from the node's next boot on.
    ///
    /// # Panics
    /// While the node is up, or for 0.
    pub fn set_shards(&mut self, node: NodeIndex, shards: u16) {
        assert!(shards > 0, "a node has at least one shard");
        assert_ne!(self.life(node), Life::Up, "{node:?} is up");
        self.with_state(|state| {
            let node = &mut state.nodes[node.0];
            node.options.shards = shards;
            node.slowness.resize(shards.into(), 1);
        });
    }

    /// From now on a panicking task only ends its node and is listed in [`World::failures`]; without
    /// this the panic goes on through whoever runs the world, so that a test fails with its message.
    pub fn survive_panics(&mut self) {
        self.survives_panics = true;
    }

    // The loop.

    fn next_at(&mut self) -> Option<Instant> {
        self.read_notes();
        self.shared.borrow_mut().events.next_at()
    }

    fn step(&mut self) {
        let event = {
            let mut state = self.shared.borrow_mut();
            let Some((at, event)) = state.events.pop() else { return };
            self.standing = if at > state.now { 0 } else { self.standing + 1 };
            state.advance(at);
            event
        };
        assert!(self.standing < STANDING_MAX, "time stands still:\n{}", self.last_events());
        match event {
            Event::Turn { process, shard } => self.take_turn(process, shard),
            Event::Timer { process, waker, .. } => {
                let mut state = self.shared.borrow_mut();
                state.counters.timers_fired += 1;
                state.record(process.node, Kind::Timer, []);
                drop(state);
                waker.wake();
            }
            Event::Doorbell { bell, .. } => bell.ring(),
            Event::Disk { process, operation } => {
                self.shared.borrow_mut().on_disk_event(process, operation);
            }
            Event::Offload { process, work } => self.offload(process, work),
            Event::Net(event) => self.shared.borrow_mut().on_net_event(event),
        }
        self.read_notes();
    }

    fn read_notes(&mut self) {
        while self.post.take(&mut self.notes) {
            let mut state = self.shared.borrow_mut();
            for note in self.notes.drain(..) {
                state.on_note(note);
            }
        }
    }

    /// A piece of work on the side pool is done, unless its threads are stopped too.
    fn offload(&mut self, process: Process, work: Box<dyn FnOnce()>) {
        {
            let mut state = self.shared.borrow_mut();
            let node = &mut state.nodes[process.node];
            if node.paused {
                return node.shelved.push(Event::Offload { process, work });
            }
            node.offloads -= 1;
            state.record(process.node, Kind::Offload, []);
        }
        self.guard(process, "offload", work);
    }

    /// Polls one ready task of a shard.
    fn take_turn(&mut self, process: Process, shard: ShardId) {
        let Some(turn) = self.begin_turn(process, shard) else { return };
        let Turn { key, identity, cost_parts, unneeded, again, waker, mut body, .. } = turn;
        let mut polled = Poll::Ready(());
        self.guard(process, identity.name, || {
            polled = body.as_mut().poll(&mut Context::from_waker(&waker));
        });
        let exiting = {
            let mut state = self.shared.borrow_mut();
            let acting = state.acting.take();
            if !state.is_alive(process) {
                None
            } else {
                let acting = acting.expect("set when the turn began");
                let (now, poll_ns) = (state.now, state.costs.poll_ns);
                if polled.is_pending() && acting.asked == 0 && !unneeded && !self.post.is_filled() {
                    state.counters.idle_polls += 1;
                }
                let this = &mut state.nodes[process.node].shards[usize::from(shard.0)];
                let cost_ns = poll_ns * cost_parts / 128 + acting.cost_ns;
                this.busy_until = this.busy_until.max(Instant(now.0 + cost_ns * this.slowness));
                match polled {
                    Poll::Pending => {
                        this.put_back(key, body, again && self.options.unneeded_polls);
                    }
                    Poll::Ready(()) => this.end(key),
                }
                state.schedule_turn(process, shard);
                state.nodes[process.node].exiting
            }
        };
        if let Some(how) = exiting {
            self.end(NodeIndex(process.node), Ending::Process(Life::Exited(how)));
        }
    }

    /// Picks the task.
    fn begin_turn(&mut self, process: Process, shard: ShardId) -> Option<Turn> {
        let mut state = self.shared.borrow_mut();
        let (now, random) = (state.now, state.random);
        let node = &mut state.nodes[process.node];
        let this = &mut node.shards[usize::from(shard.0)];
        this.turn_scheduled = false;
        // A core may have stalled, or its process been stopped, after this turn was scheduled.
        let stopped = node.paused || this.busy_until > now;
        let turn = if stopped { None } else { this.begin(now, random) };
        let Some(turn) = turn else {
            state.schedule_turn(process, shard);
            return None;
        };
        let Turn { identity, poll_count, unneeded, .. } = turn;
        state.acting = Some(Acting {
            process,
            shard,
            identity: identity.word,
            poll_count,
            asked: 0,
            cost_ns: 0,
        });
        state.counters.polls += 1;
        state.counters.unneeded_polls += u64::from(unneeded);
        state.record(process.node, Kind::Poll, [identity.word, identity.name_hash, poll_count]);
        Some(turn)
    }

    /// Runs a piece of a node's program; a panic ends the node.
    fn guard(&mut self, process: Process, task: &'static str, run: impl FnOnce()) {
        let Err(payload) = catch_unwind(AssertUnwindSafe(run)) else { return };
        let node = NodeIndex(process.node);
        self.shared.borrow_mut().acting = None;
        self.end(node, Ending::Process(Life::Panicked));
        if !self.survives_panics {
            resume_unwind(payload);
        }
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let message = text.unwrap_or_else(|| "a panic without a text".to_owned());
        let at = self.now();
        self.shared.borrow_mut().record(node.0, Kind::Panic, []);
        self.failures.push(Failure { node, at, task, message });
    }

    fn end(&mut self, node: NodeIndex, ending: Ending) {
        self.read_notes();
        let remains = self.shared.borrow_mut().end_process(node.0, ending);
        // Destructors of the node's tasks run here; the dead process is refused whatever they ask.
        drop(remains);
        self.read_notes();
    }

    pub(super) fn with_state<T>(&mut self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.shared.borrow_mut())
    }

    pub(super) fn look<T>(&self, at: impl FnOnce(&State) -> T) -> T {
        at(&self.shared.borrow())
    }
}

impl Drop for World {
    /// Tasks hold the world and the world holds the tasks: somebody has to let go.
    fn drop(&mut self) {
        let count = self.shared.borrow().nodes.len();
        for node in 0..count {
            self.kill(NodeIndex(node));
        }
    }
}
