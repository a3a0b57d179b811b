//! What is durable when, and in which units the rest gets lost.

use runtime::memory::{DiskOptions, PowerLoss, SectorSize};
use runtime::{Disk, Error};
use std::path::Path;

use super::{PAGE, Rig, buf, open, write, write_durably};

/// Runs of equal bytes: `(value, first, end)`.
fn runs(bytes: &[u8]) -> Vec<(u8, usize, usize)> {
    let mut runs: Vec<(u8, usize, usize)> = Vec::new();
    for (at, byte) in bytes.iter().enumerate() {
        match runs.last_mut() {
            Some((value, _, end)) if value == byte => *end = at + 1,
            _ => runs.push((*byte, at, at + 1)),
        }
    }
    runs
}

#[test]
fn small_sectors_tear_inside_a_page_and_large_ones_do_not() {
    for (sector, size) in [(SectorSize::Bytes512, 512), (SectorSize::Bytes4096, 4096)] {
        let mut torn_pages = 0;
        for seed in 0..100 {
            let mut rig = Rig::with(seed, DiskOptions { sector, ..DiskOptions::default() });
            rig.run(|rt| async move {
                let file = write_durably(&rt, "/file", &[1; 4 * PAGE]).await;
                rt.append(&file, 0, buf(&[2; 4 * PAGE])).await.unwrap();
            });
            rig.lose_power(PowerLoss::Drawn);
            let bytes = rig.bytes("/file").unwrap();
            assert_eq!(bytes.len(), 4 * PAGE);
            for (value, first, end) in runs(&bytes) {
                assert!(matches!(value, 1 | 2));
                assert!(first % size == 0 && end % size == 0, "seed {seed}: {first}..{end}");
            }
            torn_pages += bytes.chunks(PAGE).filter(|page| runs(page).len() > 1).count();
        }
        assert_eq!(torn_pages > 20, size == 512, "{torn_pages} torn pages");
    }
}

/// A torn write never damages what other bytes its sector held: broker appends rewrite sectors that
/// hold acknowledged records.
#[test]
fn an_append_into_a_durable_sector_keeps_what_was_there() {
    for seed in 0..100 {
        let mut rig = Rig::new(seed);
        rig.run(|rt| async move {
            let file = write_durably(&rt, "/file", &[1; 1_000]).await;
            rt.append(&file, 1_000, buf(&[2; 3_000])).await.unwrap();
        });
        rig.lose_power(PowerLoss::Drawn);
        let bytes = rig.bytes("/file").unwrap();
        assert!(bytes[..1_000] == [1; 1_000], "seed {seed}");
        assert!(bytes[1_000..].iter().all(|byte| matches!(byte, 0 | 2)), "seed {seed}");
    }
}

#[test]
fn noise_comes_only_where_it_was_asked_for_and_only_into_unsynced_sectors() {
    let mut noisy = 0;
    for seed in 0..50 {
        let options = DiskOptions { garbage_sectors: true, ..DiskOptions::default() };
        let mut rig = Rig::with(seed, options);
        rig.run(|rt| async move {
            let file = write_durably(&rt, "/file", &[1; 2 * PAGE]).await;
            rt.append(&file, PAGE as u64, buf(&[2; PAGE])).await.unwrap();
        });
        rig.lose_power(PowerLoss::KeepsNothing);
        let bytes = rig.bytes("/file").unwrap();
        assert!(bytes[..PAGE] == [1; PAGE], "seed {seed}: a synced sector");
        noisy += u64::from(runs(&bytes[PAGE..]).len() > 1);
        assert_eq!(rig.stats().noisy_sectors, u64::from(runs(&bytes[PAGE..]).len() > 1));
    }
    assert!((10..40).contains(&noisy), "{noisy} of 50");
}

#[test]
fn the_length_is_lost_apart_from_the_bytes() {
    let (mut zeros_inside, mut old_length) = (0, 0);
    for seed in 0..200 {
        let mut rig = Rig::new(seed);
        rig.run(|rt| async move {
            let file = write_durably(&rt, "/file", &[1; 100]).await;
            rt.append(&file, 100, buf(&[2; 3 * PAGE])).await.unwrap();
        });
        rig.lose_power(PowerLoss::Drawn);
        let bytes = rig.bytes("/file").unwrap();
        assert!(bytes.len() >= 100, "seed {seed}: a synced length");
        old_length += u64::from(bytes.len() == 100);
        zeros_inside += u64::from(bytes[100..].contains(&0));
    }
    assert!(zeros_inside > 20 && old_length > 20, "{zeros_inside} {old_length}");
}

#[test]
fn a_reused_file_shows_its_earlier_life_until_it_is_overwritten() {
    let mut rig = Rig::new(1);
    rig.run(|rt| async move {
        let file = open(&rt, "/journal").await;
        rt.allocate(&file, 0..4 * PAGE as u64).await.unwrap();
        rt.append(&file, 0, buf(&[1; 3 * PAGE])).await.unwrap();
        rt.sync_data(&file).await.unwrap();
        rt.sync_dir(Path::new("/")).await.unwrap();
        // The next lap.
        rt.append(&file, 0, buf(&[2; PAGE])).await.unwrap();
        rt.sync_data(&file).await.unwrap();
        rt.allocate(&file, 0..4 * PAGE as u64).await.unwrap();
    });
    rig.lose_power(PowerLoss::KeepsNothing);
    let expected = [(2, 0, PAGE), (1, PAGE, 3 * PAGE), (0, 3 * PAGE, 4 * PAGE)];
    assert_eq!(runs(&rig.bytes("/journal").unwrap()), expected);
}

#[test]
fn a_cut_is_durable_after_a_sync_of_its_file() {
    let mut rig = Rig::new(1);
    rig.run(|rt| async move {
        let file = write_durably(&rt, "/synced", &[1; 100]).await;
        rt.set_len(&file, 10).await.unwrap();
        rt.sync_data(&file).await.unwrap();
        let file = write_durably(&rt, "/not", &[1; 100]).await;
        rt.set_len(&file, 10).await.unwrap();
    });
    rig.lose_power(PowerLoss::KeepsNothing);
    assert_eq!(rig.bytes("/synced").unwrap(), [1; 10]);
    assert_eq!(rig.bytes("/not").unwrap(), [1; 100]);
}

#[test]
fn links_and_renames_need_a_sync_of_the_directory() {
    for synced in [false, true] {
        let mut rig = Rig::new(1);
        rig.run(move |rt| async move {
            write_durably(&rt, "/one", b"one").await;
            write_durably(&rt, "/old", b"old").await;
            rt.link(Path::new("/one"), Path::new("/two")).await.unwrap();
            rt.rename(Path::new("/old"), Path::new("/new")).await.unwrap();
            if synced {
                rt.sync_dir(Path::new("/")).await.unwrap();
            }
        });
        rig.lose_power(PowerLoss::KeepsNothing);
        let (gone, kept) = if synced { ("/old", "/new") } else { ("/new", "/old") };
        assert_eq!(rig.bytes(gone), Err(Error::NotFound));
        assert_eq!(rig.bytes(kept).unwrap(), b"old");
        assert_eq!(rig.bytes("/two").is_ok(), synced);
    }
}

#[test]
fn a_sync_covers_nothing_that_was_still_on_its_way_when_it_began() {
    let mut rig = Rig::new(1);
    rig.run(|rt| async move {
        let file = write_durably(&rt, "/file", &[1; PAGE]).await;
        let (other, same) = (rt.clone(), file.clone());
        let late = async move { other.append(&same, 0, buf(&[2; PAGE])).await.unwrap() };
        let sync = rt.sync_data(&file);
        runtime::Spawn::spawn(&rt, "late", runtime::TaskClass::Latency, late);
        sync.await.unwrap();
    });
    assert_eq!(rig.bytes("/file").unwrap(), [2; PAGE]);
    rig.lose_power(PowerLoss::KeepsNothing);
    assert_eq!(rig.bytes("/file").unwrap(), [1; PAGE]);
}

#[test]
fn an_append_may_be_seen_in_part_before_it_ends() {
    let mut seen_in_part = 0;
    for seed in 0..200 {
        let mut rig = Rig::new(seed);
        let done = rig.start(|rt| async move {
            write(&rt, "/file", &[7; 16 * PAGE]).await;
        });
        let mut lens = Vec::new();
        while !done.get() && rig.world.run_until(super::SECOND, |_| true) {
            lens.push(rig.bytes("/file").map_or(0, |bytes| bytes.len()));
            rig.world.run_for(core::time::Duration::from_micros(1));
        }
        assert!(lens.is_sorted());
        seen_in_part += u64::from(lens.iter().any(|len| (1..16 * PAGE).contains(len)));
    }
    assert!((5..60).contains(&seen_in_part), "{seen_in_part} of 200");
}
