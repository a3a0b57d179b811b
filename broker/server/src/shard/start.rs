//! How a shard comes up, works and stops.

use core::cell::RefCell;
use std::rc::Rc;

use model::{ShardId, Slot};
use runtime::{Exit, Runtime, TaskClass};

use super::Shard;
use crate::boot::{Boot, Level};
use crate::mesh::{Inbound, MeshClient, Message, Notice, Reply, Request};
use crate::net;

/// Where the controller lives, and the work that one shard does for all.
pub(crate) const FIRST: ShardId = ShardId(0);

/// Runs one shard until the node stops. The same call on every shard.
pub async fn run<R: Runtime>(rt: R, mesh: R::Mesh<Message<R>>, boot: Boot) {
    let client = MeshClient::new(rt.clone(), mesh, &boot.limits);
    let shard = Shard::new(rt.clone(), client, boot);
    let inbound = Rc::clone(&shard);
    rt.spawn("mesh inbound", TaskClass::Latency, async move { serve_mesh(&inbound).await });

    let started = start(&shard).await;
    if let Err(reason) = started {
        shard.log(Level::Error, format!("cannot start: {reason}"));
        rt.exit(Exit::Failed);
        return;
    }
    rt.signal().await;
    stop(&shard).await;
}

/// Every step is finished on all shards before the next begins where [`barrier`] says so.
async fn start<R: Runtime>(shard: &Rc<Shard<R>>) -> Result<(), String> {
    let mut listeners = Vec::new();
    if shard.id == FIRST {
        for spec in &shard.boot.listeners {
            let bound = shard.rt.listen(spec.bind).await;
            listeners.push(bound.map_err(|e| format!("listener {}: {e}", spec.bind))?);
        }
    }
    barrier(shard, 1).await;
    for (index, listener) in listeners.into_iter().enumerate() {
        net::spawn_listener(shard, index, listener);
    }
    net::spawn_idle_sweep(shard);
    Ok(())
}

/// Finishes what is owed, then leaves. Shard 0 ends the node when every shard is done.
async fn stop<R: Runtime>(shard: &Rc<Shard<R>>) {
    shard.stopping.set(true);
    net::close_all(shard).await;
    barrier(shard, u32::MAX).await;
    if shard.id == FIRST {
        shard.rt.exit(Exit::Clean);
    }
}

/// Waits until every shard has come to this step.
async fn barrier<R: Runtime>(shard: &Shard<R>, step: u32) {
    let _ = shard.mesh.call(FIRST, Request::Barrier(step)).await;
}

/// Shards that wait at a barrier; only shard 0 has any.
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

/// Takes whatever other shards send. Never waits for anything else, so that two shards cannot hold
/// each other up.
async fn serve_mesh<R: Runtime>(shard: &Rc<Shard<R>>) {
    loop {
        let (from, inbound) = shard.mesh.recv().await;
        match inbound {
            Inbound::Request(token, Request::Barrier(step)) => {
                shard.arrivals.arrive(shard, from, token, step);
            }
            Inbound::Request(_, Request::Nothing(_)) => {}
            Inbound::Notice(Notice::Adopt { connection, listener }) => {
                net::serve(shard, shard.rt.adopt(connection), listener);
            }
            Inbound::Notice(Notice::ConnectionsClosed(count)) => {
                shard.connections.borrow_mut().closed_on(from, count);
            }
        }
    }
}
