//! A whole broker on the seeded backend, seen through its wire.

mod support;

use core::time::Duration;

use model::{ErrorCode, TopicId};
use runtime::memory::Life;
use runtime::{Clock, Conn, Exit, More, Net};
use support::*;
use wire::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use wire::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use wire::messages::fetch::{FetchRequest, FetchResponse};

#[test]
fn what_was_produced_is_fetched_on_one_shard_and_on_two() {
    for shards in [1, 2] {
        let mut broker = Broker::started(1, shards);
        broker.create_topic(TOPIC, 3, &[]);
        broker.run(async |rt, at| {
            let connection = connection(&rt, at).await;
            let parts: Vec<_> = (0..3).map(|p| (p, batch(&["a", "b"], None))).collect();
            for base_offset in [0, 2] {
                for answer in produce(&connection, TOPIC, &parts).await.unwrap() {
                    assert_eq!((answer.error_code, answer.base_offset), (0, base_offset));
                }
            }
            for partition in 0..3 {
                let values: Vec<_> = read_all(&rt, at, partition).await;
                let expected = ["a", "b", "a", "b"].map(str::to_owned);
                assert_eq!(values, (0..).zip(expected).collect::<Vec<_>>());
            }
        });
    }
}

#[test]
fn a_clean_restart_keeps_topics_and_records() {
    for shards in [1, 2] {
        let mut broker = Broker::started(2, shards);
        broker.create_topic(TOPIC, 2, &[]);
        broker.run(async |rt, at| {
            let connection = connection(&rt, at).await;
            produce(&connection, TOPIC, &[(0, batch(&["a"], None)), (1, batch(&["b"], None))])
                .await
                .unwrap();
        });
        assert_eq!(broker.stop(), Life::Exited(Exit::Clean));
        broker.start();
        broker.run(async |rt, at| {
            assert_eq!(read_all(&rt, at, 0).await, [(0, "a".to_owned())]);
            assert_eq!(read_all(&rt, at, 1).await, [(0, "b".to_owned())]);
            let connection = connection(&rt, at).await;
            let answers = produce(&connection, TOPIC, &[(0, batch(&["c"], None))]).await.unwrap();
            assert_eq!(answers[0].base_offset, 1);
        });
    }
}

#[test]
fn a_fetch_at_the_end_waits_until_somebody_produces() {
    for shards in [1, 2] {
        let mut broker = Broker::started(3, shards);
        broker.create_topic(TOPIC, 2, &[]);
        broker.run(async |rt, at| {
            let topic = topic_id(&client(&rt, at).await, TOPIC).await;
            let consumer = connection(&rt, at).await;
            let mut request = fetch_request(topic, TOPIC, &[(0, 0), (1, 0)]);
            request.max_wait_ms = 30_000;
            let began = rt.now().mono;
            let reply = consumer.submit(&request).await.unwrap();
            let producer = connection(&rt, at).await;
            rt.sleep_until(rt.now().mono + Duration::from_secs(1)).await;
            produce(&producer, TOPIC, &[(1, batch(&["late"], None))]).await.unwrap();
            let response = reply.await.unwrap();
            assert_eq!(values_of(&response), [(0, "late".to_owned())]);
            let waited = rt.now().mono.since(began);
            assert!(waited < Duration::from_secs(5), "the fetch was not woken: {waited:?}");
        });
    }
}

#[test]
fn a_fetch_that_finds_nothing_is_answered_at_its_deadline() {
    let mut broker = Broker::started(4, 2);
    broker.create_topic(TOPIC, 2, &[]);
    broker.run(async |rt, at| {
        let topic = topic_id(&client(&rt, at).await, TOPIC).await;
        let consumer = connection(&rt, at).await;
        let mut request = fetch_request(topic, TOPIC, &[(0, 0), (1, 0)]);
        request.max_wait_ms = 500;
        let began = rt.now().mono;
        let response = consumer.call(&request, LIMIT).await.unwrap();
        assert_eq!(values_of(&response), []);
        assert!(rt.now().mono.since(began) >= Duration::from_millis(500));
        let records = response.responses[0].partitions[0].records.as_ref();
        assert_eq!(records.map(|it| it.len()), Some(0), "empty records are not null");
    });
}

#[test]
fn a_repeated_batch_gets_its_first_offset_and_is_stored_once() {
    let mut broker = Broker::started(5, 1);
    broker.create_topic(TOPIC, 1, &[]);
    broker.run(async |rt, at| {
        let client = client(&rt, at).await;
        let (id, epoch) = client.init_producer_id().await.unwrap();
        let producer =
            |base_sequence| Some(wire::batch::BatchProducer { id, epoch, base_sequence });
        let connection = connection(&rt, at).await;
        let first = [(0, batch(&["a", "b"], producer(0)))];
        let second = [(0, batch(&["c"], producer(2)))];
        for (request, base_offset, error_code) in [
            (&first, 0, 0),
            (&first, 0, 0),
            (&second, 2, 0),
            (&first, 0, 0),
            (&[(0, batch(&["x"], producer(9)))], -1, 45),
        ] {
            let answers = produce(&connection, TOPIC, request).await.unwrap();
            assert_eq!((answers[0].error_code, answers[0].base_offset), (error_code, base_offset));
        }
        let values: Vec<_> = read_all(&rt, at, 0).await.into_iter().map(|(_, v)| v).collect();
        assert_eq!(values, ["a", "b", "c"]);
    });
}

#[test]
fn a_partition_that_does_not_exist_fails_alone() {
    let mut broker = Broker::started(6, 2);
    broker.create_topic(TOPIC, 1, &[]);
    broker.run(async |rt, at| {
        let connection = connection(&rt, at).await;
        let parts = [(0, batch(&["a"], None)), (7, batch(&["b"], None))];
        let answers = produce(&connection, TOPIC, &parts).await.unwrap();
        assert_eq!(answers[0].error_code, 0);
        assert_eq!(answers[1].error_code, ErrorCode::UnknownTopicOrPartition.code());
    });
}

#[test]
fn a_damaged_batch_is_refused_and_nothing_is_stored() {
    let mut broker = Broker::started(7, 1);
    broker.create_topic(TOPIC, 1, &[]);
    broker.run(async |rt, at| {
        let connection = connection(&rt, at).await;
        let mut bytes = batch(&["a"], None).to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        let answers = produce(&connection, TOPIC, &[(0, bytes.into())]).await.unwrap();
        assert_eq!(answers[0].error_code, ErrorCode::CorruptMessage.code());
        assert_eq!(read_all(&rt, at, 0).await, []);
    });
}

#[test]
fn replies_leave_in_request_order_although_produces_overlap() {
    let mut broker = Broker::started(8, 2);
    broker.create_topic(TOPIC, 2, &[]);
    broker.run(async |rt, at| {
        let connection = connection(&rt, at).await;
        let mut replies = Vec::new();
        for turn in 0..4 {
            let request = produce_request(-1, TOPIC, &[(turn % 2, batch(&["v"], None))]);
            replies.push(connection.submit(&request).await.unwrap());
        }
        // The client breaks the connection when an answer comes out of turn.
        let mut offsets = Vec::new();
        for reply in replies {
            offsets.push(reply.await.unwrap().responses[0].partition_responses[0].base_offset);
        }
        assert_eq!(offsets, [0, 0, 1, 1]);
    });
}

#[test]
fn bytes_that_are_not_kafka_end_the_connection_and_nothing_else() {
    let mut broker = Broker::started(9, 1);
    broker.create_topic(TOPIC, 1, &[]);
    for garbage in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0x16, 0x03, 0x01, 0x02, 0x00],
        vec![0xff; 64],
        vec![0, 0, 0, 8, 0x7f, 0xff, 0, 0, 0, 0, 0, 1],
    ] {
        broker.run(async move |rt, at| {
            let conn = rt.connect(at, LIMIT).await.unwrap();
            conn.send(vec![garbage.into()], More::Done).await.unwrap();
            let answer = conn.recv_any().await;
            assert!(answer.is_err() || answer.is_ok_and(|bytes| bytes.is_empty()));
        });
    }
    broker.run(async |rt, at| assert_eq!(read_all(&rt, at, 0).await, []));
}

#[test]
fn a_length_prefix_alone_costs_nothing_and_expires() {
    let mut broker = Broker::started(10, 1);
    broker.create_topic(TOPIC, 1, &[]);
    broker.run(async |rt, at| {
        let conn = rt.connect(at, LIMIT).await.unwrap();
        conn.send(vec![vec![0, 1, 0, 0].into()], More::Done).await.unwrap();
        let began = rt.now().mono;
        let answer = conn.recv_any().await;
        assert!(answer.is_err() || answer.is_ok_and(|bytes| bytes.is_empty()));
        assert!(rt.now().mono.since(began) >= Duration::from_secs(30));
    });
}

#[test]
fn who_sends_a_large_frame_slowly_holds_up_nobody_for_long() {
    // `Limits::tiny` has room for four of the largest frames; of these eight, as many as can hold it.
    for (sent_bytes, patience) in [(100, 1), (2_000, 25)] {
        let mut broker = Broker::started(16, 1);
        broker.create_topic(TOPIC, 1, &[]);
        broker.run(async move |rt, at| {
            let mut slow = Vec::new();
            for _ in 0..8 {
                let conn = rt.connect(at, LIMIT).await.unwrap();
                let mut started = vec![0, 2, 0, 0];
                started.resize(4 + sent_bytes, 0);
                conn.send(vec![started.into()], More::Done).await.unwrap();
                slow.push(conn);
            }
            rt.sleep_until(rt.now().mono + Duration::from_millis(100)).await;
            let began = rt.now().mono;
            let value = "v".repeat(100 * 1024);
            let producer = connection(&rt, at).await;
            let answers = produce(&producer, TOPIC, &[(0, batch(&[&value], None))]).await.unwrap();
            assert_eq!(answers[0].error_code, 0);
            let waited = rt.now().mono.since(began);
            assert!(waited < Duration::from_secs(patience), "{sent_bytes} bytes sent: {waited:?}");
        });
    }
}

#[test]
fn an_incremental_session_mentions_only_what_changed() {
    let mut broker = Broker::started(11, 2);
    broker.create_topic(TOPIC, 4, &[]);
    broker.run(async |rt, at| {
        let topic = topic_id(&client(&rt, at).await, TOPIC).await;
        let consumer = connection(&rt, at).await;
        let mut first = fetch_request(topic, TOPIC, &[(0, 0), (1, 0), (2, 0), (3, 0)]);
        first.session_epoch = 0;
        let opened = consumer.call(&first, LIMIT).await.unwrap();
        assert_ne!(opened.session_id, 0);
        assert_eq!(opened.responses[0].partitions.len(), 4);
        produce(&connection(&rt, at).await, TOPIC, &[(2, batch(&["x"], None))]).await.unwrap();
        let mut next = fetch_request(topic, TOPIC, &[]);
        next.topics.clear();
        (next.session_id, next.session_epoch) = (opened.session_id, 1);
        let answer = consumer.call(&next, LIMIT).await.unwrap();
        assert_eq!(values_of(&answer), [(0, "x".to_owned())]);
        assert_eq!(answer.responses[0].partitions.len(), 1);
        let stale = consumer.call(&next, LIMIT).await.unwrap();
        assert_eq!(stale.error_code, ErrorCode::InvalidFetchSessionEpoch.code());
    });
}

/// A fetch of a session that names nothing new.
fn next_of_session(id: i32, epoch: i32, max_wait_ms: i32) -> FetchRequest {
    FetchRequest {
        session_id: id,
        session_epoch: epoch,
        topics: Vec::new(),
        max_wait_ms,
        ..fetch_request(TopicId::ZERO, TOPIC, &[])
    }
}

#[test]
fn a_session_hears_of_every_change_wherever_the_partition_lives() {
    for (shards, seed) in [(1, 12), (2, 13), (3, 14), (2, 15)] {
        let mut broker = Broker::started(seed, shards);
        broker.create_topic(TOPIC, 6, &[]);
        broker.run(async |rt, at| {
            let admin = client(&rt, at).await;
            let topic = topic_id(&admin, TOPIC).await;
            let (consumer, producer) = (connection(&rt, at).await, connection(&rt, at).await);
            let all: Vec<_> = (0..6).map(|partition| (partition, 0)).collect();
            let first = FetchRequest { session_epoch: 0, ..fetch_request(topic, TOPIC, &all) };
            let id = consumer.call(&first, LIMIT).await.unwrap().session_id;
            let mut epoch = 0;
            let mut next = |max_wait_ms| {
                epoch += 1;
                next_of_session(id, epoch, max_wait_ms)
            };
            // The first walk watches everything; from then on nothing is read without news.
            assert_eq!(values_of(&consumer.call(&next(0), LIMIT).await.unwrap()), []);
            for partition in [3, 0, 5] {
                // While nobody waits.
                produce(&producer, TOPIC, &[(partition, batch(&["x"], None))]).await.unwrap();
                let answer = consumer.call(&next(0), LIMIT).await.unwrap();
                assert_eq!(mentioned(&answer), [(partition, 0)]);
                // The consumer moves on, finds the end, and waits.
                let mut moved = next(20_000);
                moved.topics = fetch_request(topic, TOPIC, &[(partition, 1)]).topics;
                let waiting = consumer.submit(&moved).await.unwrap();
                rt.sleep_until(rt.now().mono + Duration::from_secs(1)).await;
                produce(&producer, TOPIC, &[(partition, batch(&["y"], None))]).await.unwrap();
                let began = rt.now().mono;
                assert_eq!(values_of(&waiting.await.unwrap()), [(1, "y".to_owned())]);
                assert!(rt.now().mono.since(began) < Duration::from_secs(5), "not woken");
                let mut moved = next(0);
                moved.topics = fetch_request(topic, TOPIC, &[(partition, 2)]).topics;
                assert_eq!(mentioned(&consumer.call(&moved, LIMIT).await.unwrap()), []);
            }
            // A new log start is news without records.
            let delete = DeleteRecordsRequest {
                topics: vec![DeleteRecordsTopic {
                    name: TOPIC.to_owned(),
                    partitions: vec![DeleteRecordsPartition { partition_index: 3, offset: 1 }],
                }],
                timeout_ms: 10_000,
            };
            producer.call(&delete, LIMIT).await.unwrap();
            assert_eq!(mentioned(&consumer.call(&next(0), LIMIT).await.unwrap()), [(3, 0)]);
            assert_eq!(mentioned(&consumer.call(&next(0), LIMIT).await.unwrap()), []);
            // A deleted topic ends the wait.
            let waiting = consumer.submit(&next(20_000)).await.unwrap();
            rt.sleep_until(rt.now().mono + Duration::from_secs(1)).await;
            admin.delete_topic(TOPIC).await.unwrap();
            let answer = waiting.await.unwrap();
            assert!(mentioned(&answer).iter().all(|(_, code)| *code != 0), "{answer:?}");
            assert!(!mentioned(&answer).is_empty());
        });
    }
}

/// Partitions of an answer with their error codes.
fn mentioned(response: &FetchResponse) -> Vec<(i32, i16)> {
    assert_eq!(response.error_code, 0);
    let partitions = response.responses.iter().flat_map(|topic| &topic.partitions);
    partitions.map(|it| (it.partition_index, it.error_code)).collect()
}

#[test]
fn a_request_never_meets_older_metadata_than_it_was_routed_by() {
    const TOPICS: usize = 8;
    const KNOWN: [i16; 2] = [0, ErrorCode::UnknownTopicOrPartition as i16];
    for seed in 0..30 {
        let mut broker = Broker::started(100 + seed, 2);
        broker.run(async |rt, at| {
            let admin = connection(&rt, at).await;
            // Connections are spread over the shards, and so are the partitions.
            let producers = [connection(&rt, at).await, connection(&rt, at).await];
            for number in 0..TOPICS {
                let name = format!("topic-{number}");
                let create = CreateTopicsRequest {
                    topics: vec![CreatableTopic {
                        name: name.clone(),
                        num_partitions: 4,
                        replication_factor: 1,
                        ..CreatableTopic::default()
                    }],
                    timeout_ms: 30_000,
                    ..CreateTopicsRequest::default()
                };
                let created = admin.submit(&create).await.unwrap();
                // Both shards are asked while they learn of the topic.
                let mut stored = false;
                while !stored {
                    let parts: Vec<_> = (0..4).map(|p| (p, batch(&["v"], None))).collect();
                    let request = produce_request(-1, &name, &parts);
                    let mut replies = Vec::new();
                    for producer in &producers {
                        replies.push(producer.submit(&request).await.unwrap());
                    }
                    for reply in replies {
                        let answers = &reply.await.unwrap().responses[0].partition_responses;
                        let codes: Vec<_> = answers.iter().map(|it| it.error_code).collect();
                        assert!(codes.iter().all(|code| KNOWN.contains(code)), "{codes:?}");
                        stored = codes.iter().all(|code| *code == 0);
                    }
                }
                assert_eq!(created.await.unwrap().topics[0].error_code, 0);
            }
        });
    }
}
