//! What a measurement asks of a cluster besides records.

use model::{Offset, PartitionIndex, ProducerEpoch, ProducerId};
use runtime::Runtime;
use std::collections::BTreeMap;
use wire::messages::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use wire::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use wire::messages::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};
use wire::messages::init_producer_id::InitProducerIdRequest;
use wire::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};

use crate::cluster::CALL_LIMIT;
use crate::{Client, ClientError, Connection};

/// Kafka's resource type of a topic in DescribeConfigs.
const RESOURCE_TOPIC: i8 = 2;
/// The timestamp that asks ListOffsets for the end.
const LATEST: i64 = -1;
const TIMEOUT_MS: i32 = 30_000;

/// A topic to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    pub name: String,
    pub partition_count: i32,
    /// `None`: the broker's default.
    pub replication_factor: Option<i16>,
    pub configs: BTreeMap<String, String>,
}

impl<R: Runtime> Client<R> {
    /// # Errors
    /// [`ClientError::Refused`] with the broker's reason, or as [`Connection::call`].
    pub async fn create_topic(&self, topic: NewTopic) -> Result<(), ClientError> {
        let configs = topic
            .configs
            .into_iter()
            .map(|(name, value)| CreatableTopicConfig { name, value: Some(value) })
            .collect();
        let request = CreateTopicsRequest {
            topics: vec![CreatableTopic {
                name: topic.name,
                num_partitions: topic.partition_count,
                replication_factor: topic.replication_factor.unwrap_or(-1),
                assignments: vec![],
                configs,
            }],
            timeout_ms: TIMEOUT_MS,
            validate_only: false,
        };
        let response = self.bootstrap.call(&request, CALL_LIMIT).await?;
        for topic in &response.topics {
            let what = format!("creating topic {}", topic.name);
            ClientError::check(&what, topic.error_code, topic.error_message.as_ref())?;
        }
        Ok(())
    }

    /// As [`Connection::delete_topic`], on the bootstrap connection.
    ///
    /// # Errors
    /// As there.
    pub async fn delete_topic(&self, name: &str) -> Result<(), ClientError> {
        self.bootstrap.delete_topic(name).await
    }

    /// Effective values of the named topic configs; those the broker does not know are absent.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the broker's reason, or as [`Connection::call`].
    pub async fn topic_configs(
        &self,
        topic: &str,
        names: &[&str],
    ) -> Result<BTreeMap<String, String>, ClientError> {
        let request = DescribeConfigsRequest {
            resources: vec![DescribeConfigsResource {
                resource_type: RESOURCE_TOPIC,
                resource_name: topic.to_owned(),
                configuration_keys: Some(names.iter().map(|name| (*name).to_owned()).collect()),
            }],
            ..DescribeConfigsRequest::default()
        };
        let response = self.bootstrap.call(&request, CALL_LIMIT).await?;
        let mut configs = BTreeMap::new();
        for result in response.results {
            let what = format!("describing the configs of {topic}");
            ClientError::check(&what, result.error_code, result.error_message.as_ref())?;
            configs.extend(result.configs.into_iter().filter_map(|it| Some((it.name, it.value?))));
        }
        Ok(configs)
    }

    /// As [`Connection::init_producer_id`], on the bootstrap connection.
    ///
    /// # Errors
    /// As there.
    pub async fn init_producer_id(&self) -> Result<(ProducerId, ProducerEpoch), ClientError> {
        self.bootstrap.init_producer_id().await
    }
}

impl<R: Runtime> Connection<R> {
    /// # Errors
    /// [`ClientError::Refused`] with the broker's reason, or as [`Connection::call`].
    pub async fn delete_topic(&self, name: &str) -> Result<(), ClientError> {
        let by_name =
            DeleteTopicState { name: Some(name.to_owned()), ..DeleteTopicState::default() };
        let version = self.versions().of_api(wire::ApiKey::DeleteTopics)?;
        let mut request =
            DeleteTopicsRequest { timeout_ms: TIMEOUT_MS, ..DeleteTopicsRequest::default() };
        if version >= 6 {
            request.topics.push(by_name);
        } else {
            request.topic_names.push(name.to_owned());
        }
        let response = self.call(&request, CALL_LIMIT).await?;
        for topic in &response.responses {
            let what = format!("deleting topic {name}");
            ClientError::check(&what, topic.error_code, topic.error_message.as_ref())?;
        }
        Ok(())
    }

    /// A fresh idempotent producer (KIP-98).
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the broker's reason, or as [`Connection::call`].
    pub async fn init_producer_id(&self) -> Result<(ProducerId, ProducerEpoch), ClientError> {
        let request = InitProducerIdRequest {
            transactional_id: None,
            transaction_timeout_ms: i32::MAX,
            ..InitProducerIdRequest::default()
        };
        let response = self.call(&request, CALL_LIMIT).await?;
        ClientError::check("InitProducerId", response.error_code, None)?;
        Ok((ProducerId(response.producer_id), ProducerEpoch(response.producer_epoch)))
    }

    /// The end of each partition, the offset that the next record will get. Ask the leader.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the broker's reason, or as [`Connection::call`].
    pub async fn end_offsets(
        &self,
        topic: &str,
        partitions: &[PartitionIndex],
    ) -> Result<BTreeMap<PartitionIndex, Offset>, ClientError> {
        let asked = partitions.iter().map(|partition| ListOffsetsPartition {
            partition_index: partition.0,
            timestamp: LATEST,
            ..ListOffsetsPartition::default()
        });
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsTopic { name: topic.to_owned(), partitions: asked.collect() }],
            timeout_ms: TIMEOUT_MS,
            ..ListOffsetsRequest::default()
        };
        let response = self.call(&request, CALL_LIMIT).await?;
        let mut ends = BTreeMap::new();
        for partition in response.topics.into_iter().flat_map(|topic| topic.partitions) {
            let what = format!("the end of {topic}-{}", partition.partition_index);
            ClientError::check(&what, partition.error_code, None)?;
            ends.insert(PartitionIndex(partition.partition_index), Offset(partition.offset));
        }
        Ok(ends)
    }
}
