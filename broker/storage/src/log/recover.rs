//! Opening a log that may have been left in any state.
//!
//! Promises: after an unclean stop, everything past the recovery point is read with its checksums, what holds is
//! written again and synced before it is served (a page that failed its sync can look fine in the page cache), and the
//! torn rest is cut. A bad checksum *below* the recovery point is rot: an error, never cut.
//! Does not: understand producers; their state goes through the sink.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;

use model::{Buf, Bug, Observation, Offset, Probe, Site};
use runtime::sync::Notify;
use runtime::{Open, Runtime};
use wire::batch::{BatchError, BatchHeader, BatchView, HEADER_BYTES};

use super::read::load_indexes;
use super::{Log, LogShared, State};
use crate::checkpoint::{LeaderEpochs, read_partition_metadata};
use crate::files::{self, FileOf, LOG_SUFFIX, SNAPSHOT_SUFFIX};
use crate::segment::{BatchMeta, MaxTimestamp, Segment};
use crate::store::Shared;
use crate::{LogConfig, LogId, StorageError};

const SCAN_BYTES: usize = 1 << 20;

/// Rebuilds what is derived from the records: producer state, in the `replication` crate.
pub trait RecoverySink {
    /// A producer snapshot that was taken at this offset. False refuses it; an older one is tried.
    fn load_snapshot(&mut self, at: Offset, content: &[u8]) -> bool;
    /// A batch at or after the accepted snapshot, in offset order.
    fn batch(&mut self, header: &BatchHeader);
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
    let log = Rc::new(LogShared { id, path, directory, state, progress, segments_taken });
    if exists {
        Recovery { store, log: &log, place: &place, replay_from: Offset::ZERO }.run(sink).await?;
    }
    Ok(Log { store: store.clone(), log })
}

struct Recovery<'a, R: Runtime> {
    store: &'a Rc<Shared<R>>,
    log: &'a Rc<LogShared<R>>,
    place: &'a Place,
    /// End of the accepted producer snapshot.
    replay_from: Offset,
}

/// What a look at the directory gives.
struct Found {
    /// Base offsets of `.log` files, ascending.
    segments: Vec<Offset>,
    /// Offsets of `.snapshot` files, ascending.
    snapshots: Vec<Offset>,
}

impl<R: Runtime> Recovery<'_, R> {
    async fn run(mut self, sink: &mut impl RecoverySink) -> Result<(), StorageError> {
        let found = self.look().await?;
        let first = found.segments.first().copied();
        {
            let mut state = self.log.state.borrow_mut();
            state.start = state.start.max(first.unwrap_or(Offset::ZERO));
        }
        self.replay_from = self.load_snapshot(&found, sink).await?;
        let recovery_point = match self.place.recovery_point {
            _ if self.place.clean => Offset(i64::MAX),
            Some(point) => point,
            None => first.unwrap_or(Offset::ZERO),
        };

        let mut expected = first.unwrap_or(Offset::ZERO);
        for (at, base) in found.segments.iter().enumerate() {
            let next = found.segments.get(at + 1).copied();
            let trusted = next.is_some_and(|next| next <= recovery_point);
            if let Some(next) = next.filter(|_| trusted) {
                let segment = self.trust(*base, next, sink).await?;
                self.log.state.borrow_mut().segments.push(segment);
                expected = next;
                continue;
            }
            let scan = self.scan(*base, expected, recovery_point, sink).await?;
            expected = expected.max(scan.segment.end);
            let empty = scan.segment.size_bytes == 0;
            if empty {
                super::truncate::remove_segment_files(&self.store.rt, self.log, *base).await?;
            } else {
                self.log.state.borrow_mut().segments.push(scan.segment);
            }
            if scan.cut {
                for later in &found.segments[at + 1..] {
                    super::truncate::remove_segment_files(&self.store.rt, self.log, *later).await?;
                }
                break;
            }
        }
        self.remove_snapshots_after(&found, expected).await?;
        let rt = &self.store.rt;
        rt.sync_dir(&self.log.path).await.map_err(StorageError::disk(&self.log.path, "sync"))?;
        self.finish(expected);
        Ok(())
    }

    /// Lists the directory; throws away what an interrupted replacement or deletion left.
    async fn look(&self) -> Result<Found, StorageError> {
        let (rt, path) = (&self.store.rt, &self.log.path);
        let interval_bytes = self.log.state.borrow().config.index_interval_bytes;
        crate::cleaner::recover(rt, path, interval_bytes).await?;
        let mut found = Found { segments: Vec::new(), snapshots: Vec::new() };
        let entries = rt.list(path).await.map_err(StorageError::disk(path, "list"))?;
        for entry in entries {
            match files::parse_segment_name(&entry.name) {
                Some((base, LOG_SUFFIX)) => found.segments.push(base),
                Some((at, SNAPSHOT_SUFFIX)) => found.snapshots.push(at),
                _ if entry.name.ends_with(".tmp")
                    || entry.name.ends_with(files::DELETED_SUFFIX) =>
                {
                    files::remove_if_present(rt, &path.join(&entry.name)).await?;
                }
                _ => {}
            }
        }
        found.segments.sort_unstable();
        found.snapshots.sort_unstable();
        Ok(found)
    }

    async fn load_snapshot(
        &self,
        found: &Found,
        sink: &mut impl RecoverySink,
    ) -> Result<Offset, StorageError> {
        for at in found.snapshots.iter().rev() {
            let path = files::segment_path(&self.log.path, *at, SNAPSHOT_SUFFIX);
            let content = files::read_small(&self.store.rt, &path).await?.unwrap_or_default();
            let is_dropped = self.store.planted(Bug::ProducerSnapshotDropped);
            if is_dropped || sink.load_snapshot(*at, &content) {
                self.store.sometimes(Site::ProducerSnapshotLoaded);
                return Ok(*at);
            }
        }
        Ok(Offset::ZERO)
    }

    /// A snapshot past the end speaks of records that are gone.
    async fn remove_snapshots_after(&self, found: &Found, end: Offset) -> Result<(), StorageError> {
        for at in found.snapshots.iter().filter(|at| **at > end) {
            let path = files::segment_path(&self.log.path, *at, SNAPSHOT_SUFFIX);
            files::remove_if_present(&self.store.rt, &path).await?;
        }
        Ok(())
    }

    /// A sealed segment below the recovery point: only its size is asked, unless producers need its headers.
    async fn trust(
        &self,
        base: Offset,
        end: Offset,
        sink: &mut impl RecoverySink,
    ) -> Result<Segment<FileOf<R>>, StorageError> {
        if self.replay_from < end {
            let mut scan = self.scan(base, base, Offset(i64::MAX), sink).await?;
            scan.segment.seal();
            scan.segment.end = end;
            return Ok(scan.segment);
        }
        let path = files::segment_path(&self.log.path, base, LOG_SUFFIX);
        let rt = &self.store.rt;
        let file = rt.open(&path, Open::Write).await.map_err(StorageError::disk(&path, "open"))?;
        let size_bytes = rt.len(&file).await.map_err(StorageError::disk(&path, "size of"))?;
        Ok(Segment::on_disk(base, end, size_bytes))
    }

    /// Reads a segment batch by batch, with checksums unless the last stop was clean.
    async fn scan(
        &self,
        base: Offset,
        expected: Offset,
        recovery_point: Offset,
        sink: &mut impl RecoverySink,
    ) -> Result<Scan<FileOf<R>>, StorageError> {
        let rt = &self.store.rt;
        let path = files::segment_path(&self.log.path, base, LOG_SUFFIX);
        let file = rt.open(&path, Open::Write).await.map_err(StorageError::disk(&path, "open"))?;
        let len = rt.len(&file).await.map_err(StorageError::disk(&path, "size of"))?;
        let interval_bytes = self.log.state.borrow().config.index_interval_bytes;
        let mut segment = Segment::new(base);
        (segment.file, segment.named) = (Some(file.clone()), true);
        let mut expected = expected.max(base);
        if self.place.clean && self.replay_from >= expected {
            expected = self.skip_indexed(&mut segment, len).await?.max(expected);
        }
        let (mut chunk, mut chunk_at, mut wanted) = (Vec::new(), segment.size_bytes, SCAN_BYTES);
        let mut rewritten = false;
        let damage: Option<BatchError> = loop {
            let at = segment.size_bytes;
            if at >= len {
                break None;
            }
            let offset = usize::try_from(at - chunk_at).expect("within the chunk");
            let batch = BatchView::new(chunk.get(offset..).unwrap_or_default());
            let batch = match batch {
                Ok(batch) => batch,
                Err(BatchError::Truncated { needed_bytes, .. })
                    if chunk_at + (chunk.len() as u64) < len && needed_bytes as u64 <= len - at =>
                {
                    self.rewrite(&file, &chunk, chunk_at, offset, recovery_point, expected).await?;
                    wanted = wanted.max(needed_bytes);
                    chunk = files::read_range(rt, &file, &path, at, wanted).await?;
                    chunk_at = at;
                    if chunk.len() < HEADER_BYTES.max(needed_bytes).min(wanted) {
                        break Some(BatchError::Truncated {
                            needed_bytes,
                            available_bytes: chunk.len(),
                        });
                    }
                    continue;
                }
                Err(error) => break Some(error),
            };
            let header = batch.header;
            let verifies = !self.place.clean && !self.store.planted(Bug::RecoverySkipsCrc);
            if verifies && let Err(error) = batch.check_crc() {
                break Some(error);
            }
            rewritten |= header.end_offset() > recovery_point;
            if header.base_offset < expected || header.last_offset_delta < 0 {
                let batch_length = header.last_offset_delta;
                break Some(BatchError::Length { batch_length });
            }
            if header.base_offset >= self.replay_from {
                sink.batch(&header);
            }
            if let Some(epoch) = header.partition_leader_epoch {
                self.log.state.borrow_mut().start_epoch(epoch, header.base_offset);
            }
            let meta = BatchMeta::of(&header);
            segment.note(&meta, interval_bytes);
            expected = meta.end();
        };
        let valid = usize::try_from(segment.size_bytes.saturating_sub(chunk_at)).unwrap_or(0);
        self.rewrite(&file, &chunk, chunk_at, valid, recovery_point, expected).await?;
        let cut = match damage {
            None => false,
            Some(error) if expected < recovery_point => {
                let (position, reason) = (segment.size_bytes, error.to_string());
                return Err(StorageError::Corrupt { path, position, reason });
            }
            Some(_) => {
                let size_bytes = segment.size_bytes;
                let cut = rt.set_len(&file, size_bytes).await;
                cut.map_err(StorageError::disk(&path, "truncate"))?;
                self.note_cut(expected, len - size_bytes);
                true
            }
        };
        if cut || rewritten && !self.store.planted(Bug::RecoveryTrustsPageCache) {
            rt.sync_data(&file).await.map_err(StorageError::disk(&path, "sync"))?;
        }
        Ok(Scan { segment, cut })
    }

    /// After a clean stop the index files are whole: the scan begins at their last entry.
    async fn skip_indexed(
        &self,
        segment: &mut Segment<FileOf<R>>,
        len: u64,
    ) -> Result<Offset, StorageError> {
        let indexes = load_indexes(&self.store.rt, self.log, segment.base).await?;
        let Some(entry) = indexes.last_offset_entry() else { return Ok(segment.base) };
        let Some(time) = indexes.last_time_entry() else { return Ok(segment.base) };
        if u64::from(entry.position) >= len {
            return Ok(segment.base);
        }
        let max = MaxTimestamp {
            timestamp_ms: time.timestamp_ms,
            last_offset: segment.base.after(time.last_delta),
        };
        let mut kept = indexes;
        kept.truncate(u64::from(entry.position), u32::MAX);
        segment.resume(kept, u64::from(entry.position), Some(max));
        Ok(segment.base)
    }

    /// Writes the checked part of a chunk back, so that the coming sync covers it for certain.
    async fn rewrite(
        &self,
        file: &FileOf<R>,
        chunk: &[u8],
        chunk_at: u64,
        valid_bytes: usize,
        recovery_point: Offset,
        end: Offset,
    ) -> Result<(), StorageError> {
        let trusts = self.store.planted(Bug::RecoveryTrustsPageCache);
        if valid_bytes == 0 || end <= recovery_point || trusts {
            return Ok(());
        }
        let mut copy = Vec::with_capacity(valid_bytes);
        let valid = chunk.get(..valid_bytes).expect("batches were read from it");
        model::copy(&mut self.store.rt.probe(), &mut copy, valid);
        let written = self.store.rt.append(file, chunk_at, vec![Buf::from(copy)]).await;
        written.map_err(StorageError::disk(&self.log.path, "write"))
    }

    fn note_cut(&self, end: Offset, bytes: u64) {
        self.store.count(|stats| stats.recovery_cut_bytes += bytes);
        if R::Probe::ON {
            let mut probe = self.store.rt.probe();
            probe.sometimes(Site::TailCut);
            probe.observe(Observation::RecoveryCut { at: self.log.id.at, end, bytes });
        }
    }

    /// What was recovered is readable and durable; the next append opens or continues the last segment.
    fn finish(&self, end: Offset) {
        let mut state = self.log.state.borrow_mut();
        let end = end.max(state.start);
        state.start = state.start.min(end);
        (state.end, state.readable, state.published) = (end, end, end);
        (state.journaled, state.synced) = (end, end);
        state.epochs_dirty |= state.epochs.truncate_from(Offset(end.0.max(1)));
        // A start past everything that is left, or a last segment that cannot continue, begins a new one.
        if state.segments.last().is_some_and(|last| last.end < end || last.indexes.is_none()) {
            state.segments.push(Segment::new(end));
        }
        self.log.progress.notify();
    }
}

struct Scan<F> {
    segment: Segment<F>,
    cut: bool,
}
