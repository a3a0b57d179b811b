//! Draws belong to what they decide: one fault more or less leaves the rest of a run as it was.

use core::cell::RefCell;
use core::time::Duration;
use model::{Buf, Instant, Live};
use runtime::memory::{LinkFault, MemoryMesh, MemoryRuntime, NodeIndex, NodeOptions, World};
use runtime::{Clock, Conn, Listener, More, Net, Spawn, TaskClass};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;

const MS: Duration = Duration::from_millis(1);
const SERVERS: usize = 3;
const CLIENTS: usize = 8;
const MESSAGES: u64 = 400;

/// Which message of which client, and on which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    client: u8,
    message: u64,
    back: bool,
}

/// How long each step took from its sender to its receiver, and when it arrived.
type Steps = Rc<RefCell<BTreeMap<Step, (Duration, Instant)>>>;

fn message(client: u8, number: u64, sent: Instant) -> Vec<Buf> {
    let mut bytes = vec![client];
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(&sent.0.to_le_bytes());
    vec![Buf::from(bytes)]
}

async fn take_step(
    rt: &MemoryRuntime,
    conn: &impl Conn,
    back: bool,
    steps: &Steps,
) -> Option<Step> {
    let (result, bytes) = conn.recv_exact(Vec::with_capacity(17), 17).await;
    result.ok()?;
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let step = Step { client: bytes[0], message: word(1), back };
    let now = rt.now().mono;
    steps.borrow_mut().insert(step, (now.since(Instant(word(9))), now));
    Some(step)
}

async fn serve(rt: MemoryRuntime, addr: SocketAddr, steps: Steps) {
    let listener = rt.listen(addr).await.unwrap();
    loop {
        let conn = listener.accept().await.unwrap();
        let (inner, steps) = (rt.clone(), Rc::clone(&steps));
        rt.spawn("echo", TaskClass::Latency, async move {
            while let Some(step) = take_step(&inner, &conn, false, &steps).await {
                let answer = message(step.client, step.message, inner.now().mono);
                if conn.send(answer, More::Done).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Sends a message each 5 ms and takes the answers; connects again when a connection is lost.
async fn ask(rt: MemoryRuntime, client: u8, addr: SocketAddr, steps: Steps) {
    let start = rt.now().mono;
    let mut number = 0;
    while number < MESSAGES {
        let Ok(conn) = rt.connect(addr, 100 * MS).await else { continue };
        while number < MESSAGES {
            rt.sleep_until(start + 5 * MS * u32::try_from(number).unwrap()).await;
            let sent = conn.send(message(client, number, rt.now().mono), More::Done).await;
            number += 1;
            if sent.is_err() || take_step(&rt, &conn, true, &steps).await.is_none() {
                break;
            }
        }
    }
}

/// Several clients of several servers, with faults here and there; one of them only if asked.
fn run(seed: u64, with_fault: bool) -> BTreeMap<Step, (Duration, Instant)> {
    let mut world = World::new(seed);
    let steps = Steps::default();
    let mut addrs = Vec::new();
    for _ in 0..SERVERS {
        let node = world.add_node(NodeOptions::default());
        let addr = SocketAddr::new(world.ip(node), 9092);
        let kept = Rc::clone(&steps);
        world.boot(node, Live, move |rt: MemoryRuntime, _: MemoryMesh<()>| {
            serve(rt, addr, Rc::clone(&kept))
        });
        addrs.push(addr);
    }
    for client in 0..CLIENTS {
        let rt = world.client();
        let number = u8::try_from(client).unwrap();
        let task = ask(rt.clone(), number, addrs[client % SERVERS], Rc::clone(&steps));
        rt.spawn("client", TaskClass::Latency, task);
    }
    let client = |client: usize| NodeIndex(SERVERS + client);
    world.run_for(300 * MS);
    world.add_link_fault(client(1), NodeIndex(1), LinkFault::Lossy { per_million: 50_000 });
    world.run_for(200 * MS);
    if with_fault {
        assert_eq!(world.reset_connections(client(3), NodeIndex(0)), 1);
        world.add_link_fault(client(3), NodeIndex(0), LinkFault::Slow { factor: 3 });
    }
    world.run_for(50 * MS);
    world.remove_link_fault(client(3), NodeIndex(0), LinkFault::Slow { factor: 3 });
    world.run_for(5_000 * MS);
    steps.take()
}

#[test]
fn a_fault_that_is_dropped_changes_nothing_before_it_and_little_after_it() {
    let (mut common, mut unchanged) = (0, 0);
    for seed in 0..5 {
        let (with, without) = (run(seed, true), run(seed, false));
        // The worlds begin at one second.
        let fault_at = Instant(1_000_000_000) + 500 * MS;
        for (step, (took, at)) in &without {
            let Some((other_took, _)) = with.get(step) else { continue };
            if *at < fault_at {
                assert_eq!(took, other_took, "seed {seed}: {step:?} came before the fault");
            } else if step.client != 3 {
                common += 1;
                unchanged += u64::from(took == other_took);
            }
        }
    }
    assert!(common > 10_000, "{common} steps in both runs");
    assert!(unchanged * 100 >= common * 95, "{unchanged} of {common} unchanged");
}
