//! ListOffsets: offsets by timestamp, or by Kafka's special values.
//!
//! Source: KIP-79, KIP-734 (max timestamp), KIP-405 (-4), KIP-1005 (-5), KIP-1075 (timeout, unused:
//! nothing is remote here).

use std::collections::BTreeSet;
use std::rc::Rc;

use model::{ErrorCode, LeaderEpoch, TopicPartition};
use runtime::Runtime;
use wire::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopicResponse,
};

use crate::net::{Close, RequestContext};
use crate::query::{Answer, Answered, OffsetOf, Query, ask};
use crate::shard::Shard;

const READ_COMMITTED: i8 = 1;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    context: &RequestContext<'_>,
    request: ListOffsetsRequest,
) -> Result<ListOffsetsResponse, Close> {
    let mut response = ListOffsetsResponse::default();
    let mut questions = Vec::new();
    let mut seen = BTreeSet::new();
    let committed_only = request.isolation_level == READ_COMMITTED;
    for topic in &request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let question = if seen.insert((&topic.name, partition.partition_index)) {
                question(shard, &topic.name, partition, committed_only, context.version)
            } else {
                Err(ErrorCode::InvalidRequest)
            };
            let mut row = ListOffsetsPartitionResponse {
                partition_index: partition.partition_index,
                ..ListOffsetsPartitionResponse::default()
            };
            match question {
                Ok(question) => questions.push(question),
                Err(code) => row.error_code = code.code(),
            }
            partitions.push(row);
        }
        response.topics.push(ListOffsetsTopicResponse { name: topic.name.clone(), partitions });
    }
    let mut answers = ask(shard, questions).await.into_iter();
    let rows = response.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
    for row in rows.filter(|row| row.error_code == 0) {
        fill(row, answers.next().expect("one answer per question"), context.version);
    }
    Ok(response)
}

fn question<R: Runtime>(
    shard: &Shard<R>,
    topic: &str,
    partition: &ListOffsetsPartition,
    committed_only: bool,
    version: i16,
) -> Result<(TopicPartition, Query), ErrorCode> {
    let at = shard.find(topic, partition.partition_index)?;
    let of = offset_of(partition.timestamp, version).ok_or(ErrorCode::UnsupportedVersion)?;
    let epoch = partition.current_leader_epoch;
    let leader_epoch = (epoch >= 0).then_some(LeaderEpoch(epoch));
    Ok((at, Query::Offset { leader_epoch, of, committed_only }))
}

/// What a timestamp field asks for; `None` for a special value that this version does not have.
fn offset_of(timestamp: i64, version: i16) -> Option<OffsetOf> {
    let (of, since) = match timestamp {
        -1 => (OffsetOf::Latest, 1),
        -2 => (OffsetOf::Earliest, 1),
        -3 => (OffsetOf::MaxTimestamp, 7),
        // Everything is local, so the earliest local offset is the earliest.
        -4 => (OffsetOf::Earliest, 8),
        -5 => (OffsetOf::Remote, 9),
        -6 => (OffsetOf::Remote, 11),
        at if at >= 0 => (OffsetOf::Timestamp(at), 1),
        _ => return None,
    };
    (version >= since).then_some(of)
}

fn fill(row: &mut ListOffsetsPartitionResponse, answer: Answered, version: i16) {
    match answer {
        Ok(Answer::Offset(Some(found))) => {
            row.offset = found.offset.0;
            row.timestamp = found.timestamp_ms.unwrap_or(-1);
            if version >= 4 {
                row.leader_epoch = found.leader_epoch.map_or(-1, |epoch| epoch.0);
            }
        }
        Ok(Answer::Offset(None)) => {}
        Ok(other) => panic!("an offset was asked for, the answer is {other:?}"),
        Err(code) => row.error_code = code.code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_timestamps_exist_from_the_version_that_introduced_them() {
        assert_eq!(offset_of(-3, 6), None);
        assert_eq!(offset_of(-3, 7), Some(OffsetOf::MaxTimestamp));
        assert_eq!(offset_of(-6, 10), None);
        assert_eq!(offset_of(-7, 11), None);
        assert_eq!(offset_of(0, 1), Some(OffsetOf::Timestamp(0)));
    }
}
