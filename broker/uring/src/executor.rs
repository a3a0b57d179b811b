//! Tasks of one shard and who goes first.
//!
//! Promises: a waker may be cloned, sent to and used on any thread; a task that is woken runs once
//! more; tasks of a class run in the order in which they became ready.
//! Does not: wait for anything (`shard.rs` does).

use core::cell::{Cell, RefCell};
use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};
use runtime::TaskClass;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Wake;

use model::{Slot, Slots};

use crate::shared::Shared;

/// Tasks that live at the same time on one shard.
const TASKS_MAX: usize = 1 << 20;

/// The part of a task that wakers hold: no future, so it may go anywhere.
pub(crate) struct Task {
    shard: Arc<Shared>,
    slot: Slot,
    class: TaskClass,
    /// Already among the ready; avoids queueing twice.
    queued: AtomicBool,
}

thread_local! {
    /// Address of the `Shared` of the shard that runs on this thread: an identity, never followed.
    static OWNER: Cell<usize> = const { Cell::new(0) };
    static READY: RefCell<Ready> = const { RefCell::new(Ready::new()) };
}

struct Ready {
    latency: VecDeque<Arc<Task>>,
    replication: VecDeque<Arc<Task>>,
    background: VecDeque<Arc<Task>>,
}

impl Ready {
    const fn new() -> Self {
        Self { latency: VecDeque::new(), replication: VecDeque::new(), background: VecDeque::new() }
    }

    fn of(&mut self, class: TaskClass) -> &mut VecDeque<Arc<Task>> {
        match class {
            TaskClass::Latency => &mut self.latency,
            TaskClass::Replication => &mut self.replication,
            TaskClass::Background => &mut self.background,
        }
    }
}

impl Task {
    fn make_ready(self: Arc<Self>) {
        if self.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        if OWNER.get() == Arc::as_ptr(&self.shard).addr() {
            READY.with_borrow_mut(|ready| ready.of(self.class).push_back(self));
        } else {
            let shard = Arc::clone(&self.shard);
            shard.wake_task(self);
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.make_ready();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        Arc::clone(self).make_ready();
    }
}

struct Entry {
    name: &'static str,
    /// Taken out while the task is polled, so that it may spawn others meanwhile.
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

/// Futures of one shard; belongs to the thread it was made on.
pub(crate) struct Executor {
    shard: Arc<Shared>,
    tasks: RefCell<Slots<Entry>>,
}

impl Executor {
    /// Makes this thread the shard's.
    pub(crate) fn new(shard: Arc<Shared>) -> Self {
        assert_eq!(OWNER.get(), 0, "one thread runs one shard");
        OWNER.set(Arc::as_ptr(&shard).addr());
        Self { shard, tasks: RefCell::new(Slots::new(TASKS_MAX)) }
    }

    pub(crate) fn spawn(
        &self,
        name: &'static str,
        class: TaskClass,
        future: impl Future<Output = ()> + 'static,
    ) {
        let entry = Entry { name, future: Some(Box::pin(future)) };
        let slot = self.tasks.borrow_mut().insert(entry).ok();
        let slot = slot.unwrap_or_else(|| panic!("more than {TASKS_MAX} tasks, at {name}"));
        let shard = Arc::clone(&self.shard);
        Arc::new(Task { shard, slot, class, queued: AtomicBool::new(false) }).make_ready();
    }

    /// Takes in the wake-ups that other threads left.
    pub(crate) fn collect_remote(&self) {
        for task in self.shard.take_woken() {
            READY.with_borrow_mut(|ready| ready.of(task.class).push_back(task));
        }
    }

    pub(crate) fn any_ready(&self) -> bool {
        READY.with_borrow(|ready| {
            !(ready.latency.is_empty()
                && ready.replication.is_empty()
                && ready.background.is_empty())
        })
    }

    /// Ready tasks of a class now. One round polls that many, so that a task which wakes itself
    /// cannot keep the loop from its completions.
    pub(crate) fn ready_len(&self, class: TaskClass) -> usize {
        READY.with_borrow_mut(|ready| ready.of(class).len())
    }

    /// Polls the first ready task of a class and returns its name; `None` when there is none.
    pub(crate) fn poll_next(&self, class: TaskClass) -> Option<&'static str> {
        let task = READY.with_borrow_mut(|ready| ready.of(class).pop_front())?;
        // Before the poll: a wake-up during it queues the task again. A swap and not a store, so that
        // this poll sees all that was written before a wake-up that found the task still queued.
        task.queued.swap(false, Ordering::AcqRel);
        let slot = task.slot;
        let (name, mut future) = {
            let mut tasks = self.tasks.borrow_mut();
            let Some(entry) = tasks.get_mut(slot) else { return Some("ended") };
            let Some(future) = entry.future.take() else { return Some(entry.name) };
            (entry.name, future)
        };
        let waker = Waker::from(task);
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(()) => drop(self.tasks.borrow_mut().remove(slot)),
            Poll::Pending => {
                if let Some(entry) = self.tasks.borrow_mut().get_mut(slot) {
                    entry.future = Some(future);
                }
            }
        }
        Some(name)
    }

    /// Drops every task, also those that dropping others spawns.
    pub(crate) fn clear(&self) {
        while !self.tasks.borrow().is_empty() {
            let all = core::mem::replace(&mut *self.tasks.borrow_mut(), Slots::new(TASKS_MAX));
            drop(all);
        }
        READY.with_borrow_mut(|ready| *ready = Ready::new());
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        OWNER.set(0);
    }
}
