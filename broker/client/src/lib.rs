//! A Kafka client for programs that measure and test brokers.
//!
//! Promises: requests of one connection leave and are answered in order, with a bound on those in
//! flight; record batches are never copied on their way out and lie in the received frame on their
//! way in.
//!
//! Two floors. [`Connection`], [`Client`] and [`FetchSession`] never retry, batch or balance: whoever
//! measures decides about each of them, and a client that hides an error or a second attempt hides
//! latency. [`Router`] and what stands on it are for tools: they find the right broker and try again
//! where that helps, within limits that the caller sets.

mod admin;
mod backoff;
mod chunk;
mod cluster;
mod connection;
mod error;
mod fetch_session;
mod fetcher;
mod framing;
mod group;
pub mod history;
mod list_offsets;
mod named_partition;
mod partitioner;
mod producer;
mod router;
mod versions;

pub use admin::NewTopic;
pub use chunk::{Chunk, ReadRecord};
pub use cluster::{Broker, Client, Cluster, Partition, Topic};
pub use connection::{Connection, Options, Reply};
pub use error::ClientError;
pub use fetch_session::{FetchLimits, FetchSession, Fetched};
pub use fetcher::{Arrival, Fetcher, Positions};
pub use framing::Frames;
pub use group::{
    CommittedOffset, Committer, GroupArrival, GroupConsumer, GroupOptions, NoOffset,
    assigned_partitions,
};
pub use list_offsets::{ListedOffsets, OffsetSpec};
pub use named_partition::NamedPartition;
pub use partitioner::partition_of_key;
pub use producer::{Acks, Delivered, Producer, ProducerOptions};
pub use router::Router;
pub use versions::Versions;
