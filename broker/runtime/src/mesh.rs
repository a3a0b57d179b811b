//! Queues between the shards of one node: bounded, one producer and one consumer each.

use model::ShardId;

/// Replies have a lane of their own: whoever asks reserves the room for the answer first, so a
/// reply never fails and full queues cannot wedge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    Request,
    Reply,
}

/// One shard's end of all queues. Order is kept per pair and lane, none is promised between pairs.
/// A shard may also send to itself.
pub trait Mesh<M>: Clone + 'static {
    /// Queues the message and wakes the peer if it sleeps.
    ///
    /// # Errors
    /// Gives the message back when the queue to that shard is full.
    fn try_send(&self, to: ShardId, lane: Lane, message: M) -> Result<(), M>;

    /// Completes when [`Mesh::try_send`] to that shard and lane may succeed again.
    async fn ready(&self, to: ShardId, lane: Lane);

    /// The next message, replies first. One task per shard calls this.
    async fn recv(&self) -> (ShardId, M);
}
