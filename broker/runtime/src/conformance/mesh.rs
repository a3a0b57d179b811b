//! Messages and connections between the shards of one node.

use core::time::Duration;
use model::ShardId;

use super::{Case, Harness, LIMIT, MeshOf, Scratch, anywhere, one, pattern, pause, take, together};
use crate::{Clock, Conn, Exit, Lane, Listener, Mesh, More, Net, Runtime, Spawn, TaskClass};

pub(super) fn cases<H: Harness>() -> Vec<Case<H>> {
    vec![
        Case {
            name: "messages of one lane keep their order",
            run: |h| together(h, 2, in_order::<H>),
        },
        Case { name: "every shard reaches every shard", run: |h| together(h, 3, all_pairs::<H>) },
        Case { name: "a full queue gives the message back", run: |h| together(h, 1, full::<H>) },
        Case {
            name: "replies have room and come first",
            run: |h| together(h, 1, replies_first::<H>),
        },
        Case { name: "a sleeping shard is woken", run: |h| together(h, 2, woken::<H>) },
        Case { name: "a connection moves with its bytes", run: |h| together(h, 2, moved::<H>) },
    ]
}

/// The others stay until the node ends.
async fn stay<R: Runtime>(rt: &R) {
    rt.sleep_until(model::Instant::FAR).await;
}

/// Sends, waiting for room as often as needed.
async fn send<M, C: Mesh<M>>(mesh: &C, to: ShardId, lane: Lane, mut message: M) {
    while let Err(back) = mesh.try_send(to, lane, message) {
        message = back;
        mesh.ready(to, lane).await;
    }
}

async fn in_order<H: Harness>(rt: H::Runtime, mesh: MeshOf<H, u32>, _: Scratch) {
    const COUNT: u32 = 5_000;
    if rt.shard() == ShardId(0) {
        for number in 0..COUNT {
            send(&mesh, ShardId(1), Lane::Request, number).await;
        }
        return stay(&rt).await;
    }
    for number in 0..COUNT {
        assert_eq!(mesh.recv().await, (ShardId(0), number));
    }
    rt.exit(Exit::Clean);
}

async fn all_pairs<H: Harness>(rt: H::Runtime, mesh: MeshOf<H, (ShardId, u32)>, _: Scratch) {
    const COUNT: u32 = 50;
    let sender = mesh.clone();
    let (own, shards) = (rt.shard(), rt.shard_count());
    rt.spawn("sender", TaskClass::Latency, async move {
        for number in 0..COUNT {
            for to in (0..shards).map(ShardId) {
                send(&sender, to, Lane::Request, (own, number)).await;
            }
        }
    });
    // Shard 0 hears one message more of each other shard: that it has received everything.
    let mut missing = u32::from(shards) * COUNT;
    if own == ShardId(0) {
        missing += u32::from(shards) - 1;
    }
    let mut next = vec![0; usize::from(shards)];
    while missing > 0 {
        let (from, (author, number)) = mesh.recv().await;
        assert_eq!(from, author);
        let expected = &mut next[usize::from(from.0)];
        assert_eq!(number, *expected, "from {from:?}");
        *expected += 1;
        missing -= 1;
    }
    if own == ShardId(0) {
        return rt.exit(Exit::Clean);
    }
    send(&mesh, ShardId(0), Lane::Request, (own, COUNT)).await;
    stay(&rt).await;
}

/// Sends numbers to the own shard until the lane is full; returns the first that was refused.
fn fill<C: Mesh<u32>>(mesh: &C, own: ShardId) -> u32 {
    for number in 0..10_000_000 {
        if let Err(refused) = mesh.try_send(own, Lane::Request, number) {
            assert_eq!(refused, number, "the same message comes back");
            return refused;
        }
    }
    panic!("the queue has no bound");
}

async fn full<H: Harness>(rt: H::Runtime, mesh: MeshOf<H, u32>, _: Scratch) {
    let own = rt.shard();
    let refused = fill(&mesh, own);
    assert!(refused > 0);
    let sender = mesh.clone();
    rt.spawn("sender", TaskClass::Latency, async move {
        send(&sender, own, Lane::Request, refused).await;
    });
    for number in 0..=refused {
        assert_eq!(mesh.recv().await, (own, number));
    }
    rt.exit(Exit::Clean);
}

async fn replies_first<H: Harness>(rt: H::Runtime, mesh: MeshOf<H, u32>, _: Scratch) {
    const REPLY: u32 = u32::MAX;
    let own = rt.shard();
    let refused = fill(&mesh, own);
    assert!(mesh.try_send(own, Lane::Reply, REPLY).is_ok(), "the lanes share no room");
    // Until all are visible.
    pause(&rt, Duration::from_millis(5)).await;
    assert_eq!(mesh.recv().await, (own, REPLY));
    for number in 0..refused {
        assert_eq!(mesh.recv().await, (own, number));
    }
    rt.exit(Exit::Clean);
}

async fn woken<H: Harness>(rt: H::Runtime, mesh: MeshOf<H, u32>, _: Scratch) {
    if rt.shard() == ShardId(1) {
        loop {
            let (from, number) = mesh.recv().await;
            send(&mesh, from, Lane::Reply, number + 1).await;
        }
    }
    for number in 0..20 {
        // Long enough for the other shard to have nothing to do.
        pause(&rt, Duration::from_micros(u64::from(number) * 100)).await;
        let asked = rt.now().mono;
        send(&mesh, ShardId(1), Lane::Request, number).await;
        assert_eq!(mesh.recv().await, (ShardId(1), number + 1));
        assert!(rt.now().mono.since(asked) < LIMIT);
    }
    rt.exit(Exit::Clean);
}

type DetachedOf<H> = <<<H as Harness>::Runtime as Net>::Conn as Conn>::Detached;

async fn moved<H: Harness>(rt: H::Runtime, mesh: MeshOf<H, DetachedOf<H>>, _: Scratch) {
    const SIZE: usize = 30_000;
    if rt.shard() == ShardId(1) {
        let (_, detached) = mesh.recv().await;
        let conn = rt.adopt(detached);
        assert!(take(&conn, SIZE - 10).await == pattern(10, SIZE - 10));
        conn.send(one(b"here".to_vec()), More::Done).await.unwrap();
        return stay(&rt).await;
    }
    let listener = rt.listen(anywhere()).await.unwrap();
    let caller = rt.connect(listener.local_addr(), LIMIT).await.unwrap();
    let sender = caller.clone();
    rt.spawn("sender", TaskClass::Latency, async move {
        sender.send(one(pattern(0, SIZE)), More::Done).await.unwrap();
    });
    let accepted = listener.accept().await.unwrap();
    let (local, peer) = (accepted.local_addr(), accepted.peer_addr());
    assert_eq!((local, peer), (listener.local_addr(), caller.local_addr()));
    assert!(take(&accepted, 10).await == pattern(0, 10));
    assert!(mesh.try_send(ShardId(1), Lane::Request, accepted.detach()).is_ok());
    assert_eq!(take(&caller, 4).await, b"here");
    rt.exit(Exit::Clean);
}
