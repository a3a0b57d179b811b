//! Places where the simulator may make a legal but rare choice in the broker's stead.
//!
//! Promises: whatever is chosen, the broker's contract holds; a chosen path is one that production
//! takes too, only far less often. Does not: break anything; that is what planted bugs are for.
//! Source: FoundationDB's `BUGGIFY` macro.

use super::listed::listed;

listed! {
    /// A place with a choice.
    pub enum Buggify {
        /// A journal commit takes one entry, whatever waits behind it.
        JournalCommitOfOne,
        /// The journal acts as if it were half full: segments that stand in the way are synced.
        JournalHalfFull,
        /// The log writer writes one batch at a time.
        WriteOfOne,
        /// A written segment is synced at once.
        SyncEagerly,
        /// A segment is sealed although it has room.
        RollEarly,
        /// A fetch plan ends after its first batch.
        PlanOfOne,
        /// A fetch of the tail is planned from the index, as if nothing were in memory.
        PlanCold,
        /// A sealed segment's file is closed at once.
        SegmentCloseEarly,
        /// A message to another shard takes the way of a full queue.
        MeshFull,
        /// Replies leave one by one.
        ReplyOfOne,
        /// A small compressed batch is checked in the side pool.
        OffloadSmall,
        /// A fetch does not wait for more to read.
        FetchNotParked,
        /// A fetch that waits looks again although nothing changed.
        FetchWokenEarly,
        /// There is no room for a new fetch session.
        FetchSessionRefused,
        /// A fetch session is gone before its time.
        FetchSessionLost,
        /// Checkpoint files are written again at once.
        CheckpointEarly,
        /// Retention looks again at once.
        RetentionEarly,
    }
}
