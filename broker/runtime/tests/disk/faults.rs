//! What goes wrong with a disk that is up, and who is told.

use core::time::Duration;
use runtime::memory::{
    DeviceChange, DiskDamage, DiskEffect, DiskFault, DiskOptions, DiskVerb, PowerLoss, Spot,
};
use runtime::{Advice, Clock, Disk, Error, Open};
use std::path::{Path, PathBuf};

use super::{EIO, PAGE, Rig, buf, open, read, write, write_durably};

fn everywhere(path: &str) -> DiskDamage {
    DiskDamage::Evict { path_part: path.to_owned() }
}

#[test]
fn a_failed_sync_is_told_once_to_every_open_handle() {
    let mut rig = Rig::new(1);
    rig.world.plant(rig.node, DiskFault::next(DiskVerb::SyncData, "file"));
    rig.run(|rt| async move {
        let one = write(&rt, "/file", b"bytes").await;
        let two = open(&rt, "/file").await;
        assert_eq!(rt.sync_data(&one).await, Err(EIO));
        let late = open(&rt, "/file").await;
        assert_eq!(rt.sync_data(&one).await, Ok(()));
        assert_eq!(rt.sync_data(&two).await, Err(EIO));
        assert_eq!(rt.sync_data(&two).await, Ok(()));
        assert_eq!(rt.sync_data(&late).await, Ok(()), "opened after somebody was told");
        assert_eq!(read(&rt, &one, 0, 5).await.unwrap(), b"bytes", "clean and readable");
    });
    assert_eq!(rig.stats().writeback_error_count, 2);
}

#[test]
fn a_restarted_process_reads_what_a_failed_sync_left_and_a_power_loss_takes_it() {
    let mut rig = Rig::new(1);
    rig.world.plant(rig.node, DiskFault::next(DiskVerb::SyncData, "file"));
    rig.run(|rt| async move {
        let file = write_durably_but_for(&rt, "/file").await;
        assert_eq!(rt.sync_data(&file).await, Err(EIO));
    });
    rig.run(|rt| async move {
        let file = open(&rt, "/file").await;
        assert_eq!(read(&rt, &file, 0, 10).await.unwrap(), b"bytes");
        assert_eq!(rt.sync_data(&file).await, Ok(()), "told already, and nothing is dirty");
    });
    rig.lose_power(PowerLoss::KeepsEverything);
    assert_eq!(rig.bytes("/file").unwrap(), [0; 5]);
}

async fn write_durably_but_for(
    rt: &runtime::memory::MemoryRuntime,
    path: &str,
) -> runtime::memory::MemoryFile {
    let file = write(rt, path, b"bytes").await;
    rt.sync_dir(Path::new("/")).await.unwrap();
    file
}

#[test]
fn a_failed_writeback_is_forgotten_with_the_file_when_nobody_has_it_open() {
    let failed = DiskDamage::Writeback { path_part: "file".to_owned(), error: EIO };
    for evicted in [false, true] {
        let mut rig = Rig::new(1);
        rig.run(|rt| async move {
            drop(write(&rt, "/file", b"bytes").await);
        });
        assert_eq!(rig.world.damage_disk(rig.node, &failed), 1);
        if evicted {
            rig.world.damage_disk(rig.node, &everywhere("file"));
        }
        rig.run(move |rt| async move {
            let file = open(&rt, "/file").await;
            let (first, found) = if evicted { (Ok(()), [0; 5]) } else { (Err(EIO), *b"bytes") };
            assert_eq!(rt.sync_data(&file).await, first);
            assert_eq!(rt.sync_data(&file).await, Ok(()));
            assert_eq!(read(&rt, &file, 0, 5).await.unwrap(), found);
        });
    }
}

#[test]
fn a_failed_append_leaves_a_prefix() {
    let mut partial = 0;
    for seed in 0..20 {
        let mut rig = Rig::new(seed);
        rig.world.plant(rig.node, DiskFault::next(DiskVerb::Append, "file"));
        rig.run(|rt| async move {
            let file = open(&rt, "/file").await;
            assert_eq!(rt.append(&file, 0, buf(&[3; 100])).await, Err(EIO));
        });
        let bytes = rig.bytes("/file").unwrap();
        assert!(bytes.iter().all(|byte| *byte == 3) && bytes.len() <= 100);
        partial += rig.stats().partial_append_count;
        assert_eq!(rig.stats().failed_count, 1);
    }
    assert!(partial > 10, "{partial}");
}

#[test]
fn rot_waits_for_a_cold_read_and_heals_when_overwritten() {
    for cold in ["eviction", "advice", "power loss"] {
        let mut rig = Rig::new(1);
        rig.run(|rt| async move {
            write_durably(&rt, "/file", &[1; 2 * PAGE]).await;
        });
        let spot = Spot { range: 0..100, ..Spot::one_in("file") };
        assert_eq!(rig.world.damage_disk(rig.node, &DiskDamage::Rot(spot)), 1);
        assert_eq!(rig.bytes("/file").unwrap(), [1; 2 * PAGE], "the cache is right");
        match cold {
            "eviction" => assert_eq!(rig.world.damage_disk(rig.node, &everywhere("")), 1),
            "power loss" => rig.lose_power(PowerLoss::KeepsEverything),
            _ => {}
        }
        assert_eq!(rig.stats().wrong_read_count, 0);
        rig.run(move |rt| async move {
            let file = open(&rt, "/file").await;
            if cold == "advice" {
                rt.advise(&file, 0..2 * PAGE as u64, Advice::DontNeed).await;
            }
            let bytes = read(&rt, &file, 0, 2 * PAGE).await.unwrap();
            assert_eq!(bytes.iter().filter(|byte| **byte != 1).count(), 1);
            read(&rt, &file, PAGE as u64, PAGE).await.unwrap();
            rt.append(&file, 0, buf(&[1; PAGE])).await.unwrap();
            rt.sync_data(&file).await.unwrap();
            rt.advise(&file, 0..2 * PAGE as u64, Advice::DontNeed).await;
            assert_eq!(read(&rt, &file, 0, 2 * PAGE).await.unwrap(), [1; 2 * PAGE]);
        });
        assert_eq!(rig.stats().wrong_read_count, 1, "{cold}: only the read that met it");
    }
}

#[test]
fn a_corrupt_read_is_wrong_once() {
    let mut rig = Rig::new(1);
    let fault =
        DiskFault { effect: DiskEffect::Corrupt, ..DiskFault::next(DiskVerb::Read, "file") };
    rig.world.plant(rig.node, fault);
    rig.run(|rt| async move {
        let file = write(&rt, "/file", &[0; 100]).await;
        let wrong = read(&rt, &file, 0, 100).await.unwrap();
        assert_eq!(wrong.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
        assert_eq!(read(&rt, &file, 0, 100).await.unwrap(), [0; 100]);
    });
    assert_eq!(rig.stats().wrong_read_count, 1);
}

#[test]
fn a_bad_sector_stays_bad_until_it_is_written_as_a_whole() {
    let mut rig = Rig::new(1);
    rig.run(|rt| async move {
        write_durably(&rt, "/file", &[1; 3 * PAGE]).await;
    });
    let spot = Spot { range: 5_000..5_001, ..Spot::one_in("file") };
    assert_eq!(rig.world.damage_disk(rig.node, &DiskDamage::Unreadable(spot)), 1);
    rig.world.damage_disk(rig.node, &everywhere("file"));
    rig.run(|rt| async move {
        let file = open(&rt, "/file").await;
        for _ in 0..2 {
            assert_eq!(read(&rt, &file, 0, 3 * PAGE).await, Err(EIO));
        }
        assert_eq!(read(&rt, &file, 0, PAGE).await.unwrap(), [1; PAGE]);
        assert_eq!(rt.append(&file, 6_000, buf(b"x")).await, Err(EIO), "it had to be read first");
        rt.append(&file, PAGE as u64, buf(&[2; PAGE])).await.unwrap();
        assert_eq!(read(&rt, &file, PAGE as u64, PAGE).await.unwrap(), [2; PAGE]);
        rt.sync_data(&file).await.unwrap();
    });
    assert_eq!(rig.stats().unreadable_count, 3);
    rig.lose_power(PowerLoss::KeepsNothing);
    rig.run(|rt| async move {
        let file = open(&rt, "/file").await;
        assert_eq!(read(&rt, &file, 0, 3 * PAGE).await.unwrap().len(), 3 * PAGE);
    });
}

#[test]
fn a_misdirected_sector_is_missing_in_one_place_and_wrong_in_another() {
    let mut rig = Rig::new(1);
    let fault =
        DiskFault { effect: DiskEffect::Misdirect, ..DiskFault::next(DiskVerb::SyncData, "/file") };
    rig.run(|rt| async move {
        write_durably(&rt, "/file", &[1; 2 * PAGE]).await;
        write_durably(&rt, "/other", &[9; PAGE]).await;
        write(&rt, "/file", &[2; PAGE]).await;
    });
    rig.world.plant(rig.node, fault);
    rig.run(|rt| async move {
        let file = open(&rt, "/file").await;
        rt.sync_data(&file).await.unwrap();
        assert_eq!(read(&rt, &file, 0, PAGE).await.unwrap(), [2; PAGE], "the cache is right");
    });
    assert_eq!(rig.stats().misdirected_sectors, 1);
    rig.lose_power(PowerLoss::KeepsEverything);
    let (file, other) = (rig.bytes("/file").unwrap(), rig.bytes("/other").unwrap());
    assert_eq!(file[..PAGE], [1; PAGE], "the new bytes never came");
    let landed = usize::from(file[PAGE..] == [2; PAGE]) + usize::from(other == [2; PAGE]);
    assert_eq!(landed, 1);
}

#[test]
fn a_lying_sync_is_found_out_by_a_power_loss_unless_an_honest_one_follows() {
    for honest_follows in [false, true] {
        let mut rig = Rig::new(1);
        let fault =
            DiskFault { effect: DiskEffect::Lie, ..DiskFault::next(DiskVerb::SyncData, "file") };
        rig.world.plant(rig.node, fault);
        rig.run(move |rt| async move {
            let file = write(&rt, "/file", &[1; PAGE]).await;
            rt.sync_dir(Path::new("/")).await.unwrap();
            rt.sync_data(&file).await.unwrap();
            if honest_follows {
                rt.sync_data(&file).await.unwrap();
            }
        });
        rig.lose_power(PowerLoss::KeepsNothing);
        let expected = if honest_follows { vec![1; PAGE] } else { Vec::new() };
        assert_eq!(rig.bytes("/file").unwrap(), expected);
        assert_eq!(rig.stats().lost_promised_sectors, u64::from(!honest_follows));
    }
}

#[test]
fn a_full_disk_fails_writes_names_and_late_allocation_and_goes_on_with_new_room() {
    for delayed_allocation in [false, true] {
        let options = DiskOptions { delayed_allocation, ..DiskOptions::default() };
        let mut rig = Rig::with(1, options);
        rig.world.set_disk_capacity(rig.node, Some(2 * PAGE as u64));
        rig.run(move |rt| async move {
            let file = open(&rt, "/file").await;
            let written = rt.append(&file, 0, buf(&[1; 3 * PAGE])).await;
            if delayed_allocation {
                assert_eq!(written, Ok(()));
                assert_eq!(rt.sync_data(&file).await, Err(Error::NoSpace));
            } else {
                assert_eq!(written, Err(Error::NoSpace));
                let refused = rt.open(Path::new("/another"), Open::Create).await.err();
                assert_eq!(refused, Some(Error::NoSpace));
                assert_eq!(rt.create_dir(Path::new("/dir")).await, Err(Error::NoSpace));
            }
        });
        assert!(rig.stats().no_space_count > 0);
        rig.world.set_disk_capacity(rig.node, Some(100 * PAGE as u64));
        rig.run(|rt| async move {
            let file = write(&rt, "/file", &[2; 3 * PAGE]).await;
            assert_eq!(rt.sync_data(&file).await, Ok(()));
            assert_eq!(rt.space(Path::new("/")).await.unwrap().free_bytes, 97 * PAGE as u64);
        });
    }
}

#[test]
fn a_silent_device_answers_nothing_and_then_everything() {
    let mut rig = Rig::new(1);
    let done = rig.start(|rt| async move {
        let began = rt.now().mono;
        write_durably(&rt, "/file", b"bytes").await;
        assert!(rt.now().mono.since(began) >= Duration::from_secs(3));
    });
    rig.world.run_for(Duration::from_micros(5));
    rig.world.change_disk(rig.node, DeviceChange::StalledFor(Duration::from_secs(3)));
    rig.world.run_for(Duration::from_secs(2));
    assert!(!done.get());
    assert!(rig.world.run_until(Duration::from_secs(2), |_| done.get()));
    assert!(rig.stats().delayed_count > 0);
}

#[test]
fn devices_of_one_node_fail_and_fill_apart_and_names_do_not_cross() {
    let mounts = vec![PathBuf::from("/a"), PathBuf::from("/b")];
    let mut rig = Rig::with(1, DiskOptions { mounts, ..DiskOptions::default() });
    rig.world.change_device(rig.node, Path::new("/a"), DeviceChange::Capacity(Some(0)));
    rig.world.change_device(rig.node, Path::new("/b"), DeviceChange::Slowness(1_000));
    rig.run(|rt| async move {
        const EXDEV: Error = Error::Failed(18);
        for (path, created) in [("/a", Err(Error::NoSpace)), ("/b", Ok(())), ("/c", Ok(()))] {
            assert_eq!(rt.create_dir(Path::new(path)).await, created);
        }
        let began = rt.now().mono;
        write(&rt, "/c/file", b"c").await;
        let quick = rt.now().mono.since(began);
        write(&rt, "/b/file", b"b").await;
        assert!(rt.now().mono.since(began) > 20 * quick);
        assert_eq!(rt.rename(Path::new("/c/file"), Path::new("/b/moved")).await, Err(EXDEV));
        assert_eq!(rt.link(Path::new("/c/file"), Path::new("/b/linked")).await, Err(EXDEV));
        rt.rename(Path::new("/c/file"), Path::new("/moved")).await.unwrap();
    });
}

#[test]
fn a_dead_device_fails_every_verb_below_its_directory_until_it_is_back() {
    let mut rig = Rig::new(1);
    let until = rig.world.now() + Duration::from_millis(500);
    let fault =
        DiskFault { fail_count: u64::MAX, until, ..DiskFault::next(DiskVerb::Any, "/dead") };
    rig.world.plant(rig.node, fault);
    rig.run(|rt| async move {
        assert_eq!(rt.create_dir(Path::new("/dead")).await, Err(EIO));
        assert_eq!(rt.open(Path::new("/dead"), Open::Create).await.err(), Some(EIO));
        write(&rt, "/alive", b"bytes").await;
        rt.sleep_until(rt.now().mono + Duration::from_millis(500)).await;
        rt.create_dir(Path::new("/dead")).await.unwrap();
    });
    assert_eq!(rig.stats().failed_count, 2);
}
