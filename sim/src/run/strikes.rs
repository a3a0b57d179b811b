//! The schedule of a run: what waits, what lasts, what became of each fault.

use core::cmp::Reverse;
use core::time::Duration;
use std::collections::BTreeMap;

use model::Instant;
use runtime::memory::{Life, PowerLoss};

use super::conduct::Conduct;
use super::process::Plight;
use crate::checkers::event::NodeChange;
use crate::faults::{Strikes, Struck, ends_a_process, refusal};
use crate::plan::{Fault, FaultKind, Keeps, Trigger};

/// What became of one fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stroke {
    pub fault: Fault,
    pub fate: Fate,
    /// On the world's clock. Of a fault that never struck: when it could have at the earliest.
    pub from_ns: u64,
    /// When it was to end, or the heal if that came first.
    pub until_ns: u64,
    /// Whether it had an effect that somebody could observe. None: it never struck, or the run ended
    /// before it did.
    pub effective: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Struck,
    /// Its target was not in a state to be struck, or its moment never came.
    Missed,
    /// The atlas did not admit it.
    Refused,
}

/// Faults that have not struck, and those that last.
pub(super) struct Schedule {
    /// When the faults began; none strikes before, or after the heal.
    began: Option<Instant>,
    /// The next one last.
    waiting: Vec<Fault>,
    /// Their time has come and their moment has not.
    armed: Vec<Fault>,
    lasting: Vec<Lasting>,
    strikes: BTreeMap<&'static str, Strikes>,
    strokes: Vec<Stroke>,
    first_began: Option<Instant>,
}

/// A fault that goes on.
struct Lasting {
    until: Instant,
    struck: Struck,
    /// Its place among the strokes.
    stroke: usize,
}

impl Schedule {
    pub(super) fn new(faults: &[Fault]) -> Self {
        let mut waiting = faults.to_vec();
        waiting.sort_by_key(|fault| Reverse(fault.at_us));
        Self {
            began: None,
            waiting,
            armed: Vec::new(),
            lasting: Vec::new(),
            strikes: BTreeMap::new(),
            strokes: Vec::new(),
            first_began: None,
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.began.is_some()
    }

    /// Moments for which a fault waits.
    pub(super) fn awaited(&self) -> Vec<Trigger> {
        self.armed.iter().filter_map(|fault| fault.after).collect()
    }

    pub(super) fn disk_is_failing(&self) -> bool {
        self.lasting.iter().any(|lasting| lasting.struck.may_break_storage())
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        let strike = self.waiting.last().and_then(|fault| self.due(fault));
        let mend = self.lasting.iter().map(|lasting| lasting.until).min();
        strike.into_iter().chain(mend).min()
    }

    fn due(&self, fault: &Fault) -> Option<Instant> {
        self.began.map(|began| began + Duration::from_micros(fault.at_us))
    }

    /// The next fault whose time has come.
    fn take_due(&mut self, now: Instant) -> Option<Fault> {
        let due = self.due(self.waiting.last()?)?;
        if due > now { None } else { self.waiting.pop() }
    }

    fn take_armed(&mut self, trigger: Trigger) -> Option<Fault> {
        let index = self.armed.iter().position(|fault| fault.after == Some(trigger))?;
        Some(self.armed.remove(index))
    }

    fn row(&mut self, fault: &Fault) -> &mut Strikes {
        self.strikes.entry(fault.kind.name()).or_default()
    }

    /// Counts a fault and remembers what became of it; its place among the strokes.
    fn note(&mut self, fault: &Fault, fate: Fate, from: Instant) -> usize {
        let until = from + Duration::from_micros(fault.duration_us);
        let (from_ns, until_ns) = (from.0, until.0);
        let effective = None;
        self.strokes.push(Stroke { fault: fault.clone(), fate, from_ns, until_ns, effective });
        let row = self.row(fault);
        match fate {
            Fate::Struck => row.struck += 1,
            Fate::Missed => row.missed += 1,
            Fate::Refused => row.refused += 1,
        }
        self.strokes.len() - 1
    }

    /// Remembers whether a fault that struck had an effect.
    fn note_effect(&mut self, stroke: usize, effective: bool) {
        let Some(stroke) = self.strokes.get_mut(stroke) else { return };
        stroke.effective = Some(effective);
        let row = self.strikes.entry(stroke.fault.kind.name()).or_default();
        row.effective += u64::from(effective);
    }

    /// When the faults began; none: the run has not come so far.
    pub(super) fn first_began(&self) -> Option<Instant> {
        self.first_began
    }

    /// The counts by kind, and the faults one by one.
    pub(super) fn into_ledger(self) -> (BTreeMap<&'static str, Strikes>, Vec<Stroke>) {
        (self.strikes, self.strokes)
    }
}

impl Conduct<'_> {
    pub(super) fn begin_faults(&mut self) {
        self.schedule.began = Some(self.now());
        self.schedule.first_began = self.schedule.began;
    }

    /// Every fault ends now; what has not struck never will.
    pub(super) fn end_faults(&mut self) {
        let now = self.now();
        let schedule = &mut self.schedule;
        for stroke in &mut schedule.strokes {
            stroke.until_ns = stroke.until_ns.min(now.0);
        }
        let never: Vec<Fault> =
            schedule.armed.drain(..).chain(schedule.waiting.drain(..)).collect();
        for fault in never {
            let from = schedule.due(&fault).unwrap_or(now);
            schedule.note(&fault, Fate::Missed, from);
        }
        schedule.began = None;
        for lasting in &mut self.schedule.lasting {
            lasting.until = Instant(0);
        }
        self.mend_what_is_over();
    }

    pub(super) fn mend_what_is_over(&mut self) {
        let now = self.now();
        if self.schedule.lasting.iter().all(|lasting| lasting.until > now) {
            return;
        }
        let lasting = core::mem::take(&mut self.schedule.lasting);
        let (over, lasting): (Vec<_>, Vec<_>) =
            lasting.into_iter().partition(|lasting| lasting.until <= now);
        self.schedule.lasting = lasting;
        let world = &mut self.cluster.world;
        for Lasting { struck, stroke, .. } in over {
            let effective = struck.end(world, &self.machines);
            self.schedule.note_effect(stroke, effective);
        }
        // What was undone may have been another fault's too.
        for lasting in &self.schedule.lasting {
            lasting.struck.begin_again(world, &self.machines);
        }
    }

    pub(super) fn strike_what_is_due(&mut self) {
        let now = self.now();
        while let Some(fault) = self.schedule.take_due(now) {
            match fault.after {
                Some(_) => self.schedule.armed.push(fault),
                None => self.strike(&fault),
            }
        }
        for trigger in self.judge.triggers() {
            if let Some(fault) = self.schedule.take_armed(trigger) {
                self.strike(&fault);
            }
        }
    }

    fn strike(&mut self, fault: &Fault) {
        if fault.refused || refusal(fault, &self.plan.setup).is_some() {
            let now = self.now();
            self.schedule.note(fault, Fate::Refused, now);
        } else if ends_a_process(&fault.kind) {
            self.strike_process(fault);
        } else {
            self.strike_machine(fault);
        }
    }

    /// Faults of a disk or a link, which last for a while.
    fn strike_machine(&mut self, fault: &Fault) {
        let now = self.now();
        let until = now + Duration::from_micros(fault.duration_us);
        let struck = Struck::begin(&mut self.cluster.world, &self.machines, fault);
        let fate = if struck.is_some() { Fate::Struck } else { Fate::Missed };
        let stroke = self.schedule.note(fault, fate, now);
        if let Some(struck) = struck {
            self.disk_failed |= struck.may_break_storage();
            self.schedule.lasting.push(Lasting { until, struck, stroke });
        }
    }

    /// Faults that end the node's process.
    fn strike_process(&mut self, fault: &Fault) {
        let here = self.machines.at(fault.target) == Some(self.cluster.node());
        let ready = self.cluster.life() == Life::Up && self.plight == Plight::None;
        let now = self.now();
        if !here || !ready {
            self.schedule.note(fault, Fate::Missed, now);
            return;
        }
        let effective = self.end_process(fault);
        let stroke = self.schedule.note(fault, Fate::Struck, now);
        self.schedule.note_effect(stroke, effective);
    }

    /// True when it had an effect that somebody could observe.
    fn end_process(&mut self, fault: &Fault) -> bool {
        let pause = Duration::from_micros(fault.duration_us);
        match &fault.kind {
            FaultKind::Stop => self.stop_for(pause),
            FaultKind::Reshard { shards } => {
                self.cluster.reshard(*shards);
                self.stop_for(pause);
            }
            FaultKind::Kill => self.crash(None, pause),
            FaultKind::PowerLoss { keeps } => {
                let lost =
                    |run: &Self| run.cluster.world.disk_stats(run.cluster.node()).lost_sectors;
                let before = lost(self);
                self.crash(Some(*keeps), pause);
                let some = lost(self) > before;
                self.counters.crashes_with_lost_sectors += u64::from(some);
                return some;
            }
            _ => unreachable!("{} does not end a process", fault.kind.name()),
        }
        true
    }

    /// The process ends at once, with the machine's power or without it.
    fn crash(&mut self, power: Option<Keeps>, pause: Duration) {
        self.remember_logs();
        let node = self.cluster.node();
        let change = match power {
            None => {
                self.cluster.world.kill(node);
                NodeChange::Killed
            }
            Some(keeps) => {
                self.cluster.world.power_loss(node, power_loss(keeps));
                NodeChange::PowerLost
            }
        };
        self.counters.crashes += 1;
        self.changed(change);
        self.plight = Plight::Down { until: self.now() + pause };
    }
}

fn power_loss(keeps: Keeps) -> PowerLoss {
    match keeps {
        Keeps::Drawn => PowerLoss::Drawn,
        Keeps::Nothing => PowerLoss::KeepsNothing,
        Keeps::Everything => PowerLoss::KeepsEverything,
    }
}
