//! The shard's journal and each partition's log: segments, indexes, flush, recovery, retention, compaction.
//!
//! Start: [`prepare_directories`] on one shard, [`Store::replay_journals`] on every shard, a barrier, then
//! [`Store::open`] and [`Store::open_log`]. Appends are synchronous and queue; [`Store::next_events`] tells what became
//! durable; [`Log::plan`] names the file ranges that answer a fetch.
//!
//! Promises: Kafka's directory and file formats, so that its dump tool reads our logs; a reported end of a durable topic
//! survives a power loss; bytes that were readable are never changed in place.
//! Does not: assign offsets, check record contents, or know leaders and replicas.

mod config;
mod directory;
mod error;
mod open_segments;
mod store;

mod deletion;
mod flush;
mod flush_timer;
mod log;
mod reopen;
mod retention;
mod room;
mod segment;

mod cleaner;

mod check;
mod inspect;

mod checkpoint;
mod files;
mod index;
mod journal;

pub use check::{LogCheck, check_log};
pub use checkpoint::{Checkpoints, OffsetsByLog};
pub use cleaner::Compaction;
pub use config::{Cleanup, Lane, LogConfig, LogId, StoreOptions};
pub use deletion::Ownership;
pub use directory::{
    DirectoryIdentity, DirectoryInfo, Owner, format_directory, mark_clean, prepare_directories,
};
pub use error::StorageError;
pub use inspect::{DirectoryFacts, LogFacts, inspect_directory};
pub use journal::Replayed;
pub use log::{Batch, Log, Piece, Plan, ReadSpec, RecoverySink, SnapshotUse, TimestampAndOffset};
pub use store::{DirectoryStatus, Store, StoreEvent, StoreStats};
