//! The seam: all that the broker asks of a machine.
//!
//! `server`, `storage` and `client` are generic over [`Runtime`] and name no backend; `uring` (live)
//! and `memory` (seeded, single thread) implement it, the simulator adds its own. One handle per
//! shard implements every verb and is cheap to clone; futures never leave their shard.
//!
//! Rules of every verb:
//! - Buffers go in by value and come back with the result, also on error.
//! - The operation belongs to the object, not to the future. Dropping a future does not cancel the
//!   operation: the backend keeps the buffer until the kernel is done, and the next call of the same
//!   verb on the same object attaches to the pending operation, so that a stream stays gapless.
//! - Short I/O, interruption and exhaustion are the backend's business; what arrives here is final.

#![expect(async_fn_in_trait, reason = "futures stay on their shard: nobody needs them to be Send")]

mod clock;
pub mod conformance;
mod disk;
mod error;
pub mod memory;
mod mesh;
mod net;
mod spawn;
pub mod sync;

pub use clock::Clock;
pub use disk::{Advice, Disk, Entry, EntryKind, File, Open, Space};
pub use error::{Error, Result};
pub use mesh::{Lane, Mesh};
pub use net::{Conn, Heat, Listener, More, Net};
pub use spawn::{Exit, Purpose, Signal, Spawn, TaskClass};

use model::Probe;

/// One shard's handle to its machine.
pub trait Runtime: Clock + Spawn + Disk + Net<File = <Self as Disk>::File> {
    /// [`model::Live`] in a real broker; the simulator's own type there.
    type Probe: Probe;

    /// This shard's end of the queues between the shards of one node.
    type Mesh<M: Send + 'static>: Mesh<M>;

    fn probe(&self) -> Self::Probe;
}
