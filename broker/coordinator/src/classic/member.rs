//! One member of a classic group.

use core::time::Duration;

use crate::{Bytes, Client, InstanceId, MemberId, Protocol, Text, Token};

#[derive(Debug)]
pub(crate) struct Member {
    pub(super) id: MemberId,
    pub(super) instance_id: Option<InstanceId>,
    pub(super) client: Client,
    pub(super) rebalance_timeout: Duration,
    pub(super) session_timeout: Duration,
    /// Most preferred first; never empty.
    pub(super) protocols: Vec<Protocol>,
    pub(super) assignment: Bytes,
    /// A parked JoinGroup. Changed by the group only, which counts them.
    pub(super) join: Option<Token>,
    /// A parked SyncGroup.
    pub(super) sync: Option<Token>,
    /// Its first JoinGroup is not answered yet, so that it cannot send heartbeats.
    pub(super) is_new: bool,
}

impl Member {
    /// The member's metadata for one protocol; nothing when it does not know it.
    pub(super) fn metadata(&self, protocol: &str) -> Bytes {
        let found = self.protocols.iter().find(|p| &*p.name == protocol);
        found.map_or_else(|| Bytes::from([]), |p| p.metadata.clone())
    }

    /// What this member counts of the group's bytes.
    pub(super) fn bytes(&self) -> usize {
        let ids = self.id.as_str().len() + self.client.id.len() + self.client.host.len();
        let instance = self.instance_id.as_ref().map_or(0, |i| i.as_str().len());
        ids + instance + protocols_bytes(&self.protocols) + self.assignment.len()
    }

    /// The first of its protocols that every member supports.
    pub(super) fn vote(&self, is_candidate: impl Fn(&Text) -> bool) -> Option<&Text> {
        self.protocols.iter().map(|p| &p.name).find(|name| is_candidate(name))
    }
}

pub(super) fn protocols_bytes(protocols: &[Protocol]) -> usize {
    protocols.iter().map(|p| p.name.len() + p.metadata.len()).sum()
}
