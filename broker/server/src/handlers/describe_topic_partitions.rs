//! DescribeTopicPartitions: topics page by page (KIP-966).

use std::collections::BTreeSet;
use std::rc::Rc;

use controller::{Image, TopicImage};
use model::{ErrorCode, PartitionIndex, TopicId, TopicPartition};
use runtime::Runtime;
use wire::messages::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};

use crate::control::view::{self, View};
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    context: &RequestContext<'_>,
    request: DescribeTopicPartitionsRequest,
) -> Result<DescribeTopicPartitionsResponse, Close> {
    let page_max = shard.broker_number("max.request.partition.size.limit");
    let asked = i64::from(request.response_partition_limit);
    let limit = usize::try_from(asked.min(page_max)).unwrap_or(0);
    Ok(respond(&request, limit, shard.view(&shard.image.borrow(), context)))
}

/// At most `limit` partitions, in name order from the cursor on; the next cursor says where the
/// following page begins.
fn respond(
    request: &DescribeTopicPartitionsRequest,
    limit: usize,
    view: View<'_>,
) -> DescribeTopicPartitionsResponse {
    let image = view.image;
    let (from, mut first_partition) = match &request.cursor {
        Some(cursor) => (cursor.topic_name.as_str(), cursor.partition_index),
        None => ("", 0),
    };
    let mut response = DescribeTopicPartitionsResponse::default();
    let mut room = limit;
    for name in names(request, image, from) {
        let Some(topic) = image.topic_by_name(name) else {
            response.topics.push(unknown(name));
            continue;
        };
        let start = if name == from { usize::try_from(first_partition).unwrap_or(0) } else { 0 };
        first_partition = 0;
        if room == 0 {
            response.next_cursor = Some(cursor(name, start));
            break;
        }
        let end = topic.partitions.len().min(start.saturating_add(room));
        response.topics.push(page(topic, start..end, view));
        room -= end.saturating_sub(start);
        if end < topic.partitions.len() {
            response.next_cursor = Some(cursor(name, end));
            break;
        }
    }
    response
}

/// An empty list asks for all topics.
fn names<'a>(
    request: &'a DescribeTopicPartitionsRequest,
    image: &'a Image,
    from: &str,
) -> BTreeSet<&'a str> {
    if request.topics.is_empty() {
        return image.topics_from(from).map(|topic| topic.name.as_str()).collect();
    }
    let asked = request.topics.iter().map(|topic| topic.name.as_str());
    asked.filter(|name| *name >= from).collect()
}

fn cursor(topic: &str, partition: usize) -> Cursor {
    let partition_index = i32::try_from(partition).unwrap_or(i32::MAX);
    Cursor { topic_name: topic.to_owned(), partition_index }
}

fn unknown(name: &str) -> DescribeTopicPartitionsResponseTopic {
    let error = if controller::is_topic_name(name) {
        ErrorCode::UnknownTopicOrPartition
    } else {
        ErrorCode::InvalidTopicException
    };
    DescribeTopicPartitionsResponseTopic {
        error_code: error.code(),
        name: Some(name.to_owned()),
        topic_id: TopicId::ZERO,
        topic_authorized_operations: view::OPERATIONS_NOT_ASKED,
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}

fn page(
    topic: &TopicImage,
    range: core::ops::Range<usize>,
    view: View<'_>,
) -> DescribeTopicPartitionsResponseTopic {
    let partitions = topic.partitions.iter().zip(0..).skip(range.start).take(range.len());
    let partitions = partitions.map(|(partition, index)| {
        let at = TopicPartition { topic: topic.id, partition: PartitionIndex(index) };
        let seen = view::partition(view, at, partition, ErrorCode::ListenerNotFound);
        DescribeTopicPartitionsResponsePartition {
            error_code: seen.error.code(),
            partition_index: index,
            leader_id: seen.leader,
            leader_epoch: seen.leader_epoch,
            replica_nodes: seen.replicas,
            isr_nodes: seen.isr,
            eligible_leader_replicas: Some(Vec::new()),
            last_known_elr: Some(Vec::new()),
            offline_replicas: seen.offline,
        }
    });
    DescribeTopicPartitionsResponseTopic {
        error_code: ErrorCode::None.code(),
        name: Some(topic.name.clone()),
        topic_id: topic.id,
        is_internal: view::is_internal(&topic.name),
        partitions: partitions.collect(),
        topic_authorized_operations: view::TOPIC_OPERATIONS,
    }
}
