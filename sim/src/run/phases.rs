//! The story of a run.

use core::cell::Cell;
use core::ops::ControlFlow;
use core::time::Duration;
use std::rc::Rc;

use model::{Offset, TopicPartition};
use runtime::memory::Life;

use super::conduct::{Conduct, Step, Stop};
use super::groups;
use super::process::Plight;
use crate::checkers::Fact;
use crate::workload::{self, CALL_LIMIT, Seat};

/// How long the first boot, the creation of a topic or a stop may take.
const SETUP_LIMIT: Duration = Duration::from_secs(60);
/// How long clients may take to end, and one partition's final read.
pub(super) const DRAIN_LIMIT: Duration = Duration::from_secs(100);
/// How long a node takes to open all its logs.
const START_LIMIT: Duration = Duration::from_secs(5);
/// Starts until every file has told of its failed writeback.
const STARTS_MAX: usize = 8;
/// Connections that clients have closed are gone on the node's side too after this.
const QUIET: Duration = Duration::from_secs(2);

/// Plays all phases; what broke them off, if anything did.
pub(super) fn play(run: &mut Conduct<'_>) -> Option<Stop> {
    let phases = [set_up, suffer, heal, live, drain, read_all, stop_all];
    for phase in phases {
        if let ControlFlow::Break(stop) = phase(run) {
            return Some(stop);
        }
    }
    run.finish_checkers().break_value()
}

/// The node boots and its topics exist before the first fault.
fn set_up(run: &mut Conduct<'_>) -> Step {
    run.boot()?;
    if !run.wait(SETUP_LIMIT, |run| run.cluster.start_count() > 0)? {
        return run.wrong("boot", "the first start takes longer than a minute");
    }
    for topic in &run.plan.setup.topics {
        let topic = topic.clone();
        let name = topic.name.clone();
        let created = own_client(run, async move |seat| workload::create_topic(seat, topic).await);
        run.wait(SETUP_LIMIT, |_| created.get().is_some())?;
        if created.get() != Some(true) {
            return run.wrong("setup", &format!("topic {name} cannot be created"));
        }
    }
    Step::Continue(())
}

/// Clients and faults.
fn suffer(run: &mut Conduct<'_>) -> Step {
    run.begin_faults();
    run.supervised = true;
    workload::spawn(run.plan, &run.shared, &run.client_runtimes);
    run.pass(Duration::from_micros(run.plan.span.faults_us))
}

/// Every fault ends, and an operator starts a node that is down, stops, or may have given a log up.
fn heal(run: &mut Conduct<'_>) -> Step {
    run.end_faults();
    run.shared.calm.set(true);
    run.supervised = false;
    // One that was asked to stop is still up until it has, and nothing else would start it then.
    let is_leaving = matches!(run.plight, Plight::Stopping { .. });
    let disk_failed = run.disk_may_have_failed();
    if run.cluster.life() == Life::Up && (is_leaving || disk_failed) {
        stop(run)?;
    }
    if run.cluster.life() != Life::Up {
        run.boot()?;
    }
    // Its start may still hear of a failed writeback, and then the next one does the work.
    run.supervised = true;
    if disk_failed { hear_of_failures(run) } else { Step::Continue(()) }
}

/// A log that hears of a failed writeback while it is opened stays offline: its operator starts the node
/// again, until no file has anything to tell.
fn hear_of_failures(run: &mut Conduct<'_>) -> Step {
    for _ in 0..STARTS_MAX {
        run.pass(START_LIMIT)?;
        if run.cluster.life() != Life::Up {
            continue;
        }
        if !run.disk_may_have_failed() {
            break;
        }
        run.supervised = false;
        stop(run)?;
        run.boot()?;
        run.supervised = true;
    }
    Step::Continue(())
}

/// Every partition serves again within the bound.
fn live(run: &mut Conduct<'_>) -> Step {
    let span_us = run.plan.span.liveness_us;
    let known = known_partitions(run);
    let partitions = known.iter().map(|(_, at)| *at).collect();
    run.tell(Fact::Healed { bound_ns: span_us * 1_000, partitions });
    run.tell(Fact::GroupsHealed { bound_ns: span_us * 1_000, expected: groups::expected(run) });
    for (topic, at) in known {
        own_client(run, async move |seat| workload::pulse(seat, topic, at).await);
    }
    run.pass(Duration::from_micros(span_us))
}

/// Clients finish what they wait for.
fn drain(run: &mut Conduct<'_>) -> Step {
    run.shared.stop.set(true);
    if !run.wait(DRAIN_LIMIT + 4 * CALL_LIMIT, |run| run.shared.running() == 0)? {
        return run.wrong("drain", "a client waits for an answer for longer than its own limits");
    }
    Step::Continue(())
}

/// Every partition is read from its start to its end.
fn read_all(run: &mut Conduct<'_>) -> Step {
    run.shared.stop.set(false);
    for (topic, at) in known_partitions(run) {
        let done = own_client(run, async move |mut seat: Seat| {
            workload::read_to_end(&mut seat, &topic, at, Offset::ZERO).await
        });
        run.wait(DRAIN_LIMIT, |_| done.get().is_some())?;
        if done.get() != Some(true) {
            let text = format!("{}-{} cannot be read to its end", at.topic, at.partition);
            return run.wrong("final-read", &text);
        }
    }
    groups::read_offsets(run)
}

/// The node gives back what it used and stops in good order; what it wrote is read from the files.
fn stop_all(run: &mut Conduct<'_>) -> Step {
    run.supervised = false;
    run.pass(QUIET)?;
    run.tell_resources();
    stop(run)?;
    run.tell_final_logs();
    Step::Continue(())
}

fn stop(run: &mut Conduct<'_>) -> Step {
    run.ask_to_stop();
    if !run.wait(SETUP_LIMIT, |run| run.cluster.life() != Life::Up)? {
        return run.wrong("stop", "the node does not stop within a minute");
    }
    Step::Continue(())
}

pub(super) fn known_partitions(run: &Conduct<'_>) -> Vec<(String, TopicPartition)> {
    let topics = run.shared.topics.borrow();
    let named = |(name, topic): (&String, &workload::KnownTopic)| {
        let name = name.clone();
        topic.partitions().map(move |at| (name.clone(), at)).collect::<Vec<_>>()
    };
    topics.iter().flat_map(named).collect()
}

/// Runs a client of the harness itself; the cell holds its result when it has ended.
pub(super) fn own_client(
    run: &mut Conduct<'_>,
    work: impl AsyncFnOnce(Seat) -> bool + 'static,
) -> Rc<Cell<Option<bool>>> {
    let done = Rc::new(Cell::new(None));
    let result = Rc::clone(&done);
    let number = run.next_own_client();
    let seat = Seat::new(&run.shared, run.own_runtime.clone(), number);
    workload::spawn_counted(seat, async move |seat| result.set(Some(work(seat).await)));
    done
}
