//! FindCoordinator: the broker that coordinates a group.
//!
//! Creates `__consumer_offsets` when it is missing, whatever `auto.create.topics.enable` says, and
//! answers once its leader is known here.
//! Does not: know transactions and share groups. Their keys are answered as by a broker whose
//! coordinator for them is not up, or switched off.
//! Source: KIP-699; Kafka `KafkaApis.handleFindCoordinatorRequest`.

use std::rc::Rc;

use controller::AdminRequest;
use model::{ErrorCode, PartitionIndex, TopicPartition};
use runtime::Runtime;
use wire::messages::create_topics::CreateTopicsRequest;
use wire::messages::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse,
};

use crate::control;
use crate::control::view::{self, Endpoint};
use crate::coordinators::{OFFSETS_TOPIC, creatable_offsets_topic, partition_of};
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

const KEY_OF_GROUP: i8 = 0;
const KEY_OF_TRANSACTION: i8 = 1;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    context: &RequestContext<'_>,
    request: FindCoordinatorRequest,
) -> Result<FindCoordinatorResponse, Close> {
    if request.key_type == KEY_OF_GROUP {
        ensure_topic(shard).await;
    }
    let find = |key: &str| match request.key_type {
        KEY_OF_GROUP => find(shard, context, key),
        KEY_OF_TRANSACTION => Err(ErrorCode::CoordinatorNotAvailable),
        _ => Err(ErrorCode::InvalidRequest),
    };
    if context.version >= 4 {
        let keys = request.coordinator_keys;
        let coordinators = keys.into_iter().map(|key| {
            let found = find(&key);
            answer(key, found)
        });
        let coordinators = coordinators.collect();
        return Ok(FindCoordinatorResponse { coordinators, ..FindCoordinatorResponse::default() });
    }
    let found = answer(String::new(), find(&request.key));
    // The one answer of these versions always has a text, and Kafka's is the code's own where all is well.
    let error = ErrorCode::from_code(found.error_code).unwrap_or(ErrorCode::UnknownServerError);
    Ok(FindCoordinatorResponse {
        error_code: found.error_code,
        error_message: Some(error.name().to_owned()),
        node_id: found.node_id,
        host: found.host,
        port: found.port,
        ..FindCoordinatorResponse::default()
    })
}

fn answer(key: String, found: Result<Endpoint, ErrorCode>) -> Coordinator {
    let mut answer = Coordinator { key, node_id: -1, port: -1, ..Coordinator::default() };
    answer.error_message = Some(String::new());
    match found {
        Ok(at) => {
            (answer.node_id, answer.host, answer.port) = (at.id, at.host, at.port);
        }
        Err(error) => {
            answer.error_code = error.code();
            answer.error_message = Some(error.name().to_owned());
        }
    }
    answer
}

/// What keeps the topic from being created keeps groups from being found: the client tries again.
async fn ensure_topic<R: Runtime>(shard: &Rc<Shard<R>>) {
    if shard.topics.borrow().by_name(OFFSETS_TOPIC).is_some() {
        return;
    }
    let topics = vec![creatable_offsets_topic(shard)];
    let topic_ids = control::random_topic_ids(&shard.rt, topics.len());
    let request = CreateTopicsRequest { topics, ..CreateTopicsRequest::default() };
    let _ = control::submit(shard, AdminRequest::CreateTopics { request, topic_ids }).await;
}

/// The leader of the group's partition, where clients of this listener reach it.
fn find<R: Runtime>(
    shard: &Shard<R>,
    context: &RequestContext<'_>,
    group: &str,
) -> Result<Endpoint, ErrorCode> {
    const NOT_YET: ErrorCode = ErrorCode::CoordinatorNotAvailable;
    let image = shard.image.borrow();
    let topic = image.topic_by_name(OFFSETS_TOPIC).ok_or(NOT_YET)?;
    let partition_count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
    let index = partition_of(group, partition_count);
    let at = TopicPartition { topic: topic.id, partition: PartitionIndex(index) };
    let partition = topic.partitions.get(usize::try_from(index).unwrap_or(0)).ok_or(NOT_YET)?;
    let view = shard.view(&image, context);
    let seen = view::partition(view, at, partition, NOT_YET);
    if seen.error != ErrorCode::None {
        return Err(NOT_YET);
    }
    let mut endpoints = view::endpoints(&image, view.listener);
    endpoints.find(|broker| broker.id == seen.leader && !broker.fenced).ok_or(NOT_YET)
}
