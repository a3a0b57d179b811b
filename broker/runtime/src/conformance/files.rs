//! Bytes of files: opening, writing, reading, cutting, syncing, on any shard.

use core::time::Duration;
use model::{Buf, ShardId};
use std::path::Path;

use super::{Case, Harness, MeshOf, Scratch, alone, one, pattern, pause, together};
use crate::sync::channel;
use crate::{Advice, Disk, Error, Exit, Lane, Mesh, Open, Runtime, Spawn, TaskClass};

pub(super) fn cases<H: Harness>() -> Vec<Case<H>> {
    vec![
        Case { name: "each way to open asks for its state", run: |h| alone(h, ways_to_open) },
        Case { name: "a handle for reading does not write", run: |h| alone(h, read_handle) },
        Case { name: "pieces are written one behind the other", run: |h| alone(h, vectored) },
        Case { name: "a read is short only at the end", run: |h| alone(h, short_at_end) },
        Case { name: "a hole reads as zeros", run: |h| alone(h, hole) },
        Case { name: "a file is cut and extended", run: |h| alone(h, cut_and_extended) },
        Case { name: "reserving blocks changes no byte", run: |h| alone(h, reserve) },
        Case { name: "syncs and hints succeed", run: |h| alone(h, syncs) },
        Case { name: "appends at the same time all land", run: |h| alone(h, at_the_same_time) },
        Case { name: "one lock excludes another", run: |h| alone(h, lock) },
        Case { name: "space is told", run: |h| alone(h, space) },
        Case { name: "a handle serves on another shard", run: on_another_shard },
    ]
}

async fn content<R: Runtime>(rt: &R, path: &Path) -> Vec<u8> {
    let file = rt.open(path, Open::Read).await.unwrap();
    let len = usize::try_from(rt.len(&file).await.unwrap()).unwrap();
    let (result, bytes) = rt.read(&file, 0, Vec::with_capacity(len), len).await;
    assert_eq!(result, Ok(len));
    bytes
}

async fn ways_to_open<R: Runtime>(rt: R, scratch: Scratch) {
    let path = scratch.directory.join("file");
    assert_eq!(rt.open(&path, Open::Read).await.err(), Some(Error::NotFound));
    assert_eq!(rt.open(&path, Open::Write).await.err(), Some(Error::NotFound));
    let file = rt.open(&path, Open::CreateNew).await.unwrap();
    rt.append(&file, 0, one(b"kept".to_vec())).await.unwrap();
    assert_eq!(rt.open(&path, Open::CreateNew).await.err(), Some(Error::Exists));
    for how in [Open::Create, Open::Write, Open::Read] {
        let file = rt.open(&path, how).await.unwrap();
        assert_eq!(rt.len(&file).await, Ok(4), "{how:?}");
    }
    let nowhere = scratch.directory.join("missing").join("file");
    assert_eq!(rt.open(&nowhere, Open::Create).await.err(), Some(Error::NotFound));
}

async fn read_handle<R: Runtime>(rt: R, scratch: Scratch) {
    let path = scratch.directory.join("file");
    drop(rt.open(&path, Open::Create).await.unwrap());
    let file = rt.open(&path, Open::Read).await.unwrap();
    assert!(rt.append(&file, 0, one(b"no".to_vec())).await.is_err());
    assert_eq!(rt.len(&file).await, Ok(0));
}

async fn vectored<R: Runtime>(rt: R, scratch: Scratch) {
    let path = scratch.directory.join("file");
    let file = rt.open(&path, Open::Create).await.unwrap();
    let whole = Buf::from(pattern(0, 30_000));
    let pieces = vec![whole.slice(..0), whole.slice(..10), whole.slice(10..9_000)];
    rt.append(&file, 0, pieces).await.unwrap();
    rt.append(&file, 9_000, vec![whole.slice(9_000..)]).await.unwrap();
    rt.append(&file, 30_000, Vec::new()).await.unwrap();
    assert!(content(&rt, &path).await == whole[..]);
    // Bytes inside the file are replaced, the others stay.
    rt.append(&file, 100, one(vec![0; 50])).await.unwrap();
    let mut expected = whole.to_vec();
    expected[100..150].fill(0);
    assert!(content(&rt, &path).await == expected);
}

async fn short_at_end<R: Runtime>(rt: R, scratch: Scratch) {
    let file = rt.open(&scratch.directory.join("file"), Open::Create).await.unwrap();
    let whole = pattern(0, 10_000);
    rt.append(&file, 0, one(whole.clone())).await.unwrap();
    let mut into = Vec::with_capacity(20_000);
    into.push(7);
    let (result, into) = rt.read(&file, 9_000, into, 5_000).await;
    assert_eq!(result, Ok(1_000));
    assert!(into[0] == 7 && into[1..] == whole[9_000..], "bytes go behind what is there");
    let (result, into) = rt.read(&file, 10_000, into, 5_000).await;
    assert_eq!((result, into.len()), (Ok(0), 1_001));
    let (result, _) = rt.read(&file, 99_999, into, 5_000).await;
    assert_eq!(result, Ok(0));
}

async fn hole<R: Runtime>(rt: R, scratch: Scratch) {
    let path = scratch.directory.join("file");
    let file = rt.open(&path, Open::Create).await.unwrap();
    rt.append(&file, 20_000, one(b"end".to_vec())).await.unwrap();
    let bytes = content(&rt, &path).await;
    assert!(bytes[..20_000].iter().all(|byte| *byte == 0));
    assert_eq!(&bytes[20_000..], b"end");
}

async fn cut_and_extended<R: Runtime>(rt: R, scratch: Scratch) {
    let path = scratch.directory.join("file");
    let file = rt.open(&path, Open::Create).await.unwrap();
    rt.append(&file, 0, one(vec![1; 10_000])).await.unwrap();
    rt.set_len(&file, 5_000).await.unwrap();
    assert_eq!(rt.len(&file).await, Ok(5_000));
    rt.set_len(&file, 9_000).await.unwrap();
    let bytes = content(&rt, &path).await;
    assert!(bytes[..5_000] == [1; 5_000] && bytes[5_000..] == [0; 4_000], "no old byte returns");
    rt.set_len(&file, 0).await.unwrap();
    assert_eq!(content(&rt, &path).await, [0; 0]);
}

async fn reserve<R: Runtime>(rt: R, scratch: Scratch) {
    let path = scratch.directory.join("file");
    let file = rt.open(&path, Open::Create).await.unwrap();
    rt.append(&file, 0, one(pattern(0, 100))).await.unwrap();
    rt.allocate(&file, 0..64 * 1024).await.unwrap();
    let bytes = content(&rt, &path).await;
    assert!(bytes[..100] == pattern(0, 100));
    assert!(bytes[100..].iter().all(|byte| *byte == 0));
}

async fn syncs<R: Runtime>(rt: R, scratch: Scratch) {
    let file = rt.open(&scratch.directory.join("file"), Open::Create).await.unwrap();
    rt.sync_data(&file).await.unwrap();
    rt.append(&file, 0, one(vec![1; 10])).await.unwrap();
    rt.sync_data(&file).await.unwrap();
    rt.sync_data(&file).await.unwrap();
    rt.sync_dir(&scratch.directory).await.unwrap();
    rt.advise(&file, 0..10, Advice::WillNeed).await;
    rt.advise(&file, 0..10, Advice::DontNeed).await;
    let missing = rt.sync_dir(&scratch.directory.join("missing")).await;
    assert_eq!(missing, Err(Error::NotFound));
}

async fn at_the_same_time<R: Runtime>(rt: R, scratch: Scratch) {
    const PIECE: usize = 5_000;
    let path = scratch.directory.join("file");
    let file = rt.open(&path, Open::Create).await.unwrap();
    let (done, mut finished) = channel(16);
    for place in [7, 0, 3, 12, 15, 1, 2, 4, 5, 6, 8, 9, 10, 11, 13, 14] {
        let (disk, file, done) = (rt.clone(), file.clone(), done.clone());
        rt.spawn("append", TaskClass::Latency, async move {
            let start = place * PIECE;
            disk.append(&file, start as u64, one(pattern(start, PIECE))).await.unwrap();
            disk.sync_data(&file).await.unwrap();
            assert!(done.try_send(()).is_ok());
        });
    }
    drop((done, file));
    while finished.recv().await.is_some() {}
    assert!(content(&rt, &path).await == pattern(0, 16 * PIECE));
}

async fn lock<R: Runtime>(rt: R, scratch: Scratch) {
    let path = scratch.directory.join(".lock");
    let held = rt.lock(&path).await.unwrap();
    assert_eq!(rt.lock(&path).await.err(), Some(Error::Locked));
    let other = rt.lock(&scratch.directory.join("other")).await.unwrap();
    drop(held);
    let again = rt.lock(&path).await.unwrap();
    drop((again, other));
}

async fn space<R: Runtime>(rt: R, scratch: Scratch) {
    let space = rt.space(&scratch.directory).await.unwrap();
    assert!(space.total_bytes > 0);
    assert!(space.free_bytes <= space.total_bytes);
}

fn on_another_shard<H: Harness>(harness: &mut H) {
    together(harness, 2, share_a_handle::<H>);
}

type FileOf<H> = <<H as Harness>::Runtime as Disk>::File;

async fn share_a_handle<H: Harness>(rt: H::Runtime, mesh: MeshOf<H, FileOf<H>>, scratch: Scratch) {
    let path = scratch.directory.join("file");
    if rt.shard() == ShardId(0) {
        let file = rt.open(&path, Open::Create).await.unwrap();
        rt.append(&file, 0, one(pattern(0, 1_000))).await.unwrap();
        rt.remove(&path).await.unwrap();
        assert!(mesh.try_send(ShardId(1), Lane::Request, file).is_ok());
        return pause(&rt, Duration::from_secs(60)).await;
    }
    let (from, file) = mesh.recv().await;
    assert_eq!(from, ShardId(0));
    let (result, bytes) = rt.read(&file, 0, Vec::with_capacity(1_000), 1_000).await;
    assert_eq!(result, Ok(1_000));
    assert!(bytes == pattern(0, 1_000), "the last handle keeps the bytes");
    rt.exit(Exit::Clean);
}
