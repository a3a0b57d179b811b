//! `wire`: what one batch and one hot message cost, without a socket.

use std::hint::black_box;

use benches::{Shape, batch, batch_of};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::{Buf, TopicId};
use wire::batch::{BatchView, ProduceRules, validate};
use wire::frame::{LENGTH_BYTES, decode_request_header, encode_request};
use wire::messages::fetch::PartitionData;
use wire::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use wire::{FetchResponseEncoder, FetchResponseHead, ProduceView, Writer};

const NOW_MS: i64 = 1_700_000_000_000;
const FRAME_LIMIT: usize = 1 << 20;

fn bytes(count: usize) -> Throughput {
    Throughput::Bytes(count as u64)
}

fn batches(c: &mut Criterion) {
    let mut group = c.benchmark_group("wire/batch");
    for (name, shape) in [("1x100B", Shape::ONE), ("40x100B", Shape::FORTY)] {
        let sent = batch(shape, NOW_MS);
        let rules = ProduceRules::at(NOW_MS);
        let mut scratch = Vec::new();
        group.throughput(bytes(sent.len()));
        group.bench_function(format!("validate {name}"), |b| {
            b.iter(|| validate(black_box(&sent), &rules, &mut scratch));
        });
        let value = vec![b'v'; shape.value_bytes];
        let mut buffer = Vec::new();
        group.bench_function(format!("build {name}"), |b| {
            b.iter(|| {
                let reused = std::mem::take(&mut buffer);
                buffer = batch_of(black_box(&value), shape.records, NOW_MS, reused);
            });
        });
    }
    // 64 KiB, the largest batch that loadgen builds by default.
    let large = batch(Shape { records: 600, value_bytes: 100 }, NOW_MS);
    let view = BatchView::new(&large).expect("our own batch");
    group.throughput(bytes(large.len()));
    group.bench_function("crc 64KiB", |b| b.iter(|| black_box(&view).check_crc()));
    group.finish();
}

fn produce(c: &mut Criterion) {
    const VERSION: i16 = 13;
    let partition = |index| PartitionProduceData {
        index,
        records: Some(Buf::from(batch(Shape::FORTY, NOW_MS))),
    };
    let topic = TopicProduceData {
        topic_id: TopicId([7; 16]),
        partition_data: (0..3).map(partition).collect(),
        ..TopicProduceData::default()
    };
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![topic],
        ..ProduceRequest::default()
    };
    let frame = encode_request(&request, VERSION, 1, Some("bench"), FRAME_LIMIT)
        .expect("the request fits its version");
    let frame = Buf::from(frame.into_vec()).slice(LENGTH_BYTES..);
    c.bench_function("wire/produce/decode view, 3 partitions", |b| {
        b.iter(|| {
            let (header, mut body) = decode_request_header(black_box(&frame)).expect("our frame");
            ProduceView::decode(&mut body, header.version).expect("our frame")
        });
    });
}

fn fetch(c: &mut Criterion) {
    const VERSION: i16 = 13;
    const PARTITIONS: usize = 6;
    let partition = PartitionData { high_watermark: 1_000, ..PartitionData::default() };
    let head = FetchResponseHead { topic_count: 1, ..FetchResponseHead::default() };
    let mut scratch = Vec::new();
    c.bench_function("wire/fetch/encode response, 6 partitions", |b| {
        b.iter(|| {
            let writer = Writer::reusing(std::mem::take(&mut scratch), 64 * FRAME_LIMIT);
            let mut encoder =
                FetchResponseEncoder::new(writer, VERSION, &head).expect("a known version");
            encoder.topic("", TopicId([7; 16]), PARTITIONS).expect("few partitions");
            for _ in 0..PARTITIONS {
                encoder.partition(black_box(&partition), 65_536).expect("within the limit");
            }
            encoder.finish(&[]).expect("within the limit")
        });
    });
}

criterion_group!(benches, batches, produce, fetch);
criterion_main!(benches);
