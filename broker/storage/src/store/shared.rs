//! What the loops of a store share: its logs, its directories, the bytes that wait for the disk.
//!
//! Promises: a failure is told once, and takes one log offline; a journal's failure the logs of its directory.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::rc::Rc;

use model::{Bug, Buggify, Limits, Offset, Probe, Site, TopicPartition};
use runtime::sync::Notify;
use runtime::{Disk, Heat, Runtime};

use super::{Owner, StoreEvent, StoreStats};
use crate::StorageError;
use crate::deletion::Trash;
use crate::flush_timer::FlushTimer;
use crate::journal::{Journal, Replayed};
use crate::log::{Log, LogShared, Offline, Stamp};
use crate::open_segments::OpenSegments;
use crate::room::Room;

/// A fetch of what the shard wrote within this many bytes is served from the page cache.
const HOT_BYTES: u64 = 64 << 20;

pub(crate) struct Directory<R: Disk> {
    pub(crate) info: crate::DirectoryInfo,
    pub(crate) journal: Journal<R, Owner<R>>,
    pub(crate) room: Room,
    pub(crate) online: Cell<bool>,
    /// Logs that are being opened there.
    pub(super) opening_count: Cell<usize>,
    /// Logs whose segments should be synced, oldest request first.
    pub(crate) syncs: RefCell<VecDeque<Rc<LogShared<R>>>>,
    pub(crate) sync_work: Notify,
}

pub(crate) struct Shared<R: Disk> {
    pub(crate) rt: R,
    pub(crate) limits: Limits,
    pub(crate) directories: Vec<Directory<R>>,
    pub(super) logs: RefCell<BTreeMap<TopicPartition, Rc<LogShared<R>>>>,
    pub(crate) replayed: RefCell<Replayed>,
    /// The newest news of each log, so that a slow listener costs nothing.
    pub(super) events: RefCell<BTreeMap<TopicPartition, StoreEvent>>,
    pub(super) events_ready: Notify,
    pub(super) stats: RefCell<StoreStats>,
    pub(super) open_segments: RefCell<OpenSegments<R>>,
    pub(crate) flush_timer: FlushTimer,
    pub(crate) trash: RefCell<Trash>,
    pub(super) closing: Cell<bool>,
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

    /// Lets go of every file of a log that is deleted. Plans keep what they hold.
    pub(crate) fn close_segments(&self, log: &Rc<LogShared<R>>) {
        self.open_segments.borrow_mut().forget(log);
        log.state.borrow_mut().segments.iter_mut().for_each(|segment| segment.file = None);
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
