//! Reads partitions from wherever their leaders are, for as long as it takes.
//!
//! Promises: each assigned partition is given from its position on, in order and without a gap, across brokers that
//! move, restart or go away; nothing of an earlier assignment is given after [`Fetcher::assign`].
//! Does not: choose positions at the beginning, decompress, or remember what was processed.
//!
//! A *run* is one task for each leader. Whatever goes wrong in one of them ends the whole run; the next one starts
//! from what was handed out. That costs a few fetches when leaders move, and leaves nothing to reconcile.

mod reader;
mod supervisor;

use core::cell::{Cell, RefCell};
use model::Offset;
use runtime::sync::{Notify, Receiver, Sender, channel};
use runtime::{Runtime, TaskClass};
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::{Chunk, ClientError, FetchLimits, NamedPartition, Router};

/// Answers that wait to be taken, for all leaders together.
const ARRIVALS_MAX: usize = 4;

/// The next offset to read of each partition.
pub type Positions = BTreeMap<NamedPartition, Offset>;

/// What reading brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    Records(Chunk),
    /// Some or all partitions give nothing at the moment. They are tried again without anybody's doing.
    Trouble(ClientError),
    /// A partition no longer has (or does not yet have) what its position names: reading goes on at the nearest
    /// offset that it has.
    Moved {
        at: NamedPartition,
        from: Offset,
        to: Offset,
    },
}

/// Reads what it was assigned. It stops when it is dropped.
pub struct Fetcher<R: Runtime> {
    shared: Rc<Shared<R>>,
    arrivals: Receiver<Sent>,
}

/// An arrival and the run whose end makes it worthless. News is of use whatever happened since.
type Sent = (Option<u64>, Arrival);

struct Shared<R: Runtime> {
    router: Router<R>,
    limits: FetchLimits,
    /// Up to where records were handed out.
    positions: RefCell<Positions>,
    /// What arrives for another run than this one is of no use.
    run: Cell<u64>,
    /// Why the run cannot go on; the first reason.
    stopped: RefCell<Option<Stop>>,
    /// An answer came without an error since the run began.
    progress: Cell<bool>,
    closed: Cell<bool>,
    /// The run has another number, was stopped, or everything was closed.
    changed: Notify,
    arrivals: Sender<Sent>,
}

#[derive(Debug, Clone)]
enum Stop {
    Trouble(ClientError),
    OutOfRange(NamedPartition),
}

impl<R: Runtime> Fetcher<R> {
    #[must_use]
    pub fn new(router: Router<R>, limits: FetchLimits) -> Self {
        let (sender, arrivals) = channel(ARRIVALS_MAX);
        let rt = router.runtime().clone();
        let shared = Rc::new(Shared {
            router,
            limits,
            positions: RefCell::default(),
            run: Cell::new(0),
            stopped: RefCell::default(),
            progress: Cell::new(false),
            closed: Cell::new(false),
            changed: Notify::new(),
            arrivals: sender,
        });
        rt.spawn("fetcher", TaskClass::Latency, supervisor::supervise(Rc::clone(&shared)));
        Self { shared, arrivals }
    }

    /// Reads these partitions from now on, and no others.
    pub fn assign(&self, positions: Positions) {
        *self.shared.positions.borrow_mut() = positions;
        self.shared.next_run();
    }

    /// Up to where records were handed out, for every assigned partition.
    #[must_use]
    pub fn positions(&self) -> Positions {
        self.shared.positions.borrow().clone()
    }

    /// What comes next. May be dropped and called again without a loss.
    pub async fn next(&mut self) -> Arrival {
        loop {
            // The sender is ours: the queue does not end.
            let Some((run, arrival)) = self.arrivals.recv().await else { continue };
            if run.is_some_and(|run| run != self.shared.run.get()) {
                continue;
            }
            if let Arrival::Records(chunk) = &arrival {
                self.shared.positions.borrow_mut().insert(chunk.at.clone(), chunk.end());
            }
            return arrival;
        }
    }
}

impl<R: Runtime> Drop for Fetcher<R> {
    fn drop(&mut self) {
        self.shared.closed.set(true);
        self.shared.next_run();
    }
}

impl<R: Runtime> Shared<R> {
    fn next_run(&self) {
        self.run.set(self.run.get() + 1);
        *self.stopped.borrow_mut() = None;
        self.changed.notify();
    }

    /// Ends a run, unless it ended already.
    fn stop(&self, run: u64, why: Stop) {
        if run == self.run.get() {
            self.stopped.borrow_mut().get_or_insert(why);
            self.changed.notify();
        }
    }

    /// Hands records over; `false` when nobody wants them any more.
    async fn give(&self, run: u64, chunk: Chunk) -> bool {
        let sent = (Some(run), Arrival::Records(chunk));
        run == self.run.get() && self.arrivals.send(sent).await.is_ok()
    }

    /// Tells of something else than records.
    async fn tell(&self, news: Arrival) {
        // Nobody listens any more: then there is nothing to tell.
        let _ = self.arrivals.send((None, news)).await;
    }
}
