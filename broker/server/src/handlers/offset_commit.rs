//! OffsetCommit: how far a group has consumed.
//!
//! Partitions that do not exist are answered here; the group hears of the others.
//! Source: KIP-211 (retention), KIP-320 (leader epochs), KIP-848 (topic ids); Kafka
//! `KafkaApis.handleOffsetCommitRequest`.

use core::time::Duration;
use std::rc::Rc;

use coordinator::{NamedPartition, OffsetToCommit, PartitionError, Request, Response, Text};
use model::{ErrorCode, LeaderEpoch, Offset};
use runtime::Runtime;
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};

use crate::coordinators::{Answer, Ask, Told, ask, sentinels};
use crate::net::{Close, RequestContext};
use crate::shard::Shard;
use crate::topics::Topic;

/// Topics are named by id from here on.
const TOPIC_IDS_SINCE: i16 = 10;
/// Members of KIP-848 may commit from here on, and an unknown group is named as such.
const MEMBER_EPOCHS_SINCE: i16 = 9;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    context: &RequestContext<'_>,
    request: OffsetCommitRequest,
) -> Result<OffsetCommitResponse, Close> {
    let mut response = OffsetCommitResponse::default();
    let mut offsets = Vec::new();
    for topic in &request.topics {
        let known = find_topic(shard, topic, context.version);
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let index = partition.partition_index;
            let known = known.as_ref().map_err(|code| *code);
            let offset = known.and_then(|known| {
                known.partition(index, shard.shard_count)?;
                Ok(to_commit(known, topic, partition))
            });
            let error_code = offset.as_ref().err().map_or(0, |code| code.code());
            partitions.push(OffsetCommitResponsePartition { partition_index: index, error_code });
            offsets.extend(offset);
        }
        let (name, topic_id) = (topic.name.clone(), topic.topic_id);
        response.topics.push(OffsetCommitResponseTopic { name, topic_id, partitions });
    }
    if offsets.is_empty() {
        return Ok(response);
    }
    let retention = u64::try_from(request.retention_time_ms).ok().map(Duration::from_millis);
    let commit = coordinator::OffsetCommitRequest {
        group: request.group_id.as_str().into(),
        generation_id: sentinels::generation_id(request.generation_id_or_member_epoch),
        member_id: sentinels::member_id(&request.member_id),
        instance_id: sentinels::instance_id(request.group_instance_id.as_deref()),
        retention,
        offsets,
    };
    let asked = Ask::Change(Request::OffsetCommit(commit));
    let answer = ask(shard, &request.group_id, asked).await;
    fill(&mut response, answer, context.version);
    Ok(response)
}

fn find_topic<R: Runtime>(
    shard: &Shard<R>,
    topic: &OffsetCommitRequestTopic,
    version: i16,
) -> Result<Rc<Topic>, ErrorCode> {
    let topics = shard.topics.borrow();
    let found = if version >= TOPIC_IDS_SINCE {
        topics.by_id(topic.topic_id).ok_or(ErrorCode::UnknownTopicId)
    } else {
        topics.by_name(&topic.name).ok_or(ErrorCode::UnknownTopicOrPartition)
    };
    found.cloned()
}

fn to_commit(
    known: &Topic,
    topic: &OffsetCommitRequestTopic,
    partition: &OffsetCommitRequestPartition,
) -> OffsetToCommit {
    let index = model::PartitionIndex(partition.partition_index);
    let leader_epoch = Some(partition.committed_leader_epoch).filter(|epoch| *epoch >= 0);
    OffsetToCommit {
        at: NamedPartition { topic: Text::from(&*known.name), partition: index },
        topic_id: topic.topic_id,
        offset: Offset(partition.committed_offset),
        leader_epoch: leader_epoch.map(LeaderEpoch),
        metadata: Text::from(partition.committed_metadata.as_deref().unwrap_or_default()),
    }
}

/// The rows without an error are those that the group was asked about, in order.
fn fill(response: &mut OffsetCommitResponse, answer: Answer, version: i16) {
    let rows = response.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
    let asked = rows.filter(|row| row.error_code == 0);
    match answer {
        Ok(Told::Changed(Response::OffsetCommit(partitions))) => {
            for (row, PartitionError { error, .. }) in asked.zip(partitions) {
                row.error_code = told(error, version).code();
            }
        }
        Ok(other) => unreachable!("OffsetCommit was answered with {other:?}"),
        Err(error) => asked.for_each(|row| row.error_code = told(error, version).code()),
    }
}

fn told(error: ErrorCode, version: i16) -> ErrorCode {
    match error {
        ErrorCode::GroupIdNotFound if version < MEMBER_EPOCHS_SINCE => ErrorCode::IllegalGeneration,
        // A member of KIP-848 that commits as if it were none.
        ErrorCode::StaleMemberEpoch if version < MEMBER_EPOCHS_SINCE => {
            ErrorCode::UnsupportedVersion
        }
        error => error,
    }
}
