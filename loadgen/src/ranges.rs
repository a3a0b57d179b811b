//! Sets of sequences that are almost always one stretch.

/// Sorted, disjoint, not touching. At most [`RANGES_MAX`] stretches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges {
    stretches: Vec<(u64, u64)>,
    overflowed: bool,
}

/// A run with more gaps than this is beyond what a verification can name.
pub const RANGES_MAX: usize = 100_000;

impl Ranges {
    /// Adds `start..end` and says how many of them were there before.
    pub fn insert(&mut self, start: u64, end: u64) -> u64 {
        if let Some(last) = self.stretches.last_mut().filter(|last| last.1 == start) {
            last.1 = end;
            return 0;
        }
        if start >= end {
            return 0;
        }
        let first = self.stretches.partition_point(|stretch| stretch.1 < start);
        let after = self.stretches.partition_point(|stretch| stretch.0 <= end);
        let touched = &self.stretches[first..after];
        let overlap = touched
            .iter()
            .map(|stretch| stretch.1.min(end).saturating_sub(stretch.0.max(start)))
            .sum();
        let low = touched.first().map_or(start, |stretch| stretch.0.min(start));
        let high = touched.last().map_or(end, |stretch| stretch.1.max(end));
        if touched.is_empty() && self.stretches.len() == RANGES_MAX {
            self.overflowed = true;
        } else {
            self.stretches.splice(first..after, [(low, high)]);
        }
        overlap
    }

    /// Stretches were left out because there were too many.
    #[must_use]
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    #[must_use]
    pub fn count(&self) -> u64 {
        self.stretches.iter().map(|(start, end)| end - start).sum()
    }

    /// The parts of `start..end` that are not in the set, ascending.
    #[must_use]
    pub fn missing_in(&self, start: u64, end: u64) -> Vec<(u64, u64)> {
        let mut missing = Vec::new();
        let mut at = start;
        for stretch in &self.stretches {
            if stretch.0 >= end {
                break;
            }
            if stretch.0 > at {
                missing.push((at, stretch.0));
            }
            at = at.max(stretch.1);
        }
        if at < end {
            missing.push((at, end));
        }
        missing
    }

    /// The parts of this set that `other` lacks, ascending.
    #[must_use]
    pub fn without(&self, other: &Self) -> Vec<(u64, u64)> {
        self.stretches.iter().flat_map(|(start, end)| other.missing_in(*start, *end)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(parts: &[(u64, u64)]) -> Ranges {
        let mut ranges = Ranges::default();
        for (start, end) in parts {
            ranges.insert(*start, *end);
        }
        ranges
    }

    #[test]
    fn touching_stretches_become_one() {
        assert_eq!(ranges(&[(0, 5), (5, 9), (20, 30), (9, 20)]), ranges(&[(0, 30)]));
        assert_eq!(ranges(&[(5, 9), (0, 2)]).count(), 6);
    }

    #[test]
    fn what_is_inserted_twice_is_counted() {
        let mut set = ranges(&[(0, 10), (20, 30)]);
        assert_eq!(set.insert(5, 25), 10);
        assert_eq!(set, ranges(&[(0, 30)]));
        assert_eq!(set.insert(0, 30), 30);
    }

    #[test]
    fn gaps_are_found() {
        let set = ranges(&[(2, 4), (6, 8)]);
        assert_eq!(set.missing_in(0, 10), [(0, 2), (4, 6), (8, 10)]);
        assert_eq!(set.missing_in(2, 4), []);
        assert_eq!(set.without(&ranges(&[(3, 7)])), [(2, 3), (7, 8)]);
    }
}
