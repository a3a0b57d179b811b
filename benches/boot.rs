//! `server`: what it costs to boot a node with tiny limits, as every simulated node does.
//!
//! Goals, per shard: 1 ms of CPU and 1 MiB of memory. The memory goal is asserted, since the memory
//! backend allocates alike on every machine; the time is only measured.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use model::{Limits, Live};
use runtime::memory::{MemoryMesh, MemoryRuntime, NodeOptions, World};
use server::{
    Boot, Configured, Level, Line, LogSink, Message, Surroundings, configure, parse_properties,
};

const SHARDS: [u16; 2] = [1, 4];
const MEMORY_GOAL_BYTES: u64 = 1 << 20;

thread_local! {
    /// `Boot::ready` is a plain function; the world is one thread.
    static READY: RefCell<bool> = const { RefCell::new(false) };
}

fn boot() -> Boot {
    let properties =
        "node.id=1\nlog.dirs=/data\nlisteners=PLAINTEXT://127.0.0.1:9092\nhttp.listener=";
    let surroundings = Surroundings {
        hostname: "bench".to_owned(),
        resolve: |host, port| Some((host.parse::<std::net::IpAddr>().ok()?, port).into()),
        limits: Limits::tiny(),
        log: LogSink::new(print_errors),
        strict: true,
    };
    let properties = parse_properties(properties).expect("the bench's own properties");
    let Configured { mut boot, .. } =
        configure(properties, surroundings).expect("the bench's own properties");
    boot.ready = |_| READY.set(true);
    boot
}

fn print_errors(line: Line) {
    if line.level == Level::Error {
        eprintln!("[{}] {}", line.shard, line.text);
    }
}

/// From an empty disk until requests are answered; the world is dropped by the caller.
fn boot_once(boot: &Boot, shards: u16) -> World {
    let mut world = World::new(1);
    let node = world.add_node(NodeOptions { shards, ..NodeOptions::default() });
    READY.set(false);
    let boot = Rc::new(boot.clone());
    world.boot(node, Live, move |rt: MemoryRuntime, mesh: MemoryMesh<Message<MemoryRuntime>>| {
        server::run(rt, mesh, (*boot).clone())
    });
    let ready = world.run_until(Duration::from_secs(60), |_| READY.take());
    assert!(ready, "the node did not become ready");
    world
}

fn memory(_: &mut Criterion) {
    let boot = boot();
    for shards in SHARDS {
        let counted = allocation_counter::measure(|| drop(boot_once(&boot, shards)));
        let per_shard = counted.bytes_max / u64::from(shards);
        println!("server/boot, {shards} shards: {per_shard} bytes per shard at the peak");
        assert!(per_shard <= MEMORY_GOAL_BYTES, "{per_shard} bytes per shard");
    }
}

fn time(c: &mut Criterion) {
    let boot = boot();
    for shards in SHARDS {
        c.bench_function(&format!("server/boot, {shards} shards"), |b| {
            b.iter_with_large_drop(|| boot_once(&boot, shards));
        });
    }
}

criterion_group!(benches, memory, time);
criterion_main!(benches);
