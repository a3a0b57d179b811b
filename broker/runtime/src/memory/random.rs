//! Where every decision of a run comes from.
//!
//! Promises: a draw is a pure function of the seed, of what it decides ([`Concern`]) and of which
//! decision it is (the key). There is no running state, so one more decision of one kind shifts no
//! other. Does not: serve cryptography.
//!
//! A key names the decision by what it is about: a place in a stream, a task and a time. Where time
//! is part of it, [`moment`] is preferred to the exact instant, so that a run that has shifted by some
//! nanoseconds still decides alike.

use core::ops::RangeInclusive;
use model::Instant;
use model::splitmix;

/// What a draw decides. The numbers are part of every recorded seed: add, never renumber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Concern {
    /// Which of two events at the same instant comes first.
    Tie = 1,
    /// Which ready task runs next.
    Schedule = 2,
    PollCost = 3,
    /// Whether a task is polled again although nobody woke it.
    SpuriousPoll = 4,
    LinkLatency = 5,
    SegmentSize = 6,
    ReceiveSize = 7,
    Window = 8,
    DiskLatency = 9,
    /// Which part of an operation a dying process leaves behind.
    Interrupted = 10,
    /// Which sectors survive a power loss.
    SectorLoss = 11,
    /// Which length a file has after a power loss.
    LengthLoss = 12,
    /// Which changes of directories survive a power loss.
    NameLoss = 13,
    /// How much of a failing write reaches the file.
    FailedWrite = 14,
    MeshLatency = 15,
    OffloadTime = 16,
    /// What the program under test asks for.
    Program = 17,
    /// Whether a dying process ends a connection politely.
    AbruptEnd = 18,
    /// Whether a lossy link loses a segment.
    LinkLoss = 20,
    /// Whether, and where, a connection is reset in the middle of a segment.
    LinkReset = 21,
    /// How long a listener outlives its process.
    ListenerLinger = 22,

    // Disks, beyond the first ones above.
    /// How much of an append is seen before it ends.
    EarlyPart = 40,
    /// Whether and how much later an operation of a dead process happens.
    LateWrite = 41,
    /// How long locks outlive their process.
    LateLock = 42,
    /// Whether a planted fault hits an operation.
    FaultHit = 43,
    /// Which sectors come to harm, and how.
    Damage = 44,
    /// Which sector goes astray, and where it lands.
    Misdirection = 45,
    /// What a sector holds that was torn.
    GarbageSector = 46,
    /// When an operation ends that a silent device held up.
    StallEnd = 47,
    /// What becomes of submitted operations at a power loss.
    InFlight = 48,
}

/// About 16 µs, as long as a few dozen polls.
pub(super) fn moment(now: Instant) -> u64 {
    now.0 >> 14
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Random {
    /// The seed, mixed once.
    start: u64,
}

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self { start: splitmix::hash(seed) }
    }

    /// Uniform over all 64-bit values.
    pub(super) fn draw(self, concern: Concern, key: &[u64]) -> u64 {
        let mut state = self.start ^ concern as u64;
        for word in key {
            state = splitmix::hash(state) ^ word;
        }
        splitmix::hash(state)
    }

    /// Uniform over the range, but for a bias below 1 in 2⁶⁴ / size.
    pub(super) fn within(self, concern: Concern, key: &[u64], range: RangeInclusive<u64>) -> u64 {
        let (low, high) = (*range.start(), *range.end());
        assert!(low <= high, "an empty range: {low}..={high}");
        match (high - low).checked_add(1) {
            Some(size) => low + self.draw(concern, key) % size,
            None => self.draw(concern, key),
        }
    }

    /// True once in `n` draws.
    pub(super) fn one_in(self, n: u64, concern: Concern, key: &[u64]) -> bool {
        self.draw(concern, key).is_multiple_of(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed apart from this code, from the description of `draw`.
    #[test]
    fn recorded_seeds_keep_their_meaning() {
        let random = Random::new(42);
        assert_eq!(random.draw(Concern::Tie, &[]), 0xf34f_e924_8c93_42e5);
        assert_eq!(random.draw(Concern::SectorLoss, &[1, 2, 3]), 0x0ca5_4a79_9094_1250);
    }

    #[test]
    fn concerns_and_keys_have_streams_of_their_own() {
        let random = Random::new(7);
        let tie = random.draw(Concern::Tie, &[1]);
        assert_ne!(tie, random.draw(Concern::Schedule, &[1]));
        assert_ne!(tie, random.draw(Concern::Tie, &[2]));
        assert_ne!(tie, random.draw(Concern::Tie, &[1, 0]));
        assert_ne!(tie, Random::new(8).draw(Concern::Tie, &[1]));
    }

    #[test]
    fn a_range_is_inclusive() {
        let random = Random::new(1);
        let mut seen = [false; 3];
        for key in 0..100 {
            let drawn = random.within(Concern::Tie, &[key], 5..=7);
            seen[usize::try_from(drawn - 5).unwrap()] = true;
        }
        assert_eq!(seen, [true; 3]);
        assert_eq!(random.within(Concern::Tie, &[0], 9..=9), 9);
    }
}
