//! Whether a log is worth cleaning, how far, and which segments become one.
//!
//! Promises: the active segment, and what is not stable or too young, stays as it is.
//! Source: Kafka `LogCleanerManager.cleanableOffsets`, `maxCompactionDelay`, `Cleaner.groupSegmentsBySize`.

use core::ops::Range;

use model::Offset;

use crate::Compaction;

/// A sealed segment, before it is cleaned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentFacts {
    pub(super) base: Offset,
    /// Exclusive: where the next segment begins.
    pub(super) end: Offset,
    pub(super) size_bytes: u64,
    /// Largest timestamp; `None` without records.
    pub(super) max_timestamp_ms: Option<i64>,
    /// Of the first batch; asked only when `max.compaction.lag.ms` is set.
    pub(super) first_timestamp_ms: Option<i64>,
}

/// What a cleaning of a log would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cleanable {
    /// Everything below was cleaned before.
    pub(super) first_dirty: Offset,
    /// Exclusive, a segment's end.
    pub(super) end: Offset,
    pub(super) clean_bytes: u64,
    pub(super) dirty_bytes: u64,
    /// A record is older than `max.compaction.lag.ms`.
    pub(super) is_overdue: bool,
}

impl Cleanable {
    pub(super) fn is_due(&self, compaction: &Compaction) -> bool {
        let total_bytes = u128::from(self.clean_bytes) + u128::from(self.dirty_bytes);
        let dirty_ppm = u128::from(self.dirty_bytes) * 1_000_000;
        let is_dirty = dirty_ppm > total_bytes * u128::from(compaction.min_cleanable_dirty_ppm);
        self.dirty_bytes > 0 && (self.is_overdue || is_dirty)
    }
}

/// What limits a cleaning.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) now_ms: i64,
    /// `cleaner-offset-checkpoint`.
    pub(super) checkpoint: Option<Offset>,
    pub(super) log_start: Offset,
    /// Last stable offset, or the high watermark: exclusive.
    pub(super) stable_end: Offset,
}

/// `sealed`: all segments but the active one, ascending. `None`: nothing may be cleaned.
pub(super) fn cleanable(
    sealed: &[SegmentFacts],
    compaction: &Compaction,
    bounds: &Bounds,
) -> Option<Cleanable> {
    let (first, last) = (sealed.first()?, sealed.last()?);
    // A checkpoint outside the log is of another life of it (truncated, or taken from elsewhere).
    let checkpoint = bounds.checkpoint.filter(|at| (bounds.log_start..=last.end).contains(at));
    let first_dirty = checkpoint.unwrap_or(bounds.log_start).max(first.base);

    let young_since_ms = bounds.now_ms.saturating_sub(compaction.min_compaction_lag_ms);
    let is_too_young = |segment: &SegmentFacts| {
        compaction.min_compaction_lag_ms > 0
            && segment.end > first_dirty
            && segment.max_timestamp_ms.is_some_and(|at| at > young_since_ms)
    };
    let old_before_ms = bounds.now_ms.saturating_sub(compaction.max_compaction_lag_ms);
    let mut found = Cleanable {
        first_dirty,
        end: first_dirty,
        clean_bytes: 0,
        dirty_bytes: 0,
        is_overdue: false,
    };
    for segment in sealed {
        if segment.end > bounds.stable_end || is_too_young(segment) {
            break;
        }
        if segment.end <= first_dirty {
            found.clean_bytes += segment.size_bytes;
            continue;
        }
        found.dirty_bytes += segment.size_bytes;
        found.end = segment.end;
        // Records without a timestamp are never overdue.
        found.is_overdue |=
            segment.first_timestamp_ms.is_some_and(|at| at > 0 && at < old_before_ms);
    }
    (found.end > first_dirty).then_some(found)
}

/// How large a cleaned segment may become.
#[derive(Debug, Clone, Copy)]
pub(super) struct SegmentBounds {
    pub(super) size_bytes: u64,
    /// Of one index file.
    pub(super) index_bytes: u64,
    pub(super) index_interval_bytes: u64,
}

/// Neighbours that fit into one segment even if nothing goes. Indexes into `segments`, covering all of it.
pub(super) fn group(segments: &[SegmentFacts], bounds: &SegmentBounds) -> Vec<Range<usize>> {
    // The larger index has 12 bytes per interval.
    let index_bytes = |size_bytes: u64| size_bytes / bounds.index_interval_bytes.max(1) * 12;
    let mut groups: Vec<Range<usize>> = Vec::new();
    let (mut base, mut size_bytes) = (Offset::ZERO, 0_u64);
    for (at, segment) in segments.iter().enumerate() {
        let grown = size_bytes + segment.size_bytes;
        let fits = grown <= bounds.size_bytes
            && index_bytes(grown) <= bounds.index_bytes
            && segment.end.0 - 1 - base.0 <= i64::from(i32::MAX);
        match groups.last_mut() {
            Some(last) if fits => {
                last.end = at + 1;
                size_bytes = grown;
            }
            _ => {
                groups.push(at..at + 1);
                (base, size_bytes) = (segment.base, segment.size_bytes);
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    /// Segments of ten offsets and a hundred bytes, one hour apart.
    fn sealed(count: i64) -> Vec<SegmentFacts> {
        (0..count)
            .map(|at| SegmentFacts {
                base: Offset(at * 10),
                end: Offset(at * 10 + 10),
                size_bytes: 100,
                max_timestamp_ms: Some((at + 1) * HOUR_MS),
                first_timestamp_ms: Some(at * HOUR_MS + 1),
            })
            .collect()
    }

    fn bounds(checkpoint: Option<i64>, stable_end: i64) -> Bounds {
        Bounds {
            now_ms: 100 * HOUR_MS,
            checkpoint: checkpoint.map(Offset),
            log_start: Offset::ZERO,
            stable_end: Offset(stable_end),
        }
    }

    fn range(compaction: &Compaction, bounds: &Bounds) -> Option<(i64, i64, u64, u64)> {
        let found = cleanable(&sealed(5), compaction, bounds)?;
        Some((found.first_dirty.0, found.end.0, found.clean_bytes, found.dirty_bytes))
    }

    #[test]
    fn cleaning_begins_at_the_checkpoint_and_ends_with_the_last_stable_segment() {
        let compaction = Compaction::DEFAULT;
        assert_eq!(range(&compaction, &bounds(None, 50)), Some((0, 50, 0, 500)));
        assert_eq!(range(&compaction, &bounds(Some(20), 50)), Some((20, 50, 200, 300)));
        assert_eq!(range(&compaction, &bounds(Some(25), 49)), Some((25, 40, 200, 200)));
        assert_eq!(range(&compaction, &bounds(Some(50), 50)), None);
        assert_eq!(range(&compaction, &bounds(None, 9)), None);
    }

    #[test]
    fn a_checkpoint_past_the_log_is_not_believed() {
        let compaction = Compaction::DEFAULT;
        assert_eq!(range(&compaction, &bounds(Some(51), 50)), Some((0, 50, 0, 500)));
    }

    #[test]
    fn young_segments_wait_for_the_minimum_lag() {
        let compaction = Compaction { min_compaction_lag_ms: 97 * HOUR_MS, ..Compaction::DEFAULT };
        assert_eq!(range(&compaction, &bounds(None, 50)), Some((0, 30, 0, 300)));
        assert_eq!(range(&compaction, &bounds(Some(30), 50)), None);
    }

    #[test]
    fn a_log_is_due_when_dirty_enough_or_overdue() {
        let due = |compaction: &Compaction, checkpoint| {
            let found = cleanable(&sealed(5), compaction, &bounds(Some(checkpoint), 50));
            found.unwrap().is_due(compaction)
        };
        assert!(due(&Compaction::DEFAULT, 20));
        assert!(!due(&Compaction::DEFAULT, 30));
        let overdue = Compaction { max_compaction_lag_ms: 96 * HOUR_MS, ..Compaction::DEFAULT };
        assert!(due(&overdue, 30));
        let not_yet = Compaction { max_compaction_lag_ms: 97 * HOUR_MS, ..Compaction::DEFAULT };
        assert!(!due(&not_yet, 30));
    }

    #[test]
    fn groups_stay_below_every_bound_of_a_segment() {
        let limits = SegmentBounds { size_bytes: 250, index_bytes: 1000, index_interval_bytes: 10 };
        assert_eq!(group(&sealed(5), &limits), [0..2, 2..4, 4..5]);
        let narrow = SegmentBounds { index_bytes: 130, ..limits };
        assert_eq!(group(&sealed(3), &narrow), [0..1, 1..2, 2..3]);
        let mut far = sealed(3);
        far[1].end = Offset(i64::from(i32::MAX) + 2);
        assert_eq!(group(&far[..2], &limits), [0..1, 1..2]);
    }
}
