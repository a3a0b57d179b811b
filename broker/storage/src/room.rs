//! A full disk: the reserve of each shard and directory, and when appends are taken again.
//!
//! ```text
//! .odradek-reserve-NNNNN   allocated and never written; removed when the disk is full
//! ```
//!
//! Promises: when an operation finds no room, the reserve is given up at once, so that deletions, checkpoints and metadata
//! go on; the directory then takes no appends of this shard until several times the reserve is free and the reserve is
//! back. Files that wait for their removal go without delay meanwhile.
//! Does not: bring a log back that lost an append to it (`reopen`), or touch what other shards reserved.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use runtime::sync::{Notify, race};
use runtime::{Disk, Open, Runtime};

use crate::StorageError;
use crate::files;
use crate::store::{Shared, Store};

const RESERVE_PREFIX: &str = ".odradek-reserve-";
/// Appends begin again when the reserve fits this many times: a disk that is barely free would be full again at once.
const FREE_RESERVES_MIN: u64 = 4;
/// How often a full disk is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Room of one directory, as this shard sees it.
pub(crate) struct Room {
    path: PathBuf,
    size_bytes: u64,
    is_reserved: Cell<bool>,
    is_releasing: Cell<bool>,
    released: Notify,
    is_full: Cell<bool>,
    /// The disk became full, or the store is closing.
    pub(crate) changed: Notify,
}

impl Room {
    /// Takes the reserve over, or makes it. A disk without room for it is full from the start; a file system that cannot
    /// allocate has no reserve.
    pub(crate) async fn open<R: Runtime>(
        rt: &R,
        directory: &Path,
        size_bytes: usize,
    ) -> Result<Self, StorageError> {
        remove_reserves_of_gone_shards(rt, directory).await?;
        let room = Self {
            path: directory.join(format!("{RESERVE_PREFIX}{:05}", rt.shard().0)),
            size_bytes: size_bytes as u64,
            is_reserved: Cell::new(false),
            is_releasing: Cell::new(false),
            released: Notify::new(),
            is_full: Cell::new(false),
            changed: Notify::new(),
        };
        if let Err(runtime::Error::NoSpace) = room.reserve(rt).await {
            room.is_full.set(true);
        }
        Ok(room)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.is_full.get()
    }

    /// An operation found no room.
    pub(crate) fn note_full(&self) {
        self.is_full.set(true);
        self.changed.notify();
    }

    async fn reserve<R: Disk>(&self, rt: &R) -> runtime::Result<()> {
        let file = rt.open(&self.path, Open::Create).await?;
        let result = match rt.len(&file).await? {
            len if len == self.size_bytes => Ok(()),
            _ => rt.allocate(&file, 0..self.size_bytes).await,
        };
        self.is_reserved.set(result.is_ok());
        if result.is_err() {
            let _gone = rt.remove(&self.path).await;
        }
        result
    }

    /// Gives the reserve up; its blocks are free when this returns. Returns whether there was one.
    async fn release<R: Disk>(&self, rt: &R) -> bool {
        if self.is_reserved.replace(false) {
            self.is_releasing.set(true);
            let _gone = rt.remove(&self.path).await;
            // File systems free the blocks of a removed file only with the change of its directory.
            let _synced = rt.sync_dir(self.directory()).await;
            self.is_releasing.set(false);
            self.released.notify();
            return true;
        }
        let waits = self.is_releasing.get();
        while self.is_releasing.get() {
            self.released.notified().await;
        }
        waits
    }

    fn directory(&self) -> &Path {
        self.path.parent().expect("lies in a data directory")
    }

    /// Takes appends again if there is room enough.
    async fn try_restore<R: Disk>(&self, rt: &R) {
        let free_bytes = rt.space(self.directory()).await.map_or(0, |space| space.free_bytes);
        if free_bytes < FREE_RESERVES_MIN * self.size_bytes {
            return;
        }
        if self.reserve(rt).await != Err(runtime::Error::NoSpace) {
            self.is_full.set(false);
        }
    }
}

/// Fewer shards than at an earlier start: theirs would stay for ever.
async fn remove_reserves_of_gone_shards<R: Runtime>(
    rt: &R,
    directory: &Path,
) -> Result<(), StorageError> {
    let count = u32::from(rt.shard_count());
    let entries = rt.list(directory).await.map_err(StorageError::disk(directory, "list"))?;
    for entry in entries {
        let number = entry.name.strip_prefix(RESERVE_PREFIX).and_then(|n| n.parse().ok());
        let Some(number): Option<u32> = number else { continue };
        if number >= count && number % count == u32::from(rt.shard().0) {
            files::remove_if_present(rt, &directory.join(&entry.name)).await?;
        }
    }
    Ok(())
}

/// Sleeps until the directory is full; then makes room where deletion may, and waits until there is enough.
pub(crate) async fn room_loop<R: Runtime>(store: Rc<Shared<R>>, directory: usize) {
    let room = &store.directories[directory].room;
    while !store.is_closing() {
        if !room.is_full() {
            room.changed.notified().await;
            continue;
        }
        room.release(&store.rt).await;
        Store(store.clone()).maintain_once().await;
        race(store.rt.sleep_until(store.rt.now().mono + LOOK_EVERY), closing(&store, room)).await;
        if !store.is_closing() {
            room.try_restore(&store.rt).await;
        }
    }
}

async fn closing<R: Runtime>(store: &Shared<R>, room: &Room) {
    while !store.is_closing() {
        room.changed.notified().await;
    }
}

impl<R: Runtime> Shared<R> {
    /// After an operation found no room: whether it is worth another attempt, since the reserve was given up for it.
    pub(crate) async fn gave_up_reserve(&self, directory: usize, error: &StorageError) -> bool {
        if !error.is_out_of_room() {
            return false;
        }
        let room = &self.directories[directory].room;
        room.note_full();
        room.release(&self.rt).await
    }
}
