//! The handle that tasks hold: clock, tasks, randomness, and the way to disk and network.

use core::future::{Future, poll_fn};
use core::task::Poll;
use model::{Instant, Live as LiveProbe, Now, ShardId};
use runtime::{Clock, Exit, Purpose, Result, Runtime, Signal, Spawn, TaskClass};
use std::rc::Rc;

use crate::counters::Counters;
use crate::mesh::LiveMesh;
use crate::shard::{Shard, wait_among, yield_once};
use crate::sys;
use crate::timers::TimerKey;

/// One shard's handle to the real machine; cheap to clone, stays on its thread.
#[derive(Clone)]
pub struct Live(pub(crate) Rc<Shard>);

impl Live {
    /// What this shard has counted so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.0.counters()
    }
}

impl Runtime for Live {
    type Probe = LiveProbe;
    type Mesh<M: Send + 'static> = LiveMesh<M>;

    fn probe(&self) -> LiveProbe {
        LiveProbe
    }
}

impl Clock for Live {
    fn now(&self) -> Now {
        self.0.now()
    }

    fn now_exact(&self) -> Now {
        sys::clocks()
    }

    async fn sleep_until(&self, at: Instant) {
        let mut sleeper = Sleeper { shard: &self.0, key: None };
        poll_fn(|context| {
            if at <= self.0.now().mono {
                return Poll::Ready(());
            }
            let mut timers = self.0.timers.borrow_mut();
            match sleeper.key {
                Some(key) => timers.replace(key, context.waker()),
                None => sleeper.key = Some(timers.add(at, context.waker().clone())),
            }
            Poll::Pending
        })
        .await;
    }
}

/// Leaves the timers when the sleep is over or dropped.
struct Sleeper<'a> {
    shard: &'a Shard,
    key: Option<TimerKey>,
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.shard.timers.borrow_mut().remove(key);
        }
    }
}

impl Spawn for Live {
    fn shard(&self) -> ShardId {
        self.0.id
    }

    fn shard_count(&self) -> u16 {
        self.0.peers.len() as u16
    }

    fn spawn(
        &self,
        name: &'static str,
        class: TaskClass,
        task: impl Future<Output = ()> + 'static,
    ) {
        self.0.executor.spawn(name, class, task);
    }

    async fn yield_now(&self) {
        yield_once().await;
    }

    async fn offload<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        self.0.offload.run(work).await
    }

    fn random(&self, purpose: Purpose) -> u64 {
        self.0.random.borrow_mut().next(purpose)
    }

    async fn signal(&self) -> Signal {
        poll_fn(|context| {
            if self.0.shared.node.stop_asked() {
                return Poll::Ready(Signal::Stop);
            }
            wait_among(&self.0.signal_waiters, context);
            Poll::Pending
        })
        .await
    }

    fn exit(&self, how: Exit) {
        self.0.exit(how);
    }
}
