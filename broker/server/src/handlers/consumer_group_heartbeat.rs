//! ConsumerGroupHeartbeat: a member of a KIP-848 group joins, stays or leaves.
//!
//! Source: KIP-848; Kafka `KafkaApis.handleConsumerGroupHeartbeat`.

use std::rc::Rc;

use coordinator::consumer::{
    ConsumerHeartbeat, ConsumerHeartbeatResponse, JOIN_EPOCH, Partitions, Refusal,
};
use coordinator::{Client, MemberId, Request, Response, Text};
use model::{PartitionIndex, TopicId, TopicPartition};
use runtime::{Purpose, Runtime};
use wire::messages::consumer_group_heartbeat::{
    Assignment, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, TopicPartitions,
};

use crate::coordinators::{Ask, Told, ask, sentinels};
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

/// The client chooses its member id from here on.
const MEMBER_ID_SINCE: i16 = 1;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    context: &RequestContext<'_>,
    request: ConsumerGroupHeartbeatRequest,
) -> Result<ConsumerGroupHeartbeatResponse, Close> {
    let group = request.group_id.clone();
    let heartbeat = Box::new(heartbeat(shard, context, request));
    let asked = Ask::Change(Request::ConsumerGroupHeartbeat(heartbeat));
    Ok(match ask(shard, &group, asked).await {
        Ok(Told::Changed(Response::ConsumerGroupHeartbeat(Ok(told)))) => granted(&told),
        Ok(Told::Changed(Response::ConsumerGroupHeartbeat(Err(refusal)))) => refused(&refusal),
        Ok(other) => unreachable!("ConsumerGroupHeartbeat was answered with {other:?}"),
        Err(code) => refused(&Refusal { code, message: String::new() }),
    })
}

fn heartbeat<R: Runtime>(
    shard: &Shard<R>,
    context: &RequestContext<'_>,
    request: ConsumerGroupHeartbeatRequest,
) -> ConsumerHeartbeat {
    let draws_id = context.version < MEMBER_ID_SINCE
        && request.member_epoch == JOIN_EPOCH
        && request.member_id.is_empty();
    let member_id = if draws_id {
        let draw = || shard.rt.random(Purpose::MemberId);
        // Kafka's text of a UUID, which is that of a topic id.
        MemberId::from(&*TopicId::from_random(draw(), draw()).to_string())
    } else {
        MemberId::from(&*request.member_id)
    };
    let names = request.subscribed_topic_names;
    ConsumerHeartbeat {
        group: request.group_id.as_str().into(),
        member_id,
        member_epoch: request.member_epoch,
        instance_id: sentinels::instance_id(request.instance_id.as_deref()),
        rack_id: request.rack_id.map(Text::from),
        client: Client {
            id: Text::from(context.client_id.unwrap_or_default()),
            host: sentinels::client_host(context.peer),
        },
        rebalance_timeout: match request.rebalance_timeout_ms {
            -1 => None,
            ms => Some(sentinels::millis(ms)),
        },
        topic_names: names.map(|names| names.into_iter().map(Text::from).collect()),
        topic_regex: request.subscribed_topic_regex.map(Text::from),
        server_assignor: request.server_assignor.map(Text::from),
        owned: request.topic_partitions.map(owned),
    }
}

fn owned(topics: Vec<TopicPartitions>) -> Partitions {
    let partitions = topics.into_iter().flat_map(|of_topic| {
        let topic = of_topic.topic_id;
        of_topic
            .partitions
            .into_iter()
            .map(move |index| TopicPartition { topic, partition: PartitionIndex(index) })
    });
    partitions.collect()
}

fn granted(told: &ConsumerHeartbeatResponse) -> ConsumerGroupHeartbeatResponse {
    let assignment = told.assignment.as_ref().map(|partitions| {
        let partitions: Vec<_> = partitions.iter().collect();
        let topics = partitions.chunk_by(|one, other| one.topic == other.topic);
        let topic_partitions = topics.map(|of_one| TopicPartitions {
            topic_id: of_one[0].topic,
            partitions: of_one.iter().map(|at| at.partition.0).collect(),
        });
        Assignment { topic_partitions: topic_partitions.collect() }
    });
    ConsumerGroupHeartbeatResponse {
        member_id: Some(told.member_id.as_str().to_owned()),
        member_epoch: told.member_epoch,
        heartbeat_interval_ms: i32::try_from(told.heartbeat_interval.as_millis())
            .unwrap_or(i32::MAX),
        assignment,
        ..ConsumerGroupHeartbeatResponse::default()
    }
}

fn refused(refusal: &Refusal) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse {
        error_code: refusal.code.code(),
        error_message: Some(sentinels::sentence(refusal)),
        ..ConsumerGroupHeartbeatResponse::default()
    }
}
