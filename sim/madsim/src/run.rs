//! One run: a broker, clients, faults of one kind, and the checkers' verdict.

use madsim::net::NetSim;
use madsim::runtime::Runtime;
use runtime::Exit;
use sim::checkers::{Fact, Violation, all, event::digest};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::workload::{self, Shared};
use crate::{Machine, broker};

const CLIENTS: u32 = 3;
/// Virtual time of the faults, and of the calm after them.
const FAULTS: Duration = Duration::from_secs(8);
const CALM: Duration = Duration::from_secs(3);
const LIMIT: Duration = Duration::from_secs(600);

/// What happens to the broker meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Faults {
    None,
    /// The process dies and starts again, twice.
    Kill,
    /// It stands still for a while, twice.
    Pause,
    /// Nothing reaches it or leaves it for a while, twice.
    Clog,
}

impl Faults {
    pub const ALL: [Self; 4] = [Self::None, Self::Kill, Self::Pause, Self::Clog];
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub violations: Vec<Violation>,
    /// Equal when clients saw the same facts at the same times.
    pub trace: u64,
    pub acked: usize,
    pub consumed: usize,
    /// Evaluations of all checkers together.
    pub evaluations: u64,
}

/// Runs one seed.
#[must_use]
pub fn run(seed: u64, faults: Faults) -> Report {
    let mut world = Runtime::with_seed_and_config(seed, madsim::Config::default());
    world.set_time_limit(LIMIT);
    let shared = world.block_on(story(seed, faults));
    judge(&shared)
}

async fn story(seed: u64, faults: Faults) -> Arc<Shared> {
    let mut machine = Machine::new("broker", [10, 0, 0, 1].into());
    let shards = 1 + u16::try_from(seed % 2).expect("below 2");
    broker::start(&mut machine, shards);
    let shared = Shared::new(broker::address(&machine));
    let clients: Vec<Machine> = (0..=CLIENTS)
        .map(|number| {
            let last = 10 + u8::try_from(number).expect("a few");
            Machine::new(&format!("client {number}"), [10, 0, 0, last].into())
        })
        .collect();
    let told = Arc::clone(&shared);
    let created = clients[0].run(move |rt| workload::create_topic(rt, told)).await;
    created.expect("the first request of a run");

    let work = clients.iter().zip(0..).map(|(client, number)| {
        let shared = Arc::clone(&shared);
        client.run(move |rt| async move {
            match number {
                0 => workload::consume(rt, shared, number, false).await,
                _ => workload::produce(rt, shared, number).await,
            }
        })
    });
    let mut work: Vec<_> = work.map(Box::pin).collect();
    let trouble = async {
        for _ in 0..2 {
            madsim::time::sleep(FAULTS / 4).await;
            strike(faults, &mut machine, shards).await;
            madsim::time::sleep(FAULTS / 4).await;
        }
        madsim::time::sleep(CALM).await;
        shared.stop.store(true, Ordering::Relaxed);
    };
    join(trouble, async {
        for one in &mut work {
            one.await;
        }
    })
    .await;
    drop(work);

    let told = Arc::clone(&shared);
    clients[0].run(move |rt| workload::consume(rt, told, CLIENTS + 1, true)).await;
    let stop = machine.stopper();
    stop();
    assert_eq!(machine.ended().await, Exit::Clean, "the broker stops in good order");
    shared
}

async fn strike(faults: Faults, machine: &mut Machine, shards: u16) {
    const SPELL: Duration = Duration::from_secs(1);
    match faults {
        Faults::None => {}
        Faults::Kill => {
            machine.kill();
            madsim::time::sleep(SPELL).await;
            broker::start(machine, shards);
        }
        Faults::Pause => {
            machine.pause();
            madsim::time::sleep(SPELL).await;
            machine.resume();
        }
        Faults::Clog => {
            NetSim::current().clog_node(machine.id());
            madsim::time::sleep(SPELL).await;
            NetSim::current().unclog_node(machine.id());
        }
    }
}

/// Both, side by side, on this task.
async fn join(left: impl Future<Output = ()>, right: impl Future<Output = ()>) {
    let (mut left, mut right) = (Box::pin(left), Box::pin(right));
    let (mut left_done, mut right_done) = (false, false);
    std::future::poll_fn(|context| {
        left_done = left_done || left.as_mut().poll(context).is_ready();
        right_done = right_done || right.as_mut().poll(context).is_ready();
        if left_done && right_done { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

fn judge(shared: &Shared) -> Report {
    let mut checkers = all();
    let (mut violations, mut trace, mut acked, mut consumed) = (Vec::new(), 0, 0, 0);
    for event in shared.take_events() {
        trace = digest(format!("{trace:x} {event:?}").as_bytes());
        match &event.fact {
            Fact::Produced(attempt) => {
                acked += usize::from(matches!(
                    attempt.outcome,
                    sim::checkers::event::Outcome::Acked { .. }
                ));
            }
            Fact::Consumed(answer) => consumed += answer.batches.len(),
            _ => {}
        }
        violations.extend(checkers.iter_mut().filter_map(|checker| checker.check(&event).err()));
    }
    for checker in &mut checkers {
        while let Err(violation) = checker.finish() {
            violations.push(violation);
        }
    }
    let evaluations = checkers.iter().map(|checker| checker.evaluations()).sum();
    Report { violations, trace, acked, consumed, evaluations }
}
