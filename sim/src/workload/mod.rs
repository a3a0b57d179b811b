//! The clients of a run: tasks that do what the plan says and tell the history what they learn.
//!
//! Promises: every attempt to produce and every answer of a fetch is told once; a client that is
//! asked to stop ends within [`CALL_LIMIT`] and a little. Does not: judge answers.
//!
//! Reading order: `channel` (requests over either transport), `records` (what is written), then one
//! file per role: `member` takes part in a group as `classic_member` or `consumer_member`.

mod admin;
mod channel;
mod classic_member;
mod consumer;
mod consumer_member;
mod coordination;
mod crowd;
mod frames;
mod member;
mod offsets_tool;
mod producer;
mod pulse;
mod records;

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;

use model::{Instant, PartitionIndex, TopicId, TopicPartition};
use runtime::memory::MemoryRuntime;
use runtime::{Clock, Spawn, TaskClass};

pub(crate) use admin::create_topic;
pub(crate) use consumer::read_to_end;
pub(crate) use offsets_tool::read_offsets;
pub(crate) use pulse::pulse;

use crate::history::History;
use crate::plan::dice::Dice;
use crate::plan::{ClientPlan, Clocks, Plan, Protocol};

pub(crate) type Rt = MemoryRuntime;

/// How long a client waits for one answer.
pub(crate) const CALL_LIMIT: Duration = Duration::from_secs(10);

/// A topic that clients may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownTopic {
    pub(crate) id: TopicId,
    pub(crate) partitions: u16,
}

impl KnownTopic {
    pub(crate) fn partitions(self) -> impl Iterator<Item = TopicPartition> {
        (0..self.partitions).map(move |number| self.partition(number))
    }

    pub(crate) fn partition(self, number: u16) -> TopicPartition {
        TopicPartition { topic: self.id, partition: PartitionIndex(number.into()) }
    }
}

/// What all clients of a run share.
pub(crate) struct Shared {
    pub(crate) history: History,
    pub(crate) address: SocketAddr,
    /// By name. A topic that is about to be deleted leaves first.
    pub(crate) topics: RefCell<BTreeMap<String, KnownTopic>>,
    pub(crate) stop: Cell<bool>,
    /// The faults are over: members of groups behave.
    pub(crate) calm: Cell<bool>,
    pub(crate) seed: u64,
    pub(crate) clocks: Clocks,
    running: Cell<usize>,
    operations: Cell<u64>,
    performed: RefCell<BTreeMap<u32, u64>>,
}

impl Shared {
    pub(crate) fn new(history: History, address: SocketAddr, plan: &Plan) -> Rc<Self> {
        Rc::new(Self {
            history,
            address,
            topics: RefCell::default(),
            stop: Cell::new(false),
            calm: Cell::new(false),
            seed: plan.seed,
            clocks: plan.clocks(),
            running: Cell::new(0),
            operations: Cell::new(0),
            performed: RefCell::default(),
        })
    }

    /// The name of a topic that exists.
    pub(crate) fn name_of(&self, id: TopicId) -> Option<String> {
        let topics = self.topics.borrow();
        topics.iter().find(|(_, known)| known.id == id).map(|(name, _)| name.clone())
    }

    pub(crate) fn topic(&self, name: &str) -> Option<KnownTopic> {
        self.topics.borrow().get(name).copied()
    }

    /// A number for the next thing that an application asks for.
    pub(crate) fn next_operation(&self) -> u64 {
        self.operations.set(self.operations.get() + 1);
        self.operations.get()
    }

    /// Requests that each client of the plan has made, by its number.
    pub(crate) fn performed(&self) -> BTreeMap<u32, u64> {
        self.performed.borrow().clone()
    }

    /// Clients that have not ended yet.
    pub(crate) fn running(&self) -> usize {
        self.running.get()
    }
}

/// One client: its number, its machine and its luck.
pub(crate) struct Seat {
    pub(crate) shared: Rc<Shared>,
    pub(crate) rt: Rt,
    /// From 1.
    pub(crate) number: u32,
    pub(crate) dice: Dice,
}

impl Seat {
    pub(crate) fn new(shared: &Rc<Shared>, rt: Rt, number: u32) -> Self {
        let dice = Dice::new(shared.seed, &format!("client {number}"));
        Self { shared: Rc::clone(shared), rt, number, dice }
    }

    pub(crate) fn now_ns(&self) -> u64 {
        self.rt.now().mono.0
    }

    pub(crate) async fn sleep(&self, pause: Duration) {
        self.rt.sleep_until(self.rt.now().mono + pause).await;
    }

    /// Counts a request of this client.
    fn performs(&self) {
        *self.shared.performed.borrow_mut().entry(self.number).or_default() += 1;
    }

    /// Sleeps for about `mean_us`. False when the client is asked to stop.
    async fn pause(&mut self, mean_us: u64) -> bool {
        let pause_us = self.dice.within(0..=mean_us.saturating_mul(2));
        self.wait(pause_us).await
    }

    /// Sleeps for so long. False when the client is asked to stop.
    async fn wait(&self, pause_us: u64) -> bool {
        self.pause_until(self.rt.now().mono + Duration::from_micros(pause_us)).await
    }

    /// Sleeps in steps, so that a stop is heard. False when it was.
    async fn pause_until(&self, until: Instant) -> bool {
        const STEP: Duration = Duration::from_secs(60);
        while !self.shared.stop.get() {
            let now = self.rt.now().mono;
            if now >= until {
                return true;
            }
            self.rt.sleep_until(until.min(now + STEP)).await;
        }
        false
    }
}

/// Starts every client of the plan on the machine that was made for it.
pub(crate) fn spawn(plan: &Plan, shared: &Rc<Shared>, machines: &[Rt]) {
    for (number, (client, rt)) in (1..).zip(plan.clients.iter().zip(machines)) {
        let seat = Seat::new(shared, rt.clone(), number);
        let client = client.clone();
        spawn_counted(seat, async move |seat| match client {
            ClientPlan::Producer(plan) => producer::produce(seat, plan).await,
            ClientPlan::Consumer(plan) => consumer::consume(seat, plan).await,
            ClientPlan::Admin(plan) => admin::administer(seat, plan).await,
            ClientPlan::Member(plan) if plan.protocol == Protocol::Tool => {
                offsets_tool::keep_offsets(seat, plan).await;
            }
            ClientPlan::Member(plan) => member::take_part(seat, plan).await,
            ClientPlan::Crowd(plan) => crowd::hold(seat, plan).await,
        });
    }
}

/// Runs a client and counts it as running until it ends.
pub(crate) fn spawn_counted(seat: Seat, work: impl AsyncFnOnce(Seat) + 'static) {
    let shared = Rc::clone(&seat.shared);
    shared.running.set(shared.running.get() + 1);
    let rt = seat.rt.clone();
    rt.spawn("client", TaskClass::Latency, async move {
        work(seat).await;
        shared.running.set(shared.running.get() - 1);
    });
}
