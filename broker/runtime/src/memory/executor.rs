//! The tasks of one shard and who is polled next.
//!
//! Promises: tasks that are ready run in rounds, in a drawn order; who becomes ready during a round
//! waits for the next one. So a task that yields lets every other ready task run once, and nothing
//! else about the order can be relied upon.

use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Waker;
use model::{Instant, ShardId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Wake;

use super::post::{Note, Post};
use super::state::Process;

/// Tasks of one shard. A simulated node that reaches this leaks tasks.
const TASKS_MAX: usize = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TaskId {
    pub(super) process: Process,
    pub(super) shard: ShardId,
    pub(super) ordinal: u64,
}

pub(super) type Body = Pin<Box<dyn Future<Output = ()>>>;

struct Task {
    name: &'static str,
    /// Absent while it is being polled.
    body: Option<Body>,
    bell: Arc<Bell>,
    waker: Waker,
    poll_count: u64,
}

/// Wakes one task, once until it is polled.
struct Bell {
    rung: AtomicBool,
    task: TaskId,
    post: Post,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // One thread: the atomic only satisfies `Waker: Send`.
        if !self.rung.swap(true, Ordering::Relaxed) {
            self.post.put(Note::Woken(self.task));
        }
    }
}

/// A task on its way into a poll.
pub(super) struct Turn {
    pub(super) ordinal: u64,
    pub(super) name: &'static str,
    pub(super) poll_count: u64,
    pub(super) waker: Waker,
    pub(super) body: Body,
}

pub(super) struct Shard {
    tasks: BTreeMap<u64, Task>,
    /// Tasks started so far; an ordinal is never used twice, so a late wake finds nothing.
    spawned: u64,
    round: Vec<u64>,
    next_round: Vec<u64>,
    /// The core is taken until then.
    pub(super) busy_until: Instant,
    /// A turn is in the event queue.
    pub(super) turn_scheduled: bool,
}

impl Shard {
    pub(super) fn new(booted_at: Instant) -> Self {
        Self {
            tasks: BTreeMap::new(),
            spawned: 0,
            round: Vec::new(),
            next_round: Vec::new(),
            busy_until: booted_at,
            turn_scheduled: false,
        }
    }

    /// Adds a task that is ready to run.
    pub(super) fn spawn(
        &mut self,
        process: Process,
        shard: ShardId,
        name: &'static str,
        post: &Post,
        body: Body,
    ) {
        assert!(self.tasks.len() < TASKS_MAX, "{TASKS_MAX} tasks on one shard, the next: {name}");
        let ordinal = self.spawned;
        self.spawned += 1;
        let task = TaskId { process, shard, ordinal };
        let bell = Arc::new(Bell { rung: AtomicBool::new(true), task, post: post.clone() });
        let waker = Waker::from(Arc::clone(&bell));
        self.tasks.insert(ordinal, Task { name, body: Some(body), bell, waker, poll_count: 0 });
        self.next_round.push(ordinal);
    }

    /// Marks the task ready; nothing happens when it has ended.
    pub(super) fn wake(&mut self, ordinal: u64) {
        if self.tasks.contains_key(&ordinal) {
            self.next_round.push(ordinal);
        }
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.round.is_empty() || !self.next_round.is_empty()
    }

    /// Tasks that still run in this round, for the draw that picks one of them.
    pub(super) fn round_size(&mut self) -> usize {
        if self.round.is_empty() {
            core::mem::swap(&mut self.round, &mut self.next_round);
        }
        self.round.len()
    }

    /// Takes the ready task at `index` of the round out for its poll.
    pub(super) fn begin(&mut self, index: usize) -> Option<Turn> {
        let ordinal = self.round.swap_remove(index);
        let task = self.tasks.get_mut(&ordinal)?;
        task.bell.rung.store(false, Ordering::Relaxed);
        task.poll_count += 1;
        Some(Turn {
            ordinal,
            name: task.name,
            poll_count: task.poll_count,
            waker: task.waker.clone(),
            body: task.body.take().expect("a task is polled by one turn at a time"),
        })
    }

    /// Puts a task back that waits for something; `again` makes it ready although nobody woke it.
    pub(super) fn put_back(&mut self, ordinal: u64, body: Body, again: bool) {
        let task = self.tasks.get_mut(&ordinal).expect("a task stays while it is polled");
        task.body = Some(body);
        if again && !task.bell.rung.swap(true, Ordering::Relaxed) {
            self.next_round.push(ordinal);
        }
    }

    /// Forgets a task whose future has completed.
    pub(super) fn end(&mut self, ordinal: u64) {
        self.tasks.remove(&ordinal);
    }
}
