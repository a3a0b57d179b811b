//! Power losses: whatever was acknowledged is there afterwards, at its offset, once.
//!
//! Each seed is a run of its own: who produces what, when the power goes, and what the disk loses.
//! The same check must fail when a bug is planted that breaks the promise.

mod support;

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::collections::BTreeMap;
use std::rc::Rc;

use model::{Bug, ProducerEpoch, ProducerId};
use runtime::memory::{Life, PowerLoss};
use runtime::{Clock, Exit, Spawn, TaskClass};
use support::*;
use wire::batch::BatchProducer;

const PARTITIONS: i32 = 4;
const PRODUCERS: i32 = 3;

/// What producers were told: value by partition and offset.
type Acknowledged = BTreeMap<(i32, i64), String>;

#[derive(Debug, Clone, Copy)]
struct Run {
    seed: u64,
    shards: u16,
    bug: Option<Bug>,
    how: PowerLoss,
    /// Virtual time between a start and the power loss.
    life: Duration,
}

/// Segments roll after this much record time.
const SEGMENT_MS: i64 = 40;

/// Produces through two power losses. The error names the first broken promise.
fn survives(run: Run) -> Result<(), String> {
    let mut broker = Broker::new(run.seed, run.shards);
    broker.bug = run.bug;
    broker.start();
    let segment_ms = SEGMENT_MS.to_string();
    broker.create_topic(TOPIC, PARTITIONS, &[("segment.ms", &segment_ms)]);
    let acknowledged = Rc::new(RefCell::new(Acknowledged::new()));
    for life in 0..2 {
        let stop = Rc::new(Cell::new(false));
        for producer in 0..PRODUCERS {
            spawn_producer(&broker, life * PRODUCERS + producer, &acknowledged, &stop);
        }
        broker.world.run_for(run.life);
        stop.set(true);
        broker.world.power_loss(broker.node, run.how);
        broker.world.run_for(Duration::from_secs(1));
        broker.start();
        let found = read_everything(&mut broker);
        let acknowledged = acknowledged.borrow();
        if acknowledged.is_empty() {
            return Err("nothing was acknowledged: the run proves nothing".to_owned());
        }
        for (place, value) in acknowledged.iter() {
            if found.get(place) != Some(value) {
                return Err(format!(
                    "life {life}: {place:?} was acknowledged as {value}, found {:?}",
                    found.get(place)
                ));
            }
        }
        let mut values: Vec<_> = found.values().collect();
        values.sort_unstable();
        if let Some(twice) = values.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("life {life}: {} is stored twice", twice[0]));
        }
    }
    Ok(())
}

/// Sends one record after the other to all partitions, idempotently, until told to stop.
fn spawn_producer(
    broker: &Broker,
    number: i32,
    acknowledged: &Rc<RefCell<Acknowledged>>,
    stop: &Rc<Cell<bool>>,
) {
    let (rt, at) = (broker.client_runtime(), broker.address());
    let (acknowledged, stop) = (Rc::clone(acknowledged), Rc::clone(stop));
    let task_rt = rt.clone();
    rt.spawn("producer", TaskClass::Latency, async move {
        let connection = connection(&task_rt, at).await;
        let id = ProducerId(i64::from(number) + 1_000_000);
        for sequence in 0.. {
            let producer = BatchProducer { id, epoch: ProducerEpoch(0), base_sequence: sequence };
            let value = |partition| format!("{number}/{partition}/{sequence}");
            let record =
                |partition| batch_at(sequence.into(), &[&value(partition)], Some(producer));
            let parts: Vec<_> =
                (0..PARTITIONS).map(|partition| (partition, record(partition))).collect();
            if stop.get() {
                return;
            }
            let Ok(answers) = produce(&connection, TOPIC, &parts).await else { return };
            for answer in answers {
                assert_eq!(answer.error_code, 0, "producer {number} sequence {sequence}");
                let place = (answer.index, answer.base_offset);
                acknowledged.borrow_mut().insert(place, value(answer.index));
            }
            task_rt.yield_now().await;
        }
    });
}

fn read_everything(broker: &mut Broker) -> BTreeMap<(i32, i64), String> {
    broker.run(async |rt, at| {
        let mut found = BTreeMap::new();
        for partition in 0..PARTITIONS {
            for (offset, value) in read_all(&rt, at, partition).await {
                found.insert((partition, offset), value);
            }
        }
        found
    })
}

#[test]
fn an_acknowledged_record_survives_every_power_loss() {
    for seed in 0..12u64 {
        for (shards, how) in [
            (1, PowerLoss::Drawn),
            (2, PowerLoss::Drawn),
            (if seed % 2 == 0 { 1 } else { 2 }, PowerLoss::KeepsNothing),
        ] {
            let life = Duration::from_millis(15 + seed * 7 % 40);
            let run = Run { seed, shards, bug: None, how, life };
            if let Err(broken) = survives(run) {
                panic!("{run:?}: {broken}");
            }
        }
    }
}

/// The first seeds are enough to notice the bug.
fn is_caught(bug: Bug, shards: u16, life: Duration) {
    let how = PowerLoss::KeepsNothing;
    let run = |seed| Run { seed, shards, bug: Some(bug), how, life };
    let caught = (0..4).any(|seed| survives(run(seed)).is_err());
    assert!(caught, "{bug:?} was not noticed with {shards} shards");
}

#[test]
fn acknowledging_before_the_sync_is_caught() {
    is_caught(Bug::AckBeforeSync, 1, Duration::from_millis(20));
    is_caught(Bug::AckBeforeSync, 2, Duration::from_millis(20));
}

#[test]
fn a_directory_that_is_not_synced_is_caught() {
    // Only after the journal's space was used again is the segment the only copy.
    is_caught(Bug::DirectoryNotSynced, 1, Duration::from_millis(300));
    is_caught(Bug::DirectoryNotSynced, 2, Duration::from_millis(300));
}

#[test]
fn a_slow_disk_delays_acknowledgements_and_loses_none() {
    let mut broker = Broker::started(77, 1);
    broker.create_topic(TOPIC, PARTITIONS, &[]);
    broker.world.slow_disk(broker.node, 50);
    let acknowledged = Rc::new(RefCell::new(Acknowledged::new()));
    let stop = Rc::new(Cell::new(false));
    spawn_producer(&broker, 0, &acknowledged, &stop);
    broker.world.run_for(Duration::from_secs(2));
    stop.set(true);
    broker.world.power_loss(broker.node, PowerLoss::KeepsNothing);
    broker.world.slow_disk(broker.node, 1);
    broker.start();
    let found = read_everything(&mut broker);
    assert!(!acknowledged.borrow().is_empty());
    assert!(acknowledged.borrow().iter().all(|(place, value)| found.get(place) == Some(value)));
}

#[test]
fn a_start_that_is_asked_to_stop_ends_soon_and_loses_nothing() {
    let mut cut_short = 0;
    for seed in 0..24u64 {
        let mut broker = Broker::started(seed, 1 + (seed % 2) as u16);
        broker.create_topic(TOPIC, PARTITIONS, &[]);
        let acknowledged = Rc::new(RefCell::new(Acknowledged::new()));
        spawn_producer(&broker, 0, &acknowledged, &Rc::default());
        broker.world.run_for(Duration::from_millis(30));
        broker.world.power_loss(broker.node, PowerLoss::Drawn);
        broker.world.slow_disk(broker.node, 50);
        broker.start();
        broker.world.run_for(Duration::from_millis(seed * 5));
        let asked = broker.client_runtime().now().mono;
        assert_eq!(broker.stop(), Life::Exited(Exit::Clean), "seed {seed}");
        let took = broker.client_runtime().now().mono.since(asked);
        cut_short += u32::from(took < Duration::from_millis(1));
        broker.world.slow_disk(broker.node, 1);
        broker.start();
        let found = read_everything(&mut broker);
        for (place, value) in acknowledged.borrow().iter() {
            assert_eq!(found.get(place), Some(value), "seed {seed}: {place:?}");
        }
    }
    assert!(cut_short > 0, "every start was over before it was asked to stop");
}
