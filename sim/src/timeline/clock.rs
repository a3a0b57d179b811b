//! Times of the page: microseconds on the world's clock, which a node's lines show too.

use crate::cluster::BEGINNING_NS;

/// What the clock of a fresh world shows.
pub(super) const BEGINNING_US: u64 = us(BEGINNING_NS);
const HOUR_S: u64 = 3_600;

pub(super) const fn us(at_ns: u64) -> u64 {
    at_ns / 1_000
}

/// For people: seconds, and from an hour on days and hours too.
pub(super) fn told(at_us: u64) -> String {
    let (whole_s, rest_us) = (at_us / 1_000_000, at_us % 1_000_000);
    let seconds = format!("{whole_s}.{rest_us:06} s");
    if whole_s < HOUR_S {
        return seconds;
    }
    let (days, hours) = (whole_s / (24 * HOUR_S), whole_s / HOUR_S % 24);
    format!("{seconds} ({days} d {hours:02}:{:02}:{:02})", whole_s / 60 % 60, whole_s % 60)
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn short_times_are_seconds_and_long_ones_tell_the_days() {
        assert_eq!(told(6_968_044), "6.968044 s");
        assert_eq!(told(881_329_279_260), "881329.279260 s (10 d 04:48:49)");
    }
}
