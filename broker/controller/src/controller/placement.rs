//! Which brokers hold the replicas of new partitions.
//!
//! Promises: replicas of one partition are on different brokers; leaders and followers spread
//! evenly over the unfenced brokers; fenced ones are used only when the others do not suffice.
//! Does not: look at racks or load.

use model::{ErrorCode, LeaderEpoch, NodeId, TopicId};
use wire::Uuid;

use super::View;
use crate::image::PartitionImage;
use crate::{Image, Refusal};

/// A directory that the broker has still to choose (Kafka `DirectoryId.UNASSIGNED`).
const UNASSIGNED: Uuid = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// Replica sets for partitions `first..first + count` of a topic.
pub(super) fn place(
    view: View<'_>,
    topic: TopicId,
    first: usize,
    count: usize,
    replication_factor: usize,
) -> Result<Vec<Vec<NodeId>>, Refusal> {
    let brokers = |fenced| view.image.brokers().filter(move |it| it.fenced == fenced);
    let mut ids: Vec<NodeId> = brokers(false).map(|broker| broker.id).collect();
    if ids.is_empty() {
        return Err(Refusal::new(
            ErrorCode::InvalidReplicationFactor,
            "no broker can take new replicas now",
        ));
    }
    if ids.len() < replication_factor {
        ids.extend(brokers(true).map(|broker| broker.id));
    }
    if ids.len() < replication_factor {
        let known = ids.len();
        return Err(Refusal::new(
            ErrorCode::InvalidReplicationFactor,
            format!("{replication_factor} replicas need as many brokers, and {known} are known"),
        ));
    }
    // The random part of the id decides where a topic begins, so that many topics of one partition
    // do not all land on the first broker.
    let start = usize::from(u16::from_be_bytes([topic.0[14], topic.0[15]]));
    let replicas = |partition: usize| -> Vec<NodeId> {
        let leader = start + partition;
        // Followers move on by one more with each lap, so that a failed leader's load spreads.
        let lap = partition / ids.len();
        let others = ids.len() - 1;
        let follower = |nth: usize| ids[(leader + 1 + (lap + nth) % others) % ids.len()];
        let followers = (0..replication_factor - 1).map(follower);
        core::iter::once(ids[leader % ids.len()]).chain(followers).collect()
    };
    Ok((first..first + count).map(replicas).collect())
}

/// Checks a replica set that the client chose.
pub(super) fn check_manual(view: View<'_>, replicas: &[i32]) -> Result<Vec<NodeId>, Refusal> {
    let refuse = |why: String| Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, why));
    if replicas.is_empty() {
        return refuse("an assignment names at least one replica".to_owned());
    }
    for (at, id) in replicas.iter().enumerate() {
        if view.image.broker(NodeId(*id)).is_none() {
            return refuse(format!("the assignment names broker {id}, which is not registered"));
        }
        if replicas[..at].contains(id) {
            return refuse(format!("the assignment names broker {id} twice"));
        }
    }
    Ok(replicas.iter().copied().map(NodeId).collect())
}

/// The first row of a partition on these replicas.
pub(super) fn first_row(image: &Image, replicas: Vec<NodeId>) -> Result<PartitionImage, Refusal> {
    let is_active = |id: &NodeId| image.broker(*id).is_some_and(|broker| !broker.fenced);
    let isr: Vec<NodeId> = replicas.iter().copied().filter(is_active).collect();
    let Some(leader) = isr.first().copied() else {
        return Err(Refusal::new(
            ErrorCode::InvalidReplicaAssignment,
            "every broker of the assignment is fenced",
        ));
    };
    let directory = |id: &NodeId| match image.broker(*id).map(|it| it.directories.as_slice()) {
        Some([only]) => *only,
        _ => UNASSIGNED,
    };
    Ok(PartitionImage {
        leader: Some(leader),
        leader_epoch: LeaderEpoch(0),
        partition_epoch: 0,
        directories: replicas.iter().map(directory).collect(),
        replicas,
        isr,
    })
}
