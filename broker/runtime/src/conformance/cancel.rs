//! Dropped futures: the operation goes on, and no byte is lost or doubled.

use core::time::Duration;
use model::Buf;

use super::{
    Case, Harness, LIMIT, Scratch, alone, anywhere, one, pair, pattern, pause, take, yield_times,
};
use crate::sync::{First, race};
use crate::{Conn, Listener, More, Open, Runtime, TaskClass};

pub(super) fn cases<H: Harness>() -> Vec<Case<H>> {
    vec![
        Case { name: "a dropped receive leaves no gap", run: |h| alone(h, receive) },
        Case { name: "a dropped exact receive leaves no gap", run: |h| alone(h, receive_exact) },
        Case { name: "a dropped send is sent to its end", run: |h| alone(h, send) },
        Case { name: "a dropped accept loses no connection", run: |h| alone(h, accept) },
        Case { name: "a dropped connect is harmless", run: |h| alone(h, connect) },
        Case { name: "a dropped append still happens", run: |h| alone(h, append) },
    ]
}

/// The stream that the receiving cases expect.
const SIZE: usize = 400_000;

/// Sends the pattern in pieces of all sizes, with pauses.
fn spawn_sender<R: Runtime>(rt: &R, conn: R::Conn) {
    let sender = rt.clone();
    rt.spawn("sender", TaskClass::Latency, async move {
        let mut sent = 0;
        let mut step = 1;
        while sent < SIZE {
            let size = (step * 613 % 9_000 + 1).min(SIZE - sent);
            conn.send(one(pattern(sent, size)), More::Done).await.unwrap();
            yield_times(&sender, step % 3).await;
            sent += size;
            step += 1;
        }
        conn.wait_closed().await;
    });
}

async fn receive<R: Runtime>(rt: R, _: Scratch) {
    let (caller, accepted) = pair(&rt).await;
    spawn_sender(&rt, caller);
    let mut got = Vec::with_capacity(SIZE);
    for round in 0.. {
        // Dropped after 0, 1, 2, … polls of other tasks, or done before that.
        match race(accepted.recv_any(), yield_times(&rt, round % 5)).await {
            First::Left(bytes) => got.extend_from_slice(&bytes.unwrap()),
            First::Right(()) => got.extend_from_slice(&accepted.recv_any().await.unwrap()),
        }
        if got.len() == SIZE {
            break;
        }
    }
    assert!(got == pattern(0, SIZE), "a gap or a doubled piece");
}

async fn receive_exact<R: Runtime>(rt: R, _: Scratch) {
    let (caller, accepted) = pair(&rt).await;
    spawn_sender(&rt, caller);
    let mut got = Vec::with_capacity(SIZE);
    let mut round = 0;
    while got.len() < SIZE {
        round += 1;
        let count = (round * 7_919 % 30_000).min(SIZE - got.len());
        let exact = accepted.recv_exact(Vec::with_capacity(count), count);
        match race(exact, yield_times(&rt, round % 5)).await {
            First::Left((result, bytes)) => {
                assert_eq!(result, Ok(()));
                got.extend_from_slice(&bytes);
            }
            // The next receive is of the other kind, or of another size.
            First::Right(()) if round % 2 == 0 => {
                got.extend_from_slice(&accepted.recv_any().await.unwrap());
            }
            First::Right(()) => got.extend_from_slice(&take(&accepted, count / 2).await),
        }
    }
    assert!(got == pattern(0, SIZE), "a gap or a doubled piece");
}

async fn send<R: Runtime>(rt: R, _: Scratch) {
    const PIECE: usize = 3_000_000;
    let (caller, accepted) = pair(&rt).await;
    let sender = rt.clone();
    rt.spawn("sender", TaskClass::Latency, async move {
        let send = caller.send(one(pattern(0, PIECE)), More::Done);
        let first = race(send, yield_times(&sender, 3)).await;
        assert!(matches!(first, First::Right(()) | First::Left(Ok(()))));
        caller.send(one(pattern(PIECE, 1_000)), More::Done).await.unwrap();
        caller.wait_closed().await;
    });
    assert!(take(&accepted, PIECE + 1_000).await == pattern(0, PIECE + 1_000));
}

async fn accept<R: Runtime>(rt: R, _: Scratch) {
    let listener = rt.listen(anywhere()).await.unwrap();
    for round in 0..10 {
        let early = race(listener.accept(), yield_times(&rt, round % 4)).await;
        assert!(matches!(early, First::Right(())), "nobody has called yet");
        let caller = rt.connect(listener.local_addr(), LIMIT).await.unwrap();
        let accepted = listener.accept().await.unwrap();
        assert_eq!(accepted.peer_addr(), caller.local_addr());
    }
}

async fn connect<R: Runtime>(rt: R, _: Scratch) {
    let listener = rt.listen(anywhere()).await.unwrap();
    for round in 0..10 {
        let _ = race(rt.connect(listener.local_addr(), LIMIT), yield_times(&rt, round % 4)).await;
    }
    let caller = rt.connect(listener.local_addr(), LIMIT).await.unwrap();
    loop {
        // Connections whose caller gave up may come first.
        let accepted = listener.accept().await.unwrap();
        if accepted.peer_addr() == caller.local_addr() {
            return;
        }
    }
}

async fn append<R: Runtime>(rt: R, scratch: Scratch) {
    let path = scratch.directory.join("file");
    let file = rt.open(&path, Open::Create).await.unwrap();
    let bytes = Buf::from(pattern(0, 100_000));
    let first = race(rt.append(&file, 0, vec![bytes.clone()]), yield_times(&rt, 1)).await;
    assert!(matches!(first, First::Right(()) | First::Left(Ok(()))));
    for _ in 0..1_000 {
        let (result, got) = rt.read(&file, 0, Vec::with_capacity(bytes.len()), bytes.len()).await;
        if result == Ok(bytes.len()) {
            assert!(got == bytes[..]);
            return;
        }
        pause(&rt, Duration::from_millis(1)).await;
    }
    panic!("the dropped append never happened");
}
