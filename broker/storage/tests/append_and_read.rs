//! What goes in comes out, segment after segment, start after start.

mod support;

use model::{LeaderEpoch, Offset};
use storage::{LogConfig, ReadSpec, SnapshotUse};
use support::{Rig, batch, bytes_of, config};

#[test]
fn what_was_appended_is_reported_and_reads_back_the_same() {
    let mut rig = Rig::new(1);
    let (log, _) = rig.open(0, config());
    let batches: Vec<_> = (0..10).map(|at| batch(at * 3, 3, 100, 1_000)).collect();
    batches.iter().for_each(|batch| log.append(batch.clone()).unwrap());
    assert_eq!(log.end_offset(), Offset(30));
    assert_eq!(log.durable_end(), Offset(0), "nothing reached the disk yet");
    rig.settle();
    assert_eq!(rig.reported_end(0), Some(Offset(30)));
    assert_eq!(log.durable_end(), Offset(30));
    assert_eq!(rig.read(&log, 0), bytes_of(&batches));
    assert_eq!(rig.read(&log, 13), bytes_of(&batches[4..]), "the batch that holds 13 comes whole");
}

#[test]
fn a_log_of_many_segments_reads_across_them_before_and_after_a_clean_start() {
    let mut rig = Rig::new(2);
    let config = LogConfig { segment_bytes: 4_000, ..config() };
    let (log, _) = rig.open(0, config.clone());
    let mut batches = Vec::new();
    for at in 0..100 {
        let batch = batch(at * 2, 2, 150, 1_000 + at);
        if log.needs_roll(&batch) {
            log.roll(format!("producers at {}", at * 2).into_bytes());
        }
        log.append(batch.clone()).unwrap();
        batches.push(batch);
        rig.settle();
    }
    assert!(rig.read(&log, 0) == bytes_of(&batches));
    let ended = log.clone();
    rig.wait(async move {
        let snapshot = b"producers at the end".to_vec();
        ended.write_producer_snapshot(snapshot, SnapshotUse::LeftBehind).await;
    });
    rig.restart();
    let (log, sink) = rig.open(0, config);
    assert_eq!(sink.snapshot, Some((Offset(200), b"producers at the end".to_vec())));
    assert_eq!(sink.batches, vec![], "the snapshot covers everything");
    assert_eq!(log.end_offset(), Offset(200));
    assert_eq!(log.latest_leader_epoch(), Some(LeaderEpoch(1)));
    assert!(rig.read(&log, 0) == bytes_of(&batches));
    log.append(batch(200, 1, 10, 0)).unwrap();
    rig.settle();
    assert_eq!(rig.reported_end(0), Some(Offset(201)));
}

#[test]
fn a_plan_holds_whole_batches_within_the_budget_and_the_visible_end() {
    let mut rig = Rig::new(3);
    // Few positions stay in memory, so that both the tail and the index answer.
    let (log, _) = rig.open(0, config());
    let batches: Vec<_> = (0..60).map(|at| batch(at, 1, 100, 1_000)).collect();
    batches.iter().for_each(|batch| log.append(batch.clone()).unwrap());
    rig.settle();
    let size = bytes_of(&batches[..1]).len();
    for from in [0, 10, 30, 50, 59] {
        for (count, visible) in [(1, 60), (3, 60), (100, 60), (100, from + 2)] {
            let spec = ReadSpec {
                from: Offset(from),
                bytes_max: size * count + size / 2,
                visible_end: Offset(visible),
                at_least_one_batch: false,
            };
            let reader = log.clone();
            let plan = rig.wait(async move { reader.plan(spec).await.unwrap() });
            let expected = i64::try_from(count).unwrap().min(visible.min(60) - from);
            assert_eq!(plan.next_offset, Offset(from + expected), "{spec:?}");
            assert_eq!(plan.size_bytes, u64::try_from(expected).unwrap() * size as u64, "{spec:?}");
        }
    }
    let spec = ReadSpec {
        from: Offset(0),
        bytes_max: 1,
        visible_end: Offset(60),
        at_least_one_batch: true,
    };
    let reader = log.clone();
    let plan = rig.wait(async move { reader.plan(spec).await.unwrap() });
    assert_eq!(plan.next_offset, Offset(1), "the first batch comes however large");
}

#[test]
fn offsets_are_found_by_timestamp() {
    let mut rig = Rig::new(4);
    let (log, _) = rig.open(0, LogConfig { segment_bytes: 3_000, ..config() });
    for at in 0..50 {
        let batch = batch(at * 2, 2, 100, 1_000 + at * 10);
        if log.needs_roll(&batch) {
            log.roll(Vec::new());
        }
        log.append(batch).unwrap();
        rig.settle();
    }
    for (timestamp_ms, expected) in [
        (0, Some((1_000, 0))),
        (1_001, Some((1_001, 1))),
        (1_002, Some((1_010, 2))),
        (1_491, Some((1_491, 99))),
        (1_492, None),
    ] {
        let reader = log.clone();
        let found = rig.wait(async move { reader.offset_for_time(timestamp_ms).await.unwrap() });
        assert_eq!(found.map(|at| (at.timestamp_ms, at.offset.0)), expected, "{timestamp_ms}");
    }
    // Of younger batches nobody may be told before they are committed.
    for end in [2, 48, 50, 98, 100] {
        let reader = log.clone();
        let max =
            rig.wait(async move { reader.max_timestamp(Offset(end)).await.unwrap().unwrap() });
        assert_eq!((max.timestamp_ms, max.offset), (1_001 + (end - 2) * 5, Offset(end - 1)));
    }
}

#[test]
fn too_many_waiting_bytes_are_refused_and_nothing_of_them_is_queued() {
    let mut rig = Rig::new(5);
    let (log, _) = rig.open(0, config());
    let mut at = 0;
    let error = loop {
        match log.append(batch(at, 1, 30_000, 0)) {
            Ok(()) => at += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, storage::StorageError::Busy { .. }), "{error}");
    assert_eq!(log.end_offset(), Offset(at));
    rig.settle();
    assert_eq!(rig.store.stats().queued_bytes, 0);
    log.append(batch(at, 1, 30_000, 0)).unwrap();
}
