//! The journal in use: what waits to be written, the file, the ring.
//!
//! Promises: one write and sync in flight; entries become durable in the order they were pushed; a commit only ever
//! goes to blocks that were written and synced before, so that its sync has no blocks to allocate.

use core::ops::Range;
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
/// A new file begins with this share of its size, so that a start need not wait for all of it.
const FIRST_SHARE: usize = 64;
const FIRST_BYTES_MIN: usize = 64 << 10;
/// And grows by this share at a time.
const STEP_SHARE: usize = 256;
const STEP_BYTES_MIN: usize = 16 << 10;

static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// One frame on its way to the disk; `owner` comes back when it is durable.
pub(crate) struct Entry<O> {
    pub(crate) head: FrameHead,
    pub(crate) pieces: Bufs,
    pub(crate) owner: O,
}

/// What a simulation may change about a commit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CommitRules {
    /// Takes one entry, whatever waits behind it.
    pub(crate) is_single: bool,
    /// A planted bug.
    pub(crate) ignores_sync_error: bool,
}

pub(crate) struct Journal<R: Disk, O> {
    rt: R,
    file: R::File,
    path: PathBuf,
    incarnation: u64,
    ring: RefCell<Ring<Vec<O>>>,
    /// How far the file is written, and how far it is going to be.
    prepared_bytes: Cell<usize>,
    full_bytes: Cell<usize>,
    growing: Cell<bool>,
    waiting: RefCell<VecDeque<Entry<O>>>,
    /// A commit waits for space.
    starved: Cell<bool>,
    /// Something was pushed, or the store is closing.
    pub(crate) work: Notify,
    /// Space may have come free.
    pub(crate) freed: Notify,
}

impl<R: Disk + Spawn, O: Clone> Journal<R, O> {
    /// Creates the file, or takes over one that was replayed: from now on nothing in it counts. A new one is short;
    /// [`Journal::grow`] prepares the rest.
    pub(crate) async fn open(
        rt: R,
        path: PathBuf,
        size_bytes: usize,
    ) -> Result<Self, StorageError> {
        let incarnation = rt.random(Purpose::DirectoryId);
        let file = rt.open(&path, Open::Create).await.map_err(StorageError::disk(&path, "open"))?;
        let len = rt.len(&file).await.map_err(StorageError::disk(&path, "size of"))?;
        let mut prepared_bytes = usize::try_from(len).unwrap_or(usize::MAX);
        if prepared_bytes > size_bytes {
            let cut = rt.set_len(&file, size_bytes as u64).await;
            cut.map_err(StorageError::disk(&path, "truncate"))?;
            prepared_bytes = size_bytes;
        }
        // A crash may have left part of a step.
        prepared_bytes -= prepared_bytes % BLOCK_BYTES;
        let first_bytes = (size_bytes / FIRST_SHARE).max(FIRST_BYTES_MIN).min(size_bytes);
        if prepared_bytes < first_bytes {
            let zeros = zeros(prepared_bytes..first_bytes);
            let written = rt.append(&file, prepared_bytes as u64, zeros).await;
            written.map_err(StorageError::disk(&path, "write"))?;
            prepared_bytes = first_bytes;
        }
        reset(&rt, &file, &path, incarnation).await?;
        let parent = path.parent().expect("lies in a data directory");
        rt.sync_dir(parent).await.map_err(StorageError::disk(parent, "sync"))?;
        Ok(Self {
            rt,
            file,
            path,
            incarnation,
            ring: RefCell::new(Ring::new(prepared_bytes as u64)),
            prepared_bytes: Cell::new(prepared_bytes),
            full_bytes: Cell::new(size_bytes),
            growing: Cell::new(false),
            waiting: RefCell::default(),
            starved: Cell::new(false),
            work: Notify::new(),
            freed: Notify::new(),
        })
    }

    /// Whether the file has its full size.
    pub(crate) fn is_grown(&self) -> bool {
        self.prepared_bytes.get() == self.full_bytes.get()
    }

    /// Writes and syncs the next piece of the file. Not while a commit is under way: the two would share a sync, and
    /// an error of one would be told to the other. On a full disk the file stays as it is. Any other failure is final
    /// for this journal.
    pub(crate) async fn grow(&self) -> Result<(), StorageError> {
        self.growing.set(true);
        let result = self.prepare_step().await;
        self.growing.set(false);
        self.freed.notify();
        result
    }

    async fn prepare_step(&self) -> Result<(), StorageError> {
        let (from, full_bytes) = (self.prepared_bytes.get(), self.full_bytes.get());
        let step_bytes = (full_bytes / STEP_SHARE).max(STEP_BYTES_MIN);
        let until = (from + step_bytes).next_multiple_of(BLOCK_BYTES).min(full_bytes);
        match self.rt.append(&self.file, from as u64, zeros(from..until)).await {
            Ok(()) => {}
            Err(runtime::Error::NoSpace) => {
                self.full_bytes.set(from);
                return Ok(());
            }
            Err(error) => return Err(StorageError::disk(&self.path, "write")(error)),
        }
        self.rt.sync_data(&self.file).await.map_err(StorageError::disk(&self.path, "sync"))?;
        self.prepared_bytes.set(until);
        self.ring.borrow_mut().grow(until as u64);
        Ok(())
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
    pub(crate) async fn commit(&self, rules: CommitRules) -> Result<Option<Vec<O>>, StorageError> {
        let entry_count_max = if rules.is_single { 1 } else { format::FRAMES_MAX };
        let Some((at, pieces, owners)) = self.prepare(entry_count_max) else { return Ok(None) };
        self.starved.set(false);
        let written = self.rt.append(&self.file, at, pieces).await;
        written.map_err(StorageError::disk(&self.path, "write"))?;
        let synced = self.rt.sync_data(&self.file).await;
        if !rules.ignores_sync_error {
            synced.map_err(StorageError::disk(&self.path, "sync"))?;
        }
        Ok(Some(owners))
    }

    fn prepare(&self, entry_count_max: usize) -> Option<(u64, Bufs, Vec<O>)> {
        let mut waiting = self.waiting.borrow_mut();
        let mut ring = self.ring.borrow_mut();
        let (mut count, mut payload_bytes) = (0, 0);
        for entry in waiting.iter().take(entry_count_max) {
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

    /// Whether such a frame is among those that the next space to come free holds.
    pub(crate) fn is_held_by(&self, holds: impl Fn(&O) -> bool) -> bool {
        self.ring.borrow().oldest().is_some_and(|owners| owners.iter().any(holds))
    }

    /// What a journal fails with that must keep all it holds.
    pub(crate) fn all_held(&self) -> StorageError {
        StorageError::JournalHeld { path: self.path.clone() }
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
        self.full_bytes.set(self.prepared_bytes.get());
        while self.growing.get() {
            self.freed.notified().await;
        }
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

/// Blocks that were written once sync 38 % faster than fresh ones, and reserving them without writing gains nothing
/// (ADR 2).
fn zeros(range: Range<usize>) -> Bufs {
    let zeros = Buf::from_static(&ZEROS);
    let pieces = range.clone().step_by(ZEROS.len());
    pieces.map(|at| zeros.slice(..ZEROS.len().min(range.end - at))).collect()
}
