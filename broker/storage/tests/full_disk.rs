//! A disk without room: what is refused, what goes on, and how logs come back.

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use model::{Limits, Offset};
use runtime::memory::{DiskEffect, DiskFault, DiskVerb, MemoryRuntime, PowerLoss};
use runtime::{Clock, Disk, Error, Spawn};
use storage::{Cleanup, Lane, Log, LogConfig, StorageError};
use support::{DATA, Rig, Sink, batch, bytes_of, config, id};

const SECOND: Duration = Duration::from_secs(1);

fn settings() -> LogConfig {
    LogConfig { segment_bytes: 4_000, ..config() }
}

/// Without rolls an append is the first that finds no room, in every other run.
fn settings_of(seed: u64) -> LogConfig {
    if seed.is_multiple_of(4) { settings() } else { config() }
}

/// Appends one batch; the offset after it if it was queued.
fn append(rig: &Rig, log: &Log<MemoryRuntime>) -> Result<(), StorageError> {
    let batch = batch(log.end_offset().0, 1, 300, rig.rt.now().wall_ms);
    if log.needs_roll(&batch) {
        log.roll(Vec::new());
    }
    log.append(batch)
}

/// Leaves this much room on the disk.
fn leave_free(rig: &mut Rig, bytes: u64) {
    let rt = rig.rt.clone();
    let space = rig.wait(async move { rt.space(Path::new(DATA)).await.unwrap() });
    let used_bytes = space.total_bytes - space.free_bytes;
    rig.world.set_disk_capacity(rig.node, Some(used_bytes + bytes));
}

fn reopen(
    rig: &mut Rig,
    partition: i32,
    config: LogConfig,
) -> Result<Log<MemoryRuntime>, StorageError> {
    let store = rig.store.clone();
    rig.wait(async move { store.reopen_log(id(partition).at, config, &mut Sink::default()).await })
}

/// Appends until the log is offline. Returns the end that was reported.
fn fill_up(rig: &mut Rig, log: &Log<MemoryRuntime>) -> Offset {
    for _ in 0..10_000 {
        match append(rig, log) {
            Ok(()) | Err(StorageError::Busy { .. }) => {}
            Err(_) => break,
        }
        rig.world.run_for(Duration::from_micros(300));
    }
    rig.settle();
    assert!(append(rig, log).is_err(), "the disk was never full");
    rig.reported_end(log.id().at.partition.0).unwrap_or(Offset(0))
}

/// The log after the disk was full: reopened if it lost an append, else the same. An index or a snapshot that found no room
/// closes the disk to appends before one of them fails.
fn come_back(
    rig: &mut Rig,
    log: &Log<MemoryRuntime>,
    config: LogConfig,
) -> Result<Log<MemoryRuntime>, StorageError> {
    let at = log.id().at;
    if rig.news.borrow().failures.iter().all(|(failed, _)| *failed != at) {
        return Ok(log.clone());
    }
    reopen(rig, at.partition.0, config)
}

fn size_of_records(count: i64) -> usize {
    usize::try_from(count).unwrap() * bytes_of(&[batch(0, 1, 300, 0)]).len()
}

#[test]
fn an_append_without_room_is_never_reported_and_everything_reported_stays() {
    let mut failure_count = 0;
    for seed in 0..40 {
        let mut rig = Rig::new(seed);
        let (log, _) = rig.open(0, settings_of(seed));
        for _ in 0..seed % 7 {
            append(&rig, &log).unwrap();
            rig.world.run_for(Duration::from_millis(seed % 3));
        }
        leave_free(&mut rig, 3_000 + 977 * seed);
        let reported = fill_up(&mut rig, &log);
        assert!(rig.read(&log, 0).len() >= size_of_records(reported.0), "reads go on");

        // It comes back at once, thanks to the reserve, and takes appends when there is room.
        failure_count += rig.news.borrow().failures.len();
        let log = come_back(&mut rig, &log, settings_of(seed)).unwrap();
        let recovered = log.end_offset();
        assert!(recovered >= reported, "seed {seed}: {recovered} of {reported}");
        assert!(matches!(append(&rig, &log), Err(StorageError::Full { .. })));
        rig.world.set_disk_capacity(rig.node, None);
        rig.world.run_for(3 * SECOND);
        append(&rig, &log).unwrap();
        rig.settle();
        let end = Offset(recovered.0 + 1);
        assert_eq!(rig.reported_end(0), Some(end), "seed {seed}");

        drop(log);
        rig.crash(if seed % 2 == 0 { PowerLoss::KeepsNothing } else { PowerLoss::Drawn });
        let (log, _) = rig.open(0, settings_of(seed));
        assert_eq!(log.end_offset(), end, "seed {seed}: a replay changed what came back");
        assert_eq!(rig.read(&log, 0).len(), size_of_records(end.0), "seed {seed}");
    }
    assert!((10..=40).contains(&failure_count), "{failure_count} of 40 lost an append");
}

#[test]
fn a_power_loss_while_the_disk_is_full_or_a_log_comes_back_takes_nothing_reported() {
    let mut lost_count = 0;
    for seed in 100..160_u64 {
        let mut rig = Rig::new(seed);
        let (log, _) = rig.open(0, settings_of(seed));
        append(&rig, &log).unwrap();
        rig.settle();
        leave_free(&mut rig, 2_000 + 1_003 * (seed % 37));
        let reported = fill_up(&mut rig, &log);
        if rig.news.borrow().failures.is_empty() {
            continue;
        }
        lost_count += 1;
        let store = rig.store.clone();
        let pause = rig.rt.clone();
        rig.rt.spawn("come back", runtime::TaskClass::Background, async move {
            let back = store.reopen_log(id(0).at, settings_of(seed), &mut Sink::default()).await;
            if let Ok(log) = back {
                while log.append(batch(log.end_offset().0, 1, 300, 0)).is_err() {
                    pause.sleep_until(pause.now().mono + Duration::from_millis(10)).await;
                }
            }
        });
        if seed % 3 == 0 {
            rig.world.set_disk_capacity(rig.node, None);
        }
        rig.world.run_for(Duration::from_micros(seed * 131 % 4_000));
        let reported = rig.reported_end(0).unwrap_or(reported).max(reported);
        drop(log);
        rig.world.set_disk_capacity(rig.node, None);
        rig.crash(PowerLoss::Drawn);
        let (log, _) = rig.open(0, settings_of(seed));
        assert!(log.end_offset() >= reported, "seed {seed}: {} of {reported}", log.end_offset());
        assert_eq!(rig.read(&log, 0).len(), size_of_records(log.end_offset().0), "seed {seed}");
    }
    assert!(lost_count >= 20, "{lost_count} of 60 lost an append");
}

#[test]
fn logs_that_lost_nothing_wait_without_being_reopened() {
    let mut rig = Rig::new(1);
    let (writing, _) = rig.open(0, settings());
    let (idle, _) = rig.open(1, settings());
    append(&rig, &idle).unwrap();
    rig.settle();
    leave_free(&mut rig, 5_000);
    fill_up(&mut rig, &writing);
    assert!(matches!(append(&rig, &idle), Err(StorageError::Full { .. })));
    assert_eq!(rig.store.stats().full_directory_count, 1);
    rig.world.set_disk_capacity(rig.node, None);
    rig.world.run_for(3 * SECOND);
    append(&rig, &idle).unwrap();
    rig.settle();
    assert_eq!(rig.reported_end(1), Some(Offset(2)));
    assert_eq!(rig.store.stats().full_directory_count, 0);
}

#[test]
fn the_reserve_is_given_up_when_the_disk_is_full_and_taken_back_before_appends_begin() {
    let mut rig = Rig::new(2);
    let reserve = PathBuf::from(DATA).join(".odradek-reserve-00000");
    let exists = |rig: &mut Rig| {
        let rt = rig.rt.clone();
        let names = rig.wait(async move { rt.list(Path::new(DATA)).await.unwrap() });
        names.iter().any(|entry| reserve.ends_with(&entry.name))
    };
    let (log, _) = rig.open(0, settings());
    assert!(exists(&mut rig));
    leave_free(&mut rig, 5_000);
    fill_up(&mut rig, &log);
    assert!(!exists(&mut rig));
    let reserve_bytes = rig.limits.reserve_bytes as u64;
    leave_free(&mut rig, 4 * reserve_bytes - 1);
    rig.world.run_for(3 * SECOND);
    assert!(!exists(&mut rig), "too little is free");
    leave_free(&mut rig, 4 * reserve_bytes);
    rig.world.run_for(3 * SECOND);
    assert!(exists(&mut rig));
    let log = come_back(&mut rig, &log, settings()).unwrap();
    append(&rig, &log).unwrap();
}

#[test]
fn retention_frees_a_full_disk_and_the_log_takes_appends_again() {
    let mut rig = Rig::new(3);
    let keep = LogConfig { retention_ms: None, retention_bytes: None, ..settings() };
    let (log, _) = rig.open(0, keep.clone());
    leave_free(&mut rig, 500_000);
    fill_up(&mut rig, &log);
    let log = come_back(&mut rig, &log, keep.clone()).unwrap();
    rig.world.run_for(60 * SECOND);
    assert!(append(&rig, &log).is_err(), "nothing may be deleted");
    log.set_config(LogConfig { retention_bytes: Some(10_000), ..keep });
    rig.world.run_for(5 * SECOND);
    append(&rig, &log).unwrap();
    rig.settle();
    assert_eq!(rig.reported_end(0), Some(log.end_offset()));
    assert!(log.start_offset() > Offset(0));
}

#[test]
fn the_metadata_log_waits_for_room_and_goes_on() {
    let mut rig = Rig::new(4);
    let metadata = LogConfig { lane: Lane::Direct, ..settings() };
    let (metadata, _) = rig.open(0, metadata);
    let (data, _) = rig.open(1, settings());
    append(&rig, &metadata).unwrap();
    rig.settle();
    leave_free(&mut rig, 5_000);
    fill_up(&mut rig, &data);
    // The reserve has room for this one.
    append(&rig, &metadata).unwrap();
    rig.settle();
    assert_eq!(rig.reported_end(0), Some(Offset(2)));
    leave_free(&mut rig, 0);
    for _ in 0..20 {
        append(&rig, &metadata).unwrap();
    }
    rig.world.run_for(60 * SECOND);
    assert!(rig.reported_end(0) < Some(Offset(22)), "it waits");
    rig.world.set_disk_capacity(rig.node, None);
    rig.world.run_for(3 * SECOND);
    assert_eq!(rig.reported_end(0), Some(Offset(22)));
    let failed: Vec<_> = rig.news.borrow().failures.iter().map(|(at, _)| *at).collect();
    assert_eq!(failed, [id(1).at]);
}

#[test]
fn other_failures_stay_until_the_next_start() {
    let effect = DiskEffect::Error(Error::NoSpace);
    let no_room = |verb| DiskFault { effect, ..DiskFault::next(verb, "/orders-0/") };
    let faults = [no_room(DiskVerb::SyncData), DiskFault::next(DiskVerb::Append, "/orders-0/")];
    for fault in faults {
        let mut rig = Rig::new(5);
        let (log, _) = rig.open(0, settings());
        append(&rig, &log).unwrap();
        rig.settle();
        rig.world.plant(rig.node, fault.clone());
        append(&rig, &log).unwrap();
        rig.store.request_syncs();
        rig.settle();
        let refused = reopen(&mut rig, 0, settings()).map(|log| log.end_offset());
        assert!(matches!(refused, Err(StorageError::Offline { .. })), "{fault:?}: {refused:?}");
    }
}

#[test]
fn a_log_that_was_deleted_meanwhile_does_not_come_back() {
    let mut rig = Rig::new(6);
    let (log, _) = rig.open(0, settings());
    leave_free(&mut rig, 5_000);
    fill_up(&mut rig, &log);
    let (store, deleting) = (rig.store.clone(), rig.store.clone());
    rig.rt.spawn("delete", runtime::TaskClass::Background, async move {
        deleting.delete_log(&id(0)).await.unwrap();
    });
    let back = rig.wait(async move {
        store.reopen_log(id(0).at, settings(), &mut Sink::default()).await.map(|_| ())
    });
    assert_eq!(back, Err(StorageError::Closed));
    rig.settle();
    let rt = rig.rt.clone();
    let names = rig.wait(async move { rt.list(Path::new(DATA)).await.unwrap() });
    assert!(names.iter().all(|entry| !entry.name.starts_with("orders-0")), "{names:?}");
}

#[test]
fn a_start_on_a_full_disk_serves_reads_and_takes_appends_when_there_is_room() {
    let mut rig = Rig::new(7);
    let (log, _) = rig.open(0, settings());
    leave_free(&mut rig, 20_000);
    let reported = fill_up(&mut rig, &log);
    drop(log);
    rig.crash(PowerLoss::KeepsEverything);
    let (log, _) = rig.open(0, settings());
    assert!(log.end_offset() >= reported);
    rig.read(&log, 0);
    assert!(matches!(append(&rig, &log), Err(StorageError::Full { .. })));
    rig.world.set_disk_capacity(rig.node, None);
    rig.world.run_for(3 * SECOND);
    append(&rig, &log).unwrap();
}

#[test]
fn compaction_that_finds_no_room_is_tried_again() {
    let limits = Limits::tiny();
    let mut rig = Rig::with_limits(8, limits);
    let config = LogConfig { cleanup: Cleanup::Compact, ..settings() };
    let (log, _) = rig.open(0, config);
    for _ in 0..30 {
        append(&rig, &log).unwrap();
        rig.world.run_for(Duration::from_millis(2));
    }
    rig.settle();
    let clean = |rig: &mut Rig| {
        let store = rig.store.clone();
        rig.wait(async move { store.clean_once().await });
        (rig.store.stats().cleaning_count, rig.store.stats().uncleanable_log_count)
    };
    leave_free(&mut rig, 0);
    assert_eq!(clean(&mut rig), (0, 0));
    rig.world.set_disk_capacity(rig.node, None);
    assert_eq!(clean(&mut rig), (1, 0));
    assert!(log.accepts_appends());
}
