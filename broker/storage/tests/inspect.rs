//! What can be said about directories and logs from outside.

mod support;

use std::path::{Path, PathBuf};

use model::{Buf, NodeId, Offset, PartitionIndex};
use runtime::memory::{MemoryRuntime, PowerLoss};
use runtime::{Disk, Open};
use storage::{
    LogCheck, LogFacts, Owner, StorageError, check_log, format_directory, inspect_directory,
};
use support::{DATA, Rig, batch, config, id};

const SEGMENT: &str = "/data/orders-0/00000000000000000000.log";

/// A directory with one log of three batches, stopped cleanly.
fn stopped(seed: u64) -> (Rig, u64) {
    let mut rig = Rig::new(seed);
    let (log, _) = rig.open(0, config());
    for base in [0, 10, 20] {
        log.append(batch(base, 10, 100, 1_000)).unwrap();
    }
    rig.settle();
    let size_bytes = log.size_bytes();
    (rig, size_bytes)
}

fn check(rig: &mut Rig) -> LogCheck {
    let rt = rig.rt.clone();
    rig.wait(async move { check_log(&rt, Path::new("/data/orders-0")).await.unwrap() })
}

fn overwrite(rig: &mut Rig, path: &'static str, at: u64, bytes: &'static [u8]) {
    let rt = rig.rt.clone();
    rig.wait(async move {
        let file = rt.open(Path::new(path), Open::Write).await.unwrap();
        rt.append(&file, at, vec![Buf::from_static(bytes)]).await.unwrap();
    });
}

#[test]
fn a_directory_says_whose_it_is_whether_it_is_clean_and_what_it_holds() {
    let (mut rig, size_bytes) = stopped(1);
    let rt = rig.rt.clone();
    let look = move |rt: MemoryRuntime| async move {
        inspect_directory(&rt, Path::new(DATA)).await.unwrap()
    };
    let facts = rig.wait(look(rt.clone()));
    assert!(!facts.clean, "somebody runs on it");
    assert_eq!(facts.identity.unwrap().node_id, NodeId(1));
    let expected = LogFacts {
        topic: "orders".to_owned(),
        partition: PartitionIndex(0),
        topic_id: Some(id(0).at.topic),
        segment_count: 1,
        size_bytes,
    };
    assert_eq!(facts.logs, [expected]);

    let store = rig.store.clone();
    rig.wait(async move {
        store.close().await.unwrap();
        storage::mark_clean(&rt, Path::new(DATA)).await.unwrap();
    });
    let rt = rig.rt.clone();
    assert!(rig.wait(look(rt)).clean);
}

#[test]
fn a_directory_that_is_not_there_has_no_identity() {
    let mut rig = Rig::new(2);
    let rt = rig.rt.clone();
    let facts =
        rig.wait(async move { inspect_directory(&rt, Path::new("/nowhere")).await.unwrap() });
    assert_eq!((facts.identity, facts.logs.len()), (None, 0));
}

#[test]
fn formatting_again_keeps_the_identity_and_refuses_another_owner() {
    let mut rig = Rig::new(3);
    let rt = rig.rt.clone();
    rig.wait(async move {
        let path = PathBuf::from("/other");
        let owner = Owner { node_id: NodeId(1), cluster_id: None };
        let first = format_directory(&rt, &path, &owner).await.unwrap();
        assert_eq!(format_directory(&rt, &path, &owner).await.unwrap(), first);
        let owner = Owner { node_id: NodeId(2), cluster_id: None };
        let refused = format_directory(&rt, &path, &owner).await.unwrap_err();
        assert!(matches!(refused, StorageError::Foreign { field: "node.id", .. }), "{refused}");
    });
}

#[test]
fn a_whole_log_has_no_damage() {
    let (mut rig, _) = stopped(4);
    let found = check(&mut rig);
    let expected =
        LogCheck { segment_count: 1, batch_count: 3, end: Offset(30), damage: Vec::new() };
    assert_eq!(found, expected);
}

#[test]
fn a_changed_byte_is_damage_where_its_batch_begins() {
    let (mut rig, size_bytes) = stopped(5);
    let batch_bytes = size_bytes / 3;
    overwrite(&mut rig, SEGMENT, batch_bytes + 100, b"?");
    let found = check(&mut rig);
    assert_eq!((found.batch_count, found.end), (1, Offset(10)));
    let [StorageError::Corrupt { path, position, .. }] = &found.damage[..] else {
        panic!("{:?}", found.damage);
    };
    assert_eq!((path.to_str(), *position), (Some(SEGMENT), batch_bytes));
}

#[test]
fn an_offset_that_steps_back_is_damage_although_every_checksum_holds() {
    let (mut rig, size_bytes) = stopped(6);
    // The base offset lies outside the checksum.
    overwrite(&mut rig, SEGMENT, size_bytes / 3, &[0, 0, 0, 0, 0, 0, 0, 9]);
    let found = check(&mut rig);
    assert_eq!((found.end, found.damage.len()), (Offset(10), 1));
}

#[test]
fn a_length_past_the_end_of_the_file_is_damage_and_allocates_nothing() {
    let (mut rig, size_bytes) = stopped(7);
    overwrite(&mut rig, SEGMENT, size_bytes / 3 + 8, &[0x7f, 0xff, 0xff, 0x00]);
    let found = check(&mut rig);
    assert_eq!((found.end, found.damage.len()), (Offset(10), 1));
}

#[test]
fn after_a_clean_stop_the_journal_brings_nothing_back() {
    let (mut rig, size_bytes) = stopped(8);
    rig.stop();
    // Somebody else ran on the directory, cut the log and crashed: its file is newer than our journal.
    let rt = rig.rt.clone();
    rig.wait(async move {
        let file = rt.open(Path::new(SEGMENT), Open::Write).await.unwrap();
        rt.set_len(&file, size_bytes / 3).await.unwrap();
        rt.sync_data(&file).await.unwrap();
        rt.remove(Path::new("/data/.kafka_cleanshutdown")).await.unwrap();
        rt.sync_dir(Path::new(DATA)).await.unwrap();
    });
    rig.crash(PowerLoss::KeepsNothing);
    let (log, _) = rig.open(0, config());
    assert_eq!(log.end_offset(), Offset(10));
}

#[test]
fn the_text_files_are_kafkas() {
    let (mut rig, _) = stopped(9);
    let (rt, store) = (rig.rt.clone(), rig.store.clone());
    let texts = rig.wait(async move {
        let data = Path::new(DATA);
        store.close().await.unwrap();
        store.checkpoints()[0].write(&rt, data).await.unwrap();
        storage::mark_clean(&rt, data).await.unwrap();
        let mut texts = Vec::new();
        for name in [
            "meta.properties",
            "recovery-point-offset-checkpoint",
            "log-start-offset-checkpoint",
            ".kafka_cleanshutdown",
            "orders-0/partition.metadata",
            "orders-0/leader-epoch-checkpoint",
        ] {
            let file = rt.open(&data.join(name), Open::Read).await.unwrap();
            let (_, bytes) = rt.read(&file, 0, Vec::with_capacity(4096), 4096).await;
            texts.push(String::from_utf8(bytes).unwrap());
        }
        let facts = inspect_directory(&rt, data).await.unwrap();
        (texts, facts.identity.unwrap())
    });
    let (texts, identity) = texts;
    let (cluster, directory) = (identity.cluster_id, identity.directory_id);
    let expected = [
        format!("version=1\ncluster.id={cluster}\nnode.id=1\ndirectory.id={directory}\n"),
        "0\n1\norders 0 30\n".to_owned(),
        "0\n1\norders 0 0\n".to_owned(),
        "{\"version\":0,\"brokerEpoch\":-1}".to_owned(),
        format!("version: 0\ntopic_id: {}", id(0).at.topic),
        "0\n1\n1 0\n".to_owned(),
    ];
    assert_eq!(texts, expected);
}
