//! This shard's end of the mesh.

use core::cell::{Cell, RefCell};
use std::collections::VecDeque;

use model::{Buggify, Limits, Offset, Probe, ShardId, Site, Slot, Slots};
use runtime::sync::{Promise, oneshot};
use runtime::{Disk, Lane, Mesh, Runtime, TaskClass};
use std::rc::Rc;

use super::{Message, Notice, Reply, Request};

type ReplyOf<R> = Reply<<R as Disk>::File>;

/// Cheap to clone.
pub(crate) struct MeshClient<R: Runtime>(Rc<Inner<R>>);

struct Inner<R: Runtime> {
    rt: R,
    mesh: R::Mesh<Message<R>>,
    /// Who waits for which reply. The slot is reserved before the request leaves, so that a reply
    /// always has a place to go.
    waiting: RefCell<Slots<Promise<ReplyOf<R>>>>,
    /// Replies and notices that met a full queue, per shard. Bounded by what the other shards
    /// have reserved.
    outbox: RefCell<Vec<VecDeque<Message<R>>>>,
    /// End of this shard's metadata image: the stamp of its requests.
    image_end: Cell<Offset>,
}

impl<R: Runtime> Clone for MeshClient<R> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<R: Runtime> MeshClient<R> {
    pub(crate) fn new(rt: R, mesh: R::Mesh<Message<R>>, limits: &Limits) -> Self {
        let outbox = (0..rt.shard_count()).map(|_| VecDeque::new()).collect();
        Self(Rc::new(Inner {
            rt,
            mesh,
            waiting: RefCell::new(Slots::new(limits.waiters)),
            outbox: RefCell::new(outbox),
            image_end: Cell::new(Offset::ZERO),
        }))
    }

    /// The image that requests are routed by from now on ends here.
    pub(crate) fn stamp_with(&self, image_end: Offset) {
        self.0.image_end.set(image_end);
    }

    /// Queues a request; the result resolves to its reply.
    ///
    /// Returns once the request is queued, so that two submissions of one task arrive in order.
    /// `None` when too many requests wait for replies, or (from the result) when the node stops.
    pub(crate) async fn submit(
        &self,
        to: ShardId,
        request: Request,
    ) -> Option<runtime::sync::Reply<ReplyOf<R>>> {
        let (promise, reply) = oneshot();
        let token = self.0.waiting.borrow_mut().insert(promise).ok()?;
        let routed_by = self.0.image_end.get();
        self.send(to, Lane::Request, Message::Request { token, routed_by, request }).await;
        Some(reply)
    }

    /// [`MeshClient::submit`] and the wait for the reply.
    pub(crate) async fn call(&self, to: ShardId, request: Request) -> Option<ReplyOf<R>> {
        self.submit(to, request).await?.await
    }

    /// Queues a notice, waiting for room.
    pub(crate) async fn notify(&self, to: ShardId, notice: Notice<R>) {
        self.send(to, Lane::Request, Message::Notice(notice)).await;
    }

    async fn send(&self, to: ShardId, lane: Lane, message: Message<R>) {
        let mut unsent = message;
        if self.acts_full() {
            self.0.mesh.ready(to, lane).await;
        }
        loop {
            match self.0.mesh.try_send(to, lane, unsent) {
                Ok(()) => return,
                Err(back) => unsent = back,
            }
            self.0.rt.probe().sometimes(Site::MeshFull);
            self.0.mesh.ready(to, lane).await;
        }
    }

    /// Answers a request. Never waits: what meets a full queue goes out when there is room.
    pub(crate) fn reply(&self, to: ShardId, token: Slot, reply: ReplyOf<R>) {
        self.post(to, Message::Reply { token, reply });
    }

    /// Like [`MeshClient::notify`] without the wait, for notices whose number is bounded by
    /// something that the other shard has reserved.
    pub(crate) fn post_notice(&self, to: ShardId, notice: Notice<R>) {
        self.post(to, Message::Notice(notice));
    }

    fn post(&self, to: ShardId, message: Message<R>) {
        let at = usize::from(to.0);
        let mut outbox = self.0.outbox.borrow_mut();
        if !outbox[at].is_empty() {
            outbox[at].push_back(message);
            return;
        }
        let sent = match self.acts_full() {
            true => Err(message),
            false => self.0.mesh.try_send(to, Lane::Reply, message),
        };
        if let Err(back) = sent {
            outbox[at].push_back(back);
            drop(outbox);
            self.0.rt.probe().sometimes(Site::MeshFull);
            let client = self.clone();
            let flush = async move { client.flush(to).await };
            self.0.rt.spawn("mesh outbox", TaskClass::Latency, flush);
        }
    }

    fn acts_full(&self) -> bool {
        R::Probe::ON && self.0.rt.probe().buggify(Buggify::MeshFull)
    }

    /// Sends what waits for one shard, in order; ends when nothing is left.
    async fn flush(&self, to: ShardId) {
        loop {
            self.0.mesh.ready(to, Lane::Reply).await;
            let mut outbox = self.0.outbox.borrow_mut();
            let queue = &mut outbox[usize::from(to.0)];
            while let Some(message) = queue.pop_front() {
                if let Err(back) = self.0.mesh.try_send(to, Lane::Reply, message) {
                    queue.push_front(back);
                    break;
                }
            }
            if queue.is_empty() {
                return;
            }
        }
    }

    /// The next request or notice. Replies on the way are given to their tasks.
    pub(crate) async fn recv(&self) -> (ShardId, Inbound<R>) {
        loop {
            let (from, message) = self.0.mesh.recv().await;
            match message {
                Message::Request { token, routed_by, request } => {
                    return (from, Inbound::Request(Asked { from, token, routed_by, request }));
                }
                Message::Notice(notice) => return (from, Inbound::Notice(notice)),
                Message::Reply { token, reply } => {
                    let promise = self.0.waiting.borrow_mut().remove(token);
                    if let Some(promise) = promise {
                        promise.fulfil(reply);
                    }
                }
            }
        }
    }
}

/// A request and who wants its reply.
pub(crate) struct Asked {
    pub(crate) from: ShardId,
    pub(crate) token: Slot,
    pub(crate) routed_by: Offset,
    pub(crate) request: Request,
}

/// What a shard must act on.
pub(crate) enum Inbound<R: Runtime> {
    Request(Asked),
    Notice(Notice<R>),
}
