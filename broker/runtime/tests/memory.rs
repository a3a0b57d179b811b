//! What the `memory` backend itself promises: crashes, faults, and one run for one seed.

use core::cell::Cell;
use core::future::Future;
use core::time::Duration;
use model::{Buf, Live, ShardId};
use runtime::memory::{
    DiskFault, DiskVerb, Life, LinkFault, MemoryMesh, MemoryRuntime, NodeIndex, NodeOptions,
    PowerLoss, World,
};
use runtime::{
    Clock, Conn, Disk, Error, Exit, Heat, Lane, Listener, Mesh, More, Net, Open, Purpose, Spawn,
    TaskClass,
};
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;

const SECOND: Duration = Duration::from_secs(1);

fn buf(bytes: &[u8]) -> Vec<Buf> {
    vec![Buf::from(bytes.to_vec())]
}

/// Boots a node whose only shard runs `main`, and lets a second pass.
fn run<F>(world: &mut World, node: NodeIndex, main: impl Fn(MemoryRuntime) -> F)
where
    F: Future<Output = ()> + 'static,
{
    world.boot(node, Live, |rt: MemoryRuntime, _: MemoryMesh<()>| main(rt));
    world.run_for(SECOND);
}

async fn write(rt: &MemoryRuntime, path: &str, bytes: &[u8]) -> <MemoryRuntime as Disk>::File {
    let file = rt.open(Path::new(path), Open::Create).await.unwrap();
    rt.append(&file, 0, buf(bytes)).await.unwrap();
    file
}

async fn write_durably(rt: &MemoryRuntime, path: &str, bytes: &[u8]) {
    let file = write(rt, path, bytes).await;
    rt.sync_data(&file).await.unwrap();
    rt.sync_dir(Path::new("/")).await.unwrap();
}

#[test]
fn a_power_loss_keeps_what_was_synced_and_takes_the_rest() {
    let mut world = World::new(1);
    let node = world.add_node(NodeOptions::default());
    run(&mut world, node, |rt| async move {
        write_durably(&rt, "/synced", b"safe").await;
        write(&rt, "/synced", b"lost").await;
        let unnamed = write(&rt, "/unnamed", b"bytes").await;
        rt.sync_data(&unnamed).await.unwrap();
        rt.rename(Path::new("/unnamed"), Path::new("/renamed")).await.unwrap();
    });
    assert_eq!(world.read_file(node, Path::new("/renamed")).unwrap(), b"bytes");
    world.power_loss(node, PowerLoss::KeepsNothing);
    assert_eq!(world.read_file(node, Path::new("/synced")).unwrap(), b"safe");
    assert_eq!(world.read_file(node, Path::new("/renamed")), Err(Error::NotFound));
    assert_eq!(world.read_file(node, Path::new("/unnamed")), Err(Error::NotFound));
}

#[test]
fn a_killed_process_loses_no_written_byte() {
    let mut world = World::new(1);
    let node = world.add_node(NodeOptions::default());
    run(&mut world, node, |rt| async move {
        write(&rt, "/file", b"written").await;
    });
    world.kill(node);
    assert_eq!(world.life(node), Life::Killed);
    let found = Rc::new(Cell::new(0));
    let seen = Rc::clone(&found);
    run(&mut world, node, move |rt| {
        let seen = Rc::clone(&seen);
        async move {
            let file = rt.open(Path::new("/file"), Open::Read).await.unwrap();
            seen.set(rt.len(&file).await.unwrap());
        }
    });
    assert_eq!(found.get(), 7);
}

#[test]
fn some_seeds_tear_an_unsynced_write_and_none_invents_bytes() {
    let (mut whole, mut torn, mut none) = (0, 0, 0);
    for seed in 0..400 {
        let mut world = World::new(seed);
        let node = world.add_node(NodeOptions::default());
        run(&mut world, node, |rt| async move {
            write_durably(&rt, "/file", b"").await;
            write(&rt, "/file", &[7; 8 * 4096]).await;
        });
        world.power_loss(node, PowerLoss::Drawn);
        let bytes = world.read_file(node, Path::new("/file")).unwrap();
        assert!(bytes.len() <= 8 * 4096, "seed {seed}");
        assert!(bytes.iter().all(|byte| matches!(byte, 0 | 7)), "seed {seed}");
        match bytes.iter().filter(|byte| **byte == 7).count() {
            0 => none += 1,
            0x8000 => whole += 1,
            _ => torn += 1,
        }
    }
    assert!(whole > 10 && torn > 10 && none > 10, "whole {whole} torn {torn} none {none}");
}

#[test]
fn planted_faults_answer_once_and_the_disk_goes_on() {
    let mut world = World::new(3);
    let node = world.add_node(NodeOptions::default());
    world.plant(node, DiskFault::next(DiskVerb::SyncData, "file"));
    run(&mut world, node, |rt| async move {
        let file = write(&rt, "/file", b"bytes").await;
        assert_eq!(rt.sync_data(&file).await, Err(Error::Failed(5)));
        assert_eq!(rt.sync_data(&file).await, Ok(()));
        rt.sync_dir(Path::new("/")).await.unwrap();
    });
    assert_eq!(world.read_file(node, Path::new("/file")).unwrap(), b"bytes");
    world.power_loss(node, PowerLoss::KeepsEverything);
    let after = world.read_file(node, Path::new("/file")).unwrap();
    assert_eq!(after, [0; 5], "the failed sync made the sector clean without writing it");
}

#[test]
fn a_full_disk_refuses_and_a_read_only_one_too() {
    let mut world = World::new(4);
    let node = world.add_node(NodeOptions::default());
    world.set_disk_capacity(node, Some(4096));
    run(&mut world, node, |rt| async move {
        let file = rt.open(Path::new("/file"), Open::Create).await.unwrap();
        assert_eq!(rt.append(&file, 0, buf(&[1; 4097])).await, Err(Error::NoSpace));
        assert_eq!(rt.space(Path::new("/")).await.unwrap().free_bytes, 0);
        rt.append(&file, 0, buf(&[2; 4096])).await.unwrap();
    });
    world.set_read_only(node, true);
    world.kill(node);
    run(&mut world, node, |rt| async move {
        let file = rt.open(Path::new("/file"), Open::Read).await.unwrap();
        assert_eq!(rt.len(&file).await, Ok(4096));
        let refused = rt.open(Path::new("/file"), Open::Write).await.err();
        assert_eq!(refused, Some(Error::Failed(30)));
    });
}

/// A node of two shards that logs, syncs and echoes what clients send; it crosses the mesh on the
/// way.
async fn echo_server(rt: MemoryRuntime, mesh: MemoryMesh<u64>, addr: SocketAddr) {
    if rt.shard() == ShardId(1) {
        loop {
            let (from, message) = mesh.recv().await;
            rt.yield_now().await;
            assert_eq!(mesh.try_send(from, Lane::Reply, message + 1), Ok(()));
        }
    }
    let listener = rt.listen(addr).await.unwrap();
    let file = rt.open(Path::new("/log"), Open::Create).await.unwrap();
    let mut end = rt.len(&file).await.unwrap();
    loop {
        let conn = listener.accept().await.unwrap();
        while let Ok(bytes) = conn.recv_any().await {
            if bytes.is_empty() {
                break;
            }
            mesh.try_send(ShardId(1), Lane::Request, end).unwrap();
            assert_eq!(mesh.recv().await, (ShardId(1), end + 1));
            rt.append(&file, end, vec![bytes.clone()]).await.unwrap();
            end += bytes.len() as u64;
            rt.sync_data(&file).await.unwrap();
            let _ = conn.send(vec![bytes], More::Done).await;
        }
    }
}

/// Every facility at once, with a power loss between two rounds of a client.
fn busy_run(seed: u64) -> (u64, u64) {
    let mut world = World::new(seed);
    let node = world.add_node(NodeOptions { shards: 2, ..NodeOptions::default() });
    let addr = SocketAddr::new(world.ip(node), 9092);
    world.boot(node, Live, |rt, mesh| echo_server(rt, mesh, addr));
    let client = world.client();
    for round in 0..3_u8 {
        let rt = client.clone();
        world.block_on(&client, async move {
            let conn = loop {
                if let Ok(conn) = rt.connect(addr, SECOND).await {
                    break conn;
                }
            };
            conn.send(buf(&[round; 5000]), More::Done).await.unwrap();
            let (result, bytes) = conn.recv_exact(Vec::with_capacity(5000), 5000).await;
            assert_eq!((result, bytes), (Ok(()), vec![round; 5000]));
        });
        if round == 1 {
            world.power_loss(node, PowerLoss::Drawn);
            world.boot(node, Live, |rt, mesh| echo_server(rt, mesh, addr));
        }
    }
    (world.trace_hash(), world.event_count())
}

#[test]
fn one_seed_is_one_run_and_other_seeds_are_other_runs() {
    let mut hashes = Vec::new();
    for seed in 0..1_000 {
        let run = busy_run(seed);
        assert_eq!(run, busy_run(seed), "seed {seed}");
        hashes.push(run.0);
    }
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 1_000);
}

#[test]
fn a_panic_ends_its_node_and_is_reported() {
    let mut world = World::new(5);
    world.survive_panics();
    let node = world.add_node(NodeOptions::default());
    let other = world.client();
    run(&mut world, node, |rt| async move {
        rt.spawn("bad", TaskClass::Latency, async { panic!("broken promise") });
        core::future::pending().await
    });
    assert_eq!(world.life(node), Life::Panicked);
    let [failure] = world.failures() else { panic!("{:?}", world.failures()) };
    assert_eq!((failure.node, failure.task), (node, "bad"));
    assert_eq!(failure.message, "broken promise");
    assert_eq!(world.block_on(&other, async { 7 }), 7, "other nodes go on");
}

#[test]
#[should_panic(expected = "broken promise")]
fn a_panic_goes_on_through_the_test_unless_told_otherwise() {
    let mut world = World::new(5);
    let node = world.add_node(NodeOptions::default());
    run(&mut world, node, |_| async { panic!("broken promise") });
}

/// A node that accepts one connection and keeps it.
async fn accept_one(rt: MemoryRuntime, addr: SocketAddr) {
    let listener = rt.listen(addr).await.unwrap();
    let _conn = listener.accept().await.unwrap();
    core::future::pending().await
}

#[test]
fn peers_of_a_killed_node_hear_it_and_peers_of_a_dark_one_do_not() {
    for power in [false, true] {
        let mut world = World::new(6);
        let node = world.add_node(NodeOptions::default());
        let addr = SocketAddr::new(world.ip(node), 9092);
        run(&mut world, node, move |rt| accept_one(rt, addr));
        let client = world.client();
        let rt = client.clone();
        let conn = world.block_on(&client, async move { rt.connect(addr, SECOND).await.unwrap() });
        let closed = Rc::new(Cell::new(false));
        let (waiting, heard) = (conn.clone(), Rc::clone(&closed));
        client.spawn("wait", TaskClass::Latency, async move {
            waiting.wait_closed().await;
            heard.set(true);
        });
        world.run_for(SECOND);
        if power {
            world.power_loss(node, PowerLoss::Drawn);
        } else {
            world.kill(node);
        }
        world.run_for(SECOND);
        assert_eq!(closed.get(), !power);
        if power {
            let sending = conn.clone();
            let send = async move { sending.send(buf(b"into the dark"), More::Done).await };
            assert_eq!(world.block_on(&client, send), Ok(()), "the window still has room");
            world.run_for(Duration::from_secs(20));
            assert!(closed.get(), "the sender gave up");
        }
    }
}

#[test]
fn what_was_sent_of_a_file_arrives_after_file_connection_and_process_are_gone() {
    let mut world = World::new(7);
    let node = world.add_node(NodeOptions::default());
    let addr = SocketAddr::new(world.ip(node), 9092);
    run(&mut world, node, move |rt| async move {
        let path = Path::new("/data/gone");
        rt.create_dir(Path::new("/data")).await.unwrap();
        let file = rt.open(path, Open::Create).await.unwrap();
        rt.append(&file, 0, buf(b"kept by the kernel")).await.unwrap();
        let listener = rt.listen(addr).await.unwrap();
        let conn = listener.accept().await.unwrap();
        conn.recv_any().await.unwrap();
        conn.send_file(&file, 0..18, Heat::Hot, More::Done).await.unwrap();
        rt.remove(path).await.unwrap();
        rt.sync_dir(Path::new("/data")).await.unwrap();
    });
    let client = world.client();
    let rt = client.clone();
    let conn = world.block_on(&client, async move { rt.connect(addr, SECOND).await.unwrap() });
    let client_node = NodeIndex(node.0 + 1);
    world.add_link_fault(node, client_node, LinkFault::Clog);
    let asking = conn.clone();
    let ask = async move { asking.send(buf(b"?"), More::Done).await };
    assert_eq!(world.block_on(&client, ask), Ok(()));
    world.run_for(SECOND);
    world.kill(node);
    world.mend_link(node, client_node);
    let received = world.block_on(&client, async move {
        let mut received = Vec::new();
        while received.len() < 18 {
            received.extend_from_slice(&conn.recv_any().await.unwrap());
        }
        received
    });
    assert_eq!(received, b"kept by the kernel");
}

#[test]
fn a_cut_link_delays_and_a_mended_one_delivers() {
    let mut world = World::new(8);
    let node = world.add_node(NodeOptions::default());
    let addr = SocketAddr::new(world.ip(node), 9092);
    run(&mut world, node, move |rt| async move {
        let listener = rt.listen(addr).await.unwrap();
        let conn = listener.accept().await.unwrap();
        let bytes = conn.recv_any().await.unwrap();
        conn.send(vec![bytes], More::Done).await.unwrap();
        conn.wait_closed().await;
    });
    let client = world.client();
    let rt = client.clone();
    let conn = world.block_on(&client, async move { rt.connect(addr, SECOND).await.unwrap() });
    let client_node = NodeIndex(node.0 + 1);
    world.cut_link(client_node, node);
    let answered = Rc::new(Cell::new(false));
    let done = Rc::clone(&answered);
    client.spawn("echo", TaskClass::Latency, async move {
        conn.send(buf(b"x"), More::Done).await.unwrap();
        assert_eq!(&*conn.recv_any().await.unwrap(), b"x");
        done.set(true);
    });
    world.run_for(SECOND);
    assert!(!answered.get());
    world.mend_link(client_node, node);
    assert!(world.run_until(SECOND, |_| answered.get()));
}

#[test]
fn a_dead_machine_times_out_and_a_dead_process_refuses() {
    let mut world = World::new(9);
    let node = world.add_node(NodeOptions::default());
    let addr = SocketAddr::new(world.ip(node), 9092);
    let client = world.client();
    let connect = |world: &mut World| {
        let rt = client.clone();
        world.block_on(&client, async move { rt.connect(addr, SECOND).await.err() })
    };
    assert_eq!(connect(&mut world), Some(Error::Refused));
    world.power_loss(node, PowerLoss::Drawn);
    assert_eq!(connect(&mut world), Some(Error::TimedOut));
}

#[test]
fn handles_closed_at_both_ends_leave_no_connection_behind() {
    let mut world = World::new(10);
    let node = world.add_node(NodeOptions::default());
    let addr = SocketAddr::new(world.ip(node), 9092);
    run(&mut world, node, move |rt| async move {
        let listener = rt.listen(addr).await.unwrap();
        loop {
            drop(listener.accept().await.unwrap());
        }
    });
    let client = world.client();
    let rt = client.clone();
    world.block_on(&client, async move {
        for _ in 0..10 {
            let conn = rt.connect(addr, SECOND).await.unwrap();
            conn.wait_closed().await;
        }
    });
    world.run_for(SECOND);
    assert_eq!(world.connection_count(), 0);
}

/// Asks a dying node for one more task.
struct LastWish(MemoryRuntime, Rc<Cell<u32>>);

impl Drop for LastWish {
    fn drop(&mut self) {
        self.1.set(self.1.get() + 1);
        self.0.spawn("zombie", TaskClass::Latency, async { panic!("a dead node has no tasks") });
    }
}

#[test]
fn exit_drops_tasks_and_a_dead_process_is_refused_everything() {
    let mut world = World::new(11);
    let node = world.add_node(NodeOptions { shards: 3, ..NodeOptions::default() });
    let dropped = Rc::new(Cell::new(0));
    let counter = Rc::clone(&dropped);
    world.boot(node, Live, move |rt: MemoryRuntime, _: MemoryMesh<()>| {
        let wish = LastWish(rt.clone(), Rc::clone(&counter));
        async move {
            if rt.shard() == ShardId(2) {
                rt.exit(Exit::Clean);
            }
            core::future::pending::<()>().await;
            drop(wish);
        }
    });
    world.run_for(SECOND);
    assert_eq!(world.life(node), Life::Exited(Exit::Clean));
    assert_eq!(dropped.get(), 3);
}

#[test]
fn numbers_for_one_purpose_do_not_depend_on_draws_for_another() {
    let numbers = |others: u32| {
        let mut world = World::new(12);
        let rt = world.client();
        for _ in 0..others {
            rt.random(Purpose::Jitter);
        }
        [rt.random(Purpose::TopicId), rt.random(Purpose::TopicId)]
    };
    assert_eq!(numbers(0), numbers(5));
    assert_ne!(numbers(0)[0], numbers(0)[1]);
}

#[test]
fn an_idle_world_stops() {
    let mut world = World::new(13);
    let node = world.add_node(NodeOptions::default());
    world.boot(node, Live, |rt: MemoryRuntime, _: MemoryMesh<()>| async move {
        let began = rt.now().mono;
        rt.sleep_until(began + Duration::from_millis(5)).await;
        assert!(rt.now().mono.since(began) >= Duration::from_millis(5));
    });
    assert!(world.run_until_idle(SECOND));
}
