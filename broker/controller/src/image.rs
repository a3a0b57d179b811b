//! The metadata image: what all records so far add up to.
//!
//! Promises: applying the same records in order gives the same image; a topic's configuration goes
//! with the topic; [`Image::records`] rebuilds an equal image from nothing.
//! Does not: check a record against policy: what is committed has happened.
//! Source: Kafka `MetadataImage`, `PartitionRegistration`.

mod rows;

use core::fmt;
use std::collections::BTreeMap;

use model::{NodeId, Offset, PartitionIndex, ProducerId, TopicId, TopicPartition};
use wire::metadata::{
    BrokerRegistrationChangeRecord, ConfigRecord, FeatureLevelRecord, MetadataRecord,
    PartitionChangeRecord, PartitionRecord, ProducerIdsRecord, RegisterBrokerRecord, TopicRecord,
};

use crate::config::{Layers, Values};

pub use rows::{
    BrokerImage, CONFIG_BROKER, CONFIG_TOPIC, ConfigResource, Listener, PartitionImage, TopicImage,
};

/// Everything that the metadata log says, ready to be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Image {
    brokers: BTreeMap<NodeId, BrokerImage>,
    topics: BTreeMap<TopicId, TopicImage>,
    ids_by_name: BTreeMap<String, TopicId>,
    /// Topic names with `.` or `_`, under the name in which both are `_`: metric names cannot tell
    /// them apart, so two such topics must not both exist.
    ids_by_merged_name: BTreeMap<String, TopicId>,
    configs: BTreeMap<ConfigResource, Values>,
    features: BTreeMap<String, i16>,
    next_producer_id: ProducerId,
    partition_count: usize,
    /// Metadata offset up to which records are applied (exclusive).
    end: Offset,
}

/// A committed record that contradicts the image, or that this version does not know how to apply.
/// The node must stop: its view of the cluster would be wrong from here on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplyError {
    UnknownTopic {
        topic: TopicId,
    },
    UnknownPartition {
        at: TopicPartition,
    },
    UnknownBroker {
        broker: NodeId,
    },
    /// Partitions of a topic arrive in order, without gaps.
    PartitionOrder {
        at: TopicPartition,
        expected: i32,
    },
    NameTaken {
        name: String,
    },
    Unsupported {
        record_type: u32,
    },
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTopic { topic } => write!(f, "no topic has id {topic}"),
            Self::UnknownPartition { at } => {
                write!(f, "topic {} has no partition {}", at.topic, at.partition)
            }
            Self::UnknownBroker { broker } => write!(f, "broker {broker} is not registered"),
            Self::PartitionOrder { at, expected } => {
                write!(f, "topic {} continues with {expected}, not {}", at.topic, at.partition)
            }
            Self::NameTaken { name } => write!(f, "a topic named {name} exists already"),
            Self::Unsupported { record_type } => {
                write!(f, "metadata records of type {record_type} cannot be applied")
            }
        }
    }
}

impl core::error::Error for ApplyError {}

impl Image {
    /// Applies one committed record.
    ///
    /// # Errors
    /// The record contradicts the image; nothing was changed.
    pub fn apply(&mut self, record: &MetadataRecord) -> Result<(), ApplyError> {
        match record {
            MetadataRecord::RegisterBroker(it) => self.register(it),
            MetadataRecord::UnregisterBroker(it) => {
                self.brokers.remove(&NodeId(it.broker_id));
            }
            MetadataRecord::BrokerRegistrationChange(it) => self.change_registration(it)?,
            MetadataRecord::Topic(it) => self.create_topic(it)?,
            MetadataRecord::Partition(it) => self.create_partition(it)?,
            MetadataRecord::PartitionChange(it) => self.change_partition(it)?,
            MetadataRecord::RemoveTopic(it) => self.remove_topic(it.topic_id)?,
            MetadataRecord::Config(it) => self.configure(it),
            MetadataRecord::FeatureLevel(it) => {
                if it.feature_level == 0 {
                    self.features.remove(&it.name);
                } else {
                    self.features.insert(it.name.clone(), it.feature_level);
                }
            }
            MetadataRecord::ProducerIds(it) => {
                self.next_producer_id = ProducerId(it.next_producer_id);
            }
            // A transaction of records that ends is the same as its records one by one.
            MetadataRecord::NoOp(_)
            | MetadataRecord::BeginTransaction(_)
            | MetadataRecord::EndTransaction(_) => {}
            MetadataRecord::AbortTransaction(_) => {
                return Err(ApplyError::Unsupported { record_type: record.record_type() });
            }
        }
        Ok(())
    }

    /// Notes that every record below `end` is applied.
    ///
    /// # Panics
    /// When the image is already further.
    pub fn advance_to(&mut self, end: Offset) {
        assert!(end >= self.end, "the image is at {}, not below {end}", self.end);
        self.end = end;
    }

    /// Records that build an equal image from nothing: the content of a snapshot.
    #[must_use]
    pub fn records(&self) -> Vec<MetadataRecord> {
        let features = self.features.iter().map(|(name, level)| {
            FeatureLevelRecord { name: name.clone(), feature_level: *level }.into()
        });
        let mut records: Vec<MetadataRecord> = features.collect();
        records.extend(self.brokers.values().map(|broker| broker.record().into()));
        for topic in self.topics.values() {
            records.push(TopicRecord { name: topic.name.clone(), topic_id: topic.id }.into());
            let partitions = topic.partitions.iter().zip(0..);
            records.extend(partitions.map(|(it, index)| it.record(topic.id, index).into()));
        }
        for (resource, values) in &self.configs {
            records.extend(
                values
                    .iter()
                    .map(|(name, value)| resource.record(name.clone(), Some(value.clone())).into()),
            );
        }
        if self.next_producer_id > ProducerId(0) {
            records.push(
                ProducerIdsRecord {
                    broker_id: -1,
                    broker_epoch: -1,
                    next_producer_id: self.next_producer_id.0,
                }
                .into(),
            );
        }
        records
    }

    /// Brokers in id order, fenced ones included.
    pub fn brokers(&self) -> impl Iterator<Item = &BrokerImage> {
        self.brokers.values()
    }

    #[must_use]
    pub fn broker(&self, id: NodeId) -> Option<&BrokerImage> {
        self.brokers.get(&id)
    }

    /// Topics in name order.
    pub fn topics(&self) -> impl Iterator<Item = &TopicImage> {
        self.ids_by_name.values().map(|id| &self.topics[id])
    }

    /// Topics in name order, from the first name that is not before `from`.
    pub fn topics_from(&self, from: &str) -> impl Iterator<Item = &TopicImage> {
        let range = self
            .ids_by_name
            .range::<str, _>((core::ops::Bound::Included(from), core::ops::Bound::Unbounded));
        range.map(|(_, id)| &self.topics[id])
    }

    #[must_use]
    pub fn topic(&self, id: TopicId) -> Option<&TopicImage> {
        self.topics.get(&id)
    }

    #[must_use]
    pub fn topic_by_name(&self, name: &str) -> Option<&TopicImage> {
        self.ids_by_name.get(name).map(|id| &self.topics[id])
    }

    /// The existing topic whose name differs from `name` only in `.` against `_`.
    #[must_use]
    pub fn colliding_topic(&self, name: &str) -> Option<&TopicImage> {
        let id = self.ids_by_merged_name.get(&merged_name(name)?)?;
        Some(&self.topics[id]).filter(|topic| topic.name != name)
    }

    #[must_use]
    pub fn partition(&self, at: TopicPartition) -> Option<&PartitionImage> {
        let index = usize::try_from(at.partition.0).ok()?;
        self.topics.get(&at.topic)?.partitions.get(index)
    }

    #[must_use]
    pub fn topic_count(&self) -> usize {
        self.topics.len()
    }

    #[must_use]
    pub fn partition_count(&self) -> usize {
        self.partition_count
    }

    /// What is set for one resource; empty when nothing is.
    #[must_use]
    pub fn configs(&self, resource: &ConfigResource) -> &Values {
        static NOTHING: Values = Values::new();
        self.configs.get(resource).unwrap_or(&NOTHING)
    }

    /// The configuration levels for a topic (or, with `None`, for the broker itself), seen by
    /// `node`, whose file said `file`.
    #[must_use]
    pub fn config_layers<'a>(
        &'a self,
        topic: Option<&str>,
        node: NodeId,
        file: &'a Values,
    ) -> Layers<'a> {
        static NOTHING: Values = Values::new();
        let of_topic = |name: &str| self.configs(&ConfigResource::topic(name));
        Layers {
            topic: topic.map_or(&NOTHING, of_topic),
            broker: self.configs(&ConfigResource::broker(node)),
            cluster_default: self.configs(&ConfigResource::all_brokers()),
            file,
        }
    }

    /// Finalized feature levels by name.
    #[must_use]
    pub fn features(&self) -> &BTreeMap<String, i16> {
        &self.features
    }

    #[must_use]
    pub fn next_producer_id(&self) -> ProducerId {
        self.next_producer_id
    }

    /// Metadata offset up to which this image speaks (exclusive).
    #[must_use]
    pub fn end(&self) -> Offset {
        self.end
    }

    fn register(&mut self, record: &RegisterBrokerRecord) {
        let broker = BrokerImage::from_record(record);
        self.brokers.insert(broker.id, broker);
    }

    fn change_registration(
        &mut self,
        record: &BrokerRegistrationChangeRecord,
    ) -> Result<(), ApplyError> {
        let id = NodeId(record.broker_id);
        let broker = self.brokers.get_mut(&id).ok_or(ApplyError::UnknownBroker { broker: id })?;
        broker.change(record);
        Ok(())
    }

    fn create_topic(&mut self, record: &TopicRecord) -> Result<(), ApplyError> {
        let (name, id) = (&record.name, record.topic_id);
        if self.ids_by_name.contains_key(name) || self.topics.contains_key(&id) {
            return Err(ApplyError::NameTaken { name: name.clone() });
        }
        self.ids_by_name.insert(name.clone(), id);
        if let Some(merged) = merged_name(name) {
            self.ids_by_merged_name.insert(merged, id);
        }
        self.topics.insert(id, TopicImage { id, name: name.clone(), partitions: Vec::new() });
        Ok(())
    }

    fn create_partition(&mut self, record: &PartitionRecord) -> Result<(), ApplyError> {
        let at = place(record.topic_id, record.partition_id);
        let topic = self.topics.get_mut(&at.topic);
        let topic = topic.ok_or(ApplyError::UnknownTopic { topic: at.topic })?;
        let expected = topic.partitions.len();
        let partition = PartitionImage::from_record(record);
        match usize::try_from(record.partition_id) {
            Ok(index) if index == expected => topic.partitions.push(partition),
            // The same row again replaces it, as in a snapshot over an older image.
            Ok(index) if index < expected => {
                topic.partitions[index] = partition;
                return Ok(());
            }
            _ => {
                let expected = i32::try_from(expected).unwrap_or(i32::MAX);
                return Err(ApplyError::PartitionOrder { at, expected });
            }
        }
        self.partition_count += 1;
        Ok(())
    }

    fn change_partition(&mut self, record: &PartitionChangeRecord) -> Result<(), ApplyError> {
        let at = place(record.topic_id, record.partition_id);
        let topic = self.topics.get_mut(&at.topic);
        let topic = topic.ok_or(ApplyError::UnknownTopic { topic: at.topic })?;
        let partition = usize::try_from(record.partition_id)
            .ok()
            .and_then(|index| topic.partitions.get_mut(index))
            .ok_or(ApplyError::UnknownPartition { at })?;
        partition.change(record);
        Ok(())
    }

    fn remove_topic(&mut self, id: TopicId) -> Result<(), ApplyError> {
        let topic = self.topics.remove(&id).ok_or(ApplyError::UnknownTopic { topic: id })?;
        self.partition_count -= topic.partitions.len();
        self.ids_by_name.remove(&topic.name);
        if let Some(merged) = merged_name(&topic.name) {
            self.ids_by_merged_name.remove(&merged);
        }
        self.configs.remove(&ConfigResource::topic(&topic.name));
        Ok(())
    }

    fn configure(&mut self, record: &ConfigRecord) {
        let resource = ConfigResource {
            resource_type: record.resource_type,
            name: record.resource_name.clone(),
        };
        let values = self.configs.entry(resource.clone()).or_default();
        match &record.value {
            Some(value) => {
                values.insert(record.name.clone(), value.clone());
            }
            None => {
                values.remove(&record.name);
            }
        }
        if values.is_empty() {
            self.configs.remove(&resource);
        }
    }
}

fn place(topic: TopicId, partition: i32) -> TopicPartition {
    TopicPartition { topic, partition: PartitionIndex(partition) }
}

/// The name with every `.` as `_`; `None` when it has neither and cannot collide.
fn merged_name(name: &str) -> Option<String> {
    name.contains(['.', '_']).then(|| name.replace('.', "_"))
}
