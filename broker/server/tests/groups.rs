//! Consumer groups over the network: members, committed offsets, and what a restart leaves of them.

mod support;

use core::time::Duration;

use client::{Connection, Options};
use model::{ErrorCode, TopicId};
use runtime::memory::{DiskEffect, DiskFault, DiskVerb, MemoryRuntime, PowerLoss};
use runtime::{Clock, Exit};
use support::*;
use wire::Request;
use wire::batch::{BatchBuilder, BatchStamp};
use wire::compression::{Codec, Compression};
use wire::group_records::{GroupRecord, OffsetCommitKey, OffsetCommitValue};
use wire::messages::delete_groups::DeleteGroupsRequest;
use wire::messages::describe_groups::{DescribeGroupsRequest, DescribedGroup};
use wire::messages::find_coordinator::FindCoordinatorRequest;
use wire::messages::heartbeat::HeartbeatRequest;
use wire::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse};
use wire::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use wire::messages::list_groups::ListGroupsRequest;
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use wire::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

/// A coordinator may be on the shard of a connection, or on another one.
const SHARDS: u16 = 2;
const SESSION_MS: i32 = 10_000;
const NONE: i16 = 0;
const INTERNAL: &str = "__consumer_offsets";

/// A broker with a topic of two partitions, and the topic of the groups.
fn ready(seed: u64, shards: u16) -> Broker {
    let mut broker = Broker::started(seed, shards);
    broker.create_topic(TOPIC, 2, &[]);
    let found = broker.call(FindCoordinatorRequest {
        coordinator_keys: vec!["any".to_owned()],
        ..FindCoordinatorRequest::default()
    });
    assert_eq!(found.coordinators[0].error_code, NONE);
    broker
}

/// One client, and what it knows.
struct Member {
    connection: Connection<MemoryRuntime>,
    topic: TopicId,
    id: String,
    generation: i32,
}

impl Member {
    async fn new(rt: &MemoryRuntime, at: std::net::SocketAddr) -> Self {
        let topic = topic_id(&client(rt, at).await, TOPIC).await;
        Self { connection: connection(rt, at).await, topic, id: String::new(), generation: -1 }
    }

    async fn call<Q: Request>(&self, request: &Q, version: i16) -> Q::Response {
        self.connection.submit_version(request, version).await.unwrap().await.unwrap()
    }

    fn join_request(&self, group: &str, version: i16) -> JoinGroupRequest {
        JoinGroupRequest {
            group_id: group.to_owned(),
            session_timeout_ms: SESSION_MS,
            rebalance_timeout_ms: if version >= 1 { 60_000 } else { -1 },
            member_id: self.id.clone(),
            protocol_type: "consumer".to_owned(),
            protocols: vec![JoinGroupRequestProtocol {
                name: "range".to_owned(),
                metadata: subscription(),
            }],
            ..JoinGroupRequest::default()
        }
    }

    /// Joins, with the id that the coordinator asks for where it asks.
    async fn join(&mut self, group: &str, version: i16) -> JoinGroupResponse {
        let mut joined = self.call(&self.join_request(group, version), version).await;
        if joined.error_code == ErrorCode::MemberIdRequired.code() {
            assert!(version >= 4, "older clients do not know this error");
            self.id.clone_from(&joined.member_id);
            joined = self.call(&self.join_request(group, version), version).await;
        }
        self.id.clone_from(&joined.member_id);
        self.generation = joined.generation_id;
        joined
    }

    /// Syncs, with an assignment for each of these members; error code and own part.
    async fn sync(&self, group: &str, members: &[String], version: i16) -> (i16, Vec<u8>) {
        let assignments = members.iter().map(|member| SyncGroupRequestAssignment {
            member_id: member.clone(),
            assignment: format!("part of {member}").into_bytes().into(),
        });
        let request = SyncGroupRequest {
            group_id: group.to_owned(),
            generation_id: self.generation,
            member_id: self.id.clone(),
            protocol_type: (version >= 5).then(|| "consumer".to_owned()),
            protocol_name: (version >= 5).then(|| "range".to_owned()),
            assignments: assignments.collect(),
            ..SyncGroupRequest::default()
        };
        let synced = self.call(&request, version).await;
        (synced.error_code, synced.assignment.to_vec())
    }

    async fn heartbeat(&self, group: &str, version: i16) -> i16 {
        let request = HeartbeatRequest {
            group_id: group.to_owned(),
            generation_id: self.generation,
            member_id: self.id.clone(),
            ..HeartbeatRequest::default()
        };
        self.call(&request, version).await.error_code
    }

    async fn leave(&self, group: &str, version: i16) -> i16 {
        let mut request =
            LeaveGroupRequest { group_id: group.to_owned(), ..LeaveGroupRequest::default() };
        if version < 3 {
            request.member_id.clone_from(&self.id);
            return self.call(&request, version).await.error_code;
        }
        let identity = MemberIdentity { member_id: self.id.clone(), ..MemberIdentity::default() };
        request.members = vec![identity];
        self.call(&request, version).await.members[0].error_code
    }

    /// Commits for partition 1, as a member of a generation or for no one.
    async fn commit(&self, group: &str, offset: i64, version: i16) -> i16 {
        let partition = OffsetCommitRequestPartition {
            partition_index: 1,
            committed_offset: offset,
            committed_leader_epoch: if version >= 6 { 3 } else { -1 },
            committed_metadata: Some("note".to_owned()),
        };
        let topic = OffsetCommitRequestTopic {
            name: if version < 10 { TOPIC.to_owned() } else { String::new() },
            topic_id: if version < 10 { TopicId::ZERO } else { self.topic },
            partitions: vec![partition],
        };
        let request = OffsetCommitRequest {
            group_id: group.to_owned(),
            generation_id_or_member_epoch: self.generation,
            member_id: self.id.clone(),
            topics: vec![topic],
            ..OffsetCommitRequest::default()
        };
        self.call(&request, version).await.topics[0].partitions[0].error_code
    }

    /// Error codes of group and partition, and the committed offset of partition 1.
    async fn fetch_offset(&self, group: &str, version: i16) -> (i16, i16, i64) {
        if version < 8 {
            let topic =
                OffsetFetchRequestTopic { name: TOPIC.to_owned(), partition_indexes: vec![1] };
            let request = OffsetFetchRequest {
                group_id: group.to_owned(),
                topics: Some(vec![topic]),
                ..OffsetFetchRequest::default()
            };
            let response = self.call(&request, version).await;
            let row = response.topics.first().map(|topic| &topic.partitions[0]);
            let (code, offset) =
                row.map_or((NONE, -1), |row| (row.error_code, row.committed_offset));
            return (response.error_code, code, offset);
        }
        let topic = OffsetFetchRequestTopics {
            name: if version < 10 { TOPIC.to_owned() } else { String::new() },
            topic_id: if version < 10 { TopicId::ZERO } else { self.topic },
            partition_indexes: vec![1],
        };
        let asked = OffsetFetchRequestGroup {
            group_id: group.to_owned(),
            topics: Some(vec![topic]),
            ..OffsetFetchRequestGroup::default()
        };
        let request = OffsetFetchRequest { groups: vec![asked], ..OffsetFetchRequest::default() };
        let response = self.call(&request, version).await;
        let row = response.groups[0].topics.first().map(|topic| &topic.partitions[0]);
        let (code, offset) = row.map_or((NONE, -1), |row| (row.error_code, row.committed_offset));
        (response.groups[0].error_code, code, offset)
    }
}

/// A consumer's subscription to [`TOPIC`], in its oldest version.
fn subscription() -> model::Buf {
    let mut bytes = vec![0, 0, 0, 0, 0, 1, 0, u8::try_from(TOPIC.len()).unwrap()];
    bytes.extend_from_slice(TOPIC.as_bytes());
    bytes.extend_from_slice(&[0xff; 4]);
    bytes.into()
}

fn describe(broker: &mut Broker, group: &str) -> DescribedGroup {
    let request = DescribeGroupsRequest {
        groups: vec![group.to_owned()],
        include_authorized_operations: true,
    };
    broker.call(request).groups.remove(0)
}

/// Commits for no generation.
fn commit(broker: &mut Broker, group: &'static str, offset: i64) -> i16 {
    broker.run(async move |rt, at| Member::new(&rt, at).await.commit(group, offset, 9).await)
}

fn fetch_offset(broker: &mut Broker, group: &'static str) -> (i16, i16, i64) {
    broker.run(async move |rt, at| Member::new(&rt, at).await.fetch_offset(group, 9).await)
}

#[test]
fn the_coordinator_is_found_by_every_version_and_brings_its_topic_along() {
    let mut broker = Broker::started(60, SHARDS);
    broker.run(async |rt, at| {
        let connection = connection(&rt, at).await;
        for version in 0..=6 {
            let request = FindCoordinatorRequest {
                key: if version < 4 { "g".to_owned() } else { String::new() },
                coordinator_keys: if version < 4 { Vec::new() } else { vec!["g".to_owned()] },
                ..FindCoordinatorRequest::default()
            };
            let found = connection.submit_version(&request, version).await.unwrap().await.unwrap();
            let (code, node, port) = match found.coordinators.first() {
                Some(found) => (found.error_code, found.node_id, found.port),
                None => (found.error_code, found.node_id, found.port),
            };
            assert_eq!((code, node, port), (NONE, 1, i32::from(PORT)), "version {version}");
        }
        let unbuilt = [(1, ErrorCode::CoordinatorNotAvailable), (2, ErrorCode::InvalidRequest)];
        for (key_type, error) in unbuilt {
            let coordinator_keys = vec!["k".to_owned()];
            let request = FindCoordinatorRequest { key_type, coordinator_keys, key: String::new() };
            let found = connection.call(&request, LIMIT).await.unwrap();
            assert_eq!(found.coordinators[0].error_code, error.code());
        }
        let cluster = client(&rt, at).await.metadata(&[INTERNAL]).await.unwrap();
        assert_eq!(cluster.topics[INTERNAL].partitions.len(), 50);
        // Only the coordinators write to it.
        let answers = produce(&connection, INTERNAL, &[(0, batch(&["a"], None))]).await.unwrap();
        assert_eq!(answers[0].error_code, ErrorCode::InvalidTopicException.code());
    });
}

#[test]
fn offsets_are_committed_and_fetched_in_every_version() {
    let mut broker = ready(61, SHARDS);
    broker.run(async |rt, at| {
        let member = Member::new(&rt, at).await;
        assert_eq!(member.fetch_offset("g", 1).await, (NONE, NONE, -1));
        for version in 2..=10 {
            let offset = i64::from(version) * 100;
            assert_eq!(member.commit("g", offset, version).await, NONE, "version {version}");
            for version in 1..=10 {
                let fetched = member.fetch_offset("g", version).await;
                assert_eq!(fetched, (NONE, NONE, offset), "version {version}");
            }
        }
        // Nothing by name means all that was committed.
        for version in [2, 7, 8, 10] {
            let asked = OffsetFetchRequestGroup {
                group_id: "g".to_owned(),
                topics: None,
                ..OffsetFetchRequestGroup::default()
            };
            let many = version >= 8;
            let request = OffsetFetchRequest {
                group_id: if many { String::new() } else { "g".to_owned() },
                topics: if many { Some(Vec::new()) } else { None },
                groups: if many { vec![asked] } else { Vec::new() },
                require_stable: version >= 7,
            };
            let found = member.call(&request, version).await;
            let (offset, metadata) = if many {
                let row = &found.groups[0].topics[0].partitions[0];
                (row.committed_offset, row.metadata.clone())
            } else {
                let row = &found.topics[0].partitions[0];
                (row.committed_offset, row.metadata.clone())
            };
            assert_eq!((offset, metadata.as_deref()), (1_000, Some("note")), "version {version}");
        }
    });
}

#[test]
fn an_offset_of_a_partition_that_does_not_exist_is_refused_by_its_row() {
    let mut broker = ready(62, SHARDS);
    broker.run(async |rt, at| {
        let mut member = Member::new(&rt, at).await;
        member.topic = TopicId([9; 16]);
        assert_eq!(member.commit("g", 1, 10).await, ErrorCode::UnknownTopicId.code());
        let (_, code, offset) = member.fetch_offset("g", 10).await;
        assert_eq!((code, offset), (ErrorCode::UnknownTopicId.code(), -1));
        let partition =
            |index| OffsetCommitRequestPartition { partition_index: index, ..Default::default() };
        let topic = |name: &str| OffsetCommitRequestTopic {
            name: name.to_owned(),
            partitions: vec![partition(0), partition(2)],
            ..OffsetCommitRequestTopic::default()
        };
        let request = OffsetCommitRequest {
            group_id: "g".to_owned(),
            topics: vec![topic("missing"), topic(TOPIC)],
            ..OffsetCommitRequest::default()
        };
        let response = member.call(&request, 8).await;
        let rows = response.topics.iter().flat_map(|topic| &topic.partitions);
        let unknown = ErrorCode::UnknownTopicOrPartition.code();
        let codes: Vec<_> = rows.map(|row| row.error_code).collect();
        assert_eq!(codes, [unknown, unknown, NONE, unknown]);
    });
}

#[test]
fn members_of_every_version_join_sync_and_leave() {
    let mut broker = ready(63, SHARDS);
    broker.run(async |rt, at| {
        for version in 0..=9 {
            let group = &format!("group-{version}");
            let (newer, sync) = (version.min(4), version.min(5));
            let mut member = Member::new(&rt, at).await;
            let joined = member.join(group, version).await;
            assert_eq!(joined.error_code, NONE, "version {version}");
            assert_eq!((&joined.leader, joined.members.len()), (&member.id, 1));
            assert!(member.id.starts_with("odradek-"), "{}", member.id);
            let ids = [member.id.clone()];
            let (code, part) = member.sync(group, &ids, sync).await;
            assert_eq!((code, part), (NONE, format!("part of {}", member.id).into_bytes()));
            assert_eq!(member.heartbeat(group, newer).await, NONE);
            assert_eq!(member.commit(group, 5, 2 + version.min(8)).await, NONE);
            member.generation += 1;
            assert_eq!(member.heartbeat(group, newer).await, ErrorCode::IllegalGeneration.code());
            assert_eq!(member.leave(group, sync).await, NONE);
            assert_eq!(member.heartbeat(group, newer).await, ErrorCode::UnknownMemberId.code());
            assert_eq!(member.leave(group, sync).await, ErrorCode::UnknownMemberId.code());
        }
    });
}

#[test]
fn a_second_member_makes_the_first_join_again_and_both_get_their_part() {
    for shards in [1, SHARDS] {
        let mut broker = ready(64, shards);
        broker.run(async |rt, at| {
            let (mut one, mut two) = (Member::new(&rt, at).await, Member::new(&rt, at).await);
            one.join("g", 9).await;
            let alone = [one.id.clone()];
            assert_eq!(one.sync("g", &alone, 5).await.0, NONE);
            // The second one is told its id, and waits with it.
            let told = two.call(&two.join_request("g", 9), 9).await;
            assert_eq!(told.error_code, ErrorCode::MemberIdRequired.code());
            two.id = told.member_id;
            let request = two.join_request("g", 9);
            let waits = two.connection.submit_version(&request, 9).await.unwrap();
            rt.sleep_until(rt.now().mono + Duration::from_secs(1)).await;
            assert_eq!(one.heartbeat("g", 4).await, ErrorCode::RebalanceInProgress.code());
            let joined = one.join("g", 9).await;
            let other = waits.await.unwrap();
            two.generation = other.generation_id;
            assert_eq!((joined.generation_id, other.generation_id), (2, 2));
            assert_eq!((&joined.leader, &other.leader), (&one.id, &one.id));
            assert_eq!((joined.members.len(), other.members.len()), (2, 0));
            assert!(joined.members.iter().all(|member| member.metadata == subscription()));
            let ids = [one.id.clone(), two.id.clone()];
            for (member, assigned) in [(&one, &ids[..]), (&two, &[])] {
                let (code, part) = member.sync("g", assigned, 5).await;
                let expected = format!("part of {}", member.id).into_bytes();
                assert_eq!((code, part), (NONE, expected));
            }
        });
        let described = describe(&mut broker, "g");
        assert_eq!((described.error_code, described.group_state.as_str()), (NONE, "Stable"));
        assert_eq!(described.protocol_data, "range");
        assert_eq!(described.members.len(), 2);
        assert!(described.members[0].client_host.starts_with('/'));
        // Their sessions end when nobody is heard of any more.
        broker.world.run_for(Duration::from_secs(20));
        assert_eq!(describe(&mut broker, "g").group_state, "Empty");
    }
}

#[test]
fn a_group_and_its_offsets_outlive_the_broker() {
    let mut broker = ready(65, SHARDS);
    let member = broker.run(async |rt, at| {
        let mut member = Member::new(&rt, at).await;
        member.join("g", 9).await;
        let ids = [member.id.clone()];
        member.sync("g", &ids, 5).await;
        assert_eq!(member.commit("g", 42, 9).await, NONE);
        (member.id, member.generation)
    });
    assert_eq!(commit(&mut broker, "unmanaged", 7), NONE);
    for life in 0..3 {
        if life == 0 {
            assert_eq!(broker.stop(), runtime::memory::Life::Exited(Exit::Clean));
        } else {
            broker.world.power_loss(broker.node, PowerLoss::KeepsNothing);
            broker.world.run_for(Duration::from_secs(1));
        }
        broker.start();
        let (id, generation) = member.clone();
        broker.run(async move |rt, at| {
            let mut member = Member::new(&rt, at).await;
            (member.id, member.generation) = (id, generation);
            assert_eq!(member.heartbeat("g", 4).await, NONE, "life {life}");
            assert_eq!(member.fetch_offset("g", 9).await, (NONE, NONE, 42), "life {life}");
        });
        assert_eq!(fetch_offset(&mut broker, "unmanaged"), (NONE, NONE, 7));
    }
}

#[test]
fn an_acknowledged_commit_survives_a_power_loss_at_any_moment() {
    for seed in 0..8 {
        let shards = 1 + u16::try_from(seed % 2).unwrap();
        let mut broker = ready(seed, shards);
        let acknowledged = std::rc::Rc::new(core::cell::Cell::new(0));
        let told = std::rc::Rc::clone(&acknowledged);
        let (rt, at) = (broker.client_runtime(), broker.address());
        let task_rt = rt.clone();
        runtime::Spawn::spawn(&rt, "committer", runtime::TaskClass::Latency, async move {
            let member = Member::new(&task_rt, at).await;
            for offset in 1.. {
                let partition = OffsetCommitRequestPartition {
                    partition_index: 1,
                    committed_offset: offset,
                    ..Default::default()
                };
                let topic = OffsetCommitRequestTopic {
                    name: TOPIC.to_owned(),
                    partitions: vec![partition],
                    ..Default::default()
                };
                let request = OffsetCommitRequest {
                    group_id: "g".to_owned(),
                    topics: vec![topic],
                    ..Default::default()
                };
                let sent = member.connection.submit_version(&request, 8).await;
                let Ok(sent) = sent else { return };
                let Ok(answer) = sent.await else { return };
                assert_eq!(answer.topics[0].partitions[0].error_code, NONE);
                told.set(offset);
            }
        });
        broker.world.run_for(Duration::from_millis(30 + seed * 7));
        broker.world.power_loss(broker.node, PowerLoss::Drawn);
        broker.world.run_for(Duration::from_secs(1));
        broker.start();
        let (group, code, found) = fetch_offset(&mut broker, "g");
        assert_eq!((group, code), (NONE, NONE));
        assert!(acknowledged.get() > 0, "seed {seed}: nothing was committed");
        assert!(found >= acknowledged.get(), "seed {seed}: {found} < {}", acknowledged.get());
    }
}

#[test]
fn a_coordinator_whose_log_has_failed_sends_its_groups_away_and_others_go_on() {
    let mut broker = ready(66, SHARDS);
    assert_eq!([commit(&mut broker, "a", 1), commit(&mut broker, "b", 1)], [NONE, NONE]);
    // "a" is kept in partition 47, "b" in 48.
    let fault = DiskFault::next(DiskVerb::Append, "/__consumer_offsets-47/");
    broker.world.plant(broker.node, fault);
    commit(&mut broker, "a", 2);
    broker.world.run_for(Duration::from_secs(1));
    let gone = ErrorCode::NotCoordinator.code();
    assert_eq!(commit(&mut broker, "a", 3), gone);
    assert_eq!(fetch_offset(&mut broker, "a"), (gone, NONE, -1));
    assert_eq!(commit(&mut broker, "b", 2), NONE);
    assert_eq!(fetch_offset(&mut broker, "b"), (NONE, NONE, 2));
}

#[test]
fn a_coordinator_comes_back_with_its_log_when_a_full_disk_has_room_again() {
    let mut broker = ready(73, SHARDS);
    assert_eq!(commit(&mut broker, "a", 1), NONE);
    let fault = DiskFault {
        fail_count: u64::MAX,
        effect: DiskEffect::Error(runtime::Error::NoSpace),
        ..DiskFault::next(DiskVerb::Append, "/__consumer_offsets-")
    };
    broker.world.plant(broker.node, fault);
    commit(&mut broker, "a", 2);
    broker.world.run_for(Duration::from_secs(1));
    assert_eq!(commit(&mut broker, "a", 3), ErrorCode::NotCoordinator.code());
    broker.world.mend_disk(broker.node);
    broker.world.run_for(Duration::from_secs(5));
    let (group, code, offset) = fetch_offset(&mut broker, "a");
    // The second commit was not acknowledged, and may have come to be all the same.
    assert_eq!((group, code), (NONE, NONE));
    assert!([1, 2].contains(&offset), "{offset}");
    assert_eq!(commit(&mut broker, "a", 4), NONE);
    assert_eq!(fetch_offset(&mut broker, "a"), (NONE, NONE, 4));
}

#[test]
fn what_another_broker_wrote_is_read_compressed_or_of_unknown_type() {
    let mut broker = ready(74, SHARDS);
    broker.run(async |rt, at| {
        let admin = Options { client_id: "__admin_client".to_owned(), ..Options::default() };
        let connection = Connection::open(&rt, at, admin).await.unwrap();
        let key = OffsetCommitKey { group: "a".to_owned(), topic: TOPIC.to_owned(), partition: 1 };
        let value = OffsetCommitValue { offset: 77, ..OffsetCommitValue::default() };
        let known = GroupRecord::OffsetCommit(key, Some(value)).encode().unwrap();
        let mut builder = BatchBuilder::new(Vec::new());
        builder.append(1_000, Some(&[0, 10, 0, 1, b's']), Some(&[0, 0]), &[]);
        builder.append(1_000, Some(&known.key), known.value.as_deref(), &[]);
        let gzip = Compression { codec: Codec::Gzip, level: None };
        let mut bytes = Vec::new();
        builder.finish_compressed(&BatchStamp::default(), gzip, &mut bytes);
        let answers = produce(&connection, INTERNAL, &[(47, bytes.into())]).await.unwrap();
        assert_eq!(answers[0].error_code, NONE);
    });
    broker.stop();
    broker.start();
    assert_eq!(fetch_offset(&mut broker, "a"), (NONE, NONE, 77));
}

#[test]
fn a_member_that_waits_for_others_holds_up_neither_a_stop_nor_the_next_client() {
    let mut broker = ready(67, SHARDS);
    broker.run(async |rt, at| {
        let (mut one, two) = (Member::new(&rt, at).await, Member::new(&rt, at).await);
        one.join("g", 3).await;
        let ids = [one.id.clone()];
        one.sync("g", &ids, 3).await;
        // Waits for the first one, which never comes again; then its client is gone.
        let request = two.join_request("g", 3);
        let waits = two.connection.submit_version(&request, 3).await.unwrap();
        assert_eq!(one.heartbeat("g", 3).await, ErrorCode::RebalanceInProgress.code());
        drop((waits, two));
        rt.sleep_until(rt.now().mono + Duration::from_secs(1)).await;
        // A third one waits in its place, and is answered when the broker stops.
        let three = Member::new(&rt, at).await;
        let request = three.join_request("g", 3);
        let waits = three.connection.submit_version(&request, 3).await.unwrap();
        runtime::Spawn::spawn(&rt, "waits", runtime::TaskClass::Latency, async move {
            let _kept = three;
            let answer = waits.await.unwrap();
            assert_eq!(answer.error_code, ErrorCode::NotCoordinator.code());
        });
    });
    broker.world.run_for(Duration::from_millis(100));
    let asked = broker.world.now();
    assert_eq!(broker.stop(), runtime::memory::Life::Exited(Exit::Clean));
    assert!(broker.world.now().since(asked) < Duration::from_secs(2));
}

#[test]
fn groups_are_listed_by_state_and_type_from_every_shard() {
    let mut broker = ready(68, SHARDS);
    for group in ["a", "b", "c", "d"] {
        assert_eq!(commit(&mut broker, group, 1), NONE);
    }
    broker.run(async |rt, at| {
        Member::new(&rt, at).await.join("joined", 9).await;
    });
    let listed = |broker: &mut Broker, states: &[&str], types: &[&str]| {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let request =
            ListGroupsRequest { states_filter: owned(states), types_filter: owned(types) };
        let response = broker.call(request);
        assert_eq!(response.error_code, NONE);
        let mut groups: Vec<_> = response.groups.into_iter().map(|it| it.group_id).collect();
        groups.sort_unstable();
        groups
    };
    assert_eq!(listed(&mut broker, &[], &[]), ["a", "b", "c", "d", "joined"]);
    assert_eq!(listed(&mut broker, &["empty"], &["Classic"]), ["a", "b", "c", "d"]);
    assert_eq!(listed(&mut broker, &["CompletingRebalance", "Stable"], &[]), ["joined"]);
    assert!(listed(&mut broker, &[], &["consumer"]).is_empty());
}

#[test]
fn a_group_that_is_not_there_is_dead_or_an_error_by_version() {
    let mut broker = ready(69, SHARDS);
    let described = describe(&mut broker, "nobody");
    assert_eq!(described.error_code, ErrorCode::GroupIdNotFound.code());
    assert_eq!(described.error_message.as_deref(), Some("Group nobody not found."));
    broker.run(async |rt, at| {
        let request = DescribeGroupsRequest {
            groups: vec!["nobody".to_owned()],
            ..DescribeGroupsRequest::default()
        };
        let described = Member::new(&rt, at).await.call(&request, 5).await;
        let group = &described.groups[0];
        assert_eq!((group.error_code, group.group_state.as_str()), (NONE, "Dead"));
    });
}

#[test]
fn offsets_and_groups_are_deleted() {
    let mut broker = ready(70, SHARDS);
    for group in ["a", "b"] {
        assert_eq!(commit(&mut broker, group, 1), NONE);
    }
    let partitions = [1, 9].map(|index| OffsetDeleteRequestPartition { partition_index: index });
    let topic =
        OffsetDeleteRequestTopic { name: TOPIC.to_owned(), partitions: partitions.to_vec() };
    let response =
        broker.call(OffsetDeleteRequest { group_id: "a".to_owned(), topics: vec![topic] });
    let codes: Vec<_> = response.topics[0].partitions.iter().map(|it| it.error_code).collect();
    assert_eq!(response.error_code, NONE);
    assert_eq!(codes, [NONE, ErrorCode::UnknownTopicOrPartition.code()]);
    assert_eq!(fetch_offset(&mut broker, "a"), (NONE, NONE, -1));

    let names = ["b", "nobody"].map(str::to_owned);
    let response = broker.call(DeleteGroupsRequest { groups_names: names.to_vec() });
    let codes: Vec<_> = response.results.iter().map(|it| it.error_code).collect();
    assert_eq!(codes, [NONE, ErrorCode::GroupIdNotFound.code()]);
    assert_eq!(fetch_offset(&mut broker, "b"), (NONE, NONE, -1));
}

#[test]
fn the_offsets_of_a_deleted_topic_are_gone_also_after_a_restart() {
    let mut broker = ready(71, SHARDS);
    for group in ["a", "b"] {
        assert_eq!(commit(&mut broker, group, 9), NONE);
    }
    broker.run(async |rt, at| client(&rt, at).await.delete_topic(TOPIC).await.unwrap());
    broker.world.run_for(Duration::from_secs(1));
    broker.create_topic(TOPIC, 2, &[]);
    for _ in 0..2 {
        for group in ["a", "b"] {
            assert_eq!(fetch_offset(&mut broker, group), (NONE, NONE, -1));
        }
        broker.stop();
        broker.start();
    }
}

#[test]
fn without_the_topic_a_group_has_no_coordinator() {
    let mut broker = Broker::started(72, SHARDS);
    broker.create_topic(TOPIC, 2, &[]);
    let gone = ErrorCode::NotCoordinator.code();
    assert_eq!(commit(&mut broker, "g", 1), gone);
    assert_eq!(fetch_offset(&mut broker, "g"), (gone, NONE, -1));
    assert!(broker.call(ListGroupsRequest::default()).groups.is_empty());
}
