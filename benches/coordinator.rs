//! `coordinator`: what a heartbeat costs in a node full of groups, and what a load costs per commit.

use core::time::Duration;

use coordinator::consumer::{
    ConsumerHeartbeat, ConsumerHeartbeatResponse, JOIN_EPOCH, Partitions, TopicView, Topics,
};
use coordinator::{
    Client, CommittedOffset, Coordinator, Effect, EmbeddedProtocol, Event, NamedPartition, Record,
    Request, Response, Settings,
};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use model::{Live, Now, Offset, PartitionIndex, TopicId};

const GROUPS: usize = 1_000;
const MEMBERS: usize = 10;
const PARTITIONS: usize = 100;
const COMMITS: usize = 100_000;

/// Nobody speaks the classic protocol here.
const EMBEDDED: EmbeddedProtocol = EmbeddedProtocol {
    read_subscription: |_| None,
    read_assignment: |_| None,
    write_assignment: |_, _| [].into(),
};

/// A coordinator whose log answers at once.
struct Node {
    core: Coordinator,
    topics: Topics,
    now: Now,
}

impl Node {
    fn loaded(records: Vec<Record>) -> Self {
        let mut topics = Topics::default();
        topics.insert("t", TopicView { id: TopicId([7; 16]), partition_count: 100 });
        let core = Coordinator::new(Settings::PRODUCTION, EMBEDDED);
        let mut node = Self { core, topics, now: Now::default() };
        node.step(Event::BeginLoading);
        node.step(Event::Replay { records });
        node.step(Event::Loaded);
        node
    }

    /// What a heartbeat was answered with.
    fn step(&mut self, event: Event) -> Option<ConsumerHeartbeatResponse> {
        let mut told = None;
        let mut effects = Vec::new();
        self.core.step(self.now, event, &self.topics, &mut effects, &mut Live);
        for effect in effects {
            match effect {
                Effect::Write { ticket, .. } => told = self.step(Event::Committed { ticket }),
                Effect::Reply { response: Response::ConsumerGroupHeartbeat(answer), .. } => {
                    told = Some(answer.expect("the heartbeat is granted"));
                }
                Effect::Reply { .. } => {}
            }
        }
        told
    }

    /// A heartbeat of one member; it says what it owns while things move.
    fn beat(
        &mut self,
        at: usize,
        member_epoch: i32,
        owned: Option<Partitions>,
    ) -> ConsumerHeartbeatResponse {
        let (group, member) = (at / MEMBERS, at % MEMBERS);
        let joins = member_epoch == JOIN_EPOCH;
        let heartbeat = ConsumerHeartbeat {
            group: format!("group-{group}").as_str().into(),
            member_id: format!("member-{member}").as_str().into(),
            member_epoch,
            instance_id: None,
            rack_id: None,
            client: Client { id: "bench".into(), host: "/127.0.0.1".into() },
            rebalance_timeout: joins.then_some(Duration::from_secs(300)),
            topic_names: joins.then(|| ["t".into()].into()),
            topic_regex: None,
            server_assignor: None,
            owned,
        };
        let request = Request::ConsumerGroupHeartbeat(Box::new(heartbeat));
        self.step(Event::Request { token: 1, request }).expect("the log answers at once")
    }

    /// Groups in which nothing moves any more, and the epoch of each of their members.
    fn settled() -> (Self, Vec<i32>) {
        let mut node = Self::loaded(Vec::new());
        let mut epochs = vec![JOIN_EPOCH; GROUPS * MEMBERS];
        let mut owned = vec![Partitions::new(); epochs.len()];
        for _ in 0..6 {
            node.now.mono = node.now.mono + Duration::from_secs(1);
            node.step(Event::Tick);
            for (at, (epoch, owned)) in epochs.iter_mut().zip(&mut owned).enumerate() {
                let told = node.beat(at, *epoch, Some(owned.clone()));
                *epoch = told.member_epoch;
                if let Some(assignment) = told.assignment {
                    *owned = assignment;
                }
            }
        }
        assert!(owned.iter().all(|it| it.len() * MEMBERS == PARTITIONS), "the groups are settled");
        (node, epochs)
    }
}

fn heartbeats(c: &mut Criterion) {
    let (mut node, epochs) = Node::settled();
    let mut group = c.benchmark_group("coordinator");
    group.throughput(Throughput::Elements(epochs.len() as u64));
    group.bench_function("a heartbeat of each of 10,000 members", |b| {
        b.iter(|| {
            for (at, epoch) in epochs.iter().enumerate() {
                assert_eq!(node.beat(at, *epoch, None).member_epoch, *epoch);
            }
        });
    });
    group.finish();
}

fn load(c: &mut Criterion) {
    let commit = |at: usize| Record::OffsetCommit {
        group: format!("group-{}", at % GROUPS).as_str().into(),
        at: NamedPartition {
            topic: format!("topic-{}", at / GROUPS % 10).as_str().into(),
            partition: PartitionIndex(i32::try_from(at / GROUPS / 10).expect("few partitions")),
        },
        value: Some(CommittedOffset {
            offset: Offset(7),
            leader_epoch: None,
            metadata: "".into(),
            commit_timestamp_ms: 0,
            expire_timestamp_ms: None,
            topic_id: TopicId::ZERO,
        }),
    };
    let records: Vec<Record> = (0..COMMITS).map(commit).collect();
    let mut group = c.benchmark_group("coordinator");
    group.throughput(Throughput::Elements(records.len() as u64));
    group.sample_size(20);
    group.bench_function("load 100,000 commits of 1,000 groups", |b| {
        b.iter_batched(|| records.clone(), Node::loaded, BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, heartbeats, load);
criterion_main!(benches);
