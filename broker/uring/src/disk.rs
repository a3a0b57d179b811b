//! Files and directories.
//!
//! Appends go to the page cache inline: that costs less than the way through a worker. Reads try the
//! page cache inline and leave the shard only when it has nothing. Syncs always leave the shard.
//! Whatever is rare and may block (names, sizes) runs on the node's side threads.

use core::ops::Range;
use model::Bufs;
use runtime::{Advice, Clock, Disk, Entry, EntryKind, Error, File, Open, Result, Space};
use std::fs;
use std::path::Path;

use crate::counters::count;
use crate::live::Live;
use crate::net::{RETRY_LIMIT, RETRY_PAUSE};
use crate::ring::Returned;
use crate::shard::Operation;
use crate::sys::{self, Errno, Fd, Sys};

/// Larger appends take the ring: 256 KiB are about 40 µs of copying.
const INLINE_APPEND_BYTES_MAX: usize = 256 * 1024;

/// A file of this node, usable on every shard.
#[derive(Debug, Clone)]
pub struct LiveFile(pub(crate) Fd);

impl File for LiveFile {}

/// Holds the lock until dropped.
#[derive(Debug)]
pub struct LiveLock {
    _file: Fd,
}

impl Live {
    /// Runs a blocking file operation on a side thread.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Sys<T> + Send + 'static,
    ) -> Result<T> {
        self.0.files.run(work).await?.map_err(Error::from)
    }
}

impl Disk for Live {
    type File = LiveFile;
    type Lock = LiveLock;

    async fn open(&self, path: &Path, how: Open) -> Result<LiveFile> {
        let path = path.to_owned();
        self.aside(move || sys::open(&path, how)).await.map(LiveFile)
    }

    async fn append(&self, file: &LiveFile, at: u64, pieces: Bufs) -> Result<()> {
        let size_bytes: usize = pieces.iter().map(|piece| piece.len()).sum();
        if size_bytes <= INLINE_APPEND_BYTES_MAX {
            count(&self.0.tallies.writes, 1);
            return sys::append_vectored(&file.0, at, &pieces).map_err(Error::from);
        }
        let slot = self.0.core.borrow_mut().write(&file.0, at, pieces)?;
        let (result, _) = Operation::new(&self.0, slot).await;
        result.map(drop).map_err(Error::from)
    }

    async fn read(
        &self,
        file: &LiveFile,
        at: u64,
        mut into: Vec<u8>,
        wanted: usize,
    ) -> (Result<usize>, Vec<u8>) {
        assert!(into.capacity() - into.len() >= wanted, "no room for {wanted} bytes");
        count(&self.0.tallies.cached_reads, 1);
        let cached = match sys::read_at_cached(&file.0, at, &mut into, wanted) {
            Ok(0) if wanted > 0 => return (Ok(0), into),
            Ok(cached) => cached,
            // Nothing cached, or a file system that cannot tell.
            Err(Errno(libc::EAGAIN | libc::EOPNOTSUPP)) => 0,
            Err(errno) => return (Err(errno.into()), into),
        };
        if cached == wanted {
            return (Ok(wanted), into);
        }
        let begun =
            self.0.core.borrow_mut().read(&file.0, at + cached as u64, into, wanted - cached);
        let slot = match begun {
            Ok(slot) => slot,
            Err(into) => return (Err(Error::Full), into),
        };
        let (result, returned) = Operation::new(&self.0, slot).await;
        let Returned::Memory(into) = returned else { unreachable!("a read returns its memory") };
        (result.map(|rest| cached + rest as usize).map_err(Error::from), into)
    }

    async fn sync_data(&self, file: &LiveFile) -> Result<()> {
        let slot = self.0.core.borrow_mut().sync(&file.0)?;
        let (result, _) = Operation::new(&self.0, slot).await;
        result.map(drop).map_err(Error::from)
    }

    async fn len(&self, file: &LiveFile) -> Result<u64> {
        sys::len(&file.0).map_err(Error::from)
    }

    async fn set_len(&self, file: &LiveFile, len: u64) -> Result<()> {
        let file = file.0.clone();
        self.aside(move || sys::set_len(&file, len)).await
    }

    async fn allocate(&self, file: &LiveFile, range: Range<u64>) -> Result<()> {
        let file = file.0.clone();
        self.aside(move || sys::allocate(&file, range)).await
    }

    async fn advise(&self, file: &LiveFile, range: Range<u64>, advice: Advice) {
        let file = file.0.clone();
        // A hint: when the side threads are busy it is simply not given.
        let _ = self.0.files.run(move || sys::fadvise(&file, range, advice)).await;
    }

    async fn create_dir(&self, path: &Path) -> Result<()> {
        let path = path.to_owned();
        self.aside(move || Ok(fs::create_dir_all(path)?)).await
    }

    async fn sync_dir(&self, path: &Path) -> Result<()> {
        let path = path.to_owned();
        self.aside(move || Ok(fs::File::open(path)?.sync_all()?)).await
    }

    async fn list(&self, path: &Path) -> Result<Vec<Entry>> {
        let path = path.to_owned();
        self.aside(move || list(&path)).await
    }

    async fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.aside(move || Ok(fs::rename(from, to)?)).await
    }

    async fn link(&self, from: &Path, to: &Path) -> Result<()> {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.aside(move || Ok(fs::hard_link(from, to)?)).await
    }

    async fn remove(&self, path: &Path) -> Result<()> {
        let path = path.to_owned();
        self.aside(move || match fs::symlink_metadata(&path)?.is_dir() {
            true => Ok(fs::remove_dir(&path)?),
            false => Ok(fs::remove_file(&path)?),
        })
        .await
    }

    async fn lock(&self, path: &Path) -> Result<LiveLock> {
        let file = self.open(path, Open::Create).await?.0;
        let limit = self.now_exact().mono + RETRY_LIMIT;
        loop {
            match sys::lock_exclusive(&file) {
                Ok(()) => return Ok(LiveLock { _file: file }),
                Err(Errno::AGAIN) if self.now_exact().mono < limit => {
                    self.sleep_until(self.now_exact().mono + RETRY_PAUSE).await;
                }
                Err(Errno::AGAIN) => return Err(Error::Locked),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    async fn space(&self, path: &Path) -> Result<Space> {
        let path = path.to_owned();
        self.aside(move || sys::space(&path)).await
    }
}

/// Names that are not UTF-8 are nobody's we know; they are left out.
fn list(path: &Path) -> Sys<Vec<Entry>> {
    let mut entries = Vec::new();
    for found in fs::read_dir(path)? {
        let found = found?;
        let kind = if found.file_type()?.is_dir() { EntryKind::Directory } else { EntryKind::File };
        if let Ok(name) = found.file_name().into_string() {
            entries.push(Entry { name, kind });
        }
    }
    entries.sort();
    Ok(entries)
}
