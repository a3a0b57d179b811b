//! When each record is due, computed and never measured.
//!
//! Every lane (a producer's stream into one partition) has a schedule of its own; together they
//! make the asked rate. The same lane always gives the same times, so whoever knows a record's
//! sequence knows when it was due, and nobody has to remember it per record.

use model::splitmix::hash;

/// How the records of a run are spread over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Equal gaps; the lanes take turns.
    Constant,
    /// Exponential gaps: independent arrivals. Repeats for the same seed.
    Poisson { seed: u64 },
}

impl Shape {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Poisson { .. } => "poisson",
        }
    }
}

/// One record of a lane: its sequence and its due time in nanoseconds since the start of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    pub sequence: u64,
    pub at_ns: u64,
}

/// The due times of one lane.
#[derive(Debug, Clone, Copy)]
pub struct LaneSchedule {
    shape: Shape,
    lane: u64,
    /// Time between two records of all lanes together, in 2^-20 ns: exact enough for a year.
    gap: u64,
    lane_count: u64,
}

const FRACTION_BITS: u32 = 20;

impl LaneSchedule {
    /// Lane `lane` of `lane_count`, which together make `rate_per_s`.
    #[must_use]
    pub fn new(shape: Shape, rate_per_s: f64, lane: u16, lane_count: u16) -> Self {
        assert!(lane < lane_count, "lane {lane} of {lane_count}");
        assert!(rate_per_s >= 1.0, "a rate below one record per second");
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate of at least 1/s makes this at most 2^50"
        )]
        let gap = (1e9 / rate_per_s * f64::from(1 << FRACTION_BITS)).round() as u64;
        Self { shape, lane: lane.into(), gap, lane_count: lane_count.into() }
    }

    #[must_use]
    pub fn first(&self) -> Due {
        match self.shape {
            Shape::Constant => self.constant(0),
            Shape::Poisson { .. } => Due { sequence: 0, at_ns: self.exponential(0) },
        }
    }

    /// The record after `due`, at the same time or later.
    #[inline]
    #[must_use]
    pub fn next(&self, due: Due) -> Due {
        let sequence = due.sequence + 1;
        match self.shape {
            Shape::Constant => self.constant(sequence),
            Shape::Poisson { .. } => {
                Due { sequence, at_ns: due.at_ns + self.exponential(sequence) }
            }
        }
    }

    /// The first record that is due at `at_ns` or later.
    #[must_use]
    pub fn at_or_after(&self, at_ns: u64) -> Due {
        let mut due = self.first();
        if self.shape == Shape::Constant {
            let place = (u128::from(at_ns) << FRACTION_BITS) / u128::from(self.gap);
            let sequence =
                place.saturating_sub(u128::from(self.lane)) / u128::from(self.lane_count);
            // One too early at most: the division rounds down.
            due = self.constant(u64::try_from(sequence).unwrap_or(u64::MAX).saturating_sub(1));
        }
        while due.at_ns < at_ns {
            due = self.next(due);
        }
        due
    }

    /// The record with this sequence, which is not before `from`.
    #[must_use]
    pub fn forward(&self, from: Due, sequence: u64) -> Due {
        let mut due = from;
        if self.shape == Shape::Constant {
            return self.constant(sequence);
        }
        while due.sequence < sequence {
            due = self.next(due);
        }
        due
    }

    #[inline]
    fn constant(&self, sequence: u64) -> Due {
        let place = u128::from(sequence) * u128::from(self.lane_count) + u128::from(self.lane);
        let at_ns = (place * u128::from(self.gap)) >> FRACTION_BITS;
        #[expect(clippy::cast_possible_truncation, reason = "2^64 ns are 584 years")]
        let at_ns = at_ns as u64;
        Due { sequence, at_ns }
    }

    /// The gap before a record: the mean times a draw from the exponential distribution.
    fn exponential(&self, sequence: u64) -> u64 {
        let Shape::Poisson { seed } = self.shape else {
            unreachable!("constant gaps are computed")
        };
        let draw = hash(seed ^ hash(sequence ^ (self.lane << 48)));
        #[expect(clippy::cast_precision_loss, reason = "53 random bits")]
        let uniform = ((draw >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        #[expect(clippy::cast_precision_loss, reason = "a gap of nanoseconds")]
        let mean_ns = (self.gap * self.lane_count) as f64 / f64::from(1 << FRACTION_BITS);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 37 means"
        )]
        let gap_ns = (-uniform.ln() * mean_ns) as u64;
        gap_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(schedule: &LaneSchedule, count: usize) -> Vec<u64> {
        let all = core::iter::successors(Some(schedule.first()), |due| Some(schedule.next(*due)));
        all.take(count).map(|due| due.at_ns).collect()
    }

    #[test]
    fn constant_lanes_take_turns_at_the_asked_rate() {
        let lane = |lane| LaneSchedule::new(Shape::Constant, 1e6, lane, 3);
        assert_eq!(times(&lane(0), 3), [0, 3_000, 6_000]);
        assert_eq!(times(&lane(2), 3), [2_000, 5_000, 8_000]);
    }

    #[test]
    fn a_moment_finds_its_record() {
        for shape in [Shape::Constant, Shape::Poisson { seed: 3 }] {
            let schedule = LaneSchedule::new(shape, 333_333.0, 1, 4);
            let all: Vec<_> =
                core::iter::successors(Some(schedule.first()), |due| Some(schedule.next(*due)))
                    .take(1_000)
                    .collect();
            for at_ns in [0, 1, 3_000, 3_001, 12_345, 999_999] {
                let first = all.iter().find(|due| due.at_ns >= at_ns).unwrap();
                assert_eq!(schedule.at_or_after(at_ns), *first);
            }
            assert_eq!(schedule.forward(all[10], 900), all[900]);
        }
    }

    #[test]
    fn an_odd_rate_does_not_drift() {
        let schedule = LaneSchedule::new(Shape::Constant, 999_983.0, 0, 1);
        let hour = schedule.constant(999_983 * 3_600);
        assert!(hour.at_ns.abs_diff(3_600_000_000_000) < 4_000_000, "{}", hour.at_ns);
    }

    #[test]
    fn poisson_repeats_and_keeps_the_mean() {
        let schedule = LaneSchedule::new(Shape::Poisson { seed: 7 }, 1e6, 1, 2);
        let once = times(&schedule, 100_000);
        assert_eq!(once, times(&schedule, 100_000));
        assert!(once.is_sorted());
        let mean_ns = once.last().unwrap() / 100_000;
        assert!((1_950..2_050).contains(&mean_ns), "mean gap {mean_ns} ns");
        let other = LaneSchedule::new(Shape::Poisson { seed: 8 }, 1e6, 1, 2);
        assert_ne!(once, times(&other, 100_000));
    }
}
