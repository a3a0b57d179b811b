//! OffsetDelete: a group forgets how far it has consumed.
//!
//! Source: KIP-496; Kafka `KafkaApis.handleOffsetDeleteRequest`.

use std::rc::Rc;

use coordinator::{NamedPartition, Request, Response, Text};
use model::{ErrorCode, PartitionIndex};
use runtime::Runtime;
use wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
};

use crate::coordinators::{Ask, Told, ask, sentinels};
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    _: &RequestContext<'_>,
    request: OffsetDeleteRequest,
) -> Result<OffsetDeleteResponse, Close> {
    let refused = |error: ErrorCode| OffsetDeleteResponse {
        error_code: error.code(),
        ..OffsetDeleteResponse::default()
    };
    if let Err(error) = sentinels::check_group_id(&request.group_id) {
        return Ok(refused(error));
    }
    let mut response = OffsetDeleteResponse::default();
    let mut asked = Vec::new();
    for topic in &request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let partition_index = partition.partition_index;
            let found = shard.find(&topic.name, partition_index);
            let error_code = found.err().map_or(0, ErrorCode::code);
            partitions.push(OffsetDeleteResponsePartition { partition_index, error_code });
            asked.extend(found.ok().map(|_| NamedPartition {
                topic: Text::from(&*topic.name),
                partition: PartitionIndex(partition_index),
            }));
        }
        response.topics.push(OffsetDeleteResponseTopic { name: topic.name.clone(), partitions });
    }
    // Asked even about nothing: whether there is such a group is part of the answer.
    let group = request.group_id.as_str().into();
    let delete = coordinator::OffsetDeleteRequest { group, partitions: asked };
    match ask(shard, &request.group_id, Ask::Change(Request::OffsetDelete(delete))).await {
        Ok(Told::Changed(Response::OffsetDelete(Ok(deleted)))) => {
            let rows = response.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
            for (row, deleted) in rows.filter(|row| row.error_code == 0).zip(deleted) {
                row.error_code = deleted.error.code();
            }
            Ok(response)
        }
        Ok(Told::Changed(Response::OffsetDelete(Err(error)))) | Err(error) => Ok(refused(error)),
        Ok(other) => unreachable!("OffsetDelete was answered with {other:?}"),
    }
}
