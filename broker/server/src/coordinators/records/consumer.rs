//! Records of KIP-848 groups as Kafka lays them out, and back.
//!
//! Source: Kafka `GroupCoordinatorRecordHelpers`, `ConsumerGroupMember`.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use coordinator::consumer::{
    Assignor, ClassicMember, ConsumerRecord, CurrentAssignment, GroupValue, MemberState,
    Partitions, ResolvedRegex, Subscription,
};
use coordinator::{Bytes, Client, GroupId, InstanceId, MemberId, Protocol, Record, Text};
use model::{Buf, PartitionIndex, TopicPartition};
use wire::group_records::{
    ClassicMemberMetadata, ClassicProtocol, ConsumerGroupCurrentMemberAssignmentKey,
    ConsumerGroupCurrentMemberAssignmentValue, ConsumerGroupMemberMetadataKey,
    ConsumerGroupMemberMetadataValue, ConsumerGroupMetadataKey, ConsumerGroupMetadataValue,
    ConsumerGroupRegularExpressionKey, ConsumerGroupRegularExpressionValue,
    ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupTargetAssignmentMemberValue,
    ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue,
    GroupRecord, TopicPartition as StoredTarget, TopicPartitions as StoredPartitions,
};

use super::{Names, millis, millis_of};

pub(super) fn encode(group: &GroupId, record: &ConsumerRecord) -> GroupRecord {
    let group_id = group.as_str().to_owned();
    let owned = |id: &MemberId| id.as_str().to_owned();
    match record {
        ConsumerRecord::Group(value) => GroupRecord::ConsumerGroupMetadata(
            ConsumerGroupMetadataKey { group_id },
            value.map(|value| ConsumerGroupMetadataValue {
                epoch: value.group_epoch,
                metadata_hash: value.metadata_hash,
            }),
        ),
        ConsumerRecord::Member { member_id, value } => GroupRecord::ConsumerGroupMemberMetadata(
            ConsumerGroupMemberMetadataKey { group_id, member_id: owned(member_id) },
            value.as_ref().map(encode_subscription),
        ),
        ConsumerRecord::TargetEpoch(value) => GroupRecord::ConsumerGroupTargetAssignmentMetadata(
            ConsumerGroupTargetAssignmentMetadataKey { group_id },
            value.map(|assignment_epoch| ConsumerGroupTargetAssignmentMetadataValue {
                assignment_epoch,
                ..ConsumerGroupTargetAssignmentMetadataValue::default()
            }),
        ),
        ConsumerRecord::TargetMember { member_id, value } => {
            GroupRecord::ConsumerGroupTargetAssignmentMember(
                ConsumerGroupTargetAssignmentMemberKey { group_id, member_id: owned(member_id) },
                value.as_ref().map(|target| ConsumerGroupTargetAssignmentMemberValue {
                    topic_partitions: by_topic(target, |topic_id, partitions| StoredTarget {
                        topic_id,
                        partitions,
                    }),
                }),
            )
        }
        ConsumerRecord::CurrentMember { member_id, value } => {
            GroupRecord::ConsumerGroupCurrentMemberAssignment(
                ConsumerGroupCurrentMemberAssignmentKey { group_id, member_id: owned(member_id) },
                value.as_ref().map(encode_current),
            )
        }
        ConsumerRecord::Regex { pattern, value } => GroupRecord::ConsumerGroupRegularExpression(
            ConsumerGroupRegularExpressionKey {
                group_id,
                regular_expression: String::from(&**pattern),
            },
            value.as_ref().map(|resolved| ConsumerGroupRegularExpressionValue {
                topics: resolved.topic_names.iter().map(|name| String::from(&**name)).collect(),
                version: 0,
                timestamp: resolved.resolved_at_ms,
            }),
        ),
    }
}

fn encode_subscription(value: &Subscription) -> ConsumerGroupMemberMetadataValue {
    let classic = value.classic.as_ref().map(|classic| ClassicMemberMetadata {
        session_timeout_ms: millis(classic.session_timeout),
        supported_protocols: classic
            .protocols
            .iter()
            .map(|protocol| ClassicProtocol {
                name: String::from(&*protocol.name),
                metadata: Buf::from_owner(Arc::clone(&protocol.metadata)),
            })
            .collect(),
    });
    ConsumerGroupMemberMetadataValue {
        instance_id: value.instance_id.as_ref().map(|id| id.as_str().to_owned()),
        rack_id: value.rack_id.as_deref().map(String::from),
        client_id: String::from(&*value.client.id),
        client_host: String::from(&*value.client.host),
        subscribed_topic_names: value.topic_names.iter().map(|it| String::from(&**it)).collect(),
        subscribed_topic_regex: value.topic_regex.as_deref().map(String::from),
        rebalance_timeout_ms: millis(value.rebalance_timeout),
        server_assignor: value.server_assignor.map(|assignor| assignor.name().to_owned()),
        classic_member_metadata: classic,
    }
}

fn encode_current(value: &CurrentAssignment) -> ConsumerGroupCurrentMemberAssignmentValue {
    let stored = |topic, partitions: Vec<i32>| {
        let epoch_of = |number: &i32| {
            let at = TopicPartition { topic, partition: PartitionIndex(*number) };
            value.assignment_epoch(&at).unwrap_or(value.member_epoch)
        };
        let assignment_epochs = Some(partitions.iter().map(epoch_of).collect());
        StoredPartitions { topic_id: topic, partitions, assignment_epochs }
    };
    ConsumerGroupCurrentMemberAssignmentValue {
        member_epoch: value.member_epoch,
        previous_member_epoch: value.previous_member_epoch,
        state: value.state as i8,
        assigned_partitions: by_topic(&value.assigned, stored),
        partitions_pending_revocation: by_topic(&value.pending_revocation, stored),
    }
}

/// One value for each topic, in order.
fn by_topic<T>(partitions: &Partitions, value: impl Fn(model::TopicId, Vec<i32>) -> T) -> Vec<T> {
    let partitions: Vec<_> = partitions.iter().collect();
    let topics = partitions.chunk_by(|one, other| one.topic == other.topic);
    topics
        .map(|of_one| value(of_one[0].topic, of_one.iter().map(|at| at.partition.0).collect()))
        .collect()
}

/// `None` for what is no part of a group here.
pub(super) fn decode(record: GroupRecord, names: &mut Names) -> Option<Record> {
    let member = |id: &str| MemberId::from(id);
    let (group, record) = match record {
        GroupRecord::ConsumerGroupMetadata(key, value) => (
            key.group_id,
            ConsumerRecord::Group(value.map(|value| GroupValue {
                group_epoch: value.epoch,
                metadata_hash: value.metadata_hash,
            })),
        ),
        GroupRecord::ConsumerGroupMemberMetadata(key, value) => (
            key.group_id,
            ConsumerRecord::Member {
                member_id: member(&key.member_id),
                value: value.map(decode_subscription),
            },
        ),
        GroupRecord::ConsumerGroupTargetAssignmentMetadata(key, value) => {
            (key.group_id, ConsumerRecord::TargetEpoch(value.map(|value| value.assignment_epoch)))
        }
        GroupRecord::ConsumerGroupTargetAssignmentMember(key, value) => {
            let target = value.map(|value| {
                let topics = value.topic_partitions.into_iter();
                all(topics.map(|it| (it.topic_id, it.partitions)))
            });
            let member_id = member(&key.member_id);
            (key.group_id, ConsumerRecord::TargetMember { member_id, value: target })
        }
        GroupRecord::ConsumerGroupCurrentMemberAssignment(key, value) => (
            key.group_id,
            ConsumerRecord::CurrentMember {
                member_id: member(&key.member_id),
                value: value.map(decode_current),
            },
        ),
        GroupRecord::ConsumerGroupRegularExpression(key, value) => (
            key.group_id,
            ConsumerRecord::Regex {
                pattern: Text::from(key.regular_expression),
                value: value.map(|value| ResolvedRegex {
                    topic_names: value.topics.into_iter().map(Text::from).collect(),
                    resolved_at_ms: value.timestamp,
                }),
            },
        ),
        // Topics with their racks, which only tombstones are written of any more (KIP-1101).
        GroupRecord::ConsumerGroupPartitionMetadata(..) => return None,
        GroupRecord::OffsetCommit(..) | GroupRecord::GroupMetadata(..) => {
            unreachable!("decoded by the caller")
        }
    };
    Some(Record::ConsumerGroup { group: names.group(&group), record })
}

fn decode_subscription(value: ConsumerGroupMemberMetadataValue) -> Subscription {
    let classic = value.classic_member_metadata.map(|classic| ClassicMember {
        session_timeout: millis_of(classic.session_timeout_ms),
        protocols: classic
            .supported_protocols
            .into_iter()
            .map(|protocol| Protocol {
                name: Text::from(protocol.name),
                metadata: Bytes::from(&*protocol.metadata),
            })
            .collect(),
    });
    Subscription {
        instance_id: value.instance_id.as_deref().map(InstanceId::from),
        rack_id: value.rack_id.map(Text::from),
        client: Client { id: Text::from(value.client_id), host: Text::from(value.client_host) },
        topic_names: value.subscribed_topic_names.into_iter().map(Text::from).collect(),
        // Kafka writes an empty pattern where there is none.
        topic_regex: value.subscribed_topic_regex.filter(|it| !it.is_empty()).map(Text::from),
        rebalance_timeout: rebalance_timeout(value.rebalance_timeout_ms),
        server_assignor: value.server_assignor.as_deref().and_then(Assignor::from_name),
        classic,
    }
}

/// -1 is what Kafka writes where a member has not said.
fn rebalance_timeout(ms: i32) -> Duration {
    const UNSAID: Duration = Duration::from_secs(45);
    if ms < 0 { UNSAID } else { millis_of(ms) }
}

fn decode_current(value: ConsumerGroupCurrentMemberAssignmentValue) -> CurrentAssignment {
    let mut assignment_epochs = BTreeMap::new();
    let mut partitions = |stored: Vec<StoredPartitions>| {
        for topic in &stored {
            let epochs = topic.assignment_epochs.iter().flatten();
            for (number, epoch) in topic.partitions.iter().zip(epochs) {
                let partition = PartitionIndex(*number);
                assignment_epochs
                    .insert(TopicPartition { topic: topic.topic_id, partition }, *epoch);
            }
        }
        all(stored.into_iter().map(|it| (it.topic_id, it.partitions)))
    };
    let assigned = partitions(value.assigned_partitions);
    let pending_revocation = partitions(value.partitions_pending_revocation);
    CurrentAssignment {
        member_epoch: value.member_epoch,
        previous_member_epoch: value.previous_member_epoch,
        state: match value.state {
            1 => MemberState::UnrevokedPartitions,
            2 => MemberState::UnreleasedPartitions,
            _ => MemberState::Stable,
        },
        assigned,
        pending_revocation,
        assignment_epochs,
    }
}

fn all(topics: impl Iterator<Item = (model::TopicId, Vec<i32>)>) -> Partitions {
    let partitions = topics.flat_map(|(topic, partitions)| {
        partitions
            .into_iter()
            .map(move |index| TopicPartition { topic, partition: PartitionIndex(index) })
    });
    partitions.collect()
}

#[cfg(test)]
mod tests {
    use model::TopicId;

    use super::*;

    fn partitions(of: &[(u8, i32)]) -> Partitions {
        of.iter()
            .map(|(topic, partition)| TopicPartition {
                topic: TopicId([*topic; 16]),
                partition: PartitionIndex(*partition),
            })
            .collect()
    }

    #[test]
    fn every_part_of_a_group_is_read_back_as_it_was_written() {
        let member_id = MemberId::from("m");
        let classic = ClassicMember {
            session_timeout: Duration::from_secs(10),
            protocols: vec![Protocol { name: Text::from("range"), metadata: Bytes::from([1, 2]) }],
        };
        let subscription = |classic| Subscription {
            instance_id: Some(InstanceId::from("i")),
            rack_id: Some(Text::from("r")),
            client: Client { id: Text::from("c"), host: Text::from("/h") },
            topic_names: [Text::from("a"), Text::from("b")].into(),
            topic_regex: Some(Text::from("x.*")),
            rebalance_timeout: Duration::from_secs(60),
            server_assignor: Some(Assignor::Range),
            classic,
        };
        let current = CurrentAssignment {
            member_epoch: 5,
            previous_member_epoch: 4,
            state: MemberState::UnreleasedPartitions,
            assigned: partitions(&[(1, 0), (1, 1), (2, 7)]),
            pending_revocation: partitions(&[(3, 3)]),
            assignment_epochs: BTreeMap::new(),
        };
        let assignment_epochs = current.owned().zip([5, 4, 4, 2]).map(|(at, epoch)| (*at, epoch));
        let assignment_epochs = assignment_epochs.collect();
        let current = CurrentAssignment { assignment_epochs, ..current };
        let resolved = ResolvedRegex { topic_names: [Text::from("x1")].into(), resolved_at_ms: 77 };
        let id = || member_id.clone();
        let records = [
            ConsumerRecord::Group(Some(GroupValue { group_epoch: 3, metadata_hash: -9 })),
            ConsumerRecord::Group(None),
            ConsumerRecord::Member { member_id: id(), value: Some(subscription(None)) },
            ConsumerRecord::Member { member_id: id(), value: Some(subscription(Some(classic))) },
            ConsumerRecord::Member { member_id: id(), value: None },
            ConsumerRecord::TargetEpoch(Some(4)),
            ConsumerRecord::TargetMember {
                member_id: id(),
                value: Some(partitions(&[(1, 0), (2, 1)])),
            },
            ConsumerRecord::CurrentMember { member_id: id(), value: Some(current) },
            ConsumerRecord::Regex { pattern: Text::from("x.*"), value: Some(resolved) },
        ];
        let group = GroupId::from("g");
        for record in records {
            let stored = encode(&group, &record);
            let bytes = stored.encode().unwrap();
            let value = bytes.value.map(Buf::from);
            let read = GroupRecord::decode(&bytes.key.into(), value.as_ref()).unwrap();
            let expected = Record::ConsumerGroup { group: group.clone(), record };
            assert_eq!(decode(read, &mut Names::default()), Some(expected));
        }
    }
}
