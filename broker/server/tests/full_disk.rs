//! A full disk, as clients see it: produces are refused, the rest goes on, and partitions come back.

mod support;

use core::time::Duration;

use model::ErrorCode;
use runtime::memory::{Life, PowerLoss};
use support::*;

const STORAGE_ERROR: i16 = ErrorCode::KafkaStorageError.code();

fn leave_free(broker: &mut Broker, bytes: u64) {
    let space = broker.world.disk_space(broker.node);
    let used_bytes = space.total_bytes - space.free_bytes;
    broker.world.set_disk_capacity(broker.node, Some(used_bytes + bytes));
}

#[test]
fn partitions_that_lost_a_produce_come_back_when_there_is_room() {
    for shards in [1, 2] {
        let mut broker = Broker::started(43, shards);
        broker.create_topic(TOPIC, 2, &[]);
        assert_eq!(produce_to_both(&mut broker, "a"), [0, 0]);
        broker.world.plant(broker.node, no_room_for_records());
        assert_eq!(produce_to_both(&mut broker, "lost"), [STORAGE_ERROR; 2]);
        assert_eq!(values(&mut broker, 0), ["a"]);
        broker.world.mend_disk(broker.node);
        broker.world.run_for(Duration::from_secs(5));
        assert_eq!(produce_to_both(&mut broker, "b"), [0, 0], "{shards} shards");
        for lost_power in [false, true] {
            if lost_power {
                broker.world.power_loss(broker.node, PowerLoss::KeepsNothing);
                broker.start();
            }
            for partition in [0, 1] {
                let found = values(&mut broker, partition);
                assert_eq!(found.first().map(String::as_str), Some("a"));
                assert_eq!(found.last().map(String::as_str), Some("b"));
            }
        }
    }
}

#[test]
fn a_disk_that_fills_up_refuses_produces_and_loses_none_that_was_acknowledged() {
    for seed in 200..216_u64 {
        let mut broker = Broker::started(seed, 1 + u16::try_from(seed % 2).unwrap());
        // A full disk looks for old records at once, and these are of 1970.
        broker.create_topic(TOPIC, 2, &[("retention.ms", "-1")]);
        assert_eq!(produce_to_both(&mut broker, "first"), [0, 0]);
        leave_free(&mut broker, 20_000 + 3_001 * (seed - 200));
        let (acknowledged, refused) = broker.run(async move |rt, at| {
            let connection = connection(&rt, at).await;
            let (mut acknowledged, mut refused) = ([0, 0], 0);
            for _ in 0..150 {
                let parts = [0, 1].map(|index| (index, batch(&["x".repeat(500).as_str()], None)));
                for answer in produce(&connection, TOPIC, &parts).await.unwrap() {
                    match answer.error_code {
                        0 => acknowledged[usize::try_from(answer.index).unwrap()] += 1,
                        code => {
                            assert_eq!(code, STORAGE_ERROR);
                            refused += 1;
                        }
                    }
                }
            }
            (acknowledged, refused)
        });
        assert!(refused > 0, "seed {seed}: the disk was never full");
        broker.world.set_disk_capacity(broker.node, None);
        broker.world.run_for(Duration::from_secs(5));
        assert_eq!(produce_to_both(&mut broker, "last"), [0, 0], "seed {seed}");
        broker.world.power_loss(broker.node, PowerLoss::KeepsNothing);
        broker.start();
        for (partition, count) in (0..).zip(acknowledged) {
            let found = values(&mut broker, partition);
            assert!(found.len() >= count + 2, "seed {seed}: {} of {count}", found.len());
            assert_eq!(found.first().map(String::as_str), Some("first"));
            assert_eq!(found.last().map(String::as_str), Some("last"));
        }
    }
}

#[test]
fn topics_are_deleted_on_a_full_disk_and_that_frees_it() {
    let mut broker = Broker::started(44, 1);
    broker.create_topic(TOPIC, 2, &[]);
    // These records are of 1970: only the deletion shall free them.
    broker.create_topic("other", 1, &[("retention.ms", "-1")]);
    let large = "x".repeat(3_000);
    for _ in 0..120 {
        broker.run({
            let parts = [(0, batch(&[large.as_str()], None))];
            async move |rt, at| {
                let connection = connection(&rt, at).await;
                produce(&connection, "other", &parts).await.unwrap();
            }
        });
    }
    leave_free(&mut broker, 0);
    let refused = (0..200).any(|_| produce_to_both(&mut broker, "b") == [STORAGE_ERROR; 2]);
    assert!(refused, "the disk was never full");
    broker.run(async |rt, at| client(&rt, at).await.delete_topic("other").await.unwrap());
    broker.world.run_for(Duration::from_secs(5));
    assert_eq!(produce_to_both(&mut broker, "c"), [0, 0]);
    assert_eq!(broker.world.life(broker.node), Life::Up);
}
