//! Consumer groups of KIP-848: the coordinator decides who owns what, members follow by heartbeat.
//!
//! Promises: a partition goes to a new owner only after its old one has given it up or was removed;
//! epochs never go back; every change is a record, so that the log rebuilds the group.
//! Does not: hold back answers until records are durable (the coordinator does), or draw member ids
//! (they come with the request).
//! Reading order: `record`, `state` (what the log says), `group` (the epochs), `reconcile` (a member's
//! next step), `heartbeat`, `leave`, `offsets`; then `classic_member` and `migration`, for members
//! that still speak the classic protocol.
//! Source: KIP-848, Kafka `GroupMetadataManager`, `ConsumerGroup`.

mod assignor;
mod classic_member;
mod describe;
mod group;
mod heartbeat;
mod leave;
mod migration;
mod offsets;
mod pattern;
mod reconcile;
mod record;
mod request;
mod settings;
mod state;
mod topics;
mod validate;

pub use assignor::{Assignor, AssignorInput, AssignorMember};
pub use describe::{ConsumerGroupDescription, ConsumerGroupState, ConsumerMemberDescription};
pub(crate) use group::ConsumerGroup;
pub use record::{
    ClassicMember, ConsumerRecord, CurrentAssignment, GroupValue, MemberState, Partitions,
    ResolvedRegex, Subscription,
};
pub use request::{
    ConsumerHeartbeat, ConsumerHeartbeatResponse, JOIN_EPOCH, LEAVE_EPOCH, Refusal,
    STATIC_LEAVE_EPOCH,
};
pub use settings::{ConsumerSettings, MigrationPolicy};
pub use topics::{TopicView, Topics};
pub(crate) use validate::validate;

#[cfg(test)]
mod tests;
