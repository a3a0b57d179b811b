//! What consumers of the classic protocol tell each other inside JoinGroup and SyncGroup.
//!
//! Promises: the core reads it only where it must: which topics a classic group reads, and when a
//! group moves from one protocol to the other. Does not: know the bytes. The driver knows them and
//! lends the functions.
//! Source: Kafka `ConsumerProtocol`.

use std::collections::BTreeSet;

use crate::{Bytes, NamedPartition, Text, TopicName};

/// The protocol type of Kafka's consumers; others (`connect`, ...) are opaque.
pub(crate) const CONSUMER: &str = "consumer";

/// How the driver reads and writes the bytes. Pure functions: the same bytes give the same value.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedProtocol {
    /// `None`: the bytes are no subscription.
    pub read_subscription: fn(&[u8]) -> Option<EmbeddedSubscription>,
    /// `None`: the bytes are no assignment.
    pub read_assignment: fn(&[u8]) -> Option<EmbeddedAssignment>,
    /// In the given version, without user data.
    pub write_assignment: fn(version: i16, partitions: &BTreeSet<NamedPartition>) -> Bytes,
}

/// `ConsumerProtocolSubscription`, without what a coordinator has no use for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EmbeddedSubscription {
    /// The assignment must have the same.
    pub version: i16,
    pub topics: BTreeSet<TopicName>,
    /// Empty before version 1, and of a member that gives up everything before it joins.
    pub owned: BTreeSet<NamedPartition>,
    pub rack_id: Option<Text>,
}

/// `ConsumerProtocolAssignment`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EmbeddedAssignment {
    pub partitions: BTreeSet<NamedPartition>,
    /// An assignor of its own keeps something there that a server-side one would lose.
    pub has_user_data: bool,
}
