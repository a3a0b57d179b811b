//! OffsetForLeaderEpoch: where a leader epoch ends, for consumers that check their position.
//!
//! Source: KIP-101, KIP-320.

use std::rc::Rc;

use model::{ErrorCode, LeaderEpoch, TopicPartition};
use runtime::Runtime;
use wire::messages::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition, OffsetForLeaderTopicResult,
};

use crate::net::{Close, RequestContext};
use crate::query::{Answer, Query, ask};
use crate::shard::Shard;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    _: &RequestContext<'_>,
    request: OffsetForLeaderEpochRequest,
) -> Result<OffsetForLeaderEpochResponse, Close> {
    let mut response = OffsetForLeaderEpochResponse::default();
    let mut questions = Vec::new();
    for topic in &request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let mut row =
                EpochEndOffset { partition: partition.partition, ..EpochEndOffset::default() };
            match question(shard, &topic.topic, partition) {
                Ok(question) => questions.push(question),
                Err(code) => row.error_code = code.code(),
            }
            partitions.push(row);
        }
        response.topics.push(OffsetForLeaderTopicResult { topic: topic.topic.clone(), partitions });
    }
    let mut answers = ask(shard, questions).await.into_iter();
    let rows = response.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
    for row in rows.filter(|row| row.error_code == 0) {
        match answers.next().expect("one answer per question") {
            Ok(Answer::EpochEnd(Some((epoch, end)))) => {
                row.leader_epoch = epoch.0;
                row.end_offset = end.0;
            }
            Ok(Answer::EpochEnd(None)) => {}
            Ok(other) => panic!("an epoch's end was asked for, the answer is {other:?}"),
            Err(code) => row.error_code = code.code(),
        }
    }
    Ok(response)
}

fn question<R: Runtime>(
    shard: &Shard<R>,
    topic: &str,
    partition: &OffsetForLeaderPartition,
) -> Result<(TopicPartition, Query), ErrorCode> {
    let at = shard.find(topic, partition.partition)?;
    let current = partition.current_leader_epoch;
    let leader_epoch = (current >= 0).then_some(LeaderEpoch(current));
    Ok((at, Query::EpochEnd { leader_epoch, epoch: LeaderEpoch(partition.leader_epoch) }))
}
