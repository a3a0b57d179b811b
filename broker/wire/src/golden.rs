//! Bytes that Kafka's own classes wrote or confirmed, from `tests/golden/`.

use model::{Buf, LeaderEpoch, Offset, ProducerEpoch, ProducerId};

use crate::batch::control::{ControlRecord, ControlStamp, TxnOutcome, control_batch};
use crate::batch::{
    BatchBuilder, BatchProducer, BatchStamp, BatchView, Header, ProduceRules, Record, validate,
};
use crate::compression::Codec;
use crate::messages::sample::visit_all;
use crate::testing::{Sample, Visit, encode, from_hex, lines};
use crate::{Message, Reader};

const MESSAGES: &str = include_str!("../tests/golden/messages.hex");
const BATCHES: &str = include_str!("../tests/golden/record_batches.hex");
const NOW_MS: i64 = 1_700_000_000_000;

fn batch(name: &str) -> Buf {
    let line = lines(BATCHES).find(|line| line[0] == name);
    from_hex(line.unwrap_or_else(|| panic!("no golden batch {name}"))[1])
}

struct Messages;

impl Visit for Messages {
    fn message<M: Message + Sample>(&mut self) {
        let mut versions = Vec::new();
        for line in lines(MESSAGES).filter(|line| line[0] == M::NAME) {
            let version = line[1].parse().unwrap();
            let bytes = from_hex(line.get(2).copied().unwrap_or_default());
            let mut reader = Reader::new(&bytes);
            let message = M::decode(&mut reader, version).unwrap();
            assert_eq!(reader.remaining(), 0, "{} v{version}", M::NAME);
            assert_eq!(encode(&message, version)[..], bytes[..], "{} v{version}", M::NAME);
            versions.push(version);
        }
        let all: Vec<i16> = (M::VERSION_MIN..=M::VERSION_MAX).collect();
        assert_eq!(versions, all, "golden versions of {}", M::NAME);
    }
}

#[test]
fn every_message_has_the_bytes_that_kafka_confirmed() {
    visit_all(&mut Messages);
}

#[test]
fn batches_of_kafka_are_read_with_every_codec() {
    for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let bytes = batch(codec.name());
        let facts = validate(&bytes, &ProduceRules::at(NOW_MS), &mut Vec::new()).unwrap();
        assert_eq!(facts.record_count, 3);
        assert_eq!(facts.restamp, None);
        let header = facts.header;
        assert_eq!(header.attributes.codec(), Ok(codec));
        assert!(header.attributes.is_transactional());
        assert_eq!(header.producer, Some(producer(17)));
        let mut scratch = Vec::new();
        let view = BatchView::new(&bytes).unwrap();
        let records: Vec<Record<'_>> =
            view.records(&mut scratch, 1 << 20).unwrap().map(Result::unwrap).collect();
        let traces: Vec<Header<'_>> = records[0].headers.collect();
        assert_eq!(traces, traced());
        assert_eq!((records[1].key, records[1].value), (None, None));
        assert_eq!(records[2].key, Some(&b""[..]));
        assert_eq!(records[2].value, Some(&[b'x'; 1000][..]));
    }
}

#[test]
fn our_builder_writes_what_kafkas_builder_writes() {
    let mut builder = BatchBuilder::new(Vec::new());
    builder.append(NOW_MS, Some(b"key"), Some(b"value"), &traced());
    builder.append(NOW_MS - 5, None, None, &[]);
    builder.append(NOW_MS + 90_000, Some(b""), Some(&[b'x'; 1000]), &[]);
    let stamp = BatchStamp {
        producer: Some(producer(17)),
        attributes: crate::batch::Attributes::default().transactional(),
        ..BatchStamp::default()
    };
    assert_eq!(builder.finish(&stamp)[..], batch("none")[..]);
}

#[test]
fn our_control_batches_are_those_of_kafka() {
    let stamp = ControlStamp {
        base_offset: Offset(5),
        leader_epoch: LeaderEpoch(2),
        timestamp_ms: NOW_MS,
        producer: Some(producer(-1)),
    };
    for (name, outcome) in [("commit", TxnOutcome::Commit), ("abort", TxnOutcome::Abort)] {
        let marker = ControlRecord::EndTxn { outcome, coordinator_epoch: 9 };
        assert_eq!(control_batch(&marker, &stamp).unwrap()[..], batch(name)[..], "{name}");
    }
    let bytes = batch("leader_change");
    let mut scratch = Vec::new();
    let mut records = BatchView::new(&bytes).unwrap().records(&mut scratch, 1 << 10).unwrap();
    let change = ControlRecord::decode(&records.next().unwrap().unwrap()).unwrap();
    let stamp = ControlStamp {
        base_offset: Offset(0),
        leader_epoch: LeaderEpoch(1),
        timestamp_ms: NOW_MS,
        producer: None,
    };
    assert_eq!(control_batch(&change, &stamp).unwrap()[..], bytes[..]);
}

fn producer(base_sequence: i32) -> BatchProducer {
    BatchProducer { id: ProducerId(4242), epoch: ProducerEpoch(3), base_sequence }
}

/// One header key twice, the second time with a null value.
fn traced() -> Vec<Header<'static>> {
    [Some(&b"1"[..]), None].map(|value| Header { key: b"trace", value }).to_vec()
}
