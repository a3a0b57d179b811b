//! Requests of classic members, and the deletion of a group: who may ask, and which group answers.
//!
//! Promises: a group is made by the first member that joins it, within the bound on groups; an empty
//! consumer group gives way to a classic one; classic members of a consumer group are answered there.
//! Does not: decide about generations (`classic`) or epochs (`consumer`).

use model::{ErrorCode, Probe};

use super::consumer_requests::settle;
use super::{Coordinator, Step};
use crate::classic::{ClassicGroup, GroupState};
use crate::group::Group;
use crate::writes::{Then, Undo};
use crate::{
    Effect, GroupId, JoinRequest, LeaveRequest, MemberIdentity, Request, Response, SyncRequest,
    Token,
};

impl Coordinator {
    pub(super) fn join<P: Probe>(
        &mut self,
        step: &mut Step<'_, P>,
        token: Token,
        request: JoinRequest,
    ) {
        if let Some(error) = self.check_join(&request) {
            let response = Request::Join(request).refused(error);
            step.effects.push(Effect::Reply { token, response });
            return;
        }
        match self.groups.get(&request.group) {
            Some(Group::Consumer(group)) if !group.is_empty() => {
                return self.join_consumer_group(step, token, &request);
            }
            Some(Group::Consumer(_)) => self.replace_empty_consumer_group(step, &request.group),
            Some(Group::Classic(_)) | None => {}
        }
        let now = step.now;
        let (groups, mut cx) = self.split(step);
        let group = groups.entry(request.group.clone());
        let group =
            group.or_insert_with_key(|id| Group::Classic(ClassicGroup::new(id.clone(), now)));
        let Group::Classic(group) = group else { unreachable!("it was replaced") };
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
        let group = self.groups.get(&request.group);
        let joins_nobody = match group {
            Some(Group::Consumer(group)) => group.is_empty(),
            Some(Group::Classic(_)) => return None,
            None => true,
        };
        if joins_nobody && request.member_id.is_some() {
            return Some(ErrorCode::UnknownMemberId);
        }
        (group.is_none() && self.groups.len() >= self.settings.groups_max)
            .then_some(ErrorCode::CoordinatorNotAvailable)
    }

    fn join_consumer_group<P: Probe>(
        &mut self,
        step: &mut Step<'_, P>,
        token: Token,
        request: &JoinRequest,
    ) {
        let (groups, mut cx) = self.split(step);
        let Some(Group::Consumer(group)) = groups.get_mut(&request.group) else {
            unreachable!("the caller has seen it")
        };
        let joined = group.join_classic(&mut cx, request);
        let ticket = settle(groups, &mut cx, &request.group);
        cx.reply_after(ticket, token, Response::Join(joined));
    }

    fn replace_empty_consumer_group<P: Probe>(&mut self, step: &mut Step<'_, P>, id: &GroupId) {
        let now = step.now;
        let (groups, mut cx) = self.split(step);
        let classic = Group::Classic(ClassicGroup::new(id.clone(), now));
        let Some(Group::Consumer(before)) = groups.insert(id.clone(), classic) else {
            unreachable!("the caller has seen it")
        };
        let records = before.tombstones();
        cx.deadlines.cancel_group(id);
        let before = Box::new(Group::Consumer(before));
        let undo = Undo::Replaced { group: id.clone(), before };
        cx.write_undoable(records, Then::Nothing, Some(undo));
    }

    pub(super) fn sync<P: Probe>(
        &mut self,
        step: &mut Step<'_, P>,
        token: Token,
        request: SyncRequest,
    ) {
        let (groups, mut cx) = self.split(step);
        match groups.get_mut(&request.from.group) {
            None => cx.reply(token, Response::Sync(Err(ErrorCode::UnknownMemberId))),
            Some(Group::Classic(group)) => {
                group.sync(&mut cx, token, request);
                group.assert_invariants();
            }
            Some(Group::Consumer(group)) => {
                let response = Response::Sync(group.sync_classic(&mut cx, &request));
                cx.reply_after(group.last_write(), token, response);
            }
        }
    }

    pub(super) fn heartbeat<P: Probe>(
        &mut self,
        step: &mut Step<'_, P>,
        token: Token,
        from: &MemberIdentity,
    ) {
        let (groups, mut cx) = self.split(step);
        let response = Response::Heartbeat(match groups.get_mut(&from.group) {
            None => Err(ErrorCode::UnknownMemberId),
            Some(Group::Classic(group)) => group.heartbeat(&mut cx, from),
            Some(Group::Consumer(group)) => group.heartbeat_classic(&mut cx, from),
        });
        cx.reply(token, response);
    }

    pub(super) fn leave<P: Probe>(
        &mut self,
        step: &mut Step<'_, P>,
        token: Token,
        request: LeaveRequest,
    ) {
        let (groups, mut cx) = self.split(step);
        match groups.get_mut(&request.group) {
            None => cx.reply(token, Response::Leave(Err(ErrorCode::UnknownMemberId))),
            Some(Group::Classic(group)) => {
                let left = group.leave(&mut cx, request);
                group.assert_invariants();
                cx.reply(token, Response::Leave(left));
            }
            Some(Group::Consumer(group)) => {
                let id = request.group.clone();
                let left = group.leave_classic(&mut cx, request);
                let ticket = settle(groups, &mut cx, &id);
                cx.reply_after(ticket, token, Response::Leave(Ok(left)));
            }
        }
    }

    pub(super) fn delete_group<P: Probe>(
        &mut self,
        step: &mut Step<'_, P>,
        token: Token,
        id: &GroupId,
    ) {
        let (groups, mut cx) = self.split(step);
        let error = match groups.get_mut(id).filter(|group| !group.is_dead()) {
            Some(Group::Classic(group)) if group.is(GroupState::Empty) => {
                return group.delete(&mut cx, Some(token));
            }
            Some(Group::Consumer(group)) if group.is_empty() => {
                group.delete(&mut cx);
                let ticket = settle(groups, &mut cx, id);
                return cx.reply_after(ticket, token, Response::DeleteGroup(Ok(())));
            }
            Some(_) => ErrorCode::NonEmptyGroup,
            None => ErrorCode::GroupIdNotFound,
        };
        cx.reply(token, Response::DeleteGroup(Err(error)));
    }
}
