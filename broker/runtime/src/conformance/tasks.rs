//! Tasks of one shard, the side pool, randomness.

use core::cell::Cell;
use core::time::Duration;
use model::ShardId;
use std::rc::Rc;

use super::{Case, Harness, Scratch, alone, pause};
use crate::sync::{Notify, channel, oneshot};
use crate::{Purpose, Runtime, TaskClass};

pub(super) fn cases<H: Harness>() -> Vec<Case<H>> {
    vec![
        Case { name: "a shard knows its place", run: |h| alone(h, knows_its_place) },
        Case { name: "who yields lets every other task run", run: |h| alone(h, yielding) },
        Case { name: "a task may start tasks of every class", run: |h| alone(h, of_every_class) },
        Case { name: "tasks wake each other", run: |h| alone(h, wake_each_other) },
        Case { name: "a wake-up during a poll is not lost", run: |h| alone(h, wake_during_poll) },
        Case { name: "work on the side pool comes back", run: |h| alone(h, offload) },
        Case {
            name: "dropped work on the side pool is harmless",
            run: |h| alone(h, offload_dropped),
        },
        Case { name: "random numbers differ", run: |h| alone(h, random) },
    ]
}

async fn knows_its_place<R: Runtime>(rt: R, _: Scratch) {
    assert_eq!((rt.shard(), rt.shard_count()), (ShardId(0), 1));
}

async fn yielding<R: Runtime>(rt: R, _: Scratch) {
    let ran = Rc::new(Cell::new(0));
    for _ in 0..20 {
        let ran = Rc::clone(&ran);
        rt.spawn("other", TaskClass::Latency, async move { ran.set(ran.get() + 1) });
    }
    rt.yield_now().await;
    assert_eq!(ran.get(), 20);
}

async fn of_every_class<R: Runtime>(rt: R, _: Scratch) {
    let (done, mut finished) = channel(3);
    for class in [TaskClass::Background, TaskClass::Replication, TaskClass::Latency] {
        let (done, inner) = (done.clone(), rt.clone());
        rt.spawn("outer", class, async move {
            let (answer, reply) = oneshot();
            inner.spawn("inner", class, async move { answer.fulfil(class) });
            assert_eq!(done.try_send(reply.await), Ok(()));
        });
    }
    drop(done);
    let mut classes = Vec::new();
    while let Some(class) = finished.recv().await {
        classes.push(class.unwrap());
    }
    classes.sort_unstable();
    assert_eq!(classes, [TaskClass::Latency, TaskClass::Replication, TaskClass::Background]);
}

async fn wake_each_other<R: Runtime>(rt: R, _: Scratch) {
    let (to_peer, mut at_peer) = channel::<u32>(1);
    let (to_us, mut at_us) = channel::<u32>(1);
    rt.spawn("peer", TaskClass::Latency, async move {
        while let Some(number) = at_peer.recv().await {
            to_us.send(number + 1).await.unwrap();
        }
    });
    for number in 0..500 {
        to_peer.send(number).await.unwrap();
        assert_eq!(at_us.recv().await, Some(number + 1));
    }
    drop(to_peer);
    assert_eq!(at_us.recv().await, None);
}

async fn wake_during_poll<R: Runtime>(rt: R, _: Scratch) {
    let (ask, tell) = (Notify::new(), Notify::new());
    let (asked, told) = (ask.clone(), tell.clone());
    rt.spawn("peer", TaskClass::Background, async move {
        loop {
            asked.notified().await;
            told.notify();
        }
    });
    for _ in 0..200 {
        ask.notify();
        tell.notified().await;
    }
}

async fn offload<R: Runtime>(rt: R, _: Scratch) {
    let (done, mut finished) = channel(8);
    for number in 0..8_u64 {
        let (pool, done) = (rt.clone(), done.clone());
        rt.spawn("work", TaskClass::Latency, async move {
            let sum = pool.offload(move || (0..=number).sum::<u64>()).await.unwrap();
            assert!(done.try_send(sum).is_ok());
        });
    }
    drop(done);
    let mut sums = Vec::new();
    while let Some(sum) = finished.recv().await {
        sums.push(sum);
    }
    sums.sort_unstable();
    assert_eq!(sums, [0, 1, 3, 6, 10, 15, 21, 28]);
}

async fn offload_dropped<R: Runtime>(rt: R, _: Scratch) {
    use crate::sync::{First, race};
    for _ in 0..4 {
        let left = race(rt.offload(|| vec![1_u8; 1000]), rt.yield_now()).await;
        assert!(matches!(left, First::Right(()) | First::Left(Ok(_))));
    }
    pause(&rt, Duration::from_millis(5)).await;
    assert_eq!(rt.offload(|| 7).await, Ok(7));
}

async fn random<R: Runtime>(rt: R, _: Scratch) {
    let mut numbers: Vec<u64> = (0..100).map(|_| rt.random(Purpose::TopicId)).collect();
    numbers.extend((0..100).map(|_| rt.random(Purpose::Jitter)));
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 200);
}
