//! Consumer groups of KIP-848: the coordinator decides who owns what, members follow by heartbeat.
//!
//! Promises: a partition goes to a new owner only after its old one has given it up or was removed;
//! epochs never go back; an answer that rests on a record leaves only after the log has reported
//! that record durable.
//! Does not: read or write bytes, check authorization, draw member ids (they come with the
//! request), or speak the classic protocol: a group is of one kind, and moving one from protocol to
//! protocol while it runs is not supported yet.
//! Source: KIP-848, Kafka `GroupMetadataManager`, `ConsumerGroup`.

mod assignor;
mod describe;
mod event;
mod group;
mod groups;
mod heartbeat;
mod leave;
mod pattern;
mod reconcile;
mod record;
mod settings;
mod state;
mod topics;
mod validate;

pub use assignor::{Assignor, AssignorInput, AssignorMember};
pub use describe::{ConsumerGroupDescription, ConsumerGroupState, ConsumerMemberDescription};
pub use event::{
    ConsumerEffect, ConsumerEvent, ConsumerRequest, ConsumerResponse, Heartbeat, HeartbeatResponse,
    JOIN_EPOCH, LEAVE_EPOCH, Refusal, STATIC_LEAVE_EPOCH,
};
pub use groups::{ConsumerGroups, ConsumerStats};
pub use record::{
    CurrentAssignment, GroupValue, MemberState, Partitions, Record, ResolvedRegex, Subscription,
};
pub use settings::ConsumerSettings;
pub use topics::{TopicView, Topics};

#[cfg(test)]
mod tests;
