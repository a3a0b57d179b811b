//! One run: nodes, their network and disks, one seed, one virtual clock.
//!
//! Promises: a run depends on nothing but its seed and what the test does; two runs with the same
//! [`World::trace_hash`] took every step alike. Nothing is static: each run is a world of its own.
//! Does not: choose faults. A test plants them; schedules of faults are the simulator's.

use core::cell::RefCell;
use core::future::Future;
use core::task::Context;
use core::time::Duration;
use model::{Instant, Live, Probe, ShardId};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::rc::Rc;
use std::sync::mpsc::Receiver;

use super::disk::{Disk, DiskFault, DiskStats, PowerLoss};
use super::events::{Event, Events};
use super::executor::{Shard, Turn};
use super::mesh::MemoryMesh;
use super::net::{Network, ip_of};
use super::post::{Note, Post};
use super::random::{Concern, Random};
use super::runtime::MemoryRuntime;
use super::state::{Ending, Node, Process, Shared, State};
use super::to_usize;
use super::trace::{Fold, Kind, Trace};
use crate::{Exit, Result, Spawn, TaskClass};

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
}

impl Default for NodeOptions {
    fn default() -> Self {
        Self { shards: 1, mesh_queue_len: 8, offload_queue_len: 16, wall_offset_ms: 0 }
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
    notes: Receiver<Note>,
    failures: Vec<Failure>,
    survives_panics: bool,
}

/// Longest virtual time that [`World::block_on`] waits.
const BLOCK_ON_LIMIT: Duration = Duration::from_secs(600);

impl World {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let (post, notes) = Post::open();
        let state = State {
            now: Instant(1_000_000_000),
            random: Random::new(seed),
            trace: Trace::default(),
            events: Events::default(),
            nodes: Vec::new(),
            net: Network::default(),
            post,
        };
        let shared = Rc::new(RefCell::new(state));
        Self { shared, notes, failures: Vec::new(), survives_panics: false }
    }

    /// Adds a machine with an empty disk.
    pub fn add_node(&mut self, options: NodeOptions) -> NodeIndex {
        assert!(options.shards > 0, "a node has at least one shard");
        let mut state = self.shared.borrow_mut();
        state.nodes.push(Node {
            options,
            life: Life::Down,
            incarnation: 0,
            shards: Vec::new(),
            disk: Disk::new(),
            exiting: None,
            stop_asked: false,
            stop_waiters: Vec::new(),
            offloads: 0,
            drawn: BTreeMap::new(),
        });
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
        for (rt, mesh) in runtimes.iter().zip(MemoryMesh::of_node(&runtimes, mesh_queue_len)) {
            rt.spawn("main", TaskClass::Latency, main(rt.clone(), mesh));
        }
    }

    /// A machine with one shard that runs what [`World::block_on`] and `spawn` give it.
    pub fn client(&mut self) -> MemoryRuntime {
        let node = self.add_node(NodeOptions::default());
        let (process, ..) = self.begin_life(node);
        MemoryRuntime::new(&self.shared, process, ShardId(0), Live)
    }

    fn begin_life(&mut self, index: NodeIndex) -> (Process, u16, usize) {
        let mut state = self.shared.borrow_mut();
        let now = state.now;
        let node = &mut state.nodes[index.0];
        assert_ne!(node.life, Life::Up, "{index:?} is up already");
        node.life = Life::Up;
        node.incarnation += 1;
        node.stop_asked = false;
        let idle = |_| Shard::new(now);
        node.shards = (0..node.options.shards).map(idle).collect();
        let process = Process { node: index.0, incarnation: node.incarnation };
        let found = (process, node.options.shards, node.options.mesh_queue_len);
        state.record(index.0, Kind::Boot, [u64::from(process.incarnation), 0]);
        found
    }

    // Time.

    #[must_use]
    pub fn now(&self) -> Instant {
        self.shared.borrow().now
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

    // Crashes and faults.

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

    pub fn plant(&mut self, node: NodeIndex, fault: DiskFault) {
        self.with_disk(node, |disk| disk.faults.add(fault));
    }

    /// Removes every planted disk fault of a node.
    pub fn mend_disk(&mut self, node: NodeIndex) {
        self.with_disk(node, |disk| disk.faults.clear());
    }

    pub fn set_read_only(&mut self, node: NodeIndex, read_only: bool) {
        self.with_disk(node, |disk| disk.read_only = read_only);
    }

    /// Bytes that a disk holds, counted in whole sectors; `None` for no limit.
    pub fn set_disk_capacity(&mut self, node: NodeIndex, bytes: Option<u64>) {
        self.with_disk(node, |disk| disk.capacity_bytes = bytes);
    }

    /// Multiplies the time of every disk operation; 1 is a healthy disk.
    pub fn slow_disk(&mut self, node: NodeIndex, factor: u64) {
        self.with_disk(node, |disk| disk.slowness = factor);
    }

    /// Packets from one node to the other get lost until [`World::mend_link`].
    pub fn cut_link(&mut self, from: NodeIndex, to: NodeIndex) {
        self.shared.borrow_mut().net.cut(from.0, to.0);
    }

    pub fn mend_link(&mut self, from: NodeIndex, to: NodeIndex) {
        self.shared.borrow_mut().net.mend(from.0, to.0);
    }

    // Looking in.

    #[must_use]
    pub fn ip(&self, node: NodeIndex) -> IpAddr {
        ip_of(node.0)
    }

    #[must_use]
    pub fn life(&self, node: NodeIndex) -> Life {
        self.shared.borrow().nodes[node.0].life
    }

    #[must_use]
    pub fn disk_stats(&self, node: NodeIndex) -> DiskStats {
        self.shared.borrow().nodes[node.0].disk.stats
    }

    /// A file's bytes as reads would see them; works whether the node is up or not.
    ///
    /// # Errors
    /// `NotFound`, or `Failed` when the path is not a file.
    pub fn read_file(&self, node: NodeIndex, path: &Path) -> Result<Vec<u8>> {
        self.shared.borrow().nodes[node.0].disk.read_file(path)
    }

    /// Connections that some end still holds.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.shared.borrow().net.connection_count()
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

    /// The last few events as text, for the message of a failing test.
    #[must_use]
    pub fn last_events(&self) -> String {
        let state = self.shared.borrow();
        state.trace.last().map(|entry| format!("{entry:?}\n")).collect()
    }

    /// From now on a panicking task only ends its node and is listed in [`World::failures`]; without
    /// this the panic goes on through whoever runs the world, so that a test fails with its message.
    pub fn survive_panics(&mut self) {
        self.survives_panics = true;
    }

    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    // The loop.

    fn next_at(&mut self) -> Option<Instant> {
        self.read_notes();
        self.shared.borrow().events.next_at()
    }

    fn step(&mut self) {
        let event = {
            let mut state = self.shared.borrow_mut();
            let Some((at, event)) = state.events.pop() else { return };
            state.advance(at);
            event
        };
        match event {
            Event::Turn { process, shard } => self.take_turn(process, shard),
            Event::Timer { process, waker } => {
                self.shared.borrow_mut().record(process.node, Kind::Timer, [0, 0]);
                waker.wake();
            }
            Event::Doorbell { bell, .. } => bell.ring(),
            Event::Disk { work, .. } => work(&mut self.shared.borrow_mut(), None),
            Event::Offload { process, work } => {
                self.shared.borrow_mut().nodes[process.node].offloads -= 1;
                self.shared.borrow_mut().record(process.node, Kind::Offload, [0, 0]);
                self.guard(process, "offload", work);
            }
            Event::Net(event) => self.shared.borrow_mut().on_net_event(event),
        }
        self.read_notes();
    }

    fn read_notes(&mut self) {
        while let Ok(note) = self.notes.try_recv() {
            self.shared.borrow_mut().on_note(note);
        }
    }

    /// Polls one ready task of a shard.
    fn take_turn(&mut self, process: Process, shard: ShardId) {
        let Some(turn) = self.begin_turn(process, shard) else { return };
        let Turn { ordinal, name, poll_count, waker, mut body } = turn;
        let mut polled = None;
        self.guard(process, name, || {
            polled = Some(body.as_mut().poll(&mut Context::from_waker(&waker)));
        });
        let exiting = {
            let mut state = self.shared.borrow_mut();
            if !state.is_alive(process) {
                None
            } else {
                let key = [ordinal, poll_count, state.now.0];
                let again = state.random.one_in(64, Concern::SpuriousPoll, &key);
                let this = &mut state.nodes[process.node].shards[usize::from(shard.0)];
                match polled {
                    Some(core::task::Poll::Pending) => this.put_back(ordinal, body, again),
                    _ => this.end(ordinal),
                }
                state.schedule_turn(process, shard);
                state.nodes[process.node].exiting
            }
        };
        if let Some(how) = exiting {
            self.end(NodeIndex(process.node), Ending::Process(Life::Exited(how)));
        }
    }

    /// Picks the task and makes its core busy for a while.
    fn begin_turn(&mut self, process: Process, shard: ShardId) -> Option<Turn> {
        let mut state = self.shared.borrow_mut();
        let (now, random) = (state.now, state.random);
        let this = &mut state.nodes[process.node].shards[usize::from(shard.0)];
        this.turn_scheduled = false;
        let key = [process.node as u64, u64::from(shard.0), now.0];
        let size = this.round_size();
        let turn = match size {
            0 => None,
            _ => {
                let drawn = random.draw(Concern::Schedule, &key) % size as u64;
                this.begin(to_usize(drawn))
            }
        };
        let Some(turn) = turn else {
            // The task ended after it was woken.
            state.schedule_turn(process, shard);
            return None;
        };
        this.busy_until = Instant(now.0 + random.within(Concern::PollCost, &key, 200..=1_500));
        let place = u64::from(shard.0) << 48 | turn.ordinal;
        state.record(process.node, Kind::Poll, [place, Fold::bytes(turn.name.as_bytes())]);
        Some(turn)
    }

    /// Runs a piece of a node's program; a panic ends the node.
    fn guard(&mut self, process: Process, task: &'static str, run: impl FnOnce()) {
        let Err(payload) = catch_unwind(AssertUnwindSafe(run)) else { return };
        let node = NodeIndex(process.node);
        self.end(node, Ending::Process(Life::Panicked));
        if !self.survives_panics {
            resume_unwind(payload);
        }
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let message = text.unwrap_or_else(|| "a panic without a text".to_owned());
        let at = self.now();
        self.shared.borrow_mut().record(node.0, Kind::Panic, [0, 0]);
        self.failures.push(Failure { node, at, task, message });
    }

    fn end(&mut self, node: NodeIndex, ending: Ending) {
        self.read_notes();
        let remains = self.shared.borrow_mut().end_process(node.0, ending);
        // Destructors of the node's tasks run here; the dead process is refused whatever they ask.
        drop(remains);
        self.read_notes();
    }

    fn with_disk(&mut self, node: NodeIndex, change: impl FnOnce(&mut Disk)) {
        change(&mut self.shared.borrow_mut().nodes[node.0].disk);
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
