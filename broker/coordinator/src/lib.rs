//! Consumer groups and committed offsets as a pure core.
//!
//! Promises: every decision about the groups of one `__consumer_offsets` partition is made in
//! [`Coordinator::step`], from the event, the state and [`model::Now`] alone; an answer that rests
//! on a record leaves only after the log has reported that record durable.
//! Does not: read or write bytes (the driver encodes [`Record`]s and lends an [`EmbeddedProtocol`]),
//! choose the partition of a group, check authorization, know transactions.
//!
//! A group id is of one kind: classic, or of KIP-848 ([`consumer`]). It changes kind while the group
//! is empty, and by online migration: when the first member of KIP-848 joins a group of consumers,
//! and when the last one leaves.
//! Source: Kafka `GroupMetadataManager`, `ClassicGroup`, `ConsumerGroup`, `OffsetMetadataManager`.

mod classic;
mod commit;
pub mod consumer;
mod context;
mod coordinator;
mod deadlines;
mod describe;
mod embedded;
mod event;
mod expiry;
mod group;
mod ids;
mod offsets;
mod record;
mod request;
mod settings;
#[cfg(test)]
mod tests;
mod writes;

pub use classic::GroupState;
pub use coordinator::{Coordinator, Stats};
pub use embedded::{EmbeddedAssignment, EmbeddedProtocol, EmbeddedSubscription};
pub use event::{Effect, Event, Ticket, Token};
pub use ids::{Bytes, GenerationId, GroupId, InstanceId, MemberId, Text, TopicName};
pub use offsets::{CommittedOffset, NamedPartition, Offsets};
pub use record::{GroupMetadata, MemberMetadata, Record};
pub use request::{
    Client, GroupDescription, GroupListing, GroupStatus, JoinRefusal, JoinRequest, JoinResponse,
    JoinedMember, LeaveRequest, LeaveResponse, LeavingMember, MemberDescription, MemberIdRequired,
    MemberIdentity, OffsetCommitRequest, OffsetDeleteRequest, OffsetToCommit, PartitionError,
    Protocol, Request, Response, SkipAssignment, SyncRequest, SyncResponse,
};
pub use settings::Settings;
