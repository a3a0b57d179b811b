//! The disk verbs of the seam: each takes virtual time and happens at its end.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use model::{Bufs, Probe};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::change::{Change, size_of_all};
use super::device::Cost;
use super::faults::{Attempt, DiskEffect, DiskVerb};
use super::harm::Harm;
use super::names::InodeId;
use super::operation::Request;
use super::{Concern, EIO, virtual_ms};
use crate::memory::post::{Note, Post};
use crate::memory::runtime::MemoryRuntime;
use crate::memory::state::{Process, State};
use crate::memory::to_usize;
use crate::memory::trace::{Fold, Kind};
use crate::{Advice, Clock, Disk, Entry, Error, File, Open, Result, Space, sync};

const EBADF: i32 = 9;

/// What a buffer for reading holds until the read completes, and after one that failed.
const POISON: u8 = 0xa5;

/// An open file of one process.
#[derive(Clone)]
pub struct MemoryFile(Arc<Handle>);

impl File for MemoryFile {}

struct Handle {
    process: Process,
    inode: InodeId,
    path: PathBuf,
    /// Which file it is, for draws and traces.
    identity: u64,
    device: usize,
    writable: bool,
    /// How many failed writebacks this handle was told of.
    heard_errors: AtomicU64,
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

    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    pub(super) fn identity(&self) -> u64 {
        self.0.identity
    }

    fn check_writable(&self) -> Result<()> {
        if self.0.writable { Ok(()) } else { Err(Error::Failed(EBADF)) }
    }

    /// What a sync tells this handle of writebacks that failed.
    fn hear_errors(&self, disk: &mut super::Disk) -> Result<()> {
        let heard = self.0.heard_errors.load(Ordering::Relaxed);
        let (heard, told) = disk.names.content_mut(self.0.inode).errors.tell(heard);
        // One thread: the atomic only makes the handle `Send`.
        self.0.heard_errors.store(heard, Ordering::Relaxed);
        disk.stats.writeback_error_count += u64::from(told.is_some());
        told.map_or(Ok(()), Err)
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

impl<P: Probe> MemoryRuntime<P> {
    /// Runs `finish` once the operation has taken its time and has happened.
    async fn disk_operation<T: 'static>(
        &self,
        request: Request,
        finish: impl FnOnce(&mut State, Result<()>) -> T + 'static,
    ) -> T {
        let (promise, reply) = sync::oneshot();
        self.with(|state, process| {
            state.submit(process, request, |state, result| promise.fulfil(finish(state, result)));
        });
        match reply.await {
            Some(value) => value,
            // The process is dead; nobody polls this task again.
            None => core::future::pending().await,
        }
    }

    /// An operation that only looks.
    async fn look<T: 'static>(
        &self,
        path: &Path,
        finish: impl FnOnce(&mut super::Disk) -> T + 'static,
    ) -> T {
        let node = self.process().node;
        let request = self.request_for(path, None);
        self.disk_operation(request, move |state, _| finish(&mut state.nodes[node].disk)).await
    }

    /// An operation that changes names.
    async fn change_names(&self, path: &Path, change: Change) -> Result<()> {
        let request = self.request_for(path, Some(change));
        self.disk_operation(request, |_, result| result).await
    }

    /// An operation that changes the bytes or the length of a file.
    async fn change_file(&self, file: &MemoryFile, cost: Cost, change: Change) -> Result<()> {
        self.check_owner(file);
        file.check_writable()?;
        // The handle is held until the end, so that the file lives as long as the operation.
        let held = file.clone();
        let (_, identity) = change.trace();
        let request = Request { device: file.0.device, cost, identity, change: Some(change) };
        self.disk_operation(request, move |_, result| {
            drop(held);
            result
        })
        .await
    }

    fn request_for(&self, path: &Path, change: Option<Change>) -> Request {
        let device = self.with(|state, process| {
            let names = &state.nodes[process.node].disk.names;
            names.device_of(path)
        });
        let identity = Fold::bytes(path.as_os_str().as_encoded_bytes());
        Request { device, cost: Cost::Cached, identity, change }
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
        let request = self.request_for(&path, Some(Change::Open { path: path.clone(), how }));
        self.disk_operation(request, move |state, opened| {
            opened?;
            let names = &mut state.nodes[process.node].disk.names;
            let inode = names.find_file(&path)?;
            names.open_handle(inode);
            let heard_errors = AtomicU64::new(names.content(inode).errors.at_open());
            let (identity, device) = (names.identity(inode), names.device(inode));
            let writable = how != Open::Read;
            let handle =
                Handle { process, inode, path, identity, device, writable, heard_errors, post };
            Ok(MemoryFile(Arc::new(handle)))
        })
        .await
    }

    async fn append(&self, file: &MemoryFile, at: u64, pieces: Bufs) -> Result<()> {
        let cost = Cost::Bytes(size_of_all(&pieces));
        self.change_file(file, cost, Change::Append { file: file.clone(), at, pieces }).await
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
        let before = into.len();
        into.resize(before + count, POISON);
        let (node, device, file) = (file.0.process.node, file.0.device, file.clone());
        let (identity, cost) = (file.0.identity ^ at, Cost::Bytes(count as u64));
        let request = Request { device, cost, identity, change: None };
        self.disk_operation(request, move |state, _| {
            into.truncate(before);
            let now = state.now;
            let result = state.nodes[node].disk.read(&file, at, &mut into, count, now);
            state.record(node, Kind::Read, [identity, Fold::bytes(&into[before..])]);
            (result, into)
        })
        .await
    }

    async fn sync_data(&self, file: &MemoryFile) -> Result<()> {
        self.check_owner(file);
        let (node, device, file) = (file.0.process.node, file.0.device, file.clone());
        let names =
            |state: &mut State| state.nodes[node].disk.names.content_mut(file.0.inode).begin_sync();
        let image = self.with(|state, _| names(state));
        let (identity, cost) = (file.0.identity, Cost::Sync(image.page_count()));
        let change = Some(Change::SyncData { file: file.clone(), image });
        self.disk_operation(Request { device, cost, identity, change }, move |state, done| {
            done?;
            file.hear_errors(&mut state.nodes[node].disk)
        })
        .await
    }

    async fn len(&self, file: &MemoryFile) -> Result<u64> {
        self.check_owner(file);
        let file = file.clone();
        let path = file.0.path.clone();
        self.look(&path, move |disk| Ok(disk.len_of(file.0.inode))).await
    }

    async fn set_len(&self, file: &MemoryFile, len: u64) -> Result<()> {
        self.change_file(file, Cost::Cached, Change::SetLen { file: file.clone(), len }).await
    }

    async fn allocate(&self, file: &MemoryFile, range: Range<u64>) -> Result<()> {
        self.change_file(file, Cost::Cached, Change::Allocate { file: file.clone(), range }).await
    }

    /// Everything is in the cache here, so there is nothing to prepare; clean pages are let go.
    async fn advise(&self, file: &MemoryFile, range: Range<u64>, advice: Advice) {
        self.check_owner(file);
        if advice == Advice::DontNeed {
            self.with(|state, process| {
                let content = state.nodes[process.node].disk.names.content_mut(file.0.inode);
                content.evict(range.start, range.end);
            });
        }
    }

    async fn create_dir(&self, path: &Path) -> Result<()> {
        self.change_names(path, Change::CreateDir(path.to_owned())).await
    }

    async fn sync_dir(&self, path: &Path) -> Result<()> {
        let covered =
            self.with(|state, process| state.nodes[process.node].disk.names.changes_so_far());
        let change = Change::SyncDir { path: path.to_owned(), covered };
        let request = Request { cost: Cost::Sync(1), ..self.request_for(path, Some(change)) };
        self.disk_operation(request, |_, result| result).await
    }

    async fn list(&self, path: &Path) -> Result<Vec<Entry>> {
        let (target, now) = (path.to_owned(), self.now().mono);
        self.look(path, move |disk| {
            disk.check(DiskVerb::List, &target, 0..0, now)?;
            disk.names.list(&target)
        })
        .await
    }

    async fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let change = Change::Rename { from: from.to_owned(), to: to.to_owned() };
        self.change_names(from, change).await
    }

    async fn link(&self, from: &Path, to: &Path) -> Result<()> {
        let change = Change::Link { from: from.to_owned(), to: to.to_owned() };
        self.change_names(from, change).await
    }

    async fn remove(&self, path: &Path) -> Result<()> {
        self.change_names(path, Change::Remove(path.to_owned())).await
    }

    async fn lock(&self, path: &Path) -> Result<MemoryLock> {
        let file = self.open(path, Open::Create).await?;
        let inode = file.0.inode;
        let deadline = self.now().mono + Duration::from_secs(2);
        loop {
            let (process, post) = (self.process(), self.post().clone());
            // A lock outlives its process by the world's time, whatever the node's clock shows.
            let taken =
                self.with(|state, _| state.nodes[process.node].disk.try_lock(inode, state.now));
            if taken {
                return Ok(MemoryLock { process, inode, post });
            }
            let now = self.now().mono;
            if now >= deadline {
                return Err(Error::Locked);
            }
            self.sleep_until(now + Duration::from_millis(50)).await;
        }
    }

    async fn space(&self, path: &Path) -> Result<Space> {
        let target = path.to_owned();
        self.look(path, move |disk| Ok(disk.space(disk.names.device_of(&target)))).await
    }
}

impl super::Disk {
    /// Appends what reads see to `into`, or fails as planted or as the medium does.
    fn read(
        &mut self,
        file: &MemoryFile,
        at: u64,
        into: &mut Vec<u8>,
        count: usize,
        now: model::Instant,
    ) -> Result<usize> {
        self.stats.read_count += 1;
        let range = at..at.saturating_add(count as u64);
        let attempt = Attempt { verb: DiskVerb::Read, path: file.path(), range, now };
        let effect = self.fault(&attempt);
        if let Some(DiskEffect::Error(error)) = effect {
            return Err(error);
        }
        let content = self.names.content(file.0.inode);
        let harm = content.harm_in(at, count as u64);
        if harm == Some(Harm::Unreadable) {
            self.stats.unreadable_count += 1;
            return Err(EIO);
        }
        let before = into.len();
        let got = content.read(at, count, into);
        let corrupt = effect == Some(DiskEffect::Corrupt) && got > 0;
        if corrupt {
            let key = [file.0.identity, at, virtual_ms(now)];
            let draw = self.random.draw(Concern::Damage, &key);
            into[before + to_usize(draw % got as u64)] ^= 1 << (draw >> 32 & 7);
        }
        if corrupt || harm.is_some() {
            self.note_wrong_read(file, now);
        }
        Ok(got)
    }
}
