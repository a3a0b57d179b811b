//! The rows of the image, and their records.

use model::{BrokerEpoch, LeaderEpoch, NodeId, TopicId};
use wire::Uuid;
use wire::metadata::{
    BrokerEndpoint, BrokerRegistrationChangeRecord, ConfigRecord, PartitionChangeRecord,
    PartitionRecord, RegisterBrokerRecord,
};

/// `resource_type` of a topic's configuration.
pub const CONFIG_TOPIC: i8 = 2;
/// `resource_type` of a broker's configuration; an empty name is the default of all brokers.
pub const CONFIG_BROKER: i8 = 4;

const NO_LEADER: i32 = -1;
const LEADER_UNCHANGED: i32 = -2;

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

    pub(super) fn from_record(record: &RegisterBrokerRecord) -> Self {
        let listeners = record.end_points.iter().map(|it| Listener {
            name: it.name.clone(),
            host: it.host.clone(),
            port: it.port,
            security_protocol: it.security_protocol,
        });
        Self {
            id: NodeId(record.broker_id),
            epoch: BrokerEpoch(record.broker_epoch),
            incarnation_id: record.incarnation_id,
            listeners: listeners.collect(),
            rack: record.rack.clone(),
            fenced: record.fenced,
            in_controlled_shutdown: record.in_controlled_shutdown,
            directories: record.log_dirs.clone(),
        }
    }

    pub(super) fn change(&mut self, record: &BrokerRegistrationChangeRecord) {
        // -1 unfences, 1 fences, 0 leaves it as it is.
        match record.fenced {
            0 => {}
            change => self.fenced = change > 0,
        }
        if record.in_controlled_shutdown > 0 {
            self.in_controlled_shutdown = true;
        }
        if !record.log_dirs.is_empty() {
            self.directories.clone_from(&record.log_dirs);
        }
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
    pub(super) fn from_record(record: &PartitionRecord) -> Self {
        Self {
            leader: node(record.leader),
            leader_epoch: LeaderEpoch(record.leader_epoch),
            partition_epoch: record.partition_epoch,
            replicas: nodes(&record.replicas),
            isr: nodes(&record.isr),
            directories: record.directories.clone(),
        }
    }

    pub(super) fn change(&mut self, record: &PartitionChangeRecord) {
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
