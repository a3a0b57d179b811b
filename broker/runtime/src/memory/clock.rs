//! What time a node believes it is.
//!
//! Promises: a node's monotonic clock never goes back, whatever its rate; with a rate of zero it
//! stands still. The wall clock may run at another rate and step both ways; no timer follows it.

use model::Instant;

/// 2026-01-01T00:00:00Z, so that timestamps look like real ones.
const EPOCH_MS: i64 = 1_767_225_600_000;
const MILLION: i128 = 1_000_000;

/// Parts per million by which a clock may be fast; a slow one stands still at the negative of it.
const DRIFT_PPM_MAX: i32 = 1_000_000;

/// A clock that shows `base` at the world's `since` and runs on from there.
#[derive(Debug, Clone, Copy)]
struct Hand {
    since: Instant,
    base_ns: i128,
    rate_ppm: i128,
}

impl Hand {
    fn at(self, now: Instant) -> i128 {
        let passed = i128::from(now.0) - i128::from(self.since.0);
        self.base_ns + passed * self.rate_ppm / MILLION
    }

    fn set_drift(&mut self, now: Instant, drift_ppm: i32) {
        let legal = -DRIFT_PPM_MAX..=DRIFT_PPM_MAX;
        assert!(legal.contains(&drift_ppm), "{drift_ppm} ppm is no drift of a clock");
        let rate_ppm = MILLION + i128::from(drift_ppm);
        *self = Self { since: now, base_ns: self.at(now), rate_ppm };
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct NodeClock {
    mono: Hand,
    wall: Hand,
}

impl NodeClock {
    /// A right clock.
    pub(super) fn new(wall_offset_ms: i64) -> Self {
        let start = Instant(0);
        let mono = Hand { since: start, base_ns: 0, rate_ppm: MILLION };
        let wall_ms = EPOCH_MS + wall_offset_ms;
        Self { mono, wall: Hand { base_ns: i128::from(wall_ms) * MILLION, ..mono } }
    }

    pub(super) fn mono(&self, now: Instant) -> Instant {
        Instant(u64::try_from(self.mono.at(now)).expect("584 years"))
    }

    pub(super) fn wall_ms(&self, now: Instant) -> i64 {
        i64::try_from(self.wall.at(now).div_euclid(MILLION)).expect("292 million years")
    }

    /// The first instant of the world at which this clock shows `local` or more.
    pub(super) fn world_time(&self, local: Instant) -> Instant {
        let Hand { since, base_ns, rate_ppm } = self.mono;
        let ahead = i128::from(local.0) - base_ns;
        match rate_ppm {
            _ if ahead <= 0 => since,
            0 => Instant::FAR,
            rate => {
                let passed = (ahead * MILLION + rate - 1) / rate;
                Instant(u64::try_from(i128::from(since.0) + passed).unwrap_or(u64::MAX))
            }
        }
    }

    pub(super) fn set_drift(&mut self, now: Instant, drift_ppm: i32) {
        self.mono.set_drift(now, drift_ppm);
    }

    pub(super) fn set_wall_drift(&mut self, now: Instant, drift_ppm: i32) {
        self.wall.set_drift(now, drift_ppm);
    }

    pub(super) fn step_wall(&mut self, by_ms: i64) {
        self.wall.base_ns += i128::from(by_ms) * MILLION;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_fast_clock_gains_and_a_stopped_one_stands_still() {
        let mut clock = NodeClock::new(0);
        clock.set_drift(Instant(SECOND), 100);
        assert_eq!(clock.mono(Instant(11 * SECOND)), Instant(11 * SECOND + 1_000_000));
        clock.set_drift(Instant(11 * SECOND), -DRIFT_PPM_MAX);
        assert_eq!(clock.mono(Instant(50 * SECOND)), Instant(11 * SECOND + 1_000_000));
        assert_eq!(clock.world_time(Instant(12 * SECOND)), Instant::FAR);
    }

    #[test]
    fn the_world_time_of_a_local_time_is_the_first_that_shows_it() {
        for drift in [-300, -1, 0, 1, 77, 250_000] {
            let mut clock = NodeClock::new(0);
            clock.set_drift(Instant(SECOND), drift);
            for local in (0..1_000).map(|step| Instant(SECOND + 1 + step * 1_234_567)) {
                let world = clock.world_time(local);
                assert!(clock.mono(world) >= local, "{drift} ppm, {local:?}");
                assert!(clock.mono(Instant(world.0 - 1)) < local, "{drift} ppm, {local:?}");
            }
        }
    }

    #[test]
    fn a_step_moves_the_wall_clock_alone() {
        let mut clock = NodeClock::new(5);
        assert_eq!(clock.wall_ms(Instant(SECOND)), EPOCH_MS + 1_005);
        clock.step_wall(-10_000);
        assert_eq!(clock.wall_ms(Instant(SECOND)), EPOCH_MS - 8_995);
        assert_eq!(clock.mono(Instant(SECOND)), Instant(SECOND));
        clock.set_wall_drift(Instant(SECOND), -1_000);
        assert_eq!(clock.wall_ms(Instant(11 * SECOND)), EPOCH_MS - 8_995 + 9_990);
    }
}
