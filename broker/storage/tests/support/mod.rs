//! A node with one shard, a store and a disk that forgets.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use model::{
    Buf, LeaderEpoch, Limits, Live, NodeId, Offset, PartitionIndex, TopicId, TopicPartition,
};
use runtime::memory::{MemoryMesh, MemoryRuntime, NodeIndex, NodeOptions, PowerLoss, World};
use storage::{
    Batch, Log, LogConfig, LogId, Owner, RecoverySink, Store, StoreEvent, StoreOptions, mark_clean,
    prepare_directories,
};
use wire::batch::{BatchBuilder, BatchHeader, BatchStamp, BatchView};

pub const DATA: &str = "/data";

/// What recovery told about one log.
#[derive(Debug, Default)]
pub struct Sink {
    pub snapshot: Option<(Offset, Vec<u8>)>,
    pub batches: Vec<BatchHeader>,
}

impl RecoverySink for Sink {
    fn load_snapshot(&mut self, at: Offset, content: &[u8]) -> bool {
        // Instead of a checksum.
        let is_whole = !content.is_empty() && !content.contains(&0);
        if is_whole {
            self.snapshot = Some((at, content.to_vec()));
        }
        is_whole
    }

    fn batch(&mut self, batch: &BatchView<'_>) {
        self.batches.push(batch.header);
    }
}

/// The newest reported end of each log, and the failures.
#[derive(Debug, Default)]
pub struct News {
    pub ends: BTreeMap<TopicPartition, Offset>,
    pub failures: Vec<(TopicPartition, String)>,
}

pub struct Rig {
    pub world: World,
    pub node: NodeIndex,
    pub rt: MemoryRuntime,
    pub store: Store<MemoryRuntime>,
    pub news: Rc<RefCell<News>>,
    pub limits: Limits,
}

impl Rig {
    pub fn new(seed: u64) -> Self {
        Self::with_limits(seed, Limits::tiny())
    }

    pub fn with_limits(seed: u64, limits: Limits) -> Self {
        let mut world = World::new(seed);
        let node = world.add_node(NodeOptions::default());
        let (rt, store, news) = boot(&mut world, node, &limits);
        Self { world, node, rt, store, news, limits }
    }

    /// The process and the power go; what comes back is what was synced.
    pub fn crash(&mut self, how: PowerLoss) {
        self.world.power_loss(self.node, how);
        (self.rt, self.store, self.news) = boot(&mut self.world, self.node, &self.limits);
    }

    /// An orderly stop and the next start.
    pub fn restart(&mut self) {
        self.stop();
        self.crash(PowerLoss::KeepsNothing);
    }

    /// An orderly stop.
    pub fn stop(&mut self) {
        let (rt, store) = (self.rt.clone(), self.store.clone());
        self.wait(async move {
            store.close().await.expect("a healthy disk");
            let checkpoints = store.checkpoints().remove(0);
            checkpoints.write(&rt, &PathBuf::from(DATA)).await.expect("a healthy disk");
            mark_clean(&rt, &PathBuf::from(DATA)).await.expect("a healthy disk");
        });
    }

    pub fn wait<T: 'static>(&mut self, future: impl Future<Output = T> + 'static) -> T {
        self.world.block_on(&self.rt, future)
    }

    pub fn open(&mut self, partition: i32, config: LogConfig) -> (Log<MemoryRuntime>, Sink) {
        let store = self.store.clone();
        self.wait(async move {
            let mut sink = Sink::default();
            let log = store.open_log(id(partition), config, &mut sink).await.expect("it opens");
            (log, sink)
        })
    }

    /// Lets the disk finish what was asked.
    pub fn settle(&mut self) {
        self.world.run_for(Duration::from_secs(5));
    }

    pub fn reported_end(&self, partition: i32) -> Option<Offset> {
        self.news.borrow().ends.get(&id(partition).at).copied()
    }

    pub fn read(&mut self, log: &Log<MemoryRuntime>, from: i64) -> Vec<u8> {
        let log = log.clone();
        self.wait(async move {
            let (mut all, mut at) = (Vec::new(), Offset(from));
            while at < log.end_offset() {
                let bytes = log.read_batches(at, 4096).await.expect("it reads");
                if bytes.is_empty() {
                    break;
                }
                for batch in wire::batch::batches(&bytes) {
                    at = batch.expect("whole batches").header.end_offset();
                }
                all.extend_from_slice(&bytes);
            }
            all
        })
    }
}

fn boot(
    world: &mut World,
    node: NodeIndex,
    limits: &Limits,
) -> (MemoryRuntime, Store<MemoryRuntime>, Rc<RefCell<News>>) {
    let slot = Rc::new(RefCell::new(None));
    let out = slot.clone();
    world.boot(node, Live, move |rt: MemoryRuntime, _: MemoryMesh<()>| {
        *out.borrow_mut() = Some(rt);
        core::future::ready(())
    });
    world.run_for(Duration::from_millis(1));
    let rt = slot.take().expect("the main task ran");
    let news = Rc::new(RefCell::new(News::default()));
    let (limits, inner, heard) = (limits.clone(), rt.clone(), news.clone());
    let store = world.block_on(&rt, async move {
        let owner = Owner { node_id: NodeId(1), cluster_id: None };
        let paths = [PathBuf::from(DATA)];
        let (directories, locks) =
            prepare_directories(&inner, &paths, &owner).await.expect("a healthy disk");
        let options = StoreOptions { directories, limits };
        let replayed = Store::replay_journals(&inner, &options).await.expect("the journal replays");
        let store = Store::open(inner.clone(), options).await.expect("a healthy disk");
        store.trust_replayed(replayed);
        let listened = store.clone();
        runtime::Spawn::spawn(&inner, "news", runtime::TaskClass::Latency, async move {
            let _held = locks;
            loop {
                for event in listened.next_events().await {
                    match event {
                        StoreEvent::Persisted { at, end } => {
                            heard.borrow_mut().ends.insert(at, end);
                        }
                        StoreEvent::Failed { at, error } => {
                            heard.borrow_mut().failures.push((at, error.to_string()));
                        }
                    }
                }
            }
        });
        store
    });
    (rt, store, news)
}

pub fn id(partition: i32) -> LogId {
    let topic = TopicId::from_random(1, 2);
    let at = TopicPartition { topic, partition: PartitionIndex(partition) };
    LogId { at, topic: "orders".to_owned() }
}

pub fn config() -> LogConfig {
    LogConfig { index_interval_bytes: 256, segment_bytes: 64 << 10, ..LogConfig::DEFAULT }
}

/// A batch of `count` records whose values are `size_bytes` long, at `base`, in epoch 1.
pub fn batch(base: i64, count: u32, size_bytes: usize, timestamp_ms: i64) -> Batch {
    let mut builder = BatchBuilder::new(Vec::new());
    let value = vec![u8::try_from(base % 251).unwrap(); size_bytes];
    for record in 0..count {
        builder.append(timestamp_ms + i64::from(record), None, Some(&value), &[]);
    }
    let stamp = BatchStamp {
        base_offset: Offset(base),
        partition_leader_epoch: Some(LeaderEpoch(1)),
        producer: None,
        attributes: Default::default(),
    };
    let bytes = Buf::from(builder.finish(&stamp));
    Batch {
        pieces: vec![bytes.slice(..16), bytes.slice(16..)],
        base_offset: Offset(base),
        last_offset: Offset(base + i64::from(count) - 1),
        leader_epoch: LeaderEpoch(1),
        max_timestamp_ms: timestamp_ms + i64::from(count) - 1,
    }
}

pub fn bytes_of(batches: &[Batch]) -> Vec<u8> {
    batches.iter().flat_map(|batch| &batch.pieces).flat_map(|piece| piece.iter().copied()).collect()
}
