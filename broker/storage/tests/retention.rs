//! What leaves the disk, what stays, and what a start refuses.

mod support;

use std::path::PathBuf;
use std::time::Duration;

use model::{Buf, Limits, Offset};
use runtime::memory::PowerLoss;
use runtime::{Clock, Disk, Open, Spawn, TaskClass};
use storage::{LogConfig, Ownership, StorageError};
use support::{DATA, Rig, Sink, batch, bytes_of, config, id};

/// Appends one-record batches, rolling as the configuration asks.
fn fill(rig: &mut Rig, log: &storage::Log<runtime::memory::MemoryRuntime>, count: i64) {
    let now_ms = rig.rt.now().wall_ms;
    for at in 0..count {
        let batch = batch(log.end_offset().0.max(at), 1, 200, now_ms);
        if log.needs_roll(&batch) {
            log.roll(Vec::new());
        }
        log.append(batch).unwrap();
        rig.world.run_for(Duration::from_millis(20));
    }
    rig.settle();
}

fn maintain(rig: &mut Rig) {
    let store = rig.store.clone();
    rig.wait(async move { store.maintain_once().await });
}

#[test]
fn retention_by_size_removes_whole_segments_and_a_replay_does_not_bring_them_back() {
    let mut rig = Rig::new(1);
    let config = LogConfig { segment_bytes: 1_000, retention_bytes: Some(2_000), ..config() };
    let (log, _) = rig.open(0, config.clone());
    fill(&mut rig, &log, 20);
    let before = log.size_bytes();
    maintain(&mut rig);
    let start = log.start_offset();
    assert!(start > Offset(0), "something went");
    assert!(log.size_bytes() < before && log.size_bytes() >= 2_000, "{}", log.size_bytes());
    let reader = log.clone();
    let below = rig.wait(async move { reader.read_batches(Offset(0), 100).await });
    assert!(matches!(below, Err(StorageError::OutOfRange { .. })), "{below:?}");
    drop(log);
    rig.crash(PowerLoss::KeepsNothing);
    let (log, _) = rig.open(0, config);
    assert_eq!((log.start_offset(), log.end_offset()), (start, Offset(20)));
}

/// A search that finds its segment deleted goes on to the next one, and that begins after the offset.
#[test]
fn a_read_that_retention_overtakes_is_out_of_range() {
    let small = LogConfig { segment_bytes: 1_000, ..config() };
    let mut overtaken = 0;
    // Each later: between the search's steps as well as before and after it.
    for delay_us in (0..2_000).step_by(20) {
        let limits = Limits { tail_positions: 1, open_segments: 1, ..Limits::tiny() };
        let mut rig = Rig::with_limits(21, limits);
        let (log, _) = rig.open(0, small.clone());
        fill(&mut rig, &log, 20);
        log.set_config(LogConfig { retention_bytes: Some(0), ..small.clone() });
        let store = rig.store.clone();
        rig.rt.spawn(
            "retention",
            TaskClass::Background,
            async move { store.maintain_once().await },
        );
        rig.world.run_for(Duration::from_micros(delay_us));
        let reader = log.clone();
        let start = log.start_offset();
        let read = rig.wait(async move { reader.read_batches(Offset(0), 100).await });
        overtaken += u32::from(start == Offset(0) && log.start_offset() > Offset(0));
        match read {
            Ok(bytes) => {
                let first = wire::batch::batches(&bytes).next().expect("a batch").unwrap();
                assert_eq!(first.header.base_offset, Offset(0), "after {delay_us} us");
            }
            Err(error) => assert!(matches!(error, StorageError::OutOfRange { .. }), "{error:?}"),
        }
    }
    assert!(overtaken > 0, "no read was under way when the start moved");
}

#[test]
fn an_expired_log_is_emptied_even_of_its_active_segment() {
    let mut rig = Rig::new(2);
    let config = LogConfig { retention_ms: Some(60_000), ..config() };
    let (log, _) = rig.open(0, config);
    fill(&mut rig, &log, 5);
    maintain(&mut rig);
    assert_eq!(log.start_offset(), Offset(0), "nothing is old yet");
    rig.world.run_for(Duration::from_secs(120));
    maintain(&mut rig);
    assert_eq!((log.start_offset(), log.end_offset()), (Offset(5), Offset(5)));
    log.append(batch(5, 1, 10, rig.rt.now().wall_ms)).unwrap();
    rig.settle();
    assert_eq!(rig.reported_end(0), Some(Offset(6)));
}

#[test]
fn a_log_that_lost_all_its_segments_still_knows_its_end_after_crashes() {
    let mut rig = Rig::new(12);
    let config = LogConfig { retention_ms: Some(60_000), ..config() };
    let (log, _) = rig.open(0, config.clone());
    fill(&mut rig, &log, 5);
    rig.world.run_for(Duration::from_secs(120));
    maintain(&mut rig);
    assert_eq!((log.start_offset(), log.end_offset()), (Offset(5), Offset(5)));
    drop(log);
    for life in 0..3 {
        rig.crash(PowerLoss::KeepsNothing);
        let (log, _) = rig.open(0, config.clone());
        assert_eq!((log.start_offset(), log.end_offset()), (Offset(5), Offset(5)), "life {life}");
        if life == 1 {
            log.append(batch(5, 2, 10, 0)).unwrap();
            rig.settle();
            let cut = log.clone();
            rig.wait(async move { cut.truncate_to(Offset(5)).await.unwrap() });
        }
    }
}

#[test]
fn the_producers_of_a_log_that_lost_all_its_segments_are_known_after_a_crash() {
    let mut rig = Rig::new(13);
    let config = LogConfig { retention_ms: Some(60_000), ..config() };
    let (log, _) = rig.open(0, config.clone());
    log.ask_for_producers(|| Some(b"producers at 5".to_vec()));
    fill(&mut rig, &log, 5);
    rig.world.run_for(Duration::from_secs(120));
    maintain(&mut rig);
    assert_eq!((log.start_offset(), log.end_offset()), (Offset(5), Offset(5)));
    drop(log);
    rig.crash(PowerLoss::KeepsNothing);
    let (_, sink) = rig.open(0, config);
    assert_eq!(sink.snapshot, Some((Offset(5), b"producers at 5".to_vec())));
}

#[test]
fn a_truncation_to_nothing_whose_frame_is_replayed_leaves_the_end_where_it_was() {
    for seed in 0..10 {
        let mut rig = Rig::new(seed);
        let (log, _) = rig.open(0, config());
        log.append(batch(7, 1, 10, 0)).unwrap();
        rig.settle();
        let cut = log.clone();
        rig.wait(async move { cut.truncate_to(Offset(7)).await.unwrap() });
        drop(log);
        rig.crash(PowerLoss::KeepsNothing);
        let (log, _) = rig.open(0, config());
        assert_eq!((log.start_offset(), log.end_offset()), (Offset(7), Offset(7)), "seed {seed}");
    }
}

#[test]
fn deleted_records_are_out_of_range_at_once_and_their_segments_go_later() {
    let mut rig = Rig::new(3);
    let config = LogConfig { segment_bytes: 1_000, ..config() };
    let (log, _) = rig.open(0, config);
    fill(&mut rig, &log, 12);
    log.delete_before(Offset(9)).unwrap();
    assert_eq!(log.start_offset(), Offset(9));
    let before = log.size_bytes();
    maintain(&mut rig);
    assert!(log.size_bytes() < before);
    assert!(log.delete_before(Offset(13)).is_err(), "past the end");
}

#[test]
fn a_deleted_log_is_gone_and_its_name_is_free() {
    let mut rig = Rig::new(4);
    let (log, _) = rig.open(0, config());
    fill(&mut rig, &log, 3);
    let store = rig.store.clone();
    rig.wait(async move { store.delete_log(&id(0)).await.unwrap() });
    assert!(log.append(batch(3, 1, 10, 0)).is_err());
    let (again, sink) = rig.open(0, config());
    assert_eq!(again.end_offset(), Offset(0));
    assert!(sink.batches.is_empty());
}

#[test]
fn damage_above_the_recovery_point_is_cut_and_damage_below_it_is_refused() {
    for below in [false, true] {
        let mut rig = Rig::new(5);
        let (log, _) = rig.open(0, config());
        let batches: Vec<_> = (0..6).map(|at| batch(at, 1, 100, 0)).collect();
        batches.iter().for_each(|batch| log.append(batch.clone()).unwrap());
        rig.settle();
        let flushed = log.clone();
        rig.wait(async move { flushed.flush().await.unwrap() });
        let (rt, store) = (rig.rt.clone(), rig.store.clone());
        let damaged_at = bytes_of(&batches[..3]).len() as u64 + 70;
        rig.wait(async move {
            if below {
                let checkpoints = store.checkpoints().remove(0);
                checkpoints.write(&rt, &PathBuf::from(DATA)).await.unwrap();
            }
            let path = PathBuf::from(DATA).join("orders-0/00000000000000000000.log");
            let file = rt.open(&path, Open::Write).await.unwrap();
            // Past the journal's reach: its frames were released by the flush and are not replayed.
            rt.append(&file, damaged_at, vec![Buf::from_static(b"rot")]).await.unwrap();
            rt.sync_data(&file).await.unwrap();
            let journal = PathBuf::from(DATA).join(".odradek-journal-00000");
            rt.remove(&journal).await.unwrap();
            rt.sync_dir(&PathBuf::from(DATA)).await.unwrap();
        });
        drop(log);
        rig.crash(PowerLoss::KeepsNothing);
        let store = rig.store.clone();
        let opened = rig.wait(async move {
            store.open_log(id(0), config(), &mut Sink::default()).await.map(|log| log.end_offset())
        });
        match opened {
            Ok(end) => {
                assert!(!below);
                assert_eq!(end, Offset(3));
                assert!(rig.store.stats().recovery_cut_bytes > 0);
            }
            Err(error) => {
                assert!(below);
                assert!(matches!(error, StorageError::Corrupt { .. }), "{error}");
            }
        }
    }
}

#[test]
fn a_directory_of_another_node_is_refused() {
    let mut rig = Rig::new(6);
    let rt = rig.rt.clone();
    let refused = rig.wait(async move {
        let owner = storage::Owner { node_id: model::NodeId(2), cluster_id: None };
        storage::prepare_directories(&rt, &[PathBuf::from(DATA)], &owner).await.map(|_| ())
    });
    assert!(
        matches!(
            refused,
            Err(StorageError::Foreign { .. }
                | StorageError::Disk { error: runtime::Error::Locked, .. })
        ),
        "{refused:?}"
    );
}

#[test]
fn a_deleted_log_that_a_crash_left_behind_is_removed_after_the_next_start() {
    let mut rig = Rig::new(31);
    let (log, _) = rig.open(0, config());
    log.append(batch(0, 1, 100, 0)).unwrap();
    rig.settle();
    drop(log);
    let store = rig.store.clone();
    rig.wait(async move { store.delete_log(&id(0)).await.unwrap() });
    let left = |rig: &mut Rig| {
        let rt = rig.rt.clone();
        let entries = rig.wait(async move { rt.list(&PathBuf::from(DATA)).await.unwrap() });
        let names = entries.into_iter().map(|entry| entry.name);
        names.filter(|name| name.starts_with("orders")).collect::<Vec<_>>()
    };
    rig.crash(PowerLoss::KeepsEverything);
    let names = left(&mut rig);
    assert!(matches!(&names[..], [name] if name.ends_with("-delete")), "{names:?}");
    let (rt, kept) = (rig.rt.clone(), PathBuf::from(DATA).join("my-delete"));
    rig.wait(async move { rt.create_dir(&kept).await.unwrap() });
    rig.crash(PowerLoss::KeepsEverything);
    let store = rig.store.clone();
    rig.wait(async move { store.maintain_once().await });
    assert_eq!(left(&mut rig), Vec::<String>::new());
    let rt = rig.rt.clone();
    let kept = rig.wait(async move { rt.list(&PathBuf::from(DATA).join("my-delete")).await });
    assert!(kept.is_ok(), "not a name that a deletion gives");
}

#[test]
fn a_log_that_nothing_owns_is_moved_aside_and_one_that_was_deleted_is_removed() {
    for (ownership, kept) in [(Ownership::Unknown, true), (Ownership::Deleted, false)] {
        let mut rig = Rig::new(33);
        let (log, _) = rig.open(0, config());
        let (other, _) = rig.open(1, config());
        fill(&mut rig, &log, 3);
        fill(&mut rig, &other, 3);
        rig.restart();
        let store = rig.store.clone();
        let unowned = id(0).at;
        let (strays, result) = rig.wait(async move {
            let whose = |at| if at == unowned { ownership } else { Ownership::Owned };
            let cleared = store.clear_unowned(whose).await;
            store.maintain_once().await;
            cleared
        });
        assert_eq!(result, Ok(()));
        let rt = rig.rt.clone();
        let names = rig.wait(async move { rt.list(&PathBuf::from(DATA)).await.unwrap() });
        let names: Vec<_> = names.iter().map(|entry| entry.name.as_str()).collect();
        let is_aside = |name: &&&str| name.ends_with("-stray") || name.ends_with("-delete");
        assert_eq!(names.iter().filter(is_aside).count(), usize::from(kept), "{names:?}");
        assert_eq!(strays.len(), usize::from(kept));
        assert!(!names.contains(&id(0).directory_name().as_str()));
        assert_eq!(rig.open(0, config()).0.end_offset(), Offset(0), "the name is free");
        assert_eq!(rig.open(1, config()).0.end_offset(), Offset(3));
    }
}
