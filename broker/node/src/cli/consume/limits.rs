//! When to end.

use client::{NamedPartition, Positions};
use core::time::Duration;
use model::{Instant, Offset};

use super::ConsumeArgs;

/// What ends reading; none of it by default.
#[derive(Debug, Default)]
pub(super) struct Limits {
    /// Records that may still be printed.
    left: Option<u64>,
    /// How long to wait for a record.
    idle: Option<Duration>,
    /// Where to end in each partition that has not ended yet.
    ends: Option<Positions>,
}

impl Limits {
    pub(super) fn new(args: &ConsumeArgs) -> Self {
        Self {
            left: args.max_messages,
            idle: args.timeout_ms.map(Duration::from_millis),
            ends: None,
        }
    }

    /// Ends where the partitions end, those that begin there at once.
    pub(super) fn end_at(&mut self, mut ends: Positions, starts: &Positions) {
        ends.retain(|at, end| starts.get(at).is_some_and(|start| start < end));
        self.ends = Some(ends);
    }

    /// Whether to print the record at `offset`; counts it if so.
    pub(super) fn admit(&mut self, at: &NamedPartition, offset: Offset) -> bool {
        if let Some(ends) = &self.ends
            && ends.get(at).is_none_or(|end| offset >= *end)
        {
            return false;
        }
        match &mut self.left {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
            None => true,
        }
    }

    /// Everything before `next` was printed.
    pub(super) fn reached(&mut self, at: &NamedPartition, next: Offset) {
        if let Some(ends) = &mut self.ends
            && ends.get(at).is_some_and(|end| next >= *end)
        {
            ends.remove(at);
        }
    }

    pub(super) fn are_reached(&self) -> bool {
        self.left == Some(0) || self.ends.as_ref().is_some_and(Positions::is_empty)
    }

    /// Until when to wait, when the last record came at `since`.
    pub(super) fn deadline(&self, since: Instant) -> Instant {
        self.idle.map_or(Instant::FAR, |idle| since + idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(partition: i32) -> NamedPartition {
        NamedPartition::new(&"t".into(), partition)
    }

    #[test]
    fn records_are_counted() {
        let mut limits = Limits { left: Some(2), ..Limits::default() };
        assert!(limits.admit(&at(0), Offset(5)) && !limits.are_reached());
        assert!(limits.admit(&at(1), Offset(0)) && limits.are_reached());
        assert!(!limits.admit(&at(1), Offset(1)));
    }

    #[test]
    fn each_partition_ends_where_it_ended_and_an_empty_one_at_once() {
        let mut limits = Limits::default();
        let ends = Positions::from([(at(0), Offset(3)), (at(1), Offset(7))]);
        limits.end_at(ends, &Positions::from([(at(0), Offset(1)), (at(1), Offset(7))]));
        assert!(limits.admit(&at(0), Offset(2)) && !limits.admit(&at(0), Offset(3)));
        assert!(!limits.admit(&at(1), Offset(7)));
        limits.reached(&at(0), Offset(2));
        assert!(!limits.are_reached());
        limits.reached(&at(0), Offset(4));
        assert!(limits.are_reached());
    }

    #[test]
    fn without_a_limit_nothing_ends() {
        let limits = Limits::default();
        assert!(!limits.are_reached());
        assert_eq!(limits.deadline(Instant(0)), Instant::FAR);
    }
}
