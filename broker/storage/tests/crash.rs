//! What a power loss may and may not take.

mod support;

use model::{Limits, Offset};
use runtime::memory::{DiskFault, DiskVerb, PowerLoss};
use runtime::{Disk, Open};
use std::time::Duration;
use storage::{Batch, LogConfig};
use support::{Rig, batch, bytes_of, config};

/// Appends to several logs, loses the power at an arbitrary moment, several times over, and checks that each log is
/// a prefix of what was appended and holds everything that was reported.
fn crashes_lose_nothing_reported(seed: u64, how: PowerLoss, config: &LogConfig) {
    const LOGS: i32 = 3;
    let mut rig = Rig::new(seed);
    let mut appended: Vec<Vec<Batch>> = vec![Vec::new(); 3];
    let mut dice = seed;
    let mut roll = |below: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % below
    };
    for life in 0..4 {
        let logs: Vec<_> = (0..LOGS).map(|at| rig.open(at, config.clone()).0).collect();
        for (at, log) in logs.iter().enumerate() {
            let end = log.end_offset();
            appended[at].retain(|batch| batch.base_offset < end);
            let kept = appended[at].last().map_or(Offset(0), |batch| batch.last_offset.after(1));
            assert_eq!(end, kept, "seed {seed} life {life}: a batch was cut in two");
            assert!(rig.read(log, 0) == bytes_of(&appended[at]), "seed {seed} life {life}");
        }
        for _ in 0..roll(60) {
            let at = usize::try_from(roll(3)).unwrap();
            let size = usize::try_from(roll(3_000)).unwrap();
            let batch = batch(logs[at].end_offset().0, 2, size, 1_000);
            if logs[at].needs_roll(&batch) {
                logs[at].roll(Vec::new());
            }
            if logs[at].append(batch.clone()).is_ok() {
                appended[at].push(batch);
            }
            rig.world.run_for(Duration::from_micros(roll(800)));
        }
        let reported: Vec<_> = (0..LOGS).map(|at| rig.reported_end(at)).collect();
        drop(logs);
        rig.crash(how);
        for (at, end) in (0..LOGS).zip(reported) {
            let (log, _) = rig.open(at, config.clone());
            let end = end.unwrap_or(Offset(0));
            assert!(log.end_offset() >= end, "seed {seed} life {life}: {end} was reported");
        }
        rig.crash(PowerLoss::KeepsNothing);
    }
}

#[test]
fn a_power_loss_takes_nothing_that_was_reported() {
    for seed in 0..12 {
        crashes_lose_nothing_reported(seed, PowerLoss::Drawn, &config());
        crashes_lose_nothing_reported(seed, PowerLoss::KeepsNothing, &config());
        let small = LogConfig { segment_bytes: 5_000, ..config() };
        crashes_lose_nothing_reported(seed, PowerLoss::KeepsNothing, &small);
    }
}

#[test]
fn the_direct_lane_keeps_the_same_promise() {
    let direct = LogConfig { lane: storage::Lane::Direct, ..config() };
    for seed in 100..110 {
        crashes_lose_nothing_reported(seed, PowerLoss::KeepsNothing, &direct);
    }
}

#[test]
fn the_journal_is_used_again_and_again_without_losing_anything() {
    let limits = Limits { journal_bytes: 256 << 10, ..Limits::tiny() };
    let mut rig = Rig::with_limits(7, limits);
    let (log, _) = rig.open(0, LogConfig { segment_bytes: 1 << 20, ..config() });
    let mut batches = Vec::new();
    for at in 0..200 {
        let batch = batch(at, 1, 9_000, 0);
        log.append(batch.clone()).unwrap();
        batches.push(batch);
        rig.world.run_for(Duration::from_millis(20));
    }
    assert_eq!(rig.reported_end(0), Some(Offset(200)), "1.8 MB went through 256 KiB of journal");
    drop(log);
    rig.crash(PowerLoss::KeepsNothing);
    let (log, _) = rig.open(0, config());
    assert_eq!(log.end_offset(), Offset(200));
    assert!(rig.read(&log, 0) == bytes_of(&batches));
}

#[test]
fn a_crash_while_the_journal_grows_loses_nothing_that_was_reported() {
    // Grown in 64 steps of 16 KiB, while appends go on and wrap around what there is.
    let limits = Limits { journal_bytes: 1 << 20, ..Limits::tiny() };
    for seed in 0..30 {
        let how = if seed % 2 == 0 { PowerLoss::KeepsNothing } else { PowerLoss::Drawn };
        let mut rig = Rig::with_limits(seed, limits.clone());
        let mut batches = Vec::new();
        for life in 0..4 {
            let (log, _) = rig.open(0, config());
            batches.retain(|batch: &Batch| batch.base_offset < log.end_offset());
            assert!(rig.read(&log, 0) == bytes_of(&batches), "seed {seed} life {life}");
            let mut at = log.end_offset().0;
            for round in 0..(seed * 7 + life * 3) % 40 {
                let batch = batch(at, 1, 4_000, 0);
                if log.append(batch.clone()).is_ok() {
                    batches.push(batch);
                    at += 1;
                }
                rig.world.run_for(Duration::from_micros(1 + (seed * 97 + round * 131) % 2_500));
            }
            let reported = rig.reported_end(0);
            drop(log);
            rig.crash(how);
            let (log, _) = rig.open(0, config());
            assert!(Some(log.end_offset()) >= reported, "seed {seed} life {life}: {reported:?}");
            drop(log);
            rig.crash(PowerLoss::KeepsNothing);
        }
    }
}

#[test]
fn a_start_writes_a_small_part_of_the_journal_and_the_rest_follows_while_nothing_happens() {
    let limits = Limits { journal_bytes: 8 << 20, ..Limits::tiny() };
    let mut rig = Rig::with_limits(1, limits);
    let journal = || std::path::PathBuf::from(support::DATA).join(".odradek-journal-00000");
    let len = |rig: &mut Rig| {
        let (rt, path) = (rig.rt.clone(), journal());
        rig.wait(async move {
            let file = Disk::open(&rt, &path, Open::Read).await.unwrap();
            rt.len(&file).await.unwrap()
        })
    };
    assert!(len(&mut rig) < 1 << 20);
    rig.settle();
    assert_eq!(len(&mut rig), 8 << 20);
}

#[test]
fn a_full_disk_leaves_the_journal_as_long_as_it_is_and_in_use() {
    let limits = Limits { journal_bytes: 8 << 20, ..Limits::tiny() };
    let mut rig = Rig::with_limits(1, limits);
    rig.world.set_disk_capacity(rig.node, Some(1 << 20));
    rig.settle();
    rig.world.set_disk_capacity(rig.node, None);
    let (log, _) = rig.open(0, config());
    log.append(batch(0, 1, 100, 0)).unwrap();
    rig.settle();
    assert_eq!(rig.reported_end(0), Some(Offset(1)));
}

#[test]
fn a_non_durable_log_reports_before_the_sync_and_keeps_what_it_flushed() {
    let mut rig = Rig::new(8);
    let config = LogConfig { flush_messages: u64::MAX, ..config() };
    let (log, _) = rig.open(0, config.clone());
    log.append(batch(0, 1, 100, 0)).unwrap();
    rig.settle();
    let flushed = log.clone();
    rig.wait(async move { flushed.flush().await.unwrap() });
    log.append(batch(1, 1, 100, 0)).unwrap();
    rig.settle();
    assert_eq!(rig.reported_end(0), Some(Offset(2)));
    assert_eq!(log.durable_end(), Offset(1));
    drop(log);
    rig.crash(PowerLoss::KeepsNothing);
    let (log, _) = rig.open(0, config);
    assert_eq!(log.end_offset(), Offset(1));
}

#[test]
fn a_truncated_log_does_not_get_its_tail_back_by_a_replay() {
    for seed in 0..20 {
        let mut rig = Rig::new(seed);
        let (log, _) = rig.open(0, config());
        let first: Vec<_> = (0..10).map(|at| batch(at, 1, 200, 0)).collect();
        first.iter().for_each(|batch| log.append(batch.clone()).unwrap());
        rig.settle();
        let cut = log.clone();
        rig.wait(async move { cut.truncate_to(Offset(4)).await.unwrap() });
        assert_eq!((log.end_offset(), log.durable_end()), (Offset(4), Offset(4)));
        let second: Vec<_> = (4..7).map(|at| batch(at, 1, 50, 0)).collect();
        second.iter().for_each(|batch| log.append(batch.clone()).unwrap());
        rig.settle();
        assert_eq!(rig.reported_end(0), Some(Offset(7)));
        let expected = bytes_of(&[&first[..4], &second[..]].concat());
        assert!(rig.read(&log, 0) == expected);
        drop(log);
        rig.crash(PowerLoss::KeepsNothing);
        let (log, _) = rig.open(0, config());
        assert_eq!(log.end_offset(), Offset(7), "seed {seed}");
        assert!(rig.read(&log, 0) == expected, "seed {seed}");
    }
}

#[test]
fn a_failed_journal_sync_reports_nothing_and_takes_the_logs_offline() {
    let mut rig = Rig::new(9);
    let (log, _) = rig.open(0, config());
    log.append(batch(0, 1, 100, 0)).unwrap();
    rig.settle();
    rig.world.plant(rig.node, DiskFault::next(DiskVerb::SyncData, "journal"));
    log.append(batch(1, 1, 100, 0)).unwrap();
    rig.settle();
    assert_eq!(rig.reported_end(0), Some(Offset(1)));
    assert_eq!(rig.news.borrow().failures.len(), 1);
    let refused = log.append(batch(2, 1, 100, 0));
    assert!(matches!(refused, Err(storage::StorageError::Offline { .. })), "{refused:?}");
}

#[test]
fn a_failed_segment_sync_takes_that_log_offline_alone() {
    let mut rig = Rig::new(10);
    let (broken, _) = rig.open(0, config());
    let (healthy, _) = rig.open(1, config());
    broken.append(batch(0, 1, 100, 0)).unwrap();
    healthy.append(batch(0, 1, 100, 0)).unwrap();
    rig.settle();
    rig.world.plant(rig.node, DiskFault::next(DiskVerb::SyncData, "orders-0/"));
    rig.store.request_syncs();
    rig.settle();
    assert!(broken.append(batch(1, 1, 100, 0)).is_err());
    healthy.append(batch(1, 1, 100, 0)).unwrap();
    rig.settle();
    assert_eq!(rig.reported_end(1), Some(Offset(2)));
    assert_eq!(rig.read(&broken, 0).len(), bytes_of(&[batch(0, 1, 100, 0)]).len());
}

/// Takes `broken` offline by a failed sync while another sync of it is asked for.
fn fail_a_sync(rig: &mut Rig, partition: &'static str) {
    rig.world.plant(rig.node, DiskFault::next(DiskVerb::SyncData, partition));
    rig.store.request_syncs();
    for _ in 0..40 {
        rig.world.run_for(Duration::from_micros(20));
        rig.store.request_syncs();
    }
    rig.settle();
}

#[test]
fn a_sync_after_one_that_failed_claims_nothing() {
    let mut rig = Rig::new(14);
    let (broken, _) = rig.open(0, config());
    broken.append(batch(0, 1, 100, 0)).unwrap();
    rig.settle();
    fail_a_sync(&mut rig, "orders-0/");
    assert!(broken.append(batch(1, 1, 100, 0)).is_err());
    let name = broken.id().directory_name();
    let recorded = rig.store.checkpoints().remove(0).recovery_points[&name];
    assert_eq!(recorded, Offset(0), "nothing of it is known to be durable");
}

#[test]
fn what_a_failed_log_reported_outlives_any_number_of_journal_laps() {
    let mut rig = Rig::new(15);
    let (broken, _) = rig.open(0, config());
    let (healthy, _) = rig.open(1, config());
    broken.append(batch(0, 1, 100, 0)).unwrap();
    rig.settle();
    assert_eq!(rig.reported_end(0), Some(Offset(1)));
    fail_a_sync(&mut rig, "orders-0/");
    let value_bytes = rig.limits.journal_bytes / 16;
    let appended = (0..64).take_while(|at| {
        let is_taken = healthy.append(batch(*at, 1, value_bytes, 0)).is_ok();
        rig.settle();
        is_taken
    });
    assert!(appended.count() < 64, "the journal has no room for more");
    let reported = rig.reported_end(1);
    drop((broken, healthy));
    rig.crash(PowerLoss::KeepsNothing);
    let (broken, _) = rig.open(0, config());
    let (healthy, _) = rig.open(1, config());
    assert_eq!(broken.end_offset(), Offset(1));
    assert!(Some(healthy.end_offset()) >= reported);
}

#[test]
fn a_sync_asked_for_during_a_sync_claims_nothing_early() {
    for seed in 0..10 {
        let mut rig = Rig::new(seed);
        let config = LogConfig { lane: storage::Lane::Direct, ..config() };
        let (log, _) = rig.open(0, config.clone());
        for at in 0..20 {
            log.append(batch(at, 1, 100, 0)).unwrap();
            rig.store.request_syncs();
            rig.world.run_for(Duration::from_micros(120));
        }
        let reported = rig.reported_end(0).unwrap_or(Offset(0));
        drop(log);
        rig.crash(PowerLoss::KeepsNothing);
        let (log, _) = rig.open(0, config);
        assert!(log.end_offset() >= reported, "seed {seed}: {reported} was reported");
    }
}
