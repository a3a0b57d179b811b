//! A topic's effective configuration, as values instead of text.

use controller::config::{Layers, Value, list_items, topic_key};
use storage::{Cleanup, Compaction, Lane, LogConfig};
use wire::batch::{ProduceRules, TimestampType};
use wire::compression::{Codec, Compression};

/// What the data path needs of a topic's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicSettings {
    pub(crate) log: LogConfig,
    /// `min.insync.replicas`, at least 1.
    pub(crate) min_isr: u32,
    pub(crate) timestamp_type: TimestampType,
    timestamp_before_max_ms: i64,
    timestamp_after_max_ms: i64,
    /// `max.message.bytes`.
    pub(crate) batch_bytes_max: usize,
    /// `compression.type`; `None` is `producer`: batches keep their bytes.
    pub(crate) compression: Option<Compression>,
}

impl TopicSettings {
    /// Reads every key that has an effect here.
    pub(crate) fn new(layers: Layers<'_>) -> Self {
        let layers = &layers;
        let number = |name| layers.topic_number(name);
        Self {
            log: log_config(layers),
            min_isr: u32::try_from(number("min.insync.replicas")).unwrap_or(1).max(1),
            timestamp_type: match text(layers, "message.timestamp.type").as_str() {
                "LogAppendTime" => TimestampType::LogAppendTime,
                _ => TimestampType::CreateTime,
            },
            timestamp_before_max_ms: number("message.timestamp.before.max.ms"),
            timestamp_after_max_ms: number("message.timestamp.after.max.ms"),
            batch_bytes_max: usize::try_from(number("max.message.bytes")).unwrap_or(0),
            compression: compression(layers),
        }
    }

    /// What a produced batch must keep to.
    pub(crate) fn rules(
        &self,
        now_ms: i64,
        version: i16,
        decompressed_bytes_max: usize,
    ) -> ProduceRules {
        ProduceRules {
            now_ms,
            timestamp_type: self.timestamp_type,
            timestamp_before_max_ms: self.timestamp_before_max_ms,
            timestamp_after_max_ms: self.timestamp_after_max_ms,
            key_required: self.is_compacted(),
            zstd_allowed: version >= 7,
            batch_bytes_max: self.batch_bytes_max,
            decompressed_bytes_max,
        }
    }

    pub(crate) fn is_compacted(&self) -> bool {
        self.log.cleanup != Cleanup::Delete
    }

    /// Whether old records may be dropped, by retention or on request.
    pub(crate) fn deletes_records(&self) -> bool {
        self.log.cleanup != Cleanup::Compact
    }
}

/// # Panics
/// When the key is not in the table.
fn text(layers: &Layers<'_>, name: &str) -> String {
    let key = topic_key(name).unwrap_or_else(|| panic!("{name} is no topic key"));
    layers.topic_value(key).value.unwrap_or_default()
}

fn log_config(layers: &Layers<'_>) -> LogConfig {
    let number = |name| layers.topic_number(name);
    let unsigned = |name| u32::try_from(number(name)).unwrap_or(u32::MAX);
    let policy = list_items(&text(layers, "cleanup.policy"));
    let has = |word| policy.iter().any(|it| it == word);
    LogConfig {
        segment_bytes: unsigned("segment.bytes"),
        segment_ms: number("segment.ms"),
        segment_index_bytes: unsigned("segment.index.bytes"),
        index_interval_bytes: unsigned("index.interval.bytes"),
        // Negative means "no limit" for both.
        retention_ms: Some(number("retention.ms")).filter(|ms| *ms >= 0),
        retention_bytes: u64::try_from(number("retention.bytes")).ok(),
        file_delete_delay_ms: number("file.delete.delay.ms"),
        flush_messages: u64::try_from(number("flush.messages")).unwrap_or(1).max(1),
        // Kafka's default is the largest number: no limit.
        flush_ms: u64::try_from(number("flush.ms")).ok().filter(|ms| *ms < i64::MAX as u64),
        cleanup: match (has("compact"), has("delete")) {
            (true, true) => Cleanup::CompactAndDelete,
            (true, false) => Cleanup::Compact,
            (false, _) => Cleanup::Delete,
        },
        compaction: Compaction {
            min_cleanable_dirty_ppm: parts_per_million(
                &layers.topic_parsed("min.cleanable.dirty.ratio"),
            ),
            delete_retention_ms: number("delete.retention.ms"),
            min_compaction_lag_ms: number("min.compaction.lag.ms"),
            max_compaction_lag_ms: number("max.compaction.lag.ms"),
            producer_expiration_ms: layers
                .broker_number("producer.id.expiration.ms")
                .unwrap_or(Compaction::DEFAULT.producer_expiration_ms),
        },
        lane: Lane::Journal,
    }
}

/// Storage counts in whole numbers; the key's bounds are 0 and 1.
fn parts_per_million(ratio: &Value) -> u32 {
    match ratio {
        #[expect(clippy::cast_possible_truncation, reason = "at most a million")]
        #[expect(clippy::cast_sign_loss, reason = "not negative")]
        Value::Double(ratio) => (ratio.clamp(0.0, 1.0) * 1e6) as u32,
        other => panic!("min.cleanable.dirty.ratio is no ratio but {other:?}"),
    }
}

fn compression(layers: &Layers<'_>) -> Option<Compression> {
    let codec = match text(layers, "compression.type").as_str() {
        "producer" => return None,
        "uncompressed" => Codec::None,
        name => Codec::from_name(name)?,
    };
    let level = match codec {
        Codec::Gzip => i32::try_from(layers.topic_number("compression.gzip.level")).ok(),
        Codec::Zstd => i32::try_from(layers.topic_number("compression.zstd.level")).ok(),
        Codec::None | Codec::Snappy | Codec::Lz4 => None,
    };
    // -1 is gzip's own default.
    Some(Compression { codec, level: level.filter(|level| codec != Codec::Gzip || *level > 0) })
}
