//! Disks that fail: the partition concerned says so, everything else goes on.

mod support;

use core::time::Duration;

use model::ErrorCode;
use runtime::memory::{DiskFault, DiskVerb, Life, PowerLoss};
use runtime::{Clock, Exit};
use support::*;
use wire::messages::describe_log_dirs::DescribeLogDirsRequest;
use wire::messages::metadata::MetadataRequest;

#[test]
fn a_failed_write_takes_one_partition_offline_and_its_records_stay_readable() {
    for shards in [1, 2] {
        let mut broker = Broker::started(40, shards);
        broker.create_topic(TOPIC, 2, &[]);
        assert_eq!(produce_to_both(&mut broker, "a"), [0, 0]);
        broker.world.plant(broker.node, DiskFault::next(DiskVerb::Append, "/orders-0/"));
        let storage_error = ErrorCode::KafkaStorageError.code();
        // Whether this very batch is refused depends on who is first, journal or segment; what
        // comes after is refused.
        let [_, other] = produce_to_both(&mut broker, "b");
        assert_eq!(other, 0);
        broker.world.run_for(Duration::from_secs(1));
        assert_eq!(produce_to_both(&mut broker, "c"), [storage_error, 0]);
        assert_eq!(values(&mut broker, 0).first().map(String::as_str), Some("a"));
        assert_eq!(values(&mut broker, 1), ["a", "b", "c"]);
    }
}

#[test]
fn a_full_disk_refuses_appends_and_serves_reads() {
    let mut broker = Broker::started(41, 1);
    broker.create_topic(TOPIC, 2, &[]);
    assert_eq!(produce_to_both(&mut broker, "a"), [0, 0]);
    broker.world.plant(broker.node, no_room_for_records());
    produce_to_both(&mut broker, "b");
    broker.world.run_for(Duration::from_secs(1));
    let storage_error = ErrorCode::KafkaStorageError.code();
    assert_eq!(produce_to_both(&mut broker, "c"), [storage_error; 2]);
    assert_eq!(values(&mut broker, 0).first().map(String::as_str), Some("a"));
}

#[test]
fn a_failed_journal_acknowledges_nothing_and_the_node_does_not_end_clean() {
    let mut broker = Broker::started(42, 1);
    broker.create_topic(TOPIC, 2, &[]);
    assert_eq!(produce_to_both(&mut broker, "a"), [0, 0]);
    broker.world.plant(broker.node, DiskFault::next(DiskVerb::SyncData, "journal"));
    // The metadata log shares the directory, so the node stops: the client may see the connection
    // end instead of an error.
    let answered = broker.run(async |rt, at| {
        let connection = connection(&rt, at).await;
        let answers = produce(&connection, TOPIC, &[(0, batch(&["b"], None))]).await;
        answers.is_ok_and(|answers| answers[0].error_code == 0)
    });
    assert!(!answered, "a record was acknowledged although its sync failed");
    let node = broker.node;
    broker.world.run_until(LIMIT, |world| world.life(node) != Life::Up);
    assert_eq!(broker.world.life(node), Life::Exited(Exit::Failed));
    broker.start();
    assert_eq!(values(&mut broker, 0).first().map(String::as_str), Some("a"));
}

#[test]
fn a_produce_that_the_disk_holds_up_is_answered_in_time_and_may_appear_later() {
    const TIMED_OUT: i16 = ErrorCode::RequestTimedOut as i16;
    for (shards, acks) in [(1, -1), (2, -1), (2, 1)] {
        let mut broker = Broker::started(43, shards);
        broker.create_topic(TOPIC, 2, &[("retention.ms", "-1")]);
        assert_eq!(produce_to_both(&mut broker, "a"), [0, 0]);
        broker.world.slow_disk(broker.node, 1_000_000);
        broker.run(async move |rt, at| {
            let connection = connection(&rt, at).await;
            let began = rt.now().mono;
            let parts = [(0, batch(&["b"], None)), (1, batch(&["b"], None))];
            let mut request = produce_request(acks, TOPIC, &parts);
            request.timeout_ms = 1_500;
            let response = connection.call(&request, LIMIT).await.unwrap();
            let waited = rt.now().mono.since(began);
            let codes = response.responses[0].partition_responses.iter().map(|it| it.error_code);
            assert_eq!(codes.collect::<Vec<_>>(), [TIMED_OUT; 2]);
            assert!(waited >= Duration::from_millis(1_500), "answered after {waited:?}");
            assert!(waited < Duration::from_millis(1_600), "answered after {waited:?}");
        });
        broker.world.slow_disk(broker.node, 1);
        broker.world.run_for(Duration::from_secs(3_600));
        assert_eq!(produce_to_both(&mut broker, "c"), [0, 0]);
        for partition in [0, 1] {
            assert_eq!(values(&mut broker, partition), ["a", "b", "c"]);
        }
    }
}

#[test]
fn a_producer_that_finds_no_room_for_its_bytes_is_answered_in_time() {
    let mut broker = Broker::started(44, 1);
    broker.create_topic(TOPIC, 1, &[]);
    broker.world.slow_disk(broker.node, 1_000_000);
    broker.run(async |rt, at| {
        let connection = connection(&rt, at).await;
        let began = rt.now().mono;
        // Together more than `Limits::tiny` lets wait for the disk.
        let value = "v".repeat(100 * 1024);
        let mut replies = Vec::new();
        for _ in 0..4 {
            let mut request = produce_request(-1, TOPIC, &[(0, batch(&[&value], None))]);
            request.timeout_ms = 1_000;
            replies.push(connection.submit(&request).await.unwrap());
        }
        for reply in replies {
            let answer = reply.await.unwrap().responses[0].partition_responses[0].error_code;
            assert_eq!(answer, ErrorCode::RequestTimedOut.code());
        }
        assert!(rt.now().mono.since(began) < Duration::from_secs(5));
    });
}

#[test]
fn a_log_that_cannot_be_opened_is_offline_until_a_restart() {
    for shards in [1, 2] {
        let mut broker = Broker::started(45, shards);
        broker.create_topic(TOPIC, 2, &[]);
        assert_eq!(produce_to_both(&mut broker, "a"), [0, 0]);
        // Not clean: the next start recovers, which reads.
        broker.world.power_loss(broker.node, PowerLoss::KeepsNothing);
        let unreadable = DiskFault {
            fail_count: u64::MAX,
            ..DiskFault::next(DiskVerb::Read, "/orders-0/00000000000000000000.log")
        };
        broker.world.plant(broker.node, unreadable);
        broker.start();
        let storage_error = ErrorCode::KafkaStorageError.code();
        assert_eq!(produce_to_both(&mut broker, "b"), [storage_error, 0]);
        broker.run(async move |rt, at| {
            let topic = topic_id(&client(&rt, at).await, TOPIC).await;
            // The connections are spread over the shards: each of these asks another one.
            for _ in 0..2 {
                let connection = connection(&rt, at).await;
                let request = fetch_request(topic, TOPIC, &[(0, 0)]);
                let response = connection.call(&request, LIMIT).await.unwrap();
                let fetched = &response.responses[0].partitions[0];
                assert_eq!(fetched.error_code, storage_error);
                let request = MetadataRequest { topics: None, ..MetadataRequest::default() };
                let response = connection.call(&request, LIMIT).await.unwrap();
                let seen: Vec<_> = response.topics[0]
                    .partitions
                    .iter()
                    .map(|it| (it.error_code, it.leader_id, it.offline_replicas.clone()))
                    .collect();
                let no_leader = ErrorCode::LeaderNotAvailable.code();
                assert_eq!(seen, [(no_leader, -1, vec![1]), (0, 1, vec![])]);
                let request = DescribeLogDirsRequest { topics: None };
                let response = connection.call(&request, LIMIT).await.unwrap();
                assert_eq!(response.results[0].error_code, 0, "the directory itself works");
                let listed = response.results[0].topics[0].partitions.iter();
                let listed: Vec<_> = listed.map(|it| it.partition_index).collect();
                assert_eq!(listed, [1], "Kafka lists no offline log");
            }
        });
        broker.world.mend_disk(broker.node);
        broker.stop();
        broker.start();
        assert_eq!(produce_to_both(&mut broker, "c"), [0, 0]);
        assert_eq!(values(&mut broker, 0), ["a", "c"]);
    }
}

#[test]
fn a_log_that_was_never_recovered_is_not_left_as_clean() {
    for seed in 62..70 {
        let mut broker = Broker::started(seed, 1);
        // Not through the journal, whose replay would make the torn batch whole.
        broker.create_topic(TOPIC, 2, &[("flush.messages", "9223372036854775807")]);
        assert_eq!(produce_to_both(&mut broker, "a"), [0, 0]);
        broker.world.plant(broker.node, DiskFault::next(DiskVerb::Append, "/orders-0/"));
        produce_to_both(&mut broker, "b");
        assert_eq!(broker.stop(), Life::Exited(Exit::Failed));
        broker.world.plant(broker.node, DiskFault::next(DiskVerb::List, "/orders-0"));
        broker.start();
        let storage_error = ErrorCode::KafkaStorageError.code();
        assert_eq!(produce_to_both(&mut broker, "c"), [storage_error, 0]);
        assert_eq!(broker.stop(), Life::Exited(Exit::Failed));
        broker.start();
        assert_eq!(produce_to_both(&mut broker, "d"), [0, 0]);
        assert_eq!(broker.stop(), Life::Exited(Exit::Clean));
    }
}

#[test]
fn the_name_of_a_deleted_topic_is_free_although_its_log_could_not_be_opened() {
    let mut broker = Broker::started(60, 1);
    broker.create_topic(TOPIC, 2, &[]);
    assert_eq!(produce_to_both(&mut broker, "a"), [0, 0]);
    broker.world.run_for(Duration::from_secs(1));
    assert_eq!(broker.stop(), Life::Exited(Exit::Clean));
    broker.world.plant(broker.node, DiskFault::next(DiskVerb::List, "/orders-0"));
    broker.start();
    let storage_error = ErrorCode::KafkaStorageError.code();
    assert_eq!(produce_to_both(&mut broker, "b"), [storage_error, 0]);
    delete_topic(&mut broker);
    broker.create_topic(TOPIC, 2, &[]);
    assert_eq!(produce_to_both(&mut broker, "c"), [0, 0]);
    assert_eq!(values(&mut broker, 0), ["c"]);
}

#[test]
fn a_start_finishes_the_deletion_that_a_disk_error_cut_short() {
    for shards in [1, 2] {
        let mut broker = Broker::started(61, shards);
        broker.create_topic(TOPIC, 2, &[]);
        assert_eq!(produce_to_both(&mut broker, "a"), [0, 0]);
        broker.world.run_for(Duration::from_secs(1));
        broker.world.plant(broker.node, DiskFault::next(DiskVerb::Names, "/orders-0"));
        delete_topic(&mut broker);
        assert_eq!(broker.stop(), Life::Exited(Exit::Clean));
        broker.start();
        broker.create_topic(TOPIC, 2, &[]);
        assert_eq!(produce_to_both(&mut broker, "b"), [0, 0]);
        assert_eq!([values(&mut broker, 0), values(&mut broker, 1)], [["b"], ["b"]]);
    }
}

fn delete_topic(broker: &mut Broker) {
    broker.run(async |rt, at| client(&rt, at).await.delete_topic(TOPIC).await.unwrap());
}
