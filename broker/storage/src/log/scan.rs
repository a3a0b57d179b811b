//! Reading one segment that may have been left in any state.
//!
//! Promises: begins at the last index entry below which nothing is asked; every batch that is read is checked; what
//! lies past the recovery point is written again and synced, and the torn rest is cut. A bad checksum *below* the
//! recovery point is rot: an error, never cut.
//! Does not: decide which segments are read (`recover`), or trust an index entry that its batch contradicts.

use core::ops::Range;
use std::rc::Rc;

use model::{Buf, Observation, Offset, Probe, Site};
use runtime::{Open, Runtime};
use wire::batch::{BatchError, BatchHeader, BatchView, HEADER_BYTES};

use super::read::load_indexes;
use super::{LogShared, RecoverySink, write};
use crate::StorageError;
use crate::files::{self, FileOf, LOG_SUFFIX};
use crate::index::Indexes;
use crate::segment::{BatchMeta, MaxTimestamp, Segment};
use crate::store::Shared;

const SCAN_BYTES: usize = 1 << 20;

/// What is known about a log before its segments are read.
pub(super) struct Scanner<'a, R: Runtime> {
    pub(super) store: &'a Rc<Shared<R>>,
    pub(super) log: &'a Rc<LogShared<R>>,
    /// The last owner left everything synced.
    pub(super) clean: bool,
    /// Everything below is durable. Of a clean log: everything.
    pub(super) recovery_point: Offset,
    /// Batches from here on must be told to the sink.
    pub(super) replay_from: Offset,
}

pub(super) struct Scanned<F> {
    pub(super) segment: Segment<F>,
    /// The file ended in something that is no batch; nothing may follow this segment.
    pub(super) cut: bool,
    /// Bytes or names changed: the directory wants a sync.
    pub(super) changed: bool,
    /// How much was read.
    pub(super) read_bytes: u64,
}

/// A part of the file in memory.
struct Chunk {
    at: u64,
    bytes: Vec<u8>,
    /// First byte that is to be written again.
    rewrite_from: Option<usize>,
}

impl<R: Runtime> Scanner<'_, R> {
    /// Reads a segment batch by batch from where it has to be; `expected` is the end of the log before it.
    pub(super) async fn scan(
        &self,
        base: Offset,
        expected: Offset,
        sink: &mut impl RecoverySink,
    ) -> Result<Scanned<FileOf<R>>, StorageError> {
        let rt = &self.store.rt;
        let path = files::segment_path(&self.log.path, base, LOG_SUFFIX);
        let file = rt.open(&path, Open::Write).await.map_err(StorageError::disk(&path, "open"))?;
        let len = rt.len(&file).await.map_err(StorageError::disk(&path, "size of"))?;
        let interval_bytes = self.log.state.borrow().config.index_interval_bytes;
        let mut segment = Segment::new(base);
        (segment.file, segment.named) = (Some(file.clone()), true);
        let mut expected = expected.max(base);
        let on_disk = load_indexes(rt, self.log, base).await?;
        if let Some(first) = self.resume(&mut segment, &file, len, &on_disk).await? {
            expected = first.max(expected);
        }
        let began = segment.size_bytes;
        let mut chunk = Chunk { at: began, bytes: Vec::new(), rewrite_from: None };
        let mut rewrote = false;
        let damage: Option<BatchError> = loop {
            let at = segment.size_bytes;
            if at >= len {
                break None;
            }
            let within = usize::try_from(at - chunk.at).expect("within the chunk");
            let batch = match BatchView::new(chunk.bytes.get(within..).unwrap_or_default()) {
                Ok(batch) => batch,
                // More of the file may complete it; a length past the end of the file never does.
                Err(BatchError::Truncated { needed_bytes, .. })
                    if chunk.end() < len && needed_bytes as u64 <= len - at =>
                {
                    rewrote |= self.rewrite(&file, &chunk, within).await?;
                    let left = usize::try_from(len - at).unwrap_or(usize::MAX);
                    let wanted = needed_bytes.max(SCAN_BYTES).min(left);
                    let bytes = files::read_range(rt, &file, &path, at, wanted).await?;
                    let (available_bytes, least_bytes) =
                        (bytes.len(), HEADER_BYTES.max(needed_bytes).min(wanted));
                    chunk = Chunk { at, bytes, rewrite_from: None };
                    if available_bytes < least_bytes {
                        break Some(BatchError::Truncated { needed_bytes, available_bytes });
                    }
                    continue;
                }
                Err(error) => break Some(error),
            };
            if let Err(error) = self.check(&batch, expected) {
                break Some(error);
            }
            let header = batch.header;
            let bytes = at..at + u64::from(header.size_bytes);
            if header.end_offset() > self.recovery_point && !self.is_replayed(base, &bytes) {
                chunk.rewrite_from.get_or_insert(within);
            }
            if header.base_offset >= self.replay_from {
                sink.batch(&batch);
            }
            if let Some(epoch) = header.partition_leader_epoch {
                self.log.state.borrow_mut().start_epoch(epoch, header.base_offset);
            }
            let meta = BatchMeta::of(&header);
            segment.note(&meta, interval_bytes);
            expected = meta.end();
        };
        let valid_bytes = usize::try_from(segment.size_bytes.saturating_sub(chunk.at)).unwrap_or(0);
        rewrote |= self.rewrite(&file, &chunk, valid_bytes).await?;
        let size_bytes = segment.size_bytes;
        let cut = match damage {
            None => false,
            Some(error) if expected < self.recovery_point => {
                let reason = error.to_string();
                return Err(StorageError::Corrupt { path, position: size_bytes, reason });
            }
            Some(_) => {
                let cut = rt.set_len(&file, size_bytes).await;
                cut.map_err(StorageError::disk(&path, "truncate"))?;
                self.note_cut(expected, len - size_bytes);
                true
            }
        };
        if cut || rewrote {
            rt.sync_data(&file).await.map_err(StorageError::disk(&path, "sync"))?;
        }
        let keeps_indexes =
            segment.indexes.as_ref().is_some_and(|indexes| indexes.continues(&on_disk));
        if keeps_indexes {
            segment.indexes_on_disk = on_disk.counts();
        } else if !self.clean {
            write::remove_indexes(rt, self.log, base).await?;
        }
        // After a clean stop they end with the entry of the seal; whoever adds the next entry cuts it off.
        let changed = cut || rewrote || !(keeps_indexes || self.clean);
        Ok(Scanned { segment, cut, changed, read_bytes: size_bytes - began })
    }

    /// The journal's replay wrote and synced it a moment ago.
    fn is_replayed(&self, segment: Offset, bytes: &Range<u64>) -> bool {
        self.store.replayed.borrow().covers(self.log.id.at, segment, bytes)
    }

    fn check(&self, batch: &BatchView<'_>, expected: Offset) -> Result<(), BatchError> {
        if !self.clean && !self.store.planted(model::Bug::RecoverySkipsCrc) {
            batch.check_crc()?;
        }
        let header = &batch.header;
        if header.base_offset < expected || header.last_offset_delta < 0 {
            return Err(BatchError::Length { batch_length: header.last_offset_delta });
        }
        Ok(())
    }

    /// Skips what needs no reading: batches that are durable and that the producer snapshot covers. Returns the offset
    /// of the first batch to read.
    async fn resume(
        &self,
        segment: &mut Segment<FileOf<R>>,
        file: &FileOf<R>,
        len: u64,
        on_disk: &Indexes,
    ) -> Result<Option<Offset>, StorageError> {
        let below = self.recovery_point.min(self.replay_from);
        if below <= segment.base {
            return Ok(None);
        }
        let Some((entry, kept)) = on_disk.up_to(segment.delta(below), len) else {
            return Ok(None);
        };
        let Some(time) = kept.last_time_entry() else { return Ok(None) };
        let position = u64::from(entry.position);
        let (Some(first), Some(resumed)) =
            (self.header_at(file, 0).await?, self.header_at(file, position).await?)
        else {
            return Ok(None);
        };
        // An index is written without a sync of its own: what it says is asked for at the batch.
        if resumed.last_offset() != segment.base.after(entry.last_delta)
            || resumed.base_offset < segment.base
        {
            return Ok(None);
        }
        let timestamp_ms = time.timestamp_ms;
        let max = MaxTimestamp { timestamp_ms, last_offset: segment.base.after(time.last_delta) };
        segment.resume(kept, position, max, first.max_timestamp_ms);
        Ok(Some(resumed.base_offset))
    }

    async fn header_at(
        &self,
        file: &FileOf<R>,
        at: u64,
    ) -> Result<Option<BatchHeader>, StorageError> {
        let rt = &self.store.rt;
        let bytes = files::read_range(rt, file, &self.log.path, at, HEADER_BYTES).await?;
        Ok(BatchHeader::decode(&bytes).ok())
    }

    /// Writes the checked part of a chunk back, so that the coming sync covers it for certain: a page whose sync failed
    /// can look fine in the page cache. Returns whether there was anything.
    async fn rewrite(
        &self,
        file: &FileOf<R>,
        chunk: &Chunk,
        valid_bytes: usize,
    ) -> Result<bool, StorageError> {
        let Some(from) = chunk.rewrite_from.filter(|from| *from < valid_bytes) else {
            return Ok(false);
        };
        if self.store.planted(model::Bug::RecoveryTrustsPageCache) {
            return Ok(false);
        }
        let valid = chunk.bytes.get(from..valid_bytes).expect("batches were read from it");
        let mut copy = Vec::with_capacity(valid.len());
        model::copy(&mut self.store.rt.probe(), &mut copy, valid);
        let at = chunk.at + from as u64;
        let written = self.store.rt.append(file, at, vec![Buf::from(copy)]).await;
        written.map_err(StorageError::disk(&self.log.path, "write"))?;
        Ok(true)
    }

    fn note_cut(&self, end: Offset, bytes: u64) {
        self.store.count(|stats| stats.recovery_cut_bytes += bytes);
        if R::Probe::ON {
            let mut probe = self.store.rt.probe();
            probe.sometimes(Site::TailCut);
            probe.observe(Observation::RecoveryCut { at: self.log.id.at, end, bytes });
        }
    }
}

impl Chunk {
    fn end(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }
}
