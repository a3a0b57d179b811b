//! All that one shard may say to another.

use controller::{AdminRequest, AdminResponse};
use coordinator::GroupListing;
use model::{ErrorCode, Instant, Offset, Slot, TopicPartition};
use replication::Acks;
use runtime::{Conn, Disk, Net, Runtime};
use storage::{Checkpoints, DirectoryInfo};

use crate::control::SharedDelta;
use crate::coordinators::{Answer, Ask};
use crate::fetch::{ReadGroup, ReadResult};
use crate::metrics::Snapshot;
use crate::offline::Failure;
use crate::partition::Watch;
use crate::produce::{Append, Outcome};
use crate::query::{Answered, Query};

/// One element of a queue between shards.
#[expect(private_interfaces, reason = "a backend moves messages, it does not read them")]
pub enum Message<R: Runtime> {
    /// Wants a reply that carries the token back.
    Request {
        token: Slot,
        /// End of the metadata that the asker had when it chose this shard.
        routed_by: Offset,
        request: Request,
    },
    Reply {
        token: Slot,
        reply: Reply<<R as Disk>::File>,
    },
    Notice(Notice<R>),
}

/// A question to the shard that owns the answer.
pub(crate) enum Request {
    /// The asker has finished this step of the start or stop; answered when every shard has.
    Barrier(u32),
    /// Answered when the records are safe, as far as the acks ask for.
    Produce {
        appends: Vec<Append>,
        acks: Acks,
        /// From then on nobody waits for what is not safe.
        deadline: Option<Instant>,
    },
    Fetch(Box<ReadGroup>),
    Query(Vec<(TopicPartition, Query)>),
    /// To the group coordinator of this partition.
    Group {
        at: TopicPartition,
        ask: Box<Ask>,
    },
    /// The groups of every coordinator of the shard.
    ListGroups,
    /// To the controller, on the first shard.
    Admin(AdminRequest),
    /// Committed metadata records; answered when this shard's image, topics and partitions follow.
    Metadata(SharedDelta),
    /// What the checkpoint files should say of this shard's logs.
    Checkpoints {
        /// Every log is synced soon.
        syncs: bool,
    },
    /// Close every log; nothing is appended any more.
    Close,
    /// For the metrics page.
    Snapshot,
}

impl Request {
    /// Whether its answer depends on the topics and partitions that the receiver knows.
    pub(crate) fn is_routed(&self) -> bool {
        match self {
            Self::Produce { .. }
            | Self::Fetch(_)
            | Self::Query(_)
            | Self::Group { .. }
            | Self::ListGroups => true,
            Self::Barrier(_)
            | Self::Admin(_)
            | Self::Metadata(_)
            | Self::Checkpoints { .. }
            | Self::Close
            | Self::Snapshot => false,
        }
    }
}

/// The answer to a [`Request`].
pub(crate) enum Reply<F> {
    Done,
    Produced(Vec<Outcome>),
    Fetched(Vec<ReadResult<F>>),
    /// In the order of the questions.
    Answered(Vec<Answered>),
    Group(Box<Answer>),
    Groups(Result<Vec<GroupListing>, ErrorCode>),
    Admin(Box<AdminResponse>),
    /// By data directory.
    Checkpoints(Vec<Checkpoints>),
    Closed(Result<Vec<Checkpoints>, String>),
    Snapshot(Box<Snapshot>),
}

/// One way: nobody waits for it.
pub(crate) enum Notice<R: Runtime> {
    /// Serve this connection from now on.
    Adopt { connection: <<R as Net>::Conn as Conn>::Detached, listener: usize },
    /// Connections that the first shard handed out were closed.
    ConnectionsClosed(u32),
    /// The data directories are locked and known: go on with the start.
    Directories(Vec<DirectoryInfo>),
    /// A replica's log failed.
    LogOffline { at: TopicPartition, failure: Failure },
    /// It takes appends again.
    LogOnline { at: TopicPartition },
    /// There may be more to read for these fetches and sessions.
    Wake(Vec<Watch>),
}
