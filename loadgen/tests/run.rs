//! Whole runs in virtual time, against the sink and against brokers that misbehave.

use core::time::Duration;
use loadgen::load::{self, Outcome, RunError};
use loadgen::machine::Sample;
use loadgen::plan::{Acks, Pace, Plan};
use loadgen::schedule::Shape;
use loadgen::sink;
use model::Live;
use reports::Metric;
use runtime::Net;
use runtime::memory::{MemoryMesh, MemoryRuntime, NodeOptions, World};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use wire::compression::Compression;

const PORT: u16 = 9092;

fn plan() -> Plan {
    Plan {
        rate_per_s: 4_000.0,
        shape: Shape::Constant,
        record_bytes: 100,
        topics: 2,
        partitions: 3,
        topic: None,
        replication_factor: None,
        topic_configs: BTreeMap::new(),
        acks: Acks::All,
        idempotent: false,
        linger: Duration::from_millis(1),
        batch_bytes: 16_384,
        compression: Compression::default(),
        in_flight: 5,
        producers: 2,
        consumers: 2,
        fetch_max_wait_ms: 100,
        fetch_min_bytes: 1,
        warmup: Duration::from_millis(300),
        duration: Duration::from_secs(2),
        drain: Duration::from_secs(1),
        limits: BTreeMap::new(),
        verify: true,
        pace: Pace::Sleep,
    }
}

/// Runs the plan against a sink on another machine.
fn run(plan: Plan) -> Result<Outcome, RunError> {
    let mut world = World::new(1);
    let node = world.add_node(NodeOptions::default());
    let at = SocketAddr::new(world.ip(node), PORT);
    world.boot(node, Live, move |rt: MemoryRuntime, _: MemoryMesh<()>| async move {
        let listener = rt.listen(at).await.expect("a free port");
        sink::serve(rt, listener).await;
    });
    let client = world.client();
    world.block_on(&client.clone(), async move {
        let bootstrap = [at.to_string()];
        load::run(&client, &plan, &bootstrap, &mut Sample::default, &mut |_| {}).await
    })
}

fn check(plan: Plan) -> Outcome {
    let outcome = run(plan).expect("the sink serves every plan");
    assert!(!outcome.verify.failed(), "{:?}", outcome.verify);
    assert!(!outcome.verify_overflowed);
    outcome
}

#[test]
fn every_record_is_acknowledged_and_consumed_once() {
    let outcome = check(plan());
    assert_eq!(outcome.offered, 8_000);
    assert_eq!(outcome.counts.sent, 8_000);
    assert_eq!(outcome.counts.acked, 8_000);
    assert_eq!(outcome.counts.consumed, 8_000);
    let ack = outcome.latencies.ack.total(0..outcome.latencies.ack.block_count());
    let e2e = outcome.latencies.e2e.total(0..outcome.latencies.e2e.block_count());
    assert_eq!((ack.count(), e2e.count()), (8_000, 8_000));
    assert_eq!(outcome.latencies.service.count(), 8_000);
    assert_eq!(outcome.seconds.len(), 2);
}

#[test]
fn other_shapes_of_load_lose_nothing_either() {
    check(Plan { shape: Shape::Poisson { seed: 5 }, ..plan() });
    check(Plan { idempotent: true, producers: 1, linger: Duration::ZERO, ..plan() });
    check(Plan { producers: 9, consumers: 1, ..plan() });
    check(Plan { batch_bytes: 300, linger: Duration::from_millis(50), ..plan() });
}

#[test]
fn without_acknowledgements_only_consumption_is_measured() {
    let outcome = check(Plan { acks: Acks::None, ..plan() });
    assert_eq!(outcome.counts.consumed, outcome.offered);
    assert_eq!(outcome.latencies.ack.total(0..20).count(), 0);
    assert_eq!(outcome.arrived_in_window / 100, outcome.offered / 100);
}

#[test]
fn without_consumers_only_acknowledgements_are_measured() {
    let plan = Plan { consumers: 0, verify: false, ..plan() };
    assert_eq!(plan.metric(), Metric::Ack);
    let outcome = run(plan).expect("the sink serves every plan");
    assert_eq!(outcome.counts.acked, outcome.offered);
    assert_eq!(outcome.counts.consumed, 0);
}

#[test]
fn nobody_listening_is_an_error_of_the_run() {
    let mut world = World::new(1);
    let node = world.add_node(NodeOptions::default());
    let at = SocketAddr::new(world.ip(node), PORT);
    let client = world.client();
    let result = world.block_on(&client.clone(), async move {
        let bootstrap = [at.to_string()];
        load::run(&client, &plan(), &bootstrap, &mut Sample::default, &mut |_| {}).await
    });
    assert!(matches!(result, Err(RunError::Broker { doing: "connecting", .. })));
}
