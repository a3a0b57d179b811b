//! What is left out or made smaller, in which order.
//!
//! What cannot matter goes first (refused faults, whatever comes after the failure), then what takes
//! the most time in each run, clients and large values, so that the long search among faults is made
//! of short runs; then single requests, settings and durations.

use super::ddmin::ddmin;
use super::size::{Size, is_active, silence};
use super::trials::{Failure, Trials};
use crate::faults::refusal;
use crate::plan::{AdminOperation, ClientPlan, Machine, Mischief, Plan, Target};

/// After the failure's time a little is left: under another scheduler seed it comes later.
const TAIL_US: u64 = 500_000;
/// The whole list of passes is gone through at most so often.
const ROUNDS_MAX: usize = 3;
/// Without it the broker refuses members with sessions as short as those of a run, and no group would
/// ever settle: another failure under the same name.
const KEPT_PROPERTY: &str = "group.min.session.timeout.ms";
/// Its liveness bound is what this checker judges by: shortening it would make failures.
const LIVENESS: &str = "c11-";

pub(super) struct Shrinking<'r, 't> {
    plan: Plan,
    failure: Failure,
    trials: Trials<'r>,
    tell: &'t mut dyn FnMut(&str),
    /// The plan after each pass that achieved something.
    steps: Vec<Plan>,
}

impl<'r, 't> Shrinking<'r, 't> {
    pub(super) fn new(
        plan: Plan,
        failure: Failure,
        trials: Trials<'r>,
        tell: &'t mut dyn FnMut(&str),
    ) -> Self {
        Self { steps: vec![plan.clone()], plan, failure, trials, tell }
    }

    /// The plans on the way, the smallest last.
    pub(super) fn run(mut self) -> (Vec<Plan>, Trials<'r>) {
        self.pass("what is refused", Self::drop_refused);
        self.pass("the time after the failure", Self::cut_tail);
        self.raise_the_bar();
        for _ in 0..ROUNDS_MAX {
            let before = self.plan.clone();
            self.pass("clients", Self::silence_clients);
            self.pass("idle clients", Self::remove_idle);
            self.pass("what is written", Self::simpler_writes);
            self.pass("faults", Self::drop_faults);
            self.pass("operations", Self::fewer_operations);
            self.pass("the setup", Self::simpler_setup);
            self.pass("durations", Self::shorter_faults);
            self.pass("the time before the first fault", Self::cut_head);
            if self.plan == before {
                break;
            }
        }
        self.pass("idle clients", Self::remove_idle);
        (self.steps, self.trials)
    }

    fn pass(&mut self, what: &str, pass: impl FnOnce(&mut Self)) {
        let before = self.plan.clone();
        pass(self);
        if self.plan == before {
            return;
        }
        let size = Size::of(&self.plan, &self.failure.operations);
        let seconds = self.trials.wall().as_secs();
        (self.tell)(&format!("{what}: {size} ({} runs, {seconds} s)", self.trials.runs));
        self.steps.push(self.plan.clone());
    }

    /// Takes the candidate if it still fails.
    fn attempt(&mut self, candidate: Plan) -> bool {
        if candidate == self.plan {
            return true;
        }
        let Some((plan, failure)) = self.trials.fails(&candidate) else { return false };
        (self.plan, self.failure) = (plan, failure);
        true
    }

    fn with(&mut self, change: impl FnOnce(&mut Plan)) -> bool {
        let mut candidate = self.plan.clone();
        change(&mut candidate);
        self.attempt(candidate)
    }

    /// A failure that several seeds show keeps being shown by several.
    fn raise_the_bar(&mut self) {
        self.trials.needed = 2;
        let plan = self.plan.clone();
        if self.trials.fails(&plan).is_none() {
            self.trials.needed = 1;
        }
    }

    fn drop_refused(&mut self) {
        self.with(|plan| {
            let setup = plan.setup.clone();
            plan.schedule.retain(|fault| !fault.refused && refusal(fault, &setup).is_none());
        });
    }

    /// Nothing that comes after the failure can have caused it.
    fn cut_tail(&mut self) {
        let end_us = self.failure.at_us.saturating_add(TAIL_US);
        self.with(|plan| {
            plan.span.faults_us = plan.span.faults_us.min(end_us);
            plan.schedule.retain(|fault| fault.at_us <= end_us);
            for client in &mut plan.clients {
                if let ClientPlan::Admin(admin) = client {
                    admin.operations.retain(|operation| operation.at_us() <= end_us);
                }
            }
        });
        // What is found after the heal is often there long before.
        for percent in [20, 50, 80] {
            let shorter_us = self.plan.span.faults_us / 100 * percent;
            if self.with(|plan| plan.span.faults_us = shorter_us) {
                break;
            }
        }
        if !self.failure.class.starts_with(LIVENESS) {
            for percent in [10, 40] {
                let shorter_us = (self.plan.span.liveness_us / 100 * percent).max(TAIL_US);
                if self.with(|plan| plan.span.liveness_us = shorter_us) {
                    break;
                }
            }
        }
    }

    fn drop_faults(&mut self) {
        let faults = self.plan.schedule.clone();
        ddmin(faults, |kept| self.with(|plan| plan.schedule = kept.to_vec()));
        self.cut_tail();
    }

    fn active(&self) -> Vec<usize> {
        let clients = self.plan.clients.iter().enumerate();
        clients.filter(|(_, client)| is_active(client)).map(|(index, _)| index).collect()
    }

    fn silence_clients(&mut self) {
        ddmin(self.active(), |kept| {
            self.with(|plan| {
                for (index, client) in plan.clients.iter_mut().enumerate() {
                    if !kept.contains(&index) {
                        silence(client);
                    }
                }
            })
        });
    }

    fn fewer_operations(&mut self) {
        // All at once, then one by one.
        let active = self.active();
        self.start_later(&active);
        for index in active {
            self.start_later(&[index]);
            self.end_earlier(index);
            self.slow_down(index);
            self.fewer_changes(index);
        }
        self.cut_tail();
    }

    /// The clients miss the beginning: all but a part of the time, or all until shortly before a fault.
    fn start_later(&mut self, indexes: &[usize]) {
        let whole_us = self.failure.at_us.min(self.plan.span.faults_us);
        let faults = self.plan.schedule.iter().map(|fault| fault.at_us);
        let before = |lead_us: u64| move |at_us: u64| at_us.saturating_sub(lead_us);
        let mut starts: Vec<u64> = faults.clone().map(before(1_000_000)).collect();
        starts.extend(faults.map(before(10_000)));
        starts.extend([15, 14, 12, 10, 8, 6, 4, 2].map(|sixteenths| whole_us / 16 * sixteenths));
        starts.sort_unstable();
        for at_us in starts.into_iter().rev() {
            let is_later =
                indexes.iter().any(|index| starts_us(&self.plan.clients[*index]) < at_us);
            if is_later && self.with(|plan| starts_at(plan, indexes, at_us)) {
                return;
            }
        }
    }

    /// The client is done after fewer rounds.
    fn end_earlier(&mut self, index: usize) {
        let mut rounds = self.rounds(index);
        for eighths in [1, 2, 4, 5, 6, 7, 4, 6, 7] {
            let fewer = rounds * eighths / 8;
            if fewer > 0 && fewer < rounds && self.set_rounds(index, fewer) {
                rounds = fewer;
            }
        }
        while rounds > 1 && rounds <= 8 && self.set_rounds(index, rounds - 1) {
            rounds -= 1;
        }
    }

    /// At most so many, as the latest failure shows: one request at least is made in each.
    fn rounds(&self, index: usize) -> u64 {
        let number = u32::try_from(index + 1).expect("few clients");
        self.failure.operations.get(&number).copied().unwrap_or_default()
    }

    /// The client takes more time between two rounds.
    fn slow_down(&mut self, index: usize) {
        for factor in [16, 4, 2] {
            if self.rounds(index) <= 4 {
                return;
            }
            self.with(|plan| match &mut plan.clients[index] {
                ClientPlan::Producer(client) => client.pause_us *= factor,
                ClientPlan::Consumer(client) => client.pause_us *= factor,
                // A slower one would lose its session.
                ClientPlan::Member(_) => {}
                ClientPlan::Admin(_) | ClientPlan::Crowd(_) => {}
            });
        }
    }

    fn set_rounds(&mut self, index: usize, rounds: u64) -> bool {
        self.with(|plan| match &mut plan.clients[index] {
            ClientPlan::Producer(client) => client.rounds_max = Some(rounds),
            ClientPlan::Consumer(client) => client.rounds_max = Some(rounds),
            ClientPlan::Member(client) => client.rounds_max = Some(rounds),
            ClientPlan::Crowd(client) => {
                client.connections = u16::try_from(rounds).unwrap_or(u16::MAX);
            }
            ClientPlan::Admin(_) => {}
        })
    }

    fn fewer_changes(&mut self, index: usize) {
        let ClientPlan::Admin(admin) = &self.plan.clients[index] else { return };
        ddmin(admin.operations.clone(), |kept: &[AdminOperation]| {
            self.with(|plan| {
                if let ClientPlan::Admin(admin) = &mut plan.clients[index] {
                    admin.operations = kept.to_vec();
                }
            })
        });
    }

    /// Defaults instead of drawn values, first for everything.
    fn simpler_setup(&mut self) {
        self.with(|plan| plan.setup.limits.clear());
        self.with(|plan| plan.setup.properties.retain(|name, _| name == KEPT_PROPERTY));
        for name in self.plan.setup.limits.clone().into_keys() {
            self.with(|plan| plan.setup.limits.retain(|it, _| *it != name));
        }
        for name in self.plan.setup.properties.clone().into_keys() {
            if name == KEPT_PROPERTY {
                continue;
            }
            self.with(|plan| plan.setup.properties.retain(|it, _| *it != name));
        }
        self.with(|plan| plan.setup.rare_choices = false);
        self.with(|plan| plan.setup.side_pool_len = None);
        self.with(|plan| plan.setup.wall_offset_ms = 0);
        self.with(|plan| plan.setup.shards = 1);
        self.with(|plan| plan.setup.directories = 1);
        self.drop_topics();
        for index in 0..self.plan.setup.topics.len() {
            self.with(|plan| plan.setup.topics[index].configs.clear());
            for name in self.plan.setup.topics[index].configs.clone().into_keys() {
                self.with(|plan| plan.setup.topics[index].configs.retain(|it, _| *it != name));
            }
            for partitions in 1..self.plan.setup.topics[index].partitions {
                if self.with(|plan| plan.setup.topics[index].partitions = partitions) {
                    break;
                }
            }
        }
    }

    fn drop_topics(&mut self) {
        for topic in self.plan.setup.topics.clone() {
            if self.plan.setup.topics.len() > 1 {
                self.with(|plan| plan.setup.topics.retain(|it| it.name != topic.name));
            }
        }
    }

    fn shorter_faults(&mut self) {
        for index in 0..self.plan.schedule.len() {
            self.with(|plan| plan.schedule[index].after = None);
            for divisor in [100, 10, 3] {
                let shorter_us = self.plan.schedule[index].duration_us / divisor;
                if self.with(|plan| plan.schedule[index].duration_us = shorter_us) {
                    break;
                }
            }
        }
    }

    fn simpler_writes(&mut self) {
        for index in self.active() {
            self.with(|plan| match &mut plan.clients[index] {
                ClientPlan::Producer(client) => {
                    "none".clone_into(&mut client.codec);
                    client.records_max = 1;
                    client.value_bytes_max = client.value_bytes_max.min(16);
                    client.in_flight = 1;
                }
                ClientPlan::Consumer(client) => {
                    client.seek_every = 0;
                    client.look_up_every = 0;
                }
                ClientPlan::Member(client) => client.mischief = Mischief::default(),
                ClientPlan::Crowd(client) => client.half_frames = 0,
                ClientPlan::Admin(_) => {}
            });
            self.with(|plan| {
                if let ClientPlan::Producer(client) = &mut plan.clients[index] {
                    client.in_flight = 1;
                }
            });
        }
    }

    /// Everything happens earlier by the time in which nothing does.
    fn cut_head(&mut self) {
        let starts = self.plan.clients.iter().filter(|client| is_active(client)).map(starts_us);
        let faults = self.plan.schedule.iter().map(|fault| fault.at_us);
        let quiet_us = starts.chain(faults).min().unwrap_or_default();
        self.with(|plan| {
            plan.span.faults_us -= quiet_us.min(plan.span.faults_us);
            for fault in &mut plan.schedule {
                fault.at_us -= quiet_us;
            }
            for client in &mut plan.clients {
                match client {
                    ClientPlan::Producer(it) => {
                        it.starts_us = it.starts_us.saturating_sub(quiet_us)
                    }
                    ClientPlan::Consumer(it) => {
                        it.starts_us = it.starts_us.saturating_sub(quiet_us)
                    }
                    ClientPlan::Member(it) => it.starts_us = it.starts_us.saturating_sub(quiet_us),
                    ClientPlan::Crowd(it) => it.starts_us = it.starts_us.saturating_sub(quiet_us),
                    ClientPlan::Admin(it) => it.operations.iter_mut().for_each(|operation| {
                        *operation.at_us_mut() -= quiet_us.min(operation.at_us());
                    }),
                }
            }
        });
    }

    /// Idle clients leave. Those after them get other numbers, and with them other luck.
    fn remove_idle(&mut self) {
        for index in (0..self.plan.clients.len()).rev() {
            if is_active(&self.plan.clients[index]) {
                continue;
            }
            let number = u16::try_from(index + 1).expect("few clients");
            let is_hit = self.plan.schedule.iter().any(|fault| names(fault.target, number));
            if is_hit {
                continue;
            }
            self.with(|plan| {
                plan.clients.remove(index);
                for fault in &mut plan.schedule {
                    fault.target = renumbered(fault.target, number);
                }
            });
        }
    }
}

fn starts_us(client: &ClientPlan) -> u64 {
    match client {
        ClientPlan::Producer(plan) => plan.starts_us,
        ClientPlan::Consumer(plan) => plan.starts_us,
        ClientPlan::Member(plan) => plan.starts_us,
        ClientPlan::Crowd(plan) => plan.starts_us,
        ClientPlan::Admin(plan) => plan.operations.first().map_or(0, AdminOperation::at_us),
    }
}

fn starts_at(plan: &mut Plan, indexes: &[usize], at_us: u64) {
    for index in indexes {
        match &mut plan.clients[*index] {
            ClientPlan::Producer(client) => client.starts_us = client.starts_us.max(at_us),
            ClientPlan::Consumer(client) => client.starts_us = client.starts_us.max(at_us),
            ClientPlan::Member(client) => client.starts_us = client.starts_us.max(at_us),
            ClientPlan::Crowd(client) => client.starts_us = client.starts_us.max(at_us),
            ClientPlan::Admin(_) => {}
        }
    }
}

fn names(target: Target, number: u16) -> bool {
    let client = Machine::Client(number);
    match target {
        Target::At(machine) => machine == client,
        Target::Link { from, to } => from == client || to == client,
    }
}

/// The same machine when client `removed` is gone.
fn renumbered(target: Target, removed: u16) -> Target {
    let machine = |machine| match machine {
        Machine::Client(number) if number > removed => Machine::Client(number - 1),
        other => other,
    };
    match target {
        Target::At(it) => Target::At(machine(it)),
        Target::Link { from, to } => Target::Link { from: machine(from), to: machine(to) },
    }
}
