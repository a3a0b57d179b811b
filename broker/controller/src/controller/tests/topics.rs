//! CreateTopics, DeleteTopics and CreatePartitions.

use super::*;
use crate::BATCH_RECORDS_MAX;

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
            many -1 x-1: POLICY_VIOLATION one request writes at most 10000 metadata records
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
fn a_request_that_creates_fits_into_one_batch() {
    let mut world = World::new(1, "");
    world.controller.settings.partitions_max = 100_000;
    let topics = vec![topic("t", 6_000, 1), topic("u", 4_000, 1), topic("v", 3_998, 1)];
    let (records, response) = world.ask(create(topics));
    assert_eq!(records.len(), BATCH_RECORDS_MAX);
    let expected = expect![[r#"
        t 6000 x1: NONE
        u -1 x-1: POLICY_VIOLATION one request writes at most 10000 metadata records
        v 3998 x1: NONE
    "#]];
    expected.assert_eq(&render(&response));
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
