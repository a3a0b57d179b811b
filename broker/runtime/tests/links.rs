//! What the network of the `memory` backend does when links fail, one behaviour each.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use model::{Buf, Live};
use runtime::memory::{
    LinkFault, LinkOptions, MemoryConn, MemoryMesh, MemoryRuntime, NodeIndex, NodeOptions,
    PowerLoss, World,
};
use runtime::{Clock, Conn, Error, Listener, More, Net, Result, Spawn, TaskClass};
use std::net::SocketAddr;
use std::rc::Rc;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// What a server received, in order, whatever connection it came from.
type Received = Rc<RefCell<Vec<u8>>>;

/// A client machine and a server that writes down what it receives and how its connections end.
struct Pair {
    world: World,
    client: MemoryRuntime,
    client_node: NodeIndex,
    server: NodeIndex,
    addr: SocketAddr,
    received: Received,
    ends: Rc<RefCell<Vec<Result<Buf>>>>,
    accepted: Rc<Cell<usize>>,
}

impl Pair {
    fn new(seed: u64) -> Self {
        let mut world = World::new(seed);
        let server = world.add_node(NodeOptions::default());
        let client = world.client();
        let addr = SocketAddr::new(world.ip(server), 9092);
        let (received, ends, accepted) = Default::default();
        let client_node = NodeIndex(server.0 + 1);
        let mut pair = Self { world, client, client_node, server, addr, received, ends, accepted };
        pair.boot();
        pair.world.run_for(SECOND);
        pair
    }

    fn boot(&mut self) {
        let addr = self.addr;
        let seen = (self.received.clone(), self.ends.clone(), self.accepted.clone());
        self.world.boot(self.server, Live, move |rt: MemoryRuntime, _: MemoryMesh<()>| {
            let (received, ends, accepted) = seen.clone();
            async move {
                let listener = rt.listen(addr).await.unwrap();
                while let Ok(conn) = listener.accept().await {
                    accepted.set(accepted.get() + 1);
                    let (received, ends) = (received.clone(), ends.clone());
                    rt.spawn("reader", TaskClass::Latency, read(conn, received, ends));
                }
            }
        });
    }

    fn connect(&mut self, limit: Duration) -> Result<MemoryConn> {
        let (rt, addr) = (self.client.clone(), self.addr);
        self.world.block_on(&self.client.clone(), async move { rt.connect(addr, limit).await })
    }

    /// Sends from the client's machine and waits until the kernel has taken the bytes.
    fn send(&mut self, conn: &MemoryConn, bytes: Vec<u8>) -> Result<()> {
        let conn = conn.clone();
        let send = async move { conn.send(vec![Buf::from(bytes)], More::Done).await };
        self.world.block_on(&self.client.clone(), send)
    }

    /// Sends without waiting; the result appears in the cell.
    fn begin_send(&self, conn: &MemoryConn, bytes: Vec<u8>) -> Rc<Cell<Option<Result<()>>>> {
        let (conn, outcome) = (conn.clone(), Rc::new(Cell::new(None)));
        let slot = Rc::clone(&outcome);
        self.client.spawn("send", TaskClass::Latency, async move {
            slot.set(Some(conn.send(vec![Buf::from(bytes)], More::Done).await));
        });
        outcome
    }

    fn fault(&mut self, fault: LinkFault) {
        self.world.add_link_fault(self.client_node, self.server, fault);
    }

    fn stats(&self) -> runtime::memory::NetStats {
        self.world.net_stats(self.client_node, self.server)
    }

    fn received(&self) -> usize {
        self.received.borrow().len()
    }

    /// Virtual time until the server has received so many bytes.
    fn time_until(&mut self, bytes: usize) -> Duration {
        let (began, received) = (self.world.now(), self.received.clone());
        assert!(self.world.run_until(60 * SECOND, |_| received.borrow().len() >= bytes));
        self.world.now().since(began)
    }
}

async fn read(conn: MemoryConn, received: Received, ends: Rc<RefCell<Vec<Result<Buf>>>>) {
    loop {
        match conn.recv_any().await {
            Ok(bytes) if !bytes.is_empty() => received.borrow_mut().extend_from_slice(&bytes),
            end => return ends.borrow_mut().push(end),
        }
    }
}

/// Fills any window.
const MUCH: usize = 1 << 20;

#[test]
fn a_lossy_link_delivers_everything_later() {
    let time = |fault: Option<LinkFault>| {
        let mut pair = Pair::new(1);
        let conn = pair.connect(SECOND).unwrap();
        fault.into_iter().for_each(|fault| pair.fault(fault));
        let sent: Vec<u8> = (0..200_000_u32).map(|byte| byte.to_le_bytes()[0]).collect();
        pair.begin_send(&conn, sent.clone());
        let time = pair.time_until(sent.len());
        assert!(*pair.received.borrow() == sent, "nothing lost, doubled or reordered");
        (time, pair.stats())
    };
    let (healthy, stats) = time(None);
    assert_eq!(stats.lost, 0);
    let (lossy, stats) = time(Some(LinkFault::Lossy { per_million: 100_000 }));
    assert!(stats.lost > 0);
    assert!(lossy > healthy + Duration::from_millis(200), "{lossy:?} after {healthy:?}");
}

#[test]
fn a_slow_link_is_late_and_a_narrow_one_takes_its_time() {
    let mut pair = Pair::new(2);
    let conn = pair.connect(SECOND).unwrap();
    pair.fault(LinkFault::Slow { factor: 1_000 });
    pair.send(&conn, vec![1]).unwrap();
    assert!(pair.time_until(1) >= 30 * MS);
    assert!(pair.stats().slowed > 0);
    pair.world.mend_link(pair.client_node, pair.server);
    pair.fault(LinkFault::Narrow { bytes_per_second: 100_000, queue_bytes: 1 << 20 });
    pair.begin_send(&conn, vec![1; 50_000]);
    let time = pair.time_until(50_001);
    assert!(time >= 490 * MS && time < SECOND, "{time:?}");
    assert!(pair.stats().narrowed > 0);
}

#[test]
fn a_full_queue_loses_what_is_sent_again_later() {
    let mut pair = Pair::new(3);
    let conns: Vec<MemoryConn> = (0..4).map(|_| pair.connect(SECOND).unwrap()).collect();
    pair.fault(LinkFault::Narrow { bytes_per_second: 10_000_000, queue_bytes: 1_000 });
    for conn in &conns {
        pair.begin_send(conn, vec![1; 50_000]);
    }
    pair.time_until(200_000);
    assert!(pair.stats().overflowed > 0);
}

#[test]
fn a_call_that_an_overfull_queue_loses_is_made_again() {
    let mut pair = Pair::new(16);
    let conn = pair.connect(SECOND).unwrap();
    pair.fault(LinkFault::Narrow { bytes_per_second: 10_000, queue_bytes: 1_000 });
    let _sending = pair.begin_send(&conn, vec![1; MUCH]);
    pair.world.run_for(MS);
    assert!(pair.connect(10 * SECOND).is_ok());
    assert!(pair.stats().overflowed > 0);
}

#[test]
fn a_hole_in_the_path_mtu_lets_small_messages_pass_alone() {
    let mut pair = Pair::new(4);
    let conn = pair.connect(SECOND).unwrap();
    pair.fault(LinkFault::LosesLarge { above_bytes: 100 });
    pair.send(&conn, vec![1; 100]).unwrap();
    pair.time_until(100);
    let outcome = pair.begin_send(&conn, vec![2; MUCH]);
    pair.world.run_for(20 * SECOND);
    assert_eq!(outcome.get(), Some(Err(Error::TimedOut)), "the first large segment never arrives");
    assert!(pair.stats().too_large > 0);
    assert_eq!(pair.stats().timeouts, 1);
}

#[test]
fn a_flapping_link_works_by_turns() {
    let mut pair = Pair::new(5);
    let conn = pair.connect(SECOND).unwrap();
    pair.fault(LinkFault::Flapping { cut_ms: 300, up_ms: 250 });
    pair.send(&conn, vec![1]).unwrap();
    pair.world.run_for(250 * MS);
    assert_eq!(pair.received(), 0);
    pair.time_until(1);
    assert!(pair.stats().flapped > 0);
}

#[test]
fn a_clog_holds_everything_and_lets_it_go_at_once() {
    let mut pair = Pair::new(6);
    let conn = pair.connect(SECOND).unwrap();
    pair.fault(LinkFault::Clog);
    pair.send(&conn, vec![1; 1_000]).unwrap();
    pair.world.run_for(10 * SECOND);
    assert_eq!(pair.received(), 0);
    pair.world.remove_link_fault(pair.client_node, pair.server, LinkFault::Clog);
    assert!(pair.time_until(1_000) < 50 * MS);
    assert!(pair.stats().clogged > 0);
}

#[test]
fn links_that_are_clogged_one_by_one_and_freed_in_another_order_lose_nothing() {
    let mut pair = Pair::new(7);
    let others: Vec<MemoryRuntime> = (0..4).map(|_| pair.world.client()).collect();
    let nodes: Vec<NodeIndex> = (2..6).map(NodeIndex).collect();
    for rt in &others {
        let (rt, addr) = (rt.clone(), pair.addr);
        rt.clone().spawn("sender", TaskClass::Latency, async move {
            let conn = rt.connect(addr, 60 * SECOND).await.unwrap();
            for _ in 0..100 {
                conn.send(vec![Buf::from(vec![7; 10])], More::Done).await.unwrap();
                rt.sleep_until(rt.now().mono + 20 * MS).await;
            }
            conn.wait_closed().await;
        });
    }
    for node in &nodes {
        pair.world.run_for(100 * MS);
        pair.world.add_link_fault(*node, pair.server, LinkFault::Clog);
        pair.world.add_link_fault(pair.server, *node, LinkFault::Clog);
    }
    pair.world.run_for(5 * SECOND);
    let before = pair.received();
    assert!(before < 4_000);
    for place in [2, 0, 3, 1] {
        pair.world.mend_link(nodes[place], pair.server);
        pair.world.mend_link(pair.server, nodes[place]);
        pair.world.run_for(100 * MS);
    }
    pair.time_until(4_000);
}

#[test]
fn a_cut_in_one_direction_delivers_and_times_out_all_the_same() {
    let mut pair = Pair::new(8);
    let conn = pair.connect(SECOND).unwrap();
    pair.world.cut_link(pair.server, pair.client_node);
    pair.send(&conn, vec![1; 10]).unwrap();
    pair.time_until(10);
    let sending = pair.begin_send(&conn, vec![2; MUCH]);
    pair.world.run_for(20 * SECOND);
    assert_eq!(sending.get(), Some(Err(Error::TimedOut)), "no acknowledgement ever came back");
    let received = pair.received();
    assert!(received >= 4_096, "{received}: a whole window went through");
    assert!(pair.world.net_stats(pair.server, pair.client_node).lost_acks > 0);
}

#[test]
fn nothing_is_left_of_a_connection_whose_reset_was_lost() {
    let mut world = World::new(15);
    let ((here, listening), (there, calling)) = (world.add_client(), world.add_client());
    let addr = SocketAddr::new(world.ip(here), 9092);
    let rt = listening.clone();
    let listener = world.block_on(&listening, async move { rt.listen(addr).await.unwrap() });
    let rt = calling.clone();
    let called = world.block_on(&calling, async move { rt.connect(addr, SECOND).await.unwrap() });
    let accepted = world.block_on(&listening, async move { listener.accept().await.unwrap() });
    world.cut_link(there, here);
    for (conn, rt) in [(&called, &calling), (&accepted, &listening)] {
        let conn = conn.clone();
        let sent = async move { conn.send(vec![Buf::from(vec![1])], More::Done).await };
        assert_eq!(world.block_on(rt, sent), Ok(()));
        world.run_for(20 * SECOND);
    }
    drop((called, accepted));
    world.run_for(20 * SECOND);
    assert_eq!(world.connection_count(), 0);
}

#[test]
fn acknowledgements_that_come_late_open_the_window_again() {
    let mut pair = Pair::new(9);
    let conn = pair.connect(SECOND).unwrap();
    pair.world.cut_link(pair.server, pair.client_node);
    let sending = pair.begin_send(&conn, vec![2; MUCH]);
    pair.world.run_for(3 * SECOND);
    assert_eq!(sending.get(), None);
    pair.world.mend_link(pair.server, pair.client_node);
    pair.time_until(MUCH);
    pair.world.run_for(SECOND);
    assert_eq!(sending.get(), Some(Ok(())));
}

#[test]
fn resets_strike_inside_a_message_and_are_heard_at_both_ends() {
    let mut inside = 0;
    for seed in 0..20 {
        let mut pair = Pair::new(seed);
        let conn = pair.connect(SECOND).unwrap();
        pair.fault(LinkFault::Resets { per_million: 500_000 });
        let sending = pair.begin_send(&conn, vec![3; MUCH]);
        pair.world.run_for(SECOND);
        assert_eq!(sending.get(), Some(Err(Error::Reset)), "seed {seed}");
        assert_eq!(*pair.ends.borrow(), [Err(Error::Reset)], "seed {seed}");
        assert_eq!(pair.stats().resets, 1);
        inside += usize::from(pair.received() > 0);
    }
    assert!(inside > 5, "{inside} of 20 delivered a part");
}

#[test]
fn all_connections_of_two_nodes_can_be_reset() {
    let mut pair = Pair::new(10);
    let conns: Vec<MemoryConn> = (0..3).map(|_| pair.connect(SECOND).unwrap()).collect();
    pair.send(&conns[0], vec![1; 1_000]).unwrap();
    assert_eq!(pair.world.reset_connections(pair.server, pair.client_node), 3);
    pair.world.run_for(SECOND);
    assert_eq!(pair.ends.borrow().len(), 3);
    assert_eq!(pair.send(&conns[0], vec![1]), Err(Error::Reset));
    assert_eq!(pair.world.reset_connections(pair.server, pair.client_node), 0);
}

#[test]
fn a_half_open_connection_takes_a_window_and_then_times_out() {
    let mut pair = Pair::new(11);
    let conn = pair.connect(SECOND).unwrap();
    pair.world.power_loss(pair.server, PowerLoss::Drawn);
    assert_eq!(pair.send(&conn, vec![1; 4_096]), Ok(()), "the window is open");
    let sending = pair.begin_send(&conn, vec![2; MUCH]);
    pair.world.run_for(10 * SECOND);
    assert_eq!(sending.get(), None, "now it is full");
    pair.world.run_for(10 * SECOND);
    assert_eq!(sending.get(), Some(Err(Error::TimedOut)));
}

#[test]
fn a_sender_behind_a_full_window_hears_that_the_machine_is_gone() {
    for (comes_back, expected) in [(false, Error::TimedOut), (true, Error::Reset)] {
        let mut pair = Pair::new(14);
        let conn = pair.connect(SECOND).unwrap();
        pair.world.stall_core(pair.server, model::ShardId(0), 100 * SECOND);
        let sending = pair.begin_send(&conn, vec![1; MUCH]);
        pair.world.run_for(SECOND);
        assert_eq!(sending.get(), None, "the window is full, and nothing is under way");
        pair.world.power_loss(pair.server, PowerLoss::Drawn);
        if comes_back {
            pair.boot();
        }
        pair.world.run_for(20 * SECOND);
        assert_eq!(sending.get(), Some(Err(expected)));
    }
}

#[test]
fn a_machine_that_came_back_resets_what_it_does_not_know() {
    let mut pair = Pair::new(12);
    let conn = pair.connect(SECOND).unwrap();
    pair.world.power_loss(pair.server, PowerLoss::Drawn);
    pair.boot();
    pair.world.run_for(SECOND);
    assert_eq!(pair.send(&conn, vec![1]), Ok(()), "it does not know yet");
    pair.world.run_for(SECOND);
    assert_eq!(pair.send(&conn, vec![1]), Err(Error::Reset));
    assert_eq!(pair.stats().unknown, 1);
    assert_eq!(pair.received(), 0);
}

#[test]
fn a_call_may_be_accepted_after_its_caller_gave_up() {
    let mut pair = Pair::new(13);
    pair.fault(LinkFault::Slow { factor: 20_000 });
    assert_eq!(pair.connect(100 * MS).err(), Some(Error::TimedOut));
    assert_eq!(pair.accepted.get(), 0);
    pair.world.run_for(10 * SECOND);
    assert_eq!(pair.accepted.get(), 1);
    assert_eq!(pair.stats().late_calls, 1);
    pair.world.mend_links();
    pair.world.run_for(10 * SECOND);
    assert_eq!(*pair.ends.borrow(), [Err(Error::Reset)], "and hears that nobody is there");
    assert_eq!(pair.world.connection_count(), 0);
}

#[test]
fn a_call_through_a_cut_link_succeeds_once_it_is_mended() {
    let mut pair = Pair::new(14);
    pair.world.cut_link(pair.client_node, pair.server);
    assert_eq!(pair.connect(SECOND).err(), Some(Error::TimedOut));
    let (rt, addr, outcome) = (pair.client.clone(), pair.addr, Rc::new(RefCell::new(None)));
    let slot = Rc::clone(&outcome);
    pair.client.spawn("connect", TaskClass::Latency, async move {
        *slot.borrow_mut() = Some(rt.connect(addr, 10 * SECOND).await.map(drop));
    });
    pair.world.run_for(2 * SECOND);
    pair.world.mend_link(pair.client_node, pair.server);
    pair.world.run_for(5 * SECOND);
    assert_eq!(*outcome.borrow(), Some(Ok(())));
}

#[test]
fn a_call_that_is_refused_out_of_earshot_times_out() {
    let mut pair = Pair::new(15);
    pair.world.kill(pair.server);
    pair.world.run_for(SECOND);
    assert_eq!(pair.connect(SECOND).err(), Some(Error::Refused));
    pair.world.cut_link(pair.server, pair.client_node);
    assert_eq!(pair.connect(SECOND).err(), Some(Error::TimedOut));
    assert_eq!(pair.stats().refused, 2);
}

#[test]
fn the_listener_of_a_killed_process_may_outlive_it_a_little() {
    let mut lingering = 0;
    for seed in 0..20 {
        let mut pair = Pair::new(seed);
        pair.world.kill(pair.server);
        let connected = pair.connect(20 * MS);
        lingering += usize::from(connected.is_ok());
        pair.world.run_for(100 * MS);
        if let Ok(conn) = connected {
            assert_eq!(pair.send(&conn, vec![1]), Err(Error::Reset), "seed {seed}");
        }
        assert_eq!(pair.connect(SECOND).err(), Some(Error::Refused), "seed {seed}");
        pair.boot();
        pair.world.run_for(SECOND);
        assert!(pair.connect(SECOND).is_ok(), "seed {seed}: the port is free again");
    }
    assert!((3..18).contains(&lingering), "{lingering} of 20");
}

#[test]
fn after_a_timeout_and_a_new_connection_the_old_one_may_still_deliver() {
    let mut pair = Pair::new(16);
    let old = pair.connect(SECOND).unwrap();
    pair.fault(LinkFault::Clog);
    pair.send(&old, b"old".to_vec()).unwrap();
    pair.world.run_for(20 * SECOND);
    assert_eq!(pair.send(&old, b"x".to_vec()), Err(Error::TimedOut));
    let (rt, addr) = (pair.client.clone(), pair.addr);
    pair.client.spawn("again", TaskClass::Latency, async move {
        let conn = rt.connect(addr, 10 * SECOND).await.unwrap();
        conn.send(vec![Buf::from_static(b"new")], More::Done).await.unwrap();
        conn.wait_closed().await;
    });
    pair.world.run_for(SECOND);
    pair.world.mend_links();
    pair.time_until(6);
    let mut received = pair.received.borrow().clone();
    received.sort_unstable();
    assert_eq!(received, b"delnow", "both arrived");
    assert!(pair.stats().late_segments > 0);
    pair.world.run_for(SECOND);
    assert_eq!(*pair.ends.borrow(), [Err(Error::Reset)], "the old one is known to nobody");
}

#[test]
fn what_a_client_left_behind_when_it_gave_up_arrives_after_the_cut() {
    let mut pair = Pair::new(17);
    let old = pair.connect(SECOND).unwrap();
    pair.world.cut_link(pair.client_node, pair.server);
    pair.send(&old, b"old".to_vec()).unwrap();
    pair.world.run_for(SECOND);
    drop(old);
    pair.world.mend_links();
    pair.time_until(3);
    assert_eq!(pair.stats().late_segments, 1);
    pair.world.run_for(SECOND);
    assert_eq!(*pair.ends.borrow(), [Ok(Buf::EMPTY)]);
    assert_eq!(pair.world.connection_count(), 0);
}

#[test]
fn the_options_of_a_link_are_what_packets_meet() {
    let mut pair = Pair::new(18);
    let options = LinkOptions {
        latency_us: (40_000, 40_000),
        late_one_in: 0,
        bytes_per_second: None,
        ..LinkOptions::default()
    };
    pair.world.set_link(pair.client_node, pair.server, options);
    let conn = pair.connect(SECOND).unwrap();
    pair.send(&conn, vec![1]).unwrap();
    let time = pair.time_until(1);
    assert!(time >= 39 * MS && time < 41 * MS, "{time:?}");
}
