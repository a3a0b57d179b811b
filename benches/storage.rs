//! `storage`: CPU of an append until it is reported durable, on the memory backend.
//!
//! The disk is simulated and costs no time of its own, so this is the code of journal, log and their
//! driver plus the simulation's events; compare it with itself, not with a disk.

use core::cell::RefCell;
use core::time::Duration;
use std::path::PathBuf;
use std::rc::Rc;

use benches::{Shape, batch};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use model::{
    Buf, LeaderEpoch, Limits, Live, NodeId, Offset, PartitionIndex, TopicId, TopicPartition,
};
use runtime::memory::{MemoryMesh, MemoryRuntime, NodeOptions, World};
use runtime::{Spawn, TaskClass};
use storage::{
    Batch, Log, LogConfig, LogId, Owner, RecoverySink, Store, StoreOptions, prepare_directories,
};
use wire::batch::BatchView;

const NOW_MS: i64 = 1_700_000_000_000;
/// What arrives while one sync is on its way.
const APPENDS: usize = 16;
const PATIENCE: Duration = Duration::from_secs(60);

/// An empty log: there is nothing to recover.
struct NothingKept;

impl RecoverySink for NothingKept {
    fn load_snapshot(&mut self, _: Offset, _: &[u8]) -> bool {
        false
    }

    fn batch(&mut self, _: &BatchView<'_>) {}
}

/// A node with a store and one log.
struct Rig {
    world: World,
    log: Log<MemoryRuntime>,
}

fn rig() -> Rig {
    let mut world = World::new(1);
    let node = world.add_node(NodeOptions::default());
    let slot = Rc::new(RefCell::new(None));
    let booted = Rc::clone(&slot);
    world.boot(node, Live, move |rt: MemoryRuntime, _: MemoryMesh<()>| {
        *booted.borrow_mut() = Some(rt);
        core::future::ready(())
    });
    world.run_for(Duration::from_millis(1));
    let rt = slot.take().expect("the main task ran");
    let opener = rt.clone();
    let log = world.block_on(&rt, async move { open(opener).await });
    Rig { world, log }
}

async fn open(rt: MemoryRuntime) -> Log<MemoryRuntime> {
    // Room for what one measurement appends: neither the journal wraps nor an append waits.
    let limits = Limits { journal_bytes: 4 << 20, unsynced_bytes: 2 << 20, ..Limits::tiny() };
    let owner = Owner { node_id: NodeId(1), cluster_id: None };
    let paths = [PathBuf::from("/data")];
    let (directories, locks) =
        prepare_directories(&rt, &paths, &owner).await.expect("a healthy disk");
    let options = StoreOptions { directories, limits };
    Store::replay_journals(&rt, &options).await.expect("an empty journal");
    let store = Store::open(rt.clone(), options).await.expect("a healthy disk");
    let listened = store.clone();
    rt.spawn("events", TaskClass::Latency, async move {
        let _held = locks;
        loop {
            drop(listened.next_events().await);
        }
    });
    let at = TopicPartition { topic: TopicId([7; 16]), partition: PartitionIndex(0) };
    let id = LogId { at, topic: "bench".to_owned() };
    store.open_log(id, LogConfig::DEFAULT, &mut NothingKept).await.expect("it opens")
}

/// Batches one after the other, as a leader hands them over: a patched head before the rest.
fn sent(shape: Shape) -> Vec<Batch> {
    let bytes = Buf::from(batch(shape, NOW_MS));
    let append = |index: usize| {
        let base = i64::try_from(index).expect("few") * i64::from(shape.records);
        Batch {
            pieces: vec![bytes.slice(..16), bytes.slice(16..)],
            base_offset: Offset(base),
            last_offset: Offset(base + i64::from(shape.records) - 1),
            leader_epoch: LeaderEpoch(0),
            max_timestamp_ms: NOW_MS,
        }
    };
    (0..APPENDS).map(append).collect()
}

fn append_until_durable(rig: &mut Rig, batches: &[Batch]) {
    for batch in batches {
        rig.log.append(batch.clone()).expect("within the limits");
    }
    let end = rig.log.end_offset();
    let durable = rig.world.run_until(PATIENCE, |_| rig.log.durable_end() == end);
    assert!(durable, "the appends did not become durable");
}

fn appends(c: &mut Criterion) {
    let mut group = c.benchmark_group("storage");
    for (name, shape) in [("1x100B", Shape::ONE), ("40x100B", Shape::FORTY)] {
        let batches = sent(shape);
        let size: usize = batches.iter().flat_map(|it| &it.pieces).map(|it| it.len()).sum();
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(format!("16 appends of {name} until durable"), |b| {
            b.iter_batched_ref(
                rig,
                |rig| append_until_durable(rig, &batches),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, appends);
criterion_main!(benches);
