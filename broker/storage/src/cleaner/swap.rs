//! One new segment takes the place of several old ones, on the disk and for readers.
//!
//! ```text
//! 1  base.log.cleaned written and synced      a crash before 3: thrown away, the old segments stay
//! 2  journal: earlier frames of the old segments are void, or a replay would write into the new one
//! 3  base.log.cleaned -> base.log.swap, directory synced          from here the new one counts
//! 4  readers see the new segment, through handles that are open
//! 5  old .log, .index, .timeindex, .txnindex -> .deleted; new indexes written, directory synced
//! 6  base.log.swap -> base.log, directory synced
//! ```
//!
//! Promises: after a crash at any moment a log has either all old segments or the new one; readers that
//! hold an old file keep its bytes.
//! Source: Kafka `LocalLog.replaceSegments` and its suffixes. Kafka also carries the indexes through
//! `.cleaned` and `.swap`; here they are derived again from the new file.

use std::collections::BTreeSet;
use std::path::Path;

use model::Offset;
use runtime::{Disk, Runtime};
use wire::batch::BatchView;

use super::read::BatchReader;
use crate::StorageError;
use crate::files::{
    self, FileOf, INDEX_SUFFIX, LOG_SUFFIX, SEGMENT_SUFFIXES, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX,
};
use crate::journal::{Entry, FrameHead, FrameKind};
use crate::log::{Log, Op};
use crate::retention;
use crate::segment::{BatchMeta, Segment};
use crate::store::Owner;

pub(super) const CLEANED_SUFFIX: &str = "log.cleaned";
const SWAP_SUFFIX: &str = "log.swap";
/// Files of an old segment that say nothing about the new one. The records of aborted transactions are gone from it, so
/// that nobody needs their index any more.
const REPLACED_SUFFIXES: [&str; 4] =
    [LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX];

/// A new segment that is synced under its `.cleaned` name, and what it stands for.
pub(super) struct Replacement<F> {
    pub(super) segment: Segment<F>,
    /// Bases and sizes of the old segments, ascending; the new one has the base of the first.
    pub(super) old: Vec<(Offset, u64)>,
    /// Of the log when its segments were chosen.
    pub(super) truncation_count: u64,
}

impl<F> Replacement<F> {
    /// Whether the log still has the old segments as they were read.
    fn applies_to<G>(&self, state: &crate::log::State<G>) -> bool {
        let at = state.segments.partition_point(|segment| segment.base < self.segment.base);
        let found =
            state.segments.iter().skip(at).map(|segment| (segment.base, segment.size_bytes));
        state.offline.is_none()
            && state.truncation_count == self.truncation_count
            && found.take(self.old.len()).eq(self.old.iter().copied())
    }
}

/// Steps 2 to 6. False: the log changed meanwhile and stays as it is.
///
/// # Errors
/// `Err(Failure::Before)`: nothing happened to the log. `Err(Failure::Halfway)`: only a restart tells.
pub(super) async fn replace<R: Runtime>(
    log: &Log<R>,
    new: Replacement<FileOf<R>>,
) -> Result<bool, Failure> {
    sync_all(log).await.map_err(Failure::Before)?;
    if !new.applies_to(&log.log.state.borrow()) {
        return Ok(false);
    }
    void_journal_frames(log, new.segment.end).await.map_err(Failure::Before)?;
    {
        let mut state = log.log.state.borrow_mut();
        if !new.applies_to(&state) {
            return Ok(false);
        }
        state.cleaning.is_swapping = true;
    }
    let result = swap_files(log, new).await;
    log.log.state.borrow_mut().cleaning.is_swapping = false;
    log.log.progress.notify();
    result.map(|()| true).map_err(Failure::Halfway)
}

/// How far a failed replacement came.
pub(super) enum Failure {
    Before(StorageError),
    Halfway(StorageError),
}

/// Everything that was queued so far is in synced files when this returns; later appends do not hold it up.
async fn sync_all<R: Runtime>(log: &Log<R>) -> Result<(), StorageError> {
    let op = queue_barrier(log);
    crate::log::start_writer(&log.store, &log.log);
    loop {
        {
            let state = log.log.state.borrow();
            if state.ops_synced >= op {
                return Ok(());
            }
            state.check_online()?;
        }
        log.log.progress.notified().await;
    }
}

/// A place in the order of the log's operations; it is synced soon after it is reached.
fn queue_barrier<R: Runtime>(log: &Log<R>) -> u64 {
    let mut state = log.log.state.borrow_mut();
    let op = state.next_op();
    state.queue.push_back(Op::Barrier { op });
    op
}

/// Step 2. What lies in segments below `end` was synced, so nothing that came before needs a replay.
pub(crate) async fn void_journal_frames<R: Runtime>(
    log: &Log<R>,
    end: Offset,
) -> Result<(), StorageError> {
    let op = queue_barrier(log);
    let head = FrameHead {
        at: log.log.id.at,
        kind: FrameKind::Compacted,
        segment: end,
        position: 0,
        end,
        size_bytes: 0,
    };
    let owner = Owner { log: log.log.clone(), op, end: Offset::ZERO, size_bytes: 0 };
    log.store.journal(&log.log).push(Entry { head, pieces: Vec::new(), owner });
    crate::log::start_writer(&log.store, &log.log);
    log.wait_journaled(op).await
}

/// Steps 3 to 6.
async fn swap_files<R: Runtime>(
    log: &Log<R>,
    new: Replacement<FileOf<R>>,
) -> Result<(), StorageError> {
    let (rt, path, base) = (&log.store.rt, &log.log.path, new.segment.base);
    let named = |suffix| files::segment_path(path, base, suffix);
    let swap = named(SWAP_SUFFIX);
    rename(rt, &named(CLEANED_SUFFIX), &swap).await?;
    sync_dir(rt, path).await?;

    let indexes = new.segment.indexes.as_ref().map(crate::index::Indexes::encode);
    let delay_ms = enter(log, new.segment, &new.old);
    let due_ms = rt.now().wall_ms.saturating_add(delay_ms);
    for (old, _) in &new.old {
        // The producer state at the first base is still that of the new segment.
        let suffixes = match *old == base {
            // The producer state at the first base is still that of the new segment.
            true => &REPLACED_SUFFIXES[..],
            false => &SEGMENT_SUFFIXES[..],
        };
        retention::put_away(log, *old, suffixes, due_ms).await?;
    }
    if let Some((offsets, times)) = indexes {
        files::write_new(rt, &named(INDEX_SUFFIX), offsets).await?;
        files::write_new(rt, &named(TIME_INDEX_SUFFIX), times).await?;
    }
    sync_dir(rt, path).await?;
    rename(rt, &swap, &named(LOG_SUFFIX)).await?;
    sync_dir(rt, path).await?;
    if let Some(segment) = log.log.state.borrow_mut().segment_mut(base) {
        segment.named = true;
    }
    log.store.opened(&log.log, base);
    Ok(())
}

/// Step 4. Returns `file.delete.delay.ms`.
fn enter<R: Runtime>(log: &Log<R>, new: Segment<FileOf<R>>, old: &[(Offset, u64)]) -> i64 {
    let mut state = log.log.state.borrow_mut();
    let end = new.end;
    let at = state.segments.partition_point(|segment| segment.base < new.base);
    let gone = at..at + old.len();
    assert!(gone.end < state.segments.len(), "the active segment is never replaced");
    state.segments.splice(gone, [new]);
    // Positions in the old files mean nothing in the new one.
    state.tail.retain(|batch| batch.segment >= end);
    state.cleaning.replacement_count += 1;
    state.config.file_delete_delay_ms
}

/// Whether a crash left something of a replacement in a log's directory.
pub(crate) fn was_interrupted(entries: &[runtime::Entry]) -> bool {
    entries.iter().any(|entry| {
        let parsed = files::parse_segment_name(&entry.name);
        matches!(parsed, Some((_, CLEANED_SUFFIX | SWAP_SUFFIX)))
    })
}

/// Completes or undoes what a crash interrupted. Before a log's segments are looked at.
///
/// # Errors
/// [`StorageError::Corrupt`] when a segment that was synced before it counted does not read back.
pub(crate) async fn recover<R: Disk + Clone>(
    rt: &R,
    path: &Path,
    index_interval_bytes: u32,
) -> Result<(), StorageError> {
    let entries = rt.list(path).await.map_err(StorageError::disk(path, "list"))?;
    let (mut names, mut swaps) = (BTreeSet::new(), Vec::new());
    for entry in &entries {
        let Some((base, suffix)) = files::parse_segment_name(&entry.name) else { continue };
        match suffix {
            CLEANED_SUFFIX => {
                files::remove_if_present(rt, &path.join(&entry.name)).await?;
            }
            SWAP_SUFFIX => swaps.push(base),
            suffix if REPLACED_SUFFIXES.contains(&suffix) => {
                names.insert((base, suffix));
            }
            _ => {}
        }
    }
    for base in swaps {
        let swap = files::segment_path(path, base, SWAP_SUFFIX);
        let segment = read_segment(rt, &swap, base, index_interval_bytes).await?;
        let covered = names.range((base, "")..(segment.end.max(base.after(1)), ""));
        for (old, suffix) in covered {
            files::remove_if_present(rt, &files::segment_path(path, *old, suffix)).await?;
        }
        let indexes = segment.indexes.as_ref().expect("a segment that was read has indexes");
        let (offsets, times) = indexes.encode();
        files::write_new(rt, &files::segment_path(path, base, INDEX_SUFFIX), offsets).await?;
        files::write_new(rt, &files::segment_path(path, base, TIME_INDEX_SUFFIX), times).await?;
        sync_dir(rt, path).await?;
        rename(rt, &swap, &files::segment_path(path, base, LOG_SUFFIX)).await?;
        sync_dir(rt, path).await?;
    }
    Ok(())
}

/// What a segment's batches say about it. Its last batch tells where it ends: cleaning never drops that one.
async fn read_segment<R: Disk + Clone>(
    rt: &R,
    path: &Path,
    base: Offset,
    index_interval_bytes: u32,
) -> Result<Segment<R::File>, StorageError> {
    let mut reader = BatchReader::open(rt, path, None).await?;
    let mut segment = Segment::new(base);
    while let Some(bytes) = reader.next().await? {
        let batch = BatchView::new(&bytes).map_err(|error| reader.corrupt(&error))?;
        segment.note(&BatchMeta::of(&batch.header), index_interval_bytes);
    }
    segment.seal();
    Ok(segment)
}

async fn rename<R: Disk>(rt: &R, from: &Path, to: &Path) -> Result<(), StorageError> {
    rt.rename(from, to).await.map_err(StorageError::disk(from, "rename"))
}

async fn sync_dir<R: Disk>(rt: &R, path: &Path) -> Result<(), StorageError> {
    rt.sync_dir(path).await.map_err(StorageError::disk(path, "sync"))
}
