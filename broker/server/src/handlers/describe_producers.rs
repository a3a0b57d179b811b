//! DescribeProducers: who writes idempotently to a partition.
//!
//! Source: KIP-664.

use std::rc::Rc;

use runtime::Runtime;
use wire::messages::describe_producers::{
    DescribeProducersRequest, DescribeProducersResponse, PartitionResponse, ProducerState,
    TopicResponse,
};

use crate::net::{Close, RequestContext};
use crate::query::{Answer, Query, ask};
use crate::shard::Shard;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    _: &RequestContext<'_>,
    request: DescribeProducersRequest,
) -> Result<DescribeProducersResponse, Close> {
    let mut response = DescribeProducersResponse::default();
    let mut questions = Vec::new();
    for topic in &request.topics {
        let mut partitions = Vec::with_capacity(topic.partition_indexes.len());
        for index in &topic.partition_indexes {
            let mut row =
                PartitionResponse { partition_index: *index, ..PartitionResponse::default() };
            match shard.find(&topic.name, *index) {
                Ok(at) => questions.push((at, Query::Producers)),
                Err(code) => row.error_code = code.code(),
            }
            partitions.push(row);
        }
        response.topics.push(TopicResponse { name: topic.name.clone(), partitions });
    }
    let mut answers = ask(shard, questions).await.into_iter();
    let rows = response.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
    for row in rows.filter(|row| row.error_code == 0) {
        match answers.next().expect("one answer per question") {
            Ok(Answer::Producers(producers)) => {
                row.active_producers = producers
                    .iter()
                    .map(|it| ProducerState {
                        producer_id: it.id.0,
                        producer_epoch: it.epoch.0.into(),
                        last_sequence: it.last_sequence.unwrap_or(-1),
                        last_timestamp: it.last_timestamp_ms,
                        coordinator_epoch: it.coordinator_epoch.unwrap_or(-1),
                        current_txn_start_offset: it.transaction_start.map_or(-1, |start| start.0),
                    })
                    .collect();
            }
            Ok(other) => panic!("producers were asked for, the answer is {other:?}"),
            Err(code) => row.error_code = code.code(),
        }
    }
    Ok(response)
}
