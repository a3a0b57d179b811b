//! What the members of a group, and tools in its name, tell of themselves.
//!
//! Promises: a member tells what it owns before it acts on it, and that it owns nothing more before it
//! asks for anything else. Each fact is of one client's view: nobody saw the coordinator itself.

use model::{ErrorCode, Offset, TopicPartition};

/// One fact of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFact {
    pub group: String,
    /// The client of the plan, for the texts.
    pub client: u32,
    pub change: GroupChange,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupChange {
    /// The member was told what it owns: these partitions and no others.
    Assigned {
        member: MemberName,
        partitions: Vec<TopicPartition>,
        /// When it asked.
        invoked_ns: u64,
        /// A member that is heard of keeps its place for so long.
        session_ns: u64,
    },
    /// The coordinator answered the member's heartbeat without an error.
    Confirmed { member: MemberName, invoked_ns: u64 },
    /// The member owns nothing for now: a rebalance, or it was told that it is none any more.
    Released { member: MemberName },
    /// This life of the member is over; `left`: the coordinator was asked to let it go.
    Ended { member: MemberName, left: bool },
    /// An attempt to commit, or with `None` to delete, the offset of one partition: told when it is
    /// sent, and again when its outcome is known. A tool commits as nobody.
    Committed {
        member: Option<MemberName>,
        at: TopicPartition,
        offset: Option<Offset>,
        invoked_ns: u64,
        outcome: CommitOutcome,
    },
    /// An answer without an error about the committed offset; `None`: there is none.
    Fetched { at: TopicPartition, offset: Option<Offset>, invoked_ns: u64 },
}

/// As what a member shows itself to its coordinator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberName {
    pub protocol: GroupProtocol,
    pub member_id: String,
    /// The group's generation, or the member's epoch (KIP-848).
    pub epoch: i32,
    /// A static member (KIP-345).
    pub instance_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupProtocol {
    /// Every member of one generation shares its number.
    Classic,
    /// KIP-848: each member moves through the epochs at its own pace.
    Consumer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitOutcome {
    /// It is on its way: a reader may find it before its sender hears of it.
    Open,
    Acked,
    Refused(ErrorCode),
    /// No answer, or a code after which it may have happened all the same.
    Unknown,
}
