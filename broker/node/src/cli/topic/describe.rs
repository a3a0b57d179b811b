//! `broker topic describe`.

use core::fmt::Write;
use serde::Serialize;
use std::collections::BTreeMap;
use wire::messages::metadata::{MetadataResponsePartition, MetadataResponseTopic};

use super::{metadata, name};
use crate::cli::cluster::configs::{Config, Resource, describe};
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::table::{Table, list, or_dash};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// Topics to show; all when none is named.
    #[arg(value_name = "TOPIC")]
    topics: Vec<String>,
    /// Show every config, also those that nobody set.
    #[arg(long)]
    all_configs: bool,
}

#[derive(Debug, Serialize)]
struct Topic {
    topic: String,
    topic_id: String,
    internal: bool,
    replication_factor: usize,
    configs: Vec<Config>,
    partitions: Vec<Partition>,
}

#[derive(Debug, Serialize)]
struct Partition {
    partition: i32,
    leader: Option<i32>,
    leader_epoch: Option<i32>,
    replicas: Vec<i32>,
    isr: Vec<i32>,
    offline: Vec<i32>,
}

pub(super) async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let response = metadata(session, &args.topics).await?;
    let resources: Vec<Resource> =
        response.topics.iter().map(|topic| Resource::Topic(name(topic).to_owned())).collect();
    let mut configs: BTreeMap<String, Vec<Config>> = BTreeMap::new();
    for (resource, found) in describe(session, &resources).await? {
        let shown = found.into_iter().filter(|it| args.all_configs || it.is_of_topic());
        configs.insert(resource, shown.collect());
    }
    let topics: Vec<Topic> = response
        .topics
        .iter()
        .map(|it| topic(it, configs.remove(name(it)).unwrap_or_default()))
        .collect();
    session.format.print(&topics[..], text);
    Ok(())
}

fn topic(from: &MetadataResponseTopic, configs: Vec<Config>) -> Topic {
    let mut partitions: Vec<Partition> = from.partitions.iter().map(partition).collect();
    partitions.sort_by_key(|it| it.partition);
    Topic {
        topic: name(from).to_owned(),
        topic_id: from.topic_id.to_string(),
        internal: from.is_internal,
        replication_factor: partitions.first().map_or(0, |it| it.replicas.len()),
        configs,
        partitions,
    }
}

fn partition(from: &MetadataResponsePartition) -> Partition {
    let known = |number: i32| (number >= 0).then_some(number);
    Partition {
        partition: from.partition_index,
        leader: known(from.leader_id),
        leader_epoch: known(from.leader_epoch),
        replicas: from.replica_nodes.clone(),
        isr: from.isr_nodes.clone(),
        offline: from.offline_replicas.clone(),
    }
}

fn text(topics: &[Topic]) -> String {
    let mut text = String::new();
    for (at, topic) in topics.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        let _ = writeln!(
            text,
            "topic {}  id {}  partitions {}  replication factor {}{}",
            topic.topic,
            topic.topic_id,
            topic.partitions.len(),
            topic.replication_factor,
            if topic.internal { "  internal" } else { "" },
        );
        for config in &topic.configs {
            let _ = writeln!(text, "config {}={}", config.name, config.shown());
        }
        let _ = write!(text, "{}", partitions(topic));
    }
    text
}

fn partitions(topic: &Topic) -> Table<6> {
    let mut table =
        Table::new(["PARTITION", "LEADER", "LEADER-EPOCH", "REPLICAS", "ISR", "OFFLINE"]);
    for partition in &topic.partitions {
        table.row([
            partition.partition.to_string(),
            or_dash(partition.leader),
            or_dash(partition.leader_epoch),
            list(&partition.replicas),
            list(&partition.isr),
            list(&partition.offline),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::cluster::configs::Source;
    use expect_test::expect;

    #[test]
    fn partitions_come_in_order_and_a_lost_leader_is_a_dash() {
        let partition = |partition_index, leader_id| MetadataResponsePartition {
            partition_index,
            leader_id,
            leader_epoch: 4,
            replica_nodes: vec![1, 2],
            isr_nodes: vec![2],
            offline_replicas: vec![1],
            ..MetadataResponsePartition::default()
        };
        let from = MetadataResponseTopic {
            name: Some("orders".to_owned()),
            partitions: vec![partition(1, -1), partition(0, 2)],
            ..MetadataResponseTopic::default()
        };
        let config = Config {
            name: "retention.ms".to_owned(),
            value: Some("1000".to_owned()),
            source: Source::Topic,
            sensitive: false,
            read_only: false,
        };
        expect![[r#"
            topic orders  id AAAAAAAAAAAAAAAAAAAAAA  partitions 2  replication factor 2
            config retention.ms=1000
            PARTITION  LEADER  LEADER-EPOCH  REPLICAS  ISR  OFFLINE
                    0       2             4  1,2         2        1
                    1       -             4  1,2         2        1
        "#]]
        .assert_eq(&text(&[topic(&from, vec![config])]));
    }
}
