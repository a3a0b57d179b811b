//! How often a mutant was caught, and how sure that figure is.

use super::Mutant;
use crate::sweep::Total;

/// The least that the lower end of a mutant's catch rate may be, in thousandths.
const LOW_PER_MILLE_MIN: u64 = 5;

/// What became of one mutant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    pub runs: u64,
    /// Runs that a checker of the mutant's row ended.
    pub caught: u64,
    /// Runs that ended with anything else: of no use as a proof.
    pub other: u64,
    pub first_seed: Option<u64>,
    /// Real time of all children.
    pub busy_ms: u64,
    /// Whether a crash point shows it; `None` where no workload is named.
    pub crash_point: Option<bool>,
}

impl Score {
    #[must_use]
    pub fn new(mutant: &Mutant, total: &Total, jobs: usize, crash_point: Option<bool>) -> Self {
        let busy_ms = u64::try_from(total.wall.as_millis()).unwrap_or(u64::MAX);
        let (mut caught, mut other, mut first_seed) = (0, 0, None);
        for (class, (count, first)) in &total.classes {
            if mutant.expects(class) {
                caught += count;
                let seed = first["seed"].as_u64();
                first_seed = first_seed.into_iter().chain(seed).min();
            } else {
                other += count;
            }
        }
        let busy_ms = busy_ms.saturating_mul(jobs as u64);
        Self { runs: total.runs, caught, other, first_seed, busy_ms, crash_point }
    }

    /// Whether those who were expected to notice it do so often enough, or a crash point always shows it.
    #[must_use]
    pub fn is_caught(&self) -> bool {
        is_often(self.caught, self.runs) || self.crash_point == Some(true)
    }

    /// Milliseconds of one core for each catch.
    #[must_use]
    pub fn ms_per_catch(&self) -> Option<u64> {
        self.busy_ms.checked_div(self.caught)
    }
}

/// Whether so many catches in so many runs are enough. They stay enough if fewer of the runs are done.
#[must_use]
pub fn is_often(caught: u64, runs: u64) -> bool {
    wilson_low_per_mille(caught, runs) >= LOW_PER_MILLE_MIN
}

/// Lower end of the 95 % interval of a rate, in thousandths (Wilson 1927).
#[must_use]
pub fn wilson_low_per_mille(caught: u64, runs: u64) -> u64 {
    if runs == 0 {
        return 0;
    }
    const Z: f64 = 1.96;
    let (caught, runs) = (caught as f64, runs as f64);
    let rate = caught / runs;
    let spread = (rate * (1.0 - rate) / runs + Z * Z / (4.0 * runs * runs)).sqrt();
    let low = (rate + Z * Z / (2.0 * runs) - Z * spread) / (1.0 + Z * Z / runs);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
    let per_mille = (low.max(0.0) * 1_000.0).floor() as u64;
    per_mille
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_bound_is_wilsons() {
        assert_eq!(wilson_low_per_mille(0, 0), 0);
        assert_eq!(wilson_low_per_mille(0, 500), 0);
        // 198 of 500: 0.354 by any table.
        assert_eq!(wilson_low_per_mille(198, 500), 354);
        assert_eq!(wilson_low_per_mille(500, 500), 992);
    }

    #[test]
    fn a_mutant_counts_from_half_a_percent_on() {
        assert!(!is_often(1, 2_000) && !is_often(15, 2_000));
        assert!(is_often(17, 2_000) && is_often(17, 120));
    }
}
