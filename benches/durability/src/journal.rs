//! The shard journal of the experiment: one pre-written file, used as a ring, and its background checkpoints.
//!
//! Promises: writes start and end on 4 KiB, so that no partial page is ever read back or rewritten; the space of
//! unsynced segments is not reused before `Checkpoint` has synced them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

const BLOCK: usize = 4096;
const RING_BYTES: u64 = 256 << 20;
const ZERO_BYTES: usize = 1 << 20;
/// Header of a frame: topic id, partition, epoch, offset, position, length, checksum, sequence.
const FRAME_HEADER_BYTES: usize = 64;

/// A checkpoint starts after this much journal, or this much time. Far more often than a broker would need,
/// so that several fall into every short row.
const CHECKPOINT_BYTES: u64 = RING_BYTES / 4;
const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(500);

#[derive(Clone, Copy)]
pub(crate) enum JournalSync {
    /// Buffered write, then `fdatasync`.
    Fdatasync,
    /// Buffered write with `O_DSYNC` (what `RWF_DSYNC` asks for one write).
    Dsync,
    /// `O_DIRECT` write with `O_DSYNC`: one write past the page cache, with forced unit access if the disk has it.
    DirectDsync,
}

impl fmt::Display for JournalSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            JournalSync::Fdatasync => "fdatasync",
            JournalSync::Dsync => "dsync",
            JournalSync::DirectDsync => "direct-dsync",
        })
    }
}

pub(crate) struct Journal {
    file: File,
    sync: JournalSync,
    written: u64,
    aligned: AlignedBuffer,
}

impl Journal {
    pub(crate) fn create(path: &Path, sync: JournalSync) -> std::io::Result<Self> {
        let zeros = vec![0; ZERO_BYTES];
        let plain = File::create(path)?;
        for at in (0..RING_BYTES).step_by(ZERO_BYTES) {
            plain.write_all_at(&zeros, at)?;
        }
        plain.sync_all()?;
        let flags = match sync {
            JournalSync::Fdatasync => 0,
            JournalSync::Dsync => libc::O_DSYNC,
            JournalSync::DirectDsync => libc::O_DSYNC | libc::O_DIRECT,
        };
        let file = OpenOptions::new().write(true).custom_flags(flags).open(path)?;
        Ok(Journal { file, sync, written: 0, aligned: AlignedBuffer::default() })
    }

    /// Copies the frames into one padded block run, as a journal without gather lists would.
    pub(crate) fn write(&mut self, payload: &[u8], frame_count: usize) -> std::io::Result<()> {
        let used = payload.len() + frame_count * FRAME_HEADER_BYTES;
        let padded = used.next_multiple_of(BLOCK);
        let at = self.written % RING_BYTES;
        let at = if at + padded as u64 > RING_BYTES { 0 } else { at };
        self.written += (at + RING_BYTES - self.written % RING_BYTES) % RING_BYTES + padded as u64;

        let buffer = self.aligned.of(padded);
        buffer[..payload.len()].copy_from_slice(payload);
        self.file.write_all_at(buffer, at)?;
        match self.sync {
            JournalSync::Fdatasync => self.file.sync_data(),
            JournalSync::Dsync | JournalSync::DirectDsync => Ok(()),
        }
    }

    /// Journal bytes used since the start, skipped ends of the ring included.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }
}

/// `O_DIRECT` wants memory aligned to the block.
#[derive(Default)]
struct AlignedBuffer(Vec<u8>);

impl AlignedBuffer {
    fn of(&mut self, bytes: usize) -> &mut [u8] {
        if self.0.len() < bytes + BLOCK {
            self.0.resize(bytes + BLOCK, 0);
        }
        let skip = self.0.as_ptr().align_offset(BLOCK);
        &mut self.0[skip..skip + bytes]
    }
}

/// Log number -> (bytes not synced yet, segment).
type Dirty = BTreeMap<usize, (usize, Arc<File>)>;

enum Job {
    Sync(Arc<File>),
    Checkpoint(Dirty),
}

fn sync(file: &File) {
    file.sync_data().expect("the experiment ends with its disk");
}

/// Syncs in the background the segments whose only durable copy is in the journal.
pub(crate) struct Checkpoint {
    dirty: Dirty,
    eager_bytes: usize,
    last: Instant,
    last_written: u64,
    work: Sender<Job>,
    done: Receiver<()>,
    running: bool,
}

impl Checkpoint {
    pub(crate) fn start(eager_bytes: usize) -> Self {
        let (work, queue) = channel();
        let (finished, done) = channel();
        std::thread::spawn(move || {
            while let Ok(job) = queue.recv() {
                match job {
                    Job::Sync(file) => sync(&file),
                    Job::Checkpoint(dirty) => {
                        dirty.values().for_each(|(_, file)| sync(file));
                        if finished.send(()).is_err() {
                            return;
                        }
                    }
                }
            }
        });
        let (dirty, last) = (BTreeMap::new(), Instant::now());
        Checkpoint { dirty, eager_bytes, last, last_written: 0, work, done, running: false }
    }

    pub(crate) fn dirtied<'a>(
        &mut self,
        files: impl Iterator<Item = (usize, usize, &'a Arc<File>)>,
    ) {
        for (log, bytes, file) in files {
            let (dirty_bytes, _) = self.dirty.entry(log).or_insert_with(|| (0, file.clone()));
            *dirty_bytes += bytes;
            if *dirty_bytes >= self.eager_bytes {
                self.dirty.remove(&log);
                self.work.send(Job::Sync(file.clone())).expect("the thread outlives its queue");
            }
        }
    }

    /// Starts a checkpoint when due. Waits only when the ring would otherwise run over unsynced segments.
    pub(crate) fn advance(&mut self, written: u64) {
        if self.running && self.done.try_recv().is_ok() {
            self.running = false;
        }
        let due_bytes = written - self.last_written;
        if due_bytes < CHECKPOINT_BYTES && self.last.elapsed() < CHECKPOINT_INTERVAL {
            return;
        }
        if self.running && due_bytes < 2 * CHECKPOINT_BYTES {
            return;
        }
        if self.running {
            self.done.recv().expect("the checkpoint thread lives as long as its queue");
        }
        self.work.send(Job::Checkpoint(std::mem::take(&mut self.dirty))).expect("as above");
        (self.running, self.last, self.last_written) = (true, Instant::now(), written);
    }
}
