//! A coordinator's records as Kafka lays them out, and back.
//!
//! Promises: what is written is one uncompressed batch within the topic's limit; record types that only
//! other brokers write are passed over.
//! Source: Kafka `GroupCoordinatorRecordHelpers`, `CoordinatorRecordSerde`.

mod consumer;

use core::time::Duration;
use std::sync::Arc;

use coordinator::{
    Bytes, CommittedOffset, GenerationId, GroupId, GroupMetadata, InstanceId, MemberId,
    MemberMetadata, NamedPartition, Record, Text,
};
use model::{Buf, ErrorCode, LeaderEpoch, Offset, PartitionIndex};
use wire::DecodeError;
use wire::batch::{BatchBuilder, BatchFacts, BatchHeader, BatchStamp};
use wire::group_records::{
    GroupMetadataKey, GroupMetadataValue, GroupRecord, MemberMetadata as StoredMember,
    OffsetCommitKey, OffsetCommitValue,
};

use crate::partition::Checked;

/// "None" where Kafka's layout has a number.
const NOTHING: i32 = -1;

/// The records as one batch, ready to be appended.
///
/// # Errors
/// MESSAGE_TOO_LARGE for a batch above `batch_bytes_max`, UNKNOWN_SERVER_ERROR for a record that has no
/// layout: a name of more than 32,767 bytes.
pub(super) fn batch(
    records: &[Record],
    now_ms: i64,
    batch_bytes_max: usize,
) -> Result<Checked, ErrorCode> {
    let mut builder = BatchBuilder::new(Vec::new());
    for record in records {
        let bytes = encode(record).encode().map_err(|_| ErrorCode::UnknownServerError)?;
        builder.append(now_ms, Some(&bytes.key), bytes.value.as_deref(), &[]);
        if builder.size_bytes() > batch_bytes_max {
            return Err(ErrorCode::MessageTooLarge);
        }
    }
    let bytes = Buf::from(builder.finish(&BatchStamp::default()));
    let header = BatchHeader::decode(&bytes).expect("a batch that was just built");
    Ok(Checked { bytes, restamped: None, facts: BatchFacts::trusted(header) })
}

fn encode(record: &Record) -> GroupRecord {
    match record {
        Record::OffsetCommit { group, at, value } => {
            let key = OffsetCommitKey {
                group: group.as_str().to_owned(),
                topic: String::from(&*at.topic),
                partition: at.partition.0,
            };
            GroupRecord::OffsetCommit(key, value.as_ref().map(encode_offset))
        }
        Record::GroupMetadata { group, value } => {
            let key = GroupMetadataKey { group: group.as_str().to_owned() };
            GroupRecord::GroupMetadata(key, value.as_ref().map(encode_group))
        }
        Record::ConsumerGroup { group, record } => consumer::encode(group, record),
    }
}

fn millis(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}

fn millis_of(ms: i32) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

fn encode_offset(value: &CommittedOffset) -> OffsetCommitValue {
    OffsetCommitValue {
        offset: value.offset.0,
        leader_epoch: value.leader_epoch.map_or(NOTHING, |epoch| epoch.0),
        metadata: String::from(&*value.metadata),
        commit_timestamp: value.commit_timestamp_ms,
        expire_timestamp: value.expire_timestamp_ms.unwrap_or(NOTHING.into()),
        topic_id: value.topic_id,
    }
}

fn encode_group(value: &GroupMetadata) -> GroupMetadataValue {
    let member = |member: &MemberMetadata| StoredMember {
        member_id: member.member_id.as_str().to_owned(),
        group_instance_id: member.instance_id.as_ref().map(|id| id.as_str().to_owned()),
        client_id: String::from(&*member.client_id),
        client_host: String::from(&*member.client_host),
        rebalance_timeout: millis(member.rebalance_timeout),
        session_timeout: millis(member.session_timeout),
        subscription: Buf::from_owner(Arc::clone(&member.subscription)),
        assignment: Buf::from_owner(Arc::clone(&member.assignment)),
    };
    GroupMetadataValue {
        protocol_type: String::from(&*value.protocol_type),
        generation: value.generation_id.0,
        protocol: value.protocol.as_deref().map(String::from),
        leader: value.leader.as_ref().map(|id| id.as_str().to_owned()),
        current_state_timestamp: value.current_state_timestamp_ms.unwrap_or(NOTHING.into()),
        members: value.members.iter().map(member).collect(),
    }
}

/// Names of the last record: neighbours in a log are mostly of one group and topic, and share them.
#[derive(Debug, Default)]
pub(super) struct Names {
    group: Option<GroupId>,
    topic: Option<Text>,
}

impl Names {
    fn group(&mut self, name: &str) -> GroupId {
        match &self.group {
            Some(group) if group.as_str() == name => group.clone(),
            _ => self.group.insert(GroupId::from(name)).clone(),
        }
    }

    fn topic(&mut self, name: &str) -> Text {
        match &self.topic {
            Some(topic) if **topic == *name => Arc::clone(topic),
            _ => Arc::clone(self.topic.insert(Text::from(name))),
        }
    }
}

/// The record that these bytes are; `None` for a type that this broker has no use for.
///
/// # Errors
/// The bytes are not a record of this log, or a newer Kafka wrote them.
pub(super) fn decode(
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    names: &mut Names,
) -> Result<Option<Record>, DecodeError> {
    let buf = |bytes: &[u8]| Buf::from(bytes.to_vec());
    let key = buf(key.unwrap_or_default());
    let record = match GroupRecord::decode(&key, value.map(buf).as_ref()) {
        Err(DecodeError::UnknownGroupRecord { .. }) => return Ok(None),
        decoded => decoded?,
    };
    Ok(match record {
        GroupRecord::OffsetCommit(key, value) => Some(Record::OffsetCommit {
            group: names.group(&key.group),
            at: NamedPartition {
                topic: names.topic(&key.topic),
                partition: PartitionIndex(key.partition),
            },
            value: value.map(|value| decode_offset(&value)),
        }),
        GroupRecord::GroupMetadata(key, value) => Some(Record::GroupMetadata {
            group: names.group(&key.group),
            value: value.map(decode_group),
        }),
        of_consumer_group => consumer::decode(of_consumer_group, names),
    })
}

fn decode_offset(value: &OffsetCommitValue) -> CommittedOffset {
    CommittedOffset {
        offset: Offset(value.offset),
        leader_epoch: Some(value.leader_epoch).filter(|epoch| *epoch >= 0).map(LeaderEpoch),
        metadata: Text::from(&*value.metadata),
        commit_timestamp_ms: value.commit_timestamp,
        expire_timestamp_ms: Some(value.expire_timestamp).filter(|at| *at >= 0),
        topic_id: value.topic_id,
    }
}

fn decode_group(value: GroupMetadataValue) -> GroupMetadata {
    let member = |member: StoredMember| MemberMetadata {
        member_id: MemberId::from(&*member.member_id),
        instance_id: member.group_instance_id.as_deref().map(InstanceId::from),
        client_id: Text::from(member.client_id),
        client_host: Text::from(member.client_host),
        session_timeout: millis_of(member.session_timeout),
        // Version 0 has none: the session timeout stands in.
        rebalance_timeout: match member.rebalance_timeout {
            NOTHING => millis_of(member.session_timeout),
            timeout => millis_of(timeout),
        },
        subscription: Bytes::from(&*member.subscription),
        assignment: Bytes::from(&*member.assignment),
    };
    let timestamp_ms = value.current_state_timestamp;
    GroupMetadata {
        protocol_type: Text::from(value.protocol_type),
        generation_id: GenerationId(value.generation),
        protocol: value.protocol.map(Text::from),
        leader: value.leader.as_deref().map(MemberId::from),
        current_state_timestamp_ms: Some(timestamp_ms).filter(|ms| *ms >= 0),
        members: value.members.into_iter().map(member).collect(),
    }
}

#[cfg(test)]
mod tests {
    use model::TopicId;
    use wire::batch::BatchView;

    use super::*;

    fn committed(metadata: &str, leader_epoch: Option<i32>) -> CommittedOffset {
        CommittedOffset {
            offset: Offset(7),
            leader_epoch: leader_epoch.map(LeaderEpoch),
            metadata: Text::from(metadata),
            commit_timestamp_ms: 11,
            expire_timestamp_ms: None,
            topic_id: TopicId([3; 16]),
        }
    }

    fn records() -> Vec<Record> {
        let at = NamedPartition { topic: Text::from("t"), partition: PartitionIndex(2) };
        let offset = |group: &str, value| Record::OffsetCommit {
            group: GroupId::from(group),
            at: at.clone(),
            value,
        };
        // Only the older layout has a place for an expiry, and it has none for ids and epochs.
        let expiring = CommittedOffset {
            expire_timestamp_ms: Some(99),
            topic_id: TopicId::ZERO,
            ..committed("", None)
        };
        let member = MemberMetadata {
            member_id: MemberId::from("m"),
            instance_id: Some(InstanceId::from("i")),
            client_id: Text::from("c"),
            client_host: Text::from("/127.0.0.1"),
            rebalance_timeout: Duration::from_secs(60),
            session_timeout: Duration::from_secs(10),
            subscription: Bytes::from(&b"sub"[..]),
            assignment: Bytes::from(&b""[..]),
        };
        let group = GroupMetadata {
            protocol_type: Text::from("consumer"),
            generation_id: GenerationId(5),
            protocol: Some(Text::from("range")),
            leader: Some(MemberId::from("m")),
            current_state_timestamp_ms: Some(12),
            members: vec![member],
        };
        vec![
            offset("g", Some(committed("note", Some(4)))),
            offset("g", Some(expiring)),
            offset("h", None),
            Record::GroupMetadata { group: GroupId::from("g"), value: Some(group) },
            Record::GroupMetadata { group: GroupId::from("g"), value: None },
        ]
    }

    #[test]
    fn what_is_written_is_read_back() {
        let written = records();
        let batch = batch(&written, 1_000, 1 << 20).unwrap();
        let view = BatchView::new(&batch.bytes).unwrap();
        view.check_crc().unwrap();
        let (mut scratch, mut names) = (Vec::new(), Names::default());
        let read = view.records(&mut scratch, 0).unwrap().map(|record| {
            let record = record.unwrap();
            decode(record.key, record.value, &mut names).unwrap().unwrap()
        });
        assert_eq!(read.collect::<Vec<_>>(), written);
    }

    #[test]
    fn a_batch_above_the_topic_s_limit_is_not_built() {
        assert_eq!(batch(&records(), 1_000, 100).err(), Some(ErrorCode::MessageTooLarge));
    }

    #[test]
    fn a_record_of_another_kind_of_group_is_passed_over() {
        let share = [0, 10, 0, 1, b'g'];
        assert_eq!(decode(Some(&share), None, &mut Names::default()), Ok(None));
        assert!(decode(Some(&[0]), None, &mut Names::default()).is_err());
        assert!(decode(None, None, &mut Names::default()).is_err());
    }
}
