//! The log's writer: one task at a time, as long as there is something to write.
//!
//! Promises: operations reach the files in the order they were queued; neighbours of one segment go in one write.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use model::{Buf, Bufs, Buggify, Offset};
use runtime::{Open, Runtime, TaskClass};

use super::create::{begin_segment, create_directory, segment_file};
use super::{LogShared, Op, truncate};
use crate::files::{self, INDEX_SUFFIX, SNAPSHOT_SUFFIX, TIME_INDEX_SUFFIX};
use crate::store::Shared;
use crate::{Lane, StorageError};

/// Bounds of one write.
const WRITE_BYTES_MAX: usize = 4 << 20;
const WRITE_PIECES_MAX: usize = 256;
/// Index entries that are worth a write of their own: with Kafka's defaults those of half a mebibyte.
const INDEX_ENTRIES_MIN: usize = 128;

/// How often the metadata log looks for room.
const ROOM_RETRY: Duration = Duration::from_millis(100);

/// Starts the writer unless it runs already.
pub(crate) fn start_writer<R: Runtime>(store: &Rc<Shared<R>>, log: &Rc<LogShared<R>>) {
    {
        let mut state = log.state.borrow_mut();
        if state.writing || state.queue.is_empty() || state.offline.is_some() {
            return;
        }
        state.writing = true;
    }
    let (store, log) = (store.clone(), log.clone());
    let rt = store.rt.clone();
    rt.spawn("log writer", TaskClass::Latency, async move {
        while let Some(step) = next_step(&log, store.buggify(Buggify::WriteOfOne)) {
            if let Err(error) = run(&store, &log, step).await {
                store.fail(&log, &error);
                break;
            }
        }
        log.state.borrow_mut().writing = false;
        log.progress.notify();
    });
}

/// What one trip to the disk does.
enum Step {
    Write(Write),
    Other(Op),
}

/// Neighbouring appends of one segment.
struct Write {
    segment: Offset,
    position: u64,
    pieces: Bufs,
    end: Offset,
    op: u64,
    size_bytes: usize,
    /// Part of `size_bytes` that no journal entry accounts for.
    direct_bytes: usize,
    record_count: u64,
}

fn next_step<R: Runtime>(log: &LogShared<R>, is_single: bool) -> Option<Step> {
    let mut state = log.state.borrow_mut();
    let mut merged: Option<Write> = None;
    loop {
        match state.queue.front() {
            Some(Op::Write { segment, size_bytes, pieces, .. }) => {
                let full = merged.as_ref().is_some_and(|write| {
                    is_single
                        || write.segment != *segment
                        || write.size_bytes + size_bytes > WRITE_BYTES_MAX
                        || write.pieces.len() + pieces.len() > WRITE_PIECES_MAX
                });
                if full {
                    return merged.map(Step::Write);
                }
            }
            _ if merged.is_some() => return merged.map(Step::Write),
            _ => return state.queue.pop_front().map(Step::Other),
        }
        let Some(Op::Write {
            segment,
            position,
            pieces,
            end,
            op,
            size_bytes,
            through_journal,
            record_count,
        }) = state.queue.pop_front()
        else {
            unreachable!("the front was a write");
        };
        let write = merged.get_or_insert_with(|| Write {
            segment,
            position,
            pieces: Bufs::new(),
            end,
            op,
            size_bytes: 0,
            direct_bytes: 0,
            record_count: 0,
        });
        write.pieces.extend(pieces);
        (write.end, write.op) = (end, op);
        write.size_bytes += size_bytes;
        write.direct_bytes += if through_journal { 0 } else { size_bytes };
        write.record_count += record_count;
    }
}

async fn run<R: Runtime>(
    store: &Rc<Shared<R>>,
    log: &Rc<LogShared<R>>,
    step: Step,
) -> Result<(), StorageError> {
    let rt = &store.rt;
    match step {
        Step::Write(mut write) => {
            let lane = log.state.borrow().config.lane;
            let result = match lane {
                Lane::Journal => run_write(store, log, &mut write).await,
                Lane::Direct => run_until_room(store, log, &mut write).await,
            };
            store.settle(write.direct_bytes);
            result
        }
        Step::Other(Op::Seal { segment }) => {
            if !hint(store, log, async || write_indexes(rt, log, segment).await).await? {
                // Half an index would pass for a whole one, and its last timestamp for the largest.
                remove_indexes(rt, log, segment).await?;
            }
            // Synced soon, as Kafka does after a roll: the recovery point moves and the file can be closed.
            store.request_sync(log);
            store.opened(log, segment);
            Ok(())
        }
        Step::Other(Op::Snapshot { at, content }) => {
            let path = files::segment_path(&log.path, at, SNAPSHOT_SUFFIX);
            hint(store, log, async || files::replace(rt, &path, content.clone()).await).await?;
            Ok(())
        }
        Step::Other(Op::Truncate(cut)) => truncate::cut_files(store, log, &cut).await,
        Step::Other(Op::Begin { segment }) => {
            hint(store, log, async || begin_segment(rt, log, segment).await).await?;
            Ok(())
        }
        Step::Other(Op::Barrier { op }) => {
            log.state.borrow_mut().ops_written = op;
            store.request_sync(log);
            Ok(())
        }
        Step::Other(Op::Write { .. }) => unreachable!("writes are merged"),
    }
}

/// Writes files that only make a later start or search shorter: a full disk goes without them. Returns whether they were
/// written.
async fn hint<R: Runtime>(
    store: &Shared<R>,
    log: &LogShared<R>,
    write: impl AsyncFn() -> Result<(), StorageError>,
) -> Result<bool, StorageError> {
    let mut result = write().await;
    if let Err(error) = &result
        && store.gave_up_reserve(log.directory, error).await
    {
        result = write().await;
    }
    match result {
        Err(error) if error.is_out_of_room() => Ok(false),
        result => result.map(|()| true),
    }
}

/// The metadata log is never given up for want of room: its writes wait. The same bytes go to the same place again,
/// where nobody could read them yet.
async fn run_until_room<R: Runtime>(
    store: &Rc<Shared<R>>,
    log: &Rc<LogShared<R>>,
    write: &mut Write,
) -> Result<(), StorageError> {
    loop {
        let pieces = write.pieces.clone();
        match run_write(store, log, write).await {
            Err(error) if error.is_out_of_room() && !store.is_closing() => {
                write.pieces = pieces;
                if !store.gave_up_reserve(log.directory, &error).await {
                    store.rt.sleep_until(store.rt.now().mono + ROOM_RETRY).await;
                }
            }
            result => return result,
        }
    }
}

async fn run_write<R: Runtime>(
    store: &Rc<Shared<R>>,
    log: &Rc<LogShared<R>>,
    write: &mut Write,
) -> Result<(), StorageError> {
    let rt = &store.rt;
    let created = log.state.borrow().created;
    if !created {
        create_directory(rt, log).await?;
    }
    let file = segment_file(rt, log, write.segment).await?;
    let written = rt.append(&file, write.position, core::mem::take(&mut write.pieces)).await;
    written.map_err(StorageError::disk(&log.path, "write"))?;
    let lane = {
        let mut state = log.state.borrow_mut();
        state.readable = write.end;
        state.ops_written = write.op;
        state.dirty_bytes += write.size_bytes as u64;
        state.unsynced_since.get_or_insert(rt.now().mono);
        state.unsynced_records += write.record_count;
        state.segment_mut(write.segment).expect("the writer's segments exist").dirty = true;
        state.config.lane
    };
    if lane == Lane::Direct {
        store.sync_log(log).await?;
    }
    store.publish(log);
    store.sync_if_due(log);
    store.flush_timer.update(log);
    log.progress.notify();
    Ok(())
}

/// Writes both index files of a segment. They are hints: a crash before the next sync costs a scan.
pub(super) async fn write_indexes<R: Runtime>(
    rt: &R,
    log: &LogShared<R>,
    base: Offset,
) -> Result<(), StorageError> {
    let encoded = {
        let mut state = log.state.borrow_mut();
        state.segment_mut(base).and_then(|segment| {
            let indexes = segment.indexes.as_ref()?;
            segment.indexes_on_disk = indexes.counts();
            Some(indexes.encode())
        })
    };
    let Some((offsets, times)) = encoded else { return Ok(()) };
    let path = |suffix| files::segment_path(&log.path, base, suffix);
    files::write_new(rt, &path(INDEX_SUFFIX), offsets).await?;
    files::write_new(rt, &path(TIME_INDEX_SUFFIX), times).await
}

/// Adds the entries about batches below `end`, which are synced, to the index files of the active segment. Not synced,
/// and no error to the log when it fails: recovery reads a little more. Few entries are left for later.
pub(crate) async fn append_indexes<R: Runtime>(rt: &R, log: &LogShared<R>, end: Offset) {
    let (base, from, (offsets, times)) = {
        let mut state = log.state.borrow_mut();
        let Some(segment) = state.segments.last_mut() else { return };
        let Some(indexes) = segment.indexes.as_ref().filter(|_| end > segment.base) else { return };
        let (from, to) = (segment.indexes_on_disk, indexes.counts_below(segment.delta(end)));
        if to.offsets < from.offsets + INDEX_ENTRIES_MIN || to.times < from.times {
            return;
        }
        let encoded = indexes.encode_range(from, to);
        segment.indexes_on_disk = to;
        (segment.base, from, encoded)
    };
    let (offsets_at, times_at) = from.sizes_bytes();
    let path = |suffix| files::segment_path(&log.path, base, suffix);
    let mut appended = append_entries(rt, &path(INDEX_SUFFIX), offsets_at, offsets).await;
    if appended.is_ok() {
        appended = append_entries(rt, &path(TIME_INDEX_SUFFIX), times_at, times).await;
    }
    if appended.is_err()
        && let Some(segment) = log.state.borrow_mut().segment_mut(base)
    {
        segment.indexes_on_disk = from;
    }
}

async fn append_entries<R: Runtime>(
    rt: &R,
    path: &Path,
    at: u64,
    entries: Vec<u8>,
) -> runtime::Result<()> {
    let file = rt.open(path, Open::Create).await?;
    // What an earlier life left behind the entries that count.
    if rt.len(&file).await? > at {
        rt.set_len(&file, at).await?;
    }
    rt.append(&file, at, vec![Buf::from(entries)]).await
}

/// Index files that do not describe the segment.
pub(super) async fn remove_indexes<R: Runtime>(
    rt: &R,
    log: &LogShared<R>,
    base: Offset,
) -> Result<(), StorageError> {
    for suffix in [INDEX_SUFFIX, TIME_INDEX_SUFFIX] {
        files::remove_if_present(rt, &files::segment_path(&log.path, base, suffix)).await?;
    }
    Ok(())
}
