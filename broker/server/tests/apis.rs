//! The data APIs beyond produce and fetch, and what topics' configurations do to a batch.

mod support;

use core::time::Duration;

use model::{ErrorCode, TopicId};
use runtime::{Clock, Conn, Net};
use support::*;
use wire::batch::{BatchBuilder, BatchStamp, TimestampType, batches};
use wire::compression::Codec;
use wire::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use wire::messages::describe_log_dirs::DescribeLogDirsRequest;
use wire::messages::describe_producers::{DescribeProducersRequest, TopicRequest};
use wire::messages::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use wire::messages::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};

const SHARDS: u16 = 2;

fn produce_one(broker: &mut Broker, partition: i32, values: &'static [&'static str]) {
    let answers = broker.run(async move |rt, at| {
        let connection = connection(&rt, at).await;
        produce(&connection, TOPIC, &[(partition, batch(values, None))]).await.unwrap()
    });
    assert_eq!(answers[0].error_code, 0);
}

/// Error code and offset for each timestamp.
fn list_offsets(broker: &mut Broker, timestamps: &[i64]) -> Vec<(i16, i64)> {
    let mut found = Vec::new();
    for timestamp in timestamps {
        let partition = ListOffsetsPartition {
            partition_index: 0,
            timestamp: *timestamp,
            ..ListOffsetsPartition::default()
        };
        let topic = ListOffsetsTopic { name: TOPIC.to_owned(), partitions: vec![partition] };
        let request =
            ListOffsetsRequest { replica_id: -1, topics: vec![topic], ..Default::default() };
        let response = broker.call(request);
        let answer = &response.topics[0].partitions[0];
        found.push((answer.error_code, answer.offset));
    }
    found
}

fn delete_before(broker: &mut Broker, offset: i64) -> (i16, i64) {
    let partition = DeleteRecordsPartition { partition_index: 0, offset };
    let topic = DeleteRecordsTopic { name: TOPIC.to_owned(), partitions: vec![partition] };
    let response = broker.call(DeleteRecordsRequest { topics: vec![topic], ..Default::default() });
    let answer = &response.topics[0].partitions[0];
    (answer.error_code, answer.low_watermark)
}

#[test]
fn offsets_are_found_by_time_and_by_special_value() {
    let mut broker = Broker::started(20, SHARDS);
    broker.create_topic(TOPIC, 1, &[]);
    assert_eq!(list_offsets(&mut broker, &[-1, -2, -3, 0]), [(0, 0), (0, 0), (0, -1), (0, -1)]);
    produce_one(&mut broker, 0, &["a", "b", "c"]);
    // All records have timestamp 1,000.
    assert_eq!(
        list_offsets(&mut broker, &[-1, -2, -3, -4, -5, 0, 1_000, 1_001]),
        [(0, 3), (0, 0), (0, 0), (0, 0), (0, -1), (0, 0), (0, 0), (0, -1)]
    );
}

#[test]
fn deleted_records_are_out_of_range_and_the_start_survives_a_restart() {
    let mut broker = Broker::started(21, SHARDS);
    broker.create_topic(TOPIC, 1, &[]);
    produce_one(&mut broker, 0, &["a", "b"]);
    produce_one(&mut broker, 0, &["c"]);
    assert_eq!(delete_before(&mut broker, 4), (ErrorCode::OffsetOutOfRange.code(), -1));
    assert_eq!(delete_before(&mut broker, 2), (0, 2));
    assert_eq!(delete_before(&mut broker, 1), (0, 2), "below the start is a success");
    let below = broker.run(async |rt, at| {
        let topic = topic_id(&client(&rt, at).await, TOPIC).await;
        let connection = connection(&rt, at).await;
        connection.call(&fetch_request(topic, TOPIC, &[(0, 1)]), LIMIT).await.unwrap()
    });
    let answer = &below.responses[0].partitions[0];
    assert_eq!(answer.error_code, ErrorCode::OffsetOutOfRange.code());
    broker.stop();
    broker.start();
    assert_eq!(list_offsets(&mut broker, &[-2, -1]), [(0, 2), (0, 3)]);
    assert_eq!(delete_before(&mut broker, -1), (0, 3), "-1 is the high watermark");
}

#[test]
fn an_epoch_ends_where_the_log_ends_and_a_future_one_is_unknown() {
    let mut broker = Broker::started(22, SHARDS);
    broker.create_topic(TOPIC, 1, &[]);
    produce_one(&mut broker, 0, &["a", "b"]);
    let mut ask = |current_leader_epoch, leader_epoch| {
        let partition =
            OffsetForLeaderPartition { partition: 0, current_leader_epoch, leader_epoch };
        let topic = OffsetForLeaderTopic { topic: TOPIC.to_owned(), partitions: vec![partition] };
        let response =
            broker.call(OffsetForLeaderEpochRequest { topics: vec![topic], ..Default::default() });
        let answer = response.topics[0].partitions[0].clone();
        (answer.error_code, answer.leader_epoch, answer.end_offset)
    };
    assert_eq!(ask(-1, 0), (0, 0, 2));
    assert_eq!(ask(7, 0).0, ErrorCode::UnknownLeaderEpoch.code());
}

#[test]
fn log_append_time_is_stamped_and_returned() {
    let mut broker = Broker::started(23, SHARDS);
    broker.create_topic(TOPIC, 1, &[("message.timestamp.type", "LogAppendTime")]);
    broker.run(async |rt, at| {
        let producer = connection(&rt, at).await;
        let answers = produce(&producer, TOPIC, &[(0, batch(&["a"], None))]).await.unwrap();
        assert!(answers[0].log_append_time_ms > 1_000, "{answers:?}");
        let topic = topic_id(&client(&rt, at).await, TOPIC).await;
        let request = fetch_request(topic, TOPIC, &[(0, 0)]);
        let response = producer.call(&request, LIMIT).await.unwrap();
        assert_eq!(values_of(&response), [(0, "a".to_owned())]);
        let records = response.responses[0].partitions[0].records.clone().unwrap();
        let header = batches(&records).next().unwrap().unwrap().header;
        assert_eq!(header.attributes.timestamp_type(), TimestampType::LogAppendTime);
        assert_eq!(header.max_timestamp_ms, answers[0].log_append_time_ms);
    });
}

#[test]
fn only_a_new_codec_copies_records() {
    let mut broker = Broker::started(26, SHARDS);
    let of = [("create", "CreateTime"), ("append", "LogAppendTime")];
    for (name, timestamp_type) in of {
        broker.create_topic(name, 1, &[("message.timestamp.type", timestamp_type)]);
    }
    broker.create_topic("recompressed", 1, &[("compression.type", "gzip")]);
    let value = "v".repeat(200);
    let mut copied_by = |topic: &'static str| {
        let (before, value) = (broker.copied_bytes.get(), value.clone());
        broker.run(async move |rt, at| {
            let connection = connection(&rt, at).await;
            let answers =
                produce(&connection, topic, &[(0, batch(&[&value], None))]).await.unwrap();
            assert_eq!(answers[0].error_code, 0);
        });
        broker.copied_bytes.get() - before
    };
    // Small frames that came in two pieces are joined, whatever they hold.
    for topic in ["create", "append"] {
        let copied = copied_by(topic);
        assert!(copied < value.len(), "{topic}: {copied} bytes");
    }
    let copied = copied_by("recompressed");
    assert!(copied >= value.len(), "{copied} bytes");
}

#[test]
fn a_topic_s_codec_replaces_the_producer_s() {
    let mut broker = Broker::started(24, SHARDS);
    broker.create_topic(TOPIC, 1, &[("compression.type", "zstd")]);
    broker.run(async |rt, at| {
        let connection = connection(&rt, at).await;
        produce(&connection, TOPIC, &[(0, batch(&["a", "b"], None))]).await.unwrap();
        let topic = topic_id(&client(&rt, at).await, TOPIC).await;
        let request = fetch_request(topic, TOPIC, &[(0, 0)]);
        let response = connection.call(&request, LIMIT).await.unwrap();
        assert_eq!(values_of(&response), [(0, "a".to_owned()), (1, "b".to_owned())]);
        let records = response.responses[0].partitions[0].records.clone().unwrap();
        let header = batches(&records).next().unwrap().unwrap().header;
        assert_eq!(header.attributes.codec(), Ok(Codec::Zstd));
    });
}

#[test]
fn a_compacted_topic_refuses_records_without_a_key_by_index() {
    let mut broker = Broker::started(25, SHARDS);
    broker.create_topic(TOPIC, 1, &[("cleanup.policy", "compact")]);
    broker.run(async |rt, at| {
        let mut builder = BatchBuilder::new(Vec::new());
        builder.append(1_000, Some(b"k"), Some(b"v"), &[]);
        builder.append(1_000, None, Some(b"v"), &[]);
        let bytes = builder.finish(&BatchStamp::default());
        let connection = connection(&rt, at).await;
        let answers = produce(&connection, TOPIC, &[(0, bytes.into())]).await.unwrap();
        assert_eq!(answers[0].error_code, ErrorCode::InvalidRecord.code());
        let indexes: Vec<_> = answers[0].record_errors.iter().map(|it| it.batch_index).collect();
        assert_eq!(indexes, [1]);
    });
    assert_eq!(delete_before(&mut broker, -1).0, ErrorCode::PolicyViolation.code());
}

#[test]
fn without_acknowledgement_records_are_stored_and_a_failure_ends_the_connection() {
    let mut broker = Broker::started(26, SHARDS);
    broker.create_topic(TOPIC, 2, &[]);
    broker.run(async |rt, at| {
        let connection = connection(&rt, at).await;
        for partition in [0, 1] {
            let request = produce_request(0, TOPIC, &[(partition, batch(&["a"], None))]);
            connection.submit_unanswered(&request).await.unwrap();
        }
        // The next answer on the same connection comes in its turn.
        let answers = produce(&connection, TOPIC, &[(0, batch(&["b"], None))]).await.unwrap();
        assert_eq!((answers[0].error_code, answers[0].base_offset), (0, 1));
        assert_eq!(read_all(&rt, at, 1).await, [(0, "a".to_owned())]);
        let request = produce_request(0, TOPIC, &[(9, batch(&["x"], None))]);
        connection.submit_unanswered(&request).await.unwrap();
        assert!(produce(&connection, TOPIC, &[(0, batch(&["c"], None))]).await.is_err());
    });
}

#[test]
fn acks_of_two_are_refused() {
    let mut broker = Broker::started(27, SHARDS);
    broker.create_topic(TOPIC, 1, &[]);
    let response = broker.call(produce_request(2, TOPIC, &[(0, batch(&["a"], None))]));
    let code = response.responses[0].partition_responses[0].error_code;
    assert_eq!(code, ErrorCode::InvalidRequiredAcks.code());
}

#[test]
fn a_frame_above_the_unreserved_size_arrives_whole() {
    let mut broker = Broker::started(28, SHARDS);
    broker.create_topic(TOPIC, 1, &[]);
    let value = "x".repeat(50_000);
    broker.run(async move |rt, at| {
        let connection = connection(&rt, at).await;
        for base_offset in 0..5 {
            let records = [(0, batch(&[&value], None))];
            let answers = produce(&connection, TOPIC, &records).await.unwrap();
            assert_eq!((answers[0].error_code, answers[0].base_offset), (0, base_offset));
        }
        let values = read_all(&rt, at, 0).await;
        assert_eq!(values.len(), 5);
        assert!(values.iter().all(|(_, found)| *found == value));
    });
}

#[test]
fn a_connection_that_is_idle_for_too_long_is_closed() {
    let mut broker = Broker::new(29, SHARDS);
    broker.idle_ms_max = 20_000;
    broker.start();
    broker.create_topic(TOPIC, 1, &[]);
    let idle = broker.run(async |rt, at| {
        let conn = rt.connect(at, LIMIT).await.unwrap();
        let began = rt.now().mono;
        conn.wait_closed().await;
        rt.now().mono.since(began)
    });
    assert!((Duration::from_secs(20)..Duration::from_secs(30)).contains(&idle), "{idle:?}");
}

#[test]
fn a_parked_fetch_hears_of_its_topic_s_deletion() {
    let mut broker = Broker::started(30, SHARDS);
    broker.create_topic(TOPIC, 2, &[]);
    broker.run(async |rt, at| {
        let admin = client(&rt, at).await;
        let topic = topic_id(&admin, TOPIC).await;
        let consumer = connection(&rt, at).await;
        let mut request = fetch_request(topic, TOPIC, &[(0, 0), (1, 0)]);
        request.max_wait_ms = 60_000;
        let reply = consumer.submit(&request).await.unwrap();
        rt.sleep_until(rt.now().mono + Duration::from_secs(1)).await;
        admin.delete_topic(TOPIC).await.unwrap();
        let response = reply.await.unwrap();
        // The shard of a partition may know before that of the connection.
        let deleted = [ErrorCode::UnknownTopicId, ErrorCode::NotLeaderOrFollower];
        let codes = response.responses[0].partitions.iter().map(|it| it.error_code);
        let codes: Vec<_> = codes.collect();
        assert!(codes.iter().any(|code| deleted.iter().any(|it| it.code() == *code)), "{codes:?}");
    });
}

#[test]
fn directories_and_producers_are_described() {
    let mut broker = Broker::started(31, SHARDS);
    broker.create_topic(TOPIC, 2, &[]);
    let id = broker.run(async |rt, at| {
        let (id, epoch) = client(&rt, at).await.init_producer_id().await.unwrap();
        let producer = wire::batch::BatchProducer { id, epoch, base_sequence: 0 };
        let connection = connection(&rt, at).await;
        let records = [(0, batch(&["a", "b"], Some(producer)))];
        produce(&connection, TOPIC, &records).await.unwrap();
        id
    });
    let topic = TopicRequest { name: TOPIC.to_owned(), partition_indexes: vec![0, 1] };
    let described = broker.call(DescribeProducersRequest { topics: vec![topic] });
    let partitions = &described.topics[0].partitions;
    assert_eq!(partitions[0].active_producers[0].producer_id, id.0);
    assert_eq!(partitions[0].active_producers[0].last_sequence, 1);
    assert!(partitions[1].active_producers.is_empty());

    let directories = broker.call(DescribeLogDirsRequest { topics: None });
    assert_eq!(directories.results.len(), 1);
    let topics = &directories.results[0].topics;
    assert_eq!(topics.len(), 1);
    assert!(topics[0].partitions.iter().any(|it| it.partition_size > 0), "{topics:?}");
    assert!(directories.results[0].total_bytes > 0);
}

#[test]
fn an_unknown_topic_id_is_an_error_of_its_partition() {
    let mut broker = Broker::started(32, SHARDS);
    broker.create_topic(TOPIC, 1, &[]);
    let response = broker.call(fetch_request(TopicId([9; 16]), TOPIC, &[(0, 0)]));
    let code = response.responses[0].partitions[0].error_code;
    assert_eq!(code, ErrorCode::UnknownTopicId.code());
}
