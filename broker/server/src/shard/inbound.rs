//! What other shards send.
//!
//! Promises: messages are taken whatever else is going on; what cannot be answered at once becomes a
//! task of its own, so that two shards cannot hold each other up. A request that was routed by newer
//! metadata than this shard has applied waits for it, in order, and never meets the older.

use core::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use model::{Offset, ShardId, Slot};
use runtime::sync::Receiver;
use runtime::{Runtime, TaskClass};

use super::{Shard, upkeep};
use crate::control::{self, SharedDelta};
use crate::coordinators::Asker;
use crate::fetch::read_group;
use crate::mesh::{Asked, Inbound, Notice, Reply, Request};
use crate::net;
use crate::produce::{Owner, append_all};
use crate::query;

/// Serves the mesh until the node stops.
pub(super) async fn serve<R: Runtime>(shard: &Rc<Shard<R>>) {
    loop {
        let (from, inbound) = shard.mesh.recv().await;
        match inbound {
            Inbound::Request(asked) => {
                if let Some(asked) = shard.ahead.admit(shard, asked) {
                    serve_request(shard, asked);
                }
            }
            Inbound::Notice(notice) => serve_notice(shard, from, notice),
        }
    }
}

/// Requests that wait for metadata. Their askers have reserved a place for each reply, which bounds
/// them; they wait no longer than the controller does for this shard to apply.
#[derive(Default)]
pub(crate) struct Ahead {
    applied: Cell<Offset>,
    waiting: RefCell<VecDeque<Asked>>,
}

impl Ahead {
    /// The request, unless it must wait. What one shard asks later was not routed by less, so waiting
    /// changes no order.
    fn admit<R: Runtime>(&self, shard: &Shard<R>, asked: Asked) -> Option<Asked> {
        if !asked.request.is_routed() || asked.routed_by <= self.applied.get() {
            return Some(asked);
        }
        shard.count(|stats| stats.mesh_ahead += 1);
        self.waiting.borrow_mut().push_back(asked);
        None
    }

    /// This shard's topics and partitions follow the metadata up to here.
    fn applied(&self, end: Offset) -> VecDeque<Asked> {
        self.applied.set(end);
        let mut waiting = self.waiting.borrow_mut();
        let (now, later) = waiting.drain(..).partition(|asked| asked.routed_by <= end);
        *waiting = later;
        now
    }
}

/// Everything up to `end` is applied: serves who waited for it.
pub(crate) fn serve_ahead<R: Runtime>(shard: &Rc<Shard<R>>, end: Offset) {
    for asked in shard.ahead.applied(end) {
        serve_request(shard, asked);
    }
}

fn serve_request<R: Runtime>(shard: &Rc<Shard<R>>, asked: Asked) {
    let Asked { from, token, request, .. } = asked;
    match request {
        Request::Barrier(step) => shard.arrivals.arrive(shard, from, token, step),
        Request::Produce { appends, acks, deadline } => {
            append_all(shard, &appends, acks, deadline, Owner::Mesh { shard: from, token });
        }
        Request::Fetch(group) => {
            answer(shard, from, token, "fetch for a shard", async move |shard| {
                Reply::Fetched(read_group(shard, &group).await)
            })
        }
        Request::Query(questions) => {
            answer(shard, from, token, "query for a shard", async move |shard| {
                let mut answers = Vec::with_capacity(questions.len());
                for (at, query) in questions {
                    answers.push(query::answer(shard, at, query).await);
                }
                Reply::Answered(answers)
            });
        }
        Request::Group { at, ask } => {
            shard.coordinators.serve(shard, at, *ask, Asker::Mesh { shard: from, token });
        }
        Request::ListGroups => {
            shard.mesh.reply(from, token, Reply::Groups(shard.coordinators.list()));
        }
        Request::Metadata(delta) => {
            let queued = shard.deltas.try_send((from, token, delta));
            assert!(queued.is_ok(), "the controller waits for each answer");
        }
        Request::Admin(request) => {
            answer(shard, from, token, "admin for a shard", async move |shard| {
                match control::submit(shard, request).await {
                    Ok(response) => Reply::Admin(Box::new(response)),
                    // The node ends; the asker takes any other answer for "stopping".
                    Err(_) => Reply::Done,
                }
            });
        }
        Request::Checkpoints { syncs } => {
            answer(shard, from, token, "checkpoints for a shard", async move |shard| {
                Reply::Checkpoints(upkeep::checkpoints(shard, syncs).await)
            });
        }
        Request::Close => answer(shard, from, token, "close for a shard", async move |shard| {
            Reply::Closed(upkeep::close(shard).await)
        }),
        Request::Snapshot => {
            shard.mesh.reply(from, token, Reply::Snapshot(Box::new(shard.snapshot())));
        }
    }
}

/// Deltas that wait: the controller sends the next when this one is applied everywhere.
pub(super) const DELTAS_WAITING: usize = 4;

/// A delta, and who waits until it is applied.
pub(super) type Arrived = (ShardId, Slot, SharedDelta);

/// Applies what comes, one after the other.
pub(super) async fn apply_deltas<R: Runtime>(shard: &Rc<Shard<R>>, mut deltas: Receiver<Arrived>) {
    while let Some((from, token, delta)) = deltas.recv().await {
        control::apply(shard, &delta).await;
        shard.mesh.reply(from, token, Reply::Done);
    }
}

fn serve_notice<R: Runtime>(shard: &Rc<Shard<R>>, from: ShardId, notice: Notice<R>) {
    match notice {
        Notice::Adopt { connection, listener } => {
            net::serve(shard, shard.rt.adopt(connection), listener);
        }
        Notice::ConnectionsClosed(count) => {
            shard.connections.borrow_mut().closed_on(from, count);
        }
        Notice::Wake(watches) => watches.into_iter().for_each(|it| shard.wakes.wake(it)),
        Notice::LogOffline { at, failure } => shard.offline.add(at, failure),
        Notice::LogOnline { at } => shard.offline.remove(at),
        Notice::Directories(directories) => shard.directories.set(directories),
    }
}

/// Answers from a task of its own.
fn answer<R: Runtime>(
    shard: &Rc<Shard<R>>,
    to: ShardId,
    token: Slot,
    name: &'static str,
    work: impl AsyncFnOnce(&Shard<R>) -> Reply<<R as runtime::Disk>::File> + 'static,
) {
    let task_shard = Rc::clone(shard);
    shard.rt.spawn(name, TaskClass::Latency, async move {
        let reply = work(&task_shard).await;
        task_shard.mesh.reply(to, token, reply);
    });
}

/// Shards that wait at a barrier; only the first shard has any.
#[derive(Default)]
pub(super) struct Arrivals(RefCell<Vec<(ShardId, Slot, u32)>>);

impl Arrivals {
    fn arrive<R: Runtime>(&self, shard: &Shard<R>, from: ShardId, token: Slot, step: u32) {
        let mut waiting = self.0.borrow_mut();
        waiting.push((from, token, step));
        let here = |(_, _, at): &(ShardId, Slot, u32)| *at == step;
        if waiting.iter().filter(|arrival| here(arrival)).count() < usize::from(shard.shard_count) {
            return;
        }
        for (to, token, _) in waiting.extract_if(.., |arrival| here(arrival)) {
            shard.mesh.reply(to, token, Reply::Done);
        }
    }
}
