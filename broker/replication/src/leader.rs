//! What only a leader knows: who is in sync, and how far each follower's durable log reaches.
//!
//! Promises: [`Leader::in_sync_end`] is the offset below which no in-sync replica can lose a record.
//! Does not: move the high watermark (`replica`) or change the in-sync set (the controller).
//! Source: KIP-966 (the watermark waits below min ISR).

use model::{LeaderEpoch, NodeId, Offset};
use smallvec::SmallVec;

#[derive(Debug, Clone)]
pub(crate) struct Leader {
    pub(crate) leader_epoch: LeaderEpoch,
    isr: SmallVec<[NodeId; 4]>,
    /// Assigned replicas except this node.
    followers: SmallVec<[Follower; 4]>,
}

#[derive(Debug, Clone, Copy)]
struct Follower {
    node: NodeId,
    /// Durable end in this leader epoch; `None` until the first fetch in it.
    end: Option<Offset>,
}

impl Leader {
    pub(crate) fn new(
        leader_epoch: LeaderEpoch,
        node: NodeId,
        isr: &[NodeId],
        replicas: &[NodeId],
    ) -> Self {
        assert!(isr.contains(&node), "leader {node} is outside its in-sync set {isr:?}");
        assert!(replicas.contains(&node), "leader {node} is not one of the replicas {replicas:?}");
        let others = replicas.iter().filter(|replica| **replica != node);
        let followers = others.map(|node| Follower { node: *node, end: None }).collect();
        Self { leader_epoch, isr: isr.into(), followers }
    }

    pub(crate) fn set_isr(&mut self, node: NodeId, isr: &[NodeId]) {
        assert!(isr.contains(&node), "leader {node} is outside its in-sync set {isr:?}");
        self.isr = isr.into();
    }

    pub(crate) fn in_sync_count(&self) -> u32 {
        u32::try_from(self.isr.len()).expect("a replica set is small")
    }

    /// `min.insync.replicas`, but never more than there are replicas (Kafka `effectiveMinIsr`).
    pub(crate) fn needed(&self, min_isr: u32) -> u32 {
        min_isr.min(u32::try_from(self.followers.len()).expect("a replica set is small") + 1)
    }

    /// Notes a follower's durable end. False when the node is not a replica.
    pub(crate) fn follower_at(&mut self, node: NodeId, end: Offset) -> bool {
        let Some(follower) = self.followers.iter_mut().find(|f| f.node == node) else {
            return false;
        };
        // A follower that lost its disk comes back lower: the newest word counts, not the highest.
        follower.end = Some(end);
        true
    }

    /// Smallest durable end of the in-sync replicas; `None` while one of them has not fetched yet.
    pub(crate) fn in_sync_end(&self, own_end: Offset) -> Option<Offset> {
        let mut end = own_end;
        for follower in self.followers.iter().filter(|f| self.isr.contains(&f.node)) {
            end = end.min(follower.end?);
        }
        Some(end)
    }
}
