//! Which file ranges answer a fetch.
//!
//! Promises: whole batches only; nothing past the visible end; a tail fetch does no I/O.
//! Does not: read record bytes for the caller. One plan stays within one segment, as in Kafka.

use core::ops::Range;

use model::{Bug, Buggify, Offset, Site};
use runtime::{Heat, Open, Runtime};
use wire::batch::{BatchHeader, HEADER_BYTES};

use super::state::TailBatch;
use super::{Log, LogShared};
use crate::StorageError;
use crate::files::{self, FileOf, INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX};
use crate::index::Indexes;

/// Headers are found by reading pieces of this size.
const WALK_BYTES: usize = 16 << 10;

#[derive(Debug, Clone, Copy)]
pub struct ReadSpec {
    /// Anywhere inside a batch; the plan begins with that batch.
    pub from: Offset,
    pub bytes_max: usize,
    /// Exclusive: high watermark, last stable offset, or log end.
    pub visible_end: Offset,
    /// The first batch comes even if it exceeds `bytes_max`, so that a consumer cannot get stuck.
    pub at_least_one_batch: bool,
}

/// A range of one file; the handle keeps the bytes alive even when the segment is deleted meanwhile.
#[derive(Debug, Clone)]
pub struct Piece<F> {
    pub file: F,
    pub range: Range<u64>,
    pub heat: Heat,
}

#[derive(Debug, Clone)]
pub struct Plan<F> {
    /// Empty when there is nothing to read yet.
    pub pieces: Vec<Piece<F>>,
    pub size_bytes: u64,
    /// Where the next fetch continues.
    pub next_offset: Offset,
}

impl<F> Plan<F> {
    fn nothing(next_offset: Offset) -> Self {
        Self { pieces: Vec::new(), size_bytes: 0, next_offset }
    }

    fn one(file: F, range: Range<u64>, heat: Heat, next_offset: Offset) -> Self {
        let size_bytes = range.end - range.start;
        Self { pieces: vec![Piece { file, range, heat }], size_bytes, next_offset }
    }
}

impl<R: Runtime> Log<R> {
    /// Finds the file ranges that answer a read.
    ///
    /// # Errors
    /// [`StorageError::OutOfRange`] below the start or past the end; [`StorageError::Disk`] and
    /// [`StorageError::Corrupt`] when a cold segment does not read back.
    pub async fn plan(&self, spec: ReadSpec) -> Result<Plan<FileOf<R>>, StorageError> {
        let spec = {
            let state = self.log.state.borrow();
            state.check_in_range(spec.from)?;
            let is_short = self.store.buggify(Buggify::PlanOfOne);
            let bytes_max = if is_short { 0 } else { spec.bytes_max };
            ReadSpec { visible_end: spec.visible_end.min(state.readable), bytes_max, ..spec }
        };
        if spec.from >= spec.visible_end {
            return Ok(Plan::nothing(spec.from));
        }
        loop {
            let replacement_count = self.replacement_count();
            let is_cold = self.store.buggify(Buggify::PlanCold);
            let plan = match self.plan_tail(&spec).filter(|_| !is_cold) {
                Some(plan) => Ok(plan),
                None => self.plan_cold(&spec).await,
            };
            // A segment that was compacted under the search gave positions of two files.
            if self.replacement_count() == replacement_count {
                // Segments that were deleted under the search look like a gap: what was found lies behind it.
                self.log.state.borrow().check_in_range(spec.from)?;
                return plan;
            }
        }
    }

    /// Moves whenever compaction puts a segment in the place of others.
    pub(super) fn replacement_count(&self) -> u64 {
        self.log.state.borrow().cleaning.replacement_count
    }

    /// From the batches in memory; `None` when the offset is older than they are.
    fn plan_tail(&self, spec: &ReadSpec) -> Option<Plan<FileOf<R>>> {
        let skips = self.store.planted(Bug::FetchSkipsHoldingBatch);
        let mut state = self.log.state.borrow_mut();
        let is_before =
            |batch: &TailBatch| if skips { batch.base < spec.from } else { batch.end <= spec.from };
        let at = state.tail.partition_point(is_before);
        let first = *state.tail.get(at)?;
        if first.base > spec.from && at == 0 {
            return None;
        }
        let (mut size_bytes, mut next_offset) = (0, spec.from);
        for batch in state.tail.range(at..) {
            let fits = size_bytes + batch.size_bytes <= spec.bytes_max as u64
                || (size_bytes == 0 && spec.at_least_one_batch);
            if batch.segment != first.segment || batch.end > spec.visible_end || !fits {
                break;
            }
            (size_bytes, next_offset) = (size_bytes + batch.size_bytes, batch.end);
        }
        if size_bytes == 0 {
            return Some(Plan::nothing(spec.from));
        }
        let grows = state.readable < state.end;
        let segment = state.segment_mut(first.segment)?;
        let file = segment.file.clone()?;
        if grows && self.store.planted(Bug::TornRead) {
            size_bytes = (segment.size_bytes - first.position).min(spec.bytes_max as u64);
        }
        let heat = self.store.heat(first.stamp);
        Some(Plan::one(file, first.position..first.position + size_bytes, heat, next_offset))
    }

    async fn plan_cold(&self, spec: &ReadSpec) -> Result<Plan<FileOf<R>>, StorageError> {
        self.store.sometimes(Site::ColdPlan);
        let mut base = {
            let state = self.log.state.borrow();
            let at = state.segment_of(spec.from).unwrap_or(0);
            state.segments.get(at).map(|segment| segment.base)
        };
        while let Some(segment) = base {
            let file = self.open_segment(segment).await?;
            if let Some(plan) = self.plan_segment(spec, segment, file).await? {
                return Ok(plan);
            }
            // Compaction or truncation may leave a gap at a segment's end.
            let state = self.log.state.borrow();
            let next = state.segments.iter().find(|other| other.base > segment);
            base = next.map(|segment| segment.base);
        }
        Ok(Plan::nothing(spec.from))
    }

    async fn plan_segment(
        &self,
        spec: &ReadSpec,
        base: Offset,
        file: FileOf<R>,
    ) -> Result<Option<Plan<FileOf<R>>>, StorageError> {
        let mut walk = Walk::new(self, base, file.clone());
        walk.position = self
            .indexed(base, |indexes, delta| indexes.position_before(delta(spec.from)))
            .map_or(0, u64::from);
        let skips = self.store.planted(Bug::FetchSkipsHoldingBatch);
        let first = loop {
            match walk.next().await? {
                Some(batch) if skips && batch.base_offset < spec.from => {}
                Some(batch) if batch.last_offset() >= spec.from => break batch,
                Some(_) => {}
                None => return Ok(None),
            }
        };
        let start = walk.position - u64::from(first.size_bytes);
        let budget = start.saturating_add(spec.bytes_max as u64);
        let first_fits = walk.position <= budget || spec.at_least_one_batch;
        if first.end_offset() > spec.visible_end || !first_fits {
            return Ok(Some(Plan::nothing(spec.from)));
        }
        let (mut end, mut next_offset) = (walk.position, first.end_offset());
        // Jump to the last indexed batch that begins inside the budget, then walk the rest.
        let boundary = self
            .indexed(base, |indexes, delta| indexes.boundary(end, budget, delta(spec.visible_end)));
        if let Some(boundary) = boundary.flatten() {
            (walk.position, end) = (boundary, boundary);
        }
        while let Some(batch) = walk.next().await? {
            if end == boundary.flatten().unwrap_or(u64::MAX) {
                next_offset = batch.base_offset;
            }
            if batch.end_offset() > spec.visible_end || walk.position > budget {
                break;
            }
            (end, next_offset) = (walk.position, batch.end_offset());
        }
        Ok(Some(Plan::one(file, start..end, Heat::Cold, next_offset)))
    }

    /// Asks a segment's indexes; the closure turns offsets into the segment's relative ones.
    fn indexed<T>(
        &self,
        base: Offset,
        ask: impl FnOnce(&Indexes, &dyn Fn(Offset) -> u32) -> T,
    ) -> Option<T> {
        let mut state = self.log.state.borrow_mut();
        let segment = state.segment_mut(base)?;
        let indexes = segment.indexes.as_ref()?;
        Some(ask(indexes, &|offset| segment.delta(offset)))
    }

    /// The segment's file, with its indexes in memory.
    pub(super) async fn open_segment(&self, base: Offset) -> Result<FileOf<R>, StorageError> {
        let replacement_count = self.replacement_count();
        let (file, loaded) = {
            let mut state = self.log.state.borrow_mut();
            let segment = state.segment_mut(base);
            segment.map_or((None, false), |s| (s.file.clone(), s.indexes.is_some()))
        };
        if let Some(file) = file.clone().filter(|_| loaded) {
            return Ok(file);
        }
        let path = files::segment_path(&self.log.path, base, LOG_SUFFIX);
        let rt = &self.store.rt;
        let file = match file {
            Some(file) => file,
            None => rt.open(&path, Open::Write).await.map_err(StorageError::disk(&path, "open"))?,
        };
        let indexes = load_indexes(rt, &self.log, base).await?;
        if self.replacement_count() != replacement_count {
            return Box::pin(self.open_segment(base)).await;
        }
        if let Some(segment) = self.log.state.borrow_mut().segment_mut(base) {
            segment.file = Some(file.clone());
            segment.indexes.get_or_insert(indexes);
        }
        self.store.opened(&self.log, base);
        Ok(file)
    }
}

pub(super) async fn load_indexes<R: Runtime>(
    rt: &R,
    log: &LogShared<R>,
    base: Offset,
) -> Result<Indexes, StorageError> {
    let path = |suffix| files::segment_path(&log.path, base, suffix);
    let offsets = files::read_small(rt, &path(INDEX_SUFFIX)).await?.unwrap_or_default();
    let times = files::read_small(rt, &path(TIME_INDEX_SUFFIX)).await?.unwrap_or_default();
    Ok(Indexes::decode(&offsets, &times))
}

/// Goes from batch header to batch header.
pub(super) struct Walk<'a, R: Runtime> {
    log: &'a Log<R>,
    base: Offset,
    file: FileOf<R>,
    /// Where the next batch begins.
    pub(super) position: u64,
    chunk: Vec<u8>,
    chunk_at: u64,
}

impl<'a, R: Runtime> Walk<'a, R> {
    pub(super) fn new(log: &'a Log<R>, base: Offset, file: FileOf<R>) -> Self {
        Self { log, base, file, position: 0, chunk: Vec::new(), chunk_at: 0 }
    }

    /// The next header; `None` at the readable end of the segment.
    pub(super) async fn next(&mut self) -> Result<Option<BatchHeader>, StorageError> {
        let end = {
            let mut state = self.log.log.state.borrow_mut();
            let readable = state.readable;
            match state.segment_mut(self.base) {
                Some(segment) if segment.base < readable => segment.size_bytes,
                _ => return Ok(None),
            }
        };
        if self.position + HEADER_BYTES as u64 > end {
            return Ok(None);
        }
        let within =
            self.position.checked_sub(self.chunk_at).and_then(|at| usize::try_from(at).ok());
        let header = within.and_then(|at| self.chunk.get(at..at + HEADER_BYTES));
        let header = match header {
            Some(bytes) => BatchHeader::decode(bytes),
            None => {
                let path = &self.log.log.path;
                let rt = &self.log.store.rt;
                self.chunk =
                    files::read_range(rt, &self.file, path, self.position, WALK_BYTES).await?;
                self.chunk_at = self.position;
                if self.chunk.len() < HEADER_BYTES {
                    return Ok(None); // Queued and not written yet.
                }
                BatchHeader::decode(&self.chunk)
            }
        };
        let header = header.map_err(|error| StorageError::Corrupt {
            path: files::segment_path(&self.log.log.path, self.base, LOG_SUFFIX),
            position: self.position,
            reason: error.to_string(),
        })?;
        self.position += u64::from(header.size_bytes);
        Ok(Some(header))
    }
}
