//! A classic group as a record, and back.

use std::collections::BTreeMap;

use model::{Now, Probe};

use super::member::Member;
use super::{ClassicGroup, GroupState};
use crate::context::Context;
use crate::{
    Bytes, Client, GroupId, GroupMetadata, MemberId, MemberMetadata, Protocol, Record, Text,
};

impl ClassicGroup {
    /// The group with these assignments, or with those it has.
    pub(super) fn to_record(&self, assignments: Option<&BTreeMap<MemberId, Bytes>>) -> Record {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let to_member = |member: &Member| MemberMetadata {
            member_id: member.id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client.id.clone(),
            client_host: member.client.host.clone(),
            rebalance_timeout: member.rebalance_timeout,
            session_timeout: member.session_timeout,
            subscription: member.metadata(protocol),
            assignment: match assignments {
                Some(all) => all.get(&member.id).cloned().unwrap_or_else(|| Bytes::from([])),
                None => member.assignment.clone(),
            },
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

    /// The group that a record describes: stable, or empty.
    pub(crate) fn from_record(id: GroupId, value: &GroupMetadata, now: Now) -> Self {
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
        group.read_subscriptions();
        group
    }

    /// Every record was replayed: sessions begin anew, for nobody could send heartbeats meanwhile.
    pub(crate) fn activate<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        for member in self.members.values() {
            cx.set_session(&self.id, &member.id, member.session_timeout);
        }
        // The bound was lowered: everyone joins again, and the first ones stay.
        if self.members.len() > cx.settings.group_size_max {
            self.prepare_rebalance(cx);
        }
    }
}

fn from_metadata(member: &MemberMetadata, protocol: Option<&Text>) -> Member {
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
