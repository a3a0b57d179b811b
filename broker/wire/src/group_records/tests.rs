use model::{Buf, TopicId};

use super::*;
use crate::testing::{Sample, Source};

const TOPIC_ID: TopicId = TopicId([7; 16]);

fn decode(bytes: &GroupRecordBytes) -> Result<GroupRecord, DecodeError> {
    let value = bytes.value.clone().map(Buf::from);
    GroupRecord::decode(&bytes.key.clone().into(), value.as_ref())
}

/// The record has these bytes, and they are read as the record.
fn check(record: &GroupRecord, key: &[u8], value: Option<&[u8]>) {
    let bytes = record.encode().unwrap();
    assert_eq!(bytes.key, key);
    assert_eq!(bytes.value.as_deref(), value);
    assert_eq!(decode(&bytes).as_ref(), Ok(record));
}

fn commit_key() -> OffsetCommitKey {
    OffsetCommitKey { group: "g".to_owned(), topic: "t".to_owned(), partition: 2 }
}

fn commit(value: OffsetCommitValue) -> GroupRecord {
    GroupRecord::OffsetCommit(commit_key(), Some(value))
}

const COMMIT_KEY: [u8; 12] = [0, 1, 0, 1, b'g', 0, 1, b't', 0, 0, 0, 2];

#[test]
fn an_offset_commit_has_the_layout_of_kafka() {
    let record = commit(OffsetCommitValue {
        offset: 300,
        leader_epoch: 5,
        metadata: "m".to_owned(),
        commit_timestamp: 1_000,
        topic_id: TOPIC_ID,
        ..OffsetCommitValue::default()
    });
    #[rustfmt::skip]
    let value = [
        0, 4,                          // version
        0, 0, 0, 0, 0, 0, 1, 0x2c,     // offset
        0, 0, 0, 5,                    // leader epoch
        2, b'm',                       // metadata
        0, 0, 0, 0, 0, 0, 3, 0xe8,     // commit timestamp
        1, 0, 16,                      // one tag: 0, 16 bytes
        7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    ];
    check(&record, &COMMIT_KEY, Some(&value));
    check(&GroupRecord::OffsetCommit(commit_key(), None), &COMMIT_KEY, None);
}

#[test]
fn a_commit_with_its_own_expiry_is_written_as_version_1() {
    let record = commit(OffsetCommitValue {
        offset: 1,
        metadata: String::new(),
        commit_timestamp: 2,
        expire_timestamp: 3,
        ..OffsetCommitValue::default()
    });
    #[rustfmt::skip]
    let value = [
        0, 1,                       // version
        0, 0, 0, 0, 0, 0, 0, 1,     // offset
        0, 0,                       // metadata
        0, 0, 0, 0, 0, 0, 0, 2,     // commit timestamp
        0, 0, 0, 0, 0, 0, 0, 3,     // expire timestamp
    ];
    check(&record, &COMMIT_KEY, Some(&value));
}

#[test]
fn a_classic_group_has_the_layout_of_kafka() {
    let record = GroupRecord::GroupMetadata(
        GroupMetadataKey { group: "g".to_owned() },
        Some(GroupMetadataValue {
            protocol_type: "consumer".to_owned(),
            generation: 9,
            protocol: Some("range".to_owned()),
            leader: None,
            current_state_timestamp: 1_000,
            members: vec![MemberMetadata {
                member_id: "m".to_owned(),
                group_instance_id: Some("i".to_owned()),
                client_id: "c".to_owned(),
                client_host: "/h".to_owned(),
                rebalance_timeout: 300_000,
                session_timeout: 45_000,
                subscription: vec![1, 2].into(),
                assignment: vec![3].into(),
            }],
        }),
    );
    #[rustfmt::skip]
    let value = [
        0, 3,                                                // version
        0, 8, b'c', b'o', b'n', b's', b'u', b'm', b'e', b'r',
        0, 0, 0, 9,                                          // generation
        0, 5, b'r', b'a', b'n', b'g', b'e',
        0xff, 0xff,                                          // leader
        0, 0, 0, 0, 0, 0, 3, 0xe8,                           // current state timestamp
        0, 0, 0, 1,                                          // members
        0, 1, b'm', 0, 1, b'i', 0, 1, b'c', 0, 2, b'/', b'h',
        0, 4, 0x93, 0xe0,                                    // rebalance timeout
        0, 0, 0xaf, 0xc8,                                    // session timeout
        0, 0, 0, 2, 1, 2,                                    // subscription
        0, 0, 0, 1, 3,                                       // assignment
    ];
    check(&record, &[0, 2, 0, 1, b'g'], Some(&value));
}

#[test]
fn what_a_member_owns_has_the_layout_of_kafka() {
    let record = GroupRecord::ConsumerGroupCurrentMemberAssignment(
        ConsumerGroupCurrentMemberAssignmentKey {
            group_id: "g".to_owned(),
            member_id: "m".to_owned(),
        },
        Some(ConsumerGroupCurrentMemberAssignmentValue {
            member_epoch: 4,
            previous_member_epoch: 3,
            state: 1,
            assigned_partitions: vec![TopicPartitions {
                topic_id: TOPIC_ID,
                partitions: vec![6],
                assignment_epochs: Some(vec![2]),
            }],
            partitions_pending_revocation: Vec::new(),
        }),
    );
    #[rustfmt::skip]
    let value = [
        0, 0,                          // version
        0, 0, 0, 4, 0, 0, 0, 3, 1,     // epochs, state
        2,                             // one topic
        7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
        2, 0, 0, 0, 6,                 // partitions
        1, 0, 5, 2, 0, 0, 0, 2,        // one tag: 0, 5 bytes, the epoch of each partition
        1,                             // none to revoke
        0,                             // no tags
    ];
    check(&record, &[0, 8, 0, 1, b'g', 0, 1, b'm'], Some(&value));
}

/// Without the tag Kafka would take the member for one of the classic protocol.
#[test]
fn a_member_without_the_classic_protocol_says_so() {
    let value = |classic_member_metadata| ConsumerGroupMemberMetadataValue {
        instance_id: None,
        rack_id: None,
        client_id: "c".to_owned(),
        client_host: "/h".to_owned(),
        subscribed_topic_names: vec!["t".to_owned()],
        subscribed_topic_regex: None,
        rebalance_timeout_ms: 300_000,
        server_assignor: None,
        classic_member_metadata,
    };
    let key =
        ConsumerGroupMemberMetadataKey { group_id: "g".to_owned(), member_id: "m".to_owned() };
    #[rustfmt::skip]
    let fields = [
        0, 0,                                  // version
        0, 0, 2, b'c', 3, b'/', b'h',          // instance id, rack id, client id, client host
        2, 2, b't', 0,                         // topic names, topic regex
        0, 4, 0x93, 0xe0, 0,                   // rebalance timeout, server assignor
    ];
    let key_bytes = [0, 5, 0, 1, b'g', 0, 1, b'm'];
    let record =
        |classic| GroupRecord::ConsumerGroupMemberMetadata(key.clone(), Some(value(classic)));
    check(&record(None), &key_bytes, Some(&[&fields[..], &[1, 0, 1, 0]].concat()));
    let empty = Some(ClassicMemberMetadata::default());
    check(&record(empty), &key_bytes, Some(&[&fields[..], &[0]].concat()));
}

#[test]
fn old_versions_of_an_offset_commit_are_read() {
    let number = |number: i64| number.to_be_bytes().to_vec();
    let base = OffsetCommitValue {
        offset: 11,
        metadata: "m".to_owned(),
        commit_timestamp: 12,
        ..OffsetCommitValue::default()
    };
    let plain = [number(11), vec![0, 1, b'm'], number(12)].concat();
    let with_expiry = [plain.clone(), number(13)].concat();
    let with_epoch = [number(11), vec![0, 0, 0, 5, 0, 1, b'm'], number(12)].concat();
    let expected = [
        (0, plain.clone(), base.clone()),
        (1, with_expiry, OffsetCommitValue { expire_timestamp: 13, ..base.clone() }),
        (2, plain, base.clone()),
        (3, with_epoch, OffsetCommitValue { leader_epoch: 5, ..base }),
    ];
    for (version, body, value) in expected {
        for record_type in [0, 1] {
            let key = [&[0, record_type], &COMMIT_KEY[2..]].concat();
            let bytes =
                GroupRecordBytes { key, value: Some([vec![0, version], body.clone()].concat()) };
            assert_eq!(decode(&bytes), Ok(commit(value.clone())), "version {version}");
        }
    }
}

#[test]
fn records_of_every_type_survive_encoding() {
    let mut types = std::collections::BTreeSet::new();
    for seed in 0..400 {
        let record = GroupRecord::sample(&mut Source::new(seed), 0);
        assert_eq!(decode(&record.encode().unwrap()), Ok(record.clone()), "seed {seed}");
        types.insert(record.record_type());
    }
    assert_eq!(Vec::from_iter(types), [1, 2, 3, 4, 5, 6, 7, 8, 16]);
}

#[test]
fn a_type_that_only_others_write_is_named() {
    for record_type in [-1, 9, 10, 17, 23] {
        let key = [&i16::to_be_bytes(record_type)[..], &[0, 1, b'g']].concat();
        let decoded = GroupRecord::decode(&key.into(), None);
        assert_eq!(decoded, Err(DecodeError::UnknownGroupRecord { record_type }));
    }
}

#[test]
fn a_value_of_a_newer_kafka_is_refused_by_its_version() {
    for version in [-1, 5] {
        let value = i16::to_be_bytes(version).to_vec();
        let decoded = GroupRecord::decode(&COMMIT_KEY.to_vec().into(), Some(&value.into()));
        assert_eq!(decoded, Err(DecodeError::GroupRecordVersion { record_type: 1, version }));
    }
}

#[test]
fn a_record_cut_at_any_byte_is_refused() {
    for seed in 0..100 {
        let bytes = GroupRecord::sample(&mut Source::new(seed), 0).encode().unwrap();
        let (key, value) = (Buf::from(bytes.key), bytes.value.map(Buf::from));
        for end in 0..key.len() {
            assert!(GroupRecord::decode(&key.slice(..end), value.as_ref()).is_err());
        }
        let value = value.unwrap_or(Buf::EMPTY);
        for end in 0..value.len() {
            assert!(GroupRecord::decode(&key, Some(&value.slice(..end))).is_err());
        }
    }
}
