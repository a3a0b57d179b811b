//! When bytes are durable, and who makes them so. The only place that knows.
//!
//! Promises: an end is reported only after the journal or the segments hold it; a failed sync is final; journal space is
//! freed only after the segments were synced.
//!
//! Two loops per data directory: one writes journal commits (one sync in flight, everything that arrived meanwhile
//! rides the next), one syncs segments in the background, eagerly and in small portions (ADR 2).

use core::time::Duration;
use std::rc::Rc;

use model::{Bug, Buggify, Observation, Probe, Site};
use runtime::Runtime;
use runtime::sync::{First, race};

use crate::StorageError;
use crate::journal::CommitRules;
use crate::log::{LogShared, append_indexes};
use crate::store::{Owner, Shared, StoreEvent};

/// A segment with this much unsynced is synced at once: later the sync would hold up the disk for long.
const EAGER_SYNC_BYTES: u64 = 1 << 20;

/// Pause between two steps of a journal's growth while nothing is written: a start has better use for the disk.
const GROWTH_PAUSE: Duration = Duration::from_millis(4);

pub(crate) async fn journal_loop<R: Runtime>(store: Rc<Shared<R>>, directory: usize) {
    let journal = &store.directories[directory].journal;
    loop {
        let needs_space = !journal.is_grown() && journal.is_half_full();
        if (needs_space || store.wait_for_work(directory).await == Work::Growth)
            && let Err(error) = journal.grow().await
        {
            store.fail_directory(directory, &error);
            return;
        }
        if journal.is_empty() {
            if store.is_closing() {
                return;
            }
            continue;
        }
        let rules = CommitRules {
            is_single: store.buggify(Buggify::JournalCommitOfOne),
            ignores_sync_error: store.planted(Bug::SyncErrorIgnored),
        };
        match journal.commit(rules).await {
            Ok(Some(owners)) => store.journaled(owners),
            Ok(None) => {
                // What a failed log did not report stays as long as there is room: the next start may use it.
                if journal.release(|owner| owner.is_safe() || owner.is_forgotten()) {
                    continue;
                }
                // What it did report has no other place any more.
                if journal.is_held_by(Owner::is_needed_for_good) {
                    store.fail_directory(directory, &journal.all_held());
                    return;
                }
                journal.starve();
                store.sometimes(Site::JournalStarved);
                store.sync_what_is_in_the_way(directory);
                journal.freed.notified().await;
            }
            Err(error) => {
                store.fail_directory(directory, &error);
                return;
            }
        }
        let half_full = journal.is_half_full() || store.buggify(Buggify::JournalHalfFull);
        if half_full && store.directories[directory].syncs.borrow().is_empty() {
            store.sync_what_is_in_the_way(directory);
        }
    }
}

pub(crate) async fn sync_loop<R: Runtime>(store: Rc<Shared<R>>, directory: usize) {
    let place = &store.directories[directory];
    loop {
        let next = place.syncs.borrow_mut().pop_front();
        let Some(log) = next else {
            if store.is_closing() {
                return;
            }
            place.sync_work.notified().await;
            continue;
        };
        log.state.borrow_mut().sync_requested = false;
        match store.sync_log(&log).await {
            Ok(()) => store.publish(&log),
            Err(error) => store.fail(&log, &error),
        }
        let reuses_early = store.planted(Bug::JournalReusedEarly);
        place.journal.release(|owner| owner.is_safe() || reuses_early);
        place.journal.freed.notify();
        log.progress.notify();
    }
}

/// What the journal loop does next.
#[derive(PartialEq, Eq)]
enum Work {
    /// Something was pushed, or the store is closing.
    Commit,
    /// Nothing for a while: the file can grow.
    Growth,
}

impl<R: Runtime> Shared<R> {
    async fn wait_for_work(&self, directory: usize) -> Work {
        let journal = &self.directories[directory].journal;
        while journal.is_empty() && !self.is_closing() {
            if journal.is_grown() {
                journal.work.notified().await;
                continue;
            }
            let pause = self.rt.sleep_until(self.rt.now().mono + GROWTH_PAUSE);
            if let First::Right(()) = race(journal.work.notified(), pause).await {
                return Work::Growth;
            }
        }
        Work::Commit
    }

    /// Asks for a background sync of the log.
    pub(crate) fn request_sync(&self, log: &Rc<LogShared<R>>) {
        {
            let mut state = log.state.borrow_mut();
            if state.sync_requested || state.is_given_up() {
                return;
            }
            state.sync_requested = true;
        }
        let place = &self.directories[log.directory];
        place.syncs.borrow_mut().push_back(log.clone());
        place.sync_work.notify();
    }

    /// Asks for syncs of the logs that hold the oldest journal space. One that has nothing written yet is asked after
    /// its write: a sync now would free nothing.
    fn sync_what_is_in_the_way(&self, directory: usize) {
        for owner in self.directories[directory].journal.in_the_way() {
            let written = {
                let state = owner.log.state.borrow();
                state.ops_written > state.ops_synced
            };
            if written {
                self.request_sync(&owner.log);
            }
        }
    }

    /// After a write: whether the log's unsynced bytes have waited enough.
    pub(crate) fn sync_if_due(&self, log: &Rc<LogShared<R>>) {
        let due = {
            let state = log.state.borrow();
            let unproven = state.config.is_durable() && state.barrier_op > state.ops_synced;
            let by_count = state.unsynced_records >= state.config.flush_messages.max(2);
            let counted = !state.config.is_durable() && by_count;
            let starved = self.journal(log).is_starved();
            state.dirty_bytes >= EAGER_SYNC_BYTES || unproven || counted || starved
        };
        if due || self.buggify(Buggify::SyncEagerly) {
            self.request_sync(log);
        }
    }

    /// Syncs everything that the writer has written. One sync of a log at a time: a second one would find nothing
    /// dirty and claim what the first has not finished. None after one that failed: it would find nothing dirty either.
    pub(crate) async fn sync_log(&self, log: &Rc<LogShared<R>>) -> Result<(), StorageError> {
        while log.state.borrow().syncing {
            log.progress.notified().await;
        }
        {
            let mut state = log.state.borrow_mut();
            if state.is_given_up() {
                state.check_online()?;
            }
            state.syncing = true;
        }
        let result = self.sync_written(log).await;
        log.state.borrow_mut().syncing = false;
        // For want of room nothing was synced yet: that may be tried again.
        if let Err(error) = &result
            && !error.is_out_of_room()
        {
            self.fail(log, error);
        }
        log.progress.notify();
        result
    }

    /// Epochs first, then segments, then new names.
    async fn sync_written(&self, log: &Rc<LogShared<R>>) -> Result<(), StorageError> {
        let rt = &self.rt;
        self.write_epochs(log).await?;
        let (op, end, truncation_count, files, unnamed) = {
            let mut state = log.state.borrow_mut();
            state.dirty_bytes = 0;
            state.unsynced_records = 0;
            state.unsynced_since = None;
            let (mut files, mut unnamed) = (Vec::new(), Vec::new());
            for segment in state.segments.iter_mut().filter(|segment| segment.dirty) {
                segment.dirty = false;
                files.extend(segment.file.clone());
                unnamed.extend((!segment.named).then_some(segment.base));
            }
            (state.ops_written, state.readable, state.truncation_count, files, unnamed)
        };
        self.flush_timer.update(log);
        for file in files {
            let mut synced = rt.sync_data(&file).await;
            if synced.is_ok() && self.planted(Bug::PlaceboSyncTwice) {
                synced = rt.sync_data(&file).await;
            }
            if !self.planted(Bug::SyncErrorIgnored) {
                synced.map_err(StorageError::disk(&log.path, "sync"))?;
            }
        }
        if !unnamed.is_empty() && !self.planted(Bug::DirectoryNotSynced) {
            rt.sync_dir(&log.path).await.map_err(StorageError::disk(&log.path, "sync"))?;
        }
        if log.state.borrow().truncation_count == truncation_count {
            append_indexes(rt, log, end).await;
        }
        let mut state = log.state.borrow_mut();
        for base in unnamed {
            if let Some(segment) = state.segment_mut(base) {
                segment.named = true;
            }
        }
        state.ops_synced = state.ops_synced.max(op);
        if state.truncation_count == truncation_count {
            state.synced = state.synced.max(end);
        }
        Ok(())
    }

    /// Returns when everything that the log knows about leader epochs is durable, in the same step in which it looked.
    async fn write_epochs(&self, log: &LogShared<R>) -> Result<(), StorageError> {
        loop {
            let epochs = {
                let mut state = log.state.borrow_mut();
                if !state.epochs_dirty || !state.created {
                    return Ok(());
                }
                state.epochs_dirty = false;
                state.epochs.clone()
            };
            if let Err(error) = epochs.write(&self.rt, &log.path).await {
                log.state.borrow_mut().epochs_dirty = true;
                if !self.gave_up_reserve(log.directory, &error).await {
                    return Err(error);
                }
            }
        }
    }

    /// A commit is durable.
    fn journaled(self: &Rc<Self>, owners: Vec<Owner<R>>) {
        self.settle(owners.iter().map(|owner| owner.size_bytes).sum());
        let mut probe = self.rt.probe();
        if self.directories.iter().any(|place| place.journal.has_wrapped()) {
            probe.sometimes(Site::JournalWrapped);
        }
        for owner in owners {
            {
                let mut state = owner.log.state.borrow_mut();
                if owner.op > state.truncation_op {
                    state.journaled = state.journaled.max(owner.end);
                }
                state.ops_journaled = state.ops_journaled.max(owner.op);
            }
            owner.log.progress.notify();
            self.publish(&owner.log);
        }
    }

    /// Reports the log's end if it moved.
    pub(crate) fn publish(&self, log: &Rc<LogShared<R>>) {
        let end = {
            let mut state = log.state.borrow_mut();
            if self.planted(Bug::AckBeforeSync) {
                state.journaled = state.end;
            }
            state.publish()
        };
        if let Some(end) = end {
            self.rt.probe().observe(Observation::Persisted { at: log.id.at, end });
            self.emit(log.id.at, StoreEvent::Persisted { at: log.id.at, end });
        }
    }
}
