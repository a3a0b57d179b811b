//! The disk verbs of the seam: each takes virtual time and happens at its end.
//!
//! An operation belongs to the disk, not to the future that asked for it: a dropped future changes
//! nothing, and a process that dies leaves each of its operations done, half done or not done.

use core::ops::Range;
use core::time::Duration;
use model::{Bufs, Probe};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::faults::DiskVerb;
use super::names::InodeId;
use crate::memory::post::{Note, Post};
use crate::memory::random::Concern;
use crate::memory::runtime::MemoryRuntime;
use crate::memory::state::{Process, State};
use crate::memory::to_usize;
use crate::memory::trace::{Fold, Kind};
use crate::{Advice, Clock, Disk, Entry, Error, File, Open, Result, Space, sync};

const EBADF: i32 = 9;

/// An open file of one process.
#[derive(Clone)]
pub struct MemoryFile(Arc<Handle>);

impl File for MemoryFile {}

struct Handle {
    process: Process,
    inode: InodeId,
    path: PathBuf,
    writable: bool,
    post: Post,
}

pub(in crate::memory) struct FileClosed {
    pub(in crate::memory) process: Process,
    pub(in crate::memory) inode: InodeId,
}

impl Drop for Handle {
    fn drop(&mut self) {
        let closed = FileClosed { process: self.process, inode: self.inode };
        self.post.put(Note::FileClosed(closed));
    }
}

impl MemoryFile {
    pub(in crate::memory) fn inode(&self) -> InodeId {
        self.0.inode
    }

    fn check_writable(&self) -> Result<()> {
        if self.0.writable { Ok(()) } else { Err(Error::Failed(EBADF)) }
    }
}

/// Released when dropped.
pub struct MemoryLock {
    process: Process,
    inode: InodeId,
    post: Post,
}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.post.put(Note::LockDropped { process: self.process, inode: self.inode });
    }
}

/// How long an operation takes on a healthy disk.
#[derive(Clone, Copy)]
enum Cost {
    /// Names, lengths, and reads from the page cache.
    Cached,
    /// Copying so many bytes.
    Bytes(u64),
    /// Waiting for the medium to write so many sectors.
    Sync(u64),
}

impl Cost {
    fn range_ns(self) -> (u64, u64) {
        match self {
            Self::Cached => (2_000, 20_000),
            Self::Bytes(bytes) => (3_000 + bytes / 8, 15_000 + bytes / 4),
            Self::Sync(sectors) => (150_000 + 1_000 * sectors, 450_000 + 4_000 * sectors),
        }
    }
}

impl<P: Probe> MemoryRuntime<P> {
    /// Runs `work` once the operation's time has passed. It is given `Some(draw)` when the process
    /// died meanwhile and only a part of the operation is to happen.
    async fn disk_operation<T: 'static>(
        &self,
        cost: Cost,
        identity: u64,
        work: impl FnOnce(&mut State, Option<u64>) -> T + 'static,
    ) -> T {
        let (promise, reply) = sync::oneshot();
        self.with(|state, process| {
            let slowness = state.nodes[process.node].disk.slowness;
            let (low, high) = cost.range_ns();
            let key = [process.node as u64, identity, state.now.0];
            let took_ns = slowness * state.random.within(Concern::DiskLatency, &key, low..=high);
            let at = state.now + Duration::from_nanos(took_ns);
            state.schedule_disk(process, at, move |state, part| promise.fulfil(work(state, part)));
        });
        match reply.await {
            Some(value) => value,
            // The process is dead; nobody polls this task again.
            None => core::future::pending().await,
        }
    }

    /// An operation on names: fails as planted, or when the disk is full or read-only.
    async fn change_names(
        &self,
        path: &Path,
        work: impl FnOnce(&mut super::Disk) -> Result<()> + 'static,
    ) -> Result<()> {
        let (node, path) = (self.process().node, path.to_owned());
        let identity = Fold::bytes(path.as_os_str().as_encoded_bytes());
        self.disk_operation(Cost::Cached, identity, move |state, _| {
            let disk = &mut state.nodes[node].disk;
            disk.faults.check(DiskVerb::Names, &path)?;
            disk.check_writable()?;
            let result = work(disk);
            state.record(node, Kind::Name, [identity, u64::from(result.is_ok())]);
            result
        })
        .await
    }

    fn check_owner(&self, file: &MemoryFile) {
        assert_eq!(file.0.process, self.process(), "a file handle stays inside its process");
    }
}

impl<P: Probe> Disk for MemoryRuntime<P> {
    type File = MemoryFile;
    type Lock = MemoryLock;

    async fn open(&self, path: &Path, how: Open) -> Result<MemoryFile> {
        let (process, post, path) = (self.process(), self.post().clone(), path.to_owned());
        let identity = Fold::bytes(path.as_os_str().as_encoded_bytes());
        self.disk_operation(Cost::Cached, identity, move |state, _| {
            let disk = &mut state.nodes[process.node].disk;
            disk.faults.check(DiskVerb::Open, &path)?;
            if how == Open::Write {
                disk.check_writable()?;
            }
            let found = match disk.names.find_file(&path) {
                Ok(_) if how == Open::CreateNew => return Err(Error::Exists),
                Err(Error::NotFound) if matches!(how, Open::Create | Open::CreateNew) => {
                    disk.check_room()?;
                    disk.names.create_file(&path)
                }
                found => found,
            };
            state.record(process.node, Kind::Name, [identity, u64::from(found.is_ok())]);
            let inode = found?;
            state.nodes[process.node].disk.names.retain(inode);
            let writable = how != Open::Read;
            Ok(MemoryFile(Arc::new(Handle { process, inode, path, writable, post })))
        })
        .await
    }

    async fn append(&self, file: &MemoryFile, at: u64, pieces: Bufs) -> Result<()> {
        self.check_owner(file);
        let file = file.clone();
        let size: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
        let identity = file.0.inode << 40 ^ at;
        self.disk_operation(Cost::Bytes(size), identity, move |state, part| {
            file.check_writable()?;
            let Process { node, .. } = file.0.process;
            let mut content = Fold::default();
            pieces.iter().for_each(|piece| content.add(piece));
            state.record(node, Kind::Append, [identity, content.finish()]);
            let random = state.random;
            let disk = &mut state.nodes[node].disk;
            disk.check_writable()?;
            let fault = disk.faults.check(DiskVerb::Append, &file.0.path);
            let part = match (&fault, part) {
                (Err(_), _) => Some(random.draw(Concern::FailedWrite, &[identity, size])),
                (Ok(()), part) => part,
            };
            let wanted = part.map_or(size, |draw| draw % (size + 1));
            let free = disk.sectors_free();
            let content = disk.names.content_mut(file.0.inode);
            let written = content.write(at, &first_bytes(pieces, wanted), free);
            disk.stats.append_count += 1;
            disk.stats.appended_bytes += written;
            fault?;
            if written < size { Err(Error::NoSpace) } else { Ok(()) }
        })
        .await
    }

    async fn read(
        &self,
        file: &MemoryFile,
        at: u64,
        mut into: Vec<u8>,
        count: usize,
    ) -> (Result<usize>, Vec<u8>) {
        self.check_owner(file);
        assert!(into.capacity() - into.len() >= count, "the buffer has no room for {count} bytes");
        let file = file.clone();
        let identity = file.0.inode << 40 ^ at;
        self.disk_operation(Cost::Bytes(count as u64), identity, move |state, _| {
            let Process { node, .. } = file.0.process;
            let disk = &mut state.nodes[node].disk;
            disk.stats.read_count += 1;
            if let Err(error) = disk.faults.check(DiskVerb::Read, &file.0.path) {
                return (Err(error), into);
            }
            let before = into.len();
            let got = disk.names.content(file.0.inode).read(at, count, &mut into);
            state.record(node, Kind::Read, [identity, Fold::bytes(&into[before..])]);
            (Ok(got), into)
        })
        .await
    }

    async fn sync_data(&self, file: &MemoryFile) -> Result<()> {
        self.check_owner(file);
        let file = file.clone();
        let (node, inode) = (file.0.process.node, file.0.inode);
        let image =
            self.with(|state, _| state.nodes[node].disk.names.content_mut(inode).begin_sync());
        let sectors = image.sector_count();
        self.disk_operation(Cost::Sync(sectors), inode << 40, move |state, _| {
            state.record(node, Kind::Sync, [inode, sectors]);
            let disk = &mut state.nodes[node].disk;
            disk.stats.sync_count += 1;
            let fault = disk.faults.check(DiskVerb::SyncData, &file.0.path);
            let content = disk.names.content_mut(inode);
            match fault {
                Ok(()) => {
                    content.finish_sync(image);
                    disk.stats.synced_sectors += sectors;
                }
                Err(_) => content.fail_sync(image),
            }
            fault
        })
        .await
    }

    async fn len(&self, file: &MemoryFile) -> Result<u64> {
        self.check_owner(file);
        let file = file.clone();
        self.disk_operation(Cost::Cached, file.0.inode, move |state, _| {
            Ok(state.nodes[file.0.process.node].disk.len_of(file.0.inode))
        })
        .await
    }

    async fn set_len(&self, file: &MemoryFile, len: u64) -> Result<()> {
        self.check_owner(file);
        let file = file.clone();
        let identity = file.0.inode << 40 ^ len;
        self.disk_operation(Cost::Cached, identity, move |state, _| {
            file.check_writable()?;
            let Process { node, .. } = file.0.process;
            state.record(node, Kind::Append, [identity, len]);
            let disk = &mut state.nodes[node].disk;
            disk.check_writable()?;
            disk.faults.check(DiskVerb::SetLen, &file.0.path)?;
            disk.names.content_mut(file.0.inode).set_len(len);
            Ok(())
        })
        .await
    }

    async fn allocate(&self, file: &MemoryFile, range: Range<u64>) -> Result<()> {
        self.check_owner(file);
        let file = file.clone();
        let identity = file.0.inode << 40 ^ range.end;
        self.disk_operation(Cost::Cached, identity, move |state, _| {
            file.check_writable()?;
            let Process { node, .. } = file.0.process;
            state.record(node, Kind::Append, [identity, range.start]);
            let disk = &mut state.nodes[node].disk;
            disk.check_writable()?;
            disk.faults.check(DiskVerb::Allocate, &file.0.path)?;
            let free = disk.sectors_free();
            let content = disk.names.content_mut(file.0.inode);
            if content.allocate(range.start, range.end, free) {
                Ok(())
            } else {
                Err(Error::NoSpace)
            }
        })
        .await
    }

    /// Everything is in the cache here, so there is nothing to prepare.
    async fn advise(&self, file: &MemoryFile, _: Range<u64>, _: Advice) {
        self.check_owner(file);
    }

    async fn create_dir(&self, path: &Path) -> Result<()> {
        let target = path.to_owned();
        self.change_names(path, move |disk| {
            if disk.names.find(&target).is_err() {
                disk.check_room()?;
            }
            disk.names.create_directories(&target)
        })
        .await
    }

    async fn sync_dir(&self, path: &Path) -> Result<()> {
        let (node, path) = (self.process().node, path.to_owned());
        let covered = self.with(|state, _| state.nodes[node].disk.names.changes_so_far());
        let identity = Fold::bytes(path.as_os_str().as_encoded_bytes());
        self.disk_operation(Cost::Sync(1), identity, move |state, _| {
            state.record(node, Kind::Sync, [identity, covered]);
            let disk = &mut state.nodes[node].disk;
            disk.stats.sync_dir_count += 1;
            disk.faults.check(DiskVerb::SyncDir, &path)?;
            let directory = disk.names.find(&path)?;
            disk.names.sync_directory(directory, covered);
            Ok(())
        })
        .await
    }

    async fn list(&self, path: &Path) -> Result<Vec<Entry>> {
        let (node, path) = (self.process().node, path.to_owned());
        let identity = Fold::bytes(path.as_os_str().as_encoded_bytes());
        self.disk_operation(Cost::Cached, identity, move |state, _| {
            let disk = &mut state.nodes[node].disk;
            disk.faults.check(DiskVerb::List, &path)?;
            disk.names.list(&path)
        })
        .await
    }

    async fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let (source, target) = (from.to_owned(), to.to_owned());
        self.change_names(from, move |disk| disk.names.rename(&source, &target)).await
    }

    async fn link(&self, from: &Path, to: &Path) -> Result<()> {
        let (source, target) = (from.to_owned(), to.to_owned());
        self.change_names(from, move |disk| {
            disk.check_room()?;
            disk.names.link(&source, &target)
        })
        .await
    }

    async fn remove(&self, path: &Path) -> Result<()> {
        let target = path.to_owned();
        self.change_names(path, move |disk| disk.names.remove(&target)).await
    }

    async fn lock(&self, path: &Path) -> Result<MemoryLock> {
        let file = self.open(path, Open::Create).await?;
        let inode = file.0.inode;
        let deadline = self.now().mono + Duration::from_secs(2);
        loop {
            let (process, post) = (self.process(), self.post().clone());
            let taken = self.with(|state, _| {
                let disk = &mut state.nodes[process.node].disk;
                let free = disk.locks.insert(inode);
                if free {
                    disk.names.retain(inode);
                }
                free
            });
            if taken {
                return Ok(MemoryLock { process, inode, post });
            }
            if self.now().mono >= deadline {
                return Err(Error::Locked);
            }
            self.sleep_until(self.now().mono + Duration::from_millis(50)).await;
        }
    }

    async fn space(&self, _: &Path) -> Result<Space> {
        let node = self.process().node;
        self.disk_operation(Cost::Cached, 0, move |state, _| Ok(state.nodes[node].disk.space()))
            .await
    }
}

/// The pieces up to a number of bytes.
fn first_bytes(pieces: Bufs, mut left: u64) -> Bufs {
    let mut first = Bufs::with_capacity(pieces.len());
    for piece in pieces {
        let size = left.min(piece.len() as u64);
        left -= size;
        first.push(piece.slice(..to_usize(size)));
    }
    first
}
