//! The clients of a counted run. They draw nothing and act at fixed times, so that a change of the
//! sweeps' clients changes no figure.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::net::SocketAddr;
use std::rc::Rc;

use client::{ClientError, Connection, FetchLimits, FetchSession, Options};
use model::{Buf, Instant, Offset, PartitionIndex, ProducerEpoch, ProducerId, TopicId};
use runtime::memory::MemoryRuntime;
use runtime::{Clock, Spawn, TaskClass};
use wire::batch::{BatchBuilder, BatchProducer, BatchStamp, batches};
use wire::compression::{Codec, Compression};
use wire::messages::init_producer_id::InitProducerIdRequest;
use wire::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};

use super::scenario::Scenario;

type Rt = MemoryRuntime;

const CALL_LIMIT: Duration = Duration::from_secs(10);
const DECOMPRESSED_BYTES_MAX: usize = 1 << 20;

/// What clients counted since the last [`Tally::begin`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) batches: u64,
    pub(super) records: u64,
    pub(super) produced_bytes: u64,
    pub(super) fetches: u64,
    pub(super) fetched_records: u64,
    pub(super) fetched_bytes: u64,
    /// From the call to the answer, in virtual ns.
    pub(super) produce_ns: Vec<u64>,
    pub(super) fetch_ns: Vec<u64>,
    /// From the call of the produce to the answer of the fetch.
    pub(super) delivery_ns: Vec<u64>,
}

/// What the clients of one run share.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counted: RefCell<Counted>,
    pub(super) producers_stop: Cell<bool>,
    pub(super) consumers_stop: Cell<bool>,
    /// Nothing may fail in a run without faults.
    pub(super) failed: RefCell<Option<String>>,
    /// Records that were acknowledged, and that consumers have read, since the run began.
    pub(super) acked: Cell<u64>,
    pub(super) read: Cell<u64>,
}

impl Tally {
    /// Forgets what was counted.
    pub(super) fn begin(&self) {
        *self.counted.borrow_mut() = Counted::default();
    }

    pub(super) fn counted(&self) -> Counted {
        self.counted.borrow().clone()
    }

    fn fail(&self, what: &str, error: &ClientError) {
        self.failed.borrow_mut().get_or_insert(format!("{what}: {error}"));
    }
}

/// A client's place in the run.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) rt: Rt,
    pub(super) to: SocketAddr,
    pub(super) scenario: Scenario,
    pub(super) topic: TopicId,
    pub(super) number: u16,
    pub(super) tally: Rc<Tally>,
}

impl Place {
    fn now(&self) -> Instant {
        self.rt.now().mono
    }

    async fn open(&self) -> Result<Connection<Rt>, ClientError> {
        let options = Options { client_id: format!("perf-{}", self.number), ..Options::default() };
        Connection::open(&self.rt, self.to, options).await
    }
}

/// Starts a producer.
pub(super) fn produce(place: Place) {
    place.rt.clone().spawn("producer", TaskClass::Latency, async move {
        if let Err(error) = send_all(&place).await {
            place.tally.fail("produce", &error);
        }
    });
}

async fn send_all(place: &Place) -> Result<(), ClientError> {
    let Place { scenario, number, .. } = place;
    let connection = place.open().await?;
    let mut identity = None;
    if scenario.idempotent {
        let request = InitProducerIdRequest {
            transactional_id: None,
            transaction_timeout_ms: i32::MAX,
            ..Default::default()
        };
        let response = connection.call(&request, CALL_LIMIT).await?;
        ClientError::check("InitProducerId", response.error_code, None)?;
        identity = Some((ProducerId(response.producer_id), ProducerEpoch(response.producer_epoch)));
    }
    let mut sequences = vec![0; scenario.partitions.into()];
    // Spread over the interval, as clients of a real load are.
    let offset_us = scenario.interval_us * u64::from(*number) / u64::from(scenario.producers);
    let mut due = place.now() + Duration::from_micros(offset_us);
    for round in usize::from(*number).. {
        place.rt.sleep_until(due).await;
        due = due + Duration::from_micros(scenario.interval_us);
        if place.tally.producers_stop.get() {
            return Ok(());
        }
        let index = round % sequences.len();
        let producer = identity.map(|(id, epoch)| {
            let base_sequence = sequences[index];
            sequences[index] += i32::try_from(scenario.records).expect("a small batch");
            BatchProducer { id, epoch, base_sequence }
        });
        let batch = batch(place, producer);
        let bytes = batch.len() as u64;
        let invoked = place.now();
        let reply = connection.submit(&request(place, index, batch)).await?;
        let place = place.clone();
        place.rt.clone().spawn("reply", TaskClass::Latency, async move {
            match reply.await {
                Ok(response) => acked(&place, &response, invoked, bytes),
                Err(error) => place.tally.fail("produce", &error),
            }
        });
    }
    Ok(())
}

fn acked(
    place: &Place,
    response: &wire::messages::produce::ProduceResponse,
    invoked: Instant,
    bytes: u64,
) {
    let partitions = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    for answer in partitions {
        if let Err(error) = ClientError::check("Produce", answer.error_code, None) {
            place.tally.fail("produce", &error);
        }
    }
    let records = place.scenario.records as u64;
    let mut counted = place.tally.counted.borrow_mut();
    counted.batches += 1;
    counted.records += records;
    counted.produced_bytes += bytes;
    counted.produce_ns.push(place.now().0 - invoked.0);
    place.tally.acked.set(place.tally.acked.get() + records);
}

/// A batch whose values begin with the time at which it was made.
fn batch(place: &Place, producer: Option<BatchProducer>) -> Buf {
    let Scenario { records, value_bytes, codec, .. } = place.scenario;
    let mut value = place.now().0.to_le_bytes().to_vec();
    value.resize(value_bytes, b'v');
    let mut builder = BatchBuilder::new(Vec::new());
    for _ in 0..records {
        builder.append(place.rt.now().wall_ms, None, Some(&value), &[]);
    }
    let stamp = BatchStamp { producer, ..BatchStamp::default() };
    if codec == Codec::None {
        return Buf::from(builder.finish(&stamp));
    }
    let mut bytes = Vec::new();
    builder.finish_compressed(&stamp, Compression::from(codec), &mut bytes);
    Buf::from(bytes)
}

fn request(place: &Place, index: usize, batch: Buf) -> ProduceRequest {
    ProduceRequest {
        transactional_id: None,
        acks: -1,
        timeout_ms: 5_000,
        topic_data: vec![TopicProduceData {
            name: place.scenario.topic().name,
            topic_id: place.topic,
            partition_data: vec![PartitionProduceData {
                index: i32::try_from(index).expect("few partitions"),
                records: Some(batch),
            }],
        }],
    }
}

/// Starts a consumer of all partitions, from their beginning.
pub(super) fn consume(place: Place) {
    place.rt.clone().spawn("consumer", TaskClass::Latency, async move {
        if let Err(error) = read_all(&place).await {
            place.tally.fail("fetch", &error);
        }
    });
}

async fn read_all(place: &Place) -> Result<(), ClientError> {
    let connection = place.open().await?;
    let name = place.scenario.topic().name;
    let limits = FetchLimits { max_bytes: 64 << 10, ..FetchLimits::default() };
    let mut offsets = vec![Offset(0); place.scenario.partitions.into()];
    let partition = |index: usize| PartitionIndex(i32::try_from(index).expect("few partitions"));
    let session_of = |offsets: &[Offset]| {
        let mut session = FetchSession::new(limits);
        for (index, offset) in offsets.iter().enumerate() {
            session.add(place.topic, &name, partition(index), *offset);
        }
        session
    };
    let mut session = session_of(&offsets);
    while !place.tally.consumers_stop.get() {
        let mut request = session.request();
        if !place.scenario.sessions {
            // A fetch of everything that wants no session (KIP-227).
            request = session_of(&offsets).request();
            (request.session_id, request.session_epoch) = (0, -1);
        }
        let invoked = place.now();
        let response = connection.call(&request, CALL_LIMIT).await?;
        let fetch_ns = place.now().0 - invoked.0;
        let mut reader = session_of(&offsets);
        let absorbed = if place.scenario.sessions { &mut session } else { &mut reader };
        for fetched in absorbed.absorb(response)? {
            ClientError::check("Fetch", fetched.error_code, None)?;
            let index = usize::try_from(fetched.partition.0).expect("asked for");
            let next = take(place, &fetched.records).unwrap_or(offsets[index]);
            offsets[index] = next.max(offsets[index]);
            session.advance(place.topic, fetched.partition, offsets[index]);
        }
        let mut counted = place.tally.counted.borrow_mut();
        counted.fetches += 1;
        counted.fetch_ns.push(fetch_ns);
    }
    Ok(())
}

/// Counts what a fetch brought for one partition; the offset after it.
fn take(place: &Place, bytes: &[u8]) -> Option<Offset> {
    let mut counted = place.tally.counted.borrow_mut();
    let mut next = None;
    // A batch that was cut at the end comes again.
    for batch in batches(bytes).map_while(Result::ok) {
        next = Some(batch.header.end_offset());
        counted.fetched_bytes += batch.bytes().len() as u64;
        let mut scratch = Vec::new();
        let records = batch.records(&mut scratch, DECOMPRESSED_BYTES_MAX);
        for record in records.into_iter().flatten().map_while(Result::ok) {
            let sent = record.value.and_then(|value| value.first_chunk::<8>());
            let sent_ns = sent.map_or(0, |bytes| u64::from_le_bytes(*bytes));
            counted.delivery_ns.push(place.now().0 - sent_ns);
            counted.fetched_records += 1;
            place.tally.read.set(place.tally.read.get() + 1);
        }
    }
    next
}
