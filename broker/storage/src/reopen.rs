//! A log that lost an append to a full disk comes back.
//!
//! Promises: what was reported before stays, at its offsets; nothing that a failed append left counts unless recovery finds
//! it whole, and no replay brings any of it back later.
//! Does not: bring back a log that failed in another way, a failed sync above all: such a log needs the journal's replay at
//! the next start.
//!
//! ```text
//! 1  what the writer had written is synced: from here the segments hold everything that was reported
//! 2  recovery reads the log as after a crash and cuts the torn rest
//! 3  journal: all earlier frames of the log are void
//! 4  the new log takes the place of the old one
//! ```

use std::rc::Rc;
use std::time::Duration;

use model::{Offset, TopicPartition};
use runtime::{Disk, Runtime};

use crate::cleaner::void_journal_frames;
use crate::log::{self, Log, LogShared, Place, RecoverySink};
use crate::store::{Store, Turn};
use crate::{LogConfig, StorageError};

/// Between two looks at whether retention or compaction have left the log.
const TURN_RETRY: Duration = Duration::from_millis(10);

impl<R: Runtime> Store<R> {
    /// Opens a log again whose [`crate::StoreEvent::Failed`] had an error that [`StorageError::is_out_of_room`]. Handles to the
    /// old log keep reading what they could. Appends are refused with [`StorageError::Full`] until there is room.
    ///
    /// # Errors
    /// One that [`StorageError::is_out_of_room`]: try again later, with a new sink. Any other is final until the next start;
    /// [`StorageError::Closed`] when the log was deleted meanwhile or the store is closing.
    ///
    /// # Panics
    /// When the log did not fail.
    pub async fn reopen_log(
        &self,
        at: TopicPartition,
        config: LogConfig,
        sink: &mut impl RecoverySink,
    ) -> Result<Log<R>, StorageError> {
        let old = self.0.log(at).ok_or(StorageError::Closed)?;
        let _turn = self.turn(&old).await;
        let _reopening = Reopening::begin(&old);
        let log = match self.recover_again(&old, config, sink).await {
            Ok(log) => log,
            Err(error) => {
                self.0.fail(&old, &error);
                return Err(error);
            }
        };
        if self.0.is_closing() || self.0.log(at).is_none_or(|known| !Rc::ptr_eq(&known, &old)) {
            return Err(StorageError::Closed);
        }
        self.0.replace_log(&old, &log);
        Ok(log)
    }

    /// Steps 1 to 3.
    async fn recover_again(
        &self,
        old: &Rc<LogShared<R>>,
        config: LogConfig,
        sink: &mut impl RecoverySink,
    ) -> Result<Log<R>, StorageError> {
        self.wait_idle(old).await?;
        self.0.sync_log(old).await?;
        let place = self.place_again(old).await?;
        let log = log::open(&self.0, old.id.clone(), config, place, sink).await?;
        void_journal_frames(&log, Offset(i64::MAX)).await?;
        Ok(log)
    }

    /// Waits for retention and compaction to leave the log.
    async fn turn(&self, old: &Rc<LogShared<R>>) -> Turn<R> {
        loop {
            if let Some(turn) = Turn::take(old) {
                return turn;
            }
            self.0.rt.sleep_until(self.0.rt.now().mono + TURN_RETRY).await;
        }
    }

    /// Waits for the writer, which stops at a failure.
    async fn wait_idle(&self, old: &LogShared<R>) -> Result<(), StorageError> {
        loop {
            {
                let state = old.state.borrow();
                let offline = state.offline.as_ref().expect("only a log that failed is reopened");
                if !offline.waits_for_room {
                    return Err(StorageError::Offline { reason: offline.reason.clone() });
                }
                if !state.writing && !state.cleaning.is_swapping {
                    return Ok(());
                }
            }
            old.progress.notified().await;
        }
    }

    /// As after a crash with a recovery point at the end of what was reported.
    async fn place_again(&self, old: &LogShared<R>) -> Result<Place, StorageError> {
        let found = self.0.place(&old.id).await?;
        let state = old.state.borrow();
        Ok(Place {
            clean: false,
            recovery_point: Some(state.synced),
            log_start: Some(state.start),
            first_dirty: state.cleaning.first_dirty,
            ..found
        })
    }
}

/// Held while a log's files are recovered: its deletion waits.
struct Reopening<R: Disk>(Rc<LogShared<R>>);

impl<R: Disk> Reopening<R> {
    fn begin(old: &Rc<LogShared<R>>) -> Self {
        old.state.borrow_mut().reopening = true;
        Self(old.clone())
    }
}

impl<R: Disk> Drop for Reopening<R> {
    fn drop(&mut self) {
        self.0.state.borrow_mut().reopening = false;
        self.0.progress.notify();
    }
}
