//! What a run starts from: one node, its bounds and properties, and its topics.

use std::collections::BTreeMap;

use model::Limits;
use serde::{Deserialize, Serialize};

use super::Span;
use super::dice::Dice;
use super::limits;

/// The node of a run, as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// At least 1.
    pub shards: u16,
    /// Data directories, at least 1.
    pub directories: u16,
    /// How far the node's wall clock is off.
    #[serde(default)]
    pub wall_offset_ms: i64,
    /// The broker makes rare choices at places of its code, drawn from the seed.
    #[serde(default)]
    pub rare_choices: bool,
    /// How much work the machine's side pool takes at the same time; none: as much as ever is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side_pool_len: Option<u16>,
    /// Bounds that differ from `Limits::tiny()`.
    #[serde(default)]
    pub limits: BTreeMap<String, u64>,
    /// Broker properties that differ from the defaults, by Kafka's names.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    pub topics: Vec<TopicPlan>,
}

/// A topic that exists before the first fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicPlan {
    pub name: String,
    pub partitions: u16,
    #[serde(default)]
    pub configs: BTreeMap<String, String>,
}

impl Setup {
    /// The bounds of this run's node.
    ///
    /// # Errors
    /// A bound that does not exist, or bounds that contradict each other.
    pub fn limits(&self) -> Result<Limits, String> {
        limits::limits(&self.limits)
    }

    /// Whether an acknowledgement waits for the disk (`flush.messages` is 1, our default).
    #[must_use]
    pub fn is_durable(&self) -> bool {
        let page_cache = |it: Option<&String>| it.is_some_and(|messages| messages != "1");
        !page_cache(self.properties.get("log.flush.interval.messages"))
            && !self.topics.iter().any(|topic| page_cache(topic.configs.get("flush.messages")))
    }

    pub(super) fn draw(dice: &mut Dice, span: Span) -> Self {
        let topics = (0..dice.within(1..=3)).map(|number| topic(dice, span, number)).collect();
        Self {
            shards: dice.pick(&[1, 1, 2]),
            directories: dice.pick(&[1, 1, 1, 2]),
            wall_offset_ms: dice.pick(&[0, 0, 0, -1_800_000, 43_200_000, 7]),
            rare_choices: !dice.one_in(4),
            side_pool_len: None,
            limits: limits::draw(dice),
            properties: properties(dice, span),
            topics,
        }
    }
}

/// Intervals of upkeep, between a thousandth of their default and the default. In long runs they
/// stay nearer to it: a run of ten days with a timer every 15 ms would take hours.
fn properties(dice: &mut Dice, span: Span) -> BTreeMap<String, String> {
    const DEFAULTS_MS: [(&str, u64); 5] = [
        ("log.retention.check.interval.ms", 300_000),
        ("log.flush.offset.checkpoint.interval.ms", 60_000),
        ("log.cleaner.backoff.ms", 15_000),
        ("connections.max.idle.ms", 600_000),
        ("log.segment.delete.delay.ms", 60_000),
    ];
    // Below this a minute of virtual time would be spent on upkeep alone.
    const SHORTEST_MS: u64 = 250;
    let mut properties = BTreeMap::new();
    for (name, default_ms) in DEFAULTS_MS {
        let shortest_ms = (default_ms / span.shrink_max()).max(SHORTEST_MS);
        properties.insert(name.to_owned(), dice.log_uniform(shortest_ms..=default_ms).to_string());
    }
    // A limit of time is a topic's own choice: the default would strike in long runs only.
    properties.insert("log.retention.ms".to_owned(), "-1".to_owned());
    if dice.one_in(8) {
        // Kafka's own default: the acknowledgement does not wait for the disk.
        properties.insert("log.flush.interval.messages".to_owned(), i64::MAX.to_string());
    }
    if dice.one_in(4) {
        let expiration_ms = dice.log_uniform(86_400..=86_400_000);
        properties.insert("producer.id.expiration.ms".to_owned(), expiration_ms.to_string());
    }
    properties
}

fn topic(dice: &mut Dice, span: Span, number: u64) -> TopicPlan {
    let mut configs = BTreeMap::new();
    let mut set = |name: &str, value: String| configs.insert(name.to_owned(), value);
    let hour_ms = 3_600_000;
    if dice.one_in(2) {
        set("segment.ms", dice.log_uniform(500..=span.faults_us / 1_000).to_string());
    }
    if dice.one_in(2) {
        // Eight bytes an entry: few entries, many segments.
        set("segment.index.bytes", dice.pick(&[16, 64, 512]).to_string());
    }
    if dice.one_in(2) {
        set("index.interval.bytes", dice.pick(&[0, 64, 512]).to_string());
    }
    if dice.one_in(3) {
        set("max.message.bytes", dice.pick(&[512, 4_096, 32_768]).to_string());
    }
    if dice.one_in(4) {
        set(
            "compression.type",
            dice.pick(&["gzip", "snappy", "lz4", "zstd", "uncompressed"]).into(),
        );
    }
    if dice.one_in(5) {
        set("message.timestamp.type", "LogAppendTime".to_owned());
    }
    match dice.within(0..=5) {
        0 | 1 => {
            set("cleanup.policy", "compact".to_owned());
            set("min.cleanable.dirty.ratio", dice.pick(&["0.0", "0.1", "0.5"]).to_owned());
            set("delete.retention.ms", dice.log_uniform(1_000..=hour_ms).to_string());
        }
        2 => {
            set("retention.ms", dice.log_uniform(2_000..=hour_ms).to_string());
        }
        3 => {
            set("retention.bytes", dice.log_uniform(4_096..=1 << 20).to_string());
        }
        _ => {}
    }
    TopicPlan {
        name: format!("topic-{number}"),
        partitions: u16::try_from(dice.within(1..=3)).expect("three at most"),
        configs,
    }
}
