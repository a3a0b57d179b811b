//! Every fuzz body in one table: plain functions over bytes that panic when something is wrong.
//!
//! A short run of all of them is a test; `cargo x fuzz --for 5m` runs them longer. The canary must
//! fail in both, else the loop that feeds the bodies is blind.
//! Inputs start from sampled messages, the batches of `tests/golden/`, and `tests/corpus.hex`, where every input that ever failed
//! stays.

use std::panic::{AssertUnwindSafe, catch_unwind};

use model::Buf;

use crate::batch::{BatchHeader, HEADER_BYTES, ProduceRules, batches, restamp_crc, validate};
use crate::compression::Codec;
use crate::consumer_protocol::ConsumerProtocolSubscription;
use crate::group_records::GroupRecord;
use crate::messages::produce::ProduceRequest;
use crate::messages::sample::visit_all;
use crate::metadata::MetadataRecord;
use crate::testing::{Sample, Source, Visit, encode, from_hex, lines};
use crate::{ApiKey, Message, ProduceView, Reader, Request, Response, frame};

/// One body and where its inputs start.
#[derive(Clone, Copy)]
pub struct Fuzzer {
    pub name: &'static str,
    pub body: fn(&[u8]),
    seeds: fn() -> Vec<Vec<u8>>,
    /// Only the canary's: its failure is the success.
    pub must_fail: bool,
}

/// All bodies.
pub const FUZZERS: &[Fuzzer] = &[
    Fuzzer { name: "frame", body: fuzz_frame, seeds: frame_seeds, must_fail: false },
    Fuzzer { name: "request", body: fuzz_request, seeds: request_seeds, must_fail: false },
    Fuzzer { name: "response", body: fuzz_response, seeds: response_seeds, must_fail: false },
    Fuzzer { name: "produce", body: fuzz_produce, seeds: request_seeds, must_fail: false },
    Fuzzer { name: "metadata", body: fuzz_metadata, seeds: metadata_seeds, must_fail: false },
    Fuzzer { name: "groups", body: fuzz_groups, seeds: group_seeds, must_fail: false },
    Fuzzer { name: "batch", body: fuzz_batch, seeds: batch_seeds, must_fail: false },
    Fuzzer {
        name: "compression",
        body: fuzz_compression,
        seeds: compression_seeds,
        must_fail: false,
    },
    Fuzzer { name: "canary", body: fuzz_canary, seeds: canary_seeds, must_fail: true },
];

/// An input that made a body panic.
#[derive(Debug)]
pub struct Failure {
    pub fuzzer: &'static str,
    pub input: Vec<u8>,
}

impl Fuzzer {
    /// Feeds the body its seeds, then `iterations` mutations of them. The same seed gives the same
    /// inputs.
    ///
    /// # Errors
    /// The first input that failed.
    pub fn run(&self, seed: u64, iterations: usize) -> Result<(), Failure> {
        let mut source = Source::new(seed);
        let mut seeds = (self.seeds)();
        seeds.extend(corpus(self.name));
        seeds.push(Vec::new());
        for input in &seeds {
            self.feed(input)?;
        }
        for _ in 0..iterations {
            self.feed(&mutated(&mut source, &seeds))?;
        }
        Ok(())
    }

    fn feed(&self, input: &[u8]) -> Result<(), Failure> {
        let failure = |_| Failure { fuzzer: self.name, input: input.to_vec() };
        catch_unwind(AssertUnwindSafe(|| (self.body)(input))).map_err(failure)
    }
}

/// A stream of frames with request headers.
fn fuzz_frame(bytes: &[u8]) {
    let mut rest = Buf::from(bytes.to_vec());
    while let Ok(Some((frame, after))) = frame::split_frame(&rest, 1 << 20) {
        assert!(after.len() < rest.len(), "each frame uses up bytes");
        if let Ok((header, reader)) = frame::decode_request_header(&frame) {
            assert!(header.api.supports(header.version));
            assert_eq!(reader.position() + reader.remaining(), frame.len());
        }
        rest = after;
    }
}

/// API key i16, version i16, body.
fn fuzz_request(bytes: &[u8]) {
    visit_all(&mut Body { bytes, requests: true });
}

/// API key i16, version i16, body.
fn fuzz_response(bytes: &[u8]) {
    visit_all(&mut Body { bytes, requests: false });
}

struct Body<'a> {
    bytes: &'a [u8],
    requests: bool,
}

impl Body<'_> {
    /// Whatever can be read must be writable and then read the same.
    fn check<M: Message>(&self, api: ApiKey) {
        let Some((version, body)) = body_of(self.bytes, api) else { return };
        if let Ok(message) = M::decode(&mut Reader::new(&body), version) {
            let again = encode(&message, version);
            assert_eq!(M::decode(&mut Reader::new(&again), version).as_ref(), Ok(&message));
        }
    }
}

impl Visit for Body<'_> {
    fn message<M: Message + Sample>(&mut self) {}
    fn request<R: Request + Sample>(&mut self) {
        if self.requests {
            self.check::<R>(R::API);
        }
    }
    fn response<R: Response + Sample>(&mut self) {
        if !self.requests {
            self.check::<R>(R::API);
        }
    }
}

fn body_of(bytes: &[u8], api: ApiKey) -> Option<(i16, Buf)> {
    let (key, bytes) = bytes.split_first_chunk()?;
    let (version, body) = bytes.split_first_chunk()?;
    let wanted = i16::from_be_bytes(*key) == api as i16;
    wanted.then(|| (i16::from_be_bytes(*version), Buf::from(body.to_vec())))
}

/// The Produce view and the Produce message accept the same bytes.
fn fuzz_produce(bytes: &[u8]) {
    let Some((version, body)) = body_of(bytes, ApiKey::Produce) else { return };
    let view = ProduceView::decode(&mut Reader::new(&body), version);
    let message = ProduceRequest::decode(&mut Reader::new(&body), version);
    assert_eq!(view.is_ok(), message.is_ok(), "{view:?} {message:?}");
}

fn fuzz_metadata(bytes: &[u8]) {
    let value = Buf::from(bytes.to_vec());
    if let Ok(record) = MetadataRecord::decode(&value) {
        let version = (0..=record.version_max()).rev().find_map(|v| record.encode(v).ok());
        let again = Buf::from(version.expect("some version carries what one version carried"));
        assert_eq!(MetadataRecord::decode(&again), Ok(record));
    }
}

/// One byte of length, a key, then a value of `__consumer_offsets`; and a subscription.
fn fuzz_groups(bytes: &[u8]) {
    let Some((&key_bytes, rest)) = bytes.split_first() else { return };
    let (key, value) = rest.split_at(usize::from(key_bytes).min(rest.len()));
    let value = Buf::from(value.to_vec());
    if let Ok(record) = GroupRecord::decode(&key.to_vec().into(), Some(&value)) {
        let again = record.encode().expect("what was read can be written");
        let value = again.value.map(Buf::from);
        assert_eq!(GroupRecord::decode(&again.key.into(), value.as_ref()), Ok(record));
    }
    if let Ok(subscription) = ConsumerProtocolSubscription::from_bytes(&value) {
        let again = subscription.to_bytes(3).expect("3 has all fields").into();
        assert_eq!(ConsumerProtocolSubscription::from_bytes(&again), Ok(subscription));
    }
}

/// A buffer of batches; each also with a right checksum, so that the walk gets past it.
fn fuzz_batch(bytes: &[u8]) {
    let rules = ProduceRules {
        decompressed_bytes_max: 1 << 16,
        timestamp_after_max_ms: i64::MAX,
        ..ProduceRules::at(0)
    };
    let mut scratch = Vec::new();
    for batch in batches(bytes).map_while(Result::ok) {
        let _ = validate(batch.bytes(), &rules, &mut scratch);
    }
    let mut first = bytes.to_vec();
    let Ok(mut header) = BatchHeader::decode(bytes) else { return };
    header.size_bytes = u32::try_from(bytes.len()).expect("a small input");
    header.crc = restamp_crc(&header.encode(), &bytes[HEADER_BYTES..]);
    first[..HEADER_BYTES].copy_from_slice(&header.encode());
    if let Ok(facts) = validate(&first, &rules, &mut scratch) {
        assert_eq!(i64::from(facts.record_count), i64::from(header.record_count));
    }
    assert!(scratch.len() <= (1 << 16) + 1, "decompression stops at its bound");
}

/// One byte of codec, then data.
fn fuzz_compression(bytes: &[u8]) {
    let Some((codec, data)) = bytes.split_first() else { return };
    let Some(codec) = Codec::from_number(codec & 7) else { return };
    let mut scratch = Vec::new();
    if codec != Codec::None && codec.decompressed(data, &mut scratch, 1 << 16).is_ok() {
        assert!(scratch.len() <= 1 << 16);
    }
}

/// Proves that the loop reaches inputs that are not seeds and notices a panic.
fn fuzz_canary(bytes: &[u8]) {
    assert!(bytes.first() != Some(&0xff), "the canary sings");
}

const BATCHES: &str = include_str!("../tests/golden/record_batches.hex");
const CORPUS: &str = include_str!("../tests/corpus.hex");

fn corpus(fuzzer: &'static str) -> impl Iterator<Item = Vec<u8>> {
    lines(CORPUS).filter(move |line| line[0] == fuzzer).map(|line| from_hex(line[1]).to_vec())
}

fn request_seeds() -> Vec<Vec<u8>> {
    seeds().requests
}

fn response_seeds() -> Vec<Vec<u8>> {
    seeds().responses
}

/// Two samples of every version of every message.
#[derive(Default)]
struct Seeds {
    /// Behind API key and version, like those of `responses`.
    requests: Vec<Vec<u8>>,
    responses: Vec<Vec<u8>>,
    /// Behind the version alone.
    records: Vec<Vec<u8>>,
}

fn seeds() -> Seeds {
    let mut seeds = Seeds::default();
    visit_all(&mut seeds);
    seeds
}

fn samples<M: Message + Sample>(head: impl Fn(i16) -> Vec<u8>) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for version in M::VERSION_MIN..=M::VERSION_MAX {
        for seed in 0..2 {
            let body = encode(&M::sample(&mut Source::new(seed), version), version);
            found.push([&head(version)[..], &body].concat());
        }
    }
    found
}

impl Visit for Seeds {
    fn message<M: Message + Sample>(&mut self) {
        let head = |version: i16| vec![version.to_be_bytes()[1]];
        self.records.extend(samples::<M>(head));
    }
    fn request<R: Request + Sample>(&mut self) {
        let head = |version: i16| [(R::API as i16).to_be_bytes(), version.to_be_bytes()].concat();
        self.requests.extend(samples::<R>(head));
    }
    fn response<R: Response + Sample>(&mut self) {
        let head = |version: i16| [(R::API as i16).to_be_bytes(), version.to_be_bytes()].concat();
        self.responses.extend(samples::<R>(head));
    }
}

fn frame_seeds() -> Vec<Vec<u8>> {
    let frame = |seed: Vec<u8>| {
        let correlation_and_client = [0, 0, 0, 1, 0, 1, b'c', 0];
        let (head, body) = seed.split_at(4);
        let size = u32::try_from(seed.len() + correlation_and_client.len()).expect("small");
        [&size.to_be_bytes(), head, &correlation_and_client, body].concat()
    };
    request_seeds().into_iter().map(frame).collect()
}

/// Every record body behind several types: most fit badly, which is the point.
fn metadata_seeds() -> Vec<Vec<u8>> {
    let bodies = seeds().records;
    let types = [0, 1, 2, 3, 4, 5, 9, 12, 15, 17, 20, 23];
    types
        .iter()
        .flat_map(|&it| bodies.iter().map(move |body| [&[1, it], &body[..]].concat()))
        .collect()
}

fn group_seeds() -> Vec<Vec<u8>> {
    let seed = |seed| {
        let record = GroupRecord::sample(&mut Source::new(seed), 0);
        let bytes = record.encode().expect("a sample is small");
        let key_bytes = u8::try_from(bytes.key.len()).ok()?;
        Some([&[key_bytes], &bytes.key[..], &bytes.value.unwrap_or_default()].concat())
    };
    let subscriptions = (0..20).map(|seed| {
        let it = ConsumerProtocolSubscription::sample(&mut Source::new(seed), 3);
        [&[0], &it.to_bytes(3).expect("a sample is small")[..]].concat()
    });
    (0..200).filter_map(seed).chain(subscriptions).collect()
}

fn batch_seeds() -> Vec<Vec<u8>> {
    lines(BATCHES).map(|line| from_hex(line[1]).to_vec()).collect()
}

fn compression_seeds() -> Vec<Vec<u8>> {
    let codec_and_records = |batch: Vec<u8>| [&batch[22..23], &batch[HEADER_BYTES..]].concat();
    batch_seeds().into_iter().map(codec_and_records).collect()
}

fn canary_seeds() -> Vec<Vec<u8>> {
    vec![vec![0; 8]]
}

/// One to four edits of a seed: what breaks decoders is mostly a wrong length near a right one.
fn mutated(source: &mut Source, seeds: &[Vec<u8>]) -> Vec<u8> {
    const EXTREMES: [u8; 6] = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
    let mut input = seeds[source.below(seeds.len())].clone();
    for _ in 0..=source.below(4) {
        let at = source.below(input.len() + 1);
        match source.below(6) {
            0 => input.truncate(at),
            1 => input.insert(at, EXTREMES[source.below(EXTREMES.len())]),
            2 if at < input.len() => input[at] ^= 1 << source.below(8),
            3 if at < input.len() => input[at] = EXTREMES[source.below(EXTREMES.len())],
            4 if at < input.len() => drop(input.remove(at)),
            _ => {
                let other = &seeds[source.below(seeds.len())];
                let from = source.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
        }
    }
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITERATIONS: usize = 4_000;

    #[test]
    fn no_fuzzer_fails_but_the_canary() {
        for fuzzer in FUZZERS {
            let result = fuzzer.run(1, ITERATIONS);
            assert_eq!(result.is_err(), fuzzer.must_fail, "{}: {result:02x?}", fuzzer.name);
        }
    }
}
