//! Produce: pipelined connections that send the same batch again and again.

use crate::peer::{self, Peer};
use crate::usage::{Reading, Usage};
use crate::{Outcome, Target, topics};
use benches::{Shape, batch};
use clap::Args;
use model::{Buf, ErrorCode};
use serde::Serialize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use wire::messages::produce::{
    PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData,
};

/// Names topics, and is not yet one of those that speak of transactions (KIP-890).
const VERSION: i16 = 11;

#[derive(Debug, Clone, Args)]
pub(crate) struct ProduceArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    #[arg(long, default_value_t = 6)]
    partitions: i32,
    /// Records of each request's one batch.
    #[arg(long, default_value_t = 1)]
    records: u32,
    /// Bytes of each record's value.
    #[arg(long, default_value_t = 100)]
    size: usize,
    #[arg(long, default_value_t = 4)]
    connections: i32,
    /// Requests of one connection without an answer.
    #[arg(long, default_value_t = 5)]
    in_flight: u32,
    /// 1, or -1 for all.
    #[arg(long, default_value_t = -1, allow_negative_numbers = true)]
    acks: i16,
    #[arg(long, default_value_t = 2.0)]
    warmup_s: f64,
    #[arg(long, default_value_t = 10.0)]
    duration_s: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Produced {
    records: u32,
    size: usize,
    connections: i32,
    in_flight: u32,
    /// Answered in the measured part.
    requests: u64,
    requests_per_s: f64,
    request_bytes: usize,
    broker_us_per_request: Option<f64>,
    machine_us_per_request: f64,
    #[serde(flatten)]
    usage: Usage,
}

/// What the connections share.
#[derive(Default)]
struct Shared {
    answered: AtomicU64,
    stop: AtomicBool,
}

pub(crate) fn run(args: &ProduceArgs) -> Outcome<Produced> {
    topics::ensure(&args.target, args.partitions)?;
    let shared = Shared::default();
    let (requests, usage) = std::thread::scope(|scope| {
        let connections: Vec<_> = (0..args.connections)
            .map(|index| {
                let shared = &shared;
                scope.spawn(move || {
                    let ended = connection(args, index % args.partitions, shared);
                    // One that fails ends the run: a figure from fewer connections is another figure.
                    shared.stop.store(true, Ordering::Relaxed);
                    ended
                })
            })
            .collect();
        let measured = measure(args, &shared);
        shared.stop.store(true, Ordering::Relaxed);
        for connection in connections {
            connection.join().expect("a connection does not panic")?;
        }
        measured
    })?;
    let per_request = |seconds: f64| seconds * 1e6 / requests.max(1) as f64;
    Ok(Produced {
        records: args.records,
        size: args.size,
        connections: args.connections,
        in_flight: args.in_flight,
        requests,
        requests_per_s: requests as f64 / usage.elapsed_s,
        request_bytes: frame(args, 0)?.len(),
        broker_us_per_request: usage.broker_cpu_s.map(per_request),
        machine_us_per_request: per_request(usage.machine_cpu_s),
        usage,
    })
}

fn measure(args: &ProduceArgs, shared: &Shared) -> Outcome<(u64, Usage)> {
    std::thread::sleep(Duration::from_secs_f64(args.warmup_s));
    let start = Reading::take(args.target.broker_pid)?;
    let before = shared.answered.load(Ordering::Relaxed);
    std::thread::sleep(Duration::from_secs_f64(args.duration_s));
    let after = shared.answered.load(Ordering::Relaxed);
    Ok((after - before, start.until_now()?))
}

/// Keeps `in_flight` requests on their way until told to stop, then collects what is owed.
fn connection(args: &ProduceArgs, partition: i32, shared: &Shared) -> Outcome<()> {
    let mut peer = Peer::connect(&args.target.bootstrap)?;
    let mut frame = frame(args, partition)?;
    settle(&mut peer, &frame)?;
    let (mut sent, mut answered) = (0, 0);
    loop {
        let stopping = shared.stop.load(Ordering::Relaxed);
        while !stopping && sent - answered < args.in_flight.cast_signed() {
            peer::number(&mut frame, sent);
            peer.send(&frame)?;
            sent += 1;
        }
        if sent == answered {
            return Ok(());
        }
        check(peer.receive()?, answered)?;
        answered += 1;
        shared.answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// A producer of single records, each sent when the one before is acknowledged by all.
pub(crate) struct One {
    peer: Peer,
    frame: Vec<u8>,
    sent: i32,
}

impl One {
    pub(crate) fn to(bootstrap: &str, topic: &str) -> Outcome<Self> {
        let mut peer = Peer::connect(bootstrap)?;
        let frame = request(topic, 0, -1, Shape::ONE)?;
        settle(&mut peer, &frame)?;
        Ok(Self { peer, frame, sent: 0 })
    }

    /// How long one record took.
    pub(crate) fn produce(&mut self) -> Outcome<Duration> {
        let start = Instant::now();
        self.sent += 1;
        peer::number(&mut self.frame, self.sent);
        self.peer.send(&self.frame)?;
        check(self.peer.receive()?, self.sent)?;
        Ok(start.elapsed())
    }
}

/// Sends a request until it is accepted: a broker may name a leader before that one knows itself.
fn settle(peer: &mut Peer, frame: &[u8]) -> Outcome<()> {
    const TRIES: u32 = 1_000;
    const PAUSE: Duration = Duration::from_millis(10);
    let too_early =
        [ErrorCode::NotLeaderOrFollower, ErrorCode::UnknownTopicOrPartition].map(ErrorCode::code);
    let mut code = 0;
    for _ in 0..TRIES {
        peer.send(frame)?;
        code = error_code(peer.receive()?)?;
        if !too_early.contains(&code) {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    peer::accepted("Produce", code)
}

fn check(response: &[u8], correlation_id: i32) -> Outcome<()> {
    if peer::numbered(response) != Some(correlation_id) {
        return Err("an answer to another request".to_owned());
    }
    peer::accepted("Produce", error_code(response)?)
}

/// The first error of a response, or 0.
fn error_code(response: &[u8]) -> Outcome<i16> {
    let response: ProduceResponse = peer::decode(&Buf::from(response.to_vec()), VERSION)?;
    let mut partitions = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    Ok(partitions.find_map(|it| (it.error_code != 0).then_some(it.error_code)).unwrap_or_default())
}

fn frame(args: &ProduceArgs, partition: i32) -> Outcome<Vec<u8>> {
    let shape = Shape { records: args.records, value_bytes: args.size };
    request(&args.target.topic, partition, args.acks, shape)
}

/// One Produce request with one batch.
pub(crate) fn request(topic: &str, partition: i32, acks: i16, shape: Shape) -> Outcome<Vec<u8>> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now_ms = i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX);
    let records = Some(Buf::from(batch(shape, now_ms)));
    let topic = TopicProduceData {
        name: topic.to_owned(),
        partition_data: vec![PartitionProduceData { index: partition, records }],
        ..TopicProduceData::default()
    };
    let request = ProduceRequest {
        acks,
        timeout_ms: 30_000,
        topic_data: vec![topic],
        ..ProduceRequest::default()
    };
    peer::encode(&request, VERSION)
}

/// Appends `count` equal batches and one more to a partition, one after the other.
pub(crate) fn load(
    peer: &mut Peer,
    topic: &str,
    partition: i32,
    shape: Shape,
    count: u64,
) -> Outcome<()> {
    let mut frame = request(topic, partition, -1, shape)?;
    settle(peer, &frame)?;
    for index in 0..count {
        let correlation_id = i32::try_from(index).map_err(|error| error.to_string())?;
        peer::number(&mut frame, correlation_id);
        peer.send(&frame)?;
        check(peer.receive()?, correlation_id)?;
    }
    Ok(())
}
