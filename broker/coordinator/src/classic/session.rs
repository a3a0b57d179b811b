//! A member's life after it joined: heartbeats, leaving, and sessions that end.
//!
//! Promises: whoever is removed gets an answer to what it waits for.
//! Source: Kafka `GroupMetadataManager.classicGroupHeartbeat`, `classicGroupLeaveToClassicGroup`,
//! `expireClassicGroupMemberHeartbeat`.

use model::{Bug, ErrorCode, Probe};

use super::{ClassicGroup, GroupState};
use crate::context::Context;
use crate::request::JoinRefusal;
use crate::{
    LeaveRequest, LeaveResponse, LeavingMember, MemberId, MemberIdentity, OffsetCommitRequest,
    Response, Token,
};

impl ClassicGroup {
    /// Keeps the member's session alive and tells it whether to join again.
    pub(crate) fn heartbeat<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        from: &MemberIdentity,
    ) -> Result<(), ErrorCode> {
        if self.is(GroupState::Dead) {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        self.check_member(&from.member_id, from.instance_id.as_ref())?;
        if from.generation_id != self.generation_id {
            return Err(ErrorCode::IllegalGeneration);
        }
        self.extend_session(cx, &from.member_id);
        if self.is(GroupState::PreparingRebalance) {
            return Err(ErrorCode::RebalanceInProgress);
        }
        Ok(())
    }

    /// Removes the members of a LeaveGroup request, each with its own answer, and rebalances once.
    pub(crate) fn leave<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        request: LeaveRequest,
    ) -> Result<LeaveResponse, ErrorCode> {
        if self.is(GroupState::Dead) {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        let before = self.members.len();
        let mut members = Vec::new();
        for leaving in request.members {
            let error = self.leave_one(cx, &leaving).err().unwrap_or(ErrorCode::None);
            members.push((leaving, error));
        }
        if self.members.len() < before {
            self.rebalance_without(cx);
        } else {
            self.resume_join(cx);
        }
        Ok(LeaveResponse { members })
    }

    /// A member's session has ended, or a member id was not used in time. Whether it is gone.
    pub(crate) fn session_deadline<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        id: &MemberId,
    ) -> bool {
        if self.pending.remove(id) {
            self.resume_join(cx);
            return true;
        }
        let Some(member) = self.members.get(id) else { return false };
        // Who waits for us cannot send heartbeats; the session goes on with the answer.
        if !member.is_new && (member.join.is_some() || member.sync.is_some()) {
            return false;
        }
        self.dismiss_and_rebalance(cx, id);
        true
    }

    /// Every parked request with its refusal: the group is not here any more, or not classic.
    pub(crate) fn take_waiters(&mut self, error: ErrorCode) -> Vec<(Token, Response)> {
        let mut waiters = Vec::new();
        for id in self.members.keys().cloned().collect::<Vec<_>>() {
            if let Some(token) = self.take_join(&id) {
                let refusal = JoinRefusal { error, member_id: Some(id.clone()) };
                waiters.push((token, Response::Join(Err(refusal))));
            }
            let sync = self.members.get_mut(&id).and_then(|member| member.sync.take());
            waiters.extend(sync.map(|token| (token, Response::Sync(Err(error)))));
        }
        waiters
    }

    /// Checks that a commit comes from this generation, or from outside an empty group.
    ///
    /// Source: Kafka `ClassicGroup.validateOffsetCommit`.
    pub(crate) fn check_commit<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        request: &OffsetCommitRequest,
    ) -> Result<(), ErrorCode> {
        if self.is(GroupState::Dead) {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        let outsider = request.generation_id.is_none();
        if outsider && self.is(GroupState::Empty) {
            return Ok(());
        }
        if outsider && request.member_id.is_none() && request.instance_id.is_none() {
            return Err(ErrorCode::UnknownMemberId);
        }
        let Some(member) = &request.member_id else { return Err(ErrorCode::UnknownMemberId) };
        self.check_member(member, request.instance_id.as_ref())?;
        if request.generation_id != Some(self.generation_id)
            && !cx.probe.planted(Bug::OldGenerationCommitAccepted)
        {
            return Err(ErrorCode::IllegalGeneration);
        }
        // The member has the new generation and not yet its partitions: what it commits may be
        // somebody else's by now.
        if self.is(GroupState::CompletingRebalance) {
            return Err(ErrorCode::RebalanceInProgress);
        }
        self.extend_session(cx, member);
        Ok(())
    }

    /// Removes a member and answers whatever it waits for.
    pub(super) fn dismiss<P: Probe>(&mut self, cx: &mut Context<'_, P>, id: &MemberId) {
        cx.cancel_session(&self.id, id);
        let Some(member) = self.remove(id) else { return };
        let error = ErrorCode::UnknownMemberId;
        if let Some(token) = member.join {
            cx.reply(token, Response::Join(Err(JoinRefusal { error, member_id: None })));
        }
        if let Some(token) = member.sync {
            cx.reply(token, Response::Sync(Err(error)));
        }
    }

    pub(super) fn dismiss_and_rebalance<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        id: &MemberId,
    ) {
        if self.members.contains_key(id) {
            self.dismiss(cx, id);
            self.rebalance_without(cx);
        }
    }

    fn leave_one<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        leaving: &LeavingMember,
    ) -> Result<(), ErrorCode> {
        let instance = leaving.instance_id.as_ref();
        let id = match &leaving.member_id {
            Some(id) if self.pending.remove(id) => {
                cx.cancel_session(&self.id, id);
                return Ok(());
            }
            Some(id) => {
                self.check_member(id, instance)?;
                id.clone()
            }
            // An administrator removes a static member by its name.
            None => {
                let current = instance.and_then(|instance| self.static_members.get(instance));
                current.cloned().ok_or(ErrorCode::UnknownMemberId)?
            }
        };
        self.dismiss(cx, &id);
        Ok(())
    }

    fn extend_session<P: Probe>(&self, cx: &mut Context<'_, P>, id: &MemberId) {
        let member = &self.members[id];
        // A parked newcomer's own, longer deadline stands until its join is answered.
        if !member.is_new {
            cx.set_session(&self.id, id, member.session_timeout);
        }
    }

    /// A member id that was waited for is not coming: the others need not wait longer.
    fn resume_join<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        if self.is(GroupState::PreparingRebalance) {
            self.prepare_or_complete_join(cx);
        }
    }

    /// Somebody is gone.
    fn rebalance_without<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        if !self.is(GroupState::Empty) {
            self.prepare_or_complete_join(cx);
        }
    }
}
