//! Pipes that carry cold file pages to sockets: few, reused, and bounded.

use core::cell::{Cell, RefCell};
use runtime::sync::Notify;
use runtime::{Error, Result};

use crate::sys::Pipe;

/// Pipes of one shard. An unprivileged user gets 64 of `PIPE_BYTES` by default, all shards together
/// (`pipe-user-pages-soft`); past that the kernel gives smaller ones.
const PIPES_MAX: usize = 16;
const PIPE_BYTES: usize = 1 << 20;

/// Cold reads that a shard has the device do at the same time, and the bytes of each: a sync waits
/// behind all that the device was given before it (ADR 0010).
const COLD_MAX: usize = 1;
pub(crate) const COLD_BYTES: usize = 256 << 10;

/// File workers that a ring may use: cold reads hold few of them, so that syncs never queue behind
/// catch-up readers.
pub(crate) const WORKERS_MAX: u32 = 8;

pub(crate) struct Pipes {
    idle: RefCell<Vec<Pipe>>,
    /// Leases given out.
    out: Cell<usize>,
    wanting: Cell<usize>,
    cold: Cell<usize>,
    changed: Notify,
}

impl Pipes {
    pub(crate) fn new() -> Self {
        Self {
            idle: RefCell::default(),
            out: Cell::new(0),
            wanting: Cell::new(0),
            cold: Cell::new(0),
            changed: Notify::new(),
        }
    }

    /// An empty pipe, once one is free.
    pub(crate) async fn take(&self) -> Result<Pipe> {
        if self.out.get() >= PIPES_MAX {
            let _wanting = Counted::new(&self.wanting);
            while self.out.get() >= PIPES_MAX {
                self.changed.notified().await;
            }
        }
        let idle = self.idle.borrow_mut().pop();
        let pipe = match idle {
            Some(pipe) => pipe,
            None => Pipe::new(PIPE_BYTES).map_err(Error::from)?,
        };
        self.out.set(self.out.get() + 1);
        Ok(pipe)
    }

    /// Takes an empty pipe back.
    pub(crate) fn give_back(&self, pipe: Pipe) {
        self.idle.borrow_mut().push(pipe);
        self.discard();
    }

    /// A pipe was closed with bytes in it.
    pub(crate) fn discard(&self) {
        self.out.set(self.out.get() - 1);
        self.changed.notify();
    }

    /// Somebody waits for a pipe: who holds one and makes no progress should give it up.
    pub(crate) fn contended(&self) -> bool {
        self.wanting.get() > 0
    }

    /// Waits for a place among the cold reads.
    pub(crate) async fn cold_place(&self) -> ColdPlace<'_> {
        while self.cold.get() >= COLD_MAX {
            self.changed.notified().await;
        }
        ColdPlace { _counted: Counted::new(&self.cold), changed: &self.changed }
    }
}

/// One more for as long as it lives.
struct Counted<'a>(&'a Cell<usize>);

impl<'a> Counted<'a> {
    fn new(count: &'a Cell<usize>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// A place among the cold reads, free again when dropped.
pub(crate) struct ColdPlace<'a> {
    _counted: Counted<'a>,
    changed: &'a Notify,
}

impl Drop for ColdPlace<'_> {
    fn drop(&mut self) {
        // Waiters look only in their next poll, when the count is down.
        self.changed.notify();
    }
}
