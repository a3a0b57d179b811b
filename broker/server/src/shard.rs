//! One shard: a thread with everything it owns.
//!
//! Promises: shard state is touched by this thread only; no borrow of it lives across an `.await`.
//! Does not: know a backend; other shards are reached through the mesh.

mod inbound;
mod start;
mod upkeep;

use core::cell::{Cell, OnceCell, RefCell};
use core::time::Duration;
use std::collections::BTreeMap;
use std::rc::Rc;

use controller::Image;
use controller::config::{Layers, Value};
use model::{
    Bug, Buggify, ErrorCode, Limits, PartitionIndex, Probe, ShardId, Site, TopicId, TopicPartition,
};
use replication::Effect;
use runtime::Runtime;
use runtime::sync::{Notify, Sender};
use storage::Store;
use wire::Uuid;

use crate::boot::{Boot, Level, Line};
use crate::control;
use crate::coordinators::Coordinators;
use crate::fetch::Sessions;
use crate::handlers::init_producer_id::ProducerIdBlock;
use crate::mesh::MeshClient;
use crate::metrics::{PartitionFigures, Snapshot};
use crate::net::{Connections, ReceiveBudget, RequestContext};
use crate::offline::OfflineLogs;
use crate::partition::Partition;
use crate::produce::Groups;
use crate::stats::Stats;
use crate::topics::Topics;
use crate::wakes::Wakes;

pub(crate) use inbound::serve_ahead;
pub use start::run;

/// The shard of the controller, and of the work that one shard does for all.
pub(crate) const FIRST: ShardId = ShardId(0);

/// The shard's state, shared by its tasks.
pub(crate) struct Shard<R: Runtime> {
    pub(crate) rt: R,
    pub(crate) id: ShardId,
    pub(crate) shard_count: u16,
    pub(crate) limits: Limits,
    pub(crate) boot: Boot,
    pub(crate) mesh: MeshClient<R>,
    pub(crate) stats: RefCell<Stats>,
    pub(crate) connections: RefCell<Connections<R>>,
    /// Bounds the bytes of large frames that are being received or worked on.
    pub(crate) receive_budget: ReceiveBudget,

    /// This shard's copy of the metadata.
    pub(crate) image: RefCell<Image>,
    /// What the data path needs of the image.
    pub(crate) topics: RefCell<Topics>,
    /// Replicas whose home is this shard.
    partitions: RefCell<BTreeMap<TopicPartition, Rc<Partition<R>>>>,
    /// Those of the node whose log failed.
    pub(crate) offline: OfflineLogs,
    store: OnceCell<Store<R>>,

    /// Something became durable.
    progress: Notify,
    pub(crate) groups: Groups,
    /// Those of consumer groups.
    pub(crate) coordinators: Coordinators,
    pub(crate) wakes: Wakes,
    pub(crate) sessions: RefCell<Sessions>,
    pub(crate) producer_ids: RefCell<ProducerIdBlock>,
    /// Buffers that steps use again.
    pub(crate) effects: RefCell<Vec<Effect>>,
    pub(crate) scratch: RefCell<Vec<u8>>,

    /// Set when the node was asked to stop: no new connection, no new request.
    pub(crate) stopping: Cell<bool>,
    /// Ends the wait of parked fetches.
    pub(crate) stop_asked: Notify,
    arrivals: inbound::Arrivals,
    ahead: inbound::Ahead,
    directories: start::Directories,
    checkpoint_turn: upkeep::CheckpointTurn,
    /// Committed metadata on its way to this shard's image.
    deltas: Sender<inbound::Arrived>,
    /// The controller and its log, on the first shard.
    driver: OnceCell<Rc<control::Driver<R>>>,
}

impl<R: Runtime> Shard<R> {
    fn new(rt: R, mesh: MeshClient<R>, boot: Boot, deltas: Sender<inbound::Arrived>) -> Rc<Self> {
        let limits = boot.limits.clone();
        let idle = Duration::from_millis(boot.idle_ms_max);
        let id = rt.shard();
        Rc::new(Self {
            id,
            shard_count: rt.shard_count(),
            mesh,
            stats: RefCell::default(),
            connections: RefCell::new(Connections::new(limits.connections, idle)),
            receive_budget: ReceiveBudget::new(limits.receive_bytes),
            image: RefCell::default(),
            topics: RefCell::default(),
            partitions: RefCell::default(),
            offline: OfflineLogs::default(),
            store: OnceCell::new(),
            progress: Notify::new(),
            groups: Groups::new(limits.waiters),
            coordinators: Coordinators::new(limits.waiters),
            wakes: Wakes::new(id, limits.waiters),
            sessions: RefCell::new(Sessions::new(
                limits.fetch_sessions,
                limits.fetch_session_partitions,
            )),
            producer_ids: RefCell::default(),
            effects: RefCell::default(),
            scratch: RefCell::default(),
            stopping: Cell::new(false),
            stop_asked: Notify::new(),
            arrivals: inbound::Arrivals::default(),
            ahead: inbound::Ahead::default(),
            directories: start::Directories::default(),
            checkpoint_turn: upkeep::CheckpointTurn::default(),
            deltas,
            driver: OnceCell::new(),
            rt,
            limits,
            boot,
        })
    }

    /// One line for the operator.
    pub(crate) fn log(&self, level: Level, text: impl Into<String>) {
        self.boot.log.write(Line { level, shard: self.id.0, text: text.into() });
    }

    /// Changes counters. The closure must not reach back into the shard.
    pub(crate) fn count(&self, change: impl FnOnce(&mut Stats)) {
        change(&mut self.stats.borrow_mut());
    }

    /// Whether this mistake is switched on; never outside a simulation.
    pub(crate) fn planted(&self, bug: Bug) -> bool {
        R::Probe::ON && self.rt.probe().planted(bug)
    }

    /// Whether to make the rare choice here, now; never outside a simulation.
    pub(crate) fn buggify(&self, site: Buggify) -> bool {
        R::Probe::ON && self.rt.probe().buggify(site)
    }

    /// Marks a rare state as reached.
    pub(crate) fn sometimes(&self, site: Site) {
        self.rt.probe().sometimes(site);
    }

    /// Every shard of this node.
    pub(crate) fn shards(&self) -> impl Iterator<Item = ShardId> + use<R> {
        (0..self.shard_count).map(ShardId)
    }

    /// This shard's logs. Open before any listener is.
    pub(crate) fn store(&self) -> &Store<R> {
        self.store.get().expect("opened at start")
    }

    /// A replica that a request names, whose home is this shard.
    ///
    /// # Errors
    /// KAFKA_STORAGE_ERROR or NOT_LEADER_OR_FOLLOWER.
    pub(crate) fn replica(&self, at: TopicPartition) -> Result<Rc<Partition<R>>, ErrorCode> {
        self.partition(at).ok_or_else(|| self.offline.why_missing(at))
    }

    /// A replica whose home is this shard.
    pub(crate) fn partition(&self, at: TopicPartition) -> Option<Rc<Partition<R>>> {
        self.partitions.borrow().get(&at).cloned()
    }

    /// The replicas of this shard, in order.
    pub(crate) fn partitions(&self) -> Vec<Rc<Partition<R>>> {
        self.partitions.borrow().values().cloned().collect()
    }

    /// A partition that a request names by its topic's name.
    pub(crate) fn find(&self, topic: &str, partition: i32) -> Result<TopicPartition, ErrorCode> {
        let topics = self.topics.borrow();
        let topic = topics.by_name(topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        topic.partition(partition, self.shard_count).map(|(at, _)| at)
    }

    /// Whether a batch of this size may be appended now: bytes that wait for the disk are bounded.
    pub(crate) fn has_room(&self, size_bytes: usize) -> bool {
        let queued_bytes = usize::try_from(self.store().stats().queued_bytes).unwrap_or(usize::MAX);
        let has_room = queued_bytes == 0
            || queued_bytes.saturating_add(size_bytes) <= self.limits.unsynced_bytes;
        if !has_room {
            self.sometimes(Site::UnsyncedBudgetExhausted);
        }
        has_room
    }

    /// Waits until [`Shard::has_room`]. A connection that waits here reads nothing meanwhile.
    pub(crate) async fn room(&self, size_bytes: usize) {
        while !self.has_room(size_bytes) {
            self.progress.notified().await;
        }
    }

    /// Completes when something became durable since the last wait.
    pub(crate) async fn progress(&self) {
        self.progress.notified().await;
    }

    pub(crate) fn driver(&self) -> Option<Rc<control::Driver<R>>> {
        self.driver.get().cloned()
    }

    pub(crate) fn set_driver(&self, driver: Rc<control::Driver<R>>) {
        assert!(self.driver.set(driver).is_ok(), "the controller starts once");
    }

    /// Takes a replica in.
    pub(crate) fn put_partition(&self, partition: Rc<Partition<R>>) {
        self.partitions.borrow_mut().insert(partition.at, partition);
    }

    /// Takes every replica of a topic away from this shard.
    pub(crate) fn take_partitions(&self, topic: TopicId) -> Vec<Rc<Partition<R>>> {
        let at = |index| TopicPartition { topic, partition: PartitionIndex(index) };
        let mut partitions = self.partitions.borrow_mut();
        let taken: Vec<_> = partitions.range(at(0)..=at(i32::MAX)).map(|(at, _)| *at).collect();
        taken.into_iter().filter_map(|at| partitions.remove(&at)).collect()
    }

    /// `directory.id` of each data directory.
    pub(crate) fn directory_ids(&self) -> Vec<Uuid> {
        self.directories.known().iter().map(|directory| directory.id.0).collect()
    }

    /// What the node is part of.
    pub(crate) fn cluster(&self) -> control::Cluster {
        let id = self.directories.known().first().map(|directory| directory.cluster_id.clone());
        control::Cluster { id: id.unwrap_or_default(), controller: self.boot.node_id }
    }

    /// The cluster as the sender of a request sees it.
    pub(crate) fn view<'a>(
        &'a self,
        image: &'a Image,
        context: &RequestContext<'_>,
    ) -> control::view::View<'a> {
        let listener = self.listener_name(context.listener);
        control::view::View { image, listener, node: self.boot.node_id, offline: &self.offline }
    }

    /// Kafka's name of a listener of `Boot::listeners`.
    pub(crate) fn listener_name(&self, index: usize) -> &str {
        &self.boot.listeners[index].name
    }

    /// The effective value of a broker key that is true or false.
    pub(crate) fn broker_flag(&self, key: &str) -> bool {
        self.broker_layers(|layers| layers.broker_flag(key))
    }

    /// The effective value of a broker key that is a number and has a default.
    pub(crate) fn broker_number(&self, key: &str) -> i64 {
        let number = self.broker_layers(|layers| layers.broker_number(key));
        number.unwrap_or_else(|| panic!("{key} has no default"))
    }

    /// The effective value of a broker key that is one of some words, and has a default.
    pub(crate) fn broker_word(&self, key: &str) -> String {
        match self.broker_layers(|layers| layers.broker_parsed(key)) {
            Some(Value::Text(word)) => word,
            other => panic!("{key} is no word but {other:?}"),
        }
    }

    fn broker_layers<T>(&self, read: impl FnOnce(Layers<'_>) -> T) -> T {
        let image = self.image.borrow();
        read(image.config_layers(None, self.boot.node_id, &self.boot.properties))
    }

    /// This shard's figures for the metrics page.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let figures = |partition: &Rc<Partition<R>>| {
            let ends = partition.replica().ends();
            PartitionFigures {
                topic: partition.topic().name.clone(),
                partition: partition.at.partition.0,
                log_start_offset: ends.log_start_offset.0,
                high_watermark: ends.high_watermark.0,
                size_bytes: partition.log.size_bytes(),
            }
        };
        Snapshot {
            stats: self.stats.borrow().clone(),
            store: self.store().stats(),
            partitions: self.partitions.borrow().values().map(figures).collect(),
            groups: self.coordinators.snapshot(),
            offline_logs: OfflineLogs::count_here(self),
        }
    }
}
