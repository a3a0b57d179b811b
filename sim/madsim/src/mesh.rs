//! Queues between the shards of one node. In order, bounded, without delay.

use model::ShardId;
use runtime::{Lane, Mesh};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use crate::gate::Gate;

const LANES: [Lane; 2] = [Lane::Reply, Lane::Request];

/// All queues of one node.
pub(crate) struct Queues<M> {
    shards: usize,
    len_max: usize,
    /// By receiver, lane and sender.
    queues: Vec<Mutex<VecDeque<M>>>,
    changed: Gate,
}

impl<M> Queues<M> {
    pub(crate) fn new(shards: u16, len_max: usize) -> Self {
        let shards = usize::from(shards);
        let queues = (0..shards * shards * LANES.len()).map(|_| Mutex::default()).collect();
        Self { shards, len_max, queues, changed: Gate::default() }
    }

    fn queue(&self, from: usize, to: usize, lane: Lane) -> &Mutex<VecDeque<M>> {
        let lane = LANES.iter().position(|it| *it == lane).expect("both lanes are listed");
        &self.queues[(to * LANES.len() + lane) * self.shards + from]
    }
}

/// One shard's end of all queues.
pub struct MadsimMesh<M> {
    shard: ShardId,
    queues: Arc<Queues<M>>,
}

impl<M> Clone for MadsimMesh<M> {
    fn clone(&self) -> Self {
        Self { shard: self.shard, queues: Arc::clone(&self.queues) }
    }
}

impl<M> MadsimMesh<M> {
    pub(crate) fn new(shard: ShardId, queues: Arc<Queues<M>>) -> Self {
        Self { shard, queues }
    }

    fn to(&self, shard: ShardId, lane: Lane) -> &Mutex<VecDeque<M>> {
        self.queues.queue(usize::from(self.shard.0), usize::from(shard.0), lane)
    }
}

impl<M: 'static> Mesh<M> for MadsimMesh<M> {
    fn try_send(&self, to: ShardId, lane: Lane, message: M) -> Result<(), M> {
        {
            let mut queue = self.to(to, lane).lock().expect("one thread");
            if queue.len() == self.queues.len_max {
                return Err(message);
            }
            queue.push_back(message);
        }
        self.queues.changed.changed();
        Ok(())
    }

    async fn ready(&self, to: ShardId, lane: Lane) {
        let has_room = || {
            let len = self.to(to, lane).lock().expect("one thread").len();
            (len < self.queues.len_max).then_some(())
        };
        self.queues.changed.wait_for(has_room).await;
    }

    async fn recv(&self) -> (ShardId, M) {
        let here = usize::from(self.shard.0);
        let next = || {
            LANES.iter().find_map(|lane| {
                (0..self.queues.shards).find_map(|from| {
                    let mut queue =
                        self.queues.queue(from, here, *lane).lock().expect("one thread");
                    let from = ShardId(u16::try_from(from).expect("counted from u16"));
                    queue.pop_front().map(|message| (from, message))
                })
            })
        };
        let received = self.queues.changed.wait_for(next).await;
        self.queues.changed.changed();
        received
    }
}
