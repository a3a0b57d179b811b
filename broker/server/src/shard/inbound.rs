//! What other shards send.
//!
//! Promises: messages are taken whatever else is going on; what cannot be answered at once becomes a
//! task of its own, so that two shards cannot hold each other up.

use core::cell::RefCell;
use std::rc::Rc;

use model::{ShardId, Slot};
use runtime::sync::Receiver;
use runtime::{Runtime, TaskClass};

use super::{Shard, upkeep};
use crate::control::{self, SharedDelta};
use crate::fetch::read_group;
use crate::mesh::{Inbound, Notice, Reply, Request};
use crate::net;
use crate::produce::{Owner, append_all};
use crate::query;

/// Serves the mesh until the node stops.
pub(super) async fn serve<R: Runtime>(shard: &Rc<Shard<R>>) {
    loop {
        let (from, inbound) = shard.mesh.recv().await;
        match inbound {
            Inbound::Request(token, request) => serve_request(shard, from, token, request),
            Inbound::Notice(notice) => serve_notice(shard, from, notice),
        }
    }
}

fn serve_request<R: Runtime>(shard: &Rc<Shard<R>>, from: ShardId, token: Slot, request: Request) {
    match request {
        Request::Barrier(step) => shard.arrivals.arrive(shard, from, token, step),
        Request::Produce { appends, acks } => {
            append_all(shard, &appends, acks, Owner::Mesh { shard: from, token });
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
        Request::Checkpoints => {
            let checkpoints = shard.store().checkpoints();
            shard.store().request_syncs();
            shard.mesh.reply(from, token, Reply::Checkpoints(checkpoints));
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
        Notice::Wake(tokens) => tokens.into_iter().for_each(|token| shard.wakes.wake(token)),
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
