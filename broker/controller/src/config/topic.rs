//! Topic keys.

use super::definition::{Bounds, Definition, Effect, Kind, Scope};
use Bounds::{Any, AtLeast, Between, Fraction, OneOf};
use Kind::{Boolean, Double, Int, List, Long, String};

/// A topic key and the broker keys that give its default, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TopicDefinition {
    pub definition: Definition,
    pub broker_keys: &'static [BrokerKey],
}

/// A broker key that a topic key falls back to, and how many of the topic key's units one of its units is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokerKey {
    pub name: &'static str,
    pub factor: i64,
}

const fn same(name: &'static str) -> BrokerKey {
    BrokerKey { name, factor: 1 }
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

const fn topic(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    bounds: Bounds,
    broker_keys: &'static [BrokerKey],
    doc: &'static str,
) -> TopicDefinition {
    let effect = Effect::Works;
    TopicDefinition {
        definition: Definition {
            name,
            kind,
            default: Some(default),
            bounds,
            scope: Scope::ClusterWide,
            effect,
            doc,
        },
        broker_keys,
    }
}

const fn ignored(mut topic: TopicDefinition) -> TopicDefinition {
    topic.definition.effect = Effect::Ignored;
    topic
}

/// By name. Defaults in the table are the broker's built-in ones.
pub const TOPIC: &[TopicDefinition] = &[
    topic(
        "cleanup.policy",
        List,
        "delete",
        OneOf(&["compact", "delete"]),
        &[same("log.cleanup.policy")],
        "What happens to old segments: `delete` drops them by age and size, `compact` keeps the newest record of each key, both together do both.",
    ),
    topic(
        "compression.gzip.level",
        Int,
        "-1",
        Between(-1, 9),
        &[same("compression.gzip.level")],
        "Effort of gzip when the broker compresses; -1 is the codec's default.",
    ),
    topic(
        "compression.lz4.level",
        Int,
        "9",
        Between(1, 17),
        &[same("compression.lz4.level")],
        "Effort of lz4 when the broker compresses.",
    ),
    topic(
        "compression.type",
        String,
        "producer",
        OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
        &[same("compression.type")],
        "Codec of stored batches; `producer` keeps the bytes as they came.",
    ),
    topic(
        "compression.zstd.level",
        Int,
        "3",
        Between(-131_072, 22),
        &[same("compression.zstd.level")],
        "Effort of zstd when the broker compresses.",
    ),
    topic(
        "delete.retention.ms",
        Long,
        "86400000",
        AtLeast(0),
        &[same("log.cleaner.delete.retention.ms")],
        "How long a compacted topic keeps tombstones, so that a reader from the start sees the deletion.",
    ),
    topic(
        "file.delete.delay.ms",
        Long,
        "60000",
        AtLeast(0),
        &[same("log.segment.delete.delay.ms")],
        "Time between a segment's removal from the log and the removal of its files.",
    ),
    topic(
        "flush.messages",
        Long,
        "1",
        AtLeast(1),
        &[same("log.flush.interval.messages")],
        "1: an acknowledgement waits until the records are on disk (group commit). Any other value: it does not wait, and a sync follows after that many records.",
    ),
    topic(
        "flush.ms",
        Long,
        "9223372036854775807",
        AtLeast(0),
        &[same("log.flush.interval.ms"), same("log.flush.scheduler.interval.ms")],
        "Longest time that records stay without a sync where `flush.messages` does not ask for one earlier.",
    ),
    ignored(topic(
        "follower.replication.throttled.replicas",
        List,
        "",
        Any,
        &[],
        "Replicas whose fetching is throttled on the follower's side.",
    )),
    topic(
        "index.interval.bytes",
        Int,
        "4096",
        AtLeast(0),
        &[same("log.index.interval.bytes")],
        "Bytes of log between two entries of the offset index.",
    ),
    ignored(topic(
        "leader.replication.throttled.replicas",
        List,
        "",
        Any,
        &[],
        "Replicas whose fetching is throttled on the leader's side.",
    )),
    ignored(topic(
        "local.retention.bytes",
        Long,
        "-2",
        AtLeast(-2),
        &[same("log.local.retention.bytes")],
        "Size of the local log beside remote storage; -2 is `retention.bytes`.",
    )),
    ignored(topic(
        "local.retention.ms",
        Long,
        "-2",
        AtLeast(-2),
        &[same("log.local.retention.ms")],
        "Age of the local log beside remote storage; -2 is `retention.ms`.",
    )),
    topic(
        "max.compaction.lag.ms",
        Long,
        "9223372036854775807",
        AtLeast(1),
        &[same("log.cleaner.max.compaction.lag.ms")],
        "Longest time that a record may wait for compaction.",
    ),
    topic(
        "max.message.bytes",
        Int,
        "1048588",
        AtLeast(0),
        &[same("message.max.bytes")],
        "Largest batch, after compression.",
    ),
    topic(
        "message.timestamp.after.max.ms",
        Long,
        "3600000",
        AtLeast(0),
        &[same("log.message.timestamp.after.max.ms")],
        "How far a record's time may be ahead of the broker's.",
    ),
    topic(
        "message.timestamp.before.max.ms",
        Long,
        "9223372036854775807",
        AtLeast(0),
        &[same("log.message.timestamp.before.max.ms")],
        "How far a record's time may be behind the broker's.",
    ),
    topic(
        "message.timestamp.type",
        String,
        "CreateTime",
        OneOf(&["CreateTime", "LogAppendTime"]),
        &[same("log.message.timestamp.type")],
        "Whose clock a record carries: the producer's or the broker's.",
    ),
    topic(
        "min.cleanable.dirty.ratio",
        Double,
        "0.5",
        Fraction,
        &[same("log.cleaner.min.cleanable.ratio")],
        "Share of a log that must be uncompacted before compaction starts.",
    ),
    topic(
        "min.compaction.lag.ms",
        Long,
        "0",
        AtLeast(0),
        &[same("log.cleaner.min.compaction.lag.ms")],
        "Shortest time that a record stays uncompacted.",
    ),
    topic(
        "min.insync.replicas",
        Int,
        "1",
        AtLeast(1),
        &[same("min.insync.replicas")],
        "In-sync replicas without which acks=all is refused.",
    ),
    topic(
        "preallocate",
        Boolean,
        "false",
        Any,
        &[same("log.preallocate")],
        "Whether to reserve a new segment's blocks at once.",
    ),
    ignored(topic(
        "remote.log.copy.disable",
        Boolean,
        "false",
        Any,
        &[],
        "Whether to stop copying segments to remote storage.",
    )),
    ignored(topic(
        "remote.log.delete.on.disable",
        Boolean,
        "false",
        Any,
        &[],
        "Whether remote segments go when remote storage is switched off.",
    )),
    ignored(topic(
        "remote.storage.enable",
        Boolean,
        "false",
        Any,
        &[],
        "Whether old segments move to remote storage.",
    )),
    topic(
        "retention.bytes",
        Long,
        "-1",
        AtLeast(-1),
        &[same("log.retention.bytes")],
        "Size above which old segments of a partition go; -1 is no limit.",
    ),
    topic(
        "retention.ms",
        Long,
        "604800000",
        AtLeast(-1),
        &[
            same("log.retention.ms"),
            BrokerKey { name: "log.retention.minutes", factor: MINUTE_MS },
            BrokerKey { name: "log.retention.hours", factor: HOUR_MS },
        ],
        "Age after which records go; -1 keeps them for ever.",
    ),
    topic(
        "segment.bytes",
        Int,
        "1073741824",
        AtLeast(1_048_576),
        &[same("log.segment.bytes")],
        "Size at which a new segment begins.",
    ),
    topic(
        "segment.index.bytes",
        Int,
        "10485760",
        AtLeast(4),
        &[same("log.index.size.max.bytes")],
        "Size of the offset index at which a new segment begins.",
    ),
    topic(
        "segment.jitter.ms",
        Long,
        "0",
        AtLeast(0),
        &[same("log.roll.jitter.ms"), BrokerKey { name: "log.roll.jitter.hours", factor: HOUR_MS }],
        "Random part taken off `segment.ms`, so that segments do not all roll together.",
    ),
    topic(
        "segment.ms",
        Long,
        "604800000",
        AtLeast(1),
        &[same("log.roll.ms"), BrokerKey { name: "log.roll.hours", factor: HOUR_MS }],
        "Age at which a new segment begins, full or not.",
    ),
    ignored(topic(
        "unclean.leader.election.enable",
        Boolean,
        "false",
        Any,
        &[same("unclean.leader.election.enable")],
        "Whether a replica that may lack records can lead when no other is left.",
    )),
];

/// The row of a topic key.
#[must_use]
pub fn topic_definition(name: &str) -> Option<&'static TopicDefinition> {
    TOPIC.iter().find(|topic| topic.definition.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_every_fallback_is_a_broker_key() {
        assert!(TOPIC.windows(2).all(|pair| pair[0].definition.name < pair[1].definition.name));
        for topic in TOPIC {
            for key in topic.broker_keys {
                let broker = crate::config::broker_definition(key.name);
                assert!(broker.is_some(), "{} falls back to {}", topic.definition.name, key.name);
            }
        }
    }

    #[test]
    fn the_built_in_default_is_the_weakest_broker_default() {
        for topic in TOPIC {
            let inherited = topic.broker_keys.iter().find_map(|key| {
                let default = crate::config::broker_definition(key.name)?.default?;
                if key.factor == 1 {
                    return Some(default.to_owned());
                }
                Some((default.parse::<i64>().ok()? * key.factor).to_string())
            });
            if let Some(inherited) = inherited {
                assert_eq!(
                    topic.definition.default,
                    Some(inherited.as_str()),
                    "{}",
                    topic.definition.name
                );
            }
        }
    }
}
