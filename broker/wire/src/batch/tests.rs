//! Batches as clients and brokers meet them.

use model::{ErrorCode, LeaderEpoch, Offset, ProducerEpoch, ProducerId};

use super::control::*;
use super::*;
use crate::compression::{Codec, Compression};

const NOW_MS: i64 = 1_700_000_000_000;

/// A batch with two records; `edit` may change its header before the checksum is made.
fn batch(codec: Codec, edit: impl FnOnce(&mut BatchHeader)) -> Vec<u8> {
    let mut builder = BatchBuilder::new(Vec::new());
    let trace =
        [Header { key: b"trace", value: Some(b"1") }, Header { key: b"trace", value: None }];
    builder.append(NOW_MS, Some(b"key"), Some(b"value"), &trace);
    builder.append(NOW_MS - 5, None, None, &[]);
    let mut bytes = Vec::new();
    builder.finish_compressed(&BatchStamp::default(), Compression::from(codec), &mut bytes);
    edited(bytes, edit)
}

fn edited(mut bytes: Vec<u8>, edit: impl FnOnce(&mut BatchHeader)) -> Vec<u8> {
    let mut header = BatchHeader::decode(&bytes).unwrap();
    edit(&mut header);
    header.crc = restamp_crc(&header.encode(), &bytes[HEADER_BYTES..]);
    bytes[..HEADER_BYTES].copy_from_slice(&header.encode());
    bytes
}

fn check(bytes: &[u8], rules: &ProduceRules) -> Result<BatchFacts, BatchError> {
    validate(bytes, rules, &mut Vec::new())
}

fn producer(base_sequence: i32) -> Option<BatchProducer> {
    Some(BatchProducer { id: ProducerId(7), epoch: ProducerEpoch(0), base_sequence })
}

#[test]
fn a_batch_has_the_bytes_that_kafka_writes() {
    let mut builder = BatchBuilder::new(Vec::new());
    builder.append(1000, Some(b"k"), Some(b"v"), &[]);
    let bytes = builder.finish(&BatchStamp {
        producer: Some(BatchProducer {
            id: ProducerId(0x0102),
            epoch: ProducerEpoch(3),
            base_sequence: 4,
        }),
        ..BatchStamp::default()
    });
    #[rustfmt::skip]
    let expected = [
        0, 0, 0, 0, 0, 0, 0, 0,             // base offset
        0, 0, 0, 58,                        // batch length
        0xff, 0xff, 0xff, 0xff,             // partition leader epoch
        2,                                  // magic
        0, 0, 0, 0,                         // crc, below
        0, 0,                               // attributes
        0, 0, 0, 0,                         // last offset delta
        0, 0, 0, 0, 0, 0, 3, 0xe8,          // base timestamp
        0, 0, 0, 0, 0, 0, 3, 0xe8,          // max timestamp
        0, 0, 0, 0, 0, 0, 1, 2,             // producer id
        0, 3,                               // producer epoch
        0, 0, 0, 4,                         // base sequence
        0, 0, 0, 1,                         // record count
        16, 0, 0, 0, 2, b'k', 2, b'v', 0,   // record
    ];
    let mut without_crc = bytes.clone();
    without_crc[17..21].fill(0);
    assert_eq!(without_crc, expected);
    assert_eq!(bytes[17..21], crc32c::crc32c(&bytes[21..]).to_be_bytes());
}

#[test]
fn records_come_back_as_they_went_in_with_every_codec() {
    for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let bytes = batch(codec, |_| ());
        let view = BatchView::new(&bytes).unwrap();
        assert_eq!(view.check_crc(), Ok(()));
        assert_eq!(view.header.attributes.codec(), Ok(codec));
        let mut scratch = Vec::new();
        let records: Vec<_> =
            view.records(&mut scratch, 1 << 20).unwrap().map(Result::unwrap).collect();
        assert_eq!(records.len(), 2);
        assert_eq!((records[0].key, records[0].value), (Some(&b"key"[..]), Some(&b"value"[..])));
        let headers: Vec<_> = records[0].headers.collect();
        assert_eq!(headers.len(), 2, "duplicate header keys are kept");
        assert_eq!((headers[0].key, headers[1].value), (&b"trace"[..], None));
        assert_eq!((records[1].key, records[1].value), (None, None));
        assert_eq!((records[1].timestamp_delta_ms, records[1].offset_delta), (-5, 1));
    }
}

#[test]
fn a_good_batch_is_accepted_with_its_facts() {
    let bytes = batch(Codec::Lz4, |header| header.producer = producer(i32::MAX));
    let facts = check(&bytes, &ProduceRules::at(NOW_MS)).unwrap();
    assert_eq!(facts.record_count, 2);
    assert_eq!(facts.max_timestamp_ms, NOW_MS);
    assert_eq!(facts.restamp, None);
    assert_eq!(facts.header.last_sequence(), Some(0), "sequences wrap to 0");
}

#[test]
fn each_broken_batch_gets_its_error_code() {
    let rules = ProduceRules::at(NOW_MS);
    let code = |bytes: &[u8]| check(bytes, &rules).unwrap_err().code();
    let good = batch(Codec::None, |_| ());
    let with = |edit: fn(&mut BatchHeader)| batch(Codec::None, edit);

    assert_eq!(code(&[]), ErrorCode::InvalidRecord);
    assert_eq!(code(&[good.clone(), good.clone()].concat()), ErrorCode::InvalidRecord);
    assert_eq!(code(&good[..good.len() - 1]), ErrorCode::CorruptMessage);
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert_eq!(code(&flipped), ErrorCode::CorruptMessage);
    let mut old = good.clone();
    old[16] = 1;
    assert_eq!(code(&old), ErrorCode::InvalidRecord);
    assert_eq!(code(&with(|h| h.record_count = 3)), ErrorCode::InvalidRecord);
    assert_eq!(code(&with(|h| h.record_count = 0)), ErrorCode::InvalidRecord);
    assert_eq!(code(&with(|h| h.last_offset_delta = 5)), ErrorCode::InvalidRecord);
    assert_eq!(
        code(&with(|h| (h.record_count, h.last_offset_delta) = (1, 0))),
        ErrorCode::InvalidRecord,
        "bytes after the last record"
    );
    assert_eq!(
        code(&with(|h| (h.record_count, h.last_offset_delta) = (3, 2))),
        ErrorCode::InvalidRecord,
        "fewer records than counted"
    );
    assert_eq!(code(&with(|h| h.producer = producer(-1))), ErrorCode::InvalidRecord);
    assert_eq!(code(&with(|h| h.attributes.0 |= 32)), ErrorCode::InvalidRecord);
    assert_eq!(code(&with(|h| h.attributes.0 |= 7)), ErrorCode::InvalidRecord);
    assert_eq!(code(&with(|h| h.attributes.0 |= 8)), ErrorCode::InvalidTimestamp);
}

#[test]
fn topic_rules_are_applied() {
    let rules = ProduceRules::at(NOW_MS);
    let zstd = batch(Codec::Zstd, |_| ());
    let refused = check(&zstd, &ProduceRules { zstd_allowed: false, ..rules }).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::UnsupportedCompressionType);
    let refused = check(&zstd, &ProduceRules { batch_bytes_max: 80, ..rules }).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::MessageTooLarge);
    let refused = check(&zstd, &ProduceRules { decompressed_bytes_max: 9, ..rules }).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::MessageTooLarge);
    let refused = check(&zstd, &ProduceRules { key_required: true, ..rules }).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidRecord);
    let fault = RecordFault::NullKey;
    assert_eq!(refused, BatchError::Refused(vec![RecordError { index: 1, fault }]));
    let late = ProduceRules { timestamp_before_max_ms: 4, ..rules };
    assert_eq!(check(&zstd, &late).unwrap_err().code(), ErrorCode::InvalidTimestamp);
    let early = ProduceRules { now_ms: NOW_MS - 3_600_001, ..rules };
    assert_eq!(check(&zstd, &early).unwrap_err().code(), ErrorCode::InvalidTimestamp);
}

#[test]
fn log_append_time_rewrites_the_header_and_its_checksum() {
    let bytes = batch(Codec::Snappy, |_| ());
    let rules = ProduceRules {
        timestamp_type: TimestampType::LogAppendTime,
        ..ProduceRules::at(NOW_MS + 77)
    };
    let facts = check(&bytes, &rules).unwrap();
    assert_eq!(facts.max_timestamp_ms, NOW_MS + 77);
    let mut stored = bytes.clone();
    let header = restamped_header(&BatchView::new(&bytes).unwrap(), facts.restamp.unwrap());
    stored[..HEADER_BYTES].copy_from_slice(&header);
    let view = BatchView::new(&stored).unwrap();
    assert_eq!(view.check_crc(), Ok(()));
    assert_eq!(view.header.attributes.timestamp_type(), TimestampType::LogAppendTime);
    assert_eq!(view.header.max_timestamp_ms, NOW_MS + 77);
}

#[test]
fn a_wrong_maximum_timestamp_is_corrected() {
    let bytes = batch(Codec::None, |header| header.max_timestamp_ms = 1);
    let facts = check(&bytes, &ProduceRules::at(NOW_MS)).unwrap();
    assert_eq!(facts.restamp.map(|restamp| restamp.max_timestamp_ms), Some(NOW_MS));
}

#[test]
fn the_leaders_head_leaves_the_checksum_valid() {
    let bytes = batch(Codec::None, |_| ());
    let header = BatchHeader::decode(&bytes).unwrap();
    let mut stored = bytes.clone();
    stored[..16].copy_from_slice(&patched_head(&header, Offset(1 << 40), LeaderEpoch(9)));
    let view = BatchView::new(&stored).unwrap();
    assert_eq!(view.check_crc(), Ok(()));
    assert_eq!(view.header.base_offset, Offset(1 << 40));
    assert_eq!(view.header.end_offset(), Offset((1 << 40) + 2));
    assert_eq!(view.header.partition_leader_epoch, Some(LeaderEpoch(9)));
    assert_eq!(stored[16..], bytes[16..]);
}

#[test]
fn a_buffer_of_batches_ends_at_the_cut_one() {
    let bytes = [batch(Codec::None, |_| ()), batch(Codec::Gzip, |_| ())].concat();
    assert_eq!(batches(&bytes).filter(Result::is_ok).count(), 2);
    let cut: Vec<_> = batches(&bytes[..bytes.len() - 1]).collect();
    assert_eq!(cut.len(), 2);
    assert!(matches!(cut[1], Err(BatchError::Truncated { .. })));
}

#[test]
fn no_prefix_and_no_flipped_byte_of_a_batch_panics() {
    let rules = ProduceRules::at(NOW_MS);
    for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let bytes = batch(codec, |_| ());
        for at in 0..bytes.len() {
            assert!(check(&bytes[..at], &rules).is_err());
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x81;
            // A right checksum lets the wrong byte reach the record walk.
            if BatchHeader::decode(&flipped).is_ok_and(|h| h.size_bytes as usize == bytes.len()) {
                let _ = check(&edited(flipped, |_| ()), &rules);
            }
        }
    }
}

#[test]
fn control_records_survive() {
    let voters = vec![Voter { voter_id: 1, ..Voter::default() }];
    let records = [
        ControlRecord::EndTxn { outcome: TxnOutcome::Commit, coordinator_epoch: 4 },
        ControlRecord::EndTxn { outcome: TxnOutcome::Abort, coordinator_epoch: 0 },
        ControlRecord::LeaderChange(LeaderChangeMessage {
            version: 1,
            leader_id: 1,
            voters: voters.clone(),
            granting_voters: voters,
        }),
        ControlRecord::SnapshotHeader(SnapshotHeaderRecord {
            last_contained_log_timestamp: NOW_MS,
            ..SnapshotHeaderRecord::default()
        }),
        ControlRecord::SnapshotFooter(SnapshotFooterRecord::default()),
        ControlRecord::KRaftVersion(KRaftVersionRecord { kraft_version: 1, version: 0 }),
        ControlRecord::Voters(VotersRecord::default()),
    ];
    for record in records {
        let marker = matches!(record, ControlRecord::EndTxn { .. });
        let bytes = control_batch(
            &record,
            &ControlStamp {
                base_offset: Offset(5),
                leader_epoch: LeaderEpoch(2),
                timestamp_ms: NOW_MS,
                producer: if marker { producer(-1) } else { None },
            },
        )
        .unwrap();
        let view = BatchView::new(&bytes).unwrap();
        assert_eq!(view.check_crc(), Ok(()));
        assert!(view.header.attributes.is_control());
        assert_eq!(view.header.attributes.is_transactional(), marker);
        let mut scratch = Vec::new();
        let first = view.records(&mut scratch, 1 << 20).unwrap().next().unwrap().unwrap();
        assert_eq!(ControlRecord::decode(&first), Ok(record));
    }
}
