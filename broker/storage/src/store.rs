//! All logs of one shard: opens them, tells what became durable, closes them.
//!
//! Promises: bytes that wait for the disk have a bound; a failure takes one log offline, a journal's failure the logs of
//! its directory.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use model::{Bug, Buggify, Limits, Offset, Probe, ShardId, Site, TopicId, TopicPartition};
use runtime::sync::Notify;
use runtime::{Disk, Heat, Runtime, TaskClass};

use crate::checkpoint::Checkpoints;
use crate::flush_timer::{FlushTimer, flush_loop};
use crate::journal::{self, Journal, Replayed};
use crate::log::{self, Log, LogShared, Offline, Place, RecoverySink, Stamp};
use crate::open_segments::OpenSegments;
use crate::room::{Room, room_loop};
use crate::{LogConfig, LogId, StorageError, StoreOptions, cleaner, flush, retention};

/// The shard that looks for what no log owns.
const FIRST: ShardId = ShardId(0);
const JOURNAL_PREFIX: &str = ".odradek-journal-";
/// A fetch of what the shard wrote within this many bytes is served from the page cache.
const HOT_BYTES: u64 = 64 << 20;

/// What the server hears about its logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreEvent {
    /// Everything below `end` is readable and, in a durable topic, survives a power loss.
    Persisted { at: TopicPartition, end: Offset },
    /// The log takes no more appends; what was readable still is. [`Store::reopen_log`] brings it back if the error
    /// [`StorageError::is_out_of_room`].
    Failed { at: TopicPartition, error: StorageError },
}

/// Counters since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreStats {
    pub appended_bytes: u64,
    /// Bytes that wait for the disk now.
    pub queued_bytes: u64,
    pub recovery_cut_bytes: u64,
    /// Logs that a failure took offline.
    pub failed_log_count: u64,
    /// Logs among them that came back when the disk had room again.
    pub returned_log_count: u64,
    /// Data directories whose disk is full now.
    pub full_directory_count: usize,
    /// Sealed segments whose files are open now.
    pub open_segment_count: usize,
    /// Memory of their indexes.
    pub open_index_bytes: usize,
    /// Compactions of a log.
    pub cleaning_count: u64,
    /// Size of the segments that were compacted, before.
    pub cleaned_bytes: u64,
    /// And after.
    pub cleaned_into_bytes: u64,
    /// Logs that cannot be compacted until the next start: something in them does not read.
    pub uncleanable_log_count: u64,
}

/// A data directory as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryStatus {
    pub path: PathBuf,
    pub id: TopicId,
    pub online: bool,
    /// `None` when the file system does not answer.
    pub space: Option<runtime::Space>,
}

/// Who waits for a journal frame.
pub(crate) struct Owner<R: Disk> {
    pub(crate) log: Rc<LogShared<R>>,
    pub(crate) op: u64,
    pub(crate) end: Offset,
    pub(crate) size_bytes: usize,
}

impl<R: Disk> Clone for Owner<R> {
    fn clone(&self) -> Self {
        Self { log: self.log.clone(), ..*self }
    }
}

impl<R: Disk> Owner<R> {
    /// The segment holds it durably: the journal need not.
    pub(crate) fn is_safe(&self) -> bool {
        self.log.state.borrow().ops_synced >= self.op
    }

    /// Its log failed before it was in the segment: it was never reported.
    pub(crate) fn is_forgotten(&self) -> bool {
        let state = self.log.state.borrow();
        state.offline.is_some() && self.op > state.ops_written
    }

    /// It may have been reported, and its log will never sync it: only a replay can.
    pub(crate) fn is_needed_for_good(&self) -> bool {
        let state = self.log.state.borrow();
        state.is_given_up() && self.op > state.ops_synced && self.op <= state.ops_written
    }
}

pub(crate) struct Directory<R: Disk> {
    pub(crate) info: crate::DirectoryInfo,
    pub(crate) journal: Journal<R, Owner<R>>,
    pub(crate) room: Room,
    pub(crate) online: Cell<bool>,
    /// Logs that are being opened there.
    opening_count: Cell<usize>,
    /// Logs whose segments should be synced, oldest request first.
    pub(crate) syncs: RefCell<VecDeque<Rc<LogShared<R>>>>,
    pub(crate) sync_work: Notify,
}

pub(crate) struct Shared<R: Disk> {
    pub(crate) rt: R,
    pub(crate) limits: Limits,
    pub(crate) directories: Vec<Directory<R>>,
    logs: RefCell<BTreeMap<TopicPartition, Rc<LogShared<R>>>>,
    pub(crate) replayed: RefCell<Replayed>,
    /// The newest news of each log, so that a slow listener costs nothing.
    events: RefCell<BTreeMap<TopicPartition, StoreEvent>>,
    events_ready: Notify,
    stats: RefCell<StoreStats>,
    open_segments: RefCell<OpenSegments<R>>,
    pub(crate) flush_timer: FlushTimer,
    pub(crate) trash: RefCell<retention::Trash>,
    closing: Cell<bool>,
}

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
            retention::find_left_behind(&store).await;
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
        let place = self.place(&id).await?;
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

    /// Where the log lies; a new one goes where the fewest are.
    pub(crate) async fn place(&self, id: &LogId) -> Result<Place, StorageError> {
        let name = id.directory_name();
        let rt = &self.0.rt;
        for (directory, place) in self.0.directories.iter().enumerate() {
            let path = place.info.path.join(&name);
            match rt.list(&path).await {
                Ok(_) => {}
                Err(runtime::Error::NotFound) => continue,
                Err(error) => return Err(StorageError::disk(&path, "list")(error)),
            }
            let checkpoints = &place.info.checkpoints;
            return Ok(Place {
                path,
                directory,
                exists: true,
                clean: place.info.clean,
                recovery_point: checkpoints.recovery_points.get(&name).copied(),
                log_start: checkpoints.log_starts.get(&name).copied(),
                first_dirty: checkpoints.first_dirty.get(&name).copied(),
            });
        }
        let logs = self.0.logs.borrow();
        let count = |directory| {
            let open_count = logs.values().filter(|log| log.directory == directory).count();
            open_count + self.0.directories[directory].opening_count.get()
        };
        let online =
            (0..self.0.directories.len()).filter(|at| self.0.directories[*at].online.get());
        let directory = online.min_by_key(|directory| count(*directory)).unwrap_or(0);
        Ok(Place {
            path: self.0.directories[directory].info.path.join(name),
            directory,
            exists: false,
            clean: true,
            recovery_point: None,
            log_start: None,
            first_dirty: None,
        })
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
        retention::empty_trash(&self.0).await;
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

    /// Removes the log. Its files are gone from sight when this returns and from the disk later.
    ///
    /// # Errors
    /// [`StorageError::Disk`].
    pub async fn delete_log(&self, at: TopicPartition) -> Result<(), StorageError> {
        let log = self.0.logs.borrow_mut().remove(&at);
        match log {
            Some(log) => retention::delete_log(&self.0, &log).await,
            None => Ok(()),
        }
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

impl<R: Runtime> Shared<R> {
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.get()
    }

    pub(crate) fn log(&self, at: TopicPartition) -> Option<Rc<LogShared<R>>> {
        self.logs.borrow().get(&at).cloned()
    }

    pub(crate) fn planted(&self, bug: Bug) -> bool {
        R::Probe::ON && self.rt.probe().planted(bug)
    }

    pub(crate) fn buggify(&self, site: Buggify) -> bool {
        R::Probe::ON && self.rt.probe().buggify(site)
    }

    pub(crate) fn sometimes(&self, site: Site) {
        self.rt.probe().sometimes(site);
    }

    pub(crate) fn journal(&self, log: &LogShared<R>) -> &Journal<R, Owner<R>> {
        &self.directories[log.directory].journal
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut StoreStats)) {
        change(&mut self.stats.borrow_mut());
    }

    /// Takes bytes in, or refuses them while too many wait. A single batch always fits an idle store.
    pub(crate) fn admit(&self, size_bytes: usize) -> Result<(), StorageError> {
        if self.closing.get() {
            return Err(StorageError::Closed);
        }
        let mut stats = self.stats.borrow_mut();
        let queued_bytes = usize::try_from(stats.queued_bytes).unwrap_or(usize::MAX);
        let limit_bytes = self.limits.unsynced_bytes;
        if queued_bytes > 0 && queued_bytes + size_bytes > limit_bytes {
            return Err(StorageError::Busy { queued_bytes, limit_bytes });
        }
        stats.queued_bytes += size_bytes as u64;
        stats.appended_bytes += size_bytes as u64;
        Ok(())
    }

    /// Bytes reached the disk, or never will.
    pub(crate) fn settle(&self, size_bytes: usize) {
        let mut stats = self.stats.borrow_mut();
        stats.queued_bytes = stats.queued_bytes.saturating_sub(size_bytes as u64);
    }

    pub(crate) fn stamp(&self, size_bytes: u64) -> Stamp {
        let written_bytes = self.stats.borrow().appended_bytes - size_bytes;
        Stamp { written_bytes, tail_positions_max: self.limits.tail_positions }
    }

    pub(crate) fn heat(&self, stamp: u64) -> Heat {
        let age_bytes = self.stats.borrow().appended_bytes - stamp;
        if age_bytes <= HOT_BYTES { Heat::Hot } else { Heat::Cold }
    }

    pub(crate) fn emit(&self, at: TopicPartition, event: StoreEvent) {
        self.events.borrow_mut().insert(at, event);
        self.events_ready.notify();
    }

    /// Takes one log offline: for good, or until there is room. What it had readable stays readable.
    pub(crate) fn fail(&self, log: &Rc<LogShared<R>>, error: &StorageError) {
        let waits_for_room = error.is_out_of_room() && self.directories[log.directory].online.get();
        let dropped_bytes = {
            let mut state = log.state.borrow_mut();
            if let Some(offline) = &mut state.offline {
                // "It is offline" is no news; anything else takes the hope away.
                if !matches!(error, StorageError::Offline { .. }) {
                    offline.waits_for_room &= waits_for_room;
                }
                return;
            }
            state.offline = Some(Offline { reason: error.to_string(), waits_for_room });
            state.queue.drain(..).map(|op| op.unjournaled_bytes()).sum()
        };
        self.note_failure(error);
        self.settle(dropped_bytes);
        self.flush_timer.update(log);
        self.count(|stats| stats.failed_log_count += 1);
        // One that is still being reopened says so through the error of that call.
        if self.log(log.id.at).is_some_and(|known| Rc::ptr_eq(&known, log)) {
            self.emit(log.id.at, StoreEvent::Failed { at: log.id.at, error: error.clone() });
        }
        if waits_for_room {
            self.directories[log.directory].room.note_full();
            // What was reported shall need the journal no longer.
            self.request_sync(log);
        }
        self.journal(log).freed.notify();
        log.progress.notify();
    }

    fn note_failure(&self, error: &StorageError) {
        self.sometimes(Site::LogFailed);
        if error.is_out_of_room() {
            self.sometimes(Site::NoSpace);
        }
        if matches!(error, StorageError::Disk { verb: "sync", .. }) {
            self.sometimes(Site::SyncFailed);
        }
    }

    /// Puts a log in the place of the one that failed.
    pub(crate) fn replace_log(self: &Rc<Self>, old: &Rc<LogShared<R>>, new: &Log<R>) {
        {
            let mut state = old.state.borrow_mut();
            if let Some(offline) = &mut state.offline {
                offline.waits_for_room = false;
            }
            // Its journal frames are void.
            state.ops_synced = state.ops_queued;
        }
        self.open_segments.borrow_mut().forget(old);
        for base in new.open_sealed_segments() {
            self.opened(&new.log, base);
        }
        self.logs.borrow_mut().insert(new.log.id.at, new.log.clone());
        self.count(|stats| stats.returned_log_count += 1);
        self.journal(old).freed.notify();
    }

    pub(crate) fn is_on_full_disk(&self, path: &Path) -> bool {
        let mut full = self.directories.iter().filter(|directory| directory.room.is_full());
        full.any(|directory| path.starts_with(&directory.info.path))
    }

    /// The journal of a directory failed: nothing there can become durable any more.
    pub(crate) fn fail_directory(&self, directory: usize, error: &StorageError) {
        self.directories[directory].online.set(false);
        let logs: Vec<_> = self.logs.borrow().values().cloned().collect();
        for log in logs.iter().filter(|log| log.directory == directory) {
            self.fail(log, error);
        }
    }

    /// A segment that is not the active one has its file open.
    pub(crate) fn opened(&self, log: &Rc<LogShared<R>>, base: Offset) {
        let mut open = self.open_segments.borrow_mut();
        let count = open.count() + 1;
        open.add(log, base, &self.limits);
        if self.buggify(Buggify::SegmentCloseEarly) {
            open.close_oldest();
        }
        if open.count() < count {
            self.sometimes(Site::SegmentClosed);
        }
    }
}
