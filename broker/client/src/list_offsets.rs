//! Offsets of partitions by position or time, each asked of its leader.

use core::cell::RefCell;
use core::time::Duration;
use model::{NodeId, Offset};
use runtime::Runtime;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use wire::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsTopic,
};

use crate::cluster::CALL_LIMIT;
use crate::{ClientError, Cluster, NamedPartition, Router};

/// Which offset of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The first kept record.
    Earliest,
    /// The end that a consumer may read up to: the high watermark.
    Latest,
    /// The record with the largest timestamp.
    MaxTimestamp,
    /// The first record at or after this time, in milliseconds since 1970.
    Timestamp(i64),
}

impl OffsetSpec {
    /// The timestamp that asks for it (Kafka's `ListOffsetsRequest`).
    fn wire(self) -> i64 {
        match self {
            Self::Latest => -1,
            Self::Earliest => -2,
            Self::MaxTimestamp => -3,
            // Negative numbers have the meanings above, and no record is that old.
            Self::Timestamp(at_ms) => at_ms.max(0),
        }
    }
}

/// For each partition its offset, `None` where no record qualifies, or why it is not known.
pub type ListedOffsets = BTreeMap<NamedPartition, Result<Option<Offset>, ClientError>>;

impl<R: Runtime> Router<R> {
    /// Asks the leaders, again while some of them move, for at most `limit`.
    ///
    /// A partition whose leader did not answer has its own error; the others have their offsets.
    pub async fn list_offsets(
        &self,
        wanted: &BTreeMap<NamedPartition, OffsetSpec>,
        limit: Duration,
    ) -> ListedOffsets {
        let listed = RefCell::new(ListedOffsets::new());
        let ended = self.retry(limit, async || self.list_missing(wanted, &listed).await).await;
        let mut listed = listed.into_inner();
        if let Err(error) = ended {
            for partition in wanted.keys() {
                listed.entry(partition.clone()).or_insert_with(|| Err(error.clone()));
            }
        }
        listed
    }

    /// One round over the partitions that have no offset yet; the first passing error when some still have none.
    async fn list_missing(
        &self,
        wanted: &BTreeMap<NamedPartition, OffsetSpec>,
        listed: &RefCell<ListedOffsets>,
    ) -> Result<(), ClientError> {
        let missing: BTreeMap<_, _> = {
            let listed = listed.borrow();
            let missing = |at: &NamedPartition| {
                listed.get(at).is_none_or(|it| it.as_ref().is_err_and(ClientError::is_retriable))
            };
            wanted.iter().filter(|(at, _)| missing(at)).map(|(at, spec)| (at, *spec)).collect()
        };
        let topics: BTreeSet<&str> = missing.keys().map(|at| &*at.topic).collect();
        let topics: Vec<&str> = topics.into_iter().collect();
        let cluster = Cluster::of(&self.metadata(Some(&topics)).await?);
        let mut by_leader: BTreeMap<NodeId, Vec<(&NamedPartition, OffsetSpec)>> = BTreeMap::new();
        let mut passing = Ok(());
        for (at, spec) in missing {
            match cluster.leader(at) {
                Ok(leader) => by_leader.entry(leader).or_default().push((at, spec)),
                Err(error) => note(at, Err(error), &mut listed.borrow_mut(), &mut passing),
            }
        }
        for (leader, wanted) in by_leader {
            let answer = match self.node(leader).await {
                Ok(connection) => connection.call(&request(&wanted), CALL_LIMIT).await,
                Err(error) => Err(error),
            };
            let mut listed = listed.borrow_mut();
            match answer {
                Ok(response) => {
                    for topic in response.topics {
                        let name = Rc::from(topic.name);
                        for answer in topic.partitions {
                            let at = NamedPartition::new(&name, answer.partition_index);
                            note(&at, read(&at, &answer), &mut listed, &mut passing);
                        }
                    }
                }
                Err(error) => {
                    for (at, _) in wanted {
                        note(at, Err(error.clone()), &mut listed, &mut passing);
                    }
                }
            }
        }
        passing
    }
}

/// Keeps an answer, and as `passing` the first error that is worth another round.
fn note(
    at: &NamedPartition,
    answer: Result<Option<Offset>, ClientError>,
    listed: &mut ListedOffsets,
    passing: &mut Result<(), ClientError>,
) {
    if let Err(error) = &answer
        && error.is_retriable()
        && passing.is_ok()
    {
        *passing = Err(error.clone());
    }
    listed.insert(at.clone(), answer);
}

fn request(wanted: &[(&NamedPartition, OffsetSpec)]) -> ListOffsetsRequest {
    let mut topics: Vec<ListOffsetsTopic> = Vec::new();
    for (at, spec) in wanted {
        let partition = ListOffsetsPartition {
            partition_index: at.partition.0,
            timestamp: spec.wire(),
            ..ListOffsetsPartition::default()
        };
        match topics.last_mut() {
            Some(topic) if *topic.name == *at.topic => topic.partitions.push(partition),
            _ => topics
                .push(ListOffsetsTopic { name: at.topic.to_string(), partitions: vec![partition] }),
        }
    }
    ListOffsetsRequest {
        replica_id: -1,
        topics,
        timeout_ms: i32::try_from(CALL_LIMIT.as_millis()).unwrap_or(i32::MAX),
        ..ListOffsetsRequest::default()
    }
}

fn read(
    at: &NamedPartition,
    answer: &ListOffsetsPartitionResponse,
) -> Result<Option<Offset>, ClientError> {
    if answer.error_code != 0 {
        return Err(ClientError::refused(format!("offsets of {at}"), answer.error_code, None));
    }
    Ok((answer.offset >= 0).then_some(Offset(answer.offset)))
}
