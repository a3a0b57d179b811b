//! When a log that does not wait for the disk is synced: `flush.messages` and `flush.ms`.

mod support;

use std::time::Duration;

use model::Offset;
use runtime::memory::{MemoryRuntime, PowerLoss};
use storage::{Log, LogConfig};
use support::{Rig, batch, config};

const SECOND: Duration = Duration::from_secs(1);

/// Acknowledges from the page cache.
fn lazy(flush_ms: Option<u64>) -> LogConfig {
    LogConfig { flush_messages: u64::MAX, flush_ms, ..config() }
}

fn append(log: &Log<MemoryRuntime>) {
    log.append(batch(log.end_offset().0, 1, 100, 0)).unwrap();
}

#[test]
fn a_log_is_synced_flush_ms_after_its_oldest_unsynced_record() {
    let mut rig = Rig::new(1);
    let (log, _) = rig.open(0, lazy(Some(10_000)));
    for second in 1..=9 {
        append(&log);
        rig.world.run_for(SECOND);
        assert_eq!(rig.reported_end(0), Some(Offset(second)));
        assert_eq!(log.durable_end(), Offset(0), "after {second} s");
    }
    rig.world.run_for(SECOND + Duration::from_millis(10));
    assert_eq!(log.durable_end(), Offset(9), "later records did not put it off");
    append(&log);
    rig.world.run_for(9 * SECOND);
    assert_eq!(log.durable_end(), Offset(9), "the next record has its own time");
    rig.world.run_for(SECOND + Duration::from_millis(10));
    assert_eq!(log.durable_end(), Offset(10));
    drop(log);
    rig.crash(PowerLoss::KeepsNothing);
    let (log, _) = rig.open(0, lazy(None));
    assert_eq!(log.end_offset(), Offset(10));
}

#[test]
fn each_log_has_its_own_time_and_an_idle_one_is_not_synced_again() {
    let mut rig = Rig::new(2);
    let logs: Vec<_> = [3_000, 1_000, 2_000]
        .into_iter()
        .zip(0..)
        .map(|(flush_ms, partition)| rig.open(partition, lazy(Some(flush_ms))).0)
        .collect();
    logs.iter().for_each(append);
    let durable = |logs: &[Log<MemoryRuntime>]| {
        logs.iter().map(|log| log.durable_end().0).collect::<Vec<_>>()
    };
    for expected in [[0, 0, 0], [0, 1, 0], [0, 1, 1], [1, 1, 1]] {
        assert_eq!(durable(&logs), expected);
        rig.world.run_for(SECOND + Duration::from_millis(20));
    }
    let sync_count = rig.world.disk_stats(rig.node).sync_count;
    rig.world.run_for(60 * SECOND);
    assert_eq!(rig.world.disk_stats(rig.node).sync_count, sync_count);
}

#[test]
fn a_shorter_time_holds_for_what_is_written_already() {
    let mut rig = Rig::new(3);
    let (log, _) = rig.open(0, lazy(None));
    append(&log);
    rig.world.run_for(3_600 * SECOND);
    assert_eq!(log.durable_end(), Offset(0), "nothing asks for a sync");
    log.set_config(lazy(Some(60_000)));
    rig.world.run_for(SECOND);
    assert_eq!(log.durable_end(), Offset(1), "it waited for an hour");
}

#[test]
fn a_zero_time_syncs_after_each_write() {
    let mut rig = Rig::new(4);
    let (log, _) = rig.open(0, lazy(Some(0)));
    for end in 1..5 {
        append(&log);
        rig.world.run_for(Duration::from_millis(20));
        assert_eq!(log.durable_end(), Offset(end));
    }
}

#[test]
fn a_count_syncs_before_the_time_has_come() {
    let mut rig = Rig::new(5);
    let config = LogConfig { flush_messages: 3, ..lazy(Some(60_000)) };
    let (log, _) = rig.open(0, config);
    append(&log);
    append(&log);
    rig.settle();
    assert_eq!(log.durable_end(), Offset(0));
    append(&log);
    rig.settle();
    assert_eq!(log.durable_end(), Offset(3));
}
