//! Cleaning one log: from the question whether it is due to its new segments.
//!
//! Promises: steps between yields are short, since decompression and large batches go to the side pool; memory
//! is the map, one chunk in and one chunk out.
//! Does not: take a log offline for what it could not read; such a log is left alone until the next start.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use model::{Buf, Bufs, Bug, Offset, Site};
use runtime::{Disk, Open, Runtime};
use wire::batch::{BatchError, BatchHeader, BatchView};
use wire::compression::Codec;

use super::choice::{self, Bounds, Cleanable, SegmentBounds, SegmentFacts};
use super::filter::{Fate, Rules, Verdict, WhenEmpty, filter, keys_of};
use super::offset_map::{KeyHash, OffsetMap};
use super::read::{BatchReader, CHUNK_BYTES, marker_of};
use super::survey::{Fates, Survey};
use super::swap::{self, CLEANED_SUFFIX, Failure, Replacement};
use crate::files::{self, FileOf, LOG_SUFFIX};
use crate::log::Log;
use crate::segment::{BatchMeta, Segment};
use crate::{Cleanup, Compaction, StorageError};

/// No batch decompresses to more; produce refuses it before.
const DECOMPRESSED_BYTES_MAX: usize = 256 << 20;
/// Batches of this size or compressed ones are worked on in the side pool.
const STEP_BYTES: usize = 16 << 10;
/// Keys put into the map between two yields.
const STEP_KEYS: usize = 512;
/// How long to wait for a place in the side pool.
const POOL_RETRY: Duration = Duration::from_millis(1);

/// Cleans the log if it is due.
///
/// # Errors
/// Only what leaves its files in doubt: the log must go offline. Anything else is noted in the log.
pub(crate) async fn clean_if_due<R: Runtime>(log: &Log<R>) -> Result<(), StorageError> {
    let truncation_count = {
        let state = log.log.state.borrow();
        let compacts = state.config.cleanup != Cleanup::Delete;
        if !compacts || state.offline.is_some() || state.cleaning.uncleanable.is_some() {
            return Ok(());
        }
        state.truncation_count
    };
    let result = match Cleaning::plan(log, truncation_count).await {
        Ok(Some(mut cleaning)) => cleaning.run().await,
        Ok(None) => Ok(()),
        Err(error) => Err(Failure::Before(error)),
    };
    match result {
        Ok(()) => Ok(()),
        Err(Failure::Halfway(error)) => Err(error),
        Err(Failure::Before(error)) => {
            // A log that was deleted, failed or cut meanwhile lost files under the cleaning; and room may come back.
            let is_same = {
                let state = log.log.state.borrow();
                state.offline.is_none() && state.truncation_count == truncation_count
            };
            if is_same && !error.is_out_of_room() {
                leave_alone(log, error.to_string());
            }
            Ok(())
        }
    }
}

/// Another attempt would end the same way; the next start looks again.
fn leave_alone<R: Runtime>(log: &Log<R>, reason: String) {
    log.log.state.borrow_mut().cleaning.uncleanable = Some(reason);
    log.store.count(|stats| stats.uncleanable_log_count += 1);
}

struct Cleaning<'a, R: Runtime> {
    log: &'a Log<R>,
    config: crate::LogConfig,
    now_ms: i64,
    /// Sealed segments that may be cleaned, ascending.
    segments: Vec<SegmentFacts>,
    range: Cleanable,
    truncation_count: u64,
    /// Bytes worked on since the last yield.
    unyielded_bytes: usize,
}

impl<'a, R: Runtime> Cleaning<'a, R> {
    /// What to clean; `None` when it is not due.
    async fn plan(log: &'a Log<R>, truncation_count: u64) -> Result<Option<Self>, StorageError> {
        let now_ms = log.store.rt.now().wall_ms;
        let config = log.config();
        let compaction = config.compaction;
        let mut segments = log.sealed_segments();
        for segment in &mut segments {
            learn_times(log, segment, &compaction).await?;
        }
        let bounds = {
            let state = log.log.state.borrow();
            let stable_end = state.cleaning.stable_end.unwrap_or(state.published);
            Bounds {
                now_ms,
                checkpoint: state.cleaning.first_dirty,
                log_start: state.start,
                stable_end: stable_end.min(state.published),
            }
        };
        let range = choice::cleanable(&segments, &compaction, &bounds);
        let Some(range) = range.filter(|range| range.is_due(&compaction)) else { return Ok(None) };
        segments.retain(|segment| segment.end <= range.end);
        let unyielded_bytes = 0;
        let cleaning =
            Self { log, config, now_ms, segments, range, truncation_count, unyielded_bytes };
        Ok(Some(cleaning))
    }

    async fn run(&mut self) -> Result<(), Failure> {
        let survey = self.survey().await.map_err(Failure::Before)?;
        if !survey.is_complete() {
            leave_alone(self.log, "more transactions than one cleaning can follow".to_owned());
            return Ok(());
        }
        if let Some(first) = survey.first_undecided() {
            self.segments.retain(|segment| segment.end <= first);
        }
        let map = self.collect_keys(&survey).await.map_err(Failure::Before)?;
        self.segments.retain(|segment| segment.base < map.end());
        if map.end() <= self.range.first_dirty {
            return Ok(());
        }
        let bounds = SegmentBounds {
            size_bytes: u64::from(self.config.segment_bytes),
            index_bytes: u64::from(self.config.segment_index_bytes),
            index_interval_bytes: u64::from(self.config.index_interval_bytes),
        };
        let (map, mut fates) = (Arc::new(map), Fates::default());
        for group in choice::group(&self.segments, &bounds) {
            let group = self.segments.get(group).expect("groups cover the segments").to_vec();
            if !self.clean_group(&group, &survey, &map, &mut fates).await? {
                return Ok(());
            }
        }
        self.log.log.state.borrow_mut().cleaning.first_dirty = Some(map.end());
        self.log.store.count(|stats| stats.cleaning_count += 1);
        Ok(())
    }

    async fn survey(&mut self) -> Result<Survey, StorageError> {
        let producers_since_ms =
            self.now_ms.saturating_sub(self.config.compaction.producer_expiration_ms);
        let entry_count_max = self.log.store.limits.producers_per_partition;
        let mut survey = Survey::new(producers_since_ms, entry_count_max);
        for segment in self.segments.clone() {
            let mut reader = self.reader(&segment).await?;
            while let Some(bytes) = reader.next().await? {
                let batch = BatchView::new(&bytes).map_err(|error| reader.corrupt(&error))?;
                let marker = marker_of(&batch).map_err(|error| reader.corrupt(&error))?;
                survey.note(&batch.header, marker, self.range.first_dirty);
                self.breathe(bytes.len()).await;
            }
        }
        Ok(survey)
    }

    /// Fills the map from the dirty segments, until it is full.
    async fn collect_keys(&mut self, survey: &Survey) -> Result<OffsetMap, StorageError> {
        let first_dirty = self.range.first_dirty;
        let limits = &self.log.store.limits;
        let bytes_max = limits.cleaner_map_bytes / usize::from(self.log.store.rt.shard_count());
        let mut map = OffsetMap::new(bytes_max, survey.dirty_record_count(), first_dirty);
        for segment in self.segments.clone() {
            if segment.end <= first_dirty {
                continue;
            }
            let mut reader = self.reader(&segment).await?;
            while let Some(bytes) = reader.next().await? {
                let header = BatchHeader::decode(&bytes).map_err(|error| reader.corrupt(&error))?;
                if header.end_offset() <= first_dirty || survey.is_aborted(&header) {
                    continue;
                }
                let keys = self.keys(bytes).await.map_err(|error| reader.corrupt(&error))?;
                for step in keys.chunks(STEP_KEYS) {
                    for (key, offset) in step {
                        if !map.put(*key, *offset) {
                            map.cover(*offset);
                            return Ok(map);
                        }
                    }
                    self.breathe(step.len() * STEP_BYTES / STEP_KEYS).await;
                }
                map.cover(header.end_offset());
            }
            map.cover(segment.end);
        }
        Ok(map)
    }

    async fn keys(&mut self, bytes: Buf) -> Result<Vec<(KeyHash, Offset)>, BatchError> {
        let first_dirty = self.range.first_dirty;
        self.work(bytes, move |batch, scratch| {
            keys_of(batch, first_dirty, DECOMPRESSED_BYTES_MAX, scratch)
        })
        .await
    }

    /// Writes the new segment of a group and puts it in place. False: the log changed meanwhile.
    async fn clean_group(
        &mut self,
        group: &[SegmentFacts],
        survey: &Survey,
        map: &Arc<OffsetMap>,
        fates: &mut Fates,
    ) -> Result<bool, Failure> {
        let (first, last) = (group[0], group[group.len() - 1]);
        let path = files::segment_path(&self.log.log.path, first.base, CLEANED_SUFFIX);
        let written = self.write_group(group, &path, survey, map, fates).await;
        let before_bytes: u64 = group.iter().map(|segment| segment.size_bytes).sum();
        let result = match written {
            Ok(None) => Ok(true),
            Ok(Some(mut segment)) => {
                segment.end = last.end;
                segment.seal();
                let after_bytes = segment.size_bytes;
                let old = group.iter().map(|segment| (segment.base, segment.size_bytes)).collect();
                let truncation_count = self.truncation_count;
                let new = Replacement { segment, old, truncation_count };
                let replaced = swap::replace(self.log, new).await;
                if matches!(replaced, Ok(true)) {
                    self.log.store.sometimes(Site::CompactionRan);
                    self.log.store.count(|stats| {
                        stats.cleaned_bytes += before_bytes;
                        stats.cleaned_into_bytes += after_bytes;
                    });
                    return Ok(true);
                }
                replaced
            }
            Err(error) => Err(Failure::Before(error)),
        };
        if !matches!(result, Err(Failure::Halfway(_))) {
            // What is left of an attempt is of no use; the next start would remove it too.
            let _gone = self.log.store.rt.remove(&path).await;
        }
        result
    }

    /// The new segment, synced under its `.cleaned` name; `None` when it would equal the one old segment.
    async fn write_group(
        &mut self,
        group: &[SegmentFacts],
        path: &Path,
        survey: &Survey,
        map: &Arc<OffsetMap>,
        fates: &mut Fates,
    ) -> Result<Option<Segment<FileOf<R>>>, StorageError> {
        let rt = &self.log.store.rt;
        let drops_early = self.log.store.planted(Bug::TombstoneDroppedEarly);
        let delete_retention_ms =
            if drops_early { 0 } else { self.config.compaction.delete_retention_ms };
        let rules = Rules {
            now_ms: self.now_ms,
            delete_retention_ms,
            decompressed_bytes_max: DECOMPRESSED_BYTES_MAX,
        };
        let file = rt.open(path, Open::Create).await.map_err(StorageError::disk(path, "create"))?;
        rt.set_len(&file, 0).await.map_err(StorageError::disk(path, "truncate"))?;
        let mut output = Output { file, path, pieces: Bufs::new(), pending_bytes: 0, position: 0 };
        let mut segment = Segment::new(group[0].base);
        let mut left_bytes: u64 = group.iter().map(|segment| segment.size_bytes).sum();
        let mut changed = group.len() > 1;
        for old in group {
            let mut reader = self.reader(old).await?;
            while let Some(bytes) = reader.next().await? {
                let batch = BatchView::new(&bytes).map_err(|error| reader.corrupt(&error))?;
                let marker = marker_of(&batch).map_err(|error| reader.corrupt(&error))?;
                let fate = fates.next(survey, &batch.header, marker);
                left_bytes -= bytes.len() as u64;
                // The last batch tells where the segment ends, to recovery and to the next append after it.
                let is_last = left_bytes == 0;
                let forgets = self.log.store.planted(Bug::CompactionForgetsProducers);
                let when_empty = match is_last {
                    true => WhenEmpty::KeepHeader,
                    false if forgets => WhenEmpty::Drop,
                    false => survey.when_empty(&batch.header),
                };
                let verdict = self.judge(bytes.clone(), map, rules, (fate, when_empty)).await;
                let kept = match verdict.map_err(|error| reader.corrupt(&error))? {
                    Verdict::Keep => bytes,
                    Verdict::Rewritten(bytes) => {
                        changed = true;
                        Buf::from(bytes)
                    }
                    Verdict::Drop => {
                        changed = true;
                        continue;
                    }
                };
                let header = BatchHeader::decode(&kept).expect("as read, or just written");
                segment.note(&BatchMeta::of(&header), self.config.index_interval_bytes);
                output.push(&self.log.store.rt, kept).await?;
            }
        }
        if !changed {
            return Ok(None);
        }
        let rt = &self.log.store.rt;
        output.write(rt).await?;
        rt.sync_data(&output.file).await.map_err(StorageError::disk(path, "sync"))?;
        segment.file = Some(output.file);
        Ok(Some(segment))
    }

    async fn judge(
        &mut self,
        bytes: Buf,
        map: &Arc<OffsetMap>,
        rules: Rules,
        decided: (Fate, WhenEmpty),
    ) -> Result<Verdict, BatchError> {
        let map = map.clone();
        self.work(bytes, move |batch, scratch| filter(batch, &map, &rules, decided, scratch)).await
    }

    /// Works on a batch here if that is quick, else in the side pool.
    async fn work<T: Send + 'static>(
        &mut self,
        bytes: Buf,
        work: impl Fn(&BatchView<'_>, &mut Vec<u8>) -> Result<T, BatchError> + Clone + Send + 'static,
    ) -> Result<T, BatchError> {
        let codec = BatchHeader::decode(&bytes)?.attributes.codec()?;
        if codec == Codec::None && bytes.len() <= STEP_BYTES {
            self.breathe(bytes.len()).await;
            return work(&BatchView::new(&bytes)?, &mut Vec::new());
        }
        loop {
            let rt = &self.log.store.rt;
            let (bytes, work) = (bytes.clone(), work.clone());
            let done = rt.offload(move || work(&BatchView::new(&bytes)?, &mut Vec::new())).await;
            match done {
                Ok(result) => return result,
                // The pool is busy with others; compaction can wait.
                Err(_) => rt.sleep_until(rt.now().mono + POOL_RETRY).await,
            }
        }
    }

    async fn reader(&self, segment: &SegmentFacts) -> Result<BatchReader<R>, StorageError> {
        let path = files::segment_path(&self.log.log.path, segment.base, LOG_SUFFIX);
        BatchReader::open(&self.log.store.rt, &path, Some(segment.size_bytes)).await
    }

    /// Lets others run when enough was done since the last time.
    async fn breathe(&mut self, bytes: usize) {
        self.unyielded_bytes += bytes;
        if self.unyielded_bytes >= STEP_BYTES {
            self.unyielded_bytes = 0;
            self.log.store.rt.yield_now().await;
        }
    }
}

/// The new file: written a chunk at a time.
struct Output<'a, F> {
    file: F,
    path: &'a Path,
    pieces: Bufs,
    pending_bytes: usize,
    position: u64,
}

impl<F: Clone> Output<'_, F> {
    /// Most batches of one write.
    const PIECES_MAX: usize = 256;

    async fn push<R: Disk<File = F>>(&mut self, rt: &R, bytes: Buf) -> Result<(), StorageError> {
        self.pending_bytes += bytes.len();
        self.pieces.push(bytes);
        if self.pending_bytes >= CHUNK_BYTES || self.pieces.len() >= Self::PIECES_MAX {
            self.write(rt).await?;
        }
        Ok(())
    }

    async fn write<R: Disk<File = F>>(&mut self, rt: &R) -> Result<(), StorageError> {
        let pieces = core::mem::take(&mut self.pieces);
        if !pieces.is_empty() {
            let written = rt.append(&self.file, self.position, pieces).await;
            written.map_err(StorageError::disk(self.path, "write"))?;
        }
        self.position += self.pending_bytes as u64;
        self.pending_bytes = 0;
        Ok(())
    }
}

/// Timestamps that the settings ask for; they cost a read.
async fn learn_times<R: Runtime>(
    log: &Log<R>,
    segment: &mut SegmentFacts,
    compaction: &Compaction,
) -> Result<(), StorageError> {
    if compaction.min_compaction_lag_ms > 0 {
        log.load_max_timestamp(segment.base).await?;
        let mut state = log.log.state.borrow_mut();
        let max = state.segment_mut(segment.base).and_then(|segment| segment.max_timestamp);
        segment.max_timestamp_ms = max.map(|max| max.timestamp_ms);
    }
    if compaction.max_compaction_lag_ms < i64::MAX && segment.size_bytes > 0 {
        let path = files::segment_path(&log.log.path, segment.base, LOG_SUFFIX);
        let mut reader = BatchReader::open(&log.store.rt, &path, Some(segment.size_bytes)).await?;
        if let Some(bytes) = reader.next().await? {
            let header = BatchHeader::decode(&bytes).map_err(|error| reader.corrupt(&error))?;
            segment.first_timestamp_ms = Some(header.max_timestamp_ms);
        }
    }
    Ok(())
}

impl<R: Runtime> Log<R> {
    /// All segments but the active one.
    fn sealed_segments(&self) -> Vec<SegmentFacts> {
        let state = self.log.state.borrow();
        let next = state.segments.iter().skip(1);
        let pairs = state.segments.iter().zip(next);
        pairs
            .map(|(segment, next)| SegmentFacts {
                base: segment.base,
                end: next.base,
                size_bytes: segment.size_bytes,
                max_timestamp_ms: None,
                first_timestamp_ms: None,
            })
            .collect()
    }

    /// Compaction stays below: the last stable offset, or the high watermark of a log without transactions.
    /// Until it is told, the reported end counts.
    pub fn set_stable_end(&self, end: Offset) {
        self.log.state.borrow_mut().cleaning.stable_end = Some(end);
    }
}
