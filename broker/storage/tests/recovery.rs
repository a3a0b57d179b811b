//! What a start after a crash reads, and what it believes.

mod support;

use std::path::PathBuf;
use std::time::Duration;

use model::{Buf, Offset};
use runtime::memory::{MemoryRuntime, PowerLoss};
use runtime::{Disk, Open};
use storage::{Batch, Log, LogConfig, SnapshotUse};
use support::{DATA, Rig, batch, bytes_of, config};

const SEGMENT: &str = "orders-0/00000000000000000000";

/// One segment for everything, an index entry for every batch.
fn long() -> LogConfig {
    LogConfig { segment_bytes: 64 << 20, index_interval_bytes: 1, ..config() }
}

fn append(rig: &mut Rig, log: &Log<MemoryRuntime>, count: usize, size_bytes: usize) -> Vec<Batch> {
    let appended = (0..count).map(|_| {
        let batch = batch(log.end_offset().0, 1, size_bytes, 1_000);
        log.append(batch.clone()).unwrap();
        rig.world.run_for(Duration::from_millis(2));
        batch
    });
    appended.collect()
}

fn snapshot(rig: &mut Rig, log: &Log<MemoryRuntime>) {
    let log = log.clone();
    rig.wait(async move {
        let content = format!("producers at {}", log.end_offset()).into_bytes();
        log.write_producer_snapshot(content, SnapshotUse::Hint).await;
    });
}

/// Syncs what was appended and writes that down.
fn checkpoint(rig: &mut Rig) {
    rig.store.request_syncs();
    rig.settle();
    let (rt, store) = (rig.rt.clone(), rig.store.clone());
    rig.wait(async move {
        store.checkpoints()[0].write(&rt, &PathBuf::from(DATA)).await.unwrap();
    });
}

fn overwrite(rig: &mut Rig, name: &str, at: u64, bytes: Vec<u8>) {
    let (rt, path) = (rig.rt.clone(), PathBuf::from(DATA).join(name));
    rig.wait(async move {
        let file = Disk::open(&rt, &path, Open::Write).await.unwrap();
        Disk::append(&rt, &file, at, vec![Buf::from(bytes)]).await.unwrap();
        rt.sync_data(&file).await.unwrap();
    });
}

#[test]
fn a_start_replays_only_what_lies_past_the_snapshot_inside_the_segment() {
    let mut rig = Rig::new(1);
    let (log, _) = rig.open(0, long());
    let mut batches = append(&mut rig, &log, 400, 900);
    snapshot(&mut rig, &log);
    checkpoint(&mut rig);
    batches.extend(append(&mut rig, &log, 30, 900));
    rig.settle();
    drop(log);
    rig.crash(PowerLoss::KeepsEverything);
    let (log, sink) = rig.open(0, long());
    assert_eq!(sink.snapshot, Some((Offset(400), b"producers at 400".to_vec())));
    let replayed: Vec<i64> = sink.batches.iter().map(|header| header.base_offset.0).collect();
    assert_eq!(replayed, (400..430).collect::<Vec<_>>());
    assert_eq!(log.end_offset(), Offset(430));
    assert!(rig.read(&log, 0) == bytes_of(&batches));
    assert!(rig.read(&log, 171) == bytes_of(&batches[171..]), "the index still leads there");
}

#[test]
fn damage_that_lies_below_what_a_start_reads_does_not_stop_it() {
    let mut rig = Rig::new(2);
    let (log, _) = rig.open(0, long());
    append(&mut rig, &log, 400, 900);
    snapshot(&mut rig, &log);
    checkpoint(&mut rig);
    append(&mut rig, &log, 1, 900);
    rig.settle();
    drop(log);
    overwrite(&mut rig, &format!("{SEGMENT}.log"), 5_000, vec![0xee; 8]);
    rig.crash(PowerLoss::KeepsEverything);
    // A reader's checksum, `fsck` and a follower find it; reading it all at every start would take minutes.
    let (log, _) = rig.open(0, long());
    assert_eq!(log.end_offset(), Offset(401));
}

#[test]
fn a_snapshot_of_records_that_may_be_gone_is_not_believed() {
    let mut rig = Rig::new(3);
    let (log, _) = rig.open(0, long());
    append(&mut rig, &log, 10, 100);
    snapshot(&mut rig, &log);
    checkpoint(&mut rig);
    append(&mut rig, &log, 5, 100);
    snapshot(&mut rig, &log);
    drop(log);
    rig.crash(PowerLoss::KeepsEverything);
    let (_, sink) = rig.open(0, long());
    assert_eq!(sink.snapshot, Some((Offset(10), b"producers at 10".to_vec())));
    assert_eq!(sink.batches.len(), 5);
}

#[test]
fn an_index_that_its_log_contradicts_is_thrown_away() {
    let mut rig = Rig::new(4);
    let (log, _) = rig.open(0, long());
    let batches = append(&mut rig, &log, 300, 900);
    snapshot(&mut rig, &log);
    checkpoint(&mut rig);
    drop(log);
    // Every entry claims to be further on by one byte.
    let entries = (1..300u32).flat_map(|at| {
        at.to_be_bytes().into_iter().chain((at * 968 + 1).to_be_bytes()).collect::<Vec<_>>()
    });
    overwrite(&mut rig, &format!("{SEGMENT}.index"), 0, entries.collect());
    rig.crash(PowerLoss::KeepsEverything);
    let (log, _) = rig.open(0, long());
    assert!(rig.read(&log, 0) == bytes_of(&batches));
    assert!(rig.read(&log, 150) == bytes_of(&batches[150..]));
    drop(log);
    rig.restart();
    let (log, _) = rig.open(0, long());
    assert!(rig.read(&log, 150) == bytes_of(&batches[150..]), "also from the files");
}

#[test]
fn a_truncation_takes_the_snapshots_of_what_it_cuts_off() {
    let mut rig = Rig::new(5);
    let (log, _) = rig.open(0, long());
    append(&mut rig, &log, 20, 100);
    snapshot(&mut rig, &log);
    let cut = log.clone();
    rig.wait(async move { cut.truncate_to(Offset(10)).await.unwrap() });
    append(&mut rig, &log, 30, 100);
    checkpoint(&mut rig);
    drop(log);
    rig.crash(PowerLoss::KeepsEverything);
    let (log, sink) = rig.open(0, long());
    assert_eq!((sink.snapshot, sink.batches.len()), (None, 40));
    assert_eq!(log.end_offset(), Offset(40));
}

#[test]
fn producer_state_is_always_that_of_the_recovered_log() {
    for seed in 0..24u64 {
        let how = if seed % 3 == 0 { PowerLoss::KeepsEverything } else { PowerLoss::Drawn };
        let small = LogConfig { segment_bytes: 150_000, ..long() };
        let mut rig = Rig::new(seed);
        let mut dice = seed;
        let mut roll = |below: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
            (dice >> 33) % below
        };
        let mut batches: Vec<Batch> = Vec::new();
        for life in 0..4 {
            let (log, sink) = rig.open(0, small.clone());
            let end = log.end_offset();
            batches.retain(|batch| batch.base_offset < end);
            let from = sink.snapshot.as_ref().map_or(0, |(at, _)| at.0);
            let told: Vec<i64> = sink.batches.iter().map(|header| header.base_offset.0).collect();
            assert_eq!(told, (from..end.0).collect::<Vec<_>>(), "seed {seed} life {life}");
            assert!(rig.read(&log, 0) == bytes_of(&batches), "seed {seed} life {life}");
            let middle = usize::try_from(end.0 / 2).unwrap();
            let tail = rig.read(&log, end.0 / 2);
            assert!(tail == bytes_of(&batches[middle..]), "seed {seed} life {life}");
            for _ in 0..roll(400) {
                let batch = batch(log.end_offset().0, 1, 700, 1_000);
                if log.needs_roll(&batch) {
                    log.roll(format!("producers at {}", log.end_offset()).into_bytes());
                }
                if log.append(batch.clone()).is_ok() {
                    batches.push(batch);
                }
                rig.world.run_for(Duration::from_micros(roll(2_000)));
                match roll(60) {
                    0 => snapshot(&mut rig, &log),
                    1 => checkpoint(&mut rig),
                    _ => {}
                }
            }
            let reported = rig.reported_end(0);
            drop(log);
            rig.crash(how);
            let (log, _) = rig.open(0, small.clone());
            assert!(Some(log.end_offset()) >= reported, "seed {seed} life {life}: {reported:?}");
            drop(log);
            rig.crash(PowerLoss::KeepsNothing);
        }
    }
}
