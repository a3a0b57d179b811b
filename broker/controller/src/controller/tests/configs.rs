//! AlterConfigs and IncrementalAlterConfigs.

use super::*;

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
