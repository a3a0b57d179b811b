//! Groups of KIP-848 over the network: heartbeats bring assignments, and the log keeps them.

mod support;

use std::net::SocketAddr;

use client::Connection;
use core::time::Duration;
use model::{ErrorCode, TopicId};
use runtime::Clock;
use runtime::memory::{MemoryRuntime, PowerLoss};
use support::*;
use wire::Request;
use wire::messages::consumer_group_describe::{ConsumerGroupDescribeRequest, DescribedGroup};
use wire::messages::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, TopicPartitions,
};
use wire::messages::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use wire::messages::find_coordinator::FindCoordinatorRequest;
use wire::messages::list_groups::ListGroupsRequest;
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};

const SHARDS: u16 = 2;
const NONE: i16 = 0;
const GROUP: &str = "g";

fn ready(seed: u64) -> Broker {
    let mut broker = Broker::started(seed, SHARDS);
    broker.create_topic(TOPIC, 4, &[]);
    let coordinator_keys = vec![GROUP.to_owned()];
    broker.call(FindCoordinatorRequest { coordinator_keys, ..Default::default() });
    broker
}

/// One member, as far as a client remembers what it was told.
struct Member {
    rt: MemoryRuntime,
    connection: Connection<MemoryRuntime>,
    topic: TopicId,
    id: String,
    epoch: i32,
    owned: Vec<i32>,
}

impl Member {
    async fn new(rt: &MemoryRuntime, at: SocketAddr, id: &str) -> Self {
        let topic = topic_id(&client(rt, at).await, TOPIC).await;
        let connection = connection(rt, at).await;
        let (rt, id) = (rt.clone(), id.to_owned());
        Self { rt, connection, topic, id, epoch: 0, owned: Vec::new() }
    }

    async fn call<Q: Request>(&self, request: &Q, version: i16) -> Q::Response {
        self.connection.submit_version(request, version).await.unwrap().await.unwrap()
    }

    async fn heartbeat(&mut self) -> ConsumerGroupHeartbeatResponse {
        let owned = TopicPartitions { topic_id: self.topic, partitions: self.owned.clone() };
        let joins = self.epoch == 0;
        let request = ConsumerGroupHeartbeatRequest {
            group_id: GROUP.to_owned(),
            member_id: self.id.clone(),
            member_epoch: self.epoch,
            rebalance_timeout_ms: 60_000,
            subscribed_topic_names: joins.then(|| vec![TOPIC.to_owned()]),
            topic_partitions: Some(if joins || self.owned.is_empty() {
                Vec::new()
            } else {
                vec![owned]
            }),
            ..ConsumerGroupHeartbeatRequest::default()
        };
        let told = self.call(&request, 1).await;
        if told.error_code == NONE {
            self.epoch = told.member_epoch;
            if let Some(assignment) = &told.assignment {
                let topics = assignment.topic_partitions.iter();
                self.owned = topics.flat_map(|it| it.partitions.clone()).collect();
            }
        }
        told
    }

    /// Sends heartbeats until this many partitions are owned.
    async fn own(&mut self, count: usize) {
        for _ in 0..20 {
            let told = self.heartbeat().await;
            assert_eq!(told.error_code, NONE, "{:?}", told.error_message);
            if self.owned.len() == count {
                return;
            }
            self.rt.sleep_until(self.rt.now().mono + Duration::from_secs(1)).await;
        }
        panic!("{} owns {:?}, not {count} partitions", self.id, self.owned);
    }

    async fn commit(&self, epoch: i32, offset: i64, version: i16) -> i16 {
        let partition = OffsetCommitRequestPartition {
            partition_index: 0,
            committed_offset: offset,
            ..OffsetCommitRequestPartition::default()
        };
        let topic = OffsetCommitRequestTopic {
            name: TOPIC.to_owned(),
            partitions: vec![partition],
            ..OffsetCommitRequestTopic::default()
        };
        let request = OffsetCommitRequest {
            group_id: GROUP.to_owned(),
            generation_id_or_member_epoch: epoch,
            member_id: self.id.clone(),
            topics: vec![topic],
            ..OffsetCommitRequest::default()
        };
        self.call(&request, version).await.topics[0].partitions[0].error_code
    }

    /// Error of the group, and the committed offset.
    async fn fetch_offset(&self, epoch: i32) -> (i16, Option<i64>) {
        let topic = OffsetFetchRequestTopics {
            name: TOPIC.to_owned(),
            partition_indexes: vec![0],
            ..OffsetFetchRequestTopics::default()
        };
        let group = OffsetFetchRequestGroup {
            group_id: GROUP.to_owned(),
            member_id: Some(self.id.clone()),
            member_epoch: epoch,
            topics: Some(vec![topic]),
        };
        let request = OffsetFetchRequest { groups: vec![group], ..Default::default() };
        let found = self.call(&request, 9).await.groups.remove(0);
        let offset = found.topics.first().map(|topic| topic.partitions[0].committed_offset);
        (found.error_code, offset)
    }
}

fn describe(broker: &mut Broker) -> DescribedGroup {
    let request = ConsumerGroupDescribeRequest {
        group_ids: vec![GROUP.to_owned()],
        include_authorized_operations: false,
    };
    broker.call(request).groups.remove(0)
}

#[test]
fn members_share_the_partitions_and_a_leaver_s_part_goes_to_the_other() {
    let mut broker = ready(80);
    broker.run(async |rt, at| {
        let mut one = Member::new(&rt, at, "one").await;
        one.own(4).await;
        let mut two = Member::new(&rt, at, "two").await;
        two.heartbeat().await;
        one.own(2).await;
        // What it gave up goes over once it has said so.
        one.heartbeat().await;
        two.own(2).await;
        let mut all = [&one.owned[..], &two.owned[..]].concat();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3]);
        two.epoch = -1;
        assert_eq!(two.heartbeat().await.error_code, NONE);
        one.own(4).await;
    });
    let described = describe(&mut broker);
    assert_eq!((described.error_code, described.group_state.as_str()), (NONE, "Stable"));
    assert_eq!(described.assignor_name, "uniform");
    let member = &described.members[0];
    assert_eq!((member.member_id.as_str(), member.member_type), ("one", 1));
    assert_eq!(member.subscribed_topic_names, [TOPIC]);
    assert_eq!(member.assignment.topic_partitions[0].topic_name, TOPIC);
    assert_eq!(member.assignment, member.target_assignment);
    let listed = broker.call(ListGroupsRequest {
        types_filter: vec!["consumer".to_owned()],
        ..ListGroupsRequest::default()
    });
    assert_eq!(listed.groups.len(), 1);
}

#[test]
fn a_member_goes_on_after_a_power_loss_with_what_it_had() {
    let mut broker = ready(81);
    let (epoch, owned) = broker.run(async |rt, at| {
        let mut member = Member::new(&rt, at, "one").await;
        member.own(4).await;
        assert_eq!(member.commit(member.epoch, 11, 9).await, NONE);
        (member.epoch, member.owned)
    });
    broker.world.power_loss(broker.node, PowerLoss::KeepsNothing);
    broker.world.run_for(Duration::from_secs(1));
    broker.start();
    broker.run(async move |rt, at| {
        let mut member = Member::new(&rt, at, "one").await;
        (member.epoch, member.owned) = (epoch, owned);
        let told = member.heartbeat().await;
        assert_eq!((told.error_code, told.member_epoch), (NONE, epoch));
        assert_eq!(member.fetch_offset(epoch).await, (NONE, Some(11)));
    });
}

#[test]
fn only_the_epoch_a_member_is_in_may_commit_and_fetch() {
    let mut broker = ready(82);
    broker.run(async |rt, at| {
        let mut member = Member::new(&rt, at, "one").await;
        member.own(4).await;
        let epoch = member.epoch;
        let stale = ErrorCode::StaleMemberEpoch.code();
        assert_eq!(member.commit(epoch - 1, 5, 9).await, stale);
        assert_eq!(member.commit(epoch - 1, 5, 8).await, ErrorCode::UnsupportedVersion.code());
        assert_eq!(member.fetch_offset(epoch + 1).await, (stale, None));
        assert_eq!(member.commit(epoch, 5, 9).await, NONE);
        assert_eq!(member.fetch_offset(epoch).await, (NONE, Some(5)));
        let mut stranger = Member::new(&rt, at, "two").await;
        stranger.epoch = 7;
        let told = stranger.heartbeat().await;
        assert_eq!(told.error_code, ErrorCode::UnknownMemberId.code());
        assert!(told.error_message.is_some_and(|text| !text.is_empty()));
    });
}

#[test]
fn new_partitions_reach_a_member_without_its_asking() {
    let mut broker = ready(83);
    broker.run(async |rt, at| {
        let mut member = Member::new(&rt, at, "one").await;
        member.own(4).await;
        let name = TOPIC.to_owned();
        let more = CreatePartitionsTopic { name, count: 6, assignments: None };
        let request = CreatePartitionsRequest { topics: vec![more], ..Default::default() };
        assert_eq!(member.call(&request, 3).await.results[0].error_code, NONE);
        member.own(6).await;
    });
}

#[test]
fn the_first_version_names_the_member_itself() {
    let mut broker = ready(84);
    broker.run(async |rt, at| {
        let member = Member::new(&rt, at, "").await;
        let request = ConsumerGroupHeartbeatRequest {
            group_id: GROUP.to_owned(),
            rebalance_timeout_ms: 60_000,
            subscribed_topic_names: Some(vec![TOPIC.to_owned()]),
            topic_partitions: Some(Vec::new()),
            ..ConsumerGroupHeartbeatRequest::default()
        };
        let told = member.call(&request, 0).await;
        assert_eq!(told.error_code, NONE);
        assert_eq!(told.member_id.map(|id| id.len()), Some(22));
        let refused = member.call(&request, 1).await;
        assert_eq!(refused.error_code, ErrorCode::InvalidRequest.code());
    });
}
