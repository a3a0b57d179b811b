//! Lets time pass in a run: whatever is due happens, and checkers look at every step.

use core::ops::ControlFlow;
use core::time::Duration;
use std::rc::Rc;

use model::Instant;

use super::Options;
use super::inspect::Crash;
use super::judge::Judge;
use super::process::Plight;
use super::report::{Counters, Report};
use super::strikes::Schedule;
use crate::checkers::{Fact, Violation};
use crate::cluster::Cluster;
use crate::faults::Machines;
use crate::history::History;
use crate::plan::Plan;
use crate::workload::{Rt, Shared};

/// A run of more events than this hangs.
const EVENTS_MAX: u64 = 100_000_000;
/// Numbers of the harness's own clients start here.
const OWN_CLIENTS: u32 = 1_000;

/// Why a run ended before its last phase.
#[derive(Debug)]
pub(super) enum Stop {
    Violation(Box<Violation>),
    /// The time of [`Options::until_ns`] has come.
    Asked,
}

pub(super) type Step<T = ()> = ControlFlow<Stop, T>;

pub(super) struct Conduct<'p> {
    pub(super) plan: &'p Plan,
    pub(super) options: &'p Options,
    pub(super) cluster: Cluster,
    pub(super) shared: Rc<Shared>,
    pub(super) client_runtimes: Vec<Rt>,
    pub(super) own_runtime: Rt,
    own_clients: u32,
    pub(super) machines: Machines,
    history: History,
    pub(super) judge: Judge,
    pub(super) plight: Plight,
    /// Somebody starts the node again when it has ended.
    pub(super) supervised: bool,
    /// How often in a row the node has ended by itself before it served.
    pub(super) failed_starts: u32,
    pub(super) schedule: Schedule,
    /// The node's process met a fault after which it may have given a log up.
    pub(super) disk_failed: bool,
    /// Disk operations that had failed when the process was started.
    pub(super) disk_errors_at_boot: u64,
    /// The node has crashed and does not serve again yet.
    pub(super) crash: Option<Crash>,
    /// Starts after which the recovered logs were looked at.
    looked_at: u64,
    pub(super) counters: Counters,
}

impl<'p> Conduct<'p> {
    pub(super) fn new(plan: &'p Plan, options: &'p Options) -> Result<Self, String> {
        let history = History::default();
        let mut cluster = Cluster::new(plan, options.bugs.clone());
        cluster.check()?;
        cluster.world.keep_trace(options.keep_events.clone());
        let mut client_runtimes = Vec::new();
        let mut machines = Machines { nodes: vec![cluster.node()], clients: Vec::new() };
        for _ in &plan.clients {
            let (machine, rt) = cluster.world.add_client();
            machines.clients.push(machine);
            client_runtimes.push(rt);
        }
        let own_runtime = cluster.world.client();
        Ok(Self {
            plan,
            options,
            shared: Shared::new(history.clone(), cluster.address(), plan),
            client_runtimes,
            own_runtime,
            own_clients: OWN_CLIENTS,
            machines,
            judge: Judge::new(cluster.node_id(), cluster.node(), options.records),
            cluster,
            history,
            plight: Plight::None,
            supervised: false,
            failed_starts: 0,
            schedule: Schedule::new(&plan.schedule),
            disk_failed: false,
            disk_errors_at_boot: 0,
            crash: None,
            looked_at: 0,
            counters: Counters::default(),
        })
    }

    pub(super) fn next_own_client(&mut self) -> u32 {
        self.own_clients += 1;
        self.own_clients
    }

    pub(super) fn now(&self) -> Instant {
        self.cluster.world.now()
    }

    pub(super) fn tell(&self, fact: Fact) {
        self.history.tell(fact);
    }

    /// Ends the run with a violation of the harness's own.
    pub(super) fn wrong<T>(&self, kind: &str, text: &str) -> Step<T> {
        let violation = Violation::new("run", kind, self.now().0, text.to_owned());
        Step::Break(Stop::Violation(Box::new(violation)))
    }

    // Time.

    /// Lets so much virtual time pass, with everything that is due in it.
    pub(super) fn pass(&mut self, span: Duration) -> Step {
        let end = self.now() + span;
        self.run_until(end, |_| false).map_continue(|_| ())
    }

    /// Runs until the condition holds; false when the limit passed first.
    pub(super) fn wait(&mut self, limit: Duration, holds: impl Fn(&Self) -> bool) -> Step<bool> {
        let end = self.now() + limit;
        self.run_until(end, holds)
    }

    fn run_until(&mut self, end: Instant, holds: impl Fn(&Self) -> bool) -> Step<bool> {
        loop {
            self.attend()?;
            if holds(self) {
                return Step::Continue(true);
            }
            if self.now() >= end {
                return Step::Continue(false);
            }
            self.advance(self.next_due().min(end))?;
        }
    }

    /// One stretch of the world: until `to`, or until something needs attention.
    fn advance(&mut self, to: Instant) -> Step {
        let Self { cluster, judge, history, schedule, shared, .. } = self;
        let awaited = schedule.awaited();
        let node = cluster.node();
        let (life, running) = (cluster.life(), shared.running());
        let Cluster { world, lines, probe, .. } = cluster;
        let stopped = world.run_until(to.since(world.now()), |world| {
            let started = lines.read(world.now());
            judge.absorb(world, history, probe, &awaited);
            started
                || judge.needs_attention()
                || !world.failures().is_empty()
                || world.life(node) != life
                || shared.running() != running
        });
        if !stopped {
            // Nothing happens before `to`: time passes all the same.
            world.run_for(to.since(world.now()));
        }
        if let Some(violation) = self.judge.take_violation() {
            return Step::Break(Stop::Violation(Box::new(violation)));
        }
        let events_max = self.options.events_max.unwrap_or(EVENTS_MAX);
        if self.cluster.world.event_count() > events_max {
            return self.wrong("hang", &format!("more than {events_max} events"));
        }
        if self.options.until_ns.is_some_and(|until| self.now().0 >= until) {
            return Step::Break(Stop::Asked);
        }
        Step::Continue(())
    }

    /// The next moment at which this conductor has something to do.
    fn next_due(&self) -> Instant {
        let restart = self.plight.restart_at().filter(|_| self.supervised);
        let asked = self.options.until_ns.map(Instant);
        let dues = [self.schedule.next_due(), restart, asked];
        dues.into_iter().flatten().min().unwrap_or(Instant::FAR)
    }

    /// Does what is due now.
    fn attend(&mut self) -> Step {
        if self.cluster.start_count() > self.looked_at {
            self.looked_at = self.cluster.start_count();
            self.failed_starts = 0;
            self.tell_recovered();
        }
        self.look_at_node()?;
        self.mend_what_is_over();
        if self.supervised {
            self.restart_if_due()?;
        }
        if self.schedule.is_on() {
            self.strike_what_is_due();
        }
        self.judge.forget_triggers();
        Step::Continue(())
    }

    // The end.

    /// Shows the checkers what was told last, and asks them for their last word.
    pub(super) fn finish_checkers(&mut self) -> Step {
        self.judge.absorb(&self.cluster.world, &self.history, &self.cluster.probe, &[]);
        match self.judge.take_violation().or_else(|| self.judge.finish()) {
            Some(violation) => Step::Break(Stop::Violation(Box::new(violation))),
            None => Step::Continue(()),
        }
    }

    pub(super) fn into_report(mut self, ended: Option<Stop>) -> Report {
        self.counters.recoveries = self.cluster.start_count().saturating_sub(1);
        let violation = match ended {
            Some(Stop::Violation(violation)) => Some(*violation),
            Some(Stop::Asked) | None => None,
        };
        let began_ns = self.schedule.first_began().map(|began| began.0);
        let (strikes, strokes) = self.schedule.into_ledger();
        let seeing = self.judge.into_seeing(&self.cluster.probe);
        let operations = self.shared.performed();
        self.counters.client_operations = operations.values().sum();
        Report {
            began_ns,
            strokes,
            operations,
            ..Report::new(violation, self.counters, seeing, strikes, self.cluster)
        }
    }
}
