//! One broker in a seeded world, and a client that talks to it over the simulated network.

#![allow(dead_code, reason = "each test file uses its own part")]

use core::cell::Cell;
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;

use client::{Client, ClientError, Connection, NewTopic, Options};
use model::{Buf, Bug, Limits, NodeId, Observation, Probe, Site, TopicId};
use runtime::memory::{
    DiskEffect, DiskFault, DiskVerb, Life, MemoryRuntime, NodeIndex, NodeOptions, World,
};
use server::{Boot, ListenerSpec, LogSink};
use wire::Request;
use wire::batch::{BatchBuilder, BatchProducer, BatchStamp, BatchView, batches};
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic};
use wire::messages::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, TopicProduceData,
};

pub(crate) const PORT: u16 = 9092;
pub(crate) const TOPIC: &str = "orders";
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Switches planted bugs on, and counts copies; looks at nothing else.
#[derive(Debug, Clone, Default)]
pub(crate) struct Planted {
    pub(crate) bug: Option<Bug>,
    pub(crate) copied_bytes: Rc<Cell<usize>>,
}

impl Probe for Planted {
    const ON: bool = true;

    fn planted(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn observe(&mut self, _: Observation) {}

    fn sometimes(&mut self, _: Site) {}

    fn copied(&mut self, bytes: usize) {
        self.copied_bytes.set(self.copied_bytes.get() + bytes);
    }
}

pub(crate) struct Broker {
    pub(crate) world: World,
    pub(crate) node: NodeIndex,
    pub(crate) bug: Option<Bug>,
    /// Record bytes that the broker has copied.
    pub(crate) copied_bytes: Rc<Cell<usize>>,
    pub(crate) idle_ms_max: u64,
    client: MemoryRuntime,
}

impl Broker {
    /// A world with one broker that is not up yet.
    pub(crate) fn new(seed: u64, shards: u16) -> Self {
        let mut world = World::new(seed);
        let node = world.add_node(NodeOptions { shards, ..NodeOptions::default() });
        let client = world.client();
        let copied_bytes = Rc::default();
        Self { world, node, bug: None, copied_bytes, idle_ms_max: 600_000, client }
    }

    pub(crate) fn started(seed: u64, shards: u16) -> Self {
        let mut broker = Self::new(seed, shards);
        broker.start();
        broker
    }

    pub(crate) fn boot(&self) -> Boot {
        let ip = self.world.ip(self.node);
        Boot {
            node_id: NodeId(1),
            directories: vec![PathBuf::from("/data")],
            listeners: vec![ListenerSpec {
                name: "PLAINTEXT".to_owned(),
                bind: SocketAddr::new(ip, PORT),
                advertised_host: ip.to_string(),
                advertised_port: None,
            }],
            http: None,
            idle_ms_max: self.idle_ms_max,
            properties: BTreeMap::new(),
            limits: Limits::tiny(),
            log: LogSink::new(|line| {
                if std::option_env!("ODRADEK_TEST_LOG").is_some() {
                    eprintln!("{:?} shard {}: {}", line.level, line.shard, line.text);
                }
            }),
            version: "test",
            io: "memory".to_owned(),
            ready: |_| {},
        }
    }

    pub(crate) fn start(&mut self) {
        let boot = self.boot();
        let probe = Planted { bug: self.bug, copied_bytes: Rc::clone(&self.copied_bytes) };
        self.world.boot(self.node, probe, move |rt, mesh| server::run(rt, mesh, boot.clone()));
    }

    /// Asks the broker to stop, and waits until it has.
    pub(crate) fn stop(&mut self) -> Life {
        self.world.ask_to_stop(self.node);
        let node = self.node;
        let ended = self.world.run_until(LIMIT, |world| world.life(node) != Life::Up);
        assert!(ended, "the broker does not stop:\n{}", self.world.last_events());
        self.world.life(node)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.world.ip(self.node), PORT)
    }

    pub(crate) fn client_runtime(&self) -> MemoryRuntime {
        self.client.clone()
    }

    /// Runs what a client does to its end.
    pub(crate) fn run<T: 'static>(
        &mut self,
        work: impl AsyncFnOnce(MemoryRuntime, SocketAddr) -> T + 'static,
    ) -> T {
        let (rt, at) = (self.client.clone(), self.address());
        let task_rt = rt.clone();
        self.world.block_on(&rt, async move { work(task_rt, at).await })
    }

    pub(crate) fn create_topic(
        &mut self,
        name: &str,
        partition_count: i32,
        configs: &[(&str, &str)],
    ) {
        let topic = NewTopic {
            name: name.to_owned(),
            partition_count,
            replication_factor: Some(1),
            configs: configs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        };
        self.run(async move |rt, at| client(&rt, at).await.create_topic(topic).await.unwrap());
    }

    pub(crate) fn call<Q: Request + 'static>(&mut self, request: Q) -> Q::Response
    where
        Q::Response: 'static,
    {
        self.run(async move |rt, at| {
            let connection = connection(&rt, at).await;
            connection.call(&request, LIMIT).await.unwrap()
        })
    }
}

pub(crate) async fn connection(rt: &MemoryRuntime, at: SocketAddr) -> Connection<MemoryRuntime> {
    for _ in 0..100 {
        if let Ok(connection) = Connection::open(rt, at, Options::default()).await {
            return connection;
        }
        runtime::Clock::sleep_until(rt, runtime::Clock::now(rt).mono + Duration::from_millis(50))
            .await;
    }
    panic!("the broker does not answer");
}

pub(crate) async fn client(rt: &MemoryRuntime, at: SocketAddr) -> Client<MemoryRuntime> {
    connection(rt, at).await;
    Client::connect(rt, &[at.to_string()], Options::default()).await.unwrap()
}

/// A batch of these values, from a producer if one is given.
pub(crate) fn batch(values: &[&str], producer: Option<BatchProducer>) -> Buf {
    batch_at(1_000, values, producer)
}

/// As [`batch`], with a timestamp for all records.
pub(crate) fn batch_at(timestamp_ms: i64, values: &[&str], producer: Option<BatchProducer>) -> Buf {
    let mut builder = BatchBuilder::new(Vec::new());
    for value in values {
        builder.append(timestamp_ms, Some(b"key"), Some(value.as_bytes()), &[]);
    }
    Buf::from(builder.finish(&BatchStamp { producer, ..BatchStamp::default() }))
}

pub(crate) fn produce_request(acks: i16, topic: &str, partitions: &[(i32, Buf)]) -> ProduceRequest {
    ProduceRequest {
        acks,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            name: topic.to_owned(),
            topic_id: TopicId::ZERO,
            partition_data: partitions
                .iter()
                .map(|(index, records)| PartitionProduceData {
                    index: *index,
                    records: Some(records.clone()),
                })
                .collect(),
        }],
        ..ProduceRequest::default()
    }
}

/// Produces with acks=all and returns the partitions' answers in the order of the request.
pub(crate) async fn produce(
    connection: &Connection<MemoryRuntime>,
    topic: &str,
    partitions: &[(i32, Buf)],
) -> Result<Vec<PartitionProduceResponse>, ClientError> {
    let request = produce_request(-1, topic, partitions);
    let response = connection.call(&request, LIMIT).await?;
    Ok(response.responses.into_iter().flat_map(|topic| topic.partition_responses).collect())
}

/// Produces one value to each of two partitions; the error codes.
pub(crate) fn produce_to_both(broker: &mut Broker, value: &str) -> [i16; 2] {
    let parts = [0, 1].map(|partition| (partition, batch(&[value], None)));
    broker.run(async move |rt, at| {
        let connection = connection(&rt, at).await;
        let answers = produce(&connection, TOPIC, &parts).await.unwrap();
        [answers[0].error_code, answers[1].error_code]
    })
}

pub(crate) fn fetch_request(topic: TopicId, name: &str, partitions: &[(i32, i64)]) -> FetchRequest {
    FetchRequest {
        max_wait_ms: 0,
        min_bytes: 1,
        max_bytes: 1 << 20,
        topics: vec![FetchTopic {
            topic: name.to_owned(),
            topic_id: topic,
            partitions: partitions
                .iter()
                .map(|(partition, fetch_offset)| FetchPartition {
                    partition: *partition,
                    fetch_offset: *fetch_offset,
                    partition_max_bytes: 1 << 20,
                    ..FetchPartition::default()
                })
                .collect(),
        }],
        ..FetchRequest::default()
    }
}

pub(crate) async fn topic_id(client: &Client<MemoryRuntime>, name: &str) -> TopicId {
    client.metadata(&[name]).await.unwrap().topics[name].id
}

/// Every value of one partition from an offset on, read in as many fetches as it takes.
pub(crate) async fn read_all(
    rt: &MemoryRuntime,
    at: SocketAddr,
    partition: i32,
) -> Vec<(i64, String)> {
    let client = client(rt, at).await;
    let topic = topic_id(&client, TOPIC).await;
    let connection = connection(rt, at).await;
    let mut values = Vec::new();
    let mut from = 0;
    loop {
        let request = fetch_request(topic, TOPIC, &[(partition, from)]);
        let response = connection.call(&request, LIMIT).await.unwrap();
        let found = values_of(&response);
        let Some((last, _)) = found.last() else { return values };
        from = last + 1;
        values.extend(found);
    }
}

/// As [`read_all`] finds them, without their offsets.
pub(crate) fn values(broker: &mut Broker, partition: i32) -> Vec<String> {
    let found = broker.run(async move |rt, at| read_all(&rt, at, partition).await);
    found.into_iter().map(|(_, value)| value).collect()
}

/// The records of a response with their offsets, all partitions one after the other.
pub(crate) fn values_of(response: &FetchResponse) -> Vec<(i64, String)> {
    assert_eq!(response.error_code, 0);
    let mut values = Vec::new();
    for partition in response.responses.iter().flat_map(|topic| &topic.partitions) {
        assert_eq!(partition.error_code, 0, "partition {}", partition.partition_index);
        for batch in batches(partition.records.as_deref().unwrap_or_default()) {
            let batch: BatchView<'_> = batch.unwrap();
            batch.check_crc().unwrap();
            let mut scratch = Vec::new();
            for record in batch.records(&mut scratch, 1 << 20).unwrap() {
                let record = record.unwrap();
                let offset = batch.header.base_offset.0 + i64::from(record.offset_delta);
                let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
                values.push((offset, value));
            }
        }
    }
    values
}

/// From now on no partition of [`TOPIC`] can append; everything else has room.
pub(crate) fn no_room_for_records() -> DiskFault {
    DiskFault {
        fail_count: u64::MAX,
        effect: DiskEffect::Error(runtime::Error::NoSpace),
        ..DiskFault::next(DiskVerb::Append, "/orders-")
    }
}
