//! Every configuration key, as one table per kind of resource, and what its text means.
//!
//! Promises: parsing, bounds, defaults, documentation, DescribeConfigs and start-up warnings all
//! read the same row; defaults are Kafka 4.3's, except `log.flush.interval.messages`, which is 1
//! here so that an acknowledgement waits for the disk.
//! Does not: act on a value (the server does), or read a file (text arrives as a value).
//! Source: Kafka `TopicConfig`, `LogConfig`, `KafkaConfig`, `ServerTopicConfigSynonyms`.

mod broker;
mod effective;
mod properties;
mod suggest;
mod topic;
mod value;

pub use broker::BROKER;
pub use effective::{EffectiveValue, Layers, Source, SynonymValue, Values};
pub use properties::{PropertiesError, parse_properties};
pub use suggest::{Finding, closest, inspect};
pub use topic::TOPIC;
pub use value::{ConfigError, Kind, Value, list_items, parse, validate_topic};

/// One row of a table.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// Text as an operator would write it; `None`: unset unless somebody sets it.
    pub default: Option<&'static str>,
    /// One line for `--help`, the manual and DescribeConfigs.
    pub doc: &'static str,
    /// Broker keys that give a topic key its default, strongest first.
    pub synonyms: &'static [Synonym],
    pub scope: Scope,
    pub support: Support,
}

/// A broker key behind a topic key, and how its number becomes the topic key's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Synonym {
    pub name: &'static str,
    /// `log.retention.hours` counts hours where `retention.ms` counts milliseconds.
    pub factor: i64,
}

/// Where and when a key may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Per topic, at any time.
    Topic,
    /// In the file only; a change needs a restart.
    ReadOnly,
    /// At any time, for one broker.
    PerBroker,
    /// At any time, for one broker or for all.
    ClusterWide,
}

/// What setting a key does in this broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// As documented.
    Effective,
    /// Accepted for compatibility; one warning at start.
    NoEffect,
    /// Promises protection that this broker cannot give: the start is refused.
    Refused,
}

/// The row of a topic key.
#[must_use]
pub fn topic_key(name: &str) -> Option<&'static Key> {
    TOPIC.iter().find(|key| key.name == name)
}

/// The row of a broker key.
#[must_use]
pub fn broker_key(name: &str) -> Option<&'static Key> {
    BROKER.iter().find(|key| key.name == name)
}

#[cfg(test)]
mod tests;
