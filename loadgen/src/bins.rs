//! A histogram of fixed size: 1 µs to 120 s with 3 digits, one add per sample.

use reports::histogram::VALUE_US_MAX;

/// Values below this have a bin of their own.
const EXACT_BITS: u32 = 11;
const HALF: usize = 1 << (EXACT_BITS - 1);

/// Number of bins, the largest value included.
pub const BIN_COUNT: usize = bin_of(VALUE_US_MAX) + 1;

/// The bin of a value; larger values than 120 s share the last bin.
#[inline]
#[must_use]
pub const fn bin_of(value_us: u64) -> usize {
    let value = if value_us < VALUE_US_MAX { value_us } else { VALUE_US_MAX };
    let bits = u64::BITS - (value | ((1 << EXACT_BITS) - 1)).leading_zeros();
    let shift = bits - EXACT_BITS;
    #[expect(clippy::cast_possible_truncation, reason = "at most 120,000,000")]
    let within = (value >> shift) as usize;
    (shift as usize) * HALF + within
}

/// The smallest value of a bin.
#[must_use]
pub const fn value_of(bin: usize) -> u64 {
    if bin < 2 * HALF {
        return bin as u64;
    }
    let shift = bin / HALF - 1;
    ((bin % HALF + HALF) as u64) << shift
}

/// Counts per bin.
#[derive(Clone)]
pub struct Bins {
    counts: Vec<u64>,
    max_us: u64,
}

impl Default for Bins {
    fn default() -> Self {
        Self { counts: vec![0; BIN_COUNT], max_us: 0 }
    }
}

impl Bins {
    #[inline]
    pub fn record(&mut self, value_us: u64, count: u64) {
        self.counts[bin_of(value_us)] += count;
        self.max_us = self.max_us.max(value_us);
    }

    /// Adds a whole bin of another histogram.
    pub fn add_bin(&mut self, bin: usize, count: u64) {
        self.counts[bin] += count;
        self.max_us = self.max_us.max(value_of(bin));
    }

    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Largest sample, or the smallest value of its bin when it came from another histogram.
    #[must_use]
    pub fn max_us(&self) -> u64 {
        self.max_us
    }

    pub fn note_max(&mut self, value_us: u64) {
        self.max_us = self.max_us.max(value_us);
    }

    /// Bins with samples, ascending.
    pub fn filled(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let with_count = self.counts.iter().copied().enumerate();
        with_count.filter(|(_, count)| *count > 0)
    }

    /// The bin in which the quantile lies; `None` without samples.
    #[must_use]
    pub fn quantile_bin(&self, quantile: f64) -> Option<usize> {
        quantile_bin(self.filled(), self.count(), quantile)
    }

    /// The quantile in microseconds, when at least `beyond_min` samples lie beyond it.
    #[must_use]
    pub fn quantile(&self, quantile: f64, beyond_min: u64) -> Option<u64> {
        let total = self.count();
        (samples_beyond(total, quantile) >= beyond_min)
            .then(|| self.quantile_bin(quantile).map(value_of))
            .flatten()
    }

    /// (value, count) pairs for the portable form.
    pub fn samples(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.filled().map(|(bin, count)| (value_of(bin), count))
    }
}

/// The bin in which a quantile of `total` samples lies, given the filled bins in ascending order.
pub fn quantile_bin(
    filled: impl Iterator<Item = (usize, u64)>,
    total: u64,
    quantile: f64,
) -> Option<usize> {
    let rank = total - samples_beyond(total, quantile);
    let mut seen = 0;
    for (bin, count) in filled {
        seen += count;
        if seen >= rank.max(1) {
            return Some(bin);
        }
    }
    None
}

/// How many of `total` samples lie beyond a quantile.
#[must_use]
pub fn samples_beyond(total: u64, quantile: f64) -> u64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count"
    )]
    // The small addition undoes the rounding of 1 - 0.99 and its like.
    let beyond = (total as f64 * (1.0 - quantile) + 1e-6) as u64;
    beyond
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_within_a_thousandth_of_its_bin() {
        for value in (0..40).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]) {
            let low = value_of(bin_of(value));
            let capped = value.min(VALUE_US_MAX);
            assert!(low <= capped && capped - low <= capped / 1_000 + 1, "{value}: {low}");
        }
        assert_eq!(value_of(bin_of(2_047)), 2_047);
        assert_eq!(bin_of(2_048), bin_of(2_049));
    }

    #[test]
    fn bins_are_dense_and_ascending() {
        for bin in 0..BIN_COUNT {
            assert_eq!(bin_of(value_of(bin)), bin);
        }
    }

    #[test]
    fn a_percentile_needs_ten_samples_beyond_it() {
        let mut bins = Bins::default();
        for value in 1..=1_000 {
            bins.record(value, 1);
        }
        assert_eq!(bins.quantile(0.5, 10), Some(500));
        assert_eq!(bins.quantile(0.99, 10), Some(990));
        assert_eq!(bins.quantile(0.999, 10), None);
        assert_eq!(bins.max_us(), 1_000);
    }
}
