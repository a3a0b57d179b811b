//! Producer snapshots inside a segment: they bound what a recovery replays.
//!
//! Kafka takes a snapshot when it seals a segment; with segments of 1 GiB a start would read up to that much of every
//! log. Here more are taken as the log grows. Most are hints: not synced, guarded by the checksum of their format, and
//! without them recovery begins at an older one.
//!
//! Promises: at most two at a time, the newer perhaps past the recovery point, the older not; none outlives a
//! truncation below it.

use std::collections::VecDeque;
use std::path::Path;

use model::Offset;
use runtime::{Open, Runtime};

use super::Log;
use crate::files::{self, SNAPSHOT_SUFFIX};

/// Growth of a log that is worth a snapshot. As much as may wait for its sync (`flush`): both have to be read again.
const SNAPSHOT_EVERY_BYTES: u64 = 1 << 20;
/// A large snapshot is taken more rarely: not more than this share of what is written goes into snapshots.
const BYTES_PER_SNAPSHOT_BYTE: u64 = 16;

/// What a producer snapshot is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotUse {
    /// Makes a start after a crash faster.
    Hint,
    /// Lies beside a log that is left clean, for whoever opens it next; synced.
    LeftBehind,
}

#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    /// Offsets of the files, ascending.
    inside: VecDeque<Offset>,
    /// Appended since the newest snapshot of any kind.
    bytes_since: u64,
    /// Size of the newest one.
    size_bytes: u64,
    /// Recovery points that were given out for the checkpoint files: the newest, and the one before, which is written
    /// by the time the next is asked for.
    given: Offset,
    checkpointed: Offset,
}

impl Snapshots {
    /// A recovery has read this much past the snapshot that it began with.
    pub(crate) fn replayed(&mut self, bytes: u64, recovery_point: Offset) {
        self.bytes_since = bytes;
        (self.given, self.checkpointed) = (recovery_point, recovery_point);
    }

    pub(crate) fn appended(&mut self, bytes: u64) {
        self.bytes_since += bytes;
    }

    /// One was taken at the end of the log.
    pub(crate) fn taken(&mut self, size_bytes: usize) {
        (self.bytes_since, self.size_bytes) = (0, size_bytes as u64);
    }

    /// A snapshot inside a segment exists. Returns one that is not needed any more.
    pub(crate) fn written(&mut self, at: Offset) -> Option<Offset> {
        if self.inside.back() != Some(&at) {
            self.inside.push_back(at);
        }
        if self.inside.len() > 2 { self.inside.pop_front() } else { None }
    }

    /// Takes away those that speak of records past `end`.
    pub(crate) fn past(&mut self, end: Offset) -> Vec<Offset> {
        let kept = self.inside.partition_point(|at| *at <= end);
        self.inside.split_off(kept).into()
    }

    /// Recovery points are asked for.
    pub(crate) fn give(&mut self, recovery_point: Offset) {
        self.checkpointed = self.given;
        self.given = recovery_point;
    }

    /// The next one replaces the older of the two: not while the newer is of no use to a recovery.
    fn is_due(&self) -> bool {
        let every_bytes = SNAPSHOT_EVERY_BYTES.max(self.size_bytes * BYTES_PER_SNAPSHOT_BYTE);
        self.bytes_since >= every_bytes
            && self.inside.back().is_none_or(|newest| *newest <= self.checkpointed)
    }
}

impl<R: Runtime> Log<R> {
    /// Whether enough was appended that the next start would gain from [`Log::write_producer_snapshot`].
    #[must_use]
    pub fn needs_producer_snapshot(&self) -> bool {
        let state = self.log.state.borrow();
        state.offline.is_none() && state.created && state.snapshots.is_due()
    }

    /// Says whom to ask for the producer state at the log's end, in Kafka's format, when retention seals a segment:
    /// the records are about to go, and the next start could learn it from nothing else.
    pub fn ask_for_producers(&self, producers: impl Fn() -> Option<Vec<u8>> + 'static) {
        *self.log.producers.borrow_mut() = Some(Box::new(producers));
    }

    /// Writes the producer state at the log's end, in Kafka's format, so that the next start need not replay. A
    /// failure costs nothing but that.
    pub async fn write_producer_snapshot(&self, snapshot: Vec<u8>, used: SnapshotUse) {
        let (at, truncation_count) = {
            let mut state = self.log.state.borrow_mut();
            if state.offline.is_some() || !state.created || state.end <= state.start {
                return;
            }
            state.snapshots.taken(snapshot.len());
            // At the base of a segment it is the segment's own, which is synced.
            let end = state.end;
            if state.segment_mut(end).is_some() {
                return;
            }
            (end, state.truncation_count)
        };
        let rt = &self.store.rt;
        let path = |at| files::segment_path(&self.log.path, at, SNAPSHOT_SUFFIX);
        let written = match used {
            SnapshotUse::Hint => self.write_unsynced(&path(at), snapshot).await.is_ok(),
            SnapshotUse::LeftBehind => files::replace(rt, &path(at), snapshot).await.is_ok(),
        };
        let void = {
            let mut state = self.log.state.borrow_mut();
            let void = if written && state.truncation_count == truncation_count {
                state.snapshots.written(at)
            } else {
                Some(at)
            };
            // A segment that began there meanwhile has a snapshot of the same name and content.
            void.filter(|at| state.segment_mut(*at).is_none())
        };
        if let Some(at) = void {
            // Left over it is removed by the next recovery.
            let _gone = rt.remove(&path(at)).await;
        }
    }

    async fn write_unsynced(&self, path: &Path, content: Vec<u8>) -> runtime::Result<()> {
        let rt = &self.store.rt;
        let file = rt.open(path, Open::Create).await?;
        rt.set_len(&file, 0).await?;
        rt.append(&file, 0, vec![content.into()]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_are_kept_and_the_next_waits_for_the_recovery_point() {
        let mut snapshots = Snapshots::default();
        snapshots.appended(SNAPSHOT_EVERY_BYTES);
        assert!(snapshots.is_due());
        snapshots.taken(10);
        assert_eq!(snapshots.written(Offset(100)), None);
        snapshots.appended(SNAPSHOT_EVERY_BYTES);
        assert!(!snapshots.is_due(), "nothing is known to be durable");
        snapshots.give(Offset(120));
        assert!(!snapshots.is_due(), "not in the checkpoint file yet");
        snapshots.give(Offset(120));
        assert!(snapshots.is_due());
        snapshots.taken(10);
        assert_eq!(snapshots.written(Offset(200)), None);
        assert_eq!(snapshots.written(Offset(300)), Some(Offset(100)));
        assert_eq!(snapshots.past(Offset(250)), [Offset(300)]);
    }

    #[test]
    fn large_snapshots_are_rare() {
        let mut snapshots = Snapshots::default();
        snapshots.taken(1 << 20);
        snapshots.appended(SNAPSHOT_EVERY_BYTES);
        assert!(!snapshots.is_due());
        snapshots.appended(15 << 20);
        assert!(snapshots.is_due());
    }
}
