//! What clients do in a run: they produce idempotently, fetch, and tell what they learn as facts.

use client::{Client, ClientError, Connection, NewTopic, Options};
use model::{Buf, ErrorCode, Live, Offset, PartitionIndex, TopicId, TopicPartition};
use runtime::{Clock, Purpose, Spawn};
use sim::checkers::event::{
    Acks, Consumed, Content, Outcome, ProduceAttempt, RecordContent, TopicRules, digest,
};
use sim::checkers::{Event, Fact};
use sim::fetched::batches_seen;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wire::batch::{BatchBuilder, BatchProducer, BatchStamp};
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use wire::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};

use crate::MadsimRuntime;

type Rt = MadsimRuntime<Live>;

const PARTITIONS: i32 = 4;
const TOPIC: &str = "orders";
const CALL_LIMIT: Duration = Duration::from_secs(5);

/// What all clients of a run share.
pub struct Shared {
    address: SocketAddr,
    topic: Mutex<Option<TopicId>>,
    events: Mutex<Vec<Event>>,
    operations: AtomicU64,
    /// Clients end soon after this is set.
    pub stop: AtomicBool,
}

impl Shared {
    #[must_use]
    pub fn new(address: SocketAddr) -> Arc<Self> {
        Arc::new(Self {
            address,
            topic: Mutex::default(),
            events: Mutex::default(),
            operations: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        })
    }

    /// # Panics
    /// When a client panicked while it told something.
    pub fn tell(&self, at_ns: u64, fact: Fact) {
        self.events.lock().expect("one thread").push(Event { at_ns, fact });
    }

    /// Everything that was told, in order.
    ///
    /// # Panics
    /// As [`Shared::tell`].
    #[must_use]
    pub fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.lock().expect("one thread"))
    }

    fn topic(&self) -> TopicId {
        self.topic.lock().expect("one thread").expect("it was created first")
    }

    fn partition(&self, number: i32) -> TopicPartition {
        TopicPartition { topic: self.topic(), partition: PartitionIndex(number) }
    }
}

async fn sleep(rt: &Rt, pause: Duration) {
    rt.sleep_until(rt.now().mono + pause).await;
}

async fn client(rt: &Rt, shared: &Shared) -> Client<Rt> {
    loop {
        let options = Options { connect_limit: CALL_LIMIT, ..Options::default() };
        match Client::connect(rt, &[shared.address.to_string()], options).await {
            Ok(client) => return client,
            Err(_) => sleep(rt, Duration::from_millis(50)).await,
        }
    }
}

async fn connection(rt: &Rt, shared: &Shared) -> Connection<Rt> {
    loop {
        let options = Options { connect_limit: CALL_LIMIT, ..Options::default() };
        match Connection::open(rt, shared.address, options).await {
            Ok(connection) => return connection,
            Err(_) => sleep(rt, Duration::from_millis(50)).await,
        }
    }
}

/// Creates the topic that everybody uses.
///
/// # Errors
/// What the broker said.
pub async fn create_topic(rt: Rt, shared: Arc<Shared>) -> Result<(), ClientError> {
    let client = client(&rt, &shared).await;
    let topic = NewTopic {
        name: TOPIC.to_owned(),
        partition_count: PARTITIONS,
        replication_factor: Some(1),
        configs: BTreeMap::new(),
    };
    client.create_topic(topic).await?;
    let topic = client.metadata(&[TOPIC]).await?.topics[TOPIC].id;
    *shared.topic.lock().expect("one thread") = Some(topic);
    let (name, rules) = (TOPIC.to_owned(), TopicRules::default());
    shared.tell(rt.now().mono.0, Fact::TopicCreated { topic, name, rules });
    Ok(())
}

/// Produces one batch after the other, each again until it is answered, until told to stop. A batch
/// that was never answered ends the producer: its next one would leave a gap.
pub async fn produce(rt: Rt, shared: Arc<Shared>, number: u32) {
    let client = client(&rt, &shared).await;
    let Ok((id, epoch)) = client.init_producer_id().await else { return };
    let mut open = connection(&rt, &shared).await;
    let partition = shared.partition(i32::try_from(number).expect("a few") % PARTITIONS);
    let mut base_sequence = 0;
    while !shared.stop.load(Ordering::Relaxed) {
        let operation = shared.operations.fetch_add(1, Ordering::Relaxed);
        let count = 1 + i32::try_from(rt.random(Purpose::Workload) % 5).expect("below 5");
        let producer = BatchProducer { id, epoch, base_sequence };
        let (records, content) = batch(&rt, number, operation, count, producer);
        for attempt in 0.. {
            let invoked_ns = rt.now().mono.0;
            let outcome = attempt_once(&open, &shared, partition, &records).await;
            let fact = Fact::Produced(ProduceAttempt {
                operation,
                attempt,
                client: number,
                at: partition,
                acks: Acks::All,
                producer: Some(producer),
                transactional: false,
                invoked_ns,
                content: content.clone(),
                outcome,
            });
            shared.tell(rt.now().mono.0, fact);
            match outcome {
                Outcome::Acked { .. } => break,
                _ if shared.stop.load(Ordering::Relaxed) => return,
                Outcome::Refused(_) => sleep(&rt, Duration::from_millis(20)).await,
                Outcome::Unknown => open = connection(&rt, &shared).await,
            }
        }
        base_sequence += count;
    }
}

async fn attempt_once(
    open: &Connection<Rt>,
    shared: &Shared,
    at: TopicPartition,
    records: &Buf,
) -> Outcome {
    let data = PartitionProduceData { index: at.partition.0, records: Some(records.clone()) };
    let topic_data = TopicProduceData {
        name: TOPIC.to_owned(),
        topic_id: shared.topic(),
        partition_data: vec![data],
    };
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: 3_000,
        topic_data: vec![topic_data],
        ..ProduceRequest::default()
    };
    let Ok(response) = open.call(&request, CALL_LIMIT).await else { return Outcome::Unknown };
    let answer = response.responses.iter().flat_map(|topic| &topic.partition_responses).next();
    match answer.map(|it| (ErrorCode::from_code(it.error_code), it.base_offset)) {
        Some((Some(ErrorCode::None), offset)) => {
            Outcome::Acked { base_offset: (offset >= 0).then_some(Offset(offset)) }
        }
        Some((Some(code), _)) => Outcome::Refused(code),
        _ => Outcome::Unknown,
    }
}

fn batch(
    rt: &Rt,
    client: u32,
    operation: u64,
    count: i32,
    producer: BatchProducer,
) -> (Buf, Content) {
    let timestamp_ms = rt.now().wall_ms;
    let (mut builder, mut contents) = (BatchBuilder::new(Vec::new()), Vec::new());
    for index in 0..count {
        let value = format!("{client}/{operation}/{index}");
        builder.append(timestamp_ms, Some(b"key"), Some(value.as_bytes()), &[]);
        contents.push(RecordContent {
            key: Some(digest(b"key")),
            value: Some(digest(value.as_bytes())),
            timestamp_ms,
        });
    }
    let stamp = BatchStamp { producer: Some(producer), ..BatchStamp::default() };
    (Buf::from(builder.finish(&stamp)), Content::of(contents))
}

/// Reads every partition from its start; to the end when `to_the_end`, else until told to stop.
///
/// # Panics
/// On bytes that no broker may send.
pub async fn consume(rt: Rt, shared: Arc<Shared>, number: u32, to_the_end: bool) {
    let mut open = connection(&rt, &shared).await;
    let mut offsets = vec![Offset(0); PARTITIONS as usize];
    let mut caught_up = vec![false; PARTITIONS as usize];
    for poll in 0.. {
        let done = match to_the_end {
            true => caught_up.iter().all(|it| *it),
            false => shared.stop.load(Ordering::Relaxed),
        };
        if done {
            return;
        }
        let request = fetch(&shared, &offsets);
        let Ok(response) = open.call(&request, CALL_LIMIT).await else {
            open = connection(&rt, &shared).await;
            continue;
        };
        for answer in response.responses.iter().flat_map(|topic| &topic.partitions) {
            let index = usize::try_from(answer.partition_index).expect("it was asked for");
            if answer.error_code != 0 {
                sleep(&rt, Duration::from_millis(20)).await;
                continue;
            }
            let batches = batches_seen(answer.records.as_deref().unwrap_or_default())
                .expect("a broker sends only whole batches, and at most the last one cut");
            let (at, from) = (shared.partition(answer.partition_index), offsets[index]);
            let high_watermark = Offset(answer.high_watermark);
            if let Some(last) = batches.last() {
                offsets[index] = Offset(last.last_offset.0 + 1);
            }
            let fact = Fact::Consumed(Consumed {
                consumer: number,
                poll,
                at,
                from,
                sought: from == Offset(0),
                read_committed: false,
                high_watermark: Some(high_watermark),
                last_stable_offset: Some(Offset(answer.last_stable_offset)),
                log_start_offset: Some(Offset(answer.log_start_offset)),
                leader_epoch: None,
                batches,
            });
            shared.tell(rt.now().mono.0, fact);
            if to_the_end && !caught_up[index] && offsets[index] >= high_watermark {
                caught_up[index] = true;
                shared.tell(rt.now().mono.0, Fact::CaughtUp { at });
            }
        }
    }
}

fn fetch(shared: &Shared, offsets: &[Offset]) -> FetchRequest {
    let partitions = (0..).zip(offsets).map(|(partition, offset)| FetchPartition {
        partition,
        fetch_offset: offset.0,
        partition_max_bytes: 1 << 20,
        ..FetchPartition::default()
    });
    let topic = FetchTopic {
        topic: TOPIC.to_owned(),
        topic_id: shared.topic(),
        partitions: partitions.collect(),
    };
    FetchRequest {
        max_wait_ms: 100,
        min_bytes: 1,
        max_bytes: 1 << 20,
        topics: vec![topic],
        ..FetchRequest::default()
    }
}
