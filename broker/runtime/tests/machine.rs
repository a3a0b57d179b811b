//! What happens to the machines of the `memory` backend: clocks, pauses, cores, sudden ends.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use model::{Buf, Instant, Live, ShardId};
use runtime::memory::{
    CostTable, Life, MemoryMesh, MemoryRuntime, NodeIndex, NodeOptions, World, WorldOptions,
};
use runtime::{Clock, Conn, Lane, Listener, Mesh, More, Net, Spawn, TaskClass};
use std::net::SocketAddr;
use std::rc::Rc;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A node that keeps a list of its own monotonic times, one per 10 ms of its own clock.
fn ticking(world: &mut World, options: NodeOptions) -> (NodeIndex, Rc<RefCell<Vec<Instant>>>) {
    let node = world.add_node(options);
    let ticks: Rc<RefCell<Vec<Instant>>> = Rc::default();
    let list = Rc::clone(&ticks);
    world.boot(node, Live, move |rt: MemoryRuntime, _: MemoryMesh<()>| {
        let list = Rc::clone(&list);
        async move {
            loop {
                rt.sleep_until(rt.now().mono + 10 * MS).await;
                list.borrow_mut().push(rt.now().mono);
            }
        }
    });
    (node, ticks)
}

#[test]
fn clocks_run_at_rates_of_their_own_and_timers_follow_them() {
    let mut world = World::new(1);
    let fast = NodeOptions { drift_ppm: 100_000, ..NodeOptions::default() };
    let (_, fast) = ticking(&mut world, fast);
    let (_, right) = ticking(&mut world, NodeOptions::default());
    world.run_for(10 * SECOND);
    let (fast, right) = (fast.borrow().len(), right.borrow().len());
    assert!((990..=1_000).contains(&right), "{right}");
    assert!((1_090..=1_100).contains(&fast), "{fast}");
}

#[test]
fn a_clock_that_stands_still_fires_no_timer_and_never_goes_back() {
    let mut world = World::new(2);
    let (node, ticks) = ticking(&mut world, NodeOptions::default());
    world.run_for(SECOND);
    world.set_drift(node, -1_000_000);
    let before = ticks.borrow().len();
    world.run_for(SECOND);
    assert!(ticks.borrow().len() <= before + 1);
    world.set_drift(node, -500_000);
    world.run_for(SECOND);
    let after = ticks.borrow().len();
    assert!((before + 48..=before + 51).contains(&after), "{before} to {after}");
    assert!(ticks.borrow().is_sorted());
}

#[test]
fn the_wall_clock_steps_both_ways_and_the_monotonic_one_does_not_care() {
    let mut world = World::new(3);
    let node = world.add_node(NodeOptions { wall_drift_ppm: 1_000, ..NodeOptions::default() });
    let seen = Rc::new(Cell::new(None));
    let slot = Rc::clone(&seen);
    world.boot(node, Live, move |rt: MemoryRuntime, _: MemoryMesh<()>| {
        let slot = Rc::clone(&slot);
        async move {
            loop {
                slot.set(Some(rt.now()));
                rt.sleep_until(rt.now().mono + MS).await;
            }
        }
    });
    let read = |world: &mut World| {
        world.run_for(SECOND);
        seen.get().unwrap()
    };
    let first = read(&mut world);
    world.step_wall(node, -3_600_000);
    let second = read(&mut world);
    world.step_wall(node, 7_200_000);
    let third = read(&mut world);
    let close = |value: i64, expected: i64| (value - expected).abs() <= 5;
    assert!(close(second.wall_ms - first.wall_ms, 1_001 - 3_600_000));
    assert!(close(third.wall_ms - second.wall_ms, 1_001 + 7_200_000));
    assert!(first.mono < second.mono && second.mono < third.mono);
}

#[test]
fn a_paused_process_does_nothing_and_time_has_jumped_when_it_goes_on() {
    let mut world = World::new(4);
    let (node, ticks) = ticking(&mut world, NodeOptions::default());
    world.run_for(SECOND);
    world.pause(node);
    assert!(world.is_paused(node));
    let before = ticks.borrow().len();
    world.run_for(5 * SECOND);
    assert_eq!(ticks.borrow().len(), before);
    world.resume(node);
    world.run_for(5 * MS);
    let ticks = ticks.borrow();
    let jump = ticks[before].since(ticks[before - 1]);
    assert!(jump >= 5 * SECOND, "{jump:?}");
}

/// A server that echoes, and a client connection to it.
fn echoing(world: &mut World) -> (NodeIndex, MemoryRuntime, SocketAddr) {
    let node = world.add_node(NodeOptions::default());
    let addr = SocketAddr::new(world.ip(node), 9092);
    world.boot(node, Live, move |rt: MemoryRuntime, _: MemoryMesh<()>| async move {
        let listener = rt.listen(addr).await.unwrap();
        loop {
            let conn = listener.accept().await.unwrap();
            rt.spawn("echo", TaskClass::Latency, async move {
                while let Ok(bytes) = conn.recv_any().await {
                    if bytes.is_empty() || conn.send(vec![bytes], More::Done).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    world.run_for(SECOND);
    (node, world.client(), addr)
}

#[test]
fn the_machine_of_a_paused_process_takes_what_fits_and_answers_later() {
    let mut world = World::new(5);
    let (node, client, addr) = echoing(&mut world);
    world.pause(node);
    let rt = client.clone();
    let conn = world.block_on(&client, async move { rt.connect(addr, SECOND).await.unwrap() });
    let (sent, conn_of_sender) = (Rc::new(Cell::new(false)), conn.clone());
    let done = Rc::clone(&sent);
    client.spawn("send", TaskClass::Latency, async move {
        conn_of_sender.send(vec![Buf::from(vec![1; 4_096])], More::Done).await.unwrap();
        done.set(true);
        conn_of_sender.send(vec![Buf::from(vec![1; 1 << 20])], More::Done).await.unwrap();
        done.set(false);
    });
    let received = Rc::new(Cell::new(0));
    let count = Rc::clone(&received);
    client.spawn("receive", TaskClass::Latency, async move {
        while let Ok(bytes) = conn.recv_any().await {
            count.set(count.get() + bytes.len());
        }
    });
    world.run_for(30 * SECOND);
    assert!(sent.get(), "a window fits, no more");
    assert_eq!(received.get(), 0);
    world.resume(node);
    world.run_for(5 * SECOND);
    assert_eq!((sent.get(), received.get()), (false, 4_096 + (1 << 20)));
}

#[test]
fn a_paused_process_sends_no_more_than_its_machine_had_taken() {
    let mut world = World::new(12);
    let node = world.add_node(NodeOptions::default());
    let addr = SocketAddr::new(world.ip(node), 9092);
    world.boot(node, Live, move |rt: MemoryRuntime, _: MemoryMesh<()>| async move {
        let listener = rt.listen(addr).await.unwrap();
        let conn = listener.accept().await.unwrap();
        conn.send(vec![Buf::from(vec![1; 64 << 20])], More::Done).await.unwrap();
        conn.wait_closed().await;
    });
    let client = world.client();
    let received = Rc::new(Cell::new(0));
    let (rt, count) = (client.clone(), Rc::clone(&received));
    client.spawn("receive", TaskClass::Latency, async move {
        rt.sleep_until(rt.now().mono + MS).await;
        let conn = rt.connect(addr, SECOND).await.unwrap();
        while let Ok(bytes) = conn.recv_any().await {
            count.set(count.get() + bytes.len());
        }
    });
    world.run_for(10 * MS);
    world.pause(node);
    let before = received.get();
    world.run_for(10 * SECOND);
    let after = received.get();
    assert!(before > 0 && after - before <= 128 << 10, "{before}, then {after}");
    world.resume(node);
    world.run_for(60 * SECOND);
    assert_eq!(received.get(), 64 << 20);
}

#[test]
fn a_paused_process_can_be_killed() {
    let mut world = World::new(6);
    let (node, ticks) = ticking(&mut world, NodeOptions::default());
    world.run_for(SECOND);
    world.pause(node);
    world.kill(node);
    assert_eq!((world.life(node), world.is_paused(node)), (Life::Killed, false));
    let count = ticks.borrow().len();
    world.resume(node);
    world.run_for(SECOND);
    assert_eq!(ticks.borrow().len(), count);
}

/// Polls of a task that only yields, on each of two shards, during one second.
fn yields(prepare: impl Fn(&mut World, NodeIndex)) -> [u64; 2] {
    let mut world = World::new(7);
    let node = world.add_node(NodeOptions { shards: 2, ..NodeOptions::default() });
    let counts: [Rc<Cell<u64>>; 2] = Default::default();
    let counters = counts.clone();
    world.boot(node, Live, move |rt: MemoryRuntime, _: MemoryMesh<()>| {
        let count = Rc::clone(&counters[usize::from(rt.shard().0)]);
        async move {
            loop {
                rt.yield_now().await;
                count.set(count.get() + 1);
            }
        }
    });
    prepare(&mut world, node);
    world.run_for(20 * MS);
    counts.map(|count| count.get())
}

#[test]
fn slow_and_stalled_cores_are_slow_and_stalled_alone() {
    let [one, other] = yields(|_, _| {});
    let fair = one.abs_diff(other) < one / 10;
    assert!(fair, "{one} and {other}");
    let [slow, other] = yields(|world, node| world.slow_core(node, ShardId(0), 10));
    assert!(slow * 8 < other && slow > 0, "{slow} and {other}");
    let [one, stalled] = yields(|world, node| world.stall_core(node, ShardId(1), 15 * MS));
    assert!(stalled * 3 < one && stalled > 0, "{one} and {stalled}");
}

#[test]
fn one_poll_in_a_hundred_comes_without_need_and_none_in_a_counted_run() {
    let run = |options: WorldOptions| {
        let mut world = World::with_options(8, options);
        let rt = world.client();
        world.block_on(&rt.clone(), async move {
            for _ in 0..20_000 {
                rt.sleep_until(rt.now().mono + Duration::from_micros(20)).await;
            }
        });
        world.counters()
    };
    let counters = run(WorldOptions::default());
    let per_mille = 1_000 * counters.unneeded_polls / counters.polls;
    assert!((7..=13).contains(&per_mille), "{per_mille} of 1,000");
    let counted = WorldOptions { costs: CostTable::V1_FREE_POLLS, unneeded_polls: false };
    let counters = run(counted);
    assert_eq!((counters.unneeded_polls, counters.idle_polls), (0, 0));
    assert_eq!((counters.timers_armed, counters.timers_fired), (20_000, 20_000));
    assert_eq!(counters.polls, 20_001);
}

#[test]
fn polls_for_nothing_leave_the_times_of_everything_else() {
    let time = |yields: usize| {
        let options = WorldOptions { costs: CostTable::V1_FREE_POLLS, unneeded_polls: false };
        let mut world = World::with_options(9, options);
        let (_, client, addr) = echoing(&mut world);
        let rt = client.clone();
        let began = world.now();
        world.block_on(&client, async move {
            let conn = rt.connect(addr, SECOND).await.unwrap();
            for _ in 0..yields {
                rt.yield_now().await;
            }
            conn.send(vec![Buf::from_static(b"x")], More::Done).await.unwrap();
            assert_eq!(&*conn.recv_any().await.unwrap(), b"x");
        });
        world.now().since(began)
    };
    assert_eq!(time(0), time(10));
}

/// Asks for everything that can be asked for without waiting, while it is dropped.
struct LastWish {
    rt: MemoryRuntime,
    mesh: MemoryMesh<u64>,
    ran: Rc<Cell<u32>>,
}

impl Drop for LastWish {
    fn drop(&mut self) {
        self.ran.set(self.ran.get() + 1);
        self.rt.spawn("zombie", TaskClass::Latency, async { panic!("a dead node has no tasks") });
        assert_eq!(self.mesh.try_send(ShardId(0), Lane::Request, 7), Err(7));
        self.rt.exit(runtime::Exit::Clean);
    }
}

/// A node that ends while one task has a last wish; returns how often that was heard.
fn last_wishes(end: impl Fn(&mut World, NodeIndex), panics: bool) -> (Life, u32, u64) {
    let mut world = World::new(10);
    world.survive_panics();
    let node = world.add_node(NodeOptions::default());
    let ran = Rc::new(Cell::new(0));
    let counter = Rc::clone(&ran);
    world.boot(node, Live, move |rt: MemoryRuntime, mesh: MemoryMesh<u64>| {
        let wish = LastWish { rt: rt.clone(), mesh, ran: Rc::clone(&counter) };
        async move {
            let _wish = wish;
            rt.sleep_until(rt.now().mono + 500 * MS).await;
            assert!(!panics, "broken promise");
            core::future::pending().await
        }
    });
    world.run_for(SECOND);
    end(&mut world, node);
    world.run_for(SECOND);
    (world.life(node), ran.get(), world.late_submissions(node))
}

#[test]
fn what_destructors_of_a_killed_node_ask_for_is_refused_and_counted() {
    assert_eq!(last_wishes(World::kill, false), (Life::Killed, 1, 3));
}

#[test]
fn a_panic_ends_the_node_before_the_stack_unwinds() {
    assert_eq!(last_wishes(|_, _| {}, true), (Life::Panicked, 1, 3));
}

#[test]
fn tasks_and_messages_that_waited_for_their_turn_die_with_the_node() {
    let mut world = World::new(11);
    let node = world.add_node(NodeOptions { shards: 2, ..NodeOptions::default() });
    world.boot(node, Live, |rt: MemoryRuntime, mesh: MemoryMesh<u64>| async move {
        if rt.shard() == ShardId(1) {
            mesh.recv().await;
            panic!("nothing is received after the end");
        }
        assert!(mesh.try_send(ShardId(1), Lane::Request, 1).is_ok());
        for _ in 0..3 {
            rt.spawn("staged", TaskClass::Latency, async { panic!("never polled") });
        }
        rt.exit(runtime::Exit::Clean);
    });
    world.run_for(SECOND);
    assert_eq!(world.life(node), Life::Exited(runtime::Exit::Clean));
}
