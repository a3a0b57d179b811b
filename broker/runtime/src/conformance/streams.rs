//! Listeners and connections: bytes arrive whole and in order, ends are heard.

use core::time::Duration;
use model::Buf;
use std::net::SocketAddr;

use super::{
    Case, Harness, LIMIT, Scratch, alone, anywhere, drain, one, pair, pattern, pause, take,
};
use crate::sync::{First, oneshot, race};
use crate::{Conn, Error, Listener, More, Runtime, TaskClass};

const MIB: usize = 1 << 20;

pub(super) fn cases<H: Harness>() -> Vec<Case<H>> {
    vec![
        Case { name: "a listener has a port of its own", run: |h| alone(h, own_port) },
        Case { name: "a port is bound once", run: |h| alone(h, bound_once) },
        Case { name: "nobody listening means refused", run: |h| alone(h, refused) },
        Case { name: "addresses resolve to themselves", run: |h| alone(h, resolve) },
        Case { name: "every connection is accepted", run: |h| alone(h, accept_all) },
        Case { name: "small messages go back and forth", run: |h| alone(h, back_and_forth) },
        Case { name: "all pieces are sent in order", run: |h| alone(h, pieces) },
        Case {
            name: "the two ways to receive share one stream",
            run: |h| alone(h, mixed_receives),
        },
        Case { name: "an exact receive appends", run: |h| alone(h, exact_appends) },
        Case { name: "the end of a stream stays its end", run: |h| alone(h, end_stays) },
        Case { name: "an end inside an exact receive is a reset", run: |h| alone(h, end_inside) },
        Case { name: "a slow receiver holds the sender back", run: |h| alone(h, back_pressure) },
        Case { name: "both directions run at once", run: |h| alone(h, both_directions) },
        Case { name: "a shutdown ends pending operations", run: |h| alone(h, shutdown_pending) },
        Case {
            name: "what was sent before a shutdown arrives",
            run: |h| alone(h, sent_before_end),
        },
        Case { name: "a closed connection is heard at both ends", run: |h| alone(h, both_hear) },
        Case {
            name: "the peer's end is heard behind unread bytes",
            run: |h| alone(h, hear_unread),
        },
        Case { name: "sending to a gone peer fails in the end", run: |h| alone(h, gone_peer) },
        Case {
            name: "a sender that waits for room hears that its peer has closed",
            run: |h| alone(h, closed_unread),
        },
    ]
}

async fn own_port<R: Runtime>(rt: R, _: Scratch) {
    let first = rt.listen(anywhere()).await.unwrap();
    let second = rt.listen(anywhere()).await.unwrap();
    assert_ne!(first.local_addr().port(), 0);
    assert_ne!(first.local_addr(), second.local_addr());
}

async fn bound_once<R: Runtime>(rt: R, _: Scratch) {
    let listener = rt.listen(anywhere()).await.unwrap();
    let addr = listener.local_addr();
    assert_eq!(rt.listen(addr).await.err(), Some(Error::AddressInUse));
    drop(listener);
    rt.listen(addr).await.unwrap();
}

async fn refused<R: Runtime>(rt: R, _: Scratch) {
    let listener = rt.listen(anywhere()).await.unwrap();
    let addr = listener.local_addr();
    drop(listener);
    // The backend may need a moment to close the listener.
    for _ in 0..100 {
        if rt.connect(addr, LIMIT).await.err() == Some(Error::Refused) {
            return;
        }
        pause(&rt, Duration::from_millis(1)).await;
    }
    panic!("{addr} still accepts connections");
}

async fn resolve<R: Runtime>(rt: R, _: Scratch) {
    let expected = vec![SocketAddr::from(([127, 0, 0, 1], 9092))];
    assert_eq!(rt.resolve("127.0.0.1", 9092).await, Ok(expected));
}

async fn accept_all<R: Runtime>(rt: R, _: Scratch) {
    let listener = rt.listen(anywhere()).await.unwrap();
    let mut callers = Vec::new();
    for _ in 0..10 {
        callers.push(rt.connect(listener.local_addr(), LIMIT).await.unwrap());
    }
    let mut expected: Vec<SocketAddr> = callers.iter().map(Conn::local_addr).collect();
    let mut accepted = Vec::new();
    for _ in 0..10 {
        accepted.push(listener.accept().await.unwrap().peer_addr());
    }
    expected.sort_unstable();
    accepted.sort_unstable();
    assert_eq!(accepted, expected);
}

async fn back_and_forth<R: Runtime>(rt: R, _: Scratch) {
    let (caller, accepted) = pair(&rt).await;
    for round in 0..100 {
        let message = pattern(round, 20);
        caller.send(one(message.clone()), More::Done).await.unwrap();
        assert_eq!(take(&accepted, 20).await, message);
        accepted.send(one(message.clone()), More::Done).await.unwrap();
        assert_eq!(take(&caller, 20).await, message);
    }
}

async fn pieces<R: Runtime>(rt: R, _: Scratch) {
    let (caller, accepted) = pair(&rt).await;
    let whole = pattern(0, 50_000);
    let sizes = [0, 1, 3, 0, 4_096, 30_000, 15_000, 900];
    let mut rest = Buf::from(whole.clone());
    let mut pieces = Vec::new();
    for size in sizes {
        pieces.push(rest.slice(..size));
        rest = rest.slice(size..);
    }
    assert!(rest.is_empty());
    rt.spawn("sender", TaskClass::Latency, async move {
        let tail = pieces.split_off(4);
        caller.send(pieces, More::Follows).await.unwrap();
        caller.send(tail, More::Done).await.unwrap();
        caller.wait_closed().await;
    });
    assert!(take(&accepted, whole.len()).await == whole);
}

async fn mixed_receives<R: Runtime>(rt: R, _: Scratch) {
    let (caller, accepted) = pair(&rt).await;
    let whole = pattern(0, MIB);
    rt.spawn("sender", TaskClass::Latency, async move {
        let mut sent = 0;
        for step in 1.. {
            let size = (step * 977 % 70_000).min(MIB - sent);
            caller.send(one(pattern(sent, size)), More::Done).await.unwrap();
            sent += size;
            if sent == MIB {
                break;
            }
        }
        caller.shutdown();
    });
    let mut got = Vec::with_capacity(MIB);
    while got.len() < MIB {
        got.extend_from_slice(&accepted.recv_any().await.unwrap());
        let exact = (got.len() * 7 % 40_000).min(MIB - got.len());
        got.extend_from_slice(&take(&accepted, exact).await);
    }
    assert!(got == whole, "a gap or a doubled piece");
    assert_eq!(accepted.recv_any().await, Ok(Buf::EMPTY));
}

async fn exact_appends<R: Runtime>(rt: R, _: Scratch) {
    let (caller, accepted) = pair(&rt).await;
    caller.send(one(b"tail".to_vec()), More::Done).await.unwrap();
    let mut into = Vec::with_capacity(16);
    into.extend_from_slice(b"head ");
    let (result, into) = accepted.recv_exact(into, 4).await;
    assert_eq!((result, &into[..]), (Ok(()), &b"head tail"[..]));
    let (result, into) = accepted.recv_exact(into, 0).await;
    assert_eq!((result, &into[..]), (Ok(()), &b"head tail"[..]));
}

async fn end_stays<R: Runtime>(rt: R, _: Scratch) {
    let (caller, accepted) = pair(&rt).await;
    caller.shutdown();
    caller.shutdown();
    for _ in 0..3 {
        assert_eq!(accepted.recv_any().await, Ok(Buf::EMPTY));
    }
}

async fn end_inside<R: Runtime>(rt: R, _: Scratch) {
    let (caller, accepted) = pair(&rt).await;
    caller.send(one(vec![1; 10]), More::Done).await.unwrap();
    caller.shutdown();
    let (result, _) = accepted.recv_exact(Vec::with_capacity(11), 11).await;
    assert_eq!(result, Err(Error::Reset));
}

async fn back_pressure<R: Runtime>(rt: R, _: Scratch) {
    const SIZE: usize = 16 * MIB;
    let (caller, accepted) = pair(&rt).await;
    let (done, finished) = oneshot();
    let whole = Buf::from(pattern(0, SIZE));
    let bytes = whole.clone();
    rt.spawn("sender", TaskClass::Latency, async move {
        done.fulfil(caller.send(vec![bytes], More::Done).await);
        caller.wait_closed().await;
    });
    let early = race(finished, pause(&rt, Duration::from_millis(20))).await;
    assert_eq!(early, First::Right(()), "{SIZE} bytes were accepted and nobody read");
    assert!(take(&accepted, SIZE).await == whole[..]);
}

async fn both_directions<R: Runtime>(rt: R, _: Scratch) {
    let (caller, accepted) = pair(&rt).await;
    let (done, finished) = oneshot();
    for conn in [caller.clone(), accepted.clone()] {
        rt.spawn("sender", TaskClass::Latency, async move {
            conn.send(one(pattern(0, MIB)), More::Done).await.unwrap();
        });
    }
    let far = accepted.clone();
    rt.spawn("receiver", TaskClass::Latency, async move { done.fulfil(take(&far, MIB).await) });
    assert!(take(&caller, MIB).await == pattern(0, MIB));
    assert!(finished.await.unwrap() == pattern(0, MIB));
}

async fn shutdown_pending<R: Runtime>(rt: R, _: Scratch) {
    let (caller, _accepted) = pair(&rt).await;
    let (received, receiving) = oneshot();
    let (sent, sending) = oneshot();
    let conn = caller.clone();
    rt.spawn("receiver", TaskClass::Latency, async move {
        received.fulfil(conn.recv_any().await.map(|bytes| bytes.len()));
    });
    let conn = caller.clone();
    rt.spawn("sender", TaskClass::Latency, async move {
        sent.fulfil(conn.send(one(vec![0; 16 * MIB]), More::Done).await);
    });
    pause(&rt, Duration::from_millis(5)).await;
    caller.shutdown();
    assert!(receiving.await.unwrap().is_err(), "a receive on an ended connection");
    assert!(sending.await.unwrap().is_err(), "a send on an ended connection");
    caller.wait_closed().await;
}

async fn sent_before_end<R: Runtime>(rt: R, _: Scratch) {
    let (caller, accepted) = pair(&rt).await;
    caller.send(one(pattern(0, 3_000)), More::Done).await.unwrap();
    caller.shutdown();
    drop(caller);
    assert!(drain(&accepted).await == pattern(0, 3_000));
}

async fn both_hear<R: Runtime>(rt: R, _: Scratch) {
    let (caller, accepted) = pair(&rt).await;
    caller.shutdown();
    caller.wait_closed().await;
    accepted.wait_closed().await;
    let (caller, accepted) = pair(&rt).await;
    drop(caller);
    accepted.wait_closed().await;
    assert_eq!(drain(&accepted).await, [0; 0]);
}

async fn hear_unread<R: Runtime>(rt: R, _: Scratch) {
    let (caller, accepted) = pair(&rt).await;
    caller.send(one(vec![5; 100]), More::Done).await.unwrap();
    caller.shutdown();
    accepted.wait_closed().await;
    assert_eq!(drain(&accepted).await, [5; 100], "unread bytes stay readable");
}

async fn closed_unread<R: Runtime>(rt: R, _: Scratch) {
    let (caller, accepted) = pair(&rt).await;
    let (sent, sending) = oneshot();
    rt.spawn("sender", TaskClass::Latency, async move {
        sent.fulfil(caller.send(one(vec![0; 16 * MIB]), More::Done).await);
    });
    pause(&rt, Duration::from_millis(50)).await;
    accepted.shutdown();
    drop(accepted);
    assert!(sending.await.unwrap().is_err(), "nobody will ever make room");
}

async fn gone_peer<R: Runtime>(rt: R, _: Scratch) {
    let (caller, accepted) = pair(&rt).await;
    drop(accepted);
    for _ in 0..10_000 {
        match caller.send(one(vec![0; 1_000]), More::Done).await {
            Ok(()) => rt.yield_now().await,
            Err(error) => {
                assert!(matches!(error, Error::Reset | Error::Closed), "{error:?}");
                return;
            }
        }
    }
    panic!("ten million bytes were accepted for a peer that is gone");
}
