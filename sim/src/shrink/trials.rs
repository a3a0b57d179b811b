//! Whether a candidate still fails for the same reason, under several scheduler seeds.
//!
//! Promises: never more runs or time than allowed; when they are used up, every further candidate
//! counts as not failing, so that whoever asks comes to an end with what it has.

use core::time::Duration;
use std::collections::BTreeMap;
use std::time::Instant;

use crate::faults::refusal;
use crate::plan::dice::Dice;
use crate::plan::{Plan, SEED_MAX};
use crate::run::Report;

/// Scheduler seeds under which the result is measured.
pub const SCHEDULERS: usize = 16;
/// A candidate is tried under so many of them.
const TRIED: usize = 4;

/// What a run that failed tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Checker and kind, as in a violation.
    pub class: String,
    /// Since the faults began.
    pub at_us: u64,
    /// Requests by client number until then.
    pub operations: BTreeMap<u32, u64>,
}

impl Failure {
    /// What a report tells of a failure; none: it passed.
    #[must_use]
    pub fn of(report: &Report) -> Option<Self> {
        let violation = report.violation.as_ref()?;
        let began_ns = report.began_ns.unwrap_or(violation.at_ns);
        Some(Self {
            class: violation.class.clone(),
            at_us: violation.at_ns.saturating_sub(began_ns) / 1_000,
            operations: report.operations.clone(),
        })
    }
}

/// When to stop; whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub runs_max: u64,
    pub time_max: Duration,
}

/// Runs a plan; none: it passed, or it is no plan that can be run.
pub type RunPlan<'r> = dyn FnMut(&Plan) -> Option<Failure> + 'r;

pub(super) struct Trials<'r> {
    run: &'r mut RunPlan<'r>,
    bounds: Bounds,
    began: Instant,
    pub(super) runs: u64,
    class: String,
    original: Plan,
    /// Of the world; those that made the latest candidates fail come first.
    schedulers: Vec<u64>,
    /// Seeds of [`TRIED`] that must fail for a candidate to be taken.
    pub(super) needed: usize,
}

impl<'r> Trials<'r> {
    pub(super) fn new(original: &Plan, bounds: Bounds, run: &'r mut RunPlan<'r>) -> Self {
        let mut dice = Dice::new(original.world_seed(), "schedulers");
        let others = (1..SCHEDULERS).map(|_| dice.within(0..=SEED_MAX));
        let schedulers = core::iter::once(original.world_seed()).chain(others).collect();
        Self {
            run,
            bounds,
            began: now(),
            runs: 0,
            class: String::new(),
            original: original.clone(),
            schedulers,
            needed: 1,
        }
    }

    /// The plan as it was given, in its own world. Its class is what counts from now on.
    pub(super) fn first(&mut self) -> Option<Failure> {
        self.runs += 1;
        let failure = (self.run)(&self.original)?;
        self.class.clone_from(&failure.class);
        Some(failure)
    }

    pub(super) fn wall(&self) -> Duration {
        now().duration_since(self.began)
    }

    /// No time is left, not even to measure.
    pub(super) fn is_late(&self) -> bool {
        self.wall() >= self.bounds.time_max
    }

    /// What is left is needed to measure the result.
    fn is_over(&self) -> bool {
        self.runs >= self.bounds.runs_max || self.wall() >= self.bounds.time_max * 4 / 5
    }

    /// Whether the candidate fails under enough scheduler seeds; if so the first of its failures, and
    /// the candidate with the seed that showed it.
    pub(super) fn fails(&mut self, candidate: &Plan) -> Option<(Plan, Failure)> {
        if admits_what_was_refused(&self.original, candidate) {
            return None;
        }
        let mut first = None;
        let mut failed = 0;
        for tried in 0..TRIED {
            if failed + (TRIED - tried) < self.needed || self.is_over() {
                return None;
            }
            let seed = self.schedulers[tried];
            let Some(found) = self.under(candidate, seed) else { continue };
            // A seed that fails now is the likeliest to fail next time.
            self.schedulers[..=tried].rotate_right(1);
            first.get_or_insert(found);
            failed += 1;
            if failed == self.needed {
                return first;
            }
        }
        None
    }

    /// Under how many of [`SCHEDULERS`] seeds the plan fails, and how; the bounds do not count here,
    /// since a result without this number is none.
    pub(super) fn measure(&mut self, plan: &Plan) -> (usize, Option<(Plan, Failure)>) {
        let mut failed = 0;
        let mut first = None;
        for index in 0..SCHEDULERS {
            if let Some(found) = self.under(plan, self.schedulers[index]) {
                failed += 1;
                self.schedulers[..=index].rotate_right(1);
                first.get_or_insert(found);
            }
        }
        (failed, first)
    }

    fn under(&mut self, plan: &Plan, seed: u64) -> Option<(Plan, Failure)> {
        let scheduler_seed = (seed != plan.seed).then_some(seed);
        let plan = Plan { scheduler_seed, ..plan.clone() };
        self.runs += 1;
        let failure = (self.run)(&plan)?;
        (failure.class == self.class).then_some((plan, failure))
    }
}

/// Whether a fault may strike in the candidate that the atlas did not admit in the original: what it
/// breaks would prove nothing.
fn admits_what_was_refused(original: &Plan, candidate: &Plan) -> bool {
    candidate.schedule.iter().any(|fault| {
        refusal(fault, &original.setup).is_some() && refusal(fault, &candidate.setup).is_none()
    })
}

#[expect(clippy::disallowed_methods, reason = "runs are bounded by real time, from outside")]
fn now() -> Instant {
    Instant::now()
}
