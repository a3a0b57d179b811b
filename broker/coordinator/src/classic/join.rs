//! JoinGroup: who is let in, who is told to come again, and whose join begins a rebalance.
//!
//! Promises: every token is answered, or parked with a member of the group.
//! Source: Kafka `GroupMetadataManager.classicGroupJoinToClassicGroup` and what it calls.

use model::{Bug, ErrorCode, Probe};

use super::member::{Member, protocols_bytes};
use super::{ClassicGroup, GroupState};
use crate::context::Context;
use crate::request::{JoinRefusal, MemberIdRequired};
use crate::{Bytes, JoinRequest, JoinResponse, MemberId, Response, Token};

impl ClassicGroup {
    pub(crate) fn join<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        token: Token,
        request: JoinRequest,
    ) {
        let refused = match self.check_join(cx, &request) {
            Ok(()) => match request.member_id.clone() {
                None => self.join_new(cx, token, request),
                Some(member) if self.pending.contains(&member) => {
                    self.admit(cx, token, request, member);
                    Ok(())
                }
                Some(member) => self.join_again(cx, token, request, &member),
            },
            Err(error) => Err(JoinRefusal { error, member_id: request.member_id }),
        };
        if let Err(refusal) = refused {
            cx.reply(token, Response::Join(Err(refusal)));
        }
    }

    fn check_join<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        request: &JoinRequest,
    ) -> Result<(), ErrorCode> {
        if self.is(GroupState::Dead) {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        let member = request.member_id.as_ref();
        let bytes = self.bytes_without(member) + protocols_bytes(&request.protocols);
        if bytes > cx.settings.group_bytes_max {
            return Err(ErrorCode::GroupMaxSizeReached);
        }
        if !self.has_room(member, cx.settings.group_size_max) {
            if let Some(member) = member {
                self.dismiss_and_rebalance(cx, member);
            }
            return Err(ErrorCode::GroupMaxSizeReached);
        }
        if !self.supports(&request.protocol_type, &request.protocols) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        Ok(())
    }

    /// Whether one more join fits. A rebalance starts the count anew: who joins first stays.
    fn has_room(&self, member: Option<&MemberId>, size_max: usize) -> bool {
        let known = member.and_then(|id| self.members.get(id));
        match self.state {
            GroupState::Empty | GroupState::Dead => true,
            GroupState::PreparingRebalance => {
                known.is_some_and(|m| m.join.is_some()) || self.joins_parked() < size_max
            }
            GroupState::CompletingRebalance | GroupState::Stable => {
                known.is_some() || self.members.len() < size_max
            }
        }
    }

    fn join_new<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        token: Token,
        request: JoinRequest,
    ) -> Result<(), JoinRefusal> {
        let prefix = request.instance_id.as_ref().map_or(&*request.client.id, |i| i.as_str());
        let member = MemberId::from_random(prefix, request.random);
        if let Some(instance) = &request.instance_id {
            match self.static_members.get(instance).cloned() {
                Some(_) if cx.probe.planted(Bug::StaticMemberNotFenced) => {
                    let nameless = JoinRequest { instance_id: None, ..request };
                    self.admit(cx, token, nameless, member);
                }
                Some(before) => self.return_static(cx, token, request, &before, member),
                None => self.admit(cx, token, request, member),
            }
            return Ok(());
        }
        if request.member_id_required == MemberIdRequired::No {
            self.admit(cx, token, request, member);
            return Ok(());
        }
        // A client that never reads this answer leaves a member id behind, not a member (KIP-394).
        if self.pending.len() >= cx.settings.group_size_max {
            return Err(JoinRefusal { error: ErrorCode::GroupMaxSizeReached, member_id: None });
        }
        let kept = request.session_timeout.min(cx.settings.pending_member_timeout);
        cx.set_session(&self.id, &member, kept);
        self.pending.insert(member.clone());
        Err(JoinRefusal { error: ErrorCode::MemberIdRequired, member_id: Some(member) })
    }

    fn join_again<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        token: Token,
        request: JoinRequest,
        member: &MemberId,
    ) -> Result<(), JoinRefusal> {
        let refuse = |error| Err(JoinRefusal { error, member_id: Some(member.clone()) });
        if let Err(error) = self.check_member(member, request.instance_id.as_ref()) {
            return refuse(error);
        }
        let unchanged = self.members[member].protocols == request.protocols;
        let leads = self.is_leader(member);
        match self.state {
            GroupState::Empty | GroupState::Dead => return refuse(ErrorCode::UnknownMemberId),
            // It may not have received the first answer: nobody else needs to join again for that.
            GroupState::CompletingRebalance if unchanged => {
                cx.reply(token, Response::Join(Ok(self.current_generation(member))));
            }
            // A leader that joins again wants to divide the work anew; others are told what is.
            GroupState::Stable if unchanged && !leads => {
                cx.reply(token, Response::Join(Ok(self.join_response(member))));
            }
            GroupState::PreparingRebalance
            | GroupState::CompletingRebalance
            | GroupState::Stable => {
                self.park_join(cx, token, request, member);
                self.prepare_or_complete_join(cx);
            }
        }
        Ok(())
    }

    /// Takes a new member in.
    pub(super) fn admit<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        token: Token,
        request: JoinRequest,
        id: MemberId,
    ) {
        if let Some(initial) = &mut self.initial_delay {
            initial.member_added = true;
        }
        // A parked member cannot send heartbeats, and its connection may be gone unnoticed.
        cx.set_session(&self.id, &id, cx.settings.new_member_join_timeout);
        let member = Member {
            id,
            instance_id: request.instance_id,
            client: request.client,
            rebalance_timeout: request.rebalance_timeout,
            session_timeout: request.session_timeout,
            protocols: request.protocols,
            assignment: Bytes::from([]),
            join: Some(token),
            sync: None,
            is_new: true,
        };
        self.add(request.protocol_type, member);
        self.prepare_or_complete_join(cx);
    }

    /// Parks the join of a present member, which may have changed its mind about protocols.
    pub(super) fn park_join<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        token: Token,
        request: JoinRequest,
        member: &MemberId,
    ) {
        // The client gave up on its earlier request; nobody reads this, but the driver keeps a slot.
        if let Some(displaced) = self.take_join(member) {
            let error = ErrorCode::RebalanceInProgress;
            let refusal = JoinRefusal { error, member_id: Some(member.clone()) };
            cx.reply(displaced, Response::Join(Err(refusal)));
        }
        self.update(member, |m| {
            m.describe_again(request);
            m.join = Some(token);
        });
    }

    /// The current generation, with everyone's metadata if `member` leads.
    pub(super) fn current_generation(&self, member: &MemberId) -> JoinResponse {
        let mut response = self.join_response(member);
        if self.is_leader(member) {
            response.members = self.joined_members();
        }
        response
    }
}

impl Member {
    /// Takes over what the member now says about itself.
    pub(super) fn describe_again(&mut self, request: JoinRequest) {
        self.client = request.client;
        self.protocols = request.protocols;
        self.rebalance_timeout = request.rebalance_timeout;
        self.session_timeout = request.session_timeout;
    }
}
