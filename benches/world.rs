//! `runtime::memory`: what the simulator's kernel costs per poll, per message and per idle second.
//!
//! Goal: 5 million polls of trivial tasks a second on one core, and an idle world that costs nothing.

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::{Buf, Live};
use runtime::memory::{MemoryMesh, MemoryRuntime, NodeOptions, World};
use runtime::{Clock, Conn, Listener, More, Net, Spawn, TaskClass, sync};

const MESSAGES: u32 = 20_000;

/// Two tasks of one shard that wake each other; returns the polls.
fn tasks() -> u64 {
    let mut world = World::new(1);
    let rt = world.client();
    let (to_peer, mut at_peer) = sync::channel::<u32>(1);
    let (to_us, mut at_us) = sync::channel::<u32>(1);
    rt.spawn("peer", TaskClass::Latency, async move {
        while let Some(number) = at_peer.recv().await {
            let _ = to_us.try_send(number + 1);
        }
    });
    world.block_on(&rt, async move {
        for number in 0..MESSAGES {
            let _ = to_peer.try_send(number);
            black_box(at_us.recv().await);
        }
    });
    world.counters().polls
}

/// A request and an answer at a time between two machines; returns the events.
fn machines() -> u64 {
    let mut world = World::new(1);
    let node = world.add_node(NodeOptions::default());
    let addr = SocketAddr::new(world.ip(node), 9092);
    world.boot(node, Live, move |rt: MemoryRuntime, _: MemoryMesh<()>| async move {
        let listener = rt.listen(addr).await.expect("a free port");
        let conn = listener.accept().await.expect("a caller");
        while let Ok(bytes) = conn.recv_any().await {
            if bytes.is_empty() || conn.send(vec![bytes], More::Done).await.is_err() {
                return;
            }
        }
    });
    let client = world.client();
    let rt = client.clone();
    world.block_on(&client, async move {
        rt.sleep_until(rt.now().mono + Duration::from_millis(1)).await;
        let conn = rt.connect(addr, Duration::from_secs(1)).await.expect("it listens");
        for _ in 0..MESSAGES {
            conn.send(vec![Buf::from_static(&[7; 100])], More::Done).await.expect("open");
            let (result, _) = conn.recv_exact(Vec::with_capacity(100), 100).await;
            result.expect("open");
        }
    });
    world.event_count()
}

/// An hour of 16 tasks that look at the clock once a second.
fn idle() -> u64 {
    let mut world = World::new(1);
    let rt = world.client();
    for _ in 0..16 {
        let timer = rt.clone();
        rt.spawn("tick", TaskClass::Background, async move {
            loop {
                timer.sleep_until(timer.now().mono + Duration::from_secs(1)).await;
            }
        });
    }
    world.run_for(Duration::from_secs(3_600));
    world.counters().polls
}

fn world(c: &mut Criterion) {
    let mut group = c.benchmark_group("world");
    group.sample_size(20);
    for (name, run) in [("tasks", tasks as fn() -> u64), ("machines", machines), ("idle", idle)] {
        group.throughput(Throughput::Elements(run()));
        group.bench_function(name, |b| b.iter(run));
    }
    group.finish();
}

criterion_group!(benches, world);
criterion_main!(benches);
