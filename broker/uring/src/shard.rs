//! One shard: a thread's executor, timers, ring and the loop around them.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use model::{Instant, Now, ShardId, Slot};
use runtime::{Error, Exit, Result, TaskClass};
use std::rc::Rc;
use std::sync::Arc;

use crate::counters::{Counters, Tallies, count};
use crate::executor::Executor;
use crate::pipes::Pipes;
use crate::pool::Pool;
use crate::random::Random;
use crate::ring::{Completion, Core, NUDGE_FAILED, Returned, Ring, Token, Wait};
use crate::shared::{Nudge, Shared};
use crate::sys::{self, Errno, Fd};
use crate::timers::Timers;

const LONG_POLL: Duration = Duration::from_micros(500);

/// Rounds that background tasks wait at most while others keep the shard busy.
const BACKGROUND_EVERY: u32 = 32;

/// How long the end waits for the kernel to give memory back.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

pub(crate) struct Shard {
    pub(crate) id: ShardId,
    pub(crate) shared: Arc<Shared>,
    /// All shards of the node, this one included.
    pub(crate) peers: Arc<[Arc<Shared>]>,
    pub(crate) executor: Executor,
    pub(crate) core: RefCell<Core>,
    ring: RefCell<Ring>,
    pub(crate) timers: RefCell<Timers>,
    now: Cell<Now>,
    pub(crate) random: RefCell<Random>,
    /// Who waits for mesh messages or for room towards a peer.
    pub(crate) mail_waiters: RefCell<Vec<Waker>>,
    /// Who waits for the outside's wish to stop.
    pub(crate) signal_waiters: RefCell<Vec<Waker>>,
    background_waited: Cell<u32>,
    idle_poll: Duration,
    /// When a task was last polled.
    last_poll: Cell<Instant>,
    pub(crate) pipes: Pipes,
    pub(crate) offload: Arc<Pool>,
    /// Side threads for file operations that block and have no place in the ring.
    pub(crate) files: Arc<Pool>,
    pub(crate) tallies: Tallies,
}

/// What a shard is made of.
pub(crate) struct Parts {
    pub(crate) id: ShardId,
    pub(crate) peers: Arc<[Arc<Shared>]>,
    pub(crate) core: Core,
    pub(crate) ring: Ring,
    pub(crate) random: Random,
    pub(crate) offload: Arc<Pool>,
    pub(crate) files: Arc<Pool>,
    pub(crate) idle_poll: Duration,
}

impl Shard {
    /// Must run on the shard's thread.
    pub(crate) fn new(parts: Parts) -> Rc<Self> {
        let shared = Arc::clone(&parts.peers[usize::from(parts.id.0)]);
        Rc::new(Self {
            id: parts.id,
            executor: Executor::new(Arc::clone(&shared)),
            shared,
            peers: parts.peers,
            core: RefCell::new(parts.core),
            ring: RefCell::new(parts.ring),
            timers: RefCell::new(Timers::default()),
            now: Cell::new(sys::clocks()),
            random: RefCell::new(parts.random),
            mail_waiters: RefCell::new(Vec::new()),
            signal_waiters: RefCell::new(Vec::new()),
            background_waited: Cell::new(0),
            idle_poll: parts.idle_poll,
            last_poll: Cell::new(Instant::default()),
            pipes: Pipes::new(),
            offload: parts.offload,
            files: parts.files,
            tallies: Tallies::default(),
        })
    }

    pub(crate) fn now(&self) -> Now {
        self.now.get()
    }

    pub(crate) fn counters(&self) -> Counters {
        let tally = self.ring.borrow().tally();
        Counters {
            enters: tally.enters,
            submissions: tally.submissions,
            buffer_starvations: self.core.borrow().starvations,
            ..self.tallies.read()
        }
    }

    /// Runs until the node ends, then drops every task and waits for the kernel.
    pub(crate) fn run(self: &Rc<Self>) {
        let mut completions = Vec::with_capacity(256);
        while self.shared.node.ended().is_none() {
            self.turn(&mut completions);
        }
        self.executor.clear();
        self.mail_waiters.borrow_mut().clear();
        self.signal_waiters.borrow_mut().clear();
        self.drain(&mut completions);
    }

    fn turn(&self, completions: &mut Vec<Completion>) {
        count(&self.tallies.turns, 1);
        self.now.set(sys::clocks());
        self.fire_timers();
        self.executor.collect_remote();
        if self.shared.take_mail() {
            wake_all(&self.mail_waiters);
        }
        if self.shared.node.stop_asked() {
            wake_all(&self.signal_waiters);
        }
        self.core.borrow_mut().collect_buffers();
        self.run_tasks();
        let wait = self.how_long();
        self.exchange(wait, completions);
        self.shared.wake_up();
    }

    fn fire_timers(&self) {
        let now = self.now.get().mono;
        loop {
            let due = self.timers.borrow_mut().pop_due(now);
            let Some(waker) = due else { break };
            waker.wake();
        }
    }

    fn run_tasks(&self) {
        let mut began = self.now.get().mono;
        let foreground = [TaskClass::Latency, TaskClass::Replication];
        // Counted first: who becomes ready meanwhile runs after the next look at completions.
        let ready = foreground.map(|class| (class, self.executor.ready_len(class)));
        for (class, ready) in ready {
            for _ in 0..ready {
                self.poll_one(class, &mut began);
            }
        }
        let busy = foreground.iter().any(|class| self.executor.ready_len(*class) > 0);
        let waited = self.background_waited.get();
        if busy && waited < BACKGROUND_EVERY {
            self.background_waited.set(waited + 1);
        } else {
            self.background_waited.set(0);
            self.poll_one(TaskClass::Background, &mut began);
        }
    }

    fn poll_one(&self, class: TaskClass, began: &mut Instant) {
        if self.executor.poll_next(class).is_none() {
            return;
        }
        let ended = sys::mono();
        let took = ended.since(*began);
        *began = ended;
        self.last_poll.set(ended);
        count(&self.tallies.polls, 1);
        if took > LONG_POLL {
            count(&self.tallies.long_polls, 1);
        }
        let longest = &self.tallies.longest_poll_ns;
        longest.set(longest.get().max(took.as_nanos() as u64));
    }

    /// Decides whether to sleep. From here to the wait nobody may make work without being seen:
    /// others look at the flag after they have published theirs.
    fn how_long(&self) -> Wait {
        let looking = !self.idle_poll.is_zero()
            && self.now.get().mono.since(self.last_poll.get()) < self.idle_poll;
        if looking || self.executor.any_ready() {
            return Wait::No;
        }
        self.shared.fall_asleep();
        let node = &self.shared.node;
        let stop_unheard = node.stop_asked() && !self.signal_waiters.borrow().is_empty();
        if self.shared.has_news()
            || node.ended().is_some()
            || stop_unheard
            || self.core.borrow().buffers_wanted()
        {
            return Wait::No;
        }
        match self.timers.borrow().earliest() {
            None | Some(Instant::FAR) => Wait::Forever,
            Some(at) => match at.since(sys::mono()) {
                Duration::ZERO => Wait::No,
                left => Wait::Until(left),
            },
        }
    }

    /// Gives the core's intents to the ring and its completions to the core.
    fn exchange(&self, wait: Wait, completions: &mut Vec<Completion>) {
        let mut core = self.core.borrow_mut();
        let mut ring = self.ring.borrow_mut();
        while let Some(intent) = core.next_intent() {
            self.tallies.count_intent(&intent);
            ring.push(intent);
        }
        if wait != Wait::No {
            count(&self.tallies.sleeps, 1);
        }
        ring.wait(wait, completions);
        drop(ring);
        count(&self.tallies.completions, completions.len() as u64);
        for completion in completions.drain(..) {
            match completion.token.as_special() {
                None => core.complete(completion),
                Some(number) if number >= NUDGE_FAILED => {
                    let peer = &self.peers[(number - NUDGE_FAILED) as usize];
                    peer.bell().ring_bell();
                }
                // The bell and nudges only end the sleep.
                Some(_) => {}
            }
        }
    }

    /// Lets operations under way complete; they reach into memory that goes away with the shard.
    fn drain(self: &Rc<Self>, completions: &mut Vec<Completion>) {
        let limit = sys::mono() + DRAIN_LIMIT;
        while self.core.borrow().operations_len() > 0 {
            let left = limit.since(sys::mono());
            if left.is_zero() {
                // The kernel may still write to memory that it was given: better lost than reused.
                std::mem::forget(Rc::clone(self));
                return;
            }
            self.exchange(Wait::Until(left.min(Duration::from_millis(50))), completions);
        }
    }

    /// Settles the receiving side of a connection now, on this thread: cancels and waits for the
    /// kernel's last word, some microseconds.
    pub(crate) fn settle(&self, connection: Slot) {
        let mut completions = Vec::new();
        while !self.core.borrow_mut().connection_settled(connection) {
            self.exchange(Wait::Until(Duration::from_millis(1)), &mut completions);
        }
    }

    /// Wakes another shard that sleeps.
    pub(crate) fn wake_peer(&self, peer: usize) {
        match self.peers[peer].nudge() {
            Nudge::Unneeded => {}
            Nudge::Ring(fd) => {
                if let Ring::Kernel(ring) = &mut *self.ring.borrow_mut() {
                    count(&self.tallies.nudges, 1);
                    ring.nudge(fd, Token::special(NUDGE_FAILED + peer as u32));
                }
            }
            Nudge::Bell => {
                count(&self.tallies.bells, 1);
                self.peers[peer].bell().ring_bell();
            }
        }
    }

    pub(crate) fn exit(&self, how: Exit) {
        self.shared.node.exit(how);
        self.peers.iter().for_each(|peer| peer.alarm());
    }

    /// Waits until one of `events` (or an error or hang-up) is true of the descriptor.
    pub(crate) async fn readiness(self: &Rc<Self>, fd: &Fd, events: i16) -> Result<u32> {
        let slot = self.core.borrow_mut().poll_for(fd, events as u16 as u32)?;
        let (result, _) = Operation::new(self, slot).await;
        result.map_err(Error::from)
    }
}

fn wake_all(waiters: &RefCell<Vec<Waker>>) {
    for waker in waiters.take() {
        waker.wake();
    }
}

/// Adds a waker once.
pub(crate) fn wait_among(waiters: &RefCell<Vec<Waker>>, context: &Context<'_>) {
    let mut waiters = waiters.borrow_mut();
    if !waiters.iter().any(|waker| waker.will_wake(context.waker())) {
        waiters.push(context.waker().clone());
    }
}

/// Waits for one operation; dropped early, the operation goes on alone.
pub(crate) struct Operation {
    shard: Rc<Shard>,
    slot: Option<Slot>,
}

impl Operation {
    pub(crate) fn new(shard: &Rc<Shard>, slot: Slot) -> Self {
        Self { shard: Rc::clone(shard), slot: Some(slot) }
    }

    pub(crate) fn poll_answer(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<(core::result::Result<u32, Errno>, Returned)> {
        let slot = self.slot.expect("polled after completion");
        let answer = self.shard.core.borrow_mut().poll_answer(slot, context);
        if answer.is_ready() {
            self.slot = None;
        }
        answer
    }
}

impl Future for Operation {
    type Output = (core::result::Result<u32, Errno>, Returned);

    fn poll(mut self: core::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_answer(context)
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.shard.core.borrow_mut().abandon(slot);
        }
    }
}

/// Gives every other ready task a turn.
pub(crate) async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
