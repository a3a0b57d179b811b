//! A group of either kind: what the coordinator asks of both.

use model::{ErrorCode, Probe};

use crate::classic::{ClassicGroup, GroupState};
use crate::consumer::ConsumerGroup;
use crate::context::Context;
use crate::{GroupListing, GroupStatus, OffsetCommitRequest, Response, Text, Token, TopicName};

/// One group id is one of these; it changes kind while empty, or by an online migration.
#[derive(Debug)]
pub(crate) enum Group {
    Classic(ClassicGroup),
    Consumer(ConsumerGroup),
}

impl Group {
    pub(crate) fn list(&self) -> GroupListing {
        match self {
            Self::Classic(group) => group.list(),
            Self::Consumer(group) => GroupListing {
                group: group.id.clone(),
                protocol_type: Text::from(crate::embedded::CONSUMER),
                status: GroupStatus::Consumer(group.group_state()),
            },
        }
    }

    /// Its tombstone is on the way.
    pub(crate) fn is_dead(&self) -> bool {
        matches!(self, Self::Classic(group) if group.is(GroupState::Dead))
    }

    /// Whether offsets of a topic must stay because a member may be reading it.
    pub(crate) fn needs_offsets_of(&self, topic: &TopicName) -> bool {
        match self {
            Self::Classic(group) => !group.is(GroupState::Empty) && group.is_subscribed(topic),
            Self::Consumer(group) => group.is_subscribed(topic),
        }
    }

    /// # Errors
    /// Why this sender may not commit.
    pub(crate) fn check_commit<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        request: &OffsetCommitRequest,
    ) -> Result<(), ErrorCode> {
        match self {
            Self::Classic(group) => group.check_commit(cx, request),
            Self::Consumer(group) => group.check_commit(cx, request),
        }
    }

    /// Every record was replayed.
    pub(crate) fn activate<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        match self {
            Self::Classic(group) => group.activate(cx),
            Self::Consumer(group) => group.activate(cx),
        }
    }

    /// Every parked request with its refusal. Members of a consumer group park nothing: their
    /// answers wait for writes.
    pub(crate) fn take_waiters(&mut self, error: ErrorCode) -> Vec<(Token, Response)> {
        match self {
            Self::Classic(group) => group.take_waiters(error),
            Self::Consumer(_) => Vec::new(),
        }
    }
}
