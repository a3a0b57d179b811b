//! States that are rare on purpose, and that a sweep of the simulator must reach all the same.

use super::listed::listed;

listed! {
    /// A rare state of the broker.
    pub enum Site {
        /// The journal began again at its front.
        JournalWrapped,
        /// A start found something in a journal.
        JournalReplayed,
        /// A commit waited until journal space was free.
        JournalStarved,
        /// Recovery cut a torn tail.
        TailCut,
        /// A segment was sealed.
        SegmentRolled,
        /// A sealed segment's file was closed to save a descriptor.
        SegmentClosed,
        /// A fetch was planned from a cold segment's index.
        ColdPlan,
        /// A log was cut back.
        LogTruncated,
        /// A log was deleted.
        LogDeleted,
        /// Retention deleted a segment.
        RetentionDeleted,
        /// Compaction replaced segments.
        CompactionRan,
        /// A sync failed.
        SyncFailed,
        /// The disk was full.
        NoSpace,
        /// A log went offline after a failure.
        LogFailed,
        /// A duplicate joined the waiters of its original.
        DuplicateJoinedWaiters,
        /// A duplicate was answered at once: its original was durable.
        DuplicateAnswered,
        /// A batch with a gap before it was refused.
        SequenceRefused,
        /// A producer was forgotten because too many write.
        ProducerEvicted,
        /// Recovery took producers from a snapshot.
        ProducerSnapshotLoaded,
        /// A fetch waited for more to read.
        FetchParked,
        /// A fetch was answered at once because too many wait.
        FetchNotParked,
        /// A fetch session was given up for another one.
        FetchSessionEvicted,
        /// There was no room for another fetch session.
        FetchSessionRefused,
        /// A queue between two shards was full.
        MeshFull,
        /// A large frame waited for the receive budget.
        ReceiveBudgetExhausted,
        /// An append waited, or was refused, because too many bytes wait for the disk.
        UnsyncedBudgetExhausted,
        /// A produce was refused because too many requests wait.
        WaitersExhausted,
        /// Work for the side pool was done on the shard because the pool was full.
        OffloadRefused,
        /// A connection was refused because there are too many.
        ConnectionRefused,
        /// A node stopped and left every directory clean.
        StoppedClean,
    }
}
