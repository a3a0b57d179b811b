//! DeleteRecords: move the log start of partitions forward.
//!
//! Source: KIP-107.

use std::rc::Rc;

use model::{ErrorCode, Offset, TopicPartition};
use runtime::Runtime;
use wire::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsRequest,
    DeleteRecordsResponse, DeleteRecordsTopicResult,
};

use crate::net::{Close, RequestContext};
use crate::query::{Answer, Query, ask};
use crate::shard::Shard;

/// Asks for everything below the high watermark.
const HIGH_WATERMARK: i64 = -1;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    _: &RequestContext<'_>,
    request: DeleteRecordsRequest,
) -> Result<DeleteRecordsResponse, Close> {
    let mut response = DeleteRecordsResponse::default();
    let mut questions = Vec::new();
    for topic in &request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let mut row = DeleteRecordsPartitionResult {
                partition_index: partition.partition_index,
                low_watermark: -1,
                ..DeleteRecordsPartitionResult::default()
            };
            match question(shard, &topic.name, partition) {
                Ok(question) => questions.push(question),
                Err(code) => row.error_code = code.code(),
            }
            partitions.push(row);
        }
        response.topics.push(DeleteRecordsTopicResult { name: topic.name.clone(), partitions });
    }
    let mut answers = ask(shard, questions).await.into_iter();
    let rows = response.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
    for row in rows.filter(|row| row.error_code == 0) {
        match answers.next().expect("one answer per question") {
            Ok(Answer::Deleted { log_start_offset }) => row.low_watermark = log_start_offset.0,
            Ok(other) => panic!("a deletion was asked for, the answer is {other:?}"),
            Err(code) => row.error_code = code.code(),
        }
    }
    Ok(response)
}

fn question<R: Runtime>(
    shard: &Shard<R>,
    topic: &str,
    partition: &DeleteRecordsPartition,
) -> Result<(TopicPartition, Query), ErrorCode> {
    let at = shard.find(topic, partition.partition_index)?;
    if shard.topics.borrow().by_name(topic).is_some_and(|topic| topic.is_internal()) {
        return Err(ErrorCode::InvalidTopicException);
    }
    let offset = match partition.offset {
        HIGH_WATERMARK => None,
        offset if offset >= 0 => Some(Offset(offset)),
        _ => return Err(ErrorCode::OffsetOutOfRange),
    };
    Ok((at, Query::DeleteBefore { offset }))
}
