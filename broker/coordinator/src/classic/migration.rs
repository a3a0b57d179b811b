//! A classic group's members on their way into a consumer group and back.
//!
//! Promises: what a member said about itself stays as it is; the group that comes back has the
//! generation and the assignments that it is given, and is stable.
//! Does not: decide when, or read what the members say to each other (`consumer::migration`).
//! Source: Kafka `ClassicGroup.fromConsumerGroup`.

use model::Now;

use super::stored::from_metadata;
use super::{ClassicGroup, GroupState};
use crate::embedded::CONSUMER;
use crate::{EmbeddedProtocol, GenerationId, GroupId, MemberMetadata, Protocol, Text};

/// All that both kinds of group know of a classic member.
#[derive(Debug, Clone)]
pub(crate) struct MovingMember {
    /// Its subscription is the one for the group's protocol, or for its favourite one.
    pub(crate) metadata: MemberMetadata,
    /// Most preferred first.
    pub(crate) protocols: Vec<Protocol>,
}

impl ClassicGroup {
    pub(crate) fn moving_members(&self) -> Vec<MovingMember> {
        let moving = |member: &super::member::Member| {
            let mut metadata = self.to_metadata(member);
            if self.protocol.is_none()
                && let Some(favourite) = member.protocols.first()
            {
                metadata.subscription = favourite.metadata.clone();
            }
            MovingMember { metadata, protocols: member.protocols.clone() }
        };
        self.members.values().map(moving).collect()
    }

    pub(crate) fn members_len(&self) -> usize {
        self.members.len()
    }

    /// A stable group of consumers. Their protocols have one in common.
    pub(crate) fn from_members(
        id: GroupId,
        generation_id: GenerationId,
        members: Vec<MovingMember>,
        now: Now,
        embedded: EmbeddedProtocol,
    ) -> Self {
        let mut group = Self::new(id, now);
        group.generation_id = generation_id;
        for moving in members {
            let mut member = from_metadata(&moving.metadata, None);
            member.protocols = moving.protocols;
            group.add(Text::from(CONSUMER), member);
        }
        group.protocol = Some(group.select_protocol());
        group.state = GroupState::Stable;
        group.read_subscriptions(embedded);
        group
    }

    /// Sends the members of a group that was a consumer group back to JoinGroup.
    pub(crate) fn rebalance_after_downgrade<P: model::Probe>(
        &mut self,
        cx: &mut crate::context::Context<'_, P>,
    ) {
        self.activate(cx);
        if self.is(GroupState::Stable) {
            self.prepare_rebalance(cx);
        }
        self.assert_invariants();
    }
}
