//! Metadata: brokers, topics, leaders. Creates missing topics when client and broker both allow it.

use std::collections::BTreeSet;
use std::rc::Rc;

use controller::{AdminRequest, Image, TopicImage};
use model::{ErrorCode, PartitionIndex, TopicId, TopicPartition};
use runtime::Runtime;
use wire::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use wire::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponsePartition, MetadataResponseTopic,
};

use crate::control;
use crate::control::view::{self, View};
use crate::coordinators::{OFFSETS_TOPIC, creatable_offsets_topic};
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    context: &RequestContext<'_>,
    request: MetadataRequest,
) -> Result<MetadataResponse, Close> {
    let version = context.version;
    if let Some(topics) = request.topics.as_deref()
        && topics.iter().any(|topic| is_malformed(topic, version))
    {
        return Ok(refuse(topics, ErrorCode::InvalidRequest));
    }
    if request.allow_auto_topic_creation && control::creates_topics(shard) {
        let missing = missing_names(&request, version, &shard.image.borrow());
        if !missing.is_empty() {
            create(shard, missing).await;
        }
    }
    let image = shard.image.borrow();
    Ok(respond(&request, version, shard.view(&image, context), &shard.cluster()))
}

/// Before version 12 a topic has a name and no id.
fn is_malformed(topic: &MetadataRequestTopic, version: i16) -> bool {
    let named = topic.name.is_some();
    let has_id = topic.topic_id != TopicId::ZERO;
    if version < 12 { !named || has_id } else { !named && !has_id }
}

fn refuse(topics: &[MetadataRequestTopic], error: ErrorCode) -> MetadataResponse {
    let refused = topics.iter().map(|topic| MetadataResponseTopic {
        error_code: error.code(),
        name: topic.name.clone().or_else(|| Some(String::new())),
        topic_id: topic.topic_id,
        ..MetadataResponseTopic::default()
    });
    MetadataResponse {
        topics: refused.collect(),
        error_code: error.code(),
        ..MetadataResponse::default()
    }
}

/// Null asks for all topics; in version 0 an empty list does.
fn asks_for_all(request: &MetadataRequest, version: i16) -> bool {
    request.topics.as_ref().is_none_or(|topics| version == 0 && topics.is_empty())
}

/// Names that are asked for one by one and do not exist. Asking for all creates nothing.
fn missing_names(request: &MetadataRequest, version: i16, image: &Image) -> BTreeSet<String> {
    if asks_for_all(request, version) {
        return BTreeSet::new();
    }
    let names = request.topics.iter().flatten().filter_map(|topic| topic.name.as_deref());
    let missing = names.filter(|name| image.topic_by_name(name).is_none());
    missing.filter(|name| controller::is_topic_name(name)).map(str::to_owned).collect()
}

/// Creates with the broker's defaults. What cannot be created stays unknown in the answer.
async fn create<R: Runtime>(shard: &Rc<Shard<R>>, names: BTreeSet<String>) {
    let topics: Vec<CreatableTopic> = names
        .into_iter()
        .map(|name| match name.as_str() {
            OFFSETS_TOPIC => creatable_offsets_topic(shard),
            _ => CreatableTopic {
                name,
                num_partitions: -1,
                replication_factor: -1,
                ..CreatableTopic::default()
            },
        })
        .collect();
    let topic_ids = control::random_topic_ids(&shard.rt, topics.len());
    let request = CreateTopicsRequest { topics, ..CreateTopicsRequest::default() };
    let _ = control::submit(shard, AdminRequest::CreateTopics { request, topic_ids }).await;
}

fn respond(
    request: &MetadataRequest,
    version: i16,
    view: View<'_>,
    cluster: &control::Cluster,
) -> MetadataResponse {
    let View { image, listener, .. } = view;
    let topic_operations =
        view::operations(request.include_topic_authorized_operations, view::TOPIC_OPERATIONS);
    // LISTENER_NOT_FOUND is unknown to clients before version 6.
    let unreachable =
        if version >= 6 { ErrorCode::ListenerNotFound } else { ErrorCode::LeaderNotAvailable };
    let found = |topic: &TopicImage| found(topic, view, unreachable, topic_operations);
    let topics = if asks_for_all(request, version) {
        image.topics().map(found).collect()
    } else {
        let mut seen = BTreeSet::new();
        let asked = request.topics.iter().flatten();
        asked
            .filter(|topic| seen.insert((topic.name.clone(), topic.topic_id)))
            .map(|topic| lookup(topic, image).map_or_else(|error| missing(topic, error), found))
            .collect()
    };
    MetadataResponse {
        brokers: view::endpoints(image, listener)
            .filter(|broker| !broker.fenced)
            .map(|broker| MetadataResponseBroker {
                node_id: broker.id,
                host: broker.host,
                port: broker.port,
                rack: broker.rack,
            })
            .collect(),
        cluster_id: Some(cluster.id.clone()),
        controller_id: cluster.controller.0,
        topics,
        cluster_authorized_operations: view::operations(
            request.include_cluster_authorized_operations,
            view::CLUSTER_OPERATIONS,
        ),
        ..MetadataResponse::default()
    }
}

fn lookup<'i>(topic: &MetadataRequestTopic, image: &'i Image) -> Result<&'i TopicImage, ErrorCode> {
    match &topic.name {
        Some(name) if !controller::is_topic_name(name) => Err(ErrorCode::InvalidTopicException),
        Some(name) => image.topic_by_name(name).ok_or(ErrorCode::UnknownTopicOrPartition),
        None => image.topic(topic.topic_id).ok_or(ErrorCode::UnknownTopicId),
    }
}

fn missing(topic: &MetadataRequestTopic, error: ErrorCode) -> MetadataResponseTopic {
    MetadataResponseTopic {
        error_code: error.code(),
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        topic_authorized_operations: view::OPERATIONS_NOT_ASKED,
        ..MetadataResponseTopic::default()
    }
}

fn found(
    topic: &TopicImage,
    view: View<'_>,
    unreachable: ErrorCode,
    topic_operations: i32,
) -> MetadataResponseTopic {
    let partitions = topic.partitions.iter().zip(0..).map(|(partition, index)| {
        let at = TopicPartition { topic: topic.id, partition: PartitionIndex(index) };
        let seen = view::partition(view, at, partition, unreachable);
        MetadataResponsePartition {
            error_code: seen.error.code(),
            partition_index: index,
            leader_id: seen.leader,
            leader_epoch: seen.leader_epoch,
            replica_nodes: seen.replicas,
            isr_nodes: seen.isr,
            offline_replicas: seen.offline,
        }
    });
    MetadataResponseTopic {
        error_code: ErrorCode::None.code(),
        name: Some(topic.name.clone()),
        topic_id: topic.id,
        is_internal: view::is_internal(&topic.name),
        partitions: partitions.collect(),
        topic_authorized_operations: topic_operations,
    }
}
