//! The properties that every run must keep, one file each.
//!
//! Promises: a checker sees facts only, in order, and asks nobody; the same facts give the same
//! verdict in a simulated run and in a history of a real broker. Each counts its evaluations, so
//! that a property that was never tried does not pass for one that held.
//! Does not: stop the run, or know how the broker is built.

pub mod event;
pub mod group_facts;
pub mod history;

mod acked_stays;
mod bounded_resources;
mod compaction_keeps_latest;
mod groups;
mod groups_settle;
mod honest_errors;
mod indexes_agree;
mod offsets_agree;
mod offsets_increase;
mod polls_follow;
mod producer_order;
mod recovery_keeps_synced;
mod replicas_identical;
mod service_returns;
mod sessions_tell;
mod time_lookup;
mod values_are_read;
mod values_once;
mod watermarks;

mod bound;
mod frontier;
mod pieces;
mod prints;
mod recent;
#[cfg(test)]
mod testing;
mod topics;
mod violation;

pub use event::{Event, Fact};
pub use violation::{Place, Violation};

/// One property, watched over one run.
pub trait Checker {
    /// Its name in reports, such as `c4-offsets-increase`.
    fn name(&self) -> &'static str;

    /// Takes the next event.
    ///
    /// # Errors
    /// The property does not hold. The checker may be asked on, and then reports other violations.
    fn check(&mut self, event: &Event) -> Result<(), Violation>;

    /// The run is over: judges what could not be judged before, nothing by default.
    ///
    /// # Errors
    /// The property does not hold. Called again until it says so no more.
    fn finish(&mut self) -> Result<(), Violation> {
        Ok(())
    }

    /// How often the property was tried. Zero at the end of a sweep means that it was not checked.
    fn evaluations(&self) -> u64;
}

/// Every checker, fresh, for one run.
#[must_use]
pub fn all() -> Vec<Box<dyn Checker>> {
    vec![
        Box::new(acked_stays::AckedStays::default()),
        Box::new(offsets_agree::OffsetsAgree::default()),
        Box::new(producer_order::ProducerOrder::default()),
        Box::new(offsets_increase::OffsetsIncrease::default()),
        Box::new(watermarks::Watermarks::default()),
        Box::new(groups::Groups::default()),
        Box::new(service_returns::ServiceReturns::default()),
        Box::new(groups_settle::GroupsSettle::default()),
        Box::new(honest_errors::HonestErrors::default()),
        Box::new(bounded_resources::BoundedResources::default()),
        Box::new(recovery_keeps_synced::RecoveryKeepsSynced::default()),
        Box::new(replicas_identical::ReplicasIdentical::default()),
        Box::new(indexes_agree::IndexesAgree::default()),
        Box::new(compaction_keeps_latest::CompactionKeepsLatest::default()),
        Box::new(time_lookup::TimeLookup::default()),
        Box::new(sessions_tell::SessionsTell::default()),
        Box::new(polls_follow::PollsFollow::default()),
        Box::new(values_once::ValuesOnce::default()),
        Box::new(values_are_read::ValuesAreRead::default()),
    ]
}
