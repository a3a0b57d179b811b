//! The coordinators of one shard, and what carries out their decisions.
//!
//! Promises: each coordinator hears one event at a time, in the order they came; its writes reach the
//! log in the order of their tickets, and none behind one that was refused. Who waits is told once.
//! Does not: wait for anything; the tasks are at the end of this file and in `load`. What changes nothing
//! is answered in `read`.

mod read;

use core::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use coordinator::consumer::{TopicView, Topics};
use coordinator::{Coordinator, Effect, Event, Record, Request, Ticket, Token, TopicName};
use model::{ErrorCode, Instant, LeaderEpoch, Slot, Slots, TopicPartition};
use replication::Acks;
use runtime::Runtime;
use runtime::sync::{Notify, race};

use super::ask::{Ask, Asker, Told};
use super::embedded::EMBEDDED;
use super::load::{Load, Loads};
use super::settings::settings;
use super::{OFFSETS_TOPIC, records};
use crate::partition::{Partition, Writer};
use crate::shard::Shard;
use crate::topics::Topic;

pub(crate) struct Coordinators {
    hosts: RefCell<BTreeMap<TopicPartition, Host>>,
    /// What the coordinators have not heard yet. Carrying out one event may bring about others; they
    /// follow it. Bounded by the writes under way.
    events: RefCell<VecDeque<(TopicPartition, Event)>>,
    is_running: Cell<bool>,
    /// Who waits for which answer; the slot is the token.
    waiting: RefCell<Slots<Asker>>,
    pub(super) loads: Loads,
    /// What groups see of the metadata.
    topics: RefCell<Topics>,
    /// When the deadlines are looked at next.
    looks_at: Cell<Option<Instant>>,
    earlier: Notify,
}

/// One coordinator. It stays when its partition goes elsewhere: its tickets count on.
struct Host {
    core: Coordinator,
    /// In which epoch this node leads the partition; `None`: it does not, or the log has failed.
    leads: Option<LeaderEpoch>,
    /// Counts the times that the partition came here, so that an old load finds out.
    load: u64,
}

impl Coordinators {
    pub(crate) fn new(waiting_max: usize) -> Self {
        Self {
            hosts: RefCell::default(),
            events: RefCell::default(),
            is_running: Cell::new(false),
            waiting: RefCell::new(Slots::new(waiting_max)),
            loads: Loads::default(),
            topics: RefCell::default(),
            looks_at: Cell::new(None),
            earlier: Notify::new(),
        }
    }

    /// A replica may have become leader, or ceased to be: its coordinator comes, goes or stays.
    pub(crate) fn follow<R: Runtime>(&self, shard: &Shard<R>, partition: &Partition<R>) {
        if partition.topic().name != OFFSETS_TOPIC || shard.stopping.get() {
            return;
        }
        let leads = {
            let replica = partition.replica();
            replica.check_leader(None).ok()
        };
        let Some(leader_epoch) = leads else { return self.leave(shard, partition.at) };
        let load = {
            let mut hosts = self.hosts.borrow_mut();
            let host = hosts.entry(partition.at).or_insert_with(|| Host {
                core: Coordinator::new(settings(shard), EMBEDDED),
                leads: None,
                load: 0,
            });
            if host.leads == Some(leader_epoch) {
                return;
            }
            if host.leads.replace(leader_epoch).is_some() {
                self.hear(partition.at, Event::Unload);
            }
            host.load += 1;
            Load { at: partition.at, number: host.load }
        };
        self.hear(partition.at, Event::BeginLoading);
        let ends = partition.replica().ends();
        if ends.log_start_offset == ends.log_end_offset {
            self.hear(partition.at, Event::Loaded);
        } else {
            self.loads.add(load);
        }
        self.run(shard);
    }

    /// This node does not lead the partition any more, or cannot write to it.
    pub(super) fn leave<R: Runtime>(&self, shard: &Shard<R>, at: TopicPartition) {
        let led = self.hosts.borrow_mut().get_mut(&at).and_then(|host| host.leads.take());
        if led.is_some() {
            self.hear(at, Event::Unload);
            self.run(shard);
        }
    }

    /// The partition is deleted.
    pub(crate) fn remove<R: Runtime>(&self, shard: &Shard<R>, at: TopicPartition) {
        self.leave(shard, at);
        self.hosts.borrow_mut().remove(&at);
    }

    /// The node stops: nobody waits for groups any more.
    pub(crate) fn stop<R: Runtime>(&self, shard: &Shard<R>) {
        let all: Vec<_> = self.hosts.borrow().keys().copied().collect();
        for at in all {
            self.leave(shard, at);
        }
    }

    /// These topics are new, or have more partitions.
    pub(crate) fn topics_changed<R: Runtime>(&self, shard: &Shard<R>, changed: &[Rc<Topic>]) {
        let mut names = BTreeSet::new();
        for topic in changed {
            let view = TopicView { id: topic.id, partition_count: topic.partition_count };
            let mut topics = self.topics.borrow_mut();
            if topics.by_name(&topic.name) != Some(view) {
                let name = TopicName::from(&*topic.name);
                topics.insert(TopicName::clone(&name), view);
                names.insert(name);
            }
        }
        if !names.is_empty() {
            self.tell_all(shard, || Event::TopicsChanged { names: names.clone() });
        }
    }

    /// Offsets of this topic mean nothing any more, and nobody can own its partitions.
    pub(crate) fn topic_deleted<R: Runtime>(&self, shard: &Shard<R>, topic: &Topic) {
        let name = TopicName::from(&*topic.name);
        {
            let mut topics = self.topics.borrow_mut();
            if topics.by_name(&name).is_none_or(|known| known.id != topic.id) {
                return;
            }
            topics.remove(&name);
        }
        self.tell_all(shard, || Event::TopicsDeleted { topics: vec![TopicName::clone(&name)] });
        let names = BTreeSet::from([name]);
        self.tell_all(shard, || Event::TopicsChanged { names: names.clone() });
    }

    fn tell_all<R: Runtime>(&self, shard: &Shard<R>, event: impl Fn() -> Event) {
        for at in self.leading(|_| true) {
            self.hear(at, event());
        }
        self.run(shard);
    }

    /// Everything that a coordinator wrote up to this ticket is durable.
    pub(crate) fn durable(&self, at: TopicPartition, ticket: Ticket) {
        let mut events = self.events.borrow_mut();
        match events.back_mut() {
            Some((last, Event::Committed { ticket: up_to })) if *last == at => *up_to = ticket,
            _ => events.push_back((at, Event::Committed { ticket })),
        }
    }

    /// A coordinator's write is not in the log.
    pub(crate) fn refused(&self, at: TopicPartition, ticket: Ticket, error: ErrorCode) {
        self.hear(at, Event::Refused { ticket, error });
    }

    /// Puts a question to the coordinator of this partition; `asker` is told now or later.
    pub(crate) fn serve<R: Runtime>(
        &self,
        shard: &Shard<R>,
        at: TopicPartition,
        ask: Ask,
        asker: Asker,
    ) {
        match ask {
            Ask::Change(request) => self.change(shard, at, request, asker),
            Ask::Offsets(of) => asker.tell(shard, self.offsets(at, of)),
            Ask::Describe { group } => asker.tell(shard, self.describe(at, &group)),
        }
    }

    /// Lets the coordinators hear what waits for them, and carries out what they decide.
    pub(crate) fn run<R: Runtime>(&self, shard: &Shard<R>) {
        if self.events.borrow().is_empty() || self.is_running.replace(true) {
            return;
        }
        let mut effects = Vec::new();
        loop {
            let next = self.events.borrow_mut().pop_front();
            let Some((at, event)) = next else { break };
            self.step(shard, at, event, &mut effects);
            self.carry_out(shard, at, &mut effects);
        }
        self.is_running.set(false);
        shard.wakes.send(shard);
    }

    /// One event of a load; false when the load is not wanted any more.
    pub(super) fn loading<R: Runtime>(&self, shard: &Shard<R>, load: Load, event: Event) -> bool {
        let is_wanted = self.is_wanted(load);
        if is_wanted {
            self.hear(load.at, event);
            self.run(shard);
        }
        is_wanted
    }

    pub(super) fn is_wanted(&self, load: Load) -> bool {
        let hosts = self.hosts.borrow();
        hosts.get(&load.at).is_some_and(|it| it.leads.is_some() && it.load == load.number)
    }

    fn hear(&self, at: TopicPartition, event: Event) {
        self.events.borrow_mut().push_back((at, event));
    }

    fn change<R: Runtime>(
        &self,
        shard: &Shard<R>,
        at: TopicPartition,
        request: Request,
        asker: Asker,
    ) {
        if !self.hosts.borrow().contains_key(&at) {
            return asker.tell(shard, Err(ErrorCode::NotCoordinator));
        }
        let slot = self.waiting.borrow_mut().insert(asker);
        match slot {
            Ok(slot) => {
                self.hear(at, Event::Request { token: token_of(slot), request });
                self.run(shard);
            }
            Err(asker) => asker.tell(shard, Err(ErrorCode::CoordinatorNotAvailable)),
        }
    }

    fn step<R: Runtime>(
        &self,
        shard: &Shard<R>,
        at: TopicPartition,
        event: Event,
        effects: &mut Vec<Effect>,
    ) {
        let mut hosts = self.hosts.borrow_mut();
        // News of a partition that is deleted.
        let Some(host) = hosts.get_mut(&at) else { return };
        let topics = self.topics.borrow();
        host.core.step(shard.rt.now(), event, &topics, effects, &mut shard.rt.probe());
        let next = host.core.next_deadline();
        if let Some(next) = next
            && self.looks_at.get().is_none_or(|at| next < at)
        {
            self.looks_at.set(Some(next));
            self.earlier.notify();
        }
    }

    fn carry_out<R: Runtime>(
        &self,
        shard: &Shard<R>,
        at: TopicPartition,
        effects: &mut Vec<Effect>,
    ) {
        // The coordinator takes a refused write for the end of all that follow it, so none may.
        let mut is_refused = false;
        for effect in effects.drain(..) {
            match effect {
                Effect::Write { .. } if is_refused => {}
                Effect::Write { ticket, records } => {
                    if let Err(error) = append(shard, at, ticket, &records) {
                        self.refused(at, ticket, error);
                    }
                    is_refused = self.was_refused(at, ticket);
                }
                Effect::Reply { token, response } => {
                    let asker = self.waiting.borrow_mut().remove(slot_of(token));
                    let asker = asker.expect("a request is answered once");
                    asker.tell(shard, Ok(Told::Changed(response)));
                }
            }
        }
    }

    /// Whether the append that has just ended was refused. (Where the log failed as a whole, other news
    /// follow, and it refuses whatever comes next.)
    fn was_refused(&self, at: TopicPartition, ticket: Ticket) -> bool {
        match self.events.borrow().back() {
            Some((of, Event::Refused { ticket: refused, .. })) => *of == at && *refused == ticket,
            _ => false,
        }
    }

    /// Partitions that this node leads, with a coordinator like this.
    fn leading(&self, is_such: impl Fn(&Coordinator) -> bool) -> Vec<TopicPartition> {
        let hosts = self.hosts.borrow();
        let such = hosts.iter().filter(|(_, host)| host.leads.is_some() && is_such(&host.core));
        such.map(|(at, _)| *at).collect()
    }

    fn next_deadline(&self) -> Option<Instant> {
        let hosts = self.hosts.borrow();
        hosts.values().filter_map(|host| host.core.next_deadline()).min()
    }
}

/// Appends the records of a write as one batch; the partition reports what became of it.
fn append<R: Runtime>(
    shard: &Shard<R>,
    at: TopicPartition,
    ticket: Ticket,
    records: &[Record],
) -> Result<(), ErrorCode> {
    let partition = shard.replica(at)?;
    let batch_bytes_max = partition.topic().settings.batch_bytes_max;
    let batch = records::batch(records, shard.rt.now().wall_ms, batch_bytes_max)?;
    partition.append(shard, &batch, Acks::All, Writer::Coordinator(at, ticket));
    Ok(())
}

fn token_of(slot: Slot) -> Token {
    u64::from(slot.generation) << 32 | u64::from(slot.index)
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves of a token")]
fn slot_of(token: Token) -> Slot {
    Slot { index: token as u32, generation: (token >> 32) as u32 }
}

/// Lets each coordinator know when its next deadline has come.
pub(super) async fn keep_deadlines<R: Runtime>(shard: &Shard<R>) {
    let coordinators = &shard.coordinators;
    loop {
        let next = coordinators.next_deadline();
        coordinators.looks_at.set(next);
        match next {
            Some(next) => {
                race(shard.rt.sleep_until(next), coordinators.earlier.notified()).await;
            }
            None => coordinators.earlier.notified().await,
        }
        let now = shard.rt.now().mono;
        let is_due = |core: &Coordinator| core.next_deadline().is_some_and(|next| next <= now);
        for at in coordinators.leading(is_due) {
            coordinators.hear(at, Event::Tick);
        }
        coordinators.run(shard);
    }
}
