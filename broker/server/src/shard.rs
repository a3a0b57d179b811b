//! One shard: a thread with everything it owns.
//!
//! Promises: shard state is touched by this thread only; no borrow of it lives across an `.await`.
//! Does not: know a backend; other shards are reached through the mesh.

mod start;

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::rc::Rc;

use model::{Limits, ShardId};
use runtime::Runtime;

use crate::boot::{Boot, Level, Line};
use crate::mesh::MeshClient;
use crate::net::{Connections, ReceiveBudget};
use crate::stats::Stats;

pub(crate) use start::FIRST;
pub use start::run;

/// The shard's state, shared by its tasks.
pub(crate) struct Shard<R: Runtime> {
    pub(crate) rt: R,
    pub(crate) id: ShardId,
    pub(crate) shard_count: u16,
    pub(crate) limits: Limits,
    pub(crate) boot: Boot,
    pub(crate) mesh: MeshClient<R>,
    pub(crate) stats: RefCell<Stats>,
    pub(crate) connections: RefCell<Connections<R>>,
    /// Bounds the bytes of large frames that are being received or worked on.
    pub(crate) receive_budget: ReceiveBudget,
    /// Set when the node was asked to stop: no new connection, no new request.
    pub(crate) stopping: Cell<bool>,
    arrivals: start::Arrivals,
}

impl<R: Runtime> Shard<R> {
    fn new(rt: R, mesh: MeshClient<R>, boot: Boot) -> Rc<Self> {
        let limits = boot.limits.clone();
        let idle = Duration::from_millis(boot.idle_ms_max);
        Rc::new(Self {
            id: rt.shard(),
            shard_count: rt.shard_count(),
            mesh,
            stats: RefCell::default(),
            connections: RefCell::new(Connections::new(limits.connections, idle)),
            receive_budget: ReceiveBudget::new(limits.receive_bytes),
            stopping: Cell::new(false),
            arrivals: start::Arrivals::default(),
            rt,
            limits,
            boot,
        })
    }

    /// One line for the operator.
    pub(crate) fn log(&self, level: Level, text: impl Into<String>) {
        (self.boot.log)(Line { level, shard: self.id.0, text: text.into() });
    }

    /// Changes counters. The closure must not reach back into the shard.
    pub(crate) fn count(&self, change: impl FnOnce(&mut Stats)) {
        change(&mut self.stats.borrow_mut());
    }

    /// Every shard of this node.
    pub(crate) fn shards(&self) -> impl Iterator<Item = ShardId> + use<R> {
        (0..self.shard_count).map(ShardId)
    }
}
