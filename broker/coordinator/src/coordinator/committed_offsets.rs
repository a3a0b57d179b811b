//! Committed offsets: who may change those of a group.
//!
//! Promises: a commit that names no generation makes a group that is not there, within the bound on
//! groups; no request deletes the offsets of a topic that a member is subscribed to.
//! Does not: build the records (`commit`), or hold the offsets (`offsets`).

use model::{ErrorCode, Probe};

use super::{Coordinator, Phase, Step};
use crate::classic::{ClassicGroup, GroupState};
use crate::commit;
use crate::group::Group;
use crate::{OffsetCommitRequest, OffsetDeleteRequest, PartitionError, Response, Token, TopicName};

impl Coordinator {
    /// A group that nobody knows is refused with GROUP_ID_NOT_FOUND when the commit names a
    /// generation or a member epoch; OffsetCommit below version 9 calls that ILLEGAL_GENERATION.
    pub(super) fn commit<P: Probe>(
        &mut self,
        step: &mut Step<'_, P>,
        token: Token,
        request: OffsetCommitRequest,
    ) {
        let full = self.groups.len() >= self.settings.groups_max;
        let now = step.now;
        let (groups, mut cx) = self.split(step);
        let checked = match groups.get_mut(&request.group) {
            Some(group) => group.check_commit(&mut cx, &request),
            None if request.generation_id.is_some() => Err(ErrorCode::GroupIdNotFound),
            None if full => Err(ErrorCode::CoordinatorNotAvailable),
            None => {
                let id = request.group.clone();
                groups.insert(id.clone(), Group::Classic(ClassicGroup::new(id, now)));
                Ok(())
            }
        };
        match checked {
            Ok(()) => commit::commit(&mut cx, token, request),
            Err(error) => cx.reply(token, request.refused(error)),
        }
    }

    pub(super) fn delete_offsets<P: Probe>(
        &mut self,
        step: &mut Step<'_, P>,
        token: Token,
        request: OffsetDeleteRequest,
    ) {
        let (groups, mut cx) = self.split(step);
        let group = groups.get(&request.group).filter(|group| !group.is_dead());
        let error = match group {
            None => Some(ErrorCode::GroupIdNotFound),
            Some(Group::Classic(group))
                if !group.is(GroupState::Empty) && !group.uses_consumer_protocol() =>
            {
                Some(ErrorCode::NonEmptyGroup)
            }
            Some(_) => None,
        };
        let Some(group) = group.filter(|_| error.is_none()) else {
            cx.reply(token, Response::OffsetDelete(error.map_or(Ok(Vec::new()), Err)));
            return;
        };
        let answer = |at: crate::NamedPartition| {
            let needed = group.needs_offsets_of(&at.topic);
            let error = if needed { ErrorCode::GroupSubscribedToTopic } else { ErrorCode::None };
            PartitionError { at, error }
        };
        let answers = request.partitions.into_iter().map(answer).collect();
        commit::delete(&mut cx, token, &request.group, answers);
    }

    pub(super) fn topics_deleted<P: Probe>(
        &mut self,
        step: &mut Step<'_, P>,
        topics: &[TopicName],
    ) {
        // While loading, the log may still name them; retention removes those offsets.
        if self.phase != Phase::Active {
            return;
        }
        let (groups, mut cx) = self.split(step);
        for group in groups.keys() {
            commit::forget_topics(&mut cx, group, topics);
        }
    }
}
