//! File ranges that go to the network without passing through the program.

use core::time::Duration;
use model::Buf;

use super::{Case, Harness, Scratch, alone, drain, one, pair, pattern, pause, take};
use crate::sync::{Reply, oneshot};
use crate::{Conn, Disk, Error, Heat, More, Open, Runtime, TaskClass};

pub(super) fn cases<H: Harness>() -> Vec<Case<H>> {
    vec![
        Case { name: "a whole file arrives", run: |h| alone(h, whole) },
        Case { name: "ranges and bytes keep their order", run: |h| alone(h, between_bytes) },
        Case { name: "a range behind the end fails", run: |h| alone(h, behind_the_end) },
        Case { name: "a file cut while it is sent hangs nobody", run: |h| alone(h, cut) },
        Case { name: "a file removed while it is sent arrives", run: |h| alone(h, removed) },
    ]
}

const SIZE: usize = 5 << 20;

/// An open file that holds the pattern.
async fn file_of<R: Runtime>(rt: &R, scratch: &Scratch, size: usize) -> FileOf<R> {
    let file = rt.open(&scratch.directory.join("file"), Open::Create).await.unwrap();
    rt.append(&file, 0, one(pattern(0, size))).await.unwrap();
    file
}

type FileOf<R> = <R as Disk>::File;

async fn whole<R: Runtime>(rt: R, scratch: Scratch) {
    let file = file_of(&rt, &scratch, SIZE).await;
    for heat in [Heat::Hot, Heat::Cold] {
        let (caller, accepted) = pair(&rt).await;
        let file = file.clone();
        rt.spawn("sender", TaskClass::Latency, async move {
            caller.send_file(&file, 0..SIZE as u64, heat, More::Done).await.unwrap();
            caller.shutdown();
        });
        assert!(drain(&accepted).await == pattern(0, SIZE), "{heat:?}");
    }
}

async fn between_bytes<R: Runtime>(rt: R, scratch: Scratch) {
    let file = file_of(&rt, &scratch, 100_000).await;
    let (caller, accepted) = pair(&rt).await;
    rt.spawn("sender", TaskClass::Latency, async move {
        for round in 0..20_u64 {
            let heat = if round % 2 == 0 { Heat::Hot } else { Heat::Cold };
            let header = vec![Buf::from_static(b"head"), Buf::from_static(b"er")];
            caller.send(header, More::Follows).await.unwrap();
            let range = round * 1_000..round * 4_000 + 1;
            caller.send_file(&file, range, heat, More::Follows).await.unwrap();
            caller.send_file(&file, 5..5, heat, More::Follows).await.unwrap();
            caller.send(vec![Buf::from_static(b"tail")], More::Done).await.unwrap();
        }
        caller.wait_closed().await;
    });
    for round in 0..20 {
        assert_eq!(take(&accepted, 6).await, b"header");
        let size = round * 3_000 + 1;
        assert!(take(&accepted, size).await == pattern(round * 1_000, size), "round {round}");
        assert_eq!(take(&accepted, 4).await, b"tail");
    }
}

async fn behind_the_end<R: Runtime>(rt: R, scratch: Scratch) {
    let file = file_of(&rt, &scratch, 1_000).await;
    for range in [0..1_001, 1_000..1_001, 5_000..6_000] {
        for heat in [Heat::Hot, Heat::Cold] {
            let (caller, accepted) = pair(&rt).await;
            let result = caller.send_file(&file, range.clone(), heat, More::Done).await;
            assert!(matches!(result, Err(Error::Failed(_))), "{range:?} {heat:?}: {result:?}");
            caller.shutdown();
            let got = drain(&accepted).await;
            assert!(got.len() <= 1_000, "{} bytes of a broken message", got.len());
        }
    }
}

/// Begins to send the whole file to somebody who does not read yet.
async fn begin_stalled<R: Runtime>(
    rt: &R,
    file: &FileOf<R>,
) -> (R::Conn, Reply<crate::Result<()>>) {
    let (caller, accepted) = pair(rt).await;
    let (done, sent) = oneshot();
    let file = file.clone();
    rt.spawn("sender", TaskClass::Latency, async move {
        let result = caller.send_file(&file, 0..SIZE as u64, Heat::Hot, More::Done).await;
        caller.shutdown();
        done.fulfil(result);
    });
    pause(rt, Duration::from_millis(5)).await;
    (accepted, sent)
}

async fn cut<R: Runtime>(rt: R, scratch: Scratch) {
    let file = file_of(&rt, &scratch, SIZE).await;
    let (accepted, sent) = begin_stalled(&rt, &file).await;
    rt.set_len(&file, 10).await.unwrap();
    let got = drain(&accepted).await;
    // Bytes that the kernel holds already may arrive, old or as zeros; no other byte may.
    assert!(got.len() <= SIZE);
    match sent.await {
        Some(Ok(())) => assert_eq!(got.len(), SIZE),
        Some(Err(Error::Failed(_))) => assert!(got.len() < SIZE),
        other => panic!("{other:?}"),
    }
    for (at, (got, sent)) in got.iter().zip(pattern(0, SIZE)).enumerate() {
        assert!(*got == sent || *got == 0, "byte {at}: {got} instead of {sent}");
    }
}

async fn removed<R: Runtime>(rt: R, scratch: Scratch) {
    let file = file_of(&rt, &scratch, SIZE).await;
    let (accepted, sent) = begin_stalled(&rt, &file).await;
    rt.remove(&scratch.directory.join("file")).await.unwrap();
    drop(file);
    assert!(drain(&accepted).await == pattern(0, SIZE));
    assert_eq!(sent.await, Some(Ok(())));
}
