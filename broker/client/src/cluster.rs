//! Who leads what, and a connection to them.

use core::time::Duration;
use model::{ErrorCode, NodeId, PartitionIndex, TopicId};
use runtime::Runtime;
use std::collections::BTreeMap;
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};

use crate::{ClientError, Connection, NamedPartition, Options};

/// How long one metadata or admin request may take.
pub(crate) const CALL_LIMIT: Duration = Duration::from_secs(30);

/// Pause between two looks at the metadata while leaders are being elected.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A broker as the cluster names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    pub host: String,
    pub port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    pub id: TopicId,
    pub partitions: BTreeMap<PartitionIndex, Partition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    pub leader: Option<NodeId>,
    pub replica_count: usize,
}

/// What the metadata said at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    pub brokers: BTreeMap<NodeId, Broker>,
    pub topics: BTreeMap<String, Topic>,
}

/// A cluster, reached through one bootstrap connection.
pub struct Client<R: Runtime> {
    rt: R,
    options: Options,
    pub(crate) bootstrap: Connection<R>,
}

impl<R: Runtime> Client<R> {
    /// Connects to the first address (`host:port`) that answers.
    ///
    /// # Errors
    /// [`ClientError::Address`] for text that is no address, [`ClientError::Unreachable`] when none
    /// answers; an error of the version negotiation.
    pub async fn connect(
        rt: &R,
        addresses: &[String],
        options: Options,
    ) -> Result<Self, ClientError> {
        let mut last = ClientError::Address(String::new());
        for address in addresses {
            match open_at(rt, address, &options).await {
                Ok(bootstrap) => return Ok(Self { rt: rt.clone(), options, bootstrap }),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Asks for the named topics; unknown ones are absent from the answer and are not created.
    ///
    /// # Errors
    /// As [`Connection::call`].
    pub async fn metadata(&self, topics: &[&str]) -> Result<Cluster, ClientError> {
        let request = metadata_request(Some(topics));
        let response = self.bootstrap.call(&request, CALL_LIMIT).await?;
        ClientError::check("Metadata", response.error_code, None)?;
        Ok(Cluster::of(&response))
    }

    /// Waits until every named topic has `partition_count` partitions, each with a leader.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`] after `limit`.
    pub async fn settled(
        &self,
        topics: &[&str],
        partition_count: usize,
        limit: Duration,
    ) -> Result<Cluster, ClientError> {
        let deadline = self.rt.now().mono + limit;
        loop {
            let cluster = self.metadata(topics).await?;
            let Some(missing) = topics.iter().find(|name| !cluster.leads(name, partition_count))
            else {
                return Ok(cluster);
            };
            let now = self.rt.now().mono;
            if now >= deadline {
                return Err(ClientError::NoLeader { topic: (*missing).to_owned() });
            }
            self.rt.sleep_until(now + LOOK_AGAIN).await;
        }
    }

    /// A connection of its own to a broker, with the client's options changed by `adjust`.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub async fn open(
        &self,
        broker: &Broker,
        adjust: impl FnOnce(&mut Options),
    ) -> Result<Connection<R>, ClientError> {
        let mut options = self.options.clone();
        adjust(&mut options);
        open_host(&self.rt, &broker.host, broker.port, &options).await
    }
}

/// Asks for the named topics, for all when `None`, and creates none.
pub(crate) fn metadata_request(topics: Option<&[&str]>) -> MetadataRequest {
    let named = |name: &&str| MetadataRequestTopic {
        topic_id: TopicId::ZERO,
        name: Some((*name).to_owned()),
    };
    MetadataRequest {
        topics: topics.map(|topics| topics.iter().map(named).collect()),
        allow_auto_topic_creation: false,
        ..MetadataRequest::default()
    }
}

/// Connects to `host:port`.
pub(crate) async fn open_at<R: Runtime>(
    rt: &R,
    address: &str,
    options: &Options,
) -> Result<Connection<R>, ClientError> {
    let wrong = || ClientError::Address(address.to_owned());
    let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().map_err(|_| wrong())?;
    open_host(rt, host.trim_matches(['[', ']']), port, options).await
}

pub(crate) async fn open_host<R: Runtime>(
    rt: &R,
    host: &str,
    port: u16,
    options: &Options,
) -> Result<Connection<R>, ClientError> {
    let unreachable =
        |reason| ClientError::Unreachable { address: format!("{host}:{port}"), reason };
    let mut last = unreachable(runtime::Error::NotFound);
    for at in rt.resolve(host, port).await.map_err(unreachable)? {
        match Connection::open(rt, at, options.clone()).await {
            Ok(connection) => return Ok(connection),
            Err(ClientError::Connection(reason)) => last = unreachable(reason),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Cluster {
    /// The part of a metadata answer that routes requests; topics with an error are left out.
    #[must_use]
    pub fn of(response: &MetadataResponse) -> Self {
        let brokers = response.brokers.iter().filter_map(|broker| {
            let port = u16::try_from(broker.port).ok()?;
            Some((NodeId(broker.node_id), Broker { host: broker.host.clone(), port }))
        });
        let mut topics = BTreeMap::new();
        for topic in &response.topics {
            let (Some(name), 0) = (topic.name.clone(), topic.error_code) else { continue };
            let partitions = topic.partitions.iter().map(|partition| {
                let leads = partition.error_code == 0 && partition.leader_id >= 0;
                let leader = leads.then_some(NodeId(partition.leader_id));
                let replica_count = partition.replica_nodes.len();
                (PartitionIndex(partition.partition_index), Partition { leader, replica_count })
            });
            topics.insert(name, Topic { id: topic.topic_id, partitions: partitions.collect() });
        }
        Self { brokers: brokers.collect(), topics }
    }

    /// The leader of a partition.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`] while it has none; [`ClientError::Refused`] when there is no such partition.
    pub fn leader(&self, at: &NamedPartition) -> Result<NodeId, ClientError> {
        let topic = self.topics.get(&*at.topic);
        let Some(partition) = topic.and_then(|topic| topic.partitions.get(&at.partition)) else {
            let code = ErrorCode::UnknownTopicOrPartition.code();
            return Err(ClientError::refused(format!("looking for {at}"), code, None));
        };
        partition.leader.ok_or_else(|| ClientError::NoLeader { topic: at.topic.to_string() })
    }

    fn leads(&self, topic: &str, partition_count: usize) -> bool {
        self.topics.get(topic).is_some_and(|topic| {
            topic.partitions.len() == partition_count
                && topic.partitions.values().all(|partition| partition.leader.is_some())
        })
    }
}
