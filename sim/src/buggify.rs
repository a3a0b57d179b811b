//! Rare choices that a run makes in the broker's stead.
//!
//! Promises: a choice is a pure function of the seed and of which choice it is: place, node, life of
//! the node, virtual millisecond. One choice more at one place shifts no other. Each place is on in
//! one run of four, so that runs differ in what they stress.
//! Does not: choose anything that the broker's contract would not survive.
//! Source: FoundationDB's `BUGGIFY`.

use std::collections::BTreeMap;

use model::splitmix::hash;
use model::{Buggify, Instant};

/// Runs of a hundred in which a place is on.
const ENABLED_PERCENT: u64 = 25;

/// How often a place that is on chooses the rare way, in percent of the milliseconds in which it is
/// asked. Paths that only cost time may be common; those that make clients start over are rare.
#[must_use]
pub fn fires_percent(site: Buggify) -> u64 {
    match site {
        Buggify::JournalCommitOfOne | Buggify::WriteOfOne | Buggify::ReplyOfOne => 50,
        Buggify::PlanOfOne | Buggify::PlanCold | Buggify::SegmentCloseEarly => 50,
        Buggify::CheckpointEarly | Buggify::RetentionEarly => 75,
        Buggify::MeshFull | Buggify::OffloadSmall | Buggify::FetchWokenEarly => 25,
        Buggify::SyncEagerly | Buggify::JournalHalfFull => 20,
        Buggify::RollEarly | Buggify::FetchNotParked => 10,
        Buggify::FetchSessionRefused => 10,
        Buggify::FetchSessionLost => 5,
    }
}

/// The choices of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices {
    places: BTreeMap<Buggify, Place>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// Of the seed and the place's name: a place that is added later shifts nothing.
    key: u64,
    is_enabled: bool,
}

/// Which choice it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) node: usize,
    /// Counts the starts of the node.
    pub(crate) life: u32,
    pub(crate) at: Instant,
}

impl Choices {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let place = |site: &Buggify| {
            let name = format!("{site:?}");
            let key = name.bytes().fold(hash(seed), |state, byte| hash(state ^ u64::from(byte)));
            let is_enabled = hash(key) % 100 < ENABLED_PERCENT;
            (*site, Place { key, is_enabled })
        };
        Self { places: Buggify::ALL.iter().map(place).collect() }
    }

    /// Whether the place may choose the rare way in this run.
    #[must_use]
    pub fn is_enabled(&self, site: Buggify) -> bool {
        self.places[&site].is_enabled
    }

    pub(crate) fn fires(&self, site: Buggify, moment: Moment) -> bool {
        let place = self.places[&site];
        let virtual_ms = moment.at.0 / 1_000_000;
        let key = [moment.node as u64, u64::from(moment.life), virtual_ms];
        let draw = key.into_iter().fold(place.key, |state, word| hash(state ^ word));
        place.is_enabled && draw % 100 < fires_percent(site)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(virtual_ms: u64) -> Moment {
        Moment { node: 0, life: 1, at: Instant(virtual_ms * 1_000_000) }
    }

    #[test]
    fn every_place_is_on_in_about_a_quarter_of_the_runs() {
        for site in Buggify::ALL {
            let on = (0..2_000).filter(|seed| Choices::new(*seed).is_enabled(*site)).count();
            assert!((400..600).contains(&on), "{site:?} was on in {on} of 2000 runs");
        }
    }

    #[test]
    fn a_place_that_is_on_fires_as_often_as_the_table_says() {
        for site in Buggify::ALL {
            let choices = (0..).map(Choices::new).find(|it| it.is_enabled(*site)).unwrap();
            let fired = (0..10_000).filter(|ms| choices.fires(*site, moment(*ms))).count();
            let expected = usize::try_from(fires_percent(*site)).unwrap() * 100;
            assert!(fired.abs_diff(expected) < 250, "{site:?} fired {fired} times");
        }
    }

    #[test]
    fn the_same_moment_gives_the_same_choice_and_another_life_others() {
        let site = Buggify::PlanCold;
        let choices = (0..).map(Choices::new).find(|it| it.is_enabled(site)).unwrap();
        let of_life = |life| -> Vec<bool> {
            (0..64).map(|ms| choices.fires(site, Moment { life, ..moment(ms) })).collect()
        };
        assert_eq!(of_life(1), of_life(1));
        assert_ne!(of_life(1), of_life(2));
    }
}
