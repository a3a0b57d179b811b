//! Which segments leave the disk, and when.
//!
//! Promises: the active segment stays; a deleted segment's bytes stay readable for plans that hold its file; the journal
//! learns of a deletion before the files go, so that a replay does not bring them back.
//! Does not: compact.

use model::{Bug, Observation, Offset, Probe, Site};
use runtime::Runtime;

use crate::files::{self, DELETED_SUFFIX, SEGMENT_SUFFIXES};
use crate::journal::{Entry, FrameHead, FrameKind};
use crate::log::{Log, Op};
use crate::store::Owner;
use crate::{Cleanup, StorageError};

/// Applies `retention.ms`, `retention.bytes` and the log's start offset.
pub(crate) async fn retain<R: Runtime>(log: &Log<R>) -> Result<(), StorageError> {
    let now_ms = log.store.rt.now().wall_ms;
    let bases: Vec<Offset> =
        log.log.state.borrow().segments.iter().map(|segment| segment.base).collect();
    let retention_ms = log.log.state.borrow().config.retention_ms;
    if retention_ms.is_some() {
        for base in &bases {
            log.load_max_timestamp(*base).await?;
        }
    }
    roll_expired(log, now_ms);
    let keep_from = first_kept(log, now_ms);
    let keep_from = begin_what_is_left(log, keep_from).await?;
    delete_segments_below(log, keep_from).await
}

/// An active segment whose records are all expired is sealed, so that it can go too (Kafka does the same).
fn roll_expired<R: Runtime>(log: &Log<R>, now_ms: i64) {
    let mut state = log.log.state.borrow_mut();
    let Some(retention_ms) = state.config.retention_ms else { return };
    let deletes = state.config.cleanup != Cleanup::Compact;
    let expired = state.segments.last().and_then(|active| active.max_timestamp);
    let expired = expired.is_some_and(|max| now_ms - max.timestamp_ms > retention_ms);
    if deletes && expired && state.readable == state.end && state.published == state.end {
        let producers = log.log.producers.borrow();
        state.roll(producers.as_ref().and_then(|producers| producers()));
        drop(state);
        crate::log::start_writer(&log.store, &log.log);
    }
}

/// Base of the first segment that stays.
fn first_kept<R: Runtime>(log: &Log<R>, now_ms: i64) -> Offset {
    let state = log.log.state.borrow();
    let deletes = state.config.cleanup != Cleanup::Compact;
    let mut total_bytes = state.size_bytes();
    let sealed = state.segments.split_last().map_or(&[][..], |(_, sealed)| sealed);
    for segment in sealed {
        let below_start = segment.end <= state.start;
        let too_old = state.config.retention_ms.is_some_and(|retention_ms| {
            segment.max_timestamp.is_some_and(|max| now_ms - max.timestamp_ms > retention_ms)
        });
        let too_much = state
            .config
            .retention_bytes
            .is_some_and(|limit| total_bytes - segment.size_bytes >= limit);
        let persisted = segment.end <= state.published;
        if !persisted || !(below_start || deletes && (too_old || too_much)) {
            return segment.base;
        }
        total_bytes -= segment.size_bytes;
    }
    state.segments.last().map_or(state.end, |active| active.base)
}

/// If everything goes, the name of the active segment's file is all that tells the next start where the log ends. Without
/// room for it the newest sealed segment stays. Returns the first segment that may stay alone.
async fn begin_what_is_left<R: Runtime>(
    log: &Log<R>,
    keep_from: Offset,
) -> Result<Offset, StorageError> {
    let lacks_file = || {
        let state = log.log.state.borrow();
        let active = state.segments.last().filter(|active| active.base == keep_from);
        active.is_some_and(|active| active.file.is_none() && !active.named)
    };
    if !lacks_file() || log.log.state.borrow().segments.len() == 1 {
        return Ok(keep_from);
    }
    log.log.state.borrow_mut().queue.push_back(Op::Begin { segment: keep_from });
    crate::log::start_writer(&log.store, &log.log);
    log.flush().await?;
    let state = log.log.state.borrow();
    let newest_sealed = state.segments.iter().rev().nth(1).map(|sealed| sealed.base);
    drop(state);
    Ok(newest_sealed.filter(|_| lacks_file()).unwrap_or(keep_from))
}

async fn delete_segments_below<R: Runtime>(
    log: &Log<R>,
    keep_from: Offset,
) -> Result<(), StorageError> {
    let any = log.log.state.borrow().segments.first().is_some_and(|first| first.base < keep_from);
    if !any {
        return Ok(());
    }
    log.flush().await?;
    let begun = Observation::DeletionBegun { at: log.log.id.at, keep_from };
    log.store.rt.probe().observe(begun);
    if !log.store.planted(Bug::DeletionNotJournaled) {
        let op = tell_journal(log, keep_from);
        log.wait_journaled(op).await?;
    }
    log.store.sometimes(Site::RetentionDeleted);
    let (gone, delay_ms) = {
        let mut state = log.log.state.borrow_mut();
        let gone: Vec<Offset> =
            state.segments.iter().map(|s| s.base).filter(|base| *base < keep_from).collect();
        state.segments.retain(|segment| segment.base >= keep_from);
        let start = state.start.max(keep_from);
        state.start = start;
        state.epochs_dirty |= state.epochs.truncate_below(start);
        (gone, state.config.file_delete_delay_ms)
    };
    let rt = &log.store.rt;
    let due_ms = rt.now().wall_ms + delay_ms;
    for base in gone {
        put_away(log, base, &SEGMENT_SUFFIXES, due_ms).await?;
    }
    rt.sync_dir(&log.log.path).await.map_err(StorageError::disk(&log.log.path, "sync"))
}

/// Renames these files of a segment, if they are there; they are removed when due. The names are not durable yet.
pub(crate) async fn put_away<R: Runtime>(
    log: &Log<R>,
    base: Offset,
    suffixes: &[&str],
    due_ms: i64,
) -> Result<(), StorageError> {
    for suffix in suffixes {
        let path = files::segment_path(&log.log.path, base, suffix);
        let renamed =
            files::segment_path(&log.log.path, base, &format!("{suffix}.{DELETED_SUFFIX}"));
        match log.store.rt.rename(&path, &renamed).await {
            Ok(()) => log.store.trash.borrow_mut().push(due_ms, renamed),
            Err(runtime::Error::NotFound) => {}
            Err(error) => return Err(StorageError::disk(&path, "rename")(error)),
        }
    }
    Ok(())
}

/// Puts the new first segment into the journal. Returns what to wait for.
fn tell_journal<R: Runtime>(log: &Log<R>, keep_from: Offset) -> u64 {
    let (op, end) = {
        let mut state = log.log.state.borrow_mut();
        let op = state.next_op();
        state.queue.push_back(Op::Barrier { op });
        (op, state.end)
    };
    let head = FrameHead {
        at: log.log.id.at,
        kind: FrameKind::StartAt,
        segment: keep_from,
        position: 0,
        end,
        size_bytes: 0,
    };
    let owner = Owner { log: log.log.clone(), op, end: Offset::ZERO, size_bytes: 0 };
    log.store.journal(&log.log).push(Entry { head, pieces: Vec::new(), owner });
    crate::log::start_writer(&log.store, &log.log);
    op
}
