//! `__consumer_offsets`: which of its partitions holds a group, and how the topic comes to be.
//!
//! Source: Kafka `GroupCoordinatorService.partitionFor` and `groupMetadataTopicConfigs`,
//! `DefaultAutoTopicCreationManager`.

use runtime::Runtime;
use wire::messages::create_topics::{CreatableTopic, CreatableTopicConfig};

use crate::shard::Shard;

pub(crate) const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// The partition that holds a group.
///
/// Java's `String.hashCode` counts UTF-16 units, and Kafka's `Utils.abs` makes 0 of the smallest number.
pub(crate) fn partition_of(group: &str, partition_count: i32) -> i32 {
    assert!(partition_count > 0, "a topic has partitions");
    let hash = group
        .encode_utf16()
        .fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    hash.checked_abs().unwrap_or(0) % partition_count
}

/// The topic as this broker creates it, with the operator's numbers. Kafka asks for three replicas and
/// has no groups until there are three brokers; here as many as there are brokers do.
pub(crate) fn creatable_offsets_topic<R: Runtime>(shard: &Shard<R>) -> CreatableTopic {
    let number = |key| shard.broker_number(key);
    let alive = shard.image.borrow().brokers().filter(|broker| !broker.fenced).count();
    let replicas = number("offsets.topic.replication.factor");
    let replicas = replicas.min(i64::try_from(alive.max(1)).unwrap_or(i64::MAX));
    let config = |name: &str, value: String| CreatableTopicConfig {
        name: name.to_owned(),
        value: Some(value),
    };
    CreatableTopic {
        name: OFFSETS_TOPIC.to_owned(),
        num_partitions: i32::try_from(number("offsets.topic.num.partitions")).unwrap_or(i32::MAX),
        replication_factor: i16::try_from(replicas).unwrap_or(i16::MAX),
        configs: vec![
            config("cleanup.policy", "compact".to_owned()),
            config("compression.type", "producer".to_owned()),
            config("segment.bytes", number("offsets.topic.segment.bytes").to_string()),
        ],
        ..CreatableTopic::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that Java gives for `Utils.abs("…".hashCode()) % 50`.
    #[test]
    fn a_group_has_the_partition_that_kafka_gives_it() {
        let expected = [
            ("", 0),
            ("a", 47),
            ("my-group", 12),
            ("grüße", 23),
            ("😀", 49),
            ("polygenelubricants", 0),
        ];
        for (group, partition) in expected {
            assert_eq!(partition_of(group, 50), partition, "{group}");
        }
    }
}
