//! The simulated disk against what it promises: a bug here is worse than one in the broker, because
//! it hides them.
//!
//! `durability` (what syncs cover), `faults` (what goes wrong), `kills` (what a dead process leaves),
//! `images` (crash points), `reference` (any sequence against plain vectors).

mod durability;
mod faults;
mod images;
mod kills;
mod reference;

use core::future::Future;
use core::time::Duration;
use model::{Buf, Live};
use runtime::memory::{
    DiskOptions, DiskStats, MemoryFile, MemoryMesh, MemoryRuntime, NodeIndex, NodeOptions,
    PowerLoss, World,
};
use runtime::{Disk, Error, Open, Result};
use std::path::Path;

const SECOND: Duration = Duration::from_secs(1);
const EIO: Error = Error::Failed(5);
const PAGE: usize = 4096;

/// A world with one node, which runs pieces of program one after the other.
struct Rig {
    world: World,
    node: NodeIndex,
}

impl Rig {
    fn new(seed: u64) -> Self {
        Self::with(seed, DiskOptions::default())
    }

    fn with(seed: u64, disk: DiskOptions) -> Self {
        let mut world = World::new(seed);
        let node = world.add_node(NodeOptions { disk, ..NodeOptions::default() });
        Self { world, node }
    }

    /// Boots the node, runs `main` to its end, and lets a second pass. The node stays up.
    fn run<F: Future<Output = ()> + 'static>(&mut self, main: impl Fn(MemoryRuntime) -> F) {
        let done = self.start(main);
        self.world.run_for(SECOND);
        assert!(done.get(), "the program hangs:\n{}", self.world.last_events());
    }

    /// Boots the node and returns at once; the flag says whether `main` has ended.
    fn start<F: Future<Output = ()> + 'static>(
        &mut self,
        main: impl Fn(MemoryRuntime) -> F,
    ) -> std::rc::Rc<core::cell::Cell<bool>> {
        self.world.kill(self.node);
        let done = std::rc::Rc::new(core::cell::Cell::new(false));
        self.world.boot(self.node, Live, |rt: MemoryRuntime, _: MemoryMesh<()>| {
            let (main, done) = (main(rt), std::rc::Rc::clone(&done));
            async move {
                main.await;
                done.set(true);
                core::future::pending().await
            }
        });
        done
    }

    fn lose_power(&mut self, how: PowerLoss) {
        self.world.power_loss(self.node, how);
    }

    fn bytes(&self, path: &str) -> Result<Vec<u8>> {
        self.world.read_file(self.node, Path::new(path))
    }

    fn stats(&self) -> DiskStats {
        self.world.disk_stats(self.node)
    }
}

fn buf(bytes: &[u8]) -> Vec<Buf> {
    vec![Buf::from(bytes.to_vec())]
}

async fn open(rt: &MemoryRuntime, path: &str) -> MemoryFile {
    rt.open(Path::new(path), Open::Create).await.unwrap()
}

async fn write(rt: &MemoryRuntime, path: &str, bytes: &[u8]) -> MemoryFile {
    let file = open(rt, path).await;
    rt.append(&file, 0, buf(bytes)).await.unwrap();
    file
}

async fn write_durably(rt: &MemoryRuntime, path: &str, bytes: &[u8]) -> MemoryFile {
    let file = write(rt, path, bytes).await;
    rt.sync_data(&file).await.unwrap();
    rt.sync_dir(Path::new(path).parent().unwrap()).await.unwrap();
    file
}

async fn read(rt: &MemoryRuntime, file: &MemoryFile, at: u64, count: usize) -> Result<Vec<u8>> {
    let (result, bytes) = rt.read(file, at, Vec::with_capacity(count), count).await;
    assert!(result.is_err() || result == Ok(bytes.len()), "{result:?} and {} bytes", bytes.len());
    result.map(|_| bytes)
}
