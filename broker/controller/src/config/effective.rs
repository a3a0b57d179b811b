//! The value that counts, and where it comes from.
//!
//! Order: topic > this broker > all brokers > file > built-in (KIP-226).

use std::collections::BTreeMap;

use super::{BROKER, Key, TOPIC, Value, broker_key, parse, topic_key};

/// Keys that were set, with their text.
pub type Values = BTreeMap<String, String>;

/// Where a value was set; the numbers are DescribeConfigs' `config_source`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i8)]
pub enum Source {
    Topic = 1,
    Broker = 2,
    ClusterDefault = 3,
    File = 4,
    BuiltIn = 5,
}

impl Source {
    #[must_use]
    pub const fn code(self) -> i8 {
        self as i8
    }
}

/// What is set on each level, strongest first. Values are valid: they were checked when set.
#[derive(Debug, Clone, Copy)]
pub struct Layers<'a> {
    /// Empty when a broker is asked for.
    pub topic: &'a Values,
    pub broker: &'a Values,
    pub cluster_default: &'a Values,
    pub file: &'a Values,
}

/// A key's value and everything that stands behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveValue {
    pub key: &'static str,
    /// In the key's own unit; `None`: not set anywhere.
    pub value: Option<String>,
    pub source: Source,
    /// Every level that has a value, strongest first, each under the name and in the unit it was
    /// set with.
    pub synonyms: Vec<SynonymValue>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SynonymValue {
    pub name: &'static str,
    pub value: String,
    pub source: Source,
}

impl Layers<'_> {
    /// The value of a topic key with its sources.
    #[must_use]
    pub fn topic_value(&self, key: &'static Key) -> EffectiveValue {
        let mut synonyms = Vec::new();
        let mut value = None;
        if let Some(text) = self.topic.get(key.name) {
            value = Some(text.clone());
            synonyms.push(SynonymValue {
                name: key.name,
                value: text.clone(),
                source: Source::Topic,
            });
        }
        for (source, layer) in self.broker_layers() {
            for synonym in key.synonyms {
                let Some(text) = layer.get(synonym.name) else { continue };
                value.get_or_insert_with(|| scaled(text, synonym.factor));
                synonyms.push(SynonymValue { name: synonym.name, value: text.clone(), source });
            }
        }
        for synonym in key.synonyms {
            let Some(text) = broker_key(synonym.name).and_then(|key| key.default) else { continue };
            let value = text.to_owned();
            synonyms.push(SynonymValue { name: synonym.name, value, source: Source::BuiltIn });
        }
        let value = value.or_else(|| key.default.map(str::to_owned));
        let source = synonyms.first().map_or(Source::BuiltIn, |first| first.source);
        EffectiveValue { key: key.name, value, source, synonyms }
    }

    /// The value of a broker key with its sources.
    #[must_use]
    pub fn broker_value(&self, key: &'static Key) -> EffectiveValue {
        let set = self.broker_layers().into_iter().filter_map(|(source, layer)| {
            let value = layer.get(key.name)?.clone();
            Some(SynonymValue { name: key.name, value, source })
        });
        let built_in = key.default.map(|text| SynonymValue {
            name: key.name,
            value: text.to_owned(),
            source: Source::BuiltIn,
        });
        let synonyms: Vec<_> = set.chain(built_in).collect();
        let first = synonyms.first();
        EffectiveValue {
            key: key.name,
            value: first.map(|first| first.value.clone()),
            source: first.map_or(Source::BuiltIn, |first| first.source),
            synonyms,
        }
    }

    /// A topic key's value as a number.
    ///
    /// # Panics
    /// When no topic key of a numeric kind has this name.
    #[must_use]
    pub fn topic_number(&self, name: &str) -> i64 {
        match self.topic_parsed(name) {
            Value::Number(number) => number,
            other => panic!("{name} is no whole number but {other:?}"),
        }
    }

    /// A topic key's value as true or false.
    ///
    /// # Panics
    /// When no topic key of this name is a boolean.
    #[must_use]
    pub fn topic_flag(&self, name: &str) -> bool {
        self.topic_parsed(name) == Value::Boolean(true)
    }

    /// A topic key's value in its own kind.
    ///
    /// # Panics
    /// When no topic key has this name.
    #[must_use]
    pub fn topic_parsed(&self, name: &str) -> Value {
        let key = topic_key(name).unwrap_or_else(|| panic!("{name} is no topic key"));
        parsed_or_default(key, self.topic_value(key))
    }

    /// A broker key's value as a number; `None` when it has no default and nobody set it.
    ///
    /// # Panics
    /// When no broker key of a numeric kind has this name.
    #[must_use]
    pub fn broker_number(&self, name: &str) -> Option<i64> {
        match self.broker_parsed(name)? {
            Value::Number(number) => Some(number),
            other => panic!("{name} is no whole number but {other:?}"),
        }
    }

    /// A broker key's value as true or false.
    ///
    /// # Panics
    /// When no broker key has this name.
    #[must_use]
    pub fn broker_flag(&self, name: &str) -> bool {
        self.broker_parsed(name) == Some(Value::Boolean(true))
    }

    /// A broker key's value in its own kind; `None` when it has no default and nobody set it.
    ///
    /// # Panics
    /// When no broker key has this name.
    #[must_use]
    pub fn broker_parsed(&self, name: &str) -> Option<Value> {
        let key = broker_key(name).unwrap_or_else(|| panic!("{name} is no broker key"));
        let effective = self.broker_value(key);
        effective.value.is_some().then(|| parsed_or_default(key, effective))
    }

    /// Every topic key, in the table's order.
    pub fn topic_values(&self) -> impl Iterator<Item = EffectiveValue> {
        TOPIC.iter().map(|key| self.topic_value(key))
    }

    /// Every broker key, in the table's order.
    pub fn broker_values(&self) -> impl Iterator<Item = EffectiveValue> {
        BROKER.iter().map(|key| self.broker_value(key))
    }

    fn broker_layers(&self) -> [(Source, &Values); 3] {
        [
            (Source::Broker, self.broker),
            (Source::ClusterDefault, self.cluster_default),
            (Source::File, self.file),
        ]
    }
}

/// A value that an older or another broker accepted and this one cannot read falls back to the
/// built-in one: metadata of a running cluster must not stop a node.
fn parsed_or_default(key: &'static Key, effective: EffectiveValue) -> Value {
    let text = effective.value.unwrap_or_default();
    parse(key, &text).unwrap_or_else(|_| {
        let default = key.default.unwrap_or_default();
        parse(key, default).unwrap_or_else(|error| panic!("the table contradicts itself: {error}"))
    })
}

fn scaled(text: &str, factor: i64) -> String {
    // -1 means "no limit" in every unit.
    match text.trim().parse::<i64>() {
        Ok(number) if number > 0 => number.saturating_mul(factor).to_string(),
        _ => text.to_owned(),
    }
}
