//! Requests in, records and answers out; and the image against its own records.

mod configs;
mod topics;

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
            + group.version=1
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
