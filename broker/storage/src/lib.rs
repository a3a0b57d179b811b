//! The shard's journal and each partition's log: segments, indexes, flush, recovery, retention, compaction.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the rules first; what drives them needs the log")
)]
mod cleaner;

pub use cleaner::Compaction;
