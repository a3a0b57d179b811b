//! SyncGroup: the leader's assignment becomes durable, then everyone gets their part.
//!
//! Promises: no member sees an assignment that a restart could take back; an assignment of another
//! generation is dropped. Source: Kafka `GroupMetadataManager.classicGroupSyncToClassicGroup`.

use std::collections::BTreeMap;

use model::{Bug, ErrorCode, Probe};

use super::{ClassicGroup, GroupState};
use crate::context::Context;
use crate::deadlines::Reason;
use crate::writes::Then;
use crate::{
    Bytes, GenerationId, MemberId, MemberIdentity, Response, SyncRequest, SyncResponse, Text, Token,
};

impl ClassicGroup {
    pub(crate) fn sync<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        token: Token,
        request: SyncRequest,
    ) {
        if let Err(error) = self.check_sync(&request) {
            cx.reply(token, Response::Sync(Err(error)));
            return;
        }
        let member = request.from.member_id.clone();
        self.unsynced.remove(&member);
        if self.unsynced.is_empty() {
            cx.deadlines.cancel(&self.id, Reason::Sync);
        }
        if self.is(GroupState::Stable) {
            cx.reply(token, Response::Sync(Ok(self.assignment(&member))));
            return;
        }
        let waiting = self.members.get_mut(&member).expect("the member was checked");
        if let Some(displaced) = waiting.sync.replace(token) {
            cx.reply(displaced, Response::Sync(Err(ErrorCode::RebalanceInProgress)));
        }
        if self.is_leader(&member) {
            self.store_assignment(cx, request.assignments);
        }
    }

    /// The leader's assignment is durable, or was `refused`.
    pub(crate) fn assigned<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        generation_id: GenerationId,
        assignments: &BTreeMap<MemberId, Bytes>,
        refused: Option<ErrorCode>,
    ) {
        // Another rebalance may have begun meanwhile; its members have been told.
        if !self.is(GroupState::CompletingRebalance) || generation_id != self.generation_id {
            return;
        }
        if let Some(error) = refused {
            self.fail_syncs(cx, error);
            self.prepare_rebalance(cx);
            return;
        }
        self.set_assignments(|id| assignments.get(id).cloned());
        self.transition(GroupState::Stable, cx.now);
        let waiting: Vec<(MemberId, Token)> = self
            .members
            .values_mut()
            .filter_map(|m| m.sync.take().map(|token| (m.id.clone(), token)))
            .collect();
        for (member, token) in waiting {
            cx.reply(token, Response::Sync(Ok(self.assignment(&member))));
            cx.set_session(&self.id, &member, self.members[&member].session_timeout);
        }
    }

    /// Members that have not asked for their assignment in time are removed.
    pub(crate) fn sync_deadline<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        let late: Vec<MemberId> = self.unsynced.iter().cloned().collect();
        if late.is_empty() || self.is(GroupState::PreparingRebalance) {
            return;
        }
        for member in late {
            self.dismiss(cx, &member);
        }
        self.prepare_rebalance(cx);
    }

    /// Answers every parked SyncGroup with an error and forgets all assignments.
    pub(super) fn fail_syncs<P: Probe>(&mut self, cx: &mut Context<'_, P>, error: ErrorCode) {
        self.set_assignments(|_| None);
        for member in self.members.values_mut() {
            if let Some(token) = member.sync.take() {
                cx.reply(token, Response::Sync(Err(error)));
                cx.set_session(&self.id, &member.id, member.session_timeout);
            }
        }
    }

    fn check_sync(&self, request: &SyncRequest) -> Result<(), ErrorCode> {
        let MemberIdentity { generation_id, member_id, instance_id, .. } = &request.from;
        if self.is(GroupState::Dead) {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        self.check_member(member_id, instance_id.as_ref())?;
        if *generation_id != self.generation_id {
            return Err(ErrorCode::IllegalGeneration);
        }
        let differs = |got: &Option<Text>, is: &Option<Text>| got.is_some() && got != is;
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol, &self.protocol)
        {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        if self.is(GroupState::PreparingRebalance) {
            return Err(ErrorCode::RebalanceInProgress);
        }
        Ok(())
    }

    fn store_assignment<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        assignments: Vec<(MemberId, Bytes)>,
    ) {
        let of_members = assignments.into_iter().filter(|(id, _)| self.members.contains_key(id));
        let mut assignments: BTreeMap<MemberId, Bytes> = of_members.collect();
        if cx.probe.planted(Bug::PartitionLostInRebalance) && assignments.len() > 1 {
            assignments.pop_last();
        }
        let bytes: usize = assignments.values().map(|assignment| assignment.len()).sum();
        if self.bytes_without(None) + bytes > cx.settings.group_bytes_max {
            self.fail_syncs(cx, ErrorCode::UnknownServerError);
            self.prepare_rebalance(cx);
            return;
        }
        let record = self.to_record(Some(&assignments));
        let (group, generation_id) = (self.id.clone(), self.generation_id);
        cx.write(vec![record], Then::Assign { group, generation_id, assignments });
    }

    fn assignment(&self, member: &MemberId) -> SyncResponse {
        SyncResponse {
            protocol_type: self.protocol_type.clone().unwrap_or_else(|| Text::from("")),
            protocol: self.protocol.clone().unwrap_or_else(|| Text::from("")),
            assignment: self.members[member].assignment.clone(),
        }
    }
}
