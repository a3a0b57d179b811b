//! The batches of one segment file, one after the other, in bounded pieces.
//!
//! Promises: every batch that comes out passed its checksum; a length on the disk allocates nothing that the
//! file does not have.

use std::path::{Path, PathBuf};

use model::Buf;
use runtime::{Disk, Open};
use wire::batch::control::{ControlRecord, TxnOutcome};
use wire::batch::{BatchError, BatchView};

use crate::StorageError;
use crate::files;

/// Kafka's `log.cleaner.io.buffer.size`.
pub(super) const CHUNK_BYTES: usize = 512 << 10;

pub(super) struct BatchReader<R: Disk> {
    rt: R,
    file: R::File,
    path: PathBuf,
    /// Whole batches up to here.
    size_bytes: u64,
    position: u64,
    /// Unread bytes at `position`.
    chunk: Buf,
}

impl<R: Disk + Clone> BatchReader<R> {
    /// Reads the first `size_bytes` of the file; all of it when `None`.
    pub(super) async fn open(
        rt: &R,
        path: &Path,
        size_bytes: Option<u64>,
    ) -> Result<Self, StorageError> {
        let file = rt.open(path, Open::Read).await.map_err(StorageError::disk(path, "open"))?;
        let size_bytes = match size_bytes {
            Some(size_bytes) => size_bytes,
            None => rt.len(&file).await.map_err(StorageError::disk(path, "size of"))?,
        };
        let (rt, path) = (rt.clone(), path.to_path_buf());
        Ok(Self { rt, file, path, size_bytes, position: 0, chunk: Buf::EMPTY })
    }

    /// The bytes of the next batch; `None` at the end.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`], [`StorageError::Disk`].
    pub(super) async fn next(&mut self) -> Result<Option<Buf>, StorageError> {
        let left_bytes = self.size_bytes - self.position;
        if left_bytes == 0 {
            return Ok(None);
        }
        let mut wanted_bytes = CHUNK_BYTES;
        loop {
            let size_bytes = match BatchView::new(&self.chunk) {
                Ok(batch) => {
                    batch.check_crc().map_err(|error| self.corrupt(&error))?;
                    batch.bytes().len()
                }
                Err(BatchError::Truncated { needed_bytes, .. })
                    if needed_bytes as u64 <= left_bytes
                        && (self.chunk.len() as u64) < left_bytes =>
                {
                    wanted_bytes = wanted_bytes.max(needed_bytes);
                    self.fill(wanted_bytes.min(usize::try_from(left_bytes).unwrap_or(usize::MAX)))
                        .await?;
                    continue;
                }
                Err(error) => return Err(self.corrupt(&error)),
            };
            let batch = self.chunk.slice(..size_bytes);
            self.chunk = self.chunk.slice(size_bytes..);
            self.position += size_bytes as u64;
            return Ok(Some(batch));
        }
    }

    async fn fill(&mut self, count: usize) -> Result<(), StorageError> {
        let bytes =
            files::read_range(&self.rt, &self.file, &self.path, self.position, count).await?;
        if bytes.len() < count {
            let error = BatchError::Truncated { needed_bytes: count, available_bytes: bytes.len() };
            return Err(self.corrupt(&error));
        }
        self.chunk = Buf::from(bytes);
        Ok(())
    }

    pub(super) fn corrupt(&self, error: &BatchError) -> StorageError {
        let (path, position) = (self.path.clone(), self.position);
        StorageError::Corrupt { path, position, reason: error.to_string() }
    }
}

/// What a transaction marker says; `None` for any other batch.
pub(super) fn marker_of(batch: &BatchView<'_>) -> Result<Option<TxnOutcome>, BatchError> {
    /// Control records are a few bytes and never compressed.
    const CONTROL_BYTES_MAX: usize = 64 << 10;
    if !batch.header.attributes.is_control() || batch.header.producer.is_none() {
        return Ok(None);
    }
    let mut scratch = Vec::new();
    let Some(record) = batch.records(&mut scratch, CONTROL_BYTES_MAX)?.next() else {
        return Ok(None);
    };
    match ControlRecord::decode(&record?) {
        Ok(ControlRecord::EndTxn { outcome, .. }) => Ok(Some(outcome)),
        Ok(_) => Ok(None),
        Err(_) => Err(BatchError::Control),
    }
}
