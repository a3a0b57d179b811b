//! Disks that fail: the partition concerned says so, everything else goes on.

mod support;

use core::time::Duration;

use model::ErrorCode;
use runtime::memory::{DiskFault, DiskVerb, Life};
use runtime::{Error, Exit};
use support::*;

/// Produces one value to each of two partitions; the error codes.
fn produce_to_both(broker: &mut Broker, value: &'static str) -> [i16; 2] {
    broker.run(async move |rt, at| {
        let connection = connection(&rt, at).await;
        let parts = [(0, batch(&[value], None)), (1, batch(&[value], None))];
        let answers = produce(&connection, TOPIC, &parts).await.unwrap();
        [answers[0].error_code, answers[1].error_code]
    })
}

fn values(broker: &mut Broker, partition: i32) -> Vec<String> {
    let found = broker.run(async move |rt, at| read_all(&rt, at, partition).await);
    found.into_iter().map(|(_, value)| value).collect()
}

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
    let full = DiskFault {
        fail_count: u64::MAX,
        error: Error::NoSpace,
        ..DiskFault::next(DiskVerb::Append, "/orders-")
    };
    broker.world.plant(broker.node, full);
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
