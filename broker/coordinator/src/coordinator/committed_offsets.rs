//! Committed offsets: who may change those of a group.
//!
//! Promises: a commit that names no generation makes a group that is not there, within the bound on
//! groups; no request deletes the offsets of a topic that a member is subscribed to.
//! Does not: build the records (`commit`), or hold the offsets (`offsets`).

use model::{ErrorCode, Now, Probe};

use super::{Coordinator, Phase};
use crate::classic::{ClassicGroup, GroupState};
use crate::commit;
use crate::{
    Effect, OffsetCommitRequest, OffsetDeleteRequest, PartitionError, Response, Token, TopicName,
};

impl Coordinator {
    /// A group that nobody knows is refused with GROUP_ID_NOT_FOUND when the commit names a
    /// generation; OffsetCommit below version 9 calls that ILLEGAL_GENERATION.
    pub(super) fn commit<P: Probe>(
        &mut self,
        now: Now,
        token: Token,
        request: OffsetCommitRequest,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        let full = self.groups.len() >= self.settings.groups_max;
        let (groups, mut cx) = self.split(now, effects, probe);
        let checked = match groups.get_mut(&request.group) {
            Some(group) => group.check_commit(&mut cx, &request),
            None if request.generation_id.is_some() => Err(ErrorCode::GroupIdNotFound),
            None if full => Err(ErrorCode::CoordinatorNotAvailable),
            None => {
                let id = request.group.clone();
                groups.insert(id.clone(), ClassicGroup::new(id, now));
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
        now: Now,
        token: Token,
        request: OffsetDeleteRequest,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        let (groups, mut cx) = self.split(now, effects, probe);
        let group = groups.get(&request.group).filter(|group| !group.is(GroupState::Dead));
        let error = match group {
            None => Some(ErrorCode::GroupIdNotFound),
            Some(group) if !group.is(GroupState::Empty) && !group.uses_consumer_protocol() => {
                Some(ErrorCode::NonEmptyGroup)
            }
            Some(_) => None,
        };
        let Some(group) = group.filter(|_| error.is_none()) else {
            cx.reply(token, Response::OffsetDelete(error.map_or(Ok(Vec::new()), Err)));
            return;
        };
        let refuse = |topic: &TopicName| !group.is(GroupState::Empty) && group.is_subscribed(topic);
        let answer = |at: crate::NamedPartition| {
            let subscribed = refuse(&at.topic);
            let error =
                if subscribed { ErrorCode::GroupSubscribedToTopic } else { ErrorCode::None };
            PartitionError { at, error }
        };
        let answers = request.partitions.into_iter().map(answer).collect();
        commit::delete(&mut cx, token, &request.group, answers);
    }

    pub(super) fn topics_deleted<P: Probe>(
        &mut self,
        now: Now,
        topics: &[TopicName],
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        // While loading, the log may still name them; retention removes those offsets.
        if self.phase != Phase::Active {
            return;
        }
        let (groups, mut cx) = self.split(now, effects, probe);
        for group in groups.keys() {
            commit::forget_topics(&mut cx, group, topics);
        }
    }
}
