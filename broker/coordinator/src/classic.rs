//! Classic groups: members agree on a generation, and the leader among them divides the work.
//!
//! Source: Kafka `ClassicGroup`, `GroupMetadataManager` (the `classicGroup…` methods); KIP-62,
//! KIP-345 (static members), KIP-394 (member ids first), KIP-814 (static leaders).

mod describe;
mod group;
mod join;
mod member;
mod migration;
mod rebalance;
mod session;
mod static_member;
mod stored;
mod sync;

pub(crate) use group::ClassicGroup;
pub(crate) use migration::MovingMember;

use core::fmt;

/// Where a classic group stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupState {
    /// No members; maybe offsets.
    Empty,
    /// Waits for its members to join.
    PreparingRebalance,
    /// Waits for its leader's assignment.
    CompletingRebalance,
    /// Everyone has, or can fetch, an assignment.
    Stable,
    /// Being deleted.
    Dead,
}

impl fmt::Display for GroupState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        })
    }
}
