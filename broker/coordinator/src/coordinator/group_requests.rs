//! Requests of members, and the deletion of a group: who may ask, and which group answers.
//!
//! Promises: a group is made by the first member that joins it, within the bound on groups.
//! Does not: decide about generations (`classic`).

use model::{ErrorCode, Now, Probe};

use super::Coordinator;
use crate::classic::{ClassicGroup, GroupState};
use crate::{
    Effect, GroupId, JoinRequest, LeaveRequest, MemberIdentity, Request, Response, SyncRequest,
    Token,
};

impl Coordinator {
    pub(super) fn join<P: Probe>(
        &mut self,
        now: Now,
        token: Token,
        request: JoinRequest,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        if let Some(error) = self.check_join(&request) {
            let response = Request::Join(request).refused(error);
            effects.push(Effect::Reply { token, response });
            return;
        }
        let (groups, mut cx) = self.split(now, effects, probe);
        let group = groups.entry(request.group.clone());
        let group = group.or_insert_with_key(|id| ClassicGroup::new(id.clone(), now));
        group.join(&mut cx, token, request);
        group.assert_invariants();
    }

    fn check_join(&self, request: &JoinRequest) -> Option<ErrorCode> {
        if request.group.as_str().is_empty() {
            return Some(ErrorCode::InvalidGroupId);
        }
        let (min, max) = (self.settings.session_timeout_min, self.settings.session_timeout_max);
        if request.session_timeout < min || request.session_timeout > max {
            return Some(ErrorCode::InvalidSessionTimeout);
        }
        if self.groups.contains_key(&request.group) {
            return None;
        }
        if request.member_id.is_some() {
            return Some(ErrorCode::UnknownMemberId);
        }
        (self.groups.len() >= self.settings.groups_max)
            .then_some(ErrorCode::CoordinatorNotAvailable)
    }

    pub(super) fn sync<P: Probe>(
        &mut self,
        now: Now,
        token: Token,
        request: SyncRequest,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        let (groups, mut cx) = self.split(now, effects, probe);
        let Some(group) = groups.get_mut(&request.from.group) else {
            cx.reply(token, Response::Sync(Err(ErrorCode::UnknownMemberId)));
            return;
        };
        group.sync(&mut cx, token, request);
        group.assert_invariants();
    }

    pub(super) fn heartbeat<P: Probe>(
        &mut self,
        now: Now,
        from: &MemberIdentity,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) -> Response {
        let (groups, mut cx) = self.split(now, effects, probe);
        Response::Heartbeat(match groups.get_mut(&from.group) {
            Some(group) => group.heartbeat(&mut cx, from),
            None => Err(ErrorCode::UnknownMemberId),
        })
    }

    pub(super) fn leave<P: Probe>(
        &mut self,
        now: Now,
        request: LeaveRequest,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) -> Response {
        let (groups, mut cx) = self.split(now, effects, probe);
        let Some(group) = groups.get_mut(&request.group) else {
            return Response::Leave(Err(ErrorCode::UnknownMemberId));
        };
        let left = group.leave(&mut cx, request);
        group.assert_invariants();
        Response::Leave(left)
    }

    pub(super) fn delete_group<P: Probe>(
        &mut self,
        now: Now,
        token: Token,
        group: &GroupId,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        let (groups, mut cx) = self.split(now, effects, probe);
        let group = groups.get_mut(group).filter(|group| !group.is(GroupState::Dead));
        let error = match group {
            Some(group) if group.is(GroupState::Empty) => {
                return group.delete(&mut cx, Some(token));
            }
            Some(_) => ErrorCode::NonEmptyGroup,
            None => ErrorCode::GroupIdNotFound,
        };
        cx.reply(token, Response::DeleteGroup(Err(error)));
    }
}
