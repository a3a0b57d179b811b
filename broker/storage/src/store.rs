//! All logs of one shard: opens them, tells what became durable, closes them.
//!
//! Promises: bytes that wait for the disk have a bound; a failure takes one log offline, a journal's failure the logs of
//! its directory.
//!
//! Reading order: this file, `status` (what it tells), `place` (where a log lies), `shared` (what its loops share),
//! `owner` (who needs a journal frame).

mod owner;
mod place;
mod shared;
mod status;

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;

use model::{Probe, ShardId, Site, TopicPartition};
use runtime::sync::Notify;
use runtime::{Disk, Runtime, TaskClass};

use crate::checkpoint::Checkpoints;
use crate::flush_timer::{FlushTimer, flush_loop};
use crate::journal::{self, Journal, Replayed};
use crate::log::{self, Log, LogShared, RecoverySink};
use crate::open_segments::OpenSegments;
use crate::room::{Room, room_loop};
use crate::{
    LogConfig, LogId, Ownership, StorageError, StoreOptions, cleaner, deletion, flush, retention,
};

pub(crate) use owner::Owner;
pub(crate) use shared::{Directory, Shared};
pub use status::{DirectoryStatus, StoreEvent, StoreStats};

/// The shard that looks for what no log owns.
const FIRST: ShardId = ShardId(0);
const JOURNAL_PREFIX: &str = ".odradek-journal-";

pub struct Store<R: Runtime>(pub(crate) Rc<Shared<R>>);

impl<R: Runtime> Clone for Store<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R: Runtime> Store<R> {
    /// Puts what the journals hold into the segment files. Every shard calls it before any calls
    /// [`Store::open`]: journal `i` belongs to shard `i` modulo the shard count. What was written is for
    /// [`Store::trust_replayed`].
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when a commit that was known to be durable does not read back.
    pub async fn replay_journals(rt: &R, options: &StoreOptions) -> Result<Replayed, StorageError> {
        let mut replayed = Replayed::default();
        for info in &options.directories {
            let entries =
                rt.list(&info.path).await.map_err(StorageError::disk(&info.path, "list"))?;
            for entry in entries {
                let number = entry.name.strip_prefix(JOURNAL_PREFIX).and_then(|n| n.parse().ok());
                let Some(number): Option<u32> = number else { continue };
                if number % u32::from(rt.shard_count()) != u32::from(rt.shard().0) {
                    continue;
                }
                let path = info.path.join(&entry.name);
                let parts = journal::replay(rt, &path).await?;
                if !parts.is_empty() {
                    rt.probe().sometimes(Site::JournalReplayed);
                }
                replayed.merge(parts);
                if number >= u32::from(rt.shard_count()) {
                    crate::files::remove_if_present(rt, &path).await?;
                }
            }
        }
        Ok(replayed)
    }

    /// What this shard's replay wrote and synced needs no second time when its logs are opened.
    pub fn trust_replayed(&self, replayed: Replayed) {
        self.0.replayed.replace(replayed);
    }

    /// Takes the shard's journals over and starts the background loops.
    ///
    /// # Errors
    /// [`StorageError::Disk`].
    pub async fn open(rt: R, options: StoreOptions) -> Result<Self, StorageError> {
        let mut directories = Vec::new();
        for info in options.directories {
            let path = info.path.join(format!("{JOURNAL_PREFIX}{:05}", rt.shard().0));
            let journal = Journal::open(rt.clone(), path, options.limits.journal_bytes).await?;
            let room = Room::open(&rt, &info.path, options.limits.reserve_bytes).await?;
            directories.push(Directory {
                info,
                journal,
                room,
                online: Cell::new(true),
                opening_count: Cell::new(0),
                syncs: RefCell::default(),
                sync_work: Notify::new(),
            });
        }
        let store = Rc::new(Shared {
            rt: rt.clone(),
            limits: options.limits,
            directories,
            logs: RefCell::default(),
            replayed: RefCell::default(),
            events: RefCell::default(),
            events_ready: Notify::new(),
            stats: RefCell::default(),
            open_segments: RefCell::new(OpenSegments::new()),
            flush_timer: FlushTimer::default(),
            trash: RefCell::default(),
            closing: Cell::new(false),
        });
        for directory in 0..store.directories.len() {
            rt.spawn("journal", TaskClass::Latency, flush::journal_loop(store.clone(), directory));
            rt.spawn("sync", TaskClass::Replication, flush::sync_loop(store.clone(), directory));
            rt.spawn("room", TaskClass::Background, room_loop(store.clone(), directory));
        }
        if rt.shard() == FIRST {
            deletion::find_left_behind(&store).await;
        }
        rt.spawn("flush timer", TaskClass::Replication, flush_loop(store.clone()));
        Ok(Self(store))
    }

    /// Opens a log, new or left by an earlier run. A new one gets its files at the first append.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`], `Foreign`, `Malformed`, `Disk`: this log stays closed, others are not concerned.
    ///
    /// # Panics
    /// When the log is open already.
    pub async fn open_log(
        &self,
        id: LogId,
        config: LogConfig,
        sink: &mut impl RecoverySink,
    ) -> Result<Log<R>, StorageError> {
        let at = id.at;
        assert!(!self.0.logs.borrow().contains_key(&at), "{at:?} is open already");
        let place = self.0.place(&id).await?;
        let directory = &self.0.directories[place.directory];
        directory.opening_count.update(|count| count + 1);
        let opened = log::open(&self.0, id, config, place, sink).await;
        directory.opening_count.update(|count| count - 1);
        let log = opened?;
        for base in log.open_sealed_segments() {
            self.0.opened(&log.log, base);
        }
        self.0.logs.borrow_mut().insert(at, log.log.clone());
        Ok(log)
    }

    /// What happened since the last call; waits until there is something. One task calls this.
    pub async fn next_events(&self) -> Vec<StoreEvent> {
        loop {
            let events = core::mem::take(&mut *self.0.events.borrow_mut());
            if !events.is_empty() {
                return events.into_values().collect();
            }
            self.0.events_ready.notified().await;
        }
    }

    /// Retention and the removal of deleted files. Called from a background task on Kafka's schedule
    /// (`log.retention.check.interval.ms`).
    pub async fn maintain_once(&self) {
        let logs: Vec<_> = self.0.logs.borrow().values().cloned().collect();
        for log in logs.into_iter().filter(|log| log.state.borrow().offline.is_none()) {
            let log = Log { store: self.0.clone(), log };
            // A log that is being compacted has its turn next time.
            let Some(_turn) = Turn::take(&log.log) else { continue };
            if let Err(error) = retention::retain(&log).await {
                self.0.fail(&log.log, &error);
            }
            self.0.rt.yield_now().await;
        }
        deletion::empty_trash(&self.0).await;
    }

    /// Compacts every log that is due, one after the other. Called from a background task on Kafka's schedule
    /// (`log.cleaner.backoff.ms`), never twice at the same time: one compaction has the whole map. May run long,
    /// in short steps.
    pub async fn clean_once(&self) {
        let logs: Vec<_> = self.0.logs.borrow().values().cloned().collect();
        for log in logs {
            let log = Log { store: self.0.clone(), log };
            let Some(_turn) = Turn::take(&log.log) else { continue };
            if let Err(error) = cleaner::clean_if_due(&log).await {
                self.0.fail(&log.log, &error);
            }
        }
    }

    /// Syncs every log in the background, so that the recovery points move
    /// (`log.flush.offset.checkpoint.interval.ms`).
    pub fn request_syncs(&self) {
        let logs: Vec<_> = self.0.logs.borrow().values().cloned().collect();
        for log in logs {
            let pending = {
                let state = log.state.borrow();
                state.ops_synced < state.ops_written || state.epochs_dirty
            };
            if pending {
                self.0.request_sync(&log);
            }
        }
    }

    /// This shard's values for the checkpoint files of each directory, in the order of the options.
    #[must_use]
    pub fn checkpoints(&self) -> Vec<Checkpoints> {
        let mut checkpoints = vec![Checkpoints::default(); self.0.directories.len()];
        for log in self.0.logs.borrow().values() {
            let mut state = log.state.borrow_mut();
            let synced = state.synced;
            state.snapshots.give(synced);
            let name = log.id.directory_name();
            checkpoints[log.directory].recovery_points.insert(name.clone(), synced);
            if let Some(first_dirty) = state.cleaning.first_dirty {
                checkpoints[log.directory].first_dirty.insert(name.clone(), first_dirty);
            }
            checkpoints[log.directory].log_starts.insert(name, state.start);
        }
        checkpoints
    }

    /// Removes the log, open or not. Its files are gone from sight when this returns and from the disk later.
    ///
    /// # Errors
    /// [`StorageError::Disk`]; of a log that is not open also what its `partition.metadata` may be.
    pub async fn delete_log(&self, id: &LogId) -> Result<(), StorageError> {
        let log = self.0.logs.borrow_mut().remove(&id.at);
        match log {
            Some(log) => deletion::delete_log(&self.0, &log).await,
            None => deletion::delete_unopened(&self.0, id).await,
        }
    }

    /// Finishes the deletions that a crash cut short and moves the directories aside that no topic owns, so that their
    /// names are free. One shard calls it, before any log that is asked about is opened. Returns what was moved aside,
    /// and the first failure: what it concerns stays where it is.
    pub async fn clear_unowned(
        &self,
        whose: impl Fn(TopicPartition) -> Ownership,
    ) -> (Vec<PathBuf>, Result<(), StorageError>) {
        deletion::clear_unowned(&self.0, whose).await
    }

    /// Syncs every log, writes the index files of their active segments and voids the journals: whoever owns the
    /// directory next, a Kafka perhaps, may change what they speak of. Afterwards one shard writes the
    /// [`Store::checkpoints`] of all and, if all shards succeeded, the clean-shutdown markers ([`crate::mark_clean`]).
    ///
    /// # Errors
    /// The first log that cannot be made durable; then the directory must not be marked clean.
    pub async fn close(&self) -> Result<(), StorageError> {
        let logs: Vec<_> = self.0.logs.borrow().values().cloned().collect();
        let mut result = Ok(());
        for log in logs {
            let log = Log { store: self.0.clone(), log };
            let closed = log.close().await;
            result = result.and(closed);
        }
        for directory in &self.0.directories {
            if result.is_ok() {
                result = directory.journal.void().await;
            }
        }
        self.0.closing.set(true);
        for directory in &self.0.directories {
            directory.journal.work.notify();
            directory.sync_work.notify();
            directory.room.changed.notify();
        }
        self.0.flush_timer.changed.notify();
        self.0.open_segments.borrow_mut().clear();
        result
    }

    #[must_use]
    pub fn stats(&self) -> StoreStats {
        let open = self.0.open_segments.borrow();
        StoreStats {
            open_segment_count: open.count(),
            open_index_bytes: open.index_bytes(),
            full_directory_count: self.0.directories.iter().filter(|it| it.room.is_full()).count(),
            ..*self.0.stats.borrow()
        }
    }

    pub async fn directories(&self) -> Vec<DirectoryStatus> {
        let mut statuses = Vec::new();
        for place in &self.0.directories {
            let (path, id, online) = (place.info.path.clone(), place.info.id, place.online.get());
            let space = self.0.rt.space(&path).await.ok();
            statuses.push(DirectoryStatus { path, id, online, space });
        }
        statuses
    }
}

/// Held by whoever removes or replaces sealed segments of a log: retention or compaction.
pub(crate) struct Turn<R: Disk>(Rc<LogShared<R>>);

impl<R: Disk> Turn<R> {
    pub(crate) fn take(log: &Rc<LogShared<R>>) -> Option<Self> {
        let was_taken = log.segments_taken.replace(true);
        (!was_taken).then(|| Self(log.clone()))
    }
}

impl<R: Disk> Drop for Turn<R> {
    fn drop(&mut self) {
        self.0.segments_taken.set(false);
    }
}
