//! DescribeLogDirs: data directories, their space and the partitions in them.
//!
//! Source: KIP-113, KIP-827 (space), KIP-1066 (cordoned).

use std::collections::BTreeMap;
use std::rc::Rc;

use model::{ErrorCode, TopicPartition};
use runtime::Runtime;
use wire::messages::describe_log_dirs::{
    DescribeLogDirsPartition, DescribeLogDirsRequest, DescribeLogDirsResponse,
    DescribeLogDirsResult, DescribeLogDirsTopic,
};

use crate::net::{Close, RequestContext};
use crate::query::{Answer, Query, ask};
use crate::shard::Shard;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    _: &RequestContext<'_>,
    request: DescribeLogDirsRequest,
) -> Result<DescribeLogDirsResponse, Close> {
    let named = named_partitions(shard, &request);
    let questions = named.iter().map(|(_, at)| (*at, Query::Size)).collect();
    let answers = ask(shard, questions).await;
    let mut by_directory: BTreeMap<usize, BTreeMap<&str, Vec<DescribeLogDirsPartition>>> =
        BTreeMap::new();
    for ((topic, at), answer) in named.iter().zip(answers) {
        // A partition that went away meanwhile is in no directory.
        let Ok(Answer::Size { directory, size_bytes }) = answer else { continue };
        let row = DescribeLogDirsPartition {
            partition_index: at.partition.0,
            partition_size: i64::try_from(size_bytes).unwrap_or(i64::MAX),
            ..DescribeLogDirsPartition::default()
        };
        by_directory.entry(directory).or_default().entry(topic).or_default().push(row);
    }
    let mut results = Vec::new();
    for (index, directory) in shard.store().directories().await.into_iter().enumerate() {
        let topics = by_directory.remove(&index).unwrap_or_default();
        let topics = topics
            .into_iter()
            .map(|(name, partitions)| DescribeLogDirsTopic { name: name.to_owned(), partitions });
        let bytes = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        results.push(DescribeLogDirsResult {
            error_code: if directory.online { 0 } else { ErrorCode::KafkaStorageError.code() },
            log_dir: directory.path.display().to_string(),
            topics: topics.collect(),
            total_bytes: directory.space.map_or(-1, |space| bytes(space.total_bytes)),
            usable_bytes: directory.space.map_or(-1, |space| bytes(space.free_bytes)),
            ..DescribeLogDirsResult::default()
        });
    }
    Ok(DescribeLogDirsResponse { results, ..DescribeLogDirsResponse::default() })
}

/// What the request names and exists; everything when it names nothing.
fn named_partitions<R: Runtime>(
    shard: &Shard<R>,
    request: &DescribeLogDirsRequest,
) -> Vec<(String, TopicPartition)> {
    let topics = shard.topics.borrow();
    let mut named = Vec::new();
    let mut add = |name: &str, index: i32| {
        let topic = topics.by_name(name);
        if let Some(Ok((at, _))) = topic.map(|topic| topic.partition(index, shard.shard_count)) {
            named.push((name.to_owned(), at));
        }
    };
    match &request.topics {
        Some(asked) => {
            for topic in asked {
                topic.partitions.iter().for_each(|index| add(&topic.topic, *index));
            }
        }
        None => {
            for topic in topics.iter() {
                (0..topic.partition_count).for_each(|index| add(&topic.name, index));
            }
        }
    }
    named
}
