//! The shard's journal and each partition's log: segments, indexes, flush, recovery, retention, compaction.
