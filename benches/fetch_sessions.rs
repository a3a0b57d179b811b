//! `server`: what one incremental fetch (KIP-227) costs beside the partitions that have no news.
//!
//! A session of 1, 100 and 1,000 partitions of which one has records: the broker answers a fetch that
//! names nothing. The seeded backend adds its own share to every figure, the same to each; what counts
//! is that the figures do not grow with the session.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use client::{Client, Connection, NewTopic, Options};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use model::{Buf, Limits, Live, TopicId};
use runtime::memory::{MemoryMesh, MemoryRuntime, NodeOptions, World};
use server::{
    Configured, Level, Line, LogSink, Message, Surroundings, configure, parse_properties,
};
use wire::batch::{BatchBuilder, BatchStamp};
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use wire::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};

const PORT: u16 = 9092;
const TOPIC: &str = "orders";
const SESSION_PARTITIONS: [i32; 3] = [1, 100, 1_000];
const SHARDS: [u16; 2] = [1, 2];
const PATIENCE: Duration = Duration::from_secs(60);

/// A node, and a consumer with an open session.
struct Scene {
    world: World,
    client: MemoryRuntime,
    connection: Connection<MemoryRuntime>,
    session_id: i32,
    session_epoch: i32,
}

fn limits() -> Limits {
    Limits { journal_bytes: 4 << 20, frame_bytes: 1 << 20, ..Limits::PRODUCTION }
}

fn start(world: &mut World, shards: u16) -> SocketAddr {
    let node = world.add_node(NodeOptions { shards, ..NodeOptions::default() });
    let ip = world.ip(node);
    let properties =
        format!("node.id=1\nlog.dirs=/data\nlisteners=PLAINTEXT://{ip}:{PORT}\nhttp.listener=");
    let surroundings = Surroundings {
        hostname: ip.to_string(),
        resolve: |host, port| Some((host.parse::<std::net::IpAddr>().ok()?, port).into()),
        limits: limits(),
        log: LogSink::new(|line: Line| {
            if line.level == Level::Error {
                eprintln!("[{}] {}", line.shard, line.text);
            }
        }),
        strict: true,
    };
    let properties = parse_properties(&properties).expect("the bench's own properties");
    let Configured { boot, .. } =
        configure(properties, surroundings).expect("the bench's own properties");
    world.boot(node, Live, move |rt: MemoryRuntime, mesh: MemoryMesh<Message<MemoryRuntime>>| {
        server::run(rt, mesh, boot.clone())
    });
    SocketAddr::new(ip, PORT)
}

fn one_record() -> ProduceRequest {
    let mut builder = BatchBuilder::new(Vec::new());
    builder.append(1_000, None, Some(b"value"), &[]);
    let records = Buf::from(builder.finish(&BatchStamp::default()));
    let partition_data = vec![PartitionProduceData { index: 0, records: Some(records) }];
    let topic =
        TopicProduceData { name: TOPIC.to_owned(), topic_id: TopicId::ZERO, partition_data };
    ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![topic],
        ..ProduceRequest::default()
    }
}

fn opening(topic: TopicId, partitions: i32) -> FetchRequest {
    let partition = |partition| FetchPartition {
        partition,
        partition_max_bytes: 1 << 20,
        ..FetchPartition::default()
    };
    let partitions = (0..partitions).map(partition).collect();
    FetchRequest {
        min_bytes: 1,
        max_bytes: 1 << 20,
        session_epoch: 0,
        topics: vec![FetchTopic { topic: TOPIC.to_owned(), topic_id: topic, partitions }],
        ..FetchRequest::default()
    }
}

impl Scene {
    fn new(shards: u16, partitions: i32) -> Self {
        let mut world = World::new(1);
        let at = start(&mut world, shards);
        let client = world.client();
        let rt = client.clone();
        let (connection, session_id) = world.block_on(&client, async move {
            let admin = loop {
                if let Ok(admin) = Client::connect(&rt, &[at.to_string()], Options::default()).await
                {
                    break admin;
                }
            };
            let topic = NewTopic {
                name: TOPIC.to_owned(),
                partition_count: partitions,
                replication_factor: Some(1),
                configs: BTreeMap::new(),
            };
            admin.create_topic(topic).await.expect("a new topic");
            let topic = admin.metadata(&[TOPIC]).await.expect("metadata").topics[TOPIC].id;
            let connection = Connection::open(&rt, at, Options::default()).await.expect("open");
            connection.call(&one_record(), PATIENCE).await.expect("produce");
            let request = opening(topic, partitions);
            let opened = connection.call(&request, PATIENCE).await.expect("fetch");
            assert_ne!(opened.session_id, 0, "the broker opened no session");
            (connection, opened.session_id)
        });
        Self { world, client, connection, session_id, session_epoch: 1 }
    }

    /// One fetch that names nothing; the partition with records is answered every time.
    fn fetch(&mut self) {
        let request = FetchRequest {
            min_bytes: 1,
            max_bytes: 1 << 20,
            session_id: self.session_id,
            session_epoch: self.session_epoch,
            ..FetchRequest::default()
        };
        self.session_epoch += 1;
        let connection = self.connection.clone();
        let answered = self.world.block_on(&self.client, async move {
            let answer = connection.call(&request, PATIENCE).await.expect("fetch");
            answer.responses.iter().map(|topic| topic.partitions.len()).sum::<usize>()
        });
        assert_eq!(answered, 1, "partitions in the answer");
    }
}

fn fetches(c: &mut Criterion) {
    let mut group = c.benchmark_group("server/incremental fetch, one partition with records");
    for shards in SHARDS {
        for partitions in SESSION_PARTITIONS {
            let mut scene = Scene::new(shards, partitions);
            scene.fetch();
            let id = BenchmarkId::new(format!("{shards} shards"), partitions);
            group.bench_function(id, |b| b.iter(|| scene.fetch()));
        }
    }
    group.finish();
}

criterion_group!(benches, fetches);
criterion_main!(benches);
