//! One shard's handle to its simulated machine: clock, tasks, randomness, life and death.

use core::future::{Future, poll_fn};
use core::task::{Poll, Waker};
use model::{Instant, Live, Now, Probe, ShardId};
use std::rc::Rc;

use super::events::{Event, Key};
use super::mesh::MemoryMesh;
use super::post::{Note, Post};
use super::random::{Concern, moment};
use super::state::{Process, Shared, State};
use super::world::StopHandle;
use crate::{Clock, Error, Exit, Purpose, Result, Runtime, Signal, Spawn, TaskClass, sync};

/// Implements the whole seam for one shard of one life of one node.
#[derive(Clone)]
pub struct MemoryRuntime<P: Probe = Live> {
    shared: Shared,
    post: Post,
    process: Process,
    shard: ShardId,
    probe: P,
}

impl<P: Probe> MemoryRuntime<P> {
    pub(super) fn new(shared: &Shared, process: Process, shard: ShardId, probe: P) -> Self {
        let post = shared.borrow().post.clone();
        Self { shared: Rc::clone(shared), post, process, shard, probe }
    }

    pub(super) fn process(&self) -> Process {
        self.process
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn post(&self) -> &Post {
        &self.post
    }

    pub(super) fn with<T>(&self, act: impl FnOnce(&mut State, Process) -> T) -> T {
        act(&mut self.shared.borrow_mut(), self.process)
    }

    /// Asks this node to stop, from any thread: what a signal does to a live broker.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle::new(self.post.clone(), self.process.node)
    }
}

/// A timer in the event queue; dropped, it leaves nothing behind.
struct Timer {
    key: Key,
    waker: Waker,
    shared: Shared,
    post: Post,
}

impl Drop for Timer {
    fn drop(&mut self) {
        match self.shared.try_borrow_mut() {
            Ok(mut state) => drop(state.events.cancel(self.key)),
            Err(_) => self.post.put(Note::TimerDropped(self.key)),
        }
    }
}

impl<P: Probe> Clock for MemoryRuntime<P> {
    fn now(&self) -> Now {
        self.with(|state, Process { node, .. }| Now {
            mono: state.local_now(node),
            wall_ms: state.wall_ms(node),
        })
    }

    fn now_exact(&self) -> Now {
        self.now()
    }

    async fn sleep_until(&self, at: Instant) {
        let mut armed: Option<Timer> = None;
        poll_fn(|context| {
            if at == Instant::FAR {
                return Poll::Pending;
            }
            if self.with(|state, process| state.local_now(process.node) >= at) {
                return Poll::Ready(());
            }
            let waker = context.waker();
            if armed.as_ref().is_none_or(|timer| !timer.waker.will_wake(waker)) {
                armed = self.arm(at, waker);
            }
            Poll::Pending
        })
        .await;
    }
}

impl<P: Probe> MemoryRuntime<P> {
    /// `None` when the process is dead: nobody polls its tasks again.
    fn arm(&self, local: Instant, waker: &Waker) -> Option<Timer> {
        let key = self.with(|state, process| {
            if !state.is_alive(process) {
                return None;
            }
            state.counters.timers_armed += 1;
            let at = state.nodes[process.node].clock.world_time(local);
            let what = state.next_request();
            let event = Event::Timer { process, waker: waker.clone(), local };
            Some(state.schedule(at, what, event))
        })?;
        let (shared, post) = (Rc::clone(&self.shared), self.post.clone());
        Some(Timer { key, waker: waker.clone(), shared, post })
    }
}

impl<P: Probe> Spawn for MemoryRuntime<P> {
    fn shard(&self) -> ShardId {
        self.shard
    }

    fn shard_count(&self) -> u16 {
        self.with(|state, process| state.nodes[process.node].options.shards)
    }

    /// The class decides nothing here: every order of ready tasks is a legal one.
    fn spawn(&self, name: &'static str, _: TaskClass, task: impl Future<Output = ()> + 'static) {
        let body = Box::pin(task);
        let refused = self.with(|state, process| state.spawn(process, self.shard, name, body));
        // A task of a dead process is dropped here, where nothing is borrowed.
        drop(refused);
    }

    /// Two rounds: who became ready together with this task shares the first one with it.
    async fn yield_now(&self) {
        let mut rounds = 0;
        poll_fn(|context| {
            if rounds == 2 {
                return Poll::Ready(());
            }
            rounds += 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    async fn offload<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let (promise, reply) = sync::oneshot();
        let work = Box::new(move || promise.fulfil(work()));
        self.with(|state, process| {
            if !state.admits(process) {
                return Err(Error::Cancelled);
            }
            let node = &mut state.nodes[process.node];
            if node.offloads == node.options.offload_queue_len {
                return Err(Error::Full);
            }
            node.offloads += 1;
            state.charge_call(0);
            let what = state.next_request();
            let key = [what[0], moment(state.now)];
            let took_ns = state.random.within(Concern::OffloadTime, &key, 20_000..=2_000_000);
            let at = Instant(state.now.0 + took_ns);
            state.schedule(at, what, Event::Offload { process, work });
            Ok(())
        })?;
        match reply.await {
            Some(value) => Ok(value),
            // The process is dead; nobody polls this task again.
            None => core::future::pending().await,
        }
    }

    fn random(&self, purpose: Purpose) -> u64 {
        self.with(|state, process| state.draw_for_program(process, self.shard, purpose))
    }

    async fn signal(&self) -> Signal {
        poll_fn(|context| {
            self.with(|state, process| {
                let node = &mut state.nodes[process.node];
                if node.stop_asked {
                    return Poll::Ready(Signal::Stop);
                }
                if !node.stop_waiters.iter().any(|waker| waker.will_wake(context.waker())) {
                    node.stop_waiters.push(context.waker().clone());
                }
                Poll::Pending
            })
        })
        .await
    }

    fn exit(&self, how: Exit) {
        self.with(|state, process| {
            if state.admits(process) {
                state.nodes[process.node].exiting.get_or_insert(how);
            }
        });
    }
}

impl<P: Probe> Runtime for MemoryRuntime<P> {
    type Probe = P;
    type Mesh<M: Send + 'static> = MemoryMesh<M>;

    fn probe(&self) -> P {
        self.probe.clone()
    }
}
