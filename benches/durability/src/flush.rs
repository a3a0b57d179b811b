//! The ways to make one commit durable: sync each touched segment, or write one journal and sync that.
//!
//! Promises: when `commit` returns, every byte of it would survive a power loss under the chosen mode. The journal
//! modes pay for their background segment syncs inside the row: they run beside it on another thread.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use crate::journal::{Checkpoint, Journal, JournalSync};

/// Syncs of one commit in flight at once: what a shard's io-wq would run.
const SYNC_THREADS: usize = 16;

/// Adaptive rule: sync segments directly when a commit touches at most this many of them ...
const DIRECT_TOUCHED_MAX: usize = 2;
/// ... and each carries at least this much on average: the second copy then costs more than a second sync.
const DIRECT_BYTES_PER_LOG_MIN: usize = 256 << 10;

/// At the disk's 1.6 GB/s this much delays a commit behind it by about 0.6 ms.
const EAGER_BYTES: usize = 1 << 20;

#[derive(Clone, Copy)]
pub(crate) enum Mode {
    PerFile,
    Journal(JournalSync),
    /// As `Journal`, and a segment is synced in the background as soon as it has `EAGER_BYTES` dirty.
    JournalEager(JournalSync),
    Adaptive(JournalSync),
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mode::PerFile => write!(f, "per-file"),
            Mode::Journal(sync) => write!(f, "journal/{sync}"),
            Mode::JournalEager(sync) => write!(f, "journal-eager/{sync}"),
            Mode::Adaptive(sync) => write!(f, "adaptive/{sync}"),
        }
    }
}

pub(crate) struct Flusher {
    mode: Mode,
    segments: Vec<(Arc<File>, u64)>,
    journal: Option<(Journal, Checkpoint)>,
    pool: SyncPool,
    payload: Vec<u8>,
    direct_count: u32,
}

impl Flusher {
    pub(crate) fn open(
        mode: Mode,
        place: &Path,
        log_count: usize,
        commit_bytes_max: usize,
    ) -> std::io::Result<Self> {
        let segments = (0..log_count)
            .map(|log| {
                let path = place.join(format!("{log:05}.log"));
                Ok((
                    Arc::new(
                        OpenOptions::new().write(true).create(true).truncate(true).open(path)?,
                    ),
                    0,
                ))
            })
            .collect::<std::io::Result<Vec<_>>>()?;
        File::open(place)?.sync_all()?;
        let eager_bytes = match mode {
            Mode::JournalEager(_) => EAGER_BYTES,
            _ => usize::MAX,
        };
        let journal = match mode {
            Mode::PerFile => None,
            Mode::Journal(sync) | Mode::JournalEager(sync) | Mode::Adaptive(sync) => Some((
                Journal::create(&place.join("journal"), sync)?,
                Checkpoint::start(eager_bytes),
            )),
        };
        let payload = (0..=250).cycle().take(commit_bytes_max).collect();
        Ok(Flusher { mode, segments, journal, pool: SyncPool::start(), payload, direct_count: 0 })
    }

    /// Appends numbered `appends` become durable together; returns how many logs they touched.
    pub(crate) fn commit(
        &mut self,
        appends: Range<usize>,
        append_bytes: usize,
    ) -> std::io::Result<usize> {
        let mut bytes_by_log: BTreeMap<usize, usize> = BTreeMap::new();
        let total_bytes = appends.len() * append_bytes;
        for append in appends {
            *bytes_by_log.entry(scatter(append) % self.segments.len()).or_default() += append_bytes;
        }
        for (&log, &bytes) in &bytes_by_log {
            let (file, end) = &mut self.segments[log];
            file.write_all_at(&self.payload[..bytes], *end)?;
            *end += bytes as u64;
        }

        let touched = bytes_by_log.len();
        let direct = match self.mode {
            Mode::PerFile => true,
            Mode::Journal(_) | Mode::JournalEager(_) => false,
            Mode::Adaptive(_) => {
                touched <= DIRECT_TOUCHED_MAX && total_bytes >= touched * DIRECT_BYTES_PER_LOG_MIN
            }
        };
        let files = bytes_by_log.keys().map(|&log| &self.segments[log].0);
        if direct {
            self.direct_count += 1;
            self.pool.sync_all(files)?;
        } else {
            let (journal, checkpoint) = self.journal.as_mut().expect("opened with the mode");
            journal.write(&self.payload[..total_bytes], touched)?;
            checkpoint.dirtied(
                bytes_by_log.iter().map(|(&log, &bytes)| (log, bytes, &self.segments[log].0)),
            );
            checkpoint.advance(journal.written());
        }
        Ok(touched)
    }

    pub(crate) fn direct_count(&self) -> u32 {
        self.direct_count
    }
}

/// Spreads append numbers over the logs without a pattern that the file system could like.
fn scatter(append: usize) -> usize {
    append.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32
}

/// Threads that sync files side by side.
struct SyncPool {
    work: Sender<Arc<File>>,
    done: Receiver<std::io::Result<()>>,
}

impl SyncPool {
    fn start() -> Self {
        let (work, queue) = channel::<Arc<File>>();
        let (finished, done) = channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..SYNC_THREADS {
            let (queue, finished) = (queue.clone(), finished.clone());
            std::thread::spawn(move || {
                loop {
                    let next = queue.lock().expect("no panic holds it").recv();
                    let Ok(file) = next else { return };
                    if finished.send(file.sync_data()).is_err() {
                        return;
                    }
                }
            });
        }
        SyncPool { work, done }
    }

    fn sync_all<'a>(
        &self,
        files: impl ExactSizeIterator<Item = &'a Arc<File>>,
    ) -> std::io::Result<()> {
        let count = files.len();
        for file in files {
            if count == 1 {
                return file.sync_data(); // One file needs no hop to another thread.
            }
            self.work.send(file.clone()).expect("the pool outlives the flusher");
        }
        (0..count).try_for_each(|_| self.done.recv().expect("the pool outlives the flusher"))
    }
}
