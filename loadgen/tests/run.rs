//! Whole runs in virtual time, against the sink and against brokers that misbehave.

use client::history::{End, Entry, ProducedOutcome, Reader};
use core::time::Duration;
use loadgen::load::{self, Outcome, RunError};
use loadgen::machine::Sample;
use loadgen::plan::{Acks, Pace, Plan};
use loadgen::report::{self, Circumstances};
use loadgen::schedule::Shape;
use loadgen::sink;
use model::Live;
use reports::Metric;
use runtime::memory::{MemoryMesh, MemoryRuntime, NodeIndex, NodeOptions, World};
use runtime::{Disk, Net, Open, Spawn, TaskClass};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
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
        history: None,
        pace: Pace::Sleep,
    }
}

/// A world with a sink, and its address.
fn with_a_sink() -> (World, NodeIndex, SocketAddr) {
    let mut world = World::new(1);
    let node = world.add_node(NodeOptions::default());
    let at = SocketAddr::new(world.ip(node), PORT);
    world.boot(node, Live, move |rt: MemoryRuntime, _: MemoryMesh<()>| async move {
        let listener = rt.listen(at).await.expect("a free port");
        sink::serve(rt, listener).await;
    });
    (world, node, at)
}

type Pending = Rc<RefCell<Option<Result<Outcome, RunError>>>>;

/// Starts the usual plan on a machine of its own, added last.
fn start(world: &mut World, at: SocketAddr) -> Pending {
    let client = world.client();
    let result = Rc::new(RefCell::new(None));
    let (rt, slot) = (client.clone(), Rc::clone(&result));
    client.spawn("run", TaskClass::Latency, async move {
        let (plan, bootstrap) = (plan(), [at.to_string()]);
        let run = load::run(&rt, &plan, &bootstrap, &mut Sample::default, &mut |_| {}).await;
        *slot.borrow_mut() = Some(run);
    });
    result
}

/// Runs the plan against a sink on another machine.
fn run(plan: Plan) -> Result<Outcome, RunError> {
    let (mut world, _, at) = with_a_sink();
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
    let short = || Plan { duration: Duration::from_millis(500), ..plan() };
    check(Plan { shape: Shape::Poisson { seed: 5 }, ..short() });
    check(Plan { idempotent: true, producers: 1, linger: Duration::ZERO, ..short() });
    check(Plan { producers: 9, consumers: 1, ..short() });
    check(Plan { batch_bytes: 300, linger: Duration::from_millis(50), ..short() });
}

#[test]
fn without_acknowledgements_only_consumption_is_measured() {
    let outcome = check(Plan { acks: Acks::None, ..plan() });
    assert_eq!(outcome.counts.consumed, outcome.offered);
    assert_eq!(outcome.latencies.ack.total(0..20).count(), 0);
    // What is on its way at the start of the window is as much as at its end, or nearly.
    assert!(outcome.arrived_in_window.abs_diff(outcome.offered) < 100);
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
fn every_record_due_in_a_stall_counts_with_its_wait() {
    let (mut world, node, at) = with_a_sink();
    let us = NodeIndex(node.0 + 1);
    let result = start(&mut world, at);
    world.run_for(Duration::from_secs(1));
    for (from, to) in [(us, node), (node, us)] {
        world.cut_link(from, to);
    }
    world.run_for(Duration::from_millis(400));
    for (from, to) in [(us, node), (node, us)] {
        world.mend_link(from, to);
    }
    assert!(world.run_until(Duration::from_secs(60), |_| result.borrow().is_some()));
    let outcome = result.take().expect("just seen").expect("the connection survives");
    let ack = outcome.latencies.ack.total(0..20);
    assert_eq!(ack.count(), outcome.offered, "every record counts");
    // 4,000 records a second were due in the stall, evenly, also while the network waited to try
    // again: in any 200 ms of waiting there are 800 of them.
    let waited = |us| ack.samples().filter(|(value, _)| *value > us).map(|(_, count)| count).sum();
    let (long, short): (u64, u64) = (waited(300_000), waited(100_000));
    assert!(long >= 350, "{long} records waited more than 300 ms");
    let between = short - long;
    assert!((750..850).contains(&between), "{between} records waited 100 to 300 ms");
}

#[test]
fn a_broker_that_dies_ends_the_run() {
    let (mut world, node, at) = with_a_sink();
    let result = start(&mut world, at);
    world.run_for(Duration::from_secs(1));
    world.kill(node);
    assert!(world.run_until(Duration::from_secs(60), |_| result.borrow().is_some()));
    let run = result.take().expect("just seen");
    assert!(matches!(run, Err(RunError::Broker { .. })));
}

#[test]
fn a_report_has_the_fields_that_other_tools_rely_on() {
    let plan = Plan { limits: BTreeMap::from([("p99_us".to_owned(), 50_000)]), ..plan() };
    let outcome = check(plan.clone());
    let floor = report::floor(&outcome, plan.metric());
    let circumstances = Circumstances {
        name: "test".to_owned(),
        started_at: reports::utc(0),
        command: "loadgen".to_owned(),
        labels: reports::Labels::default(),
    };
    let report = report::report(&plan, &outcome, Some(floor), circumstances);
    let json = serde_json::to_value(&report).unwrap();
    let names = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().expect("an object").keys().cloned().collect()
    };
    let shown = ["target", "records", "e2e", "floor", "throughput", "resources", "verify"]
        .map(|part| format!("{part}: {}", names(&json[part]).join(" ")));
    expect_test::expect![[r#"
        achieved_rate ack command deliver duration_s e2e floor intervals invalid_reasons labels lag missed_reasons name offered records resources schema service started_at target throughput upper_bound valid verdict verify warnings
        target: metric p99_us rate
        records: acked consumed errors not_sent sent timeouts
        e2e: ci count episodes hdr max_us p50_us p90_us p9999_us p999_us p99_us
        floor: hdr metric p50_us p999_us p99_us
        throughput: mb_per_s records_per_s
        resources: broker_cpu_s broker_rss_bytes bytes_written_per_byte client_busy_ratio client_cpu_s cpu_s_per_million device_bytes_written_per_byte machine_cpu_s steal_ratio writeback_in_window
        verify: corrupted duplicated examples lost reordered"#]].assert_eq(&format!("{}\n{}", names(&json).join(" "), shown.join("\n")));
    let back: reports::Report = serde_json::from_value(json).unwrap();
    assert_eq!(back, report);
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

/// Runs a plan that writes a history, and reads it back.
fn history_of(plan: Plan) -> (Vec<Entry>, End) {
    let path = Path::new("/history");
    let (mut world, _, at) = with_a_sink();
    let client = world.client();
    let plan = Plan { history: Some(path.to_owned()), ..plan };
    let bytes = world.block_on(&client.clone(), async move {
        let bootstrap = [at.to_string()];
        let run = load::run(&client, &plan, &bootstrap, &mut Sample::default, &mut |_| {}).await;
        let outcome = run.expect("the sink serves every plan");
        assert_eq!(outcome.unrecorded, 0);
        let file = client.open(path, Open::Read).await.expect("a history");
        let len = usize::try_from(client.len(&file).await.unwrap()).unwrap();
        let (read, bytes) = client.read(&file, 0, Vec::with_capacity(len), len).await;
        read.unwrap();
        bytes
    });
    let mut reader = Reader::open(&bytes[..]).expect("a header");
    let entries = core::iter::from_fn(|| reader.next_entry().expect("readable")).collect();
    (entries, reader.end().expect("an end entry"))
}

#[test]
fn the_history_has_every_batch_as_it_was_sent_and_as_it_came_back() {
    for idempotent in [false, true] {
        let (entries, end) = history_of(Plan { idempotent, ..plan() });
        assert!(end.caught_up);
        let (mut sent, mut given) = (BTreeMap::new(), BTreeMap::new());
        for entry in entries {
            match entry {
                Entry::Produced(it) => {
                    let ProducedOutcome::Acked { base_offset: Some(base) } = it.outcome else {
                        panic!("the sink acknowledges everything: {it:?}")
                    };
                    assert!(it.at_ns > it.invoked_ns);
                    sent.insert((it.place, base), (it.count, it.hash.unwrap(), it.producer));
                }
                Entry::Consumed(it) => {
                    assert!(it.high_watermark.is_some_and(|mark| mark > it.last_offset));
                    let content = (it.count, it.hash.unwrap(), it.producer);
                    given.insert((it.place, it.base_offset), content);
                }
                Entry::End(_) => unreachable!("the reader keeps it"),
            }
        }
        // 4,000 records a second for 2.3 seconds.
        assert_eq!(sent.values().map(|it| it.0).sum::<u32>(), 9_200);
        assert_eq!(sent.values().all(|it| it.2.is_some()), idempotent);
        assert_eq!(sent, given);
    }
}
