//! Opening a log that may have been left in any state.
//!
//! Promises: after an unclean stop nothing past the recovery point is served before `scan` has read it, written it again
//! and synced it; what lies below is read only as far as producer state needs it.
//! Does not: understand producers; their state goes through the sink.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;

use model::{Bug, Offset, Site};
use runtime::sync::Notify;
use runtime::{Open, Runtime};
use wire::batch::BatchView;

use super::scan::Scanner;
use super::{Log, LogShared, State, write};
use crate::checkpoint::{LeaderEpochs, read_partition_metadata};
use crate::files::{self, FileOf, LOG_SUFFIX, SNAPSHOT_SUFFIX};
use crate::segment::Segment;
use crate::store::Shared;
use crate::{LogConfig, LogId, StorageError};

/// Rebuilds what is derived from the records: producer state, in the `replication` crate.
pub trait RecoverySink {
    /// A producer snapshot that was taken at this offset. False refuses it; an older one is tried.
    fn load_snapshot(&mut self, at: Offset, content: &[u8]) -> bool;
    /// A batch at or after the accepted snapshot, in offset order.
    fn batch(&mut self, batch: &BatchView<'_>);
}

/// Where a log lies and what is known about it.
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) directory: usize,
    pub(crate) exists: bool,
    pub(crate) clean: bool,
    pub(crate) recovery_point: Option<Offset>,
    pub(crate) log_start: Option<Offset>,
    pub(crate) first_dirty: Option<Offset>,
}

pub(crate) async fn open<R: Runtime>(
    store: &Rc<Shared<R>>,
    id: LogId,
    config: LogConfig,
    place: Place,
    sink: &mut impl RecoverySink,
) -> Result<Log<R>, StorageError> {
    let start = place.log_start.unwrap_or(Offset::ZERO);
    let mut state = State::empty(config, start);
    if place.exists {
        let topic = read_partition_metadata(&store.rt, &place.path).await?;
        if let Some(found) = topic.filter(|found| *found != id.at.topic) {
            return Err(StorageError::Foreign {
                path: place.path,
                field: "topic_id",
                expected: id.at.topic.to_string(),
                found: found.to_string(),
            });
        }
        state.created = topic.is_some();
        state.epochs = LeaderEpochs::read(&store.rt, &place.path).await?;
        state.cleaning.first_dirty = place.first_dirty;
    }
    let exists = place.exists;
    let (path, directory) = (place.path.clone(), place.directory);
    let state = RefCell::new(state);
    let (progress, segments_taken) = (Notify::new(), Cell::new(false));
    let producers = RefCell::new(None);
    let log =
        Rc::new(LogShared { id, path, directory, state, progress, segments_taken, producers });
    if exists {
        recover(store, &log, &place, sink).await?;
    }
    Ok(Log { store: store.clone(), log })
}

/// What a look at the directory gives.
struct Found {
    /// Base offsets of `.log` files, ascending.
    segments: Vec<Offset>,
    /// Offsets of `.snapshot` files, ascending.
    snapshots: Vec<Offset>,
    /// Something was removed.
    changed: bool,
}

async fn recover<R: Runtime>(
    store: &Rc<Shared<R>>,
    log: &Rc<LogShared<R>>,
    place: &Place,
    sink: &mut impl RecoverySink,
) -> Result<(), StorageError> {
    let found = look(store, log).await?;
    let first = found.segments.first().copied().unwrap_or(Offset::ZERO);
    {
        let mut state = log.state.borrow_mut();
        state.start = state.start.max(first);
    }
    let recovery_point = match place.recovery_point {
        _ if place.clean => Offset(i64::MAX),
        point => point.unwrap_or(first),
    };
    // Only what was durable is deleted, so the state at the first segment that is left is as good.
    let replay_from = load_snapshot(store, log, &found, recovery_point.max(first), sink).await?;
    let scanner = Scanner { store, log, clean: place.clean, recovery_point, replay_from };

    let (mut expected, mut changed, mut read_bytes) = (first, found.changed, 0);
    for (at, base) in found.segments.iter().enumerate() {
        let next = found.segments.get(at + 1).copied();
        // At the recovery point itself a segment may have been sealed in part: its index files are written after it.
        let trusted = next.filter(|next| *next < recovery_point && *next <= replay_from);
        if let Some(next) = trusted {
            let segment = trust(store, log, *base, next).await?;
            log.state.borrow_mut().segments.push(segment);
            expected = next;
            continue;
        }
        let mut scan = scanner.scan(*base, expected, sink).await?;
        expected = expected.max(scan.segment.end);
        (changed, read_bytes) = (changed || scan.changed, read_bytes + scan.read_bytes);
        // The last one may be empty, and all that tells where the log ends.
        if scan.segment.size_bytes == 0 && next.is_some() && !scan.cut {
            super::truncate::remove_segment_files(&store.rt, log, *base).await?;
            changed = true;
        } else {
            let sealed = next.filter(|_| !scan.cut);
            if let Some(next) = sealed {
                scan.segment.seal();
                if next <= recovery_point {
                    // What was compacted away at its end leaves no gap.
                    scan.segment.end = next;
                }
            }
            changed |= scan.segment.size_bytes == 0;
            let lacks_indexes = !scan.segment.has_index_files();
            log.state.borrow_mut().segments.push(scan.segment);
            if sealed.is_some() && lacks_indexes {
                write::write_indexes(&store.rt, log, *base).await?;
                changed = true;
            }
        }
        if scan.cut {
            for later in &found.segments[at + 1..] {
                super::truncate::remove_segment_files(&store.rt, log, *later).await?;
            }
            break;
        }
    }
    changed |= settle_snapshots(store, log, &found, expected).await?;
    if changed {
        store.rt.sync_dir(&log.path).await.map_err(StorageError::disk(&log.path, "sync"))?;
    }
    let mut state = log.state.borrow_mut();
    state.snapshots.replayed(read_bytes, place.recovery_point.unwrap_or(first));
    finish(&mut state, expected);
    log.progress.notify();
    Ok(())
}

/// Lists the directory; throws away what an interrupted replacement or deletion left.
async fn look<R: Runtime>(
    store: &Rc<Shared<R>>,
    log: &Rc<LogShared<R>>,
) -> Result<Found, StorageError> {
    let (rt, path) = (&store.rt, &log.path);
    let interval_bytes = log.state.borrow().config.index_interval_bytes;
    let mut entries = rt.list(path).await.map_err(StorageError::disk(path, "list"))?;
    if crate::cleaner::was_interrupted(&entries) {
        crate::cleaner::recover(rt, path, interval_bytes).await?;
        entries = rt.list(path).await.map_err(StorageError::disk(path, "list"))?;
    }
    let mut found = Found { segments: Vec::new(), snapshots: Vec::new(), changed: false };
    for entry in entries {
        match files::parse_segment_name(&entry.name) {
            Some((base, LOG_SUFFIX)) => found.segments.push(base),
            Some((at, SNAPSHOT_SUFFIX)) => found.snapshots.push(at),
            _ if entry.name.ends_with(".tmp") || entry.name.ends_with(files::DELETED_SUFFIX) => {
                files::remove_if_present(rt, &path.join(&entry.name)).await?;
                found.changed = true;
            }
            _ => {}
        }
    }
    found.segments.sort_unstable();
    found.snapshots.sort_unstable();
    Ok(found)
}

/// Gives the sink the newest snapshot that speaks of nothing but durable records: of a later one the records may be
/// gone, and a retry of them would be taken for a duplicate.
async fn load_snapshot<R: Runtime>(
    store: &Rc<Shared<R>>,
    log: &Rc<LogShared<R>>,
    found: &Found,
    recovery_point: Offset,
    sink: &mut impl RecoverySink,
) -> Result<Offset, StorageError> {
    for at in found.snapshots.iter().rev().filter(|at| **at <= recovery_point) {
        let path = files::segment_path(&log.path, *at, SNAPSHOT_SUFFIX);
        let content = files::read_small(&store.rt, &path).await?.unwrap_or_default();
        let is_dropped = store.planted(Bug::ProducerSnapshotDropped);
        if is_dropped || sink.load_snapshot(*at, &content) {
            store.sometimes(Site::ProducerSnapshotLoaded);
            return Ok(*at);
        }
    }
    Ok(Offset::ZERO)
}

/// Removes snapshots past the end, which speak of records that are gone, and all but the newest of those inside
/// segments. Returns whether any was removed.
async fn settle_snapshots<R: Runtime>(
    store: &Rc<Shared<R>>,
    log: &Rc<LogShared<R>>,
    found: &Found,
    end: Offset,
) -> Result<bool, StorageError> {
    let bases = &found.segments;
    let of_segment = |at: &Offset| bases.binary_search(at).is_ok();
    let (valid, mut void): (Vec<_>, Vec<_>) =
        found.snapshots.iter().copied().partition(|at| *at <= end);
    for at in valid.into_iter().filter(|at| !of_segment(at)) {
        void.extend(log.state.borrow_mut().snapshots.written(at));
    }
    for at in &void {
        let path = files::segment_path(&log.path, *at, SNAPSHOT_SUFFIX);
        files::remove_if_present(&store.rt, &path).await?;
    }
    Ok(!void.is_empty())
}

/// A sealed segment whose content is durable and known to the sink: only its size is asked.
async fn trust<R: Runtime>(
    store: &Rc<Shared<R>>,
    log: &Rc<LogShared<R>>,
    base: Offset,
    end: Offset,
) -> Result<Segment<FileOf<R>>, StorageError> {
    let path = files::segment_path(&log.path, base, LOG_SUFFIX);
    let rt = &store.rt;
    let file = rt.open(&path, Open::Write).await.map_err(StorageError::disk(&path, "open"))?;
    let size_bytes = rt.len(&file).await.map_err(StorageError::disk(&path, "size of"))?;
    Ok(Segment::on_disk(base, end, size_bytes))
}

/// What was recovered is readable and durable; the next append opens or continues the last segment.
fn finish<F>(state: &mut State<F>, end: Offset) {
    let end = end.max(state.start);
    state.start = state.start.min(end);
    (state.end, state.readable, state.published) = (end, end, end);
    (state.journaled, state.synced) = (end, end);
    state.epochs_dirty |= state.epochs.truncate_from(Offset(end.0.max(1)));
    // A start past everything that is left, or a last segment that cannot continue, begins a new one.
    if state.segments.last().is_some_and(|last| last.end < end || last.indexes.is_none()) {
        state.segments.push(Segment::new(end));
    }
}
