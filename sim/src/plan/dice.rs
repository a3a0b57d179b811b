//! Numbers for making a plan.
//!
//! Promises: the same seed and purpose give the same numbers; each part of a plan has its own dice,
//! so that a new draw in one part moves no other. Does not: take part in a run, which reads only
//! the finished plan (its world draws by itself).

use core::ops::RangeInclusive;

use model::splitmix::{self, GAMMA, mix};

#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The dice for one purpose of one seed.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        let words = purpose.bytes().map(u64::from);
        Self(words.fold(mix(seed ^ GAMMA), |state, word| mix(state ^ word).wrapping_add(GAMMA)))
    }

    pub(crate) fn word(&mut self) -> u64 {
        splitmix::next(&mut self.0)
    }

    pub(crate) fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (low, high) = range.into_inner();
        assert!(low <= high, "an empty range: {low}..={high}");
        match (high - low).checked_add(1) {
            Some(size) => low + self.word() % size,
            None => self.word(),
        }
    }

    /// Less than `size`.
    pub(crate) fn index(&mut self, size: usize) -> usize {
        let drawn = self.within(0..=size as u64 - 1);
        usize::try_from(drawn).expect("less than a usize")
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.word().is_multiple_of(n)
    }

    pub(crate) fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())].clone()
    }

    /// Between the bounds, each doubling equally likely. `low` is at least 1.
    pub(crate) fn log_uniform(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (low, high) = range.into_inner();
        assert!(low > 0 && low <= high, "a range of positive numbers: {low}..={high}");
        let doublings = u64::from((high / low).ilog2());
        let floor = low << self.within(0..=doublings);
        self.within(floor..=high.min(floor.saturating_mul(2)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_have_streams_of_their_own() {
        let first = |seed, purpose| Dice::new(seed, purpose).word();
        assert_eq!(first(1, "setup"), first(1, "setup"));
        assert_ne!(first(1, "setup"), first(2, "setup"));
        assert_ne!(first(1, "setup"), first(1, "faults"));
    }

    #[test]
    fn a_log_uniform_draw_reaches_every_doubling() {
        let mut dice = Dice::new(3, "test");
        let drawn: Vec<u64> = (0..2_000).map(|_| dice.log_uniform(10..=10_000)).collect();
        assert!(drawn.iter().all(|it| (10..=10_000).contains(it)));
        for floor in [10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 5_120] {
            assert!(drawn.iter().any(|it| (floor..=2 * floor).contains(it)), "{floor}");
        }
    }
}
