//! The journal in use: what waits to be written, the file, the ring.
//!
//! Promises: one write and sync in flight; entries become durable in the order they were pushed.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use model::{Buf, Bufs};
use runtime::sync::Notify;
use runtime::{Disk, Open, Purpose, Spawn};

use super::ring::Ring;
use super::{BLOCK_BYTES, FrameHead, format};
use crate::StorageError;

/// Bytes of one commit, if more than one entry waits: longer ones delay those that come next.
const COMMIT_BYTES_MAX: usize = 4 << 20;
/// Step of the pre-writing.
const ZERO_BYTES: usize = 1 << 20;

/// One frame on its way to the disk; `owner` comes back when it is durable.
pub(crate) struct Entry<O> {
    pub(crate) head: FrameHead,
    pub(crate) pieces: Bufs,
    pub(crate) owner: O,
}

pub(crate) struct Journal<R: Disk, O> {
    rt: R,
    file: R::File,
    path: PathBuf,
    incarnation: u64,
    ring: RefCell<Ring<Vec<O>>>,
    waiting: RefCell<VecDeque<Entry<O>>>,
    /// A commit waits for space.
    starved: Cell<bool>,
    /// Something was pushed, or the store is closing.
    pub(crate) work: Notify,
    /// Space may have come free.
    pub(crate) freed: Notify,
}

impl<R: Disk + Spawn, O: Clone> Journal<R, O> {
    /// Creates the file, or takes over one that was replayed: from now on nothing in it counts.
    pub(crate) async fn open(
        rt: R,
        path: PathBuf,
        size_bytes: usize,
    ) -> Result<Self, StorageError> {
        let incarnation = rt.random(Purpose::DirectoryId);
        let file = rt.open(&path, Open::Create).await.map_err(StorageError::disk(&path, "open"))?;
        let len = rt.len(&file).await.map_err(StorageError::disk(&path, "size of"))?;
        if len != size_bytes as u64 {
            prewrite(&rt, &file, &path, size_bytes).await?;
        }
        reset(&rt, &file, &path, incarnation).await?;
        let parent = path.parent().expect("lies in a data directory");
        rt.sync_dir(parent).await.map_err(StorageError::disk(parent, "sync"))?;
        Ok(Self {
            rt,
            file,
            path,
            incarnation,
            ring: RefCell::new(Ring::new(size_bytes as u64)),
            waiting: RefCell::default(),
            starved: Cell::new(false),
            work: Notify::new(),
            freed: Notify::new(),
        })
    }

    /// Whether a frame of this size may go through the journal at all.
    pub(crate) fn can_hold(&self, payload_bytes: usize) -> bool {
        self.ring.borrow().can_hold(format::commit_bytes(1, payload_bytes) as u64)
    }

    pub(crate) fn push(&self, entry: Entry<O>) {
        debug_assert!(self.can_hold(entry.head.size_bytes as usize));
        self.waiting.borrow_mut().push_back(entry);
        self.work.notify();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    /// Writes everything that waits, up to a bound, and syncs once. `None` when there is no room yet: wait for
    /// `freed`. A failure is final for this journal.
    pub(crate) async fn commit(&self) -> Result<Option<Vec<O>>, StorageError> {
        let Some((at, pieces, owners)) = self.prepare() else { return Ok(None) };
        self.starved.set(false);
        let written = self.rt.append(&self.file, at, pieces).await;
        written.map_err(StorageError::disk(&self.path, "write"))?;
        self.rt.sync_data(&self.file).await.map_err(StorageError::disk(&self.path, "sync"))?;
        Ok(Some(owners))
    }

    fn prepare(&self) -> Option<(u64, Bufs, Vec<O>)> {
        let mut waiting = self.waiting.borrow_mut();
        let mut ring = self.ring.borrow_mut();
        let (mut count, mut payload_bytes) = (0, 0);
        for entry in waiting.iter().take(format::FRAMES_MAX) {
            let bytes = payload_bytes + entry.head.size_bytes as usize;
            let commit_bytes = format::commit_bytes(count + 1, bytes) as u64;
            if count > 0 && (bytes > COMMIT_BYTES_MAX || !ring.can_hold(commit_bytes)) {
                break;
            }
            (count, payload_bytes) = (count + 1, bytes);
        }
        let commit_bytes = format::commit_bytes(count, payload_bytes) as u64;
        if !ring.fits(commit_bytes) {
            return None;
        }
        let (mut frames, mut owners) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for entry in waiting.drain(..count) {
            frames.push((entry.head, entry.pieces));
            owners.push(entry.owner);
        }
        let oldest_needed = ring.oldest_needed();
        let (at, sequence) = ring.reserve(commit_bytes, owners.clone());
        let pieces = format::encode_commit(self.incarnation, sequence, oldest_needed, &frames);
        Some((at, pieces, owners))
    }

    /// Frees the space of the oldest commits whose frames all are safe in their segments. Returns whether any was.
    pub(crate) fn release(&self, safe: impl Fn(&O) -> bool) -> bool {
        let mut ring = self.ring.borrow_mut();
        let before = ring.oldest_needed();
        ring.release(|owners| owners.iter().all(&safe));
        ring.oldest_needed() != before
    }

    /// From now on every write is followed by a sync, until the waiting commit has its space.
    pub(crate) fn starve(&self) {
        self.starved.set(true);
    }

    pub(crate) fn is_starved(&self) -> bool {
        self.starved.get()
    }

    pub(crate) fn is_half_full(&self) -> bool {
        self.ring.borrow().is_half_full()
    }

    pub(crate) fn has_wrapped(&self) -> bool {
        self.ring.borrow().has_wrapped()
    }

    /// Nothing in the file counts from now on; every log's segments hold what it held. The last call.
    pub(crate) async fn void(&self) -> Result<(), StorageError> {
        let incarnation = self.rt.random(Purpose::DirectoryId);
        reset(&self.rt, &self.file, &self.path, incarnation).await
    }

    /// Who stands in the way of new commits, oldest first.
    pub(crate) fn in_the_way(&self) -> Vec<O> {
        self.ring.borrow().older_half().flatten().cloned().collect()
    }
}

/// Makes everything in the file void. Durable when it returns.
pub(super) async fn reset<R: Disk>(
    rt: &R,
    file: &R::File,
    path: &Path,
    incarnation: u64,
) -> Result<(), StorageError> {
    let superblock = vec![Buf::from(format::encode_superblock(incarnation))];
    rt.append(file, 0, superblock).await.map_err(StorageError::disk(path, "write"))?;
    rt.sync_data(file).await.map_err(StorageError::disk(path, "sync"))
}

/// Blocks that were written once sync 38 % faster than fresh ones.
async fn prewrite<R: Disk>(
    rt: &R,
    file: &R::File,
    path: &Path,
    size_bytes: usize,
) -> Result<(), StorageError> {
    rt.set_len(file, 0).await.map_err(StorageError::disk(path, "truncate"))?;
    let zeros = Buf::from(vec![0; ZERO_BYTES.min(size_bytes)]);
    for at in (BLOCK_BYTES..size_bytes).step_by(ZERO_BYTES) {
        let piece = zeros.slice(..zeros.len().min(size_bytes - at));
        rt.append(file, at as u64, vec![piece]).await.map_err(StorageError::disk(path, "write"))?;
    }
    Ok(())
}
