//! The shard's journal: one bounded, pre-written file per data directory that makes many small appends durable
//! with one sync (ADR 2).
//!
//! ```text
//! block 0      superblock: magic, format, incarnation, checksum
//! block 1 …    commits, one after the other, used as a ring; each fills whole 4 KiB blocks:
//!              header: magic, incarnation, sequence, oldest sequence still needed, sizes, checksum
//!              frame heads, then the frames' bytes in the same order, then zeros
//! ```
//!
//! Promises: a commit counts only as a whole; space is reused only after the segments hold its bytes durably; record
//! bytes that imitate a commit are not taken for one, since the incarnation is random and new at every start.
//! Does not: know logs. `flush` decides what goes in, `replay` puts it back into segment files.

mod format;
mod replay;
mod ring;
mod task;

pub(crate) use format::{FrameHead, FrameKind};
pub use replay::Replayed;
pub(crate) use replay::replay;
pub(crate) use task::{CommitRules, Entry, Journal};

/// Unit of every write: no partial page is read back, no torn block holds two commits.
pub(crate) const BLOCK_BYTES: usize = 4096;
