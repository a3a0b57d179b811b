//! What tools see of a classic group.

use super::member::Member;
use super::{ClassicGroup, GroupState};
use crate::{Bytes, GroupDescription, GroupListing, GroupStatus, MemberDescription, Text};

impl ClassicGroup {
    pub(crate) fn list(&self) -> GroupListing {
        GroupListing {
            group: self.id.clone(),
            protocol_type: self.protocol_type.clone().unwrap_or_else(|| Text::from("")),
            status: GroupStatus::Classic(self.state),
        }
    }

    /// Only a stable group has a protocol and assignments to show.
    pub(crate) fn describe(&self) -> GroupDescription {
        let stable = self.is(GroupState::Stable);
        let protocol = self.protocol.clone().filter(|_| stable).unwrap_or_else(|| Text::from(""));
        let nothing = Bytes::from([]);
        let describe = |member: &Member| MemberDescription {
            member_id: member.id.clone(),
            instance_id: member.instance_id.clone(),
            client: member.client.clone(),
            metadata: if stable { member.metadata(&protocol) } else { nothing.clone() },
            assignment: if stable { member.assignment.clone() } else { nothing.clone() },
        };
        GroupDescription {
            state: self.state,
            protocol_type: self.protocol_type.clone().unwrap_or_else(|| Text::from("")),
            members: self.members.values().map(describe).collect(),
            protocol,
        }
    }
}
