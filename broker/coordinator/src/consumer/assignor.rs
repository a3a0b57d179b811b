//! Server-side assignors: pure functions from subscriptions to a target assignment.
//!
//! Promises: every partition of a topic that somebody subscribes to has exactly one owner, which
//! subscribes to that topic; the same input gives the same output.
//! Does not: look at racks, or at what members own right now (only at what they were meant to own).
//! Source: KIP-848, Kafka's `UniformAssignor` and `RangeAssignor`.

mod range;
mod uniform;

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use model::TopicId;

use super::record::Partitions;
use crate::{InstanceId, MemberId};

/// How a group spreads its partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assignor {
    /// Even over all topics together, and sticky: few partitions move.
    Uniform,
    /// Even within each topic, in contiguous ranges: topics with equal partition counts and equal
    /// subscribers are spread alike, so that equal partition numbers meet.
    Range,
}

impl Assignor {
    /// The first one is what a group uses when its members prefer none.
    pub const ALL: &[Self] = &[Self::Uniform, Self::Range];

    /// The name in requests and in `group.consumer.assignors`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Range => "range",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.name() == name)
    }

    /// One set of partitions for each member of `input`.
    #[must_use]
    pub fn assign(self, input: &AssignorInput<'_>) -> BTreeMap<MemberId, Partitions> {
        match self {
            Self::Uniform => uniform::assign(input),
            Self::Range => range::assign(input),
        }
    }
}

impl fmt::Display for Assignor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Everything that an assignment is made from.
#[derive(Debug, Clone, Default)]
pub struct AssignorInput<'a> {
    pub members: BTreeMap<MemberId, AssignorMember<'a>>,
    /// Partition count of each existing topic. A subscription to any other topic counts for nothing.
    pub topics: BTreeMap<TopicId, i32>,
}

#[derive(Debug, Clone)]
pub struct AssignorMember<'a> {
    /// A static member keeps its place in the order when its member id changes.
    pub instance_id: Option<&'a InstanceId>,
    pub topics: BTreeSet<TopicId>,
    /// Its part of the previous target assignment.
    pub previous: &'a Partitions,
}

#[cfg(test)]
mod tests;
