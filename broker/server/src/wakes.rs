//! How a fetch that waits hears that there may be more to read.
//!
//! Promises: a wake after the wait began is not lost; wakes for one other shard that come in one
//! step travel in one message.

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
    waiting: RefCell<Slots<Notify>>,
    outbound: RefCell<BTreeMap<ShardId, Vec<Slot>>>,
}

impl Wakes {
    pub(crate) fn new(here: ShardId, limit: usize) -> Self {
        let outbound = RefCell::new(BTreeMap::new());
        Self { here, waiting: RefCell::new(Slots::new(limit)), outbound }
    }

    /// A place to be woken at; `None` when too many wait already. Give it back with
    /// [`Wakes::end`].
    pub(crate) fn begin(&self) -> Option<(Slot, Notify)> {
        let notify = Notify::new();
        let token = self.waiting.borrow_mut().insert(notify.clone()).ok()?;
        Some((token, notify))
    }

    pub(crate) fn end(&self, token: Slot) {
        self.waiting.borrow_mut().remove(token);
    }

    pub(crate) fn is_waiting(&self, token: Slot) -> bool {
        self.waiting.borrow().get(token).is_some()
    }

    /// Wakes one of this shard's fetches. A token of an ended wait finds nothing.
    pub(crate) fn wake(&self, token: Slot) {
        let notify = self.waiting.borrow().get(token).cloned();
        if let Some(notify) = notify {
            notify.notify();
        }
    }

    /// Wakes at once on this shard; collects what goes to others.
    pub(crate) fn add(&self, watch: Watch) {
        if watch.shard == self.here {
            self.wake(watch.token);
        } else {
            self.outbound.borrow_mut().entry(watch.shard).or_default().push(watch.token);
        }
    }

    /// Sends what was collected.
    pub(crate) fn send<R: Runtime>(&self, shard: &Shard<R>) {
        if self.outbound.borrow().is_empty() {
            return;
        }
        for (to, tokens) in self.outbound.take() {
            shard.mesh.post_notice(to, Notice::Wake(tokens));
        }
    }
}
