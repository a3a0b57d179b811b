//! A static member comes back under a new member id (KIP-345).
//!
//! Promises: its old life is fenced at once; in a stable group nobody else notices, unless the group
//! would choose another protocol. The answer waits until the new id is durable.

use model::{ErrorCode, Probe};

use super::{ClassicGroup, GroupState};
use crate::context::Context;
use crate::request::{JoinRefusal, SkipAssignment};
use crate::writes::Then;
use crate::{JoinRequest, JoinResponse, MemberId, Response, Token};

impl ClassicGroup {
    pub(super) fn return_static<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        token: Token,
        request: JoinRequest,
        before: &MemberId,
        member: MemberId,
    ) {
        let leader_before = self.leader.clone().expect("a group with members has a leader");
        self.fence(cx, before);
        self.rename(before, member.clone());
        self.update(&member, |m| m.is_new = false);
        cx.cancel_session(&self.id, before);
        cx.set_session(&self.id, &member, request.session_timeout);
        if !self.is(GroupState::Stable) {
            // After a sync has begun the leader may divide the work among member ids of which one
            // is gone, so that everyone has to join again.
            self.park_join(cx, token, request, &member);
            self.prepare_or_complete_join(cx);
            return;
        }
        let skip = request.skip_assignment;
        self.update(&member, |m| m.describe_again(request.clone()));
        if Some(self.select_protocol()) != self.protocol {
            self.park_join(cx, token, request, &member);
            self.prepare_or_complete_join(cx);
            return;
        }
        let mut response = self.join_response(&member);
        match skip {
            SkipAssignment::Supported => {
                response = self.current_generation(&member);
                response.skip_assignment = self.is_leader(&member);
            }
            // An older client that reads its own id here would compute an assignment.
            SkipAssignment::Unsupported => response.leader = leader_before,
        }
        let then = Then::StaticMemberReturned { group: self.id.clone(), token, response };
        let record = self.to_record(None);
        cx.write(vec![record], then);
    }

    /// The new member id is durable, or was `refused`.
    pub(crate) fn static_member_returned<P: Probe>(
        &self,
        cx: &mut Context<'_, P>,
        token: Token,
        response: JoinResponse,
        refused: Option<ErrorCode>,
    ) {
        // Refused, the place stays with the new id, which nobody knows: the client comes back once
        // more under another one, and the old life stays fenced.
        let unknown = !self.members.contains_key(&response.member_id);
        let error = refused.or(unknown.then_some(ErrorCode::UnknownMemberId));
        let answer = match error {
            Some(error) => Err(JoinRefusal { error, member_id: None }),
            None => Ok(response),
        };
        cx.reply(token, Response::Join(answer));
    }

    /// Answers whatever the old life still waits for.
    fn fence<P: Probe>(&mut self, cx: &mut Context<'_, P>, member: &MemberId) {
        let error = ErrorCode::FencedInstanceId;
        if let Some(token) = self.take_join(member) {
            let refusal = JoinRefusal { error, member_id: Some(member.clone()) };
            cx.reply(token, Response::Join(Err(refusal)));
        }
        let sync = self.members.get_mut(member).and_then(|m| m.sync.take());
        if let Some(token) = sync {
            cx.reply(token, Response::Sync(Err(error)));
        }
    }
}
