//! Deliberate mistakes, and switches that must change nothing.
//!
//! Promises: each is a mistake that a broker has really made or could easily make, at the place where
//! it would be made. Does not: say who notices it; the simulator's table of mutants does.

use super::listed::listed;

listed! {
    /// A mistake that can be switched on, in the simulator only.
    pub enum Bug {
        /// The acknowledgement does not wait for the sync.
        AckBeforeSync,
        /// The directory entry of a created segment is not synced.
        DirectoryNotSynced,
        /// Journal space is used again before its segments were synced.
        JournalReusedEarly,
        /// Recovery keeps a tail without checking its CRC.
        RecoverySkipsCrc,
        /// Recovery serves what the page cache shows without writing and syncing it again.
        RecoveryTrustsPageCache,
        /// A failed sync counts as a success.
        SyncErrorIgnored,
        /// A duplicate is answered before the original is durable.
        DuplicateAnsweredEarly,
        /// Only the newest batch of each producer is recognised; an older one that comes again is appended.
        DedupWindowOfOne,
        /// The high watermark counts the leader's own end before its sync.
        HighWatermarkCountsUnsynced,
        /// Compaction drops a producer's last batch, so that its next retry is appended twice.
        CompactionForgetsProducers,
        /// Compaction drops a tombstone before its horizon, so that a slow reader keeps the key.
        TombstoneDroppedEarly,
        /// A truncated log goes on in the same file, under the eyes of those who still send from it.
        AppendInPlaceAfterTruncate,
        /// Recovery accepts a producer snapshot and forgets what it says.
        ProducerSnapshotDropped,
        /// A producer is told where its neighbours' batch begins instead of its own.
        WrongBaseOffsetTold,
        /// A fetch of the tail takes the bytes that are being written together with those that are.
        TornRead,
        /// A search by time passes over a segment that ends with exactly that time.
        TimeIndexOffByOne,
        /// A fetch from the middle of a batch begins with the next batch.
        FetchSkipsHoldingBatch,
        /// A fetch session forgets a partition that had nothing new.
        FetchSessionLosesPartition,
        /// The new log start is not told to the journal, so that a replay brings deleted segments back.
        DeletionNotJournaled,
        /// Changes nothing: a segment is synced twice.
        PlaceboSyncTwice,
        /// Changes nothing: a fetch is planned twice.
        PlaceboPlanTwice,
        /// Changes nothing: a replica hears of a durable end twice.
        PlaceboPersistedTwice,
        /// An offset commit from an older generation or member epoch is accepted.
        OldGenerationCommitAccepted,
        /// A member of a consumer group gets a partition that another one has not given up yet.
        PartitionGivenBeforeRelease,
        /// One partition has no owner after a rebalance.
        PartitionLostInRebalance,
        /// A load keeps the first commit of a partition instead of the last.
        OlderCommitLoaded,
        /// A load takes no notice of tombstones: what was deleted is there again.
        TombstoneLoadsAsLive,
        /// A static member that starts again leaves its earlier life in the group.
        StaticMemberNotFenced,
        /// A silent member keeps its place for ever.
        SessionNeverExpires,
        /// A topic pattern stands for the topics of its first day.
        RegexNeverRefreshed,
    }
}
