//! Small questions about partitions, asked by any shard and answered on the home shard.

use std::collections::BTreeMap;

use model::{ErrorCode, LeaderEpoch, Offset, ShardId, TopicPartition};
use replication::ProducerDescription;
use runtime::Runtime;

use crate::mesh::{Reply, Request};
use crate::shard::Shard;

/// What is asked about one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Query {
    /// ListOffsets.
    Offset { leader_epoch: Option<LeaderEpoch>, of: OffsetOf, committed_only: bool },
    /// OffsetForLeaderEpoch: where an epoch ends.
    EpochEnd { leader_epoch: Option<LeaderEpoch>, epoch: LeaderEpoch },
    /// DeleteRecords; `None` deletes up to the high watermark.
    DeleteBefore { offset: Option<Offset> },
    /// DescribeProducers.
    Producers,
    /// DescribeLogDirs.
    Size,
}

/// Which offset ListOffsets wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OffsetOf {
    Latest,
    Earliest,
    MaxTimestamp,
    /// Kept on remote storage, which does not exist here.
    Remote,
    /// First record at or after this time.
    Timestamp(i64),
}

/// The answer to a [`Query`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// `None`: there is no such record.
    Offset(Option<Found>),
    /// `None`: the epoch is unknown here.
    EpochEnd(Option<(LeaderEpoch, Offset)>),
    Deleted {
        log_start_offset: Offset,
    },
    Producers(Vec<ProducerDescription>),
    Size {
        directory: usize,
        size_bytes: u64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) offset: Offset,
    /// `None` where no record was looked at.
    pub(crate) timestamp_ms: Option<i64>,
    pub(crate) leader_epoch: Option<LeaderEpoch>,
}

pub(crate) type Answered = Result<Answer, ErrorCode>;

/// Asks each question on its home shard. Answers come in the order of the questions.
pub(crate) async fn ask<R: Runtime>(
    shard: &Shard<R>,
    questions: Vec<(TopicPartition, Query)>,
) -> Vec<Answered> {
    let mut by_home: BTreeMap<ShardId, Vec<usize>> = BTreeMap::new();
    for (place, (at, _)) in questions.iter().enumerate() {
        by_home.entry(at.home(shard.shard_count)).or_default().push(place);
    }
    // A shard that could not be asked answers like one that no longer leads.
    let mut answers = vec![Err(ErrorCode::NotLeaderOrFollower); questions.len()];
    let here = by_home.remove(&shard.id);
    let mut asked = Vec::new();
    for (home, places) in by_home {
        let part = places.iter().map(|place| questions[*place]).collect();
        asked.push((places, shard.mesh.submit(home, Request::Query(part)).await));
    }
    for place in here.unwrap_or_default() {
        let (at, query) = questions[place];
        answers[place] = answer(shard, at, query).await;
    }
    for (places, reply) in asked {
        let Some(reply) = reply else { continue };
        if let Some(Reply::Answered(part)) = reply.await {
            for (place, answer) in places.into_iter().zip(part) {
                answers[place] = answer;
            }
        }
    }
    answers
}

/// Answers one question about a partition of this shard.
pub(crate) async fn answer<R: Runtime>(
    shard: &Shard<R>,
    at: TopicPartition,
    query: Query,
) -> Answered {
    let partition = shard.replica(at)?;
    match query {
        Query::Offset { leader_epoch, of, committed_only } => {
            partition.find_offset(leader_epoch, of, committed_only).await.map(Answer::Offset)
        }
        Query::EpochEnd { leader_epoch, epoch } => {
            partition.visible(leader_epoch).map_err(|error| error.code())?;
            Ok(Answer::EpochEnd(partition.leader_epoch_end(epoch)))
        }
        Query::DeleteBefore { offset } => {
            let log_start_offset = partition.delete_before(shard, offset).await?;
            Ok(Answer::Deleted { log_start_offset })
        }
        Query::Producers => {
            partition.visible(None).map_err(|error| error.code())?;
            Ok(Answer::Producers(partition.replica().producers().describe().collect()))
        }
        Query::Size => {
            let (directory, size_bytes) = partition.size();
            Ok(Answer::Size { directory, size_bytes })
        }
    }
}
