//! What a dead process leaves under way.

use core::time::Duration;
use runtime::memory::{DiskOptions, PowerLoss, World};
use runtime::{Clock, Disk};
use std::path::Path;

use super::{PAGE, Rig, SECOND, buf, open, write_durably};

/// Kills the node while an append of four pages is under way; the file's length then, and after a
/// second.
fn kill_during_append(seed: u64, options: DiskOptions) -> (Rig, usize, usize) {
    let mut rig = Rig::with(seed, options);
    rig.start(|rt| async move {
        let file = open(&rt, "/file").await;
        rt.append(&file, 0, buf(&[7; 4 * PAGE])).await.unwrap();
    });
    let begun = rig.world.run_until(SECOND, |world| world.disk_operation_count(rig.node) == 1);
    assert!(begun, "the file was never created");
    rig.world.run_for(Duration::from_micros(3));
    rig.world.kill(rig.node);
    let at_once = rig.bytes("/file").unwrap().len();
    rig.world.run_for(SECOND);
    let later = rig.bytes("/file").unwrap().len();
    (rig, at_once, later)
}

#[test]
fn an_append_of_a_killed_process_happens_or_in_part_or_not_and_sometimes_late() {
    let (mut nothing, mut part, mut whole, mut late) = (0, 0, 0, 0);
    for seed in 0..300 {
        let (rig, at_once, later) = kill_during_append(seed, DiskOptions::default());
        match later {
            0 => nothing += 1,
            len if len == 4 * PAGE => whole += 1,
            _ => part += 1,
        }
        late += u64::from(later > at_once);
        assert_eq!(rig.stats().late_count, u64::from(later > at_once), "seed {seed}");
    }
    assert!(nothing > 40 && part > 40 && whole > 40, "{nothing} {part} {whole}");
    assert!(late > 10, "{late}");
}

/// Buffered writes belong to threads of the process, which end before its locks are released.
#[test]
fn a_late_write_comes_before_the_lock_is_free_but_for_direct_io() {
    for direct_io in [false, true] {
        let mut after_lock = 0;
        for seed in 0..300 {
            let options = DiskOptions { direct_io, ..DiskOptions::default() };
            let mut rig = Rig::with(seed, options);
            rig.start(|rt| async move {
                let lock = rt.lock(Path::new("/lock")).await.unwrap();
                let file = open(&rt, "/file").await;
                rt.append(&file, 0, buf(&[7; 4 * PAGE])).await.unwrap();
                drop(lock);
            });
            let node = rig.node;
            rig.world.run_until(SECOND, |world| world.disk_operation_count(node) == 2);
            rig.world.run_for(Duration::from_micros(3));
            let held = rig.start(|rt| async move {
                let lock = rt.lock(Path::new("/lock")).await.unwrap();
                rt.sleep_until(rt.now().mono + SECOND).await;
                drop(lock);
            });
            // The new process asks for the lock at once and then each 50 ms.
            let mut lens = Vec::new();
            for _ in 0..200 {
                rig.world.run_for(Duration::from_millis(1));
                lens.push((rig.stats().stale_lock_count, rig.bytes("/file").unwrap().len()));
            }
            assert!(!held.get());
            let settled = lens.last().unwrap().1;
            let refused = lens.last().unwrap().0;
            // Refused once: it had the lock 50 ms after its first try, and so on.
            let had_lock_ms = usize::try_from(refused * 50).unwrap();
            after_lock += u64::from(lens[had_lock_ms..].iter().any(|(_, len)| *len != settled));
        }
        assert_eq!(after_lock > 10, direct_io, "{after_lock} with direct I/O: {direct_io}");
    }
}

#[test]
fn a_lock_may_outlive_its_process_for_a_moment_but_not_the_power() {
    let (mut waited, mut free) = (0, 0);
    for seed in 0..60 {
        let mut rig = Rig::new(seed);
        rig.run(|rt| async move {
            let _lock = rt.lock(Path::new("/lock")).await.unwrap();
            rt.sync_dir(Path::new("/")).await.unwrap();
            core::mem::forget(_lock);
        });
        if seed % 2 == 0 {
            rig.lose_power(PowerLoss::KeepsNothing);
        }
        rig.run(|rt| async move {
            let began = rt.now().mono;
            drop(rt.lock(Path::new("/lock")).await.unwrap());
            let took = rt.now().mono.since(began);
            assert!(took < Duration::from_millis(160), "{took:?}");
        });
        let refused = rig.stats().stale_lock_count;
        assert!(seed % 2 == 1 || refused == 0, "the power went, and the lock with it");
        if refused == 0 { free += 1 } else { waited += 1 }
    }
    assert!(waited > 5 && free > 35, "{waited} {free}");
}

#[test]
fn a_power_loss_takes_the_late_writes_of_a_dead_process_along() {
    let mut late = 0;
    for seed in 0..100 {
        let mut rig = Rig::with(seed, DiskOptions { direct_io: true, ..DiskOptions::default() });
        rig.run(|rt| async move {
            write_durably(&rt, "/file", b"").await;
        });
        rig.start(|rt| async move {
            let file = open(&rt, "/file").await;
            rt.append(&file, 0, buf(&[7; 4 * PAGE])).await.unwrap();
        });
        let (world, node) = (&mut rig.world, rig.node);
        let on_its_way = |world: &World| {
            let image = world.crash_image(node, PowerLoss::KeepsNothing);
            let visible = world.read_file(node, Path::new("/file")).unwrap();
            image.unsynced_sector_count() == 4 && visible.is_empty()
        };
        assert!(world.run_until(SECOND, on_its_way));
        world.kill(node);
        late += u64::from(on_its_way(world));
        rig.lose_power(PowerLoss::KeepsNothing);
        rig.world.run_for(SECOND);
        assert_eq!(rig.bytes("/file").unwrap(), b"", "seed {seed}");
    }
    assert!(late > 20, "{late} of 100 were late");
}
