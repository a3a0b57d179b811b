//! Live backends of the seam: io_uring driver and epoll fallback. The only crate with unsafe code and system calls.
//!
//! [`run`] starts one thread per shard and calls the program's main on each with a [`Live`] handle
//! and a [`LiveMesh`]. Which ring carries the I/O is decided once, at start ([`choose`]).
//!
//! Reading order: `ring` (the rules, without a system call), `shard` (the loop), `net`, `disk`,
//! `mesh` (the verbs), `run` (start and end), `sys` (every system call).

mod arena;
mod choice;
mod counters;
mod disk;
mod executor;
mod live;
mod mesh;
mod net;
mod options;
mod outbound;
mod pipes;
mod pool;
mod random;
mod ring;
mod run;
mod shard;
mod shared;
mod sys;
mod timers;

pub use choice::{Backend, Choice, Refused, choose};
pub use counters::Counters;
pub use disk::{LiveFile, LiveLock};
pub use live::Live;
pub use mesh::LiveMesh;
pub use net::{Detached, LiveConn, LiveListener};
pub use options::{Io, Options, Pinning, Signals, default_cpus};
pub use run::{StartError, raise_descriptor_limit, run};
