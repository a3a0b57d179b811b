//! Queues between shards: one producer, one consumer and one lane each, no lock.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::sync::atomic::{AtomicBool, Ordering, fence};
use core::task::Poll;
use model::ShardId;
use rtrb::{Consumer, Producer, PushError, RingBuffer};
use runtime::{Lane, Mesh};
use std::rc::Rc;
use std::sync::Arc;

use crate::shard::{Shard, wait_among};

/// Index of a lane; replies are received first.
const fn lane_index(lane: Lane) -> usize {
    match lane {
        Lane::Reply => 0,
        Lane::Request => 1,
    }
}

const LANES: usize = 2;

/// One shard's ends before the shard has its thread.
pub(crate) struct Ends<M> {
    to: Vec<[Outgoing<M>; LANES]>,
    from: Vec<[Incoming<M>; LANES]>,
}

struct Outgoing<M> {
    queue: Producer<M>,
    /// The producer waits for room; the consumer clears it and rings.
    wants_room: Arc<AtomicBool>,
}

struct Incoming<M> {
    queue: Consumer<M>,
    wants_room: Arc<AtomicBool>,
}

/// All queues of a node, as each shard's ends.
pub(crate) fn build<M>(shards: usize, capacity: usize) -> Vec<Ends<M>> {
    let mut ends: Vec<Ends<M>> =
        (0..shards).map(|_| Ends { to: Vec::new(), from: Vec::new() }).collect();
    for to in 0..shards {
        for from in 0..shards {
            let lanes: [_; LANES] = core::array::from_fn(|_| {
                let (producer, consumer) = RingBuffer::new(capacity);
                let wants_room = Arc::new(AtomicBool::new(false));
                let outgoing = Outgoing { queue: producer, wants_room: Arc::clone(&wants_room) };
                (outgoing, Incoming { queue: consumer, wants_room })
            });
            let [(out_a, in_a), (out_b, in_b)] = lanes;
            ends[from].to.push([out_a, out_b]);
            ends[to].from.push([in_a, in_b]);
        }
    }
    ends
}

/// One shard's end of the queues between the shards of a node.
pub struct LiveMesh<M>(Rc<Inner<M>>);

struct Inner<M> {
    shard: Rc<Shard>,
    to: RefCell<Vec<[Outgoing<M>; LANES]>>,
    from: RefCell<Vec<[Incoming<M>; LANES]>>,
    /// Whose queue is looked at first, so that no shard is always last.
    first: Cell<usize>,
}

impl<M> Clone for LiveMesh<M> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<M> LiveMesh<M> {
    pub(crate) fn new(shard: &Rc<Shard>, ends: Ends<M>) -> Self {
        Self(Rc::new(Inner {
            shard: Rc::clone(shard),
            to: RefCell::new(ends.to),
            from: RefCell::new(ends.from),
            first: Cell::new(0),
        }))
    }

    fn take(&self) -> Option<(ShardId, M)> {
        let mut from = self.0.from.borrow_mut();
        let shards = from.len();
        for lane in 0..LANES {
            for step in 0..shards {
                let peer = (self.0.first.get() + step) % shards;
                let incoming = &mut from[peer][lane];
                let Ok(message) = incoming.queue.pop() else { continue };
                self.0.first.set((peer + 1) % shards);
                self.tell_room(peer, &incoming.wants_room);
                return Some((ShardId(peer as u16), message));
            }
        }
        None
    }

    fn tell_room(&self, peer: usize, wants_room: &AtomicBool) {
        // The room must be visible before the look at the flag, see `ready`.
        fence(Ordering::SeqCst);
        if wants_room.load(Ordering::Relaxed) && wants_room.swap(false, Ordering::SeqCst) {
            self.ring(peer);
        }
    }

    fn ring(&self, peer: usize) {
        self.0.shard.peers[peer].post_mail();
        self.0.shard.wake_peer(peer);
    }
}

impl<M: Send + 'static> Mesh<M> for LiveMesh<M> {
    fn try_send(&self, to: ShardId, lane: Lane, message: M) -> Result<(), M> {
        let peer = usize::from(to.0);
        let mut queues = self.0.to.borrow_mut();
        let outgoing = &mut queues[peer][lane_index(lane)];
        if let Err(PushError::Full(message)) = outgoing.queue.push(message) {
            return Err(message);
        }
        self.ring(peer);
        Ok(())
    }

    async fn ready(&self, to: ShardId, lane: Lane) {
        let (peer, lane) = (usize::from(to.0), lane_index(lane));
        poll_fn(|context| {
            let queues = self.0.to.borrow();
            let outgoing = &queues[peer][lane];
            if !outgoing.queue.is_full() {
                return Poll::Ready(());
            }
            outgoing.wants_room.store(true, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            if !outgoing.queue.is_full() {
                return Poll::Ready(());
            }
            wait_among(&self.0.shard.mail_waiters, context);
            Poll::Pending
        })
        .await;
    }

    async fn recv(&self) -> (ShardId, M) {
        poll_fn(|context| match self.take() {
            Some(found) => Poll::Ready(found),
            None => {
                wait_among(&self.0.shard.mail_waiters, context);
                Poll::Pending
            }
        })
        .await
    }
}
