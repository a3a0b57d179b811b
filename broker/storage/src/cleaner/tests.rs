//! Cleaning of random logs against what a reader saw before. Pure: a log is a list of batches.

use std::collections::BTreeMap;

use model::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};
use wire::batch::control::{ControlRecord, ControlStamp, TxnOutcome, control_batch};
use wire::batch::{
    Attributes, BatchBuilder, BatchHeader, BatchProducer, BatchRewriter, BatchStamp, BatchView,
};
use wire::compression::Codec;

use super::filter::{Rules, Verdict, filter, keys_of};
use super::offset_map::OffsetMap;
use super::survey::{Fates, Survey};

const DECOMPRESSED_BYTES_MAX: usize = 1 << 20;
const DELETE_RETENTION_MS: i64 = 1000;

type Log = Vec<Vec<u8>>;

/// One round of cleaning over `log`, all of it stable. Returns the log and the new first dirty offset.
fn clean(log: &Log, first_dirty: Offset, map_bytes: usize, now_ms: i64) -> (Log, Offset) {
    let mut survey = Survey::new(i64::MIN, 100);
    for bytes in log {
        survey.note(&view(bytes).header, marker_of(bytes), first_dirty);
    }
    assert!(survey.is_complete());
    let undecided = survey.first_undecided().unwrap_or(Offset(i64::MAX));

    let mut map = OffsetMap::new(map_bytes, survey.dirty_record_count(), first_dirty);
    let mut scratch = Vec::new();
    'dirty: for bytes in log {
        let batch = view(bytes);
        if batch.header.end_offset() > undecided {
            break;
        }
        if batch.header.end_offset() <= first_dirty || survey.is_aborted(&batch.header) {
            continue;
        }
        let keys = keys_of(&batch, first_dirty, DECOMPRESSED_BYTES_MAX, &mut scratch).unwrap();
        for (key, offset) in keys {
            if !map.put(key, offset) {
                map.cover(offset);
                break 'dirty;
            }
        }
        map.cover(batch.header.end_offset());
    }

    let rules = Rules {
        now_ms,
        delete_retention_ms: DELETE_RETENTION_MS,
        decompressed_bytes_max: DECOMPRESSED_BYTES_MAX,
    };
    let (mut fates, mut cleaned) = (Fates::default(), Log::new());
    for bytes in log {
        let batch = view(bytes);
        let fate = fates.next(&survey, &batch.header, marker_of(bytes));
        let when_empty = survey.when_empty(&batch.header);
        match filter(&batch, &map, &rules, (fate, when_empty), &mut scratch).unwrap() {
            Verdict::Keep => cleaned.push(bytes.clone()),
            Verdict::Rewritten(bytes) => cleaned.push(bytes),
            Verdict::Drop => {}
        }
    }
    (cleaned, map.end())
}

fn view(bytes: &[u8]) -> BatchView<'_> {
    let view = BatchView::new(bytes).unwrap();
    view.check_crc().unwrap();
    view
}

fn marker_of(bytes: &[u8]) -> Option<TxnOutcome> {
    let batch = view(bytes);
    let mut scratch = Vec::new();
    let mut records = batch.records(&mut scratch, DECOMPRESSED_BYTES_MAX).unwrap();
    let record = records.next().filter(|_| batch.header.attributes.is_control())?.unwrap();
    match ControlRecord::decode(&record).unwrap() {
        ControlRecord::EndTxn { outcome, .. } => Some(outcome),
        _ => None,
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    key: Vec<u8>,
    value: Option<Vec<u8>>,
    timestamp_ms: i64,
}

/// Data records by offset.
fn rows(log: &Log) -> BTreeMap<i64, Row> {
    let mut rows = BTreeMap::new();
    for bytes in log {
        let batch = view(bytes);
        if batch.header.attributes.is_control() {
            continue;
        }
        let mut scratch = Vec::new();
        for record in batch.records(&mut scratch, DECOMPRESSED_BYTES_MAX).unwrap() {
            let record = record.unwrap();
            let row = Row {
                key: record.key.unwrap().to_vec(),
                value: record.value.map(<[u8]>::to_vec),
                timestamp_ms: batch.header.base_timestamp_ms + record.timestamp_delta_ms,
            };
            rows.insert(batch.header.base_offset.0 + i64::from(record.offset_delta), row);
        }
    }
    rows
}

/// Data records by offset, those of undecided and aborted transactions left out.
fn committed_rows(log: &Log) -> BTreeMap<i64, Row> {
    let mut open: BTreeMap<ProducerId, Vec<Vec<u8>>> = BTreeMap::new();
    let mut committed = Log::new();
    for bytes in log {
        let header = view(bytes).header;
        match (header.producer, marker_of(bytes)) {
            (Some(producer), Some(outcome)) => {
                let batches = open.remove(&producer.id).unwrap_or_default();
                if outcome == TxnOutcome::Commit {
                    committed.extend(batches);
                }
            }
            (Some(producer), None) if header.attributes.is_transactional() => {
                open.entry(producer.id).or_default().push(bytes.clone());
            }
            _ => committed.push(bytes.clone()),
        }
    }
    rows(&committed)
}

/// What a table would hold: offset and value of each key's last record, tombstones left out.
fn table(rows: &BTreeMap<i64, Row>) -> BTreeMap<Vec<u8>, (i64, Vec<u8>)> {
    let mut table = BTreeMap::new();
    for (offset, row) in rows {
        match &row.value {
            Some(value) => table.insert(row.key.clone(), (*offset, value.clone())),
            None => table.remove(&row.key),
        };
    }
    table
}

/// Sequence that each producer reached.
fn sequences(log: &Log) -> BTreeMap<ProducerId, Option<i32>> {
    let headers = log.iter().map(|bytes| view(bytes).header);
    let data = headers.filter(|header| !header.attributes.is_control());
    data.filter_map(|header| Some((header.producer?.id, header.last_sequence()))).collect()
}

struct Source(u64);

impl Source {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Appends batches of a few producers, some of them transactional.
struct Writer {
    source: Source,
    end: i64,
    sequences: [i32; 3],
    open: [bool; 3],
}

impl Writer {
    fn new(seed: u64) -> Self {
        Self { source: Source(seed), end: 0, sequences: [0; 3], open: [false; 3] }
    }

    fn append(&mut self, log: &mut Log, now_ms: i64) {
        // Producer 0 is idempotent, 1 and 2 write transactions, 3 is none of these.
        let who = usize::try_from(self.source.below(4)).unwrap();
        let is_transactional = who == 1 || who == 2;
        if is_transactional && self.open[who] && self.source.below(2) == 0 {
            self.open[who] = false;
            self.append_marker(log, who, now_ms);
            return;
        }
        let count = 1 + self.source.below(4);
        let mut builder = BatchBuilder::new(Vec::new());
        for _ in 0..count {
            let key = [u8::try_from(self.source.below(9)).unwrap()];
            let value = self.source.below(1 << 30).to_be_bytes();
            let is_tombstone = self.source.below(5) == 0;
            let timestamp_ms = now_ms + i64::try_from(self.source.below(20)).unwrap();
            builder.append(timestamp_ms, Some(&key), (!is_tombstone).then_some(&value), &[]);
        }
        let producer = self.sequences.get_mut(who).map(|sequence| {
            let base_sequence = *sequence;
            *sequence += i32::try_from(count).unwrap();
            producer(who, base_sequence)
        });
        let attributes = Attributes::default();
        if is_transactional {
            self.open[who] = true;
        }
        let stamp = BatchStamp {
            base_offset: Offset(self.end),
            partition_leader_epoch: Some(LeaderEpoch(0)),
            producer,
            attributes: if is_transactional { attributes.transactional() } else { attributes },
        };
        let codec = Codec::from_number(u8::try_from(self.source.below(5)).unwrap()).unwrap();
        let mut bytes = Vec::new();
        builder.finish_compressed(&stamp, codec.into(), &mut bytes);
        log.push(bytes);
        self.end += i64::try_from(count).unwrap();
    }

    fn append_marker(&mut self, log: &mut Log, who: usize, now_ms: i64) {
        let aborts = self.source.below(3) == 0;
        let outcome = if aborts { TxnOutcome::Abort } else { TxnOutcome::Commit };
        let stamp = ControlStamp {
            base_offset: Offset(self.end),
            leader_epoch: LeaderEpoch(0),
            timestamp_ms: now_ms,
            producer: Some(producer(who, -1)),
        };
        let record = ControlRecord::EndTxn { outcome, coordinator_epoch: 0 };
        log.push(control_batch(&record, &stamp).unwrap());
        self.end += 1;
    }
}

fn producer(who: usize, base_sequence: i32) -> BatchProducer {
    let id = ProducerId(i64::try_from(who).unwrap());
    BatchProducer { id, epoch: ProducerEpoch(0), base_sequence }
}

#[test]
fn a_reader_from_the_start_ends_with_the_same_table_after_any_cleanings() {
    for seed in 0..60 {
        let mut writer = Writer::new(seed);
        let (mut log, mut original) = (Log::new(), Log::new());
        let (mut first_dirty, mut now_ms) = (Offset::ZERO, 10_000);
        for round in 0..8 {
            for _ in 0..writer.source.below(40) {
                let from = original.len();
                writer.append(&mut original, now_ms);
                log.extend(original[from..].iter().cloned());
            }
            // Sometimes the map is far too small, sometimes horizons pass in between.
            let map_bytes = if writer.source.below(3) == 0 { 24 * 5 } else { 1 << 16 };
            now_ms += i64::try_from(writer.source.below(900)).unwrap();
            let before = log;
            let end;
            (log, end) = clean(&before, first_dirty, map_bytes, now_ms);
            assert!(end >= first_dirty, "seed {seed} round {round}");
            first_dirty = end;

            let (committed, survivors) = (committed_rows(&original), rows(&log));
            let all = rows(&original);
            for (offset, row) in &survivors {
                assert_eq!(all.get(offset), Some(row), "seed {seed} round {round} offset {offset}");
            }
            let after = committed_rows(&log);
            assert_eq!(table(&after), table(&committed), "seed {seed} round {round}");
            assert_eq!(sequences(&log), sequences(&original), "seed {seed} round {round}");
            let headers: Vec<BatchHeader> = log.iter().map(|bytes| view(bytes).header).collect();
            assert!(headers.windows(2).all(|two| two[0].end_offset() <= two[1].base_offset));
            if end == Offset(writer.end) {
                let mut keys: Vec<&Vec<u8>> = after.values().map(|row| &row.key).collect();
                keys.sort();
                assert!(keys.windows(2).all(|two| two[0] != two[1]), "seed {seed}: a key twice");
            }
        }
    }
}

/// One record per batch: key, value or tombstone.
fn log_of(records: &[(&[u8], Option<&[u8]>)]) -> Log {
    let batch = |(at, (key, value)): (usize, &(&[u8], Option<&[u8]>))| {
        let mut builder = BatchBuilder::new(Vec::new());
        builder.append(5000, Some(key), *value, &[]);
        let base_offset = Offset(i64::try_from(at).unwrap());
        builder.finish(&BatchStamp { base_offset, ..BatchStamp::default() })
    };
    records.iter().enumerate().map(batch).collect()
}

fn offsets(log: &Log) -> Vec<i64> {
    rows(log).into_keys().collect()
}

#[test]
fn a_tombstone_stays_for_the_retention_time_after_the_first_cleaning_that_sees_it() {
    let log = log_of(&[(b"a", Some(b"1")), (b"b", Some(b"2")), (b"a", None)]);
    let (log, end) = clean(&log, Offset::ZERO, 1 << 16, 100_000);
    assert_eq!((offsets(&log), end), (vec![1, 2], Offset(3)));
    let horizon_ms = view(&log[1]).header.delete_horizon_ms();
    assert_eq!(horizon_ms, Some(100_000 + DELETE_RETENTION_MS));

    let (log, _) = clean(&log, end, 1 << 16, 100_000 + DELETE_RETENTION_MS - 1);
    assert_eq!(offsets(&log), [1, 2]);
    assert_eq!(view(&log[1]).header.delete_horizon_ms(), horizon_ms);
    let (log, _) = clean(&log, end, 1 << 16, 100_000 + DELETE_RETENTION_MS);
    assert_eq!(offsets(&log), [1]);
}

#[test]
fn a_full_map_leaves_what_it_did_not_see() {
    let log = log_of(&[(b"a", Some(b"1")), (b"b", Some(b"1")), (b"a", Some(b"2"))]);
    let (log, end) = clean(&log, Offset::ZERO, 48, 0);
    assert_eq!((offsets(&log), end), (vec![0, 1, 2], Offset(1)));
    let (log, end) = clean(&log, end, 1 << 16, 0);
    assert_eq!((offsets(&log), end), (vec![1, 2], Offset(3)));
}

#[test]
fn an_aborted_transaction_goes_first_and_its_marker_after_the_horizon() {
    let mut builder = BatchBuilder::new(Vec::new());
    builder.append(5000, Some(b"a"), Some(b"aborted"), &[]);
    let data = builder.finish(&BatchStamp {
        base_offset: Offset(1),
        producer: Some(producer(1, 0)),
        attributes: Attributes::default().transactional(),
        ..BatchStamp::default()
    });
    let stamp = ControlStamp {
        base_offset: Offset(2),
        leader_epoch: LeaderEpoch(0),
        timestamp_ms: 5000,
        producer: Some(producer(1, -1)),
    };
    let abort = ControlRecord::EndTxn { outcome: TxnOutcome::Abort, coordinator_epoch: 0 };
    let mut log = log_of(&[(b"a", Some(b"1"))]);
    log.extend([data, control_batch(&abort, &stamp).unwrap()]);

    let counts = |log: &Log| -> Vec<(i64, i32)> {
        let headers = log.iter().map(|bytes| view(bytes).header);
        headers.map(|header| (header.base_offset.0, header.record_count)).collect()
    };
    let (log, end) = clean(&log, Offset::ZERO, 1 << 16, 0);
    assert_eq!(counts(&log), [(0, 1), (1, 0), (2, 1)], "the producer's last header stays");
    // The empty header still belongs to the transaction; without it the marker gets its horizon.
    let log = vec![log[0].clone(), log[2].clone()];
    let (log, _) = clean(&log, end, 1 << 16, 0);
    assert_eq!(view(&log[1]).header.delete_horizon_ms(), Some(DELETE_RETENTION_MS));
    let (log, _) = clean(&log, end, 1 << 16, DELETE_RETENTION_MS);
    assert_eq!(
        counts(&log),
        [(0, 1), (2, 0)],
        "a producer that only has a marker keeps its header"
    );
}

#[test]
fn a_batch_that_does_not_read_is_an_error() {
    let good = &log_of(&[(b"a", Some(b"1"))])[0];
    let mut header = view(good).header;
    header.attributes = Attributes(7);
    let mut bytes = good.clone();
    bytes[..61].copy_from_slice(&header.encode());
    let batch = BatchView::new(&bytes).unwrap();
    assert!(keys_of(&batch, Offset::ZERO, 100, &mut Vec::new()).is_err());
    assert!(BatchRewriter::new(&header, None).finish().is_ok());
}
