//! What other threads may touch of a shard: its wake-up, remote wakers and the mesh's bell.

use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicUsize, Ordering, fence};
use runtime::Exit;
use std::sync::{Arc, Mutex, PoisonError};

use crate::executor::Task;
use crate::sys::{Errno, Fd, close_on_exec_eventfd};

/// One shard, seen from outside.
pub(crate) struct Shared {
    bell: Fd,
    /// The shard is about to wait in the kernel, or does. Whoever clears it owes the wake-up.
    sleeping: AtomicBool,
    /// The shard's ring for `MSG_RING`, -1 while there is none.
    ring: AtomicI32,
    /// Some mesh queue towards this shard has news.
    mail: AtomicBool,
    woken: Mutex<Vec<Arc<Task>>>,
    /// `woken` holds something; read without the lock.
    has_woken: AtomicBool,
    pub(crate) node: Arc<Node>,
}

/// How a thread wakes a sleeping shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nudge {
    /// It is awake and will look by itself.
    Unneeded,
    /// It sleeps in the ring with this descriptor.
    Ring(i32),
    /// It sleeps and has no ring: use the bell.
    Bell,
}

impl Shared {
    pub(crate) fn new(node: Arc<Node>) -> Result<Self, Errno> {
        Ok(Self {
            bell: close_on_exec_eventfd()?,
            sleeping: AtomicBool::new(false),
            ring: AtomicI32::new(-1),
            mail: AtomicBool::new(false),
            woken: Mutex::new(Vec::new()),
            has_woken: AtomicBool::new(false),
            node,
        })
    }

    pub(crate) fn bell(&self) -> &Fd {
        &self.bell
    }

    pub(crate) fn publish_ring(&self, fd: i32) {
        self.ring.store(fd, Ordering::Release);
    }

    /// Says that the shard is going to sleep. The caller looks at everything once more afterwards:
    /// news that came before this store is seen there, later news sees the store.
    pub(crate) fn fall_asleep(&self) {
        self.sleeping.store(true, Ordering::SeqCst);
    }

    pub(crate) fn wake_up(&self) {
        self.sleeping.store(false, Ordering::SeqCst);
    }

    /// To be called after the news was published; at most one caller gets the duty to wake.
    pub(crate) fn nudge(&self) -> Nudge {
        if !self.sleeping.load(Ordering::SeqCst) || !self.sleeping.swap(false, Ordering::SeqCst) {
            return Nudge::Unneeded;
        }
        match self.ring.load(Ordering::Acquire) {
            -1 => Nudge::Bell,
            fd => Nudge::Ring(fd),
        }
    }

    /// Wakes the shard from a thread that has no ring of its own.
    pub(crate) fn wake(&self) {
        if self.nudge() != Nudge::Unneeded {
            self.bell.ring_bell();
        }
    }

    /// Ends the shard's sleep, present or next, whoever else has taken the duty to wake it: that one
    /// may be dying.
    pub(crate) fn alarm(&self) {
        self.bell.ring_bell();
    }

    /// Says that a mesh queue towards this shard has news. The caller nudges afterwards.
    pub(crate) fn post_mail(&self) {
        // The message must be visible before the look at the flag: a shard that has just cleared it
        // scans the queues afterwards.
        fence(Ordering::SeqCst);
        if !self.mail.load(Ordering::SeqCst) {
            self.mail.store(true, Ordering::SeqCst);
        }
    }

    pub(crate) fn take_mail(&self) -> bool {
        self.mail.load(Ordering::SeqCst) && self.mail.swap(false, Ordering::SeqCst)
    }

    /// Makes a task of this shard ready, from another thread.
    pub(crate) fn wake_task(&self, task: Arc<Task>) {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        self.has_woken.store(true, Ordering::SeqCst);
        self.wake();
    }

    pub(crate) fn take_woken(&self) -> Vec<Arc<Task>> {
        if !self.has_woken.load(Ordering::SeqCst) {
            return Vec::new();
        }
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        self.has_woken.store(false, Ordering::SeqCst);
        core::mem::take(&mut woken)
    }

    /// Something is there that `take_mail` or `take_woken` would find.
    pub(crate) fn has_news(&self) -> bool {
        self.mail.load(Ordering::SeqCst) || self.has_woken.load(Ordering::SeqCst)
    }
}

/// The life of all shards together.
pub(crate) struct Node {
    exit: AtomicU8,
    stop_asked: AtomicBool,
    /// Mains that have not ended yet.
    running: AtomicUsize,
}

const RUNNING: u8 = 0;
const CLEAN: u8 = 1;
const FAILED: u8 = 2;

impl Node {
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            exit: AtomicU8::new(RUNNING),
            stop_asked: AtomicBool::new(false),
            running: AtomicUsize::new(shards),
        }
    }

    /// The first call decides.
    pub(crate) fn exit(&self, how: Exit) {
        let value = if how == Exit::Clean { CLEAN } else { FAILED };
        let _ = self.exit.compare_exchange(RUNNING, value, Ordering::SeqCst, Ordering::SeqCst);
    }

    pub(crate) fn ended(&self) -> Option<Exit> {
        match self.exit.load(Ordering::SeqCst) {
            RUNNING => None,
            CLEAN => Some(Exit::Clean),
            _ => Some(Exit::Failed),
        }
    }

    /// One shard's main has returned; the last one ends the node.
    pub(crate) fn main_ended(&self) {
        if self.running.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.exit(Exit::Clean);
        }
    }

    pub(crate) fn ask_to_stop(&self) {
        self.stop_asked.store(true, Ordering::SeqCst);
    }

    pub(crate) fn stop_asked(&self) -> bool {
        self.stop_asked.load(Ordering::SeqCst)
    }
}
