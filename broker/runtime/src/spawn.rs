//! Tasks, randomness and the life of the process.

use core::future::Future;
use model::ShardId;

use crate::Result;

/// Who goes first when several tasks are ready. Background steps stay under 100 µs and then yield.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskClass {
    /// Somebody waits for a reply.
    Latency,
    /// Keeps replicas together.
    Replication,
    /// Retention, compaction, checkpoints.
    Background,
}

/// What a random number is for: one stream per purpose, so that one more draw does not shift others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    ClusterId,
    DirectoryId,
    TopicId,
    FetchSessionId,
    Jitter,
    Workload,
    /// Of a consumer group.
    MemberId,
}

/// How the outside asks the node to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT: finish what is owed, mark the directory clean, leave.
    Stop,
}

/// How a node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Clean,
    /// The reason was already logged.
    Failed,
}

pub trait Spawn {
    /// Which shard this handle belongs to.
    fn shard(&self) -> ShardId;

    /// Shards of this node, at least 1.
    fn shard_count(&self) -> u16;

    /// Starts a task on this shard. It runs until it ends or the node stops.
    fn spawn(&self, name: &'static str, class: TaskClass, task: impl Future<Output = ()> + 'static);

    /// Lets every other ready task run once.
    async fn yield_now(&self);

    /// Runs pure CPU work that cannot be cut into steps on a bounded side pool.
    ///
    /// # Errors
    /// `Full` when the pool's queue is full: answer or retry later, nothing was run.
    async fn offload<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T>;

    /// Uniform over all 64-bit values.
    fn random(&self, purpose: Purpose) -> u64;

    /// Completes when the outside asks the node to stop, and at once from then on; every shard hears
    /// it.
    async fn signal(&self) -> Signal;

    /// Ends the whole node once this shard's poll returns; pending tasks are dropped.
    fn exit(&self, how: Exit);
}
