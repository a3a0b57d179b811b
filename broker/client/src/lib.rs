//! A Kafka client for programs that measure and test brokers.
//!
//! Promises: requests of one connection leave and are answered in order, with a bound on those in
//! flight; record batches are never copied on their way out and lie in the received frame on their
//! way in.
//! Does not: retry, batch or balance. Whoever measures decides about each of them, and a client
//! that hides an error or a second attempt hides latency.

mod admin;
mod cluster;
mod connection;
mod error;
mod fetch_session;
mod framing;
pub mod history;
mod versions;

pub use admin::NewTopic;
pub use cluster::{Broker, Client, Cluster, Partition, Topic};
pub use connection::{Connection, Options, Reply};
pub use error::ClientError;
pub use fetch_session::{FetchLimits, FetchSession, Fetched};
pub use framing::Frames;
pub use versions::Versions;
