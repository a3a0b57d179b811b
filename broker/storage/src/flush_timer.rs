//! The latest moment of a background sync: `flush.ms`.
//!
//! Promises: a sync of a log is asked for no later than `flush.ms` after the oldest record that was written and not synced
//! since. A log that waits for the disk with each append (`flush.messages=1`), or has nothing unsynced, costs nothing.
//! Does not: sync (`flush` does), or count records (`flush.messages`).
//! Source: Kafka `LogManager.flushDirtyLogs`, which looks every `log.flush.scheduler.interval.ms`; here each log has its own
//! moment.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use model::{Instant, TopicPartition};
use runtime::sync::{Notify, race};
use runtime::{Disk, Runtime};

use crate::log::LogShared;
use crate::store::Shared;

/// At most one entry per log: its `State::flush_due`.
#[derive(Default)]
pub(crate) struct FlushTimer {
    due: RefCell<BTreeSet<(Instant, TopicPartition)>>,
    /// The first entry may be another one, or the store is closing.
    pub(crate) changed: Notify,
}

impl FlushTimer {
    /// Brings the log's entry up to date: after a write, at a sync, when its configuration changes.
    pub(crate) fn update<R: Disk>(&self, log: &LogShared<R>) {
        let mut state = log.state.borrow_mut();
        let due = state.flush_due_at();
        if due == state.flush_due {
            return;
        }
        let mut entries = self.due.borrow_mut();
        if let Some(old) = state.flush_due {
            entries.remove(&(old, log.id.at));
        }
        state.flush_due = due;
        if let Some(due) = due {
            entries.insert((due, log.id.at));
            if entries.first() == Some(&(due, log.id.at)) {
                self.changed.notify();
            }
        }
    }

    fn first(&self) -> Option<(Instant, TopicPartition)> {
        self.due.borrow().first().copied()
    }
}

pub(crate) async fn flush_loop<R: Runtime>(store: Rc<Shared<R>>) {
    let timer = &store.flush_timer;
    while !store.is_closing() {
        let Some(first @ (due, at)) = timer.first() else {
            timer.changed.notified().await;
            continue;
        };
        if due > store.rt.now().mono {
            race(store.rt.sleep_until(due), timer.changed.notified()).await;
            continue;
        }
        timer.due.borrow_mut().remove(&first);
        if let Some(log) = store.log(at) {
            log.state.borrow_mut().flush_due = None;
            store.request_sync(&log);
        }
    }
}
