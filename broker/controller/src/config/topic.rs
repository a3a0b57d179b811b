//! The keys of a topic, in alphabetical order.

use super::{Key, Kind, Scope, Support, Synonym};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(super) const MIB: i64 = 1 << 20;

const fn int(min: i64) -> Kind {
    Kind::Int { min, max: i32::MAX as i64 }
}

const fn long(min: i64) -> Kind {
    Kind::Long { min, max: i64::MAX }
}

const fn from(name: &'static str) -> Synonym {
    Synonym { name, factor: 1 }
}

const fn times(name: &'static str, factor: i64) -> Synonym {
    Synonym { name, factor }
}

const fn key(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    synonyms: &'static [Synonym],
    doc: &'static str,
) -> Key {
    let (default, support) = (Some(default), Support::Effective);
    Key { name, kind, default, doc, synonyms, scope: Scope::Topic, support }
}

/// A key that is stored and described and changes nothing.
const fn idle(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    synonyms: &'static [Synonym],
    doc: &'static str,
) -> Key {
    Key { support: Support::NoEffect, ..key(name, kind, default, synonyms, doc) }
}

pub(super) const CLEANUP_POLICIES: &[&str] = &["compact", "delete"];
pub(super) const COMPRESSION_TYPES: &[&str] =
    &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];
pub(super) const TIMESTAMP_TYPES: &[&str] = &["CreateTime", "LogAppendTime"];

/// Every topic key of Kafka 4.3.
pub const TOPIC: &[Key] = &[
    key(
        "cleanup.policy",
        Kind::ListOf { allowed: CLEANUP_POLICIES, may_be_empty: true },
        "delete",
        &[from("log.cleanup.policy")],
        "What happens to old segments: delete them by time and size, compact them by key, or both.",
    ),
    key(
        "compression.gzip.level",
        Kind::Int { min: -1, max: 9 },
        "-1",
        &[from("compression.gzip.level")],
        "Level when this broker recompresses with gzip; -1 is the codec's own default.",
    ),
    key(
        "compression.lz4.level",
        Kind::Int { min: 1, max: 17 },
        "9",
        &[from("compression.lz4.level")],
        "Level when this broker recompresses with lz4.",
    ),
    key(
        "compression.type",
        Kind::OneOf(COMPRESSION_TYPES),
        "producer",
        &[from("compression.type")],
        "Codec of stored batches; `producer` keeps the bytes as they came.",
    ),
    key(
        "compression.zstd.level",
        Kind::Int { min: -131_072, max: 22 },
        "3",
        &[from("compression.zstd.level")],
        "Level when this broker recompresses with zstd.",
    ),
    key(
        "delete.retention.ms",
        long(0),
        "86400000",
        &[from("log.cleaner.delete.retention.ms")],
        "How long compaction keeps tombstones, so that a reader from the start can see them.",
    ),
    key(
        "file.delete.delay.ms",
        long(0),
        "60000",
        &[from("log.segment.delete.delay.ms")],
        "Wait between taking a segment out of the log and removing its files.",
    ),
    key(
        "flush.messages",
        long(1),
        "1",
        &[from("log.flush.interval.messages")],
        "1: an acknowledgement waits for the disk. Other values sync in the background.",
    ),
    key(
        "flush.ms",
        long(0),
        "9223372036854775807",
        &[from("log.flush.interval.ms"), from("log.flush.scheduler.interval.ms")],
        "Longest time that written records stay without a sync, unless flush.messages is 1.",
    ),
    idle(
        "follower.replication.throttled.replicas",
        Kind::List,
        "",
        &[],
        "Replicas whose fetching is throttled, as partition:broker pairs or `*`.",
    ),
    key(
        "index.interval.bytes",
        int(0),
        "4096",
        &[from("log.index.interval.bytes")],
        "Log bytes between two entries of the offset index.",
    ),
    idle(
        "leader.replication.throttled.replicas",
        Kind::List,
        "",
        &[],
        "Replicas whose serving is throttled, as partition:broker pairs or `*`.",
    ),
    idle(
        "local.retention.bytes",
        long(-2),
        "-2",
        &[from("log.local.retention.bytes")],
        "Size kept on local disks under tiered storage; -2 follows retention.bytes.",
    ),
    idle(
        "local.retention.ms",
        long(-2),
        "-2",
        &[from("log.local.retention.ms")],
        "Time kept on local disks under tiered storage; -2 follows retention.ms.",
    ),
    key(
        "max.compaction.lag.ms",
        long(1),
        "9223372036854775807",
        &[from("log.cleaner.max.compaction.lag.ms")],
        "Latest time after which a record must be open to compaction.",
    ),
    key(
        "max.message.bytes",
        int(0),
        "1048588",
        &[from("message.max.bytes")],
        "Largest record batch that is accepted, after compression.",
    ),
    key(
        "message.timestamp.after.max.ms",
        long(0),
        "3600000",
        &[from("log.message.timestamp.after.max.ms")],
        "How far a record's timestamp may lie ahead of the broker's clock.",
    ),
    key(
        "message.timestamp.before.max.ms",
        long(0),
        "9223372036854775807",
        &[from("log.message.timestamp.before.max.ms")],
        "How far a record's timestamp may lie behind the broker's clock.",
    ),
    key(
        "message.timestamp.type",
        Kind::OneOf(TIMESTAMP_TYPES),
        "CreateTime",
        &[from("log.message.timestamp.type")],
        "Whose clock stamps records: the producer's or the broker's at the append.",
    ),
    key(
        "min.cleanable.dirty.ratio",
        Kind::Double { min: 0.0, max: 1.0 },
        "0.5",
        &[from("log.cleaner.min.cleanable.ratio")],
        "Share of uncompacted bytes from which a log is worth compacting.",
    ),
    key(
        "min.compaction.lag.ms",
        long(0),
        "0",
        &[from("log.cleaner.min.compaction.lag.ms")],
        "Time for which a record is safe from compaction.",
    ),
    key(
        "min.insync.replicas",
        int(1),
        "1",
        &[from("min.insync.replicas")],
        "In-sync replicas that acks=all needs, capped by the number of replicas.",
    ),
    key(
        "preallocate",
        Kind::Boolean,
        "false",
        &[from("log.preallocate")],
        "Reserve a segment's full size when it is created.",
    ),
    idle(
        "remote.log.copy.disable",
        Kind::Boolean,
        "false",
        &[],
        "Stop copying segments to tiered storage.",
    ),
    idle(
        "remote.log.delete.on.disable",
        Kind::Boolean,
        "false",
        &[],
        "Delete the remote copy when tiered storage is switched off.",
    ),
    idle(
        "remote.storage.enable",
        Kind::Boolean,
        "false",
        &[],
        "Keep old segments in tiered storage.",
    ),
    key(
        "retention.bytes",
        long(i64::MIN),
        "-1",
        &[from("log.retention.bytes")],
        "Size of a partition above which its oldest segments go; -1: no limit.",
    ),
    key(
        "retention.ms",
        long(-1),
        "604800000",
        &[
            from("log.retention.ms"),
            times("log.retention.minutes", MINUTE_MS),
            times("log.retention.hours", HOUR_MS),
        ],
        "Age after which segments go; -1: no limit.",
    ),
    key(
        "segment.bytes",
        int(MIB),
        "1073741824",
        &[from("log.segment.bytes")],
        "Size at which the next segment begins.",
    ),
    key(
        "segment.index.bytes",
        int(4),
        "10485760",
        &[from("log.index.size.max.bytes")],
        "Size of the offset index at which the next segment begins.",
    ),
    key(
        "segment.jitter.ms",
        long(0),
        "0",
        &[from("log.roll.jitter.ms"), times("log.roll.jitter.hours", HOUR_MS)],
        "Largest random part taken off segment.ms, so that segments do not all roll at once.",
    ),
    key(
        "segment.ms",
        long(1),
        "604800000",
        &[from("log.roll.ms"), times("log.roll.hours", HOUR_MS)],
        "Age at which the next segment begins, even if this one is not full.",
    ),
    key(
        "unclean.leader.election.enable",
        Kind::Boolean,
        "false",
        &[from("unclean.leader.election.enable")],
        "Let a replica that may have lost records lead when no other is left.",
    ),
];
