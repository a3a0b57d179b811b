//! Files and directories.
//!
//! Durability is explicit: bytes survive a power loss after `sync_data` of their file, a created,
//! renamed or removed name after `sync_dir` of its directory, nothing earlier. A failed sync is
//! final: the content is unknown from then on and the caller stops using the file.

use core::ops::Range;
use model::Bufs;
use std::path::Path;

use crate::Result;

/// A counted handle to an open file: cheap to clone, may be sent to another shard, where it serves
/// `send_file` and `read`. The descriptor closes with the last handle, after the last operation.
pub trait File: Clone + Send + 'static {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// An existing file, for reading only.
    Read,
    /// An existing file, for reading and writing.
    Write,
    /// For reading and writing; created empty when absent.
    Create,
    /// For reading and writing; `Exists` when present.
    CreateNew,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    File,
    Directory,
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub name: String,
    pub kind: EntryKind,
}

/// Bytes of the file system that holds a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    pub total_bytes: u64,
    /// What this process may still use.
    pub free_bytes: u64,
}

/// What the cache should expect of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    WillNeed,
    DontNeed,
}

pub trait Disk {
    type File: File;
    /// Held until dropped.
    type Lock: 'static;

    async fn open(&self, path: &Path, how: Open) -> Result<Self::File>;

    /// Writes all pieces one after the other, the first byte at `at`. Not durable.
    async fn append(&self, file: &Self::File, at: u64, pieces: Bufs) -> Result<()>;

    /// Appends up to `count` bytes from `at` to `into`, fewer only at the end of the file. The
    /// capacity is the caller's: at least `count` bytes must be free.
    async fn read(
        &self,
        file: &Self::File,
        at: u64,
        into: Vec<u8>,
        count: usize,
    ) -> (Result<usize>, Vec<u8>);

    /// Makes everything durable that was written to the file before this call.
    async fn sync_data(&self, file: &Self::File) -> Result<()>;

    async fn len(&self, file: &Self::File) -> Result<u64>;

    /// Cuts the file, or extends it with zeros.
    async fn set_len(&self, file: &Self::File, len: u64) -> Result<()>;

    /// Reserves blocks for a range without changing what a read sees; may extend the file.
    async fn allocate(&self, file: &Self::File, range: Range<u64>) -> Result<()>;

    /// A hint; errors are of no consequence and not reported.
    async fn advise(&self, file: &Self::File, range: Range<u64>, advice: Advice);

    /// Creates the directory and its missing parents; fine when it exists.
    async fn create_dir(&self, path: &Path) -> Result<()>;

    /// Makes the names in a directory durable.
    async fn sync_dir(&self, path: &Path) -> Result<()>;

    /// Names in the directory, sorted.
    async fn list(&self, path: &Path) -> Result<Vec<Entry>>;

    /// Atomic; replaces `to` when it exists.
    async fn rename(&self, from: &Path, to: &Path) -> Result<()>;

    async fn link(&self, from: &Path, to: &Path) -> Result<()>;

    /// Removes a file or an empty directory. Open handles keep the bytes.
    async fn remove(&self, path: &Path) -> Result<()>;

    /// Takes an exclusive lock on a file, created when absent; it also excludes a Java Kafka.
    ///
    /// # Errors
    /// `Locked` when another process still holds it after two seconds (the ring of a process that
    /// just died may outlive it for a moment).
    async fn lock(&self, path: &Path) -> Result<Self::Lock>;

    async fn space(&self, path: &Path) -> Result<Space>;
}
