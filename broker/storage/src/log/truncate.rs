//! Cutting a log back, as a follower does that diverged.
//!
//! Promises: bytes that may have been sent are never overwritten: the file is cut and the log rolls, so new bytes go
//! to a new file.

use std::rc::Rc;

use model::{Bug, Observation, Offset, Probe, Site};
use runtime::Runtime;

use super::read::Walk;
use super::{Cut, Log, LogShared, Op, start_writer};
use crate::StorageError;
use crate::files::{self, LOG_SUFFIX, SEGMENT_SUFFIXES, SNAPSHOT_SUFFIX};
use crate::journal::{Entry, FrameHead, FrameKind};
use crate::segment::Segment;
use crate::store::{Owner, Shared};

impl<R: Runtime> Log<R> {
    /// Removes everything from `offset` on; a batch that contains it goes as a whole. Durable when it returns.
    ///
    /// # Errors
    /// `Offline`, and what reading or cutting the files may answer.
    pub async fn truncate_to(&self, offset: Offset) -> Result<(), StorageError> {
        self.wait_written().await?;
        if offset >= self.end_offset() {
            return Ok(());
        }
        let (segment, position, end) = self.cut_point(offset).await?;
        let op = {
            let mut state = self.log.state.borrow_mut();
            let removed: Vec<Offset> =
                state.segments.iter().map(|s| s.base).filter(|base| *base > segment).collect();
            state.segments.retain(|s| s.base <= segment);
            if position == 0 {
                state.segments.retain(|s| s.base < segment);
            } else {
                state.segment_mut(segment).expect("found above").truncate(end, position);
            }
            state.end = end;
            state.start = state.start.min(end);
            state.readable = end;
            state.journaled = state.journaled.min(end);
            state.synced = state.synced.min(end);
            state.published = state.published.min(end);
            state.tail.retain(|batch| batch.end <= end);
            state.truncation_count += 1;
            state.epochs_dirty |= state.epochs.truncate_from(end);
            let goes_on = position > 0 && self.store.planted(Bug::AppendInPlaceAfterTruncate);
            if !goes_on {
                state.segments.push(Segment::new(end));
            }
            let op = state.next_op();
            state.truncation_op = op;
            let snapshots = state.snapshots.past(end);
            let cut = Cut { segment, position, end, removed, snapshots, op };
            state.queue.push_back(Op::Truncate(cut));
            op
        };
        let head = FrameHead {
            at: self.log.id.at,
            kind: FrameKind::Truncate,
            segment,
            position,
            end,
            size_bytes: 0,
        };
        let owner = Owner { log: self.log.clone(), op, end, size_bytes: 0 };
        self.store.journal(&self.log).push(Entry { head, pieces: Vec::new(), owner });
        self.store.sometimes(Site::LogTruncated);
        self.store.rt.probe().observe(Observation::Truncated { at: self.log.id.at, end });
        start_writer(&self.store, &self.log);
        self.flush().await?;
        // The journal may still hold the frames of what was cut off. Until it says that they were, a replay brings them back.
        self.wait_journaled(op).await
    }

    async fn wait_written(&self) -> Result<(), StorageError> {
        loop {
            {
                let state = self.log.state.borrow();
                state.check_online()?;
                if state.queue.is_empty() && !state.writing && !state.cleaning.is_swapping {
                    return Ok(());
                }
            }
            self.log.progress.notified().await;
        }
    }

    /// Segment and position of the batch that holds the offset, and that batch's base.
    async fn cut_point(&self, offset: Offset) -> Result<(Offset, u64, Offset), StorageError> {
        let base = {
            let state = self.log.state.borrow();
            match state.segment_of(offset) {
                Some(at) => state.segments[at].base,
                None => return Ok((state.segments[0].base, 0, offset)),
            }
        };
        let file = self.open_segment(base).await?;
        let mut walk = Walk::new(self, base, file);
        loop {
            let position = walk.position;
            match walk.next().await? {
                Some(header) if header.last_offset() >= offset => {
                    return Ok((base, position, header.base_offset.min(offset)));
                }
                Some(_) => {}
                None => return Ok((base, position, offset)),
            }
        }
    }
}

/// The writer's part: files, then their names.
pub(super) async fn cut_files<R: Runtime>(
    store: &Rc<Shared<R>>,
    log: &Rc<LogShared<R>>,
    cut: &Cut,
) -> Result<(), StorageError> {
    let rt = &store.rt;
    for at in &cut.snapshots {
        files::remove_if_present(rt, &files::segment_path(&log.path, *at, SNAPSHOT_SUFFIX)).await?;
    }
    let whole = (cut.position == 0).then_some(cut.segment);
    for base in cut.removed.iter().copied().chain(whole) {
        remove_segment_files(rt, log, base).await?;
    }
    if cut.position > 0 {
        let file = super::create::segment_file(rt, log, cut.segment).await?;
        let path = files::segment_path(&log.path, cut.segment, LOG_SUFFIX);
        rt.set_len(&file, cut.position).await.map_err(StorageError::disk(&path, "truncate"))?;
        super::write::write_indexes(rt, log, cut.segment).await?;
        super::txn_index::cut(rt, log, cut.segment, cut.end).await?;
        rt.sync_data(&file).await.map_err(StorageError::disk(&path, "sync"))?;
    }
    let only = {
        let state = log.state.borrow();
        (state.segments.len() == 1).then(|| state.segments[0].base)
    };
    match only {
        Some(base) => super::create::begin_segment(rt, log, base).await?,
        None => {
            rt.sync_dir(&log.path).await.map_err(StorageError::disk(&log.path, "sync"))?;
        }
    }
    log.state.borrow_mut().ops_written = cut.op;
    store.request_sync(log);
    Ok(())
}

pub(crate) async fn remove_segment_files<R: Runtime>(
    rt: &R,
    log: &LogShared<R>,
    base: Offset,
) -> Result<(), StorageError> {
    for suffix in SEGMENT_SUFFIXES {
        files::remove_if_present(rt, &files::segment_path(&log.path, base, suffix)).await?;
    }
    Ok(())
}
