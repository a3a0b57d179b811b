//! A member of a consumer group (classic protocol), and the offsets that groups commit.
//!
//! Reading order: `member` decides, `protocol` and `range` are what members tell each other, `driver` talks to the
//! coordinator, `consumer` reads records; `offsets` stands apart and serves tools too.
//!
//! Why the classic protocol and not KIP-848: every Kafka speaks it, and a group may hold members of other clients.
//! Why only `range`, without cooperation: it is the one assignor that every client has, and a member that gives up
//! everything in a rebalance has nothing to reconcile.

mod consumer;
mod driver;
mod member;
mod offsets;
mod protocol;
mod range;

pub use consumer::{GroupArrival, GroupConsumer, GroupOptions, NoOffset};
pub use offsets::{CommittedOffset, Committer};
pub use protocol::assigned_partitions;
