//! Fetch: connections that read the same partition from start to end, over and over.
//!
//! A first pass learns where each fetch starts and how large its answer is. The measured passes send
//! the same requests and take the bytes without looking at records, so that the client stays cheap.

use crate::peer::{self, Peer};
use crate::usage::{Reading, Usage};
use crate::{Outcome, Target, produce, topics};
use benches::Shape;
use clap::Args;
use model::Buf;
use serde::Serialize;
use wire::batch::batches;
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic};

/// The newest version that names topics.
const VERSION: i16 = 12;
/// Batches of about 60 kB: whole ones fit both fetch sizes of the reports.
pub(crate) const SHAPE: Shape = Shape { records: 60, value_bytes: 1_000 };

#[derive(Debug, Clone, Args)]
pub(crate) struct FetchArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Bytes to append before; 0 when the topic is loaded already.
    #[arg(long, default_value_t = 1 << 30)]
    load_bytes: u64,
    /// Most bytes of one fetch.
    #[arg(long, default_value_t = 1 << 20)]
    max_bytes: i32,
    /// Bytes to fetch in the measured part, all connections together.
    #[arg(long, default_value_t = 10_000_000_000)]
    total_bytes: u64,
    #[arg(long, default_value_t = 4)]
    connections: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Fetched {
    max_bytes: i32,
    connections: u64,
    requests: u64,
    bytes: u64,
    /// Bytes of the log that each pass reads.
    pass_bytes: u64,
    gb_per_s: f64,
    broker_s_per_gb: Option<f64>,
    broker_us_per_request: Option<f64>,
    machine_s_per_gb: f64,
    #[serde(flatten)]
    usage: Usage,
}

/// One fetch of a pass.
struct Step {
    request: Vec<u8>,
    response_bytes: usize,
}

pub(crate) fn run(args: &FetchArgs) -> Outcome<Fetched> {
    topics::ensure(&args.target, 1)?;
    let mut peer = Peer::connect(&args.target.bootstrap)?;
    let batch_bytes = benches::batch(SHAPE, 0).len() as u64;
    let topic = &args.target.topic;
    produce::load(&mut peer, topic, 0, SHAPE, args.load_bytes.div_ceil(batch_bytes))?;
    let steps = learn(&mut peer, args)?;
    let pass_bytes: u64 = steps.iter().map(|step| step.response_bytes as u64).sum();
    if pass_bytes == 0 {
        return Err("the partition holds nothing".to_owned());
    }
    let passes = args.total_bytes.div_ceil(pass_bytes * args.connections).max(1);

    let start = Reading::take(args.target.broker_pid)?;
    std::thread::scope(|scope| {
        let connections: Vec<_> = (0..args.connections)
            .map(|_| scope.spawn(|| replay(&args.target.bootstrap, &steps, passes)))
            .collect();
        connections.into_iter().try_for_each(|it| it.join().expect("a connection does not panic"))
    })?;
    let usage = start.until_now()?;

    let requests = passes * args.connections * steps.len() as u64;
    let bytes = passes * args.connections * pass_bytes;
    let gb = bytes as f64 / 1e9;
    Ok(Fetched {
        max_bytes: args.max_bytes,
        connections: args.connections,
        requests,
        bytes,
        pass_bytes,
        gb_per_s: gb / usage.elapsed_s,
        broker_s_per_gb: usage.broker_cpu_s.map(|it| it / gb),
        broker_us_per_request: usage.broker_cpu_s.map(|it| it * 1e6 / requests as f64),
        machine_s_per_gb: usage.machine_cpu_s / gb,
        usage,
    })
}

/// Reads the partition once, from its start to the first empty answer.
fn learn(peer: &mut Peer, args: &FetchArgs) -> Outcome<Vec<Step>> {
    let mut steps = Vec::new();
    let mut offset = 0;
    loop {
        let place = Place { topic: &args.target.topic, partition: 0, offset };
        let request = peer::encode(&request(place, args.max_bytes), VERSION)?;
        let Some(answer) = fetch(peer, &request)? else { return Ok(steps) };
        offset = answer.next_offset;
        steps.push(Step { request, response_bytes: answer.response_bytes });
    }
}

/// Where a fetch starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
}

/// What a fetch of whole batches brought.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) response_bytes: usize,
    pub(crate) next_offset: i64,
}

/// Fetches from a place; `None` at the end of the partition.
pub(crate) fn fetch_at(
    peer: &mut Peer,
    place: Place<'_>,
    max_bytes: i32,
) -> Outcome<Option<Answer>> {
    let request = peer::encode(&request(place, max_bytes), VERSION)?;
    fetch(peer, &request)
}

fn fetch(peer: &mut Peer, request: &[u8]) -> Outcome<Option<Answer>> {
    peer.send(request)?;
    let frame = Buf::from(peer.receive()?.to_vec());
    let response_bytes = frame.len();
    let response: FetchResponse = peer::decode(&frame, VERSION)?;
    let partition = response.responses.iter().flat_map(|topic| &topic.partitions).next();
    let Some(partition) = partition else {
        return Err("Fetch: the answer leaves out the partition".to_owned());
    };
    if response.error_code != 0 || partition.error_code != 0 {
        let codes = (response.error_code, partition.error_code);
        return Err(format!("Fetch: error codes {codes:?}"));
    }
    let records = partition.records.as_deref().unwrap_or_default();
    // Kafka may cut the last batch at the size limit; it comes whole with the next fetch.
    let last = batches(records).filter_map(Result::ok).last();
    Ok(last.map(|last| Answer {
        response_bytes,
        next_offset: last.header.base_offset.0 + i64::from(last.header.last_offset_delta) + 1,
    }))
}

fn replay(bootstrap: &str, steps: &[Step], passes: u64) -> Outcome<()> {
    let mut peer = Peer::connect(bootstrap)?;
    for _ in 0..passes {
        for step in steps {
            peer.send(&step.request)?;
            let size = peer.receive()?.len();
            if size != step.response_bytes {
                return Err(format!("Fetch: {size} bytes, {} before", step.response_bytes));
            }
        }
    }
    Ok(())
}

/// Without a session and without waiting.
fn request(place: Place<'_>, max_bytes: i32) -> FetchRequest {
    let partition = FetchPartition {
        partition: place.partition,
        fetch_offset: place.offset,
        partition_max_bytes: max_bytes,
        ..FetchPartition::default()
    };
    let topic = FetchTopic {
        topic: place.topic.to_owned(),
        partitions: vec![partition],
        ..FetchTopic::default()
    };
    FetchRequest { max_bytes, topics: vec![topic], ..FetchRequest::default() }
}
