//! Requests to a group's coordinator, over whichever transport the plan chose.
//!
//! Promises: every commit and every look at offsets is told to the history, with what came of it.
//! Does not: try again.

use std::collections::BTreeMap;

use model::{ErrorCode, Offset, TopicId, TopicPartition};
use wire::messages::find_coordinator::FindCoordinatorRequest;
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};

use super::Seat;
use super::channel::Channel;
use crate::checkers::Fact;
use crate::checkers::group_facts::{CommitOutcome, GroupChange, GroupFact, MemberName};
use crate::plan::Through;

/// From these versions on a request names several groups, or several coordinators' keys.
const FETCH_SEVERAL: i16 = 8;
const FIND_SEVERAL: i16 = 4;

/// The way of one client to the coordinator of one group.
pub(super) struct Coordination {
    pub(super) group: String,
    pub(super) channel: Channel,
}

/// Refusals of a commit after which it has not happened and will not.
const FINAL: &[ErrorCode] = &[
    ErrorCode::IllegalGeneration,
    ErrorCode::UnknownMemberId,
    ErrorCode::FencedInstanceId,
    ErrorCode::FencedMemberEpoch,
    ErrorCode::StaleMemberEpoch,
    ErrorCode::RebalanceInProgress,
    ErrorCode::CoordinatorLoadInProgress,
    ErrorCode::UnknownTopicOrPartition,
    ErrorCode::UnknownTopicId,
    ErrorCode::GroupIdNotFound,
    ErrorCode::GroupSubscribedToTopic,
    ErrorCode::InvalidCommitOffsetSize,
];

impl Coordination {
    pub(super) fn new(group: &str, through: Through, seat: &mut Seat) -> Self {
        Self { group: group.to_owned(), channel: Channel::new(through, seat) }
    }

    /// Asks who coordinates, which also makes the internal topic appear. Where does not matter: there
    /// is one node.
    pub(super) async fn find(&mut self, seat: &Seat) {
        let Ok(version) = self.channel.version::<FindCoordinatorRequest>(seat).await else {
            return;
        };
        let request = if version < FIND_SEVERAL {
            FindCoordinatorRequest { key: self.group.clone(), ..Default::default() }
        } else {
            FindCoordinatorRequest {
                coordinator_keys: vec![self.group.clone()],
                ..Default::default()
            }
        };
        // Its answer is the answer to the next request.
        let _ = self.channel.call(seat, &request).await;
    }

    pub(super) fn tell(&self, seat: &Seat, change: GroupChange) {
        let fact = GroupFact { group: self.group.clone(), client: seat.number, change };
        seat.shared.history.tell(Fact::Group(fact));
    }

    fn tell_commit(
        &self,
        seat: &Seat,
        member: Option<&MemberName>,
        at: TopicPartition,
        offset: Option<Offset>,
        invoked_ns: u64,
        outcome: CommitOutcome,
    ) {
        let member = member.cloned();
        self.tell(seat, GroupChange::Committed { member, at, offset, invoked_ns, outcome });
    }

    /// Commits offsets of one topic; what the coordinator said of each, if it said anything.
    pub(super) async fn commit(
        &mut self,
        seat: &Seat,
        member: Option<&MemberName>,
        topic: &str,
        offsets: &BTreeMap<TopicPartition, Offset>,
    ) -> BTreeMap<TopicPartition, Option<ErrorCode>> {
        let Some(id) = topic_id(offsets.keys()) else { return BTreeMap::new() };
        let partition = |(at, offset): (&TopicPartition, &Offset)| OffsetCommitRequestPartition {
            partition_index: at.partition.0,
            committed_offset: offset.0,
            ..OffsetCommitRequestPartition::default()
        };
        let request = OffsetCommitRequest {
            group_id: self.group.clone(),
            generation_id_or_member_epoch: member.map_or(-1, |it| it.epoch),
            member_id: member.map(|it| it.member_id.clone()).unwrap_or_default(),
            group_instance_id: member.and_then(|it| it.instance_id.clone()),
            topics: vec![OffsetCommitRequestTopic {
                name: topic.to_owned(),
                topic_id: id,
                partitions: offsets.iter().map(partition).collect(),
            }],
            ..OffsetCommitRequest::default()
        };
        seat.performs();
        let invoked_ns = seat.now_ns();
        for (at, offset) in offsets {
            self.tell_commit(seat, member, *at, Some(*offset), invoked_ns, CommitOutcome::Open);
        }
        let response = self.channel.call(seat, &request).await.ok();
        let partitions = response.iter().flat_map(|it| &it.topics).flat_map(|it| &it.partitions);
        let codes: BTreeMap<i32, i16> =
            partitions.map(|it| (it.partition_index, it.error_code)).collect();
        let mut said = BTreeMap::new();
        for (at, offset) in offsets {
            let code = codes.get(&at.partition.0).map(|code| known(*code));
            let outcome = outcome_of(code);
            self.tell_commit(seat, member, *at, Some(*offset), invoked_ns, outcome);
            said.insert(*at, code);
        }
        said
    }

    /// Forgets the committed offset of one partition. The group must have no members.
    pub(super) async fn delete(&mut self, seat: &Seat, topic: &str, at: TopicPartition) {
        let request = OffsetDeleteRequest {
            group_id: self.group.clone(),
            topics: vec![OffsetDeleteRequestTopic {
                name: topic.to_owned(),
                partitions: vec![OffsetDeleteRequestPartition { partition_index: at.partition.0 }],
            }],
        };
        seat.performs();
        let invoked_ns = seat.now_ns();
        self.tell_commit(seat, None, at, None, invoked_ns, CommitOutcome::Open);
        let response = self.channel.call(seat, &request).await.ok();
        let code = response.and_then(|it| match it.error_code {
            0 => it.topics.iter().flat_map(|it| &it.partitions).map(|it| it.error_code).next(),
            code => Some(code),
        });
        self.tell_commit(seat, None, at, None, invoked_ns, outcome_of(code.map(known)));
    }

    /// The committed offsets of partitions of one topic; none without an answer.
    pub(super) async fn offsets(
        &mut self,
        seat: &Seat,
        topic: &str,
        partitions: &[TopicPartition],
    ) -> Option<BTreeMap<TopicPartition, Option<Offset>>> {
        let id = topic_id(partitions.iter())?;
        let version = self.channel.version::<OffsetFetchRequest>(seat).await.ok()?;
        let partition_indexes = partitions.iter().map(|at| at.partition.0).collect();
        let mut request = OffsetFetchRequest::default();
        if version < FETCH_SEVERAL {
            request.group_id = self.group.clone();
            request.topics =
                Some(vec![OffsetFetchRequestTopic { name: topic.to_owned(), partition_indexes }]);
        } else {
            request.groups = vec![OffsetFetchRequestGroup {
                group_id: self.group.clone(),
                topics: Some(vec![OffsetFetchRequestTopics {
                    name: topic.to_owned(),
                    topic_id: id,
                    partition_indexes,
                }]),
                ..OffsetFetchRequestGroup::default()
            }];
        }
        let invoked_ns = seat.now_ns();
        let response = self.channel.call(seat, &request).await.ok()?;
        let old = response.topics.iter().flat_map(|it| &it.partitions);
        let old = old.map(|it| (it.partition_index, it.committed_offset, it.error_code));
        let new = response.groups.iter().filter(|it| it.error_code == 0);
        let new = new.flat_map(|it| &it.topics).flat_map(|it| &it.partitions);
        let new = new.map(|it| (it.partition_index, it.committed_offset, it.error_code));
        let told = old.chain(new).filter(|(_, _, code)| response.error_code == 0 && *code == 0);
        let told: BTreeMap<i32, i64> = told.map(|(number, offset, _)| (number, offset)).collect();
        let mut found = BTreeMap::new();
        for at in partitions {
            let offset = *told.get(&at.partition.0)?;
            let offset = (offset >= 0).then_some(Offset(offset));
            self.tell(seat, GroupChange::Fetched { at: *at, offset, invoked_ns });
            found.insert(*at, offset);
        }
        Some(found)
    }
}

fn topic_id<'a>(mut partitions: impl Iterator<Item = &'a TopicPartition>) -> Option<TopicId> {
    partitions.next().map(|at| at.topic)
}

pub(super) fn known(code: i16) -> ErrorCode {
    ErrorCode::from_code(code).unwrap_or(ErrorCode::UnknownServerError)
}

fn outcome_of(code: Option<ErrorCode>) -> CommitOutcome {
    match code {
        Some(ErrorCode::None) => CommitOutcome::Acked,
        Some(code) if FINAL.contains(&code) => CommitOutcome::Refused(code),
        Some(_) | None => CommitOutcome::Unknown,
    }
}
