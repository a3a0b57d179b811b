//! Sleepers of one shard, by time.

use core::task::Waker;
use model::Instant;
use std::collections::BTreeMap;

/// Names one sleeper: its time, then the order of arrival.
pub(crate) type TimerKey = (Instant, u64);

#[derive(Default)]
pub(crate) struct Timers {
    sleepers: BTreeMap<TimerKey, Waker>,
    next_id: u64,
}

impl Timers {
    pub(crate) fn add(&mut self, at: Instant, waker: Waker) -> TimerKey {
        let key = (at, self.next_id);
        self.next_id += 1;
        self.sleepers.insert(key, waker);
        key
    }

    /// The sleeper was polled by another task than last time, or again.
    pub(crate) fn replace(&mut self, key: TimerKey, waker: &Waker) {
        if let Some(stored) = self.sleepers.get_mut(&key) {
            stored.clone_from(waker);
        }
    }

    pub(crate) fn remove(&mut self, key: TimerKey) {
        self.sleepers.remove(&key);
    }

    pub(crate) fn earliest(&self) -> Option<Instant> {
        self.sleepers.keys().next().map(|(at, _)| *at)
    }

    /// Takes out one sleeper whose time has come.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Waker> {
        let first = self.sleepers.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleepers_leave_by_time_and_never_early() {
        let mut timers = Timers::default();
        let late = timers.add(Instant(20), Waker::noop().clone());
        timers.add(Instant(10), Waker::noop().clone());
        assert_eq!(timers.earliest(), Some(Instant(10)));
        assert!(timers.pop_due(Instant(9)).is_none());
        assert!(timers.pop_due(Instant(10)).is_some());
        assert!(timers.pop_due(Instant(10)).is_none());
        timers.remove(late);
        assert_eq!(timers.earliest(), None);
    }
}
