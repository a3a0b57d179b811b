//! The seeded backend: nodes, network and disks in one thread, with a virtual clock.
//!
//! A run is a [`World`]. Promises: one seed, one run; whatever order, delay, short read or chunking
//! the seam allows may happen, and a disk forgets at a power loss what was not synced.
//! Does not: know faults of its own accord, measure real time, or share anything between two worlds.
//!
//! ```
//! use core::time::Duration;
//! use model::{Buf, Live};
//! use runtime::memory::{MemoryMesh, MemoryRuntime, NodeOptions, PowerLoss, World};
//! use runtime::{Disk, Open};
//! use std::path::Path;
//!
//! let mut world = World::new(7);
//! let node = world.add_node(NodeOptions::default());
//! world.boot(node, Live, |rt: MemoryRuntime, _: MemoryMesh<()>| async move {
//!     let file = rt.open(Path::new("/file"), Open::Create).await.unwrap();
//!     rt.append(&file, 0, vec![Buf::from_static(b"never synced")]).await.unwrap();
//! });
//! world.run_for(Duration::from_secs(1));
//! world.power_loss(node, PowerLoss::KeepsNothing);
//! assert!(world.read_file(node, Path::new("/file")).is_err());
//! ```
//!
//! Reading order: `world` (what a test does), `state` (what a world is), `runtime` and `executor`
//! (tasks), `clock` and `costs` (time), `events`, `post`, `mesh`, `net`, `disk`, `random`, `trace` and
//! `counters`; `slab` holds what is looked up most often.

mod clock;
mod costs;
mod counters;
mod disk;
mod events;
mod executor;
mod mesh;
mod net;
mod post;
mod random;
mod runtime;
mod slab;
mod state;
mod trace;
mod world;

pub use costs::CostTable;
pub use counters::Counters;
pub use disk::{
    DeviceChange, DiskDamage, DiskEffect, DiskFault, DiskImage, DiskOptions, DiskStats, DiskVerb,
    FileEntry, MemoryFile, MemoryLock, PowerLoss, SectorSize, Spot,
};
pub use mesh::MemoryMesh;
pub use net::{DetachedConn, LinkFault, LinkOptions, MemoryConn, MemoryListener, NetStats};
pub use runtime::MemoryRuntime;
pub use trace::{CHECKPOINT_EVENTS, Checkpoint, TraceFormat, first_difference};
pub use world::{Failure, Life, NodeIndex, NodeOptions, StopHandle, World, WorldOptions};

/// A position in a simulated file or stream as an index into memory that holds it.
fn to_usize(position: u64) -> usize {
    usize::try_from(position).expect("it lies inside something that is in memory")
}
