//! The queues between the shards of one node, with a delay.

use core::any::Any;
use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::ops::RangeInclusive;
use core::task::{Poll, Waker};
use core::time::Duration;
use model::{Instant, Probe, ShardId};
use std::collections::VecDeque;
use std::rc::Rc;

use super::events::Event;
use super::random::{Concern, moment};
use super::runtime::MemoryRuntime;
use super::state::{Process, Shared};
use super::trace::Kind;
use crate::{Lane, Mesh};

/// How long until a shard that is at work sees a message, and until one that sleeps has woken up.
const VISIBLE_NS: RangeInclusive<u64> = 300..=4_000;
const WAKE_NS: RangeInclusive<u64> = 1_500..=12_000;

/// Wakes the shard that sleeps in `recv`.
#[derive(Default)]
pub(super) struct Doorbell(Cell<Option<Waker>>);

impl Doorbell {
    pub(super) fn ring(&self) {
        if let Some(waker) = self.0.take() {
            waker.wake();
        }
    }
}

/// From one shard to one other, one lane.
struct Queue<M> {
    /// Each message with the instant from which the receiver sees it.
    messages: VecDeque<(Instant, M)>,
    waiting: Vec<Waker>,
}

/// All queues of one boot of one node: `queues[lane][to][from]`.
struct Queues<M> {
    queues: [Vec<Vec<Queue<M>>>; 2],
    doorbells: Vec<Rc<Doorbell>>,
    capacity: usize,
}

/// The mailboxes of one node, whatever they carry.
pub(super) trait Mailboxes {
    /// Empties all queues for good; the messages are dropped once nobody borrows the world.
    fn close(&self) -> Box<dyn Any>;
}

impl<M: 'static> Mailboxes for RefCell<Queues<M>> {
    fn close(&self) -> Box<dyn Any> {
        let mut queues = self.borrow_mut();
        let all = queues.queues.iter_mut().flatten().flatten();
        let messages: Vec<_> = all.flat_map(|queue| queue.messages.drain(..)).collect();
        Box::new(messages)
    }
}

/// One shard's end of the mesh.
pub struct MemoryMesh<M> {
    queues: Rc<RefCell<Queues<M>>>,
    shard: usize,
    process: Process,
    shared: Shared,
}

impl<M> Clone for MemoryMesh<M> {
    fn clone(&self) -> Self {
        let (queues, shared) = (Rc::clone(&self.queues), self.shared.clone());
        Self { queues, shared, shard: self.shard, process: self.process }
    }
}

impl<M: 'static> MemoryMesh<M> {
    /// The ends of all shards of one node, whose queues hold `capacity` messages each.
    pub(super) fn of_node<P: Probe>(shards: &[MemoryRuntime<P>], capacity: usize) -> Vec<Self> {
        let queue = || Queue { messages: VecDeque::new(), waiting: Vec::new() };
        let lane = || {
            let row = || shards.iter().map(|_| queue()).collect();
            shards.iter().map(|_| row()).collect()
        };
        let doorbells = shards.iter().map(|_| Rc::default()).collect();
        let queues = Queues { queues: [lane(), lane()], doorbells, capacity };
        let queues = Rc::new(RefCell::new(queues));
        let end = |(shard, rt): (usize, &MemoryRuntime<P>)| {
            let (queues, shared) = (Rc::clone(&queues), rt.shared().clone());
            Self { queues, shard, process: rt.process(), shared }
        };
        shards.iter().enumerate().map(end).collect()
    }

    pub(super) fn mailboxes(&self) -> Rc<dyn Mailboxes> {
        Rc::clone(&self.queues) as Rc<dyn Mailboxes>
    }
}

fn index(lane: Lane) -> usize {
    match lane {
        Lane::Request => 0,
        Lane::Reply => 1,
    }
}

impl<M: Send + 'static> Mesh<M> for MemoryMesh<M> {
    fn try_send(&self, to: ShardId, lane: Lane, message: M) -> Result<(), M> {
        let mut queues = self.queues.borrow_mut();
        let (target, capacity) = (usize::from(to.0), queues.capacity);
        let bell = Rc::clone(&queues.doorbells[target]);
        let queue = &mut queues.queues[index(lane)][target][self.shard];
        let mut state = self.shared.borrow_mut();
        if queue.messages.len() == capacity || !state.admits(self.process) {
            return Err(message);
        }
        state.charge(0);
        let Process { node, .. } = self.process;
        let place = (node << 40 | self.shard << 20 | target << 1 | index(lane)) as u64;
        let key = [place, moment(state.now)];
        let asleep = state.nodes[node].shards[target].sleeps(state.now);
        let range = if asleep { WAKE_NS } else { VISIBLE_NS };
        let delay_ns = state.random.within(Concern::MeshLatency, &key, range);
        let earlier = queue.messages.back().map_or(Instant(0), |(visible, _)| *visible);
        let visible = earlier.max(state.now + Duration::from_nanos(delay_ns));
        queue.messages.push_back((visible, message));
        state.counters.mesh_hops += 1;
        state.record(node, Kind::Mesh, [place, visible.0]);
        let what = state.next_request();
        state.schedule(visible, what, Event::Doorbell { process: self.process, bell });
        Ok(())
    }

    async fn ready(&self, to: ShardId, lane: Lane) {
        poll_fn(|context| {
            let mut queues = self.queues.borrow_mut();
            let capacity = queues.capacity;
            let queue = &mut queues.queues[index(lane)][usize::from(to.0)][self.shard];
            if queue.messages.len() < capacity {
                return Poll::Ready(());
            }
            if !queue.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                queue.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    async fn recv(&self) -> (ShardId, M) {
        poll_fn(|context| {
            let mut state = self.shared.borrow_mut();
            let now = state.now;
            let mut queues = self.queues.borrow_mut();
            for lane in [Lane::Reply, Lane::Request] {
                let inbound = &mut queues.queues[index(lane)][self.shard];
                let visible = |queue: &Queue<M>| queue.messages.front().map(|(at, _)| *at);
                let due = inbound.iter().enumerate().filter_map(|(from, queue)| {
                    visible(queue).filter(|at| *at <= now).map(|at| (at, from))
                });
                let Some((_, from)) = due.min() else { continue };
                let queue = &mut inbound[from];
                let (_, message) = queue.messages.pop_front().expect("just seen");
                queue.waiting.drain(..).for_each(Waker::wake);
                state.charge(0);
                let from = ShardId(u16::try_from(from).expect("shard ids are 16 bits"));
                return Poll::Ready((from, message));
            }
            queues.doorbells[self.shard].0.set(Some(context.waker().clone()));
            Poll::Pending
        })
        .await
    }
}
