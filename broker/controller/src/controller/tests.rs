//! Requests in, records and answers out; and the image against its own records.

use core::fmt::Write as _;

use expect_test::{Expect, expect};
use model::{BrokerEpoch, LeaderEpoch, Limits, NodeId, Offset, TopicId};
use proptest::prelude::*;
use wire::batch::batches;
use wire::messages::alter_configs::{AlterConfigsRequest, AlterConfigsResource, AlterableConfig};
use wire::messages::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use wire::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use wire::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use wire::messages::incremental_alter_configs::{self as incremental};
use wire::metadata::MetadataRecord;

use super::{Controller, Settings};
use crate::config::{Values, parse_properties};
use crate::{
    AdminRequest, AdminResponse, ConfigResource, Effect, Event, Image, Listener, Registration,
    Ticket, decode_batch, encode_batches,
};

/// A controller with brokers `1..=brokers` registered, every proposal committed at once.
struct World {
    controller: Controller,
    /// What a shard holds: committed records only.
    follower: Image,
    written: Vec<MetadataRecord>,
}

impl World {
    fn new(brokers: i32, file: &str) -> Self {
        let settings = Settings::new(NodeId(1), parse_properties(file).unwrap(), &Limits::tiny());
        let controller = Controller::new(settings, Image::default());
        let mut world = Self { controller, follower: Image::default(), written: Vec::new() };
        for id in 1..=brokers {
            world.ask(AdminRequest::RegisterBroker(registration(id, 0)));
        }
        world
    }

    fn ask(&mut self, request: AdminRequest) -> (Vec<MetadataRecord>, AdminResponse) {
        let mut effects = Vec::new();
        self.controller.step(Event::Request { token: 9, request }, &mut effects);
        let mut proposed = Vec::new();
        if let [Effect::Propose { ticket, records }] = &effects[..] {
            let ticket = *ticket;
            proposed = records.clone();
            effects.clear();
            self.controller.step(Event::Committed { ticket }, &mut effects);
        }
        for record in &proposed {
            self.follower.apply(record).unwrap();
        }
        self.written.extend(proposed.iter().cloned());
        let [Effect::Reply { token: 9, response }] = &effects[..] else { panic!("{effects:?}") };
        (proposed, response.clone())
    }
}

fn registration(id: i32, life: u8) -> Registration {
    Registration {
        broker: NodeId(id),
        incarnation_id: [life; 16],
        listeners: vec![Listener {
            name: "PLAINTEXT".to_owned(),
            host: "localhost".to_owned(),
            port: 9092,
            security_protocol: 0,
        }],
        rack: None,
        directories: vec![[7; 16]],
    }
}

fn id(n: u8) -> TopicId {
    let mut bytes = [0; 16];
    bytes[15] = n;
    TopicId(bytes)
}

fn topic(name: &str, partitions: i32, replication_factor: i16) -> CreatableTopic {
    CreatableTopic {
        name: name.to_owned(),
        num_partitions: partitions,
        replication_factor,
        ..Default::default()
    }
}

fn with_config(mut topic: CreatableTopic, name: &str, value: &str) -> CreatableTopic {
    let (name, value) = (name.to_owned(), Some(value.to_owned()));
    topic.configs.push(CreatableTopicConfig { name, value });
    topic
}

fn assigned(name: &str, replica_sets: &[&[i32]]) -> CreatableTopic {
    let assignments = replica_sets.iter().zip(0..).map(|(replicas, partition_index)| {
        CreatableReplicaAssignment { partition_index, broker_ids: replicas.to_vec() }
    });
    CreatableTopic { assignments: assignments.collect(), ..topic(name, -1, -1) }
}

/// Topics with the ids 1, 2, … in their order.
fn create(topics: Vec<CreatableTopic>) -> AdminRequest {
    create_from(1, topics)
}

fn create_from(first: u8, topics: Vec<CreatableTopic>) -> AdminRequest {
    let topic_ids = (first..).map(id).take(topics.len()).collect();
    let request = CreateTopicsRequest { topics, ..Default::default() };
    AdminRequest::CreateTopics { request, topic_ids }
}

fn delete_names(names: &[&str]) -> AdminRequest {
    let topics = names
        .iter()
        .map(|name| DeleteTopicState { name: Some((*name).to_owned()), topic_id: TopicId::ZERO });
    let request = DeleteTopicsRequest { topics: topics.collect(), ..Default::default() };
    AdminRequest::DeleteTopics { request, api_version: 6 }
}

fn alter(resource: &ConfigResource, operations: &[(&str, i8, &str)]) -> AdminRequest {
    let configs = operations.iter().map(|(name, operation, value)| incremental::AlterableConfig {
        name: (*name).to_owned(),
        config_operation: *operation,
        value: (!value.is_empty()).then(|| (*value).to_owned()),
    });
    let resource = incremental::AlterConfigsResource {
        resource_type: resource.resource_type,
        resource_name: resource.name.clone(),
        configs: configs.collect(),
    };
    AdminRequest::IncrementalAlterConfigs(incremental::IncrementalAlterConfigsRequest {
        resources: vec![resource],
        validate_only: false,
    })
}

fn check(world: &mut World, request: AdminRequest, expected: Expect) {
    let (records, response) = world.ask(request);
    let mut trace = String::new();
    for record in &records {
        writeln!(trace, "{}", render_record(record)).unwrap();
    }
    trace.push_str(&render(&response));
    expected.assert_eq(&trace);
    assert_eq!(world.controller.image(), &world.follower);
}

fn render_record(record: &MetadataRecord) -> String {
    match record {
        MetadataRecord::Topic(it) => format!("+ topic {}", it.name),
        MetadataRecord::Partition(it) => format!(
            "+ partition {} replicas={:?} isr={:?} leader={}",
            it.partition_id, it.replicas, it.isr, it.leader
        ),
        MetadataRecord::PartitionChange(it) => {
            format!("+ partition {} leader={}", it.partition_id, it.leader)
        }
        MetadataRecord::Config(it) => {
            format!("+ config {}/{} {}={:?}", it.resource_type, it.resource_name, it.name, it.value)
        }
        MetadataRecord::RemoveTopic(_) => "+ remove topic".to_owned(),
        MetadataRecord::RegisterBroker(it) => {
            format!("+ broker {} epoch={} fenced={}", it.broker_id, it.broker_epoch, it.fenced)
        }
        MetadataRecord::ProducerIds(it) => format!("+ producer ids below {}", it.next_producer_id),
        MetadataRecord::FeatureLevel(it) => format!("+ {}={}", it.name, it.feature_level),
        other => format!("+ {other:?}"),
    }
}

fn render(response: &AdminResponse) -> String {
    let mut text = String::new();
    let mut line = |what: &str, code: i16, message: &Option<String>| {
        let name = model::ErrorCode::from_code(code).unwrap().name();
        writeln!(text, "{what}: {name} {}", message.as_deref().unwrap_or("")).unwrap();
    };
    match response {
        AdminResponse::CreateTopics(it) => {
            for topic in &it.topics {
                let shape = format!("{} x{}", topic.num_partitions, topic.replication_factor);
                line(&format!("{} {shape}", topic.name), topic.error_code, &topic.error_message);
            }
        }
        AdminResponse::DeleteTopics(it) => {
            for topic in &it.responses {
                let name = topic.name.as_deref().unwrap_or("?");
                line(name, topic.error_code, &topic.error_message);
            }
        }
        AdminResponse::CreatePartitions(it) => {
            for topic in &it.results {
                line(&topic.name, topic.error_code, &topic.error_message);
            }
        }
        AdminResponse::AlterConfigs(it) => {
            for resource in &it.responses {
                line(&resource.resource_name, resource.error_code, &resource.error_message);
            }
        }
        AdminResponse::IncrementalAlterConfigs(it) => {
            for resource in &it.responses {
                line(&resource.resource_name, resource.error_code, &resource.error_message);
            }
        }
        AdminResponse::ProducerIds { first, count } => {
            text = format!("producer ids {first}, {count} of them\n");
        }
        AdminResponse::Registered { broker_epoch } => text = format!("epoch {broker_epoch}\n"),
        AdminResponse::Refused(it) => text = format!("{}: {}\n", it.code.name(), it.message),
    }
    // An error without a message would leave a blank at the end.
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn a_first_registration_writes_the_features_and_a_restart_new_leader_epochs() {
    let mut world = World::new(0, "");
    let first = || AdminRequest::RegisterBroker(registration(1, 0));
    check(
        &mut world,
        first(),
        expect![[r#"
        + metadata.version=30
        + broker 1 epoch=0 fenced=false
        epoch 0
    "#]],
    );
    check(
        &mut world,
        first(),
        expect![[r#"
        epoch 0
    "#]],
    );
    world.ask(create(vec![topic("t", 2, 1)]));
    let again = AdminRequest::RegisterBroker(registration(1, 1));
    check(
        &mut world,
        again,
        expect![[r#"
        + broker 1 epoch=1 fenced=false
        + partition 0 leader=1
        + partition 1 leader=1
        epoch 1
    "#]],
    );
    let partition = &world.follower.topic_by_name("t").unwrap().partitions[0];
    assert_eq!((partition.leader_epoch, partition.partition_epoch), (LeaderEpoch(1), 1));
}

#[test]
fn topics_take_the_brokers_defaults() {
    let mut world = World::new(1, "num.partitions=3");
    check(
        &mut world,
        create(vec![topic("t", -1, -1)]),
        expect![[r#"
        + topic t
        + partition 0 replicas=[1] isr=[1] leader=1
        + partition 1 replicas=[1] isr=[1] leader=1
        + partition 2 replicas=[1] isr=[1] leader=1
        t 3 x1: NONE
    "#]],
    );
}

#[test]
fn replicas_spread_over_the_brokers() {
    let mut world = World::new(3, "");
    check(
        &mut world,
        create(vec![topic("t", 6, 2)]),
        expect![[r#"
        + topic t
        + partition 0 replicas=[2, 3] isr=[2, 3] leader=2
        + partition 1 replicas=[3, 1] isr=[3, 1] leader=3
        + partition 2 replicas=[1, 2] isr=[1, 2] leader=1
        + partition 3 replicas=[2, 1] isr=[2, 1] leader=2
        + partition 4 replicas=[3, 2] isr=[3, 2] leader=3
        + partition 5 replicas=[1, 3] isr=[1, 3] leader=1
        t 6 x2: NONE
    "#]],
    );
    check(
        &mut world,
        create_from(2, vec![assigned("u", &[&[2, 1], &[3, 2]])]),
        expect![[r#"
        + topic u
        + partition 0 replicas=[2, 1] isr=[2, 1] leader=2
        + partition 1 replicas=[3, 2] isr=[3, 2] leader=3
        u 2 x2: NONE
    "#]],
    );
}

#[test]
fn each_topic_of_a_request_gets_its_own_answer() {
    let mut world = World::new(1, "");
    world.ask(create(vec![topic("a.b", 1, 1)]));
    let topics = vec![
        topic("good", 1, 1),
        topic("twice", 1, 1),
        topic("twice", 1, 1),
        topic("", 1, 1),
        topic("..", 1, 1),
        topic("no spaces", 1, 1),
        topic("__cluster_metadata", 1, 1),
        topic(&"x".repeat(250), 1, 1),
        topic("a.b", 1, 1),
        topic("a_b", 1, 1),
        topic("c.d", 1, 1),
        topic("c_d", 1, 1),
        topic("none", 0, 1),
        topic("many", 10_001, 1),
        topic("no-replica", 1, 0),
        topic("two-replicas", 1, 2),
        with_config(topic("typo", 1, 1), "retention.mss", "1"),
        with_config(topic("text", 1, 1), "retention.ms", "a week"),
        with_config(topic("low", 1, 1), "segment.bytes", "10"),
        assigned("stranger", &[&[5]]),
        assigned("empty", &[&[]]),
        CreatableTopic { num_partitions: 1, ..assigned("both", &[&[1]]) },
    ];
    check(
        &mut world,
        create_from(10, topics),
        expect![[r#"
        + topic good
        + partition 0 replicas=[1] isr=[1] leader=1
        + topic c.d
        + partition 0 replicas=[1] isr=[1] leader=1
        good 1 x1: NONE
        twice -1 x-1: INVALID_REQUEST the request names this topic more than once
         -1 x-1: INVALID_TOPIC_EXCEPTION a topic name must not be empty
        .. -1 x-1: INVALID_TOPIC_EXCEPTION a topic cannot be named . or ..
        no spaces -1 x-1: INVALID_TOPIC_EXCEPTION a topic name consists of ASCII letters, digits, '.', '_' and '-'
        __cluster_metadata -1 x-1: INVALID_REQUEST __cluster_metadata is the cluster's own log and cannot be created
        xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx -1 x-1: INVALID_TOPIC_EXCEPTION a topic name has at most 249 characters, this one 250
        a.b -1 x-1: TOPIC_ALREADY_EXISTS topic a.b exists already
        a_b -1 x-1: INVALID_TOPIC_EXCEPTION a_b differs from a.b only in '.' and '_', which metric names mix
        c.d 1 x1: NONE
        c_d -1 x-1: INVALID_TOPIC_EXCEPTION c_d differs from another topic of the request only in '.' and '_', which metric names mix
        none -1 x-1: INVALID_PARTITIONS a topic has at least one partition, not 0
        many -1 x-1: POLICY_VIOLATION one request creates at most 10000 partitions
        no-replica -1 x-1: INVALID_REPLICATION_FACTOR a partition has at least one replica, not 0
        two-replicas -1 x-1: INVALID_REPLICATION_FACTOR 2 replicas need as many brokers, and 1 are known
        typo -1 x-1: INVALID_CONFIG unknown configuration key retention.mss; did you mean retention.ms?
        text -1 x-1: INVALID_CONFIG invalid value "a week" for retention.ms: it takes a whole number from -1
        low -1 x-1: INVALID_CONFIG invalid value "10" for segment.bytes: it takes a whole number from 1048576
        stranger -1 x-1: INVALID_REPLICA_ASSIGNMENT the assignment names broker 5, which is not registered
        empty -1 x-1: INVALID_REPLICA_ASSIGNMENT an assignment names at least one replica
        both -1 x-1: INVALID_REQUEST with an assignment, partition count and replication factor must both be -1
    "#]],
    );
}

#[test]
fn a_trial_run_writes_nothing() {
    let mut world = World::new(1, "");
    let request = CreateTopicsRequest {
        topics: vec![topic("t", 1, 1)],
        validate_only: true,
        ..Default::default()
    };
    let request = AdminRequest::CreateTopics { request, topic_ids: vec![id(1)] };
    check(
        &mut world,
        request,
        expect![[r#"
        t 1 x1: NONE
    "#]],
    );
}

#[test]
fn the_cluster_holds_no_more_than_its_limits() {
    let mut world = World::new(1, "");
    check(
        &mut world,
        create(vec![topic("t", 257, 1)]),
        expect![[r#"
        t -1 x-1: POLICY_VIOLATION the cluster holds at most 256 partitions
    "#]],
    );
}

#[test]
fn a_created_topic_reports_its_whole_configuration() {
    let mut world = World::new(1, "log.retention.hours=2");
    let (_, response) =
        world.ask(create(vec![with_config(topic("t", 1, 1), "cleanup.policy", "compact")]));
    let AdminResponse::CreateTopics(response) = response else { panic!("{response:?}") };
    let configs = response.topics[0].configs.as_ref().unwrap();
    assert_eq!(configs.len(), crate::config::TOPIC.len());
    let of = |name: &str| {
        let config = configs.iter().find(|config| config.name == name).unwrap();
        (config.value.clone().unwrap(), config.config_source)
    };
    assert_eq!(of("cleanup.policy"), ("compact".to_owned(), 1));
    assert_eq!(of("retention.ms"), ("7200000".to_owned(), 4));
    assert_eq!(of("flush.messages"), ("1".to_owned(), 5));
}

#[test]
fn topics_are_deleted_with_their_configuration() {
    let mut world = World::new(1, "");
    world.ask(create(vec![with_config(topic("t", 1, 1), "retention.ms", "5"), topic("u", 1, 1)]));
    check(
        &mut world,
        delete_names(&["t", "u", "u", "v"]),
        expect![[r#"
        + remove topic
        t: NONE
        u: INVALID_REQUEST the request names this topic more than once
        u: INVALID_REQUEST the request names this topic more than once
        v: UNKNOWN_TOPIC_OR_PARTITION topic v does not exist
    "#]],
    );
    assert!(world.follower.configs(&ConfigResource::topic("t")).is_empty());
    let states = vec![
        DeleteTopicState { name: None, topic_id: id(2) },
        DeleteTopicState { name: None, topic_id: id(9) },
        DeleteTopicState { name: None, topic_id: TopicId::ZERO },
        DeleteTopicState { name: Some("u".to_owned()), topic_id: id(2) },
    ];
    let request = DeleteTopicsRequest { topics: states, ..Default::default() };
    let request = AdminRequest::DeleteTopics { request, api_version: 6 };
    check(
        &mut world,
        request,
        expect![[r#"
        + remove topic
        u: NONE
        ?: UNKNOWN_TOPIC_ID no topic has the id AAAAAAAAAAAAAAAAAAAACQ
        ?: INVALID_REQUEST name a topic by name or by id
        u: INVALID_REQUEST name a topic by name or by id, not both
    "#]],
    );
}

#[test]
fn deletion_can_be_forbidden() {
    let mut world = World::new(1, "delete.topic.enable=false");
    world.ask(create(vec![topic("t", 1, 1)]));
    check(
        &mut world,
        delete_names(&["t"]),
        expect![[r#"
        t: TOPIC_DELETION_DISABLED delete.topic.enable is false
    "#]],
    );
}

#[test]
fn partitions_can_only_be_added() {
    let mut world = World::new(1, "");
    world.ask(create(vec![topic("t", 2, 1), topic("u", 1, 1)]));
    let more = |name: &str, count| CreatePartitionsTopic {
        name: name.to_owned(),
        count,
        assignments: None,
    };
    let topics = vec![more("t", 3), more("u", 1), more("v", 2), more("w", 1), more("w", 2)];
    let request = CreatePartitionsRequest { topics, ..Default::default() };
    check(
        &mut world,
        AdminRequest::CreatePartitions(request),
        expect![[r#"
        + partition 2 replicas=[1] isr=[1] leader=1
        t: NONE
        u: INVALID_PARTITIONS topic u has 1 partitions; only more can be asked for
        v: UNKNOWN_TOPIC_OR_PARTITION topic v does not exist
        w: INVALID_REQUEST the request names this topic more than once
        w: INVALID_REQUEST the request names this topic more than once
    "#]],
    );
}

#[test]
fn keys_are_set_deleted_appended_and_subtracted() {
    let mut world = World::new(1, "");
    world.ask(create(vec![with_config(topic("t", 1, 1), "retention.ms", "5")]));
    let t = ConfigResource::topic("t");
    let first = [("cleanup.policy", 2, "compact"), ("retention.ms", 1, ""), ("flush.ms", 0, "7")];
    check(
        &mut world,
        alter(&t, &first),
        expect![[r#"
        + config 2/t cleanup.policy=Some("delete,compact")
        + config 2/t flush.ms=Some("7")
        + config 2/t retention.ms=None
        t: NONE
    "#]],
    );
    check(
        &mut world,
        alter(&t, &[("cleanup.policy", 3, "delete")]),
        expect![[r#"
        + config 2/t cleanup.policy=Some("compact")
        t: NONE
    "#]],
    );
    check(
        &mut world,
        alter(&t, &[("flush.ms", 0, "7")]),
        expect![[r#"
        t: NONE
    "#]],
    );
    for refused in [
        [("flush.ms", 2, "7")],
        [("flush.ms", 0, "soon")],
        [("flush.ms", 0, "")],
        [("flush.ms", 9, "7")],
        [("flush.mss", 0, "7")],
        [("cleanup.policy", 2, "burn")],
    ] {
        let (records, response) = world.ask(alter(&t, &refused));
        assert!(records.is_empty(), "{refused:?}");
        assert!(!render(&response).contains("NONE"), "{}", render(&response));
    }
    let lags = [("min.compaction.lag.ms", 0, "9"), ("max.compaction.lag.ms", 0, "8")];
    check(
        &mut world,
        alter(&t, &lags),
        expect![[r#"
        t: INVALID_CONFIG min.compaction.lag.ms (9) must not exceed max.compaction.lag.ms (8)
    "#]],
    );
    check(
        &mut world,
        alter(&t, &[("flush.ms", 0, "1"), ("flush.ms", 1, "")]),
        expect![[r#"
        t: INVALID_REQUEST the request changes flush.ms more than once
    "#]],
    );
}

#[test]
fn an_appended_list_does_not_outgrow_its_record() {
    let mut world = World::new(1, "");
    world.ask(create(vec![topic("t", 1, 1)]));
    let t = ConfigResource::topic("t");
    for (part, is_accepted) in [("x", true), ("y", false)] {
        let long = part.repeat(20_000);
        let operation = ("follower.replication.throttled.replicas", 2, long.as_str());
        let (records, _) = world.ask(alter(&t, &[operation]));
        assert_eq!(!records.is_empty(), is_accepted);
    }
}

#[test]
fn a_replacement_takes_back_what_it_does_not_name() {
    let mut world = World::new(1, "");
    world.ask(create(vec![with_config(topic("t", 1, 1), "retention.ms", "5")]));
    let resource = |name: &str| AlterConfigsResource {
        resource_type: 2,
        resource_name: name.to_owned(),
        configs: vec![AlterableConfig { name: "flush.ms".to_owned(), value: Some("7".to_owned()) }],
    };
    let resources = vec![resource("t"), resource("gone"), resource("twice"), resource("twice")];
    let request = AlterConfigsRequest { resources, validate_only: false };
    check(
        &mut world,
        AdminRequest::AlterConfigs(request),
        expect![[r#"
        + config 2/t flush.ms=Some("7")
        + config 2/t retention.ms=None
        t: NONE
        gone: UNKNOWN_TOPIC_OR_PARTITION topic gone does not exist
        twice: INVALID_REQUEST the request names this resource more than once
        twice: INVALID_REQUEST the request names this resource more than once
    "#]],
    );
}

#[test]
fn broker_keys_are_changed_where_their_scope_allows() {
    let mut world = World::new(1, "");
    let all = ConfigResource::all_brokers();
    let retention = [("log.retention.ms", 0, "9")];
    check(
        &mut world,
        alter(&all, &retention),
        expect![[r#"
        + config 4/ log.retention.ms=Some("9")
        : NONE
    "#]],
    );
    check(
        &mut world,
        alter(&ConfigResource::broker(NodeId(1)), &retention),
        expect![[r#"
        + config 4/1 log.retention.ms=Some("9")
        1: NONE
    "#]],
    );
    check(
        &mut world,
        alter(&ConfigResource::broker(NodeId(4)), &retention),
        expect![[r#"
        4: BROKER_ID_NOT_REGISTERED broker 4 is not registered
    "#]],
    );
    check(
        &mut world,
        alter(&all, &[("num.partitions", 0, "9")]),
        expect![[r#"
        : INVALID_REQUEST num.partitions can only be set in the file, before a start
    "#]],
    );
    check(
        &mut world,
        alter(&all, &[("max.connections", 0, "9")]),
        expect![[r#"
        : INVALID_REQUEST max.connections is set for each broker on its own
    "#]],
    );
    check(
        &mut world,
        alter(&all, &[("ssl.keystore.location", 0, "f")]),
        expect![[r#"
        : INVALID_REQUEST ssl.keystore.location asks for security that this broker cannot give
    "#]],
    );
}

#[test]
fn producer_ids_are_handed_out_in_blocks_to_registered_brokers() {
    let mut world = World::new(1, "");
    let ask = |broker, epoch| AdminRequest::AllocateProducerIds {
        broker: NodeId(broker),
        broker_epoch: BrokerEpoch(epoch),
    };
    check(
        &mut world,
        ask(1, 0),
        expect![[r#"
        + producer ids below 1000
        producer ids 0, 1000 of them
    "#]],
    );
    check(
        &mut world,
        ask(1, 0),
        expect![[r#"
        + producer ids below 2000
        producer ids 1000, 1000 of them
    "#]],
    );
    check(
        &mut world,
        ask(1, 7),
        expect![[r#"
        STALE_BROKER_EPOCH: broker 1 is registered with epoch 0
    "#]],
    );
    check(
        &mut world,
        ask(2, 0),
        expect![[r#"
        BROKER_ID_NOT_REGISTERED: broker 2 is not registered
    "#]],
    );
}

#[test]
fn answers_wait_for_every_proposal_that_they_may_have_seen() {
    let mut world = World::new(1, "");
    let controller = &mut world.controller;
    let mut effects = Vec::new();
    for token in [1, 2] {
        let request = create(vec![topic("t", 1, 1)]);
        controller.step(Event::Request { token, request }, &mut effects);
    }
    let [Effect::Propose { ticket, .. }] = effects[..] else { panic!("{effects:?}") };
    effects.clear();
    controller.step(Event::Committed { ticket: Ticket(ticket.0 - 1) }, &mut effects);
    assert_eq!(effects, []);
    controller.step(Event::Committed { ticket }, &mut effects);
    let answers: Vec<_> = effects
        .iter()
        .map(|effect| match effect {
            Effect::Reply { token, response } => (*token, render(response)),
            Effect::Propose { .. } => panic!("{effect:?}"),
        })
        .collect();
    assert_eq!(answers[0], (1, "t 1 x1: NONE\n".to_owned()));
    assert!(answers[1].0 == 2 && answers[1].1.contains("TOPIC_ALREADY_EXISTS"), "{answers:?}");
}

/// A short request; most are valid for some state.
fn any_request() -> impl Strategy<Value = AdminRequest> {
    let name = || prop::sample::select(vec!["a", "b", "c.d", "c_d", "e"]);
    let topic_id = || any::<[u8; 16]>().prop_map(TopicId);
    prop_oneof![
        (name(), 1_i32..5, 1_i16..3, topic_id()).prop_map(|(name, partitions, factor, id)| {
            let configured = with_config(topic(name, partitions, factor), "flush.ms", "5");
            AdminRequest::CreateTopics {
                request: CreateTopicsRequest { topics: vec![configured], ..Default::default() },
                topic_ids: vec![id],
            }
        }),
        (name(), name()).prop_map(|(a, b)| delete_names(&[a, b])),
        (name(), 1_i32..8).prop_map(|(name, count)| {
            let topics =
                vec![CreatePartitionsTopic { name: name.to_owned(), count, assignments: None }];
            AdminRequest::CreatePartitions(CreatePartitionsRequest { topics, ..Default::default() })
        }),
        (name(), 0_i8..4, prop::sample::select(vec!["compact", "delete", ""])).prop_map(
            |(name, operation, value)| {
                alter(&ConfigResource::topic(name), &[("cleanup.policy", operation, value)])
            }
        ),
        (1_i32..4, 0_u8..3)
            .prop_map(|(id, life)| { AdminRequest::RegisterBroker(registration(id, life)) }),
        (1_i32..4, 0_i64..4).prop_map(|(id, epoch)| AdminRequest::AllocateProducerIds {
            broker: NodeId(id),
            broker_epoch: BrokerEpoch(epoch),
        }),
    ]
}

proptest! {
    #[test]
    fn every_image_is_what_its_records_say(
        requests in prop::collection::vec(any_request(), 1..60),
    ) {
        let mut world = World::new(2, "");
        for request in requests {
            world.ask(request);
            prop_assert_eq!(world.controller.image(), &world.follower);
        }

        let mut from_snapshot = Image::default();
        for record in world.follower.records() {
            from_snapshot.apply(&record).unwrap();
        }
        prop_assert_eq!(&from_snapshot, &world.follower);
        prop_assert_eq!(from_snapshot.partition_count(), world.follower.partition_count());

        let (base, epoch) = (Offset(5), LeaderEpoch(1));
        let mut from_log = Image::default();
        let mut offsets = Vec::new();
        for bytes in encode_batches(&world.written, base, epoch, 1_000).unwrap() {
            for batch in batches(&bytes) {
                for (offset, record) in decode_batch(batch.unwrap().bytes()).unwrap() {
                    offsets.push(offset.0);
                    from_log.apply(&record).unwrap();
                }
            }
        }
        prop_assert_eq!(&from_log, &world.follower);
        let all = i64::try_from(world.written.len()).unwrap();
        prop_assert!(offsets.into_iter().eq(5..5 + all));
    }
}

#[test]
fn the_file_of_the_node_is_only_a_default() {
    let mut world = World::new(1, "log.flush.interval.messages=9");
    world.ask(create(vec![topic("t", 1, 1)]));
    let file: Values = parse_properties("log.flush.interval.messages=9").unwrap();
    let flush = |world: &World| {
        world.follower.config_layers(Some("t"), NodeId(1), &file).topic_number("flush.messages")
    };
    assert_eq!(flush(&world), 9);
    let key = "log.flush.interval.messages";
    world.ask(alter(&ConfigResource::all_brokers(), &[(key, 0, "8")]));
    assert_eq!(flush(&world), 8);
    world.ask(alter(&ConfigResource::broker(NodeId(1)), &[(key, 0, "7")]));
    assert_eq!(flush(&world), 7);
    world.ask(alter(&ConfigResource::topic("t"), &[("flush.messages", 0, "6")]));
    assert_eq!(flush(&world), 6);
}
