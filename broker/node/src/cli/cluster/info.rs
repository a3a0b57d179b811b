//! `broker cluster info`.

use core::fmt::Write;
use serde::Serialize;
use wire::messages::describe_cluster::DescribeClusterResponse;
use wire::messages::metadata::MetadataResponse;

use super::describe_cluster;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::table::or_dash;

#[derive(Debug, Serialize)]
struct Info {
    cluster_id: String,
    controller: Option<i32>,
    brokers: usize,
    fenced_brokers: usize,
    topics: usize,
    partitions: usize,
    /// Partitions that nobody leads: they can be neither written nor read.
    leaderless_partitions: usize,
    /// Partitions with a replica that is not in sync.
    under_replicated_partitions: usize,
}

pub(super) async fn run(session: &Session) -> Result<(), Failure> {
    let cluster = describe_cluster(session).await?;
    let router = &session.router;
    let metadata = router.retry(session.limit, async || router.metadata(None).await).await?;
    session.format.print(&info(cluster, &metadata), text);
    Ok(())
}

fn info(cluster: DescribeClusterResponse, metadata: &MetadataResponse) -> Info {
    let partitions = || metadata.topics.iter().flat_map(|topic| &topic.partitions);
    let fenced = cluster.brokers.iter().filter(|broker| broker.is_fenced).count();
    Info {
        cluster_id: cluster.cluster_id,
        controller: (cluster.controller_id >= 0).then_some(cluster.controller_id),
        brokers: cluster.brokers.len() - fenced,
        fenced_brokers: fenced,
        topics: metadata.topics.len(),
        partitions: partitions().count(),
        leaderless_partitions: partitions().filter(|it| it.leader_id < 0).count(),
        under_replicated_partitions: partitions()
            .filter(|it| it.isr_nodes.len() < it.replica_nodes.len())
            .count(),
    }
}

fn text(info: &Info) -> String {
    let lines = [
        ("cluster id", info.cluster_id.clone()),
        ("controller", or_dash(info.controller)),
        ("brokers", info.brokers.to_string()),
        ("fenced brokers", info.fenced_brokers.to_string()),
        ("topics", info.topics.to_string()),
        ("partitions", info.partitions.to_string()),
        ("without a leader", info.leaderless_partitions.to_string()),
        ("under-replicated", info.under_replicated_partitions.to_string()),
    ];
    let mut text = String::new();
    for (name, value) in lines {
        let _ = writeln!(text, "{name:<17} {value}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use wire::messages::describe_cluster::DescribeClusterBroker;
    use wire::messages::metadata::{MetadataResponsePartition, MetadataResponseTopic};

    #[test]
    fn sick_partitions_are_counted() {
        let broker = |broker_id, is_fenced| DescribeClusterBroker {
            broker_id,
            is_fenced,
            ..DescribeClusterBroker::default()
        };
        let cluster = DescribeClusterResponse {
            cluster_id: "abc".to_owned(),
            controller_id: 1,
            brokers: vec![broker(1, false), broker(2, true)],
            ..DescribeClusterResponse::default()
        };
        let partition = |leader_id, isr: &[i32]| MetadataResponsePartition {
            leader_id,
            replica_nodes: vec![1, 2],
            isr_nodes: isr.to_vec(),
            ..MetadataResponsePartition::default()
        };
        let metadata = MetadataResponse {
            topics: vec![MetadataResponseTopic {
                partitions: vec![partition(1, &[1, 2]), partition(1, &[1]), partition(-1, &[2])],
                ..MetadataResponseTopic::default()
            }],
            ..MetadataResponse::default()
        };
        expect![[r#"
            cluster id        abc
            controller        1
            brokers           1
            fenced brokers    1
            topics            1
            partitions        3
            without a leader  1
            under-replicated  2
        "#]]
        .assert_eq(&text(&info(cluster, &metadata)));
    }
}
