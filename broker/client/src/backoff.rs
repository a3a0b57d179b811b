//! How long to wait before the next try.

use core::time::Duration;

/// Pauses that double from 50 ms to 1 s. Kafka's clients start at 100 ms and end at 1 s
/// (`retry.backoff.ms`, `retry.backoff.max.ms`, KIP-580).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backoff {
    next: Duration,
}

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { next: FIRST }
    }

    /// The next pause, shortened by up to a fifth: those that failed together come back apart.
    /// `random` is uniform over all 64-bit values.
    pub(crate) fn pause(&mut self, random: u64) -> Duration {
        let full = self.next;
        self.next = (full * 2).min(LONGEST);
        let parts = u32::try_from(random % 1_000).expect("less than a thousand");
        full - full / 5 * parts / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_second() {
        let mut backoff = Backoff::new();
        let pauses: Vec<_> = (0..7).map(|_| backoff.pause(0).as_millis()).collect();
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1000, 1000]);
    }

    #[test]
    fn the_random_part_takes_at_most_a_fifth() {
        let shortest = Backoff::new().pause(999);
        assert!(shortest >= FIRST * 4 / 5, "{shortest:?}");
        assert!(shortest < FIRST);
    }
}
