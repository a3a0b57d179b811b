//! One device of a disk: its room, its speed, and its silence.

use core::time::Duration;
use model::Instant;

use super::options::DeviceChange;

#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) capacity_bytes: Option<u64>,
    pub(super) read_only: bool,
    slowness: u64,
    stalled_until: Instant,
    /// Syncs wait for the bytes of those before them.
    writes_until: Instant,
}

/// How long an operation takes on a healthy device.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cost {
    /// Names, lengths, and reads from the page cache.
    Cached,
    /// Copying so many bytes.
    Bytes(u64),
    /// Waiting for the medium to write so many pages.
    Sync(u64),
}

/// Time for which a page keeps the medium from writing another one: 4 GB/s.
const PAGE_WRITE_NS: u64 = 1_000;

impl Cost {
    fn range_ns(self) -> (u64, u64) {
        match self {
            Self::Cached => (2_000, 20_000),
            Self::Bytes(bytes) => (3_000 + bytes / 8, 15_000 + bytes / 4),
            Self::Sync(pages) => (150_000, 450_000 + 3_000 * pages),
        }
    }
}

impl Device {
    pub(super) fn new() -> Self {
        Self {
            capacity_bytes: None,
            read_only: false,
            slowness: 1,
            stalled_until: Instant(0),
            writes_until: Instant(0),
        }
    }

    pub(super) fn change(&mut self, change: DeviceChange, now: Instant) {
        match change {
            DeviceChange::Capacity(bytes) => self.capacity_bytes = bytes,
            DeviceChange::Slowness(factor) => self.slowness = factor.max(1),
            DeviceChange::StalledFor(pause) => self.stalled_until = now + pause,
            DeviceChange::ReadOnly(read_only) => self.read_only = read_only,
        }
    }

    pub(super) fn is_slow(&self) -> bool {
        self.slowness > 1
    }

    /// When it answers again, while it does not.
    pub(super) fn stalled_until(&self, now: Instant) -> Option<Instant> {
        (self.stalled_until > now).then_some(self.stalled_until)
    }

    /// When an operation that is submitted now ends; `draw` picks from an inclusive range.
    pub(super) fn end_of(
        &mut self,
        now: Instant,
        cost: Cost,
        draw: impl FnOnce(u64, u64) -> u64,
    ) -> Instant {
        let mut begin = now;
        if let Cost::Sync(pages) = cost {
            let write_ns = self.slowness.saturating_mul(PAGE_WRITE_NS * pages);
            self.writes_until = self.writes_until.max(now) + Duration::from_nanos(write_ns);
            begin = self.writes_until;
        }
        let (low, high) = cost.range_ns();
        begin + Duration::from_nanos(self.slowness.saturating_mul(draw(low, high)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncs_wait_for_the_bytes_of_those_before_them() {
        let mut device = Device::new();
        let first = device.end_of(Instant(0), Cost::Sync(1_000), |low, _| low);
        let second = device.end_of(Instant(0), Cost::Sync(1), |low, _| low);
        assert!(second > first, "{second:?} after {first:?}");
        let later = device.end_of(Instant(9_000_000), Cost::Sync(1), |low, _| low);
        assert_eq!(later, Instant(9_000_000 + PAGE_WRITE_NS + 150_000));
    }

    #[test]
    fn a_slow_device_takes_longer_for_everything() {
        let mut device = Device::new();
        device.change(DeviceChange::Slowness(100), Instant(0));
        assert_eq!(device.end_of(Instant(0), Cost::Cached, |low, _| low), Instant(200_000));
    }
}
