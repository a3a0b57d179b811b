//! Files and memory of sealed segments: how many stay open, and which files go with a segment.

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use model::{Buf, Limits, Offset};
use runtime::memory::{MemoryRuntime, PowerLoss};
use runtime::{Clock, Disk, Open};
use storage::{Log, LogConfig};
use support::{DATA, Rig, batch, bytes_of, config};

/// Appends `count` one-record batches of about 270 bytes, rolling as the configuration asks.
fn fill(rig: &mut Rig, log: &Log<MemoryRuntime>, count: usize) {
    for _ in 0..count {
        let batch = batch(log.end_offset().0, 1, 200, rig.rt.now().wall_ms);
        if log.needs_roll(&batch) {
            log.roll(Vec::new());
        }
        log.append(batch).unwrap();
        rig.world.run_for(Duration::from_millis(5));
    }
    rig.settle();
}

fn in_log(name: &str) -> PathBuf {
    Path::new(DATA).join("orders-0").join(name)
}

/// An entry of Kafka's aborted transaction index whose marker lies at `last_offset`.
fn aborted(last_offset: i64) -> Vec<u8> {
    let offsets = [7, last_offset - 1, last_offset, last_offset - 1].map(i64::to_be_bytes);
    [&[0, 0][..], offsets.as_flattened()].concat()
}

fn write(rig: &mut Rig, name: &str, content: Vec<u8>) {
    let (rt, path) = (rig.rt.clone(), in_log(name));
    rig.wait(async move {
        let file = rt.open(&path, Open::Create).await.unwrap();
        rt.append(&file, 0, vec![Buf::from(content)]).await.unwrap();
        rt.sync_data(&file).await.unwrap();
        rt.sync_dir(path.parent().unwrap()).await.unwrap();
    });
}

fn names(rig: &mut Rig, ending: &'static str) -> Vec<String> {
    let rt = rig.rt.clone();
    rig.wait(async move {
        let entries = rt.list(&Path::new(DATA).join("orders-0")).await.unwrap();
        entries.into_iter().map(|entry| entry.name).filter(|name| name.ends_with(ending)).collect()
    })
}

#[test]
fn segments_that_were_rolled_are_closed_again_and_read_back_the_same() {
    let limits = Limits { open_segments: 3, ..Limits::tiny() };
    let mut rig = Rig::with_limits(1, limits);
    let (log, _) = rig.open(0, LogConfig { segment_bytes: 1_000, ..config() });
    fill(&mut rig, &log, 60);
    assert!(rig.store.stats().open_segment_count <= 3, "{:?}", rig.store.stats());
    let written: Vec<_> = (0..60).map(|at| batch(at, 1, 200, 0)).collect();
    assert_eq!(rig.read(&log, 0).len(), bytes_of(&written).len());
    assert!(rig.store.stats().open_segment_count <= 3, "{:?}", rig.store.stats());
    drop(log);
    rig.crash(PowerLoss::KeepsNothing);
    let (log, _) = rig.open(0, LogConfig { segment_bytes: 1_000, ..config() });
    assert!(rig.store.stats().open_segment_count <= 3, "recovery reads all of them");
    assert_eq!(rig.read(&log, 0).len(), bytes_of(&written).len());
}

#[test]
fn the_indexes_of_sealed_segments_have_a_bound_in_bytes() {
    let limits = Limits { open_segments: 1_000, index_bytes: 1_000, ..Limits::tiny() };
    let mut rig = Rig::with_limits(2, limits);
    let (log, _) = rig.open(0, LogConfig { segment_bytes: 4_000, ..config() });
    fill(&mut rig, &log, 150);
    let stats = rig.store.stats();
    assert!(stats.open_index_bytes <= 1_000 && stats.open_segment_count > 1, "{stats:?}");
    rig.read(&log, 0);
    assert!(rig.store.stats().open_index_bytes <= 1_000, "{:?}", rig.store.stats());
    let (found, log) = (log.clone(), log);
    let found = rig.wait(async move { found.offset_for_time(0).await.unwrap() });
    assert_eq!(found.map(|found| found.offset), Some(log.start_offset()));
}

#[test]
fn an_index_that_is_full_takes_no_more_entries_even_if_nobody_rolls() {
    let mut rig = Rig::new(3);
    let config = LogConfig { segment_index_bytes: 120, ..config() };
    let (log, _) = rig.open(0, config);
    for at in 0..60 {
        log.append(batch(at, 1, 300, 0)).unwrap();
        rig.world.run_for(Duration::from_millis(5));
    }
    assert!(log.needs_roll(&batch(60, 1, 300, 0)), "the index is full");
    rig.settle();
    log.roll(Vec::new());
    rig.settle();
    let rt = rig.rt.clone();
    let size_bytes = rig.wait(async move {
        let file = rt.open(&in_log("00000000000000000000.index"), Open::Read).await.unwrap();
        rt.len(&file).await.unwrap()
    });
    assert!((80..=120).contains(&size_bytes), "{size_bytes}");
    assert_eq!(rig.read(&log, 0).len(), bytes_of(&[batch(0, 1, 300, 0)]).len() * 60);
}

#[test]
fn a_transaction_index_is_kept_by_a_start_and_goes_with_its_segment() {
    let mut rig = Rig::new(4);
    let config = LogConfig { segment_bytes: 1_000, retention_bytes: Some(2_000), ..config() };
    let (log, _) = rig.open(0, config.clone());
    fill(&mut rig, &log, 12);
    let bases: Vec<String> =
        names(&mut rig, ".log").iter().map(|name| name.replace(".log", ".txnindex")).collect();
    for name in &bases {
        write(&mut rig, name, aborted(1));
    }
    drop(log);
    rig.crash(PowerLoss::KeepsNothing);
    let (log, _) = rig.open(0, config);
    assert_eq!(names(&mut rig, ".txnindex"), bases, "recovery keeps them");
    let (rt, store) = (rig.rt.clone(), rig.store.clone());
    let facts = rig.wait(async move {
        store.maintain_once().await;
        storage::inspect_directory(&rt, Path::new(DATA)).await.unwrap()
    });
    assert!(log.start_offset() > Offset(0));
    assert_eq!(facts.logs[0].segment_count, names(&mut rig, ".txnindex").len());
    assert!(!names(&mut rig, ".txnindex.deleted").is_empty(), "they wait for their removal");
    rig.world.run_for(Duration::from_secs(120));
    let store = rig.store.clone();
    rig.wait(async move { store.maintain_once().await });
    assert_eq!(names(&mut rig, ".deleted"), Vec::<String>::new());
}

#[test]
fn a_truncation_cuts_the_transaction_index_and_removes_those_of_later_segments() {
    let mut rig = Rig::new(5);
    let (log, _) = rig.open(0, LogConfig { segment_bytes: 3_000, ..config() });
    fill(&mut rig, &log, 30);
    let first = "00000000000000000000.txnindex";
    write(&mut rig, first, [aborted(2), aborted(5)].concat());
    let later = names(&mut rig, ".log")[1].replace(".log", ".txnindex");
    write(&mut rig, &later, aborted(15));
    let cut = log.clone();
    rig.wait(async move { cut.truncate_to(Offset(4)).await.unwrap() });
    assert_eq!(names(&mut rig, ".txnindex"), [first]);
    let rt = rig.rt.clone();
    let left = rig.wait(async move {
        let file = rt.open(&in_log(first), Open::Read).await.unwrap();
        rt.read(&file, 0, Vec::with_capacity(100), 100).await.1
    });
    assert_eq!(left, aborted(2));
}
