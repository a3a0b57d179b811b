//! Crash points and the images taken there.

use core::time::Duration;
use model::Live;
use runtime::memory::{
    DiskImage, DiskOptions, MemoryMesh, MemoryRuntime, NodeOptions, PowerLoss, SectorSize, World,
};
use runtime::{Disk, Error, Open};
use std::path::{Path, PathBuf};

use super::{PAGE, Rig, SECOND, buf, open, read, write, write_durably};

const KINDS: [PowerLoss; 6] = [
    PowerLoss::KeepsNothing,
    PowerLoss::KeepsEverything,
    PowerLoss::OnlyLast,
    PowerLoss::AllButFirst,
    PowerLoss::DrawnAs(0),
    PowerLoss::DrawnAs(1),
];

/// Four unsynced sectors, written in the order 2, 0, 3, 1.
fn four_unsynced() -> Rig {
    let mut rig = Rig::new(1);
    rig.run(|rt| async move {
        let file = write_durably(&rt, "/file", &[1; 4 * PAGE]).await;
        for page in [2, 0, 3, 1] {
            rt.append(&file, page * PAGE as u64, buf(&[2; PAGE])).await.unwrap();
        }
    });
    rig
}

fn pages(image: &DiskImage) -> Vec<u8> {
    image.read_file(Path::new("/file")).unwrap().chunks(PAGE).map(|page| page[0]).collect()
}

#[test]
fn each_kind_of_image_keeps_what_it_says() {
    let rig = four_unsynced();
    let image = |how| rig.world.crash_image(rig.node, how);
    assert_eq!(pages(&image(PowerLoss::KeepsNothing)), [1, 1, 1, 1]);
    assert_eq!(pages(&image(PowerLoss::KeepsEverything)), [2, 2, 2, 2]);
    assert_eq!(pages(&image(PowerLoss::OnlyLast)), [1, 2, 1, 1]);
    assert_eq!(pages(&image(PowerLoss::AllButFirst)), [2, 2, 1, 2]);
    let drawn: Vec<_> = (0..40).map(|number| pages(&image(PowerLoss::DrawnAs(number)))).collect();
    let mut distinct = drawn.clone();
    distinct.sort();
    distinct.dedup();
    assert!(distinct.len() > 5, "{drawn:?}");
    assert_eq!(drawn[3], pages(&image(PowerLoss::DrawnAs(3))), "one number is one image");
    for how in KINDS {
        assert_eq!(image(how).unsynced_sector_count(), 4, "{how:?}");
    }
}

#[test]
fn sectors_on_their_way_count_and_may_be_in_an_image() {
    let mut rig = Rig::new(1);
    rig.run(|rt| async move {
        write_durably(&rt, "/file", b"").await;
    });
    rig.start(|rt| async move {
        let file = open(&rt, "/file").await;
        rt.append(&file, 0, buf(&[7; 2 * PAGE])).await.unwrap();
    });
    let (world, node) = (&mut rig.world, rig.node);
    let count =
        |world: &World| world.crash_image(node, PowerLoss::KeepsNothing).unsynced_sector_count();
    assert!(world.run_until(SECOND, |world| count(world) == 2));
    assert_eq!(world.read_file(node, Path::new("/file")).unwrap(), b"", "only submitted so far");
    let len = |how| world.crash_image(node, how).read_file(Path::new("/file")).unwrap().len();
    assert_eq!(len(PowerLoss::KeepsNothing), 0);
    assert_eq!(len(PowerLoss::KeepsEverything), 2 * PAGE);
    let lens: Vec<usize> = (0..60).map(|number| len(PowerLoss::DrawnAs(number))).collect();
    assert!(lens.contains(&0) && lens.contains(&(2 * PAGE)));
    assert!(lens.iter().any(|len| (1..2 * PAGE).contains(len)), "{lens:?}");
}

#[test]
fn taking_images_disturbs_nothing() {
    let run = |takes_images: bool| {
        let options = DiskOptions { sector: SectorSize::Bytes512, ..DiskOptions::default() };
        let mut rig = Rig::with(5, options);
        let done = rig.start(|rt| async move {
            for round in 0..20_u8 {
                let file = write(&rt, "/file", &[round; 3 * PAGE]).await;
                rt.sync_data(&file).await.unwrap();
                rt.rename(Path::new("/file"), Path::new("/other")).await.unwrap();
            }
        });
        let mut unsynced = 0;
        while !done.get() {
            rig.world.run_for(Duration::from_micros(50));
            for how in KINDS.into_iter().filter(|_| takes_images) {
                unsynced += rig.world.crash_image(rig.node, how).unsynced_sector_count();
            }
        }
        assert_eq!(unsynced > 0, takes_images);
        rig.lose_power(PowerLoss::Drawn);
        (rig.world.trace_hash(), rig.bytes("/other"), rig.stats())
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn an_image_boots_in_another_world_and_neither_side_sees_the_other() {
    let rig = four_unsynced();
    let image = rig.world.crash_image(rig.node, PowerLoss::OnlyLast);
    for _ in 0..2 {
        let mut world = World::new(99);
        let node = world.add_node_with(NodeOptions::default(), image.clone());
        world.boot(node, Live, |rt: MemoryRuntime, _: MemoryMesh<()>| async move {
            let file = rt.open(Path::new("/file"), Open::Write).await.unwrap();
            let found = read(&rt, &file, 0, 4 * PAGE).await.unwrap();
            assert_eq!((found[0], found[PAGE]), (1, 2));
            rt.append(&file, 0, buf(&[9; 4 * PAGE])).await.unwrap();
            rt.sync_data(&file).await.unwrap();
        });
        world.run_for(SECOND);
        assert_eq!(world.disk_stats(node).sync_count, 1, "the program went to its end");
        assert_eq!(world.read_file(node, Path::new("/file")).unwrap(), [9; 4 * PAGE]);
    }
    assert_eq!(pages(&image), [1, 2, 1, 1]);
    assert_eq!(rig.bytes("/file").unwrap(), [2; 4 * PAGE]);
}

#[test]
fn a_run_stops_at_every_operation_that_changes_the_disk() {
    let mut rig = Rig::new(1);
    let done = rig.start(|rt| async move {
        let file = open(&rt, "/file").await; // 1
        rt.append(&file, 0, buf(b"abc")).await.unwrap(); // 2
        read(&rt, &file, 0, 3).await.unwrap();
        rt.sync_data(&file).await.unwrap(); // 3
        rt.sync_dir(Path::new("/")).await.unwrap(); // 4
        rt.set_len(&file, 1).await.unwrap(); // 5
        rt.sync_data(&file).await.unwrap(); // 6
    });
    let mut durable = Vec::new();
    for count in 1..=6 {
        assert!(rig.world.run_until_disk_operation(rig.node, count, SECOND));
        assert_eq!(rig.world.disk_operation_count(rig.node), count);
        let image = rig.world.crash_image(rig.node, PowerLoss::KeepsNothing);
        durable.push(image.read_file(Path::new("/file")));
    }
    let (none, abc) = (Err(Error::NotFound), Ok(b"abc".to_vec()));
    let expected = [none.clone(), none.clone(), none, abc.clone(), abc, Ok(b"a".to_vec())];
    assert_eq!(durable, expected);
    assert!(!rig.world.run_until_disk_operation(rig.node, 7, SECOND));
    assert!(done.get());
}

#[test]
fn a_scanner_walks_what_is_durable() {
    let mut rig = Rig::new(1);
    rig.run(|rt| async move {
        rt.create_dir(Path::new("/data/orders-0")).await.unwrap();
        for directory in ["/", "/data"] {
            rt.sync_dir(Path::new(directory)).await.unwrap();
        }
        write_durably(&rt, "/data/orders-0/0.log", b"records").await;
        write_durably(&rt, "/data/meta", b"").await;
        write(&rt, "/data/unsynced", b"x").await;
    });
    let walk = |files: Vec<runtime::memory::FileEntry>| -> Vec<(PathBuf, u64)> {
        files.into_iter().map(|entry| (entry.path, entry.len)).collect()
    };
    let mut expected =
        vec![(PathBuf::from("/data/meta"), 0), (PathBuf::from("/data/orders-0/0.log"), 7)];
    let image = rig.world.crash_image(rig.node, PowerLoss::KeepsNothing);
    assert_eq!(walk(image.files()), expected);
    assert_eq!(image.list(Path::new("/data")).unwrap().len(), 2);
    expected.push((PathBuf::from("/data/unsynced"), 1));
    assert_eq!(walk(rig.world.files(rig.node)), expected);
    assert_eq!(rig.world.list(rig.node, Path::new("/data")).unwrap().len(), 3);
}

#[test]
fn a_node_gets_an_old_disk_or_an_empty_one() {
    let mut rig = four_unsynced();
    let old = rig.world.crash_image(rig.node, PowerLoss::KeepsNothing);
    rig.world.kill(rig.node);
    rig.world.replace_disk(rig.node, old);
    assert_eq!(rig.bytes("/file").unwrap(), [1; 4 * PAGE]);
    rig.world.replace_disk(rig.node, DiskImage::empty(&DiskOptions::default()));
    assert_eq!(rig.world.files(rig.node), []);
    rig.run(|rt| async move {
        write(&rt, "/file", b"new").await;
    });
    assert_eq!(rig.bytes("/file").unwrap(), b"new");
}
