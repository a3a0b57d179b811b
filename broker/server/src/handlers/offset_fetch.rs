//! OffsetFetch: what groups have committed.
//!
//! Every version comes down to groups with topics; the answer takes the form that the version has.
//! `require_stable` changes nothing: without transactions every committed offset is stable.
//! Source: KIP-709 (many groups), KIP-848 (member epochs, topic ids); Kafka `KafkaApis.handleOffsetFetchRequest`.

use std::rc::Rc;

use coordinator::{CommittedOffset, GroupId, NamedPartition, Text};
use model::{ErrorCode, PartitionIndex, TopicId};
use runtime::Runtime;
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics, OffsetFetchResponse,
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};

use crate::coordinators::{Answer, Ask, OffsetsOf, Told, ask_all, sentinels};
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

/// From here on a group as a whole can fail, and no topics means all.
const GROUP_ERRORS_SINCE: i16 = 2;
const MANY_GROUPS_SINCE: i16 = 8;
const TOPIC_IDS_SINCE: i16 = 10;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    context: &RequestContext<'_>,
    request: OffsetFetchRequest,
) -> Result<OffsetFetchResponse, Close> {
    let version = context.version;
    let groups = if version >= MANY_GROUPS_SINCE { request.groups } else { vec![one(request)] };
    let groups: Vec<Wanted> =
        groups.into_iter().map(|group| Wanted::new(shard, group, version)).collect();
    let questions = groups.iter().map(|wanted| (wanted.group.clone(), wanted.question()));
    let answers = ask_all(shard, questions.collect()).await;
    let answered = groups.into_iter().zip(answers);
    let mut groups: Vec<_> =
        answered.map(|(wanted, answer)| wanted.respond(shard, answer, version)).collect();
    if version >= MANY_GROUPS_SINCE {
        return Ok(OffsetFetchResponse { groups, ..OffsetFetchResponse::default() });
    }
    let only = groups.pop().expect("one group was asked about");
    Ok(OffsetFetchResponse {
        error_code: only.error_code,
        topics: only.topics.into_iter().map(named).collect(),
        ..OffsetFetchResponse::default()
    })
}

/// The one group of an older request.
fn one(request: OffsetFetchRequest) -> OffsetFetchRequestGroup {
    let topics = request.topics.map(|topics| {
        let topics = topics.into_iter().map(|topic| OffsetFetchRequestTopics {
            name: topic.name,
            topic_id: TopicId::ZERO,
            partition_indexes: topic.partition_indexes,
        });
        topics.collect()
    });
    OffsetFetchRequestGroup {
        group_id: request.group_id,
        topics,
        ..OffsetFetchRequestGroup::default()
    }
}

fn named(topic: OffsetFetchResponseTopics) -> OffsetFetchResponseTopic {
    let partitions = topic.partitions.into_iter().map(|it| OffsetFetchResponsePartition {
        partition_index: it.partition_index,
        committed_offset: it.committed_offset,
        committed_leader_epoch: it.committed_leader_epoch,
        metadata: it.metadata,
        error_code: it.error_code,
    });
    OffsetFetchResponseTopic { name: topic.name, partitions: partitions.collect() }
}

/// What is asked about one group.
struct Wanted {
    group: String,
    member_id: Option<String>,
    member_epoch: i32,
    /// `None`: everything that the group has committed.
    topics: Option<Vec<WantedTopic>>,
}

struct WantedTopic {
    /// As the request calls it.
    name: String,
    id: TopicId,
    /// The name that commits are kept under.
    known: Result<Text, ErrorCode>,
    partitions: Vec<i32>,
}

impl Wanted {
    fn new<R: Runtime>(shard: &Shard<R>, group: OffsetFetchRequestGroup, version: i16) -> Self {
        let topics = shard.topics.borrow();
        let wanted = |topic: OffsetFetchRequestTopics| {
            // A name need not exist any more: its commits may still be there.
            let known = if version >= TOPIC_IDS_SINCE {
                let known = topics.by_id(topic.topic_id).ok_or(ErrorCode::UnknownTopicId);
                known.map(|known| Text::from(&*known.name))
            } else {
                Ok(Text::from(&*topic.name))
            };
            WantedTopic {
                name: topic.name,
                id: topic.topic_id,
                known,
                partitions: topic.partition_indexes,
            }
        };
        let topics = group.topics.map(|topics| topics.into_iter().map(wanted).collect());
        let OffsetFetchRequestGroup { group_id, member_id, member_epoch, .. } = group;
        Self { group: group_id, member_id, member_epoch, topics }
    }

    fn question(&self) -> Ask {
        let partitions = self.topics.as_ref().map(|topics| {
            let named = topics.iter().filter_map(|topic| Some((topic, topic.known.as_ref().ok()?)));
            let named = named.flat_map(|(topic, name)| {
                topic.partitions.iter().map(|index| NamedPartition {
                    topic: Text::clone(name),
                    partition: PartitionIndex(*index),
                })
            });
            named.collect()
        });
        Ask::Offsets(OffsetsOf {
            group: GroupId::from(&*self.group),
            partitions,
            member_id: self.member_id.as_deref().and_then(sentinels::member_id),
            member_epoch: Some(self.member_epoch).filter(|epoch| *epoch >= 0),
        })
    }

    fn respond<R: Runtime>(
        self,
        shard: &Shard<R>,
        answer: Answer,
        version: i16,
    ) -> OffsetFetchResponseGroup {
        let mut response = OffsetFetchResponseGroup {
            group_id: self.group,
            ..OffsetFetchResponseGroup::default()
        };
        let (offsets, error) = match answer {
            Ok(Told::Offsets(offsets)) => (offsets, ErrorCode::None),
            Ok(other) => unreachable!("OffsetFetch was answered with {other:?}"),
            Err(error) => (Vec::new(), error),
        };
        if error != ErrorCode::None && version >= GROUP_ERRORS_SINCE {
            response.error_code = error.code();
            return response;
        }
        response.topics = match self.topics {
            Some(topics) => {
                let mut offsets = offsets.into_iter().map(|(_, offset)| offset);
                topics.into_iter().map(|it| rows_of(it, error, &mut offsets)).collect()
            }
            None => everything(shard, offsets, version),
        };
        response
    }
}

/// The rows of a topic; takes one offset for each partition that was asked about.
fn rows_of(
    wanted: WantedTopic,
    error: ErrorCode,
    offsets: &mut impl Iterator<Item = Option<CommittedOffset>>,
) -> OffsetFetchResponseTopics {
    let error = wanted.known.as_ref().err().copied().unwrap_or(error);
    let is_known = wanted.known.is_ok();
    let partitions = wanted.partitions.into_iter().map(|index| {
        let offset = if is_known { offsets.next().flatten() } else { None };
        OffsetFetchResponsePartitions { error_code: error.code(), ..row(index, offset) }
    });
    OffsetFetchResponseTopics {
        name: wanted.name,
        topic_id: wanted.id,
        partitions: partitions.collect(),
    }
}

/// All that a group has committed, by topic. Where topics go by id, those without one are left out.
fn everything<R: Runtime>(
    shard: &Shard<R>,
    offsets: Vec<(NamedPartition, Option<CommittedOffset>)>,
    version: i16,
) -> Vec<OffsetFetchResponseTopics> {
    let known = shard.topics.borrow();
    let mut topics: Vec<OffsetFetchResponseTopics> = Vec::new();
    for (at, offset) in offsets {
        if topics.last().is_none_or(|last| *last.name != *at.topic) {
            let topic_id = known.by_name(&at.topic).map_or(TopicId::ZERO, |topic| topic.id);
            let name = String::from(&*at.topic);
            topics.push(OffsetFetchResponseTopics { name, topic_id, partitions: Vec::new() });
        }
        let topic = topics.last_mut().expect("pushed above");
        topic.partitions.push(row(at.partition.0, offset));
    }
    if version >= TOPIC_IDS_SINCE {
        topics.retain(|topic| topic.topic_id != TopicId::ZERO);
    }
    topics
}

fn row(partition_index: i32, offset: Option<CommittedOffset>) -> OffsetFetchResponsePartitions {
    let Some(offset) = offset else {
        return OffsetFetchResponsePartitions {
            partition_index,
            committed_offset: -1,
            committed_leader_epoch: -1,
            metadata: Some(String::new()),
            error_code: 0,
        };
    };
    OffsetFetchResponsePartitions {
        partition_index,
        committed_offset: offset.offset.0,
        committed_leader_epoch: offset.leader_epoch.map_or(-1, |epoch| epoch.0),
        metadata: Some(String::from(&*offset.metadata)),
        error_code: 0,
    }
}
