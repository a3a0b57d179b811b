//! Makes a failure small: the fewest faults, requests, clients, partitions and the least time under
//! which the same property still breaks.
//!
//! Promises: the result fails with the same class as the original (checker and kind), under at least
//! one scheduler seed, which is in it; the number of seeds out of sixteen is told. No fault strikes in
//! it that the atlas refused in the original. Does not: find the smallest plan there is.
//!
//! Reading order: `trials` (does a candidate still fail), `passes` (what is tried, in which order),
//! `ddmin`, `size`.

mod ddmin;
mod passes;
mod size;
mod trials;

use core::fmt;
use core::time::Duration;

use crate::plan::Plan;
use passes::Shrinking;
pub use size::{Size, is_active};
use trials::Trials;
pub use trials::{Bounds, Failure, RunPlan, SCHEDULERS};

/// A failure made small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shrunk {
    pub plan: Plan,
    pub class: String,
    pub before: Size,
    pub after: Size,
    /// Runs that it took.
    pub runs: u64,
    pub wall: Duration,
    /// Of [`SCHEDULERS`] scheduler seeds, how many show the failure.
    pub schedulers_failing: usize,
}

/// A result should fail under this many of [`SCHEDULERS`] seeds: one that needs a rare interleaving is
/// lost with the next change of the code.
const SCHEDULERS_WANTED: usize = 4;

/// Why a plan was not made small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotShrunk {
    Passes,
    /// It failed once, and no scheduler seed shows it again.
    NotRepeated,
}

impl fmt::Display for NotShrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passes => "the plan passes: there is nothing to shrink",
            Self::NotRepeated => "the failure does not repeat",
        })
    }
}

impl core::error::Error for NotShrunk {}

/// Shrinks a plan that fails. `tell` hears of every step.
///
/// # Errors
/// [`NotShrunk`].
pub fn shrink<'r>(
    plan: &Plan,
    bounds: Bounds,
    run: &'r mut RunPlan<'r>,
    tell: &mut dyn FnMut(&str),
) -> Result<Shrunk, NotShrunk> {
    let mut trials = Trials::new(plan, bounds, run);
    let failure = trials.first().ok_or(NotShrunk::Passes)?;
    let before = Size::of(plan, &failure.operations);
    tell(&format!("{}: {before}", failure.class));
    let class = failure.class.clone();
    let shrinking = Shrinking::new(plan.clone(), failure, trials, tell);
    let (steps, mut trials) = shrinking.run();

    // The last step that fails often enough; the one that fails most often if none does.
    let mut best: Option<(usize, Plan, Failure)> = None;
    for step in steps.into_iter().rev() {
        let (failing, shown) = trials.measure(&step);
        let Some((plan, failure)) = shown else { continue };
        if best.as_ref().is_none_or(|(most, ..)| failing > *most) {
            best = Some((failing, plan, failure));
        }
        if failing >= SCHEDULERS_WANTED || trials.is_late() {
            break;
        }
    }
    let (schedulers_failing, plan, failure) = best.ok_or(NotShrunk::NotRepeated)?;
    Ok(Shrunk {
        before,
        after: Size::of(&plan, &failure.operations),
        plan,
        class,
        runs: trials.runs,
        wall: trials.wall(),
        schedulers_failing,
    })
}

#[cfg(test)]
mod tests;
