//! The producer table by itself, and against a model that keeps everything.

use std::collections::BTreeMap;

use model::{Live, Offset, ProducerEpoch, ProducerId};
use proptest::prelude::*;
use wire::batch::{BatchBuilder, BatchHeader, BatchProducer, BatchStamp, BatchView};

use super::{BATCHES_KEPT, Producers, ReplayedBatch, SnapshotError};
use crate::{Acks, AppendError, Batch, Effect, Event, ProducerStamp, Replica};

fn batch(id: i64, epoch: i16, base_sequence: i32, record_count: u32) -> Batch {
    let stamp = ProducerStamp { id: ProducerId(id), epoch: ProducerEpoch(epoch), base_sequence };
    Batch { record_count, max_timestamp_ms: 1_000, producer: Some(stamp), transactional: false }
}

fn table(limit: usize, written: &[Batch]) -> Producers {
    let mut table = Producers::new(limit, 1_000);
    let mut offset = Offset(100);
    for batch in written {
        table.wrote(batch, offset, batch.max_timestamp_ms);
        offset = offset.after(batch.record_count);
        table.assert_invariants();
    }
    table
}

fn base_of_duplicate(table: &Producers, batch: Batch) -> Option<i64> {
    table.find_duplicate(&batch, &Live).map(|written| written.base_offset.0)
}

#[test]
fn the_last_five_batches_are_recognised_and_no_more() {
    let written: Vec<Batch> = (0..6).map(|at| batch(7, 0, at * 2, 2)).collect();
    let table = table(4, &written);
    assert_eq!(base_of_duplicate(&table, written[0]), None);
    for (at, again) in written.iter().enumerate().skip(1) {
        assert_eq!(base_of_duplicate(&table, *again), Some(100 + 2 * at as i64));
    }
    // The same first sequence with another count, or another epoch, is another batch.
    assert_eq!(base_of_duplicate(&table, batch(7, 0, 10, 1)), None);
    assert_eq!(base_of_duplicate(&table, batch(7, 1, 10, 2)), None);
}

#[test]
fn a_gap_an_old_epoch_and_a_late_start_of_a_new_epoch_are_refused() {
    let table = table(4, &[batch(7, 3, 0, 2)]);
    let producer = ProducerId(7);
    let out_of_order =
        |expected, got| Err(AppendError::OutOfOrderSequence { producer, expected, got });
    assert_eq!(table.check(&batch(7, 3, 2, 1)), Ok(()));
    assert_eq!(table.check(&batch(7, 3, 3, 1)), out_of_order(2, 3));
    assert_eq!(table.check(&batch(7, 4, 0, 1)), Ok(()));
    assert_eq!(table.check(&batch(7, 4, 2, 1)), out_of_order(0, 2));
    let fenced =
        AppendError::FencedProducer { producer, current: ProducerEpoch(3), got: ProducerEpoch(2) };
    assert_eq!(table.check(&batch(7, 2, 0, 1)), Err(fenced));
    assert_eq!(table.check(&batch(8, 0, 41, 1)), Ok(()), "without state any sequence is accepted");
}

#[test]
fn sequences_wrap_to_zero() {
    let last = batch(7, 0, i32::MAX - 1, 2);
    let ends_at_the_top = table(4, &[last]);
    assert_eq!(ends_at_the_top.check(&batch(7, 0, 0, 1)), Ok(()));
    let across = batch(7, 0, i32::MAX, 3);
    let wraps = table(4, &[across]);
    assert_eq!(wraps.check(&batch(7, 0, 2, 1)), Ok(()));
    let mut loaded = Producers::new(4, 1_000);
    loaded.load_snapshot(&wraps.snapshot()).unwrap();
    assert_eq!(base_of_duplicate(&loaded, across), Some(100));
}

#[test]
fn a_full_table_forgets_the_producer_that_was_silent_longest() {
    let written = [batch(1, 0, 0, 1), batch(2, 0, 0, 1), batch(1, 0, 1, 1), batch(3, 0, 0, 1)];
    let table = table(2, &written);
    let known: Vec<i64> = table.describe().map(|row| row.id.0).collect();
    assert_eq!(known, [1, 3]);
    assert_eq!(table.evicted_count(), 1);
}

#[test]
fn silence_expires_a_producer_but_not_its_open_transaction() {
    let mut in_transaction = batch(2, 0, 0, 1);
    in_transaction.transactional = true;
    let mut table = table(4, &[batch(1, 0, 0, 1), in_transaction]);
    table.expire(1_999);
    assert_eq!(table.len(), 2);
    table.expire(2_000);
    assert_eq!(table.describe().map(|row| row.id.0).collect::<Vec<_>>(), [2]);
    assert_eq!(table.first_open_transaction(), Some(Offset(101)));

    let stamp = in_transaction.producer;
    table.replay(&ReplayedBatch {
        base_offset: Offset(102),
        batch: Batch { producer: stamp, ..batch(2, 0, 0, 1) },
        coordinator_epoch: Some(5),
    });
    assert_eq!(table.first_open_transaction(), None);
    table.expire(2_000);
    assert!(table.is_empty());
    table.assert_invariants();
}

#[test]
fn a_header_from_the_disk_is_replayed_only_if_it_can_be_a_batch() {
    let builder = || {
        let mut builder = BatchBuilder::new(Vec::new());
        builder.append(1_000, None, Some(b"value"), &[]);
        builder
    };
    let stamp = BatchStamp {
        base_offset: Offset(100),
        producer: Some(BatchProducer {
            id: ProducerId(7),
            epoch: ProducerEpoch(0),
            base_sequence: 5,
        }),
        ..BatchStamp::default()
    };
    let header = BatchView::new(&builder().finish(&stamp)).unwrap().header;
    let replayed = ReplayedBatch::from_header(&header, None).unwrap();
    let mut table = Producers::new(4, 1_000);
    table.replay(&replayed);
    assert_eq!(base_of_duplicate(&table, batch(7, 0, 5, 1)), Some(100));

    let plain = BatchView::new(&builder().finish(&BatchStamp::default())).unwrap().header;
    assert_eq!(ReplayedBatch::from_header(&plain, None), None);
    for damaged in [
        BatchHeader { base_offset: Offset(i64::MAX), ..header },
        BatchHeader { last_offset_delta: -1, ..header },
        BatchHeader { last_offset_delta: i32::MIN, ..header },
        BatchHeader {
            producer: header.producer.map(|it| BatchProducer { base_sequence: -1, ..it }),
            ..header
        },
    ] {
        assert_eq!(ReplayedBatch::from_header(&damaged, None), None, "{damaged:?}");
    }
}

#[test]
fn the_snapshot_file_is_kafkas() {
    let table = table(4, &[batch(0x0102, 3, 5, 4)]);
    #[rustfmt::skip]
    let body: [u8; 50] = [
        0, 0, 0, 1,                         // one producer
        0, 0, 0, 0, 0, 0, 1, 2,             // id
        0, 3,                               // epoch
        0, 0, 0, 8,                         // last sequence
        0, 0, 0, 0, 0, 0, 0, 103,           // last offset
        0, 0, 0, 3,                         // offset delta
        0, 0, 0, 0, 0, 0, 0x03, 0xe8,       // timestamp
        0xff, 0xff, 0xff, 0xff,             // no coordinator
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // no open transaction
    ];
    let bytes = table.snapshot();
    assert_eq!(bytes[..2], [0, 1], "version");
    assert_eq!(bytes[2..6], crc_fast::crc32_iscsi(&body).to_be_bytes(), "checksum");
    assert_eq!(bytes[6..], body);
}

#[test]
fn a_damaged_snapshot_changes_nothing() {
    let mut table = table(4, &[batch(1, 0, 0, 1)]);
    let mut rot = table.snapshot();
    let version_2 = [&[0, 2], &rot[2..]].concat();
    let short = rot[..rot.len() - 1].to_vec();
    *rot.last_mut().unwrap() ^= 1;
    assert_eq!(table.load_snapshot(&version_2), Err(SnapshotError::Version { got: 2 }));
    assert!(matches!(table.load_snapshot(&short), Err(SnapshotError::Checksum { .. })));
    assert!(matches!(table.load_snapshot(&rot), Err(SnapshotError::Checksum { .. })));
    assert_eq!(table.load_snapshot(&[0]), Err(SnapshotError::Truncated { size_bytes: 1 }));
    assert_eq!(table.len(), 1);
}

/// A producer that remembers every batch it wrote and searches them all.
#[derive(Debug, Default)]
struct Naive {
    epoch: Option<i16>,
    /// First sequence, count, base offset; of the current epoch.
    written: Vec<(i32, u32, i64)>,
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Appended(i64),
    Duplicate(i64),
    Refused(i16),
}

impl Naive {
    fn append(&mut self, epoch: i16, sequence: i32, count: u32, end: i64) -> Outcome {
        if self.epoch == Some(epoch) {
            let recent = self.written.iter().rev().take(BATCHES_KEPT);
            let same = recent.copied().find(|it| (it.0, it.1) == (sequence, count));
            if let Some((.., base)) = same {
                return Outcome::Duplicate(base);
            }
        }
        if self.epoch.is_some_and(|current| epoch < current) {
            return Outcome::Refused(47);
        }
        let next = match (self.epoch, self.written.last()) {
            (None, _) => sequence,
            (Some(current), Some((first, count, _))) if current == epoch => {
                i32::try_from((i64::from(*first) + i64::from(*count)) % (1 << 31)).unwrap()
            }
            _ => 0,
        };
        if sequence != next {
            return Outcome::Refused(45);
        }
        if self.epoch != Some(epoch) {
            self.written.clear();
        }
        self.epoch = Some(epoch);
        self.written.push((sequence, count, end));
        Outcome::Appended(end)
    }
}

proptest! {
    /// Sequences near each other and near the wrap, so that hits, gaps and duplicates are common.
    #[test]
    fn appends_agree_with_a_model_that_forgets_nothing(
        appends in prop::collection::vec((0_i64..3, 0_i16..3, 0_i64..8, 1_u32..4), 1..120),
        snapshots in any::<bool>(),
    ) {
        use model::{LeaderEpoch, NodeId, Now, PartitionIndex, TopicId, TopicPartition};
        let at = TopicPartition { topic: TopicId::METADATA, partition: PartitionIndex(0) };
        let mut replica =
            Replica::new(at, NodeId(0), 1, crate::LogEnds::default(), Producers::new(8, 1_000));
        let leader = Event::BecomeLeader {
            leader_epoch: LeaderEpoch(0),
            isr: vec![NodeId(0)],
            replicas: vec![NodeId(0)],
        };
        replica.step(Now::default(), leader, &mut Vec::new(), &mut Live);
        let mut model: BTreeMap<i64, Naive> = BTreeMap::new();
        for (id, epoch, step, count) in appends {
            let sequence = i32::try_from((i64::from(i32::MAX) - 3 + step) % (1 << 31)).unwrap();
            let end = replica.log_end_offset().0;
            let expected = model.entry(id).or_default().append(epoch, sequence, count, end);
            let mut effects = Vec::new();
            let event = Event::Append {
                batch: batch(id, epoch, sequence, count),
                acks: Acks::All,
                request_leader_epoch: None,
            };
            replica.step(Now::default(), event, &mut effects, &mut Live);
            let got = match effects[..] {
                [Effect::Persist { base_offset, .. }] => Outcome::Appended(base_offset.0),
                [Effect::Duplicate { base_offset, .. }] => Outcome::Duplicate(base_offset.0),
                [Effect::Refuse(error)] => Outcome::Refused(error.code().code()),
                ref other => panic!("{other:?}"),
            };
            prop_assert_eq!(got, expected);
        }
        if snapshots {
            let mut loaded = Producers::new(8, 1_000);
            loaded.load_snapshot(&replica.producers().snapshot()).unwrap();
            loaded.assert_invariants();
            prop_assert!(loaded.describe().eq(replica.producers().describe()));
            prop_assert_eq!(loaded.snapshot(), replica.producers().snapshot());
        }
    }

    #[test]
    fn any_bytes_are_a_snapshot_or_an_error(
        junk in prop::collection::vec(any::<u8>(), 0..200),
        rows in prop::collection::vec(any::<[u64; 6]>(), 0..8),
    ) {
        let mut table = Producers::new(4, 1_000);
        let _ = table.load_snapshot(&junk);
        // Behind the right version, checksum and count the rows themselves are judged. Small ids
        // repeat, and a byte of zeros makes numbers of either sign common.
        let mut body = u32::try_from(rows.len()).unwrap().to_be_bytes().to_vec();
        for row in &rows {
            let bytes = row.map(u64::to_be_bytes).concat();
            body.extend([0; 7]);
            body.extend(&bytes[..39]);
        }
        let sealed = [&[0, 1], &crc_fast::crc32_iscsi(&body).to_be_bytes()[..], &body].concat();
        if table.load_snapshot(&sealed).is_ok() {
            let _ = table.snapshot();
        }
        table.assert_invariants();
    }
}
