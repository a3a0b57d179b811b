//! What groups have committed: read, written, by members and by tools.

use core::time::Duration;
use model::{ErrorCode, Offset};
use runtime::Runtime;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use wire::ApiKey;
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
    OffsetFetchResponse,
};

use crate::cluster::CALL_LIMIT;
use crate::{ClientError, NamedPartition, Positions, Router};

/// The highest versions that name topics; later ones want ids.
const COMMIT_BY_NAME: i16 = 9;
const FETCH_BY_NAME: i16 = 9;
/// From this version on one request may ask for several groups.
const FETCH_SEVERAL: i16 = 8;

/// A group's place in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The next record to process.
    pub offset: Offset,
    /// What the committer wrote beside it.
    pub metadata: String,
}

/// As whom offsets are committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committer {
    /// Nobody in particular: the group must have no members.
    Tool,
    Member {
        generation_id: i32,
        member_id: String,
        instance_id: Option<String>,
    },
}

impl<R: Runtime> Router<R> {
    /// What a group has committed, in these partitions or in all; partitions without a commit are absent.
    ///
    /// # Errors
    /// [`ClientError::Refused`], or no answer within `limit`.
    pub async fn committed_offsets(
        &self,
        group: &str,
        partitions: Option<&BTreeSet<NamedPartition>>,
        limit: Duration,
    ) -> Result<BTreeMap<NamedPartition, CommittedOffset>, ClientError> {
        let fetched = self.retry(limit, async || {
            let connection = self.on_coordinator(group).await?;
            let version = connection.versions().of_api(ApiKey::OffsetFetch)?;
            let version = version.min(FETCH_BY_NAME);
            let request = fetch_request(version, group, partitions);
            let response = connection.call_up_to(version, &request, CALL_LIMIT).await?;
            read_fetched(group, response)
        });
        fetched.await
    }

    /// Commits the next offset to process of each partition, all of them or (on an error) perhaps only some.
    ///
    /// # Errors
    /// The first partition's [`ClientError::Refused`], or no answer within `limit`.
    pub async fn commit_offsets(
        &self,
        group: &str,
        committer: &Committer,
        positions: &Positions,
        limit: Duration,
    ) -> Result<(), ClientError> {
        if positions.is_empty() {
            return Ok(());
        }
        let request = commit_request(group, committer, positions);
        let what = format!("committing offsets of group {group}");
        let committed = self.retry(limit, async || {
            let connection = self.on_coordinator(group).await?;
            let response = connection.call_up_to(COMMIT_BY_NAME, &request, CALL_LIMIT).await?;
            for partition in response.topics.iter().flat_map(|topic| &topic.partitions) {
                ClientError::check(&what, partition.error_code, None)?;
            }
            Ok(())
        });
        committed.await
    }
}

/// Partitions by topic, in their order.
fn by_topic<'a>(
    partitions: impl IntoIterator<Item = &'a NamedPartition>,
) -> BTreeMap<&'a str, Vec<i32>> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for at in partitions {
        topics.entry(&at.topic).or_default().push(at.partition.0);
    }
    topics
}

fn fetch_request(
    version: i16,
    group: &str,
    partitions: Option<&BTreeSet<NamedPartition>>,
) -> OffsetFetchRequest {
    let topics = partitions.map(by_topic);
    let mut request = OffsetFetchRequest::default();
    if version < FETCH_SEVERAL {
        request.group_id = group.to_owned();
        request.topics = topics.map(|topics| {
            let topic = |(name, partition_indexes): (&str, Vec<i32>)| OffsetFetchRequestTopic {
                name: name.to_owned(),
                partition_indexes,
            };
            topics.into_iter().map(topic).collect()
        });
        return request;
    }
    request.groups.push(OffsetFetchRequestGroup {
        group_id: group.to_owned(),
        topics: topics.map(|topics| {
            let topic = |(name, partition_indexes): (&str, Vec<i32>)| OffsetFetchRequestTopics {
                name: name.to_owned(),
                partition_indexes,
                ..OffsetFetchRequestTopics::default()
            };
            topics.into_iter().map(topic).collect()
        }),
        ..OffsetFetchRequestGroup::default()
    });
    request
}

fn read_fetched(
    group: &str,
    response: OffsetFetchResponse,
) -> Result<BTreeMap<NamedPartition, CommittedOffset>, ClientError> {
    let what = format!("offsets of group {group}");
    ClientError::check(&what, response.error_code, None)?;
    let mut committed = BTreeMap::new();
    let mut keep = |topic: &Rc<str>, partition, code, offset: i64, metadata: Option<String>| {
        // A topic that was deleted since has no offset to speak of.
        if code == ErrorCode::UnknownTopicOrPartition.code() {
            return Ok(());
        }
        ClientError::check(&what, code, None)?;
        if offset >= 0 {
            let metadata = metadata.unwrap_or_default();
            let offset = CommittedOffset { offset: Offset(offset), metadata };
            committed.insert(NamedPartition::new(topic, partition), offset);
        }
        Ok::<_, ClientError>(())
    };
    for topic in response.topics {
        let name = Rc::from(topic.name);
        for it in topic.partitions {
            keep(&name, it.partition_index, it.error_code, it.committed_offset, it.metadata)?;
        }
    }
    for fetched in response.groups.into_iter().filter(|it| it.group_id == group) {
        ClientError::check(&what, fetched.error_code, None)?;
        for topic in fetched.topics {
            let name = Rc::from(topic.name);
            for it in topic.partitions {
                keep(&name, it.partition_index, it.error_code, it.committed_offset, it.metadata)?;
            }
        }
    }
    Ok(committed)
}

fn commit_request(
    group: &str,
    committer: &Committer,
    positions: &Positions,
) -> OffsetCommitRequest {
    let mut topics: Vec<OffsetCommitRequestTopic> = Vec::new();
    for (at, offset) in positions {
        let partition = OffsetCommitRequestPartition {
            partition_index: at.partition.0,
            committed_offset: offset.0,
            committed_metadata: Some(String::new()),
            ..OffsetCommitRequestPartition::default()
        };
        match topics.last_mut() {
            Some(topic) if *topic.name == *at.topic => topic.partitions.push(partition),
            _ => topics.push(OffsetCommitRequestTopic {
                name: at.topic.to_string(),
                partitions: vec![partition],
                ..OffsetCommitRequestTopic::default()
            }),
        }
    }
    let request = OffsetCommitRequest {
        group_id: group.to_owned(),
        topics,
        ..OffsetCommitRequest::default()
    };
    match committer {
        Committer::Tool => request,
        Committer::Member { generation_id, member_id, instance_id } => OffsetCommitRequest {
            generation_id_or_member_epoch: *generation_id,
            member_id: member_id.clone(),
            group_instance_id: instance_id.clone(),
            ..request
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::messages::offset_fetch::{
        OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
    };

    fn at(topic: &str, partition: i32) -> NamedPartition {
        NamedPartition::new(&topic.into(), partition)
    }

    #[test]
    fn old_and_new_requests_ask_for_the_same() {
        let wanted = BTreeSet::from([at("a", 0), at("a", 2), at("b", 1)]);
        let old = fetch_request(FETCH_SEVERAL - 1, "g", Some(&wanted));
        let old: Vec<_> =
            old.topics.unwrap().into_iter().map(|it| (it.name, it.partition_indexes)).collect();
        let new = fetch_request(FETCH_SEVERAL, "g", Some(&wanted));
        let new = new.groups[0].topics.clone().unwrap();
        let new: Vec<_> = new.into_iter().map(|it| (it.name, it.partition_indexes)).collect();
        assert_eq!(old, [("a".to_owned(), vec![0, 2]), ("b".to_owned(), vec![1])]);
        assert_eq!(new, old);
        assert_eq!(fetch_request(FETCH_SEVERAL, "g", None).groups[0].topics, None);
    }

    #[test]
    fn partitions_without_a_commit_are_absent() {
        let partition = |partition_index, committed_offset| OffsetFetchResponsePartitions {
            partition_index,
            committed_offset,
            ..OffsetFetchResponsePartitions::default()
        };
        let response = OffsetFetchResponse {
            groups: vec![OffsetFetchResponseGroup {
                group_id: "g".to_owned(),
                topics: vec![OffsetFetchResponseTopics {
                    name: "a".to_owned(),
                    partitions: vec![partition(0, -1), partition(1, 7)],
                    ..OffsetFetchResponseTopics::default()
                }],
                error_code: 0,
            }],
            ..OffsetFetchResponse::default()
        };
        let offset = CommittedOffset { offset: Offset(7), metadata: String::new() };
        assert_eq!(read_fetched("g", response), Ok(BTreeMap::from([(at("a", 1), offset)])));
    }

    #[test]
    fn a_commit_groups_partitions_by_topic() {
        let positions = Positions::from([(at("a", 1), Offset(5)), (at("b", 0), Offset(0))]);
        let request = commit_request("g", &Committer::Tool, &positions);
        assert_eq!((request.generation_id_or_member_epoch, request.topics.len()), (-1, 2));
        assert_eq!(request.topics[0].partitions[0].committed_offset, 5);
    }
}
