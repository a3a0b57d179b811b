//! One run: setup, faults, heal, liveness, drain, final reads. Same plan, same run.
//!
//! Promises: a run reads its plan and nothing else, builds a world of its own and ends within a
//! bounded number of events. It stops at the first thing that is wrong. Does not: print; what came
//! of it is the [`Report`].
//!
//! Reading order: `phases` (the story), `conduct` (time), `process` (the node's lives), `strikes`
//! (faults), `judge` (checkers), `report`.

mod conduct;
mod groups;
mod inspect;
mod judge;
mod phases;
mod process;
mod report;
mod strikes;

use core::ops::Range;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::mpsc::Receiver;

use model::Bug;

pub use report::{Counters, Coverage, RecoveredEnd, Report, Verdict};
pub use strikes::{Fate, Stroke};

use crate::plan::Plan;

/// What a run is asked besides its plan.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Mistakes that are switched on in the broker.
    pub bugs: BTreeSet<Bug>,
    /// Virtual nanoseconds on the world's clock at which the run is broken off.
    pub until_ns: Option<u64>,
    /// Events of the world, by number, that the report shows one by one.
    pub keep_events: Range<u64>,
    /// Events after which a run counts as hanging; none: a hundred million.
    pub events_max: Option<u64>,
    /// Keep what happened in the report, for whoever wants to look at it.
    pub records: bool,
    /// Where panics happened, as a hook of the process tells; without it a panic has no place.
    pub panics: Option<Rc<Receiver<String>>>,
}

/// Runs a plan to its end.
///
/// # Errors
/// The plan asks for something that does not exist: a bound, a property.
pub fn run(plan: &Plan, options: &Options) -> Result<Report, String> {
    let mut conduct = conduct::Conduct::new(plan, options)?;
    let ended = phases::play(&mut conduct);
    Ok(conduct.into_report(ended))
}
