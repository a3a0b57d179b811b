//! A machine with one shard that runs nothing but the storage.
//!
//! Promises: a step that does not come to an end, and a panic inside the store, are findings and not
//! the end of the sweep.

use core::cell::RefCell;
use core::time::Duration;
use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;

use model::{Bug, Limits, NodeId};
use runtime::memory::{DiskImage, MemoryMesh, MemoryRuntime, NodeIndex, NodeOptions, World};
use runtime::{Spawn, TaskClass};
use storage::{Log, LogConfig, Owner, RecoverySink, StorageError, Store, StoreOptions};
use wire::batch::BatchView;

use super::promise::{Producers, Promise, producers_of};
use crate::probe::SimProbe;

pub(super) const DATA: &str = "/data";
/// Longer than anything here takes.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

pub(super) type Rt = MemoryRuntime<SimProbe>;

pub(super) struct StorageNode {
    pub(super) world: World,
    pub(super) node: NodeIndex,
    probe: SimProbe,
}

/// A running store.
#[derive(Clone)]
pub(super) struct Running {
    pub(super) rt: Rt,
    pub(super) store: Store<Rt>,
}

impl StorageNode {
    /// A machine on an empty disk, or on what a power loss has left of one.
    pub(super) fn new(seed: u64, bugs: &BTreeSet<Bug>, image: Option<DiskImage>) -> Self {
        let mut world = World::new(seed);
        world.survive_panics();
        let node = world.add_node(NodeOptions::default());
        if let Some(image) = image {
            world.replace_disk(node, image);
        }
        Self { world, node, probe: SimProbe::new(bugs.clone()) }
    }

    /// Starts the process: locks the directory, replays the journal, opens the store.
    pub(super) fn boot(&mut self) -> Result<Running, String> {
        let slot = Rc::new(RefCell::new(None));
        let out = Rc::clone(&slot);
        self.world.boot(self.node, self.probe.of_node(0), move |rt: Rt, _: MemoryMesh<()>| {
            *out.borrow_mut() = Some(rt);
            core::future::ready(())
        });
        self.world.run_until(LIMIT, |_| slot.borrow().is_some());
        let rt = slot.take().ok_or("the process does not start")?;
        let inner = rt.clone();
        let opened = self.wait(&rt, async move { open_store(&inner).await })?;
        let store = opened.map_err(|error| format!("the store does not open: {error}"))?;
        Ok(Running { rt, store })
    }

    /// Runs a future of the node to its end.
    pub(super) fn wait<T: 'static>(
        &mut self,
        rt: &Rt,
        future: impl Future<Output = T> + 'static,
    ) -> Result<T, String> {
        let outcome = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&outcome);
        rt.spawn("wait", TaskClass::Latency, async move {
            let value = future.await;
            *slot.borrow_mut() = Some(value);
        });
        self.world.run_until(LIMIT, |_| outcome.borrow().is_some());
        outcome.take().ok_or_else(|| self.why_it_stands())
    }

    /// For a step that did not come to its end.
    pub(super) fn why_it_stands(&self) -> String {
        match self.world.failures().first() {
            Some(failure) => format!("a panic in {}: {}", failure.task, failure.message),
            None => format!("no end after {} s", LIMIT.as_secs()),
        }
    }

    /// Opens a log and tells what recovery said of its producers.
    pub(super) fn open(
        &mut self,
        running: &Running,
        promise: &Promise,
        config: LogConfig,
    ) -> Result<(Log<Rt>, Producers), String> {
        let (store, id) = (running.store.clone(), promise.id.clone());
        let opened = self.wait(&running.rt, async move {
            let mut sink = Sink::default();
            store.open_log(id, config, &mut sink).await.map(|log| (log, sink.0))
        })?;
        opened.map_err(|error| format!("a log does not open: {error}"))
    }
}

async fn open_store(rt: &Rt) -> Result<Store<Rt>, StorageError> {
    let owner = Owner { node_id: NodeId(1), cluster_id: None };
    let (directories, locks) =
        storage::prepare_directories(rt, &[Path::new(DATA).to_path_buf()], &owner).await?;
    // Held for as long as the process lives.
    rt.spawn("locks", TaskClass::Background, async move {
        let _held = locks;
        core::future::pending::<()>().await;
    });
    let options = StoreOptions { directories, limits: Limits::tiny() };
    Store::replay_journals(rt, &options).await?;
    Store::open(rt.clone(), options).await
}

/// Rebuilds the producers as the broker does.
#[derive(Default)]
struct Sink(Producers);

impl RecoverySink for Sink {
    fn load_snapshot(&mut self, _: model::Offset, content: &[u8]) -> bool {
        self.0 = producers_of(content);
        true
    }

    fn batch(&mut self, batch: &BatchView<'_>) {
        let header = &batch.header;
        if let (Some(producer), Some(last)) = (header.producer, header.last_sequence()) {
            self.0.insert(producer.id.0, last);
        }
    }
}
