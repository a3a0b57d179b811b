//! What compaction leaves, whatever happens while it runs.

mod support;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use model::{Buf, LeaderEpoch, Limits, Offset, ProducerEpoch, ProducerId};
use runtime::memory::{DiskFault, DiskVerb, MemoryRuntime, PowerLoss};
use runtime::{Clock, Disk, Open, Spawn, TaskClass};
use storage::{Batch, Cleanup, Compaction, Log, LogConfig, ReadSpec};
use support::{DATA, Rig, config};
use wire::batch::{BatchBuilder, BatchProducer, BatchStamp, BatchView, batches};

type Table = BTreeMap<Vec<u8>, (i64, Vec<u8>)>;

fn compacted() -> LogConfig {
    LogConfig {
        segment_bytes: 2_000,
        retention_ms: None,
        file_delete_delay_ms: 1_000,
        cleanup: Cleanup::Compact,
        compaction: Compaction { min_cleanable_dirty_ppm: 0, ..Compaction::DEFAULT },
        ..config()
    }
}

/// Larger segments than those that were filled: several of them become one.
fn merging() -> LogConfig {
    LogConfig { segment_bytes: 9_000, ..compacted() }
}

/// Two records: mostly of a few keys, every fifth of its own, and a tombstone now and then.
fn keyed(base: i64, now_ms: i64) -> Batch {
    let mut builder = BatchBuilder::new(Vec::new());
    for at in base..base + 2 {
        let key = if at % 5 == 0 { at + 100 } else { at * at % 11 }.to_be_bytes();
        let value = vec![u8::try_from(at % 251).unwrap(); 90];
        builder.append(now_ms, Some(&key), (at % 7 != 3).then_some(&value), &[]);
    }
    let producer = BatchProducer {
        id: ProducerId(base / 200),
        epoch: ProducerEpoch(0),
        base_sequence: i32::try_from(base % 200).unwrap(),
    };
    let bytes = Buf::from(builder.finish(&BatchStamp {
        base_offset: Offset(base),
        partition_leader_epoch: Some(LeaderEpoch(1)),
        producer: Some(producer),
        ..BatchStamp::default()
    }));
    Batch {
        pieces: vec![bytes],
        base_offset: Offset(base),
        last_offset: Offset(base + 1),
        leader_epoch: LeaderEpoch(1),
        max_timestamp_ms: now_ms,
    }
}

/// Appends `count` batches in segments of about seven.
fn fill(rig: &mut Rig, log: &Log<MemoryRuntime>, count: usize) {
    for _ in 0..count {
        let batch = keyed(log.end_offset().0, rig.rt.now().wall_ms);
        if log.needs_roll(&batch) {
            log.roll(b"producers".to_vec());
        }
        log.append(batch).unwrap();
        rig.world.run_for(Duration::from_millis(3));
    }
}

fn maintain(rig: &mut Rig) {
    let store = rig.store.clone();
    rig.wait(async move {
        store.maintain_once().await;
        store.clean_once().await;
    });
}

/// Offset and value of each key's last record; checks that offsets ascend.
fn table(bytes: &[u8]) -> Table {
    let (mut table, mut next) = (Table::new(), 0);
    for batch in batches(bytes) {
        let batch = batch.unwrap();
        batch.check_crc().unwrap();
        assert!(batch.header.base_offset.0 >= next, "{:?} before {next}", batch.header);
        next = batch.header.end_offset().0;
        for record in batch.records(&mut Vec::new(), 1 << 20).unwrap() {
            let record = record.unwrap();
            let offset = batch.header.base_offset.0 + i64::from(record.offset_delta);
            let key = record.key.unwrap().to_vec();
            match record.value {
                Some(value) => table.insert(key, (offset, value.to_vec())),
                None => table.remove(&key),
            };
        }
    }
    table
}

fn record_count(bytes: &[u8]) -> i32 {
    batches(bytes).map(|batch| batch.unwrap().header.record_count).sum()
}

fn names(rig: &mut Rig) -> Vec<String> {
    let rt = rig.rt.clone();
    rig.wait(async move {
        let entries = rt.list(&Path::new(DATA).join("orders-0")).await.unwrap();
        entries.into_iter().map(|entry| entry.name).collect()
    })
}

#[test]
fn every_keys_newest_record_stays_at_its_offset_and_the_rest_goes() {
    let mut rig = Rig::new(1);
    let (log, _) = rig.open(0, compacted());
    fill(&mut rig, &log, 100);
    let before = rig.read(&log, 0);
    maintain(&mut rig);
    let after = rig.read(&log, 0);
    assert_eq!(table(&after), table(&before));
    assert!(record_count(&after) < 80, "{} of 200 records stay", record_count(&after));
    assert_eq!((log.start_offset(), log.end_offset()), (Offset(0), Offset(200)));
    assert_eq!(rig.store.stats().cleaning_count, 1);
    assert_eq!(rig.store.checkpoints()[0].first_dirty.len(), 1);

    maintain(&mut rig);
    assert_eq!(rig.store.stats().cleaning_count, 1, "nothing new is dirty");
    fill(&mut rig, &log, 100);
    let before = rig.read(&log, 0);
    maintain(&mut rig);
    assert_eq!(table(&rig.read(&log, 0)), table(&before));
    assert_eq!(rig.store.stats().cleaning_count, 2);

    rig.settle();
    maintain(&mut rig);
    let left = names(&mut rig);
    assert!(left.iter().all(|name| !name.contains("cleaned") && !name.contains("swap")));
    assert!(left.iter().all(|name| !name.ends_with("deleted")), "{left:?}");
}

#[test]
fn a_compacted_log_reads_the_same_after_a_clean_and_after_an_unclean_start() {
    for seed in 0..10 {
        let mut rig = Rig::new(seed);
        let (log, _) = rig.open(0, compacted());
        fill(&mut rig, &log, 80);
        maintain(&mut rig);
        let expected = rig.read(&log, 0);
        if seed % 2 == 0 {
            rig.restart()
        } else {
            rig.crash(PowerLoss::Drawn)
        }
        let (log, _) = rig.open(0, compacted());
        assert_eq!(log.end_offset(), Offset(160), "seed {seed}");
        assert!(rig.read(&log, 0) == expected, "seed {seed}");
        fill(&mut rig, &log, 20);
        assert_eq!(log.end_offset(), Offset(200), "seed {seed}");
    }
}

#[test]
fn each_producers_last_sequence_survives() {
    let mut rig = Rig::new(2);
    let (log, _) = rig.open(0, compacted());
    fill(&mut rig, &log, 250);
    let sequences = |bytes: &[u8]| -> BTreeMap<i64, i32> {
        let headers = batches(bytes).map(|batch| batch.unwrap().header);
        headers.map(|h| (h.producer.unwrap().id.0, h.last_sequence().unwrap())).collect()
    };
    let before = sequences(&rig.read(&log, 0));
    maintain(&mut rig);
    let after = rig.read(&log, 0);
    assert_eq!(before, BTreeMap::from([(0, 199), (1, 199), (2, 99)]));
    assert_eq!(sequences(&after), before);
}

/// Loses the power after so many events of a cleaning. Returns false when the cleaning was over by then.
fn lose_power_after(event_count: u64, how: PowerLoss) -> bool {
    let mut rig = Rig::new(event_count);
    let (log, _) = rig.open(0, compacted());
    fill(&mut rig, &log, 60);
    log.set_config(merging());
    let before = rig.read(&log, 0);
    let (rt, store) = (rig.rt.clone(), rig.store.clone());
    rt.spawn("maintenance", TaskClass::Background, async move {
        store.clean_once().await;
    });
    let (began, store) = (rig.world.event_count(), rig.store.clone());
    rig.world.run_until(Duration::from_secs(2), |world| {
        world.event_count() >= began + event_count || store.stats().cleaning_count > 0
    });
    let in_time = rig.store.stats().cleaning_count == 0;
    drop((log, store));
    rig.crash(how);
    let (log, _) = rig.open(0, compacted());
    assert_eq!(log.end_offset(), Offset(120), "event {event_count} {how:?}");
    assert_eq!(table(&rig.read(&log, 0)), table(&before), "event {event_count} {how:?}");
    let left = names(&mut rig);
    let leftover = |name: &&String| name.contains(".swap") || name.contains(".cleaned");
    assert_eq!(left.iter().find(leftover), None, "event {event_count} {how:?}");

    // The log goes on: more records, another cleaning, another loss.
    fill(&mut rig, &log, 10);
    let before = rig.read(&log, 0);
    maintain(&mut rig);
    assert_eq!(rig.store.stats().uncleanable_log_count, 0, "event {event_count}");
    drop(log);
    rig.crash(PowerLoss::KeepsNothing);
    let (log, _) = rig.open(0, compacted());
    assert_eq!(table(&rig.read(&log, 0)), table(&before), "event {event_count} {how:?}");
    in_time
}

#[test]
fn a_power_loss_at_any_moment_loses_no_key_and_brings_none_back() {
    let kinds =
        [(PowerLoss::KeepsNothing, 1), (PowerLoss::Drawn, 3), (PowerLoss::KeepsEverything, 5)];
    for (how, step) in kinds {
        let mut event_count = 0;
        while lose_power_after(event_count, how) {
            event_count += step;
        }
        assert!(event_count > 50, "{event_count} events of one cleaning");
    }
}

#[test]
fn a_log_may_be_deleted_or_truncated_while_it_is_compacted() {
    for event_count in (0..300).step_by(6) {
        let mut rig = Rig::new(event_count);
        let (deleted, _) = rig.open(0, compacted());
        let (truncated, _) = rig.open(1, compacted());
        for log in [&deleted, &truncated] {
            fill(&mut rig, log, 50);
            log.set_config(merging());
        }
        let (rt, store) = (rig.rt.clone(), rig.store.clone());
        rt.spawn("maintenance", TaskClass::Background, async move {
            store.clean_once().await;
        });
        let began = rig.world.event_count();
        rig.world
            .run_until(Duration::from_secs(2), |world| world.event_count() >= began + event_count);
        let (store, log) = (rig.store.clone(), truncated.clone());
        rig.wait(async move {
            log.truncate_to(Offset(30)).await.unwrap();
            store.delete_log(&deleted.id()).await.unwrap();
        });
        rig.settle();
        assert_eq!(rig.news.borrow().failures, [], "event {event_count}");
        assert_eq!(rig.store.stats().uncleanable_log_count, 0, "event {event_count}");
        fill(&mut rig, &truncated, 20);
        let before = rig.read(&truncated, 0);
        drop(truncated);
        rig.crash(PowerLoss::KeepsNothing);
        let (log, _) = rig.open(1, compacted());
        assert!(rig.read(&log, 0) == before, "event {event_count}");
    }
}

#[test]
fn readers_see_every_newest_record_while_segments_are_replaced() {
    for seed in 0..30 {
        let mut rig = Rig::new(seed);
        let (log, _) = rig.open(0, compacted());
        fill(&mut rig, &log, 80);
        log.set_config(merging());
        let expected = table(&rig.read(&log, 0));
        let (store, passes) = (rig.store.clone(), Rc::new(Cell::new(0)));
        for reader in 0..8 {
            let (log, store, expected) = (log.clone(), store.clone(), expected.clone());
            let passes = passes.clone();
            rig.rt.spawn("reader", TaskClass::Latency, async move {
                while store.stats().cleaning_count == 0 {
                    // Each reader begins somewhere else and takes one batch at a time.
                    let (mut all, mut at) = (Vec::new(), Offset(reader * 13));
                    while at < Offset(160) {
                        let bytes = log.read_batches(at, 1).await.unwrap();
                        at = BatchView::new(&bytes).unwrap().header.end_offset();
                        all.extend_from_slice(&bytes);
                    }
                    let seen = table(&all);
                    for (key, (offset, value)) in &expected {
                        if *offset >= reader * 13 {
                            let found = seen.get(key);
                            assert_eq!(found, Some(&(*offset, value.clone())), "seed {seed}");
                        }
                    }
                    passes.set(passes.get() + 1);
                }
            });
        }
        rig.wait(async move { store.clean_once().await });
        assert_eq!(rig.store.stats().cleaning_count, 1, "seed {seed}");
        rig.settle();
        assert!(passes.get() > 8, "seed {seed}: {} passes", passes.get());
    }
}

#[test]
fn a_plan_that_was_made_before_reads_the_old_bytes_after() {
    let mut rig = Rig::new(3);
    let (log, _) = rig.open(0, compacted());
    fill(&mut rig, &log, 60);
    let before = rig.read(&log, 0);
    let spec = ReadSpec {
        from: Offset(0),
        bytes_max: 1_000,
        visible_end: Offset(120),
        at_least_one_batch: true,
    };
    let reader = log.clone();
    let plan = rig.wait(async move { reader.plan(spec).await.unwrap() });
    maintain(&mut rig);
    rig.settle();
    maintain(&mut rig);
    let (rt, piece) = (rig.rt.clone(), plan.pieces[0].clone());
    let count = usize::try_from(plan.size_bytes).unwrap();
    let bytes = rig.wait(async move {
        let (read, bytes) =
            rt.read(&piece.file, piece.range.start, Vec::with_capacity(count), count).await;
        read.unwrap();
        bytes
    });
    assert!(bytes == before[..count]);
}

#[test]
fn nothing_at_or_past_the_stable_end_is_touched() {
    let mut rig = Rig::new(4);
    let (log, _) = rig.open(0, compacted());
    fill(&mut rig, &log, 60);
    let before = rig.read(&log, 0);
    log.set_stable_end(Offset(0));
    maintain(&mut rig);
    assert!(rig.read(&log, 0) == before);
    log.set_stable_end(Offset(61));
    maintain(&mut rig);
    let after = rig.read(&log, 0);
    let end = after.len() - before.len() / 2;
    assert!(after.len() < before.len());
    assert!(before.ends_with(&after[end..]), "the second half is as it was");
    assert_eq!(table(&after), table(&before));
}

#[test]
fn a_map_of_few_keys_cleans_the_log_in_several_rounds() {
    let limits = Limits { cleaner_map_bytes: 24 * 6, ..Limits::tiny() };
    let mut rig = Rig::with_limits(5, limits);
    let (log, _) = rig.open(0, compacted());
    fill(&mut rig, &log, 60);
    let before = rig.read(&log, 0);
    for _ in 0..40 {
        maintain(&mut rig);
        assert_eq!(table(&rig.read(&log, 0)), table(&before));
    }
    assert!(rig.store.stats().cleaning_count > 3);
    let after = rig.read(&log, 0);
    assert!(record_count(&after) < 50, "{} of 120 records stay", record_count(&after));
}

#[test]
fn a_damaged_batch_stops_the_cleaning_of_its_log_and_nothing_else() {
    let mut rig = Rig::new(6);
    let (log, _) = rig.open(0, compacted());
    fill(&mut rig, &log, 60);
    let before = rig.read(&log, 0);
    let rt = rig.rt.clone();
    let at = 300;
    rig.wait(async move {
        let path = Path::new(DATA).join("orders-0/00000000000000000000.log");
        let file = rt.open(&path, Open::Write).await.unwrap();
        rt.append(&file, at, vec![Buf::from_static(b"rot")]).await.unwrap();
    });
    maintain(&mut rig);
    maintain(&mut rig);
    assert_eq!(rig.store.stats().uncleanable_log_count, 1);
    assert_eq!(rig.read(&log, 20), before[before.len() - rig.read(&log, 20).len()..]);
    fill(&mut rig, &log, 1);
    assert_eq!(rig.reported_end(0), Some(Offset(122)));
}

#[test]
fn a_failed_write_of_the_new_segment_leaves_the_old_ones_in_service() {
    for verb in [DiskVerb::Append, DiskVerb::SyncData, DiskVerb::Open] {
        let mut rig = Rig::new(7);
        let (log, _) = rig.open(0, compacted());
        fill(&mut rig, &log, 60);
        let before = rig.read(&log, 0);
        rig.world.plant(rig.node, DiskFault::next(verb, ".cleaned"));
        maintain(&mut rig);
        assert!(rig.read(&log, 0) == before, "{verb:?}");
        assert_eq!(rig.store.stats().failed_log_count, 0);
        assert!(names(&mut rig).iter().all(|name| !name.contains("cleaned")), "{verb:?}");
        fill(&mut rig, &log, 1);
        assert_eq!(rig.reported_end(0), Some(Offset(122)));
    }
}
