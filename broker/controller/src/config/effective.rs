//! Which value holds, and where it came from.
//!
//! Order, the strongest first: topic > this broker > all brokers > static file > built-in.

use std::collections::BTreeMap;

use super::{BROKER, Definition, TOPIC, TopicDefinition, broker_definition, integer};

/// Where a value comes from, with Kafka's numbers for DescribeConfigs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
pub enum Source {
    DynamicTopic = 1,
    DynamicBroker = 2,
    DynamicDefaultBroker = 3,
    StaticBroker = 4,
    Default = 5,
}

type Values = BTreeMap<String, String>;

/// The layers of values that are not in the table.
#[derive(Debug, Clone, Copy)]
pub struct Layers<'v> {
    /// Of the topic in question.
    pub topic: Option<&'v Values>,
    /// Set on this broker by AlterConfigs.
    pub broker: Option<&'v Values>,
    /// Set on all brokers by AlterConfigs.
    pub cluster: Option<&'v Values>,
    /// From `server.properties` and the command line.
    pub file: &'v Values,
}

/// One value that a key could have, were the stronger ones absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synonym {
    pub name: &'static str,
    pub value: Option<String>,
    pub source: Source,
}

/// One key with its effective value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub definition: &'static Definition,
    pub value: Option<String>,
    pub source: Source,
    /// The strongest first; the first is the effective one.
    pub synonyms: Vec<Synonym>,
}

/// Every topic key with its effective value, by name.
#[must_use]
pub fn describe_topic(layers: Layers<'_>) -> Vec<Entry> {
    TOPIC.iter().map(|topic| layers.topic_entry(topic)).collect()
}

/// Every broker key with its effective value, by name.
#[must_use]
pub fn describe_broker(layers: Layers<'_>) -> Vec<Entry> {
    BROKER
        .iter()
        .map(|definition| {
            let mut synonyms = Vec::new();
            layers.broker_synonyms(definition, 1, &mut synonyms);
            entry(definition, synonyms)
        })
        .collect()
}

impl Layers<'_> {
    /// The effective value of a topic key in the topic key's unit, with its source.
    #[must_use]
    pub fn topic_entry(&self, topic: &'static TopicDefinition) -> Entry {
        let name = topic.definition.name;
        let mut synonyms = Vec::new();
        if let Some(value) = self.topic.and_then(|values| values.get(name)) {
            let value = Some(value.clone());
            synonyms.push(Synonym { name, value, source: Source::DynamicTopic });
        }
        for key in topic.broker_keys {
            if let Some(definition) = broker_definition(key.name) {
                self.broker_synonyms(definition, key.factor, &mut synonyms);
            }
        }
        // A key given in a weaker layer never beats one in a stronger layer, whichever name it has.
        synonyms.sort_by_key(|synonym| synonym.source as i8);
        if synonyms.is_empty() {
            let value = topic.definition.default.map(str::to_owned);
            synonyms.push(Synonym { name, value, source: Source::Default });
        }
        entry(&topic.definition, synonyms)
    }

    /// The effective value of a broker key.
    #[must_use]
    pub fn broker_value(&self, name: &str) -> Option<String> {
        let definition = broker_definition(name)?;
        let mut synonyms = Vec::new();
        self.broker_synonyms(definition, 1, &mut synonyms);
        entry(definition, synonyms).value
    }

    fn broker_synonyms(
        &self,
        definition: &'static Definition,
        factor: i64,
        synonyms: &mut Vec<Synonym>,
    ) {
        let name = definition.name;
        let layers = [
            (self.broker, Source::DynamicBroker),
            (self.cluster, Source::DynamicDefaultBroker),
            (Some(self.file), Source::StaticBroker),
        ];
        for (values, source) in layers {
            if let Some(value) = values.and_then(|values| values.get(name)) {
                synonyms.push(Synonym { name, value: Some(scaled(value, factor)), source });
            }
        }
        if let Some(default) = definition.default {
            let value = Some(scaled(default, factor));
            synonyms.push(Synonym { name, value, source: Source::Default });
        }
    }
}

/// A value in the unit of the topic key. Negative values mean "no limit" in every unit.
fn scaled(value: &str, factor: i64) -> String {
    match integer(value) {
        Some(number) if factor != 1 && number >= 0 => number.saturating_mul(factor).to_string(),
        _ => value.to_owned(),
    }
}

fn entry(definition: &'static Definition, synonyms: Vec<Synonym>) -> Entry {
    let first = synonyms.first();
    Entry {
        definition,
        value: first.and_then(|synonym| synonym.value.clone()),
        source: first.map_or(Source::Default, |synonym| synonym.source),
        synonyms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::topic_definition;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn retention(layers: Layers<'_>) -> (Option<String>, Source, usize) {
        let entry = layers.topic_entry(topic_definition("retention.ms").unwrap());
        (entry.value, entry.source, entry.synonyms.len())
    }

    #[test]
    fn the_strongest_layer_holds() {
        let (topic, broker, cluster) = (
            values(&[("retention.ms", "1")]),
            values(&[("log.retention.ms", "2")]),
            values(&[("log.retention.ms", "3")]),
        );
        let file = values(&[("log.retention.hours", "1")]);
        let none = values(&[]);
        let mut layers = Layers {
            topic: Some(&topic),
            broker: Some(&broker),
            cluster: Some(&cluster),
            file: &file,
        };
        assert_eq!(retention(layers), (Some("1".into()), Source::DynamicTopic, 5));
        layers.topic = None;
        assert_eq!(retention(layers), (Some("2".into()), Source::DynamicBroker, 4));
        layers.broker = None;
        assert_eq!(retention(layers), (Some("3".into()), Source::DynamicDefaultBroker, 3));
        layers.cluster = None;
        assert_eq!(retention(layers), (Some("3600000".into()), Source::StaticBroker, 2));
        layers.file = &none;
        assert_eq!(retention(layers), (Some("604800000".into()), Source::Default, 1));
    }

    #[test]
    fn no_limit_stays_no_limit_in_every_unit() {
        let file = values(&[("log.retention.hours", "-1")]);
        let layers = Layers { topic: None, broker: None, cluster: None, file: &file };
        assert_eq!(retention(layers).0, Some("-1".into()));
    }

    #[test]
    fn every_key_is_described() {
        let file = values(&[]);
        let layers = Layers { topic: None, broker: None, cluster: None, file: &file };
        assert_eq!(describe_topic(layers).len(), TOPIC.len());
        assert_eq!(describe_broker(layers).len(), BROKER.len());
    }
}
