//! The metadata image as clients see it, for the handlers that describe the cluster.

use controller::{BrokerImage, Image, PartitionImage};
use model::{ErrorCode, NodeId, TopicPartition};

use crate::coordinators::OFFSETS_TOPIC;
use crate::offline::{Failure, OfflineLogs};

/// "Not asked for", where a response has room for authorized operations.
pub(crate) const OPERATIONS_NOT_ASKED: i32 = i32::MIN;
/// Bits of Kafka's `AclOperation`: Read 3, Write 4, Create 5, Delete 6, Alter 7, Describe 8,
/// DescribeConfigs 10, AlterConfigs 11. Without an authorizer everything is allowed.
pub(crate) const TOPIC_OPERATIONS: i32 = bits(&[3, 4, 5, 6, 7, 8, 10, 11]);
/// Create 5, Alter 7, Describe 8, ClusterAction 9, DescribeConfigs 10, AlterConfigs 11,
/// IdempotentWrite 12.
pub(crate) const CLUSTER_OPERATIONS: i32 = bits(&[5, 7, 8, 9, 10, 11, 12]);

/// Read 3, Delete 6, Describe 8, DescribeConfigs 10, AlterConfigs 11.
pub(crate) const GROUP_OPERATIONS: i32 = bits(&[3, 6, 8, 10, 11]);

const fn bits(operations: &[u32]) -> i32 {
    let mut sum = 0;
    let mut at = 0;
    while at < operations.len() {
        sum |= 1 << operations[at];
        at += 1;
    }
    sum
}

/// The operations to report when the client asked for them or not.
pub(crate) fn operations(asked: bool, all: i32) -> i32 {
    if asked { all } else { OPERATIONS_NOT_ASKED }
}

/// Written by brokers; clients may only read them (Kafka's `Topic.isInternal`).
pub(crate) fn is_internal(topic: &str) -> bool {
    matches!(topic, OFFSETS_TOPIC | "__transaction_state" | "__share_group_state")
}

/// What the clients of one listener see.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) image: &'a Image,
    pub(crate) listener: &'a str,
    /// This broker, and its logs that failed: a single node is its own controller's only witness.
    pub(crate) node: NodeId,
    pub(crate) offline: &'a OfflineLogs,
}

/// Where a client of one listener reaches a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) id: i32,
    pub(crate) host: String,
    pub(crate) port: i32,
    pub(crate) rack: Option<String>,
    pub(crate) fenced: bool,
}

/// Brokers that have this listener, in id order.
pub(crate) fn endpoints<'a>(
    image: &'a Image,
    listener: &'a str,
) -> impl Iterator<Item = Endpoint> + 'a {
    image.brokers().filter_map(move |broker| {
        let at = broker.listener(listener)?;
        Some(Endpoint {
            id: broker.id.0,
            host: at.host.clone(),
            port: i32::from(at.port),
            rack: broker.rack.clone(),
            fenced: broker.fenced,
        })
    })
}

/// One partition as Metadata and DescribeTopicPartitions report it.
pub(crate) struct PartitionView {
    pub(crate) error: ErrorCode,
    /// -1 when nobody leads.
    pub(crate) leader: i32,
    pub(crate) leader_epoch: i32,
    pub(crate) replicas: Vec<i32>,
    pub(crate) isr: Vec<i32>,
    pub(crate) offline: Vec<i32>,
}

/// A leader that clients of this listener cannot reach is reported as `unreachable`. A replica whose log
/// failed is offline, and does not lead when nothing of it can be read.
pub(crate) fn partition(
    view: View<'_>,
    at: TopicPartition,
    partition: &PartitionImage,
    unreachable: ErrorCode,
) -> PartitionView {
    let failure = view.offline.failure(at);
    let is_online = |id: &&NodeId| failure.is_none() || **id != view.node;
    let can_lead = |id: &&NodeId| failure != Some(Failure::Open) || **id != view.node;
    let alive = |id: &NodeId| view.image.broker(*id).filter(|broker| !broker.fenced);
    let reachable = |broker: &BrokerImage| broker.listener(view.listener).is_some();
    let leader = partition.leader.as_ref().filter(can_lead);
    let (error, leader) = match leader.map(|id| (id, alive(id))) {
        Some((id, Some(broker))) if reachable(broker) => (ErrorCode::None, id.0),
        Some((id, Some(_))) => (unreachable, id.0),
        Some((_, None)) | None => (ErrorCode::LeaderNotAvailable, -1),
    };
    let numbers = |ids: &[NodeId]| ids.iter().map(|id| id.0).collect();
    let is_offline = |id: &&NodeId| alive(id).is_none() || !is_online(id);
    let offline = partition.replicas.iter().filter(is_offline).map(|id| id.0);
    PartitionView {
        error,
        leader,
        leader_epoch: partition.leader_epoch.0,
        replicas: numbers(&partition.replicas),
        isr: numbers(&partition.isr),
        offline: offline.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_kafka_s_bit_sets() {
        assert_eq!(TOPIC_OPERATIONS, 3_576);
        assert_eq!(CLUSTER_OPERATIONS, 8_096);
        assert_eq!(GROUP_OPERATIONS, 3_400);
    }
}
