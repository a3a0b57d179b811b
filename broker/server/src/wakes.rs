//! How a fetch that waits hears that there may be more to read, and a session which of its partitions
//! have news.
//!
//! Promises: a wake after the watch was set is not lost; wakes for one other shard that come in one
//! step travel in one message. A session's list holds each watched partition once, however often it
//! changes: a watch fires once.

use core::cell::RefCell;
use std::collections::BTreeMap;

use model::{ShardId, Slot, Slots};
use runtime::Runtime;
use runtime::sync::Notify;

use crate::mesh::Notice;
use crate::partition::Watch;
use crate::shard::Shard;

pub(crate) struct Wakes {
    here: ShardId,
    waiting: RefCell<Slots<Waiting>>,
    outbound: RefCell<BTreeMap<ShardId, Vec<Watch>>>,
}

struct Waiting {
    woken: Notify,
    /// Partitions with news, for a waiter that wants to know which.
    news: Option<Vec<u64>>,
}

impl Wakes {
    pub(crate) fn new(here: ShardId, limit: usize) -> Self {
        let outbound = RefCell::new(BTreeMap::new());
        Self { here, waiting: RefCell::new(Slots::new(limit)), outbound }
    }

    /// A place to be woken at; `None` when too many wait already. Give it back with
    /// [`Wakes::end`].
    pub(crate) fn begin(&self) -> Option<Slot> {
        self.insert(None)
    }

    /// A place that also keeps which partitions woke it, until [`Wakes::news`] takes them.
    pub(crate) fn begin_session(&self) -> Option<Slot> {
        self.insert(Some(Vec::new()))
    }

    fn insert(&self, news: Option<Vec<u64>>) -> Option<Slot> {
        self.waiting.borrow_mut().insert(Waiting { woken: Notify::new(), news }).ok()
    }

    pub(crate) fn end(&self, token: Slot) {
        self.waiting.borrow_mut().remove(token);
    }

    /// The partitions with news since this was last asked.
    pub(crate) fn news(&self, token: Slot) -> Vec<u64> {
        let mut waiting = self.waiting.borrow_mut();
        let news = waiting.get_mut(token).and_then(|it| it.news.as_mut());
        news.map(core::mem::take).unwrap_or_default()
    }

    /// Completes at the next wake, or at once when one came since the last wait. Ends at once for a
    /// place that was given back.
    pub(crate) async fn woken(&self, token: Slot) {
        let woken = self.waiting.borrow().get(token).map(|waiting| waiting.woken.clone());
        if let Some(woken) = woken {
            woken.notified().await;
        }
    }

    /// Wakes one of this shard's waiters. A token of an ended wait finds nothing.
    pub(crate) fn wake(&self, watch: Watch) {
        let woken = {
            let mut waiting = self.waiting.borrow_mut();
            let Some(waiting) = waiting.get_mut(watch.token) else { return };
            if let Some(news) = &mut waiting.news {
                news.push(watch.part);
            }
            waiting.woken.clone()
        };
        woken.notify();
    }

    /// Wakes at once on this shard; collects what goes to others.
    pub(crate) fn add(&self, watch: Watch) {
        if watch.shard == self.here {
            self.wake(watch);
        } else {
            self.outbound.borrow_mut().entry(watch.shard).or_default().push(watch);
        }
    }

    /// Sends what was collected.
    pub(crate) fn send<R: Runtime>(&self, shard: &Shard<R>) {
        if self.outbound.borrow().is_empty() {
            return;
        }
        for (to, watches) in self.outbound.take() {
            shard.mesh.post_notice(to, Notice::Wake(watches));
        }
    }
}
