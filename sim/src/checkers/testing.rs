//! Short event lists for the checkers' tests: one topic, partition 0, every record its own value.

use expect_test::Expect;
use model::{LeaderEpoch, NodeId, Offset, PartitionIndex, TopicId, TopicPartition};

use super::event::{
    Acks, BatchSeen, Consumed, Content, Event, Fact, Outcome, ProduceAttempt, RecordContent,
    RecordSeen, TopicRules, content_hash, digest,
};
use super::{Checker, Violation};
use crate::scan::{LogScan, PlacedBatch, SegmentScan};

pub(super) const TOPIC: TopicId = TopicId([7; 16]);
pub(super) const NODE: NodeId = NodeId(1);
pub(super) const PLACE: TopicPartition =
    TopicPartition { topic: TOPIC, partition: PartitionIndex(0) };

/// Runs a checker to its end; the text has a line per violation and the evaluations.
pub(super) fn check(mut checker: impl Checker, events: &[Event], expect: Expect) {
    let mut lines = Vec::new();
    let tell = |violation: Violation| {
        assert!(violation.class.starts_with(&format!("{}/", violation.checker)));
        let offset = violation.place.and_then(|place| place.offset);
        let offset = offset.map(|offset| format!(" at {offset}")).unwrap_or_default();
        let kind = violation.class.rsplit('/').next().unwrap_or_default().to_owned();
        format!("{kind}{offset}: {}", violation.text)
    };
    for event in events {
        lines.extend(checker.check(event).err().map(tell));
    }
    while let Err(violation) = checker.finish() {
        lines.push(tell(violation));
        assert!(lines.len() < 100, "finish never ends");
    }
    lines.push(format!("{} evaluations", checker.evaluations()));
    expect.assert_eq(&lines.join("\n"));
}

pub(super) fn event(at_ns: u64, fact: Fact) -> Event {
    Event { at_ns, fact }
}

pub(super) fn created(rules: TopicRules) -> Event {
    event(0, Fact::TopicCreated { topic: TOPIC, name: "t".to_owned(), rules })
}

pub(super) fn compacted() -> Event {
    created(TopicRules { compacted: true, ..TopicRules::default() })
}

/// The content of the `number`th value.
pub(super) fn value(number: i64) -> RecordContent {
    RecordContent { key: None, value: Some(digest(&number.to_le_bytes())), timestamp_ms: number }
}

/// `count` records from `base`; each value is its offset.
pub(super) fn batch(base: i64, count: i64) -> BatchSeen {
    batch_of(base, &(base..base + count).map(value).collect::<Vec<_>>())
}

pub(super) fn batch_of(base: i64, contents: &[RecordContent]) -> BatchSeen {
    let records = (base..).zip(contents);
    let records: Vec<_> = records
        .map(|(offset, content)| RecordSeen { offset: Offset(offset), content: *content })
        .collect();
    let count = u32::try_from(records.len()).unwrap();
    BatchSeen {
        base_offset: Offset(base),
        last_offset: Offset(base - 1 + i64::from(count)),
        leader_epoch: Some(LeaderEpoch(0)),
        producer: None,
        transactional: false,
        control: false,
        count,
        hash: Some(content_hash(contents)),
        records,
    }
}

/// A fetch answer without offsets of the partition.
pub(super) fn answer(from: i64, batches: &[BatchSeen]) -> Event {
    let consumed = Consumed {
        consumer: 1,
        poll: 0,
        at: PLACE,
        from: Offset(from),
        sought: false,
        read_committed: false,
        high_watermark: None,
        last_stable_offset: None,
        log_start_offset: None,
        leader_epoch: None,
        batches: batches.to_vec(),
    };
    event(1, Fact::Consumed(consumed))
}

/// An attempt to produce `count` values, the first of them `first`.
pub(super) fn attempt(operation: u64, first: i64, count: i64, outcome: Outcome) -> Event {
    let attempt = ProduceAttempt {
        operation,
        attempt: 0,
        client: 1,
        at: PLACE,
        acks: Acks::All,
        producer: None,
        transactional: false,
        invoked_ns: 0,
        content: Content::of((first..first + count).map(value).collect()),
        outcome,
    };
    event(0, Fact::Produced(attempt))
}

/// Values acknowledged at the offsets that they are named after.
pub(super) fn acked(base: i64, count: i64) -> Event {
    let outcome = Outcome::Acked { base_offset: Some(Offset(base)) };
    attempt(u64::try_from(base).unwrap(), base, count, outcome)
}

pub(super) fn scan(batches: &[BatchSeen]) -> LogScan {
    let first = batches.first().map_or(Offset::ZERO, |batch| batch.base_offset);
    let mut position_bytes = 0;
    let place = |batch: &BatchSeen| {
        let size_bytes = 61 + 10 * u64::from(batch.count);
        position_bytes += size_bytes;
        PlacedBatch {
            position_bytes: position_bytes - size_bytes,
            size_bytes,
            crc: 0,
            max_timestamp_ms: batch
                .records
                .iter()
                .map(|record| record.content.timestamp_ms)
                .max()
                .unwrap_or(-1),
            batch: batch.clone(),
        }
    };
    LogScan {
        log_start_offset: first,
        log_end_offset: batches.last().map_or(first, |batch| batch.last_offset.after(1)),
        segments: vec![SegmentScan {
            base_offset: first,
            batches: batches.iter().map(place).collect(),
            ..SegmentScan::default()
        }],
    }
}

pub(super) fn final_log(batches: &[BatchSeen]) -> Event {
    event(9, Fact::FinalLog { node: NODE, at: PLACE, log: scan(batches) })
}
