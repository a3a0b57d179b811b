//! A classic group as a record, and back.

use std::collections::BTreeMap;

use model::{Now, Probe};

use super::member::Member;
use super::{ClassicGroup, GroupState};
use crate::context::Context;
use crate::{
    Bytes, Client, EmbeddedProtocol, GroupId, GroupMetadata, MemberId, MemberMetadata, Protocol,
    Record, Text,
};

impl ClassicGroup {
    /// The group with these assignments, or with those it has.
    pub(crate) fn to_record(&self, assignments: Option<&BTreeMap<MemberId, Bytes>>) -> Record {
        let to_member = |member: &Member| {
            let mut metadata = self.to_metadata(member);
            if let Some(all) = assignments {
                metadata.assignment =
                    all.get(&member.id).cloned().unwrap_or_else(|| Bytes::from([]));
            }
            metadata
        };
        let value = GroupMetadata {
            protocol_type: self.protocol_type.clone().unwrap_or_else(|| Text::from("")),
            generation_id: self.generation_id,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            current_state_timestamp_ms: self.state_since_ms,
            members: self.members.values().map(to_member).collect(),
        };
        Record::GroupMetadata { group: self.id.clone(), value: Some(value) }
    }

    pub(super) fn to_metadata(&self, member: &Member) -> MemberMetadata {
        MemberMetadata {
            member_id: member.id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client.id.clone(),
            client_host: member.client.host.clone(),
            rebalance_timeout: member.rebalance_timeout,
            session_timeout: member.session_timeout,
            subscription: member.metadata(self.protocol.as_deref().unwrap_or_default()),
            assignment: member.assignment.clone(),
        }
    }

    /// The group that a record describes: stable, or empty.
    pub(crate) fn from_record(
        id: GroupId,
        value: &GroupMetadata,
        now: Now,
        embedded: EmbeddedProtocol,
    ) -> Self {
        let mut group = Self::new(id, now);
        let typed = (!value.protocol_type.is_empty()).then(|| value.protocol_type.clone());
        group.generation_id = value.generation_id;
        for member in &value.members {
            let instance = member.instance_id.as_ref();
            let taken = instance.is_some_and(|i| group.static_members.contains_key(i));
            // A record comes from a disk: one that names somebody twice is taken as far as it goes.
            if taken || group.members.contains_key(&member.member_id) {
                continue;
            }
            group.add(value.protocol_type.clone(), from_metadata(member, value.protocol.as_ref()));
        }
        group.protocol_type = typed;
        if !group.members.is_empty() {
            group.state = GroupState::Stable;
            group.protocol.clone_from(&value.protocol);
            let leader = value.leader.clone().filter(|id| group.members.contains_key(id));
            group.leader = leader.or(group.leader);
        }
        group.state_since_ms = value.current_state_timestamp_ms;
        group.read_subscriptions(embedded);
        group
    }

    /// The group begins to act: sessions begin anew, for nobody could send heartbeats meanwhile.
    pub(crate) fn activate<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        for member in self.members.values() {
            cx.set_session(&self.id, &member.id, member.session_timeout);
        }
        for member in &self.pending {
            cx.set_session(&self.id, member, cx.settings.pending_member_timeout);
        }
        // Whatever was under way when the group ceased to be classic has lost its waiters.
        let unfinished =
            matches!(self.state, GroupState::PreparingRebalance | GroupState::CompletingRebalance);
        // Or the bound was lowered: everyone joins again, and the first ones stay.
        if unfinished || self.members.len() > cx.settings.group_size_max {
            self.initial_delay = None;
            self.prepare_rebalance(cx);
        }
    }
}

pub(super) fn from_metadata(member: &MemberMetadata, protocol: Option<&Text>) -> Member {
    // The other protocols were not stored; the member names them again when it joins again.
    let protocol = Protocol {
        name: protocol.cloned().unwrap_or_else(|| Text::from("")),
        metadata: member.subscription.clone(),
    };
    Member {
        id: member.member_id.clone(),
        instance_id: member.instance_id.clone(),
        client: Client { id: member.client_id.clone(), host: member.client_host.clone() },
        rebalance_timeout: member.rebalance_timeout,
        session_timeout: member.session_timeout,
        protocols: vec![protocol],
        assignment: member.assignment.clone(),
        join: None,
        sync: None,
        is_new: false,
    }
}
