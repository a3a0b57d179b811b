//! The metadata image: what all records so far add up to.
//!
//! Promises: applying the same records in order gives the same image; a topic's configuration goes
//! with the topic; [`Image::records`] rebuilds an equal image from nothing.
//! Does not: check a record against policy: what is committed has happened.
//! Source: Kafka `MetadataImage`, `PartitionRegistration`.

use core::fmt;
use std::collections::BTreeMap;

use model::TopicPartition;
use model::{BrokerEpoch, LeaderEpoch, NodeId, Offset, PartitionIndex, ProducerId, TopicId};
use wire::Uuid;
use wire::metadata::{
    BrokerEndpoint, BrokerRegistrationChangeRecord, ConfigRecord, FeatureLevelRecord,
    MetadataRecord, PartitionChangeRecord, PartitionRecord, ProducerIdsRecord,
    RegisterBrokerRecord, TopicRecord,
};

use crate::config::{Layers, Values};

/// `resource_type` of a topic's configuration.
pub const CONFIG_TOPIC: i8 = 2;
/// `resource_type` of a broker's configuration; an empty name is the default of all brokers.
pub const CONFIG_BROKER: i8 = 4;

const NO_LEADER: i32 = -1;
const LEADER_UNCHANGED: i32 = -2;

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

/// What a configuration belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigResource {
    pub resource_type: i8,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerImage {
    pub id: NodeId,
    pub epoch: BrokerEpoch,
    /// Drawn anew by every process: tells a restart from a repeated registration.
    pub incarnation_id: Uuid,
    pub listeners: Vec<Listener>,
    pub rack: Option<String>,
    pub fenced: bool,
    pub in_controlled_shutdown: bool,
    pub directories: Vec<Uuid>,
}

/// One address of a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    pub name: String,
    pub host: String,
    pub port: u16,
    /// Kafka's number: 0 plaintext, 1 TLS, 2 SASL, 3 SASL over TLS.
    pub security_protocol: i16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicImage {
    pub id: TopicId,
    pub name: String,
    /// Dense: the partition's number is its place.
    pub partitions: Vec<PartitionImage>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionImage {
    pub leader: Option<NodeId>,
    pub leader_epoch: LeaderEpoch,
    /// Counts every change of this partition's row.
    pub partition_epoch: i32,
    pub replicas: Vec<NodeId>,
    pub isr: Vec<NodeId>,
    /// Data directory of each replica, in the order of `replicas`.
    pub directories: Vec<Uuid>,
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
        let listeners = record.end_points.iter().map(|it| Listener {
            name: it.name.clone(),
            host: it.host.clone(),
            port: it.port,
            security_protocol: it.security_protocol,
        });
        let id = NodeId(record.broker_id);
        let broker = BrokerImage {
            id,
            epoch: BrokerEpoch(record.broker_epoch),
            incarnation_id: record.incarnation_id,
            listeners: listeners.collect(),
            rack: record.rack.clone(),
            fenced: record.fenced,
            in_controlled_shutdown: record.in_controlled_shutdown,
            directories: record.log_dirs.clone(),
        };
        self.brokers.insert(id, broker);
    }

    fn change_registration(
        &mut self,
        record: &BrokerRegistrationChangeRecord,
    ) -> Result<(), ApplyError> {
        let id = NodeId(record.broker_id);
        let broker = self.brokers.get_mut(&id).ok_or(ApplyError::UnknownBroker { broker: id })?;
        // -1 unfences, 1 fences, 0 leaves it as it is.
        match record.fenced {
            0 => {}
            change => broker.fenced = change > 0,
        }
        if record.in_controlled_shutdown > 0 {
            broker.in_controlled_shutdown = true;
        }
        if !record.log_dirs.is_empty() {
            broker.directories.clone_from(&record.log_dirs);
        }
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

impl ConfigResource {
    #[must_use]
    pub fn topic(name: &str) -> Self {
        Self { resource_type: CONFIG_TOPIC, name: name.to_owned() }
    }

    #[must_use]
    pub fn broker(id: NodeId) -> Self {
        Self { resource_type: CONFIG_BROKER, name: id.to_string() }
    }

    /// The default of every broker.
    #[must_use]
    pub fn all_brokers() -> Self {
        Self { resource_type: CONFIG_BROKER, name: String::new() }
    }

    /// A record that sets one key, or with `None` takes it back.
    #[must_use]
    pub fn record(&self, name: String, value: Option<String>) -> ConfigRecord {
        ConfigRecord {
            resource_type: self.resource_type,
            resource_name: self.name.clone(),
            name,
            value,
        }
    }
}

impl BrokerImage {
    #[must_use]
    pub fn listener(&self, name: &str) -> Option<&Listener> {
        self.listeners.iter().find(|listener| listener.name == name)
    }

    pub(crate) fn record(&self) -> RegisterBrokerRecord {
        let end_points = self.listeners.iter().map(|it| BrokerEndpoint {
            name: it.name.clone(),
            host: it.host.clone(),
            port: it.port,
            security_protocol: it.security_protocol,
        });
        RegisterBrokerRecord {
            broker_id: self.id.0,
            incarnation_id: self.incarnation_id,
            broker_epoch: self.epoch.0,
            end_points: end_points.collect(),
            rack: self.rack.clone(),
            fenced: self.fenced,
            in_controlled_shutdown: self.in_controlled_shutdown,
            log_dirs: self.directories.clone(),
            ..Default::default()
        }
    }
}

impl PartitionImage {
    fn from_record(record: &PartitionRecord) -> Self {
        Self {
            leader: node(record.leader),
            leader_epoch: LeaderEpoch(record.leader_epoch),
            partition_epoch: record.partition_epoch,
            replicas: nodes(&record.replicas),
            isr: nodes(&record.isr),
            directories: record.directories.clone(),
        }
    }

    fn change(&mut self, record: &PartitionChangeRecord) {
        if let Some(isr) = &record.isr {
            self.isr = nodes(isr);
        }
        if let Some(replicas) = &record.replicas {
            self.replicas = nodes(replicas);
        }
        if let Some(directories) = &record.directories {
            self.directories.clone_from(directories);
        }
        // Naming a leader starts a new leader epoch, even if it is the same one again.
        if record.leader != LEADER_UNCHANGED {
            self.leader = node(record.leader);
            self.leader_epoch.0 += 1;
        }
        self.partition_epoch += 1;
    }

    pub(crate) fn record(&self, topic: TopicId, index: i32) -> PartitionRecord {
        PartitionRecord {
            partition_id: index,
            topic_id: topic,
            replicas: self.replicas.iter().map(|node| node.0).collect(),
            isr: self.isr.iter().map(|node| node.0).collect(),
            leader: self.leader.map_or(NO_LEADER, |leader| leader.0),
            leader_epoch: self.leader_epoch.0,
            partition_epoch: self.partition_epoch,
            directories: self.directories.clone(),
            ..Default::default()
        }
    }
}

fn node(id: i32) -> Option<NodeId> {
    (id >= 0).then_some(NodeId(id))
}

fn nodes(ids: &[i32]) -> Vec<NodeId> {
    ids.iter().copied().map(NodeId).collect()
}

fn place(topic: TopicId, partition: i32) -> TopicPartition {
    TopicPartition { topic, partition: PartitionIndex(partition) }
}

/// The name with every `.` as `_`; `None` when it has neither and cannot collide.
fn merged_name(name: &str) -> Option<String> {
    name.contains(['.', '_']).then(|| name.replace('.', "_"))
}
